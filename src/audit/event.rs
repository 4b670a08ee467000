use crate::audit::actor::Actor;
use crate::audit::entry::Subject;
use crate::audit::kind::EventKind;
use chrono::{DateTime, Utc};
use std::fmt;

/// An event read from an audit trail (MSCA-AUD-03). `Debug` shows only its number and kind.
#[non_exhaustive]
#[derive(Clone, Eq, PartialEq)]
pub struct Event {
    /// Its sequence number, from 1.
    pub seq: u64,
    /// What happened.
    pub kind: EventKind,
    /// The time, to the microsecond.
    pub at: DateTime<Utc>,
    /// The actor.
    pub actor: Actor,
    /// The message's identifier: upper case, without `urn:uuid:`.
    pub message_id: Option<String>,
    /// Facts that are not personal, in the order in which they were added.
    pub details: Vec<(String, String)>,
    /// The patient that the event is about.
    pub about: About,
}

/// The patient that an event is about.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum About {
    /// No patient.
    NoPatient,
    /// This subject.
    Subject(Box<Subject>),
    /// A patient who has been forgotten (MSCA-DQ-02): the key is destroyed.
    Forgotten,
}

impl About {
    /// The subject, when there is one that is not forgotten.
    #[must_use]
    pub fn subject(&self) -> Option<&Subject> {
        match self {
            Self::Subject(subject) => Some(subject),
            Self::NoPatient | Self::Forgotten => None,
        }
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Event({} {})", self.seq, self.kind)
    }
}
