//! What has happened, and what must never happen. Each entry is checked when it is made.

use crate::world::{Role, Who};
use chrono::{DateTime, TimeDelta, Utc};
use nhs_pds::audit::{EventKind, Subject};
use nhs_pds::case::{
    Case, CaseId, Change, ErrorKind, Lease, NumberSource, TraceRecord, TraceState,
};
use nhs_pds::clock::Clock;
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::process::Policy;
use nhs_pds::trace::MessageId;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub(crate) type Checked = Result<(), String>;

/// A case in the trail, and the process that recorded it.
pub(crate) type Recorded = (Case, Arc<str>);

/// How much older than the store's state a claim's time may be, by the contract of a store.
const WAITED: TimeDelta = TimeDelta::seconds(1);

/// What a trace leaves on a case.
pub(crate) fn traced(case: &Case) -> (TraceState, Option<TraceRecord>) {
    (case.asking.clone(), case.last_trace.clone())
}

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// The cases as they are stored.
    pub(crate) stored: BTreeMap<CaseId, Case>,
    /// Each record of a case in the trail, by version, and of which process.
    pub(crate) records: BTreeMap<(CaseId, u64), Vec<Recorded>>,
    /// The messages that the trail says are sent, and received with these numbers.
    pub(crate) sent: BTreeMap<String, CaseId>,
    pub(crate) received: BTreeMap<String, Vec<NhsNumber>>,
    /// What the service was asked and has said.
    answers: BTreeMap<String, Given>,
    pub(crate) leases: BTreeMap<CaseId, (String, DateTime<Utc>)>,
    pub(crate) passes: BTreeMap<Arc<str>, Pass>,
    /// Alerts that a stored case has or had, and those that have arrived.
    pub(crate) alerts: BTreeSet<String>,
    pub(crate) arrived: BTreeSet<String>,
    /// Cases about which the trail says that an alert was sent.
    pub(crate) announced: BTreeSet<CaseId>,
    pub(crate) erased: BTreeSet<CaseId>,
    /// Those whose data are gone.
    pub(crate) blank: BTreeSet<CaseId>,
    /// Leases that were taken over after they had expired.
    pub(crate) lost: BTreeSet<(String, CaseId)>,
}

/// What the service said to a message.
#[derive(Clone, Debug)]
struct Given {
    pub(crate) case: CaseId,
    pub(crate) number: Option<NhsNumber>,
    pub(crate) is_stranger: bool,
}

/// What one process has done.
#[derive(Debug, Default)]
pub(crate) struct Pass {
    pub(crate) owner: Option<String>,
    pub(crate) policy: Policy,
    pub(crate) in_progress: BTreeMap<CaseId, u64>,
    /// The cases as they were claimed, and when.
    pub(crate) claimed: BTreeMap<CaseId, (Case, DateTime<Utc>)>,
    pub(crate) sent: BTreeMap<String, CaseId>,
    /// When the last question about a case ended, by the clock of the process.
    pub(crate) ended: BTreeMap<CaseId, DateTime<Utc>>,
    pub(crate) asked: BTreeSet<CaseId>,
    pub(crate) answered: BTreeSet<CaseId>,
    /// The state of cases whose answer is saved, and not yet reported.
    pub(crate) settled: BTreeMap<CaseId, (TraceState, Option<TraceRecord>)>,
    /// Cases whose last decision needs a question at once.
    pub(crate) unfinished: BTreeSet<CaseId>,
    /// Refused saves: over this version, while these cases had the number.
    pub(crate) refused: BTreeMap<(CaseId, u64, Vec<CaseId>), u32>,
    pub(crate) times: Vec<DateTime<Utc>>,
    pub(crate) faults: bool,
    pub(crate) dead: bool,
    pub(crate) over: bool,
}

impl Ledger {
    pub(crate) fn pass(&mut self, who: &Who) -> &mut Pass {
        self.passes.entry(Arc::clone(&who.name)).or_default()
    }

    pub(crate) fn begins(&mut self, who: &Who, policy: &Policy) {
        self.pass(who).policy = policy.clone();
    }

    /// A call of `who` has failed.
    pub(crate) fn fault(&mut self, who: &Who) {
        self.pass(who).faults = true;
    }

