//! Reads and writes rows of the tables of the audit trail, unchanged.

use crate::audit::anchor::Anchor;
use crate::audit::entry::Whose;
use crate::audit::error::{Error, ErrorKind};
use crate::audit::filter::Filter;
use crate::audit::row::{Row, Unsealing, Value};
use crate::audit::sqlite_failure::failed;
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};
use std::collections::BTreeSet;
use zeroize::Zeroizing;

impl From<ValueRef<'_>> for Value {
    fn from(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Null => Self::Null,
            ValueRef::Integer(value) => Self::Integer(value),
            ValueRef::Real(value) => Self::Real(value),
            ValueRef::Text(bytes) => Self::Text(bytes.to_vec()),
            ValueRef::Blob(bytes) => Self::Blob(bytes.to_vec()),
        }
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(value) => ValueRef::Integer(*value),
            Self::Real(value) => ValueRef::Real(*value),
            Self::Text(bytes) => ValueRef::Text(bytes),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// A filter as SQL and the values bound to it.
pub(super) struct Condition {
    sql: String,
    values: Vec<Value>,
}

impl Condition {
    pub(super) fn new(filter: &Filter) -> Self {
        let mut condition = Self { sql: "TRUE".to_owned(), values: Vec::new() };
        let text = |text: &str| Value::Text(text.as_bytes().to_vec());
        let mut when = |sql: &str, value: Option<Value>| {
            if let Some(value) = value {
                condition.and(sql, value);
            }
        };
        // Few events are of one patient or message, and many of one user, but SQLite does not know
        // that. The plus keeps it from using the index.
        let few = filter.number.is_some() || filter.case.is_some() || filter.message_id.is_some();
        when(
            if few { "+e.user_id = ?" } else { "e.user_id = ?" },
            filter.user.as_deref().map(text),
        );
        when("e.authority = ?", filter.authority.as_deref().map(text));
        when("e.message_id = ?", filter.message_id.as_deref().map(text));
        when("e.kind = ?", filter.kind.map(|kind| text(kind.as_str())));
        let subjects = "e.subject IN (SELECT subject FROM audit_subject_number WHERE number = ?)";
        when(subjects, filter.number.map(|number| text(number.digits().as_str())));
        let subjects = "e.subject = (SELECT subject FROM audit_subject WHERE case_id = ?)";
        when(subjects, filter.case.as_ref().map(|case| text(case.as_str())));
        // If a bound is between two microseconds, events at the earlier microsecond are before it.
        let up = |at: chrono::DateTime<chrono::Utc>| {
            let between = !at.timestamp_subsec_nanos().is_multiple_of(1000);
            Value::Integer(at.timestamp_micros().saturating_add(i64::from(between)))
        };
        when("e.at >= ?", filter.from.map(up));
        when("e.at < ?", filter.to.map(up));
        let integer = |seq: u64| Value::Integer(i64::try_from(seq).unwrap_or(i64::MAX));
        when("e.seq >= ?", filter.sequence.map(|(first, _)| integer(first)));
        when("e.seq <= ?", filter.sequence.map(|(_, last)| integer(last)));
        condition
    }

    /// Adds a condition with one `?` for `value`.
    pub(super) fn and(&mut self, sql: &str, value: Value) {
        self.sql.push_str(" AND ");
        self.sql.push_str(sql);
        self.values.push(value);
    }
}

/// The columns of a row and of its key; `condition` is added to this query.
const SELECT: &str =
    "SELECT e.seq, e.prev_hash, e.hash, e.at, e.kind, e.user_id, e.user_name, e.role,
        e.organisation, e.authority, e.device, e.message_id, e.details, e.subject, e.sealed,
        s.key, s.case_id, s.person,
        e.subject IS NOT NULL AND s.subject IS NULL AND EXISTS (
            SELECT 1 FROM audit_event x WHERE x.subject = e.subject AND x.kind = 'case_erased'),
        (SELECT group_concat(number) FROM audit_subject_number n WHERE n.subject = e.subject)
     FROM audit_event e LEFT JOIN audit_subject s ON s.subject = e.subject";

/// At most `limit` rows that meet `condition`, in order, with the state of their keys.
pub(super) fn read(
    connection: &Connection,
    condition: &Condition,
    limit: usize,
) -> Result<Vec<(Row, Unsealing)>, Error> {
    let (mut rows, mut failed) = (Vec::new(), false);
    each(connection, condition, i64::try_from(limit).unwrap_or(i64::MAX), |_, read| {
        match read {
            Some(row) => rows.push(row),
            None => failed = true,
        }
        !failed
    })?;
    if failed { Err(Error::new(ErrorKind::Corrupt)) } else { Ok(rows) }
}

