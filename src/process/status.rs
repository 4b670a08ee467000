use crate::process::{CaseReport, ErrorKind, TraceResult};
use chrono::{DateTime, TimeDelta, Utc};

/// What a process is doing (HAV-6). Holds nothing about a person.
#[non_exhaustive]
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Status {
    /// In one word.
    pub state: State,
    /// When the next run is to begin, when that is known.
    pub next_run: Option<DateTime<Utc>>,
    /// How far the run is that is going on.
    pub current: Option<Progress>,
    /// The last run, as far as it came.
    pub last: Option<Progress>,
    /// What ended the last run before its last case.
    pub last_error: Option<ErrorKind>,
    /// Why the latest failure of the last run, or of the one that is going on, happened: the causes, such as
    /// `could not connect: … : Connection refused`. `None` once a run has had no failure.
    pub last_cause: Option<String>,
    /// Whether the last run ended because the service refuses our configuration, or the questions about five
    /// cases in a row for the same reason: have it fixed.
    pub service_refused: bool,
    /// Until when asking is suspended, when that ended the last run: the service does not work. The next
    /// run begins then, to find out.
    pub suspended_until: Option<DateTime<Utc>>,
    /// How far this machine's clock is ahead of the service's, by the service's last response (MSCA-AUD-06);
    /// negative when it is behind. `None` while that is not known. More than half a minute is logged: set
    /// the clock.
    pub clock_skew: Option<TimeDelta>,
}

/// What a process is doing, in one word.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum State {
    /// It has never been started.
    #[default]
    NotStarted,
    /// It waits for the time of the next run.
    Waiting,
    /// It waits for the quiet hours to end.
    Quiet,
    /// Somebody has paused it.
    Paused,
    /// It asks.
    Running,
    /// It was told to stop, and waits for the questions under way.
    Stopping,
    /// It has ended.
    Stopped,
}

impl State {
    /// A stable word: the variant's name in lower case, joined by `_`.
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

/// How far a run is, or was.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Progress {
    /// When it began.
    pub began: DateTime<Utc>,
    /// When it ended.
    pub ended: Option<DateTime<Utc>>,
    /// How many cases were looked at.
    pub seen: u64,
    /// How many were asked about.
    pub asked: u64,
    /// How many of these were not answered: all of them, when the service cannot be reached.
    pub unanswered: u64,
    /// How many numbers were written or confirmed.
    pub numbers_written: u64,
    /// How many cases somebody has to look at.
    pub to_review: u64,
    /// How many cases cannot be read and were passed over, once the run has ended;
    /// [`CaseStore::unreadable`] names them.
    ///
    /// [`CaseStore::unreadable`]: crate::case::CaseStore::unreadable
    pub unreadable: u64,
}

impl Progress {
    pub(super) const fn of(began: DateTime<Utc>) -> Self {
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

    pub(super) fn count(&mut self, case: &CaseReport) {
        self.seen += 1;
        let asked = case.result.is_some_and(|result| result != TraceResult::NotAsked);
        self.asked += u64::from(asked);
        self.unanswered += u64::from(case.result == Some(TraceResult::Unavailable));
        self.numbers_written += u64::from(case.number_written);
        self.to_review += u64::from(case.review.is_some());
    }

    pub(super) const fn ended(mut self, ended: DateTime<Utc>) -> Self {
        self.ended = Some(ended);
        self
    }
}
