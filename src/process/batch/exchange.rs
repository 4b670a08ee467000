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
use std::error::Error as _;
use std::fs;
use std::io;
use std::path::PathBuf;

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
    /// Why the others were not sent. They are sent by the next call.
    pub failed: Option<batch::Error>,
}

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
        self.send_in(&folder, service).await
    }

    pub(super) async fn send_in(
        &self,
        folder: &Folder,
        service: &dyn BatchTracer,
    ) -> Result<Sent, Error> {
        let mut result = Sent::default();
        for batch in self.list().await? {
            let is_here = folder.file(&batch.file_name()).exists();
            let repeats = batch.state == BatchState::Sending;
            if !is_here || !(repeats || batch.state == BatchState::Ready) {
                continue;
            }
            if !repeats {
                let sending = self.to_state(&batch.id, BatchState::Ready, BatchState::Sending);
                if sending.await?.is_none() {
                    continue;
                }
            }
            if !self.send_one(folder, service, &batch, repeats, &mut result).await? {
                break;
            }
        }
        Ok(result)
    }

    /// Sends one file, which is on record as about to leave. Returns whether another may be sent now.
    async fn send_one(
        &self,
        folder: &Folder,
        service: &dyn BatchTracer,
        batch: &Batch,
        repeats: bool,
        result: &mut Sent,
    ) -> Result<bool, Error> {
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
            return Ok(true);
        };
        match error.kind() {
            batch::ErrorKind::Refused => {
                let code = error.code().map(str::to_owned);
                tracing::warn!(batch = id, code, "the service refused a batch");
                let list = self.records();
                let refused = list.change(id, |batch| {
                    batch.state = BatchState::Releasing(Ending::Refused);
                    batch.code.clone_from(&code);
                    true
                });
                if let Some(refused) = refused.await? {
                    result.refused.push(self.end(folder, &refused).await?);
                }
                Ok(true)
            }
            batch::ErrorKind::Undetermined if repeats => {
                tracing::warn!(batch = id, "whether the service has a batch is not known");
                result.held.extend(to(BatchState::Held).await?);
                Ok(true)
            }
            // The service has not got it.
            batch::ErrorKind::Unavailable | batch::ErrorKind::Configuration if !repeats => {
                to(BatchState::Ready).await?;
                result.failed = Some(error);
                Ok(false)
            }
            _ => {
                result.failed = Some(error);
                Ok(false)
            }
        }
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
                    result.refused.push(folder.set_aside(&file, REFUSED)?);
                    if let Some(code) = code {
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
    /// Returns the cases of the batch whose request the service has refused as a whole, if only one is under way. The
    /// response does not say which batch it is about.
    async fn refused_as_a_whole(&self, folder: &Folder, code: &'static str) -> Result<(), Error> {
        let batches = self.list().await?;
        let mut sent = batches.iter().filter(|batch| batch.state == BatchState::Sent);
        let (Some(batch), None) = (sent.next(), sent.next()) else { return Ok(()) };
        let list = self.records();
        let refused = list.change(&batch.id, |batch| {
            let is_sent = batch.state == BatchState::Sent;
            if is_sent {
                batch.state = BatchState::Releasing(Ending::Refused);
                batch.code = Some(code.to_owned());
            }
            is_sent
        });
        if let Some(refused) = refused.await? {
            self.end(folder, &refused).await?;
        }
        Ok(())
    }
}

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
