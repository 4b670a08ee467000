//! A store, a folder for files, and a service that takes them.

use crate::support::postgres::Database;
use crate::support::service::{case, us};
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use nhs_pds::audit::{Actor, Event, Filter, MemoryLog};
use nhs_pds::batch::{
    Arrival, BatchTracer, Error as BatchError, ErrorKind as BatchErrorKind, Inbox, Journal,
    Outgoing,
};
use nhs_pds::case::{Case, CaseStore, MemoryStore, PostgresStore, SqliteStore};
use nhs_pds::clock::{Clock, FixedClock};
use nhs_pds::postgres::{self, Config};
use nhs_pds::process::alert::MemoryAlerts;
use nhs_pds::process::batch::{Batch, BatchPolicy, BatchState, Batches, RowReport};
use nhs_pds::process::review::ReviewQueue;
use nhs_pds::process::store::{Joined, Postgres, Sqlite, Store};
use nhs_pds::process::tenants::{PostgresTenants, Tenant, Tenants};
use nhs_pds::process::{RunReport, Settings, Worker};
use nhs_pds::trace::ScriptedTracer;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

pub(super) struct Rig {
    pub(super) folder: TempDir,
    pub(super) clock: Arc<FixedClock>,
    pub(super) cases: Arc<dyn CaseStore>,
    pub(super) store: Arc<dyn Store>,
    /// Dropped at the end of the test.
    _database: Option<Database>,
}

/// Where the cases, the trail and the batches are.
#[derive(Clone, Copy, Debug)]
pub(super) enum Backing {
    Memory,
    Sqlite,
    Postgres,
}

/// When the tests begin.
pub(super) fn begin() -> DateTime<Utc> {
    "2026-11-30T09:00:00Z".parse().unwrap()
}

impl Rig {
    /// With these cases.
    pub(super) async fn with(cases: Vec<Case>) -> Self {
        Self::on(Backing::Memory, cases).await.unwrap()
    }

    /// The same over another store; nothing where there is no PostgreSQL.
    pub(super) async fn on(backing: Backing, initial: Vec<Case>) -> Option<Self> {
        let (folder, mut database) = (tempfile::tempdir().unwrap(), None);
        let alerts = Arc::new(MemoryAlerts::default());
        let (cases, store): (Arc<dyn CaseStore>, Arc<dyn Store>) = match backing {
            Backing::Memory => {
                let cases = Arc::new(MemoryStore::new());
                let log = Arc::new(MemoryLog::new());
                let joined = Joined::new(Arc::clone(&cases) as _, log, alerts);
                (cases, Arc::new(joined))
            }
            Backing::Sqlite => {
                let file = folder.path().join("cases.db");
                let store = Sqlite::open(&file).unwrap().with_alerts(alerts);
                (Arc::new(SqliteStore::open(&file).unwrap()), Arc::new(store))
            }
            Backing::Postgres => {
                let prepared = Database::prepared()?;
                let config: Config = prepared.application().parse().unwrap();
                database = Some(prepared);
                let program = postgres::Database::connect(&config).await.unwrap();
                let tenant = Tenant::new("t1".parse().unwrap(), "RHM".parse().unwrap());
                PostgresTenants::new(program.clone()).add(&tenant).await.unwrap();
                let tenant = program.tenant(&tenant.name).await.unwrap();
                let store = Postgres::new(tenant.clone()).with_alerts(alerts);
                (Arc::new(PostgresStore::new(tenant)), Arc::new(store))
            }
        };
        cases.insert_all(initial).await.unwrap();
        let clock = Arc::new(FixedClock::at(begin()));
        Some(Self { folder, clock, cases, store, _database: database })
    }

    /// With this many eligible cases, which differ in their surname.
    pub(super) async fn of(count: usize) -> Self {
        Self::with((0..count).map(numbered).collect()).await
    }

    pub(super) fn settings(&self) -> Settings {
        Settings::new(us()).with_clock(Arc::clone(&self.clock) as _)
    }

    pub(super) fn batches(&self) -> Batches {
        self.over(Arc::clone(&self.store))
    }

    pub(super) fn over(&self, store: Arc<dyn Store>) -> Batches {
        Batches::new(store, self.settings(), self.folder.path().join("batches"))
    }

    /// The actions of reviewers.
    pub(super) fn queue(&self) -> ReviewQueue {
        ReviewQueue::new(Arc::clone(&self.store)).with_clock(Arc::clone(&self.clock) as _)
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) async fn get(&self, id: &str) -> Case {
        self.cases.get(&id.parse().unwrap()).await.unwrap().unwrap()
    }

