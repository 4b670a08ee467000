//! The stored words for [`Field`].

use crate::demographics::Field;
use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::Serializer;

#[expect(clippy::ref_option, reason = "serde requires this signature")]
pub(in crate::case) fn serialize<S: Serializer>(
    field: &Option<Field>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match field {
        Some(field) => serializer.serialize_str(field.as_str()),
        None => serializer.serialize_none(),
    }
}

pub(in crate::case) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Field>, D::Error> {
    let Some(word) = Option::<std::borrow::Cow<'_, str>>::deserialize(deserializer)? else {
        return Ok(None);
    };
    let known = Field::ALL.into_iter().find(|field| field.as_str() == word);
    known.map(Some).ok_or_else(|| D::Error::custom("no such demographic field"))
}
