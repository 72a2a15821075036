//! The binary: reads the command line and hands over to the file of that command. It decides nothing.

#[path = "main/audit.rs"]
mod audit;
#[path = "main/backup.rs"]
mod backup;
#[path = "main/calibrate.rs"]
mod calibrate;
#[path = "main/doctor.rs"]
mod doctor;
#[path = "main/health.rs"]
mod health;
#[path = "main/import_django.rs"]
mod import_django;
#[path = "main/keys.rs"]
mod keys;
#[path = "main/log_lines.rs"]
mod log_lines;
#[path = "main/log_text.rs"]
mod log_text;
#[path = "main/mail.rs"]
mod mail;
#[path = "main/migrate.rs"]
mod migrate;
#[path = "main/output.rs"]
mod output;
#[path = "main/serve.rs"]
mod serve;
#[path = "main/telemetry.rs"]
mod telemetry;
#[path = "main/user.rs"]
mod user;

use clap::{Parser, Subcommand};
use output::{Output, complain};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Accounts for a web application.
///
/// Every setting is documented in Leptos.toml, which is built in; --settings lays a file over it, and variables
/// DOORWARD__SECTION__KEY lie over both.
#[derive(Parser)]
#[command(version, about, max_term_width = 100)]
struct Arguments {
    /// A TOML file laid over the built-in settings (Leptos.toml documents them).
    #[arg(long, value_name = "FILE", global = true)]
    settings: Option<PathBuf>,
    /// Say it as one JSON document, for programs.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serves the site; the same as no command.
    Serve,
    Migrate(migrate::Migrate),
    Doctor(doctor::Doctor),
    Health(health::Health),
    Calibrate(calibrate::Calibrate),
    /// Looks after accounts.
    #[command(subcommand)]
    User(user::Command),
    /// Looks at the keys, and exchanges them without signing anybody out.
    #[command(subcommand)]
    Keys(keys::Command),
    /// Looks at mails that wait, went out or were given up.
    #[command(subcommand)]
    Mail(mail::Command),
    /// Looks at the audit log.
    #[command(subcommand)]
    Audit(audit::Command),
    Backup(backup::Backup),
    Restore(backup::Restore),
    ImportDjango(import_django::ImportDjango),
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let settings = arguments.settings.as_deref();
    let output = Output::new(arguments.json);
    let Some(command) = arguments.command else { return served(settings).await };
    match command {
        Command::Serve => served(settings).await,
        Command::Migrate(command) => command.run(settings, output).await,
        Command::Doctor(command) => command.run(settings, output).await,
        Command::Health(command) => command.run(settings, output).await,
        Command::Calibrate(command) => command.run(settings, output).await,
        Command::User(command) => command.run(settings, output).await,
        Command::Keys(command) => command.run(settings, output).await,
        Command::Mail(command) => command.run(settings, output).await,
        Command::Audit(command) => command.run(settings, output).await,
        Command::Backup(command) => command.run(settings, output).await,
        Command::Restore(command) => command.run(settings, output).await,
        Command::ImportDjango(command) => command.run(settings, output).await,
    }
}

async fn served(settings: Option<&Path>) -> ExitCode {
    match serve::serve(settings).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("doorward does not start: {error}"));
            ExitCode::FAILURE
        }
    }
}
