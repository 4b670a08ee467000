//! The SQL that writes, and the tables. An owner is one text, such as `case:RHM:00001`.

use nhs_pds::audit::{Anchor, Appended, Basis, Batch, Owner, SubjectName, Value};
use rusqlite::{Connection, OptionalExtension, Result, params, params_from_iter, types};

/// The columns of an event are those of `Row::COLUMNS`, without types: each value keeps its own.
pub(crate) const SCHEMA: &str = "
    CREATE TABLE event (seq INTEGER PRIMARY KEY, prev_hash, hash, at, kind, user_id, user_name,
        role, organisation, authority, device, message_id, details, subject, sealed);
    CREATE INDEX event_by_subject ON event (subject, kind);
    CREATE TABLE head (seq INTEGER, hash BLOB);
    INSERT INTO head VALUES (0, zeroblob(32));
    CREATE TABLE subject (owner TEXT PRIMARY KEY, name BLOB UNIQUE, secret BLOB);
    CREATE TABLE number (number TEXT, name BLOB, PRIMARY KEY (number, name));";

pub(crate) fn basis(sql: &Connection, owners: &[Owner]) -> Result<Basis> {
    let head = sql.query_row("SELECT seq, hash FROM head", [], |row| {
        Ok(Anchor::new(row.get::<_, i64>(0)?.unsigned_abs(), row.get(1)?))
    });
    let mut basis = Basis::new(head.optional()?);
    let mut query = sql.prepare("SELECT name, secret FROM subject WHERE owner = ?1")?;
    for owner in owners {
        let mut found = query.query([owner.to_text()])?;
        if let Some(row) = found.next()? {
            let (name, key): (Vec<u8>, Vec<u8>) = (row.get(0)?, row.get(1)?);
            basis = basis.with_subject(owner.clone(), &name, &key);
        }
    }
    Ok(basis)
}

/// A conflict changes nothing. With several connections, lock the head first, here and in `destroy`.
pub(crate) fn append(sql: &Connection, batch: &Batch) -> Result<Appended> {
    let mut known = sql.prepare("SELECT 1 FROM subject WHERE name = ?1")?;
    for name in batch.used() {
        if !known.exists([name.as_bytes()])? {
            return Ok(Appended::Conflict);
        }
    }
    let (before, after) = (batch.expected(), batch.head());
    let moved = sql.execute(
        "UPDATE head SET seq = ?1, hash = ?2 WHERE seq = ?3 AND hash = ?4",
        params![after.seq.cast_signed(), after.hash, before.seq.cast_signed(), before.hash],
    )?;
    if moved == 0 {
        return Ok(Appended::Conflict);
    }
    for new in batch.subjects() {
        let (owner, name) = (new.owner().to_text(), new.name());
        let values = params![owner, name.as_bytes(), new.key()];
        sql.execute("INSERT OR REPLACE INTO subject VALUES (?1, ?2, ?3)", values)?;
    }
    for (number, name) in batch.numbers() {
        let values = params![number.digits().to_string(), name.as_bytes()];
        sql.execute("INSERT OR IGNORE INTO number VALUES (?1, ?2)", values)?;
    }
    let mut insert = sql.prepare("INSERT INTO event VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)")?;
    for row in batch.rows() {
        insert.execute(params_from_iter(row.values().iter().map(bound)))?;
    }
    Ok(Appended::Done)
}

pub(crate) fn destroy(sql: &Connection, names: &[SubjectName]) -> Result<()> {
    for name in names {
        sql.execute("DELETE FROM subject WHERE name = ?1", [name.as_bytes()])?;
        sql.execute("DELETE FROM number WHERE name = ?1", [name.as_bytes()])?;
    }
    Ok(())
}

/// The exact type and bytes. Every text that the library writes is UTF-8.
fn bound(value: &Value) -> types::Value {
    match value {
        Value::Integer(number) => (*number).into(),
        Value::Text(text) => String::from_utf8_lossy(text).into_owned().into(),
        Value::Blob(bytes) => bytes.clone().into(),
        _ => types::Value::Null,
    }
}
