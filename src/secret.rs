//! Values that do not show themselves.
//!
//! `Debug` is how values reach logs without anybody meaning it. What is wrapped here prints its type
//! and, where harmless, its size; reading it takes a call that a reviewer can search for.

use bytes::Bytes;
use std::fmt;

/// A value that must not be printed: a key, a password, a token, a person's particulars.
///
/// ```
/// use nhs_pds::secret::Secret;
///
/// let password = Secret::new("tr0ub4dor");
/// assert_eq!(format!("{password:?}"), "Secret(..)");
/// assert_eq!(*password.expose(), "tr0ub4dor");
/// ```
#[derive(Clone, Eq, PartialEq)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Hides `value`.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value. Whoever calls this answers for where it goes.
    #[must_use]
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// The body of a message, which holds a person's particulars.
///
/// ```
/// use nhs_pds::secret::RawBody;
///
/// let body = RawBody::from("<family>SMITH</family>");
/// assert_eq!(format!("{body:?}"), "RawBody(22 bytes)");
/// assert_eq!(body.expose().len(), 22);
/// ```
#[derive(Clone, Default, Eq, PartialEq)]
pub struct RawBody(Bytes);

impl RawBody {
    /// The bytes. Whoever calls this answers for where they go.
    #[must_use]
    pub const fn expose(&self) -> &Bytes {
        &self.0
    }

    /// Size in bytes.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no bytes.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for RawBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawBody({} bytes)", self.0.len())
    }
}

impl<T: Into<Bytes>> From<T> for RawBody {
    fn from(bytes: T) -> Self {
        Self(bytes.into())
    }
}
