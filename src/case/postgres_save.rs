//! Saves cases inside a transaction of the caller: reads and locks, and writes what was decided in between.

use crate::case::error::{Error, ErrorKind};
use crate::case::id::CaseId;
use crate::case::loaded::{Changed, Loaded};
use crate::case::postgres_index::{indexed, put_items, put_workers};
use crate::case::postgres_rows::failed;
use crate::case::search::SearchKeys;
use crate::case::store::Change;
use crate::case::stored::{document, number};
use crate::case::times::rank;
use crate::postgres::Tx;
use std::collections::BTreeSet;

/// Loads what is stored of the cases of `changes` and of `others`, and the holders of the numbers of sole holders, and locks both until the
/// transaction ends.
///
/// Numbers are locked before cases, and each in ascending order, so that two transactions do not wait for each other.
pub(crate) async fn load(
    tx: &Tx,
    changes: &[&Change],
    others: &[&CaseId],
) -> Result<Loaded, Error> {
    let soles = changes.iter().filter(|change| change.sole_holder);
    let numbers: BTreeSet<String> = soles.filter_map(|change| number(&change.case)).collect();
    let numbers: Vec<String> = numbers.into_iter().collect();
    let changed = changes.iter().map(|change| &change.case.id);
    let ids: BTreeSet<&str> = changed.chain(others.iter().copied()).map(CaseId::as_str).collect();
    let ids: Vec<&str> = ids.into_iter().collect();
    let mut loaded = Loaded::default();
    if !numbers.is_empty() {
        let lock = "SELECT pg_advisory_xact_lock(hashtextextended(number, nhs_pds.current_tenant()))
                    FROM (SELECT number FROM unnest($1::text[]) AS number ORDER BY number) AS sorted";
        tx.query(lock, &[&numbers]).await?;
    }
    if !ids.is_empty() {
        let lock = "SELECT case_id, version FROM nhs_pds.cases WHERE case_id = ANY ($1)
                    ORDER BY case_id FOR UPDATE";
        for row in tx.query(lock, &[&ids]).await? {
            let (id, version) = (row.try_get::<_, String>(0), row.try_get::<_, i64>(1));
            let version = u64::try_from(version.map_err(failed)?).unwrap_or_default();
            if let Ok(id) = id.map_err(failed)?.parse() {
                loaded.put_version(id, version);
            }
        }
    }
    if !numbers.is_empty() {
        let holders = "SELECT nhs_number, case_id FROM nhs_pds.cases WHERE nhs_number = ANY ($1)";
        for row in tx.query(holders, &[&numbers]).await? {
            loaded.put_holder(row.try_get(0).map_err(failed)?, row.try_get(1).map_err(failed)?);
        }
    }
    Ok(loaded)
}

/// Loads the versions of settings, and locks them.
pub(crate) async fn load_settings(
    tx: &Tx,
    loaded: &mut Loaded,
    names: &[&str],
) -> Result<(), Error> {
    if names.is_empty() {
        return Ok(());
    }
    let lock =
        "SELECT name, version FROM nhs_pds.setting WHERE name = ANY ($1) ORDER BY name FOR UPDATE";
    for row in tx.query(lock, &[&names]).await? {
        let version: i64 = row.try_get(1).map_err(failed)?;
        let version = u64::try_from(version).map_err(|_| Error::new(ErrorKind::Corrupt))?;
        loaded.put_setting(row.try_get(0).map_err(failed)?, version);
    }
    Ok(())
}

async fn write_settings(tx: &Tx, loaded: &Loaded) -> Result<(), Error> {
    for (name, setting, is_new) in loaded.set() {
        let sql = if is_new {
            "INSERT INTO nhs_pds.setting (name, version, value) VALUES ($1, $2, $3)
             ON CONFLICT (tenant, name) DO NOTHING"
        } else {
            "UPDATE nhs_pds.setting SET version = $2, value = $3 WHERE name = $1"
        };
        let version = stored_version(setting.version);
        if tx.execute(sql, &[&name, &version, &setting.value.as_bytes()]).await? == 0 {
            return Err(tx.again().into());
        }
    }
    Ok(())
}

/// Writes what has changed. The transaction is done again where another one has added a case of the same id.
pub(crate) async fn write(tx: &Tx, loaded: &Loaded) -> Result<(), Error> {
    write_settings(tx, loaded).await?;
    let changed: Vec<&Changed> = loaded.changed().collect();
    if changed.is_empty() {
        return Ok(());
    }
    let (new, old): (Vec<&Changed>, Vec<&Changed>) =
        changed.iter().copied().partition(|changed| changed.is_new);
    if !new.is_empty() {
        let rows = Rows::of(&new)?;
        let insert = "INSERT INTO nhs_pds.cases (case_id, version, nhs_number, document)
            SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[])
            ON CONFLICT (tenant, case_id) DO NOTHING";
        let values = rows.values();
        if tx.execute(insert, &values).await? != new.len() as u64 {
            return Err(tx.again().into());
        }
    }
    if !old.is_empty() {
        let rows = Rows::of(&old)?;
        let update = "UPDATE nhs_pds.cases AS c
            SET version = n.version, nhs_number = n.nhs_number, document = n.document
            FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[])
                AS n(case_id, version, nhs_number, document)
            WHERE c.case_id = n.case_id";
        tx.execute(update, &rows.values()).await?;
    }
    put_due(tx, &changed).await?;
    put_items(tx, &changed).await?;
    put_workers(tx, &changed).await?;
    put_search(tx, &changed).await
}

