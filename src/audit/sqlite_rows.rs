//! Reads and writes the tables of the audit trail in an SQLite file.

use crate::audit::anchor::Anchor;
use crate::audit::batch::{Basis, Batch, NewSubject};
use crate::audit::error::Error;
use crate::audit::filter::Filter;
use crate::audit::kind::EventKind;
use crate::audit::owner::{Owner, SubjectName};
use crate::audit::row::Row;
use crate::audit::sqlite_failure::{corrupt, failed};
use crate::audit::storage::{Span, StoredRow};
use crate::audit::value::Value;
use crate::nhs_number::NhsNumber;
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};

/// A [`Value`] as SQLite binds and returns it, with its exact type and bytes.
struct Bound<'a>(&'a Value);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Value::Null => ValueRef::Null,
            Value::Integer(value) => ValueRef::Integer(*value),
            Value::Real(value) => ValueRef::Real(*value),
            Value::Text(bytes) => ValueRef::Text(bytes),
            Value::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

fn value_of(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(value) => Value::Integer(value),
        ValueRef::Real(value) => Value::Real(value),
        ValueRef::Text(bytes) => Value::Text(bytes.to_vec()),
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
    }
}

/// A filter as SQL and the values bound to it.
struct Condition {
    sql: String,
    values: Vec<Value>,
}

impl Condition {
    fn new(filter: &Filter, from: i64, is_in: &str) -> Self {
        let mut condition = Self { sql: format!("{is_in} ?"), values: Vec::new() };
        condition.values.push(Value::Integer(from));
        let mut when = |sql: &str, value: Option<Value>| {
            if let Some(value) = value {
                condition.sql.push_str(" AND ");
                condition.sql.push_str(sql);
                condition.values.push(value);
            }
        };
        let text = Value::text;
        // Few events are of one patient or message, and many of one user, but SQLite does not know
        // that. The plus keeps it from using the index.
        let few =
            filter.number().is_some() || filter.case().is_some() || filter.message_id().is_some();
        when(if few { "+e.user_id = ?" } else { "e.user_id = ?" }, filter.user().map(text));
        when("e.authority = ?", filter.authority().map(text));
        when("e.message_id = ?", filter.message_id().map(text));
        when("e.kind = ?", filter.kind().map(|kind| text(kind.as_str())));
        let subjects = "e.subject IN (SELECT subject FROM audit_subject_number WHERE number = ?)";
        when(subjects, filter.number().map(|number| text(number.digits().as_str())));
        let subjects = "e.subject = (SELECT subject FROM audit_subject WHERE case_id = ?)";
        when(subjects, filter.case().map(|case| text(case.as_str())));
        when("e.at >= ?", filter.from_micros().map(Value::Integer));
        when("e.at < ?", filter.before_micros().map(Value::Integer));
        let integer = |seq: u64| Value::Integer(i64::try_from(seq).unwrap_or(i64::MAX));
        when("e.seq >= ?", filter.sequence().map(|(first, _)| integer(first)));
        when("e.seq <= ?", filter.sequence().map(|(_, last)| integer(last)));
        condition
    }
}

/// The columns of a row and of its key; a condition is added to this query.
const SELECT: &str =
    "SELECT e.seq, e.prev_hash, e.hash, e.at, e.kind, e.user_id, e.user_name, e.role,
        e.organisation, e.authority, e.device, e.message_id, e.details, e.subject, e.sealed,
        s.key, s.case_id, s.person,
        (SELECT group_concat(number) FROM audit_subject_number n WHERE n.subject = e.subject)
     FROM audit_event e LEFT JOIN audit_subject s ON s.subject = e.subject";

