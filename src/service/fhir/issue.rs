use crate::service::failure;
use crate::trace;
use http::StatusCode;
use std::fmt;

/// The code with which the API reports the result of a request: `Spine-ErrorOrWarningCode`, in the issue
/// of an `OperationOutcome`.
///
/// ```
/// use nhs_pds::fhir::IssueCode;
///
/// assert_eq!(IssueCode::from("RESOURCE_NOT_FOUND"), IssueCode::ResourceNotFound);
/// assert_eq!(IssueCode::from("SOMETHING_NEW").as_str(), "SOMETHING_NEW");
/// ```
#[non_exhaustive]
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum IssueCode {
    /// 401, or 403: the token is missing, has expired, or does not permit the request.
    AccessDenied,
    /// 400: the API has no such parameter.
    AdditionalProperties,
    /// 404: the NHS Number is no longer valid, and none replaces it.
    InvalidatedResource,
    /// 403: the token's access mode does not permit the request.
    InvalidMethod,
    /// 400: the value is not an NHS Number.
    InvalidResourceId,
    /// 400: an invalid combination of parameters, or an invalid parameter.
    InvalidSearchData,
    /// 400: an invalid value; 403: more results requested than the access mode permits.
    InvalidValue,
    /// 400: a header or value is missing, or the application has no ASID.
    MissingValue,
    /// 404: no person has this NHS Number.
    ResourceNotFound,
    /// 503: the service is not available.
    ServiceUnavailable,
    /// 400: fewer values than needed.
    TooFewValuesSubmitted,
    /// 200: more people match than may be returned.
    TooManyMatches,
    /// 429: too many requests.
    TooManyRequests,
    /// 400: more values than permitted.
    TooManyValuesSubmitted,
    /// 408: the service behind the API did not respond.
    UnableToCallService,
    /// 500: an unknown error of the service.
    UnknownError,
    /// 400: a character that the API does not accept.
    UnsupportedCharactersInField,
    /// 400: the path does not exist.
    UnsupportedRequest,
    /// 400: the operation does not exist, or lacks a required value.
    UnsupportedService,
    /// 400: a value that the API does not accept.
    UnsupportedValue,
    /// 400: the request is not valid.
    ValidationError,
    /// Any other code, by its text. It counts as a failure. The codes that only writing returns are
    /// among them, because this crate does not write.
    Other(String),
}

/// What a client does about an issue.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum IssueClass {
    /// The service answered.
    Answer,
    /// Nothing is known about the person: retry later.
    AskLater,
    /// The request's data are wrong: correct them.
    CorrectData,
    /// The address, the application or the user's role is wrong: fix the configuration.
    FixConfiguration,
    /// The code is unknown, or does not belong to the request: report a defect.
    Defect,
}

/// FHIR's own codes (R4, value set issue-type). They are listed because a double-barrelled name in lower
/// case has the same shape.
const ISSUE_TYPES: [&str; 31] = [
    "business-rule",
    "code-invalid",
    "conflict",
    "deleted",
    "duplicate",
    "exception",
    "expired",
    "extension",
    "forbidden",
    "incomplete",
    "informational",
    "invalid",
    "invariant",
    "lock-error",
    "login",
    "multiple-matches",
    "no-store",
    "not-found",
    "not-supported",
    "processing",
    "required",
    "security",
    "structure",
    "suppressed",
    "throttled",
    "timeout",
    "too-costly",
    "too-long",
    "transient",
    "unknown",
    "value",
];

use IssueClass::{Answer, AskLater, CorrectData, Defect, FixConfiguration};

