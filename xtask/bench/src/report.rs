//! The rows of a run: as a table for people, as JSON for the next run.

use crate::{Outcome, machine};
use serde::{Deserialize, Serialize};
use std::{fs, path::Path};

/// A row's figures.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    /// What was measured.
    pub what: String,
    /// `sqlite` or `postgres`.
    pub engine: String,
    /// Doorward's figure, in `unit`.
    pub ours: f64,
    /// What it is measured against, in `unit`. None where the aim is a figure and no ratio.
    pub limit: Option<f64>,
    /// The unit of both.
    pub unit: String,
    /// Ours divided by the limit: the median over the rounds, which is not quite that of the two medians. Where the limit is
    /// none of the machine's, there is one round.
    pub ratio: Option<f64>,
    /// The aim: what `ratio`, or else `ours`, is to be at least or at most. None for what is only told.
    pub aim: Option<Aim>,
    /// Microseconds of a core that the server spent on an answer. None where that says nothing.
    pub cpu_us: Option<f64>,
}

/// What a figure is to be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aim {
    /// That much or more.
    AtLeast(f64),
    /// That much or less.
    AtMost(f64),
}

impl Aim {
    fn is_met(self, figure: f64) -> bool {
        match self {
            Self::AtLeast(least) => figure >= least,
            Self::AtMost(most) => figure <= most,
        }
    }

    fn shown(self) -> String {
        match self {
            Self::AtLeast(least) => format!("≥ {least}"),
            Self::AtMost(most) => format!("≤ {most}"),
        }
    }
}

impl Row {
    /// A figure that is measured against another, in rounds of both: how fast a machine is changes from one minute to the
    /// next, and less within a round.
    pub fn against(what: &str, engine: &str, rounds: &[(f64, f64)], unit: &str, aim: Option<Aim>) -> Self {
        let of = |figure: fn(&(f64, f64)) -> f64| median(rounds.iter().map(figure).collect());
        let (ours, limit) = (of(|(ours, _)| *ours), of(|(_, limit)| *limit));
        let ratio = Some(of(|(ours, limit)| ours / limit));
        Self { limit: Some(limit), ratio, ..Self::figure(what, engine, ours, unit, aim) }
    }

    /// A figure that stands for itself.
    pub fn figure(what: &str, engine: &str, ours: f64, unit: &str, aim: Option<Aim>) -> Self {
        let (what, engine, unit) = (what.to_owned(), engine.to_owned(), unit.to_owned());
        Self { what, engine, ours, limit: None, unit, ratio: None, aim, cpu_us: None }
    }

    fn verdict(&self) -> &'static str {
        match self.aim {
            None => "",
            Some(aim) if aim.is_met(self.ratio.unwrap_or(self.ours)) => "met",
            Some(_) => "NOT MET",
        }
    }

    /// What of a row stays the same from run to run and from machine to machine.
    fn shape(&self) -> String {
        let (limit, aim) = (self.limit.is_some(), self.aim.map(Aim::shown));
        format!("{} on {}, in {}, limit: {limit}, aim: {aim:?}", self.what, self.engine, self.unit)
    }

    fn is_sound(&self) -> bool {
        [Some(self.ours), self.limit, self.ratio].into_iter().flatten().all(|figure| figure.is_finite() && figure > 0.0)
    }
}

/// The middle one, or the higher of the two in the middle. 0 of nothing.
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

/// All rows of a run, and where it was.
#[derive(Debug, Serialize, Deserialize)]
pub struct Report {
    /// Cores that could be used.
    pub cores: usize,
    /// Memory in GiB.
    pub memory_gib: u64,
    /// The rows, in the order in which they were measured.
    pub rows: Vec<Row>,
}

impl Report {
    /// An empty one, for this machine.
    pub fn new() -> Self {
        Self { cores: machine::cores(), memory_gib: machine::memory(), rows: Vec::new() }
    }

    /// Adds a row, and says it at once: a run takes minutes.
    pub fn add(&mut self, row: Row) {
        println!("    {}", line(&cells(&row), &[0; COLUMNS]).trim());
        self.rows.push(row);
    }

