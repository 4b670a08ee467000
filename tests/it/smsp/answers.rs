//! Hostile and broken responses through the client: each is a typed error, and none is ever "no match".

use super::{envelope, payload};
use base64::Engine as _;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use nhs_pds::async_trait;
use nhs_pds::demographics::Gender;
use nhs_pds::service::{Error, ErrorKind};
use nhs_pds::smsp::{Client, Config, DecodeError, DecodeErrorKind, Limits, PatientDetails};
use nhs_pds::trace::{
    self, Answer, Caller, FetchDetails, FindPerson, LocalIdentifier, LocalIdentity, Outcome,
    Unattended, VerifyNumber,
};
use nhs_pds::transport::{self, Request, Response, Transport};
use proptest::prelude::*;
use std::error::Error as _;
use std::fmt;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const NUMBER: &str = "9990000077";
const OTHER_NUMBER: &str = "9990000085";
const OPERATIONS: [&str; 5] = [
    "verifyNHSNumber",
    "getNHSNumber",
    "getPatientDetailsByNHSNumber",
    "getPatientDetailsBySearch",
    "getPatientDetails",
];

/// Makes the response to the message with this identifier.
type Answering = dyn Fn(&str) -> Result<Response, transport::Error> + Send + Sync;

struct Service(Box<Answering>);

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Service")
    }
}

#[async_trait]
impl Transport for Service {
    async fn send(&self, request: Request) -> Result<Response, transport::Error> {
        let text = std::str::from_utf8(request.body().expose()).unwrap();
        let document = roxmltree::Document::parse(text).unwrap();
        let id = document.descendants().find(|node| node.tag_name().name() == "MessageID");
        (self.0)(id.unwrap().text().unwrap())
    }
}

fn client(
    answering: impl Fn(&str) -> Result<Response, transport::Error> + Send + Sync + 'static,
) -> Client {
    let us = LocalIdentity::new("RHM".parse().unwrap(), "get-nhs-number").unwrap();
    let config = Config::new("https://smsp.example/pds".parse().unwrap(), us)
        .with_limits(Limits::default().with_max_bytes(64 * 1024));
    Client::new(config, Arc::new(Service(Box::new(answering))))
}

/// Sends a query of `operation`.
async fn ask(client: &Client, operation: &str) -> Result<Answer, Error> {
    let us = LocalIdentity::new("RHM".parse().unwrap(), "get-nhs-number").unwrap();
    let caller = Caller::System(us);
    let local = LocalIdentifier::new(LocalIdentifier::LOCAL_PATIENT_ROOT, "RHM:1").unwrap();
    let birth = || "19840229".parse().unwrap();
    let find = FindPerson::new("Quentinsson".parse().unwrap(), Gender::Female, birth())
        .with_local_identifier(local);
    let number = || NUMBER.parse().unwrap();
    match operation {
        "verifyNHSNumber" => {
            client.verify_nhs_number(&caller, &VerifyNumber::new(number(), birth())).await
        }
        "getNHSNumber" => client.get_nhs_number(&caller, &find).await,
        "getPatientDetailsByNHSNumber" => {
            let fetch = FetchDetails::new(number(), birth());
            client.get_patient_details_by_nhs_number(&caller, &fetch).await
        }
        "getPatientDetailsBySearch" => client.get_patient_details_by_search(&caller, &find).await,
        _ => {
            let question = PatientDetails::<Unattended>::by_search(&find);
            client.get_patient_details(&caller, &question).await
        }
    }
}

/// The payload root of responses of `operation`.
fn root(operation: &str) -> &'static str {
    match operation {
        "verifyNHSNumber" => "verifyNHSNumberResponse-v1-0",
        "getNHSNumber" => "getNHSNumberResponse-v1-0",
        _ => "getPatientDetailsResponse-v1-0",
    }
}

/// A message with the id `message_id` that answers `relates_to` with `body`.
fn message(message_id: &str, relates_to: &str, body: &str) -> String {
    format!(
        r#"<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/" xmlns:a="http://www.w3.org/2005/08/addressing"><S:Header><a:MessageID>{message_id}</a:MessageID><a:RelatesTo>{relates_to}</a:RelatesTo></S:Header><S:Body>{body}</S:Body></S:Envelope>"#
    )
}

