//! All rows of a file and of a tenant, in a form in which they can be compared.

use super::support::{Database, Sql};
use rusqlite::Connection;
use std::collections::BTreeMap;

/// The tables, their columns, and their order. `hex` of a column is its bytes. What belongs to one database is left out.
const TABLES: [(&str, &str, &str, &str); 10] = [
    ("cases", "case_id, version, nhs_number, hex document", "case_id", "1 = 1"),
    ("case_due", "case_id, priority, at, to_review", "case_id", "owner = ''"),
    (
        "case_item",
        "case_id, item, is_open, state, reason, assignee, opened_at, has_number",
        "case_id, item",
        "1 = 1",
    ),
    ("case_worker", "case_id, worker", "case_id, worker", "1 = 1"),
    (
        "case_search",
        "case_id, is_live, nhs_number, surname, date_of_birth, postcode",
        "case_id",
        "1 = 1",
    ),
    (
        "audit_event",
        "seq, hex prev_hash, hex hash, at, hex kind, hex user_id, hex user_name, hex role, hex organisation, \
         hex authority, hex device, hex message_id, hex details, hex subject, hex sealed",
        "seq",
        "seq <= HEAD",
    ),
    ("audit_subject", "hex subject, hex key, case_id, person", "subject", "1 = 1"),
    ("audit_subject_number", "number, hex subject", "number, subject", "1 = 1"),
    ("alert", "hex id, hex document", "number", "1 = 1"),
    (
        "setting",
        "name, version, hex value",
        "name",
        "name NOT LIKE 'moved%' AND name NOT LIKE 'status%' AND name <> 'workers'",
    ),
];

/// The rows of each table, as text.
pub(super) type Rows = BTreeMap<&'static str, Vec<Vec<String>>>;

/// The number of the last event.
pub(super) fn head(file: &str) -> u64 {
    let file = Connection::open(file).unwrap();
    let head: i64 = file.query_row("SELECT seq FROM audit_anchor", [], |row| row.get(0)).unwrap();
    head.unsigned_abs()
}

/// The rows of a file, with the events up to `head`.
pub(super) fn of_file(file: &str, head: u64) -> Rows {
    let file = Connection::open(file).unwrap();
    let rows = |(table, columns, order, condition): (_, &str, _, &str)| {
        let columns: Vec<String> = columns
            .split(", ")
            .map(|column| match column.strip_prefix("hex ") {
                Some(column) => format!("lower(hex({column}))"),
                None => format!("coalesce({column}, '')"),
            })
            .collect();
        let condition = condition.replace("HEAD", &head.to_string());
        let columns = columns.join(" || '|' || ");
        let sql = format!("SELECT {columns} FROM {table} WHERE {condition} ORDER BY {order}");
        let mut query = file.prepare(&sql).unwrap();
        let found = query.query_map([], |row| row.get::<_, String>(0)).unwrap();
        let rows = found.map(|row| row.unwrap().split('|').map(str::to_owned).collect());
        (table, rows.collect())
    };
    TABLES.into_iter().map(rows).collect()
}

/// The rows of a tenant, with the events up to `head`.
pub(super) fn of_tenant(database: &Database, tenant: &str, head: u64) -> Rows {
    let sql = Sql::connect(&database.superuser().parse().unwrap());
    let tenant = format!("(SELECT tenant FROM nhs_pds.tenant WHERE name = '{tenant}')");
    let rows = |(table, columns, order, condition): (_, &str, _, &str)| {
        let columns: Vec<String> = columns
            .split(", ")
            .map(|column| match column.strip_prefix("hex ") {
                Some(column @ ("document" | "id")) => {
                    format!("encode(convert_to({column}, 'UTF8'), 'hex')")
                }
                Some(column) => format!("encode({column}, 'hex')"),
                None if ["is_", "to_", "has_"].iter().any(|start| column.starts_with(start)) => {
                    format!("{column}::integer")
                }
                None => column.to_owned(),
            })
            .collect();
        let condition = condition.replace("HEAD", &head.to_string());
        let columns = columns.join(", ");
        let sql_text = format!(
            "SELECT {columns} FROM nhs_pds.{table} WHERE tenant = {tenant} AND {condition} ORDER BY {order}"
        );
        (table, sql.rows(&sql_text))
    };
    TABLES.into_iter().map(rows).collect()
}

/// Compares without printing the rows, which would be too many.
pub(super) fn assert_equal(ours: &Rows, theirs: &Rows, what: &str) {
    for (table, ours) in ours {
        let theirs = &theirs[table];
        assert_eq!(ours.len(), theirs.len(), "{what}: rows of {table}");
        let differs = ours.iter().zip(theirs).find(|(ours, theirs)| ours != theirs);
        assert_eq!(differs, None, "{what}: {table}");
    }
}