    pub(crate) fn died(&mut self, who: &Who) {
        self.pass(who).dead = true;
    }

    pub(crate) fn holders(&self, number: NhsNumber, beside: &CaseId) -> Vec<CaseId> {
        let holds = |case: &&Case| case.id != *beside && case.live_number() == Some(number);
        self.stored.values().filter(holds).map(|case| case.id.clone()).collect()
    }

    /// One entry is in the trail: its kind, its message, and what it is about.
    pub(crate) fn appended(
        &mut self,
        who: &Who,
        (kind, message): (EventKind, Option<String>),
        subject: Option<&Subject>,
    ) -> Checked {
        let case = subject.and_then(|subject| subject.case_id()).cloned();
        match (kind, message, case) {
            (EventKind::MessageSent, Some(id), Some(case)) => {
                self.sent.insert(id.clone(), case.clone());
                self.pass(who).sent.insert(id, case);
            }
            (EventKind::MessageReceived, Some(id), Some(case)) => {
                if self.sent.get(&id) != Some(&case) {
                    return Err(format!("{case}: a response is on record before its message"));
                }
                let numbers = subject.map(|subject| subject.numbers().to_vec());
                self.received.insert(id, numbers.unwrap_or_default());
            }
            (EventKind::CaseChanged, _, Some(case)) => {
                if let Some(then) = subject.and_then(|subject| subject.case()) {
                    let records = self.records.entry((case, then.version)).or_default();
                    records.push((then.clone(), Arc::clone(&who.name)));
                }
            }
            (EventKind::AlertSent, _, Some(case)) => {
                self.announced.insert(case);
            }
            (EventKind::CaseErased, _, Some(case)) => {
                self.erased.insert(case);
            }
            _ => {}
        }
        Ok(())
    }

    /// In a `punctual` world, all clocks agree and no call takes long: a worker loses no lease.
    pub(crate) fn claimed(
        &mut self,
        who: &Who,
        lease: &Lease,
        cases: &[Case],
        punctual: bool,
    ) -> Checked {
        let latest = lease.now + WAITED + Lease::LONGEST;
        for case in cases {
            if let Some((owner, until)) =
                self.leases.get(&case.id).filter(|has| has.0 != lease.owner)
            {
                if lease.now < *until && *until <= latest {
                    return Err(format!("{}: leased to two owners at once", case.id));
                }
                let mut living = self.passes.values().filter(|pass| !pass.dead && !pass.over);
                if punctual && living.any(|pass| pass.owner.as_ref() == Some(owner)) {
                    return Err(format!("{}: the lease of a living worker ended", case.id));
                }
                self.lost.insert((owner.clone(), case.id.clone()));
            }
            self.pass(who).claimed.insert(case.id.clone(), (case.clone(), lease.now));
            self.leases.insert(case.id.clone(), (lease.owner.clone(), lease.until));
        }
        self.pass(who).owner = Some(lease.owner.clone());
        Ok(())
    }

    pub(crate) fn renewed(&mut self, lease: &Lease) {
        for (owner, until) in self.leases.values_mut() {
            if *owner == lease.owner {
                *until = lease.until;
            }
        }
    }

    pub(crate) fn released(&mut self, owner: &str, ids: &[CaseId]) {
        self.leases.retain(|id, (has, _)| has != owner || !ids.contains(id));
    }

    pub(crate) fn saved(&mut self, who: &Who, changes: &[Change]) -> Checked {
        for Change { case, .. } in changes {
            let mut new = case.clone();
            new.version += 1;
            let id = new.id.clone();
            let old = self.stored.insert(id.clone(), new.clone());
            if old.as_ref().map_or(0, |old| old.version) + 1 != new.version {
                return Err(format!("{id}: saved over another version than was read"));
            }
            if self.erased.contains(&id) {
                // Until its data are gone, a worker may save it once more.
                if new.surname.is_none() {
                    self.blank.insert(id.clone());
                } else if self.blank.contains(&id) {
                    return Err(format!("{id}: has data again after it was erased"));
                }
            } else {
                let records = self.records.get(&(id.clone(), new.version));
                if !records.into_iter().flatten().any(|(record, _)| *record == new) {
                    return Err(format!("{id}: saved without a record of version {}", new.version));
                }
            }
            if old.as_ref().map(traced) != Some(traced(&new)) {
                self.pass(who).settled.insert(id.clone(), traced(&new));
            }
            self.alerts.extend(new.undelivered.iter().map(|alert| alert.id.clone()));
            if who.is_worker() {
                self.check_alerts(old.as_ref(), &new)?;
                self.check_wait(who, old.as_ref(), &new)?;
            }
        }
        // Cases that change together are looked at when all are changed.
        for Change { case, .. } in changes {
            self.check_number(who, &case.id)?;
        }
        Ok(())
    }

