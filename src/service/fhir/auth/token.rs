use crate::secret::Secret;
use crate::text::ValueError;
use http::HeaderValue;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

const SCHEME: &str = "Bearer ";

/// An access token: a program that has it may use the API. Cheap to clone.
///
/// One or more visible ASCII characters, so that a header can carry it. `Debug` does not show it. Two
/// tokens can be compared without showing either. Its memory is overwritten when the last clone is
/// dropped.
///
/// ```
/// use nhs_pds::fhir::auth::AccessToken;
///
/// let token: AccessToken = "2YotnFZFEjr1zCsicMWpAA".parse()?;
/// assert_eq!(token.authorization(), "Bearer 2YotnFZFEjr1zCsicMWpAA");
/// assert_eq!(format!("{token:?}"), "AccessToken(..)");
/// # Ok::<(), nhs_pds::text::ValueError>(())
/// ```
#[derive(Clone, Eq, PartialEq)]
pub struct AccessToken(Arc<Secret<String>>);

impl AccessToken {
    /// The value of `Authorization`: the scheme, which the API compares with regard to case, and the
    /// token. It is marked as sensitive.
    #[must_use]
    pub fn authorization(&self) -> HeaderValue {
        // The scheme and visible ASCII are always a valid value.
        let mut value =
            HeaderValue::from_str(self.0.expose()).unwrap_or_else(|_| HeaderValue::from_static(""));
        value.set_sensitive(true);
        value
    }

    /// The token. The caller is responsible for where it goes.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose().strip_prefix(SCHEME).unwrap_or_default()
    }
}

impl FromStr for AccessToken {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(INVALID);
        }
        Ok(Self(Arc::new(Secret::new(format!("{SCHEME}{text}")))))
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(..)")
    }
}

/// The text is not a token. Report a defect of its source. Never contains the text.
const INVALID: ValueError = ValueError::new("an access token must be visible ASCII characters");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_a_header_cannot_carry_is_rejected() {
        for text in ["", " ", "a b", "a\r\nX-Other: b", "é", "a\u{7f}"] {
            assert_eq!(text.parse::<AccessToken>(), Err(INVALID), "{text:?}");
        }
        let token: AccessToken = "a.b-c~d+e/f=".parse().unwrap();
        assert_eq!(token.expose(), "a.b-c~d+e/f=");
        assert!(token.authorization().is_sensitive());
        assert_ne!(token, "a".parse().unwrap());
    }
}
