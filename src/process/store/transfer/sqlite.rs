//! A store in an SQLite file as a side of a move.

use crate::audit::Anchor;
use crate::case::{Carried, CarriedPage, Lease, carried_after, carry_in};
use crate::process::store::sqlite::Sqlite;
use crate::process::store::transfer::error::{Error, ErrorKind};
use crate::process::store::transfer::mark::{Counts, FROM, Mark};
use crate::process::store::transfer::side::Side;
use crate::process::store::transfer::start::State;
use crate::process::store::transfer::table::{Cell, Kind, Table};
use crate::process::store::unit::Store;
use crate::store::sqlite::{self, Durability};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};
use std::sync::Arc;

/// How many rows are deleted in one transaction.
const STRIDE: i64 = 5_000;

#[async_trait]
impl Side for Sqlite {
    fn store(&self) -> &dyn Store {
        self
    }

    fn name(&self) -> String {
        "file".to_owned()
    }

    async fn state(&self, now: DateTime<Utc>) -> Result<State, Error> {
        self.file().read(move |file| state(file, now)).await
    }

    async fn event(&self, seq: u64) -> Result<Option<Anchor>, Error> {
        self.file().read(move |file| event(file, seq)).await
    }

    async fn cases(&self, after: Vec<u8>, limit: usize) -> Result<CarriedPage, Error> {
        self.file().read(move |file| Ok(carried_after(file, &after, limit)?)).await
    }

    async fn rows(
        &self,
        table: &'static Table,
        after: Option<Vec<Cell>>,
        limit: usize,
    ) -> Result<Vec<Vec<Cell>>, Error> {
        self.file().read(move |file| rows(file, table, after.as_deref(), limit)).await
    }

    async fn begin(&self, mark: &Mark) -> Result<u64, Error> {
        let mark = mark.clone();
        self.file().write(Durability::Durable, move |file| begin(file, &mark)).await
    }

    async fn clear(&self, table: &'static Table, ticket: u64) -> Result<bool, Error> {
        let clear = move |file: &Connection| {
            check(file, ticket)?;
            let key = table.key_names().join(", ");
            let name = table.name;
            let sql = format!(
                "DELETE FROM {name} WHERE ({key}) IN (SELECT {key} FROM {name} LIMIT {STRIDE})"
            );
            Ok(file.execute(&sql, []).map_err(failed)? > 0)
        };
        self.file().write(Durability::Durable, clear).await
    }

    async fn put_cases(&self, cases: Arc<[Carried]>, ticket: u64) -> Result<(), Error> {
        let put = move |file: &Connection| {
            check(file, ticket)?;
            Ok(carry_in(file, &cases)?)
        };
        self.file().write(Durability::Durable, put).await
    }

    async fn put_rows(
        &self,
        table: &'static Table,
        rows: Arc<[Vec<Cell>]>,
        ticket: u64,
    ) -> Result<(), Error> {
        let put = move |file: &Connection| {
            check(file, ticket)?;
            put(file, table, &rows)
        };
        self.file().write(Durability::Durable, put).await
    }

    async fn end(&self, head: Anchor, ticket: u64) -> Result<(), Error> {
        let end = move |file: &Connection| {
            check(file, ticket)?;
            let seq = i64::try_from(head.seq).unwrap_or(i64::MAX);
            let sql = "UPDATE audit_anchor SET seq = ?1, hash = ?2 WHERE id = 1";
            file.execute(sql, params![seq, head.hash]).map_err(failed)?;
            Ok(())
        };
        self.file().write(Durability::Durable, end).await
    }
}

fn state(file: &mut Connection, now: DateTime<Utc>) -> Result<State, Error> {
    // All of it at one moment.
    let file = &file.transaction().map_err(failed)?;
    let anchor = |sql: &str| {
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let row: Option<(i64, Vec<u8>)> =
            file.query_row(sql, [], read).optional().map_err(failed)?;
        Ok::<_, Error>(row.and_then(|(seq, hash)| anchor_of(seq, hash)))
    };
    let count = |table: &str| {
        let sql = format!("SELECT count(*) FROM {table}");
        let count: i64 = file.query_row(&sql, [], |row| row.get(0)).map_err(failed)?;
        Ok::<_, Error>(count.unsigned_abs())
    };
    let mark: Option<String> = file
        .query_row("SELECT value FROM setting WHERE name = ?1", [FROM], |row| row.get(0))
        .optional()
        .map_err(failed)?;
    let mark = mark.map(|value| serde_json::from_str(&value)).transpose();
    // A lease that lasts longer than leases do is of a clock that was set back.
    let longest = now + Lease::LONGEST + Lease::LONGEST;
    let leased: Option<i64> = file
        .query_row(
            "SELECT max(until) FROM case_due WHERE owner <> '' AND until > ?1 AND until < ?2",
            [now.timestamp_micros(), longest.timestamp_micros()],
            |row| row.get(0),
        )
        .map_err(failed)?;
    Ok(State {
        head: anchor("SELECT seq, hash FROM audit_anchor WHERE id = 1")?,
        last: anchor("SELECT seq, hash FROM audit_event ORDER BY seq DESC LIMIT 1")?,
        counts: Counts {
            events: count("audit_event")?,
            subjects: count("audit_subject")?,
            numbers: count("audit_subject_number")?,
            cases: count("cases")?,
            alerts: count("alert")?,
        },
        mark: mark.map_err(|error| Error::new(ErrorKind::Unavailable).with_source(error))?,
        leased_until: leased.and_then(DateTime::from_timestamp_micros),
        is_active: false,
    })
}

