//! The API's codes, and how it translates the codes of SMSP.

use super::outcome::Issue;
use std::borrow::Cow;

/// Code, status, `issue.code`, severity, display.
type Row = (&'static str, u16, &'static str, &'static str, &'static str);

const TABLE: [Row; 21] = [
    ("ACCESS_DENIED", 401, "forbidden", "error", "Access Denied - Unauthorised"),
    (
        "ADDITIONAL_PROPERTIES",
        400,
        "invariant",
        "error",
        "Additional properties should not be included",
    ),
    (
        "INVALIDATED_RESOURCE",
        404,
        "processing",
        "error",
        "Resource that has been marked as invalid was requested - invalid resources cannot be retrieved",
    ),
    (
        "INVALID_METHOD",
        403,
        "forbidden",
        "error",
        "Cannot update resource with application-restricted access token",
    ),
    ("INVALID_RESOURCE_ID", 400, "value", "error", "Resource Id is invalid"),
    ("INVALID_SEARCH_DATA", 400, "value", "error", "Search data is invalid"),
    ("INVALID_VALUE", 400, "value", "error", "Provided value is invalid"),
    ("MISSING_VALUE", 400, "required", "error", "Required value is missing"),
    ("MULTIPLE_MATCHES", 200, "value", "error", "Multiple matches found"),
    ("PRECONDITION_FAILED", 412, "structure", "error", "Required condition was not fulfilled"),
    (
        "RESOURCE_VERSION_MISMATCH",
        409,
        "conflict",
        "error",
        "Resource version supplied does not match actual version",
    ),
    ("RESOURCE_NOT_FOUND", 404, "not-found", "information", "Resource not found"),
    ("SERVICE_UNAVAILABLE", 503, "timeout", "error", "Service unavailable"),
    ("SINGLE_MATCH", 200, "value", "error", "Single match found"),
    ("TOO_MANY_MATCHES", 200, "multiple-matches", "information", "Too Many Matches"),
    ("TOO_MANY_REQUESTS", 429, "value", "error", "Too many requests"),
    ("FORBIDDEN_UPDATE", 403, "forbidden", "information", "Update is forbidden"),
    ("UNABLE_TO_CALL_SERVICE", 408, "timeout", "error", "Unable to call Service"),
    ("UNKNOWN_ERROR", 500, "unknown", "error", "Unknown Error"),
    ("UNSUPPORTED_REQUEST", 400, "value", "error", "The request is not one that is supported."),
    ("UNSUPPORTED_SERVICE", 400, "processing", "error", "Unsupported Service"),
];

/// Returns the error with this code, from the specification's table. Other codes are sent as they are, with
/// status 400.
pub(super) fn issue(code: &str) -> Issue {
    let row = TABLE.iter().find(|row| row.0 == code);
    let (code, status, kind, severity, display) = match row {
        Some(&(code, status, kind, severity, display)) => {
            (Cow::Borrowed(code), status, kind, severity, display)
        }
        None => (Cow::Owned(code.to_owned()), 400, "processing", "error", "Unknown to this table"),
    };
    let display = display.into();
    Issue { status, code, kind, severity, display, diagnostics: None, by_proxy: false }
}

/// `Missing value - 'f'`.
pub(super) fn missing(field: &str) -> Issue {
    issue("MISSING_VALUE")
        .diagnosed(format!("Invalid request with error - Missing value - '{field}'"))
}

/// `Invalid value - 'v' in field 'f'`. The live service does send the value.
pub(super) fn invalid_value(field: &str, value: &str) -> Issue {
    issue("INVALID_VALUE").diagnosed(format!(
        "Invalid request with error - Invalid value - '{value}' in field '{field}'"
    ))
}

/// The meaning of a response code for a query.
pub(super) enum Meaning {
    /// The response is the same as without the code.
    Truth,
    /// No such person.
    NoPerson,
    /// An error, or another response that is an `OperationOutcome`.
    Issue(Issue),
}

/// The kind of a query.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Asked {
    ByNumber,
    BySearch,
}

/// Returns the meaning of `code`, from either service.
pub(super) fn meaning(code: &str, asked: Asked) -> Meaning {
    let by_number = asked == Asked::ByNumber;
    Meaning::Issue(match code {
        "SMSP-0000" | "SMSP-0003" => return Meaning::Truth,
        "DEMOG-0001" | "DEMOG-0040" => return Meaning::NoPerson,
        "DEMOG-0017" | "DEMOG-0022" if by_number => issue("INVALIDATED_RESOURCE"),
        "DEMOG-0042" if by_number => issue("INVALID_RESOURCE_ID"),
        "DEMOG-0017" | "DEMOG-0022" | "DEMOG-0042" => return Meaning::NoPerson,
        // A number has one record, so a retrieval never finds several.
        "DEMOG-0007" | "TOO_MANY_MATCHES" | "MULTIPLE_MATCHES" | "SINGLE_MATCH" if by_number => {
            return Meaning::Truth;
        }
        "DEMOG-0007" => issue("TOO_MANY_MATCHES"),
        "SMSP-0001" if by_number => issue("INVALID_VALUE"),
        "SMSP-0001" => issue("INVALID_SEARCH_DATA"),
        "SMSP-0004" => issue("UNABLE_TO_CALL_SERVICE"),
        "SMSP-0005" => issue("ACCESS_DENIED").diagnosed("Invalid Access Token").by_proxy(),
        code if code.contains('-') => issue("UNKNOWN_ERROR"),
        "ACCESS_DENIED" | "TOO_MANY_REQUESTS" | "UNSUPPORTED_REQUEST" => issue(code).by_proxy(),
        code => issue(code),
    })
}
