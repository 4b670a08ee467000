use crate::redacted::redacted_debug;

/// A REPORT to put into a mailbox: a message that was accepted was not delivered.
///
/// ```
/// use nhs_pds_simulator::{Mesh, MeshReport};
///
/// let mesh = Mesh::new("TestKey").with_mailbox("X26ABC1", "password");
/// let mut report = MeshReport::new("14", "Message not collected by recipient after 5 days");
/// report.local_id = Some("batch-1".into());
/// assert!(mesh.report("X26ABC1", report).is_some());
/// ```
#[non_exhaustive]
#[derive(Clone, Eq, PartialEq)]
pub struct MeshReport {
    /// The code, such as `14`.
    pub code: String,
    /// The description.
    pub description: String,
    /// The message that failed, in `Mex-LinkedMsgID`. The live service does not always send it.
    pub linked_message: Option<String>,
    /// The local identifier of the message that failed, in `Mex-LocalID`.
    pub local_id: Option<String>,
    /// The workflow of the message that failed.
    pub workflow: String,
}

impl MeshReport {
    /// A report with this code, about a PDS MESH request. It names no message.
    #[must_use]
    pub fn new(code: impl Into<String>, description: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            description: description.into(),
            linked_message: None,
            local_id: None,
            workflow: super::pds::PDS_MESH.into(),
        }
    }
}

redacted_debug!(MeshReport);
