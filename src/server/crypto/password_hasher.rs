//! Passwords are hashed here and nowhere else: Argon2id (RFC 9106) on threads of its own, as PHC texts.
//!
//! Passwords arrive already normalised. A check costs the same whether or not there is an account behind it.

use super::{
    django_hash::DjangoHash,
    hashing_threads::{Busy, HashingThreads},
};
use crate::{
    domain::credential::TypedPassword,
    server::{entropy::Entropy, metrics::Metrics, settings},
};
use argon2::{Algorithm, Argon2, Block, Params, PasswordHash, Version};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use secrecy::{ExposeSecret as _, SecretString};
use std::{fmt, io, sync::Arc, thread};
use subtle::ConstantTimeEq as _;
use tokio::time::Instant;

pub(super) const SALT_BYTES: usize = 16;
pub(super) const TAG_BYTES: usize = 32;
/// The weakest parameters that are taken, as (KiB, passes): OWASP's Password Storage Cheat Sheet counts them as equal.
pub(super) const FLOORS: [(u32, u32); 3] = [(47_104, 1), (19_456, 2), (12_288, 3)];
/// The largest parameters of a stored hash that are computed, unless the settings are larger: KiB, passes, lanes. They
/// stop a damaged or planted row from holding a thread for minutes.
const LARGEST_STORED: (u32, u32, u32) = (262_144, 16, 16);

/// Hashes and checks passwords. Clones share the same threads.
#[derive(Clone)]
pub struct PasswordHasher(Arc<Shared>);

struct Shared {
    threads: HashingThreads,
    recipe: Arc<Recipe>,
    entropy: Arc<dyn Entropy>,
    metrics: Metrics,
}

/// How passwords are hashed now, and what is computed where there is nothing to compare with.
struct Recipe {
    params: Params,
    nobody: Stored,
}

/// A stored hash, taken apart.
#[derive(Clone)]
struct Stored {
    params: Params,
    salt: Vec<u8>,
    tag: Vec<u8>,
}

/// A password given as somebody's. `Debug` shows the type's name only.
pub struct Guess {
    secret: SecretString,
    typed: Option<SecretString>,
}

impl Guess {
    /// What the owner of no account has typed: text that can be no password costs what a wrong one costs.
    #[must_use]
    pub fn impossible() -> Self {
        SecretString::from(String::new()).into()
    }

    /// The text in the form in which ours are hashed.
    pub(super) fn secret(&self) -> &SecretString {
        &self.secret
    }

    /// The text as it was typed.
    pub(super) fn as_typed(&self) -> &SecretString {
        self.typed.as_ref().unwrap_or(&self.secret)
    }
}

impl From<SecretString> for Guess {
    fn from(secret: SecretString) -> Self {
        Self { secret, typed: None }
    }
}

impl From<&TypedPassword> for Guess {
    fn from(password: &TypedPassword) -> Self {
        Self { secret: password.secret().clone(), typed: Some(password.as_typed().clone()) }
    }
}

impl fmt::Debug for Guess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Guess")
    }
}

/// What a check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The password is the one that was hashed.
    pub matches: bool,
    /// It matches, but was hashed elsewhere or with less than the settings ask for now: hash it again and store that.
    pub stale: bool,
}

/// Why the hasher does not start.
#[derive(Debug)]
pub enum HasherError {
    /// The parameters in the settings are too weak or impossible; says which are not.
    Parameters(String),
    /// The system gives no memory or no thread.
    System(io::Error),
}

impl fmt::Display for HasherError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parameters(fault) => f.write_str(fault),
            Self::System(error) => write!(
                f,
                "the threads that hash passwords could not be started: {error}. Lower password.threads or \
                 password.memory_limit"
            ),
        }
    }
}

impl std::error::Error for HasherError {}

impl fmt::Debug for PasswordHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHasher")
    }
}

