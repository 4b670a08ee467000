//! The suite's own values.

use crate::audit::actor::Actor;
use crate::audit::conformance::breach::Breach;
use crate::audit::entry::{Entry, Subject};
use crate::audit::kind::EventKind;
use crate::case::{Case, CaseId, NumberSource, RecordType, RecordedNumber};
use crate::nhs_number::NhsNumber;
use crate::trace::{Caller, LocalIdentity};
use chrono::{DateTime, TimeDelta, Utc};

/// Never issued to a person.
pub(super) const NUMBER: NhsNumber = NhsNumber::constant(9_434_765_919);
pub(super) const OTHER_NUMBER: NhsNumber = NhsNumber::constant(9_449_304_424);

pub(super) const OWN: &str = "the suite's own values are good";

pub(super) fn case_id(id: &str) -> Result<CaseId, Breach> {
    id.parse().map_err(|_| Breach { clause: OWN, source: None })
}

pub(super) fn user(id: &str) -> Result<Actor, Breach> {
    let own = |_| Breach { clause: OWN, source: None };
    let ods = "RHM".parse().map_err(|_| Breach { clause: OWN, source: None })?;
    Ok(Actor::new(&Caller::System(LocalIdentity::new(ods, id).map_err(own)?), "A \"b\"\u{0}\n李"))
}

pub(super) fn minute(minutes: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes)
}

pub(super) fn entry(kind: EventKind, minutes: i64) -> Result<Entry, Breach> {
    Ok(Entry::new(kind, minute(minutes), &user("u1")?))
}

/// An entry in which every field is used.
pub(super) fn full_entry() -> Result<Entry, Breach> {
    let mut case = Case::new(case_id("full")?, RecordType::Other("o'\"".into()));
    case.surname = Some("O'Brien-李\u{0}".into());
    case.nhs_number = Some(RecordedNumber::new(NUMBER, NumberSource::Imported(None)));
    case.version = 7;
    let ods = "RHM".parse().map_err(|_| Breach { clause: OWN, source: None })?;
    let actor = user("u2")?.with_role("Duty; worker", ods).authorised_by("boss").on_device("");
    let at = DateTime::from_timestamp_nanos(-1_764_000_000_123_456_789);
    Ok(Entry::new(EventKind::CaseChanged, at, &actor)
        .with_message_id(" urn:uuid:ab-1 ")
        .with_detail("b", "2")
        .with_detail("a", "")
        .with_detail("b", "\"\u{1}")
        .about(
            Subject::snapshot(&case)
                .with_number(OTHER_NUMBER)
                .with_personal("y", "\\")
                .with_personal("x", ""),
        ))
}
