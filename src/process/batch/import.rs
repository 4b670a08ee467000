//! Reads a response, and settles the cases that wait for its rows.

use crate::audit::{self, Filter};
use crate::batch::Reference;
use crate::batch::file::{Entry, FileError, FileErrorKind, ResponseFile, ResponseRow};
use crate::process::batch::batches::Batches;
use crate::process::batch::folder::failed;
use crate::process::batch::record::{Batch, BatchState, Ending};
use crate::process::batch::rows::{RowFault, RowReport, Settled, uuid_of};
use crate::process::decision::result::TraceResult;
use crate::process::error::{Error, ErrorKind};
use crate::process::run::engine::Engine;
use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::hash::BuildHasher;
use std::io::{BufReader, Read, Seek};
use std::path::Path;
use std::sync::Arc;
use tokio::task::JoinSet;

/// How many rows are settled at a time. Their commits share the wait for the disk.
const IN_WORK: usize = 64;

/// How many references are looked up in the trail when no row of a file has a case that waits. One response is of one
/// request, so that its rows are of one store.
const LOOKED_UP: usize = 8;

/// The result of an import.
#[non_exhaustive]
#[derive(Debug, Default)]
pub struct Imported {
    /// The rows of the file, readable or not.
    pub rows: u64,
    /// The cases that were decided, by result.
    pub decided: BTreeMap<TraceResult, u64>,
    /// The cases about which the worker asks further questions.
    pub continued: u64,
    /// The rows from which nothing was settled, by cause.
    pub refused: BTreeMap<RowFault, u64>,
    /// The batches whose cases were in the file, as they are now.
    pub batches: Vec<Batch>,
    /// Why the file was not read to its end, or does not have the rows that it should. What was read before is settled.
    pub fault: Option<FileError>,
    /// Whether no row of the file is of this store.
    is_foreign: bool,
}

impl Imported {
    /// The rows from which nothing was settled.
    pub(super) fn refused_rows(&self) -> u64 {
        self.refused.values().sum()
    }

    /// Whether a person must look at the file: it was not read to its end, has rows that another file or another import
    /// may settle, or is of another store.
    pub(super) fn needs_a_person(&self) -> bool {
        let may_be_settled = self.refused.keys().any(|fault| {
            matches!(fault, RowFault::Damaged(_) | RowFault::Duplicate | RowFault::Conflict)
        });
        self.fault.is_some() || may_be_settled || self.is_foreign
    }

    fn count(&mut self, report: &RowReport) {
        self.rows += 1;
        match &report.result {
            Ok(Settled::Decided(result)) => *self.decided.entry(*result).or_default() += 1,
            Ok(Settled::Continued) => self.continued += 1,
            Err(fault) => *self.refused.entry(*fault).or_default() += 1,
        }
    }
}

impl Batches {
    /// Reads the response in `file`, and settles the cases that wait for its rows. Calls `observer` for each row.
    ///
    /// Nothing is settled from a row that is damaged, that the file has twice, or for which no case waits; all others are
    /// read. The import may be repeated: what was settled before is not settled again.
    ///
    /// The file is read twice, first to find references that it has twice. Keeps eight bytes for each row in memory.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::BatchResponse`] when the file is not a response, or the service has refused the whole request; the
    /// source is a [`FileError`]. [`ErrorKind::BatchFolder`] when it cannot be read. The errors of store and trail: what
    /// was settled before stays settled.
    pub async fn import(
        &self,
        file: &Path,
        observer: &mut (dyn FnMut(&RowReport) + Send),
    ) -> Result<Imported, Error> {
        self.import_from(File::open(file).map_err(failed)?, observer).await
    }

    /// The same for a response that is not a file, such as an upload in memory. It is read from its beginning.
    ///
    /// # Errors
    ///
    /// Those of [`import`](Self::import).
    pub async fn import_from(
        &self,
        mut file: impl Read + Seek + Send,
        observer: &mut (dyn FnMut(&RowReport) + Send),
    ) -> Result<Imported, Error> {
        let duplicates = Duplicates::of(&mut file)?;
        let mut response = open(&mut file)?;
        let (engine, mut imported) = (self.engine(), Imported::default());
        let (mut tasks, mut touched) = (JoinSet::new(), BTreeSet::new());
        let mut unknown = Vec::new();
        let mut next = Some(());
        while next.is_some() || !tasks.is_empty() {
            while next.is_some() && tasks.len() < IN_WORK {
                match response.next() {
                    Some(Ok(Entry::Row(row))) if duplicates.has(row.reference()) => {
                        let report = RowReport::of(&row, Err(RowFault::Duplicate));
                        take(&mut imported, observer, &report);
                    }
                    Some(Ok(Entry::Row(row))) => {
                        let (engine, continues) = (Arc::clone(&engine), self.continues);
                        tasks.spawn(settle(engine, row, continues));
                    }
                    Some(Ok(Entry::Damaged(error))) => {
                        take(&mut imported, observer, &RowReport::damaged(error));
                    }
                    Some(Err(error)) => {
                        imported.fault = Some(error);
                        next = None;
                    }
                    None => next = None,
                }
            }
            if let Some(done) = tasks.join_next().await {
                let (report, batch) = match done {
                    Ok(done) => done?,
                    Err(error) => match error.try_into_panic() {
                        Ok(panic) => std::panic::resume_unwind(panic),
                        Err(_) => continue,
                    },
                };
                engine.alive.sign();
                touched.extend(batch);
                if report.result == Err(RowFault::Unknown) && unknown.len() < LOOKED_UP {
                    unknown.extend(report.reference.clone());
                }
                take(&mut imported, observer, &report);
            }
        }
        if let Some(&count) = imported.refused.get(&RowFault::Unknown) {
            // Which batches are closed next says nothing about the file.
            imported.is_foreign =
                touched.is_empty() && count == imported.rows && !self.has_sent(&unknown).await?;
            touched.extend(self.answered_before().await?);
        }
        for id in touched {
            imported.batches.extend(self.answered_batch(&id).await?);
        }
        Ok(imported)
    }

