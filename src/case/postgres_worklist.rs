//! Finds cases and review items for screens, by the tables that each save keeps. What is returned is decided by the
//! documents.

use crate::case::due::Due;
use crate::case::error::Error;
use crate::case::find::{Find, Value, cases_find, items_find};
use crate::case::id::CaseId;
use crate::case::item_counts::{ItemCounts, ItemKind};
use crate::case::loaded::{Changed, Loaded};
use crate::case::postgres_index::{indexed, put_items, put_workers};
use crate::case::postgres_rows::{self as rows, failed};
use crate::case::postgres_save::{load_settings, write};
use crate::case::record::Case;
use crate::case::search::CaseFilter;
use crate::case::work_item::{ItemFilter, ItemId, ItemPlace, WorkItem};
use crate::postgres::Tx;
use chrono::DateTime;
use std::collections::BTreeSet;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

/// How many cases are read in one step.
const STRIDE: usize = 500;

/// Where the setting says how far the rows of a database of an older version are written.
const INDEX: &str = "case_index";

/// What the setting begins with while rows are missing; the last case whose rows are written follows.
const AFTER: &str = "after:";

/// Whether cases of a database of an older version have no rows yet.
pub(super) async fn is_pending(tx: &Tx) -> Result<bool, Error> {
    let setting = rows::setting(tx, INDEX).await?;
    Ok(setting.is_some_and(|setting| setting.value.starts_with(AFTER)))
}

/// Writes the rows of some of the cases that have none yet. Returns false when all have.
pub(super) async fn index_more(tx: &Tx) -> Result<bool, Error> {
    let mut loaded = Loaded::default();
    // One program at a time.
    load_settings(tx, &mut loaded, &[INDEX]).await?;
    let Some(mut setting) = rows::setting(tx, INDEX).await? else { return Ok(false) };
    let Some(after) = setting.value.strip_prefix(AFTER).map(str::to_owned) else {
        return Ok(false);
    };
    // Nothing may be saved between the read of a case and the write of its rows.
    let lock =
        "SELECT case_id FROM nhs_pds.cases WHERE case_id > $1 ORDER BY case_id LIMIT $2 FOR UPDATE";
    let limit = i64::try_from(STRIDE).unwrap_or(i64::MAX);
    let locked = tx.query(lock, &[&after, &limit]).await?;
    let ids: Vec<String> =
        locked.iter().map(|row| row.try_get(0).map_err(failed)).collect::<Result<_, _>>()?;
    let cases = rows::get_all(tx, &ids).await?;
    let changed: Vec<Changed> =
        cases.into_values().map(|case| Changed { case, due: Due::NOW, is_new: false }).collect();
    let changed: Vec<&Changed> = changed.iter().collect();
    put_items(tx, &changed).await?;
    put_workers(tx, &changed).await?;
    setting.value = ids.last().map_or_else(|| "done".to_owned(), |last| format!("{AFTER}{last}"));
    loaded.save(&[(INDEX, &setting)], Vec::new())?;
    write(tx, &loaded).await?;
    Ok(!ids.is_empty())
}

/// The items of [`CaseStore::worklist`](crate::case::CaseStore::worklist).
pub(super) async fn worklist(
    tx: &Tx,
    filter: &ItemFilter,
    after: Option<&ItemPlace>,
    limit: usize,
) -> Result<Vec<WorkItem>, Error> {
    let (find, mut items) = (items_find(filter), Vec::new());
    let mut from = after.cloned();
    while items.len() < limit {
        let found = places(tx, &find, from.as_ref(), limit - items.len()).await?;
        let Some(last) = found.last().cloned() else { break };
        let ids: BTreeSet<&str> = found.iter().map(|place| place.id().case.as_str()).collect();
        let ids: Vec<String> = ids.into_iter().map(str::to_owned).collect();
        let cases = rows::get_all(tx, &ids).await?;
        for place in &found {
            let case = cases.get(place.id().case.as_str());
            let mut of_case = case.into_iter().flat_map(|case| filter.of(case, after));
            items.extend(of_case.rfind(|item| item.place() == *place));
        }
        from = Some(last);
    }
    Ok(items)
}

/// The places of at most `limit` items, from the one after `from`.
async fn places(
    tx: &Tx,
    find: &Find,
    from: Option<&ItemPlace>,
    limit: usize,
) -> Result<Vec<ItemPlace>, Error> {
    let mut asked = Asked::new(find);
    if let Some(from) = from {
        let at = asked.bind(from.opened_at().timestamp_micros());
        let case = asked.bind(from.id().case.as_str().to_owned());
        let item = asked.bind(i64::from(from.id().item));
        asked.conditions.push(format!("(opened_at, case_id, item) > (${at}, ${case}, ${item})"));
    }
    let order = "opened_at, case_id, item";
    let mut places = Vec::new();
    for row in asked.rows(tx, order, order, limit).await? {
        let at = DateTime::from_timestamp_micros(row.try_get(0).map_err(failed)?);
        let case = row.try_get::<_, String>(1).map_err(failed)?.parse::<CaseId>();
        let item = u32::try_from(row.try_get::<_, i64>(2).map_err(failed)?);
        if let (Some(at), Ok(case), Ok(item)) = (at, case, item) {
            places.push(ItemPlace::new(at, ItemId::new(case, item)));
        }
    }
    Ok(places)
}

