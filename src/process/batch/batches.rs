use crate::audit::Actor;
use crate::batch::file::Limits;
use crate::case::CaseFilter;
use crate::process::batch::folder::Folder;
use crate::process::batch::list::{List, read};
use crate::process::batch::record::{Batch, BatchState, Ending};
use crate::process::error::{Error, ErrorKind};
use crate::process::run::alive::Alive;
use crate::process::run::engine::Engine;
use crate::process::run::halt::Halt;
use crate::process::run::settings::Settings;
use crate::process::run::worker::Worker;
use crate::process::store::unit::Store;
use crate::process::waiting::beside;
use crate::trace::{self, Answer, Attended, Caller, MessageId, Question, Tracer, User};
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use std::fs::File;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// When a batch counts as lost, by default. A file that MESH does not deliver comes back after five days.
const LOST_AFTER: TimeDelta = TimeDelta::days(7);

/// How often a process that waits for a service signs that it is alive.
const SIGN: Duration = Duration::from_secs(1);

/// How many cases are read at a time.
pub(super) const PAGE: usize = 200;

/// Traces the cases of a store by file.
///
/// ```
/// use nhs_pds::audit::MemoryLog;
/// use nhs_pds::case::{Allocation, Case, CaseStore, MemoryStore, RecordType};
/// use nhs_pds::demographics::Gender;
/// use nhs_pds::process::Settings;
/// use nhs_pds::process::alert::MemoryAlerts;
/// use nhs_pds::process::batch::{BatchPolicy, BatchState, Batches};
/// use nhs_pds::process::store::Joined;
/// use nhs_pds::trace::{Caller, LocalIdentity};
/// use std::sync::Arc;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let cases = Arc::new(MemoryStore::new());
/// let mut case = Case::new("RXX:1".parse()?, RecordType::AdultCase);
/// case.allocations = vec![Allocation::new("A Worker")];
/// (case.surname, case.gender) = (Some("Aindow".into()), Some(Gender::Female));
/// case.date_of_birth = Some("1943-05-19".parse()?);
/// cases.insert_all(vec![case]).await?;
/// let (audit, alerts) = (Arc::new(MemoryLog::new()), Arc::new(MemoryAlerts::default()));
/// let store = Arc::new(Joined::new(cases, audit, alerts));
/// let caller = Caller::System(LocalIdentity::new("RHM".parse()?, "get-nhs-number")?);
///
/// let folder = tempfile::tempdir()?;
/// let batches = Batches::new(store, Settings::new(caller), folder.path().join("batches"));
/// let built = batches.build(&BatchPolicy::everything(), &mut |_| ()).await?;
/// assert_eq!((built[0].state, built[0].rows), (BatchState::Ready, 1));
/// batches.export(&built[0].id, &folder.path().join("to-upload.csv")).await?;
/// assert_eq!(batches.list().await?[0].state, BatchState::Exported);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Batches {
    pub(super) store: Arc<dyn Store>,
    pub(super) settings: Settings,
    tracer: Arc<dyn Tracer>,
    alive: Arc<Alive>,
    pub(super) folder: PathBuf,
    pub(super) limits: Limits,
    pub(super) lost_after: TimeDelta,
    /// Whether questions that a response leaves open are asked one by one.
    pub(super) continues: bool,
    pub(super) keeps_files: bool,
}