impl IssueCode {
    const KNOWN: [(Self, &'static str, IssueClass); 21] = [
        (Self::AccessDenied, "ACCESS_DENIED", FixConfiguration),
        (Self::AdditionalProperties, "ADDITIONAL_PROPERTIES", Defect),
        (Self::InvalidatedResource, "INVALIDATED_RESOURCE", Answer),
        (Self::InvalidMethod, "INVALID_METHOD", FixConfiguration),
        (Self::InvalidResourceId, "INVALID_RESOURCE_ID", CorrectData),
        (Self::InvalidSearchData, "INVALID_SEARCH_DATA", CorrectData),
        (Self::InvalidValue, "INVALID_VALUE", CorrectData),
        // Every request has all the required values, so a missing value belongs to the application's
        // registration.
        (Self::MissingValue, "MISSING_VALUE", FixConfiguration),
        (Self::ResourceNotFound, "RESOURCE_NOT_FOUND", Answer),
        (Self::ServiceUnavailable, "SERVICE_UNAVAILABLE", AskLater),
        (Self::TooFewValuesSubmitted, "TOO_FEW_VALUES_SUBMITTED", CorrectData),
        (Self::TooManyMatches, "TOO_MANY_MATCHES", Answer),
        (Self::TooManyRequests, "TOO_MANY_REQUESTS", AskLater),
        (Self::TooManyValuesSubmitted, "TOO_MANY_VALUES_SUBMITTED", CorrectData),
        (Self::UnableToCallService, "UNABLE_TO_CALL_SERVICE", AskLater),
        (Self::UnknownError, "UNKNOWN_ERROR", AskLater),
        (Self::UnsupportedCharactersInField, "UNSUPPORTED_CHARACTERS_IN_FIELD", CorrectData),
        (Self::UnsupportedRequest, "UNSUPPORTED_REQUEST", FixConfiguration),
        (Self::UnsupportedService, "UNSUPPORTED_SERVICE", FixConfiguration),
        (Self::UnsupportedValue, "UNSUPPORTED_VALUE", CorrectData),
        (Self::ValidationError, "VALIDATION_ERROR", CorrectData),
    ];

    /// The known codes.
    pub fn known() -> impl Iterator<Item = Self> {
        Self::KNOWN.into_iter().map(|(code, ..)| code)
    }

    /// The code's text, such as `RESOURCE_NOT_FOUND`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Other(text) => text,
            known => Self::KNOWN.iter().find(|(code, ..)| code == known).map_or("", |row| row.1),
        }
    }

    /// The code for a log or a report. Returns the text if it has the shape of a code, such as
    /// `RESOURCE_NOT_FOUND`, or is one of FHIR's own (issue-type), such as `not-supported`; else
    /// `unrecognised`, because a service may send any text instead of a code.
    #[must_use]
    pub fn loggable(&self) -> &str {
        let text = self.as_str();
        let letters = text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
        let spine = letters && text.contains('_') && text.len() <= 40;
        if spine || ISSUE_TYPES.contains(&text) { text } else { "unrecognised" }
    }

    /// What a client does about it.
    fn class(&self) -> IssueClass {
        Self::KNOWN.iter().find(|(code, ..)| code == self).map_or(Defect, |row| row.2)
    }

    /// The kind of failure that the code means with `status`; `None` if it means an answer.
    ///
    /// If the status says that the service failed or is overloaded, no code puts the fault on the data.
    /// A refusal with 401 or 403 applies to every request of the caller.
    pub(in crate::service::fhir) fn failure(&self, status: StatusCode) -> Option<trace::ErrorKind> {
        let busy =
            status.is_server_error() || failure::of_status(status) == trace::ErrorKind::Unavailable;
        Some(match self.class() {
            Answer => return None,
            CorrectData | Defect if busy => trace::ErrorKind::Unavailable,
            CorrectData if status == StatusCode::FORBIDDEN => trace::ErrorKind::Configuration,
            Defect if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
                trace::ErrorKind::Configuration
            }
            AskLater => trace::ErrorKind::Unavailable,
            CorrectData => trace::ErrorKind::Rejected,
            FixConfiguration => trace::ErrorKind::Configuration,
            Defect => trace::ErrorKind::Unreadable,
        })
    }
}

impl From<&str> for IssueCode {
    fn from(text: &str) -> Self {
        let known = Self::KNOWN.into_iter().find(|(_, known, _)| *known == text);
        known.map_or_else(|| Self::Other(text.to_owned()), |(code, ..)| code)
    }
}

impl fmt::Debug for IssueCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IssueCode({})", self.loggable())
    }
}

impl fmt::Display for IssueCode {
    /// Writes the code as [`loggable`](IssueCode::loggable) returns it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.loggable())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_reads_back() {
        for code in IssueCode::known() {
            assert_eq!(IssueCode::from(code.as_str()), code);
            assert_eq!(code.loggable(), code.as_str());
        }
        let mut names: Vec<_> = IssueCode::known().map(|code| code.to_string()).collect();
        names.dedup();
        assert_eq!(names.len(), IssueCode::KNOWN.len());
    }

    #[test]
    fn a_code_says_what_to_do() {
        assert_eq!(IssueCode::from("RESOURCE_NOT_FOUND").class(), Answer);
        assert_eq!(IssueCode::from("TOO_MANY_REQUESTS").class(), AskLater);
        assert_eq!(IssueCode::from("SOMETHING_NEW").class(), Defect);
    }

    #[test]
    fn text_that_is_not_a_code_is_not_logged() {
        for text in [
            "SMITH",
            "9000000009",
            "Jane Smith",
            "",
            "smith",
            "smith-jones",
            "A_1",
            &"A_".repeat(21),
        ] {
            assert_eq!(IssueCode::from(text).loggable(), "unrecognised", "{text}");
            assert_eq!(format!("{:?}", IssueCode::from(text)), "IssueCode(unrecognised)");
            assert_eq!(IssueCode::from(text).to_string(), "unrecognised");
        }
        assert_eq!(IssueCode::from("not-supported").loggable(), "not-supported");
    }

    #[test]
    fn failures() {
        use trace::ErrorKind::{Configuration, Rejected, Unavailable, Unreadable};
        for (code, status, failure) in [
            ("INVALID_VALUE", 400, Some(Rejected)),
            ("INVALID_VALUE", 403, Some(Configuration)),
            ("ACCESS_DENIED", 401, Some(Configuration)),
            ("TOO_MANY_REQUESTS", 429, Some(Unavailable)),
            // FHIR's own codes, as gateways send them.
            ("throttled", 429, Some(Unavailable)),
            ("timeout", 408, Some(Unavailable)),
            ("INVALID_VALUE", 503, Some(Unavailable)),
            ("SOMETHING_NEW", 400, Some(Unreadable)),
            ("SOMETHING_NEW", 502, Some(Unavailable)),
            ("PRECONDITION_FAILED", 412, Some(Unreadable)),
            ("RESOURCE_NOT_FOUND", 404, None),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(IssueCode::from(code).failure(status), failure, "{code} {status}");
        }
    }
}
