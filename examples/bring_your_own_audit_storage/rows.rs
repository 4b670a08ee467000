//! The SQL that reads.

use nhs_pds::audit::{Filter, Row, StoredRow, SubjectName, Value};
use nhs_pds::nhs_number::NhsNumber;
use rusqlite::types::{Value as Sql, ValueRef};
use rusqlite::{Connection, Result, params_from_iter};

/// The row and its subject's key, owner and numbers. A storage may ignore the other conditions of
/// a filter: the trail checks all of them.
pub(crate) fn rows(
    sql: &Connection,
    filter: &Filter,
    from: i64,
    limit: usize,
) -> Result<Vec<StoredRow>> {
    let mut query = "SELECT event.*, subject.secret, subject.owner,
            (SELECT group_concat(number) FROM number WHERE number.name = event.subject)
        FROM event LEFT JOIN subject ON subject.name = event.subject WHERE event.seq >= ?"
        .to_owned();
    let mut values = vec![Sql::Integer(from)];
    if let Some(case) = filter.case() {
        query.push_str(" AND subject.owner = 'case:' || ?");
        values.push(case.as_str().to_owned().into());
    }
    if let Some(number) = filter.number() {
        query.push_str(" AND event.subject IN (SELECT name FROM number WHERE number = ?)");
        values.push(number.digits().to_string().into());
    }
    if let Some(kind) = filter.kind() {
        query.push_str(" AND event.kind = ?");
        values.push(kind.as_str().to_owned().into());
    }
    query.push_str(" ORDER BY event.seq LIMIT ?");
    values.push(Sql::Integer(limit.try_into().unwrap_or(i64::MAX)));
    let mut query = sql.prepare(&query)?;
    let found = query.query_map(params_from_iter(values), stored)?;
    found.collect()
}

fn stored(row: &rusqlite::Row<'_>) -> Result<StoredRow> {
    let mut values = [const { Value::Null }; 15];
    for (column, value) in values.iter_mut().enumerate() {
        *value = match row.get_ref(column)? {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(number) => Value::Integer(number),
            ValueRef::Real(number) => Value::Real(number),
            ValueRef::Text(text) => Value::Text(text.to_vec()),
            ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
        };
    }
    let stored =
        StoredRow::new(Row::from_values(values).map_err(|_| rusqlite::Error::InvalidQuery)?);
    let (key, owner): (Option<Vec<u8>>, Option<String>) = (row.get(15)?, row.get(16)?);
    let Some(key) = key else { return Ok(stored) };
    let numbers: Option<String> = row.get(17)?;
    let numbers = numbers.iter().flat_map(|numbers| numbers.split(','));
    let numbers = numbers.filter_map(|number| number.parse::<NhsNumber>().ok());
    Ok(stored.with_key(&key, owner.and_then(|owner| owner.parse().ok()), numbers))
}

pub(crate) fn erased(sql: &Connection, names: &[SubjectName]) -> Result<Vec<SubjectName>> {
    let mut query =
        sql.prepare("SELECT 1 FROM event WHERE subject = ?1 AND kind = 'case_erased'")?;
    let mut found = Vec::new();
    for name in names {
        if query.exists([name.as_bytes()])? {
            found.push(*name);
        }
    }
    Ok(found)
}
