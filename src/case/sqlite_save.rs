//! Saves cases inside a transaction of the caller.

use crate::case::due::Due;
use crate::case::error::{Error, ErrorKind};
use crate::case::record::Case;
use crate::case::sqlite_due::put_due;
use crate::case::sqlite_rows::{self as rows, failed};
use crate::case::sqlite_worklist::put_index;
use crate::case::store::Change;
use crate::case::stored::{document, number};
use rusqlite::{Connection, OptionalExtension, params};

/// Saves over the versions that were read, and adds the cases of version 0. `transaction` must be the
/// file's writer already, so that nothing changes between the checks and the saves. After an error,
/// the caller must roll it back.
pub(crate) fn save_all_in(transaction: &Connection, changes: Vec<Change>) -> Result<(), Error> {
    let mut soles = Vec::new();
    for Change { mut case, sole_holder, due } in changes {
        if case.version == 0 {
            case.version = 1;
            insert(transaction, &case)?;
        } else {
            check_version(transaction, &case)?;
            case.version += 1;
            update(transaction, &case)?;
        }
        put_due(transaction, &case, due)?;
        put_index(transaction, &case)?;
        if sole_holder {
            soles.push(case);
        }
    }
    for case in soles {
        if is_held_beside(transaction, &case)? {
            return Err(Error::new(ErrorKind::NumberTaken).with_case(case.id));
        }
    }
    Ok(())
}

/// Saves `case` as [`save_all_in`] does; over a damaged case, whatever its version.
pub(super) fn overwrite_in(transaction: &Connection, mut case: Case) -> Result<(), Error> {
    let Some(version) = rows::damaged_version(transaction, &case.id)? else {
        return save_all_in(transaction, vec![Change::new(case)]);
    };
    let version = version.filter(|version| *version < i64::MAX as u64);
    case.version = version.map_or(1, |version| version + 1);
    update(transaction, &case)?;
    put_due(transaction, &case, Due::NOW)?;
    put_index(transaction, &case)
}

fn insert(transaction: &Connection, case: &Case) -> Result<(), Error> {
    let document = document(case)?;
    let inserted = transaction
        .prepare_cached(
            "INSERT INTO cases (case_id, version, nhs_number, document)
             VALUES (?1, 1, ?2, ?3) ON CONFLICT (case_id) DO NOTHING",
        )
        .and_then(|mut insert| insert.execute(params![case.id.as_str(), number(case), document]))
        .map_err(failed)?;
    if inserted == 0 {
        return Err(Error::new(ErrorKind::Exists).with_case(case.id.clone()));
    }
    Ok(())
}

fn update(transaction: &Connection, case: &Case) -> Result<(), Error> {
    let version = i64::try_from(case.version).unwrap_or(i64::MAX);
    let values = params![case.id.as_str(), version, number(case), document(case)?];
    transaction
        .prepare_cached(
            "UPDATE cases SET version = ?2, nhs_number = ?3, document = ?4 WHERE case_id = ?1",
        )
        .and_then(|mut update| update.execute(values))
        .map_err(failed)?;
    Ok(())
}

fn check_version(transaction: &Connection, case: &Case) -> Result<(), Error> {
    let stored: Option<i64> = transaction
        .prepare_cached("SELECT version FROM cases WHERE case_id = ?1")
        .and_then(|mut query| query.query_row([case.id.as_str()], |row| row.get(0)).optional())
        .map_err(failed)?;
    let kind = match stored {
        None => ErrorKind::NotFound,
        Some(stored) if u64::try_from(stored) != Ok(case.version) => ErrorKind::Conflict,
        Some(_) => return Ok(()),
    };
    Err(Error::new(kind).with_case(case.id.clone()))
}

/// Whether another case has the number of `case`.
fn is_held_beside(transaction: &Connection, case: &Case) -> Result<bool, Error> {
    let Some(number) = number(case) else { return Ok(false) };
    transaction
        .prepare_cached("SELECT 1 FROM cases WHERE nhs_number = ?1 AND case_id <> ?2")
        .and_then(|mut query| query.exists(params![number, case.id.as_str()]))
        .map_err(failed)
}
