use crate::process::decision::result::TraceResult;
use crate::process::error::ErrorKind;
use crate::process::run::report::CaseReport;
use crate::trace::ServiceStatus;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The status of a process (HAV-6). Contains no personal data.
#[non_exhaustive]
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Status {
    /// The state.
    pub state: State,
    /// When the next run starts, if known.
    pub next_run: Option<DateTime<Utc>>,
    /// The progress of the current run.
    pub current: Option<Progress>,
    /// The last run, complete or not.
    pub last: Option<Progress>,
    /// The error that ended the last run early.
    pub last_error: Option<ErrorKind>,
    /// Why the latest failure of the last or current run happened: the causes, such as `could not
    /// connect: … : Connection refused`. `None` after a run without failures.
    pub last_cause: Option<String>,
    /// Whether the last run ended because the service refused the configuration, or rejected the
    /// questions about five cases in a row for the same reason: correct the fault.
    pub service_refused: bool,
    /// The end of the suspension of queries that ended the last run: the service does not work. The
    /// next run starts then, to test the service.
    pub suspended_until: Option<DateTime<Utc>>,
    /// How far this machine's clock is ahead of the service's, from the service's last response
    /// (MSCA-AUD-06); negative when it is behind. `None` while unknown. More than half a minute is
    /// logged: set the clock. `Serialize` writes milliseconds.
    #[serde(
        rename = "clock_skew_ms",
        serialize_with = "milliseconds",
        deserialize_with = "from_milliseconds"
    )]
    pub clock_skew: Option<TimeDelta>,
    /// The runs that ended early, the latest first; at most five since the start of the process.
    #[serde(default)]
    pub failures: Vec<Failure>,
    /// What the process knows of its connection to the service.
    #[serde(default)]
    pub service: ServiceStatus,
    /// Why files of batches are not written, sent or received, though the process traces by file: the error and its
    /// causes. `None` once that works again, and for a process that traces singly only. Runs go on meanwhile.
    #[serde(default)]
    pub batch_error: Option<String>,
}

/// How many failures are kept.
const MOST_FAILURES: usize = 5;

/// Runs in a row that ended early for the same reason. Contains no personal data.
#[non_exhaustive]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Failure {
    /// When the first of the runs ended.
    pub since: DateTime<Utc>,
    /// When the last of the runs ended.
    pub until: DateTime<Utc>,
    /// How many runs.
    pub runs: u64,
    /// The error of the store or the audit trail; `None` when the service ended the runs.
    pub error: Option<ErrorKind>,
    /// Whether the service refused the configuration: see [`Status::service_refused`].
    pub service_refused: bool,
    /// The causes, as in [`Status::last_cause`].
    pub cause: Option<String>,
}

impl Status {
    /// Keeps how the run that ended `at` has ended, if it has ended early. The run before it ended at `before`.
    pub(in crate::process) fn keep_failure(
        &mut self,
        before: Option<DateTime<Utc>>,
        at: DateTime<Utc>,
    ) {
        let (error, service_refused) = (self.last_error, self.service_refused);
        if error.is_none() && !service_refused && self.suspended_until.is_none() {
            return;
        }
        let cause = self.last_cause.clone();
        if let Some(last) = self.failures.first_mut()
            && (last.error, last.service_refused, &last.cause) == (error, service_refused, &cause)
            && before == Some(last.until)
        {
            (last.until, last.runs) = (at, last.runs.saturating_add(1));
            return;
        }
        let failure = Failure { since: at, until: at, runs: 1, error, service_refused, cause };
        self.failures.insert(0, failure);
        self.failures.truncate(MOST_FAILURES);
    }
}

#[expect(clippy::ref_option, reason = "serde requires this signature")]
fn milliseconds<S: Serializer>(skew: &Option<TimeDelta>, serializer: S) -> Result<S::Ok, S::Error> {
    skew.map(|skew| skew.num_milliseconds()).serialize(serializer)
}

fn from_milliseconds<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<TimeDelta>, D::Error> {
    Ok(Option::<i64>::deserialize(deserializer)?.and_then(TimeDelta::try_milliseconds))
}

/// The state of a process.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It was never started.
    #[default]
    NotStarted,
    /// It waits for the time of the next run.
    Waiting,
    /// It waits for the end of the quiet hours.
    Quiet,
    /// A user has paused it.
    Paused,
    /// A run is in progress.
    Running,
    /// It is stopping, and waits for the questions in progress.
    Stopping,
    /// It has ended.
    Stopped,
}

impl State {
    /// Returns a stable word: the variant's name in lower case, joined by `_`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotStarted => "not_started",
            Self::Waiting => "waiting",
            Self::Quiet => "quiet",
            Self::Paused => "paused",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
        }
    }
}

