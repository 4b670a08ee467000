use crate::case::id::CaseId;
use chrono::{DateTime, Utc};

/// Which of several due cases a worker takes first. The order of the variants is the order of work.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Priority {
    /// A user waits for the case.
    Screen,
    /// The case is new, or a person has changed it.
    #[default]
    New,
    /// The case was traced before, and its wait is over.
    Routine,
    /// A number is verified again after an interval.
    Reverification,
}

impl Priority {
    /// Every priority, in the order of work.
    pub const ALL: [Self; 4] = [Self::Screen, Self::New, Self::Routine, Self::Reverification];

    /// Returns a stable word: the variant's name in lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Screen => "screen",
            Self::New => "new",
            Self::Routine => "routine",
            Self::Reverification => "reverification",
        }
    }
}

/// When a worker looks at a case next, and how urgently.
///
/// The store keeps an index by it, so a pass reads only the cases that are due. The time is not a
/// decision: the worker decides anew each time it looks at the case. A time that is too early costs
/// one look; so a program that does not know the rules uses [`Due::NOW`].
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Due {
    /// Which due cases come first.
    pub priority: Priority,
    /// From when on the case is due.
    pub at: DateTime<Utc>,
}

impl Due {
    /// Due at once: a new case, or a case that a person has changed.
    pub const NOW: Self = Self { priority: Priority::New, at: DateTime::UNIX_EPOCH };

    /// Due from `at` on, with `priority`.
    #[must_use]
    pub const fn new(priority: Priority, at: DateTime<Utc>) -> Self {
        Self { priority, at }
    }
}

/// When a case is due, by its version: the time says nothing about a later version.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Planned {
    /// The case.
    pub id: CaseId,
    /// The version from which the time was computed.
    pub version: u64,
    /// When it is due.
    pub due: Due,
}

impl Planned {
    /// Plans the case `id` in its `version`.
    #[must_use]
    pub const fn new(id: CaseId, version: u64, due: Due) -> Self {
        Self { id, version, due }
    }
}
