//! Takes a message, chunk by chunk.

use super::message::Message;
use super::refusal::{Refusal, Version, json, text};
use super::sent::MeshStatus;
use super::state::State;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::StatusCode;
use http::header::HeaderMap;
use nhs_pds::ids::Ids;
use nhs_pds::transport::Response;
use serde_json::json;
use std::collections::BTreeMap;

/// The headers with a limit, and the most characters of each.
const LIMITS: [(&str, usize); 8] = [
    ("mex-to", 100),
    ("mex-workflowid", 300),
    ("mex-subject", 500),
    ("mex-localid", 300),
    ("mex-partnerid", 500),
    ("mex-filename", 300),
    ("mex-content-checksum", 100),
    ("mex-chunk-range", 20),
];

const BAD_CHUNKS: Refusal =
    Refusal::unsent("InvalidHeaderChunks", "Invalid chunk values sent in mex-Chunk-Range header");
const CHANGED: Refusal =
    Refusal::unsent("UnsupportedContentEncoding", "Unsupported content encoding");

/// Takes the first chunk. Returns the response, and the identifier of the message.
pub(super) fn send(
    state: &mut State,
    mailbox: &str,
    sent: &HeaderMap,
    body: &Bytes,
    ids: &dyn Ids,
    now: DateTime<Utc>,
) -> Result<(Response, String), Refusal> {
    check_headers(sent)?;
    let value = |name| text(sent, name).map(str::to_owned);
    let Some(to) = value("mex-to").map(|to| to.to_uppercase()) else {
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "SEND", "08", "TO_DTS missing"));
    };
    let is_gzip = is_gzip(sent)?;
    let (number, total) = chunk_range(sent)?.unwrap_or((1, 1));
    if number != 1 {
        return Err(BAD_CHUNKS);
    }
    if state.password(&to).is_none() {
        return Err(Refusal::unsent("12", "Unregistered to address"));
    }
    let workflow = value("mex-workflowid").filter(|workflow| state.workflows.contains(workflow));
    let Some(workflow) = workflow else {
        return Err(Refusal::unsent("17", "Workflow ID not registered for mailbox"));
    };
    if body.is_empty() {
        let text = "Data file is missing or inaccessible.";
        return Err(Refusal::new(StatusCode::EXPECTATION_FAILED, "COLLECT", "02", text));
    }
    let id = state.new_id(ids, now);
    let status = if total == 1 { MeshStatus::Accepted } else { MeshStatus::Uploading };
    state.add(Message {
        id: id.clone(),
        from: mailbox.to_owned(),
        to,
        workflow,
        local_id: value("mex-localid"),
        subject: value("mex-subject"),
        partner_id: value("mex-partnerid"),
        file_name: value("mex-filename"),
        checksum: value("mex-content-checksum"),
        content_type: value("content-type"),
        is_gzip,
        total,
        chunks: BTreeMap::from([(1, body.clone())]),
        status,
        at: now,
        report: None,
    });
    let version = Version::of(sent);
    let body = match version {
        Version::One => json!({ "messageID": id }),
        Version::Two => json!({ "message_id": id }),
    };
    Ok((json(StatusCode::ACCEPTED, &body, version), id))
}

/// Takes a further chunk. The message is complete with its last chunk, if no other one is missing.
pub(super) fn send_chunk(
    state: &mut State,
    mailbox: &str,
    id: &str,
    number: usize,
    sent: &HeaderMap,
    body: &Bytes,
) -> Result<Response, Refusal> {
    let range = chunk_range(sent).map_err(|refusal| refusal.about(id))?;
    let Some((named, total)) = range.filter(|(named, _)| *named == number) else {
        return Err(BAD_CHUNKS.about(id));
    };
    let Some(message) = state.message_mut(id) else {
        return Err(Refusal::bare(StatusCode::NOT_FOUND));
    };
    if message.from != mailbox {
        return Err(Refusal::bare(StatusCode::FORBIDDEN));
    }
    if message.status != MeshStatus::Uploading {
        return Err(Refusal::locked().about(id));
    }
    if total != message.total {
        return Err(BAD_CHUNKS.about(id));
    }
    if is_gzip(sent)? != message.is_gzip {
        return Err(CHANGED.about(id));
    }
    message.chunks.insert(named, body.clone());
    if message.chunks.len() == message.total {
        state.accept(id);
    }
    let version = Version::of(sent);
    let body = match version {
        Version::One => json!({ "messageID": id, "blockID": number }),
        Version::Two => json!({ "message_id": id, "chunk_number": number }),
    };
    Ok(json(StatusCode::ACCEPTED, &body, version))
}

/// Checks lengths and characters.
fn check_headers(sent: &HeaderMap) -> Result<(), Refusal> {
    for (name, most) in LIMITS {
        let Some(value) = sent.get(name) else { continue };
        let is_text = value.to_str().is_ok_and(|text| {
            text.len() <= most && !text.contains("http://") && !text.contains("https://")
        });
        if !is_text {
            let text = "Malformed control file";
            return Err(Refusal::new(StatusCode::BAD_REQUEST, "TRANSFER", "06", text));
        }
    }
    Ok(())
}

fn is_gzip(sent: &HeaderMap) -> Result<bool, Refusal> {
    match text(sent, "content-encoding") {
        None => Ok(false),
        Some("gzip") => Ok(true),
        Some(_) => Err(CHANGED),
    }
}

/// The number of the chunk and the number of chunks.
fn chunk_range(sent: &HeaderMap) -> Result<Option<(usize, usize)>, Refusal> {
    let Some(range) = text(sent, "mex-chunk-range") else { return Ok(None) };
    let numbers = range.split_once(':').and_then(|(number, total)| {
        Some((number.trim().parse().ok()?, total.trim().parse().ok()?))
    });
    let in_range = numbers.filter(|(number, total)| (1..=*total).contains(number));
    in_range.map(Some).ok_or(BAD_CHUNKS)
}
