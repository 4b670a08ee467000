use crate::text::ValueError;
use crate::trace::is_sendable;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The local system's identifier of a case.
///
/// Any text of at most [`LONGEST`](Self::LONGEST) bytes that can be sent in a query; white space around it is dropped. `Ord` is the order of
/// the UTF-8 bytes, in every store. It identifies a person, so `Debug` does not show it; `Display`
/// does.
///
/// ```
/// use nhs_pds::case::CaseId;
///
/// assert_eq!(" RXX:00001 ".parse::<CaseId>()?.as_str(), "RXX:00001");
/// assert!(" ".parse::<CaseId>().is_err());
/// # Ok::<(), nhs_pds::text::ValueError>(())
/// ```
#[derive(Clone, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct CaseId(String);

impl CaseId {
    /// The most bytes of an identifier. A database has no index for longer ones.
    pub const LONGEST: usize = 1000;

    /// The identifier.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CaseId {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let text = text.trim();
        // Text that XML 1.0 cannot contain cannot be sent in a query either.
        if !text.chars().all(is_sendable) {
            return Err(CHARACTER);
        }
        match text.len() {
            0 => Err(BLANK),
            1..=Self::LONGEST => Ok(Self(text.to_owned())),
            _ => Err(LONG),
        }
    }
}

impl TryFrom<String> for CaseId {
    type Error = ValueError;

    fn try_from(text: String) -> Result<Self, ValueError> {
        text.parse()
    }
}

impl From<CaseId> for String {
    fn from(CaseId(text): CaseId) -> Self {
        text
    }
}

impl fmt::Display for CaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

crate::demographics::redacted_debug!(CaseId);

/// Only white space. Complete the data.
pub(super) const BLANK: ValueError = ValueError::new("a case id is not blank");

/// A control character, or a character that XML cannot contain. Correct the data.
pub(super) const CHARACTER: ValueError = ValueError::new("a case id has no control characters");

/// Longer than a database can index. Correct the data.
pub(super) const LONG: ValueError = ValueError::new("a case id has at most 1000 bytes");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_ids_are_rejected() {
        for text in ["", " \t\n"] {
            assert_eq!(text.parse::<CaseId>(), Err(BLANK));
        }
        let longest = "x".repeat(CaseId::LONGEST);
        assert!(longest.parse::<CaseId>().is_ok());
        assert_eq!(format!("{longest}x").parse::<CaseId>(), Err(LONG));
        for text in ["A\nB", "A\0", "A\u{ffff}"] {
            assert_eq!(text.parse::<CaseId>(), Err(CHARACTER), "{text:?}");
        }
    }

    #[test]
    fn json_is_the_text() {
        let id: CaseId = serde_json::from_str(r#"" 007 ""#).unwrap();
        assert_eq!(serde_json::to_string(&id).unwrap(), r#""007""#);
        assert!(serde_json::from_str::<CaseId>(r#""""#).is_err());
        assert_eq!(format!("{id:?}"), "CaseId(redacted)");
    }
}
