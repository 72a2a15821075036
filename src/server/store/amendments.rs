//! What a restore must not undo: a backup's copy is told of it before its rows take the place of those in the database.

use super::{StoreError, Tx, restore::RestorePlan};
use crate::domain::account::AccountId;
use sqlx::{AssertSqlSafe, Row as _};

/// What holds whatever there was before:
/// - A mail that went out or was given up is not sent again. One whose row may have been deleted since (it was made
///   before `:mails`) is given up.
/// - A link or code that was used stays used, a recovery code too.
/// - A session that was ended stays ended. Who has ended all of them since stays signed out.
/// - Sign-ins that waited for a factor are over. A WebAuthn ceremony that was finished is not finished again.
const ALWAYS: [&str; 8] = [
    "UPDATE back.outbox SET (sent_at, gave_up_at, attempts, last_error, leased_until, lease_holder) =
         (SELECT now.sent_at, now.gave_up_at, now.attempts, now.last_error, NULL, NULL
          FROM main.outbox AS now WHERE now.id = back.outbox.id)
     WHERE sent_at IS NULL AND gave_up_at IS NULL
       AND id IN (SELECT id FROM main.outbox WHERE sent_at IS NOT NULL OR gave_up_at IS NOT NULL)",
    "UPDATE back.outbox SET gave_up_at = :now, last_error = 'restored', leased_until = NULL, lease_holder = NULL
     WHERE sent_at IS NULL AND gave_up_at IS NULL AND created_at < :mails AND id NOT IN (SELECT id FROM main.outbox)",
    "UPDATE back.tickets SET consumed_at = :now
     WHERE consumed_at IS NULL AND id IN (SELECT id FROM main.tickets WHERE consumed_at IS NOT NULL)",
    "UPDATE back.sessions SET (revoked_at, revoked_why) =
         (SELECT now.revoked_at, now.revoked_why FROM main.sessions AS now WHERE now.rid = back.sessions.rid)
     WHERE revoked_at IS NULL
       AND rid IN (SELECT rid FROM main.sessions WHERE revoked_at IS NOT NULL)",
    "UPDATE back.accounts SET security_epoch =
         (SELECT now.security_epoch FROM main.accounts AS now WHERE now.id = back.accounts.id)
     WHERE EXISTS (SELECT 1 FROM main.accounts AS now
                   WHERE now.id = back.accounts.id AND now.security_epoch > back.accounts.security_epoch)",
    "UPDATE back.recovery_codes SET used_at = :now
     WHERE used_at IS NULL AND code_hash IN (SELECT code_hash FROM main.recovery_codes WHERE used_at IS NOT NULL)",
    "DELETE FROM back.challenges",
    "INSERT OR IGNORE INTO back.spent_ceremonies (id, expires_at) SELECT id, expires_at FROM main.spent_ceremonies",
];

/// What is concluded from rows that are not there, unless there are no accounts at all: then rows were lost.
/// - Sessions and links of an account that was deleted since stay dead.
/// - A session's row is only ever deleted long after its end, so one that is not there has ended. But where not one
///   session of the backup is left, and the backup is too young (its newest sign is of `:sessions` or later) for the
///   cleaning up to have taken any, the rows were lost, and conclude nothing.
/// - Who is no administrator does not become one.
/// - Who is disabled stays so. Who leaves still leaves; who has changed their mind stays.
const BESIDE_ACCOUNTS: [&str; 6] = [
    "UPDATE back.tickets SET consumed_at = :now
     WHERE consumed_at IS NULL AND account_id IS NOT NULL AND account_id NOT IN (SELECT id FROM main.accounts)",
    "UPDATE back.sessions SET revoked_at = :now, revoked_why = 'restored'
     WHERE revoked_at IS NULL AND account_id NOT IN (SELECT id FROM main.accounts)",
    "UPDATE back.sessions SET revoked_at = :now, revoked_why = 'restored'
     WHERE revoked_at IS NULL AND rid NOT IN (SELECT rid FROM main.sessions)
       AND (EXISTS (SELECT 1 FROM main.sessions WHERE rid IN (SELECT rid FROM back.sessions))
            OR NOT EXISTS (SELECT 1 FROM back.sessions WHERE minted_at >= :sessions)
               AND NOT EXISTS (SELECT 1 FROM back.audit_events WHERE happened_at >= :sessions))",
    "UPDATE back.accounts SET admin_since = NULL
     WHERE admin_since IS NOT NULL AND id NOT IN (SELECT id FROM main.accounts WHERE admin_since IS NOT NULL)",
    "UPDATE back.accounts SET disabled_at =
         (SELECT now.disabled_at FROM main.accounts AS now WHERE now.id = back.accounts.id)
     WHERE disabled_at IS NULL AND id IN (SELECT id FROM main.accounts WHERE disabled_at IS NOT NULL)",
    "UPDATE back.accounts SET delete_at =
         (SELECT now.delete_at FROM main.accounts AS now WHERE now.id = back.accounts.id)
     WHERE id IN (SELECT id FROM main.accounts)",
];

