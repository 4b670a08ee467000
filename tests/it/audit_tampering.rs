//! For every change that SQL makes to the file of an audit trail, `verify` names the first broken link.

use chrono::{DateTime, TimeDelta};
use nhs_pds::audit::{
    Actor, Anchor, AuditLog, BreakReason, Entry, EventKind, SqliteLog, Subject, Verdict,
};
use nhs_pds::case::{Case, NumberSource, RecordType, RecordedNumber};
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::trace::{Caller, LocalIdentity};
use proptest::prelude::*;
use rusqlite::{Connection, params};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tokio::runtime::Runtime;

const COLUMNS: [&str; 15] = [
    "seq",
    "prev_hash",
    "hash",
    "at",
    "kind",
    "user_id",
    "user_name",
    "role",
    "organisation",
    "authority",
    "device",
    "message_id",
    "details",
    "subject",
    "sealed",
];

const EVENTS: u64 = 6;

fn entries() -> Vec<Entry> {
    let identity = LocalIdentity::new("RHM".parse().unwrap(), "j.doe").unwrap();
    let us = Actor::new(&Caller::System(identity), "Jo Doe");
    let boss = us.clone().with_role("worker", "RHM".parse().unwrap()).authorised_by("boss");
    let boss = boss.on_device("desk 7");
    let mut case = Case::new("CASE-77".parse().unwrap(), RecordType::AdultCase);
    case.surname = Some("Quentinsson".into());
    let number = NhsNumber::constant(9_434_765_919);
    case.nhs_number = Some(RecordedNumber::new(number, NumberSource::Imported(None)));
    case.version = 1;
    let of = |kind, minute, actor: &Actor| {
        Entry::new(kind, DateTime::UNIX_EPOCH + TimeDelta::minutes(minute), actor)
    };
    vec![
        of(EventKind::SignedIn, 1, &us),
        of(EventKind::CaseViewed, 2, &boss).about(Subject::of(&case)),
        of(EventKind::MessageSent, 3, &us).with_message_id("m-1").with_detail("code", "SMSP-0000"),
        of(EventKind::CaseChanged, 4, &boss).with_message_id("m-2").about(Subject::snapshot(&case)),
        of(EventKind::AuditQueried, 5, &us).about(Subject::person(number)),
        of(EventKind::SignedOut, 6, &boss).with_message_id(""),
    ]
}

/// A trail in a file of its own, and another program's connection to the file.
struct Tampered {
    runtime: Runtime,
    log: SqliteLog,
    sql: Connection,
    path: PathBuf,
    _folder: TempDir,
}

impl Tampered {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.db");
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let log = SqliteLog::open(&path).unwrap();
        runtime.block_on(log.append(entries())).unwrap();
        let sql = Connection::open(&path).unwrap();
        sql.pragma_update(None, "synchronous", "off").unwrap();
        let trail = Self { runtime, log, sql, path, _folder: folder };
        assert!(trail.verify().is_whole());
        trail
    }

    fn verify(&self) -> Verdict {
        self.runtime.block_on(self.log.verify(&[])).unwrap()
    }

    fn head(&self) -> Anchor {
        self.runtime.block_on(self.log.head()).unwrap()
    }

    /// Where the trail is broken, and how.
    #[track_caller]
    fn broken(&self) -> (u64, BreakReason) {
        match self.verify() {
            Verdict::Broken { seq, reason, .. } => (seq, reason),
            whole => panic!("{whole}"),
        }
    }

    fn execute(&self, sql: &str) {
        self.sql.execute_batch(sql).unwrap();
    }

    /// The type and the bytes of a value; the eight bytes of an integer.
    fn value(&self, seq: u64, column: &str) -> (String, Vec<u8>) {
        let sql = format!(
            "SELECT typeof({column}), {column}, CAST({column} AS BLOB) FROM audit_event WHERE seq = ?1"
        );
        self.sql
            .query_row(&sql, [seq as i64], |row| {
                let kind: String = row.get(0)?;
                let bytes = match kind.as_str() {
                    "integer" => row.get::<_, i64>(1)?.to_be_bytes().to_vec(),
                    "null" => Vec::new(),
                    _ => row.get(2)?,
                };
                Ok((kind, bytes))
            })
            .unwrap()
    }

    /// Puts a value into the row `seq`. Returns `false` if the file rejects it.
    fn put(&self, seq: i64, column: &str, (kind, bytes): &(String, Vec<u8>)) -> bool {
        let cast = if kind == "text" { "CAST(?1 AS TEXT)" } else { "?1" };
        let sql = format!("UPDATE audit_event SET {column} = {cast} WHERE seq = ?2");
        let done = match kind.as_str() {
            "integer" => {
                let value = i64::from_be_bytes(bytes.as_slice().try_into().unwrap());
                self.sql.execute(&sql, params![value, seq])
            }
            "null" => self.sql.execute(&sql, params![None::<i64>, seq]),
            _ => self.sql.execute(&sql, params![bytes, seq]),
        };
        done.is_ok_and(|rows| rows == 1)
    }

    /// Changes one value, verifies the trail, and restores the value. Returns `false` if there was nothing
    /// to change, or the file rejects the change.
    #[track_caller]
    fn changed(&self, seq: u64, column: &str, value: &(String, Vec<u8>)) -> bool {
        let old = self.value(seq, column);
        if old == *value || !self.put(seq as i64, column, value) {
            return false;
        }
        let (found, reason) = self.broken();
        assert_eq!(found, seq, "{column} {reason:?}");
        let number = |bytes: &[u8]| i64::from_be_bytes(bytes.try_into().unwrap());
        let now = if column == "seq" { number(&value.1) } else { seq as i64 };
        assert!(self.put(now, column, &old));
        true
    }
}