/// The progress of a run.
#[non_exhaustive]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Progress {
    /// When it started.
    pub began: DateTime<Utc>,
    /// When it ended.
    pub ended: Option<DateTime<Utc>>,
    /// The number of cases examined.
    pub seen: u64,
    /// The number of cases traced.
    pub asked: u64,
    /// The number of these without an answer. If the service cannot be reached, that is all of
    /// them.
    pub unanswered: u64,
    /// The number of NHS Numbers written or confirmed.
    pub numbers_written: u64,
    /// The number of cases that need a reviewer.
    pub to_review: u64,
    /// The number of cases skipped because they cannot be read, set when the run has ended;
    /// [`CaseStore::unreadable`] lists them.
    ///
    /// [`CaseStore::unreadable`]: crate::case::CaseStore::unreadable
    pub unreadable: u64,
}

impl Progress {
    pub(in crate::process) const fn of(began: DateTime<Utc>) -> Self {
        Self {
            began,
            ended: None,
            seen: 0,
            asked: 0,
            unanswered: 0,
            numbers_written: 0,
            to_review: 0,
            unreadable: 0,
        }
    }

    pub(in crate::process) fn count(&mut self, case: &CaseReport) {
        self.seen += 1;
        let asked = case.result.is_some_and(|result| result != TraceResult::NotAsked);
        self.asked += u64::from(asked);
        self.unanswered += u64::from(case.result == Some(TraceResult::Unavailable));
        self.numbers_written += u64::from(case.number_written);
        self.to_review += u64::from(case.review.is_some());
    }

    pub(in crate::process) const fn ended(mut self, ended: DateTime<Utc>) -> Self {
        self.ended = Some(ended);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{json, to_value};

    #[test]
    fn a_status_as_json() {
        let status = Status {
            state: State::Waiting,
            next_run: Some(DateTime::UNIX_EPOCH),
            last: Some(Progress::of(DateTime::UNIX_EPOCH).ended(DateTime::UNIX_EPOCH)),
            last_error: Some(ErrorKind::AuditUnavailable),
            clock_skew: Some(TimeDelta::milliseconds(-1500)),
            ..Status::default()
        };
        let expected = json!({
            "state": "waiting",
            "next_run": "1970-01-01T00:00:00Z",
            "current": null,
            "last": {
                "began": "1970-01-01T00:00:00Z",
                "ended": "1970-01-01T00:00:00Z",
                "seen": 0,
                "asked": 0,
                "unanswered": 0,
                "numbers_written": 0,
                "to_review": 0,
                "unreadable": 0,
            },
            "last_error": "audit_unavailable",
            "last_cause": null,
            "service_refused": false,
            "suspended_until": null,
            "clock_skew_ms": -1500,
            "batch_error": null,
            "failures": [],
            "service": {
                "per_second": null,
                "in_flight": null,
                "circuit_breaker": null,
                "suspended_since": null,
                "suspended_until": null,
                "certificate_expires": null,
                "key_id": null,
            },
        });
        assert_eq!(to_value(&status).unwrap(), expected);
        assert_eq!(serde_json::from_value::<Status>(expected.clone()).unwrap(), status);
        let mut old = expected;
        for field in ["batch_error", "failures", "service"] {
            old.as_object_mut().unwrap().remove(field);
        }
        assert_eq!(serde_json::from_value::<Status>(old).unwrap(), status, "of an older version");
        for state in [
            State::NotStarted,
            State::Waiting,
            State::Quiet,
            State::Paused,
            State::Running,
            State::Stopping,
            State::Stopped,
        ] {
            assert_eq!(to_value(state).unwrap(), state.as_str());
        }
    }

    #[test]
    fn failures_in_a_row_are_one_and_the_oldest_are_forgotten() {
        let (at, mut status) = (DateTime::UNIX_EPOCH, Status::default());
        let minute = TimeDelta::minutes(1);
        status.keep_failure(None, at);
        assert_eq!(status.failures, [], "it ended well");
        status.last_error = Some(ErrorKind::StoreUnavailable);
        for n in 0..3 {
            status.keep_failure(Some(at + minute * (n - 1)), at + minute * n);
        }
        let [failure] = &*status.failures else { panic!("{:?}", status.failures) };
        assert_eq!((failure.since, failure.until, failure.runs), (at, at + minute * 2, 3));
        status.keep_failure(Some(at + minute * 3), at + minute * 4);
        assert_eq!(status.failures.len(), 2, "a run between them ended well");
        for n in 5..20 {
            status.last_cause = Some(format!("cause {n}"));
            status.keep_failure(Some(at + minute * (n - 1)), at + minute * n);
        }
        assert_eq!(status.failures.len(), MOST_FAILURES);
        assert_eq!(status.failures[0].cause.as_deref(), Some("cause 19"));
    }
}
