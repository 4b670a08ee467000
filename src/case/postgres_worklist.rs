//! Finds cases and review items for screens, by the tables that each save keeps. What is returned is decided by the
//! documents.

use crate::case::error::Error;
use crate::case::find::{Find, Value, cases_find, items_find};
use crate::case::id::CaseId;
use crate::case::postgres_rows::{self as rows, failed};
use crate::case::postgres_save::indexed;
use crate::case::record::Case;
use crate::case::search::CaseFilter;
use crate::case::work_item::{ItemFilter, ItemId, WorkItem};
use crate::postgres::Tx;
use tokio_postgres::types::ToSql;

/// How many cases are read in one step.
const STRIDE: usize = 500;

/// The items of [`CaseStore::worklist`](crate::case::CaseStore::worklist).
pub(super) async fn worklist(
    tx: &Tx,
    filter: &ItemFilter,
    after: Option<&ItemId>,
    limit: usize,
) -> Result<Vec<WorkItem>, Error> {
    let (find, mut items) = (items_find(filter), Vec::new());
    // The case of `after` may have more items.
    let mut from = after.map(|after| after.case.as_str().to_owned());
    let mut compare = "case_id >=";
    while items.len() < limit {
        let found = ids(tx, &find, compare, from.as_deref(), limit).await?;
        let Some(last) = found.last().cloned() else { break };
        let cases = rows::get_all(tx, &found).await?;
        for case in found.iter().filter_map(|id| cases.get(id)) {
            items.extend(filter.of(case, after).take(limit - items.len()));
        }
        (from, compare) = (Some(last), "case_id >");
    }
    Ok(items)
}

/// The cases of [`CaseStore::search`](crate::case::CaseStore::search).
pub(super) async fn search(
    tx: &Tx,
    filter: &CaseFilter,
    after: Option<&CaseId>,
    limit: usize,
) -> Result<Vec<Case>, Error> {
    let (find, mut cases) = (cases_find(filter), Vec::new());
    let mut from = after.map(|after| after.as_str().to_owned());
    while cases.len() < limit {
        let found = ids(tx, &find, "case_id >", from.as_deref(), limit - cases.len()).await?;
        let Some(last) = found.last().cloned() else { break };
        let mut read = rows::get_all(tx, &found).await?;
        let matching = found.iter().filter_map(|id| read.remove(id));
        cases.extend(matching.filter(|case| filter.matches(case)));
        from = Some(last);
    }
    Ok(cases)
}

/// At most `limit` ids in ascending order, from `from` on.
async fn ids(
    tx: &Tx,
    find: &Find,
    compare: &str,
    from: Option<&str>,
    limit: usize,
) -> Result<Vec<String>, Error> {
    let mut values: Vec<Box<dyn ToSql + Sync + Send>> = Vec::new();
    let mut conditions = Vec::new();
    for (condition, value) in &find.conditions {
        values.push(match value {
            Value::Flag(flag) => Box::new(*flag),
            Value::Id(id) => Box::new(id.clone()),
            Value::Text(text) => Box::new(indexed(text)),
        });
        conditions.push(format!("{condition} ${}", values.len()));
    }
    if let Some(from) = from {
        values.push(Box::new(from.to_owned()));
        conditions.push(format!("{compare} ${}", values.len()));
    }
    values.push(Box::new(i64::try_from(limit.min(STRIDE)).unwrap_or(i64::MAX)));
    let Find { table, column, .. } = find;
    let conditions =
        if conditions.is_empty() { "true".to_owned() } else { conditions.join(" AND ") };
    let last = values.len();
    let sql = format!(
        "SELECT {column} FROM nhs_pds.{table} WHERE {conditions} ORDER BY case_id LIMIT ${last}"
    );
    let bound: Vec<&(dyn ToSql + Sync)> =
        values.iter().map(|value| &**value as &(dyn ToSql + Sync)).collect();
    let rows = tx.query(&sql, &bound).await?;
    rows.iter().map(|row| row.try_get(0).map_err(failed)).collect()
}
