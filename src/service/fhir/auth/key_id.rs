use crate::text::ValueError;
use std::fmt;
use std::str::FromStr;

/// The id of a key (`kid`). The public half is registered with this id, and every assertion names the
/// key that signed it.
///
/// One to 128 visible ASCII characters, such as `live-2026-11`. It is not a secret.
///
/// ```
/// use nhs_pds::fhir::auth::KeyId;
///
/// assert_eq!("live-2026-11".parse::<KeyId>()?.as_str(), "live-2026-11");
/// assert!("live 1".parse::<KeyId>().is_err());
/// # Ok::<(), nhs_pds::text::ValueError>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct KeyId(String);

impl KeyId {
    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyId {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        if visible && (1..=128).contains(&text.len()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(INVALID)
        }
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is not a key id. Correct the configuration.
const INVALID: ValueError = ValueError::new("a key id is one to 128 visible ASCII characters");
