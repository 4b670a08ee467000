use crate::audit::{Actor, AuditLog, Entry};
use crate::case::{
    Case, CaseId, CaseStore, Change, ReviewItem, ReviewReason, ReviewState, readable,
};
use crate::clock::{Clock, SystemClock};
use crate::nhs_number::NhsNumber;
use crate::process::alert::AlertSink;
use crate::process::commit::{Delivery, changed, saved, withdraw};
use crate::process::error::{Error, ErrorKind};
use crate::process::review::context::{Changed, Context};
use crate::process::review::item_id::ItemId;
use crate::process::review::merge::undo_merge;
use crate::process::review::presence::{delete, undelete};
use crate::process::review::refusal::Refusal;
use crate::process::review::resolution::Resolution;
use crate::process::review::resolve::resolve;
use crate::process::review::step::{Step, step};
use chrono::{DateTime, Utc};
use std::sync::Arc;

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
/// let queue = ReviewQueue::new(store, audit, alerts);
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
    pub(super) store: Arc<dyn CaseStore>,
    pub(super) audit: Arc<dyn AuditLog>,
    pub(super) alerts: Arc<dyn AlertSink>,
    pub(super) clock: Arc<dyn Clock>,
}

/// An action on a case.
#[derive(Clone, Copy)]
enum Action<'a> {
    Step(u32, &'a Step),
    Resolve(u32, &'a Resolution),
    UndoMerge(&'a CaseId),
    Delete,
    Undelete,
}

impl ReviewQueue {
    /// Creates a queue of the items in `store`. Writes each action to `audit` before it is done,
    /// and sends the back office's alerts to `alerts`.
    #[must_use]
    pub fn new(
        store: Arc<dyn CaseStore>,
        audit: Arc<dyn AuditLog>,
        alerts: Arc<dyn AlertSink>,
    ) -> Self {
        Self { store, audit, alerts, clock: Arc::new(SystemClock) }
    }

    /// Sets the clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
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

    async fn act(
        &self,
        id: &CaseId,
        action: Action<'_>,
        actor: &Actor,
    ) -> Result<ActionOutcome, Error> {
        for _ in 0..ATTEMPTS {
            let Some(case) = self.store.get(id).await? else {
                return Ok(ActionOutcome::Refused(Refusal::NoSuchCase));
            };
            let others = self.involved(&case, action).await?;
            let at = self.clock.now();
            let context = Context::new(actor.user_id(), at).with_others(&others);
            let decided = match action {
                Action::Step(item, what) => step(&case, item, what, &context),
                Action::Resolve(item, how) => resolve(&case, item, how, &context),
                Action::UndoMerge(absorbed) => undo_merge(&case, absorbed, &context),
                Action::Delete => delete(&case, &context),
                Action::Undelete => undelete(&case, &context),
            };
            let changes = match decided {
                Err(refusal) => return Ok(ActionOutcome::Refused(refusal)),
                Ok(changes) if changes.is_empty() => return Ok(ActionOutcome::AlreadyDone),
                Ok(changes) => changes,
            };
            if self.save(&changes, action.item(&case), actor, at).await? {
                // The action is done. The worker's next pass delivers what cannot be delivered now.
                let _ = self.deliver(changes, actor).await;
                return Ok(ActionOutcome::Done);
            }
        }
        Err(Error::new(ErrorKind::Conflict))
    }

    /// Returns the related cases of the action, as they are stored.
    async fn involved(&self, case: &Case, action: Action<'_>) -> Result<Vec<Case>, Error> {
        let mut others = Vec::new();
        for id in action.names(case) {
            let other = self.store.get(&id).await;
            // A merge needs the other case. Another case of a duplicate only loses its reference.
            others.extend(if action.is_about_a_merge() { other? } else { readable(other)? });
        }
        let mut numbers: Vec<NhsNumber> = action.numbers(case);
        if action.is_about_a_merge() {
            // A merge also affects cases that share a number with one of the two.
            let named: Vec<CaseId> = others.iter().chain([case]).flat_map(duplicates).collect();
            for id in named {
                if id != case.id && !others.iter().any(|other| other.id == id) {
                    others.extend(readable(self.store.get(&id).await)?);
                }
            }
            numbers
                .extend(others.iter().filter_map(|other| Some(other.nhs_number.as_ref()?.number)));
        }
        for number in numbers {
            for holder in self.store.holders(number).await? {
                if holder != case.id && !others.iter().any(|other| other.id == holder) {
                    others.extend(self.store.get(&holder).await?);
                }
            }
        }
        Ok(others)
    }

    /// Records and saves the changes. Returns false when another program has changed a case.
    pub(super) async fn save(
        &self,
        changes: &[Changed],
        item: Option<&ReviewItem>,
        actor: &Actor,
        at: DateTime<Utc>,
    ) -> Result<bool, Error> {
        let mut entries: Vec<Entry> =
            changes.iter().map(|changed| record(&changed.case, changed.what, actor, at)).collect();
        if let (Some(item), false) = (item, entries.is_empty()) {
            let first = entries.remove(0);
            let first = first
                .with_detail("item", item.number.to_string())
                .with_detail("reason", item.reason.as_str());
            entries.insert(0, first);
        }
        self.audit.append(entries).await?;
        let all = changes.iter().map(|changed| {
            let mut change = Change::new(changed.case.clone());
            change.sole_holder = changed.sole_holder;
            change
        });
        let saved = saved(self.store.save_all(all.collect()).await)?;
        if !saved {
            let ids = changes.iter().map(|changed| &changed.case.id);
            withdraw::<Error>(&*self.store, &*self.audit, actor, ids, at).await?;
        }
        Ok(saved)
    }

    /// Delivers the alerts of the saved cases.
    async fn deliver(&self, changes: Vec<Changed>, actor: &Actor) -> Result<(), Error> {
        let cases = changes.into_iter().map(|Changed { mut case, .. }| {
            case.version += 1;
            case
        });
        let delivery = Delivery {
            store: &*self.store,
            audit: &*self.audit,
            alerts: &*self.alerts,
            actor,
            clock: &*self.clock,
            why: "action",
        };
        delivery.deliver(cases.collect()).await
    }
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

impl Action<'_> {
    const fn is_about_a_merge(&self) -> bool {
        matches!(self, Self::UndoMerge(_) | Self::Resolve(_, Resolution::Merge { .. }))
    }

    /// Returns the item that the action is about.
    fn item<'c>(&self, case: &'c Case) -> Option<&'c ReviewItem> {
        match self {
            Self::Step(number, _) | Self::Resolve(number, _) => {
                case.review.iter().find(|item| item.number == *number)
            }
            _ => None,
        }
    }

    /// Returns the cases that the action names.
    fn names(&self, case: &Case) -> Vec<CaseId> {
        match self {
            Self::Resolve(_, Resolution::Merge { absorbed }) => vec![absorbed.clone()],
            Self::UndoMerge(absorbed) => vec![(*absorbed).clone()],
            Self::Resolve(_, Resolution::RejectNumber(_)) | Self::Delete => duplicates(case),
            _ => Vec::new(),
        }
    }

    /// Returns the numbers whose other cases matter.
    fn numbers(&self, case: &Case) -> Vec<NhsNumber> {
        let recorded = case.nhs_number.as_ref().map(|recorded| recorded.number);
        match self {
            Self::Resolve(_, Resolution::AcceptNumber(number)) => vec![*number],
            Self::Undelete => recorded.into_iter().collect(),
            Self::UndoMerge(absorbed) => {
                let before = case.absorbed.iter().filter(|was| was.case_id == **absorbed);
                before.filter_map(|was| Some(was.number_before.as_ref()?.number)).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// The audit record of a change that is about to be saved, with the changed case.
pub(super) fn record(case: &Case, what: &str, actor: &Actor, at: DateTime<Utc>) -> Entry {
    changed(actor, case, &[("action", what)], at)
}
