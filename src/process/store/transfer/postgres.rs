//! A store in PostgreSQL as a side of a move.

use crate::audit::Anchor;
use crate::case::{Carried, CarriedPage, Lease, carried_after_in_postgres, carry_in_postgres};
use crate::postgres::{self, Tx};
use crate::process::store::postgres::Postgres;
use crate::process::store::transfer::error::{Error, ErrorKind};
use crate::process::store::transfer::mark::{Counts, FROM, Mark};
use crate::process::store::transfer::side::Side;
use crate::process::store::transfer::start::State;
use crate::process::store::transfer::table::{Cell, Kind, Table};
use crate::process::store::unit::Store;
use crate::tenant::TenantName;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use std::sync::Arc;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

/// How many rows are deleted in one transaction.
const STRIDE: i64 = 5_000;

/// The hash of a trail without events.
const START: [u8; 32] = [0; 32];

#[async_trait]
impl Side for Postgres {
    fn store(&self) -> &dyn Store {
        self
    }

    fn name(&self) -> String {
        format!("tenant {}", self.database().name())
    }

    async fn state(&self, now: DateTime<Utc>) -> Result<State, Error> {
        let name = self.database().name().clone();
        let read = self.database();
        read.read(move |tx| Box::pin(async move { state(tx, &name, now).await })).await
    }

    async fn event(&self, seq: u64) -> Result<Option<Anchor>, Error> {
        self.database().read(move |tx| Box::pin(event(tx, seq))).await
    }

    async fn cases(&self, after: Vec<u8>, limit: usize) -> Result<CarriedPage, Error> {
        let read = self.database();
        read.read(move |tx| {
            Box::pin(async move { Ok(carried_after_in_postgres(tx, &after, limit).await?) })
        })
        .await
    }

    async fn rows(
        &self,
        table: &'static Table,
        after: Option<Vec<Cell>>,
        limit: usize,
    ) -> Result<Vec<Vec<Cell>>, Error> {
        let read = self.database();
        read.read(move |tx| Box::pin(async move { rows(tx, table, after.as_deref(), limit).await }))
            .await
    }

    async fn begin(&self, mark: &Mark) -> Result<u64, Error> {
        let mark = Arc::new(mark.clone());
        let begin = self.database();
        begin
            .write(move |tx| {
                let mark = Arc::clone(&mark);
                Box::pin(async move { begin_in(tx, &mark).await })
            })
            .await
    }

    async fn clear(&self, table: &'static Table, ticket: u64) -> Result<bool, Error> {
        let (key, name) = (table.key_names().join(", "), table.name);
        let sql: Arc<str> = format!(
            "DELETE FROM nhs_pds.{name} WHERE ({key}) IN (SELECT {key} FROM nhs_pds.{name} LIMIT {STRIDE})"
        )
        .into();
        self.database()
            .write(move |tx| {
                let sql = Arc::clone(&sql);
                Box::pin(async move {
                    check(tx, ticket).await?;
                    Ok(tx.execute(&sql, &[]).await? > 0)
                })
            })
            .await
    }

    async fn put_cases(&self, cases: Arc<[Carried]>, ticket: u64) -> Result<(), Error> {
        self.database()
            .write(move |tx| {
                let cases = Arc::clone(&cases);
                Box::pin(async move {
                    check(tx, ticket).await?;
                    Ok(carry_in_postgres(tx, &cases).await?)
                })
            })
            .await
    }

    async fn put_rows(
        &self,
        table: &'static Table,
        rows: Arc<[Vec<Cell>]>,
        ticket: u64,
    ) -> Result<(), Error> {
        self.database()
            .write(move |tx| {
                let rows = Arc::clone(&rows);
                Box::pin(async move {
                    check(tx, ticket).await?;
                    put(tx, table, &rows).await
                })
            })
            .await
    }

    async fn end(&self, head: Anchor, ticket: u64) -> Result<(), Error> {
        self.database()
            .write(move |tx| {
                Box::pin(async move {
                    check(tx, ticket).await?;
                    let seq = i64::try_from(head.seq).unwrap_or(i64::MAX);
                    let sql = "UPDATE nhs_pds.audit_anchor SET seq = $1, hash = $2";
                    tx.execute(sql, &[&seq, &&head.hash[..]]).await?;
                    Ok(())
                })
            })
            .await
    }
}

