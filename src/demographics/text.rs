//! Shared by the value types of this crate: their text form is their serde form, and `Debug` shows
//! only the type's name.

/// Serialises a value as its `Display` text and reads it back through `FromStr`.
pub(crate) mod serde_as_text {
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;
    use std::fmt::Display;
    use std::str::FromStr;

    /// Writes `value` as text.
    ///
    /// # Errors
    ///
    /// Those of `serializer`.
    pub(crate) fn serialize<T: Display, S: Serializer>(
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    /// Reads text as a `T`.
    ///
    /// # Errors
    ///
    /// When the input is not text, or `T` rejects it. The error says why and never contains the
    /// text.
    pub(crate) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        // The format's own error for other types would quote their values.
        let text = std::borrow::Cow::<'_, str>::deserialize(deserializer)
            .map_err(|_| D::Error::custom("is not text"))?;
        text.parse().map_err(D::Error::custom)
    }
}

/// `Serialize` and `Deserialize` through the type's own `Display` and `FromStr`.
macro_rules! serde_text {
    ($($type:ty),+) => {$(
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $crate::demographics::text::serde_as_text::serialize(self, serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::demographics::text::serde_as_text::deserialize(deserializer)
            }
        }
    )+};
}
pub(crate) use serde_text;

/// `Debug` that shows only the type's name, and no patient data.
macro_rules! redacted_debug {
    ($($type:ident),+) => {$(
        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($type), "(redacted)"))
            }
        }
    )+};
}
pub(crate) use redacted_debug;
