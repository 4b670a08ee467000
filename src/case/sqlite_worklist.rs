//! Finds cases and review items for screens, by the tables that each save keeps.
//!
//! The tables only say which cases to read. What is returned is decided by the documents, so a row that
//! does not agree with its document cannot show anything wrong.

use crate::case::error::{Error, readable};
use crate::case::find::{Find, Value as FindValue, cases_find, items_find};
use crate::case::id::CaseId;
use crate::case::record::Case;
use crate::case::search::{CaseFilter, SearchKeys};
use crate::case::sqlite_rows::{self as rows, failed};
use crate::case::work_item::{ItemFilter, ItemId, WorkItem};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};

/// How many cases are indexed in one transaction, and read in one step.
const STRIDE: usize = 500;

/// Keeps the rows of `case` in the tables as the case is saved.
pub(super) fn put_index(transaction: &Connection, case: &Case) -> Result<(), Error> {
    let id = case.id.as_str();
    transaction
        .prepare_cached("DELETE FROM case_item WHERE case_id = ?1")
        .and_then(|mut delete| delete.execute([id]))
        .map_err(failed)?;
    for item in case.review.iter().filter(|_| case.is_live()) {
        transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO case_item (case_id, item, is_open, state, reason, assignee)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )
            .and_then(|mut insert| {
                let (state, reason) = (item.state.as_str(), item.reason.as_str());
                insert.execute(params![
                    id,
                    item.number,
                    item.is_open(),
                    state,
                    reason,
                    item.assignee
                ])
            })
            .map_err(failed)?;
    }
    let SearchKeys { nhs_number, surname, date_of_birth, postcode } = SearchKeys::of(case);
    let number = nhs_number.map(|number| number.digits().to_string());
    transaction
        .prepare_cached(
            "INSERT INTO case_search (case_id, is_live, nhs_number, surname, date_of_birth, postcode)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (case_id) DO UPDATE SET is_live = ?2, nhs_number = ?3, surname = ?4,
                 date_of_birth = ?5, postcode = ?6
             WHERE (is_live, nhs_number, surname, date_of_birth, postcode)
                 IS NOT (?2, ?3, ?4, ?5, ?6)",
        )
        .and_then(|mut insert| {
            insert.execute(params![id, case.is_live(), number, surname, date_of_birth, postcode])
        })
        .map_err(failed)?;
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
    after: Option<&ItemId>,
    limit: usize,
) -> Result<Vec<WorkItem>, Error> {
    let find = items_find(filter);
    let mut items = Vec::new();
    // The case of `after` may have more items.
    let mut from = after.map(|after| after.case.as_str().to_owned());
    let mut compare = "case_id >=";
    while items.len() < limit {
        let found = ids(&find, connection, compare, from.as_deref(), limit)?;
        let Some(last) = found.last() else { break };
        for id in &found {
            let case = readable(rows::get(connection, id))?;
            let more = case.iter().flat_map(|case| filter.of(case, after));
            items.extend(more.take(limit - items.len()));
        }
        (from, compare) = (Some(last.as_str().to_owned()), "case_id >");
    }
    Ok(items)
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
        let found = ids(&find, connection, "case_id >", from.as_deref(), limit - cases.len())?;
        let Some(last) = found.last() else { break };
        for id in &found {
            cases.extend(readable(rows::get(connection, id))?.filter(|case| filter.matches(case)));
        }
        from = Some(last.as_str().to_owned());
    }
    Ok(cases)
}

/// The text of the question for at most `limit` ids from `from` on, and its values.
fn sql(find: &Find, compare: &str, from: Option<&str>, limit: usize) -> (String, Vec<Value>) {
    let bound = |value: &FindValue| match value {
        FindValue::Flag(flag) => Value::from(i64::from(*flag)),
        FindValue::Id(text) | FindValue::Text(text) => Value::from(text.clone()),
    };
    let (mut conditions, mut values) = (Vec::new(), Vec::new());
    for (condition, value) in &find.conditions {
        values.push(bound(value));
        conditions.push(format!("{condition} ?{}", values.len()));
    }
    if let Some(from) = from {
        values.push(Value::from(from.to_owned()));
        conditions.push(format!("{compare} ?{}", values.len()));
    }
    values.push(Value::from(i64::try_from(limit.min(STRIDE)).unwrap_or(i64::MAX)));
    let Find { table, column, index, .. } = find;
    let index = if index.is_empty() { String::new() } else { format!("INDEXED BY {index}") };
    let conditions = if conditions.is_empty() { "1".to_owned() } else { conditions.join(" AND ") };
    let last = values.len();
    let sql = format!(
        "SELECT {column} FROM {table} {index} WHERE {conditions} ORDER BY case_id LIMIT ?{last}"
    );
    (sql, values)
}

