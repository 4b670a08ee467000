//! The FHIR API and its token endpoint, against any bytes that they may send.
#![expect(clippy::indexing_slicing, reason = "tests, whose panics are failures")]

use super::independent_fhir;
use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use nhs_pds::clock::FixedClock;
use nhs_pds::demographics::{
    self, AddressUse, Demographics, FullDate, Gender, NameUse, PartialDate, Recorded,
};
use nhs_pds::fhir::auth::{ApplicationTokens, SigningKey, TokenConfig};
use nhs_pds::fhir::{
    Client, Config, DateRange, DecodeError, Environment, IssueCode, Patient, Received,
    RelatedPerson, Retrieval, Search, SearchResult, cross_check,
};
use nhs_pds::ids::CountingIds;
use nhs_pds::matching::CrossCheck;
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::secret::Secret;
use nhs_pds::service::{Error, ErrorKind};
use nhs_pds::trace::{self, Caller, LocalIdentity, Outcome, Restriction, VerifyNumber};
use nhs_pds::transport::{Response, Scripted};
use std::error::Error as StdError;
use std::fmt::{Display, Write};
use std::pin::pin;
use std::str::FromStr;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, Waker};

/// The person of the client's queries.
const ASKED: NhsNumber = NhsNumber::constant(9_000_000_009);

/// Patients: reading never panics and quotes nothing. A patient survives a round trip through JSON, agrees
/// with itself in a cross-check, and agrees with a second reader.
pub(crate) fn fhir_patient(bytes: &[u8]) {
    if let Err(error) = RelatedPerson::decode_bundle(bytes) {
        says_where(error);
    }
    let patient = match Patient::decode(bytes) {
        Ok(patient) => patient,
        Err(error) => return says_where(error),
    };
    assert_eq!(format!("{patient:?}"), "Patient(redacted)");
    assert!(!patient.id.is_empty() && patient.id == patient.id.trim());
    assert_eq!(
        patient.nhs_number.is_some(),
        patient.id.len() == 10 && patient.id.parse::<NhsNumber>().is_ok()
    );
    let person = patient.demographics();
    let kept = serde_json::to_vec(&person).unwrap();
    assert!(serde_json::from_slice::<Demographics>(&kept).unwrap() == person);
    assert_eq!(person.other_names.len() + usize::from(person.name.is_some()), patient.names.len());
    checks_itself(&patient);

    let all = bytes.trim_ascii();
    for cut in [all.len() - 1, all.len() / 2, all.len() / 4] {
        assert!(Patient::decode(&all[..cut]).is_err());
    }
    for more in [b"x".as_slice(), b"{}", b",", b"\0"] {
        assert!(Patient::decode(&[all, more].concat()).is_err());
    }
    assert!(Patient::decode(&[b" \n".as_slice(), all, b"\t"].concat()) == Ok(patient.clone()));

    if let Some(theirs) = independent_fhir::read(bytes) {
        compare(&patient, &theirs);
    }
}

/// An error states its kind and its place in the document.
fn says_where(error: DecodeError) {
    let (kind, line, column) = (error.kind(), error.line(), error.column());
    let place = if line > 0 { format!(" at line {line}, column {column}") } else { String::new() };
    assert_eq!(error.to_string(), format!("{kind}{place}"));
    let shown = format!("DecodeError {{ kind: {kind:?}, line: {line}, column: {column} }}");
    assert_eq!(format!("{error:?}"), shown);
    assert!(error.source().is_none());
}

