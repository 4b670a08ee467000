//! Sends and receives files through a batch service.

use crate::batch::file::FileError;
use crate::batch::{self, BatchTracer, Outgoing};
use crate::process::batch::batches::Batches;
use crate::process::batch::folder::{Folder, failed, remove};
use crate::process::batch::import::Imported;
use crate::process::batch::inbox::{Accepting, Arriving};
use crate::process::batch::record::{Batch, BatchState, Ending};
use crate::process::batch::rows::RowReport;
use crate::process::error::{Error, ErrorKind};
use chrono::{DateTime, TimeDelta, Utc};
use std::error::Error as _;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

/// The result of [`Batches::send`].
#[non_exhaustive]
#[derive(Debug, Default)]
pub struct Sent {
    /// The batches that the service now has.
    pub sent: Vec<Batch>,
    /// The batches whose fate a person must find out.
    pub held: Vec<Batch>,
    /// The batches whose file the service has refused. Their cases return to the normal way.
    pub refused: Vec<Batch>,
    /// The batches that were not sent because the service failed: after three failures in a row, no other is tried. The
    /// next call continues with them.
    pub not_sent: Vec<Batch>,
    /// The batches that are to be sent, and whose file is not in this folder: it is in another one, or is lost.
    pub elsewhere: Vec<Batch>,
    /// Why the first of [`not_sent`](Self::not_sent) was not sent.
    pub failed: Option<batch::Error>,
}

/// After how many failures in a row no other file is tried: the service, and not one file, is the cause.
const MOST_FAILURES: usize = 3;

/// How long the program of another folder may still be sending a file.
const STILL_SENDING: TimeDelta = TimeDelta::hours(1);

/// The result of [`Batches::collect`].
#[non_exhaustive]
#[derive(Debug, Default)]
pub struct Collected {
    /// How many messages have arrived.
    pub arrived: usize,
    /// What was imported, file by file.
    pub imported: Vec<Imported>,
    /// The files that are not responses. They are in the folder `refused` of the folder.
    pub refused: Vec<PathBuf>,
    /// The reports about messages that are not batches of this store.
    pub foreign_reports: u64,
    /// Why the mailbox was not read to its end.
    pub failed: Option<batch::Error>,
}

impl Batches {
    /// Sends the files that are ready through `service`, each at most once.
    ///
    /// First does what a program has left undone that was killed: see [`tidy`](Self::tidy).
    ///
    /// # Errors
    ///
    /// [`ErrorKind`], when the store, the trail or the folder fails. A failure of the service is in [`Sent::failed`].
    pub async fn send(&self, service: &dyn BatchTracer) -> Result<Sent, Error> {
        let folder = self.open_folder()?;
        self.tidy_in(&folder).await?;
        self.send_in(&folder, service, &AtomicBool::new(false)).await
    }

    /// The same. Begins to send no other file once `stops` is true.
    pub(super) async fn send_in(
        &self,
        folder: &Folder,
        service: &dyn BatchTracer,
        stops: &AtomicBool,
    ) -> Result<Sent, Error> {
        let (mut result, mut failures) = (Sent::default(), 0);
        for batch in self.list().await? {
            let repeats = batch.state == BatchState::Sending;
            if !(repeats || batch.state == BatchState::Ready) {
                continue;
            }
            // Without its file, a batch that may have left can still be looked up.
            let is_left = repeats && batch.changed_at + STILL_SENDING <= self.now();
            if !is_left && !folder.file(&batch.file_name()).exists() {
                result.elsewhere.push(batch);
                continue;
            }
            if failures == MOST_FAILURES {
                result.not_sent.push(batch);
                continue;
            }
            if stops.load(Ordering::SeqCst) {
                break;
            }
            if !repeats {
                let sending = self.to_state(&batch.id, BatchState::Ready, BatchState::Sending);
                if sending.await?.is_none() {
                    continue;
                }
            }
            match self.send_one(folder, service, &batch, repeats, &mut result).await? {
                None => failures = 0,
                Some(error) => {
                    failures += 1;
                    let (kind, code) = (error.kind().as_str(), error.code());
                    tracing::warn!(batch = batch.id, kind, code, "a batch was not sent");
                    result.not_sent.push(batch);
                    result.failed.get_or_insert(error);
                }
            }
        }
        Ok(result)
    }

