//! SQLite files: values of the person are in the columns meant for people, and in no other place.

use super::work::Kept;
use crate::privacy::person::{self, CASE, NEW_NUMBER, NUMBER, OTHER_CASE, leak, leak_in_bytes};
use nhs_pds::audit::{Anchored, FileAnchors, SqliteLog};
use nhs_pds::case::SqliteStore;
use nhs_pds::clock::FixedClock;
use nhs_pds::process::alert::SqliteAlerts;
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;
use tempfile::TempDir;

/// Columns meant for people. Operators may see all others.
const PERSONAL: [(&str, &str); 17] = [
    ("alert", "document"),
    // So that each is sent once: the case, the event, and the date of a death.
    ("alert", "id"),
    ("audit_subject", "case_id"),
    ("audit_subject", "person"),
    ("audit_subject_number", "number"),
    ("case_due", "case_id"),
    // By which users search: the worklist and the search of cases.
    ("case_item", "case_id"),
    ("case_search", "case_id"),
    ("case_search", "date_of_birth"),
    ("case_search", "nhs_number"),
    ("case_search", "postcode"),
    ("case_search", "surname"),
    ("case_worker", "case_id"),
    // A text of the local system, which may be anything.
    ("case_worker", "worker"),
    ("cases", "case_id"),
    ("cases", "document"),
    ("cases", "nhs_number"),
];

/// A file each for cases, trail and alerts, and one for anchors.
pub(super) struct Files {
    dir: TempDir,
    kept: Kept,
}

impl Files {
    pub(super) fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let file = |name: &str| dir.path().join(name);
        let log = Arc::new(SqliteLog::open(file("audit.sqlite")).unwrap());
        let anchors = Arc::new(FileAnchors::new(file("anchors.txt")));
        let kept = Kept {
            store: Arc::new(SqliteStore::open(file("cases.sqlite")).unwrap()),
            audit: Arc::new(Anchored::new(log, anchors, Arc::new(FixedClock::at(super::NOW)))),
            alerts: Arc::new(SqliteAlerts::open(file("alerts.sqlite")).unwrap()),
        };
        Self { dir, kept }
    }

    pub(super) const fn kept(&self) -> &Kept {
        &self.kept
    }

    /// Fails if a value of the person is in another place. `filled` says that each of the columns meant for
    /// people has a value, which proves their names.
    pub(super) fn assert_silent(&self, filled: bool) {
        let mut seen = BTreeSet::new();
        for name in ["cases.sqlite", "audit.sqlite", "alerts.sqlite"] {
            seen.extend(self.columns_with_people(name));
        }
        let known: BTreeSet<_> =
            PERSONAL.map(|(table, column)| (table.to_owned(), column.to_owned())).into();
        let elsewhere: Vec<_> = seen.difference(&known).collect();
        assert!(elsewhere.is_empty(), "the person is in {elsewhere:?}");
        let missing: Vec<_> = known.difference(&seen).collect();
        assert!(!filled || missing == [&("audit_subject".into(), "person".into())], "{missing:?}");
        self.assert_bytes_silent();
    }

    fn columns_with_people(&self, name: &str) -> BTreeSet<(String, String)> {
        let file = Connection::open(self.dir.path().join(name)).unwrap();
        let tables = "SELECT name FROM sqlite_schema WHERE type = 'table'";
        let mut tables = file.prepare(tables).unwrap();
        let tables = tables.query_map([], |row| row.get::<_, String>(0)).unwrap();
        let mut found = BTreeSet::new();
        for table in tables.map(Result::unwrap) {
            let mut all = file.prepare(&format!("SELECT * FROM \"{table}\"")).unwrap();
            let columns: Vec<String> = all.column_names().map(str::to_owned).collect();
            let mut rows = all.query([]).unwrap();
            while let Some(row) = rows.next().unwrap() {
                for (place, column) in columns.iter().enumerate() {
                    if tells(row.get_ref(place).unwrap()) {
                        found.insert((table.clone(), column.clone()));
                    }
                }
            }
        }
        found
    }

    /// Of the trail, only the case ids can be read in the file, its log and its index: the rest is sealed.
    /// And no file is named after a person.
    fn assert_bytes_silent(&self) {
        let numbers = [NUMBER, NEW_NUMBER].map(|number| number.digits().to_string());
        let subjects = [CASE, OTHER_CASE, &numbers[0], &numbers[1]];
        let mut control = false;
        for entry in fs::read_dir(self.dir.path()).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            person::assert_silent("the name of a file", name);
            let bytes = fs::read(&path).unwrap();
            if name.starts_with("cases.") {
                control |= leak_in_bytes(&bytes, &subjects).is_some();
            } else if name.starts_with("audit.") {
                assert_eq!(leak_in_bytes(&bytes, &subjects), None, "in {name}");
            } else if name == "anchors.txt" {
                person::assert_silent(name, str::from_utf8(&bytes).unwrap());
            }
        }
        assert!(control, "a file of cases has more of people, and it would have been found");
    }
}

fn tells(value: ValueRef<'_>) -> bool {
    match value {
        ValueRef::Null => false,
        ValueRef::Integer(number) => leak(&number.to_string()).is_some(),
        ValueRef::Real(number) => leak(&number.to_string()).is_some(),
        ValueRef::Text(text) => leak(str::from_utf8(text).unwrap()).is_some(),
        ValueRef::Blob(bytes) => leak_in_bytes(bytes, &[]).is_some(),
    }
}
