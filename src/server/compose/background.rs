//! Work beside the requests: what one server does for all, and the listener of the metrics.

use super::{StartError, failed};
use crate::server::{
    auth::AuthService,
    entropy::{Entropy, random_id},
    http,
    metrics::Metrics,
    settings::Settings,
};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// Seconds between two cleanings of the database.
const CLEAN_UP_EVERY: u64 = 3600;

/// Cleans the database each hour if no other server does.
pub(super) struct Cleaner {
    auth: AuthService,
    /// This server among others, new at each start.
    holder: String,
    task: JoinHandle<()>,
}

impl Cleaner {
    pub(super) fn start(auth: AuthService, entropy: &dyn Entropy) -> Self {
        let holder = random_id(entropy);
        let task = tokio::spawn(clean_up(auth.clone(), holder.clone()));
        Self { auth, holder, task }
    }

    /// Another server may do this work from now on.
    pub(super) async fn stop(self) {
        self.task.abort();
        drop(self.task.await);
        if let Err(error) = self.auth.let_go_of_work(&self.holder).await {
            tracing::warn!(%error, "work for all servers was not let go of; another one takes it over in two hours");
        }
    }
}

async fn clean_up(auth: AuthService, holder: String) {
    let mut hours = tokio::time::interval(Duration::from_secs(CLEAN_UP_EVERY));
    loop {
        hours.tick().await;
        match auth.clean_up_for_all(&holder).await {
            Ok(Some(0)) => {}
            Ok(Some(rows)) => tracing::info!(rows, "deleted sessions and tickets that had ended"),
            Ok(None) => tracing::debug!("another server cleans up"),
            Err(error) => tracing::warn!(%error, "could not clean up; it is tried again in an hour"),
        }
    }
}

/// The address of the metrics, bound; none if none is set.
///
/// # Errors
/// The address cannot be had.
pub(super) async fn bind_metrics(settings: &Settings) -> Result<Option<TcpListener>, StartError> {
    let address = settings.metrics.address.as_str();
    if address.is_empty() {
        return Ok(None);
    }
    let what = format!("metrics.address = {address:?}");
    let listener = TcpListener::bind(address).await.map_err(failed(&what))?;
    tracing::info!(address = %listener.local_addr().map_err(failed(&what))?, "metrics are shown");
    Ok(Some(listener))
}

/// Shows the metrics until `stop`, on a task of its own.
pub(super) fn show_metrics(
    listener: TcpListener,
    shown: (AuthService, Metrics),
    settings: &Arc<Settings>,
    stop: CancellationToken,
) -> JoinHandle<()> {
    let settings = settings.clone();
    tokio::spawn(async move {
        if let Err(error) = http::serve_metrics(listener, shown, &settings.server, stop).await {
            tracing::error!(%error, "the metrics are not shown any more");
        }
    })
}

/// Where it listens, if it does.
pub(super) fn address(listener: Option<&TcpListener>) -> Option<SocketAddr> {
    listener?.local_addr().ok()
}
