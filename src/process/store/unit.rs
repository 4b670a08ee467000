use crate::audit::AuditLog;
use crate::case::CaseStore;
use crate::process::alert::AlertSink;
use crate::process::error::Error;
use crate::process::store::commit::{Commit, Committed};
use async_trait::async_trait;
use std::fmt::Debug;

/// Where the process reads and writes: cases, audit trail and alerts.
///
/// # Contract
///
/// * The parts are those that `commit` writes: what it has saved, [`cases`](Self::cases) reads.
/// * `commit` does its effects in the order that [`Commit`] names. What was recorded is as durable as
///   the trail promises before the call returns; a message record therefore stands before its message
///   is sent.
/// * A store that is atomic does all or, when it refuses the changes, only the entries of
///   [`Commit::recorded`]. The leases stay then: their owner decides again. A store that is not
///   atomic can be killed between any two effects, and the trail then has at most a record too many:
///   of one version of a case, the last record counts.
/// * A refused save leaves a trail whose last record of each case is what is stored.
/// * When a setting is refused, no later setting and no case of the commit is saved. A store that is
///   not atomic then records the entry of each setting that was not saved again, withdrawn
///   ([`Set::withdrawn`](crate::process::store::Set::withdrawn)).
/// * An alert is delivered at least once, with the same id, and stays on its case until it was.
/// * A call whose future is dropped may or may not take effect.
#[async_trait]
pub trait Store: Debug + Send + Sync {
    /// The cases.
    fn cases(&self) -> &dyn CaseStore;

    /// The audit trail.
    fn audit(&self) -> &dyn AuditLog;

    /// Where alerts go that are about no case.
    fn alerts(&self) -> &dyn AlertSink;

    /// Does `commit` as one unit of work.
    ///
    /// # Errors
    ///
    /// [`ErrorKind`](crate::process::ErrorKind), when the cases or the trail cannot be used. An alert
    /// that cannot be delivered is not an error.
    async fn commit(&self, commit: Commit) -> Result<Committed, Error>;
}