/// A record agrees with a query made from it, and not with a query about a different person.
fn checks_itself(patient: &Patient) {
    let born = patient.date_of_birth.known().and_then(|date| date.full().ok_or(()).ok());
    let any: FullDate = "1984-02-29".parse().unwrap();
    let question: VerifyNumber = VerifyNumber::new(ASKED, born.unwrap_or(any));
    let birth = match patient.date_of_birth {
        Recorded::Known(_) if born.is_some() => CrossCheck::Agrees,
        Recorded::Known(_) => CrossCheck::Differs,
        _ => CrossCheck::NotStated,
    };
    assert_eq!(cross_check(&question, patient), birth);
    for name in &patient.names {
        let mut named = question.clone();
        let mut told = CrossCheck::Agrees;
        match name.family.known().map(|family| family.parse()) {
            Some(Ok(family)) => named = named.with_family(family),
            _ => told = CrossCheck::NotStated,
        }
        match name.given.first().map(|given| given.parse()) {
            Some(Ok(given)) => named = named.with_given(given),
            _ => told = CrossCheck::NotStated,
        }
        if told == CrossCheck::Agrees {
            assert_eq!(cross_check(&named, patient), birth);
        }
    }
    let stranger = question.with_family("Zzyzxowicz".parse().unwrap());
    let is_them = |name: &demographics::PersonName| {
        name.family.known().is_some_and(|family| family.eq_ignore_ascii_case("zzyzxowicz"))
    };
    let is_known = patient.names.iter().any(is_them);
    assert!(is_known || cross_check(&stranger, patient) != CrossCheck::Agrees);
}

fn compare(ours: &Patient, theirs: &independent_fhir::Patient) {
    assert_eq!(ours.id, theirs.id);
    assert_eq!(ours.version, theirs.version);
    let restriction = match theirs.label.as_deref() {
        None => Restriction::NotStated,
        Some("U") => Restriction::Unrestricted,
        Some("V") => Restriction::VeryRestricted,
        Some(_) => Restriction::Restricted,
    };
    assert_eq!(ours.restriction, restriction);
    let gender = theirs.gender.as_deref().map(|code| match code {
        "male" | "female" => code,
        "other" => "not_specified",
        "unknown" => "not_known",
        other => other,
    });
    recorded::<Gender>(&ours.gender, gender);
    date(&ours.date_of_birth, theirs.birth.as_deref());
    assert_eq!(ours.names.len(), theirs.names.len());
    for (ours, theirs) in ours.names.iter().zip(&theirs.names) {
        assert_eq!(ours.usage.as_ref().map(NameUse::name), used(theirs.usage.as_deref(), &[]));
        assert_eq!(ours.given, theirs.given);
        recorded(&ours.family, theirs.family.as_deref());
    }
    assert_eq!(ours.addresses.len(), theirs.addresses.len());
    for (ours, theirs) in ours.addresses.iter().zip(&theirs.addresses) {
        let usage = used(theirs.usage.as_deref(), &[("billing", "correspondence")]);
        assert_eq!(ours.usage.as_ref().map(AddressUse::name), usage);
        recorded(&ours.postcode, theirs.postcode.as_deref());
        assert_eq!(ours.lines.is_some(), theirs.lines.is_some());
        let lines = |lines: &[String]| -> String {
            lines
                .iter()
                .filter(|line| !line.is_empty())
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join(", ")
        };
        let expected = theirs.lines.as_deref().map(lines).unwrap_or_default();
        assert_eq!(ours.lines.as_ref().map(|it| lines(it)).unwrap_or_default(), expected);
    }
    assert_eq!(ours.telecoms.len(), theirs.telecoms.len());
    for (ours, theirs) in ours.telecoms.iter().zip(&theirs.telecoms) {
        let told = ours.value.known().map(String::as_str).unwrap_or_default();
        assert!(told.ends_with(theirs.trim()) && told.is_empty() == theirs.trim().is_empty());
    }
}

