//! Reads and writes cases that move between databases, in an SQLite file.

use crate::case::carried::{Carried, CarriedPage};
use crate::case::error::Error;
use crate::case::sqlite_due::put_due;
use crate::case::sqlite_rows::{failed, stored};
use crate::case::sqlite_worklist::put_index;
use crate::case::stored::number;
use rusqlite::{Connection, params};

/// At most `limit` rows after the id `after`.
pub(crate) fn carried_after(
    connection: &Connection,
    after: &[u8],
    limit: usize,
) -> Result<CarriedPage, Error> {
    let mut query = connection
        .prepare_cached(
            "SELECT c.rowid, c.case_id, c.version, c.nhs_number, c.document, d.priority, d.at
             FROM cases c LEFT JOIN case_due d ON d.case_id = c.case_id
             WHERE c.case_id > CAST(?1 AS TEXT) ORDER BY c.case_id LIMIT ?2",
        )
        .map_err(failed)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = query.query(params![after, limit]).map_err(failed)?;
    let mut page = CarriedPage::default();
    while let Some(row) = rows.next().map_err(failed)? {
        let due: Option<i64> = row.get(5).map_err(failed)?;
        let at: Option<i64> = row.get(6).map_err(failed)?;
        page.add(stored(row).map_err(failed)?, due.zip(at));
    }
    Ok(page)
}

/// Writes `cases` as they are, over what is stored of them. No worker has them afterwards.
pub(crate) fn carry_in(transaction: &Connection, cases: &[Carried]) -> Result<(), Error> {
    for carried in cases {
        let Carried { case, document, due } = carried;
        transaction
            .prepare_cached(
                "INSERT INTO cases (case_id, version, nhs_number, document) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (case_id) DO UPDATE SET version = ?2, nhs_number = ?3, document = ?4",
            )
            .and_then(|mut put| {
                put.execute(params![case.id.as_str(), carried.version(), number(case), document])
            })
            .map_err(failed)?;
        put_due(transaction, case, *due)?;
        put_index(transaction, case)?;
    }
    Ok(())
}
