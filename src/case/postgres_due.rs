//! When cases are due and which worker has them: the table `case_due`.
//!
//! A statement that locks several rows locks them in the order of their ids, so that no two transactions wait for each
//! other. A claim of whatever is due passes over rows that another transaction has locked, and waits for one only if it
//! finds no other.

use crate::case::due::{Due, Planned, Priority};
use crate::case::error::{Error, readable};
use crate::case::id::CaseId;
use crate::case::lease::{Claim, Lease};
use crate::case::loaded::Changed;
use crate::case::postgres_rows::{self as rows, failed};
use crate::case::postgres_save::put_due;
use crate::case::store::Counts;
use crate::case::times::{Times, rank};
use crate::postgres::Tx;
use chrono::{DateTime, Utc};
use tokio_postgres::Row;

/// Sets when cases are due, for each whose stored version is the planned one.
pub(super) async fn set_due_in(tx: &Tx, planned: &[Planned]) -> Result<(), Error> {
    let plans = planned.iter().filter_map(|plan| Some((plan, i64::try_from(plan.version).ok()?)));
    let plans: Vec<(&Planned, i64)> = plans.collect();
    let ids: Vec<&str> = plans.iter().map(|(plan, _)| plan.id.as_str()).collect();
    let versions: Vec<i64> = plans.iter().map(|(_, version)| *version).collect();
    let priorities: Vec<i16> =
        plans.iter().map(|(plan, _)| rank(plan.due.priority) as i16).collect();
    let at: Vec<i64> = plans.iter().map(|(plan, _)| plan.due.at.timestamp_micros()).collect();
    // The version is a column of this table too: a save that was not yet committed when this statement began is seen.
    let set = "WITH held AS (
            SELECT case_id FROM nhs_pds.case_due WHERE case_id = ANY ($1) ORDER BY case_id FOR UPDATE)
        UPDATE nhs_pds.case_due AS d SET priority = p.priority, at = p.at
        FROM unnest($1::text[], $2::bigint[], $3::smallint[], $4::bigint[]) AS p(case_id, version, priority, at),
            held
        WHERE d.case_id = p.case_id AND held.case_id = d.case_id AND d.version = p.version";
    let set = tx.execute(set, &[&ids, &versions, &priorities, &at]).await?;
    if set < plans.len() as u64 {
        mend(tx, &plans, &ids).await?;
    }
    Ok(())
}

/// Adds the missing rows of planned cases.
async fn mend(tx: &Tx, plans: &[(&Planned, i64)], ids: &[&str]) -> Result<(), Error> {
    let missing = "SELECT case_id FROM nhs_pds.cases AS c WHERE case_id = ANY ($1) AND NOT EXISTS (
        SELECT 1 FROM nhs_pds.case_due AS d WHERE d.case_id = c.case_id)";
    for row in tx.query(missing, &[&ids]).await? {
        let id: String = row.try_get(0).map_err(failed)?;
        let plan = plans.iter().find(|(plan, _)| plan.id.as_str() == id);
        let Some((Planned { id, version, due }, _)) = plan else { continue };
        if let Some(case) =
            readable(rows::get(tx, id).await)?.filter(|case| case.version == *version)
        {
            put_due(tx, &[&Changed { case, due: *due, is_new: false }]).await?;
        }
    }
    Ok(())
}

/// What a claim could take now, without a lock.
struct Seen {
    /// The places with due cases that no other worker has.
    places: Vec<Place>,
    blocked_until: Option<i64>,
}

/// Rows in the order of their times.
#[derive(Clone, Copy)]
enum Place {
    /// Due cases that no worker has.
    Free { priority: i16, from: i64, to: i64 },
    /// Due cases that another worker had too long.
    Expired,
}

/// The values of a claim.
struct Question<'a> {
    owner: &'a str,
    past: i64,
    ahead: i64,
    after: i64,
    latest: i64,
}

impl<'a> Question<'a> {
    fn of(lease: &'a Lease) -> (Self, Times) {
        let times = Times::of(lease);
        let ((past, ahead), (after, latest)) = (times.not_yet, times.respected);
        (Self { owner: &lease.owner, past, ahead, after, latest }, times)
    }