fn used<'a>(code: Option<&'a str>, more: &[(&str, &'static str)]) -> Option<&'a str> {
    let named = |code: &'a str| match code {
        "temp" => "temporary",
        code => more.iter().find(|(known, _)| *known == code).map_or(code, |(_, name)| name),
    };
    code.map(named)
}

fn recorded<T: FromStr + Display>(ours: &Recorded<T>, theirs: Option<&str>) {
    let ours = match ours {
        Recorded::NotReturned => None,
        Recorded::Blank => Some(String::new()),
        Recorded::Known(value) => Some(value.to_string()),
        Recorded::Unrecognised(text) => Some(text.clone()),
    };
    let theirs = theirs.map(str::trim);
    let theirs = theirs.map(|text| text.parse::<T>().map_or(text.to_owned(), |it| it.to_string()));
    assert!(ours == theirs);
}

/// Of a date with a time, only the day counts.
fn date(ours: &Recorded<PartialDate>, theirs: Option<&str>) {
    match (ours, theirs.map(str::trim)) {
        (Recorded::NotReturned, None) | (Recorded::Blank, Some("")) => {}
        (Recorded::Known(date), Some(text)) => {
            let text = text.replace('-', "");
            assert!(text.starts_with(&date.to_hl7()));
        }
        (Recorded::Unrecognised(ours), Some(theirs)) => {
            assert!(ours == theirs && theirs.parse::<PartialDate>().is_err());
        }
        _ => panic!("one has a date"),
    }
}

/// A server's message: the lines of a head, an empty line, and a body. The first line of the head begins
/// with the interaction and ends with the status.
struct Sent<'a> {
    first: &'a [u8],
    response: Response,
    body: &'a [u8],
}

impl<'a> Sent<'a> {
    fn read(bytes: &'a [u8]) -> Self {
        let end = bytes.windows(2).position(|two| two == b"\n\n");
        let (head, body) = match end {
            Some(end) => (&bytes[..end], &bytes[end + 2..]),
            None => (bytes, &[][..]),
        };
        let mut lines = head.split(|byte| *byte == b'\n');
        let first = lines.next().unwrap_or_default();
        let digits = &first[first.len().saturating_sub(3)..];
        let status = StatusCode::from_bytes(digits).unwrap_or(StatusCode::OK);
        let header = |line: &[u8]| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let name = HeaderName::from_bytes(&line[..colon]).ok()?;
            Some((name, HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?))
        };
        let headers: HeaderMap = lines.filter_map(header).collect();
        let response = Response::new(status, body.to_vec().into()).with_headers(headers);
        Self { first, response, body }
    }

    fn header(&self, name: impl http::header::AsHeaderName) -> Option<&str> {
        self.response.headers().get(name).map(|value| value.to_str().unwrap_or("?"))
    }
}

/// Responses of the API: each is an answer to the query or an error, and an error quotes nothing.
pub(crate) fn fhir_response(bytes: &[u8]) {
    let sent = Sent::read(bytes);
    let scripted = Arc::new(Scripted::new([Ok(sent.response.clone())]));
    let client = Client::open(Config::of(Environment::Sandbox), Arc::clone(&scripted) as _)
        .with_ids(Arc::new(CountingIds::default()))
        .with_clock(Arc::new(FixedClock::at(chrono::DateTime::UNIX_EPOCH)));
    let us = Caller::System(LocalIdentity::new("RHM".parse().unwrap(), "fuzz").unwrap());
    match sent.first.first() {
        Some(b's') => {
            let born = DateRange::on("2010-10-22".parse().unwrap());
            let search: Search = Search::exact("Smith".parse().unwrap(), born);
            if let Some(answer) = judged(&sent, now(client.search(&us, &search))) {
                is_found(&sent, &answer);
            }
        }
        Some(b'p') => {
            if let Some(people) = judged(&sent, now(client.related_people(&us, ASKED))) {
                assert!(
                    people
                        .people()
                        .iter()
                        .all(|person| format!("{person:?}") == "RelatedPerson(redacted)")
                );
            }
        }
        _ => {
            if let Some(answer) = judged(&sent, now(client.retrieve(&us, ASKED))) {
                is_retrieved(&sent, &answer);
            }
        }
    }
    assert_eq!(scripted.sent().len(), 1);
}

/// The result of a future that is ready at once, as with scripted responses.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a script has nothing to wait for"),
    }
}