    fn check_alerts(&self, old: Option<&Case>, new: &Case) -> Checked {
        let before = old.into_iter().flat_map(|old| &old.undelivered);
        let mut gone = before.filter(|alert| !new.undelivered.iter().any(|on| on.id == alert.id));
        match gone.find(|alert| !self.arrived.contains(&alert.id)) {
            Some(_) => Err(format!("{}: an alert is marked that has not arrived", new.id)),
            None => Ok(()),
        }
    }

    /// A case whose question got no response waits, longer each time.
    fn check_wait(&self, who: &Who, old: Option<&Case>, new: &Case) -> Checked {
        let failed = new.asking.unanswered;
        let (Some(old), Some(pass)) = (old, self.passes.get(&who.name)) else { return Ok(()) };
        let Some(ended) = pass.ended.get(&new.id) else { return Ok(()) };
        if failed <= old.asking.unanswered {
            return Ok(());
        }
        let longest = pass.policy.longest_retry_wait;
        let least = (pass.policy.retry_wait * (1 << (failed - 1).min(10))).min(longest) / 2;
        match new.asking.retry_after {
            Some(until) if until >= *ended + least => Ok(()),
            _ => Err(format!("{}: got no response, and does not wait", new.id)),
        }
    }

    /// A number has evidence: the answer to a question about this case, which is on record.
    fn check_number(&self, who: &Who, id: &CaseId) -> Checked {
        let new = &self.stored[id];
        let Some(recorded) = &new.nhs_number else { return Ok(()) };
        let NumberSource::Traced(provenance) = &recorded.source else { return Ok(()) };
        let message = &provenance.exchange.message_id;
        let Some(given) = self.answers.get(message) else {
            return Err(format!("{id}: has a number of which the service said nothing"));
        };
        if given.number != Some(recorded.number) {
            return Err(format!("{id}: has a number that the service did not return"));
        }
        let is_received =
            self.received.get(message).is_some_and(|numbers| numbers.contains(&recorded.number));
        if !is_received && !self.erased.contains(id) {
            return Err(format!("{id}: has a number whose response is not on record"));
        }
        if !who.is_worker() {
            return Ok(());
        }
        // A merged case has the evidence of the others, and keeps it when one of them is erased.
        let merged = !new.absorbed.is_empty() || self.erased.contains(&given.case);
        if given.case != *id && !merged {
            return Err(format!("{id}: has a number from the response about another case"));
        }
        if given.is_stranger && provenance.confirmed_by.is_none() {
            return Err(format!("{id}: has the number of a different person"));
        }
        Ok(())
    }

    /// A worker has saved `case` with a number that it has just traced: no other case has it.
    pub(crate) fn check_sole_holder(&self, who: &Who, before: &BTreeMap<CaseId, Case>) -> Checked {
        if !who.is_worker() {
            return Ok(());
        }
        let exchange = |case: &Case| match case.nhs_number.as_ref().map(|number| &number.source) {
            Some(NumberSource::Traced(provenance)) => Some(provenance.exchange.message_id.clone()),
            _ => None,
        };
        for (id, old) in before {
            let Some(new) = self.stored.get(id) else { continue };
            let traced = exchange(new);
            if traced.is_none() || traced == exchange(old) {
                continue;
            }
            let shared = new.live_number().map(|number| self.holders(number, id));
            if shared.is_some_and(|others| !others.is_empty()) {
                return Err(format!("{id}: a number was written that another case has"));
            }
        }
        Ok(())
    }