    /// Whether this store has sent a row with one of the references, as its trail says. A response may arrive twice: the
    /// second time no case waits for its rows any more.
    async fn has_sent(&self, references: &[Reference]) -> Result<bool, Error> {
        for reference in references {
            let filter = Filter::new().with_message_id(reference.as_str());
            match self.store.audit().page(&filter, 0, 1).await {
                Ok(events) if events.is_empty() => {}
                Ok(_) => return Ok(true),
                // Nothing here says it.
                Err(error) if error.kind() == audit::ErrorKind::Elsewhere => return Ok(false),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(false)
    }

    /// The batches for which no case waits, but which are not closed: a program was killed between the two.
    async fn answered_before(&self) -> Result<Vec<String>, Error> {
        let mut answered = Vec::new();
        for batch in self.list().await? {
            let has_left = matches!(
                batch.state,
                BatchState::Exporting
                    | BatchState::Exported
                    | BatchState::Sending
                    | BatchState::Sent
                    | BatchState::Held
            );
            if has_left && self.waiting(&batch.id).await? == 0 {
                answered.push(batch.id);
            }
        }
        Ok(answered)
    }

    /// Notes how many cases of the batch still wait, and closes it when none does.
    async fn answered_batch(&self, id: &str) -> Result<Option<Batch>, Error> {
        let waiting = self.waiting(id).await?;
        self.records()
            .change(id, |batch| {
                batch.waiting = waiting;
                if waiting == 0 && !batch.is_closed() {
                    batch.state = BatchState::Closed(Ending::Settled);
                }
                true
            })
            .await
    }
}

fn take(
    imported: &mut Imported,
    observer: &mut (dyn FnMut(&RowReport) + Send),
    report: &RowReport,
) {
    imported.count(report);
    observer(report);
}

async fn settle(
    engine: Arc<Engine>,
    row: Box<ResponseRow>,
    continues: bool,
) -> Result<(RowReport, Option<String>), Error> {
    let (result, batch) = engine.settle_row(&row, continues).await?;
    Ok((RowReport::of(&row, result), batch))
}

fn open<R: Read + Seek>(mut file: R) -> Result<ResponseFile<BufReader<R>>, Error> {
    file.rewind().map_err(failed)?;
    ResponseFile::open(BufReader::with_capacity(128 * 1024, file)).map_err(unreadable)
}

fn unreadable(error: FileError) -> Error {
    let kind = match error.kind() {
        FileErrorKind::Io => ErrorKind::BatchFolder,
        _ => ErrorKind::BatchResponse,
    };
    Error::new(kind).with_source(error)
}

/// The references that a file has more than once.
struct Duplicates {
    hasher: RandomState,
    /// The hashes, sorted. Two references with one hash would only be left out both.
    hashes: Vec<u64>,
}

impl Duplicates {
    fn of(file: impl Read + Seek) -> Result<Self, Error> {
        let (hasher, mut response) = (RandomState::new(), open(file)?);
        let mut hashes: Vec<u64> = Vec::new();
        // A fault of the file is reported when the rows are settled.
        while let Some(Ok(entry)) = response.next() {
            let reference = match &entry {
                Entry::Row(row) => Some(row.reference()),
                Entry::Damaged(error) => error.reference.as_ref(),
            };
            hashes.extend(reference.map(|reference| hash(&hasher, reference)));
        }
        hashes.sort_unstable();
        let mut twice: Vec<u64> = hashes
            .windows(2)
            .filter_map(|pair| match pair {
                [a, b] if a == b => Some(*a),
                _ => None,
            })
            .collect();
        twice.dedup();
        Ok(Self { hasher, hashes: twice })
    }

    fn has(&self, reference: &Reference) -> bool {
        self.hashes.binary_search(&hash(&self.hasher, reference)).is_ok()
    }
}

/// One value for all forms of a UUID.
fn hash(hasher: &RandomState, reference: &Reference) -> u64 {
    hasher.hash_one(uuid_of(reference).ok_or(reference))
}
