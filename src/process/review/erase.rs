use crate::audit::{self, Actor, Entry, EventKind, Filter, Subject};
use crate::case::{
    self, Case, CaseId, Change, Deletion, DeletionKind, Identity, NumberStatus, RecordType,
    ReviewReason, ReviewState, ReviewStep, readable,
};
use crate::nhs_number::NhsNumber;
#[cfg(feature = "batch")]
use crate::process::batch::release::recall;
use crate::process::error::{Error, ErrorKind};
use crate::process::review::queue::{ActionOutcome, ReviewQueue};
use crate::process::review::refusal::Refusal;
use crate::process::store::commit::{Commit, Committed};
use chrono::{DateTime, Utc};
use std::collections::BTreeSet;

/// How many cases are in memory at a time.
const PAGE: usize = 100;

/// How often a save is tried when other programs change the case.
const ATTEMPTS: usize = 8;

impl ReviewQueue {
    /// Erases a case permanently, by order of a court (MSCA-DQ-02). `court_order` is the reference
    /// of the order. It is stored in the audit trail permanently and unencrypted, so it must not
    /// contain patient data.
    ///
    /// 1. The trail records who erases the case, and by which order.
    /// 2. The store keeps only the case's id, and when and by whom it was erased.
    /// 3. Other cases no longer name it. A case merged into it becomes logically deleted.
    /// 4. The store rewrites its files, so that they contain no copies of the case.
    /// 5. The trail forgets the person: its sealed data about the case cannot be opened any more.
    ///    The same applies to each number that the case has ever had, unless another case has that
    ///    number, or a user rejected it for this case. Its files are rewritten too.
    ///
    /// If it is interrupted, call it again, as often as needed, to complete it. Also call it again
    /// if a pass of the worker traced the person at the same time, because the pass leaves its own
    /// record. A damaged case can be erased. Damaged cases are not searched for references to
    /// another case ([`unreadable`](Self::unreadable) lists them).
    ///
    /// Other cases keep a number and a date of death that they took over in a merge. The person for
    /// whom such a number was confirmed is deleted, and the number stays in doubt. Further names,
    /// former postcodes and contacts that they took over are deleted. The trail keeps
    /// its sealed data about other cases, which may name this case's id and that person. Delivered
    /// alerts stay at their destination; `SqliteAlerts::forget` deletes those in a file. The
    /// operator must erase backups, and old blocks that the file system or disk may keep.
    ///
    /// Files for PDS that have not left are withdrawn, also those without this person: the next program that works with their
    /// folder deletes them, and their other cases return to the normal way. A file that is being sent, or that a user is
    /// getting, may still leave. For other files of batches see "Patient data in files" in `docs/batch.md`.
    ///
    /// # Errors
    ///
    /// Any [`ErrorKind`]. Call it again; after [`Residue`](ErrorKind::Residue), when no other
    /// program uses the files. [`AuditElsewhere`](ErrorKind::AuditElsewhere) when the audit side is
    /// a [`SinkLog`](crate::audit::SinkLog): the case is erased in the store, and the event is
    /// sent. Erase the person in the system that keeps the trail, with all numbers that the trail
    /// has for the case: this function knows only the recorded number then.
    pub async fn erase(
        &self,
        case: &CaseId,
        court_order: &str,
        actor: &Actor,
    ) -> Result<ActionOutcome, Error> {
        let court_order = court_order.trim();
        if court_order.is_empty() {
            return Ok(ActionOutcome::Refused(Refusal::NoCourtOrder));
        }
        let Some(stored) = self.stored(case).await? else {
            return Ok(ActionOutcome::Refused(Refusal::NoSuchCase));
        };
        let about = Filter::new().with_case(case.clone());
        let done = is_erased(&stored)
            && here(self.store.audit().page(&about, 0, 1).await)?.is_empty()
            && here(self.store.audit().unreadable(&about).await)?.is_empty();
        if !done {
            self.record_erasure(&stored, court_order, actor).await?;
            self.blank(case, actor, Blanked::InItsRow).await?;
            // After the case is blank: it is in no file that is begun from now on.
            #[cfg(feature = "batch")]
            recall(&*self.store, actor, &*self.clock).await?;
            self.drop_references(case, actor).await?;
        }
        // Repeated even if everything was done: a later call overwrites what an earlier one could
        // not.
        self.blank(case, actor, Blanked::Everywhere).await?;
        self.store.audit().forget(case).await?;
        Ok(if done { ActionOutcome::AlreadyDone } else { ActionOutcome::Done })
    }

