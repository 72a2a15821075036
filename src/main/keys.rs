//! `doorward keys …`: the keys by their public names, and their exchange. Says nothing that is secret.

use crate::output::{self, Output, complain};
use clap::{Args, Subcommand, ValueEnum};
use doorward::server::{
    compose::{
        World,
        keys::{self, ChangedKeys, KeyChange, ShownKey},
    },
    crypto::{KeyPurpose, KeyState},
    settings::Settings,
};
use std::{error::Error, path::Path, process::ExitCode};

/// The longest `--in`: a year.
const LONGEST: i64 = 365 * 86_400;

/// What can be asked.
#[derive(Subcommand)]
pub enum Command {
    /// Lists them: public names, since when they make, from when they may be dropped. Nothing of it is secret.
    ///
    /// Exit code: 0 done, 1 there are no keys or they cannot be used.
    List,
    /// Adds a new key for each purpose to the file of keys. It makes after --in; until then it only verifies.
    ///
    /// Running servers take it up by themselves (keys.reload). Where servers have copies of the file, copy it to all of
    /// them within --in: then each knows the new key before any makes with it, and nobody is signed out.
    ///
    /// Exit code: 0 done, 1 not done, and the file is as it was.
    Rotate(Rotate),
}

/// What `rotate` takes.
#[derive(Args)]
pub struct Rotate {
    /// What for; may be given more than once. By default for signing and refresh. Without need leave out mail: its keys
    /// are kept as long as the audit log, and a new one lets all throttles start afresh.
    #[arg(long, value_enum)]
    purpose: Vec<Purpose>,
    /// When the new keys begin to make: seconds from now, or 90s, 15m, 1h, 2d.
    #[arg(long = "in", value_name = "TIME", default_value = "1h", value_parser = seconds)]
    after: i64,
    /// Also drop keys that were replaced for longer than what they made can live. With --purpose none nothing else is done.
    /// Mail keys stay while a secret of an authenticator app in the database is sealed with an older one, or if the database
    /// cannot be asked: the cleaning up of a running server seals such secrets anew, within an hour or two.
    #[arg(long)]
    drop_old: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Purpose {
    /// Access tokens.
    Signing,
    /// Refresh tokens.
    Refresh,
    /// Mailed links and codes, known devices, throttles, the audit log, secrets of authenticator apps.
    Mail,
    /// All three.
    All,
    /// No new key, only --drop-old.
    None,
}

impl Command {
    /// Does it.
    pub async fn run(self, settings: Option<&Path>, output: Output) -> ExitCode {
        let done = async {
            let settings = Settings::load(settings)?;
            match self {
                Self::List => list(&settings, output),
                Self::Rotate(asked) => rotate(&settings, &asked, output).await,
            }
        };
        match done.await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                complain(&error.to_string());
                ExitCode::FAILURE
            }
        }
    }
}

fn list(settings: &Settings, output: Output) -> Result<(), Box<dyn Error>> {
    let keys = keys::list(settings, &World::real())?;
    Ok(output.say(&serde_json::json!({ "keys": keys }), |_| table(&keys))?)
}

async fn rotate(settings: &Settings, asked: &Rotate, output: Output) -> Result<(), Box<dyn Error>> {
    let purposes = purposes(&asked.purpose);
    if purposes.is_empty() && !asked.drop_old {
        return Err("with --purpose none there is nothing to do but --drop-old".into());
    }
    let change = KeyChange { purposes, after: asked.after, drop_old: asked.drop_old };
    let changed = keys::exchange(settings, &World::real(), &change).await?;
    Ok(output.say(&changed, text)?)
}

fn purposes(asked: &[Purpose]) -> Vec<KeyPurpose> {
    let wants = |purpose: Purpose, default: bool| {
        asked.contains(&purpose) || asked.contains(&Purpose::All) || (asked.is_empty() && default)
    };
    let all = [
        (KeyPurpose::Signing, wants(Purpose::Signing, true)),
        (KeyPurpose::Refresh, wants(Purpose::Refresh, true)),
        (KeyPurpose::Mail, wants(Purpose::Mail, false)),
    ];
    all.into_iter().filter(|(_, wanted)| *wanted).map(|(purpose, _)| purpose).collect()
}

fn text(changed: &ChangedKeys) -> String {
    let mut text = String::new();
    for key in &changed.added {
        let from = key.from.as_deref().unwrap_or("now");
        text.push_str(&format!("Added {}; it makes from {from} on.\n", key.fingerprint));
    }
    for key in &changed.dropped {
        text.push_str(&format!("Dropped {}.\n", key.fingerprint));
    }
    if changed.added.is_empty() && changed.dropped.is_empty() {
        text.push_str("Nothing may be dropped yet; the file is as it was.\n");
    }
    for note in &changed.notes {
        text.push_str(&format!("Note: {note}\n"));
    }
    text.push('\n');
    text + &table(&changed.keys)
}

fn table(keys: &[ShownKey]) -> String {
    let row = |key: &ShownKey| {
        let from = key.from.clone().unwrap_or_else(|| "always".to_owned());
        let state = match key.state {
            KeyState::Makes => "makes".to_owned(),
            KeyState::MakesLater => format!("makes from {from}"),
            KeyState::Verifies => "verifies".to_owned(),
        };
        let droppable = match (&key.droppable_from, key.state) {
            (Some(_), _) if key.droppable => "now (--drop-old)".to_owned(),
            (Some(from), _) => from.clone(),
            (None, KeyState::Verifies) => "by hand: nobody noted when it was replaced".to_owned(),
            (None, _) => "-".to_owned(),
        };
        [key.fingerprint.clone(), from, state, droppable]
    };
    output::table(["KEY", "MAKES SINCE", "STATE", "MAY BE DROPPED"], keys.iter().map(row).collect())
}

fn seconds(text: &str) -> Result<i64, &'static str> {
    let (number, unit) = match text.find(|letter: char| !letter.is_ascii_digit()) {
        Some(at) => text.split_at(at),
        None => (text, "s"),
    };
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err("write seconds, or a number with s, m, h or d"),
    };
    let number: i64 = number.parse().map_err(|_| "write seconds, or a number with s, m, h or d")?;
    let seconds = number.checked_mul(unit).filter(|seconds| *seconds <= LONGEST);
    seconds.ok_or("a year at most")
}
