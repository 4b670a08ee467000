use serde::de::Deserializer;
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};
use std::fmt::{self, Display};
use std::str::FromStr;

/// What a service has recorded in one field.
///
/// A blank field in a response means that PDS has recorded the field as blank. An absent field
/// means that nothing was returned (SMSP response messages). Confusing the two deletes data that is
/// still valid, or keeps data that was removed on purpose.
///
/// The serde form is the text itself, `""` for blank. Skip a field that was not returned.
///
/// ```
/// use nhs_pds::demographics::{Postcode, Recorded};
///
/// assert_eq!(Recorded::<Postcode>::read(" "), Recorded::Blank);
/// assert_eq!(Recorded::<Postcode>::read("kt171na").known().map(Postcode::to_string), Some("KT17 1NA".into()));
/// assert_eq!(Recorded::<Postcode>::read("NOT KNOWN"), Recorded::Unrecognised("NOT KNOWN".into()));
/// assert_eq!(Recorded::<Postcode>::default(), Recorded::NotReturned);
/// ```
#[expect(clippy::exhaustive_enums, reason = "a closed set, meant to be matched like Option")]
#[derive(Clone, Default, Eq, Hash, PartialEq)]
pub enum Recorded<T> {
    /// The response does not have the field: nothing is known about it.
    #[default]
    NotReturned,
    /// The field is present and empty: PDS has recorded it as blank.
    Blank,
    /// The field's value.
    Known(T),
    /// The field has text that is not a valid `T`. Show it to a person; base no decision on it.
    Unrecognised(String),
}

impl<T> Recorded<T> {
    /// The value, when it is present and valid.
    #[must_use]
    pub const fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            _ => None,
        }
    }

    /// Whether the response does not have the field.
    #[must_use]
    pub const fn is_not_returned(&self) -> bool {
        matches!(self, Self::NotReturned)
    }

    /// Whether PDS has recorded the field as blank.
    #[must_use]
    pub const fn is_blank(&self) -> bool {
        matches!(self, Self::Blank)
    }
}

impl<T: FromStr> Recorded<T> {
    /// Reads the text of a field that is present. Ignores white space around the text.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let text = text.trim();
        if text.is_empty() {
            return Self::Blank;
        }
        text.parse().map_or_else(|_| Self::Unrecognised(text.to_owned()), Self::Known)
    }
}

impl<T> From<T> for Recorded<T> {
    fn from(value: T) -> Self {
        Self::Known(value)
    }
}

impl<T> fmt::Debug for Recorded<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotReturned => "NotReturned",
            Self::Blank => "Blank",
            Self::Known(_) => "Known(redacted)",
            Self::Unrecognised(_) => "Unrecognised(redacted)",
        })
    }
}

impl<T: Display> Serialize for Recorded<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::NotReturned => serializer.serialize_none(),
            Self::Blank => serializer.serialize_str(""),
            Self::Known(value) => serializer.collect_str(value),
            Self::Unrecognised(text) => serializer.serialize_str(text),
        }
    }
}

impl<'de, T: FromStr> Deserialize<'de> for Recorded<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The format's own error for other types would quote their values.
        let text = Option::<std::borrow::Cow<'_, str>>::deserialize(deserializer)
            .map_err(|_| serde::de::Error::custom("is neither text nor null"))?;
        Ok(text.map_or(Self::NotReturned, |text| Self::read(&text)))
    }
}
