//! What a response means for its request. Pure functions.

use crate::demographics::Field;
use crate::nhs_number::NhsNumber;
use crate::service::error::{Error, ErrorKind};
use crate::service::failure;
use crate::service::fhir::error::{DecodeError, DecodeErrorKind};
use crate::service::fhir::issue::IssueCode;
use crate::service::fhir::patient::Patient;
use crate::service::fhir::related_person::RelatedPerson;
use crate::service::fhir::retrieval::{RelatedPeople, Retrieval, SearchResult};
use crate::service::fhir::wire;
use crate::trace::{self, Exchange};
use crate::transport::Response;
use http::header::ETAG;
use http::{HeaderName, StatusCode};
use uuid::Uuid;

pub(in crate::service::fhir) const X_REQUEST_ID: HeaderName =
    HeaderName::from_static("x-request-id");

/// An answer with the service's code, if it gave one; or an error.
type Interpreted<T> = Result<(T, Option<IssueCode>), Error>;

/// What the response to a retrieval of the patient `requested` means.
pub(in crate::service::fhir) fn retrieval(
    requested: NhsNumber,
    request: Uuid,
    response: &Response,
) -> Interpreted<Retrieval> {
    retrieved(requested, response).and_then(|answer| to(request, response, answer))
}

fn retrieved(requested: NhsNumber, response: &Response) -> Interpreted<Retrieval> {
    if response.status() != StatusCode::OK {
        return match failure(response) {
            (StatusCode::NOT_FOUND, Some(code @ IssueCode::ResourceNotFound), _) => {
                Ok((Retrieval::None, Some(code)))
            }
            (StatusCode::NOT_FOUND, Some(code @ IssueCode::InvalidatedResource), _) => {
                Ok((Retrieval::Invalidated, Some(code)))
            }
            (_, _, error) => Err(error),
        };
    }
    let mut patient = Patient::decode(response.body().expose())
        .map_err(|error| other_than_expected(error, response))?;
    if patient.version.is_none() {
        patient.version = version_of(response);
    }
    let patient = Box::new(patient);
    // A record with another NHS Number is the record that replaced this one.
    if patient.id == requested.digits().as_str() {
        Ok((Retrieval::Found(patient), None))
    } else if patient.id.len() == 10 && patient.id.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok((Retrieval::Superseded(patient), None))
    } else {
        // Not an identifier of PDS, so the record is not from PDS.
        Err(Error::new(ErrorKind::Mismatch, trace::ErrorKind::Unreadable))
    }
}

/// What the response to a search means.
pub(in crate::service::fhir) fn search(
    request: Uuid,
    response: &Response,
) -> Interpreted<SearchResult> {
    found(response).and_then(|answer| to(request, response, answer))
}

fn found(response: &Response) -> Interpreted<SearchResult> {
    if response.status() != StatusCode::OK {
        return Err(failure(response).2);
    }
    match wire::matches(response.body().expose()) {
        Ok(matches) => Ok((SearchResult::Matches(matches), None)),
        Err(error) => match outcome_code(response) {
            Some(code @ IssueCode::TooManyMatches) => Ok((SearchResult::TooMany, Some(code))),
            _ => Err(other_than_expected(error, response)),
        },
    }
}

/// What the response to a request for related people means.
pub(in crate::service::fhir) fn related_people(
    request: Uuid,
    response: &Response,
) -> Interpreted<RelatedPeople> {
    related(response).and_then(|answer| to(request, response, answer))
}

fn related(response: &Response) -> Interpreted<RelatedPeople> {
    if response.status() != StatusCode::OK {
        return match failure(response) {
            (StatusCode::NOT_FOUND, Some(code @ IssueCode::ResourceNotFound), _) => {
                // The API's description calls this "No related people exist".
                Ok((RelatedPeople::People(Vec::new()), Some(code)))
            }
            (StatusCode::NOT_FOUND, Some(code @ IssueCode::InvalidatedResource), _) => {
                Ok((RelatedPeople::Invalidated, Some(code)))
            }
            (_, _, error) => Err(error),
        };
    }
    let people = RelatedPerson::decode_bundle(response.body().expose());
    let people = people.map_err(|error| other_than_expected(error, response))?;
    Ok((RelatedPeople::People(people), None))
}