fn fresh() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("urn:uuid:00000000-0000-4000-8000-{:012}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// The correct "no match" from which the hostile responses are made.
fn no_match(operation: &str) -> String {
    envelope("", &payload(root(operation), "DEMOG-0001", ""))
}

fn response(status: u16, content_type: Option<&'static str>, body: impl Into<Vec<u8>>) -> Response {
    let headers: HeaderMap = content_type
        .map(|content_type| (CONTENT_TYPE, HeaderValue::from_static(content_type)))
        .into_iter()
        .collect();
    Response::new(StatusCode::from_u16(status).unwrap(), body.into().into()).with_headers(headers)
}

fn xml(body: impl Into<Vec<u8>>) -> Response {
    response(200, Some("text/xml; charset=utf-8"), body)
}

/// A failure that quotes neither the response nor the query.
#[track_caller]
fn assert_failed(answer: Result<Answer, Error>, kind: ErrorKind, case: &str) -> Error {
    let error = match answer {
        Ok(answer) => panic!("{case}: {:?}", answer.outcome),
        Err(error) => error,
    };
    assert_eq!(error.kind(), kind, "{case}: {error:?}");
    let mut said = format!("{error} {error:?}");
    let mut next = error.source();
    while let Some(cause) = next {
        said.push_str(&format!("{cause} {cause:?}"));
        next = cause.source();
    }
    let said = said.replace(&error.exchange().unwrap().message_id, "").to_uppercase();
    for value in ["QUENTINSSON", NUMBER, OTHER_NUMBER, "RHM:1", "RHM:2", "JONES"] {
        assert!(!said.contains(value), "{case}: {value} in {said}");
    }
    error
}

#[tokio::test]
async fn the_correct_answer_is_accepted() {
    for operation in OPERATIONS {
        let client = client(move |id| Ok(xml(message(&fresh(), id, &no_match(operation)))));
        assert_eq!(ask(&client, operation).await.unwrap().outcome, Outcome::None);
    }
}

const PAGE: &str = "<html><body>Sign in to see QUENTINSSON</body></html>";

/// A page of a proxy is not a response of the service.
#[tokio::test]
async fn pages_of_a_proxy() {
    use trace::ErrorKind::{Configuration, Unavailable, Unreadable};
    for (status, content_type, kind, action) in [
        (200, Some("text/html"), ErrorKind::ContentType, Unreadable),
        (200, Some("text/html; charset=utf-8"), ErrorKind::ContentType, Unreadable),
        (200, Some("application/json"), ErrorKind::ContentType, Unreadable),
        (200, Some("application/octet-stream"), ErrorKind::ContentType, Unreadable),
        (200, Some("text/xml"), ErrorKind::Unreadable, Unreadable),
        (200, None, ErrorKind::Unreadable, Unreadable),
        (204, None, ErrorKind::Status, Unreadable),
        (302, Some("text/html"), ErrorKind::Status, Configuration),
        (407, Some("text/html"), ErrorKind::Status, Configuration),
        (502, Some("text/html"), ErrorKind::Status, Unavailable),
        (503, Some("text/html"), ErrorKind::Status, Unavailable),
        (503, Some("text/xml"), ErrorKind::Status, Unavailable),
        (504, None, ErrorKind::Status, Unavailable),
    ] {
        for operation in OPERATIONS {
            let case = format!("{status} {content_type:?} {operation}");
            let client = client(move |_| Ok(response(status, content_type, PAGE)));
            let error = assert_failed(ask(&client, operation).await, kind, &case);
            assert_eq!(error.action(), action, "{case}");
            assert_eq!(error.status().unwrap(), status);
        }
    }
}

/// A correct response with wrong headers.
#[tokio::test]
async fn an_answer_with_a_wrong_content_type() {
    for operation in OPERATIONS {
        for content_type in [None, Some("application/soap+xml"), Some("TEXT/XML")] {
            let client = client(move |id| {
                Ok(response(200, content_type, message(&fresh(), id, &no_match(operation))))
            });
            assert_eq!(ask(&client, operation).await.unwrap().outcome, Outcome::None);
        }
        for content_type in ["text/html", "text/plain", "application/json"] {
            let client = client(move |id| {
                Ok(response(200, Some(content_type), message(&fresh(), id, &no_match(operation))))
            });
            let error =
                assert_failed(ask(&client, operation).await, ErrorKind::ContentType, content_type);
            assert_eq!(error.action(), trace::ErrorKind::Unreadable);
        }
    }
}

#[tokio::test]
async fn an_unrequested_compression() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..8 {
        gzip.write_all(&vec![b' '; 1 << 20]).unwrap();
    }
    let bomb = gzip.finish().unwrap();
    assert!(bomb.len() < 16 * 1024);
    let sent = bomb.clone();
    let outside = client(move |_| {
        let mut response = xml(sent.clone());
        let mut headers = response.headers().clone();
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        response = response.with_headers(headers);
        Ok(response)
    });
    let sent = bomb.clone();
    let unsaid = client(move |_| Ok(xml(sent.clone())));
    let packed = base64::engine::general_purpose::STANDARD.encode(&bomb);
    let inside = client(move |id| {
        let body = envelope("base64='true' compressed='true'", &packed);
        Ok(xml(message(&fresh(), id, &body)))
    });
    for operation in OPERATIONS {
        assert_failed(ask(&outside, operation).await, ErrorKind::ContentType, operation);
        assert_failed(ask(&unsaid, operation).await, ErrorKind::Unreadable, operation);
        let error = assert_failed(ask(&inside, operation).await, ErrorKind::Unreadable, operation);
        let cause = error.source().unwrap().downcast_ref::<DecodeError>().unwrap();
        assert_eq!(cause.kind(), DecodeErrorKind::TooLarge);
    }
}