/// Columns of cases.
struct Rows<'a> {
    ids: Vec<&'a str>,
    versions: Vec<i64>,
    numbers: Vec<Option<String>>,
    documents: Vec<String>,
}

impl<'a> Rows<'a> {
    fn of(changed: &[&'a Changed]) -> Result<Self, Error> {
        let cases = || changed.iter().map(|changed| &changed.case);
        Ok(Self {
            ids: cases().map(|case| case.id.as_str()).collect(),
            versions: cases().map(|case| stored_version(case.version)).collect(),
            numbers: cases().map(number).collect(),
            documents: cases().map(document).collect::<Result<_, Error>>()?,
        })
    }

    fn values(&self) -> [&(dyn tokio_postgres::types::ToSql + Sync); 4] {
        [&self.ids, &self.versions, &self.numbers, &self.documents]
    }
}

fn stored_version(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}

/// Stores when the cases are due that were just saved; their leases stay.
pub(super) async fn put_due(tx: &Tx, changed: &[&Changed]) -> Result<(), Error> {
    let ids: Vec<&str> = changed.iter().map(|changed| changed.case.id.as_str()).collect();
    let versions: Vec<i64> =
        changed.iter().map(|changed| stored_version(changed.case.version)).collect();
    let priorities: Vec<i16> =
        changed.iter().map(|changed| rank(changed.due.priority) as i16).collect();
    let at: Vec<i64> = changed.iter().map(|changed| changed.due.at.timestamp_micros()).collect();
    let to_review: Vec<bool> = changed
        .iter()
        .map(|changed| changed.case.is_live() && changed.case.open_items().next().is_some())
        .collect();
    let put = "INSERT INTO nhs_pds.case_due AS d (case_id, version, priority, at, to_review)
        SELECT * FROM unnest($1::text[], $2::bigint[], $3::smallint[], $4::bigint[], $5::boolean[])
        ON CONFLICT (tenant, case_id) DO UPDATE SET version = excluded.version, priority = excluded.priority,
            at = excluded.at, to_review = excluded.to_review, damaged = false";
    tx.execute(put, &[&ids, &versions, &priorities, &at, &to_review]).await?;
    Ok(())
}

pub(super) async fn put_search(tx: &Tx, changed: &[&Changed]) -> Result<(), Error> {
    let ids: Vec<&str> = changed.iter().map(|changed| changed.case.id.as_str()).collect();
    let live: Vec<bool> = changed.iter().map(|changed| changed.case.is_live()).collect();
    let keys: Vec<SearchKeys> =
        changed.iter().map(|changed| SearchKeys::of(&changed.case)).collect();
    let numbers: Vec<Option<String>> =
        keys.iter().map(|keys| keys.nhs_number.map(|number| number.digits().to_string())).collect();
    let surnames: Vec<Option<String>> =
        keys.iter().map(|keys| keys.surname.as_deref().map(indexed)).collect();
    let births: Vec<Option<&str>> = keys.iter().map(|keys| keys.date_of_birth.as_deref()).collect();
    let postcodes: Vec<Option<String>> =
        keys.iter().map(|keys| keys.postcode.as_deref().map(indexed)).collect();
    let batches: Vec<Option<&str>> = keys.iter().map(|keys| keys.batch.as_deref()).collect();
    let references: Vec<Option<&str>> = keys.iter().map(|keys| keys.reference.as_deref()).collect();
    // A row that stays as it is is not written again.
    let put = "INSERT INTO nhs_pds.case_search AS s
            (case_id, is_live, nhs_number, surname, date_of_birth, postcode, batch, reference)
        SELECT * FROM unnest($1::text[], $2::boolean[], $3::text[], $4::text[], $5::text[], $6::text[],
            $7::text[], $8::text[])
        ON CONFLICT (tenant, case_id) DO UPDATE SET is_live = excluded.is_live, nhs_number = excluded.nhs_number,
            surname = excluded.surname, date_of_birth = excluded.date_of_birth, postcode = excluded.postcode,
            batch = excluded.batch, reference = excluded.reference
        WHERE (s.is_live, s.nhs_number, s.surname, s.date_of_birth, s.postcode, s.batch, s.reference)
            IS DISTINCT FROM (excluded.is_live, excluded.nhs_number, excluded.surname, excluded.date_of_birth,
            excluded.postcode, excluded.batch, excluded.reference)";
    tx.execute(
        put,
        &[&ids, &live, &numbers, &surnames, &births, &postcodes, &batches, &references],
    )
    .await?;
    Ok(())
}
