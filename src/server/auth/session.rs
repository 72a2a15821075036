//! Opening a session, and what its holder gets.

use super::{AuthError, AuthService};
use crate::{
    domain::{account::AccountId, factor::SignInMethod, grant::Grant, time::Timestamp},
    server::{
        crypto::Rid,
        entropy::random_id,
        store::{
            StoreError, Tx,
            accounts::{self, StoredAccount},
            session_lists::{self, Before},
            sessions::{self, NewSession, Session},
        },
    },
};
use secrecy::SecretString;

/// Seconds of a day.
const DAY: i64 = 86_400;

/// Where a call came from, as far as the list of sessions shows it.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The coarse address: IPv4 whole, IPv6 as its /64.
    pub ip: String,
    /// The browser's own words, at most 256 characters.
    pub user_agent: String,
    /// Browser and system in a few words.
    pub device_label: String,
    /// The cookie of known devices, as it came.
    pub known_devices: Option<String>,
    /// The cookie of trusted browsers, as it came.
    pub trusted: Option<String>,
}

/// A refresh token on its way into the cookie.
#[derive(Clone, Debug)]
pub struct RefreshCookie {
    /// The token.
    pub token: SecretString,
    /// Seconds the browser keeps it over its own end; none for a cookie that goes with the browser.
    pub max_age: Option<i64>,
}

/// The accounts that signed in in this browser, on their way into the cookie.
#[derive(Clone, Debug)]
pub struct KnownDevicesCookie {
    /// What is kept.
    pub value: SecretString,
    /// Seconds.
    pub max_age: i64,
}

/// What its holder gets when a session is opened or refreshed.
#[derive(Clone, Debug)]
pub struct Opened {
    /// For memory.
    pub grant: Grant,
    /// For the cookie.
    pub cookie: RefreshCookie,
    /// For the cookie of known devices, after a sign-in.
    pub known_devices: Option<KnownDevicesCookie>,
}

/// What of an account decides about a session that is opened for it.
#[derive(Clone, Copy)]
pub(super) struct Whose {
    pub(super) id: AccountId,
    pub(super) epoch: i64,
    /// Administrators' sessions are short.
    pub(super) is_admin: bool,
}

impl Whose {
    pub(super) fn of(account: &StoredAccount) -> Self {
        Self { id: account.account.id, epoch: account.security_epoch, is_admin: account.admin_since.is_some() }
    }
}

/// A session that is about to be opened: rows to write and tokens to hand out once they are written.
pub(super) struct Opening {
    pub(super) new: NewSession,
    pub(super) opened: Opened,
    now: Timestamp,
    keep: i64,
    /// The session that this browser held until now: it ends, so that nobody goes on with a planted cookie.
    replaced: Option<String>,
}

impl AuthService {
    /// Prepares a session; nothing is written yet.
    pub(super) fn opening(
        &self,
        whose: Whose,
        method: SignInMethod,
        remember: bool,
        origin: &Origin,
        held: Option<&str>,
    ) -> Result<Opening, AuthError> {
        let parts = &self.parts;
        let lives = &parts.settings.session;
        let (idle, absolute) = match (whose.is_admin, remember) {
            (true, _) => (lives.admin_idle, lives.admin_absolute),
            (false, true) => (lives.remembered_idle, lives.remembered_absolute),
            (false, false) => (lives.idle, lives.absolute),
        };
        let account = whose.id;
        let now = parts.clock.now();
        let rid = Rid::random(parts.entropy.as_ref());
        let new = NewSession {
            rid: rid.to_text(),
            sid: random_id(parts.entropy.as_ref()),
            account,
            expires_at: now.plus(absolute),
            idle_seconds: idle,
            remembered: remember,
            epoch: whose.epoch,
            device_label: origin.device_label.clone(),
            user_agent: origin.user_agent.clone(),
            ip: origin.ip.clone(),
            method,
        };
        let opened = Opened {
            known_devices: Some(self.known_devices_with(origin, account, now)),
            grant: self.grant(account, &new.sid, now)?,
            cookie: RefreshCookie {
                token: self.keyed().refresh_tokens.mint(&rid, 1),
                max_age: remember.then_some(idle.min(absolute)),
            },
        };
        let replaced =
            held.and_then(|token| self.keyed().refresh_tokens.parse(token)).map(|presented| presented.rid.to_text());
        Ok(Opening { new, opened, now, keep: lives.per_account, replaced })
    }

    /// The cookie of known devices with this account in it: failures of strangers will not slow this browser down.
    pub(super) fn known_devices_with(&self, origin: &Origin, account: AccountId, now: Timestamp) -> KnownDevicesCookie {
        let mut id = [0; 16];
        self.parts.entropy.fill(&mut id);
        let max_age = self.parts.settings.throttle.known_device.saturating_mul(DAY);
        let held = origin.known_devices.as_deref();
        let value = self.keyed().known_devices.with(held, account, id, now.plus(-max_age), now);
        KnownDevicesCookie { value: value.into(), max_age }
    }

    /// An access token for a session.
    pub(super) fn grant(&self, account: AccountId, sid: &str, now: Timestamp) -> Result<Grant, AuthError> {
        let jti = random_id(self.parts.entropy.as_ref());
        self.keyed().signer.sign(account, sid, jti, now).map_err(|_| AuthError::Signing)
    }

    /// The tokens of a session whose newest token has `counter`.
    pub(super) fn opened(
        &self,
        rid: &Rid,
        session: &Session,
        counter: i64,
        now: Timestamp,
    ) -> Result<Opened, AuthError> {
        let left = session.expires_at.since(now).min(session.idle_seconds);
        Ok(Opened {
            grant: self.grant(session.account, &session.sid, now)?,
            cookie: RefreshCookie {
                token: self.keyed().refresh_tokens.mint(rid, counter.unsigned_abs()),
                max_age: session.remembered.then_some(left),
            },
            known_devices: None,
        })
    }
}

impl Opening {
    /// The account whose sessions alone this may change. None where it also ends the session that this browser held:
    /// that may be somebody else's.
    pub(super) fn concerns(&self) -> Option<AccountId> {
        self.replaced.is_none().then_some(self.new.account)
    }

    /// Writes the session, ends the one it replaces, makes room if there are too many, and notes the sign-in. Answers
    /// what the account's sessions told of this device before. Accounts before all else, as everywhere.
    ///
    /// None, and nothing is written, if a new password or whatever else ends sessions came between the look at the account
    /// and now: this one would be over before it began.
    pub(super) async fn write(&self, tx: &mut Tx) -> Result<Option<Before>, StoreError> {
        let new = &self.new;
        if !accounts::set_last_login(tx, new.account, (new.epoch, new.method.is_by_password()), self.now).await? {
            return Ok(None);
        }
        if let Some(rid) = &self.replaced {
            sessions::revoke(tx, rid, "replaced", self.now).await?;
        }
        let before = session_lists::before(tx, new.account, &new.device_label, &new.ip).await?;
        sessions::insert(tx, new, self.now).await?;
        if before.open >= self.keep {
            sessions::revoke_beyond(tx, new.account, &new.rid, self.keep, self.now).await?;
        }
        Ok(Some(before))
    }
}
