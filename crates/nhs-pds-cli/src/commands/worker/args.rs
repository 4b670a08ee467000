//! The arguments of `nhs-pds worker`.

use crate::console::{self, about};
use crate::database::Required;
use crate::port::Listen;
use crate::service::{Reached, Service};
use nhs_pds::matching::{Judge, NameTables, RiskLimit};
use nhs_pds::process::{Policy, Schedule};
use nhs_pds::resilience::RateLimit;
use std::error::Error;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

/// Finds and verifies the NHS Numbers of a store of cases, on a schedule
#[derive(clap::Args)]
#[command(
    after_help = "Exit codes: 0 all is well, 1 rows were refused, a stored case is damaged, the service refused the configuration or did not answer, the last run failed, or a second signal ended the worker at once, 2 the worker could not run"
)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(super) database: Required,
    /// A caseload to import first.
    #[arg(long, value_name = "CSV")]
    pub(super) import: Option<PathBuf>,
    /// The time between runs, such as `30m` or `90s`; at most 30 minutes (HAV-1). [default: 30m]
    #[arg(long, value_name = "TIME", value_parser = duration, conflicts_with = "once")]
    pub(super) interval: Option<Duration>,
    /// Run once, until no case is due.
    #[arg(long)]
    pub(super) once: bool,
    /// How long `--once` tries again while the database cannot be read or written.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "60s")]
    pub(super) patience: Duration,
    /// The file for the decisions, one row for each case.
    #[arg(long, value_name = "CSV")]
    pub(super) export: Option<PathBuf>,
    /// How much earlier than the interval a run may begin.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "0s")]
    pub(super) jitter: Duration,
    /// No run begins between these times, as `HH:MM` in UTC.
    #[arg(long, num_args = 2, value_names = ["FROM", "TO"], value_parser = time_of_day)]
    pub(super) quiet: Option<Vec<chrono::NaiveTime>>,
    /// The time after which another worker may take the cases of a worker that stopped without releasing them.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "10s")]
    pub(super) lease: Duration,
    /// A file for the heads of the audit trail, for `audit verify --anchors`. Choose a place where the users
    /// who can write the database can only append.
    #[arg(long, value_name = "FILE")]
    pub(super) anchors: Option<PathBuf>,
    /// How many questions may be open at the same time.
    #[arg(long, value_name = "COUNT", default_value = "1")]
    pub(super) in_flight: NonZeroUsize,
    /// The rate limit in questions a second. [default: 5, and 1000 to the simulator]
    #[arg(long, value_name = "COUNT")]
    pub(super) per_second: Option<NonZeroU32>,
    /// The number of attempts for a question before its case waits for the next run.
    #[arg(long, value_name = "COUNT", default_value = "4")]
    pub(super) attempts: NonZeroU32,
    /// Verify each number again after this number of days.
    #[arg(long, value_name = "DAYS")]
    pub(super) reverify: Option<u32>,
    /// Write a number only if the risk of a wrong person is below 1 in this number; at least 100000.
    #[arg(long, value_name = "NUMBER", value_parser = risk_limit, default_value = "100000")]
    pub(super) risk_limit: RiskLimit,
    /// Also write numbers that a search with wildcards found. Only after your organisation has assessed the
    /// safety of such searches (MSCA-PDS-07).
    #[arg(long)]
    pub(super) wildcards_assessed: bool,
    /// A table with more surnames, as CSV with the columns name, per_million, obs and source.
    #[arg(long, value_name = "CSV")]
    pub(super) surnames: Option<PathBuf>,
    #[command(flatten)]
    pub(super) listen: Listen,
    #[command(flatten)]
    pub(super) service: Service,
}

/// Reads `90s`, `30m`, `2h` or `250ms`.
fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (count, unit) = text.split_at(digits);
    let count: u64 = count.parse().map_err(|_| "a time is a number and a unit, such as 30m")?;
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err("the unit of a time is ms, s, m or h".into()),
    };
    count.checked_mul(milliseconds).map(Duration::from_millis).ok_or("too long".into())
}

fn time_of_day(text: &str) -> Result<chrono::NaiveTime, String> {
    chrono::NaiveTime::parse_from_str(text, "%H:%M").map_err(|_| "a time of day is HH:MM".into())
}

impl Args {
    /// Whether the command only writes the decisions that are there.
    pub(super) const fn only_exports(&self) -> bool {
        self.export.is_some() && self.interval.is_none() && !self.once
    }

    pub(super) fn schedule(&self) -> Result<Schedule, Box<dyn Error>> {
        let schedule = Schedule::every(self.interval.unwrap_or(Duration::from_secs(30 * 60)))?;
        let schedule = schedule.with_jitter(self.jitter)?;
        Ok(match self.quiet.as_deref() {
            Some([from, to]) => schedule.with_quiet_hours(*from, *to),
            _ => schedule,
        })
    }

    pub(super) fn policy(&self) -> Result<Policy, Box<dyn Error>> {
        let mut judge = Judge::default().with_limit(self.risk_limit);
        if self.wildcards_assessed {
            judge = judge.with_wildcards_assessed();
        }
        if let Some(file) = &self.surnames {
            let names = NameTables::shipped().with_surnames(console::open(file)?);
            judge = judge.with_names(names.map_err(|error| about(file, &error))?);
        }
        let policy = Policy::default().with_judge(judge);
        Ok(match self.reverify {
            Some(days) => policy.with_reverification(chrono::TimeDelta::days(days.into())),
            None => policy,
        })
    }

    /// The rate limit of a provider, or the speed of the simulator.
    pub(super) fn rate_limit(&self, reached: &Reached) -> RateLimit {
        let usual =
            if reached.is_simulator() { 1_000 } else { RateLimit::default().per_second.get() };
        let per_second = self.per_second.or(NonZeroU32::new(usual)).unwrap_or(NonZeroU32::MIN);
        let in_flight = NonZeroU32::try_from(self.in_flight).unwrap_or(NonZeroU32::MAX);
        RateLimit::per_second(per_second).with_burst(per_second).with_in_flight(in_flight)
    }
}

fn risk_limit(text: &str) -> Result<RiskLimit, String> {
    let number = text.parse().map_err(|_| "a whole number is required".to_owned())?;
    RiskLimit::one_in(number).map_err(|error| error.to_string())
}
