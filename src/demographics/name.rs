use crate::demographics::Held;
use crate::demographics::text::redacted_debug;
use serde::{Deserialize, Serialize};

/// A person's usual name, as PDS returns it.
///
/// Given names are ordered: the first is the first name, the second the "other given name" of the
/// NHS Data Dictionary. SMSP returns at most two; other services may return more.
#[non_exhaustive]
#[derive(Clone, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(default)]
pub struct PersonName {
    /// Title, such as `MRS` (PERSON TITLE).
    #[serde(skip_serializing_if = "Held::is_not_returned")]
    pub prefix: Held<String>,
    /// Given names in order; an empty string is a name that PDS holds as blank.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub given: Vec<String>,
    /// Surname (PERSON FAMILY NAME).
    #[serde(skip_serializing_if = "Held::is_not_returned")]
    pub family: Held<String>,
}

impl PersonName {
    /// A name of one given name and a family name.
    #[must_use]
    pub fn new(given: &str, family: &str) -> Self {
        Self {
            prefix: Held::NotReturned,
            given: vec![given.to_owned()],
            family: Held::Known(family.to_owned()),
        }
    }
}

redacted_debug!(PersonName);
