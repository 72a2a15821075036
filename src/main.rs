//! The binary: reads settings, starts the log, builds the application, serves it; or looks at the audit log, or takes
//! over the users of a Django database. It decides nothing.

#[path = "main/audit.rs"]
mod audit;
#[path = "main/import_django.rs"]
mod import_django;

use clap::{Parser, Subcommand};
use doorward::server::{
    compose::{Application, World, site},
    settings::{LogFormat, MailTransport, Settings},
};
use std::{
    error::Error,
    io::IsTerminal as _,
    path::{Path, PathBuf},
    process::ExitCode,
};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// Accounts for a web application.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    /// A TOML file laid over the built-in settings (Leptos.toml documents them).
    #[arg(long, value_name = "FILE", global = true)]
    settings: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serves the site; the same as no command.
    Serve,
    /// Looks at the audit log.
    #[command(subcommand)]
    Audit(audit::Command),
    /// Makes accounts of the users of a Django database: they sign in with the passwords that they have.
    ///
    /// May be repeated, and the server may run meanwhile: accounts that are here are left as they are.
    /// Exit code: 0 every user is here, 1 some were not taken, 2 it could not be done.
    ImportDjango(import_django::ImportDjango),
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let settings = arguments.settings.as_deref();
    match arguments.command {
        Some(Command::Audit(command)) => return command.run(settings).await,
        Some(Command::ImportDjango(command)) => return command.run(settings).await,
        Some(Command::Serve) | None => {}
    }
    match serve(settings).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("doorward does not start: {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn serve(settings: Option<&Path>) -> Result<(), Box<dyn Error>> {
    let mut settings = Settings::load(settings)?;
    start_log(&settings)?;
    doorward::server::http::log_panics();
    fit_open_files(&mut settings)?;
    let (url, transport) = (settings.server.public_url.clone(), settings.mail.transport);
    let application = Application::build(settings, site()?, World::real()).await?;
    tracing::info!(address = %application.address()?, %url, "listening");
    if transport == MailTransport::Mailbox {
        let mailbox = [url.as_str(), doorward::paths::MAILBOX].concat();
        tracing::info!(%mailbox, "no mail leaves this server: read what it would have sent in its mailbox");
    }
    let stop = CancellationToken::new();
    tokio::spawn(stop_on_signal(stop.clone()));
    application.run(stop).await?;
    tracing::info!("stopped");
    Ok(())
}

/// Raises the limit of open files to what the system allows, and takes no more connections than it has room for: the
/// database, mails and files need some, too.
fn fit_open_files(settings: &mut Settings) -> Result<(), Box<dyn Error>> {
    const OTHERS: usize = 128;
    let files = usize::try_from(rlimit::increase_nofile_limit(u64::MAX)?).unwrap_or(usize::MAX);
    let room = files.saturating_sub(OTHERS).max(16);
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

fn start_log(settings: &Settings) -> Result<(), Box<dyn Error>> {
    let filter = EnvFilter::try_new(&settings.log.filter)?;
    let ansi = std::io::stdout().is_terminal();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_target(false).with_ansi(ansi);
    match settings.log.format {
        LogFormat::Human => log.init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
    Ok(())
}

async fn stop_on_signal(stop: CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};
    match (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) {
        (Ok(mut terminate), Ok(mut interrupt)) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            tracing::info!("stopping: running requests may end");
            stop.cancel();
        }
        (Err(error), _) | (_, Err(error)) => {
            tracing::warn!(%error, "signals are not heard; only a kill stops this server")
        }
    }
}

/// The one thing that is said without the log: it may be what could not be started.
#[expect(clippy::print_stderr, reason = "the log may not have started")]
fn complain(what: &str) {
    eprintln!("{what}");
}