/// The bytes that the module's documentation describes, computed independently.
#[test]
fn a_hash_covers_the_documented_bytes() {
    let trail = Tampered::new();
    let mut before = vec![0; 32];
    for seq in 1..=EVENTS {
        let mut bytes = b"nhs-pds audit 1\n".to_vec();
        for column in COLUMNS.into_iter().filter(|column| *column != "hash") {
            let (kind, value) = trail.value(seq, column);
            let kinds = ["null", "integer", "real", "text", "blob"];
            bytes.push(kinds.iter().position(|known| *known == kind).unwrap() as u8);
            bytes.extend((value.len() as u64).to_be_bytes());
            bytes.extend(value);
        }
        assert_eq!(trail.value(seq, "prev_hash").1, before);
        before = Sha256::digest(&bytes).to_vec();
        assert_eq!(trail.value(seq, "hash").1, before, "{seq}");
    }
    assert_eq!(trail.head().hash.to_vec(), before);
}

#[test]
fn each_changed_column_of_each_row_is_named() {
    let trail = Tampered::new();
    for seq in 1..=EVENTS {
        for column in COLUMNS {
            let mut changes = 0;
            let (kind, bytes) = trail.value(seq, column);
            let text = |bytes: &[u8]| ("text".to_owned(), bytes.to_vec());
            let blob = |bytes: &[u8]| ("blob".to_owned(), bytes.to_vec());
            let spaced = [&bytes[..], b" "].concat();
            for value in [
                ("null".to_owned(), Vec::new()),
                ("integer".to_owned(), 99_i64.to_be_bytes().to_vec()),
                ("integer".to_owned(), (-5_i64).to_be_bytes().to_vec()),
                ("integer".to_owned(), 0_i64.to_be_bytes().to_vec()),
                ("integer".to_owned(), i64::MAX.to_be_bytes().to_vec()),
                text(b""),
                text(b"\xff"),
                text(b"signed_in"),
                text(&spaced),
                text(&bytes.to_ascii_uppercase()),
                text(&bytes),
                blob(b""),
                blob(&spaced),
                blob(&bytes),
                blob(&bytes.iter().rev().copied().collect::<Vec<_>>()),
            ] {
                // SQLite itself turns a text that is a number into that number.
                if kind == "integer" && value.0 != "integer" {
                    continue;
                }
                changes += usize::from(trail.changed(seq, column, &value));
            }
            assert!(changes >= 2, "{column}");
        }
    }
    assert!(trail.verify().is_whole());
}

/// Another spelling of the same value is a change too.
#[test]
fn a_rewritten_equal_value_is_a_change() {
    let trail = Tampered::new();
    trail.execute("UPDATE audit_event SET details = '[ ]' WHERE seq = 4");
    assert_eq!(trail.broken(), (4, BreakReason::Hash));
    trail.execute("UPDATE audit_event SET organisation = 'rhm' WHERE seq = 2");
    assert_eq!(trail.broken(), (2, BreakReason::Hash));
}

