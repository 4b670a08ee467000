//! What a response means for its request. Pure functions, except for the memory of received messages.

use crate::demographics::Field;
use crate::nhs_number::NhsNumber;
use crate::service::error::{Error, ErrorKind};
use crate::service::failure;
use crate::service::smsp::code::{CodeClass, ResponseCode};
use crate::service::smsp::config::Limits;
use crate::service::smsp::content::is_plain_xml;
use crate::service::smsp::replay::Answered;
use crate::service::smsp::request::{Request, Stamp};
use crate::service::smsp::response::{Body, Response, ResponseMessage, bare_identifier};
use crate::service::smsp::wire;
use crate::trace::{self, Answer, Exchange, Mode, Outcome};
use crate::transport;
use http::StatusCode;

pub(in crate::service::smsp) fn interpret<M: Mode>(
    request: &Request<M>,
    stamp: &Stamp,
    response: &transport::Response,
    limits: Limits,
    answered: &Answered,
    mut exchange: Exchange,
) -> Result<Answer, Error> {
    let status = response.status();
    let outcome = match read(response, limits) {
        Err(error) => Err(error),
        Ok(message) => {
            match &message.body {
                Body::Response(response) => {
                    exchange = exchange.with_code(response.code.loggable());
                }
                Body::Fault(fault) => exchange = exchange.with_code(fault.summary()),
            }
            once(outcome(request, stamp, &message, status), &message, answered)
        }
    };
    match outcome {
        Ok(outcome) => Ok(Answer::new(outcome, exchange)),
        Err(error) => {
            let retry_after = response.retry_after(stamp.created);
            Err(explained(error.with_response(response, retry_after).with_exchange(exchange)))
        }
    }
}

/// The same error, with the fault that its code finds in the data.
fn explained(mut error: Error) -> Error {
    let code = error.code().map(ResponseCode::from);
    if code == Some(ResponseCode::NotNewStyle) {
        error = error.with_field(Field::NhsNumber);
    }
    let blames_data = code.is_some_and(|code| code.class() == CodeClass::CorrectData);
    if matches!(error.kind(), ErrorKind::Fault | ErrorKind::Status) && !blames_data {
        error = error.with_unexplained();
    }
    error
}

/// The message in the response.
fn read(response: &transport::Response, limits: Limits) -> Result<ResponseMessage, Error> {
    let status = response.status();
    if status == StatusCode::OK && !is_plain_xml(response.headers()) {
        return Err(Error::new(ErrorKind::ContentType, trace::ErrorKind::Unreadable));
    }
    wire::decode(response.body().expose(), limits).map_err(|error| {
        // The page of a proxy says less than its status.
        let failure = match status {
            StatusCode::OK => unreadable(),
            _ => Error::new(ErrorKind::Status, failure::of_status(status)),
        };
        failure.with_source(error)
    })
}

fn outcome<M: Mode>(
    request: &Request<M>,
    stamp: &Stamp,
    message: &ResponseMessage,
    status: StatusCode,
) -> Result<Outcome, Error> {
    if !message.relates_to.as_deref().is_none_or(|id| is(id, stamp)) {
        return Err(mismatch());
    }
    let response = match &message.body {
        Body::Fault(fault) => {
            let action = fault.class().failure().unwrap_or(trace::ErrorKind::Unreadable);
            return Err(Error::new(ErrorKind::Fault, action));
        }
        Body::Response(_) if status != StatusCode::OK => {
            return Err(Error::new(ErrorKind::Status, failure::of_status(status)));
        }
        Body::Response(response) => response,
    };
    // Only the kind of payload is compared: three operations return details, and providers name any of
    // the three.
    let kind = request.operation().response_root();
    let named = response.service.unwrap_or(response.operation);
    if response.operation.response_root() != kind || named.response_root() != kind {
        return Err(mismatch());
    }
    let Some(outcome) = response.outcome() else {
        return Err(match response.code.class() {
            // A success without the requested data.
            CodeClass::Answer => unreadable(),
            class => {
                let action = class.failure().unwrap_or(trace::ErrorKind::Unreadable);
                Error::new(ErrorKind::Code, action)
            }
        });
    };
    check_identifiers(request, response, outcome)
}

/// Rejects a replayed message. If the replayed message was a failure that says the service is
/// unavailable, the error keeps that action.
///
/// A response to another request is not remembered. It may be received again by the caller who sent that
/// request.
fn once(
    outcome: Result<Outcome, Error>,
    message: &ResponseMessage,
    answered: &Answered,
) -> Result<Outcome, Error> {
    if outcome.as_ref().is_err_and(|error| error.kind() == ErrorKind::Mismatch)
        || answered.is_first(message.message_id.as_deref())
    {
        return outcome;
    }
    // A failing gateway may return one fault to every caller; it is unavailable all the same.
    let action = match outcome {
        Err(error) if error.is_transient() => error.action(),
        _ => trace::ErrorKind::Unreadable,
    };
    Err(Error::new(ErrorKind::Replayed, action))
}

/// Whether a `RelatesTo` names the message of `stamp`. Case and the prefixes `urn:uuid:` and `uuid:` do
/// not count.
fn is(relates_to: &str, stamp: &Stamp) -> bool {
    bare_identifier(relates_to) == stamp.message_id.to_string()
}

/// Rejects an answer about another NHS Number, or about another case of the caller.
fn check_identifiers<M: Mode>(
    request: &Request<M>,
    response: &Response,
    outcome: Outcome,
) -> Result<Outcome, Error> {
    let sent = request.parameters();
    let differs = |sent: Option<NhsNumber>| {
        sent.zip(response.nhs_number).is_some_and(|(sent, answered)| sent != answered)
    };
    if let (Some(sent), Some(answered)) = (&sent.local_identifier, &response.local_identifier)
        && !sent.is_repeated_by(answered)
    {
        return Err(mismatch());
    }
    match outcome {
        // If the response repeats the old number, the new one is unknown.
        Outcome::Superseded { by, .. } if by.is_some() && by == sent.nhs_number => {
            Ok(Outcome::Superseded { by: None, person: None })
        }
        Outcome::Superseded { .. } => Ok(outcome),
        _ if differs(sent.nhs_number) => Err(mismatch()),
        _ => Ok(outcome),
    }
}

fn mismatch() -> Error {
    Error::new(ErrorKind::Mismatch, trace::ErrorKind::Unreadable)
}

fn unreadable() -> Error {
    Error::new(ErrorKind::Unreadable, trace::ErrorKind::Unreadable)
}
