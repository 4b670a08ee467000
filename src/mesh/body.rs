//! The JSON of the service. Fields that are not used are not read.

use crate::transport::Response;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The longest body of an error that is read.
const LONGEST_ERROR: usize = 64 * 1024;

/// The longest identifier of a message, and the longest code, that are accepted.
const LONGEST_WORD: usize = 100;

/// A page of the inbox.
#[derive(Deserialize)]
pub(in crate::mesh) struct Page {
    pub(in crate::mesh) messages: Vec<String>,
    #[serde(default)]
    links: Option<Links>,
    /// About how many messages the whole mailbox has, of any workflow.
    #[serde(default)]
    pub(in crate::mesh) approx_inbox_count: Option<u64>,
}

#[derive(Deserialize)]
struct Links {
    #[serde(default)]
    next: Option<String>,
}

impl Page {
    /// The address of the next page, with an unknown host.
    pub(in crate::mesh) fn next(&self) -> Option<&str> {
        self.links.as_ref()?.next.as_deref()
    }
}

/// The response to the request that creates a message.
#[derive(Deserialize)]
pub(in crate::mesh) struct Created {
    #[serde(alias = "messageID")]
    pub(in crate::mesh) message_id: String,
}

/// Where a message of the outbox is.
#[derive(Deserialize)]
pub(in crate::mesh) struct Tracked {
    #[serde(alias = "messageId")]
    pub(in crate::mesh) message_id: String,
    status: String,
    #[serde(default, alias = "statusCode")]
    status_code: Option<String>,
}

/// The state of a message of the outbox.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::mesh) enum State {
    /// The service waits for further chunks.
    Uploading,
    /// The service has the whole file. The recipient may have it too.
    Accepted,
    /// It was not delivered, and will not be.
    Failed,
    /// A state that this library does not know.
    Unknown,
}

impl Tracked {
    pub(in crate::mesh) fn state(&self) -> State {
        match self.status.to_ascii_lowercase().as_str() {
            "uploading" => State::Uploading,
            "accepted" | "acknowledged" => State::Accepted,
            "error" | "undeliverable" => State::Failed,
            _ => State::Unknown,
        }
    }

    pub(in crate::mesh) fn code(&self) -> Option<&str> {
        self.status_code.as_deref().filter(|code| is_word(code))
    }
}

/// What the body of an error says.
#[derive(Debug, Default, Eq, PartialEq)]
pub(in crate::mesh) struct Refusal {
    /// The code, such as `12`.
    pub(in crate::mesh) code: Option<String>,
    /// The header that is missing or too long.
    pub(in crate::mesh) header: Option<String>,
    /// Whether the body has the form in which MESH answers about a message.
    is_about_a_message: bool,
}

/// Whether MESH itself has answered about a message. A gateway in front of it, or its own framework when a call no longer
/// exists, answers in other forms, such as `{"message":"Not Found"}` or `{"detail":"Not Found"}`. The content type does not
/// decide: it is the one that was asked for.
pub(in crate::mesh) fn is_about_a_message(response: &Response) -> bool {
    refusal(response.body().expose()).is_about_a_message
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ErrorBody {
    Second { detail: Vec<Detail> },
    First(First),
}

#[derive(Deserialize)]
struct First {
    #[serde(rename = "errorCode")]
    code: Option<String>,
    #[serde(rename = "errorDescription")]
    _description: String,
}

#[derive(Deserialize)]
struct Detail {
    #[serde(default)]
    code: Option<String>,
    /// Of a header that is not valid: `["header", "mex-to"]`.
    #[serde(default)]
    loc: Vec<serde_json::Value>,
    #[serde(rename = "msg")]
    _message: String,
}

/// Reads the body of an error: version 2 or 1 of the API, or the list of headers that are not valid. Other forms, such as
/// the XML of a failed server, say nothing.
pub(in crate::mesh) fn refusal(body: &[u8]) -> Refusal {
    let readable = if body.len() <= LONGEST_ERROR { body } else { b"" };
    let (code, header) = match serde_json::from_slice(readable) {
        Ok(ErrorBody::Second { detail }) if !detail.is_empty() => {
            let detail = detail.into_iter().next();
            let header = detail.as_ref().and_then(|detail| match detail.loc.as_slice() {
                [kind, .., name] if kind == "header" => name.as_str().map(str::to_owned),
                _ => None,
            });
            (detail.and_then(|detail| detail.code), header)
        }
        Ok(ErrorBody::First(first)) => (first.code, None),
        Ok(ErrorBody::Second { .. }) | Err(_) => return Refusal::default(),
    };
    let (code, header) = (code.filter(|code| is_word(code)), header.filter(|name| is_word(name)));
    Refusal { code, header, is_about_a_message: true }
}

/// Reads a body.
pub(in crate::mesh) fn read<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    serde_json::from_slice(body).ok()
}

