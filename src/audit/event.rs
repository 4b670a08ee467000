use crate::audit::actor::Actor;
use crate::audit::entry::{Entry, Subject};
use crate::audit::kind::EventKind;
use crate::audit::owner::SubjectName;
use crate::demographics::OdsCode;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};
use std::fmt;

/// An event read from an audit trail (MSCA-AUD-03). `Debug` shows only its number and kind.
///
/// Its serde form contains no personal data about a patient: `about` is `no_patient`, `patient` or
/// `forgotten`, and `subject_name` is the [`SubjectName`], when the event has one. The other keys
/// are `seq`, `at` (RFC 3339, UTC), `kind`, `actor` (`user_id`, `name`, and if known `role`,
/// `organisation`, `authority` and `device`), and if present `message_id` and `details` (a list of
/// pairs). [`export`](crate::audit::export()) writes the personal data, too.
///
/// ```
/// use chrono::DateTime;
/// use nhs_pds::audit::{Actor, Entry, Event, EventKind, Subject};
/// use nhs_pds::trace::{Caller, LocalIdentity};
///
/// let us = Caller::System(LocalIdentity::new("RHM".parse()?, "us")?);
/// let entry = Entry::new(EventKind::CaseViewed, DateTime::UNIX_EPOCH, &Actor::new(&us, "Us"))
///     .about(Subject::new("RHM:00001".parse()?));
/// let json = serde_json::to_string(&Event::new(1, &entry))?;
/// assert_eq!(
///     json,
///     r#"{"seq":1,"at":"1970-01-01T00:00:00Z","kind":"case_viewed","actor":{"user_id":"#.to_owned()
///         + r#""urn:nhs-uk:identity:ods:RHM:us","name":"Us"},"about":"patient"}"#,
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
    /// The name of the subject in the rows of the trail. All events about one subject have the same
    /// name, also after the subject is forgotten. `None` when the event is about no patient, or was
    /// never in a trail.
    pub subject_name: Option<SubjectName>,
}

impl Event {
    /// The event that `entry` is as number `seq`, for a log that is not a
    /// [`Trail`](crate::audit::Trail).
    #[must_use]
    pub fn new(seq: u64, entry: &Entry) -> Self {
        Self {
            seq,
            kind: entry.kind,
            at: entry.at,
            actor: entry.actor.clone(),
            message_id: entry.message_id.clone(),
            details: entry.details.clone(),
            about: match &entry.subject {
                Some(subject) => About::Subject(Box::new(subject.clone())),
                None => About::NoPatient,
            },
            subject_name: None,
        }
    }
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
    /// A patient. The content is in the trail, and is not passed on
    /// ([`Forwarding`](crate::audit::Forwarding)).
    Withheld,
}

impl About {
    /// The subject, when there is one that is not forgotten.
    #[must_use]
    pub fn subject(&self) -> Option<&Subject> {
        match self {
            Self::Subject(subject) => Some(subject),
            Self::NoPatient | Self::Forgotten | Self::Withheld => None,
        }
    }

    const fn as_str(&self) -> &'static str {
        match self {
            Self::NoPatient => "no_patient",
            Self::Subject(_) | Self::Withheld => "patient",
            Self::Forgotten => "forgotten",
        }
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Event({} {})", self.seq, self.kind)
    }
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let actor = &self.actor;
        let form = EventForm {
            seq: self.seq,
            at: self.at.to_rfc3339_opts(SecondsFormat::AutoSi, true),
            kind: self.kind.as_str(),
            actor: ActorForm {
                user_id: actor.user_id(),
                name: actor.name(),
                role: actor.role(),
                organisation: actor.organisation().map(OdsCode::as_str),
                authority: actor.authority(),
                device: actor.device(),
            },
            message_id: self.message_id.as_deref(),
            details: &self.details,
            about: self.about.as_str(),
            subject_name: self.subject_name.map(|name| name.to_string()),
        };
        form.serialize(serializer)
    }
}

/// The serde form of an event. The keys are read by other programs and never change.
#[derive(Serialize)]
struct EventForm<'a> {
    seq: u64,
    at: String,
    kind: &'static str,
    actor: ActorForm<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    details: &'a [(String, String)],
    about: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject_name: Option<String>,
}

#[derive(Serialize)]
struct ActorForm<'a> {
    user_id: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    organisation: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authority: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<&'a str>,
}
