//! When cases are due and which worker has them: the table `case_due`.

use crate::case::due::{Due, Planned, Priority};
use crate::case::error::{Error, ErrorKind, readable};
use crate::case::id::CaseId;
use crate::case::lease::{Claim, Lease};
use crate::case::record::Case;
use crate::case::sqlite_rows::{self as rows, failed};
use crate::case::store::Counts;
use crate::case::times::{Times, rank};
use chrono::{DateTime, Utc};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row, params};

/// A row that a claim may take: priority, time, and the bytes of the id.
type Found = (i64, i64, Vec<u8>);

/// Stores when the case is due that was just saved; its lease stays.
pub(super) fn put_due(transaction: &Connection, case: &Case, due: Due) -> Result<(), Error> {
    let to_review = case.is_live() && case.open_items().next().is_some();
    let at = due.at.timestamp_micros();
    transaction
        .prepare_cached(
            "INSERT INTO case_due (case_id, priority, at, to_review) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (case_id) DO UPDATE
             SET priority = ?2, at = ?3, to_review = ?4, damaged = 0",
        )
        .and_then(|mut put| {
            put.execute(params![case.id.as_str(), rank(due.priority), at, to_review])
        })
        .map_err(failed)?;
    Ok(())
}

/// Sets when cases are due, for each whose stored version is the planned one.
pub(super) fn set_due_in(transaction: &Connection, planned: &[Planned]) -> Result<(), Error> {
    for Planned { id, version, due } in planned {
        let Ok(version) = i64::try_from(*version) else { continue };
        let values = params![id.as_str(), version, rank(due.priority), due.at.timestamp_micros()];
        let set = transaction
            .prepare_cached(
                "UPDATE case_due SET priority = ?3, at = ?4 WHERE case_id = ?1 AND EXISTS (
                     SELECT 1 FROM cases WHERE cases.case_id = ?1 AND version = ?2)",
            )
            .and_then(|mut set| set.execute(values))
            .map_err(failed)?;
        if set == 0 && !has_row(transaction, id)? {
            // The row is missing: it is mended.
            let stored = readable(rows::get(transaction, id))?;
            if let Some(case) = stored.filter(|case| i64::try_from(case.version) == Ok(version)) {
                put_due(transaction, &case, *due)?;
            }
        }
    }
    Ok(())
}

fn has_row(connection: &Connection, id: &CaseId) -> Result<bool, Error> {
    connection
        .prepare_cached("SELECT 1 FROM case_due WHERE case_id = ?1")
        .and_then(|mut query| query.exists([id.as_str()]))
        .map_err(failed)
}

/// Leases at most `limit` due cases.
pub(super) fn claim_due(
    transaction: &Connection,
    limit: usize,
    lease: &Lease,
) -> Result<Claim, Error> {
    let (times, mut claim) = (Times::of(lease), Claim::default());
    while claim.cases.len() < limit {
        let found = candidates(transaction, limit - claim.cases.len(), lease, &times)?;
        if found.is_empty() {
            break;
        }
        for (.., id) in found {
            // Each is leased or marked as damaged, so it is not found again.
            claim.cases.extend(take(transaction, &id, lease)?);
        }
    }
    if claim.cases.is_empty() && limit > 0 {
        claim.blocked_until = blocked_until(transaction, lease, &times)?;
    }
    Ok(claim)
}

/// Leases the case `id`, whether or not it is due.
pub(super) fn claim(transaction: &Connection, id: &CaseId, lease: &Lease) -> Result<Claim, Error> {
    let stored: Option<(Vec<u8>, i64)> = transaction
        .prepare_cached("SELECT owner, until FROM case_due WHERE case_id = ?1")
        .and_then(|mut query| {
            query.query_row([id.as_str()], |row| Ok((bytes(row, 0)?, row.get(1)?))).optional()
        })
        .map_err(failed)?;
    match stored {
        Some((owner, until)) if !owner.is_empty() => {
            let (after, latest) = Times::of(lease).respected;
            if owner != lease.owner.as_bytes() && after < until && until <= latest {
                let blocked_until = DateTime::from_timestamp_micros(until);
                return Ok(Claim { cases: Vec::new(), blocked_until });
            }
        }
        Some(_) => {}
        None => {
            let Some(case) = readable(rows::get(transaction, id))? else {
                return Ok(Claim::default());
            };
            put_due(transaction, &case, Due::NOW)?;
        }
    }
    let cases = take(transaction, id.as_str().as_bytes(), lease)?.into_iter().collect();
    Ok(Claim { cases, blocked_until: None })
}

