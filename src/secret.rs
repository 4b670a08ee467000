//! Values that `Debug` does not show.
//!
//! Values often reach logs through `Debug` by accident. The types here print their name and, where
//! harmless, their size. Reading the value takes a call that a reviewer can search for.
//!
//! A [`Secret`] overwrites its memory when it is dropped. It cannot overwrite copies that other
//! libraries make: the TLS and signature libraries keep the keys they use, and messages that were
//! sent or received are not overwritten.

use bytes::Bytes;
use std::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A value that must not be printed: a key, a password, a token, a person's demographic fields. Its
/// memory is overwritten when it is dropped.
///
/// ```
/// use nhs_pds::secret::Secret;
///
/// let password = Secret::new(String::from("tr0ub4dor"));
/// assert_eq!(format!("{password:?}"), "Secret(..)");
/// assert_eq!(password.expose(), "tr0ub4dor");
/// ```
#[derive(Clone, Eq, PartialEq)]
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Hides `value`.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// Returns the value. The caller is responsible for where it goes.
    #[must_use]
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> ZeroizeOnDrop for Secret<T> {}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// The body of a message, which contains a person's demographic fields.
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
    /// Returns the bytes. The caller is responsible for where they go.
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

/// PEM text without a byte order mark. Some editors save the mark, and it would hide the first
/// section.
#[allow(dead_code, reason = "used by code that reads keys")]
pub(crate) fn unmarked(pem: &[u8]) -> &[u8] {
    pem.strip_prefix(b"\xef\xbb\xbf").unwrap_or(pem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[derive(Clone)]
    struct Spy(Arc<AtomicUsize>);

    impl Zeroize for Spy {
        fn zeroize(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn each_copy_is_overwritten_on_drop() {
        let overwritten = Arc::new(AtomicUsize::new(0));
        let secret = Secret::new(Spy(Arc::clone(&overwritten)));
        let copy = secret.clone();
        assert_eq!(overwritten.load(Ordering::Relaxed), 0);
        drop(secret);
        assert_eq!(overwritten.load(Ordering::Relaxed), 1);
        drop(copy);
        assert_eq!(overwritten.load(Ordering::Relaxed), 2);
    }
}
