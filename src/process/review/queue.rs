use crate::audit::Actor;
use crate::case::{Case, CaseId, Change, ItemId, ReviewItem, ReviewReason, ReviewState, readable};
use crate::clock::{Clock, SystemClock};
use crate::nhs_number::NhsNumber;
use crate::process::error::{Error, ErrorKind};
use crate::process::review::attended::{Chosen, confirm, unknown_to_pds};
use crate::process::review::bulk::dismiss;
use crate::process::review::context::{Changed, Context};
use crate::process::review::merge::undo_merge;
use crate::process::review::presence::{delete, undelete};
use crate::process::review::refusal::Refusal;
use crate::process::review::resolution::Resolution;
use crate::process::review::resolve::resolve;
use crate::process::review::seen::Seen;
use crate::process::review::step::{Step, step};
use crate::process::review::undo::{Last, last, undo};
use crate::process::store::commit::Commit;
use crate::process::store::unit::Store;
use chrono::{DateTime, Utc};
use std::sync::Arc;
use std::{iter, mem};

/// How often an action is decided when other programs change its cases.
const ATTEMPTS: usize = 4;

/// The result of an action.
#[must_use]
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ActionOutcome {
    /// It was done, and is on record.
    Done,
    /// The action was done before; nothing was changed.
    AlreadyDone,
    /// The action is not allowed; nothing was changed.
    Refused(Refusal),
}

/// The review items of a store's cases, and the actions on them.
///
/// ```
/// use nhs_pds::process::alert::MemoryAlerts;
/// use nhs_pds::process::store::Joined;
/// use nhs_pds::audit::{Actor, MemoryLog};
/// use nhs_pds::case::{Case, CaseStore, Evidence, MemoryStore, RecordType, ReviewReason};
/// use nhs_pds::process::review::{ActionOutcome, ItemFilter, Resolution, ReviewQueue};
/// use nhs_pds::trace::{Caller, LocalIdentity, User};
/// use std::sync::Arc;
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let mut case = Case::new("RXX:1".parse()?, RecordType::Review);
/// let now = "2026-11-24T09:30:00Z".parse()?;
/// case.open_item(ReviewReason::Replaced, &Evidence::default(), now);
/// let store = Arc::new(MemoryStore::new());
/// store.insert_all(vec![case]).await?;
/// let (audit, alerts) = (Arc::new(MemoryLog::new()), Arc::new(MemoryAlerts::default()));
/// let queue = ReviewQueue::new(Arc::new(Joined::new(store, audit, alerts)));
/// let user = User::Local(LocalIdentity::new("RHM".parse()?, "j.doe")?);
/// let actor = Actor::new(&user.into(), "Jo Doe");
///
/// let items = queue.list(&ItemFilter::default(), None, 10, &actor).await?;
/// let shown = queue.show(&items[0].id, &actor).await?.ok_or("gone")?;
/// assert_eq!(shown.advisories.len(), 1);
/// let done = queue.resolve(&items[0].id, &Resolution::Acknowledge, &actor).await?;
/// assert_eq!(done, ActionOutcome::Done);
/// assert!(queue.list(&ItemFilter::default(), None, 10, &actor).await?.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ReviewQueue {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    /// What the user has seen; `None` when the actions do not depend on it.
    seen: Option<Seen>,
}

