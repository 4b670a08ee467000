//! What calls have done, as the database says.

use crate::calls::{End, Ended};
use crate::world::{Who, World};
use nhs_pds::audit::{Entry, Event, EventKind, Subject};
use nhs_pds::case::{Alert, Case, CaseId, Change};
use nhs_pds::process::store::Commit;
use std::collections::{BTreeMap, BTreeSet};

/// What a call would write.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) who: Who,
    /// What it records whether or not its changes are saved.
    recorded: BTreeSet<String>,
    /// What it records with its changes.
    saves: BTreeSet<String>,
    cases: BTreeSet<CaseId>,
}

/// Two entries with equal names are about the same.
fn name(kind: EventKind, message: Option<&str>, subject: Option<&Subject>) -> String {
    let case = subject.and_then(Subject::case_id).map_or("", CaseId::as_str);
    let version = subject.and_then(Subject::case).map_or(0, |case| case.version);
    format!("{kind} {case}.{version} {}", message.unwrap_or_default())
}

fn of_entry(entry: &Entry) -> String {
    name(entry.kind(), entry.message_id(), entry.subject())
}

fn of_event(event: &Event) -> String {
    name(event.kind, event.message_id.as_deref(), event.about.subject())
}

impl Written {
    pub(crate) fn by_commit(who: &Who, commit: &Commit) -> Self {
        let sets = commit.sets.iter().map(|set| &set.entry);
        let saves = commit.saves.iter().map(|save| &save.entry).chain(sets);
        let changed = commit.saves.iter().map(|save| &save.change.case);
        let delivered = commit.deliveries.iter().map(|(case, _)| case);
        Self {
            who: who.clone(),
            recorded: commit.recorded.iter().map(of_entry).collect(),
            saves: saves.map(of_entry).collect(),
            cases: changed.chain(delivered).map(|case| case.id.clone()).collect(),
        }
    }

    pub(crate) fn by_append(who: &Who, entries: &[Entry]) -> Self {
        let recorded = entries.iter().map(of_entry).collect();
        Self { who: who.clone(), recorded, saves: BTreeSet::new(), cases: BTreeSet::new() }
    }

    pub(crate) fn by_save<'a>(who: &Who, cases: impl IntoIterator<Item = &'a CaseId>) -> Self {
        let cases = cases.into_iter().cloned().collect();
        Self { who: who.clone(), recorded: BTreeSet::new(), saves: BTreeSet::new(), cases }
    }

    /// How well an event fits, if it does: lower is better.
    fn fit(&self, event: &Event, end: End) -> Option<u8> {
        let name = of_event(event);
        let about = event.about.subject().and_then(Subject::case_id);
        match end {
            End::Done if self.saves.contains(&name) => Some(0),
            End::Failed if self.saves.contains(&name) => Some(1),
            _ if self.recorded.contains(&name) => Some(2),
            End::Done if about.is_some_and(|case| self.cases.contains(case)) => Some(3),
            End::Failed if about.is_some_and(|case| self.cases.contains(case)) => Some(4),
            // Only the delivery of a stored alert is done when changes are refused.
            End::Refused if about.is_some_and(|case| self.cases.contains(case)) => Some(5),
            _ => None,
        }
    }
}

/// What has become of the database.
pub(crate) struct Effects {
    pub(crate) events: Vec<Event>,
    pub(crate) alerts: Vec<Alert>,
    /// All cases as they are.
    pub(crate) cases: Vec<Case>,
}

impl Effects {
    /// Notes what `calls` have done.
    pub(crate) fn note(&self, world: &World, calls: &[(Written, Ended)]) {
        let ends: Vec<(&Written, End)> =
            calls.iter().map(|(written, ended)| (written, ended.get())).collect();
        let mut by: Vec<usize> = Vec::new();
        for event in &self.events {
            let fits = ends.iter().enumerate();
            let fits = fits.filter_map(|(at, (call, end))| Some((call.fit(event, *end)?, at)));
            let Some((_, at)) = fits.min() else {
                return world.fail(format!("no call has recorded {}", of_event(event)));
            };
            by.push(at);
        }
        for (event, at) in self.events.iter().zip(&by) {
            let who = &ends[*at].0.who;
            world.event(who, format_args!("has recorded {}", of_event(event)));
            let what = (event.kind, event.message_id.clone());
            world.ledger(|ledger| ledger.appended(who, what, event.about.subject()));
        }
        for Alert { id, case_id, .. } in &self.alerts {
            world.ledger(|ledger| ledger.delivered(id, case_id.as_ref()));
        }
        let mut together: Vec<Change> = Vec::new();
        for (place, (event, at)) in self.events.iter().zip(&by).enumerate() {
            let call = ends[*at].0;
            let snapshot = event.about.subject().and_then(Subject::case);
            if let Some(case) = snapshot.filter(|_| event.kind == EventKind::CaseChanged) {
                let mut before = case.clone();
                before.version -= 1;
                together.push(Change::new(before));
            }
            let is_change = call.saves.contains(&of_event(event));
            let next = self.events.get(place + 1).map(of_event);
            let goes_on = is_change
                && by.get(place + 1) == Some(at)
                && next.is_some_and(|next| call.saves.contains(&next));
            if !goes_on {
                saved(world, &call.who, std::mem::take(&mut together));
            }
        }
        self.note_the_rest(world, &ends);
    }

    /// Cases that were changed without an event: their data were erased.
    fn note_the_rest(&self, world: &World, ends: &[(&Written, End)]) {
        let known = world.ledger(|ledger| {
            let versions = ledger.stored.iter().map(|(id, case)| (id.clone(), case.version));
            Ok(versions.collect::<BTreeMap<_, _>>())
        });
        let known = known.unwrap_or_default();
        for case in &self.cases {
            if known.get(&case.id) == Some(&case.version) {
                continue;
            }
            let by = ends.iter().find(|(call, _)| call.cases.contains(&case.id));
            let Some((call, _)) = by else {
                return world.fail(format!("{}: no call has changed it", case.id));
            };
            let mut before = case.clone();
            before.version -= 1;
            saved(world, &call.who, vec![Change::new(before)]);
        }
    }
}

fn saved(world: &World, who: &Who, changes: Vec<Change>) {
    if changes.is_empty() {
        return;
    }
    world.ledger(|ledger| {
        let before = ledger.before(&changes);
        ledger.saved(who, &changes)?;
        ledger.check_sole_holder(who, &before)
    });
}