impl Batches {
    /// Traces the cases of `store` by file only. What a response says is final. Files are in `folder`, to which only its
    /// owner has access; one program at a time works with it.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, mut settings: Settings, folder: impl Into<PathBuf>) -> Self {
        settings.policy.set_strategy_of(&NoService);
        Self {
            store,
            settings,
            tracer: Arc::new(NoService),
            alive: Arc::default(),
            folder: folder.into(),
            limits: Limits::default(),
            lost_after: LOST_AFTER,
            continues: false,
            keeps_files: false,
        }
    }

    /// Traces the cases of `worker` by file. If a response does not settle a case, the worker asks the further questions
    /// of its [`Strategy`](crate::process::Strategy) one by one.
    #[must_use]
    pub fn beside(worker: &Worker, folder: impl Into<PathBuf>) -> Self {
        Self {
            tracer: Arc::clone(&worker.tracer),
            alive: Arc::clone(&worker.alive),
            continues: true,
            ..Self::new(Arc::clone(&worker.store), worker.settings.clone(), folder)
        }
    }

    /// The same files, limits and times for the cases of `worker`.
    pub(in crate::process) fn of_worker(self, worker: &Worker) -> Self {
        let Self { folder, limits, lost_after, keeps_files, .. } = self;
        Self { limits, lost_after, keeps_files, ..Self::beside(worker, folder) }
    }

    /// Sets how large a file may become (default: [`Limits::NETWORK`]).
    #[must_use]
    pub const fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets after which time a batch counts as lost (default: seven days). Its cases are then traced
    /// singly, or go by file again where no service answers single questions.
    ///
    /// A time below one hour counts as one hour, because cases must not be due again while their file is being written. A time
    /// above 365 days counts as 365 days.
    #[must_use]
    pub const fn with_lost_after(mut self, time: TimeDelta) -> Self {
        self.lost_after = time;
        self
    }

    /// Keeps the files of batches that have ended. By default they are deleted, because they contain personal data.
    #[must_use]
    pub const fn with_kept_files(mut self) -> Self {
        self.keeps_files = true;
        self
    }

    /// The batches, the oldest first: all that have not ended, and the last 200 that have.
    ///
    /// # Errors
    ///
    /// [`ErrorKind`], when the store fails.
    pub async fn list(&self) -> Result<Vec<Batch>, Error> {
        Ok(read(self.store.cases()).await?.1)
    }

    /// Moves the file of a batch to `to`, for a user who uploads it. The file is complete and only its owner can read it.
    ///
    /// That a user has the file is on record before the file appears, so that no program sends it too. If the program
    /// ends in between, the file stays in the folder and can be exported again. A user must upload only one copy.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::BatchState`] when the batch is neither ready nor exporting, or its file is not here,
    /// [`ErrorKind::BatchFolder`] when the file cannot be written or `to` exists, and the errors of the store.
    pub async fn export(&self, id: &str, to: &Path) -> Result<Batch, Error> {
        let folder = self.open_folder()?;
        let batch = self.find(id).await?;
        let from = folder.file(&batch.file_name());
        if !from.exists() {
            return Err(Error::new(ErrorKind::BatchState));
        }
        super::folder::is_free(to)?;
        let exporting = match batch.state {
            BatchState::Exporting => Some(batch),
            _ => self.to_state(id, BatchState::Ready, BatchState::Exporting).await?,
        };
        let exporting = exporting.ok_or_else(|| Error::new(ErrorKind::BatchState))?;
        super::folder::copy(&from, to)?;
        let exported = self.to_state(id, BatchState::Exporting, BatchState::Exported).await?;
        folder.delete(&exporting.file_name())?;
        exported.ok_or_else(|| Error::new(ErrorKind::BatchState))
    }

    /// Whether the file of the batch is in the folder, complete.
    #[must_use]
    pub fn has_file(&self, batch: &Batch) -> bool {
        self.folder.join(batch.file_name()).exists()
    }

    /// Opens the file of a batch for a user who downloads it, over a connection that may break. Unlike after
    /// [`export`](Self::export), the file stays in the folder until the batch ends, and can be downloaded again.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::BatchState`] when the batch is neither ready nor exported, or its file is not here, and the errors of
    /// store and folder.
    pub async fn download(&self, id: &str) -> Result<(Batch, File), Error> {
        let folder = self.open_folder()?;
        let batch = self.find(id).await?;
        let path = folder.file(&batch.file_name());
        if !path.exists() {
            return Err(Error::new(ErrorKind::BatchState));
        }
        let file = File::open(&path).map_err(super::folder::failed)?;
        if batch.state == BatchState::Exported {
            return Ok((batch, file));
        }
        let exported = self.to_state(id, BatchState::Ready, BatchState::Exported).await?;
        Ok((exported.ok_or_else(|| Error::new(ErrorKind::BatchState))?, file))
    }

    /// Returns the waiting cases of a batch to the normal way, because a person knows that no response will come. The
    /// file of a batch that has not left is deleted.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::BatchState`] when there is no such batch or it has ended, and the errors of store and folder.
    pub async fn release(&self, id: &str, by: &Actor) -> Result<Batch, Error> {
        let folder = self.open_folder()?;
        let list = List { actor: by, ..self.records() };
        let changed = list.change(id, |batch| {
            let ending = match batch.state {
                BatchState::Building | BatchState::Closed(_) => return false,
                BatchState::Ready => Ending::Withdrawn,
                BatchState::Releasing(ending) => ending,
                _ => Ending::Released,
            };
            batch.state = BatchState::Releasing(ending);
            true
        });
        let Some(batch) = changed.await? else { return Err(Error::new(ErrorKind::BatchState)) };
        self.end(&folder, &batch).await
    }

    /// Marks a batch as sent whose fate was not known, because a person has learned that the service has it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::BatchState`] when the batch is not held, and the errors of the store.
    pub async fn confirm_sent(&self, id: &str, by: &Actor) -> Result<Batch, Error> {
        let list = List { actor: by, ..self.records() };
        let changed = list.advance(id, BatchState::Held, BatchState::Sent).await?;
        changed.ok_or_else(|| Error::new(ErrorKind::BatchState))
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.settings.clock.now()
    }

    pub(super) fn open_folder(&self) -> Result<Folder, Error> {
        Folder::open(&self.folder)
    }

    pub(super) fn records(&self) -> List<'_> {
        let Settings { actor, clock, .. } = &self.settings;
        List { store: &*self.store, actor, clock: &**clock }
    }

    pub(super) async fn find(&self, id: &str) -> Result<Batch, Error> {
        let batch = self.list().await?.into_iter().find(|batch| batch.id == id);
        batch.ok_or_else(|| Error::new(ErrorKind::BatchState))
    }

    pub(super) async fn to_state(
        &self,
        id: &str,
        from: BatchState,
        to: BatchState,
    ) -> Result<Option<Batch>, Error> {
        self.records().advance(id, from, to).await
    }

    /// How many cases wait for a row of the batch.
    pub(super) async fn waiting(&self, id: &str) -> Result<u64, Error> {
        let filter = CaseFilter::default().with_inactive().with_batch(id);
        let (mut count, mut after) = (0, None);
        loop {
            let page = self.store.cases().search(&filter, after.as_ref(), PAGE).await?;
            count += page.len() as u64;
            self.alive.sign();
            match page.last() {
                Some(last) if page.len() == PAGE => after = Some(last.id.clone()),
                _ => return Ok(count),
            }
        }
    }

    /// Deletes the request file of a batch that has left or ended, unless files are kept.
    pub(super) fn clean(&self, folder: &Folder, batch: &Batch) -> Result<(), Error> {
        self.clean_file(folder, &batch.file_name())
    }

    pub(super) fn clean_file(&self, folder: &Folder, name: &str) -> Result<(), Error> {
        if !self.keeps_files || !folder.file(name).exists() {
            return folder.delete(name);
        }
        folder.set_aside(&folder.file(name), "sent").map(drop)
    }

    /// Waits for a service. A process that waits for its service is not stuck.
    pub(super) async fn waiting_for<T>(&self, call: impl Future<Output = T>) -> T {
        let signs = async {
            loop {
                self.alive.sign();
                tokio::time::sleep(SIGN).await;
            }
        };
        beside(call, signs).await
    }

    pub(super) fn engine(&self) -> Arc<Engine> {
        let (tracer, store) = (Arc::clone(&self.tracer), Arc::clone(&self.store));
        let (halt, alive) = (Arc::new(Halt::new()), Arc::clone(&self.alive));
        Arc::new(Engine::new(tracer, store, self.settings.clone(), halt, alive))
    }
}