/// At most `limit` ids in ascending order, from `from` on.
fn ids(
    find: &Find,
    connection: &Connection,
    compare: &str,
    from: Option<&str>,
    limit: usize,
) -> Result<Vec<CaseId>, Error> {
    let (sql, values) = sql(find, compare, from, limit);
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
    use crate::case::record_type::RecordType;
    use crate::case::review::{Evidence, ReviewReason, ReviewState};
    use crate::case::sqlite::SqliteStore;
    use crate::case::store::{CaseStore, Change};
    use crate::case::stored::document;
    use crate::store::sqlite::MIGRATIONS;
    use chrono::DateTime;
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

    fn any_case(id: usize, version: u64, dice: &mut Dice) -> Case {
        let mut case = Case::new(format!("{id}").parse().unwrap(), RecordType::Review);
        case.version = version;
        case.surname = dice.is().then(|| dice.pick(&NAMES).into());
        case.date_of_birth = dice.is().then(|| dice.pick(&BIRTHS).parse().unwrap());
        case.postcode = dice.is().then(|| dice.pick(&POSTCODES).into());
        for _ in 0..dice.roll(4) {
            case.open_item(dice.pick(&REASONS), &Evidence::default(), DateTime::UNIX_EPOCH);
        }
        for item in &mut case.review {
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
        if dice.is() { filter.with_assignee("u1") } else { filter }
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
        if dice.is() { filter.with_inactive() } else { filter }
    }

    /// Whether both stores answer the same.
    async fn agree(sqlite: &SqliteStore, memory: &MemoryStore, dice: &mut Dice) {
        for _ in 0..40 {
            let (filter, limit) = (any_items(dice), dice.roll(6));
            let after = ItemId::new(dice.roll(30).to_string().parse().unwrap(), 1);
            let after = dice.is().then_some(&after);
            let (a, b) = tokio::join!(
                sqlite.worklist(&filter, after, limit),
                memory.worklist(&filter, after, limit)
            );
            assert!(a.unwrap() == b.unwrap());
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
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cases.db");
        let (memory, dice) = (MemoryStore::new(), &mut Dice(7));
        let old = Connection::open(&path).unwrap();
        MIGRATIONS[..7].iter().for_each(|migration| old.execute_batch(migration).unwrap());
        old.pragma_update(None, "user_version", 7).unwrap();
        old.execute_batch("BEGIN").unwrap();
        for id in 0..STRIDE + 20 {
            let case = any_case(id, 0, dice);
            memory.insert_all(vec![case.clone()]).await.unwrap();
            let stored = memory.get(&case.id).await.unwrap().unwrap();
            let json = document(&stored).unwrap();
            let values = params![case.id.as_str(), json];
            let insert = "INSERT INTO cases (case_id, version, document) VALUES (?1, 1, ?2)";
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

    /// Each question to the tables uses an index, so a page does not read all cases.
    #[tokio::test]
    async fn no_question_reads_a_whole_table() {
        let store = SqliteStore::open_in_memory().unwrap();
        let dice = &mut Dice(1);
        let mut plans = Vec::new();
        for _ in 0..60 {
            let (items, cases) = (items_find(&any_items(dice)), cases_find(&any_filter(dice)));
            for find in [items, cases] {
                let (sql, values) = sql(&find, "case_id >", Some("1"), 9);
                let lines: Vec<String> = store.with(|connection| {
                    let mut query =
                        connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
                    let lines =
                        query.query_map(params_from_iter(values), |row| row.get(3)).unwrap();
                    lines.map(Result::unwrap).collect()
                });
                plans.extend(lines);
            }
        }
        let scans: Vec<_> = plans.iter().filter(|line| line.starts_with("SCAN")).collect();
        assert!(scans.is_empty(), "{scans:?}");
        assert!(plans.len() >= 120, "{}", plans.len());
    }
}