    /// Sends one file, which is on record as about to leave. Returns the error of the service, if it has to be tried again.
    async fn send_one(
        &self,
        folder: &Folder,
        service: &dyn BatchTracer,
        batch: &Batch,
        repeats: bool,
        result: &mut Sent,
    ) -> Result<Option<batch::Error>, Error> {
        let (id, name) = (&*batch.id, batch.file_name());
        let path = folder.file(&name);
        let outgoing = Outgoing::new(id, &path, &name);
        let outgoing =
            if repeats { outgoing.repeated(batch.message_id.as_deref()) } else { outgoing };
        let mut journal = Accepting { list: self.records(), id };
        let to = |state| self.to_state(id, BatchState::Sending, state);
        let Err(error) = self.waiting_for(service.submit(outgoing, &mut journal)).await else {
            if let Some(sent) = to(BatchState::Sent).await? {
                self.clean(folder, &sent)?;
                result.sent.push(sent);
            }
            return Ok(None);
        };
        match error.kind() {
            batch::ErrorKind::Refused => {
                let code = error.code().map(str::to_owned);
                tracing::warn!(batch = id, code, "the service refused a batch");
                if let Some(refused) = self.refused(id, BatchState::Sending, code).await? {
                    result.refused.push(self.end(folder, &refused).await?);
                }
            }
            batch::ErrorKind::Undetermined if repeats => {
                tracing::warn!(batch = id, "whether the service has a batch is not known");
                result.held.extend(to(BatchState::Held).await?);
            }
            batch::ErrorKind::Storage if !path.exists() => result.elsewhere.push(batch.clone()),
            // The service has not got it.
            batch::ErrorKind::Unavailable | batch::ErrorKind::Configuration if !repeats => {
                self.records().change_from(id, BatchState::Sending, not_sent).await?;
                return Ok(Some(error));
            }
            _ => return Ok(Some(error)),
        }
        Ok(None)
    }

    /// Receives what has arrived at `service`, and imports it: see [`import`](Self::import). Returns the cases of files
    /// that were not delivered. Calls `observer` for each row.
    ///
    /// # Errors
    ///
    /// [`ErrorKind`], when the store, the trail or the folder fails. What has arrived is imported by the next call. A
    /// failure of the service is in [`Collected::failed`].
    pub async fn collect(
        &self,
        service: &dyn BatchTracer,
        observer: &mut (dyn FnMut(&RowReport) + Send),
    ) -> Result<Collected, Error> {
        let folder = self.open_folder()?;
        self.collect_in(&folder, service, observer).await
    }