/// The tables of second factors and their columns. Of accounts that are there now and were there then, the present rows
/// hold: a code that was used stays used and a factor that was removed stays removed, and whoever has added one since does
/// not fall back to the password alone.
const FACTORS: [(&str, &str); 4] = [
    ("totp_secrets", "id, account_id, sealed, created_at, expires_at, confirmed_at, last_step, last_used_at"),
    ("recovery_codes", "account_id, slot, code_hash, created_at, used_at"),
    ("passkeys", "id, credential_id, account_id, name, record, sign_count, created_at, last_used_at"),
    ("trusted_browsers", "id, account_id, secret_digest, device_label, ip, created_at, expires_at, last_used_at"),
];

/// The accounts of which that is so. An account that demands a factor and has none has lost its rows: that concludes nothing,
/// and the backup's hold. But where a change of address was undone, and an intruder's factors with it, it may have none.
const FACTORS_KNOWN: &str = "SELECT id FROM main.accounts WHERE id IN (SELECT id FROM back.accounts) AND (
    demanded_level = 1 OR id IN (SELECT account_id FROM main.passkeys)
    OR id IN (SELECT account_id FROM main.totp_secrets WHERE confirmed_at IS NOT NULL)
    OR id IN (SELECT account_id FROM main.audit_events WHERE kind = 'factors_undone'))";

/// What the factors mean for their accounts, once their rows are as they will be. The name that passkeys have for an account
/// is made once.
const FACTORS_SETTLED: [&str; 2] = [
    "UPDATE back.accounts SET passkey_handle = COALESCE(
         (SELECT now.passkey_handle FROM main.accounts AS now WHERE now.id = back.accounts.id), passkey_handle)",
    "UPDATE back.accounts SET demanded_level = CASE
         WHEN id IN (SELECT account_id FROM back.totp_secrets WHERE confirmed_at IS NOT NULL) THEN 2
         WHEN id IN (SELECT account_id FROM back.passkeys) THEN 2
         ELSE COALESCE((SELECT now.demanded_level FROM main.accounts AS now WHERE now.id = back.accounts.id), 1) END",
];

/// Puts the present factors into the copy.
fn keep_factors() -> Vec<String> {
    let of_table = |(table, columns): &(&str, &str)| {
        let known = format!("account_id IN ({FACTORS_KNOWN})");
        [
            format!("DELETE FROM back.{table} WHERE {known}"),
            format!("INSERT OR REPLACE INTO back.{table} ({columns}) SELECT {columns} FROM main.{table} WHERE {known}"),
        ]
    };
    FACTORS.iter().flat_map(of_table).chain(FACTORS_SETTLED.map(str::to_owned)).collect()
}

/// What ends every session of the copy.
const END_ALL: [&str; 2] = [
    "UPDATE back.accounts SET security_epoch = security_epoch + 1",
    "UPDATE back.sessions SET revoked_at = :now, revoked_why = 'restored' WHERE revoked_at IS NULL",
];

