use crate::demographics::redacted_debug;

pub(super) type Hash = [u8; 32];

/// The hash before the first event.
pub(super) const NO_HASH: Hash = [0; 32];

/// The value of one column of a [`Row`](crate::audit::Row), in one of five types.
///
/// The type and the bytes are part of the row's hash, so a storage must return both unchanged. A
/// text need not be UTF-8 if another program has written it.
///
/// ```
/// use nhs_pds::audit::Value;
///
/// let value = Value::Text(b"case_viewed".to_vec());
/// assert_eq!((value.as_str(), value.as_integer()), (Some("case_viewed"), None));
/// assert_eq!(format!("{value:?}"), "Value(redacted)");
/// ```
#[non_exhaustive]
#[derive(Clone, PartialEq)]
pub enum Value {
    /// No value.
    Null,
    /// A number: the row's number, or a time in microseconds.
    Integer(i64),
    /// No column has this type. If another program has put one into a row, `verify` reports the row.
    Real(f64),
    /// Text.
    Text(Vec<u8>),
    /// Bytes: a hash, a subject's name, an encrypted part.
    Blob(Vec<u8>),
}

impl Value {
    /// The number, for [`Value::Integer`].
    #[must_use]
    pub const fn as_integer(&self) -> Option<i64> {
        if let Self::Integer(value) = self { Some(*value) } else { None }
    }

    /// The text, for a [`Value::Text`] that is UTF-8.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        if let Self::Text(bytes) = self { std::str::from_utf8(bytes).ok() } else { None }
    }

    /// The bytes, for [`Value::Blob`].
    #[must_use]
    pub fn as_blob(&self) -> Option<&[u8]> {
        if let Self::Blob(bytes) = self { Some(bytes) } else { None }
    }

    pub(super) fn text(text: &str) -> Self {
        Self::Text(text.as_bytes().to_vec())
    }

    pub(super) fn optional(text: Option<&str>) -> Self {
        text.map_or(Self::Null, Self::text)
    }

    /// Type, length and content.
    pub(super) fn encode(&self, to: &mut Vec<u8>) {
        let mut write = |kind: u8, bytes: &[u8]| {
            to.push(kind);
            to.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
            to.extend_from_slice(bytes);
        };
        match self {
            Self::Null => write(0, &[]),
            Self::Integer(value) => write(1, &value.to_be_bytes()),
            Self::Real(value) => write(2, &value.to_bits().to_be_bytes()),
            Self::Text(bytes) => write(3, bytes),
            Self::Blob(bytes) => write(4, bytes),
        }
    }

    /// `Some(None)` for NULL, `None` for a value that is not text.
    pub(super) fn as_optional(&self) -> Option<Option<&str>> {
        if matches!(self, Self::Null) { Some(None) } else { self.as_str().map(Some) }
    }

    pub(super) fn as_hash(&self) -> Option<Hash> {
        self.as_blob()?.try_into().ok()
    }
}

redacted_debug!(Value);
