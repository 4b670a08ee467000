use crate::audit::{Actor, Entry, EventKind, Filter, Subject};
use crate::case::{
    Case, CaseId, Deletion, DeletionKind, RecordType, ReviewReason, ReviewState, ReviewStep,
};
use crate::delivery::{saved, withdraw};
use crate::review::queue::record;
use crate::review::{Error, ErrorKind, Outcome, Refusal, ReviewQueue};
use chrono::{DateTime, Utc};

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
    /// 4. The trail forgets the person: what it has sealed about the case cannot be opened any more.
    ///
    /// Whatever breaks off in between, calling it again completes it. It is also to be called again when
    /// a pass of the worker was asking about the person at the same time, because that leaves its own
    /// record. What other cases took over in a merge (a number, a date of death) is theirs, and stays.
    /// Alerts that were delivered are where they were delivered to: `SqliteAlerts::forget` deletes those
    /// in a file. Backups are the deployment's.
    ///
    /// # Errors
    ///
    /// Any [`ErrorKind`]. Call it again.
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
        let Some(stored) = self.store.get(case).await? else {
            return Ok(Outcome::Refused(Refusal::NoSuchCase));
        };
        let about = Filter::new().with_case(case.clone());
        if is_erased(&stored) && self.audit.page(&about, 0, 1).await?.is_empty() {
            return Ok(Outcome::AlreadyDone);
        }
        self.record_erasure(&stored, court_order, actor).await?;
        self.blank(case, actor).await?;
        self.drop_references(case, actor).await?;
        self.audit.forget(case).await?;
        Ok(Outcome::Done)
    }

    async fn record_erasure(&self, case: &Case, order: &str, actor: &Actor) -> Result<(), Error> {
        let entry = Entry::new(EventKind::CaseErased, self.clock.now(), actor)
            .with_detail("court_order", order);
        let mut entries = vec![entry.clone().about(Subject::of(case))];
        // What is on record of the number alone is of the same person, unless somebody else has it.
        if let Some(held) = &case.nhs_number {
            let holders = self.store.holders(held.number).await?;
            if holders.iter().all(|holder| *holder == case.id) {
                entries.push(entry.about(Subject::person(held.number)));
            }
        }
        self.audit.append(entries).await?;
        Ok(())
    }

    /// Erased twice is erased; what a first call could not overwrite, the second does.
    async fn blank(&self, id: &CaseId, actor: &Actor) -> Result<(), Error> {
        for _ in 0..ATTEMPTS {
            let Some(case) = self.store.get(id).await? else { return Ok(()) };
            if saved(self.store.erase(blank(&case, actor.user_id(), self.clock.now())).await)? {
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
            // What it was named the erased case, so it is not to stay in the store's files either.
            if saved(self.store.erase(changed).await)? {
                return Ok(());
            }
            withdraw::<Error>(&*self.store, &*self.audit, actor, [&id].into_iter(), at).await?;
            current = self.store.get(&id).await?;
        }
        Err(Error::new(ErrorKind::Conflict))
    }
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
    if let Some(deletion) = &mut changed.deleted
        && deletion.how == DeletionKind::MergedInto(erased.clone())
    {
        deletion.how = DeletionKind::Logical;
    }
    (changed != *case).then_some(changed)
}
