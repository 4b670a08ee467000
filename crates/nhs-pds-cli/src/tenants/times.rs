//! When a worker runs.

use crate::console::Failed;
use clap::Args;
use nhs_pds::process::Schedule;
use std::time::Duration;

/// The options of a schedule.
#[derive(Args, Clone, Default)]
pub(crate) struct Times {
    /// The time between runs, such as `30m` or `90s`; at most 30 minutes (HAV-1). [default: 30m]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) interval: Option<Duration>,
    /// How much earlier than the interval a run may begin. [default: 0s; of a tenant, 60s]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    jitter: Option<Duration>,
    /// No run begins between these times, as `HH:MM` in UTC.
    #[arg(long, num_args = 2, value_names = ["FROM", "TO"], value_parser = time_of_day)]
    quiet: Option<Vec<chrono::NaiveTime>>,
}

/// Reads `90s`, `30m`, `2h` or `250ms`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
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

impl Times {
    /// The options that are given, by their names.
    pub(crate) fn given(&self) -> impl Iterator<Item = &'static str> + use<> {
        let given = [
            ("interval", self.interval.is_some()),
            ("jitter", self.jitter.is_some()),
            ("quiet", self.quiet.is_some()),
        ];
        given.into_iter().filter_map(|(name, is_given)| is_given.then_some(name))
    }

    /// The schedule of a worker that has no other.
    pub(crate) fn schedule(&self) -> Result<Schedule, Failed> {
        self.changed(&Schedule::every(Duration::from_secs(30 * 60))?, &[])
    }

    /// `schedule` with the options that are given in its place, and without those of `removed`.
    pub(crate) fn changed(
        &self,
        schedule: &Schedule,
        removed: &[String],
    ) -> Result<Schedule, Failed> {
        let is_removed = |name: &str| removed.iter().any(|removed| removed == name);
        let old = if is_removed("jitter") { Duration::ZERO } else { schedule.jitter() };
        let interval = self.interval.unwrap_or_else(|| schedule.interval());
        let jitter = self.jitter.unwrap_or(old);
        // The jitter that a tenant has by default fits every interval.
        let jitter =
            if self.jitter.is_none() && jitter >= interval { interval / 2 } else { jitter };
        let made = Schedule::every(interval)?.with_jitter(jitter)?;
        if let Some([from, to]) = self.quiet.as_deref() {
            return Ok(made.with_quiet_hours(*from, *to));
        }
        Ok(match schedule.quiet_hours().filter(|_| !is_removed("quiet")) {
            Some(quiet) if quiet.is_london => made.with_quiet_hours_in_london(quiet.from, quiet.to),
            Some(quiet) => made.with_quiet_hours(quiet.from, quiet.to),
            None => made,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> chrono::NaiveTime {
        time_of_day(text).unwrap()
    }

    #[test]
    fn only_the_given_options_change_a_schedule() {
        let half_an_hour = Schedule::every(Duration::from_secs(1_800)).unwrap();
        let night = half_an_hour.clone().with_jitter(Duration::from_secs(60)).unwrap();
        let night = night.with_quiet_hours(time("22:00"), time("06:00"));
        let none = Times::default();
        assert_eq!(none.schedule().unwrap(), half_an_hour);
        assert_eq!(none.changed(&night, &[]).unwrap(), night);
        let removed = ["quiet".to_owned(), "jitter".to_owned()];
        assert_eq!(none.changed(&night, &removed).unwrap(), half_an_hour);
        let given = Times {
            interval: Some(Duration::from_secs(10)),
            jitter: None,
            quiet: Some(vec![time("01:00"), time("02:00")]),
        };
        let changed = given.changed(&night, &[]).unwrap();
        let text = "every 10 s, up to 5 s earlier, not from 01:00:00 to 02:00:00";
        assert_eq!(changed.to_string(), text);
        assert_eq!(given.given().collect::<Vec<_>>(), ["interval", "quiet"]);
        let wrong = Times { jitter: Some(Duration::from_secs(1_800)), ..Times::default() };
        assert!(wrong.schedule().is_err());
    }

    #[test]
    fn a_time_has_a_unit() {
        for (text, time) in [("250ms", 250), ("90s", 90_000), ("30m", 1_800_000), ("2h", 7_200_000)]
        {
            assert_eq!(duration(text), Ok(Duration::from_millis(time)));
        }
        for text in ["", "5", "m", "5 m", "5d", "99999999999999999999s", "18446744073709551615h"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
