use crate::text::ValueError;
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// The longest reference that is read.
const LONGEST: usize = 100;

/// The unique reference of a row (`UNIQUE REFERENCE`): the response repeats it.
///
/// It identifies the row only, and contains nothing of the person. The library sends UUIDs. It reads up to 100 letters,
/// digits, `-`, `_` and `.`, because other programs send other references.
///
/// ```
/// use nhs_pds::batch::Reference;
///
/// let reference: Reference = "0f2a9c56-5b0c-4c38-8a9e-0d4a57a6f0c1".parse()?;
/// assert_eq!(reference.as_str().len(), 36);
/// assert!("with,comma".parse::<Reference>().is_err());
/// # Ok::<(), nhs_pds::text::ValueError>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Reference(String);

impl Reference {
    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Uuid> for Reference {
    fn from(id: Uuid) -> Self {
        Self(id.to_string())
    }
}

impl FromStr for Reference {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if text.is_empty() || text.len() > LONGEST || !text.bytes().all(is_allowed) {
            return Err(INVALID);
        }
        Ok(Self(text.to_owned()))
    }
}

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

const INVALID: ValueError = ValueError::new(
    "the reference is not 1 to 100 letters, digits, hyphens, underscores and full stops",
);
