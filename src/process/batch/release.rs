//! Returns cases of a batch to the normal way, and does what a program has left undone that was killed.

use crate::audit::{Actor, Entry, EventKind, Subject};
use crate::case::{Case, CaseFilter, CaseId, Change, Submission};
use crate::clock::Clock;
use crate::process::batch::batches::{Batches, PAGE};
use crate::process::batch::folder::Folder;
use crate::process::batch::list::List;
use crate::process::batch::question::Questions;
use crate::process::batch::record::{Batch, BatchState, Ending};
use crate::process::batch::settle::{Waiting, message_of};
use crate::process::decision::eligibility::eligibility;
use crate::process::error::Error;
use crate::process::run::engine::Engine;
use crate::process::run::record::came_back;
use crate::process::run::turn::{Step, Turn};
use crate::process::store::commit::Committed;
use crate::process::store::unit::Store;
use crate::trace::{self, ErrorKind, Exchange};
use chrono::{DateTime, TimeDelta, Utc};
use std::sync::Arc;
use tokio::task::JoinSet;

/// After which time the file of another folder counts as abandoned that is still being built.
const ABANDONED: TimeDelta = TimeDelta::hours(12);

/// How often the cases of a batch are gone through, while other programs change them.
const ROUNDS: usize = 5;

impl Batches {
    /// Does what is due without any message: withdraws files that a killed program has not completed, returns the cases
    /// of refused batches, notes which batches count as lost, and deletes old requests of batches that are not listed any
    /// more.
    ///
    /// # Errors
    ///
    /// [`ErrorKind`](crate::process::ErrorKind), when the store, the trail or the folder fails.
    pub async fn tidy(&self) -> Result<(), Error> {
        let folder = self.open_folder()?;
        self.tidy_in(&folder).await
    }

    pub(super) async fn tidy_in(&self, folder: &Folder) -> Result<(), Error> {
        let now = self.settings.clock.now();
        for batch in self.list().await? {
            let name = batch.file_name();
            match batch.state {
                // The folder is locked: no program is building it.
                BatchState::Building
                    if folder.has(&name) || batch.created_at + ABANDONED <= now =>
                {
                    let ending = BatchState::Releasing(Ending::Withdrawn);
                    let changed = self.to_state(&batch.id, BatchState::Building, ending).await?;
                    if let Some(batch) = changed {
                        self.end(folder, &batch).await?;
                    }
                }
                BatchState::Releasing(_) => drop(self.end(folder, &batch).await?),
                // Another folder's program has closed it: it has not left, and is not kept.
                BatchState::Closed(Ending::Withdrawn) => folder.delete(&name)?,
                // A user may have a copy. This one does not leave.
                BatchState::Exporting if batch.recalled && folder.has(&name) => {
                    self.to_state(&batch.id, BatchState::Exporting, BatchState::Exported).await?;
                    folder.delete(&name)?;
                }
                // The program of this folder does not send it now. Whether the service has it is looked up.
                BatchState::Sending if batch.recalled => folder.delete(&name)?,
                // Killed after the record, and before the file was deleted.
                BatchState::Sent | BatchState::Closed(_)
                    if folder.has(&name) && (batch.is_closed() || now < batch.until) =>
                {
                    self.clean(folder, &batch)?;
                }
                BatchState::Ready
                | BatchState::Exporting
                | BatchState::Exported
                | BatchState::Sending
                | BatchState::Sent
                | BatchState::Held
                    if batch.until <= now =>
                {
                    // The worker traces its cases from now on, whether or not a response comes.
                    tracing::warn!(batch = batch.id, state = %batch.state, "a batch is lost");
                    let lost = BatchState::Closed(Ending::Lost);
                    if let Some(batch) = self.to_state(&batch.id, batch.state, lost).await? {
                        self.clean(folder, &batch)?;
                    }
                }
                _ => {}
            }
        }
        let batches = self.list().await?;
        let is_known = |name: &str| batches.iter().any(|batch| batch.file_name() == name);
        folder.delete_parts(is_known)?;
        // Of batches that are not listed any more. Another store may use the folder too: its own are lost by then.
        let before = now.checked_sub_signed(self.lost_after).unwrap_or(DateTime::<Utc>::MIN_UTC);
        for name in folder.requests_before(before)? {
            if !is_known(&name) {
                self.clean_file(folder, &name)?;
            }
        }
        Ok(())
    }

    /// Returns the cases of a batch that is ending, and closes it.
    pub(super) async fn end(&self, folder: &Folder, batch: &Batch) -> Result<Batch, Error> {
        let Some(ending) = batch.state.ending() else { return Ok(batch.clone()) };
        if ending == Ending::Withdrawn {
            // It must not leave any more.
            folder.delete(&batch.file_name())?;
        }
        let mut waiting = 0;
        for _ in 0..ROUNDS {
            waiting = self.return_cases(batch, ending).await?;
            if waiting == 0 {
                break;
            }
        }
        let list = self.records();
        let closed = list.change(&batch.id, |batch| {
            batch.waiting = waiting;
            // Cases that other programs keep changing are returned by the next call.
            if waiting == 0 {
                batch.state = BatchState::Closed(ending);
            }
            true
        });
        let closed = closed.await?.unwrap_or_else(|| batch.clone());
        if closed.is_closed() {
            self.clean(folder, &closed)?;
        }
        Ok(closed)
    }