    /// Prints the table.
    pub fn print(&self) {
        println!("{} cores, {} GiB of memory; medians", self.cores, self.memory_gib);
        let headings = ["what", "engine", "ours", "limit", "unit", "ratio", "aim", "", "CPU µs"].map(str::to_owned);
        let lines: Vec<_> = std::iter::once(headings).chain(self.rows.iter().map(cells)).collect();
        let mut widths = [0; COLUMNS];
        for (width, at) in widths.iter_mut().zip(0..) {
            *width = lines
                .iter()
                .filter_map(|line| line.get::<usize>(at))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0);
        }
        for cells in &lines {
            println!("{}", line(cells, &widths).trim_end());
        }
    }

    /// Writes the JSON.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, file: &Path) -> Outcome {
        let json = serde_json::to_string_pretty(self).map_err(|error| format!("the report: {error}"))?;
        fs::write(file, json + "\n").map_err(|error| format!("{}: {error}", file.display()))
    }

    /// Holds this run to an earlier one: the same rows with the same units and aims, and every figure a figure. How fast
    /// anything is says nothing about the code while the machine is not the same.
    ///
    /// # Errors
    /// It is not so.
    pub fn check_shape(&self, earlier: &Path) -> Outcome {
        let told = |error: &dyn std::fmt::Display| format!("{}: {error}", earlier.display());
        let json = fs::read_to_string(earlier).map_err(|error| told(&error))?;
        let baseline: Self = serde_json::from_str(&json).map_err(|error| told(&error))?;
        let (ours, theirs) = (shapes(self), shapes(&baseline));
        if let Some(row) = ours.iter().find(|row| !theirs.contains(row)) {
            return Err(told(&format!("this run has a row that is not there: {row}")));
        }
        if let Some(row) = theirs.iter().find(|row| !ours.contains(row)) {
            return Err(told(&format!("this run lacks a row: {row}")));
        }
        match self.rows.iter().find(|row| !row.is_sound()) {
            Some(row) => Err(format!("no figure came out of {} on {}", row.what, row.engine)),
            None => Ok(()),
        }
    }
}

fn shapes(report: &Report) -> Vec<String> {
    report.rows.iter().map(Row::shape).collect()
}

const COLUMNS: usize = 9;
/// Those with figures stand at the right.
const RIGHT: [bool; COLUMNS] = [false, false, true, true, false, true, false, false, true];

fn cells(row: &Row) -> [String; COLUMNS] {
    let figure = |figure: f64| match figure {
        large if large >= 100.0 => format!("{large:.0}"),
        small => format!("{small:.2}"),
    };
    [
        row.what.clone(),
        row.engine.clone(),
        figure(row.ours),
        row.limit.map(figure).unwrap_or_default(),
        row.unit.clone(),
        row.ratio.map(|ratio| format!("{ratio:.2}")).unwrap_or_default(),
        row.aim.map(Aim::shown).unwrap_or_default(),
        row.verdict().to_owned(),
        row.cpu_us.map(figure).unwrap_or_default(),
    ]
}

fn line(cells: &[String; COLUMNS], widths: &[usize; COLUMNS]) -> String {
    let padded =
        cells.iter().zip(widths).zip(RIGHT).map(|((cell, &width), right)| {
            if right { format!("{cell:>width$}  ") } else { format!("{cell:<width$}  ") }
        });
    padded.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(rows: Vec<Row>) -> Report {
        Report { cores: 2, memory_gib: 24, rows }
    }

    fn checked(ours: &Report, earlier: &Report) -> Outcome {
        let file = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
        earlier.write(file.path())?;
        ours.check_shape(file.path())
    }

    #[test]
    fn a_run_on_another_machine_has_the_same_shape() {
        let aim = Some(Aim::AtLeast(0.5));
        let earlier = report(vec![Row::against("me", "sqlite", &[(5.0, 10.0)], "/s", aim)]);
        let ours = report(vec![Row::against("me", "sqlite", &[(50.0, 900.0)], "/s", aim)]);
        assert_eq!(checked(&ours, &earlier), Ok(()));
    }

    #[test]
    fn a_row_more_a_row_less_and_another_aim_are_told() {
        let row = |aim| Row::against("me", "sqlite", &[(5.0, 10.0)], "/s", Some(Aim::AtLeast(aim)));
        for (ours, earlier) in [(vec![row(0.5)], vec![]), (vec![], vec![row(0.5)]), (vec![row(0.4)], vec![row(0.5)])] {
            assert!(checked(&report(ours), &report(earlier)).is_err());
        }
    }

    #[test]
    fn a_figure_that_is_none_is_told() {
        let earlier = report(vec![Row::against("me", "sqlite", &[(5.0, 10.0)], "/s", None)]);
        let ours = report(vec![Row::against("me", "sqlite", &[(0.0, 10.0)], "/s", None)]);
        assert!(checked(&ours, &earlier).is_err_and(|problem| problem.contains("no figure")));
    }

    #[test]
    fn a_machine_that_slows_down_meanwhile_changes_no_ratio() {
        let row = Row::against("me", "sqlite", &[(50.0, 100.0), (10.0, 20.0), (8.0, 16.0), (60.0, 30.0)], "/s", None);
        assert_eq!((row.ours, row.limit, row.ratio), (50.0, Some(30.0), Some(0.5)));
    }

    #[test]
    fn an_aim_is_met_on_its_own_side() {
        let verdict = |ours, aim| Row::figure("memory", "sqlite", ours, "MiB", Some(aim)).verdict();
        assert_eq!(verdict(14.0, Aim::AtMost(15.0)), "met");
        assert_eq!(verdict(16.0, Aim::AtMost(15.0)), "NOT MET");
        assert_eq!(verdict(0.5, Aim::AtLeast(0.5)), "met");
    }
}
