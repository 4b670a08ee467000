use crate::audit::error::{Error, ErrorKind};
use crate::audit::event::Event;
use crate::audit::filter::Filter;
use crate::audit::kind::EventKind;
use crate::audit::log::AuditLog;
use crate::case::{Case, CaseId};
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;

/// How many events are in memory at once.
const PAGE: usize = 200;

/// The case as it was `at` a time, rebuilt from the trail (MSCA-AUD-02). `None` when no event
/// contains it, or when it did not exist yet.
///
/// A `case_changed` event is appended *before* its case is saved, so it records an intent. A crash
/// or a conflict may have prevented the save. `current_version` is the version that the case's
/// store has now: later versions in the trail were never saved. Of several events for one version,
/// all but the last were attempts. If two writers may save one case at the same time, the writer
/// that gets a conflict must append the case as it is stored. Otherwise its own failed attempt may
/// be the last event.
///
/// The caller must audit that the case was viewed.
///
/// # Errors
///
/// Those of [`AuditLog::page`]. Also [`Corrupt`](ErrorKind::Corrupt) when a change of the case
/// cannot be read, because the result might then be an earlier state of the case than requested.
pub async fn case_as_of(
    log: &dyn AuditLog,
    case: &CaseId,
    current_version: u64,
    at: DateTime<Utc>,
) -> Result<Option<Case>, Error> {
    let filter = Filter::new().with_case(case.clone()).with_kind(EventKind::CaseChanged);
    let mut history = History::default();
    let mut after = 0;
    loop {
        let page = log.page(&filter, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.seq;
        page.iter().for_each(|event| history.add(event));
    }
    if !log.unreadable(&filter).await?.is_empty() {
        return Err(Error::new(ErrorKind::Corrupt));
    }
    Ok(history.version_at(current_version, at))
}

/// The case as this `version` of it was saved. `None` when no event contains it.
///
/// # Errors
///
/// Those of [`AuditLog::page`].
pub(crate) async fn case_of_version(
    log: &dyn AuditLog,
    case: &CaseId,
    version: u64,
) -> Result<Option<Case>, Error> {
    let filter = Filter::new().with_case(case.clone()).with_kind(EventKind::CaseChanged);
    let mut history = History::default();
    let mut after = 0;
    loop {
        let page = log.page(&filter, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.seq;
        page.iter().for_each(|event| history.add(event));
    }
    Ok(history.0.remove(&version).map(|(_, case)| case))
}

/// The changes of a case, by version.
#[derive(Default)]
struct History(BTreeMap<u64, (DateTime<Utc>, Case)>);

impl History {
    /// Adds the next event about the case.
    fn add(&mut self, event: &Event) {
        if let Some(case) = event.about.subject().and_then(|subject| subject.case()) {
            self.0.insert(case.version, (event.at, case.clone()));
        }
    }

    fn version_at(self, current_version: u64, at: DateTime<Utc>) -> Option<Case> {
        let happened = self.0.into_iter().take_while(|(version, _)| *version <= current_version);
        happened.filter(|(_, (then, _))| *then <= at).last().map(|(_, (_, case))| case)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::actor::Actor;
    use crate::audit::entry::Subject;
    use crate::audit::event::About;
    use crate::case::RecordType;
    use crate::trace::{Caller, LocalIdentity};

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    /// A history of changes: version, time, surname.
    fn history(changes: &[(u64, i64, &str)]) -> History {
        let us = LocalIdentity::new("RHM".parse().unwrap(), "us").unwrap();
        let mut history = History::default();
        for (seq, (version, second, surname)) in changes.iter().enumerate() {
            let mut case = Case::new("1".parse().unwrap(), RecordType::Review);
            case.surname = Some((*surname).to_owned());
            case.version = *version;
            history.add(&Event {
                seq: seq as u64 + 1,
                kind: EventKind::CaseChanged,
                at: at(*second),
                actor: Actor::new(&Caller::System(us.clone()), "us"),
                message_id: None,
                details: Vec::new(),
                about: About::Subject(Box::new(Subject::snapshot(&case))),
                subject_name: None,
            });
        }
        history
    }

    fn surname(changes: &[(u64, i64, &str)], current: u64, second: i64) -> Option<String> {
        history(changes).version_at(current, at(second)).map(|case| case.surname.unwrap())
    }

    #[test]
    fn the_latest_version_at_the_time_is_returned() {
        let changes = [(1, 10, "a"), (2, 20, "b"), (3, 30, "c")];
        for (second, expected) in
            [(9, None), (10, Some("a")), (19, Some("a")), (20, Some("b")), (99, Some("c"))]
        {
            assert_eq!(surname(&changes, 3, second).as_deref(), expected, "{second}");
        }
        assert_eq!(surname(&[], 3, 9), None);
    }

    #[test]
    fn changes_that_were_not_saved_are_ignored() {
        let changes = [(1, 10, "a"), (2, 20, "b"), (3, 30, "never")];
        assert_eq!(surname(&changes, 2, 99).as_deref(), Some("b"));
        assert_eq!(surname(&changes, 0, 99), None);
    }

    #[test]
    fn the_last_attempt_at_a_version_counts() {
        let changes = [(1, 10, "a"), (2, 20, "lost"), (2, 40, "b"), (3, 50, "c")];
        assert_eq!(surname(&changes, 3, 45).as_deref(), Some("b"));
        assert_eq!(surname(&changes, 3, 25).as_deref(), Some("a"), "the first attempt failed");
        assert_eq!(surname(&changes, 2, 99).as_deref(), Some("b"));
    }

    #[test]
    fn a_clock_that_goes_back_does_not_change_the_order_of_versions() {
        let changes = [(1, 30, "a"), (2, 20, "b")];
        assert_eq!(surname(&changes, 2, 25).as_deref(), Some("b"));
        assert_eq!(surname(&changes, 2, 35).as_deref(), Some("b"));
    }
}