async fn state(tx: &Tx, name: &TenantName, now: DateTime<Utc>) -> Result<State, Error> {
    let sql = "SELECT
        (SELECT count(*) FROM nhs_pds.audit_event), (SELECT count(*) FROM nhs_pds.audit_subject),
        (SELECT count(*) FROM nhs_pds.audit_subject_number), (SELECT count(*) FROM nhs_pds.cases),
        (SELECT count(*) FROM nhs_pds.alert),
        (SELECT max(until) FROM nhs_pds.case_due WHERE owner <> '' AND until > $1 AND until < $2),
        (SELECT state = 'active' FROM nhs_pds.tenant WHERE name = $3),
        (SELECT value FROM nhs_pds.setting WHERE name = $4)";
    // A lease that lasts longer than leases do is of a clock that was set back.
    let longest = (now + Lease::LONGEST + Lease::LONGEST).timestamp_micros();
    let row = tx.first(sql, &[&now.timestamp_micros(), &longest, &name.as_str(), &FROM]).await?;
    let row = row.ok_or_else(|| Error::new(ErrorKind::Unavailable))?;
    let count =
        |column: usize| row.try_get::<_, i64>(column).map(i64::unsigned_abs).map_err(failed);
    let leased: Option<i64> = row.try_get(5).map_err(failed)?;
    let is_active: Option<bool> = row.try_get(6).map_err(failed)?;
    let mark: Option<Vec<u8>> = row.try_get(7).map_err(failed)?;
    let mark = mark.map(|value| serde_json::from_slice(&value)).transpose();
    let head = "SELECT seq, hash FROM nhs_pds.audit_anchor";
    let last = "SELECT seq, hash FROM nhs_pds.audit_event ORDER BY seq DESC LIMIT 1";
    Ok(State {
        head: anchor(tx.first(head, &[]).await?)?,
        last: anchor(tx.first(last, &[]).await?)?,
        counts: Counts {
            events: count(0)?,
            subjects: count(1)?,
            numbers: count(2)?,
            cases: count(3)?,
            alerts: count(4)?,
        },
        mark: mark.map_err(|error| Error::new(ErrorKind::Unavailable).with_source(error))?,
        leased_until: leased.and_then(DateTime::from_timestamp_micros),
        is_active: is_active.unwrap_or(true),
    })
}

fn anchor(row: Option<Row>) -> Result<Option<Anchor>, Error> {
    let Some(row) = row else { return Ok(None) };
    let seq: i64 = row.try_get(0).map_err(failed)?;
    let hash: Vec<u8> = row.try_get(1).map_err(failed)?;
    Ok(u64::try_from(seq).ok().zip(hash.try_into().ok()).map(|(seq, hash)| Anchor::new(seq, hash)))
}

async fn event(tx: &Tx, seq: u64) -> Result<Option<Anchor>, Error> {
    let seq = i64::try_from(seq).unwrap_or(i64::MAX);
    anchor(tx.first("SELECT seq, hash FROM nhs_pds.audit_event WHERE seq = $1", &[&seq]).await?)
}

async fn rows(
    tx: &Tx,
    table: &Table,
    after: Option<&[Cell]>,
    limit: usize,
) -> Result<Vec<Vec<Cell>>, Error> {
    let columns: Vec<&str> = table.columns.iter().map(|(name, _)| *name).collect();
    let (columns, key, name) = (columns.join(", "), table.key_names().join(", "), table.name);
    let places: Vec<String> = (1..=table.key).map(|place| format!("${place}")).collect();
    let behind = after.map(|_| format!("WHERE ({key}) > ({})", places.join(", ")));
    let behind = behind.unwrap_or_default();
    let sql = format!("SELECT {columns} FROM nhs_pds.{name} {behind} ORDER BY {key} LIMIT {limit}");
    let after = after.unwrap_or_default().iter().zip(table.columns);
    let bound: Vec<Value<'_>> =
        after.map(|(cell, (_, kind))| value(cell, *kind)).collect::<Result<_, _>>()?;
    let bound: Vec<&(dyn ToSql + Sync)> = bound.iter().map(|value| &**value as _).collect();
    let found = tx.query(&sql, &bound).await?;
    found.iter().map(|row| cells(table, row)).collect()
}

fn cells(table: &Table, row: &Row) -> Result<Vec<Cell>, Error> {
    let cell = |(column, (_, kind)): (usize, &(&str, Kind))| {
        Ok(match kind {
            Kind::Integer | Kind::Place => {
                row.try_get::<_, Option<i64>>(column)?.map_or(Cell::Null, Cell::Integer)
            }
            Kind::Text => row.try_get::<_, Option<String>>(column)?.map_or(Cell::Null, Cell::bytes),
            Kind::Bytes | Kind::Blob => {
                row.try_get::<_, Option<Vec<u8>>>(column)?.map_or(Cell::Null, Cell::bytes)
            }
        })
    };
    table.columns.iter().enumerate().map(cell).collect::<Result<_, _>>().map_err(failed)
}

