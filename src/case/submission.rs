use crate::demographics::redacted_debug;
use crate::matching::Criteria;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// That a case waits for its row of a batch. Meanwhile, the worker does not trace it in another way.
#[non_exhaustive]
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
pub struct Submission {
    /// The identifier of the batch.
    pub batch: String,
    /// The unique reference of the row, which the response repeats.
    pub reference: String,
    /// When the row was written.
    pub at: DateTime<Utc>,
    /// Until when a response is awaited. From then on the batch counts as lost, and the case is traced singly.
    pub until: DateTime<Utc>,
    /// The criteria that were sent. If the case has others meanwhile, the row says nothing about it.
    pub asked: Criteria,
}

impl Submission {
    /// Returns the submission of a case with these criteria as row `reference` of `batch`.
    #[must_use]
    pub fn new(
        batch: impl Into<String>,
        reference: impl Into<String>,
        (at, until): (DateTime<Utc>, DateTime<Utc>),
        asked: Criteria,
    ) -> Self {
        Self { batch: batch.into(), reference: reference.into(), at, until, asked }
    }

    /// Whether a response is still awaited at `now`. Not if the submission is of the future: a clock was ahead.
    #[must_use]
    pub fn is_awaited(&self, now: DateTime<Utc>) -> bool {
        self.at <= now && now < self.until
    }
}

redacted_debug!(Submission);
