//! Downloads and acknowledges a message.

use super::message::{Message, unzipped};
use super::refusal::{Refusal, Version, json, put, text, with};
use super::sent::MeshStatus;
use super::state::State;
use bytes::Bytes;
use flate2::Compression;
use flate2::read::GzEncoder;
use http::StatusCode;
use http::header::HeaderMap;
use nhs_pds::secret::RawBody;
use nhs_pds::transport::Response;
use serde_json::json;
use std::io::Read;

/// A chunk of a message, or the head of a message.
pub(super) fn download(
    state: &State,
    mailbox: &str,
    id: &str,
    number: usize,
    head: bool,
    sent: &HeaderMap,
) -> Result<Response, Refusal> {
    let version = Version::of(sent);
    let message = own(state, mailbox, id)?;
    if matches!(message.status, MeshStatus::Uploading | MeshStatus::Undeliverable) {
        let text = "Message no longer available for download";
        return Err(Refusal::new(StatusCode::GONE, "SEND", "Message already accepted", text));
    }
    let mut headers = headers(message, number);
    if message.report.is_some() || head {
        put(&mut headers, "content-type", Some("application/octet-stream"));
        return Ok(with(StatusCode::OK, headers, Bytes::new()));
    }
    let chunk = message.chunks.get(&number).ok_or(Refusal::unknown_message())?;
    let accepts_gzip = text(sent, "accept-encoding").is_some_and(|list| list.contains("gzip"));
    let (chunk, is_gzip) = match (message.is_gzip, accepts_gzip) {
        (true, false) => (unzipped(chunk).map_or_else(|| chunk.clone(), Bytes::from), false),
        (false, true) if version == Version::Two => (zipped(chunk), true),
        (is_gzip, _) => (chunk.clone(), is_gzip),
    };
    if is_gzip {
        put(&mut headers, "content-encoding", Some("gzip"));
        put(&mut headers, "mex-content-compressed", Some("Y"));
    }
    let kind = message.content_type.as_deref().filter(|_| message.total < 2);
    put(&mut headers, "content-type", Some(kind.unwrap_or("application/octet-stream")));
    let is_last = number >= message.total;
    let status = if is_last { StatusCode::OK } else { StatusCode::PARTIAL_CONTENT };
    Ok(with(status, headers, chunk))
}

/// Acknowledges a message. A second time changes nothing.
pub(super) fn acknowledge(
    state: &mut State,
    mailbox: &str,
    id: &str,
    version: Version,
) -> Result<Response, Refusal> {
    own(state, mailbox, id)?;
    if let Some(message) = state.message_mut(id)
        && message.status == MeshStatus::Accepted
    {
        message.status = MeshStatus::Acknowledged;
    }
    Ok(match version {
        Version::One => json(StatusCode::OK, &json!({ "messageId": id }), version),
        Version::Two => Response::new(StatusCode::OK, RawBody::default()),
    })
}

/// A message to this mailbox.
fn own<'a>(state: &'a State, mailbox: &str, id: &str) -> Result<&'a Message, Refusal> {
    let message = state.message(id).ok_or(Refusal::unknown_message())?;
    if message.to == mailbox { Ok(message) } else { Err(Refusal::bare(StatusCode::FORBIDDEN)) }
}

fn headers(message: &Message, number: usize) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut add = |name, value: Option<&str>| put(&mut headers, name, value);
    let time = message.at.format("%Y%m%d%H%M%S").to_string();
    let default_name = format!("{}.dat", message.id);
    add("mex-from", Some(&message.from));
    add("mex-to", Some(&message.to));
    add("mex-workflowid", Some(&message.workflow));
    add("mex-chunk-range", Some(&format!("{number}:{}", message.total)));
    add("mex-total-chunks", Some(&message.total.to_string()));
    add("mex-addresstype", Some("ALL"));
    add("mex-localid", message.local_id.as_deref());
    add("mex-partnerid", message.partner_id.as_deref());
    add("mex-filename", Some(message.file_name.as_deref().unwrap_or(&default_name)));
    add("mex-subject", message.subject.as_deref());
    add("mex-version", Some("1.0"));
    add("mex-messageid", Some(&message.id));
    add("mex-content-checksum", message.checksum.as_deref());
    add("mex-statustimestamp", Some(&time));
    let [kind, code, event, text, success] = match &message.report {
        None => ["DATA", "00", "TRANSFER", "Transferred to recipient mailbox", "SUCCESS"],
        Some(report) => ["REPORT", &report.code, "SEND", &report.description, "ERROR"],
    };
    add("mex-messagetype", Some(kind));
    add("mex-statuscode", Some(code));
    add("mex-statusevent", Some(event));
    add("mex-statusdescription", Some(text));
    add("mex-statussuccess", Some(success));
    let linked = message.report.as_ref().and_then(|report| report.linked_message.as_deref());
    add("mex-linkedmsgid", linked);
    headers
}

/// The gzip file of `bytes`.
pub(super) fn zipped(bytes: &[u8]) -> Bytes {
    let mut zipped = Vec::new();
    // Reading from memory does not fail.
    let _ = GzEncoder::new(bytes, Compression::fast()).read_to_end(&mut zipped);
    zipped.into()
}