    pub(super) async fn all(&self) -> Vec<Case> {
        self.cases.page(None, 100_000).await.unwrap()
    }

    pub(super) async fn events(&self) -> Vec<Event> {
        self.store.audit().page(&Filter::new(), 0, 1_000_000).await.unwrap()
    }

    /// A case that a build leaves to the worker is due later than the build began.
    pub(super) fn tick(&self) {
        self.clock.set(self.clock.now() + TimeDelta::milliseconds(1));
    }

    pub(super) fn pass(&self, days: i64) {
        self.clock.set(self.clock.now() + TimeDelta::days(days));
    }

    /// Builds one file of every due case, and exports it.
    pub(super) async fn exported(&self) -> (Batch, String) {
        let built = self.batches().build(&BatchPolicy::everything(), &mut |_| ()).await.unwrap();
        let [batch] = built.as_slice() else { panic!("{} files", built.len()) };
        let out = self.file(&format!("{}-out.csv", batch.id));
        let batch = self.batches().export(&batch.id, &out).await.unwrap();
        assert_eq!(batch.state, BatchState::Exported);
        (batch, fs::read_to_string(out).unwrap())
    }

    /// Imports a response, and returns what was done with each row, by line.
    pub(super) async fn import(&self, response: &str) -> Vec<RowReport> {
        let file = self.file("response.csv");
        fs::write(&file, response).unwrap();
        let mut rows = Vec::new();
        let observe = &mut |row: &RowReport| rows.push(row.clone());
        self.batches().import(&file, observe).await.unwrap();
        rows.sort_by_key(|row| row.line);
        rows
    }

    /// A run of a worker that has a service without answers.
    pub(super) async fn run(&self) -> RunReport {
        let tracer = Arc::new(ScriptedTracer::new([]));
        let worker = Worker::new(tracer, Arc::clone(&self.store), self.settings());
        worker.run_once(&mut |_| ()).await.unwrap()
    }

    pub(super) async fn batch(&self) -> Batch {
        let batches = self.batches().list().await.unwrap();
        let [batch] = batches.as_slice() else { panic!("{} batches", batches.len()) };
        batch.clone()
    }
}

/// The eligible case of this number.
pub(crate) fn numbered(number: usize) -> Case {
    let mut case = case(&format!("C{number:05}"));
    let letters: String = format!("{number:05}").bytes().map(|b| char::from(b + 49)).collect();
    case.surname = Some(format!("Quent{letters}"));
    case
}

pub(super) fn by(name: &str) -> Actor {
    Actor::new(&us(), name)
}

/// A row of a request, read without the code under test.
#[derive(Clone, Debug)]
pub(crate) struct Requested {
    cells: csv::StringRecord,
    names: csv::StringRecord,
}

impl Requested {
    pub(crate) fn get(&self, name: &str) -> &str {
        let place = self.names.iter().position(|column| column == name).unwrap();
        &self.cells[place]
    }

    /// The row of a response that returns what was sent, with this code and number.
    pub(crate) fn answer(&self, code: &str, number: &str, algorithm: &str) -> String {
        let cells = [
            "UNIQUE REFERENCE",
            "NHS_NO",
            "FAMILY_NAME",
            "GIVEN_NAME",
            "GENDER",
            "DATE_OF_BIRTH",
            "POSTCODE",
        ];
        let mut row: Vec<&str> = cells.iter().map(|name| self.get(name)).collect();
        row.extend([code, number, algorithm]);
        row.join(",")
    }

    /// The same without anything about the person.
    pub(crate) fn without_person(&self, code: &str, number: &str, algorithm: &str) -> String {
        let (reference, sent) = (self.get("UNIQUE REFERENCE"), self.get("NHS_NO"));
        format!("{reference},{sent},,,,,,{code},{number},{algorithm}")
    }
}

/// The first line of the responses here.
pub(super) const NAMES: &str = "UNIQUE REFERENCE,REQ_NHS_NUMBER,FAMILY_NAME,GIVEN_NAME,GENDER,DATE_OF_BIRTH,POSTCODE,\
    ERROR/SUCCESS_CODE,MATCHED_NHS_NO,MATCHED_ALGORITHM_INDICATOR";

pub(crate) fn requested(file: &str) -> Vec<Requested> {
    let mut reader = csv::Reader::from_reader(file.as_bytes());
    let names = reader.headers().unwrap().clone();
    reader
        .records()
        .map(|cells| Requested { cells: cells.unwrap(), names: names.clone() })
        .collect()
}