/// Whose account is another now than it was just before, in what an operator may want to look after.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Made since the backup: they are not there any more.
    pub gone: Vec<AccountId>,
    /// Deleted since the backup: they are there again, signed out.
    pub back: Vec<AccountId>,
    /// Disabled since the backup: they still are.
    pub disabled: Vec<AccountId>,
    /// Administrators in the backup who were none just before: they still are none.
    pub demoted: Vec<AccountId>,
    /// Their password is the backup's again, or one that was void is there again.
    pub passwords: Vec<AccountId>,
    /// Their address is the backup's again.
    pub addresses: Vec<AccountId>,
    /// Signed in with a password just before, and have none in the backup and no passkey now: a reset link leads in.
    pub locked_out: Vec<AccountId>,
}

/// Says to the copy, which is attached as `back`, what must not be undone. Answers who is affected; none if there were no
/// accounts: then all is as in the backup.
pub(super) async fn amend(tx: &mut Tx, plan: &RestorePlan) -> Result<Option<Changes>, StoreError> {
    let row = sqlx::query("SELECT COUNT(*) FROM main.accounts").fetch_one(&mut *tx).await?;
    let changes = if row.try_get::<i64, _>(0)? == 0 { None } else { Some(changes(tx).await?) };
    let mut amendments = ALWAYS.map(str::to_owned).to_vec();
    if changes.is_some() {
        amendments.extend(BESIDE_ACCOUNTS.map(str::to_owned));
        amendments.extend(keep_factors());
    }
    if plan.end_sessions {
        amendments.extend(END_ALL.map(str::to_owned));
    }
    for amendment in amendments {
        let amendment = amendment
            .replace(":mails", &plan.mails_known_since.0.to_string())
            .replace(":sessions", &plan.sessions_known_since.0.to_string())
            .replace(":now", &plan.now.0.to_string());
        sqlx::raw_sql(AssertSqlSafe(amendment)).execute(&mut *tx).await?;
    }
    Ok(changes)
}

/// Compares the copy as the backup has it with what is there.
async fn changes(tx: &mut Tx) -> Result<Changes, StoreError> {
    const BOTH: &str = "SELECT old.id FROM back.accounts AS old JOIN main.accounts AS now ON now.id = old.id";
    let admins = "SELECT id FROM main.accounts WHERE admin_since IS NOT NULL";
    Ok(Changes {
        gone: ids(tx, "SELECT id FROM main.accounts WHERE id NOT IN (SELECT id FROM back.accounts)".to_owned()).await?,
        back: ids(tx, "SELECT id FROM back.accounts WHERE id NOT IN (SELECT id FROM main.accounts)".to_owned()).await?,
        disabled: ids(tx, format!("{BOTH} WHERE old.disabled_at IS NULL AND now.disabled_at IS NOT NULL")).await?,
        demoted: ids(
            tx,
            format!("SELECT id FROM back.accounts WHERE admin_since IS NOT NULL AND id NOT IN ({admins})"),
        )
        .await?,
        passwords: ids(
            tx,
            format!("{BOTH} WHERE old.password_hash IS NOT NULL AND old.password_hash IS NOT now.password_hash"),
        )
        .await?,
        addresses: ids(tx, format!("{BOTH} WHERE old.email_key <> now.email_key")).await?,
        locked_out: ids(
            tx,
            format!(
                "{BOTH} WHERE old.password_hash IS NULL AND now.password_hash IS NOT NULL
                 AND now.id NOT IN (SELECT account_id FROM main.passkeys)"
            ),
        )
        .await?,
    })
}

async fn ids(tx: &mut Tx, query: String) -> Result<Vec<AccountId>, StoreError> {
    let rows = sqlx::query(AssertSqlSafe(query)).fetch_all(tx).await?;
    rows.iter().map(|row| Ok(AccountId(row.try_get(0)?))).collect()
}