fn anchor_of(seq: i64, hash: Vec<u8>) -> Option<Anchor> {
    Some(Anchor::new(u64::try_from(seq).ok()?, hash.try_into().ok()?))
}

fn event(file: &Connection, seq: u64) -> Result<Option<Anchor>, Error> {
    let sql = "SELECT hash FROM audit_event WHERE seq = ?1";
    let seq = i64::try_from(seq).unwrap_or(i64::MAX);
    let hash: Option<Vec<u8>> =
        file.query_row(sql, [seq], |row| row.get(0)).optional().map_err(failed)?;
    Ok(hash.and_then(|hash| anchor_of(seq, hash)))
}

fn rows(
    file: &Connection,
    table: &Table,
    after: Option<&[Cell]>,
    limit: usize,
) -> Result<Vec<Vec<Cell>>, Error> {
    let columns: Vec<&str> = table.columns.iter().map(|(name, _)| *name).collect();
    let (columns, key, name) = (columns.join(", "), table.key_names().join(", "), table.name);
    let places = vec!["?"; table.key].join(", ");
    let behind = after.map(|_| format!("WHERE ({key}) > ({places})")).unwrap_or_default();
    let sql = format!("SELECT {columns} FROM {name} {behind} ORDER BY {key} LIMIT {limit}");
    let mut query = file.prepare_cached(&sql).map_err(failed)?;
    let bound = after.unwrap_or_default().iter().zip(table.columns);
    let bound = bound.map(|(cell, (_, kind))| Bound(cell, *kind));
    let mut found = query.query(params_from_iter(bound)).map_err(failed)?;
    let mut rows = Vec::new();
    while let Some(row) = found.next().map_err(failed)? {
        let cells = (0..table.columns.len()).map(|column| {
            Ok(match row.get_ref(column)? {
                ValueRef::Integer(value) => Cell::Integer(value),
                ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Cell::bytes(bytes),
                // No column has this type.
                ValueRef::Null | ValueRef::Real(_) => Cell::Null,
            })
        });
        rows.push(cells.collect::<rusqlite::Result<_>>().map_err(failed)?);
    }
    Ok(rows)
}

/// A cell as SQLite binds it.
struct Bound<'a>(&'a Cell, Kind);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match (self.0, self.1) {
            (Cell::Null, _) => ValueRef::Null,
            (Cell::Integer(value), _) => ValueRef::Integer(*value),
            (Cell::Bytes(bytes), Kind::Blob) => ValueRef::Blob(bytes),
            (Cell::Bytes(bytes), _) => ValueRef::Text(bytes),
        }))
    }
}

fn put(file: &Connection, table: &Table, rows: &[Vec<Cell>]) -> Result<(), Error> {
    let columns: Vec<&str> = table.written().map(|(_, name, _)| name).collect();
    let (places, name) = (vec!["?"; columns.len()].join(", "), table.name);
    let verb = if table.replaces { "REPLACE" } else { "IGNORE" };
    let columns = columns.join(", ");
    let sql = format!("INSERT OR {verb} INTO {name} ({columns}) VALUES ({places})");
    let mut insert = file.prepare_cached(&sql).map_err(failed)?;
    for row in rows {
        let bound = table.written().filter_map(|(at, _, kind)| Some(Bound(row.get(at)?, kind)));
        if insert.execute(params_from_iter(bound)).map_err(failed)? == 0 {
            return Err(Error::new(ErrorKind::Mismatch));
        }
    }
    Ok(())
}

fn begin(file: &Connection, mark: &Mark) -> Result<u64, Error> {
    let seq = i64::try_from(mark.head.seq).unwrap_or(i64::MAX);
    let fenced = file
        .execute(
            "UPDATE audit_anchor SET seq = 0, hash = x''
             WHERE hash = x'' OR (seq = 0 AND hash = zeroblob(32)) OR (seq = ?1 AND hash = ?2)",
            params![seq, mark.head.hash],
        )
        .map_err(failed)?;
    if fenced == 0 {
        return Err(Error::new(ErrorKind::Superseded));
    }
    file.execute(
        "INSERT INTO setting (name, version, value) VALUES (?1, 1, ?2)
         ON CONFLICT (name) DO UPDATE SET version = version + 1, value = ?2",
        [FROM, &mark.to_json()],
    )
    .map_err(failed)?;
    ticket(file)
}

fn ticket(file: &Connection) -> Result<u64, Error> {
    let sql = "SELECT version FROM setting WHERE name = ?1";
    let version: Option<i64> =
        file.query_row(sql, [FROM], |row| row.get(0)).optional().map_err(failed)?;
    Ok(version.map_or(0, i64::unsigned_abs))
}

fn check(file: &Connection, expected: u64) -> Result<(), Error> {
    if ticket(file)? == expected { Ok(()) } else { Err(Error::new(ErrorKind::Superseded)) }
}

fn failed(error: rusqlite::Error) -> Error {
    sqlite::Error::from(error).into()
}