impl PasswordHasher {
    /// Starts the threads: as many as set, or one a core; no more than `memory_limit` has room for, but one.
    ///
    /// # Errors
    /// Parameters weaker than 19456 KiB with 2 passes, 47104 with 1 or 12288 with 3; no memory; no thread.
    pub fn start(
        settings: &settings::Password,
        entropy: Arc<dyn Entropy>,
        metrics: Metrics,
    ) -> Result<Self, HasherError> {
        let params = params_of(settings)?;
        let threads = thread_count(settings);
        let threads =
            HashingThreads::start(threads, params.block_count(), settings.queue).map_err(HasherError::System)?;
        // No password has a tag that was drawn and not computed.
        let mut nobody = Stored { params: params.clone(), salt: vec![0; SALT_BYTES], tag: vec![0; TAG_BYTES] };
        entropy.fill(&mut nobody.salt);
        entropy.fill(&mut nobody.tag);
        Ok(Self(Arc::new(Shared { threads, recipe: Arc::new(Recipe { params, nobody }), entropy, metrics })))
    }

    /// The hash of `password` under a new salt, as `$argon2id$v=19$m=…,t=…,p=…$salt$tag`.
    ///
    /// # Errors
    /// [`Busy`] if too many are waiting; nothing is waited for then.
    pub async fn hash(&self, password: SecretString) -> Result<String, Busy> {
        let recipe = Arc::clone(&self.0.recipe);
        let mut salt = [0; SALT_BYTES];
        self.0.entropy.fill(&mut salt);
        let hash = self.run(move |memory| recipe.hash(&password, &salt, memory)).await?;
        hash.map_err(|error| {
            tracing::error!(%error, "a password could not be hashed");
            Busy
        })
    }

    /// Whether `guess` is the password behind `stored`. `None` (no such account, or one without a password) is computed
    /// all the same and never matches, and so is a stored text that cannot be used, which is logged.
    ///
    /// # Errors
    /// [`Busy`] if too many are waiting; nothing is waited for then.
    pub async fn verify(&self, guess: impl Into<Guess>, stored: Option<String>) -> Result<Verdict, Busy> {
        let (recipe, guess) = (Arc::clone(&self.0.recipe), guess.into());
        self.run(move |memory| recipe.check(&guess, stored.as_deref(), memory)).await
    }

    /// Runs a hash and counts it.
    async fn run<T: Send + 'static>(&self, hash: impl FnOnce(&mut [Block]) -> T + Send + 'static) -> Result<T, Busy> {
        let metrics = self.0.metrics.clone();
        let timed = move |memory: &mut [Block]| {
            let start = Instant::now();
            let made = hash(memory);
            metrics.hashed(start.elapsed());
            made
        };
        self.0.threads.run(timed).await.inspect_err(|_| self.0.metrics.hash_refused())
    }

    /// Runs other work about a password that takes long, such as guessing how soon it would be guessed.
    ///
    /// # Errors
    /// [`Busy`] if too many are waiting, or if `work` panics.
    pub async fn beside<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Busy> {
        self.0.threads.run(move |_| work()).await
    }

    /// How many hashes wait for a thread now.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.0.threads.waiting()
    }
}

impl Recipe {
    fn hash(&self, password: &SecretString, salt: &[u8], memory: &mut [Block]) -> argon2::Result<String> {
        let mut tag = [0; TAG_BYTES];
        compute(&self.params, password, salt, &mut tag, memory)?;
        let (m, t, p) = (self.params.m_cost(), self.params.t_cost(), self.params.p_cost());
        let (salt, tag) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(tag));
        Ok(format!("$argon2id$v=19$m={m},t={t},p={p}${salt}${tag}"))
    }

    /// A hash of Django's costs what Django made it cost, mostly more than ours: until the first sign-in a clock can
    /// tell such an account from none. Ours beside it would not make them equal.
    fn check(&self, guess: &Guess, stored: Option<&str>, memory: &mut [Block]) -> Verdict {
        match stored.and_then(DjangoHash::parse) {
            Some(hash) => {
                let matches = hash.is_of(guess);
                Verdict { matches, stale: matches }
            }
            None => self.verify(&guess.secret, stored, memory),
        }
    }

    fn verify(&self, password: &SecretString, stored: Option<&str>, memory: &mut [Block]) -> Verdict {
        let known = stored.and_then(|text| {
            let parsed = Stored::parse(text).filter(|stored| self.is_computable(stored));
            if parsed.is_none() {
                tracing::error!("a stored password hash cannot be used; nobody can sign in with it");
            }
            parsed
        });
        let target = known.as_ref().unwrap_or(&self.nobody);
        let mut tag = vec![0; target.tag.len()];
        let computed = compute(&target.params, password, &target.salt, &mut tag, memory);
        if let Err(error) = &computed {
            tracing::error!(%error, "a password could not be checked");
        }
        let equal: bool = tag.ct_eq(&target.tag).into();
        let matches = equal && computed.is_ok() && known.is_some();
        Verdict { matches, stale: matches && self.is_more_than(target) }
    }

    fn is_computable(&self, stored: &Stored) -> bool {
        let (memory, passes, lanes) = LARGEST_STORED;
        stored.params.m_cost() <= memory.max(self.params.m_cost())
            && stored.params.t_cost() <= passes.max(self.params.t_cost())
            && stored.params.p_cost() <= lanes.max(self.params.p_cost())
    }

    /// Lanes are left out: they are for speed and add no strength.
    fn is_more_than(&self, stored: &Stored) -> bool {
        stored.params.m_cost() < self.params.m_cost()
            || stored.params.t_cost() < self.params.t_cost()
            || stored.salt.len() < SALT_BYTES
            || stored.tag.len() < TAG_BYTES
    }
}