/// The answer, if there is one. Checks that an error quotes nothing of the response.
fn judged<T>(sent: &Sent<'_>, result: Result<Received<T>, Error>) -> Option<T> {
    let error = match result {
        Ok(received) => {
            if let Some(repeated) = sent.header("x-request-id") {
                let own = &received.exchange.references["X-Request-ID"];
                assert_eq!(repeated.parse::<uuid::Uuid>(), own.parse());
            }
            if let Some(code) = &received.exchange.code {
                assert!(IssueCode::known().any(|known| known.as_str() == code));
            }
            return Some(received.answer);
        }
        Err(error) => error,
    };
    assert_eq!(error.status(), Some(sent.response.status()));
    assert_eq!(error.body().expose(), sent.body);
    assert!(error.retry_after().is_none() || sent.header(RETRY_AFTER).is_some());
    let exchange = error.exchange().unwrap();
    assert_eq!(exchange.code.as_deref(), error.code());
    let (kind, status) = (error.kind(), sent.response.status().as_u16());
    let code = error.code().map(|code| format!(", {code}")).unwrap_or_default();
    let (operation, id) = (&exchange.operation, &exchange.message_id);
    assert_eq!(error.to_string(), format!("{kind} ({operation} {id}{code}, HTTP {status})"));
    let known = matches!(
        kind,
        ErrorKind::Code | ErrorKind::Mismatch | ErrorKind::Status | ErrorKind::Unreadable
    );
    assert!(known && (kind == ErrorKind::Code) == error.code().is_some());
    let loggable = error.code().map(str::to_owned).unwrap_or_default();
    repeats_nothing(sent, &error, &loggable);
    let action = error.action();
    let told = trace::Error::from(error);
    assert_eq!(told.kind(), action);
    repeats_nothing(sent, &told, &loggable);
    None
}

/// The requested patient, or the patient who has their record.
fn is_retrieved(sent: &Sent<'_>, answer: &Retrieval) {
    let status = sent.response.status();
    match answer {
        Retrieval::Found(patient) => {
            assert_eq!((patient.nhs_number, patient.id.len()), (Some(ASKED), 10));
            assert!(
                matches!(answer.outcome(), Some(Outcome::Found(found)) if found.nhs_number == ASKED)
            );
            assert_eq!(status, StatusCode::OK);
        }
        Retrieval::Superseded(patient) => {
            assert_ne!(patient.id, ASKED.digits().as_str());
            assert!(
                matches!(answer.outcome(), Some(Outcome::Superseded { by, .. }) if by != Some(ASKED))
            );
            assert_eq!(status, StatusCode::OK);
        }
        _ => assert_eq!(status, StatusCode::NOT_FOUND),
    }
}

/// One person is found, or the result says that there are more.
fn is_found(sent: &Sent<'_>, answer: &SearchResult) {
    assert_eq!(sent.response.status(), StatusCode::OK);
    let matches = answer.matches();
    for (place, one) in matches.iter().enumerate() {
        assert!(matches[..place].iter().all(|other| other.patient.id != one.patient.id));
    }
    match answer.outcome() {
        None => assert!(matches.len() == 1 && matches[0].patient.nhs_number.is_none()),
        Some(Outcome::Found(found)) => {
            assert!(matches.len() == 1 && matches[0].patient.nhs_number == Some(found.nhs_number));
        }
        Some(Outcome::None) => assert!(matches.is_empty()),
        Some(Outcome::Ambiguous(candidates)) => assert_eq!(candidates.len(), matches.len()),
        Some(_) => panic!("a search brings no more"),
    }
}

/// Words of error texts: a body may contain them too.
const WORDS: &str = include_str!("../../../src/service/fhir/error.rs");
const MORE_WORDS: [&str; 5] = [
    include_str!("../../../src/service/fhir/issue.rs"),
    include_str!("../../../src/service/error.rs"),
    include_str!("../../../src/service/fhir/auth/refusal.rs"),
    include_str!("../../../src/service/fhir/auth/exchange.rs"),
    include_str!("../../../src/trace/error.rs"),
];

