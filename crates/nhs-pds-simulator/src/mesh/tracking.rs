//! Tracks a message that was sent.

use super::message::Message;
use super::refusal::{Refusal, Version, add, json};
use super::sent::MeshStatus;
use super::state::{KEPT, State};
use http::StatusCode;
use nhs_pds::transport::Response;
use serde_json::json;
use url::form_urlencoded;

/// By the identifier of the message.
pub(super) fn by_message(
    state: &State,
    mailbox: &str,
    query: &str,
    version: Version,
) -> Result<Response, Refusal> {
    let named = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "messageID");
    let message = named.and_then(|(_, id)| state.message(&id));
    // A message of another sender is not forbidden but unknown, as in the live service.
    let own = message.filter(|message| message.from == mailbox);
    own.map(|message| tracked(message, version)).ok_or_else(|| Refusal::bare(StatusCode::NOT_FOUND))
}

/// By the local identifier. The response is in version 1.
pub(super) fn by_local(state: &State, mailbox: &str, local: &str) -> Result<Response, Refusal> {
    let named =
        |message: &&Message| message.from == mailbox && message.local_id.as_deref() == Some(local);
    let messages: Vec<&Message> = state.messages().iter().filter(named).collect();
    match messages.as_slice() {
        [] => Err(Refusal::bare(StatusCode::NOT_FOUND)),
        [message] => Ok(tracked(message, Version::One)),
        _ => Err(Refusal::bare(StatusCode::MULTIPLE_CHOICES)),
    }
}

fn tracked(message: &Message, version: Version) -> Response {
    let is_sound = message.status != MeshStatus::Undeliverable;
    let word = message.status.as_str();
    let expires = message.at + KEPT;
    let mut body = match version {
        Version::Two => json!({
            "message_id": message.id,
            "workflow_id": message.workflow,
            "recipient": message.to,
            "status": word,
            "status_success": is_sound,
            "upload_timestamp": message.at.format("%Y-%m-%dT%H:%M:%S").to_string(),
            "expiry_time": expires.format("%Y-%m-%dT%H:%M:%S").to_string(),
        }),
        Version::One => json!({
            "messageId": message.id,
            "dtsId": message.id,
            "workflowId": message.workflow,
            "sender": message.from,
            "recipient": message.to,
            "messageType": "Data",
            "chunkCount": message.total,
            "status": word.get(..1).unwrap_or_default().to_uppercase() + word.get(1..).unwrap_or_default(),
            "statusSuccess": if is_sound { "SUCCESS" } else { "ERROR" },
            "uploadTimestamp": message.at.format("%Y%m%d%H%M%S").to_string(),
            "expiryTime": expires.format("%Y%m%d%H%M%S").to_string(),
            "version": "1.0",
        }),
    };
    let [local, file] = match version {
        Version::Two => ["local_id", "filename"],
        Version::One => ["localId", "fileName"],
    };
    add(&mut body, local, message.local_id.as_deref());
    add(&mut body, file, message.file_name.as_deref());
    json(StatusCode::OK, &body, version)
}