impl Stored {
    /// Takes a PHC text apart; `None` unless it is Argon2id, version 19, with all three parameters and no other.
    fn parse(text: &str) -> Option<Self> {
        let hash = PasswordHash::new(text).ok()?;
        let cost = |name: &str| hash.params.get_decimal(name);
        if hash.algorithm != argon2::ARGON2ID_IDENT || hash.version != Some(19) || hash.params.iter().count() != 3 {
            return None;
        }
        let (salt, tag) = (hash.salt?.to_vec(), hash.hash?.as_bytes().to_vec());
        // Params::new multiplies the lanes by eight unchecked; more than this is refused later anyway.
        let lanes = cost("p").filter(|lanes| *lanes <= 0xffff)?;
        let params = Params::new(cost("m")?, cost("t")?, lanes, Some(tag.len())).ok()?;
        Some(Self { params, salt, tag })
    }
}

/// One Argon2id into `tag`, in `memory` if that is enough, else in memory taken for this once: the settings were
/// lowered since the hash was made.
pub(super) fn compute(
    params: &Params,
    password: &SecretString,
    salt: &[u8],
    tag: &mut [u8],
    memory: &mut [Block],
) -> argon2::Result<()> {
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
    let password = password.expose_secret().as_bytes();
    if params.block_count() > memory.len() {
        return argon2.hash_password_into(password, salt, tag);
    }
    argon2.hash_password_into_with_memory(password, salt, tag, memory)
}

fn params_of(settings: &settings::Password) -> Result<Params, HasherError> {
    let (memory, passes, lanes) = (settings.argon2_memory, settings.argon2_passes, settings.argon2_lanes);
    if !FLOORS.iter().any(|floor| memory >= floor.0 && passes >= floor.1) {
        return Err(HasherError::Parameters(format!(
            "password.argon2_memory = {memory} KiB with password.argon2_passes = {passes} is too weak; the least is \
             19456 with 2, 47104 with 1, or 12288 with 3"
        )));
    }
    if !(1..=LARGEST_STORED.2).contains(&lanes) {
        return Err(HasherError::Parameters(format!(
            "password.argon2_lanes = {lanes} is not 1 to {}",
            LARGEST_STORED.2
        )));
    }
    Params::new(memory, passes, lanes, Some(TAG_BYTES))
        .map_err(|error| HasherError::Parameters(format!("the Argon2 parameters cannot be: {error}")))
}

pub(super) fn thread_count(settings: &settings::Password) -> usize {
    let cores = || thread::available_parallelism().map_or(1, usize::from);
    let wanted = if settings.threads == 0 { cores() } else { settings.threads };
    let kib = settings.memory_limit.saturating_mul(1024);
    let fitting = usize::try_from(settings.argon2_memory).map_or(0, |each| kib.checked_div(each).unwrap_or(0));
    wanted.min(fitting).max(1)
}

#[cfg(test)]
#[path = "password_hasher_tests.rs"]
mod tests;