/// The answer, if it belongs to `request`. A response repeats the identifier of its request. A response
/// with another identifier answers another request, as from a cache or a faulty proxy. A response
/// without an identifier is accepted.
fn to<T>(request: Uuid, response: &Response, answer: T) -> Result<T, Error> {
    let Some(repeated) = response.headers().get(X_REQUEST_ID) else { return Ok(answer) };
    let repeated = repeated.to_str().ok().and_then(|text| Uuid::try_parse(text.trim()).ok());
    if repeated == Some(request) {
        Ok(answer)
    } else {
        Err(Error::new(ErrorKind::Mismatch, trace::ErrorKind::Unreadable))
    }
}

/// The status, the code and the error of a response that is not a success.
fn failure(response: &Response) -> (StatusCode, Option<IssueCode>, Error) {
    let status = response.status();
    let outcome = wire::read::<wire::OperationOutcome<'_>>(response.body().expose());
    let outcome = match outcome {
        Ok(outcome) if outcome.is_one() => outcome,
        Ok(_) => return (status, None, by_status(status)),
        Err(error) => return (status, None, by_status(status).with_source(error)),
    };
    let Some(code) = outcome.code() else {
        return (status, None, by_status(status));
    };
    let action = match code.failure(status) {
        // A code that means an answer, but with the wrong status or for another request.
        None if status.is_client_error() => trace::ErrorKind::Unreadable,
        None => failure::of_status(status),
        // The headers are the same for every request, so the configuration is wrong.
        Some(trace::ErrorKind::Rejected) if outcome.is_about_a_header() => {
            trace::ErrorKind::Configuration
        }
        Some(action) => action,
    };
    let mut error = failed(&code, action);
    if code == IssueCode::InvalidResourceId {
        error = error.with_field(Field::NhsNumber);
    }
    (status, Some(code), error)
}

/// The error of a response with a status and no code.
fn by_status(status: StatusCode) -> Error {
    Error::new(ErrorKind::Status, failure::of_status(status)).with_unexplained()
}

/// The error of a refused token that could not be replaced. `response` refused the token, and `error`
/// says why there is no other one.
pub(in crate::service::fhir) fn unrenewed(
    mut error: Error,
    response: &Response,
    mut exchange: Exchange,
) -> Error {
    if let Some(code) = outcome_code(response) {
        exchange = exchange.with_code(code.loggable());
    }
    if error.status().is_none() {
        let retry_after = error.retry_after();
        error = error.with_response(response, retry_after);
    }
    error.with_exchange(exchange)
}

/// The error of status 200 with an unexpected document, which may say why.
fn other_than_expected(error: DecodeError, response: &Response) -> Error {
    let Some(code) = outcome_code(response) else {
        return Error::new(ErrorKind::Unreadable, trace::ErrorKind::Unreadable).with_source(error);
    };
    let action = match code.failure(StatusCode::OK) {
        Some(action) => action,
        None => trace::ErrorKind::Unreadable,
    };
    let another = DecodeError::of(DecodeErrorKind::ResourceType);
    failed(&code, action).with_source(another)
}

fn failed(code: &IssueCode, action: trace::ErrorKind) -> Error {
    Error::new(ErrorKind::Code, action).with_code(code.loggable().to_owned())
}

/// The code, if the response is an `OperationOutcome`.
fn outcome_code(response: &Response) -> Option<IssueCode> {
    let outcome = wire::read::<wire::OperationOutcome<'_>>(response.body().expose()).ok()?;
    outcome.is_one().then(|| outcome.code()).flatten()
}

/// The version in a weak ETag, `W/"2"`. A strong ETag belongs to the copy of a proxy.
fn version_of(response: &Response) -> Option<String> {
    let tag = response.headers().get(ETAG)?.to_str().ok()?;
    let version = tag.trim().strip_prefix("W/\"")?.strip_suffix('"')?;
    (!version.is_empty()).then(|| version.to_owned())
}
