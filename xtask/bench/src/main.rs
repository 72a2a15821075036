//! Doorward beside what the machine can do: both are measured in one run, by the same load, and what counts is their ratio.
//!
//! `load` asks over loopback, `scripts` says what, `door` runs the server, `side` is one with accounts, `limits` is what the
//! machine can do, `rows` and `beside` measure one against the other, `scale` fills the database, `report` is the table and
//! the JSON, `django` the peer.

mod beside;
mod django;
mod door;
mod limits;
mod load;
mod machine;
mod postgres;
mod report;
mod rows;
mod scale;
mod scripts;
mod side;

use clap::{Parser, Subcommand};
use std::{path::PathBuf, process::ExitCode, time::Duration};

/// What a step gives back; the error is a sentence for the person at the terminal.
pub type Outcome<T = ()> = Result<T, String>;

/// Measures Doorward; `cargo xtask bench` calls it.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    role: Option<Role>,
    /// The release binary.
    #[arg(long, default_value = "target/release/doorward")]
    binary: PathBuf,
    /// The folder of PostgreSQL's programs.
    #[arg(long, default_value = "/usr/lib/postgresql/15/bin")]
    postgres: PathBuf,
    /// Short rounds and small databases: whether everything still runs, not how fast it is.
    #[arg(long)]
    quick: bool,
    /// Only the rows whose name contains this.
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
    /// Also measures another account server, from PyPI.
    #[arg(long, value_parser = ["django"])]
    peer: Option<String>,
    /// Where the JSON goes.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// A JSON of an earlier run: fails if this one has other rows, units or aims.
    #[arg(long, value_name = "FILE")]
    same_shape_as: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Role {
    /// Serves a file from a bare axum route: the limit that pages and answers are measured against.
    Bare {
        /// What is served.
        file: PathBuf,
    },
    /// Hashes on all cores until its standard input ends: what the machine makes of others beside it.
    Hash,
}

/// How thoroughly it is measured.
#[derive(Clone, Copy)]
pub struct Plan {
    /// Of each row the median of so many rounds is taken.
    pub rounds: usize,
    /// How long each round of each side takes.
    pub round: Duration,
    /// Connections that ask at once.
    pub connections: usize,
    /// Accounts, and sessions, of the large database.
    pub large: (i64, i64),
    /// What passes after the load before its memory is looked at.
    pub rest: Duration,
}

const THOROUGH: Plan = Plan {
    rounds: 5,
    round: Duration::from_secs(2),
    connections: 16,
    large: (1_000_000, 3_000_000),
    // Hashing threads give their memory back after ten seconds without work.
    rest: Duration::from_secs(12),
};
const QUICK: Plan =
    Plan { rounds: 1, round: Duration::from_millis(300), connections: 16, large: (2_000, 6_000), rest: Duration::ZERO };

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match &arguments.role {
        Some(Role::Bare { file }) => limits::serve_bare(file),
        Some(Role::Hash) => limits::hash_aside(),
        None => measure(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &Arguments) -> Outcome {
    // Servers are started in folders of their own.
    let binary = arguments.binary.canonicalize();
    let binary = binary.map_err(|error| format!("{}: {error}", arguments.binary.display()))?;
    let plan = if arguments.quick { QUICK } else { THOROUGH };
    let mut report = report::Report::new();
    for engine in [door::Engine::Sqlite, door::Engine::Postgres(arguments.postgres.clone())] {
        rows::measure(&binary, &engine, plan, &arguments.only, &mut report)?;
    }
    if arguments.peer.is_some() {
        django::measure(plan, &mut report)?;
    }
    report.print();
    if let Some(file) = &arguments.out {
        report.write(file)?;
    }
    arguments.same_shape_as.as_deref().map_or(Ok(()), |file| report.check_shape(file))
}