    /// Returns the stored case. For a damaged case, returns its id only.
    async fn stored(&self, id: &CaseId) -> Result<Option<Case>, Error> {
        match self.store.cases().get(id).await {
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
        // Sealed data about a number alone belong to this person, unless another case has the
        // number.
        for number in numbers {
            let holders = self.store.cases().holders(number).await?;
            if holders.iter().all(|holder| *holder == case.id) {
                entries.push(entry.clone().about(Subject::person(number)));
            }
        }
        self.store.audit().append(entries).await?;
        Ok(())
    }

    /// Returns every number that the case has or has had, according to the trail, except those that
    /// were found not to be the person's.
    async fn numbers(&self, case: &Case) -> Result<BTreeSet<NhsNumber>, Error> {
        let mut numbers: BTreeSet<NhsNumber> = case.nhs_number.iter().map(|n| n.number).collect();
        let mut rejected: BTreeSet<NhsNumber> = case.rejected_numbers.iter().copied().collect();
        let changes = Filter::new().with_case(case.id.clone()).with_kind(EventKind::CaseChanged);
        let mut after = 0;
        loop {
            let page = here(self.store.audit().page(&changes, after, PAGE).await)?;
            let Some(last) = page.last() else { break };
            after = last.seq;
            let subjects = page.iter().filter_map(|event| event.about.subject());
            for then in subjects.filter_map(|subject| subject.case()) {
                numbers.extend(then.nhs_number.iter().map(|recorded| recorded.number));
                rejected.extend(&then.rejected_numbers);
            }
        }
        let recorded = case.nhs_number.as_ref().map(|recorded| recorded.number);
        numbers.retain(|number| Some(*number) == recorded || !rejected.contains(number));
        Ok(numbers)
    }

    async fn blank(&self, id: &CaseId, actor: &Actor, how: Blanked) -> Result<(), Error> {
        for _ in 0..ATTEMPTS {
            let stored = self.store.cases().get(id).await;
            let damaged = stored.as_ref().is_err_and(case::Error::is_about_a_damaged_case);
            let Some(case) = (if damaged { self.stored(id).await } else { Ok(stored?) })? else {
                return Ok(());
            };
            let blank = blank(&case, actor.user_id(), self.clock.now());
            let done = match how {
                Blanked::InItsRow if !damaged => {
                    self.store.cases().save_all(vec![Change::new(blank)]).await
                }
                _ => self.store.cases().erase(blank).await,
            };
            if Committed::of(done)?.is_done() {
                return Ok(());
            }
        }
        Err(Error::new(ErrorKind::Conflict))
    }

    async fn drop_references(&self, erased: &CaseId, actor: &Actor) -> Result<(), Error> {
        let mut after = None;
        loop {
            let page = self.store.cases().page(after.as_ref(), PAGE).await?;
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
            let why = [("action", "other_erased")];
            let commit = Commit::of_a_person(actor, at).save(Change::new(changed), &why);
            if self.store.commit(commit).await?.is_done() {
                return Ok(());
            }
            current = readable(self.store.cases().get(&id).await)?;
        }
        Err(Error::new(ErrorKind::Conflict))
    }
}

/// What was read from the trail; nothing when the trail is kept in another system.
fn here<T: Default>(read: Result<T, audit::Error>) -> Result<T, audit::Error> {
    match read {
        Err(error) if error.kind() == audit::ErrorKind::Elsewhere => Ok(T::default()),
        read => read,
    }
}

/// How much of a case is blanked.
#[derive(Clone, Copy)]
enum Blanked {
    /// Only its current row in the store.
    InItsRow,
    /// Every copy in the store's files.
    Everywhere,
}

fn is_erased(case: &Case) -> bool {
    case.deleted.as_ref().is_some_and(|deletion| deletion.how == DeletionKind::Erased)
}

/// Returns the case without its data. Keeps when and by whom it was first erased.
fn blank(case: &Case, by: &str, at: DateTime<Utc>) -> Case {
    let mut blank = Case::new(case.id.clone(), RecordType::Other("erased".to_owned()));
    blank.version = case.version;
    let before = case.deleted.clone().filter(|_| is_erased(case));
    blank.deleted = before.or_else(|| Some(Deletion::new(at, by, DeletionKind::Erased)));
    blank
}

/// Removes the person for whom a number of `case` was confirmed, if different from the case's own
/// person. A merge may have taken such a number over, with its person. The number stays in doubt.
fn forget_other_people(case: &mut Case) {
    let own = case.identity();
    let before = case.absorbed.iter_mut().filter_map(|was| was.number_before.as_mut());
    let steps = case.review.iter_mut().flat_map(|item| &mut item.history);
    let replaced = steps.filter_map(|step| step.replaced.as_mut());
    let former = replaced
        .flat_map(|replaced| [&mut replaced.before.number, &mut replaced.after.number])
        .filter_map(Option::as_mut);
    for recorded in case.nhs_number.iter_mut().chain(before).chain(former) {
        let Some(person) = &mut recorded.person else { continue };
        if person.changes(&own).is_empty() {
            continue;
        }
        *person = Identity::default();
        // A case without names, date of birth and gender does not differ from an unknown person.
        if person.changes(&own).is_empty() && recorded.status.is_usable() {
            recorded.mark(NumberStatus::NotVerified);
        }
    }
}

/// Removes references to the case `erased`. Returns `None` if there are none.
fn without(case: &Case, erased: &CaseId, by: &str, at: DateTime<Utc>) -> Option<Case> {
    let mut changed = case.clone();
    for item in &mut changed.review {
        for step in &mut item.history {
            step.replaced.iter_mut().for_each(|replaced| replaced.drop_case(erased));
        }
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
    for was in case.absorbed.iter().filter(|was| was.case_id == *erased) {
        changed.give_back_lists(was.took.clone());
    }
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