/// Whether `text` is an identifier, a code or the name of a header. It is then a part of an address, of the name of a file
/// and of errors without further care.
pub(in crate::mesh) fn is_word(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    (1..=LONGEST_WORD).contains(&text.len()) && text.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(body: &str) -> Option<String> {
        refusal(body.as_bytes()).code
    }

    #[test]
    fn codes_of_both_versions_are_read() {
        let second = r#"{"message_id":"A","detail":[{"event":"SEND","code":"12","msg":"Smith"}]}"#;
        assert_eq!(code(second).as_deref(), Some("12"));
        let first = r#"{"errorEvent":"SEND","errorCode":"EPL-151","errorDescription":"Smith"}"#;
        assert_eq!(code(first).as_deref(), Some("EPL-151"));
        assert!(refusal(second.as_bytes()).is_about_a_message);
        assert!(refusal(first.as_bytes()).is_about_a_message);
        // As the sandbox answers about an unknown message.
        let empty = refusal(br#"{"detail":[{"event":"","code":"","msg":"Not Found"}]}"#);
        assert_eq!(empty, Refusal { is_about_a_message: true, ..Refusal::default() });
    }

    #[test]
    fn a_header_that_is_not_valid_is_named() {
        let body =
            r#"{"detail":[{"type":"missing","loc":["header","mex-to"],"msg":"Field required"}]}"#;
        assert_eq!(refusal(body.as_bytes()).header.as_deref(), Some("mex-to"));
        let query = r#"{"detail":[{"loc":["query","messageID"],"msg":"Field required"}]}"#;
        assert_eq!(refusal(query.as_bytes()).header, None);
    }

    #[test]
    fn other_bodies_say_nothing() {
        let long = format!(r#"{{"detail":[{{"code":"12","msg":"{}"}}]}}"#, "x".repeat(70_000));
        for body in [
            "",
            "<soap:Envelope/>",
            "null",
            "[]",
            "{}",
            r#"{"detail":"Not Found"}"#,
            r#"{"detail":[]}"#,
            r#"{"message":"An internal error occurred.\n\nPlease contact support."}"#,
            r#"{"message":"Missing Authentication Token"}"#,
            r#"{"message":"Not Found"}"#,
            &long,
        ] {
            assert_eq!(
                refusal(body.as_bytes()),
                Refusal::default(),
                "{}",
                body.get(..9).unwrap_or(body)
            );
        }
        for code_of in ["Message already accepted", "12\\n", "Smith, 9434765919"] {
            let body = format!(r#"{{"detail":[{{"code":"{code_of}","msg":""}}]}}"#);
            assert_eq!(code(&body), None, "{code_of}");
        }
    }

    #[test]
    fn words_of_states_are_read_in_any_case() {
        let state = |word: &str| {
            let body = format!(r#"{{"messageId":"A","status":"{word}","statusCode":"14"}}"#);
            read::<Tracked>(body.as_bytes()).unwrap().state()
        };
        assert_eq!(state("Accepted"), State::Accepted);
        assert_eq!(state("acknowledged"), State::Accepted);
        assert_eq!(state("Uploading"), State::Uploading);
        assert_eq!(state("undeliverable"), State::Failed);
        assert_eq!(state("Error"), State::Failed);
        assert_eq!(state("new"), State::Unknown);
    }
}