/// No word of six letters or more from the body or a header is in an error.
fn repeats_nothing(sent: &Sent<'_>, error: &(dyn StdError + 'static), code: &str) {
    let mut said = String::new();
    let causes = std::iter::successors(Some(error), |&cause| cause.source());
    causes.for_each(|cause| write!(said, "{cause} {cause:#} {cause:?} {cause:#?} ").unwrap());
    // A number of seconds is shown as a time.
    let wait = sent.header(RETRY_AFTER).unwrap_or_default();
    let harmless = |word: &str| {
        code.contains(word)
            || wait.contains(word)
            || WORDS.contains(word)
            || MORE_WORDS.iter().any(|words| words.contains(word))
            || HARMLESS.iter().any(|words| words.contains(word))
    };
    let headers = sent.response.headers().values().map(HeaderValue::as_bytes);
    for text in headers.chain([sent.body]) {
        for word in text.split(|byte| !byte.is_ascii_alphanumeric()).filter(|it| it.len() >= 6) {
            let word = std::str::from_utf8(word).unwrap();
            assert!(!said.contains(word) || harmless(word), "{word} is in: {said}");
        }
    }
}

/// Other parts of errors: the service, the message and the time.
const HARMLESS: [&str; 3] = [
    "00000000-0000-4000-8000-000000000001",
    "1970-01-01T00:00:00Z",
    "Exchange RawBody redacted message_id references X-Request-ID X-Correlation-ID \
     NHSD-End-User-Organisation-ODS related-person RelatedPerson field unrecognised Patient \
     service operation",
];

static KEY: LazyLock<SigningKey> = LazyLock::new(|| {
    let pem = include_bytes!("../../data/fhir/client-a.pem").to_vec();
    SigningKey::from_pem("test-1".parse().unwrap(), &Secret::new(pem)).unwrap()
});

/// Responses of a token endpoint: each is a token that a header can carry, unchanged, or an error that
/// quotes nothing.
pub(crate) fn fhir_token(bytes: &[u8]) {
    let sent = Sent::read(bytes);
    let scripted = Arc::new(Scripted::new([Ok(sent.response.clone())]));
    let url = Environment::Integration.token_url().unwrap();
    let config = TokenConfig::new(url, "a-client-id".parse().unwrap());
    let tokens = ApplicationTokens::new(config, KEY.clone(), Arc::clone(&scripted) as _)
        .with_ids(Arc::new(CountingIds::default()))
        .with_clock(Arc::new(FixedClock::at(chrono::DateTime::UNIX_EPOCH)));
    match now(tokens.token()) {
        Ok(token) => {
            assert_eq!(sent.response.status(), StatusCode::OK);
            let text = token.expose();
            assert!(!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()));
            assert_eq!(format!("{token:?}"), "AccessToken(..)");
            if let Ok(body) = serde_json::from_slice::<serde_json::Value>(sent.body) {
                assert!(body.is_array() || body["access_token"] == text);
            }
            let shown = format!("{tokens:?}");
            assert!(text.len() < 9 || !shown.contains(text));
        }
        Err(error) => is_refused(&sent, &error),
    }
    assert_eq!(scripted.sent().len(), 1);
}

fn is_refused(sent: &Sent<'_>, error: &Error) {
    assert_eq!(error.status(), Some(sent.response.status()));
    assert_eq!(error.body().expose(), sent.body);
    assert!(error.retry_after().is_none() || sent.header(RETRY_AFTER).is_some());
    assert!(matches!(error.kind(), ErrorKind::Token | ErrorKind::TokenRefused));
    assert_eq!(error.kind() == ErrorKind::TokenRefused, error.code().is_some());
    assert!(sent.response.status() != StatusCode::OK || error.kind() == ErrorKind::Token);
    assert_ne!(error.action(), trace::ErrorKind::Rejected);
    repeats_nothing(sent, error, "");
    repeats_nothing(sent, &trace::Error::from(error.clone()), "");
}
