//! `doorward calibrate`: prints how long password hashes take here, and what to set.

use crate::output::{Output, complain};
use clap::Args;
use doorward::server::{
    compose::calibrate::{self, Calibration},
    crypto::Measured,
    settings::Settings,
};
use std::{error::Error, path::Path, process::ExitCode};

/// Measures password hashes on this machine, and says how strong they can be.
///
/// Takes up to twenty seconds and all processors: not on a machine that serves people. Never suggests less than the
/// settings take. Exit code: 0 done, 1 not.
#[derive(Args)]
pub struct Calibrate {
    /// Milliseconds that one hash may take while all threads are at work (10 to 2000).
    #[arg(long, value_name = "MS", default_value_t = 100, value_parser = clap::value_parser!(u32).range(10..=2000))]
    target_ms: u32,
}

impl Calibrate {
    /// Does it.
    pub async fn run(self, settings: Option<&Path>, output: Output) -> ExitCode {
        let measured = async {
            let settings = Settings::load(settings)?;
            let target = self.target_ms;
            let measured = tokio::task::spawn_blocking(move || calibrate::calibrate(&settings, target)).await??;
            output.say(&measured, text)?;
            Ok::<_, Box<dyn Error>>(())
        };
        match measured.await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                complain(&format!("nothing could be measured: {error}"));
                ExitCode::FAILURE
            }
        }
    }
}

fn text(calibration: &Calibration) -> String {
    let mut text = format!(
        "{:>12} {:>7} {:>6} {:>8} {:>9} {:>9}\n",
        "memory (KiB)", "passes", "lanes", "threads", "ms each", "a second"
    );
    for measured in &calibration.measured {
        text.push_str(&row(measured, calibration));
    }
    let target = calibration.target_ms;
    text.push_str(&if calibration.within_target {
        format!("\nThe strongest that stays under {target} ms:\n\n")
    } else {
        format!("\nNone stays under {target} ms. The quickest that is strong enough:\n\n")
    });
    text + &calibration.toml
}

fn row(measured: &Measured, calibration: &Calibration) -> String {
    let cost = measured.cost;
    let mark = if cost == calibration.current { "  set now" } else { "" };
    format!(
        "{:>12} {:>7} {:>6} {:>8} {:>9.1} {:>9.1}{mark}\n",
        cost.memory, cost.passes, cost.lanes, measured.threads, measured.milliseconds, measured.per_second
    )
}
