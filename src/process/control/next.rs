use crate::process::control::wanted::Controls;
use crate::process::schedule::Schedule;
use crate::process::waiting::backoff;
use chrono::{DateTime, TimeDelta, Utc};
use std::time::Duration;

/// How soon the next run starts after one that the store or the trail has ended; twice as late after each
/// further one.
const SOONEST: Duration = Duration::from_secs(1);

/// How late at most.
const LATEST: Duration = Duration::from_secs(8);

/// How far the clock of a program that makes cases due may be ahead.
const AHEAD: TimeDelta = TimeDelta::seconds(2);

/// When the next run starts.
#[derive(Debug, Default)]
pub(in crate::process) struct Next {
    /// The start of the last run, and the number that determines the jitter.
    pub(in crate::process) began: Option<(DateTime<Utc>, u64)>,
    /// The end of a suspension of queries.
    pub(in crate::process) probe: Option<DateTime<Utc>>,
    /// How many runs in a row the store or the trail has ended, and when the next one starts.
    failed: Option<(u32, DateTime<Utc>)>,
    /// Whether another program has made cases due since the last run began.
    pub(in crate::process) woken: bool,
    /// When a run finds what was made due by a clock that is ahead.
    echo: Option<DateTime<Utc>>,
    /// What users want, as it was last read.
    pub(in crate::process) wanted: Controls,
    /// When it was read.
    read: Option<DateTime<Utc>>,
    /// How many of the requested immediate runs are done; `None` before the controls are read.
    done: Option<u64>,
}

impl Next {
    /// When the next run is due by `schedule`: at once, if there was none. Soon, if the store or the trail
    /// was unavailable. At once, if another program has made cases due and queries are not suspended.
    pub(in crate::process) fn due(&self, schedule: &Schedule, now: DateTime<Utc>) -> DateTime<Utc> {
        if let Some((_, again)) = self.failed {
            return again;
        }
        let Some((began, random)) = self.began else { return now };
        let due = schedule.next(began, random);
        match self.probe {
            Some(probe) => due.min(probe),
            None if self.woken => due.min(now),
            None => self.echo.map_or(due, |echo| due.min(echo)),
        }
    }

    /// A run begins. `random` is any number, and determines the jitter of the next. A run that another
    /// program `woke` is followed by one more.
    pub(in crate::process) fn begin(&mut self, began: DateTime<Utc>, random: u64, woke: bool) {
        self.began = Some((began, random));
        self.echo = woke.then(|| began + AHEAD);
    }

    /// Notes whether a run ended because the store or the trail was `unavailable`, or could not start.
    /// `random` is any number: processes that failed together do not all return together.
    pub(in crate::process) fn ended(&mut self, unavailable: bool, now: DateTime<Utc>, random: u64) {
        let before = self.failed.map_or(0, |(times, _)| times);
        self.failed = unavailable
            .then(|| (before.saturating_add(1), now + backoff(SOONEST, LATEST, before, random)));
    }

    /// Whether the store or the trail has ended the last run.
    pub(in crate::process) const fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    /// Begins the interval again if the clock was set back.
    pub(in crate::process) fn notice(&mut self, now: DateTime<Utc>) {
        self.began =
            self.began.map(|(began, random)| if now < began { (now, 0) } else { (began, random) });
        self.failed = self.failed.map(|(times, again)| (times, again.min(now + LATEST)));
        self.echo = self.echo.map(|echo| echo.min(now + AHEAD));
    }

    /// Notes what users want.
    pub(in crate::process) fn learn(&mut self, wanted: Controls, now: DateTime<Utc>) {
        (self.wanted, self.read) = (wanted, Some(now));
    }

    /// Whether what users want was read longer ago than `age`, or never.
    pub(in crate::process) fn is_stale(&self, age: TimeDelta, now: DateTime<Utc>) -> bool {
        // A time in the future means that the clock was set back.
        self.read.is_none_or(|read| read > now || now - read >= age)
    }

