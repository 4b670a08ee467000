//! The table of settings.

use crate::case::error::{Error, ErrorKind};
use crate::case::setting::Setting;
use crate::case::sqlite_rows::failed;
use rusqlite::{Connection, OptionalExtension, params};

pub(super) fn get(connection: &Connection, name: &str) -> Result<Option<Setting>, Error> {
    let row: Option<(String, i64)> = connection
        .prepare_cached("SELECT value, version FROM setting WHERE name = ?1")
        .and_then(|mut query| {
            query.query_row([name], |row| Ok((row.get(0)?, row.get(1)?))).optional()
        })
        .map_err(failed)?;
    let Some((value, version)) = row else { return Ok(None) };
    let version = u64::try_from(version).map_err(|_| Error::new(ErrorKind::Corrupt))?;
    Ok(Some(Setting { value, version }))
}

/// Saves over the version that was read, inside a transaction of the caller.
pub(crate) fn save_setting_in(
    transaction: &Connection,
    name: &str,
    setting: &Setting,
) -> Result<(), Error> {
    let stored: Option<i64> = transaction
        .prepare_cached("SELECT version FROM setting WHERE name = ?1")
        .and_then(|mut query| query.query_row([name], |row| row.get(0)).optional())
        .map_err(failed)?;
    if u64::try_from(stored.unwrap_or(0)) != Ok(setting.version) {
        return Err(Error::new(ErrorKind::Conflict));
    }
    transaction
        .prepare_cached(
            "INSERT INTO setting (name, version, value) VALUES (?1, 1, ?2)
             ON CONFLICT (name) DO UPDATE SET version = version + 1, value = ?2",
        )
        .and_then(|mut save| save.execute(params![name, setting.value]))
        .map_err(failed)?;
    Ok(())
}