/// The first `limit` due cases that no other worker has, in the order of work.
fn candidates(
    transaction: &Connection,
    limit: usize,
    lease: &Lease,
    times: &Times,
) -> Result<Vec<Found>, Error> {
    let (expired, mut found) = (expired(transaction, lease, times)?, Vec::new());
    for priority in Priority::ALL.map(rank) {
        for (from, to) in times.due() {
            let most = limit - found.len();
            if most == 0 {
                return Ok(found);
            }
            let mut next = free(transaction, priority, (from, to), most)?;
            let also = |row: &&Found| row.0 == priority && from <= row.1 && row.1 <= to;
            next.extend(expired.iter().filter(also).cloned());
            next.sort_unstable();
            next.truncate(most);
            found.append(&mut next);
        }
    }
    Ok(found)
}

fn free(
    transaction: &Connection,
    priority: i64,
    (from, to): (i64, i64),
    limit: usize,
) -> Result<Vec<Found>, Error> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    transaction
        .prepare_cached(
            "SELECT priority, at, case_id FROM case_due INDEXED BY case_due_free
             WHERE owner = '' AND damaged = 0 AND priority = ?1 AND at BETWEEN ?2 AND ?3
             ORDER BY at, case_id LIMIT ?4",
        )
        .and_then(|mut query| {
            query.query_map(params![priority, from, to, limit], read_found)?.collect()
        })
        .map_err(failed)
}

/// The due cases that other workers had too long.
fn expired(connection: &Connection, lease: &Lease, times: &Times) -> Result<Vec<Found>, Error> {
    let mut found = Vec::new();
    let (after, latest) = times.respected;
    for (from, to) in [(i64::MIN, after), (latest.saturating_add(1), i64::MAX)] {
        let (past, ahead) = times.not_yet;
        let rows = connection
            .prepare_cached(
                "SELECT priority, at, case_id FROM case_due INDEXED BY case_due_leased
                 WHERE owner <> '' AND owner <> ?1 AND until BETWEEN ?2 AND ?3 AND damaged = 0
                 AND (at <= ?4 OR at > ?5)",
            )
            .and_then(|mut query| {
                query
                    .query_map(params![lease.owner, from, to, past, ahead], read_found)?
                    .collect::<rusqlite::Result<Vec<Found>>>()
            })
            .map_err(failed)?;
        found.extend(rows);
    }
    Ok(found)
}

/// When the first lease of another worker on a due case expires.
fn blocked_until(
    connection: &Connection,
    lease: &Lease,
    times: &Times,
) -> Result<Option<DateTime<Utc>>, Error> {
    let ((after, latest), (past, ahead)) = (times.respected, times.not_yet);
    let first: Option<i64> = connection
        .prepare_cached(
            "SELECT until FROM case_due INDEXED BY case_due_leased
             WHERE owner <> '' AND owner <> ?1 AND until > ?2 AND until <= ?3 AND damaged = 0
             AND (at <= ?4 OR at > ?5)
             ORDER BY until LIMIT 1",
        )
        .and_then(|mut query| {
            let values = params![lease.owner, after, latest, past, ahead];
            query.query_row(values, |row| row.get(0)).optional()
        })
        .map_err(failed)?;
    Ok(first.and_then(DateTime::from_timestamp_micros))
}