#[test]
fn missing_rows_are_named() {
    for (delete, expected) in [
        ("seq = 1", (1, BreakReason::Missing)),
        ("seq = 3", (3, BreakReason::Missing)),
        ("seq IN (3, 4)", (3, BreakReason::Missing)),
        ("seq = 6", (6, BreakReason::CutOff)),
        ("seq > 3", (4, BreakReason::CutOff)),
        ("TRUE", (1, BreakReason::CutOff)),
    ] {
        let trail = Tampered::new();
        trail.execute(&format!("DELETE FROM audit_event WHERE {delete}"));
        assert_eq!(trail.broken(), expected, "{delete}");
        if delete == "TRUE" {
            // Later events do not hide the change.
            trail.runtime.block_on(trail.log.append(entries())).unwrap();
            assert_eq!(trail.broken(), (1, BreakReason::Missing));
        }
    }
}

#[test]
fn swapped_rows_are_named() {
    let others = COLUMNS.into_iter().filter(|column| *column != "seq");
    let except_hashes = others.clone().filter(|column| !column.ends_with("hash"));
    for columns in [others.collect::<Vec<_>>(), except_hashes.collect()] {
        for (one, other) in [(1, 2), (2, 5), (5, 6), (1, 6)] {
            let trail = Tampered::new();
            let columns = columns.join(", ");
            trail.execute(&format!(
                "CREATE TEMP TABLE old AS SELECT * FROM audit_event;
                 UPDATE audit_event SET ({columns}) = (SELECT {columns} FROM old
                     WHERE old.seq = {one} + {other} - audit_event.seq) WHERE seq IN ({one}, {other})"
            ));
            assert_eq!(trail.broken(), (one, BreakReason::Hash));
        }
    }
    let trail = Tampered::new();
    trail.execute(
        "UPDATE audit_event SET seq = 99 WHERE seq = 2; UPDATE audit_event SET seq = 2 WHERE seq = 3;
         UPDATE audit_event SET seq = 3 WHERE seq = 99",
    );
    assert_eq!(trail.broken(), (2, BreakReason::Hash));
}

#[test]
fn forged_rows_are_named() {
    let columns = COLUMNS[1..].join(", ");
    for (seq, expected) in [
        ("7", (7, BreakReason::Beyond)),
        ("9", (9, BreakReason::Beyond)),
        ("0", (0, BreakReason::BeforeFirst)),
        ("-1", (0, BreakReason::BeforeFirst)),
    ] {
        let trail = Tampered::new();
        trail.execute(&format!(
            "INSERT INTO audit_event (seq, {columns}) SELECT {seq}, {columns} FROM audit_event
             WHERE seq = 6"
        ));
        assert_eq!(trail.broken(), expected);
    }
    // Make a gap in the middle for it.
    let trail = Tampered::new();
    trail.execute(&format!(
        "UPDATE audit_event SET seq = -seq WHERE seq > 3;
         UPDATE audit_event SET seq = 1 - seq WHERE seq < 0;
         INSERT INTO audit_event (seq, {columns}) SELECT 4, {columns} FROM audit_event WHERE seq = 1"
    ));
    assert_eq!(trail.broken(), (4, BreakReason::Hash));
}

/// A row with a correct hash and link that this trail did not write.
#[test]
fn a_forged_row_with_a_good_hash_is_named() {
    let trail = Tampered::new();
    let copy = copy_of(&trail, 6);
    let forger = SqliteLog::open(&copy).unwrap();
    trail.runtime.block_on(forger.append(entries())).unwrap();
    drop(forger);
    attach(&trail, &copy);
    trail.execute("INSERT INTO audit_event SELECT * FROM copy.audit_event WHERE seq = 7");
    assert_eq!(trail.broken(), (7, BreakReason::Beyond));
    let error = trail.runtime.block_on(trail.log.append(entries())).unwrap_err();
    assert_eq!(error.kind(), nhs_pds::audit::ErrorKind::Corrupt, "its place is taken");
}

/// If the end is rewritten with its hashes, keys and anchor, an anchor stored outside finds it.
#[test]
fn a_consistently_rewritten_trail_does_not_match_an_outside_anchor() {
    let trail = Tampered::new();
    let head = trail.head();
    let copy = copy_of(&trail, 4);
    let forger = SqliteLog::open(&copy).unwrap();
    trail.runtime.block_on(forger.append(entries()[..2].to_vec())).unwrap();
    let verdict = trail.runtime.block_on(forger.verify(&[])).unwrap();
    assert!(verdict.is_whole(), "by itself it is a good trail");
    let verdict = trail.runtime.block_on(forger.verify(&[head])).unwrap();
    assert!(matches!(verdict, Verdict::Broken { seq: 6, reason: BreakReason::OutsideAnchor, .. }));
    drop(forger);
    attach(&trail, &copy);
    trail.execute(
        "DELETE FROM audit_event WHERE seq = 5;
         INSERT INTO audit_event SELECT * FROM copy.audit_event WHERE seq = 5",
    );
    assert_eq!(trail.broken(), (6, BreakReason::Link));
}