    pub(super) async fn collect_in(
        &self,
        folder: &Folder,
        service: &dyn BatchTracer,
        observer: &mut (dyn FnMut(&RowReport) + Send),
    ) -> Result<Collected, Error> {
        let mut result = Collected::default();
        let inbox = folder.inbox();
        folder.delete_parts_of_arrivals()?;
        let mut arriving = Arriving { folder, list: self.records(), foreign_reports: 0 };
        match self.waiting_for(service.collect(&inbox, &mut arriving)).await {
            Ok(arrived) => result.arrived = arrived,
            Err(error) => result.failed = Some(error),
        }
        result.foreign_reports = arriving.foreign_reports;
        self.tidy_in(folder).await?;
        for file in folder.arrived()? {
            let message = file.file_stem().map(|name| name.to_string_lossy().into_owned());
            let of_message = &mut |row: &RowReport| {
                observer(&RowReport { message: message.clone(), ..row.clone() });
            };
            match self.import(&file, of_message).await {
                Ok(imported) => {
                    if imported.needs_a_person() {
                        let (rows, refused) = (imported.rows, imported.refused_rows());
                        tracing::warn!(rows, refused, "a response is kept for a person to look at");
                        result.refused.push(folder.set_aside(&file, REFUSED)?);
                    } else if self.keeps_files {
                        folder.set_aside(&file, "received")?;
                    } else {
                        remove(&file)?;
                    }
                    result.imported.push(imported);
                }
                Err(error) if error.kind() == ErrorKind::BatchResponse => {
                    let code = refused_by(&error);
                    tracing::warn!(code, "a file that has arrived is not a response to a batch");
                    // A message may arrive again. Another batch may be under way by then.
                    let is_new = !folder.is_aside(&file, REFUSED);
                    result.refused.push(folder.set_aside(&file, REFUSED)?);
                    if let Some(code) = code.filter(|_| is_new) {
                        self.refused_as_a_whole(folder, code).await?;
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(result)
    }
}

impl Batches {
    /// Returns the cases of the batch whose request the service has refused as a whole, if only one may be meant. The
    /// response does not say which batch it is about.
    async fn refused_as_a_whole(&self, folder: &Folder, code: &'static str) -> Result<(), Error> {
        let (batches, now) = (self.list().await?, self.now());
        let mut meant = batches.iter().filter(|batch| may_be_answered(batch, now));
        let (Some(batch), None) = (meant.next(), meant.next()) else { return Ok(()) };
        if batch.state.ending().is_some() {
            return Ok(());
        }
        let code = Some(code.to_owned());
        if let Some(refused) = self.refused(&batch.id, batch.state, code).await? {
            self.end(folder, &refused).await?;
        }
        Ok(())
    }

    /// Notes that the service has refused the batch `id`, which is in the state `from`. Its cases are not yet returned.
    async fn refused(
        &self,
        id: &str,
        from: BatchState,
        code: Option<String>,
    ) -> Result<Option<Batch>, Error> {
        let change = |batch: &mut Batch| {
            batch.state = BatchState::Releasing(Ending::Refused);
            batch.code.clone_from(&code);
        };
        self.records().change_from(id, from, change).await
    }
}

/// The service has not got the file. It is sent again, unless a person was erased meanwhile.
fn not_sent(batch: &mut Batch) {
    batch.state = match batch.recalled {
        true => BatchState::Releasing(Ending::Withdrawn),
        false => BatchState::Ready,
    };
}

/// Whether a response about the batch may still come.
fn may_be_answered(batch: &Batch, now: DateTime<Utc>) -> bool {
    match batch.state {
        BatchState::Exporting
        | BatchState::Exported
        | BatchState::Sending
        | BatchState::Sent
        | BatchState::Held => true,
        BatchState::Releasing(ending) | BatchState::Closed(ending) => {
            matches!(ending, Ending::Lost | Ending::Released) && batch.changed_at + LATE > now
        }
        BatchState::Building | BatchState::Ready => false,
    }
}

/// How long after its end a batch may still be answered that was given up.
const LATE: TimeDelta = TimeDelta::days(7);

/// The code with which the service has refused the whole request, if that is the cause.
fn refused_by(error: &Error) -> Option<&'static str> {
    let cause = error.source()?.downcast_ref::<FileError>()?;
    Some(cause.code()?.as_str())
}

/// The folder of files that a person must look at.
const REFUSED: &str = "refused";

impl Batches {
    /// The files that [`collect`](Self::collect) has set aside for a person, in the order of their names. They contain
    /// personal data, and stay until a person deletes them. Another program may work with the folder at the same time.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::BatchFolder`] when the folder cannot be read. A folder that does not exist has no such files.
    pub fn refused_files(&self) -> Result<Vec<PathBuf>, Error> {
        let entries = match fs::read_dir(self.folder.join(REFUSED)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let paths = entries.map(|entry| entry.map(|entry| entry.path()).map_err(failed));
        let mut files = paths.collect::<Result<Vec<_>, _>>()?;
        files.retain(|path| path.is_file());
        files.sort();
        Ok(files)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::MemoryLog;
    use crate::case::MemoryStore;
    use crate::process::alert::MemoryAlerts;
    use crate::process::run::settings::Settings;
    use crate::process::store::joined::Joined;
    use crate::trace::{Caller, LocalIdentity};
    use std::sync::Arc;

    #[test]
    fn files_set_aside_are_listed_until_they_are_deleted() {
        let dir = tempfile::tempdir().unwrap();
        let (cases, alerts) = (Arc::new(MemoryStore::new()), Arc::new(MemoryAlerts::default()));
        let store = Arc::new(Joined::new(cases, Arc::new(MemoryLog::new()), alerts));
        let id = LocalIdentity::new("RHM".parse().unwrap(), "get-nhs-number").unwrap();
        let place = dir.path().join("batches");
        let batches = Batches::new(store, Settings::new(Caller::System(id)), &place);
        assert!(batches.refused_files().unwrap().is_empty());
        assert!(!place.exists(), "listing creates no folder");

        // Another program has the folder.
        let folder = Folder::open(&place).unwrap();
        for name in ["b.csv", "a.csv"] {
            let arrived = folder.inbox().join(name);
            fs::write(&arrived, "").unwrap();
            folder.set_aside(&arrived, REFUSED).unwrap();
        }
        let aside = ["a.csv", "b.csv"].map(|name| place.join("refused").join(name));
        assert_eq!(batches.refused_files().unwrap(), aside);
        for file in aside {
            fs::remove_file(file).unwrap();
        }
        assert!(batches.refused_files().unwrap().is_empty());
        fs::remove_dir(place.join("refused")).unwrap();
        fs::write(place.join("refused"), "").unwrap();
        assert_eq!(batches.refused_files().unwrap_err().kind(), ErrorKind::BatchFolder);
    }
}