/// The counts of [`CaseStore::item_counts`](crate::case::CaseStore::item_counts).
pub(super) async fn item_counts(
    tx: &Tx,
    assignee: &str,
    workers: Option<&[String]>,
) -> Result<ItemCounts, Error> {
    let (assignee, mut counts) = (indexed(assignee), ItemCounts::default());
    let names: Option<Vec<String>> =
        workers.map(|workers| workers.iter().map(|name| indexed(name)).collect());
    let kinds = match &names {
        None => {
            let sql = "SELECT state, reason, has_number, is_assigned, sum(n)::bigint
                FROM nhs_pds.case_item_count GROUP BY 1, 2, 3, 4";
            tx.query(sql, &[]).await?
        }
        Some(names) => {
            let sql = "SELECT state, reason, has_number, assignee IS NOT NULL, count(*) FROM nhs_pds.case_item
                WHERE is_open AND case_id IN
                    (SELECT case_id FROM nhs_pds.case_worker WHERE worker = ANY ($1))
                GROUP BY 1, 2, 3, 4";
            tx.query(sql, &[names]).await?
        }
    };
    for row in kinds {
        let text = |column| row.try_get::<_, String>(column).map_err(failed);
        let flag = |column| row.try_get::<_, bool>(column).map_err(failed);
        let kind = ItemKind::read(&text(0)?, &text(1)?, flag(2)?, flag(3)?);
        let n = u64::try_from(row.try_get::<_, i64>(4).map_err(failed)?).unwrap_or_default();
        kind.into_iter().for_each(|kind| counts.add(kind, n));
    }
    let assigned = match &names {
        None => {
            let sql = "SELECT count(*) FROM nhs_pds.case_item WHERE assignee = $1 AND is_open";
            tx.first(sql, &[&assignee]).await?
        }
        Some(names) => {
            let sql = "SELECT count(*) FROM nhs_pds.case_item WHERE assignee = $1 AND is_open AND case_id IN
                (SELECT case_id FROM nhs_pds.case_worker WHERE worker = ANY ($2))";
            tx.first(sql, &[&assignee, names]).await?
        }
    };
    let assigned = assigned.map(|row| row.try_get::<_, i64>(0).map_err(failed)).transpose()?;
    counts.assigned = assigned.unwrap_or_default().unsigned_abs();
    Ok(counts)
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
        let found = ids(tx, &find, from.as_deref(), limit - cases.len()).await?;
        let Some(last) = found.last().cloned() else { break };
        let mut read = rows::get_all(tx, &found).await?;
        let matching = found.iter().filter_map(|id| read.remove(id));
        cases.extend(matching.filter(|case| filter.matches(case)));
        from = Some(last);
    }
    Ok(cases)
}

/// A question: its conditions, and their values.
struct Asked<'a> {
    find: &'a Find,
    conditions: Vec<String>,
    values: Vec<Box<dyn ToSql + Sync + Send>>,
}

impl<'a> Asked<'a> {
    fn new(find: &'a Find) -> Self {
        let mut asked = Self { find, conditions: Vec::new(), values: Vec::new() };
        for (condition, value) in &find.conditions {
            let at = match value {
                Value::Flag(flag) => asked.bind(*flag),
                Value::Id(id) => asked.bind(id.clone()),
                Value::Text(text) => asked.bind(indexed(text)),
                Value::Workers(workers) => {
                    let names: Vec<String> = workers.iter().map(|name| indexed(name)).collect();
                    let at = asked.bind(names);
                    asked.conditions.push(format!(
                        "{condition} IN (SELECT case_id FROM nhs_pds.case_worker WHERE worker = ANY (${at}))"
                    ));
                    continue;
                }
                Value::Nothing => {
                    asked.conditions.push(condition.clone());
                    continue;
                }
            };
            asked.conditions.push(format!("{condition} ${at}"));
        }
        asked
    }

    /// Binds a value, and returns its number.
    fn bind(&mut self, value: impl ToSql + Sync + Send + 'static) -> usize {
        self.values.push(Box::new(value));
        self.values.len()
    }

    /// At most `limit` rows.
    async fn rows(
        mut self,
        tx: &Tx,
        columns: &str,
        order: &str,
        limit: usize,
    ) -> Result<Vec<Row>, Error> {
        let last = self.bind(i64::try_from(limit.min(STRIDE)).unwrap_or(i64::MAX));
        let (table, conditions) = (self.find.table, &self.conditions);
        let conditions =
            if conditions.is_empty() { "true".to_owned() } else { conditions.join(" AND ") };
        let sql = format!(
            "SELECT {columns} FROM nhs_pds.{table} WHERE {conditions} ORDER BY {order} LIMIT ${last}"
        );
        let bound: Vec<&(dyn ToSql + Sync)> =
            self.values.iter().map(|value| &**value as &(dyn ToSql + Sync)).collect();
        Ok(tx.query(&sql, &bound).await?)
    }
}

/// At most `limit` ids in ascending order, from the one after `from`.
async fn ids(tx: &Tx, find: &Find, from: Option<&str>, limit: usize) -> Result<Vec<String>, Error> {
    let mut asked = Asked::new(find);
    if let Some(from) = from {
        let at = asked.bind(from.to_owned());
        asked.conditions.push(format!("case_id > ${at}"));
    }
    let rows = asked.rows(tx, "case_id", "case_id", limit).await?;
    rows.iter().map(|row| row.try_get(0).map_err(failed)).collect()
}