    /// Looks where there are due cases.
    async fn look(&self, tx: &Tx, times: &Times) -> Result<Seen, Error> {
        let sql = "SELECT p.priority,
                EXISTS (SELECT 1 FROM nhs_pds.case_due WHERE owner = '' AND NOT damaged
                    AND priority = p.priority AND at <= $1),
                EXISTS (SELECT 1 FROM nhs_pds.case_due WHERE owner = '' AND NOT damaged
                    AND priority = p.priority AND at > $2),
                EXISTS (SELECT 1 FROM nhs_pds.case_due WHERE owner <> '' AND owner <> $3 AND NOT damaged
                    AND (until <= $4 OR until > $5) AND (at <= $1 OR at > $2)),
                (SELECT min(until) FROM nhs_pds.case_due WHERE owner <> '' AND owner <> $3 AND NOT damaged
                    AND until > $4 AND until <= $5 AND (at <= $1 OR at > $2))
            FROM unnest($6::smallint[]) AS p(priority)";
        let priorities = Priority::ALL.map(|priority| rank(priority) as i16);
        let Self { owner, past, ahead, after, latest } = self;
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 6] =
            [past, ahead, owner, after, latest, &&priorities[..]];
        let (mut seen, mut has_expired) = (Seen { places: Vec::new(), blocked_until: None }, false);
        for row in tx.query(sql, &values).await? {
            let priority = row.try_get(0).map_err(failed)?;
            for (column, (from, to)) in times.due().into_iter().enumerate() {
                if row.try_get(column + 1).map_err(failed)? {
                    seen.places.push(Place::Free { priority, from, to });
                }
            }
            has_expired |= row.try_get::<_, bool>(3).map_err(failed)?;
            seen.blocked_until = row.try_get(4).map_err(failed)?;
        }
        if has_expired {
            seen.places.push(Place::Expired);
        }
        Ok(seen)
    }

    /// At most `limit` ids of a place, locked. Passes over rows that another transaction has locked, or waits for the
    /// first.
    async fn lock(
        &self,
        tx: &Tx,
        place: Place,
        limit: usize,
        waits: bool,
    ) -> Result<Vec<Found>, Error> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let skip = if waits { "" } else { "SKIP LOCKED" };
        let rows = match place {
            Place::Free { priority, from, to } => {
                let sql = format!(
                    "SELECT priority, at, case_id FROM nhs_pds.case_due
                     WHERE owner = '' AND NOT damaged AND priority = $1 AND at BETWEEN $2 AND $3
                     ORDER BY at, case_id LIMIT $4 FOR UPDATE {skip}"
                );
                tx.query(&sql, &[&priority, &from, &to, &limit]).await?
            }
            Place::Expired => {
                let sql = format!(
                    "SELECT priority, at, case_id FROM nhs_pds.case_due
                     WHERE owner <> '' AND owner <> $1 AND NOT damaged AND (until <= $2 OR until > $3)
                         AND (at <= $4 OR at > $5)
                     ORDER BY priority, at, case_id LIMIT $6 FOR UPDATE {skip}"
                );
                let Self { owner, past, ahead, after, latest } = self;
                tx.query(&sql, &[owner, after, latest, past, ahead, &limit]).await?
            }
        };
        let found = |row: &Row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?));
        rows.iter().map(|row| found(row).map_err(failed)).collect()
    }
}

/// A row that a claim may take: priority, time and id, in the order of work.
type Found = (i16, i64, String);

/// Leases at most `limit` due cases.
pub(super) async fn claim_due(tx: &Tx, limit: usize, lease: &Lease) -> Result<Claim, Error> {
    let ((question, times), mut claim) = (Question::of(lease), Claim::default());
    while claim.cases.len() < limit {
        let seen = question.look(tx, &times).await?;
        let Some(first) = seen.places.first().copied() else {
            if claim.cases.is_empty() {
                claim.blocked_until = seen.blocked_until.and_then(DateTime::from_timestamp_micros);
            }
            break;
        };
        let (most, mut found, mut free) = (limit - claim.cases.len(), Vec::new(), 0);
        for place in seen.places {
            // Those of all places are put in the order of work. What is not taken is free again at the commit.
            let more = match place {
                Place::Free { .. } if free == most => continue,
                Place::Free { .. } => most - free,
                Place::Expired => most,
            };
            let more = question.lock(tx, place, more, false).await?;
            free += if matches!(place, Place::Free { .. }) { more.len() } else { 0 };
            found.extend(more);
        }
        found.sort_unstable();
        found.truncate(most);
        if found.is_empty() {
            // Other transactions have locked all of them: they lease or save them, or fail. With locks of its own, this
            // one must not wait.
            if !claim.cases.is_empty() {
                break;
            }
            found = question.lock(tx, first, 1, true).await?;
        }
        // Each is leased or marked as damaged, so it is not found again.
        let ids: Vec<String> = found.into_iter().map(|(.., id)| id).collect();
        claim.cases.extend(take(tx, &ids, lease).await?);
    }
    Ok(claim)
}

