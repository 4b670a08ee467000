//! How far the import of an upload is.

use nhs_pds::case::caseload::{Mapping, RefusedRow};
use nhs_pds::process::{Approved, Preview};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How far an upload is. Each page of an upload follows from it.
#[derive(Clone)]
pub(crate) enum State {
    /// The user says what the columns mean.
    Columns,
    /// The file is compared with the store.
    Checking(Arc<Progress>),
    /// The file could not be read. Contains no value of it.
    Unreadable(&'static str),
    /// The user reads the preview.
    Review(Arc<Checked>),
    /// The owner has asked another user to approve.
    Asked(Arc<Checked>),
    /// Rows are imported.
    Importing(Arc<Progress>),
    /// The import has ended.
    Ended(Arc<Ended>),
}

/// Cases that are done, of all.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    done: AtomicUsize,
    pub(crate) total: usize,
}

/// A file that was compared with the store.
pub(crate) struct Checked {
    /// Names this preview: an approval of an earlier one is refused.
    pub(crate) version: String,
    pub(crate) mapping: Mapping,
    pub(crate) preview: Preview,
    pub(crate) refused: Refused,
}

/// The rows that could not be read: their number, and the first of them.
#[derive(Clone, Default)]
pub(crate) struct Refused {
    pub(crate) count: usize,
    pub(crate) rows: Vec<RefusedRow>,
}

/// What an import did.
pub(crate) struct Ended {
    pub(crate) how: How,
    pub(crate) approved: Approved,
    pub(crate) checked: Arc<Checked>,
}

/// How an import ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum How {
    Completed,
    PartlyCompleted,
    Failed,
    Cancelled,
}

impl Progress {
    pub(crate) fn of(total: usize) -> Arc<Self> {
        Arc::new(Self { done: AtomicUsize::new(0), total })
    }

    pub(crate) fn set(&self, done: usize) {
        self.done.store(done, Ordering::Relaxed);
    }

    pub(crate) fn done(&self) -> usize {
        self.done.load(Ordering::Relaxed).min(self.total)
    }
}

/// How many of the refused rows are kept.
const KEPT: usize = 10_000;

impl Refused {
    pub(crate) fn add(&mut self, row: RefusedRow) {
        self.count += 1;
        if self.rows.len() < KEPT {
            self.rows.push(row);
        }
    }
}

impl How {
    /// In words, for pages.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Completed => "Completed",
            Self::PartlyCompleted => "Partly completed",
            Self::Failed => "Failed",
            Self::Cancelled => "Cancelled",
        }
    }

    /// A stable word for the audit trail.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::PartlyCompleted => "partly_completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl State {
    /// In words, for the list of uploads.
    pub(crate) fn title(&self) -> &'static str {
        match self {
            Self::Columns => "Check the columns",
            Self::Checking(_) => "Processing",
            Self::Unreadable(_) => "Invalid",
            Self::Review(_) => "Review and approve",
            Self::Asked(_) => "Waiting for another user to approve",
            Self::Importing(_) => "Importing",
            Self::Ended(ended) => ended.how.title(),
        }
    }

    /// Whether other users with the right to import see it.
    pub(super) const fn is_shared(&self) -> bool {
        matches!(self, Self::Asked(_))
    }

    pub(super) const fn is_importing(&self) -> bool {
        matches!(self, Self::Importing(_))
    }

    pub(super) const fn outlives_session(&self) -> bool {
        matches!(self, Self::Asked(_) | Self::Importing(_))
    }
}
