//! Writes due cases into files. A case is in a file only if its store says that it waits for the row.

use crate::audit::{Entry, EventKind, Subject};
use crate::batch::file::{FileError, Format, RequestFile, RequestRow};
use crate::case::{Case, CaseId, Change, Due, Planned, Priority, Submission};
use crate::process::batch::batches::{Batches, PAGE};
use crate::process::batch::folder::{Folder, failed};
use crate::process::batch::policy::{BatchPolicy, Chosen};
use crate::process::batch::question::Questions;
use crate::process::batch::record::{Batch, BatchState, Ending};
use crate::process::decision::plan::Plan;
use crate::process::error::{Error, ErrorKind};
use crate::process::run::engine::Engine;
use crate::process::store::commit::Committed;
use crate::trace::MessageId;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::HashMap;
use std::fs::File;
use std::io::{Sink, sink};
use std::sync::Arc;
use std::time::Duration;

/// See [`Batches::with_lost_after`].
const SHORTEST_WAIT: TimeDelta = TimeDelta::hours(1);

const LONGEST_WAIT: TimeDelta = TimeDelta::days(365);

impl Batches {
    /// Writes the due cases that `policy` chooses into as many files as the limits require. Calls `progress` with the
    /// number of rows so far.
    ///
    /// First does what a program has left undone that was killed: see [`tidy`](Self::tidy). Waits for the cases that it
    /// had, and for those that another program traces now, for at most two [leases](crate::process::Settings::with_lease). A case is left to the
    /// worker if a file cannot have its data, such as a case without a gender that has no number either
    /// ([`left_out`](Self::left_out)).
    ///
    /// # Errors
    ///
    /// [`ErrorKind`], when the store, the trail or the folder fails. What is ready stays ready. The cases of the file
    /// that is not complete return to the normal way with the next call.
    pub async fn build(
        &self,
        policy: &BatchPolicy,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<Vec<Batch>, Error> {
        let folder = self.open_folder()?;
        self.tidy_in(&folder).await?;
        // A program that was killed has cases for as long as this.
        let lease = self.settings.lease * 2;
        self.build_in(&folder, policy, lease, progress).await
    }

    pub(super) async fn build_in(
        &self,
        folder: &Folder,
        policy: &BatchPolicy,
        patience: Duration,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<Vec<Batch>, Error> {
        let due = self.store.cases().counts(self.settings.clock.now()).await?.due;
        let Some(chosen) = policy.chosen(due) else { return Ok(Vec::new()) };
        let engine = self.engine();
        let mut builder = Builder {
            batches: self,
            folder,
            chosen,
            renewed: engine.now(),
            until: engine.now() + patience,
            engine: Arc::clone(&engine),
            ready: Vec::new(),
            open: None,
            rows: 0,
            left: Vec::new(),
            least: chosen.at_least(),
            gathered: Vec::new(),
            delivered: HashMap::new(),
        };
        let built = builder.run(progress).await;
        let released = engine.release(&builder.left).await;
        built.and(released)?;
        Ok(builder.ready)
    }
}

/// The progress of a build.
struct Builder<'a> {
    batches: &'a Batches,
    engine: Arc<Engine>,
    folder: &'a Folder,
    chosen: Chosen,
    ready: Vec<Batch>,
    open: Option<Open>,
    rows: u64,
    /// Leased cases that are in no file, because too few were found or another program has changed them.
    left: Vec<CaseId>,
    /// How many cases must be found before the first file is begun, and those that were found so far.
    least: usize,
    gathered: Vec<Row>,
    /// The versions of cases whose alerts this build has delivered, or tried to.
    delivered: HashMap<CaseId, u64>,
    renewed: DateTime<Utc>,
    /// Until when it waits for cases that other programs have.
    until: DateTime<Utc>,
}

/// A file that is being written.
struct Open {
    batch: Batch,
    file: RequestFile<File>,
    /// The file as it is if every case can be marked: it says how many rows have room.
    planned: RequestFile<Sink>,
}

/// A case that goes by batch.
struct Row {
    case: Case,
    priority: Priority,
    questions: Questions,
    id: MessageId,
    row: RequestRow,
}

impl Builder<'_> {
    async fn run(&mut self, progress: &mut (dyn FnMut(u64) + Send)) -> Result<(), Error> {
        loop {
            self.keep().await?;
            let claim = self.engine.cases().claim_due(PAGE, &self.engine.lease()).await?;
            if claim.cases.is_empty() {
                let now = self.engine.now();
                match claim.blocked_until {
                    Some(blocked) if now < self.until => {
                        let renewal = now + self.engine.settings.lease / 3;
                        self.engine.wait_for(blocked.min(renewal)).await;
                        continue;
                    }
                    _ => break,
                }
            }
            let chosen = self.choose(claim.cases).await?;
            self.gathered.extend(chosen);
            if self.gathered.len() < self.least {
                continue;
            }
            self.least = 0;
            let mut chosen = std::mem::take(&mut self.gathered);
            while !chosen.is_empty() {
                let part = self.fitting(&mut chosen).await?;
                self.submit(part).await?;
                progress(self.rows);
            }
        }
        // Too few for a file.
        self.left.extend(self.gathered.drain(..).map(|one| one.case.id));
        self.finish().await
    }

