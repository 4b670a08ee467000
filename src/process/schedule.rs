use crate::demographics::london_time;
use crate::text::ValueError;
use chrono::{DateTime, NaiveTime, TimeDelta, Timelike, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// When "Get NHS Number" runs: at an interval, with optional quiet hours and jitter.
///
/// ```
/// use nhs_pds::process::Schedule;
/// use std::time::Duration;
///
/// let half_an_hour = Duration::from_secs(30 * 60);
/// assert!(Schedule::every(half_an_hour).is_ok());
/// let error = Schedule::every(half_an_hour * 2).unwrap_err();
/// assert_eq!(error.to_string(), "the process must run every 30 minutes or more often (HAV-1)");
/// ```
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Schedule {
    interval: Duration,
    jitter: Duration,
    quiet: Option<QuietHours>,
}

/// The time of each day in which no run starts.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct QuietHours {
    /// The start.
    pub from: NaiveTime,
    /// The end, which may be on the next day.
    pub to: NaiveTime,
    /// Whether both are times of clocks in London, and not in UTC.
    pub is_london: bool,
}

/// A schedule as it is stored.
#[derive(Deserialize, Serialize)]
struct Stored {
    interval_ms: u64,
    #[serde(default)]
    jitter_ms: u64,
    /// The start and the end, in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    quiet: Option<(NaiveTime, NaiveTime)>,
    /// Whether the start and the end are times in London. Versions that do not know the field use UTC.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    quiet_in_london: bool,
}

impl TryFrom<Stored> for Schedule {
    type Error = ValueError;

    fn try_from(stored: Stored) -> Result<Self, ValueError> {
        let schedule = Self::every(Duration::from_millis(stored.interval_ms))?;
        let mut schedule = schedule.with_jitter(Duration::from_millis(stored.jitter_ms))?;
        let is_london = stored.quiet_in_london;
        schedule.quiet = stored.quiet.map(|(from, to)| QuietHours { from, to, is_london });
        Ok(schedule)
    }
}

impl From<Schedule> for Stored {
    fn from(schedule: Schedule) -> Self {
        // No more than half an hour.
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1);
        let jitter = if schedule.jitter.is_zero() { 0 } else { ms(schedule.jitter) };
        Self {
            interval_ms: ms(schedule.interval),
            jitter_ms: jitter,
            quiet: schedule.quiet.map(|quiet| (quiet.from, quiet.to)),
            quiet_in_london: schedule.quiet.is_some_and(|quiet| quiet.is_london),
        }
    }
}

/// Half an hour (HAV-1).
const LONGEST: Duration = Duration::from_secs(30 * 60);

impl Schedule {
    /// Creates a schedule with this `interval` between the starts of two runs. Runs do not overlap:
    /// after a longer run, the next starts when it ends.
    ///
    /// # Errors
    ///
    /// [`ValueError`] for more than 30 minutes and for zero.
    pub fn every(interval: Duration) -> Result<Self, ValueError> {
        if interval > LONGEST {
            return Err(TOO_LONG);
        }
        if interval.is_zero() {
            return Err(ZERO);
        }
        Ok(Self { interval, jitter: Duration::ZERO, quiet: None })
    }

    /// Every half hour, and up to `jitter` earlier.
    pub(in crate::process) fn usual(jitter: Duration) -> Self {
        Self { interval: LONGEST, jitter: jitter.min(LONGEST / 2), quiet: None }
    }

    /// Starts each run up to `jitter` earlier, so that many boroughs on one machine do not all send
    /// queries in the same second. Earlier and not later, so that the interval is never exceeded.
    ///
    /// # Errors
    ///
    /// [`ValueError`] when the jitter is not shorter than the interval.
    pub fn with_jitter(mut self, jitter: Duration) -> Result<Self, ValueError> {
        if jitter >= self.interval {
            return Err(JITTER);
        }
        self.jitter = jitter;
        Ok(self)
    }

    /// Sets quiet hours: no run starts from `from` until `to`, in UTC, which is one hour behind
    /// British summer time. `to` may be on the next day.
    #[must_use]
    pub const fn with_quiet_hours(mut self, from: NaiveTime, to: NaiveTime) -> Self {
        self.quiet = Some(QuietHours { from, to, is_london: false });
        self
    }

