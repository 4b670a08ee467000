use std::fmt;

/// How far a move is.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Progress {
    /// What is done now.
    pub step: Step,
    /// How many rows of the step are done.
    pub done: u64,
    /// How many rows the step has.
    pub of: u64,
}

/// A step of a move.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Step {
    /// Reads the source, to find damage before anything is written.
    Check,
    /// Reads the source, and writes to the target what it does not have.
    Write,
    /// Reads the target, and compares it with the source.
    Compare,
}

impl Step {
    /// Returns a stable word: the variant's name in lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Write => "write",
            Self::Compare => "compare",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Counts the rows of a step.
pub(super) struct Steps<'a> {
    progress: Progress,
    show: &'a (dyn Fn(Progress) + Send + Sync),
}

impl<'a> Steps<'a> {
    pub(super) fn new(step: Step, of: u64, show: &'a (dyn Fn(Progress) + Send + Sync)) -> Self {
        let progress = Progress { step, done: 0, of };
        show(progress);
        Self { progress, show }
    }

    pub(super) fn add(&mut self, rows: usize) {
        self.progress.done = (self.progress.done + rows as u64).min(self.progress.of);
        (self.show)(self.progress);
    }
}