    /// Extends the leases when they are old enough.
    async fn keep(&mut self) -> Result<(), Error> {
        let now = self.engine.now();
        self.engine.alive.sign();
        let third = self.engine.settings.lease / 3;
        if (now - self.renewed).to_std().is_ok_and(|gone: Duration| gone < third) {
            return Ok(());
        }
        self.engine.renew().await?;
        self.renewed = now;
        Ok(())
    }

    /// Returns those of the leased `cases` that go by batch. Plans and releases the others: those that are not to be
    /// traced, and those that the worker traces singly. It may trace these at once. They are due later than this build
    /// began, so that they do not come again. If they stayed leased, each renewal would write all of them, and a program
    /// that is killed would leave as many leases to others.
    async fn choose(&mut self, cases: Vec<Case>) -> Result<Vec<Row>, Error> {
        let engine = Arc::clone(&self.engine);
        let (mut chosen, mut planned, mut done) = (Vec::new(), Vec::new(), Vec::new());
        for case in cases {
            let id = case.id.clone();
            if !case.undelivered.is_empty()
                && self.delivered.insert(id.clone(), case.version) != Some(case.version)
            {
                let due = engine.due_in_pass(&case);
                let commit = engine.commit().release(&engine.owner, vec![id]).deliver(case, due);
                engine.write(commit).await?;
                continue;
            }
            let due = match engine.plan(&case) {
                Ok(plan) => match self.row(&case, &plan) {
                    Some((priority, questions, id, row)) => {
                        chosen.push(Row { case, priority, questions, id, row });
                        continue;
                    }
                    None => engine.due_for_others(&case),
                },
                Err(_) => engine.due(&case),
            };
            planned.push(Planned::new(id.clone(), case.version, due));
            done.push(id);
        }
        if !planned.is_empty() {
            engine.cases().set_due(planned).await?;
            engine.release(&done).await?;
        }
        Ok(chosen)
    }

    /// The row of a case that is to be traced by `plan`, if it goes by batch, and what belongs to the row.
    fn row(
        &self,
        case: &Case,
        plan: &Plan,
    ) -> Option<(Priority, Questions, MessageId, RequestRow)> {
        let (settings, now) = (&self.engine.settings, self.engine.now());
        let priority = self.engine.priority(case);
        let is_one_by_one = self.batches.is_one_by_one(case);
        if !plan.known.is_empty() || is_one_by_one || !self.chosen.takes(priority) {
            return None;
        }
        let (policy, root) = (&settings.policy, &settings.local_root);
        let questions = Questions::of(case, &plan.asked, policy, root, now)?;
        let id = MessageId::fresh(&*settings.ids);
        let row = questions.row(id.uuid().into())?;
        Some((priority, questions, id, row))
    }

