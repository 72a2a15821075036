//! The service for an operator's commands: no doors, no mails, no threads but those that hash.

use super::{StartError, World, failed, service};
use crate::{
    paths,
    server::{
        auth::{AuthService, IssuedLink},
        crypto::{Keyring, Keys, Sealing},
        metrics::Metrics,
        settings::Settings,
        store::Store,
    },
};
use secrecy::ExposeSecret as _;
use std::sync::Arc;
use tokio::sync::Notify;

/// What an operator's command works with; a server may run beside it.
pub struct Operator {
    auth: AuthService,
    store: Store,
    public_url: String,
}

impl Operator {
    /// With the keys and the database that are there: nothing is made, nothing migrated. Whoever runs this from another
    /// folder, or as another user, than the server shall not get a second database without noticing.
    ///
    /// # Errors
    /// There are none, or the tables are not those of this version.
    pub async fn open(settings: Settings, world: World) -> Result<Self, StartError> {
        let keys = Keys::load(&settings.keys, world.clock.now()).map_err(failed("the keys"))?;
        let store = Store::open_current(&settings.database).await.map_err(failed("the database"))?;
        Self::of(settings, &world, &keys, store)
    }

    fn of(settings: Settings, world: &World, keys: &Keys, store: Store) -> Result<Self, StartError> {
        let settings = Arc::new(settings);
        let keyring = Keyring::new(Sealing::new(keys, &settings).map_err(failed("the keys"))?);
        let auth = service(&settings, &keyring, &store, world, (&Arc::new(Notify::new()), &Metrics::new()))?;
        Ok(Self { auth, store, public_url: settings.server.public_url.clone() })
    }

    /// The service.
    #[must_use]
    pub const fn auth(&self) -> &AuthService {
        &self.auth
    }

    /// The address of the page where this link's holder chooses a new password. It is a secret until it is used.
    #[must_use]
    pub fn address(&self, link: &IssuedLink) -> String {
        paths::mailed_link(&self.public_url, paths::RESET_CONFIRMATION, &link.uid, link.token.expose_secret())
    }

    /// Lets go of the database.
    pub async fn close(self) {
        self.store.close().await;
    }
}
