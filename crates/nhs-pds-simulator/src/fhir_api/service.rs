//! Answers requests to the API. It checks a request in the order of the live service: token, path, form of
//! `X-Request-ID`, role, rules of the mode, then the service's own rules.

use super::access::{Access, Mode};
use super::bundle;
use super::codes::{Asked, Meaning, issue, meaning};
use super::identity;
use super::outcome::{FHIR_JSON, Issue, Reply};
use super::parameters::Sent;
use super::patient::{Extent, write};
use super::route::{Target, target};
use super::search::{Hit, Rules, Stage, find, is_shown};
use crate::received::Received;
use crate::{Person, Register, Sensitivity};
use chrono::{DateTime, Utc};
use http::header::{
    ACCEPT, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ETAG,
    HeaderMap, HeaderName, HeaderValue, ORIGIN,
};
use http::{Method, StatusCode};
use nhs_pds::nhs_number::NhsNumber;
use sha2::{Digest, Sha256};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");
const SESSION_ROLE: HeaderName = HeaderName::from_static("nhsd-session-urid");

/// The API at one time.
pub(crate) struct Api<'a> {
    pub(crate) register: &'a Register,
    pub(crate) now: DateTime<Utc>,
    pub(crate) rules: Rules,
    pub(crate) empty_lines: bool,
    /// The base address in responses.
    pub(crate) base: String,
}

/// A response, and the people of the request.
struct Judged {
    reply: Reply,
    /// The people whom the request names or finds.
    about: Vec<NhsNumber>,
    /// The kind of query, if the request is one.
    asked: Option<Asked>,
}

impl Judged {
    fn refused(issue: &Issue) -> Self {
        Self { reply: issue.reply(), about: Vec::new(), asked: None }
    }
}

