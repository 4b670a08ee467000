//! Work on batches that takes longer than a request: writing request files, and importing a response. What is kept of it
//! contains nothing of a person.

use crate::app::App;
use crate::error::PageError;
use crate::uploads::File;
use chrono::{DateTime, Utc};
use nhs_pds::audit::{Actor, Entry, EventKind};
use nhs_pds::batch::file::{FileError, FileErrorKind};
use nhs_pds::process::batch::{BatchPolicy, Batches, Imported, LeftOut, RowReport};
use nhs_pds::process::{Error, ErrorKind};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::io::Cursor;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::task::JoinHandle;

/// How many imports of this server are kept.
const KEPT: usize = 20;

/// How many refused rows of an import are kept.
const KEPT_ROWS: usize = 10_000;

/// What ends within this time is answered with its result.
const SOON: Duration = Duration::from_secs(2);

/// Tracing by file, and what this server does of it now.
pub(crate) struct BatchWork {
    pub(crate) batches: Batches,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    building: Option<Arc<Building>>,
    built: Option<Built>,
    /// The oldest first.
    imports: VecDeque<Arc<Import>>,
}

/// Request files that are being written.
pub(crate) struct Building {
    pub(crate) at: DateTime<Utc>,
    pub(crate) by: String,
    pub(crate) rows: AtomicU64,
}

/// What the last writing of request files did.
#[derive(Clone)]
pub(crate) struct Built {
    pub(crate) at: DateTime<Utc>,
    pub(crate) by: String,
    /// The number of files and of rows, and the due cases that are not in a file; or why it has ended early.
    pub(crate) outcome: Result<(usize, u64, BTreeMap<LeftOut, u64>), Failure>,
}

/// The import of one response.
pub(crate) struct Import {
    /// Its name in URLs. It says nothing about the file.
    pub(crate) id: String,
    pub(crate) at: DateTime<Utc>,
    pub(crate) by: String,
    pub(crate) rows: AtomicU64,
    ended: Mutex<Option<Arc<Ended>>>,
}

/// The result of an import.
pub(crate) struct Ended {
    pub(crate) outcome: Result<Imported, Failure>,
    /// The first of the rows from which nothing was settled.
    pub(crate) refused: Vec<RowReport>,
}

/// Why work has ended early.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Failure {
    /// The file is not a response.
    File(FileErrorKind),
    /// The file says that the service refused the whole request.
    Refused(Refusal),
    /// The store, the trail or the folder failed.
    Process(ErrorKind),
    /// A fault of the program.
    Program,
}

/// A request that the service refused as a whole.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) code: &'static str,
    /// Its name, if the response has it.
    pub(crate) request: Option<String>,
}

impl fmt::Debug for BatchWork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BatchWork")
    }
}

impl BatchWork {
    pub(crate) fn new(batches: Batches) -> Self {
        Self { batches, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The writing of files that is running, and the result of the last.
    pub(crate) fn building(&self) -> (Option<Arc<Building>>, Option<Built>) {
        let state = self.state();
        (state.building.clone(), state.built.clone())
    }

    /// The imports of this server, the newest first.
    pub(crate) fn imports(&self) -> Vec<Arc<Import>> {
        self.state().imports.iter().rev().cloned().collect()
    }

    pub(crate) fn import(&self, id: &str) -> Result<Arc<Import>, PageError> {
        let found = self.state().imports.iter().find(|import| import.id == id).cloned();
        found.ok_or(PageError::NotFound)
    }

    /// Whether a response is imported now. One at a time keeps the store free for users.
    pub(crate) fn is_importing(&self) -> bool {
        self.state().imports.iter().any(|import| import.ended().is_none())
    }

    /// Notes an import that begins, unless one is running.
    fn begin(&self, import: Import) -> Option<Arc<Import>> {
        let mut state = self.state();
        if state.imports.iter().any(|import| import.ended().is_none()) {
            return None;
        }
        let import = Arc::new(import);
        state.imports.push_back(Arc::clone(&import));
        if state.imports.len() > KEPT {
            state.imports.pop_front();
        }
        Some(import)
    }
}

impl Import {
    /// The result; `None` while it is running.
    pub(crate) fn ended(&self) -> Option<Arc<Ended>> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn end(&self, ended: Ended) {
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(ended));
    }
}

impl Ended {
    /// The number of rows from which nothing was settled.
    pub(crate) fn refused_count(&self) -> u64 {
        self.outcome.as_ref().map_or(0, |imported| imported.refused.values().sum())
    }
}

impl Failure {
    pub(crate) fn of(error: &Error) -> Self {
        let source = std::error::Error::source(error);
        let of_file = source.and_then(|source| source.downcast_ref::<FileError>());
        match (error.kind(), of_file) {
            (ErrorKind::BatchResponse, Some(error)) => Self::of_file(error),
            (kind, _) => Self::Process(kind),
        }
    }

