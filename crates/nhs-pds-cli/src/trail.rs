//! The audit trail of an example, whose heads are kept elsewhere too if there is a place for them.

use nhs_pds::audit::{Anchored, AuditLog, Error, FileAnchors, SqliteLog};
use nhs_pds::clock::SystemClock;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The trail in a file, to be written.
pub(crate) struct Trail {
    pub(crate) log: Arc<dyn AuditLog>,
    anchors: Option<(Arc<Anchored>, PathBuf)>,
}

impl Trail {
    /// The trail in `db`; after each append its head goes to the file `anchors`.
    pub(crate) fn open(db: &Path, anchors: Option<&Path>) -> Result<Self, Error> {
        let log: Arc<dyn AuditLog> = Arc::new(SqliteLog::open(db)?);
        let Some(file) = anchors else { return Ok(Self { log, anchors: None }) };
        let sink = Arc::new(FileAnchors::new(file));
        let anchored = Arc::new(Anchored::new(log, sink, Arc::new(SystemClock)));
        let log = Arc::<Anchored>::clone(&anchored);
        Ok(Self { log, anchors: Some((anchored, file.to_owned())) })
    }

    /// Says, if it is so, that the last events are without an anchor: what was done is done all the same.
    pub(crate) fn warning(&self) -> Option<String> {
        let (anchored, file) = self.anchors.as_ref()?;
        let count = anchored.unanchored();
        (count > 0).then(|| {
            let file = file.display();
            format!(
                "{file}: no anchor could be kept for the last {count} events of the audit trail"
            )
        })
    }
}
