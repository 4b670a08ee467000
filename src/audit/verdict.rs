use crate::audit::Anchor;
use std::fmt;

/// Whether an audit trail is as it was written (MSCA-AUD-01). `Display` says it in a line.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// Nothing was changed, left out, cut off or slipped in.
    #[non_exhaustive]
    Whole {
        /// How many events there are.
        events: u64,
        /// The last of them.
        head: Anchor,
    },
    /// Something was. Keep a copy of the trail as it is, and have it looked at.
    #[non_exhaustive]
    Broken {
        /// The first event at which it shows, which need not be there any more.
        seq: u64,
        /// What is wrong with it.
        reason: BreakReason,
    },
}

impl Verdict {
    /// Whether nothing is wrong.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        matches!(self, Self::Whole { .. })
    }

    pub(super) const fn broken(seq: u64, reason: BreakReason) -> Self {
        Self::Broken { seq, reason }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole { events, head } => write!(f, "whole: {events} events, head {head}"),
            Self::Broken { seq, reason } => write!(f, "broken at event {seq}: {reason}"),
        }
    }
}

/// What is wrong at the first event at which a trail is broken. `Display` says it in words.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum BreakReason {
    /// Its content does not have its hash: it was changed.
    Hash,
    /// It does not follow from the event before: that one was replaced, hash and all.
    Link,
    /// It is missing, and later ones are there.
    Missing,
    /// It is missing, with all that came after it.
    CutOff,
    /// It stands after the last event that was appended: it was slipped in.
    Beyond,
    /// It has a number before the first. It is named as 0.
    BeforeFirst,
    /// It is the last, and the trail's own anchor has another hash for it.
    Anchor,
    /// The trail's own anchor is missing or damaged; the event is the last that is there.
    NoAnchor,
    /// An anchor that was kept outside has another hash for it, or the trail ends before it.
    OutsideAnchor,
    /// What it says is nothing that an event says.
    Content,
    /// Its sealed part does not open with the key that is there.
    Sealed,
    /// Its subject would not be found: the key that is there is told to be somebody else's, or a
    /// number that it names does not lead to it.
    Subject,
    /// The key of its sealed part is missing, and no event says that its subject was erased.
    Key,
}

impl fmt::Display for BreakReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hash => "its content does not have its hash",
            Self::Link => "it does not follow from the event before",
            Self::Missing => "it is missing",
            Self::CutOff => "it and all that came after it are missing",
            Self::Beyond => "it stands after the last event that was appended",
            Self::BeforeFirst => "there is an event before the first",
            Self::Anchor => "the trail's anchor has another hash for it",
            Self::NoAnchor => "the trail's anchor is missing or damaged",
            Self::OutsideAnchor => "an anchor kept outside does not agree",
            Self::Content => "its content is no event's",
            Self::Sealed => "its sealed part does not open",
            Self::Subject => "what leads to its subject was changed",
            Self::Key => "the key of its sealed part is missing, and nobody was erased",
        })
    }
}
