//! Whether somebody who has shown something is let in, or waits for a second factor: the one place that decides it.

use super::{
    AuthError, AuthService, Origin, Principal,
    challenge::{Challenged, NewWait},
    session::{Opening, Whose},
    trusted_browser::Trusted,
};
use crate::{
    domain::factor::{AssuranceLevel, SignInMethod, Wants},
    server::{settings::RequiredOf, store::accounts::StoredAccount},
};

/// What somebody brought to the door, beside the right password or a passkey.
#[derive(Clone, Copy)]
pub(super) struct Arrival<'a> {
    /// Keep me signed in.
    pub(super) remember: bool,
    /// Where to go afterwards; untrusted.
    pub(super) next: Option<&'a str>,
    /// The refresh token that came along.
    pub(super) held: Option<&'a str>,
}

/// What becomes of somebody who knows the password.
pub(super) enum Admission {
    /// Let in; without a second factor only in a browser that is trusted.
    Enters(Box<Opening>, Option<Trusted>),
    /// Waits, with no rights at all.
    Waits(NewWait, Challenged),
}

impl AuthService {
    /// Whether this site demands a second factor of that account (`factors.required`).
    pub(super) fn demands_factor(&self, account: &StoredAccount) -> bool {
        match self.parts.settings.factors.required {
            RequiredOf::Never => false,
            RequiredOf::Admins => account.admin_since.is_some(),
            RequiredOf::Everyone => true,
        }
    }

    /// As [`AuthService::demands_factor`], of the caller's.
    pub(super) fn demands_factor_of(&self, principal: &Principal) -> bool {
        match self.parts.settings.factors.required {
            RequiredOf::Never => false,
            RequiredOf::Admins => principal.is_admin,
            RequiredOf::Everyone => true,
        }
    }

    /// Decides about somebody who knows the password of an account.
    ///
    /// # Errors
    /// `Unavailable`.
    pub(super) async fn admit(
        &self,
        account: &StoredAccount,
        arrival: Arrival<'_>,
        origin: &Origin,
    ) -> Result<Admission, AuthError> {
        let wants = match account.demanded_level {
            AssuranceLevel::Two => Some(Wants::Factor),
            AssuranceLevel::One if self.demands_factor(account) => Some(Wants::Enrolment),
            AssuranceLevel::One => None,
        };
        let trusted = match wants {
            Some(Wants::Factor) => self.trusted_here(account, origin).await?,
            Some(Wants::Enrolment) | None => None,
        };
        if let (Some(wants), None) = (wants, &trusted) {
            let (wait, challenged) = self.wait(account, wants, arrival);
            return Ok(Admission::Waits(wait, challenged));
        }
        let method = match trusted {
            Some(_) => SignInMethod::PasswordAndTrustedBrowser,
            None => SignInMethod::Password,
        };
        let opening = self.opening(Whose::of(account), method, arrival.remember, origin, arrival.held)?;
        Ok(Admission::Enters(Box::new(opening), trusted))
    }
}
