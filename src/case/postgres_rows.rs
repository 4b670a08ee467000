//! Reads rows of the tables of cases and settings. A damaged case is distinguished from a damaged database: the case is
//! skipped.

use crate::case::error::{Error, ErrorKind};
use crate::case::id::CaseId;
use crate::case::record::Case;
use crate::case::setting::Setting;
use crate::case::stored::Stored;
use crate::case::unreadable::Unreadable;
use crate::nhs_number::NhsNumber;
use crate::postgres::Tx;
use std::collections::BTreeMap;
use tokio_postgres::Row;

/// How many rows are checked in one transaction.
const STRIDE: i64 = 500;

/// The columns of [`Stored`]. A case whose id is damaged is named by this number.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT hashtextextended(case_id, 0), case_id, version, nhs_number, document FROM nhs_pds.cases ",
            $rest
        )
    };
}

pub(super) fn stored(row: &Row) -> Result<Stored, Error> {
    let text = |column| row.try_get::<_, Option<String>>(column).map_err(failed);
    Ok(Stored {
        row: row.try_get(0).map_err(failed)?,
        id: text(1)?.unwrap_or_default().into_bytes(),
        version: row.try_get(2).map_err(failed)?,
        number: Some(text(3)?),
        document: text(4)?,
    })
}

/// The case `id`, if it exists.
pub(super) async fn get(tx: &Tx, id: &CaseId) -> Result<Option<Case>, Error> {
    let row = tx.first(select!("WHERE case_id = $1"), &[&id.as_str()]).await?;
    let Some(row) = row else { return Ok(None) };
    stored(&row)?.case().map(Some).map_err(|error| error.with_case(id.clone()))
}

/// Those of the cases `ids` that exist and can be read.
pub(super) async fn get_all(tx: &Tx, ids: &[String]) -> Result<BTreeMap<String, Case>, Error> {
    let rows = tx.query(select!("WHERE case_id = ANY ($1)"), &[&ids]).await?;
    let mut cases = BTreeMap::new();
    for row in rows {
        if let Ok(case) = stored(&row)?.case() {
            cases.insert(case.id.as_str().to_owned(), case);
        }
    }
    Ok(cases)
}

/// The first `limit` readable cases after `after`.
pub(super) async fn page(tx: &Tx, after: &str, limit: usize) -> Result<Vec<Case>, Error> {
    let (mut cases, mut after) = (Vec::new(), after.to_owned());
    while cases.len() < limit {
        let most = i64::try_from(limit - cases.len()).unwrap_or(STRIDE).min(STRIDE);
        let sql = select!("WHERE case_id > $1 ORDER BY case_id LIMIT $2");
        let rows = tx.query(sql, &[&after, &most]).await?;
        let Some(last) = rows.last() else { break };
        after = last.try_get(1).map_err(failed)?;
        for row in &rows {
            cases.extend(stored(row)?.case().ok());
        }
    }
    Ok(cases)
}

/// The unreadable rows among the next rows after the id `after`, and the last id checked, unless no rows remain.
pub(super) async fn unreadable(
    tx: &Tx,
    after: &str,
) -> Result<(Vec<Unreadable>, Option<String>), Error> {
    let sql = select!("WHERE case_id > $1 ORDER BY case_id LIMIT $2");
    let (mut damaged, mut last) = (Vec::new(), None);
    for row in tx.query(sql, &[&after, &STRIDE]).await? {
        damaged.extend(stored(&row)?.unreadable());
        last = Some(row.try_get(1).map_err(failed)?);
    }
    Ok((damaged, last))
}

/// The active cases that have `number`. A case whose id is damaged cannot be listed.
pub(super) async fn holders(tx: &Tx, number: NhsNumber) -> Result<Vec<CaseId>, Error> {
    let sql = "SELECT case_id FROM nhs_pds.cases WHERE nhs_number = $1 ORDER BY case_id";
    let rows = tx.query(sql, &[&number.digits().as_str()]).await?;
    let mut ids = Vec::new();
    for row in rows {
        ids.extend(row.try_get::<_, String>(0).map_err(failed)?.parse::<CaseId>().ok());
    }
    Ok(ids)
}

/// The setting `name`, if it was ever saved.
pub(super) async fn setting(tx: &Tx, name: &str) -> Result<Option<Setting>, Error> {
    let sql = "SELECT value, version FROM nhs_pds.setting WHERE name = $1";
    let Some(row) = tx.first(sql, &[&name]).await? else { return Ok(None) };
    let version: i64 = row.try_get(1).map_err(failed)?;
    let version = u64::try_from(version).map_err(|_| Error::new(ErrorKind::Corrupt))?;
    let value = String::from_utf8(row.try_get(0).map_err(failed)?);
    let value = value.map_err(|_| Error::new(ErrorKind::Corrupt))?;
    Ok(Some(Setting { value, version }))
}

/// A value has another type than its column.
pub(super) fn failed(error: tokio_postgres::Error) -> Error {
    crate::postgres::Error::from(error).into()
}