    /// Takes the request for an immediate run, if there is a new one.
    pub(in crate::process) fn take_run(&mut self) -> bool {
        let runs = self.wanted.runs;
        self.done.replace(runs).is_some_and(|done| runs > done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_taken_once_and_not_one_from_before_the_start() {
        let mut next = Next::default();
        next.wanted.runs = 3;
        assert!(!next.take_run(), "from before the start");
        assert!(!next.take_run());
        next.wanted.runs = 5;
        assert!(next.take_run());
        assert!(!next.take_run(), "two requests at once are one run");
    }

    #[test]
    fn a_run_is_due_by_the_schedule_or_at_the_end_of_a_suspension() {
        let minute = TimeDelta::minutes(1);
        let (began, mut next) = (DateTime::UNIX_EPOCH, Next::default());
        let schedule = Schedule::every(Duration::from_secs(600)).unwrap();
        assert_eq!(next.due(&schedule, began + minute), began + minute, "the first, at once");
        next.began = Some((began, 0));
        assert_eq!(next.due(&schedule, began + minute), began + minute * 10);
        next.notice(began + minute);
        assert_eq!(next.due(&schedule, began + minute), began + minute * 10);
        next.notice(began - minute * 5);
        assert_eq!(next.due(&schedule, began - minute * 5), began + minute * 5, "set back");
        next.notice(began - minute * 2);
        assert_eq!(next.due(&schedule, began - minute * 2), began + minute * 5, "noticed once");
        next.probe = Some(began + minute * 3);
        assert_eq!(next.due(&schedule, began + minute), began + minute * 3);
        next.probe = Some(began + minute * 30);
        assert_eq!(next.due(&schedule, began + minute), began + minute * 5);
    }

    #[test]
    fn a_run_follows_soon_after_one_that_the_store_ended() {
        let second = TimeDelta::seconds(1);
        let (began, mut next) = (DateTime::UNIX_EPOCH, Next::default());
        let schedule = Schedule::every(Duration::from_secs(600)).unwrap();
        next.began = Some((began, 0));
        for wait in [1, 2, 4, 8, 8, 8] {
            next.ended(true, began, 0);
            assert_eq!(next.due(&schedule, began), began + second * wait);
        }
        for random in 0..9_999 {
            next.ended(true, began, random);
            let due = next.due(&schedule, began);
            assert!(began + second * 6 <= due && due <= began + second * 8, "{due}");
        }
        next.woken = true;
        assert!(next.due(&schedule, began) > began, "a store that fails is not asked at once");
        next.notice(began - TimeDelta::hours(1));
        assert!(next.due(&schedule, began) <= began - TimeDelta::hours(1) + second * 8, "set back");
        next.ended(false, began, 0);
        next.woken = false;
        next.began = Some((began, 0));
        assert_eq!(next.due(&schedule, began), began + TimeDelta::minutes(10));
        next.ended(true, began, 0);
        assert_eq!(next.due(&schedule, began), began + second, "from the first again");
    }

    #[test]
    fn a_woken_run_is_due_at_once_but_not_while_queries_are_suspended() {
        let minute = TimeDelta::minutes(1);
        let (began, mut next) = (DateTime::UNIX_EPOCH, Next::default());
        let schedule = Schedule::every(Duration::from_secs(600)).unwrap();
        (next.began, next.woken) = (Some((began, 0)), true);
        assert_eq!(next.due(&schedule, began + minute), began + minute);
        assert_eq!(next.due(&schedule, began + minute * 12), began + minute * 10, "overdue");
        next.woken = false;
        next.begin(began, 0, true);
        let echo = began + TimeDelta::seconds(2);
        assert_eq!(next.due(&schedule, began), echo, "a clock may be ahead");
        next.notice(began - minute);
        assert_eq!(next.due(&schedule, began - minute), echo - minute, "set back");
        next.begin(began, 0, false);
        assert_eq!(next.due(&schedule, began), began + minute * 10, "once");
        next.woken = true;
        next.probe = Some(began + minute * 3);
        assert_eq!(next.due(&schedule, began + minute), began + minute * 3);
    }

    #[test]
    fn controls_get_old() {
        let (now, mut next) = (DateTime::UNIX_EPOCH, Next::default());
        let second = TimeDelta::seconds(1);
        assert!(next.is_stale(second * 9, now), "never read");
        next.learn(Controls::default(), now);
        assert!(!next.is_stale(second * 9, now + second * 8));
        assert!(next.is_stale(second * 9, now + second * 9));
        assert!(next.is_stale(second * 9, now - second), "the clock was set back");
    }
}
