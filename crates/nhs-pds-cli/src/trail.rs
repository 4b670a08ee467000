//! The audit trail of a command, with an optional copy of its heads in a file of anchors.

use nhs_pds::audit::{Anchored, AuditLog, FileAnchors};
use nhs_pds::clock::SystemClock;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An audit trail that can be written.
pub(crate) struct Trail {
    pub(crate) log: Arc<dyn AuditLog>,
    anchors: Option<(Arc<Anchored>, PathBuf)>,
}

impl Trail {
    /// The trail `log`. After each append, its head is written to the file `anchors`.
    pub(crate) fn new(log: Arc<dyn AuditLog>, anchors: Option<&Path>) -> Self {
        let Some(file) = anchors else { return Self { log, anchors: None } };
        let sink = Arc::new(FileAnchors::new(file));
        let anchored = Arc::new(Anchored::new(log, sink, Arc::new(SystemClock)));
        let log = Arc::<Anchored>::clone(&anchored);
        Self { log, anchors: Some((anchored, file.to_owned())) }
    }

    /// A warning when the last events have no anchor. The events themselves are in the trail.
    pub(crate) fn warning(&self) -> Option<String> {
        let (anchored, file) = self.anchors.as_ref()?;
        let count = anchored.unanchored();
        (count > 0).then(|| {
            let file = file.display();
            format!(
                "{file}: no anchor was written for the last {count} events of the audit trail: check the file"
            )
        })
    }
}