/// For cases that are traced by file only.
#[derive(Debug)]
struct NoService;

#[async_trait]
impl Tracer for NoService {
    async fn trace(&self, _: &Caller, _: &Question, _: MessageId) -> Result<Answer, trace::Error> {
        Err(trace::Error::new(trace::ErrorKind::Configuration))
    }

    async fn trace_attended(
        &self,
        _: &User,
        _: &Question<Attended>,
        _: MessageId,
    ) -> Result<Answer, trace::Error> {
        Err(trace::Error::new(trace::ErrorKind::Configuration))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::MemoryLog;
    use crate::case::{Allocation, Case, CaseStore, MemoryStore, RecordType};
    use crate::demographics::Gender;
    use crate::process::alert::MemoryAlerts;
    use crate::process::batch::policy::BatchPolicy;
    use crate::process::store::joined::Joined;
    use crate::trace::LocalIdentity;
    use std::io::{Cursor, Read};

    async fn one_batch(folder: &Path) -> (Batches, Batch) {
        let cases = Arc::new(MemoryStore::new());
        let mut case = Case::new("RXX:1".parse().unwrap(), RecordType::AdultCase);
        case.allocations = vec![Allocation::new("A Worker")];
        (case.surname, case.gender) = (Some("Aindow".into()), Some(Gender::Female));
        case.date_of_birth = Some("1943-05-19".parse().unwrap());
        cases.insert_all(vec![case]).await.unwrap();
        let (audit, alerts) = (Arc::new(MemoryLog::new()), Arc::new(MemoryAlerts::default()));
        let store = Arc::new(Joined::new(cases, audit, alerts));
        let id = LocalIdentity::new("RHM".parse().unwrap(), "get-nhs-number").unwrap();
        let batches = Batches::new(store, Settings::new(Caller::System(id)), folder);
        let built = batches.build(&BatchPolicy::everything(), &mut |_| ()).await.unwrap();
        (batches, built[0].clone())
    }

    #[tokio::test]
    async fn a_download_may_be_repeated_until_the_batch_ends() {
        let dir = tempfile::tempdir().unwrap();
        let (batches, batch) = one_batch(dir.path()).await;
        for _ in 0..2 {
            assert!(batches.has_file(&batch));
            let (exported, mut file) = batches.download(&batch.id).await.unwrap();
            assert_eq!(exported.state, BatchState::Exported);
            let mut text = String::new();
            file.read_to_string(&mut text).unwrap();
            assert_eq!((text.lines().count(), text.len() as u64), (2, batch.bytes));
        }
        let by = batches.settings.actor.clone();
        batches.release(&batch.id, &by).await.unwrap();
        assert!(!batches.has_file(&batch));
        let error = batches.download(&batch.id).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BatchState);
    }

    #[tokio::test]
    async fn a_response_in_memory_is_imported_like_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let (batches, batch) = one_batch(dir.path()).await;
        let (_, mut file) = batches.download(&batch.id).await.unwrap();
        let mut request = String::new();
        file.read_to_string(&mut request).unwrap();
        let reference = request.lines().nth(1).unwrap().split(',').next().unwrap();
        let response = format!(
            "UNIQUE REFERENCE,ERROR/SUCCESS_CODE,MATCHED_NHS_NO\n{reference},98,0000000000\n\
             unknown-row,98,0000000000\n"
        );
        let mut rows = Vec::new();
        let imported = batches
            .import_from(Cursor::new(response), &mut |row| rows.push(row.clone()))
            .await
            .unwrap();
        assert_eq!((imported.rows, rows.len()), (2, 2));
        assert_eq!(imported.decided.values().sum::<u64>(), 1);
        assert_eq!(imported.batches[0].waiting, 0);
        assert!(imported.batches[0].is_closed());
        // The file of a batch that has ended is deleted with the next action in the folder.
        batches.tidy().await.unwrap();
        assert!(!batches.has_file(&batch));
    }
}
