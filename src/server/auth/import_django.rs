//! Taking over the users of a Django database: who is taken, under which name, and what is said of the others.
//!
//! Nothing is guessed: a user whose name or address cannot be taken as it is, or not for certain, stays away and is
//! reported, unless the operator has said what to do. Whoever was taken is known again by number and address or name,
//! so that it can be repeated. An account that is here is never changed.

mod names;
mod report;

pub use report::{Finding, ImportPlan, ImportReport, Note, OnBadUsername, Problem};

use super::{AuthError, AuthService, Origin, audit::Noted};
use crate::{
    domain::{
        account::AccountId,
        credential::{Email, Username},
        history::Event,
        time::Timestamp,
    },
    server::{
        crypto::DjangoPassword,
        settings::Confirm,
        store::{
            Tx, accounts,
            django::{DjangoDatabase, DjangoError, DjangoUser},
            imported::{self, ImportedAccount},
            reservations::{self, Kept},
        },
    },
};
use names::person_name;
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    fmt,
};

/// Users that are read, and accounts that are written in one transaction: while they are noted in the audit log, other
/// writes wait.
const BATCH: i64 = 200;

/// Why an import ended before its end. What was written by then stays, and is recognised by the next one.
#[derive(Debug)]
pub enum ImportError {
    /// The Django database cannot be read.
    Django(DjangoError),
    /// The database here is away or refuses.
    Here(AuthError),
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Django(error) => write!(f, "the Django database: {error}"),
            Self::Here(error) => write!(f, "the database: {error}"),
        }
    }
}

impl std::error::Error for ImportError {}

impl From<DjangoError> for ImportError {
    fn from(error: DjangoError) -> Self {
        Self::Django(error)
    }
}

impl<E: Into<AuthError>> From<E> for ImportError {
    fn from(error: E) -> Self {
        Self::Here(error.into())
    }
}

/// What becomes of one user.
enum Decision {
    /// The account is here: an earlier import made it.
    Here,
    Refuse(Problem),
    Take(Box<ImportedAccount>, Vec<Note>),
}

/// Which users have the same key. Of all users at once: the first of two must not be taken before the second is seen.
#[derive(Default)]
struct Twins {
    first: HashMap<String, i64>,
    shared: HashMap<String, Vec<i64>>,
}

impl Twins {
    fn note(&mut self, key: &str, id: i64) {
        match self.first.get(key) {
            None => drop(self.first.insert(key.to_owned(), id)),
            Some(first) => self.shared.entry(key.to_owned()).or_insert_with(|| vec![*first]).push(id),
        }
    }

    /// The other users with this key.
    fn of(&self, key: &str, id: i64) -> Vec<i64> {
        self.shared.get(key).into_iter().flatten().copied().filter(|other| *other != id).collect()
    }
}

/// What an import goes by while it runs.
struct Import<'a> {
    plan: &'a ImportPlan,
    emails: Twins,
    /// Users' own names, and those that the operator gives: who has a name already goes before.
    usernames: Twins,
    given: Twins,
    /// Names that were derived so far; in a dry run nothing else knows them.
    derived: HashSet<String>,
    now: Timestamp,
}

impl AuthService {
    /// Takes over all users of `from`, or in a dry run only says what would become of them. Reads them twice: first the
    /// keys of all, to find those that two users share.
    ///
    /// # Errors
    /// One of the databases fails. Users that cannot be taken are no error: the report says so.
    pub async fn import_django(
        &self,
        from: &mut DjangoDatabase,
        plan: &ImportPlan,
    ) -> Result<ImportReport, ImportError> {
        let now = self.parts.clock.now();
        let [mut emails, mut usernames, mut given] = [(); 3].map(|()| Twins::default());
        let mut unmet: BTreeSet<i64> = plan.leave_out.iter().chain(plan.renames.keys()).copied().collect();
        let mut last = None;
        loop {
            let users = from.page(last, BATCH).await?;
            let Some(end) = users.last() else { break };
            last = Some(end.id);
            for user in &users {
                unmet.remove(&user.id);
                if plan.leave_out.contains(&user.id) {
                    continue;
                }
                if let Ok(email) = Email::parse(&user.email) {
                    emails.note(email.key(), user.id);
                }
                if let Some(Ok(name)) = plan.name_of(user).map(Username::parse) {
                    let names = if plan.renames.contains_key(&user.id) { &mut given } else { &mut usernames };
                    names.note(name.key(), user.id);
                }
            }
        }
        let confirmation = self.parts.settings.registration.confirmation;
        let mut report = ImportReport {
            dry_run: plan.dry_run,
            must_confirm: confirmation == Confirm::Required && !plan.trust_emails,
            unmet,
            ..ImportReport::default()
        };
        let mut import = Import { plan, emails, usernames, given, derived: HashSet::new(), now };
        let mut last = None;
        loop {
            let users = from.page(last, BATCH).await?;
            let Some(end) = users.last() else { return Ok(report) };
            last = Some(end.id);
            self.import_batch(&users, &mut import, &mut report).await?;
        }
    }

