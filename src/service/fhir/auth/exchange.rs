//! One exchange with a token endpoint: the request, and what its response means. Pure functions.

use crate::secret::{RawBody, Secret};
use crate::service::error::Error;
use crate::service::failure;
use crate::service::fhir::auth::key::KeyError;
use crate::service::fhir::auth::refusal::Refusal;
use crate::service::fhir::auth::token::AccessToken;
use crate::trace;
use crate::transport::{self, Request, Response};
use chrono::{DateTime, Utc};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;
use url::{Url, form_urlencoded};

/// The lifetime of a token if the endpoint does not give one.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(60);

/// The longest lifetime of a token, whatever the endpoint gives.
const LONGEST_LIFETIME: Duration = Duration::from_secs(60 * 60);

/// A token, with its lifetime from the time of the request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::service::fhir::auth) struct Granted {
    pub(in crate::service::fhir::auth) token: AccessToken,
    pub(in crate::service::fhir::auth) lifetime: Duration,
}

/// The request for a token by an assertion (RFC 7523 section 2.2).
pub(in crate::service::fhir::auth) fn request(
    endpoint: Url,
    assertion: &Secret<String>,
) -> Request {
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "client_credentials")
        .append_pair(
            "client_assertion_type",
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        )
        .append_pair("client_assertion", assertion.expose())
        .finish();
    // The endpoint compares the whole value: it must have no character set.
    let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
    Request::post(endpoint, RawBody::from(form))
        .with_header(CONTENT_TYPE, form_type)
        .with_header(ACCEPT, HeaderValue::from_static("application/json"))
}

/// What `response` means, to a request that was sent at `asked_at`.
pub(in crate::service::fhir::auth) fn read(
    response: &Response,
    asked_at: DateTime<Utc>,
) -> Result<Granted, Error> {
    let (status, body) = (response.status(), response.body().expose());
    if status == StatusCode::OK {
        return granted(body).map_err(|fault| {
            let error = Error::no_token(trace::ErrorKind::Configuration);
            error.with_source(fault).with_response(response, None)
        });
    }
    let action = of_all(failure::of_status(status));
    let error = match Refusal::read(body) {
        Some(refusal) => refusal.error(action),
        None => Error::no_token(action).with_source(Fault::NoMessage),
    };
    Err(error.with_response(response, response.retry_after(asked_at)))
}

/// The error of a request without a complete response.
pub(in crate::service::fhir::auth) fn no_response(error: transport::Error) -> Error {
    Error::no_token(of_all(failure::of_exchange(error.kind()))).with_source(error)
}

/// The error of a key that does not sign.
pub(in crate::service::fhir::auth) fn not_signed(error: KeyError) -> Error {
    Error::no_token(trace::ErrorKind::Configuration).with_source(error)
}

/// A request for a token has nothing in it but the configuration. So a failure that a retry does not help
/// is a failure of the configuration.
const fn of_all(action: trace::ErrorKind) -> trace::ErrorKind {
    match action {
        trace::ErrorKind::Unavailable => trace::ErrorKind::Unavailable,
        _ => trace::ErrorKind::Configuration,
    }
}

fn granted(body: &[u8]) -> Result<Granted, Fault> {
    #[derive(Deserialize)]
    struct Message {
        access_token: String,
        #[serde(default)]
        expires_in: Value,
        #[serde(default)]
        token_type: Value,
    }
    // The library's message about an unexpected body may quote it.
    let message: Message = serde_json::from_slice(body)
        .map_err(|error| Fault::Json { line: error.line(), column: error.column() })?;
    match &message.token_type {
        Value::Null => {}
        Value::String(kind) if kind.eq_ignore_ascii_case("Bearer") => {}
        _ => return Err(Fault::Type),
    }
    let token = message.access_token.parse().map_err(|_| Fault::Token)?;
    Ok(Granted { token, lifetime: lifetime(&message.expires_in) })
}

