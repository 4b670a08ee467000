use std::fmt;

/// Where a message is.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum MeshStatus {
    /// Chunks are missing.
    Uploading,
    /// The message is in the mailbox of its recipient.
    Accepted,
    /// The recipient has acknowledged it.
    Acknowledged,
    /// It was not delivered.
    Undeliverable,
}

impl MeshStatus {
    /// The word in a response.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Uploading => "uploading",
            Self::Accepted => "accepted",
            Self::Acknowledged => "acknowledged",
            Self::Undeliverable => "undeliverable",
        }
    }
}

/// A message that MESH has, without its content.
#[non_exhaustive]
#[derive(Clone, Eq, PartialEq)]
pub struct MeshMessage {
    /// The identifier.
    pub id: String,
    /// The mailbox of the sender; blank for a report.
    pub from: String,
    /// The mailbox of the recipient.
    pub to: String,
    /// The workflow.
    pub workflow: String,
    /// The local identifier, if the sender gave one.
    pub local_id: Option<String>,
    /// The name of the file, if the sender gave one.
    pub file_name: Option<String>,
    /// The number of chunks; 0 for a report.
    pub chunks: usize,
    /// Where it is.
    pub status: MeshStatus,
}

/// Shows nothing that a client has written.
impl fmt::Debug for MeshMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MeshMessage")
            .field("id", &self.id)
            .field("chunks", &self.chunks)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}
