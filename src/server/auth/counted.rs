//! What became of sign-ins and registrations, counted; their files say what they do.

use super::{
    AuthError, AuthService, LoggedIn, LoginForm, Origin, RegistrationForm,
    log_in::Doorway,
    register::{Manner, Taking},
};
use crate::server::metrics::{Registering, SignIn};

impl AuthService {
    /// As [`AuthService::log_in`], at doors that may have no way back for an account that is on its way out.
    pub(super) async fn log_in_as(
        &self,
        form: &LoginForm,
        origin: &Origin,
        held: Option<&str>,
        doorway: Doorway,
    ) -> Result<LoggedIn, AuthError> {
        let entered = self.check_and_enter(form, origin, held, doorway).await;
        self.parts.metrics.sign_in(match &entered {
            Ok(LoggedIn::Challenged(_)) => SignIn::Challenged,
            Ok(LoggedIn::Opened(_) | LoggedIn::Leaving(_)) => SignIn::SignedIn,
            Err(AuthError::WrongCredentials) => SignIn::Refused,
            Err(AuthError::Invalid(_)) => SignIn::Invalid,
            Err(AuthError::TooMany(_)) => SignIn::Throttled,
            Err(AuthError::Busy) => SignIn::Busy,
            Err(_) => SignIn::Failed,
        });
        entered
    }

    /// Makes an account in this manner. None if a program filled in the form, which is told that all is well.
    pub(super) async fn take_registration(
        &self,
        form: RegistrationForm,
        manner: Manner,
        origin: &Origin,
        held: Option<&str>,
    ) -> Result<Option<Taking>, AuthError> {
        let taken = self.check_and_take(form, manner, origin, held).await;
        self.parts.metrics.registration(match &taken {
            Ok(Some(_)) => Registering::Accepted,
            Ok(None) | Err(AuthError::RegistrationClosed) => Registering::Refused,
            Err(AuthError::Invalid(_)) => Registering::Invalid,
            Err(AuthError::TooMany(_)) => Registering::Throttled,
            Err(AuthError::Busy) => Registering::Busy,
            Err(_) => Registering::Failed,
        });
        taken
    }
}
