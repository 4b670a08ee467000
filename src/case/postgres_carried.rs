//! Reads and writes cases that move between databases, in PostgreSQL.

use crate::case::carried::{Carried, CarriedPage};
use crate::case::error::Error;
use crate::case::loaded::Changed;
use crate::case::postgres_index::{put_items, put_workers};
use crate::case::postgres_rows::{failed, stored};
use crate::case::postgres_save::{put_due, put_search};
use crate::case::stored::number;
use crate::postgres::Tx;

/// At most `limit` rows after the id `after`.
pub(crate) async fn carried_after(
    tx: &Tx,
    after: &[u8],
    limit: usize,
) -> Result<CarriedPage, Error> {
    let sql =
        "SELECT hashtextextended(c.case_id, 0), c.case_id, c.version, c.nhs_number, c.document,
            d.priority::bigint, d.at
        FROM nhs_pds.cases c LEFT JOIN nhs_pds.case_due d ON d.case_id = c.case_id
        WHERE c.case_id > $1 ORDER BY c.case_id LIMIT $2";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut page = CarriedPage::default();
    for row in tx.query(sql, &[&String::from_utf8_lossy(after), &limit]).await? {
        let integer = |column| row.try_get::<_, Option<i64>>(column).map_err(failed);
        page.add(stored(&row)?, integer(5)?.zip(integer(6)?));
    }
    Ok(page)
}

/// Writes `cases` as they are, over what is stored of them.
pub(crate) async fn carry_in(tx: &Tx, cases: &[Carried]) -> Result<(), Error> {
    let ids: Vec<&str> = cases.iter().map(|carried| carried.case.id.as_str()).collect();
    let versions: Vec<i64> = cases.iter().map(Carried::version).collect();
    let numbers: Vec<Option<String>> = cases.iter().map(|carried| number(&carried.case)).collect();
    let documents: Vec<&str> = cases.iter().map(|carried| carried.document.as_str()).collect();
    let put = "INSERT INTO nhs_pds.cases (case_id, version, nhs_number, document)
        SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[])
        ON CONFLICT (tenant, case_id) DO UPDATE SET version = excluded.version,
            nhs_number = excluded.nhs_number, document = excluded.document";
    tx.execute(put, &[&ids, &versions, &numbers, &documents]).await?;
    let changed: Vec<Changed> = cases
        .iter()
        .map(|Carried { case, due, .. }| Changed { case: case.clone(), due: *due, is_new: false })
        .collect();
    let changed: Vec<&Changed> = changed.iter().collect();
    put_due(tx, &changed).await?;
    put_items(tx, &changed).await?;
    put_workers(tx, &changed).await?;
    put_search(tx, &changed).await
}
