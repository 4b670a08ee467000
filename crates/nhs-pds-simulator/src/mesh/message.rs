use super::report::MeshReport;
use super::sent::MeshStatus;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use flate2::read::MultiGzDecoder;
use std::collections::BTreeMap;
use std::io::Read;

/// A message of MESH.
pub(super) struct Message {
    pub(super) id: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) workflow: String,
    pub(super) local_id: Option<String>,
    pub(super) subject: Option<String>,
    pub(super) partner_id: Option<String>,
    pub(super) file_name: Option<String>,
    pub(super) checksum: Option<String>,
    pub(super) content_type: Option<String>,
    pub(super) is_gzip: bool,
    /// The number of chunks; 0 for a report.
    pub(super) total: usize,
    pub(super) chunks: BTreeMap<usize, Bytes>,
    pub(super) status: MeshStatus,
    /// When it was sent.
    pub(super) at: DateTime<Utc>,
    pub(super) report: Option<MeshReport>,
}

impl Message {
    /// The content without its compression; `None` if it is not what its encoding says.
    pub(super) fn content(&self) -> Option<Vec<u8>> {
        let mut content = Vec::new();
        for chunk in self.chunks.values() {
            if self.is_gzip {
                content.extend(unzipped(chunk)?);
            } else {
                content.extend_from_slice(chunk);
            }
        }
        Some(content)
    }
}

/// The content of a gzip file.
pub(super) fn unzipped(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    MultiGzDecoder::new(bytes).read_to_end(&mut content).ok()?;
    Some(content)
}
