use crate::demographics::redacted_debug;

/// A value that the programs on one store share, such as whether the process is paused.
///
/// It must not contain a person's demographic fields or NHS Number: no erasure reaches it.
#[derive(Clone, Eq, PartialEq)]
pub struct Setting {
    /// The value.
    pub value: String,
    /// The version: 0 before it is first saved. The store counts it up with every save.
    pub version: u64,
}

impl Setting {
    /// A value that was not saved yet.
    #[must_use]
    pub fn new(value: impl Into<String>) -> Self {
        Self { value: value.into(), version: 0 }
    }
}

redacted_debug!(Setting);
