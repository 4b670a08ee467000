//! One row of a response.

use crate::batch::Reference;
use crate::batch::file::{ResponseRow, RowError, RowErrorKind};
use crate::case::{Case, CaseFilter, Submission};
use crate::process::batch::settle::{Answered, Waiting};
use crate::process::decision::result::TraceResult;
use crate::process::error::Error;
use crate::process::run::engine::Engine;
use std::fmt;
use uuid::Uuid;

/// How often a case is read again that another program changes while its row is settled.
const READINGS: usize = 5;

/// What was done with a row of a response.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RowReport {
    /// The service's identifier of the message that has the row, if [`Batches::collect`] has received it. The file of a
    /// response that is kept for a person has this name.
    ///
    /// [`Batches::collect`]: crate::process::batch::Batches::collect
    pub message: Option<String>,
    /// The line of the file on which the row begins; the first line is 1.
    pub line: u64,
    /// The reference, if it is a UUID. Any other text may be of a person, so it is left out.
    pub reference: Option<Reference>,
    /// The service's code, if the row has one that is known.
    pub code: Option<&'static str>,
    /// The result, or why nothing was settled.
    pub result: Result<Settled, RowFault>,
}

/// The result of a row that was settled.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Settled {
    /// The case was decided.
    Decided(TraceResult),
    /// The worker asks further questions about the case, one by one.
    Continued,
}

/// Why nothing was settled from a row.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum RowFault {
    /// The row cannot be read. The case waits until its batch counts as lost, or the file is imported again.
    Damaged(RowErrorKind),
    /// The file has several rows with this reference. The case waits as above.
    Duplicate,
    /// No case waits for a row with this reference: it was settled before, it has left the batch, or the row belongs to
    /// another system.
    Unknown,
    /// The data of the case have changed since they were sent, or the case must not be traced any more. It returns to
    /// the normal way.
    Changed,
    /// The service has not traced the row, or contradicts itself. The case is traced singly after a back-off, or goes by file
    /// again where no service answers single questions.
    NotTraced,
    /// Another program kept changing the case, each time that it was read again. Import the file again.
    Conflict,
}

impl RowFault {
    /// Returns a stable word: the variant's name in lower case, joined by `_`; for a damaged row that of its damage.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Damaged(kind) => kind.as_str(),
            Self::Duplicate => "duplicate",
            Self::Unknown => "unknown",
            Self::Changed => "changed",
            Self::NotTraced => "not_traced",
            Self::Conflict => "conflict",
        }
    }
}

impl fmt::Display for RowFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged(kind) => kind.fmt(f),
            Self::Duplicate => f.write_str("the file has several rows with this reference"),
            Self::Unknown => f.write_str("no case waits for a row with this reference"),
            Self::Changed => f.write_str("the data of the case have changed since they were sent"),
            Self::NotTraced => f.write_str("the service has not traced the row"),
            Self::Conflict => f.write_str("another program keeps changing the case"),
        }
    }
}

/// The UUID that was sent, in whatever form another program has written it. No row is sent with another reference.
pub(super) fn uuid_of(reference: &Reference) -> Option<Uuid> {
    Uuid::try_parse(reference.as_str()).ok()
}

impl RowReport {
    pub(super) fn damaged(error: RowError) -> Self {
        let RowError { line, kind, reference, .. } = error;
        let result = Err(RowFault::Damaged(kind));
        Self { message: None, line, reference, code: None, result }
    }

    pub(super) fn of(row: &ResponseRow, result: Result<Settled, RowFault>) -> Self {
        // Of another maker's row, the reference may be anything.
        let is_ours = uuid_of(row.reference()).is_some();
        let reference = Some(row.reference().clone()).filter(|_| is_ours);
        let code = Some(row.code().as_str());
        Self { message: None, line: row.line(), reference, code, result }
    }
}

impl Engine {
    /// Settles the case that waits for `row`. Returns what was done, and the batch of the case.
    pub(super) async fn settle_row(
        &self,
        row: &ResponseRow,
        continues: bool,
    ) -> Result<(Result<Settled, RowFault>, Option<String>), Error> {
        let Some(reference) = uuid_of(row.reference()) else {
            return Ok((Err(RowFault::Unknown), None));
        };
        let filter = CaseFilter::default().with_inactive().with_reference(reference.to_string());
        let mut batch = None;
        for reading in 0..READINGS {
            let found = self.cases().search(&filter, None, 1).await?.pop();
            let waiting = found.and_then(|case| Some((case.asking.submitted.clone()?, case)));
            let Some((submission, case)) = waiting else {
                return Ok((Err(RowFault::Unknown), batch));
            };
            batch = Some(submission.batch.clone());
            let is_first = reading == 0;
            match self.settle_case(case, &submission, row, continues, is_first).await? {
                Err(RowFault::Conflict) => {}
                result => return Ok((result, batch)),
            }
        }
        Ok((Err(RowFault::Conflict), batch))
    }

    /// Settles `case`, which waits for `row`, unless another program changes it meanwhile. What became of the row is put
    /// on record with the first attempt, even if that fails.
    async fn settle_case(
        &self,
        case: Case,
        submission: &Submission,
        row: &ResponseRow,
        continues: bool,
        is_first: bool,
    ) -> Result<Result<Settled, RowFault>, Error> {
        let waiting = Waiting { case: &case, row: submission };
        Ok(match self.answered(waiting, row, continues) {
            Answered::Settle(turn, entry) => {
                let entries = is_first.then_some(entry).into_iter().collect();
                let report = self.settle(&turn, entries).await?;
                match report.result {
                    _ if report.row.is_none() => Err(RowFault::Conflict),
                    Some(TraceResult::Unavailable) | None => Err(RowFault::NotTraced),
                    Some(result) => Ok(Settled::Decided(result)),
                }
            }
            Answered::Continue(entry) => {
                let mut open = case;
                open.asking.one_by_one = true;
                let entry = is_first.then_some(entry);
                let left = self.withdraw(open, submission, "continued", entry).await?;
                if left { Ok(Settled::Continued) } else { Err(RowFault::Conflict) }
            }
            Answered::Changed => {
                let entry = self.noted(&case.id, submission, "not_used").filter(|_| is_first);
                let left = self.withdraw(case, submission, "changed", entry).await?;
                Err(if left { RowFault::Changed } else { RowFault::Conflict })
            }
        })
    }
}