    pub(crate) fn before(&self, changes: &[Change]) -> BTreeMap<CaseId, Case> {
        let stored = changes.iter().filter_map(|change| self.stored.get(&change.case.id));
        stored.map(|case| (case.id.clone(), case.clone())).collect()
    }

    pub(crate) fn refused(&mut self, who: &Who, changes: &[Change], kind: ErrorKind) -> Checked {
        if who.role != Role::Worker && who.role != Role::Quiet {
            return Ok(());
        }
        let Some(Change { case, .. }) = changes.first() else { return Ok(()) };
        let holders = match kind {
            ErrorKind::Conflict => Vec::new(),
            ErrorKind::NumberTaken => {
                case.live_number().map(|number| self.holders(number, &case.id)).unwrap_or_default()
            }
            _ => return Ok(()),
        };
        // Saves of several cases are refused because of the others too.
        if changes.len() > 1 {
            return Ok(());
        }
        let key = (case.id.clone(), case.version, holders);
        let times = self.pass(who).refused.entry(key).or_insert(0_u32);
        *times += 1;
        // Several cases in work may each mark an alert of the same other case as delivered.
        if *times <= 3 { Ok(()) } else { Err(format!("{}: a refused save is repeated", case.id)) }
    }

    pub(crate) fn asked(
        &mut self,
        who: &Who,
        case: &CaseId,
        message: MessageId,
        (in_flight, rate): (u64, Option<u64>),
    ) -> Checked {
        let now = who.clock.now();
        if self.sent.get(&message.to_string()) != Some(case) {
            return Err(format!("{case}: a message was sent that is not on record"));
        }
        let owner = self.leases.get(case).map(|(owner, _)| owner.clone());
        let pass = self.passes.entry(Arc::clone(&who.name)).or_default();
        let Some(mine) = pass.owner.clone() else {
            return Err(format!("{case}: a question without a lease"));
        };
        if owner.as_ref() != Some(&mine) && !self.lost.contains(&(mine, case.clone())) {
            return Err(format!("{case}: a question without a lease"));
        }
        let is_first = pass.asked.insert(case.clone()) && message.uuid() == message.request();
        if is_first && who.role != Role::Screen {
            let longest = pass.policy.longest_retry_wait;
            // Times far ahead were set by a clock that was ahead, and did not count at the claim.
            let early = pass.claimed.get(case).is_some_and(|(case, at)| {
                let until = case.asking.retry_after.filter(|until| now < *until);
                until.is_some_and(|until| *at < until && until <= *at + longest)
            });
            if early {
                return Err(format!("{case}: asked before its wait is over"));
            }
        }
        *pass.in_progress.entry(case.clone()).or_default() += 1;
        if pass.in_progress.values().sum::<u64>() > in_flight {
            return Err("more questions are in progress than are allowed".to_owned());
        }
        pass.times.push(now);
        let window = pass.times.iter().filter(|time| **time > now - TimeDelta::seconds(1));
        if rate.is_some_and(|rate| window.count() as u64 > rate) {
            return Err("more questions were sent in a second than are allowed".to_owned());
        }
        Ok(())
    }

    pub(crate) fn answered(
        &mut self,
        case: &CaseId,
        message: &str,
        number: Option<NhsNumber>,
        is_stranger: bool,
    ) {
        let given = Given { case: case.clone(), number, is_stranger };
        self.answers.insert(message.to_owned(), given);
    }

    /// The answer has arrived at the process.
    pub(crate) fn arrived(&mut self, who: &Who, case: &CaseId) {
        self.pass(who).answered.insert(case.clone());
    }

    pub(crate) fn ended(&mut self, who: &Who, case: &CaseId) {
        let pass = self.pass(who);
        pass.ended.insert(case.clone(), who.clock.now());
        if let Some(count) = pass.in_progress.get_mut(case) {
            *count -= 1;
            if *count == 0 {
                pass.in_progress.remove(case);
            }
        }
    }

    pub(crate) fn delivered(&mut self, id: &str, case: Option<&CaseId>) -> Checked {
        self.arrived.insert(id.to_owned());
        match case {
            Some(case) if !self.announced.contains(case) => {
                Err(format!("{case}: an alert was sent that is not on record"))
            }
            _ => Ok(()),
        }
    }
}