/// A change of the correct response: its name, the body made of the query's identifier and the operation,
/// and the expected error.
type Twist = (&'static str, fn(&str, &str) -> String, ErrorKind, Option<DecodeErrorKind>);

fn found(operation: &str, ids: &str) -> String {
    let patient = match operation {
        "verifyNHSNumber" => format!(
            "<component><validIdentifier><value value='true'/><subject><patient>{ids}</patient></subject></validIdentifier></component>"
        ),
        _ => format!(
            "<subject><patient>{ids}<name><family>JONES</family></name></patient></subject>"
        ),
    };
    envelope("", &payload(root(operation), "SMSP-0000", &patient))
}

fn number(number: &str) -> String {
    format!(r#"<id root="2.16.840.1.113883.2.1.4.1" extension="{number}"/>"#)
}

const TWISTS: &[Twist] = &[
    ("nothing", |_, _| String::new(), ErrorKind::Unreadable, Some(DecodeErrorKind::NotXml)),
    (
        "text before it",
        |id, operation| format!("JONES{}", message(&fresh(), id, &no_match(operation))),
        ErrorKind::Unreadable,
        Some(DecodeErrorKind::NotXml),
    ),
    (
        "a second envelope after it",
        |id, operation| message(&fresh(), id, &no_match(operation)).repeat(2),
        ErrorKind::Unreadable,
        Some(DecodeErrorKind::TrailingContent),
    ),
    (
        "two distribution envelopes",
        |id, operation| message(&fresh(), id, &no_match(operation).repeat(2)),
        ErrorKind::Unreadable,
        Some(DecodeErrorKind::TwoPayloads),
    ),
    (
        "two bodies",
        |id, operation| {
            let body = no_match(operation);
            message(&fresh(), id, &format!("{body}</S:Body><S:Body>{body}"))
        },
        ErrorKind::Unreadable,
        Some(DecodeErrorKind::TwoPayloads),
    ),
    (
        "an answer and a fault",
        |id, operation| {
            let fault = "<S:Fault><faultcode>S:Server</faultcode></S:Fault>";
            message(&fresh(), id, &format!("{}{fault}", no_match(operation)))
        },
        ErrorKind::Unreadable,
        Some(DecodeErrorKind::TwoPayloads),
    ),
    (
        "cut in half",
        |id, operation| {
            let whole = message(&fresh(), id, &no_match(operation));
            whole[..whole.len() / 2].to_owned()
        },
        ErrorKind::Unreadable,
        Some(DecodeErrorKind::Truncated),
    ),
    (
        "a document type",
        |id, operation| format!("<!DOCTYPE x>{}", message(&fresh(), id, &no_match(operation))),
        ErrorKind::Unreadable,
        Some(DecodeErrorKind::Dtd),
    ),
    (
        "too deep",
        |id, operation| {
            let deep = format!("{}{}", "<x>".repeat(500), "</x>".repeat(500));
            message(&fresh(), id, &envelope("", &payload(root(operation), "DEMOG-0001", &deep)))
        },
        ErrorKind::Unreadable,
        Some(DecodeErrorKind::TooDeep),
    ),
    (
        "too large",
        |id, operation| message(&fresh(), id, &no_match(operation)) + &" ".repeat(64 * 1024),
        ErrorKind::Unreadable,
        Some(DecodeErrorKind::TooLarge),
    ),
    (
        "two identifiers",
        |id, operation| {
            let relates = format!("{id}</a:RelatesTo><a:RelatesTo>{id}");
            message(&fresh(), &relates, &no_match(operation))
        },
        ErrorKind::Unreadable,
        Some(DecodeErrorKind::Repeated),
    ),
    (
        "an answer to another message",
        |_, operation| message(&fresh(), &fresh(), &no_match(operation)),
        ErrorKind::Mismatch,
        None,
    ),
    (
        "an answer to no message",
        |_, operation| message(&fresh(), "", &no_match(operation)),
        ErrorKind::Mismatch,
        None,
    ),
    (
        "an answer to another operation",
        |id, operation| {
            let other =
                if operation == "verifyNHSNumber" { "getNHSNumber" } else { "verifyNHSNumber" };
            message(&fresh(), id, &no_match(other))
        },
        ErrorKind::Mismatch,
        None,
    ),
    (
        "the question",
        |id, operation| {
            let body = no_match(operation).replace("Response-v1-0 xmlns", "Request-v1-0 xmlns");
            message(&fresh(), id, &body.replace("Response-v1-0>", "Request-v1-0>"))
        },
        ErrorKind::Unreadable,
        Some(DecodeErrorKind::UnknownPayload),
    ),
    (
        "a success without a person",
        |id, operation| {
            message(&fresh(), id, &envelope("", &payload(root(operation), "SMSP-0000", "")))
        },
        ErrorKind::Unreadable,
        None,
    ),
    (
        "an unknown code",
        |id, operation| {
            message(&fresh(), id, &envelope("", &payload(root(operation), "DEMOG-1000", "")))
        },
        ErrorKind::Code,
        None,
    ),
    (
        "no code",
        |id, operation| message(&fresh(), id, &envelope("", &payload(root(operation), "", ""))),
        ErrorKind::Unreadable,
        Some(DecodeErrorKind::NoCode),
    ),
    (
        "an invalid number",
        |id, operation| message(&fresh(), id, &found(operation, &number("9990000078"))),
        ErrorKind::Unreadable,
        Some(DecodeErrorKind::NhsNumber),
    ),
];

#[tokio::test]
async fn altered_answers() {
    for &(name, twist, kind, cause) in TWISTS {
        for operation in OPERATIONS {
            let case = format!("{name}, {operation}");
            let client = client(move |id| Ok(xml(twist(id, operation))));
            let error = assert_failed(ask(&client, operation).await, kind, &case);
            assert_eq!(error.action(), trace::ErrorKind::Unreadable, "{case}");
            let found = error.source().and_then(|cause| cause.downcast_ref::<DecodeError>());
            assert_eq!(found.map(DecodeError::kind), cause, "{case}");
        }
    }
}

/// The response about another person, in every form.
#[tokio::test]
async fn answers_about_another_person() {
    let other_number = || number(OTHER_NUMBER);
    let other_case =
        || number(NUMBER) + r#"<id root="2.16.840.1.113883.2.1.3.2.4.18.24" extension="RHM:2"/>"#;
    for operation in OPERATIONS {
        let asked_by_number =
            matches!(operation, "verifyNHSNumber" | "getPatientDetailsByNHSNumber");
        let ids = if asked_by_number { other_number() } else { other_case() };
        let client = client(move |id| Ok(xml(message(&fresh(), id, &found(operation, &ids)))));
        assert_failed(ask(&client, operation).await, ErrorKind::Mismatch, operation);
    }
}

#[tokio::test]
async fn every_failure_of_the_transport() {
    use transport::ErrorKind as Kind;
    for (kind, action) in [
        (Kind::ClientCertificateExpired, trace::ErrorKind::Configuration),
        (Kind::ClientCertificateRefused, trace::ErrorKind::Configuration),
        (Kind::ClientCertificateRequired, trace::ErrorKind::Configuration),
        (Kind::Connect, trace::ErrorKind::Unavailable),
        (Kind::Insecure, trace::ErrorKind::Configuration),
        (Kind::Interrupted, trace::ErrorKind::Unavailable),
        (Kind::NotHttp, trace::ErrorKind::Unreadable),
        (Kind::ProxyAuthentication, trace::ErrorKind::Configuration),
        (Kind::ServerCertificateExpired, trace::ErrorKind::Configuration),
        (Kind::ServerCertificateUnknown, trace::ErrorKind::Configuration),
        (Kind::ServerName, trace::ErrorKind::Configuration),
        (Kind::Timeout, trace::ErrorKind::Unavailable),
        (Kind::Tls, trace::ErrorKind::Configuration),
        (Kind::TlsVersion, trace::ErrorKind::Configuration),
        (Kind::TooLarge, trace::ErrorKind::Unreadable),
    ] {
        for operation in OPERATIONS {
            let client = client(move |_| Err(transport::Error::new(kind)));
            let error =
                assert_failed(ask(&client, operation).await, ErrorKind::Transport, operation);
            assert_eq!(error.action(), action, "{kind:?}");
            let cause = error.source().unwrap().downcast_ref::<transport::Error>().unwrap();
            assert_eq!(cause.kind(), kind);
        }
    }
}

/// Responds with messages of these identifiers, one after the other.
fn replaying(
    ids: &'static [&'static str],
    body: impl Fn() -> (u16, String) + Send + Sync + 'static,
) -> Client {
    let next = AtomicU64::new(0);
    client(move |asked| {
        let index = next.fetch_add(1, Ordering::Relaxed);
        let id = ids.get(usize::try_from(index).unwrap()).unwrap();
        let (status, body) = body();
        Ok(response(status, Some("text/xml"), message(id, asked, &body)))
    })
}

const FORMS: &[&str] = &[
    "5E0B9D1A-47C6-4B23-8F3C-2D6A90E4B7F8",
    "5e0b9d1a-47c6-4b23-8f3c-2d6a90e4b7f8",
    "uuid:5E0B9D1A-47C6-4B23-8F3C-2D6A90E4B7F8",
    " URN:UUID:5E0B9D1A-47C6-4B23-8F3C-2D6A90E4B7F8 ",
];

/// The first response is used, and later ones with its identifier are not.
#[tokio::test]
async fn a_replayed_answer() {
    for operation in OPERATIONS {
        let client = replaying(FORMS, move || (200, no_match(operation)));
        assert_eq!(ask(&client, operation).await.unwrap().outcome, Outcome::None);
        let clone = client.clone();
        for client in [&client, &clone, &client] {
            let error = assert_failed(ask(client, operation).await, ErrorKind::Replayed, operation);
            assert_eq!(error.action(), trace::ErrorKind::Unreadable);
            assert!(error.exchange().unwrap().code.is_some());
        }
    }
}

/// A replayed failure says nothing about this query either.
#[tokio::test]
async fn a_replayed_failure() {
    let fault = || "<S:Fault><faultcode>S:Server</faultcode></S:Fault>".to_owned();
    let failed = || envelope("", &payload("getNHSNumberResponse-v1-0", "SMSP-9999", ""));
    let refused = || envelope("", &payload("getNHSNumberResponse-v1-0", "SMSP-0001", ""));
    for (client, kind, transient) in [
        (replaying(FORMS, move || (500, fault())), ErrorKind::Fault, true),
        (replaying(FORMS, move || (200, failed())), ErrorKind::Code, true),
        (replaying(FORMS, move || (200, refused())), ErrorKind::Code, false),
        (replaying(FORMS, || (503, no_match("getNHSNumber"))), ErrorKind::Status, true),
    ] {
        assert_failed(ask(&client, "getNHSNumber").await, kind, "first");
        let again =
            assert_failed(ask(&client, "getNHSNumber").await, ErrorKind::Replayed, "second");
        assert_eq!(again.is_transient(), transient, "{kind:?}");
    }
}

/// A response that went to the wrong query is still valid for the right one.
#[tokio::test]
async fn a_mismatched_answer_is_not_remembered() {
    let asked = AtomicU64::new(0);
    let client = client(move |id| {
        let first = asked.fetch_add(1, Ordering::Relaxed) == 0;
        let relates = if first { "5E0B9D1A-0000-4B23-8F3C-2D6A90E4B7F8" } else { id };
        Ok(xml(message(FORMS[0], relates, &no_match("getNHSNumber"))))
    });
    assert_failed(ask(&client, "getNHSNumber").await, ErrorKind::Mismatch, "first");
    assert_eq!(ask(&client, "getNHSNumber").await.unwrap().outcome, Outcome::None);
    assert_failed(ask(&client, "getNHSNumber").await, ErrorKind::Replayed, "third");
}

#[tokio::test]
async fn messages_without_an_identifier_are_used() {
    let client = replaying(&["", " ", ""], || (200, no_match("getNHSNumber")));
    for _ in 0..3 {
        assert_eq!(ask(&client, "getNHSNumber").await.unwrap().outcome, Outcome::None);
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

proptest! {
    /// A correct response, truncated at any place and with any HTTP status, is never "no match".
    #[test]
    fn a_truncated_answer_is_no_answer(
        operation in prop::sample::select(&OPERATIONS[..]),
        status in prop::sample::select(&[200_u16, 202, 404, 500, 503][..]),
        thousandths in 0..1000_usize,
    ) {
        let client = client(move |id| {
            let whole = message(&fresh(), id, &no_match(operation)).into_bytes();
            let length = whole.len() * thousandths / 1000;
            Ok(response(status, Some("text/xml"), &whole[..length]))
        });
        let error = block_on(ask(&client, operation)).unwrap_err();
        prop_assert!(matches!(error.kind(), ErrorKind::Unreadable | ErrorKind::Status));
    }

    /// Random bytes with any content type are never "no match" either.
    #[test]
    fn random_bytes_are_no_answer(
        operation in prop::sample::select(&OPERATIONS[..]),
        status in 200_u16..600,
        content_type in prop::option::of(prop::sample::select(&["text/xml", "text/html", "*/*"][..])),
        body in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        let client = client(move |_| Ok(response(status, content_type, body.clone())));
        let error = block_on(ask(&client, operation)).unwrap_err();
        prop_assert!(matches!(
            error.kind(),
            ErrorKind::ContentType | ErrorKind::Unreadable | ErrorKind::Status
        ));
    }

    /// A response to another message is an error, whatever it says.
    #[test]
    fn any_other_identifier_is_a_mismatch(
        operation in prop::sample::select(&OPERATIONS[..]),
        relates in "(urn:)?(uuid:)?[0-9A-Fa-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    ) {
        let client =
            client(move |_| Ok(xml(message(&fresh(), &relates, &no_match(operation)))));
        let error = block_on(ask(&client, operation)).unwrap_err();
        prop_assert_eq!(error.kind(), ErrorKind::Mismatch);
    }
}