/// The endpoint sends seconds as a JSON string, the standard requires a number, and some endpoints send
/// none.
fn lifetime(expires_in: &Value) -> Duration {
    let seconds = match expires_in {
        Value::String(text) => text.trim().parse::<f64>().ok(),
        Value::Number(number) => number.as_f64(),
        _ => None,
    };
    let given = seconds.and_then(|seconds| {
        let whole = seconds.max(0.0).min(LONGEST_LIFETIME.as_secs_f64());
        Duration::try_from_secs_f64(whole.floor()).ok().filter(|_| seconds.is_finite())
    });
    given.unwrap_or(DEFAULT_LIFETIME)
}

/// What is wrong with a response without a token. Quotes nothing of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
enum Fault {
    #[error(
        "the response is not a token message (line {line}, column {column}): check the address of the \
         token endpoint"
    )]
    Json { line: usize, column: usize },
    #[error("the token endpoint returned an HTTP status and no message of its own")]
    NoMessage,
    #[error("the token has a character that a header cannot carry: report a defect")]
    Token,
    #[error("the token is not a bearer token: report a defect")]
    Type,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::error::ErrorKind;
    use crate::service::fhir::auth::refusal::{RefusedPart, TokenErrorCode};
    use http::HeaderMap;
    use http::header::RETRY_AFTER;
    use proptest::prelude::*;
    use std::error::Error as _;

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn answered(status: u16, body: &str) -> Result<Granted, Error> {
        let status = StatusCode::from_u16(status).unwrap();
        read(&Response::new(status, RawBody::from(body.to_owned())), NOW)
    }

    #[test]
    fn the_form_is_encoded_and_its_content_type_has_no_charset() {
        let url: Url = "https://api.example/oauth2/token".parse().unwrap();
        let sent = request(url.clone(), &Secret::new("a.b-c_d.e+&=".to_owned()));
        assert_eq!(sent.url(), &url);
        assert_eq!(sent.headers()[CONTENT_TYPE], "application/x-www-form-urlencoded");
        let body = std::str::from_utf8(sent.body().expose()).unwrap();
        assert_eq!(
            body,
            "grant_type=client_credentials&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3A\
             client-assertion-type%3Ajwt-bearer&client_assertion=a.b-c_d.e%2B%26%3D"
        );
    }

    #[test]
    fn the_lifetime_is_read_in_every_form() {
        for (expires_in, seconds) in [
            (r#""599""#, 599),
            ("599", 599),
            ("599.9", 599),
            (r#"" 42 ""#, 42),
            (r#""0""#, 0),
            ("0", 0),
            ("-5", 0),
            (r#""-5""#, 0),
            ("1e300", 3600),
            ("86400", 3600),
            (r#""86400""#, 3600),
            (r#""NaN""#, 60),
            (r#""inf""#, 60),
            (r#""soon""#, 60),
            (r#""""#, 60),
            ("null", 60),
            ("true", 60),
            ("[599]", 60),
        ] {
            let body = format!(r#"{{"access_token":"t","expires_in":{expires_in}}}"#);
            let granted = answered(200, &body).unwrap();
            assert_eq!(granted.lifetime, Duration::from_secs(seconds), "{expires_in}");
        }
        let untold = answered(200, r#"{"access_token":"t"}"#).unwrap();
        assert_eq!(untold, Granted { token: "t".parse().unwrap(), lifetime: DEFAULT_LIFETIME });
    }

    #[test]
    fn only_bearer_tokens_are_accepted_and_other_members_are_skipped() {
        for kind in [r#""Bearer""#, r#""bearer""#, r#""BEARER""#, "null"] {
            let body = format!(
                r#"{{"access_token":"t","token_type":{kind},"issued_at":{{}},"scope":["a"]}}"#
            );
            assert!(answered(200, &body).is_ok(), "{kind}");
        }
        for body in [
            "",
            "OK",
            "<html>sign in</html>",
            "[]",
            "{}",
            r#"{"access_token":null}"#,
            r#"{"access_token":17}"#,
            r#"{"access_token":""}"#,
            r#"{"access_token":"a b"}"#,
            r#"{"access_token":"a\r\nX-Other: b"}"#,
            r#"{"access_token":"t","token_type":"mac"}"#,
            r#"{"access_token":"t","token_type":1}"#,
            r#"{"access_token":"t""#,
        ] {
            let error = answered(200, body).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Token, "{body}");
            assert!(error.source().unwrap().is::<Fault>(), "{body}");
            assert_eq!(error.action(), trace::ErrorKind::Configuration);
            assert_eq!(error.status(), Some(StatusCode::OK));
            assert_eq!(error.body().expose(), body.as_bytes());
        }
    }

    #[test]
    fn each_status_has_its_action() {
        use trace::ErrorKind::{Configuration, Unavailable};
        for (status, action) in [
            (204, Configuration),
            (302, Configuration),
            (400, Configuration),
            (401, Configuration),
            (403, Configuration),
            (404, Configuration),
            (405, Configuration),
            (408, Unavailable),
            (413, Configuration),
            (415, Configuration),
            (429, Unavailable),
            (431, Configuration),
            (500, Unavailable),
            (502, Unavailable),
            (503, Unavailable),
            (504, Unavailable),
        ] {
            let bare = answered(status, "<html>SECRET</html>").unwrap_err();
            assert_eq!((bare.kind(), bare.action()), (ErrorKind::Token, action), "{status}");
            let source = bare.source().and_then(|source| source.downcast_ref());
            assert_eq!(source, Some(&Fault::NoMessage), "{status}");
            let message = r#"{"error":"invalid_request","error_description":"SECRET"}"#;
            let refused = answered(status, message).unwrap_err();
            assert_eq!(
                (refused.kind(), refused.action()),
                (ErrorKind::TokenRefused, action),
                "{status}"
            );
            assert_eq!(refused.code(), Some("invalid_request"));
            assert_eq!(refused.status().unwrap().as_u16(), status);
            assert!(!format!("{bare} {bare:?} {refused} {refused:?}").contains("SECRET"));
        }
    }

    #[test]
    fn an_error_names_the_rejected_part() {
        let body = r#"{"error":"public_key error","error_description":"JWT signature verification failed"}"#;
        let error = answered(401, body).unwrap_err();
        assert_eq!(RefusedPart::find_in(&error), Some(RefusedPart::Signature));
        assert_eq!(TokenErrorCode::from(error.code().unwrap()), TokenErrorCode::PublicKey);
        assert_eq!(
            error.to_string(),
            "the token endpoint refused to issue a token (public_key error, HTTP 401)"
        );
        let traced = trace::Error::from(error);
        assert_eq!(RefusedPart::find_in(&traced), Some(RefusedPart::Signature));
    }

    #[test]
    fn retry_after_is_kept() {
        let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static("7"))]);
        let busy = Response::new(StatusCode::TOO_MANY_REQUESTS, RawBody::default());
        let error = read(&busy.with_headers(headers), NOW).unwrap_err();
        assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
        let traced = trace::Error::from(error);
        assert_eq!(traced.retry_after(), Some(Duration::from_secs(7)));
        assert!(traced.is_transient());
    }

    proptest! {
        #[test]
        fn any_response_is_a_token_or_an_error_that_does_not_quote_it(
            status in 100_u16..600,
            head in "[{\\[\"]{0,2}",
            words in "[a-z\"':,{}]{0,12}",
        ) {
            let body = format!("{head}{words}QUENTINSSON");
            let error = answered(status, &body).unwrap_err();
            prop_assert_eq!(error.body().expose(), body.as_bytes());
            let said = format!("{error} {error:?}");
            prop_assert!(!said.contains("QUENTINSSON"));
        }

        #[test]
        fn a_token_is_accepted_unchanged_or_rejected(text in "\\PC{0,20}", visible in "[!-~]{1,40}") {
            for text in [text, visible] {
                let body = serde_json::json!({ "access_token": text }).to_string();
                let good = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
                match answered(200, &body) {
                    Ok(granted) => prop_assert_eq!(granted.token.expose(), text),
                    Err(_) => prop_assert!(!good),
                }
            }
        }
    }
}