/// At most `limit` rows of `span` that meet `filter`, in its order, with their keys.
pub(super) fn read(
    connection: &Connection,
    filter: &Filter,
    span: Span,
    limit: usize,
) -> Result<Vec<StoredRow>, Error> {
    let (from, is_in, order) = span.sql();
    let Condition { sql, values } = Condition::new(filter, from, is_in);
    let sql = format!("{SELECT} WHERE {sql} ORDER BY {order} LIMIT ?");
    let mut rows = Vec::with_capacity(limit.min(500));
    let limit = Value::Integer(i64::try_from(limit).unwrap_or(i64::MAX));
    let mut query = connection.prepare_cached(&sql).map_err(failed)?;
    let bound = values.iter().chain([&limit]).map(Bound);
    let mut found = query.query(params_from_iter(bound)).map_err(failed)?;
    while let Some(row) = found.next().map_err(failed)? {
        rows.push(stored_of(row)?);
    }
    Ok(rows)
}

fn stored_of(row: &rusqlite::Row<'_>) -> Result<StoredRow, Error> {
    let mut values = [const { Value::Null }; 15];
    for (column, value) in values.iter_mut().enumerate() {
        *value = value_of(row.get_ref(column).map_err(failed)?);
    }
    let stored = StoredRow::new(Row::from_values(values)?);
    // Any other value in these columns identifies no subject.
    let text = |column: usize| match row.get_ref(column) {
        Ok(ValueRef::Text(text)) => std::str::from_utf8(text).ok(),
        _ => None,
    };
    let key = match row.get_ref(15).map_err(failed)? {
        ValueRef::Null => return Ok(stored),
        ValueRef::Blob(key) => key,
        _ => &[],
    };
    let case = text(16).and_then(|case| case.parse().ok()).map(Owner::Case);
    let person = || text(17).and_then(|number| number.parse().ok()).map(Owner::Person);
    let numbers = text(18).unwrap_or_default().split(',');
    let numbers = numbers.filter_map(|number| number.parse::<NhsNumber>().ok());
    Ok(stored.with_key(key, case.or_else(person), numbers))
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

/// The trail's own anchor, if it is valid, and the subjects of `owners`.
pub(super) fn basis(connection: &Connection, owners: &[Owner]) -> Result<Basis, Error> {
    let mut basis = Basis::new(anchor(connection)?);
    for owner in owners {
        let (column, text) = column_of(owner);
        let sql = match column {
            Column::Case => "SELECT subject, key FROM audit_subject WHERE case_id = ?1",
            Column::Person => "SELECT subject, key FROM audit_subject WHERE person = ?1",
        };
        let mut query = connection.prepare_cached(sql).map_err(failed)?;
        let mut found = query.query([&text]).map_err(failed)?;
        if let Some(row) = found.next().map_err(failed)? {
            let blob = |column: usize| {
                row.get_ref(column).map(|value| value.as_blob().unwrap_or_default())
            };
            let (name, key) = (blob(0).map_err(failed)?, blob(1).map_err(failed)?);
            basis = basis.with_subject(owner.clone(), name, key);
        }
    }
    Ok(basis)
}

/// Where an owner is stored.
#[derive(Clone, Copy)]
enum Column {
    Case,
    Person,
}

fn column_of(owner: &Owner) -> (Column, String) {
    match owner {
        Owner::Case(case) => (Column::Case, case.as_str().to_owned()),
        Owner::Person(number) => (Column::Person, number.digits().to_string()),
    }
}

/// Whether the file has the head and the subjects that `batch` was prepared with.
pub(super) fn matches(connection: &Connection, batch: &Batch) -> Result<bool, Error> {
    if anchor(connection)? != Some(batch.expected()) {
        return Ok(false);
    }
    for name in batch.used() {
        let sql = "SELECT EXISTS (SELECT 1 FROM audit_subject WHERE subject = ?1)";
        let mut query = connection.prepare_cached(sql).map_err(failed)?;
        if !query.query_row([name.as_bytes()], |row| row.get(0)).map_err(failed)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Writes `batch`, which must be prepared in the same transaction, or match.
pub(super) fn write(connection: &Connection, batch: &Batch) -> Result<(), Error> {
    batch.subjects().iter().try_for_each(|subject| put_subject(connection, subject))?;
    for (number, name) in batch.numbers() {
        connection
            .prepare_cached(
                "INSERT INTO audit_subject_number (number, subject) VALUES (?1, ?2)
                 ON CONFLICT DO NOTHING",
            )
            .and_then(|mut insert| {
                insert.execute(params![number.digits().as_str(), name.as_bytes()])
            })
            .map_err(failed)?;
    }
    let mut insert = connection
        .prepare_cached(
            "INSERT INTO audit_event (seq, prev_hash, hash, at, kind, user_id, user_name, role,
                organisation, authority, device, message_id, details, subject, sealed)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .map_err(failed)?;
    for row in batch.rows() {
        insert.execute(params_from_iter(row.values().iter().map(Bound))).map_err(failed)?;
    }
    let head = batch.head();
    let seq = i64::try_from(head.seq).map_err(|_| corrupt())?;
    connection
        .prepare_cached("UPDATE audit_anchor SET seq = ?1, hash = ?2 WHERE id = 1")
        .and_then(|mut update| update.execute(params![seq, head.hash]))
        .map_err(failed)
        .map(|_| ())
}

fn put_subject(connection: &Connection, subject: &NewSubject) -> Result<(), Error> {
    let (column, text) = column_of(subject.owner());
    let sql = match (column, subject.replaces()) {
        (Column::Case, false) => {
            "INSERT INTO audit_subject (subject, key, case_id) VALUES (?1, ?2, ?3)"
        }
        (Column::Person, false) => {
            "INSERT INTO audit_subject (subject, key, person) VALUES (?1, ?2, ?3)"
        }
        (Column::Case, true) => {
            "UPDATE audit_subject SET subject = ?1, key = ?2 WHERE case_id = ?3"
        }
        (Column::Person, true) => {
            "UPDATE audit_subject SET subject = ?1, key = ?2 WHERE person = ?3"
        }
    };
    connection
        .prepare_cached(sql)
        .and_then(|mut put| put.execute(params![subject.name().as_bytes(), subject.key(), text]))
        .map_err(failed)
        .map(|_| ())
}

/// Those of `names` about which there is a `case_erased` event.
pub(super) fn erased(
    connection: &Connection,
    names: &[SubjectName],
) -> Result<Vec<SubjectName>, Error> {
    let sql = "SELECT EXISTS (SELECT 1 FROM audit_event WHERE subject = ?1 AND kind = ?2)";
    let mut query = connection.prepare_cached(sql).map_err(failed)?;
    let mut found = Vec::new();
    for name in names {
        let erased = params![name.as_bytes(), EventKind::CaseErased.as_str()];
        if query.query_row(erased, |row| row.get(0)).map_err(failed)? {
            found.push(*name);
        }
    }
    Ok(found)
}

/// Deletes the keys of `names` and what leads to them.
pub(super) fn delete(connection: &Connection, names: &[SubjectName]) -> Result<(), Error> {
    for name in names {
        for table in ["audit_subject", "audit_subject_number"] {
            let delete = format!("DELETE FROM {table} WHERE subject = ?1");
            connection.execute(&delete, [name.as_bytes()]).map_err(failed)?;
        }
    }
    Ok(())
}

/// The trail's own anchor, if it is valid.
fn anchor(connection: &Connection) -> Result<Option<Anchor>, Error> {
    let stored = connection
        .prepare_cached("SELECT seq, hash FROM audit_anchor WHERE id = 1")
        .and_then(|mut query| {
            let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, value_of(row.get_ref(1)?)));
            query.query_row([], read).optional()
        })
        .map_err(failed)?;
    let anchor =
        |(seq, hash): (i64, Value)| Some(Anchor::new(u64::try_from(seq).ok()?, hash.as_hash()?));
    Ok(stored.and_then(anchor))
}