/// Leases the case `id`, whether or not it is due.
pub(super) async fn claim(tx: &Tx, id: &CaseId, lease: &Lease) -> Result<Claim, Error> {
    let sql = "SELECT owner, until FROM nhs_pds.case_due WHERE case_id = $1 FOR UPDATE";
    match tx.first(sql, &[&id.as_str()]).await? {
        Some(row) => {
            let owner: String = row.try_get(0).map_err(failed)?;
            let until: i64 = row.try_get(1).map_err(failed)?;
            let (after, latest) = Times::of(lease).respected;
            let counts = !owner.is_empty() && owner != lease.owner;
            if counts && after < until && until <= latest {
                let blocked_until = DateTime::from_timestamp_micros(until);
                return Ok(Claim { cases: Vec::new(), blocked_until });
            }
        }
        None => {
            let Some(case) = readable(rows::get(tx, id).await)? else {
                return Ok(Claim::default());
            };
            put_due(tx, &[&Changed { case, due: Due::NOW, is_new: false }]).await?;
        }
    }
    let cases = take(tx, &[id.as_str().to_owned()], lease).await?;
    Ok(Claim { cases, blocked_until: None })
}

/// Leases the cases of the rows `ids`, and returns them. A case that cannot be read is marked as damaged, and so is a
/// row without a case.
async fn take(
    tx: &Tx,
    ids: &[String],
    lease: &Lease,
) -> Result<Vec<crate::case::record::Case>, Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut cases = rows::get_all(tx, ids).await?;
    let (good, damaged): (Vec<&str>, Vec<&str>) =
        ids.iter().map(String::as_str).partition(|id| cases.contains_key(*id));
    if !good.is_empty() {
        let sql = "UPDATE nhs_pds.case_due SET owner = $2, until = $3 WHERE case_id = ANY ($1)";
        tx.execute(sql, &[&good, &lease.owner, &lease.until.timestamp_micros()]).await?;
    }
    if !damaged.is_empty() {
        let sql = "UPDATE nhs_pds.case_due SET damaged = true, owner = '', until = 0
                   WHERE case_id = ANY ($1)";
        tx.execute(sql, &[&damaged]).await?;
    }
    Ok(ids.iter().filter_map(|id| cases.remove(id)).collect())
}

/// Extends the leases of the lease's owner, and returns their number.
pub(super) async fn renew(tx: &Tx, lease: &Lease) -> Result<usize, Error> {
    let sql = "WITH held AS (
            SELECT case_id FROM nhs_pds.case_due WHERE owner = $1 AND owner <> '' ORDER BY case_id FOR UPDATE)
        UPDATE nhs_pds.case_due AS d SET until = $2 FROM held WHERE d.case_id = held.case_id AND d.owner = $1";
    let renewed = tx.execute(sql, &[&lease.owner, &lease.until.timestamp_micros()]).await?;
    Ok(usize::try_from(renewed).unwrap_or(usize::MAX))
}

/// Releases those of `ids` that `owner` has.
pub(crate) async fn release_in(tx: &Tx, owner: &str, ids: &[CaseId]) -> Result<(), Error> {
    let ids: Vec<&str> = ids.iter().map(CaseId::as_str).collect();
    let sql = "WITH held AS (
            SELECT case_id FROM nhs_pds.case_due WHERE case_id = ANY ($1) AND owner = $2
            ORDER BY case_id FOR UPDATE)
        UPDATE nhs_pds.case_due AS d SET owner = '', until = 0 FROM held
        WHERE d.case_id = held.case_id AND d.owner = $2";
    tx.execute(sql, &[&ids, &owner]).await?;
    Ok(())
}

/// How many cases need attention at `now`.
pub(super) async fn counts(tx: &Tx, now: DateTime<Utc>) -> Result<Counts, Error> {
    let (past, ahead) = Times::of(&Lease::new("", now, now)).not_yet;
    let sql = "WITH due AS (
            SELECT at FROM nhs_pds.case_due WHERE owner <> '' AND NOT damaged AND (at <= $1 OR at > $2)
            UNION ALL
            SELECT d.at FROM unnest($3::smallint[]) AS p(priority) CROSS JOIN LATERAL (
                SELECT at FROM nhs_pds.case_due
                WHERE owner = '' AND NOT damaged AND priority = p.priority AND at <= $1
                UNION ALL
                SELECT at FROM nhs_pds.case_due
                WHERE owner = '' AND NOT damaged AND priority = p.priority AND at > $2) AS d)
        SELECT (SELECT count(*) FROM due), (SELECT min(at) FROM due WHERE at > 0 AND at <= $1),
            (SELECT count(*) FROM nhs_pds.case_due WHERE to_review),
            (SELECT count(*) FROM nhs_pds.case_due WHERE damaged)";
    let priorities = Priority::ALL.map(|priority| rank(priority) as i16);
    let row = tx.first(sql, &[&past, &ahead, &&priorities[..]]).await?;
    let Some(row) = row else { return Ok(Counts::default()) };
    let number = |column| row.try_get::<_, i64>(column).map(i64::unsigned_abs).map_err(failed);
    let oldest: Option<i64> = row.try_get(1).map_err(failed)?;
    Ok(Counts {
        due: number(0)?,
        oldest_due: oldest.and_then(DateTime::from_timestamp_micros),
        to_review: number(2)?,
        unreadable: number(3)?,
    })
}