    /// As [`with_quiet_hours`](Self::with_quiet_hours), by the clocks in London, in winter and in summer. For screens,
    /// where people type times of their own clocks.
    ///
    /// ```
    /// use nhs_pds::process::Schedule;
    /// use std::time::Duration;
    ///
    /// let schedule = Schedule::every(Duration::from_secs(1800))?
    ///     .with_quiet_hours_in_london("22:00:00".parse()?, "06:00:00".parse()?);
    /// assert!(schedule.quiet_hours().is_some_and(|quiet| quiet.is_london));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn with_quiet_hours_in_london(mut self, from: NaiveTime, to: NaiveTime) -> Self {
        self.quiet = Some(QuietHours { from, to, is_london: true });
        self
    }

    /// Returns the time between the starts of two runs.
    #[must_use]
    pub const fn interval(&self) -> Duration {
        self.interval
    }

    /// Returns how much earlier a run may start.
    #[must_use]
    pub const fn jitter(&self) -> Duration {
        self.jitter
    }

    /// Returns the quiet hours, if there are any.
    #[must_use]
    pub const fn quiet_hours(&self) -> Option<QuietHours> {
        self.quiet
    }

    /// Returns when the current quiet hours end; `None` outside quiet hours.
    pub(crate) fn quiet_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let QuietHours { from, to, is_london } = self.quiet?;
        // How far clocks of the quiet hours are ahead of UTC.
        let ahead = |at: DateTime<Utc>| {
            if is_london { london_time(at) - at.naive_utc() } else { TimeDelta::zero() }
        };
        let local = now.naive_utc().checked_add_signed(ahead(now))?;
        let day = TimeDelta::days(1);
        let seconds = |time: NaiveTime| i64::from(time.num_seconds_from_midnight());
        let length = (seconds(to) - seconds(from)).rem_euclid(day.num_seconds());
        let since = (seconds(local.time()) - seconds(from)).rem_euclid(day.num_seconds());
        (since < length).then(|| {
            let left = TimeDelta::seconds(length - since);
            left.checked_sub(&TimeDelta::nanoseconds(i64::from(now.nanosecond() % 1_000_000_000)))
                .and_then(|left| now.checked_add_signed(left))
                // The clocks may change before the end.
                .and_then(|until| until.checked_sub_signed(ahead(until) - ahead(now)))
                .unwrap_or(now)
        })
    }

    /// Returns when the next run is due after one that started at `began`. `random` is any number,
    /// and determines the jitter.
    #[must_use]
    pub fn next(&self, began: DateTime<Utc>, random: u64) -> DateTime<Utc> {
        let jitter = u64::try_from(self.jitter.as_millis()).unwrap_or(u64::MAX);
        let earlier = if jitter == 0 { 0 } else { random % (jitter + 1) };
        let wait = self.interval.saturating_sub(Duration::from_millis(earlier));
        TimeDelta::from_std(wait).map_or(began, |wait| began + wait)
    }
}

/// For the audit trail and for people, as in `every 1800 s, up to 60 s earlier, not from 22:00:00 to
/// 06:00:00`.
impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "every {} s", self.interval.as_secs_f64())?;
        if !self.jitter.is_zero() {
            write!(f, ", up to {} s earlier", self.jitter.as_secs_f64())?;
        }
        let Some(QuietHours { from, to, is_london }) = self.quiet else { return Ok(()) };
        write!(f, ", not from {from} to {to}{}", if is_london { " in London" } else { "" })
    }
}

const JITTER: ValueError = ValueError::new("the jitter must be shorter than the interval");

const TOO_LONG: ValueError =
    ValueError::new("the process must run every 30 minutes or more often (HAV-1)");

