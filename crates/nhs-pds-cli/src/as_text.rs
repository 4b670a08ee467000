//! Stores an optional value as its text. Its errors do not repeat a wrong text.

use serde::de::Error as _;
use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};
use std::fmt::Display;
use std::str::FromStr;

#[expect(clippy::ref_option, reason = "serde requires this signature")]
pub(crate) fn serialize<T: Display, S: Serializer>(
    value: &Option<T>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    value.as_ref().map(T::to_string).serialize(serializer)
}

pub(crate) fn deserialize<'de, T: FromStr, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    let value = text.map(|text| text.parse()).transpose();
    value.map_err(|_| D::Error::custom("the text cannot be read"))
}
