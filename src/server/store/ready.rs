//! Whether the database is there and of this version, and what its connections do.

use super::{Store, StoreError};

/// How many connections there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolUse {
    /// That there may be.
    pub most: u32,
    /// That there are.
    pub open: u32,
    /// That nobody uses now.
    pub idle: u32,
}

impl Store {
    /// Whether all migrations of this version were applied. Those of a newer version do not matter: while versions are
    /// exchanged, both run.
    ///
    /// # Errors
    /// The database is away.
    pub async fn is_up_to_date(&self) -> Result<bool, StoreError> {
        Ok(self.own_migrations().await?.pending.is_empty())
    }

    /// What the connections for reading do; on PostgreSQL these are all.
    #[must_use]
    pub fn pool(&self) -> PoolUse {
        let idle = u32::try_from(self.readers.num_idle()).unwrap_or(u32::MAX);
        PoolUse { most: self.readers.options().get_max_connections(), open: self.readers.size(), idle }
    }
}
