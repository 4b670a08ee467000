//! Finds cases and review items for screens, by the tables that each save keeps.
//!
//! The tables only say which cases to read. What is returned is decided by the documents, so a row that
//! does not agree with its document cannot show anything wrong.

use crate::case::error::{Error, readable};
use crate::case::find::{Find, Value as FindValue, cases_find, items_find};
use crate::case::id::CaseId;
use crate::case::item_counts::{ItemCounts, ItemKind};
use crate::case::record::Case;
use crate::case::search::{CaseFilter, SearchKeys};
use crate::case::sqlite_rows::{self as rows, failed};
use crate::case::work_item::{ItemFilter, ItemId, ItemPlace, WorkItem};
use chrono::DateTime;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};
use std::collections::{BTreeMap, BTreeSet};

/// How many cases are indexed in one transaction, and read in one step.
const STRIDE: usize = 500;

/// Keeps the rows of `case` in the tables as the case is saved.
pub(super) fn put_index(transaction: &Connection, case: &Case) -> Result<(), Error> {
    put_items(transaction, case).map_err(failed)?;
    put_workers(transaction, case).map_err(failed)?;
    let id = case.id.as_str();
    let SearchKeys { nhs_number, surname, date_of_birth, postcode, batch, reference } =
        SearchKeys::of(case);
    let number = nhs_number.map(|number| number.digits().to_string());
    transaction
        .prepare_cached(
            "INSERT INTO case_search
                 (case_id, is_live, nhs_number, surname, date_of_birth, postcode, batch, reference)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (case_id) DO UPDATE SET is_live = ?2, nhs_number = ?3, surname = ?4,
                 date_of_birth = ?5, postcode = ?6, batch = ?7, reference = ?8
             WHERE (is_live, nhs_number, surname, date_of_birth, postcode, batch, reference)
                 IS NOT (?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )
        .and_then(|mut insert| {
            let live = case.is_live();
            let values =
                params![id, live, number, surname, date_of_birth, postcode, batch, reference];
            insert.execute(values)
        })
        .map_err(failed)?;
    Ok(())
}

/// Keeps the rows of the items. Rows that stay as they are, are not written again: many saves change no item.
fn put_items(transaction: &Connection, case: &Case) -> rusqlite::Result<()> {
    let id = case.id.as_str();
    // The last item of a number counts. Numbers are unique unless a program broke them.
    let items: BTreeMap<u32, Row<'_>> = case
        .review
        .iter()
        .filter(|_| case.is_live())
        .map(|item| {
            let (open, state, reason) = (item.is_open(), item.state.as_str(), item.reason.as_str());
            let (opened_at, assignee) =
                (item.opened_at.timestamp_micros(), item.assignee.as_deref());
            (item.number, (open, state, reason, assignee, opened_at, case.nhs_number.is_some()))
        })
        .collect();
    let mut stored = transaction.prepare_cached(
        "SELECT item, is_open, state, reason, assignee, opened_at, has_number FROM case_item
         WHERE case_id = ?1 ORDER BY item",
    )?;
    let mut rows = stored.query([id])?;
    let (mut expected, mut is_same, mut is_any) = (items.iter(), true, false);
    while let Some(row) = rows.next()? {
        is_any = true;
        let read: (u32, bool, String, String, Option<String>, i64, bool) = (
            row.get(0)?,
            row.get(1)?,
            row.get(2)?,
            row.get(3)?,
            row.get(4)?,
            row.get(5)?,
            row.get(6)?,
        );
        let (number, open, state, reason, assignee, at, has_number) = &read;
        let read = (*open, &**state, &**reason, assignee.as_deref(), *at, *has_number);
        is_same &= expected.next() == Some((number, &read));
    }
    if is_same && expected.next().is_none() {
        return Ok(());
    }
    drop(rows);
    if is_any {
        transaction.prepare_cached("DELETE FROM case_item WHERE case_id = ?1")?.execute([id])?;
    }
    let mut insert = transaction.prepare_cached(
        "INSERT INTO case_item
             (case_id, item, is_open, state, reason, assignee, opened_at, has_number)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    for (number, (open, state, reason, assignee, at, has_number)) in items {
        insert.execute(params![id, number, open, state, reason, assignee, at, has_number])?;
    }
    Ok(())
}

/// The columns of an item: whether it is open, its state, reason and assignee, its time, and whether the case has an
/// NHS Number.
type Row<'a> = (bool, &'a str, &'a str, Option<&'a str>, i64, bool);

/// Keeps the rows of the workers to whom the case is allocated.
fn put_workers(transaction: &Connection, case: &Case) -> rusqlite::Result<()> {
    let id = case.id.as_str();
    let workers: BTreeSet<String> = case.current_workers().map(str::to_owned).collect();
    let stored: BTreeSet<String> = transaction
        .prepare_cached("SELECT worker FROM case_worker WHERE case_id = ?1")?
        .query_map([id], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for (these, others, sql) in [
        (&stored, &workers, "DELETE FROM case_worker WHERE case_id = ?1 AND worker = ?2"),
        (&workers, &stored, "INSERT INTO case_worker (case_id, worker) VALUES (?1, ?2)"),
    ] {
        for worker in these.difference(others) {
            transaction.prepare_cached(sql)?.execute([id, worker])?;
        }
    }
    Ok(())
}

/// Whether cases of an older version of the file are not in the tables yet.
pub(super) fn is_pending(connection: &Connection) -> Result<bool, Error> {
    connection
        .prepare_cached("SELECT 1 FROM case_search_pending")
        .and_then(|mut query| query.exists([]))
        .map_err(failed)
}

/// Adds some of the cases that are not in the tables yet. Returns false when all are.
pub(super) fn index_more(transaction: &Connection) -> Result<bool, Error> {
    let after: Option<String> = transaction
        .query_row("SELECT after FROM case_search_pending", [], |row| row.get(0))
        .optional()
        .map_err(failed)?;
    let Some(after) = after else { return Ok(false) };
    let cases = rows::page(transaction, &after, STRIDE)?;
    cases.iter().try_for_each(|case| put_index(transaction, case))?;
    let sql = match cases.last() {
        Some(_) => "UPDATE case_search_pending SET after = ?1",
        None => "DELETE FROM case_search_pending WHERE after <= ?1",
    };
    let after = cases.last().map_or(&*after, |case| case.id.as_str());
    transaction.execute(sql, [after]).map_err(failed)?;
    Ok(!cases.is_empty())
}

/// The items of [`CaseStore::worklist`](crate::case::CaseStore::worklist).
pub(super) fn worklist(
    connection: &Connection,
    filter: &ItemFilter,
    after: Option<&ItemPlace>,
    limit: usize,
) -> Result<Vec<WorkItem>, Error> {
    let find = items_find(filter);
    let (mut items, mut from) = (Vec::new(), after.cloned());
    while items.len() < limit {
        let found = places(&find, connection, from.as_ref(), limit - items.len())?;
        let Some(last) = found.last() else { break };
        for place in &found {
            let case = readable(rows::get(connection, &place.id().case))?;
            let mut of_case = case.iter().flat_map(|case| filter.of(case, after));
            items.extend(of_case.rfind(|item| item.place() == *place));
        }
        from = Some(last.clone());
    }
    Ok(items)
}

/// The question for at most `limit` places from the one after `from`, and its values.
fn places_sql(find: &Find, from: Option<&ItemPlace>, limit: usize) -> (String, Vec<Value>) {
    let mut asked = Asked::new(find);
    if let Some(from) = from {
        let at = asked.bind(from.opened_at().timestamp_micros());
        let case = asked.bind(from.id().case.as_str().to_owned());
        let item = asked.bind(i64::from(from.id().item));
        asked.conditions.push(format!("(opened_at, case_id, item) > (?{at}, ?{case}, ?{item})"));
    }
    let columns = "opened_at, case_id, item";
    (asked.sql(columns, limit), asked.values)
}

/// The places of at most `limit` items, from the one after `from`.
fn places(
    find: &Find,
    connection: &Connection,
    from: Option<&ItemPlace>,
    limit: usize,
) -> Result<Vec<ItemPlace>, Error> {
    let (sql, values) = places_sql(find, from, limit);
    let mut query = connection.prepare_cached(&sql).map_err(failed)?;
    let found = query
        .query_map(params_from_iter(values), |row| {
            Ok((row.get::<_, i64>(0)?, rows::text(row, 1), row.get::<_, u32>(2)?))
        })
        .map_err(failed)?;
    let place = |(at, case, item): (i64, Option<String>, u32)| {
        let id = ItemId::new(case?.parse().ok()?, item);
        Some(ItemPlace::new(DateTime::from_timestamp_micros(at)?, id))
    };
    found.filter_map(|row| row.map(place).map_err(failed).transpose()).collect()
}

/// The counts of [`CaseStore::item_counts`](crate::case::CaseStore::item_counts).
pub(super) fn item_counts(
    connection: &Connection,
    assignee: &str,
    workers: Option<&[String]>,
) -> Result<ItemCounts, Error> {
    let mut counts = ItemCounts::default();
    let (kinds, assigned, values) = match workers {
        None => (
            "SELECT state, reason, has_number, is_assigned, n FROM case_item_count WHERE n > 0",
            "SELECT count(*) FROM case_item INDEXED BY case_item_by_assignee
             WHERE assignee = ?1 AND is_open = 1",
            Vec::new(),
        ),
        // The names are joined to few cases, whose rows are read by the primary key.
        Some(workers) => (
            "SELECT state, reason, has_number, assignee IS NOT NULL, count(*) FROM case_item
             WHERE +is_open = 1 AND case_id IN (SELECT case_id FROM case_worker
                 WHERE worker IN (SELECT value FROM json_each(?1)))
             GROUP BY 1, 2, 3, 4",
            "SELECT count(*) FROM case_item WHERE +is_open = 1 AND +assignee = ?1
             AND case_id IN (SELECT case_id FROM case_worker
                 WHERE worker IN (SELECT value FROM json_each(?2)))",
            vec![names(workers)],
        ),
    };
    let mut query = connection.prepare_cached(kinds).map_err(failed)?;
    let mut found = query.query(params_from_iter(&values)).map_err(failed)?;
    while let Some(row) = found.next().map_err(failed)? {
        let read = || -> rusqlite::Result<(String, String, bool, bool, i64)> {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
        };
        let (state, reason, has_number, is_assigned, n) = read().map_err(failed)?;
        if let Some(kind) = ItemKind::read(&state, &reason, has_number, is_assigned) {
            counts.add(kind, n.unsigned_abs());
        }
    }
    let values = [Value::from(assignee.to_owned())].into_iter().chain(values);
    let mut query = connection.prepare_cached(assigned).map_err(failed)?;
    let assigned: i64 =
        query.query_row(params_from_iter(values), |row| row.get(0)).map_err(failed)?;
    counts.assigned = assigned.unsigned_abs();
    Ok(counts)
}

/// Names as one value, an array in JSON.
fn names(workers: &[String]) -> Value {
    Value::from(serde_json::Value::from(workers).to_string())
}

/// The cases of [`CaseStore::search`](crate::case::CaseStore::search).
pub(super) fn search(
    connection: &Connection,
    filter: &CaseFilter,
    after: Option<&CaseId>,
    limit: usize,
) -> Result<Vec<Case>, Error> {
    let find = cases_find(filter);
    let mut cases = Vec::new();
    let mut from = after.map(|after| after.as_str().to_owned());
    while cases.len() < limit {
        let found = ids(&find, connection, from.as_deref(), limit - cases.len())?;
        let Some(last) = found.last() else { break };
        for id in &found {
            cases.extend(readable(rows::get(connection, id))?.filter(|case| filter.matches(case)));
        }
        from = Some(last.as_str().to_owned());
    }
    Ok(cases)
}

/// A question: its conditions, and their values.
struct Asked<'a> {
    find: &'a Find,
    conditions: Vec<String>,
    values: Vec<Value>,
}

impl<'a> Asked<'a> {
    fn new(find: &'a Find) -> Self {
        let mut asked = Self { find, conditions: Vec::new(), values: Vec::new() };
        // The cases of a worker are read by the primary key: `+` keeps a column from selecting an index.
        let has_workers = |(_, value): &(_, FindValue)| matches!(value, FindValue::Workers(_));
        let sign = if find.conditions.iter().any(has_workers) { "+" } else { "" };
        for (condition, value) in &find.conditions {
            let value = match value {
                FindValue::Flag(flag) => Value::from(i64::from(*flag)),
                FindValue::Id(text) | FindValue::Text(text) => Value::from(text.clone()),
                FindValue::Workers(workers) => {
                    let at = asked.bind(names(workers));
                    asked.conditions.push(format!(
                        "{condition} IN (SELECT case_id FROM case_worker
                             WHERE worker IN (SELECT value FROM json_each(?{at})))"
                    ));
                    continue;
                }
                FindValue::Nothing => {
                    asked.conditions.push(format!("{sign}{condition}"));
                    continue;
                }
            };
            let at = asked.bind(value);
            asked.conditions.push(format!("{sign}{condition} ?{at}"));
        }
        asked
    }

    /// Binds a value, and returns its number.
    fn bind(&mut self, value: impl Into<Value>) -> usize {
        self.values.push(value.into());
        self.values.len()
    }

    /// The text of the question for at most `limit` rows, in the order of their columns.
    fn sql(&mut self, columns: &str, limit: usize) -> String {
        let last = self.bind(i64::try_from(limit.min(STRIDE)).unwrap_or(i64::MAX));
        let Find { table, index, .. } = self.find;
        let index = if index.is_empty() { String::new() } else { format!("INDEXED BY {index}") };
        let conditions = &self.conditions;
        let conditions =
            if conditions.is_empty() { "1".to_owned() } else { conditions.join(" AND ") };
        format!(
            "SELECT {columns} FROM {table} {index} WHERE {conditions} ORDER BY {columns} LIMIT ?{last}"
        )
    }
}