/// Leases the case of the row `id`, and returns it. A case that cannot be read is marked as damaged. A
/// row without a case belongs to a case whose id is damaged.
fn take(transaction: &Connection, id: &[u8], lease: &Lease) -> Result<Option<Case>, Error> {
    let parsed: Option<CaseId> = str::from_utf8(id).ok().and_then(|id| id.parse().ok());
    let got = match &parsed {
        Some(parsed) => rows::get(transaction, parsed),
        None => Err(Error::new(ErrorKind::Corrupt)),
    };
    let (change, case) = match got {
        Ok(Some(case)) => ("UPDATE case_due SET owner = ?2, until = ?3", Some(case)),
        Err(error) if parsed.is_some() && !error.is_about_a_damaged_case() => return Err(error),
        _ => ("UPDATE case_due SET damaged = 1, owner = '', until = 0", None),
    };
    let mut change = transaction
        .prepare_cached(&format!("{change} WHERE case_id = CAST(?1 AS TEXT)"))
        .map_err(failed)?;
    let done = match &case {
        Some(_) => change.execute(params![id, lease.owner, lease.until.timestamp_micros()]),
        None => change.execute([id]),
    };
    done.map_err(failed)?;
    Ok(case)
}

/// Extends the leases of the lease's owner, and returns their number.
pub(super) fn renew(transaction: &Connection, lease: &Lease) -> Result<usize, Error> {
    transaction
        .prepare_cached(
            "UPDATE case_due INDEXED BY case_due_leased SET until = ?2
             WHERE owner = ?1 AND owner <> ''",
        )
        .and_then(|mut update| update.execute(params![lease.owner, lease.until.timestamp_micros()]))
        .map_err(failed)
}

/// Releases those of `ids` that `owner` has.
pub(crate) fn release_in(
    transaction: &Connection,
    owner: &str,
    ids: &[CaseId],
) -> Result<(), Error> {
    let mut update = transaction
        .prepare_cached(
            "UPDATE case_due SET owner = '', until = 0 WHERE case_id = ?1 AND owner = ?2",
        )
        .map_err(failed)?;
    for id in ids {
        update.execute(params![id.as_str(), owner]).map_err(failed)?;
    }
    Ok(())
}

/// How many cases need attention at `now`.
pub(super) fn counts(connection: &Connection, now: DateTime<Utc>) -> Result<Counts, Error> {
    let times = Times::of(&Lease::new("", now, now));
    let (past, ahead) = times.not_yet;
    let (mut due, mut oldest): (i64, Option<i64>) = connection
        .prepare_cached(
            "SELECT count(*), min(CASE WHEN at > 0 AND at <= ?1 THEN at END)
             FROM case_due INDEXED BY case_due_leased
             WHERE owner <> '' AND damaged = 0 AND (at <= ?1 OR at > ?2)",
        )
        .and_then(|mut query| query.query_row([past, ahead], |row| Ok((row.get(0)?, row.get(1)?))))
        .map_err(failed)?;
    let mut count = connection
        .prepare_cached(
            "SELECT count(*), min(CASE WHEN at > 0 AND at <= ?4 THEN at END)
             FROM case_due INDEXED BY case_due_free
             WHERE owner = '' AND damaged = 0 AND priority = ?1 AND at BETWEEN ?2 AND ?3",
        )
        .map_err(failed)?;
    for priority in Priority::ALL.map(rank) {
        for (from, to) in times.due() {
            let (more, first): (i64, Option<i64>) = count
                .query_row(params![priority, from, to, past], |row| Ok((row.get(0)?, row.get(1)?)))
                .map_err(failed)?;
            due += more;
            oldest = [oldest, first].into_iter().flatten().min();
        }
    }
    let number = |sql| -> Result<u64, Error> {
        let mut query = connection.prepare_cached(sql).map_err(failed)?;
        let number: i64 = query.query_row([], |row| row.get(0)).map_err(failed)?;
        Ok(number.unsigned_abs())
    };
    Ok(Counts {
        due: due.unsigned_abs(),
        oldest_due: oldest.and_then(DateTime::from_timestamp_micros),
        to_review: number("SELECT to_review FROM case_count")?,
        unreadable: number("SELECT count(*) FROM case_due WHERE damaged = 1")?,
    })
}

