use crate::audit::anchor::Anchor;
use std::fmt;

/// Whether an audit trail is unchanged (MSCA-AUD-01). `Display` gives the result in one line.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// No event was changed, removed, cut off or inserted.
    #[non_exhaustive]
    Whole {
        /// The number of events.
        events: u64,
        /// The last event.
        head: Anchor,
    },
    /// The trail was changed. Keep an unchanged copy of it, and have it investigated.
    #[non_exhaustive]
    Broken {
        /// The first event at which the break shows. This event may be missing.
        seq: u64,
        /// What is wrong with the event.
        reason: BreakReason,
    },
}

impl Verdict {
    /// Whether the trail is unchanged.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        matches!(self, Self::Whole { .. })
    }

    /// The verdict on an unchanged trail of `events` events that ends with `head`.
    #[must_use]
    pub const fn whole(events: u64, head: Anchor) -> Self {
        Self::Whole { events, head }
    }

    /// The verdict on a trail in which the first break shows at the event `seq`.
    #[must_use]
    pub const fn broken(seq: u64, reason: BreakReason) -> Self {
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

/// What is wrong at the first event at which a trail is broken. `Display` describes it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum BreakReason {
    /// Its content does not match its hash: it was changed.
    Hash,
    /// It does not follow from the previous event: the previous event was replaced together with
    /// its hash.
    Link,
    /// It is missing, and later events exist.
    Missing,
    /// It and all later events are missing.
    CutOff,
    /// It is after the last appended event: it was inserted.
    Beyond,
    /// Its number is before the first. It is reported as 0.
    BeforeFirst,
    /// It is the last event, and the trail's own anchor has another hash for it.
    Anchor,
    /// The trail's own anchor is missing or damaged; the event is the last in the trail.
    NoAnchor,
    /// An anchor stored outside the trail has another hash for it, or the trail ends before it.
    OutsideAnchor,
    /// Its content is not a valid event.
    Content,
    /// Its encrypted part cannot be decrypted with the stored key.
    Sealed,
    /// A search would not find its subject: the stored key is recorded for another subject, or a
    /// number in the event does not map to its subject.
    Subject,
    /// The key of its encrypted part is missing, and no event records that its subject was erased.
    Key,
}

impl fmt::Display for BreakReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hash => "its content does not match its hash",
            Self::Link => "it does not follow from the previous event",
            Self::Missing => "it is missing",
            Self::CutOff => "it and all later events are missing",
            Self::Beyond => "it is after the last appended event",
            Self::BeforeFirst => "there is an event before the first",
            Self::Anchor => "the trail's anchor has another hash for it",
            Self::NoAnchor => "the trail's anchor is missing or damaged",
            Self::OutsideAnchor => "an anchor stored outside the trail does not match",
            Self::Content => "its content is not a valid event",
            Self::Sealed => "its encrypted part cannot be decrypted",
            Self::Subject => "the mapping to its subject was changed",
            Self::Key => {
                "the key of its encrypted part is missing, and no event records an erasure"
            }
        })
    }
}