/// The question for at most `limit` ids from the one after `from`, and its values.
fn ids_sql(find: &Find, from: Option<&str>, limit: usize) -> (String, Vec<Value>) {
    let mut asked = Asked::new(find);
    if let Some(from) = from {
        let at = asked.bind(from.to_owned());
        asked.conditions.push(format!("case_id > ?{at}"));
    }
    (asked.sql("case_id", limit), asked.values)
}

/// At most `limit` ids in ascending order, from the one after `from`.
fn ids(
    find: &Find,
    connection: &Connection,
    from: Option<&str>,
    limit: usize,
) -> Result<Vec<CaseId>, Error> {
    let (sql, values) = ids_sql(find, from, limit);
    let mut query = connection.prepare_cached(&sql).map_err(failed)?;
    let ids = query
        .query_map(params_from_iter(values), |row| Ok(rows::text(row, 0).unwrap_or_default()))
        .map_err(failed)?;
    ids.filter_map(|id| id.map(|id| id.parse().ok()).map_err(failed).transpose()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::deletion::{Deletion, DeletionKind};
    use crate::case::memory::MemoryStore;
    use crate::case::number::{NumberSource, RecordedNumber};
    use crate::case::record::Allocation;
    use crate::case::record_type::RecordType;
    use crate::case::review::{Evidence, ReviewReason, ReviewState};
    use crate::case::sqlite::SqliteStore;
    use crate::case::store::{CaseStore, Change};
    use crate::case::stored::{document, number};
    use crate::nhs_number::NhsNumber;
    use crate::store::sqlite::MIGRATIONS;
    use chrono::TimeDelta;
    use std::path::Path;

    /// Numbers that look random.
    struct Dice(u64);

    impl Dice {
        fn roll(&mut self, below: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            usize::try_from(self.0 >> 33).unwrap() % below
        }

        fn pick<T: Copy>(&mut self, from: &[T]) -> T {
            from[self.roll(from.len())]
        }

        fn is(&mut self) -> bool {
            self.roll(2) == 0
        }
    }

    const STATES: [ReviewState; 3] =
        [ReviewState::Open, ReviewState::WithGp, ReviewState::Resolved];
    const REASONS: [ReviewReason; 2] = [ReviewReason::NoMatch, ReviewReason::Conflict];
    const NAMES: [&str; 4] = ["Smith", "Sm\u{ed}th-Jones", "O'Smith", ""];
    const BIRTHS: [&str; 3] = ["1943", "1943-05", "1943-05-19"];
    const POSTCODES: [&str; 3] = ["LS1 4HY", "ls14hy", "?"];

    const WORKERS: [&str; 3] = ["ann", "bob", "Team \"1\""];

    fn opened(dice: &mut Dice) -> DateTime<chrono::Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::nanoseconds(dice.roll(4_000) as i64)
    }

    fn any_case(id: usize, version: u64, dice: &mut Dice) -> Case {
        let mut case = Case::new(format!("{id}").parse().unwrap(), RecordType::Review);
        case.version = version;
        case.surname = dice.is().then(|| dice.pick(&NAMES).into());
        case.date_of_birth = dice.is().then(|| dice.pick(&BIRTHS).parse().unwrap());
        case.postcode = dice.is().then(|| dice.pick(&POSTCODES).into());
        for _ in 0..dice.roll(4) {
            case.open_item(dice.pick(&REASONS), &Evidence::default(), DateTime::UNIX_EPOCH);
        }
        if dice.is() {
            let number = NhsNumber::constant(9_434_765_919);
            case.nhs_number = Some(RecordedNumber::new(number, NumberSource::Imported(None)));
        }
        for _ in 0..dice.roll(3) {
            case.allocations.push(Allocation::new(dice.pick(&WORKERS)));
        }
        for item in &mut case.review {
            item.opened_at = opened(dice);
            item.state = dice.pick(&STATES);
            item.assignee = dice.is().then(|| dice.pick(&["u1", "u2"]).into());
        }
        if dice.roll(5) == 0 {
            case.deleted = Some(Deletion::new(DateTime::UNIX_EPOCH, "u1", DeletionKind::Logical));
        }
        case
    }

    fn any_items(dice: &mut Dice) -> ItemFilter {
        let mut filter = ItemFilter::default();
        if dice.is() {
            filter = filter.with_state(dice.pick(&STATES));
        }
        if dice.is() {
            filter = filter.with_reason(dice.pick(&REASONS));
        }
        if dice.roll(3) == 0 {
            filter = filter.unassigned();
        }
        if dice.roll(3) == 0 {
            filter = filter.without_nhs_number();
        }
        if dice.roll(3) == 0 {
            filter = filter.with_workers(any_workers(dice));
        }
        if dice.is() { filter.with_assignee("u1") } else { filter }
    }

    fn any_workers(dice: &mut Dice) -> Vec<String> {
        (0..dice.roll(3)).map(|_| dice.pick(&WORKERS).to_owned()).collect()
    }

    fn any_filter(dice: &mut Dice) -> CaseFilter {
        let mut filter = CaseFilter::default();
        if dice.is() {
            filter = filter.with_surname(dice.pick(&["s", "SMITH", "o", "smith j"]));
        }
        if dice.is() {
            filter = filter.with_date_of_birth(dice.pick(&BIRTHS).parse().unwrap());
        }
        if dice.is() {
            filter = filter.with_postcode(dice.pick(&POSTCODES));
        }
        if dice.roll(5) == 0 {
            filter = filter.with_id(dice.roll(30).to_string().parse().unwrap());
        }
        if dice.roll(3) == 0 {
            filter = filter.without_nhs_number();
        }
        if dice.roll(3) == 0 {
            filter = filter.with_workers(any_workers(dice));
        }
        if dice.is() { filter.with_inactive() } else { filter }
    }

    /// Whether both stores answer the same.
    async fn agree(sqlite: &SqliteStore, memory: &MemoryStore, dice: &mut Dice) {
        for _ in 0..80 {
            let (filter, limit) = (any_items(dice), dice.roll(6));
            let after = ItemId::new(dice.roll(30).to_string().parse().unwrap(), 1);
            let after = ItemPlace::new(opened(dice), after);
            let after = dice.is().then_some(&after);
            let (a, b) = tokio::join!(
                sqlite.worklist(&filter, after, limit),
                memory.worklist(&filter, after, limit)
            );
            assert!(a.unwrap() == b.unwrap());
            let workers = dice.is().then(|| any_workers(dice));
            let (a, b) = tokio::join!(
                sqlite.item_counts("u1", workers.as_deref()),
                memory.item_counts("u1", workers.as_deref())
            );
            assert_eq!(a.unwrap(), b.unwrap());
            let (filter, limit) = (any_filter(dice), dice.roll(6));
            let after = dice.roll(30).to_string().parse().unwrap();
            let after = dice.is().then_some(&after);
            let (a, b) = tokio::join!(
                sqlite.search(&filter, after, limit),
                memory.search(&filter, after, limit)
            );
            assert!(a.unwrap() == b.unwrap());
        }
    }

    async fn both(sqlite: &SqliteStore, memory: &MemoryStore, change: Change) {
        sqlite.save_all(vec![change.clone()]).await.unwrap();
        memory.save_all(vec![change]).await.unwrap();
    }

    #[tokio::test]
    async fn pages_are_those_of_the_store_in_memory() {
        for seed in 0..12 {
            let dice = &mut Dice(seed);
            let (sqlite, memory) = (SqliteStore::open_in_memory().unwrap(), MemoryStore::new());
            for version in 0..3 {
                for id in 0..25 {
                    let change = Change::new(any_case(id, version, dice));
                    both(&sqlite, &memory, change).await;
                }
                agree(&sqlite, &memory, dice).await;
            }
        }
    }

    #[tokio::test]
    async fn a_file_of_an_older_version_is_searched_too() {
        opens_a_file_of(7).await;
        opens_a_file_of(8).await;
    }

    async fn opens_a_file_of(version: usize) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cases.db");
        let (memory, dice) = (MemoryStore::new(), &mut Dice(7));
        let old = Connection::open(&path).unwrap();
        MIGRATIONS[..version].iter().for_each(|migration| old.execute_batch(migration).unwrap());
        old.pragma_update(None, "user_version", version as i64).unwrap();
        old.execute_batch("BEGIN").unwrap();
        for id in 0..STRIDE + 20 {
            let case = any_case(id, 0, dice);
            memory.insert_all(vec![case.clone()]).await.unwrap();
            let stored = memory.get(&case.id).await.unwrap().unwrap();
            let json = document(&stored).unwrap();
            let values = params![case.id.as_str(), number(&case), json];
            let insert = "INSERT INTO cases (case_id, version, nhs_number, document)
                 VALUES (?1, 1, ?2, ?3)";
            old.execute(insert, values).unwrap();
        }
        old.execute_batch("COMMIT").unwrap();
        drop(old);
        let sqlite = SqliteStore::open(&path).unwrap();
        // A change before the first search stays.
        both(&sqlite, &memory, Change::new(any_case(3, 1, dice))).await;
        agree(&sqlite, &memory, dice).await;
        let left: i64 = count(&path, "SELECT count(*) FROM case_search_pending");
        assert_eq!(left, 0, "it is done once");
    }

    fn count(path: &Path, sql: &str) -> i64 {
        Connection::open(path).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    #[tokio::test]
    async fn an_erased_case_leaves_nothing_in_the_tables() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cases.db");
        let store = SqliteStore::open(&path).unwrap();
        let mut case = Case::new("1".parse().unwrap(), RecordType::Review);
        case.surname = Some("Quentinsson".into());
        case.open_item(ReviewReason::NoMatch, &Evidence::default(), DateTime::UNIX_EPOCH);
        store.insert_all(vec![case.clone()]).await.unwrap();
        let rows = "SELECT count(*) FROM case_search WHERE surname = 'QUENTINSSON'";
        let items = "SELECT count(*) FROM case_item";
        assert_eq!((count(&path, rows), count(&path, items)), (1, 1));
        let mut erased = Case::new("1".parse().unwrap(), RecordType::Review);
        erased.version = 1;
        erased.deleted = Some(Deletion::new(DateTime::UNIX_EPOCH, "u1", DeletionKind::Erased));
        store.erase(erased).await.unwrap();
        assert_eq!((count(&path, rows), count(&path, items)), (0, 0));
        drop(store);
        for file in std::fs::read_dir(folder.path()).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            let has = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
            assert!(!has(b"QUENTINSSON") && !has(b"Quentinsson"));
        }
    }

    #[tokio::test]
    async fn a_damaged_case_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cases.db");
        let store = SqliteStore::open(&path).unwrap();
        for id in ["1", "2", "3"] {
            let mut case = Case::new(id.parse().unwrap(), RecordType::Review);
            case.open_item(ReviewReason::NoMatch, &Evidence::default(), DateTime::UNIX_EPOCH);
            store.insert_all(vec![case]).await.unwrap();
        }
        let other = Connection::open(&path).unwrap();
        other.execute("UPDATE cases SET document = '{' WHERE case_id = '2'", []).unwrap();
        let items = store.worklist(&ItemFilter::default(), None, 2).await.unwrap();
        let ids: Vec<_> = items.iter().map(|item| item.id.case.as_str()).collect();
        assert_eq!(ids, ["1", "3"]);
        let found = store.search(&CaseFilter::default(), None, 2).await.unwrap();
        let ids: Vec<_> = found.iter().map(|case| case.id.as_str()).collect();
        assert_eq!(ids, ["1", "3"]);
    }

    /// How SQLite answers a question.
    fn explained(store: &SqliteStore, sql: &str, values: Vec<Value>) -> Vec<String> {
        store.with(|connection| {
            let mut query = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let lines = query.query_map(params_from_iter(values), |row| row.get(3)).unwrap();
            lines.map(Result::unwrap).collect()
        })
    }

    /// A batch may have half a million cases, and each page of them would read and sort all.
    #[tokio::test]
    async fn the_cases_of_a_batch_are_found_in_their_order() {
        let store = SqliteStore::open_in_memory().unwrap();
        for filter in [CaseFilter::default(), CaseFilter::default().with_inactive()] {
            for filter in [filter.clone().with_batch("A"), filter.with_reference("r-1")] {
                let (sql, values) = ids_sql(&cases_find(&filter), Some("1"), 9);
                let lines = explained(&store, &sql, values);
                let is_direct = |line: &String| line.contains("USING") && line.contains("INDEX");
                assert!(lines.iter().any(is_direct), "{lines:?}");
                assert!(!lines.iter().any(|line| line.contains("FOR ORDER BY")), "{lines:?}");
            }
        }
    }

    /// Each question to the tables uses an index, so a page does not read all cases.
    #[tokio::test]
    async fn no_question_reads_a_whole_table() {
        let store = SqliteStore::open_in_memory().unwrap();
        let dice = &mut Dice(1);
        let mut plans = Vec::new();
        for _ in 0..60 {
            let (items, cases) = (any_items(dice), any_filter(dice));
            let sorts = items.workers().is_some();
            let from = ItemPlace::new(DateTime::UNIX_EPOCH, ItemId::new("1".parse().unwrap(), 1));
            for (sorts, (sql, values)) in [
                (sorts, places_sql(&items_find(&items), Some(&from), 9)),
                (false, ids_sql(&cases_find(&cases), Some("1"), 9)),
            ] {
                let lines = explained(&store, &sql, values);
                // Only the few items of a worker are sorted after they were read.
                let is_sorted = lines.iter().any(|line| line.contains("FOR ORDER BY"));
                assert!(sorts || !is_sorted || sql.contains("case_search"), "{sql}: {lines:?}");
                plans.extend(lines);
            }
        }
        // The names of workers are values of the question.
        plans.retain(|line| !line.contains("json_each"));
        let scans: Vec<_> = plans.iter().filter(|line| line.starts_with("SCAN")).collect();
        assert!(scans.is_empty(), "{scans:?}");
        assert!(plans.len() >= 120, "{}", plans.len());
    }
}
