//! What a failure means: the kind for a program, and a sentence for the operator.

use crate::batch::{Error, ErrorKind};
use crate::mesh::body::refusal;
use crate::transport::{self, Response};
use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use std::error::Error as StdError;
use std::fmt;

/// The service refuses tokens that are two hours old. A smaller difference of the clocks is named too, because it may grow.
const TOLERATED: TimeDelta = TimeDelta::minutes(10);

/// The cause of an error: what the service has answered, and what to do. It has words of the service only where they have
/// the form of a code or of the name of a header.
#[derive(Debug)]
struct Answered {
    status: StatusCode,
    code: Option<String>,
    header: Option<String>,
    /// By how many minutes this machine's clock is ahead of the service's.
    minutes_ahead: Option<i64>,
}

impl StdError for Answered {}

impl fmt::Display for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MESH answered with status {}", self.status.as_u16())?;
        if let Some(code) = &self.code {
            write!(f, ", code {code}")?;
        }
        if let Some(header) = &self.header {
            write!(f, ", about the header {header}")?;
        }
        if let Some(text) = self.code.as_deref().and_then(of_code).map(|(_, text)| text) {
            return write!(f, ": {text}");
        }
        if let Some(minutes) = self.minutes_ahead {
            return write!(f, ": this machine's clock differs by {minutes} minutes: set the clock");
        }
        match of_status(self.status).1 {
            "" => Ok(()),
            text => write!(f, ": {text}"),
        }
    }
}

/// The codes of the service, what to do, and the sentence that says it.
const CODES: [(&str, ErrorKind, &str); 17] = {
    use ErrorKind::{Configuration, Refused};
    [
        ("02", Refused, "the file is empty or was lost: build the batch again"),
        (
            "06",
            Configuration,
            "a header is not valid: correct the names of mailbox, workflow and file",
        ),
        ("07", Configuration, "the sender is not valid: correct the mailbox"),
        ("08", Configuration, "there is no recipient: set the recipient's mailbox"),
        ("09", Configuration, "the version of the API is not supported: update this program"),
        ("11", Configuration, "the type of the message is not valid: update this program"),
        ("12", Configuration, "the recipient is not registered: correct the recipient's mailbox"),
        (
            "15",
            Configuration,
            "the service's directory refuses the message: ask the service's help desk",
        ),
        (
            "16",
            Configuration,
            "this mailbox may not send to the recipient: ask the service's help desk",
        ),
        (
            "17",
            Configuration,
            "the mailbox is not registered for the workflow: correct the workflow, or register it",
        ),
        ("18", Configuration, "the workflow is not enabled: ask the service's help desk"),
        ("19", Refused, "the message has expired: build the batch again"),
        (
            "EPL-150",
            Configuration,
            "several mailboxes match the recipient: correct the recipient's mailbox",
        ),
        (
            "EPL-151",
            Configuration,
            "no mailbox matches the recipient: correct the recipient's mailbox",
        ),
        (
            "InvalidHeaderChunks",
            Refused,
            "the numbers of the chunks are not valid: build the batch again",
        ),
        (
            "UnsupportedContentEncoding",
            Configuration,
            "the service does not take compressed files: turn compression off",
        ),
        ("20", Refused, "the service does not have the message"),
    ]
};

fn of_code(code: &str) -> Option<(ErrorKind, &'static str)> {
    CODES.iter().find(|(known, ..)| *known == code).map(|(_, kind, text)| (*kind, *text))
}

/// What a status means without a code.
const fn of_status(status: StatusCode) -> (ErrorKind, &'static str) {
    use ErrorKind::{Configuration, Refused, Unavailable, Unreadable};
    match status.as_u16() {
        400 => (Configuration, "correct the names of mailbox, workflow and file"),
        401 | 403 => (
            Configuration,
            "correct the mailbox, its password, the shared key, the client certificate or this machine's clock",
        ),
        404 => (Configuration, "correct the address and the mailbox"),
        408 | 425 | 429 => (Unavailable, ""),
        // Too large, or refused as a message.
        413 | 417 | 422 | 423 => (Refused, ""),
        410 => (Refused, "the message has expired or has failed"),
        501 | 505 => (Configuration, "correct the address"),
        500..=599 => (Unavailable, ""),
        300..=499 => (Configuration, "correct the address"),
        _ => (Unreadable, ""),
    }
}

/// The error of a response that does not have what was asked for.
pub(in crate::mesh) fn of_response(response: &Response, now: DateTime<Utc>) -> Error {
    let status = response.status();
    let read = refusal(response.body().expose());
    let is_denied = matches!(status.as_u16(), 401 | 403);
    let ahead = response.date().filter(|_| is_denied).map(|date| now - date);
    let minutes_ahead =
        ahead.filter(|ahead| ahead.abs() > TOLERATED).map(|ahead| ahead.num_minutes());
    let by_code = read.code.as_deref().and_then(of_code).filter(|_| status.is_client_error());
    let kind = by_code.map_or(of_status(status).0, |(kind, _)| kind);
    let mut error = Error::new(kind);
    if let Some(code) = &read.code {
        error = error.with_code(code.clone());
    }
    if let Some(wait) = response.retry_after(now) {
        error = error.with_retry_after(wait);
    }
    error.with_source(Answered { status, code: read.code, header: read.header, minutes_ahead })
}

/// The error of an exchange without a response.
pub(in crate::mesh) fn of_exchange(error: transport::Error) -> Error {
    let kind = if error.kind().is_configuration() {
        ErrorKind::Configuration
    } else if error.kind().is_transient() {
        ErrorKind::Unavailable
    } else {
        ErrorKind::Unreadable
    };
    Error::new(kind).with_source(error)
}