const ZERO: ValueError = ValueError::new("the interval between two runs must be longer than zero");

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn time(text: &str) -> NaiveTime {
        text.parse().unwrap()
    }

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn the_interval_is_limited_to_half_an_hour() {
        assert!(Schedule::every(30 * MINUTE).is_ok());
        let longer = 30 * MINUTE + Duration::from_millis(1);
        assert_eq!(Schedule::every(longer), Err(TOO_LONG));
        assert_eq!(Schedule::every(Duration::ZERO), Err(ZERO));
        let schedule = Schedule::every(MINUTE).unwrap();
        assert_eq!(schedule.with_jitter(MINUTE), Err(JITTER));
    }

    #[test]
    fn a_schedule_is_read_as_it_was_stored_and_its_limits_apply() {
        let schedule = Schedule::every(30 * MINUTE).unwrap().with_jitter(MINUTE).unwrap();
        let schedule = schedule.with_quiet_hours(time("22:00:00"), time("06:30:00"));
        let json = serde_json::to_string(&schedule).unwrap();
        let expected =
            r#"{"interval_ms":1800000,"jitter_ms":60000,"quiet":["22:00:00","06:30:00"]}"#;
        assert_eq!(json, expected);
        assert_eq!(serde_json::from_str::<Schedule>(&json).unwrap(), schedule);
        let text = "every 1800 s, up to 60 s earlier, not from 22:00:00 to 06:30:00";
        assert_eq!(schedule.to_string(), text);
        for wrong in [
            r#"{"interval_ms":1800001}"#,
            r#"{"interval_ms":0}"#,
            r#"{"interval_ms":60000,"jitter_ms":60000}"#,
        ] {
            assert!(serde_json::from_str::<Schedule>(wrong).is_err(), "{wrong}");
        }
        let short = Schedule::every(Duration::from_nanos(1)).unwrap();
        let json = serde_json::to_string(&short).unwrap();
        assert!(serde_json::from_str::<Schedule>(&json).is_ok(), "{json}");
    }

    #[test]
    fn jitter_is_earlier_and_never_later() {
        let schedule = Schedule::every(30 * MINUTE).unwrap().with_jitter(5 * MINUTE).unwrap();
        let began = at("2026-11-23T09:00:00Z");
        let mut seen = std::collections::BTreeSet::new();
        for random in (0..1_000).map(|n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15)) {
            let next = schedule.next(began, random);
            assert!(at("2026-11-23T09:25:00Z") <= next && next <= at("2026-11-23T09:30:00Z"));
            seen.insert(next);
        }
        assert!(seen.len() > 900);
        let plain = Schedule::every(30 * MINUTE).unwrap();
        assert_eq!(plain.next(began, 7), at("2026-11-23T09:30:00Z"));
    }

    #[test]
    fn quiet_hours() {
        let schedule = Schedule::every(MINUTE).unwrap();
        assert_eq!(schedule.quiet_until(at("2026-11-23T09:00:00Z")), None);
        let day = schedule.clone().with_quiet_hours(time("09:00:00"), time("17:30:00"));
        assert_eq!(day.quiet_until(at("2026-11-23T08:59:59.999Z")), None);
        let until = Some(at("2026-11-23T17:30:00Z"));
        assert_eq!(day.quiet_until(at("2026-11-23T09:00:00Z")), until);
        assert_eq!(day.quiet_until(at("2026-11-23T17:29:59.500Z")), until);
        assert_eq!(day.quiet_until(at("2026-11-23T17:30:00Z")), None);
        let night = schedule.clone().with_quiet_hours(time("22:00:00"), time("06:00:00"));
        let until = Some(at("2026-11-24T06:00:00Z"));
        assert_eq!(night.quiet_until(at("2026-11-23T23:15:00Z")), until);
        assert_eq!(night.quiet_until(at("2026-11-24T05:59:59Z")), until);
        assert_eq!(night.quiet_until(at("2026-11-24T06:00:00Z")), None);
        let london =
            schedule.clone().with_quiet_hours_in_london(time("22:00:00"), time("06:00:00"));
        for (now, until) in [
            ("2026-11-23T21:59:59Z", None),
            ("2026-11-23T22:00:00Z", Some("2026-11-24T06:00:00Z")),
            ("2026-07-01T20:59:59Z", None),
            ("2026-07-01T21:00:00Z", Some("2026-07-02T05:00:00Z")),
            ("2026-07-02T04:59:59.5Z", Some("2026-07-02T05:00:00Z")),
            ("2026-07-02T05:00:00Z", None),
            // The clocks go forward at 01:00 on the 28th of March 2027, and back on the 25th of October 2026.
            ("2027-03-27T23:30:00Z", Some("2027-03-28T05:00:00Z")),
            ("2026-10-24T21:30:00Z", Some("2026-10-25T06:00:00Z")),
        ] {
            assert_eq!(london.quiet_until(at(now)), until.map(at), "{now}");
        }
        let json = serde_json::to_string(&london).unwrap();
        assert!(json.ends_with(r#""quiet":["22:00:00","06:00:00"],"quiet_in_london":true}"#));
        assert_eq!(serde_json::from_str::<Schedule>(&json).unwrap(), london);
        assert!(london.to_string().ends_with("not from 22:00:00 to 06:00:00 in London"));
        let never = schedule.with_quiet_hours(time("06:00:00"), time("06:00:00"));
        assert_eq!(never.quiet_until(at("2026-11-24T06:00:00Z")), None);
    }
}