type Value<'a> = Box<dyn ToSql + Sync + Send + 'a>;

fn value(cell: &Cell, kind: Kind) -> Result<Value<'_>, Error> {
    Ok(match kind {
        Kind::Integer | Kind::Place => Box::new(integer(cell)),
        Kind::Text => Box::new(text(cell)?),
        Kind::Bytes | Kind::Blob => Box::new(bytes(cell)),
    })
}

const fn integer(cell: &Cell) -> Option<i64> {
    if let Cell::Integer(value) = cell { Some(*value) } else { None }
}

fn bytes(cell: &Cell) -> Option<&[u8]> {
    if let Cell::Bytes(bytes) = cell { Some(bytes) } else { None }
}

/// PostgreSQL has no text with a null character. No program of this crate writes one.
fn text(cell: &Cell) -> Result<Option<&str>, Error> {
    match cell {
        Cell::Bytes(_) => {
            let text = cell.text().filter(|text| !text.contains('\0'));
            text.map(Some).ok_or_else(|| Error::new(ErrorKind::Damaged))
        }
        Cell::Null | Cell::Integer(_) => Ok(None),
    }
}

async fn put(tx: &Tx, table: &Table, rows: &[Vec<Cell>]) -> Result<(), Error> {
    let (mut names, mut places, mut values) = (Vec::new(), Vec::new(), Vec::<Value<'_>>::new());
    for (at, name, kind) in table.written() {
        let column = || rows.iter().filter_map(move |row| row.get(at));
        let array = match kind {
            Kind::Integer | Kind::Place => {
                values.push(Box::new(column().map(integer).collect::<Vec<_>>()));
                "bigint"
            }
            Kind::Text => {
                values.push(Box::new(column().map(text).collect::<Result<Vec<_>, _>>()?));
                "text"
            }
            Kind::Bytes | Kind::Blob => {
                values.push(Box::new(column().map(bytes).collect::<Vec<_>>()));
                "bytea"
            }
        };
        names.push(name);
        places.push(format!("${}::{array}[]", values.len()));
    }
    let (columns, places, name) = (names.join(", "), places.join(", "), table.name);
    let conflict = if table.replaces {
        let key = table.key_names();
        let set = names.iter().filter(|name| !key.contains(name));
        let set: Vec<String> = set.map(|name| format!("{name} = excluded.{name}")).collect();
        format!("(tenant, {}) DO UPDATE SET {}", key.join(", "), set.join(", "))
    } else {
        "DO NOTHING".to_owned()
    };
    let sql = format!(
        "INSERT INTO nhs_pds.{name} ({columns})
         SELECT {columns} FROM unnest({places}) WITH ORDINALITY AS page({columns}, place) ORDER BY place
         ON CONFLICT {conflict}"
    );
    let bound: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| &**value as _).collect();
    if tx.execute(&sql, &bound).await? == rows.len() as u64 {
        Ok(())
    } else {
        Err(Error::new(ErrorKind::Mismatch))
    }
}

async fn begin_in(tx: &Tx, mark: &Mark) -> Result<u64, Error> {
    let seq = i64::try_from(mark.head.seq).unwrap_or(i64::MAX);
    let fence = "UPDATE nhs_pds.audit_anchor SET seq = 0, hash = ''
        WHERE hash = '' OR (seq = 0 AND hash = $3) OR (seq = $1 AND hash = $2)";
    if tx.execute(fence, &[&seq, &&mark.head.hash[..], &&START[..]]).await? == 0 {
        return Err(Error::new(ErrorKind::Superseded));
    }
    let sql = "INSERT INTO nhs_pds.setting AS s (name, version, value) VALUES ($1, 1, $2)
        ON CONFLICT (tenant, name) DO UPDATE SET version = s.version + 1, value = excluded.value";
    tx.execute(sql, &[&FROM, &mark.to_json().as_bytes()]).await?;
    ticket(tx).await
}

/// The version of the mark, locked until the transaction ends.
async fn ticket(tx: &Tx) -> Result<u64, Error> {
    let sql = "SELECT version FROM nhs_pds.setting WHERE name = $1 FOR UPDATE";
    let row = tx.first(sql, &[&FROM]).await?;
    let version = row.map(|row| row.try_get::<_, i64>(0)).transpose().map_err(failed)?;
    Ok(version.map_or(0, i64::unsigned_abs))
}

async fn check(tx: &Tx, expected: u64) -> Result<(), Error> {
    if ticket(tx).await? == expected { Ok(()) } else { Err(Error::new(ErrorKind::Superseded)) }
}

fn failed(error: tokio_postgres::Error) -> Error {
    postgres::Error::from(error).into()
}
