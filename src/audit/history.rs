use crate::audit::{AuditLog, Error, ErrorKind, Event, EventKind, Filter};
use crate::case::{Case, CaseId};
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;

/// How many events are in memory at once.
const PAGE: usize = 200;

/// The case as it was `at` a time, rebuilt from the trail (MSCA-AUD-02); `None` when no event
/// tells, or when it was not there yet.
///
/// A `case_changed` event is appended *before* its case is saved, so it is an intent, which a crash
/// or a conflict may have kept from being carried out. `current_version` is the version that the
/// case's store has now: what would have brought a later one never happened. Of several events for
/// one version, all but the last were attempts. Where two writers may save one case at a time, let
/// the one who is told of a conflict append the case as it is stored: else its own attempt may
/// stand last.
///
/// It is for the caller to audit that the case was viewed.
///
/// # Errors
///
/// Those of [`AuditLog::page`]; [`Corrupt`](ErrorKind::Corrupt) also when a change of the case cannot
/// be read, because an earlier state of it might then be taken for a later one.
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

/// What became of a case, version by version.
#[derive(Default)]
struct History(BTreeMap<u64, (DateTime<Utc>, Case)>);

impl History {
    /// Takes in the next event about the case.
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
    use crate::audit::{About, Actor, Subject};
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
            });
        }
        history
    }

    fn surname(changes: &[(u64, i64, &str)], current: u64, second: i64) -> Option<String> {
        history(changes).version_at(current, at(second)).map(|case| case.surname.unwrap())
    }

    #[test]
    fn the_greatest_version_until_then() {
        let changes = [(1, 10, "a"), (2, 20, "b"), (3, 30, "c")];
        for (second, expected) in
            [(9, None), (10, Some("a")), (19, Some("a")), (20, Some("b")), (99, Some("c"))]
        {
            assert_eq!(surname(&changes, 3, second).as_deref(), expected, "{second}");
        }
        assert_eq!(surname(&[], 3, 9), None);
    }

    #[test]
    fn what_was_never_saved_never_was() {
        let changes = [(1, 10, "a"), (2, 20, "b"), (3, 30, "never")];
        assert_eq!(surname(&changes, 2, 99).as_deref(), Some("b"));
        assert_eq!(surname(&changes, 0, 99), None);
    }

    #[test]
    fn of_attempts_at_one_version_the_last_counts() {
        let changes = [(1, 10, "a"), (2, 20, "lost"), (2, 40, "b"), (3, 50, "c")];
        assert_eq!(surname(&changes, 3, 45).as_deref(), Some("b"));
        assert_eq!(surname(&changes, 3, 25).as_deref(), Some("a"), "the first attempt failed");
        assert_eq!(surname(&changes, 2, 99).as_deref(), Some("b"));
    }

    #[test]
    fn a_clock_that_went_back_does_not_turn_versions_round() {
        let changes = [(1, 30, "a"), (2, 20, "b")];
        assert_eq!(surname(&changes, 2, 25).as_deref(), Some("b"));
        assert_eq!(surname(&changes, 2, 35).as_deref(), Some("b"));
    }
}
