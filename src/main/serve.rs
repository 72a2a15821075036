//! `doorward serve`: the server, until it is told to stop.

use crate::{
    log_lines::Lines,
    log_text::{Text, Time},
    telemetry::Traces,
};
use doorward::server::{
    compose::{Application, KeyWatch, World, files_beside_connections, site},
    settings::{LogFormat, MailTransport, Settings},
};
use std::{error::Error, fs::File, io::IsTerminal as _, os::fd::AsFd as _, path::Path};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::{EnvFilter, Layer as _, layer::SubscriberExt as _, util::SubscriberInitExt as _};

/// Serves until a signal says that it is enough.
pub async fn serve(settings: Option<&Path>) -> Result<(), Box<dyn Error>> {
    let mut settings = Settings::load(settings)?;
    let traces = Traces::start(&settings.telemetry)?;
    let lines = start_log(&settings, traces.as_ref())?;
    doorward::server::http::log_panics();
    fit_open_files(&mut settings)?;
    let (url, transport) = (settings.server.public_url.clone(), settings.mail.transport);
    let site = site(&settings)?;
    let stop = CancellationToken::new();
    // Before anything else, so that a signal while the server starts is heard, too.
    tokio::spawn(stop_on_signal(Signals::listen()?, stop.clone(), lines.clone()));
    let hangups = signal(SignalKind::hangup())?;
    let application = tokio::select! {
        application = Application::build(settings, site, World::real()) => application?,
        () = stop.cancelled() => return Ok(()),
    };
    tokio::spawn(reload_on_signal(hangups, application.key_watch()));
    tracing::info!(address = %application.address()?, %url, "listening");
    if transport == MailTransport::Mailbox {
        let mailbox = [url.as_str(), doorward::paths::MAILBOX].concat();
        tracing::info!(%mailbox, "no mail leaves this server: read what it would have sent in its mailbox");
    }
    let ended = application.run(stop).await;
    tracing::info!("stopped");
    if let Some(traces) = traces {
        traces.end().await;
    }
    let _ = lines.write_out();
    Ok(ended?)
}

/// Raises the limit of open files to what the system allows, and takes no more connections than it has room for: the
/// database, mails and files need some, too.
fn fit_open_files(settings: &mut Settings) -> Result<(), Box<dyn Error>> {
    let files = usize::try_from(rlimit::increase_nofile_limit(u64::MAX)?).unwrap_or(usize::MAX);
    let room = files.saturating_sub(files_beside_connections(settings)).max(16);
    if settings.server.connections > room {
        tracing::warn!(
            files,
            connections = room,
            "the limit of open files has room for fewer connections than are set"
        );
        settings.server.connections = room;
    }
    Ok(())
}

/// The log's filter is for the log alone: traces have their own.
fn start_log(settings: &Settings, traces: Option<&Traces>) -> Result<Lines, Box<dyn Error>> {
    let filter = EnvFilter::try_new(&settings.log.filter)?;
    let stdout = std::io::stdout();
    let ansi = stdout.is_terminal();
    let lines = Lines::to(File::from(stdout.as_fd().try_clone_to_owned()?))?;
    // What cannot be logged, as on a full disk, is lost; to complain of it on a stream that is full, too, would end the
    // request with a panic.
    let log = tracing_subscriber::fmt::layer().log_internal_errors(false);
    let log = log.with_timer(Time).with_target(false).with_ansi(ansi).with_writer(lines.clone());
    let log = match settings.log.format {
        LogFormat::Human if ansi => log.boxed(),
        LogFormat::Human => log.event_format(Text).boxed(),
        LogFormat::Json => log.json().flatten_event(true).boxed(),
    };
    match traces {
        // A filter of the log alone is asked for every span and line once more.
        Some(traces) => tracing_subscriber::registry().with(log.with_filter(filter)).with(traces.layer()).try_init()?,
        None => tracing_subscriber::registry().with(log).with(filter).try_init()?,
    }
    Ok(lines)
}

/// The signals that end the server.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) -> SignalKind {
        tokio::select! {
            _ = self.terminate.recv() => SignalKind::terminate(),
            _ = self.interrupt.recv() => SignalKind::interrupt(),
        }
    }
}

/// The first signal lets requests end, the second does not.
async fn stop_on_signal(mut signals: Signals, stop: CancellationToken, lines: Lines) {
    signals.next().await;
    tracing::info!("stopping: running requests may end; a second signal ends them");
    stop.cancel();
    let signal = signals.next().await;
    tracing::warn!("stopped at once: requests and mails were cut");
    let _ = lines.write_out();
    // As a shell names the end by a signal.
    std::process::exit(128 + signal.as_raw_value());
}

/// The signal that means "read your files again": the keys. Nothing else is read while the server runs.
async fn reload_on_signal(mut hangups: Signal, keys: KeyWatch) {
    while hangups.recv().await.is_some() {
        keys.look().await;
        tracing::info!("SIGHUP: looked at the keys; other settings need a restart");
    }
}