    /// Returns every case of the batch once. Returns how many could not be saved.
    async fn return_cases(&self, batch: &Batch, ending: Ending) -> Result<u64, Error> {
        let engine = self.engine();
        let filter = CaseFilter::default().with_inactive().with_batch(&*batch.id);
        let (mut left, mut after): (u64, Option<CaseId>) = (0, None);
        loop {
            let page = engine.cases().search(&filter, after.as_ref(), PAGE).await?;
            engine.alive.sign();
            let Some(last) = page.last() else { return Ok(left) };
            after = Some(last.id.clone());
            let mut tasks = JoinSet::new();
            for case in page {
                let engine = Arc::clone(&engine);
                tasks.spawn(async move { engine.return_case(case, ending).await });
            }
            while let Some(done) = tasks.join_next().await {
                left += u64::from(!done.unwrap_or(Ok(false))?);
            }
        }
    }
}

/// Withdraws each file that has not left, because a person in it may have been erased. The next program that works with the
/// folder deletes it, and returns the cases. A file that is about to leave is not sent again.
pub(in crate::process) async fn recall(
    store: &dyn Store,
    actor: &Actor,
    clock: &dyn Clock,
) -> Result<(), Error> {
    let list = List { store, actor, clock };
    for batch in list.all().await? {
        let recalled = list.change(&batch.id, |batch| {
            match batch.state {
                BatchState::Building | BatchState::Ready => {
                    batch.state = BatchState::Releasing(Ending::Withdrawn);
                }
                BatchState::Sending | BatchState::Exporting if !batch.recalled => {
                    batch.recalled = true;
                }
                _ => return false,
            }
            true
        });
        recalled.await?;
    }
    Ok(())
}

impl Engine {
    /// Returns a case that waits for a row of a batch. Returns false if another program has changed it.
    async fn return_case(&self, case: Case, ending: Ending) -> Result<bool, Error> {
        let Some(row) = case.asking.submitted.clone() else { return Ok(true) };
        // PDS has not got a file that was withdrawn or refused. Its cases are as if they had not been submitted.
        if matches!(ending, Ending::Withdrawn | Ending::Refused) {
            let entry = self.noted(&case.id, &row, "not_sent");
            return self.withdraw(case, &row, ending.as_str(), entry).await;
        }
        match self.unanswered(&case, &row, ending) {
            Some((turn, recorded)) => {
                let settled = self.settle(&turn, recorded).await?;
                Ok(settled.row.is_some())
            }
            // The case would send something else now, or must not be traced any more.
            None => {
                let entry = self.noted(&case.id, &row, "no_response");
                self.withdraw(case, &row, "changed", entry).await
            }
        }
    }

    /// The turn of a case whose row got no answer.
    fn unanswered(
        &self,
        case: &Case,
        row: &Submission,
        ending: Ending,
    ) -> Option<(Turn, Vec<Entry>)> {
        let (settings, now) = (&self.settings, self.now());
        let waiting = Waiting { case, row };
        if !eligibility(case, &settings.scope, now).is_eligible() {
            return None;
        }
        let questions = Questions::still(case, row, &settings.policy, &settings.local_root, now)?;
        let exchange = Exchange::new("batch", "batch", row.reference.as_str(), row.at)
            .with_reference("batch", &*row.batch)
            .with_code(ending.as_str());
        let error = trace::Error::new(ErrorKind::Unavailable)
            .with_exchange(exchange)
            .with_source("the batch was not answered");
        let message_id = message_of(row)?;
        let entry = came_back(self.actor(), &case.id, message_id, Some(Err(&error)), now);
        let plan = questions.first();
        let step = Step { plan, message_id, reply: Some(Err(error)), at: now };
        // A person who releases a batch may want another file.
        let goes_singly = ending != Ending::Released;
        Some((waiting.turn(vec![step], goes_singly), vec![entry]))
    }

    /// Takes the case out of its batch, without a decision: it is traced as if it had not been submitted. `entry` says
    /// what became of its row.
    pub(super) async fn withdraw(
        &self,
        mut case: Case,
        row: &Submission,
        why: &str,
        entry: Option<Entry>,
    ) -> Result<bool, Error> {
        case.asking.submitted = None;
        let due = self.due_in_pass(&case);
        let why = [("decision", "left_the_batch"), ("batch", &*row.batch), ("reason", why)];
        let mut commit = self.commit().save(Change::new(case).with_due(due), &why);
        commit.recorded.extend(entry);
        Ok(self.store.commit(commit).await? == Committed::Done)
    }

    /// The record of what became of a row whose answer is not decided about.
    pub(super) fn noted(&self, case: &CaseId, row: &Submission, outcome: &str) -> Option<Entry> {
        let entry = Entry::new(EventKind::MessageReceived, self.now(), self.actor())
            .with_message_id(message_of(row)?.to_string())
            .with_detail("outcome", outcome)
            .with_detail("batch", &*row.batch);
        Some(entry.about(Subject::new(case.clone())))
    }
}
