//! The bytes of an uploaded file, which count towards a limit and are overwritten when the last user lets go.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use zeroize::Zeroizing;

/// A file in memory. Clones share the bytes.
#[derive(Clone)]
pub(crate) struct File(Arc<Content>);

struct Content {
    bytes: Zeroizing<Vec<u8>>,
    counted: Arc<AtomicUsize>,
    longest: usize,
    most: usize,
}

/// The file is too long, or the uploads of all users are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum TooMuch {
    File,
    All,
}

impl File {
    pub(super) fn new(counted: Arc<AtomicUsize>, longest: usize, most: usize) -> Self {
        Self(Arc::new(Content { bytes: Zeroizing::new(Vec::new()), counted, longest, most }))
    }

    /// Adds bytes of a file that is being received.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(), TooMuch> {
        // While it is received, the file has one user.
        let content = Arc::get_mut(&mut self.0).ok_or(TooMuch::File)?;
        let length = content.bytes.len() + bytes.len();
        if length > content.longest {
            return Err(TooMuch::File);
        }
        let all = content.counted.fetch_add(bytes.len(), Ordering::AcqRel) + bytes.len();
        if all > content.most {
            content.counted.fetch_sub(bytes.len(), Ordering::AcqRel);
            return Err(TooMuch::All);
        }
        if length > content.bytes.capacity() {
            // A vector that grows leaves its old bytes behind. These are overwritten.
            let mut longer =
                Zeroizing::new(Vec::with_capacity(length.max(content.bytes.capacity() * 2)));
            longer.extend_from_slice(&content.bytes);
            content.bytes = longer;
        }
        content.bytes.extend_from_slice(bytes);
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.bytes.is_empty()
    }
}

impl Drop for Content {
    fn drop(&mut self) {
        self.counted.fetch_sub(self.bytes.len(), Ordering::AcqRel);
    }
}

impl AsRef<[u8]> for File {
    fn as_ref(&self) -> &[u8] {
        &self.0.bytes
    }
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("File(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_count_until_the_file_is_dropped() {
        let counted = Arc::new(AtomicUsize::new(0));
        let file = || File::new(Arc::clone(&counted), 10, 15);
        let (mut first, mut second) = (file(), file());
        assert_eq!(first.push(b"12345678"), Ok(()));
        assert_eq!(first.push(b"123"), Err(TooMuch::File));
        assert_eq!(second.push(b"12345678"), Err(TooMuch::All));
        assert_eq!(second.push(b"1234567"), Ok(()));
        let clone = first.clone();
        drop(first);
        assert_eq!(counted.load(Ordering::Relaxed), 15);
        drop(clone);
        assert_eq!(counted.load(Ordering::Relaxed), 7);
        assert_eq!(second.as_ref(), b"1234567");
    }
}
