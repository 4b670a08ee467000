use crate::audit::{Actor, EventKind};
use crate::case::{Case, CaseId};
use crate::demographics::redacted_debug;
use crate::nhs_number::NhsNumber;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What is to be appended to an audit trail: something that happened, or is about to.
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
    /// What `actor` did `at` a time, which is kept to the microsecond.
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

    /// The same entry, with the identifier of the message. It is kept in upper case, without white
    /// space around it and without `urn:uuid:` or `uuid:`, so that both ends' spellings are one.
    #[must_use]
    pub fn with_message_id(mut self, id: impl AsRef<str>) -> Self {
        self.message_id = Some(bare_message_id(id.as_ref()));
        self
    }

    /// The same entry, with one more fact: a code, an outcome, the name of a decision.
    ///
    /// Details stand in the clear and are never erased: nothing of a patient may be in them.
    #[must_use]
    pub fn with_detail(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.details.push((key.into(), value.into()));
        self
    }

    /// The same entry, about `subject`. What is in it is sealed.
    #[must_use]
    pub fn about(mut self, subject: Subject) -> Self {
        self.subject = Some(subject);
        self
    }
}

/// A message identifier as it is kept and compared.
pub(super) fn bare_message_id(id: &str) -> String {
    let id = id.trim().to_uppercase();
    let bare = id.strip_prefix("URN:UUID:").or_else(|| id.strip_prefix("UUID:"));
    bare.unwrap_or(&id).to_owned()
}

/// Whom an event is about, and what of it is personal; kept sealed, and erasable (MSCA-DQ-02).
///
/// ```
/// use nhs_pds::audit::Subject;
/// use nhs_pds::case::{Case, RecordType};
///
/// let case = Case::new("RHM:00001".parse()?, RecordType::Review);
/// let subject = Subject::snapshot(&case).with_personal("surname_found", "Aindow");
/// assert_eq!(subject.case_id(), Some(&case.id));
/// assert!(subject.case() == Some(&case));
/// # Ok::<(), nhs_pds::case::CaseIdError>(())
/// ```
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
pub struct Subject {
    // The serde form is what is sealed: names and shapes are for ever, as are those of `Case`.
    #[serde(default, rename = "case", skip_serializing_if = "Option::is_none")]
    case_id: Option<CaseId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    numbers: Vec<NhsNumber>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    personal: Vec<(String, String)>,
    #[serde(default, rename = "snapshot", skip_serializing_if = "Option::is_none")]
    case: Option<Box<Case>>,
}

/// By whom subjects are told apart.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(super) enum Whose {
    Case(CaseId),
    Person(NhsNumber),
}

impl Subject {
    /// The case `case_id`.
    #[must_use]
    pub const fn new(case_id: CaseId) -> Self {
        Self { case_id: Some(case_id), numbers: Vec::new(), personal: Vec::new(), case: None }
    }

    /// A person of whom no case is known, such as one who is searched for by number at a screen.
    #[must_use]
    pub fn person(number: NhsNumber) -> Self {
        Self { case_id: None, numbers: vec![number], personal: Vec::new(), case: None }
    }

    /// `case`, by its id and the number that it holds.
    #[must_use]
    pub fn of(case: &Case) -> Self {
        let subject = Self::new(case.id.clone());
        match &case.nhs_number {
            Some(held) => subject.with_number(held.number),
            None => subject,
        }
    }

    /// `case`, and all of it as it is after the event, so that it can be rebuilt (MSCA-AUD-02).
    ///
    /// The version must be the one that the case's store will give: that after the save.
    #[must_use]
    pub fn snapshot(case: &Case) -> Self {
        Self { case: Some(Box::new(case.clone())), ..Self::of(case) }
    }

    /// The same subject, with one more NHS Number that the event is about.
    #[must_use]
    pub fn with_number(mut self, number: NhsNumber) -> Self {
        if !self.numbers.contains(&number) {
            self.numbers.push(number);
        }
        self
    }

    /// The same subject, with one more fact that is personal.
    #[must_use]
    pub fn with_personal(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.personal.push((key.into(), value.into()));
        self
    }

    /// The case, unless no case is known.
    #[must_use]
    pub const fn case_id(&self) -> Option<&CaseId> {
        self.case_id.as_ref()
    }

    /// The NHS Numbers that the event is about.
    #[must_use]
    pub fn numbers(&self) -> &[NhsNumber] {
        &self.numbers
    }

    /// Personal facts, as they were added.
    #[must_use]
    pub fn personal(&self) -> &[(String, String)] {
        &self.personal
    }

    /// The case as it was after the event, when the event says.
    #[must_use]
    pub fn case(&self) -> Option<&Case> {
        self.case.as_deref()
    }

    /// By whom this subject is told from others; `None` for what no constructor makes.
    pub(super) fn whose(&self) -> Option<Whose> {
        match &self.case_id {
            Some(case_id) => Some(Whose::Case(case_id.clone())),
            None => self.numbers.first().copied().map(Whose::Person),
        }
    }
}

redacted_debug!(Entry, Subject, Whose);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_a_message_id_are_one() {
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
