/// Which callers get permits first.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Priority {
    /// A user waits for the answer.
    Foreground,
    /// No user waits: the worker.
    Background,
}

impl Priority {
    /// Returns a stable word for spans and metrics: `foreground` or `background`.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Foreground => "foreground",
            Self::Background => "background",
        }
    }
}

/// How many callers wait for a permit.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, serde::Serialize)]
pub struct Waiting {
    /// For users.
    pub foreground: usize,
    /// For the worker.
    pub background: usize,
}