impl Api<'_> {
    /// Answers one request to `path`, which follows the base. `instead` receives the people of the request,
    /// and their identity in a mix of faults if the request is a query. It may return another response
    /// code.
    pub(crate) fn answer(
        &self,
        path: &str,
        request: &Received,
        access: &Access,
        instead: impl FnOnce(&[NhsNumber], Option<u64>) -> Option<String>,
    ) -> Reply {
        let judged = self.judge(path, request, access);
        let judged = judged.unwrap_or_else(|issue| Judged::refused(&issue));
        let whom = judged.asked.map(|_| identity::of(request, &judged.about));
        let asked = judged.asked.unwrap_or(Asked::ByNumber);
        let code = instead(&judged.about, whom);
        let mut reply = match code.map(|code| meaning(&code, asked)) {
            None | Some(Meaning::Truth) => judged.reply,
            Some(Meaning::NoPerson) => self.no_person(asked),
            Some(Meaning::Issue(issue)) => issue.reply(),
        };
        for name in [REQUEST_ID, CORRELATION_ID] {
            if let Some(value) = request.headers().get(&name) {
                reply.headers.push((name, value.clone()));
            }
        }
        reply
    }

    fn judge(&self, path: &str, request: &Received, access: &Access) -> Result<Judged, Issue> {
        let headers = request.headers();
        if request.method() == Method::OPTIONS {
            if let Some(reply) = preflight(headers) {
                return Ok(Judged { reply, about: Vec::new(), asked: None });
            }
            // The live proxy refuses other requests of this kind.
            let mut issue = issue("UNKNOWN_ERROR").by_proxy();
            issue.status = 502;
            return Err(issue);
        }
        let mode = access.mode(headers, self.now)?;
        let target = target(path);
        if let Target::Unknown = target {
            let why = format!("Unsupported path - '{path}'");
            return Err(issue("UNSUPPORTED_REQUEST").diagnosed(why).by_proxy());
        }
        check_request_id(headers)?;
        check_role(headers, &mode)?;
        let sent = Sent::new(request.query());
        check_mode(&mode, request.method(), &target, &sent)?;
        // HEAD has the headers of the same request by GET.
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return Err(issue("UNSUPPORTED_SERVICE"));
        }
        if !headers.contains_key(&REQUEST_ID) {
            return Err(issue("MISSING_VALUE").diagnosed(
                "Invalid request with error - X-Request-ID header must be supplied to access this resource",
            ));
        }
        match target {
            Target::Search => self.search(&sent, &mode, headers),
            Target::Patient(id) => self.by_number(id, |person| {
                let version = format!("W/\"{}\"", person.version);
                let body = write(person, Extent::Whole, self.empty_lines);
                Reply::new(StatusCode::OK, FHIR_JSON, &body).with_header(ETAG, &version)
            }),
            Target::RelatedPerson(id) => self.by_number(id, |person| {
                let body = bundle::related(person, &self.base, self.now);
                Reply::new(StatusCode::OK, FHIR_JSON, &body)
            }),
            Target::NoNumber | Target::Coverage | Target::Unknown => {
                Err(issue("UNSUPPORTED_SERVICE"))
            }
        }
    }

    fn by_number(&self, id: &str, show: impl FnOnce(&Person) -> Reply) -> Result<Judged, Issue> {
        let number: Option<NhsNumber> = id.parse().ok().filter(|_| id.len() == 10);
        let number = number.ok_or_else(|| issue("INVALID_RESOURCE_ID"))?;
        let reply = match self.record(number) {
            Ok(person) => show(person),
            Err(issue) => issue.reply(),
        };
        Ok(Judged { reply, about: vec![number], asked: Some(Asked::ByNumber) })
    }

    /// Returns the current record for `number`.
    fn record(&self, number: NhsNumber) -> Result<&Person, Issue> {
        let person = self.register.get(number).ok_or_else(|| issue("RESOURCE_NOT_FOUND"))?;
        settle(person)?;
        if person.superseded_by.is_none() {
            return Ok(person);
        }
        // If the replacement is not in the register, the number is no longer valid.
        let replacement = self.register.replacement(person);
        let replacement = replacement.ok_or_else(|| issue("INVALIDATED_RESOURCE"))?;
        settle(replacement)?;
        Ok(replacement)
    }

    fn search(&self, sent: &Sent, mode: &Mode, headers: &HeaderMap) -> Result<Judged, Issue> {
        let disputed = self.rules.disputed;
        let query = sent.read(mode)?.under(disputed);
        let found = find(self.register, &query, &self.rules);
        let about = found.iter().map(|hit| hit.person.nhs_number).collect();
        let mut shown: Vec<&Hit<'_>> = found
            .iter()
            .filter(|hit| is_shown(hit.person))
            .filter(|hit| !matches!(chosen(hit.person, Asked::BySearch), Meaning::NoPerson))
            .collect();
        let is_asked = disputed.always_in_stages || headers.get_all(ACCEPT).iter().any(is_staged);
        let in_stages = query.fuzzy && *mode == Mode::Application && is_asked;
        if in_stages && shown.iter().any(|hit| hit.stage == Stage::Names) {
            shown.retain(|hit| hit.stage == Stage::Names);
        }
        let alone = match shown.as_slice() {
            [hit] => chosen(hit.person, Asked::BySearch),
            _ => Meaning::Truth,
        };
        let reply = match alone {
            Meaning::Issue(issue) => issue.reply(),
            _ if shown.len() > query.most => issue("TOO_MANY_MATCHES").reply(),
            _ => self.found(&shown),
        };
        Ok(Judged { reply, about, asked: Some(Asked::BySearch) })
    }

    fn found(&self, hits: &[&Hit<'_>]) -> Reply {
        let body = bundle::hits(hits, &self.base, self.empty_lines, self.now);
        // A strong ETag, not a record version.
        let digest = Sha256::digest(body.to_string().as_bytes());
        let tag: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        Reply::new(StatusCode::OK, FHIR_JSON, &body).with_header(ETAG, &format!("\"{tag}\""))
    }

    fn no_person(&self, asked: Asked) -> Reply {
        match asked {
            Asked::ByNumber => issue("RESOURCE_NOT_FOUND").reply(),
            Asked::BySearch => self.found(&[]),
        }
    }
}

/// Returns whether an `Accept` header asks for the version that searches in stages.
fn is_staged(accept: &HeaderValue) -> bool {
    let text = accept.to_str().unwrap_or_default();
    text.split([';', ',']).any(|part| part.trim() == "version=1.1")
}

/// Returns the meaning of the record's own response code, if it has one.
fn chosen(person: &Person, asked: Asked) -> Meaning {
    person.answer.as_deref().map_or(Meaning::Truth, |code| meaning(code, asked))
}

