//! A store, an audit trail and alerts in files, with invented people and damaged rows. The tests of the
//! command use this file too.

use chrono::{DateTime, Utc};
use nhs_pds::audit::{Actor, Entry, EventKind, SqliteLog, Subject};
use nhs_pds::case::{
    self, Allocation, Case, CaseId, NumberSource, RecordType, RecordedNumber, ReviewReason,
    SqliteStore,
};
use nhs_pds::clock::FixedClock;
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::process::alert::SqliteAlerts;
use nhs_pds::process::import;
use nhs_pds::process::review::ReviewQueue;
use nhs_pds::process::store::Joined;
use nhs_pds::trace::{LocalIdentity, User};
use rusqlite::Connection;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;

pub(crate) const NUMBER: NhsNumber = NhsNumber::constant(9_434_765_919);

pub(crate) fn id(text: &str) -> CaseId {
    text.parse().unwrap()
}

pub(crate) fn at(minute: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + 60 * minute, 0).unwrap()
}

pub(crate) fn jo() -> Actor {
    let user = User::Local(LocalIdentity::new("RHM".parse().unwrap(), "j.doe").unwrap());
    Actor::new(&user.into(), "Jo Doe")
}

pub(crate) fn imported(number: NhsNumber) -> Option<RecordedNumber> {
    Some(RecordedNumber::new(number, NumberSource::Imported(None)))
}

/// A file with cases, trail and alerts, in a folder of its own.
pub(crate) struct Kept {
    pub(crate) folder: TempDir,
    pub(crate) file: PathBuf,
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) log: Arc<SqliteLog>,
    pub(crate) alerts: SqliteAlerts,
}

impl Kept {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cases.db");
        let (store, log) = (SqliteStore::open(&file).unwrap(), SqliteLog::open(&file).unwrap());
        let alerts = SqliteAlerts::open(folder.path().join("alerts.db")).unwrap();
        Self { folder, file, store: Arc::new(store), log: Arc::new(log), alerts }
    }

    pub(crate) fn queue(&self) -> ReviewQueue {
        ReviewQueue::new(Arc::new(self.joined()))
    }

    pub(crate) fn joined(&self) -> Joined {
        let store = Arc::<SqliteStore>::clone(&self.store);
        let log = Arc::<SqliteLog>::clone(&self.log);
        Joined::new(store, log, Arc::new(self.alerts.clone()))
    }

    pub(crate) fn sql(&self) -> Connection {
        Connection::open(&self.file).unwrap()
    }

    /// Every byte of every file in the folder, one character each, so that they can be searched fast.
    pub(crate) fn bytes(&self) -> String {
        let files = fs::read_dir(self.folder.path()).unwrap();
        files.flat_map(|file| fs::read(file.unwrap().path()).unwrap()).map(char::from).collect()
    }
}

pub(crate) fn contains(text: &str, value: &[u8]) -> bool {
    text.contains(&value.iter().copied().map(char::from).collect::<String>())
}

pub(crate) fn person(n: usize, number: NhsNumber) -> Case {
    let mut case = Case::new(id(&format!("RXX:{n:05}")), RecordType::AdultCase);
    case.surname = Some(format!("Quent{n:05}son"));
    case.forename = Some(format!("Arab{n:05}ella"));
    case.postcode = Some(format!("QX{n:05} 9ZZ"));
    case.address[0] = format!("{n:05} Larkspur Cottage");
    case.nhs_number = imported(number);
    case
}

/// Each is one row, damaged in another way.
pub(crate) const DAMAGE: [(&str, &str); 7] = [
    ("RXX:00001", "document = 'Quentinsson'"),
    ("RXX:00002", "version = 7"),
    ("RXX:00003", "document = CAST(x'ff' AS TEXT)"),
    ("RXX:00004", "nhs_number = '9434765919'"),
    ("RXX:00005", "document = replace(document, 'RXX:00005', 'RXX:00006')"),
    ("RXX:00007", "document = ''"),
    ("RXX:00009", "case_id = CAST(x'ff41' AS TEXT)"),
];

/// A case that a worker queries.
pub(crate) fn traceable(n: usize) -> Case {
    let mut case = person(n, NUMBER);
    case.nhs_number = None;
    case.postcode = Some("KT17 1NA".into());
    case.date_of_birth = Some("1943-05-19".parse().unwrap());
    case.gender = Some(nhs_pds::demographics::Gender::Female);
    case.allocations = vec![Allocation::new("A Worker")];
    case.open_item(ReviewReason::Ambiguous, &case::Evidence::default(), at(0));
    case
}

/// Ten cases, one with each kind of damage among them.
pub(crate) async fn damaged() -> Kept {
    let kept = Kept::new();
    let cases = (0..10).map(traceable);
    let cases: Vec<Case> = cases.collect();
    import(&kept.joined(), &jo(), &FixedClock::at(at(0)), cases).await.unwrap();
    for (case, damage) in DAMAGE {
        let sql = format!("UPDATE cases SET {damage} WHERE case_id = '{case}'");
        kept.sql().execute_batch(&sql).unwrap();
    }
    kept
}

pub(crate) fn readable() -> [CaseId; 3] {
    ["RXX:00000", "RXX:00006", "RXX:00008"].map(id)
}

pub(crate) fn viewed(n: usize) -> Entry {
    Entry::new(EventKind::CaseViewed, at(0), &jo()).about(Subject::of(&person(n, NUMBER)))
}