fn read_found(row: &Row<'_>) -> rusqlite::Result<Found> {
    Ok((row.get(0)?, row.get(1)?, bytes(row, 2)?))
}

fn bytes(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<u8>> {
    Ok(match row.get_ref(column)? {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.to_vec(),
        _ => Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::memory::MemoryStore;
    use crate::case::record_type::RecordType;
    use crate::case::sqlite::SqliteStore;
    use crate::case::store::{CaseStore, Change};
    use chrono::TimeDelta;

    fn at(ms: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::milliseconds(ms)
    }

    /// Numbers that look random, the same each time.
    struct Dice(u64);

    impl Dice {
        fn roll(&mut self, below: u64) -> u64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (self.0 >> 33) % below
        }
    }

    fn case(id: &str) -> Case {
        Case::new(id.parse().unwrap(), RecordType::Review)
    }

    fn execute(store: &SqliteStore, sql: &str) {
        store.with(|connection| connection.execute_batch(sql)).unwrap();
    }

    fn lease(owner: &str) -> Lease {
        Lease::new(owner, at(1_000), at(2_000))
    }

    #[tokio::test]
    async fn a_claim_passes_over_damaged_rows_once() {
        for (damage, unreadable) in [
            ("UPDATE cases SET document = '?' WHERE case_id = '1'", 1),
            ("UPDATE cases SET version = 7 WHERE case_id = '1'", 1),
            ("UPDATE case_due SET case_id = CAST(x'ff' AS TEXT) WHERE case_id = '1'", 1),
            ("UPDATE case_due SET case_id = '0' WHERE case_id = '1'", 1),
        ] {
            let store = SqliteStore::open_in_memory().unwrap();
            store.insert_all(vec![case("1"), case("2"), case("3")]).await.unwrap();
            execute(&store, damage);
            assert_eq!(store.counts(at(0)).await.unwrap().unreadable, 0, "{damage}");
            let claim = store.claim_due(9, &lease("a")).await.unwrap();
            assert_eq!(ids(&claim), (vec!["2", "3"], None), "{damage}");
            assert_eq!(store.counts(at(0)).await.unwrap().unreadable, unreadable, "{damage}");
            let claim = store.claim_due(2, &lease("a")).await.unwrap();
            assert_eq!(ids(&claim), (vec![], None), "{damage}");
            store.release("a", &[case("2").id]).await.unwrap();
            let claim = store.claim_due(9, &lease("b")).await.unwrap();
            assert_eq!(ids(&claim), (vec!["2"], None), "{damage}");
        }
    }

    #[tokio::test]
    async fn a_damaged_case_is_claimed_again_when_it_was_saved() {
        let store = SqliteStore::open_in_memory().unwrap();
        store.insert_all(vec![case("1")]).await.unwrap();
        execute(&store, "UPDATE cases SET document = '?'");
        assert!(store.claim(&case("1").id, &lease("a")).await.unwrap().cases.is_empty());
        assert_eq!(store.counts(at(0)).await.unwrap().unreadable, 1);
        store.erase(case("1")).await.unwrap();
        assert_eq!(store.counts(at(0)).await.unwrap().unreadable, 0);
        let claim = store.claim_due(9, &lease("a")).await.unwrap();
        assert_eq!(ids(&claim), (vec!["1"], None));
    }

    #[tokio::test]
    async fn a_missing_row_is_mended_by_a_save_a_plan_and_a_claim() {
        for mend in ["save", "plan", "claim"] {
            let store = SqliteStore::open_in_memory().unwrap();
            let mut reviewed = case("1");
            let none = crate::case::Evidence::default();
            reviewed.open_item(crate::case::ReviewReason::NoMatch, &none, at(0));
            store.insert_all(vec![reviewed]).await.unwrap();
            execute(&store, "DELETE FROM case_due");
            assert_eq!(ids(&store.claim_due(9, &lease("a")).await.unwrap()), (vec![], None));
            let stored = store.get(&case("1").id).await.unwrap().unwrap();
            match mend {
                "save" => drop(store.save(&stored).await.unwrap()),
                "plan" => {
                    let stale = Planned::new(stored.id.clone(), 2, Due::NOW);
                    store.set_due(vec![stale]).await.unwrap();
                    assert_eq!(store.counts(at(0)).await.unwrap().due, 0);
                    store.set_due(vec![Planned::new(stored.id, 1, Due::NOW)]).await.unwrap();
                }
                _ => {
                    assert_eq!(store.claim(&stored.id, &lease("b")).await.unwrap().cases.len(), 1);
                    store.release("b", &[stored.id]).await.unwrap();
                }
            }
            let counts = store.counts(at(0)).await.unwrap();
            assert_eq!((counts.due, counts.to_review), (1, 1), "{mend}");
            let claim = store.claim_due(9, &lease("a")).await.unwrap();
            assert_eq!(ids(&claim), (vec!["1"], None), "{mend}");
        }
    }

    fn ids(claim: &Claim) -> (Vec<&str>, Option<DateTime<Utc>>) {
        (claim.cases.iter().map(|case| case.id.as_str()).collect(), claim.blocked_until)
    }

    /// Both stores decide alike which case is next, with clocks that are ahead and behind.
    #[tokio::test]
    async fn claims_are_those_of_the_store_in_memory() {
        for seed in 1..40 {
            let (memory, sqlite) = (MemoryStore::new(), SqliteStore::open_in_memory().unwrap());
            let mut dice = Dice(seed);
            let stores: [&dyn CaseStore; 2] = [&memory, &sqlite];
            let cases: Vec<Case> = (0..12)
                .map(|n| Case::new(n.to_string().parse().unwrap(), RecordType::Review))
                .collect();
            for store in stores {
                store.insert_all(cases.clone()).await.unwrap();
            }
            let mut now = 1_000_000_000_i64;
            for _ in 0..120 {
                now += [0, 1, 700, 20_000, 50_000, -30_000][dice.roll(6) as usize];
                let until = now + [10_000, 30_000, 59_000, 90_000][dice.roll(4) as usize];
                let owner = ["a", "b", "c"][dice.roll(3) as usize];
                let lease = Lease::new(owner, at(now), at(until))
                    .with_due_by(at(now - dice.roll(3) as i64 * 500));
                let id = cases[dice.roll(12) as usize].id.clone();
                let later = [0, 400, 5_000, 86_400_000 * 31, 86_400_000 * 40];
                let due = Due::new(
                    Priority::ALL[dice.roll(4) as usize],
                    at(now + later[dice.roll(5) as usize]),
                );
                let (what, limit) = (dice.roll(8), dice.roll(5) as usize);
                let planned = dice.roll(3) + 1;
                let mut seen = Vec::new();
                for store in stores {
                    seen.push(match what {
                        0..=2 => {
                            format!("{:?}", ids(&store.claim_due(limit, &lease).await.unwrap()))
                        }
                        3 => format!("{:?}", ids(&store.claim(&id, &lease).await.unwrap())),
                        4 => format!("{}", store.renew(&lease).await.unwrap()),
                        5 => {
                            let plan = vec![Planned::new(id.clone(), planned, due)];
                            format!("{:?}", store.set_due(plan).await.unwrap())
                        }
                        6 => {
                            let mut case = store.get(&id).await.unwrap().unwrap();
                            case.review.clear();
                            if planned > 1 {
                                let none = crate::case::Evidence::default();
                                case.open_item(crate::case::ReviewReason::NoMatch, &none, at(0));
                            }
                            let change = Change::new(case).with_due(due);
                            format!("{:?}", store.save_all(vec![change]).await.unwrap())
                        }
                        _ => format!(
                            "{:?}",
                            store.release(owner, std::slice::from_ref(&id)).await.unwrap()
                        ),
                    });
                    seen.push(format!("{:?}", store.counts(at(now)).await.unwrap()));
                }
                assert_eq!(seen[..2], seen[2..], "seed {seed}, call {what}");
            }
        }
    }
}