/// A response with one row for each row of the request.
pub(crate) fn response(file: &str, row: impl Fn(&Requested) -> String) -> String {
    let rows: Vec<String> = requested(file).iter().map(row).collect();
    format!("{NAMES}\n{}\n", rows.join("\n"))
}

/// No person matches.
pub(crate) fn no_match(row: &Requested) -> String {
    row.without_person("98", "0000000000", "0")
}

/// A service under a test's control. Clones are the same service.
#[derive(Clone, Debug, Default)]
pub(crate) struct Post {
    state: Arc<Mutex<PostState>>,
}

#[derive(Debug, Default)]
struct PostState {
    /// The files that the service has, by batch.
    taken: Vec<(String, String)>,
    /// What the next calls of `submit` do.
    script: Vec<Attempt>,
    waiting: Vec<(String, Waiting)>,
    acknowledged: Vec<String>,
    looked_up: usize,
    /// How often it was asked for what has arrived.
    collected: usize,
}

#[derive(Clone, Debug)]
pub(crate) enum Waiting {
    File(String),
    Report { batch: Option<String>, failed_message: Option<String> },
}

/// What a call of `submit` does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Attempt {
    Takes,
    /// Fails with this error, and the service has not got the file.
    Fails(BatchErrorKind),
    /// Fails with this error, and the service has the file.
    TakesAndFails(BatchErrorKind),
    /// Does not return, and the service has the file.
    TakesAndHangs,
}

impl Post {
    pub(crate) fn with(attempts: &[Attempt]) -> Self {
        let post = Self::default();
        post.state.lock().unwrap().script = attempts.iter().rev().copied().collect();
        post
    }

    pub(crate) fn taken(&self) -> Vec<(String, String)> {
        self.state.lock().unwrap().taken.clone()
    }

    pub(crate) fn looked_up(&self) -> usize {
        self.state.lock().unwrap().looked_up
    }

    pub(super) fn collected(&self) -> usize {
        self.state.lock().unwrap().collected
    }

    pub(super) fn acknowledged(&self) -> Vec<String> {
        self.state.lock().unwrap().acknowledged.clone()
    }

    pub(crate) fn delivers(&self, id: &str, what: Waiting) {
        self.state.lock().unwrap().waiting.push((id.to_owned(), what));
    }
}

#[async_trait]
impl BatchTracer for Post {
    async fn submit(
        &self,
        file: Outgoing<'_>,
        journal: &mut dyn Journal,
    ) -> Result<(), BatchError> {
        let text = fs::read_to_string(file.file);
        let (attempt, has) = {
            let mut state = self.state.lock().unwrap();
            state.looked_up += usize::from(file.is_repeat);
            let has = state.taken.iter().any(|(id, _)| id == file.id);
            (state.script.pop().unwrap_or(Attempt::Takes), has)
        };
        if has && file.is_repeat && matches!(attempt, Attempt::Takes) {
            return Ok(());
        }
        let text = text.map_err(|_| BatchError::new(BatchErrorKind::Storage))?;
        if !matches!(attempt, Attempt::Fails(_)) {
            self.state.lock().unwrap().taken.push((file.id.to_owned(), text));
        }
        match attempt {
            Attempt::TakesAndHangs => std::future::pending().await,
            Attempt::Takes => journal.accepted(&format!("M-{}", file.id)).await,
            Attempt::Fails(kind) | Attempt::TakesAndFails(kind) => {
                Err(BatchError::new(kind).with_code("12"))
            }
        }
    }

    async fn collect(&self, folder: &Path, inbox: &mut dyn Inbox) -> Result<usize, BatchError> {
        let waiting = {
            let mut state = self.state.lock().unwrap();
            state.collected += 1;
            state.waiting.clone()
        };
        for (id, what) in &waiting {
            let arrival = match what {
                Waiting::File(text) => {
                    let file = folder.join(format!("{id}.part"));
                    fs::write(&file, text).unwrap();
                    Arrival::file(id.clone(), file, None)
                }
                Waiting::Report { batch, failed_message } => Arrival::report(
                    id.clone(),
                    batch.clone(),
                    failed_message.clone(),
                    Some("14".to_owned()),
                ),
            };
            inbox.take(arrival).await?;
            let mut state = self.state.lock().unwrap();
            state.acknowledged.push(id.clone());
            state.waiting.retain(|(other, _)| other != id);
        }
        Ok(waiting.len())
    }
}

/// A detail of an event; empty when it has none.
pub(super) fn detail<'a>(event: &'a Event, name: &str) -> &'a str {
    event.details.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
}