/// The error of a response without what it must have.
pub(in crate::mesh) fn unreadable(what: &'static str) -> Error {
    Error::new(ErrorKind::Unreadable).with_source(what)
}

/// The error of a message of the inbox, which the cause then names.
pub(in crate::mesh) fn of_message(error: Error, id: String) -> Error {
    let named = Error::new(error.kind());
    let named = error.code().into_iter().fold(named, Error::with_code);
    let named = error.retry_after().into_iter().fold(named, Error::with_retry_after);
    named.with_source(OfMessage { id, error })
}

/// Names the message. Its cause is that of the error: the kind is on the outer one.
#[derive(Debug)]
struct OfMessage {
    id: String,
    error: Error,
}

impl StdError for OfMessage {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.error.source()
    }
}

impl fmt::Display for OfMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "message {}", self.id)
    }
}

/// The error of a file of this machine.
pub(in crate::mesh) fn of_file(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Storage).with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderMap;
    use http::header::{DATE, RETRY_AFTER};
    use std::time::Duration;

    fn now() -> DateTime<Utc> {
        "2026-11-30T09:05:00Z".parse().unwrap()
    }

    fn error(status: u16, body: &str) -> Error {
        let status = StatusCode::from_u16(status).unwrap();
        of_response(&Response::new(status, body.to_owned().into()), now())
    }

    fn second(code: &str) -> String {
        format!(r#"{{"detail":[{{"event":"SEND","code":"{code}","msg":"Smith 9434765919"}}]}}"#)
    }

    fn text(error: &Error) -> String {
        error.source().unwrap().to_string()
    }

    #[test]
    fn each_code_has_its_kind_and_its_sentence() {
        for (code, kind, sentence) in CODES {
            let error = error(417, &second(code));
            assert_eq!((error.kind(), error.code()), (kind, Some(code)));
            assert_eq!(
                text(&error),
                format!("MESH answered with status 417, code {code}: {sentence}")
            );
        }
        let unknown = error(417, &second("99"));
        assert_eq!((unknown.kind(), unknown.code()), (ErrorKind::Refused, Some("99")));
        assert_eq!(text(&unknown), "MESH answered with status 417, code 99");
        let first = r#"{"errorEvent":"SEND","errorCode":"12","errorDescription":"Smith"}"#;
        assert_eq!(error(417, first).kind(), ErrorKind::Configuration);
    }

    #[test]
    fn each_status_has_its_kind() {
        for (status, kind) in [
            (301, ErrorKind::Configuration),
            (400, ErrorKind::Configuration),
            (401, ErrorKind::Configuration),
            (403, ErrorKind::Configuration),
            (404, ErrorKind::Configuration),
            (405, ErrorKind::Configuration),
            (408, ErrorKind::Unavailable),
            (410, ErrorKind::Refused),
            (413, ErrorKind::Refused),
            (417, ErrorKind::Refused),
            (425, ErrorKind::Unavailable),
            (429, ErrorKind::Unavailable),
            (500, ErrorKind::Unavailable),
            (501, ErrorKind::Configuration),
            (503, ErrorKind::Unavailable),
            (204, ErrorKind::Unreadable),
        ] {
            assert_eq!(error(status, "").kind(), kind, "{status}");
        }
        // A code inside a failure of the server does not make it a refusal.
        assert_eq!(error(503, &second("12")).kind(), ErrorKind::Unavailable);
    }

    #[test]
    fn bodies_are_not_quoted() {
        let xml = error(500, "<soap:Fault>Smith 9434765919</soap:Fault>");
        let header = error(400, r#"{"detail":[{"loc":["header","mex-to"],"msg":"Smith"}]}"#);
        assert_eq!(
            text(&header),
            "MESH answered with status 400, about the header mex-to: correct the names of mailbox, workflow and file",
        );
        for error in [xml, header, error(417, &second("12")), error(403, "Smith")] {
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("Smith") && !shown.contains("9434"), "{shown}");
        }
    }

    #[test]
    fn a_clock_that_is_wrong_is_named() {
        let date = |text: &'static str| HeaderMap::from_iter([(DATE, text.parse().unwrap())]);
        let denied = |headers| {
            let denied = Response::new(StatusCode::FORBIDDEN, "".into()).with_headers(headers);
            text(&of_response(&denied, now()))
        };
        let three_hours = denied(date("Mon, 30 Nov 2026 06:05:00 GMT"));
        assert!(
            three_hours.ends_with("this machine's clock differs by 180 minutes: set the clock"),
            "{three_hours}"
        );
        let same = denied(date("Mon, 30 Nov 2026 09:05:00 GMT"));
        assert!(same.contains("its password"), "{same}");
    }

    #[test]
    fn the_wait_of_the_service_is_kept() {
        let headers = HeaderMap::from_iter([(RETRY_AFTER, "120".parse().unwrap())]);
        let busy = Response::new(StatusCode::TOO_MANY_REQUESTS, "".into()).with_headers(headers);
        assert_eq!(of_response(&busy, now()).retry_after(), Some(Duration::from_secs(120)));
    }

    #[test]
    fn exchanges_without_a_response_keep_their_cause() {
        for (kind, expected) in [
            (transport::ErrorKind::Timeout, ErrorKind::Unavailable),
            (transport::ErrorKind::Connect, ErrorKind::Unavailable),
            (transport::ErrorKind::ClientCertificateRefused, ErrorKind::Configuration),
            (transport::ErrorKind::TooLarge, ErrorKind::Unreadable),
        ] {
            let error = of_exchange(transport::Error::new(kind));
            assert_eq!(error.kind(), expected);
            assert_eq!(text(&error), kind.to_string());
        }
    }
}