    pub(crate) fn of_file(error: &FileError) -> Self {
        match error.code() {
            Some(code) => {
                let request = error.request().map(str::to_owned);
                Self::Refused(Refusal { code: code.as_str(), request })
            }
            None => Self::File(error.kind()),
        }
    }
}

/// Writes the due cases that `policy` chooses into files, for the user `actor`. Does nothing while files are written.
/// Returns after a short time, whether or not all are written.
pub(crate) async fn build(
    app: &Arc<App>,
    actor: Actor,
    policy: BatchPolicy,
) -> Result<(), PageError> {
    let work = app.batches()?;
    let (at, by) = (app.clock.now(), actor.name().to_owned());
    let building = Arc::new(Building { at, by, rows: AtomicU64::new(0) });
    {
        let mut state = work.state();
        if state.building.is_some() {
            return Ok(());
        }
        state.building = Some(Arc::clone(&building));
    }
    let task = tokio::spawn({
        let (batches, building) = (work.batches.clone(), Arc::clone(&building));
        async move {
            let report = |rows| building.rows.store(rows, Ordering::Relaxed);
            let built = batches.build(&policy, &mut { report }).await?;
            // What was written is written, whether or not the rest can be counted.
            Ok::<_, Error>((built, batches.left_out().await.unwrap_or_default()))
        }
    });
    let app = Arc::clone(app);
    soon(tokio::spawn(async move {
        let outcome = match task.await {
            Ok(Ok((built, left))) => {
                Ok((built.len(), built.iter().map(|batch| batch.rows).sum::<u64>(), left))
            }
            Ok(Err(error)) => Err(Failure::of(&error)),
            Err(_) => Err(Failure::Program),
        };
        let entry = app.event(EventKind::BatchChanged, &actor).with_detail("action", "built");
        record(
            &app,
            match &outcome {
                Ok((files, rows, _)) => entry
                    .with_detail("files", files.to_string())
                    .with_detail("rows", rows.to_string()),
                Err(_) => entry.with_detail("outcome", "failed"),
            },
        )
        .await;
        if let Ok(work) = app.batches() {
            let mut state = work.state();
            state.building = None;
            state.built = Some(Built { at: app.clock.now(), by: building.by.clone(), outcome });
        }
    }))
    .await
    .map(drop)
}

/// Imports a response for the user `actor`. Returns after a short time, whether or not it has ended; `None` if another
/// import is running.
pub(crate) async fn import(
    app: &Arc<App>,
    actor: Actor,
    file: File,
) -> Result<Option<Arc<Import>>, PageError> {
    let work = app.batches()?;
    let begun = work.begin(Import {
        id: app.ids.next().to_string(),
        at: app.clock.now(),
        by: actor.name().to_owned(),
        rows: AtomicU64::new(0),
        ended: Mutex::new(None),
    });
    let Some(import) = begun else { return Ok(None) };
    let refused = Arc::new(Mutex::new(Vec::new()));
    let task = tokio::spawn({
        let (batches, import) = (work.batches.clone(), Arc::clone(&import));
        let refused = Arc::clone(&refused);
        async move {
            let mut report = |row: &RowReport| {
                import.rows.fetch_add(1, Ordering::Relaxed);
                let mut refused = refused.lock().unwrap_or_else(PoisonError::into_inner);
                if row.result.is_err() && refused.len() < KEPT_ROWS {
                    refused.push(row.clone());
                }
            };
            let imported = batches.import_from(Cursor::new(file), &mut report).await?;
            // The files of batches that have ended are deleted now, or by the next program that has the folder.
            if let Err(error) = batches.tidy().await {
                tracing::warn!(kind = %error.kind(), "files of batches are not tidied up yet");
            }
            Ok::<_, Error>(imported)
        }
    });
    let (app, running) = (Arc::clone(app), Arc::clone(&import));
    soon(tokio::spawn(async move {
        let outcome = match task.await {
            Ok(Ok(imported)) => Ok(imported),
            Ok(Err(error)) => Err(Failure::of(&error)),
            Err(_) => Err(Failure::Program),
        };
        let refused = std::mem::take(&mut *refused.lock().unwrap_or_else(PoisonError::into_inner));
        let ended = Ended { outcome, refused };
        record(&app, entry(&app, &actor, &ended)).await;
        running.end(ended);
    }))
    .await?;
    Ok(Some(import))
}

/// The event of an import that has ended.
fn entry(app: &App, actor: &Actor, ended: &Ended) -> Entry {
    let entry = app.event(EventKind::BatchChanged, actor).with_detail("action", "imported");
    let Ok(imported) = &ended.outcome else { return entry.with_detail("outcome", "failed") };
    let is_whole = imported.fault.is_none();
    let decided: u64 = imported.decided.values().sum();
    entry
        .with_detail("outcome", if is_whole { "completed" } else { "partly_completed" })
        .with_detail("rows", imported.rows.to_string())
        .with_detail("decided", decided.to_string())
        .with_detail("continued", imported.continued.to_string())
        .with_detail("refused", ended.refused_count().to_string())
}

/// Records the end of work. The trail has each change of a case and of a batch already.
async fn record(app: &App, entry: Entry) {
    if app.store.audit().append(vec![entry]).await.is_err() {
        tracing::error!("the end of work on batches could not be recorded");
    }
}

/// Waits a short time for the result of a task; `None` if it takes longer.
pub(crate) async fn soon<T>(task: JoinHandle<T>) -> Result<Option<T>, PageError> {
    match tokio::time::timeout(SOON, task).await {
        Ok(done) => done.map(Some).map_err(|_| PageError::Failed),
        Err(_) => Ok(None),
    }
}
