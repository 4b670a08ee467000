use crate::audit::actor::Actor;
use crate::audit::kind::EventKind;
use crate::audit::owner::OwnerRef;
use crate::case::{Case, CaseId};
use crate::demographics::redacted_debug;
use crate::nhs_number::NhsNumber;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// An entry to append to an audit trail: something that happened, or is about to happen.
///
/// ```
/// use chrono::DateTime;
/// use nhs_pds::audit::{Actor, Entry, EventKind, Subject};
/// use nhs_pds::trace::{Caller, LocalIdentity};
///
/// let us = Caller::System(LocalIdentity::new("RHM".parse()?, "get-nhs-number")?);
/// let worker = Actor::new(&us, "Get NHS Number");
/// let entry = Entry::new(EventKind::MessageSent, DateTime::UNIX_EPOCH, &worker)
///     .with_message_id("urn:uuid:1d9c4ac8-6a5a-4a43-9d3c-4d9f0c6b8f7e")
///     .with_detail("operation", "getPatientDetails")
///     .about(Subject::new("RHM:00001".parse()?));
/// assert_eq!(format!("{entry:?}"), "Entry(redacted)");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Eq, PartialEq)]
pub struct Entry {
    pub(super) kind: EventKind,
    pub(super) at: DateTime<Utc>,
    pub(super) actor: Actor,
    pub(super) message_id: Option<String>,
    pub(super) details: Vec<(String, String)>,
    pub(super) subject: Option<Subject>,
}

impl Entry {
    /// Creates the entry that `actor` did something `at` a time, which is stored to the
    /// microsecond.
    #[must_use]
    pub fn new(kind: EventKind, at: DateTime<Utc>, actor: &Actor) -> Self {
        Self {
            kind,
            at: DateTime::from_timestamp_micros(at.timestamp_micros()).unwrap_or(at),
            actor: actor.clone(),
            message_id: None,
            details: Vec::new(),
            subject: None,
        }
    }

    /// Returns this entry with the identifier of the message. It is stored in upper case, without
    /// white space around it and without `urn:uuid:` or `uuid:`, so that the spellings of both ends
    /// are equal.
    #[must_use]
    pub fn with_message_id(mut self, id: impl AsRef<str>) -> Self {
        self.message_id = Some(bare_message_id(id.as_ref()));
        self
    }

    /// Returns this entry with one more fact: a code, an outcome, the name of a decision.
    ///
    /// Details are not encrypted and are never erased: they must not contain patient data.
    #[must_use]
    pub fn with_detail(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.details.push((key.into(), value.into()));
        self
    }

    /// Returns this entry, about `subject`. The content of `subject` is encrypted.
    #[must_use]
    pub fn about(mut self, subject: Subject) -> Self {
        self.subject = Some(subject);
        self
    }

    /// What happened.
    #[must_use]
    pub const fn kind(&self) -> EventKind {
        self.kind
    }

    /// The time, to the microsecond.
    #[must_use]
    pub const fn at(&self) -> DateTime<Utc> {
        self.at
    }

    /// The actor.
    #[must_use]
    pub const fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The message's identifier: upper case, without `urn:uuid:`.
    #[must_use]
    pub fn message_id(&self) -> Option<&str> {
        self.message_id.as_deref()
    }

    /// Facts that are not personal, in the order in which they were added.
    #[must_use]
    pub fn details(&self) -> &[(String, String)] {
        &self.details
    }

    /// The patient that the entry is about, if it is about one.
    #[must_use]
    pub const fn subject(&self) -> Option<&Subject> {
        self.subject.as_ref()
    }
}

/// A message identifier in the form that is stored and compared.
pub(super) fn bare_message_id(id: &str) -> String {
    let id = id.trim().to_uppercase();
    let bare = id.strip_prefix("URN:UUID:").or_else(|| id.strip_prefix("UUID:"));
    bare.unwrap_or(&id).to_owned()
}