/// Refuses records that a retrieval does not return.
fn settle(person: &Person) -> Result<(), Issue> {
    match chosen(person, Asked::ByNumber) {
        Meaning::Truth => {}
        Meaning::NoPerson => return Err(issue("RESOURCE_NOT_FOUND")),
        Meaning::Issue(issue) => return Err(issue),
    }
    if person.sensitivity == Sensitivity::Invalidated {
        return Err(issue("INVALIDATED_RESOURCE"));
    }
    Ok(())
}

fn invalid_header(name: &str, value: &HeaderValue, more: &str) -> Issue {
    let value = value.to_str().unwrap_or_default();
    issue("INVALID_VALUE")
        .diagnosed(format!("Invalid value - '{value}' in header '{name}'{more}"))
        .by_proxy()
}

fn check_request_id(headers: &HeaderMap) -> Result<(), Issue> {
    let Some(value) = headers.get(&REQUEST_ID) else { return Ok(()) };
    let groups: Vec<&str> = value.to_str().unwrap_or_default().split('-').collect();
    let hexadecimal = |group: &&str| group.bytes().all(|byte| byte.is_ascii_hexdigit());
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    if lengths == [8, 4, 4, 4, 12] && groups.iter().all(hexadecimal) {
        Ok(())
    } else {
        Err(invalid_header("X-Request-ID", value, ""))
    }
}

/// With one role, the header is optional. With several, it is required.
fn check_role(headers: &HeaderMap, mode: &Mode) -> Result<(), Issue> {
    let Mode::HealthcareWorker(roles) = mode else { return Ok(()) };
    let none = HeaderValue::from_static("");
    let fits = match headers.get(&SESSION_ROLE) {
        None => roles.len() < 2,
        Some(named) => roles.is_empty() || roles.iter().any(|role| named == role.as_str()),
    };
    if fits {
        return Ok(());
    }
    let named = headers.get(&SESSION_ROLE).unwrap_or(&none);
    let more = ". Refer to the guidance for this header in our API documentation";
    Err(invalid_header("NHSD-Session-URID", named, more))
}

/// Answers a browser that asks, without a token, whether another origin may call.
fn preflight(headers: &HeaderMap) -> Option<Reply> {
    let origin =
        headers.get(ORIGIN).filter(|_| headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD))?;
    let mut reply = Reply::empty(StatusCode::OK)
        .with_header(
            ACCESS_CONTROL_ALLOW_HEADERS,
            "origin, x-requested-with, accept, content-type, if-match, nhsd-session-urid, \
             authorization, x-correlation-id, x-request-id, nhsd-end-user-organisation-ods",
        )
        .with_header(ACCESS_CONTROL_ALLOW_METHODS, "GET, PUT, POST, PATCH, DELETE")
        .with_header(ACCESS_CONTROL_MAX_AGE, "3628800");
    reply.headers.push((ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone()));
    Some(reply)
}

/// Requests that an application must not make.
fn check_mode(mode: &Mode, method: &Method, target: &Target<'_>, sent: &Sent) -> Result<(), Issue> {
    let application = *mode == Mode::Application;
    let name = if application { "application-restricted" } else { "user-restricted" };
    let insufficient = |what: &str| {
        format!("Your app has insufficient permissions to {what}. Please contact support.")
    };
    if let Target::Coverage = target {
        let mut issue = issue("ACCESS_DENIED").by_proxy();
        issue.status = 403;
        issue.display = format!("Cannot {method} resource with {name} access token").into();
        return Err(issue.diagnosed(insufficient("use this operation")));
    }
    if !application {
        return Ok(());
    }
    let mut refused = issue("INVALID_METHOD").diagnosed(insufficient("use this method")).by_proxy();
    if *method == Method::PATCH {
        return Err(refused);
    }
    if *method == Method::POST {
        refused.display = "Cannot create resource with application-restricted access token".into();
        return Err(refused);
    }
    if matches!(target, Target::Search) && sent.asks_for_several() {
        let mut issue = issue("INVALID_VALUE").by_proxy();
        issue.status = 403;
        issue.kind = "token";
        issue.display =
            "Cannot retrieve more than one result with application-restricted access token".into();
        return Err(issue.diagnosed(insufficient("perform this search")));
    }
    Ok(())
}
