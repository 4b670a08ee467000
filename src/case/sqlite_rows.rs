//! Reads and writes rows of the table of cases. A damaged row is distinguished from a damaged file:
//! the row is skipped, the file cannot be used.

use crate::case::error::Error;
use crate::case::id::CaseId;
use crate::case::record::Case;
use crate::case::stored::Stored;
use crate::case::unreadable::Unreadable;
use crate::nhs_number::NhsNumber;
use crate::store::sqlite;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row};

/// How many rows are checked before other calls may use the connection.
const STRIDE: usize = 500;

/// The case `id`, if it exists.
pub(super) fn get(connection: &Connection, id: &CaseId) -> Result<Option<Case>, Error> {
    connection
        .prepare_cached(
            "SELECT rowid, case_id, version, nhs_number, document FROM cases WHERE case_id = ?1",
        )
        .and_then(|mut query| query.query_row([id.as_str()], stored).optional())
        .map_err(failed)?
        .map(Stored::case)
        .transpose()
        .map_err(|error| error.with_case(id.clone()))
}

/// The first `limit` readable cases after `after`.
pub(super) fn page(connection: &Connection, after: &str, limit: usize) -> Result<Vec<Case>, Error> {
    let mut cases = Vec::new();
    if limit > 0 {
        each_after(connection, after.as_bytes(), |stored| {
            cases.extend(stored.case().ok());
            cases.len() < limit
        })?;
    }
    Ok(cases)
}

/// The unreadable rows among the next rows after the id `after`, and the last id checked, unless no
/// rows remain.
pub(super) fn unreadable(
    connection: &Connection,
    after: &[u8],
) -> Result<(Vec<Unreadable>, Option<Vec<u8>>), Error> {
    let (mut damaged, mut last, mut seen) = (Vec::new(), None, 0);
    each_after(connection, after, |stored| {
        last = Some(stored.id.clone());
        damaged.extend(stored.unreadable());
        seen += 1;
        seen < STRIDE
    })?;
    Ok((damaged, last))
}

/// Passes the rows after the id `after` to `take`, in the order of the ids' bytes, until it returns
/// false.
fn each_after(
    connection: &Connection,
    after: &[u8],
    mut take: impl FnMut(Stored) -> bool,
) -> Result<(), Error> {
    let mut query = connection
        .prepare_cached(
            "SELECT rowid, case_id, version, nhs_number, document FROM cases
             WHERE case_id > CAST(?1 AS TEXT) ORDER BY case_id",
        )
        .map_err(failed)?;
    let mut rows = query.query([after]).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        if !take(stored(row).map_err(failed)?) {
            break;
        }
    }
    Ok(())
}

/// The active cases that have `number`. A case whose id is damaged cannot be listed; it still counts
/// when a sole holder is checked.
pub(super) fn holders(connection: &Connection, number: NhsNumber) -> Result<Vec<CaseId>, Error> {
    let mut query = connection
        .prepare_cached("SELECT case_id FROM cases WHERE nhs_number = ?1 ORDER BY case_id")
        .map_err(failed)?;
    let rows = query
        .query_map([number.digits().as_str()], |row| Ok(text(row, 0).unwrap_or_default()))
        .map_err(failed)?;
    rows.filter_map(|row| row.map(|id| id.parse().ok()).map_err(failed).transpose()).collect()
}

/// The version of the row of the case `id`, if the row exists and the case in it is damaged. The
/// inner `None` means that the version is not one.
pub(super) fn damaged_version(
    connection: &Connection,
    id: &CaseId,
) -> Result<Option<Option<u64>>, Error> {
    match get(connection, id) {
        Err(error) if error.is_about_a_damaged_case() => {}
        Err(error) => return Err(error),
        Ok(_) => return Ok(None),
    }
    connection
        .query_row("SELECT version FROM cases WHERE case_id = ?1", [id.as_str()], |row| {
            Ok(Some(integer(row, 0).and_then(|version| u64::try_from(version).ok())))
        })
        .map_err(failed)
}

/// The row of a query for the columns of [`Stored`].
pub(super) fn stored(row: &Row<'_>) -> rusqlite::Result<Stored> {
    let id = match row.get_ref(1)? {
        ValueRef::Text(id) | ValueRef::Blob(id) => id.to_vec(),
        _ => Vec::new(),
    };
    let number = match row.get_ref(3)? {
        ValueRef::Null => Some(None),
        _ => text(row, 3).map(Some),
    };
    let (version, document) = (integer(row, 2), text(row, 4));
    Ok(Stored { row: row.get(0)?, id, version, number, document })
}

pub(super) fn text(row: &Row<'_>, column: usize) -> Option<String> {
    match row.get_ref(column) {
        Ok(ValueRef::Text(text)) => str::from_utf8(text).ok().map(str::to_owned),
        _ => None,
    }
}

fn integer(row: &Row<'_>, column: usize) -> Option<i64> {
    match row.get_ref(column) {
        Ok(ValueRef::Integer(value)) => Some(value),
        _ => None,
    }
}

pub(super) fn failed(error: rusqlite::Error) -> Error {
    sqlite::Error::from(error).into()
}