    async fn import_batch(
        &self,
        users: &[DjangoUser],
        import: &mut Import<'_>,
        report: &mut ImportReport,
    ) -> Result<(), ImportError> {
        let mut taken = Vec::new();
        let mut tx = self.parts.store.read().await?;
        for user in users {
            report.read += 1;
            if import.plan.leave_out.contains(&user.id) {
                report.left_out += 1;
                continue;
            }
            match self.decide(&mut tx, user, import).await? {
                Decision::Here => report.already_here += 1,
                Decision::Refuse(problem) => report.refuse(user, problem),
                Decision::Take(account, notes) => taken.push((user, account, notes)),
            }
        }
        drop(tx);
        let accounts = taken.iter().map(|(_, account, _)| account.as_ref().clone()).collect();
        let kept = if import.plan.dry_run { vec![true; taken.len()] } else { self.write_imported(accounts).await? };
        for ((user, _, notes), kept) in taken.into_iter().zip(kept) {
            match kept {
                true => report.take(user, notes),
                false => report.refuse(user, Problem::TakenMeanwhile),
            }
        }
        Ok(())
    }

    /// Writes a batch, and answers of each account whether nobody was faster with its number, address or name.
    async fn write_imported(&self, accounts: Vec<ImportedAccount>) -> Result<Vec<bool>, AuthError> {
        let now = self.parts.clock.now();
        let noted = |account: &ImportedAccount| self.noted(Event::Imported, Some(account.id), None, &Origin::default());
        let rows: Vec<(ImportedAccount, Noted)> = accounts
            .into_iter()
            .map(|account| (noted(&account), account))
            .map(|(noted, account)| (account, noted))
            .collect();
        let write = self.parts.store.write(move |tx| {
            Box::pin(async move {
                let mut kept = Vec::with_capacity(rows.len());
                for (account, _) in &rows {
                    kept.push(imported::insert(tx, account, now).await?);
                }
                for ((_, noted), _) in rows.iter().zip(&kept).filter(|(_, kept)| **kept) {
                    noted.write(tx, now).await?;
                }
                Ok(kept)
            })
        });
        Ok(write.await?)
    }

    async fn decide(&self, tx: &mut Tx, user: &DjangoUser, import: &mut Import<'_>) -> Result<Decision, AuthError> {
        let id = AccountId(user.id);
        let refuse = |problem| Ok(Decision::Refuse(problem));
        if !(1..=AccountId::MAX).contains(&user.id) {
            return refuse(Problem::NumberOutOfRange);
        }
        let email = Email::parse(&user.email);
        let old_name = import.plan.name_of(user).map(Username::parse);
        if let Some(here) = accounts::find(tx, id).await? {
            let same_email = email.as_ref().is_ok_and(|email| email.key() == here.email_key);
            let same_name = matches!(&old_name, Some(Ok(name)) if name.key() == here.username_key);
            return if same_email || same_name { Ok(Decision::Here) } else { refuse(Problem::NumberTaken) };
        }
        let email = match email {
            Ok(email) => email,
            Err(_) if user.email.trim().is_empty() => return refuse(Problem::NoEmail),
            Err(reason) => return refuse(Problem::BadEmail(reason)),
        };
        let others = import.emails.of(email.key(), user.id);
        if !others.is_empty() {
            return refuse(Problem::SharedEmail(others));
        }
        if let Some(other) = accounts::find_by_email(tx, email.key()).await? {
            return refuse(Problem::EmailTaken(other.account.id));
        }
        if reservations::is_kept(tx, Kept::Email, email.key(), id, import.now).await? {
            return refuse(Problem::EmailKept);
        }
        let mut notes = Vec::new();
        match self.name_for(tx, user, &email, import, &mut notes).await? {
            Ok(username) => {
                Ok(Decision::Take(Box::new(account_of(user, &email, &username, import, &mut notes)), notes))
            }
            Err(problem) => refuse(problem),
        }
    }

