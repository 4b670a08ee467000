use crate::audit::{Actor, Entry, EventKind, Filter, Subject};
use crate::case::{
    self, Case, CaseId, Change, Deletion, DeletionKind, Identity, NumberStatus, RecordType,
    ReviewReason, ReviewState, ReviewStep, readable,
};
use crate::nhs_number::NhsNumber;
use crate::process::commit::{saved, withdraw};
use crate::process::review::queue::record;
use crate::process::review::{Error, ErrorKind, Outcome, Refusal, ReviewQueue};
use chrono::{DateTime, Utc};
use std::collections::BTreeSet;

/// How many cases are in memory at a time.
const PAGE: usize = 100;

/// How often a case is tried to be saved, over others' changes.
const ATTEMPTS: usize = 8;

impl ReviewQueue {
    /// Erases a case for good, by the order of a court (MSCA-DQ-02), of which `court_order` is the
    /// reference. It stands in the audit trail in the clear and for ever: nothing of a patient may be in
    /// it.
    ///
    /// 1. The trail says who erases the case by what order.
    /// 2. Nothing is left of the case in the store but its id, and that it was erased, when and by whom.
    /// 3. Other cases name it no more. A case that was merged into it is logically deleted instead.
    /// 4. The store's files are rewritten, so that no copies of what the case was stay in them.
    /// 5. The trail forgets the person: what it has sealed about the case cannot be opened any more. So
    ///    does what it has sealed about each number that the case has ever had, unless another case has
    ///    the number, or a person has rejected it for this one. Its files are rewritten too.
    ///
    /// Whatever breaks off in between, calling it again completes it, as often as is needed. It is also to
    /// be called again when a pass of the worker was asking about the person at the same time, because that
    /// leaves its own record. A case that is damaged and cannot be read can be erased; one that is damaged
    /// is not searched for references to another ([`unreadable`](Self::unreadable) names it).
    ///
    /// Other cases keep what they took over in a merge (a number, a date of death). The person that such a
    /// number was confirmed for is deleted, and the number stays in doubt. What the trail has sealed about
    /// other cases stays; it may name this case's id and that person. Alerts that were delivered are where
    /// they were delivered to: `SqliteAlerts::forget` deletes those in a file. Backups, and what the file
    /// system or the disk keeps of blocks that are no part of a file any more, are the deployment's.
    ///
    /// # Errors
    ///
    /// Any [`ErrorKind`]. Call it again; after [`Residue`](ErrorKind::Residue), once nothing else uses the
    /// files.
    pub async fn erase(
        &self,
        case: &CaseId,
        court_order: &str,
        actor: &Actor,
    ) -> Result<Outcome, Error> {
        let court_order = court_order.trim();
        if court_order.is_empty() {
            return Ok(Outcome::Refused(Refusal::NoCourtOrder));
        }
        let Some(stored) = self.stored(case).await? else {
            return Ok(Outcome::Refused(Refusal::NoSuchCase));
        };
        let about = Filter::new().with_case(case.clone());
        let done = is_erased(&stored)
            && self.audit.page(&about, 0, 1).await?.is_empty()
            && self.audit.unreadable(&about).await?.is_empty();
        if !done {
            self.record_erasure(&stored, court_order, actor).await?;
            self.blank(case, actor, Blanked::InItsRow).await?;
            self.drop_references(case, actor).await?;
        }
        // Also when all was done before: what a first call could not overwrite, the next one does.
        self.blank(case, actor, Blanked::Everywhere).await?;
        self.audit.forget(case).await?;
        Ok(if done { Outcome::AlreadyDone } else { Outcome::Done })
    }

    /// The case as it is stored; of one that cannot be read, what is known: its id.
    async fn stored(&self, id: &CaseId) -> Result<Option<Case>, Error> {
        match self.store.get(id).await {
            Err(error) if error.is_about_a_damaged_case() => {
                Ok(Some(Case::new(id.clone(), RecordType::Other("unreadable".to_owned()))))
            }
            stored => Ok(stored?),
        }
    }

    async fn record_erasure(&self, case: &Case, order: &str, actor: &Actor) -> Result<(), Error> {
        let numbers = self.numbers(case).await?;
        let entry = Entry::new(EventKind::CaseErased, self.clock.now(), actor)
            .with_detail("court_order", order);
        let subject =
            numbers.iter().fold(Subject::of(case), |all, number| all.with_number(*number));
        let mut entries = vec![entry.clone().about(subject)];
        // What is on record of a number alone is of the same person, unless somebody else has it.
        for number in numbers {
            let holders = self.store.holders(number).await?;
            if holders.iter().all(|holder| *holder == case.id) {
                entries.push(entry.clone().about(Subject::person(number)));
            }
        }
        self.audit.append(entries).await?;
        Ok(())
    }