    /// Takes those of `chosen` away that have room in the file. Begins a file if there is none or the last is full.
    async fn fitting(&mut self, chosen: &mut Vec<Row>) -> Result<Vec<Row>, Error> {
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.begin().await?,
        };
        let mut count = 0;
        for one in chosen.iter() {
            if !open.planned.write(&one.row).map_err(unwritten)? {
                break;
            }
            count += 1;
        }
        let rest = chosen.split_off(count);
        let part = std::mem::replace(chosen, rest);
        self.open = Some(open);
        if part.is_empty() {
            self.finish().await?;
        }
        Ok(part)
    }

    /// Begins a file. The batch is on record before a case is marked.
    async fn begin(&self) -> Result<Open, Error> {
        let now = self.engine.now();
        let id = self.engine.settings.ids.next().to_string();
        let lost_after = self.batches.lost_after.clamp(SHORTEST_WAIT, LONGEST_WAIT);
        let until = now.checked_add_signed(lost_after).unwrap_or(DateTime::<Utc>::MAX_UTC);
        let batch = Batch::new(id, now, until);
        let file = self.folder.begin(&batch.file_name())?;
        let limits = self.batches.limits;
        let file = RequestFile::new(file, Format::PdsMesh, limits).map_err(unwritten)?;
        let planned = RequestFile::new(sink(), Format::PdsMesh, limits).map_err(unwritten)?;
        self.batches.records().add(&batch).await?;
        Ok(Open { batch, file, planned })
    }

    /// Marks the cases of `part`, records what is going to be sent, and writes the rows.
    async fn submit(&mut self, mut part: Vec<Row>) -> Result<(), Error> {
        let Some(open) = &mut self.open else { return Ok(()) };
        let (engine, batch) = (&*self.engine, &open.batch);
        let now = engine.now();
        while !part.is_empty() {
            let mut commit = engine.commit();
            for Row { case, priority, questions, row, .. } in &part {
                let reference = row.reference().as_str();
                let mut case = case.clone();
                let times = (now, batch.until);
                let asked = questions.asked.clone();
                case.asking.submitted = Some(Submission::new(&*batch.id, reference, times, asked));
                let due = Due::new(*priority, batch.until);
                let why =
                    [("decision", "submitted"), ("batch", &*batch.id), ("reference", reference)];
                commit = commit.save(Change::new(case).with_due(due), &why);
            }
            let ids = part.iter().map(|one| one.case.id.clone()).collect();
            commit = commit.release(&engine.owner, ids);
            match engine.store.commit(commit).await? {
                Committed::Done => break,
                // Another program has changed a case. It comes again when it is due.
                Committed::Refused { case: Some(changed), .. } => {
                    part.retain(|one| one.case.id != changed);
                    self.left.push(changed);
                }
                Committed::Refused { .. } => return Err(Error::new(ErrorKind::Conflict)),
            }
        }
        if part.is_empty() {
            return Ok(());
        }
        let sent = part.iter().map(|one| one.sent(engine, &batch.id, now)).collect();
        engine.record(sent).await?;
        for one in &part {
            if !open.file.write(&one.row).map_err(unwritten)? {
                // The planned file, which has at least these rows, had room.
                return Err(Error::new(ErrorKind::BatchFolder));
            }
        }
        self.rows += part.len() as u64;
        Ok(())
    }

    /// Completes the file, if one is open.
    async fn finish(&mut self) -> Result<(), Error> {
        let Some(Open { batch, file, .. }) = self.open.take() else { return Ok(()) };
        let (file, written) = file.finish().map_err(unwritten)?;
        let list = self.batches.records();
        if written.rows == 0 {
            let state = BatchState::Closed(Ending::Withdrawn);
            self.batches.to_state(&batch.id, BatchState::Building, state).await?;
            return self.folder.delete(&batch.file_name());
        }
        self.folder.complete(&batch.file_name(), &file)?;
        let ready = list.change_from(&batch.id, BatchState::Building, |batch| {
            (batch.rows, batch.bytes, batch.waiting) = (written.rows, written.bytes, written.rows);
            batch.state = BatchState::Ready;
        });
        match ready.await? {
            Some(ready) => self.ready.push(ready),
            // Another program took this one for dead, and has returned the cases that were marked by then.
            None => {
                tracing::warn!(batch = batch.id, "a batch was withdrawn while it was built");
                let state = BatchState::Closed(Ending::Withdrawn);
                self.batches.end(self.folder, &Batch { state, ..batch }).await?;
            }
        }
        Ok(())
    }
}

impl Row {
    /// The record of the row, before the file leaves (MSCA-AUD-02).
    fn sent(&self, engine: &Engine, batch: &str, at: DateTime<Utc>) -> Entry {
        let asked = &self.questions.asked;
        let fields = [
            ("family", Some(asked.family.clone())),
            ("date_of_birth", Some(asked.date_of_birth.to_string())),
            ("given", asked.given.clone()),
            ("gender", asked.gender.map(|gender| gender.code().to_owned())),
            ("postcode", asked.postcode.map(|postcode| postcode.to_string())),
        ];
        let mut subject = Subject::new(self.case.id.clone());
        for (name, value) in fields {
            if let Some(value) = value {
                subject = subject.with_personal(name, value);
            }
        }
        let subject = asked.nhs_number.into_iter().fold(subject, Subject::with_number);
        Entry::new(EventKind::MessageSent, at, engine.actor())
            .with_message_id(self.id.to_string())
            .with_detail("question", "batch")
            .with_detail("batch", batch)
            .about(subject)
    }
}

fn unwritten(error: FileError) -> Error {
    failed(std::io::Error::other(error))
}
