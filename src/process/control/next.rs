use crate::process::control::wanted::Controls;
use crate::process::schedule::Schedule;
use chrono::{DateTime, Utc};

/// When the next run starts.
#[derive(Debug, Default)]
pub(in crate::process) struct Next {
    /// The start of the last run, and the number that determines the jitter.
    pub(in crate::process) began: Option<(DateTime<Utc>, u64)>,
    /// The end of a suspension of queries.
    pub(in crate::process) probe: Option<DateTime<Utc>>,
    /// What users want, as it was last read.
    pub(in crate::process) wanted: Controls,
    /// How many of the requested immediate runs are done; `None` before the controls are read.
    done: Option<u64>,
}

impl Next {
    /// When the next run is due by `schedule`: at once, if there was none.
    pub(in crate::process) fn due(&self, schedule: &Schedule, now: DateTime<Utc>) -> DateTime<Utc> {
        let Some((began, random)) = self.began else { return now };
        let due = schedule.next(began, random);
        self.probe.map_or(due, |probe| due.min(probe))
    }

    /// Begins the interval again if the clock was set back.
    pub(in crate::process) fn notice(&mut self, now: DateTime<Utc>) {
        self.began =
            self.began.map(|(began, random)| if now < began { (now, 0) } else { (began, random) });
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
    use chrono::TimeDelta;
    use std::time::Duration;

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
}