/// The case or person that an event is about, with the personal data. It is stored encrypted, and
/// can be erased (MSCA-DQ-02).
///
/// ```
/// use nhs_pds::audit::Subject;
/// use nhs_pds::case::{Case, RecordType};
///
/// let case = Case::new("RHM:00001".parse()?, RecordType::Review);
/// let subject = Subject::snapshot(&case).with_personal("surname_found", "Aindow");
/// assert_eq!(subject.case_id(), Some(&case.id));
/// assert!(subject.case() == Some(&case));
/// # Ok::<(), nhs_pds::text::ValueError>(())
/// ```
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
pub struct Subject {
    // The serde form is the encrypted content: names and shapes must never change. The same applies
    // to `Case`.
    #[serde(default, rename = "case", skip_serializing_if = "Option::is_none")]
    case_id: Option<CaseId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    numbers: Vec<NhsNumber>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    personal: Vec<(String, String)>,
    #[serde(default, rename = "snapshot", skip_serializing_if = "Option::is_none")]
    case: Option<Box<Case>>,
}

impl Subject {
    /// The subject for the case `case_id`.
    #[must_use]
    pub const fn new(case_id: CaseId) -> Self {
        Self { case_id: Some(case_id), numbers: Vec::new(), personal: Vec::new(), case: None }
    }

    /// A person without a known case, for example one searched for by number on a screen.
    #[must_use]
    pub fn person(number: NhsNumber) -> Self {
        Self { case_id: None, numbers: vec![number], personal: Vec::new(), case: None }
    }

    /// The subject for `case`, with its id and its NHS Number.
    #[must_use]
    pub fn of(case: &Case) -> Self {
        let subject = Self::new(case.id.clone());
        match &case.nhs_number {
            Some(recorded) => subject.with_number(recorded.number),
            None => subject,
        }
    }

    /// The subject for `case`, with all of its data after the event, so that it can be rebuilt
    /// (MSCA-AUD-02).
    ///
    /// The version must be the version that the case's store will assign in the save.
    #[must_use]
    pub fn snapshot(case: &Case) -> Self {
        Self { case: Some(Box::new(case.clone())), ..Self::of(case) }
    }

    /// Returns this subject with one more NHS Number that the event is about.
    #[must_use]
    pub fn with_number(mut self, number: NhsNumber) -> Self {
        if !self.numbers.contains(&number) {
            self.numbers.push(number);
        }
        self
    }

    /// Returns this subject with one more personal fact.
    #[must_use]
    pub fn with_personal(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.personal.push((key.into(), value.into()));
        self
    }

    /// The id of the case, when a case is known.
    #[must_use]
    pub const fn case_id(&self) -> Option<&CaseId> {
        self.case_id.as_ref()
    }

    /// The NHS Numbers that the event is about.
    #[must_use]
    pub fn numbers(&self) -> &[NhsNumber] {
        &self.numbers
    }

    /// Personal facts, in the order in which they were added.
    #[must_use]
    pub fn personal(&self) -> &[(String, String)] {
        &self.personal
    }

    /// The case as it was after the event, when the event contains it.
    #[must_use]
    pub fn case(&self) -> Option<&Case> {
        self.case.as_deref()
    }

    /// The owner of this subject's content; `None` for a value that no constructor creates.
    pub(super) fn owner(&self) -> Option<OwnerRef<'_>> {
        match &self.case_id {
            Some(case_id) => Some(OwnerRef::Case(case_id)),
            None => self.numbers.first().copied().map(OwnerRef::Person),
        }
    }
}

redacted_debug!(Entry, Subject);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_a_message_id_are_equal() {
        let bare = "1D9C4AC8-6A5A-4A43-9D3C-4D9F0C6B8F7E";
        for id in [
            bare,
            " 1d9c4ac8-6a5a-4a43-9d3c-4d9f0c6b8f7e\n",
            "uuid:1d9c4ac8-6a5a-4a43-9d3c-4d9f0c6b8f7e",
            "URN:uuid:1d9c4ac8-6a5a-4a43-9d3c-4d9f0c6b8f7e",
        ] {
            assert_eq!(bare_message_id(id), bare);
        }
    }
}
