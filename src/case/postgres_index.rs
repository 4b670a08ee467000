//! Keeps the rows by which screens find items and cases, as the cases are saved.

use crate::case::error::Error;
use crate::case::item_counts::ItemKind;
use crate::case::loaded::Changed;
use crate::case::postgres_rows::failed;
use crate::postgres::Tx;
use std::collections::{BTreeMap, BTreeSet};

/// How many rows of counts of one tenant are put together.
const COUNTS: i64 = 1_000;

/// Replaces the rows of the items of cases, and counts them.
pub(super) async fn put_items(tx: &Tx, changed: &[&Changed]) -> Result<(), Error> {
    let mut more: BTreeMap<ItemKind, i64> = BTreeMap::new();
    let old = changed.iter().filter(|changed| !changed.is_new);
    let old: Vec<&str> = old.map(|changed| changed.case.id.as_str()).collect();
    if !old.is_empty() {
        let delete = "DELETE FROM nhs_pds.case_item WHERE case_id = ANY ($1)
            RETURNING state, reason, has_number, assignee IS NOT NULL";
        for row in tx.query(delete, &[&old]).await? {
            let text = |column| row.try_get::<_, String>(column).map_err(failed);
            let flag = |column| row.try_get::<_, bool>(column).map_err(failed);
            let kind = ItemKind::read(&text(0)?, &text(1)?, flag(2)?, flag(3)?);
            kind.into_iter().for_each(|kind| *more.entry(kind).or_default() -= 1);
        }
    }
    let mut items = Items::default();
    for case in changed.iter().map(|changed| &changed.case).filter(|case| case.is_live()) {
        let mut numbers = BTreeSet::new();
        // The last item of a number counts, as in the document. Numbers are unique unless a program broke them.
        for item in case.review.iter().rev().filter(|item| numbers.insert(item.number)) {
            items.ids.push(case.id.as_str());
            items.numbers.push(i64::from(item.number));
            items.open.push(item.is_open());
            items.states.push(item.state.as_str());
            items.reasons.push(item.reason.as_str());
            items.assignees.push(item.assignee.as_deref().map(indexed));
            items.opened.push(item.opened_at.timestamp_micros());
            items.have_number.push(case.nhs_number.is_some());
            if item.is_open() {
                let (state, reason) = (item.state, item.reason);
                let (has_number, is_assigned) =
                    (case.nhs_number.is_some(), item.assignee.is_some());
                let kind = ItemKind { state, reason, has_number, is_assigned };
                *more.entry(kind).or_default() += 1;
            }
        }
    }
    if !items.ids.is_empty() {
        let insert = "INSERT INTO nhs_pds.case_item
                (case_id, item, is_open, state, reason, assignee, opened_at, has_number)
            SELECT * FROM unnest($1::text[], $2::bigint[], $3::boolean[], $4::text[], $5::text[], $6::text[],
                $7::bigint[], $8::boolean[])";
        let Items { ids, numbers, open, states, reasons, assignees, opened, have_number } = &items;
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 8] =
            [ids, numbers, open, states, reasons, assignees, opened, have_number];
        tx.execute(insert, &values).await?;
    }
    count(tx, more).await
}

/// Columns of review items.
#[derive(Default)]
struct Items<'a> {
    ids: Vec<&'a str>,
    numbers: Vec<i64>,
    open: Vec<bool>,
    states: Vec<&'a str>,
    reasons: Vec<&'a str>,
    assignees: Vec<Option<String>>,
    opened: Vec<i64>,
    have_number: Vec<bool>,
}

/// Adds `more` to the counts of open items.
async fn count(tx: &Tx, mut more: BTreeMap<ItemKind, i64>) -> Result<(), Error> {
    more.retain(|_, n| *n != 0);
    if more.is_empty() {
        return Ok(());
    }
    let states: Vec<&str> = more.keys().map(|kind| kind.state.as_str()).collect();
    let reasons: Vec<&str> = more.keys().map(|kind| kind.reason.as_str()).collect();
    let have_number: Vec<bool> = more.keys().map(|kind| kind.has_number).collect();
    let assigned: Vec<bool> = more.keys().map(|kind| kind.is_assigned).collect();
    let n: Vec<i64> = more.values().copied().collect();
    let insert = "INSERT INTO nhs_pds.case_item_count (state, reason, has_number, is_assigned, n)
        SELECT * FROM unnest($1::text[], $2::text[], $3::boolean[], $4::boolean[], $5::bigint[])
        RETURNING (SELECT count(*) FROM nhs_pds.case_item_count)";
    let row = tx.first(insert, &[&states, &reasons, &have_number, &assigned, &n]).await?;
    let rows = row.map(|row| row.try_get::<_, i64>(0).map_err(failed)).transpose()?;
    if rows.unwrap_or_default() > COUNTS {
        put_counts_together(tx).await?;
    }
    Ok(())
}

/// Replaces all rows of the counts by one for each kind, unless another save does it.
async fn put_counts_together(tx: &Tx) -> Result<(), Error> {
    let lock = "SELECT pg_try_advisory_xact_lock(hashtextextended('case_item_count', nhs_pds.current_tenant()))";
    let has_lock = tx.first(lock, &[]).await?.map(|row| row.try_get::<_, bool>(0).map_err(failed));
    if !has_lock.transpose()?.unwrap_or_default() {
        return Ok(());
    }
    let sum = "WITH gone AS (
            DELETE FROM nhs_pds.case_item_count RETURNING state, reason, has_number, is_assigned, n)
        INSERT INTO nhs_pds.case_item_count (state, reason, has_number, is_assigned, n)
        SELECT state, reason, has_number, is_assigned, sum(n)::bigint FROM gone
        GROUP BY state, reason, has_number, is_assigned HAVING sum(n) <> 0";
    tx.execute(sum, &[]).await?;
    Ok(())
}

/// Keeps the rows of the workers to whom cases are allocated.
pub(super) async fn put_workers(tx: &Tx, changed: &[&Changed]) -> Result<(), Error> {
    let (mut ids, mut workers) = (Vec::new(), Vec::new());
    for case in changed.iter().map(|changed| &changed.case) {
        let of_case: BTreeSet<String> = case.current_workers().map(indexed).collect();
        ids.extend(of_case.iter().map(|_| case.id.as_str()));
        workers.extend(of_case);
    }
    let old = changed.iter().filter(|changed| !changed.is_new);
    let old: Vec<&str> = old.map(|changed| changed.case.id.as_str()).collect();
    if ids.is_empty() && old.is_empty() {
        return Ok(());
    }
    // Rows that stay are not written again.
    let put = "WITH new AS (SELECT * FROM unnest($1::text[], $2::text[]) AS new(case_id, worker)),
        gone AS (DELETE FROM nhs_pds.case_worker AS w WHERE w.case_id = ANY ($3)
            AND NOT EXISTS (SELECT FROM new WHERE new.case_id = w.case_id AND new.worker = w.worker))
        INSERT INTO nhs_pds.case_worker (case_id, worker) SELECT case_id, worker FROM new
        ON CONFLICT (tenant, case_id, worker) DO NOTHING";
    tx.execute(put, &[&ids, &workers, &old]).await?;
    Ok(())
}

/// The form of a text that a row is found by: its beginning, because an index has no place for a long text, and without
/// the one character that a text of PostgreSQL cannot contain. The documents decide what is found.
pub(super) fn indexed(text: &str) -> String {
    text.chars().filter(|c| *c != '\0').take(INDEXED).collect()
}

/// How many characters of a text rows are found by.
const INDEXED: usize = 100;