    /// Every number that the case has or has had, by the trail, but for those that were found not to be
    /// the person's.
    async fn numbers(&self, case: &Case) -> Result<BTreeSet<NhsNumber>, Error> {
        let mut numbers: BTreeSet<NhsNumber> = case.nhs_number.iter().map(|n| n.number).collect();
        let mut rejected: BTreeSet<NhsNumber> = case.rejected_numbers.iter().copied().collect();
        let changes = Filter::new().with_case(case.id.clone()).with_kind(EventKind::CaseChanged);
        let mut after = 0;
        loop {
            let page = self.audit.page(&changes, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.seq;
            let subjects = page.iter().filter_map(|event| event.about.subject());
            for then in subjects.filter_map(|subject| subject.case()) {
                numbers.extend(then.nhs_number.iter().map(|held| held.number));
                rejected.extend(&then.rejected_numbers);
            }
        }
        let held = case.nhs_number.as_ref().map(|held| held.number);
        numbers.retain(|number| Some(*number) == held || !rejected.contains(number));
        Ok(numbers)
    }

    async fn blank(&self, id: &CaseId, actor: &Actor, how: Blanked) -> Result<(), Error> {
        for _ in 0..ATTEMPTS {
            let stored = self.store.get(id).await;
            let damaged = stored.as_ref().is_err_and(case::Error::is_about_a_damaged_case);
            let Some(case) = (if damaged { self.stored(id).await } else { Ok(stored?) })? else {
                return Ok(());
            };
            let blank = blank(&case, actor.user_id(), self.clock.now());
            let done = match how {
                Blanked::InItsRow if !damaged => {
                    self.store.save_all(vec![Change::new(blank)]).await
                }
                _ => self.store.erase(blank).await,
            };
            if saved(done)? {
                return Ok(());
            }
        }
        Err(Error::new(ErrorKind::Conflict))
    }

    async fn drop_references(&self, erased: &CaseId, actor: &Actor) -> Result<(), Error> {
        let mut after = None;
        loop {
            let page = self.store.page(after.as_ref(), PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.id.clone());
            for case in page.into_iter().filter(|case| case.id != *erased) {
                self.drop_reference(case, erased, actor).await?;
            }
        }
    }

    async fn drop_reference(
        &self,
        case: Case,
        erased: &CaseId,
        actor: &Actor,
    ) -> Result<(), Error> {
        let id = case.id.clone();
        let mut current = Some(case);
        for _ in 0..ATTEMPTS {
            let Some(case) = current else { return Ok(()) };
            let at = self.clock.now();
            let Some(changed) = without(&case, erased, actor.user_id(), at) else { return Ok(()) };
            self.audit.append(vec![record(&changed, "other_erased", actor, at)]).await?;
            if saved(self.store.save_all(vec![Change::new(changed)]).await)? {
                return Ok(());
            }
            withdraw::<Error>(&*self.store, &*self.audit, actor, [&id].into_iter(), at).await?;
            current = readable(self.store.get(&id).await)?;
        }
        Err(Error::new(ErrorKind::Conflict))
    }
}

/// How far a case is blanked.
#[derive(Clone, Copy)]
enum Blanked {
    /// Only where it is stored now.
    InItsRow,
    /// Wherever the store's files hold something of it.
    Everywhere,
}

fn is_erased(case: &Case) -> bool {
    case.deleted.as_ref().is_some_and(|deletion| deletion.how == DeletionKind::Erased)
}

/// What is left of `case`. When it was erased, and by whom, stays as it was the first time.
fn blank(case: &Case, by: &str, at: DateTime<Utc>) -> Case {
    let mut blank = Case::new(case.id.clone(), RecordType::Other("erased".to_owned()));
    blank.version = case.version;
    let before = case.deleted.clone().filter(|_| is_erased(case));
    blank.deleted = before.or_else(|| Some(Deletion::new(at, by, DeletionKind::Erased)));
    blank
}

/// Forgets for which person each number of `case` was confirmed, unless it was for the case's own: such a
/// number may have been taken over in a merge, with the person. The number stays in doubt.
fn forget_other_people(case: &mut Case) {
    let own = case.identity();
    let before = case.absorbed.iter_mut().filter_map(|was| was.number_before.as_mut());
    for held in case.nhs_number.iter_mut().chain(before) {
        let Some(person) = &mut held.person else { continue };
        if person.changes(&own).is_empty() {
            continue;
        }
        *person = Identity::default();
        // A case without names, date of birth and gender does not differ from an unknown person.
        if person.changes(&own).is_empty() && held.standing.is_usable() {
            held.mark(NumberStatus::NotVerified);
        }
    }
}

/// `case` without what names the case `erased`; `None` when nothing does.
fn without(case: &Case, erased: &CaseId, by: &str, at: DateTime<Utc>) -> Option<Case> {
    let mut changed = case.clone();
    for item in &mut changed.review {
        let before = item.evidence.others.len();
        item.evidence.others.retain(|other| other != erased);
        let moot = item.evidence.others.is_empty() && item.evidence.others.len() < before;
        if moot && item.is_open() && item.reason == ReviewReason::Duplicate {
            item.state = ReviewState::Resolved;
            item.history.push(ReviewStep::new(at, by, "other_erased"));
        }
    }
    for alert in &mut changed.undelivered {
        alert.others.retain(|other| other != erased);
    }
    changed.absorbed.retain(|was| was.case_id != *erased);
    if changed.absorbed.len() < case.absorbed.len() {
        forget_other_people(&mut changed);
    }
    if let Some(deletion) = &mut changed.deleted
        && deletion.how == DeletionKind::MergedInto(erased.clone())
    {
        deletion.how = DeletionKind::Logical;
    }
    (changed != *case).then_some(changed)
}
