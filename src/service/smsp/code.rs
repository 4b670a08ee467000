use crate::trace;
use std::fmt;

/// The code with which the service reports the result of a request (SMSP response codes, version 1.0).
///
/// ```
/// use nhs_pds::smsp::{CodeClass, ResponseCode};
///
/// assert_eq!(ResponseCode::from("DEMOG-0001").class(), CodeClass::Answer);
/// let other = ResponseCode::from("CPIS-0003");
/// assert_eq!(other.class(), CodeClass::Defect);
/// assert_eq!(other.as_str(), "CPIS-0003");
/// ```
#[non_exhaustive]
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum ResponseCode {
    /// SMSP-0000: success.
    Success,
    /// SMSP-0001: the request is not valid.
    InvalidRequest,
    /// SMSP-0002: the response is not valid.
    InvalidResponse,
    /// SMSP-0003: data from the provider's own store, because the Spine could not be reached.
    LocalStore,
    /// SMSP-0004: could not connect to the Spine.
    NoSpine,
    /// SMSP-0005: the author's credentials are wrong.
    Credentials,
    /// SMSP-9999: the provider's software failed.
    ProviderFailure,
    /// DEMOG-0001: no person matches.
    NoMatch,
    /// DEMOG-0007: several people match.
    MultipleMatches,
    /// DEMOG-0017: the number is superseded.
    Superseded,
    /// DEMOG-0022: the number is invalidated, and none replaces it.
    Invalidated,
    /// DEMOG-0040: the number is in use, but the demographic fields do not agree well enough.
    NotVerified,
    /// DEMOG-0042: not a ten-digit number.
    NotNewStyle,
    /// DEMOG-9999: the Spine failed.
    SpineFailure,
    /// Any other code, by its text. Counts as a failure.
    Other(String),
}

/// What a client does about a response code.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum CodeClass {
    /// The service answered.
    Answer,
    /// The service answered from a copy if it sent data, and did not answer if it sent none. Retry later
    /// in both cases.
    StaleAnswer,
    /// Nothing is known about the person: retry later.
    AskLater,
    /// The request's data are wrong: correct them.
    CorrectData,
    /// The request's sender is wrong: fix the configuration.
    FixConfiguration,
    /// The provider made a mistake, or the code is unknown: report a defect.
    Defect,
}

impl ResponseCode {
    const KNOWN: [(Self, &'static str, CodeClass); 14] = [
        (Self::Success, "SMSP-0000", CodeClass::Answer),
        (Self::InvalidRequest, "SMSP-0001", CodeClass::CorrectData),
        (Self::InvalidResponse, "SMSP-0002", CodeClass::Defect),
        (Self::LocalStore, "SMSP-0003", CodeClass::StaleAnswer),
        (Self::NoSpine, "SMSP-0004", CodeClass::AskLater),
        (Self::Credentials, "SMSP-0005", CodeClass::FixConfiguration),
        (Self::ProviderFailure, "SMSP-9999", CodeClass::AskLater),
        (Self::NoMatch, "DEMOG-0001", CodeClass::Answer),
        (Self::MultipleMatches, "DEMOG-0007", CodeClass::Answer),
        (Self::Superseded, "DEMOG-0017", CodeClass::Answer),
        (Self::Invalidated, "DEMOG-0022", CodeClass::Answer),
        (Self::NotVerified, "DEMOG-0040", CodeClass::Answer),
        (Self::NotNewStyle, "DEMOG-0042", CodeClass::CorrectData),
        (Self::SpineFailure, "DEMOG-9999", CodeClass::AskLater),
    ];

    /// The known codes, in the order of the workbook.
    pub fn known() -> impl Iterator<Item = Self> {
        Self::KNOWN.into_iter().map(|(code, ..)| code)
    }

    /// The code's text, such as `SMSP-0000`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Other(text) => text,
            known => Self::KNOWN.iter().find(|(code, ..)| code == known).map_or("", |row| row.1),
        }
    }

    /// The code for a log or a report. Returns the text if it has the shape of a code, such as
    /// `CPIS-0003`; else `unrecognised`, because a service may send any text instead of a code.
    #[must_use]
    pub fn loggable(&self) -> &str {
        let text = self.as_str();
        let shaped = text.split_once('-').is_some_and(|(system, number)| {
            (1..=8).contains(&system.len())
                && (1..=6).contains(&number.len())
                && system.bytes().all(|byte| byte.is_ascii_uppercase())
                && number.bytes().all(|byte| byte.is_ascii_digit())
        });
        if shaped { text } else { "unrecognised" }
    }

    /// What a client does about it.
    #[must_use]
    pub fn class(&self) -> CodeClass {
        Self::KNOWN.iter().find(|(code, ..)| code == self).map_or(CodeClass::Defect, |row| row.2)
    }
}

impl CodeClass {
    /// The kind of failure, if the code means one.
    pub(in crate::service::smsp) const fn failure(self) -> Option<trace::ErrorKind> {
        match self {
            Self::Answer => None,
            Self::StaleAnswer | Self::AskLater => Some(trace::ErrorKind::Unavailable),
            Self::CorrectData => Some(trace::ErrorKind::Rejected),
            Self::FixConfiguration => Some(trace::ErrorKind::Configuration),
            Self::Defect => Some(trace::ErrorKind::Unreadable),
        }
    }
}

impl From<&str> for ResponseCode {
    fn from(text: &str) -> Self {
        let known = Self::KNOWN.into_iter().find(|(_, known, _)| *known == text);
        known.map_or_else(|| Self::Other(text.to_owned()), |(code, ..)| code)
    }
}

impl fmt::Debug for ResponseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ResponseCode({})", self.loggable())
    }
}

impl fmt::Display for ResponseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