    /// The user's own name if it can be taken, or one that is made.
    async fn name_for(
        &self,
        tx: &mut Tx,
        user: &DjangoUser,
        email: &Email,
        import: &mut Import<'_>,
        notes: &mut Vec<Note>,
    ) -> Result<Result<Username, Problem>, AuthError> {
        let is_own_email =
            |name: &str| Email::parse(name).is_ok_and(|address| address.key() == email.key()) || name.is_empty();
        let problem = match import.plan.name_of(user) {
            // They signed in by their address until now, and go on with it.
            None => None,
            Some(name) if is_own_email(name) => None,
            Some(name) => match self.own_name(tx, user, name, import).await? {
                Ok(username) => {
                    if self.parts.rules.check_username(&username).is_err() {
                        notes.push(Note::NameOfTheSite);
                    }
                    return Ok(Ok(username));
                }
                Err(problem) => Some(problem),
            },
        };
        let is_renamed = import.plan.renames.contains_key(&user.id);
        if let Some(problem) = problem
            && (is_renamed || import.plan.on_bad_username == OnBadUsername::Skip)
        {
            return Ok(Err(problem));
        }
        for name in names::candidates(import.plan.name_of(user).unwrap_or_default(), email.as_str(), user.id) {
            let Ok(name) = Username::parse(&name) else { continue };
            let named = [&import.usernames.first, &import.given.first];
            let is_of_another =
                named.iter().any(|names| names.contains_key(name.key())) || import.derived.contains(name.key());
            if !is_of_another
                && self.parts.rules.check_username(&name).is_ok()
                && accounts::find_by_username(tx, name.key()).await?.is_none()
                && !reservations::is_kept(tx, Kept::Username, name.key(), AccountId(user.id), import.now).await?
            {
                import.derived.insert(name.key().to_owned());
                notes.push(Note::Renamed(name.as_str().to_owned()));
                return Ok(Ok(name));
            }
        }
        Ok(Err(Problem::NoFreeName))
    }

    async fn own_name(
        &self,
        tx: &mut Tx,
        user: &DjangoUser,
        name: &str,
        import: &Import<'_>,
    ) -> Result<Result<Username, Problem>, AuthError> {
        let username = match Username::parse(name) {
            Ok(username) => username,
            Err(reason) => return Ok(Err(Problem::BadUsername(reason))),
        };
        let key = username.key();
        let mut others = import.usernames.of(key, user.id);
        if import.plan.renames.contains_key(&user.id) && others.is_empty() {
            others.extend(import.usernames.first.get(key));
            others.extend(import.given.of(key, user.id));
        }
        if !others.is_empty() {
            return Ok(Err(Problem::SharedUsername(others)));
        }
        if let Some(other) = accounts::find_by_username(tx, key).await? {
            return Ok(Err(Problem::UsernameTaken(other.account.id)));
        }
        // An earlier user was given it, because it was nobody's then; that cannot be, but it would be a collision.
        if import.derived.contains(key)
            || reservations::is_kept(tx, Kept::Username, key, AccountId(user.id), import.now).await?
        {
            return Ok(Err(Problem::UsernameKept));
        }
        Ok(Ok(username))
    }
}

/// The account that a user becomes, and what of it is not as it was.
fn account_of(
    user: &DjangoUser,
    email: &Email,
    username: &Username,
    import: &Import<'_>,
    notes: &mut Vec<Note>,
) -> ImportedAccount {
    let password_hash = match DjangoPassword::read(&user.password) {
        DjangoPassword::Usable => Some(user.password.clone()),
        DjangoPassword::Unset => {
            notes.push(Note::NoPassword);
            None
        }
        DjangoPassword::Unusable(kind) => {
            notes.push(Note::UnusablePassword(kind));
            None
        }
    };
    let (first_name, last_name) = (person_name(&user.first_name), person_name(&user.last_name));
    if first_name.is_none() || last_name.is_none() {
        notes.push(Note::PersonNameChanged);
    }
    if user.is_superuser || user.is_staff {
        notes.push(Note::Staff { superuser: user.is_superuser });
    }
    if !user.is_active {
        notes.push(Note::Disabled);
    }
    ImportedAccount {
        id: AccountId(user.id),
        email: email.as_str().to_owned(),
        email_key: email.key().to_owned(),
        username: username.as_str().to_owned(),
        username_key: username.key().to_owned(),
        first_name: first_name.unwrap_or_else(|| names::cut_to_fit(&user.first_name)),
        last_name: last_name.unwrap_or_else(|| names::cut_to_fit(&user.last_name)),
        password_hash,
        created_at: user.date_joined.unwrap_or(import.now),
        last_login_at: user.last_login,
        email_verified_at: import.plan.trust_emails.then_some(import.now),
        disabled_at: (!user.is_active).then_some(import.now),
    }
}