/// Passes the first `limit` rows that meet `condition` to `take`, in order, each with its number,
/// until `take` returns false. A row is `None` when a column does not have the expected type.
pub(super) fn each(
    connection: &Connection,
    condition: &Condition,
    limit: i64,
    mut take: impl FnMut(i64, Option<(Row, Unsealing)>) -> bool,
) -> Result<(), Error> {
    let Condition { sql, values } = condition;
    let sql = format!("{SELECT} WHERE {sql} ORDER BY e.seq LIMIT ?");
    let mut query = connection.prepare_cached(&sql).map_err(failed)?;
    let limit = Value::Integer(limit);
    let mut found = query.query(params_from_iter(values.iter().chain([&limit]))).map_err(failed)?;
    while let Some(row) = found.next().map_err(failed)? {
        let seq = row.get(0).map_err(failed)?;
        let read = row_of(row).and_then(|read| Ok((read, unsealing_of(row)?)));
        if !take(seq, read.ok()) {
            break;
        }
    }
    Ok(())
}

/// Whether the tables and columns of a trail exist.
pub(super) fn are_there(connection: &Connection) -> Result<bool, Error> {
    let queries = [SELECT, "SELECT id, seq, hash FROM audit_anchor"];
    for query in queries {
        match connection.prepare(query) {
            Ok(_) => {}
            // No such table, or no such column.
            Err(rusqlite::Error::SqlInputError { .. }) => return Ok(false),
            Err(rusqlite::Error::SqliteFailure(error, _))
                if error.code == rusqlite::ErrorCode::Unknown =>
            {
                return Ok(false);
            }
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(true)
}

fn row_of(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    let value = |column: usize| row.get_ref(column).map(Value::from);
    Ok(Row {
        seq: row.get(0)?,
        prev_hash: value(1)?,
        hash: value(2)?,
        facts: [
            value(3)?,
            value(4)?,
            value(5)?,
            value(6)?,
            value(7)?,
            value(8)?,
            value(9)?,
            value(10)?,
            value(11)?,
            value(12)?,
        ],
        subject: value(13)?,
        sealed: value(14)?,
    })
}

fn unsealing_of(row: &rusqlite::Row<'_>) -> rusqlite::Result<Unsealing> {
    // Any other value in these columns identifies no subject.
    let text = |column: usize| match row.get_ref(column) {
        Ok(ValueRef::Text(text)) => std::str::from_utf8(text).ok(),
        _ => None,
    };
    Ok(match row.get_ref(15)? {
        ValueRef::Null if row.get(18)? => Unsealing::Erased,
        ValueRef::Null => Unsealing::Missing,
        ValueRef::Blob(key) => {
            let case = text(16).and_then(|case| case.parse().ok()).map(Whose::Case);
            let person = || text(17).and_then(|number| number.parse().ok()).map(Whose::Person);
            let numbers = text(19).unwrap_or_default().split(',');
            let numbers = numbers.filter_map(|number| number.parse().ok()).collect();
            Unsealing::Key(Zeroizing::new(key.to_vec()), case.or_else(person), numbers)
        }
        _ => Unsealing::Key(Zeroizing::default(), None, BTreeSet::new()),
    })
}

pub(super) fn insert(connection: &Connection, row: &Row) -> Result<(), Error> {
    let mut insert = connection
        .prepare_cached(
            "INSERT INTO audit_event (seq, prev_hash, hash, at, kind, user_id, user_name, role,
                organisation, authority, device, message_id, details, subject, sealed)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .map_err(failed)?;
    let seq = Value::Integer(row.seq);
    let values = [&seq, &row.prev_hash, &row.hash].into_iter().chain(&row.facts);
    insert
        .execute(params_from_iter(values.chain([&row.subject, &row.sealed])))
        .map_err(failed)
        .map(|_| ())
}

/// The trail's own anchor, if it is valid.
pub(super) fn anchor(connection: &Connection) -> Result<Option<Anchor>, Error> {
    let stored = connection
        .prepare_cached("SELECT seq, hash FROM audit_anchor WHERE id = 1")
        .and_then(|mut query| {
            let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, Value::from(row.get_ref(1)?)));
            query.query_row([], read).optional()
        })
        .map_err(failed)?;
    let anchor =
        |(seq, hash): (i64, Value)| Some(Anchor::new(u64::try_from(seq).ok()?, hash.as_hash()?));
    Ok(stored.and_then(anchor))
}

pub(super) fn set_anchor(connection: &Connection, anchor: Anchor) -> Result<(), Error> {
    let seq = i64::try_from(anchor.seq).unwrap_or(i64::MAX);
    connection
        .prepare_cached("UPDATE audit_anchor SET seq = ?1, hash = ?2 WHERE id = 1")
        .and_then(|mut update| update.execute(params![seq, anchor.hash]))
        .map_err(failed)
        .map(|_| ())
}

/// Whether there are rows with numbers that no event has.
pub(super) fn has_strays(connection: &Connection) -> Result<bool, Error> {
    connection
        .query_row("SELECT EXISTS (SELECT 1 FROM audit_event WHERE seq < 1)", [], |row| row.get(0))
        .map_err(failed)
}