/// A copy of the file with the first `events` events and a matching anchor.
fn copy_of(trail: &Tampered, events: u64) -> PathBuf {
    let copy = trail.path.with_extension("copy");
    trail.sql.execute("VACUUM INTO ?1", [copy.to_str().unwrap()]).unwrap();
    let sql = Connection::open(&copy).unwrap();
    sql.execute("DELETE FROM audit_event WHERE seq > ?1", [events as i64]).unwrap();
    sql.execute_batch(
        "UPDATE audit_anchor SET (seq, hash) =
            (SELECT seq, hash FROM audit_event ORDER BY seq DESC LIMIT 1)",
    )
    .unwrap();
    copy
}

fn attach(trail: &Tampered, copy: &Path) {
    trail.sql.execute("ATTACH ?1 AS copy", [copy.to_str().unwrap()]).unwrap();
}

#[test]
fn a_damaged_anchor_is_named() {
    for (damage, expected) in [
        ("DELETE FROM audit_anchor", (6, BreakReason::NoAnchor)),
        ("UPDATE audit_anchor SET hash = x'00'", (6, BreakReason::NoAnchor)),
        ("UPDATE audit_anchor SET seq = -1", (6, BreakReason::NoAnchor)),
        ("UPDATE audit_anchor SET hash = zeroblob(32)", (6, BreakReason::Anchor)),
        ("UPDATE audit_anchor SET seq = 7", (7, BreakReason::CutOff)),
        ("UPDATE audit_anchor SET seq = 4", (5, BreakReason::Beyond)),
        ("UPDATE audit_anchor SET seq = 0", (1, BreakReason::Beyond)),
        ("DELETE FROM audit_anchor; DELETE FROM audit_event", (0, BreakReason::NoAnchor)),
    ] {
        let trail = Tampered::new();
        trail.execute(damage);
        assert_eq!(trail.broken(), expected, "{damage}");
    }
}

#[test]
fn damaged_keys_are_named() {
    for (damage, expected) in [
        ("DELETE FROM audit_subject_number", (2, BreakReason::Subject)),
        ("UPDATE audit_subject_number SET number = '9449304424'", (2, BreakReason::Subject)),
        ("DELETE FROM audit_subject WHERE case_id IS NOT NULL", (2, BreakReason::Key)),
        ("DELETE FROM audit_subject WHERE person IS NOT NULL", (5, BreakReason::Key)),
        (
            "UPDATE audit_subject SET key = zeroblob(32) WHERE person IS NOT NULL",
            (5, BreakReason::Sealed),
        ),
        ("UPDATE audit_subject SET key = x'00'", (2, BreakReason::Sealed)),
        (
            "UPDATE audit_subject SET case_id = 'CASE-78' WHERE case_id IS NOT NULL",
            (2, BreakReason::Subject),
        ),
        (
            "UPDATE audit_subject SET case_id = '' WHERE case_id IS NOT NULL",
            (2, BreakReason::Subject),
        ),
        (
            "UPDATE audit_subject SET person = '9449304424' WHERE person IS NOT NULL",
            (5, BreakReason::Subject),
        ),
        (
            "UPDATE audit_subject SET case_id = person, person = NULL WHERE person IS NOT NULL",
            (5, BreakReason::Subject),
        ),
    ] {
        let trail = Tampered::new();
        trail.execute(damage);
        assert_eq!(trail.broken(), expected, "{damage}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// Changes any byte of any value of any row.
    #[test]
    fn a_flipped_byte_is_named(
        flips in prop::collection::vec(
            (1..=EVENTS, 0..COLUMNS.len(), any::<prop::sample::Index>(), 1..=255_u8),
            40,
        )
    ) {
        let trail = Tampered::new();
        for (seq, column, place, flip) in flips {
            let column = COLUMNS[column];
            let (kind, mut bytes) = trail.value(seq, column);
            if !bytes.is_empty() {
                let place = place.index(bytes.len());
                bytes[place] ^= flip;
                let changed = trail.changed(seq, column, &(kind, bytes));
                prop_assert!(changed || column == "seq");
            }
        }
    }
}