/// An action on a case.
#[derive(Clone, Copy)]
pub(super) enum Action<'a> {
    Step(u32, &'a Step),
    Resolve(u32, &'a Resolution),
    Dismiss(u32, &'a str),
    Undo(u32),
    Confirm(Chosen<'a>),
    NotOnPds,
    UndoMerge(&'a CaseId),
    Delete,
    Undelete,
}

impl ReviewQueue {
    /// Creates a queue of the items in `store`. Each action is on record before it is done.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, clock: Arc::new(SystemClock), seen: None }
    }

    /// Sets the clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Returns this queue, for the actions of a user who has `seen` a case or an item. An action is
    /// refused ([`Refusal::Changed`]) if that has changed since in a way that matters. Then nothing is
    /// done, and [`since`](Self::since) returns what has changed.
    #[must_use]
    pub fn if_as_seen(&self, seen: Seen) -> Self {
        Self { seen: Some(seen), ..self.clone() }
    }

    /// Assigns the item to the user with this user id, or to no user.
    ///
    /// # Errors
    ///
    /// Any [`ErrorKind`].
    pub async fn assign(
        &self,
        id: &ItemId,
        user: Option<&str>,
        actor: &Actor,
    ) -> Result<ActionOutcome, Error> {
        let step = Step::Assign(user.map(str::to_owned));
        self.act(&id.case, Action::Step(id.item, &step), actor).await
    }

    /// Passes the item between the open states, in any direction: the front-line staff, the GP
    /// practice, the PDS National Back Office (HAV-10). A settled item can only go back to
    /// [`Open`](ReviewState::Open).
    ///
    /// # Errors
    ///
    /// Any [`ErrorKind`].
    pub async fn transition(
        &self,
        id: &ItemId,
        state: ReviewState,
        actor: &Actor,
    ) -> Result<ActionOutcome, Error> {
        self.act(&id.case, Action::Step(id.item, &Step::Move(state)), actor).await
    }

    /// Adds `text` to the item's history. Ignores an immediate repetition of the same note.
    ///
    /// # Errors
    ///
    /// Any [`ErrorKind`].
    pub async fn note(
        &self,
        id: &ItemId,
        text: &str,
        actor: &Actor,
    ) -> Result<ActionOutcome, Error> {
        self.act(&id.case, Action::Step(id.item, &Step::Note(text.to_owned())), actor).await
    }

    /// Resolves the item, with all effects: see [`Resolution`].
    ///
    /// # Errors
    ///
    /// Any [`ErrorKind`].
    pub async fn resolve(
        &self,
        id: &ItemId,
        resolution: &Resolution,
        actor: &Actor,
    ) -> Result<ActionOutcome, Error> {
        self.act(&id.case, Action::Resolve(id.item, resolution), actor).await
    }

    /// Undoes the last decision on the item, as a new step. The case is as it was before the
    /// decision, but for its history: number and provenance, date of death, demographic fields,
    /// rejected numbers, and the items that the decision settled. A merge is undone by
    /// [`undo_merge`](Self::undo_merge).
    ///
    /// Refused if no decision is on record ([`Refusal::NothingToUndo`]), if what the decision changed
    /// was changed again since ([`Refusal::MovedOn`]), or if a newer item on the same subject is open
    /// ([`Refusal::OpenElsewhere`]). If two active cases then have one number, both are flagged as
    /// duplicates, and the back office is alerted (MSCA-DQ-01).
    ///
    /// # Errors
    ///
    /// Any [`ErrorKind`].
    pub async fn undo(&self, id: &ItemId, actor: &Actor) -> Result<ActionOutcome, Error> {
        self.act(&id.case, Action::Undo(id.item), actor).await
    }

    /// Undoes the merge of `absorbed` into `survivor` (MSCA-DQ-01).
    ///
    /// The absorbed case becomes active again. The survivor gets its earlier number back, unless
    /// its number has changed since for another reason. It loses a date of death that it took over
    /// and still has. If two active cases then have one number, both are flagged as duplicates, and
    /// the back office is alerted. Third cases that were duplicates by a returned number become
    /// duplicates of the absorbed case.
    ///
    /// # Errors
    ///
    /// Any [`ErrorKind`].
    pub async fn undo_merge(
        &self,
        survivor: &CaseId,
        absorbed: &CaseId,
        actor: &Actor,
    ) -> Result<ActionOutcome, Error> {
        self.act(survivor, Action::UndoMerge(absorbed), actor).await
    }

    /// Deletes a case logically (MSCA-DQ-02). The case keeps its data, and its number no longer
    /// conflicts with other cases.
    ///
    /// # Errors
    ///
    /// Any [`ErrorKind`].
    pub async fn delete(&self, case: &CaseId, actor: &Actor) -> Result<ActionOutcome, Error> {
        self.act(case, Action::Delete, actor).await
    }

    /// Undoes the logical deletion of a case (MSCA-DQ-02). If another case now has its number, both
    /// are flagged as duplicates, and the back office is alerted (MSCA-DQ-01).
    ///
    /// # Errors
    ///
    /// Any [`ErrorKind`].
    pub async fn undelete(&self, case: &CaseId, actor: &Actor) -> Result<ActionOutcome, Error> {
        self.act(case, Action::Undelete, actor).await
    }

    pub(super) async fn act(
        &self,
        id: &CaseId,
        action: Action<'_>,
        actor: &Actor,
    ) -> Result<ActionOutcome, Error> {
        for _ in 0..ATTEMPTS {
            let Some(case) = self.store.cases().get(id).await? else {
                return Ok(ActionOutcome::Refused(Refusal::NoSuchCase));
            };
            if self.seen.as_ref().is_some_and(|seen| !seen.is_still(&case)) {
                return Ok(ActionOutcome::Refused(Refusal::Changed));
            }
            let action = action.of(&case);
            let others = self.involved(&case, action).await?;
            let at = self.clock.now();
            let context = Context::new(actor.user_id(), at).with_others(&others);
            let decided = match action {
                Action::Step(item, what) => step(&case, item, what, &context),
                Action::Resolve(item, how) => resolve(&case, item, how, &context),
                Action::Dismiss(item, note) => dismiss(&case, item, note, &context),
                Action::Undo(item) => undo(&case, item, &context),
                Action::Confirm(chosen) => confirm(&case, chosen, &context),
                Action::NotOnPds => unknown_to_pds(&case, &context),
                Action::UndoMerge(absorbed) => undo_merge(&case, absorbed, &context),
                Action::Delete => delete(&case, &context),
                Action::Undelete => undelete(&case, &context),
            };
            let changes = match decided {
                Err(refusal) => return Ok(ActionOutcome::Refused(refusal)),
                Ok(changes) if changes.is_empty() => return Ok(ActionOutcome::AlreadyDone),
                Ok(changes) => changes,
            };
            let commit = unit_of(changes, action.item(&case), actor, at);
            if self.store.commit(commit).await?.is_done() {
                return Ok(ActionOutcome::Done);
            }
        }
        Err(Error::new(ErrorKind::Conflict))
    }

    /// Returns the related cases of the action, as they are stored.
    async fn involved(&self, case: &Case, action: Action<'_>) -> Result<Vec<Case>, Error> {
        let mut others = Vec::new();
        for id in action.names(case) {
            let other = self.store.cases().get(&id).await;
            // A merge needs the other case. Another case of a duplicate only loses its reference.
            others.extend(if action.is_about_a_merge() { other? } else { readable(other)? });
        }
        let mut numbers: Vec<NhsNumber> = action.numbers(case);
        if action.is_about_a_merge() {
            // A merge also affects cases that share a number with one of the two.
            let named: Vec<CaseId> = others.iter().chain([case]).flat_map(duplicates).collect();
            for id in named {
                if id != case.id && !others.iter().any(|other| other.id == id) {
                    others.extend(readable(self.store.cases().get(&id).await)?);
                }
            }
            numbers
                .extend(others.iter().filter_map(|other| Some(other.nhs_number.as_ref()?.number)));
        }
        for number in numbers {
            for holder in self.store.cases().holders(number).await? {
                if holder != case.id && !others.iter().any(|other| other.id == holder) {
                    others.extend(self.store.cases().get(&holder).await?);
                }
            }
        }
        Ok(others)
    }
}

/// The unit of work that does `changes`. The first entry names the item that the action is about.
pub(super) fn unit_of(
    changes: Vec<Changed>,
    item: Option<&ReviewItem>,
    actor: &Actor,
    at: DateTime<Utc>,
) -> Commit {
    let number = item.map(|item| item.number.to_string()).unwrap_or_default();
    let about = item.map(|item| vec![("item", &*number), ("reason", item.reason.as_str())]);
    let (mut commit, mut about) = (Commit::of_a_person(actor, at), about.unwrap_or_default());
    for Changed { case, sole_holder, what, evidence } in changes {
        let evidence = evidence.iter().map(|(key, value)| (*key, &**value));
        let about = mem::take(&mut about);
        let why: Vec<_> = iter::once(("action", what)).chain(about).chain(evidence).collect();
        let mut change = Change::new(case);
        change.sole_holder = sole_holder;
        commit = commit.save(change, &why);
    }
    commit
}

/// Returns the cases that the duplicate items of `case` name. Includes settled items, because the
/// other case's item may be open.
fn duplicates(case: &Case) -> Vec<CaseId> {
    let items = case.review.iter().filter(|item| item.reason == ReviewReason::Duplicate);
    let mut named: Vec<CaseId> = items.flat_map(|item| item.evidence.others.clone()).collect();
    named.sort();
    named.dedup();
    named
}

impl<'a> Action<'a> {
    /// The action on `case`: the undoing of a merge, when the last decision on the item was one.
    fn of(self, case: &'a Case) -> Self {
        let Self::Undo(number) = self else { return self };
        let item = case.review.iter().find(|item| item.number == number);
        match item.and_then(|item| last(case, item)) {
            Some(Last::Merge(absorbed)) => Self::UndoMerge(absorbed),
            _ => self,
        }
    }

    const fn is_about_a_merge(&self) -> bool {
        matches!(self, Self::UndoMerge(_) | Self::Resolve(_, Resolution::Merge { .. }))
    }

    /// Returns the item that the action is about.
    fn item<'c>(&self, case: &'c Case) -> Option<&'c ReviewItem> {
        match self {
            Self::Step(number, _)
            | Self::Resolve(number, _)
            | Self::Dismiss(number, _)
            | Self::Undo(number) => case.review.iter().find(|item| item.number == *number),
            _ => None,
        }
    }

    /// Returns the cases that the action names.
    fn names(&self, case: &Case) -> Vec<CaseId> {
        match self {
            Self::Resolve(_, Resolution::Merge { absorbed }) => vec![absorbed.clone()],
            Self::UndoMerge(absorbed) => vec![(*absorbed).clone()],
            Self::Resolve(
                _,
                Resolution::RejectNumber(_) | Resolution::NoneOfThese | Resolution::KeepOurs,
            )
            | Self::Undo(_)
            | Self::Delete => duplicates(case),
            _ => Vec::new(),
        }
    }

    /// Returns the numbers whose other cases matter.
    fn numbers(&self, case: &Case) -> Vec<NhsNumber> {
        let recorded = case.nhs_number.as_ref().map(|recorded| recorded.number);
        match self {
            Self::Resolve(_, Resolution::AcceptNumber(number)) => vec![*number],
            Self::Confirm(chosen) => vec![chosen.found.nhs_number],
            Self::Undo(number) => {
                let item = case.review.iter().find(|item| item.number == *number);
                match item.and_then(|item| last(case, item)) {
                    Some(Last::Decision(_, replaced)) => {
                        replaced.before.number.iter().map(|recorded| recorded.number).collect()
                    }
                    _ => Vec::new(),
                }
            }
            Self::Undelete => recorded.into_iter().collect(),
            Self::UndoMerge(absorbed) => {
                let before = case.absorbed.iter().filter(|was| was.case_id == **absorbed);
                before.filter_map(|was| Some(was.number_before.as_ref()?.number)).collect()
            }
            _ => Vec::new(),
        }
    }
}
