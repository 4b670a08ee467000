//! PDS behind a mailbox.

use super::download::zipped;
use super::message::Message;
use super::report::MeshReport;
use super::sent::MeshStatus;
use super::state::State;
use crate::Simulator;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use nhs_pds::ids::Ids;
use std::collections::BTreeMap;

/// The workflow of PDS MESH, of requests and of responses.
pub(super) const PDS_MESH: &str = "SPINE_PDS_MESH_V1";

/// The workflows of MPT, of requests and of responses.
pub(super) const MPT: [&str; 2] = ["SPINE_MPTPHASE4_TRACE", "SPINE_MPT_RESPONSE"];

/// A simulator behind a mailbox.
#[derive(Clone)]
pub(super) struct Pds {
    pub(super) simulator: Simulator,
    pub(super) mailbox: String,
    pub(super) is_delayed: bool,
    /// The most bytes of a chunk of a response, before its compression.
    pub(super) chunk: usize,
    pub(super) gzip: bool,
}

/// What PDS makes of a request.
pub(super) struct Answered {
    request: String,
    workflow: &'static str,
    /// `None`, if the content cannot be read as a request.
    response: Option<Vec<u8>>,
}

impl Pds {
    /// Whether a message is a request to PDS.
    pub(super) fn takes(&self, message: &Message) -> bool {
        message.to == self.mailbox
            && message.report.is_none()
            && (message.workflow == PDS_MESH || MPT.first() == Some(&message.workflow.as_str()))
    }

    /// Answers a request. Takes long for a long one.
    pub(super) fn answer(
        &self,
        request: String,
        workflow: &str,
        content: Option<&[u8]>,
    ) -> Answered {
        let mut response = Vec::new();
        let answered = content
            .is_some_and(|content| self.simulator.answer_batch(content, &mut response).is_ok());
        let [_, of_mpt] = MPT;
        let workflow = if workflow == PDS_MESH { PDS_MESH } else { of_mpt };
        Answered { request, workflow, response: answered.then_some(response) }
    }

    /// Sends the response, or a report, to the sender of the request.
    pub(super) fn send(
        &self,
        state: &mut State,
        answered: Answered,
        ids: &dyn Ids,
        now: DateTime<Utc>,
    ) {
        let Some(request) = state.message_mut(&answered.request) else { return };
        request.status = MeshStatus::Acknowledged;
        let (sender, local_id) = (request.from.clone(), request.local_id.clone());
        let file_name = request.file_name.as_ref().map(|name| format!("RESP_{name}"));
        let Some(response) = answered.response else {
            let mut report = MeshReport::new("01", "The file is not a request");
            report.linked_message = Some(answered.request);
            report.local_id = local_id;
            state.report(&sender, report, ids, now);
            return;
        };
        let parts = response
            .chunks(self.chunk.max(1))
            .map(|part| if self.gzip { zipped(part) } else { Bytes::copy_from_slice(part) });
        let chunks: BTreeMap<usize, Bytes> = (1..).zip(parts).collect();
        let id = state.new_id(ids, now);
        state.add(Message {
            id,
            from: self.mailbox.clone(),
            to: sender,
            workflow: answered.workflow.into(),
            local_id: None,
            subject: None,
            partner_id: None,
            file_name,
            checksum: None,
            content_type: Some("text/csv".into()),
            is_gzip: self.gzip,
            total: chunks.len(),
            chunks,
            status: MeshStatus::Accepted,
            at: now,
            report: None,
        });
    }
}
