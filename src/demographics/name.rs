use crate::demographics::recorded::Recorded;
use crate::demographics::telecom::UsablePeriod;
use crate::demographics::text::{redacted_debug, serde_text};
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// A person's name, as PDS returns it.
///
/// Given names are ordered: the first is the first name, the second the "other given name" of the
/// NHS Data Dictionary. SMSP returns at most two; other services may return more.
#[non_exhaustive]
#[derive(Clone, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(default)]
pub struct PersonName {
    /// What the name is used for, from services that return it.
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    pub usage: Option<NameUse>,
    /// Title, such as `MRS` (PERSON TITLE).
    #[serde(skip_serializing_if = "Recorded::is_not_returned")]
    pub prefix: Recorded<String>,
    /// Given names in order. An empty string is a name that PDS has recorded as blank.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub given: Vec<String>,
    /// Surname (PERSON FAMILY NAME).
    #[serde(skip_serializing_if = "Recorded::is_not_returned")]
    pub family: Recorded<String>,
    /// Suffix after the name, such as `MBE` (PERSON NAME SUFFIX).
    #[serde(skip_serializing_if = "Recorded::is_not_returned")]
    pub suffix: Recorded<String>,
    /// The period in which the name is valid, from services that return it. It may be over, or not
    /// have begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period: Option<UsablePeriod>,
}

impl PersonName {
    /// Creates a name from one given name and a family name.
    #[must_use]
    pub fn new(given: &str, family: &str) -> Self {
        Self {
            given: vec![given.to_owned()],
            family: Recorded::Known(family.to_owned()),
            ..Self::default()
        }
    }
}

/// What a name is used for.
#[non_exhaustive]
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum NameUse {
    /// The name by which the person is known.
    Usual,
    /// An informal name.
    Nickname,
    /// A temporary name.
    Temporary,
    /// A former name.
    Old,
    /// The name before marriage.
    Maiden,
    /// Another use, by the code or name that the service gave it.
    Other(String),
}

impl NameUse {
    /// The name of the use: `usual`, `nickname`, `temporary`, `old`, `maiden`, or the service's own.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Usual => "usual",
            Self::Nickname => "nickname",
            Self::Temporary => "temporary",
            Self::Old => "old",
            Self::Maiden => "maiden",
            Self::Other(text) => text,
        }
    }
}

impl FromStr for NameUse {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok([Self::Usual, Self::Nickname, Self::Temporary, Self::Old, Self::Maiden]
            .into_iter()
            .find(|usage| usage.name() == text)
            .unwrap_or_else(|| Self::Other(text.to_owned())))
    }
}

impl fmt::Display for NameUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

serde_text!(NameUse);
redacted_debug!(PersonName, NameUse);
