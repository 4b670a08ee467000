//! Reads and writes the tables of the audit trail in PostgreSQL. Each column has one type, so a value of it comes back
//! with its type and bytes. Texts are columns of bytes: a text of PostgreSQL cannot contain every character.

use crate::audit::anchor::Anchor;
use crate::audit::batch::{Basis, Batch, NewSubject};
use crate::audit::entry::Entry;
use crate::audit::error::{Error, ErrorKind};
use crate::audit::filter::Filter;
use crate::audit::kind::EventKind;
use crate::audit::owner::{Owner, SubjectName};
use crate::audit::row::Row;
use crate::audit::storage::{Span, StoredRow};
use crate::audit::value::Value;
use crate::nhs_number::NhsNumber;
use crate::postgres::{self, Tx};
use tokio_postgres::types::ToSql;

/// The type of a column.
#[derive(Clone, Copy)]
enum Kind {
    Integer,
    Blob,
    Text,
}

/// The types of [`Row::COLUMNS`].
const KINDS: [Kind; 15] = [
    Kind::Integer,
    Kind::Blob,
    Kind::Blob,
    Kind::Integer,
    Kind::Text,
    Kind::Text,
    Kind::Text,
    Kind::Text,
    Kind::Text,
    Kind::Text,
    Kind::Text,
    Kind::Text,
    Kind::Text,
    Kind::Blob,
    Kind::Blob,
];

/// How many bytes of a text the columns have that rows are found by.
const KEY: usize = 100;

/// The columns of a row and of its key; conditions are added to this query.
const SELECT: &str =
    "SELECT e.seq, e.prev_hash, e.hash, e.at, e.kind, e.user_id, e.user_name, e.role,
        e.organisation, e.authority, e.device, e.message_id, e.details, e.subject, e.sealed,
        s.key, s.case_id, s.person,
        (SELECT string_agg(number, ',') FROM nhs_pds.audit_subject_number n WHERE n.subject = e.subject)
     FROM nhs_pds.audit_event e LEFT JOIN nhs_pds.audit_subject s ON s.subject = e.subject";

/// Conditions on rows, and the values bound to them.
struct Conditions {
    sql: String,
    values: Vec<Box<dyn ToSql + Sync + Send>>,
}

impl Conditions {
    fn new(filter: &Filter, from: i64, is_in: &str) -> Self {
        let mut all = Self { sql: String::new(), values: Vec::new() };
        all.and(is_in, "", Some(from));
        let bytes = |text: &str| text.as_bytes().to_vec();
        let start = |text: &str| text.bytes().take(KEY).collect::<Vec<u8>>();
        // The trail compares the whole texts.
        all.and("e.user_key =", "", filter.user().map(start));
        all.and("e.authority_key =", "", filter.authority().map(start));
        all.and("e.message_key =", "", filter.message_id().map(start));
        all.and("e.kind =", "", filter.kind().map(|kind| bytes(kind.as_str())));
        let number = filter.number().map(|number| number.digits().to_string());
        let of_number =
            "e.subject IN (SELECT subject FROM nhs_pds.audit_subject_number WHERE number =";
        all.and(of_number, ")", number);
        let case = filter.case().map(|case| case.as_str().to_owned());
        let of_case = "e.subject = (SELECT subject FROM nhs_pds.audit_subject WHERE case_id =";
        all.and(of_case, ")", case);
        all.and("e.at >=", "", filter.from_micros());
        all.and("e.at <", "", filter.before_micros());
        let integer = |seq: u64| i64::try_from(seq).unwrap_or(i64::MAX);
        all.and("e.seq >=", "", filter.sequence().map(|(first, _)| integer(first)));
        all.and("e.seq <=", "", filter.sequence().map(|(_, last)| integer(last)));
        all
    }

    fn and<T: ToSql + Sync + Send + 'static>(
        &mut self,
        before: &str,
        after: &str,
        value: Option<T>,
    ) {
        let Some(value) = value else { return };
        self.values.push(Box::new(value));
        let (and, place) = (if self.sql.is_empty() { "" } else { " AND " }, self.values.len());
        self.sql.push_str(&format!("{and}{before} ${place}{after}"));
    }
}

/// At most `limit` rows of `span` that meet `filter`, in its order, with their keys.
pub(super) async fn read(
    tx: &Tx,
    filter: &Filter,
    span: Span,
    limit: usize,
) -> Result<Vec<StoredRow>, Error> {
    let (from, is_in, order) = span.sql();
    let Conditions { sql, mut values } = Conditions::new(filter, from, is_in);
    values.push(Box::new(i64::try_from(limit).unwrap_or(i64::MAX)));
    let sql = format!("{SELECT} WHERE {sql} ORDER BY {order} LIMIT ${}", values.len());
    let bound: Vec<&(dyn ToSql + Sync)> =
        values.iter().map(|value| &**value as &(dyn ToSql + Sync)).collect();
    tx.query(&sql, &bound).await?.iter().map(stored_of).collect()
}

fn stored_of(row: &tokio_postgres::Row) -> Result<StoredRow, Error> {
    let mut values = [const { Value::Null }; 15];
    for (column, (value, kind)) in values.iter_mut().zip(KINDS).enumerate() {
        let bytes = || row.try_get::<_, Option<Vec<u8>>>(column).map_err(failed);
        *value = match kind {
            Kind::Integer => Value::Integer(row.try_get(column).map_err(failed)?),
            Kind::Blob => bytes()?.map_or(Value::Null, Value::Blob),
            Kind::Text => bytes()?.map_or(Value::Null, Value::Text),
        };
    }
    let stored = StoredRow::new(Row::from_values(values)?);
    let Some(key) = row.try_get::<_, Option<Vec<u8>>>(15).map_err(failed)? else {
        return Ok(stored);
    };
    let text = |column| row.try_get::<_, Option<String>>(column).map_err(failed);
    let case = text(16)?.and_then(|case| case.parse().ok()).map(Owner::Case);
    let person = text(17)?.and_then(|number| number.parse().ok()).map(Owner::Person);
    let numbers = text(18)?.unwrap_or_default();
    let numbers = numbers.split(',').filter_map(|number| number.parse::<NhsNumber>().ok());
    let key = zeroize::Zeroizing::new(key);
    Ok(stored.with_key(&key, case.or(person), numbers))
}

/// Appends `entries` inside a transaction of the caller, which must not wait for other rows afterwards. Returns the
/// number of the trail's last event.
pub(crate) async fn append_in(tx: &Tx, entries: &[Entry]) -> Result<u64, Error> {
    let head = lock(tx).await?;
    let batch = Batch::new(entries, &subjects(tx, head, &Batch::owners(entries)).await?)?;
    if !entries.is_empty() {
        write(tx, &batch).await?;
    }
    Ok(batch.head().seq)
}

/// The head of the trail, locked until the transaction ends: no other transaction appends.
pub(super) async fn lock(tx: &Tx) -> Result<Option<Anchor>, Error> {
    anchor(tx, "SELECT seq, hash FROM nhs_pds.audit_anchor FOR UPDATE").await
}

/// The head of the trail, and the subjects of `owners`.
pub(super) async fn basis(tx: &Tx, owners: &[Owner]) -> Result<Basis, Error> {
    let head = anchor(tx, "SELECT seq, hash FROM nhs_pds.audit_anchor").await?;
    subjects(tx, head, owners).await
}

async fn anchor(tx: &Tx, sql: &str) -> Result<Option<Anchor>, Error> {
    let Some(row) = tx.first(sql, &[]).await? else { return Ok(None) };
    let (seq, hash): (i64, Vec<u8>) =
        (row.try_get(0).map_err(failed)?, row.try_get(1).map_err(failed)?);
    let anchor = |seq, hash| Some(Anchor::new(u64::try_from(seq).ok()?, hash));
    Ok(hash.try_into().ok().and_then(|hash| anchor(seq, hash)))
}

async fn subjects(tx: &Tx, head: Option<Anchor>, owners: &[Owner]) -> Result<Basis, Error> {
    let mut basis = Basis::new(head);
    if owners.is_empty() {
        return Ok(basis);
    }
    let (mut cases, mut people) = (Vec::new(), Vec::new());
    for owner in owners {
        match owner {
            Owner::Case(case) => cases.push(case.as_str().to_owned()),
            Owner::Person(number) => people.push(number.digits().to_string()),
        }
    }
    let sql =
        "SELECT subject, key, case_id, person FROM nhs_pds.audit_subject WHERE case_id = ANY ($1)
        UNION ALL
        SELECT subject, key, case_id, person FROM nhs_pds.audit_subject WHERE person = ANY ($2)";
    for row in tx.query(sql, &[&cases, &people]).await? {
        let (name, key): (Vec<u8>, Vec<u8>) =
            (row.try_get(0).map_err(failed)?, row.try_get(1).map_err(failed)?);
        let key = zeroize::Zeroizing::new(key);
        let text = |column| row.try_get::<_, Option<String>>(column).map_err(failed);
        let case = text(2)?.and_then(|case| case.parse().ok()).map(Owner::Case);
        let person = text(3)?.and_then(|number| number.parse().ok()).map(Owner::Person);
        if let Some(owner) = case.or(person) {
            basis = basis.with_subject(owner, &name, &key);
        }
    }
    Ok(basis)
}

/// Whether the trail has the head and the subjects that `batch` was prepared with. Locks the head.
pub(super) async fn matches(tx: &Tx, batch: &Batch) -> Result<bool, Error> {
    if lock(tx).await? != Some(batch.expected()) {
        return Ok(false);
    }
    let names: Vec<&[u8]> = batch.used().iter().map(|name| &name.as_bytes()[..]).collect();
    if names.is_empty() {
        return Ok(true);
    }
    let sql = "SELECT count(*) FROM nhs_pds.audit_subject WHERE subject = ANY ($1)";
    let row = tx.first(sql, &[&names]).await?;
    let known = row.map(|row| row.try_get::<_, i64>(0)).transpose().map_err(failed)?;
    Ok(known.and_then(|known| usize::try_from(known).ok()) == Some(names.len()))
}

/// Columns of new subjects.
#[derive(Default)]
struct Subjects<'a> {
    names: Vec<&'a [u8]>,
    keys: Vec<&'a [u8]>,
    cases: Vec<Option<&'a str>>,
    people: Vec<Option<String>>,
}

impl<'a> Subjects<'a> {
    fn push(&mut self, subject: &'a NewSubject, name: &'a SubjectName) {
        self.names.push(name.as_bytes());
        self.keys.push(subject.key());
        let (case, person) = match subject.owner() {
            Owner::Case(case) => (Some(case.as_str()), None),
            Owner::Person(number) => (None, Some(number.digits().to_string())),
        };
        self.cases.push(case);
        self.people.push(person);
    }
}

/// Writes `batch`, which must be prepared in the same transaction, or match: in one statement.
pub(super) async fn write(tx: &Tx, batch: &Batch) -> Result<(), Error> {
    let corrupt = || Error::new(ErrorKind::Corrupt);
    let (replaced, new): (Vec<&NewSubject>, Vec<&NewSubject>) =
        batch.subjects().iter().partition(|subject| subject.replaces());
    for subject in replaced {
        replace(tx, subject).await?;
    }
    let names: Vec<SubjectName> = new.iter().map(|subject| subject.name()).collect();
    let mut subjects = Subjects::default();
    new.iter().zip(&names).for_each(|(subject, name)| subjects.push(subject, name));
    let numbers: Vec<String> =
        batch.numbers().iter().map(|(number, _)| number.digits().to_string()).collect();
    let owners: Vec<&[u8]> = batch.numbers().iter().map(|(_, name)| &name.as_bytes()[..]).collect();
    let mut columns: Vec<Box<dyn ToSql + Sync + Send + '_>> = Vec::new();
    for (column, kind) in KINDS.into_iter().enumerate() {
        let values = || batch.rows().iter().filter_map(move |row| row.values().get(column));
        columns.push(match kind {
            Kind::Integer => {
                let integers: Option<Vec<i64>> = values().map(Value::as_integer).collect();
                Box::new(integers.ok_or_else(corrupt)?)
            }
            Kind::Blob | Kind::Text => {
                let bytes: Option<Vec<Option<&[u8]>>> =
                    values().map(|value| bytes_of(value, kind)).collect();
                Box::new(bytes.ok_or_else(corrupt)?)
            }
        });
    }
    let (seq, hash) = (i64::try_from(batch.head().seq).map_err(|_| corrupt())?, batch.head().hash);
    let hash = &hash[..];
    let mut values: Vec<&(dyn ToSql + Sync)> =
        columns.iter().map(|column| &**column as &(dyn ToSql + Sync)).collect();
    let Subjects { names, keys, cases, people } = &subjects;
    values.extend([
        names as &(dyn ToSql + Sync),
        keys,
        cases,
        people,
        &numbers,
        &owners,
        &seq,
        &hash,
    ]);
    let row = tx.first(WRITE, &values).await?;
    let written: Option<i64> = row.map(|row| row.try_get(0)).transpose().map_err(failed)?;
    // Without a head, or with rows of these numbers, the trail is damaged.
    if written.and_then(|written| usize::try_from(written).ok()) == Some(batch.rows().len()) {
        Ok(())
    } else {
        Err(corrupt())
    }
}

/// The rows, subjects and numbers, and then the head. Returns the number of rows written.
const WRITE: &str = "WITH events AS (
        INSERT INTO nhs_pds.audit_event (seq, prev_hash, hash, at, kind, user_id, user_name, role, organisation,
            authority, device, message_id, details, subject, sealed)
        SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bytea[], $4::bigint[], $5::bytea[], $6::bytea[],
            $7::bytea[], $8::bytea[], $9::bytea[], $10::bytea[], $11::bytea[], $12::bytea[], $13::bytea[],
            $14::bytea[], $15::bytea[])
        ON CONFLICT (tenant, seq) DO NOTHING RETURNING 1),
    subjects AS (
        INSERT INTO nhs_pds.audit_subject (subject, key, case_id, person)
        SELECT * FROM unnest($16::bytea[], $17::bytea[], $18::text[], $19::text[])),
    numbers AS (
        INSERT INTO nhs_pds.audit_subject_number (number, subject)
        SELECT * FROM unnest($20::text[], $21::bytea[])
        ON CONFLICT (tenant, number, subject) DO NOTHING)
    UPDATE nhs_pds.audit_anchor SET seq = $22, hash = $23 RETURNING (SELECT count(*) FROM events)";

/// The bytes of a value, which must have the type of its column or be missing.
fn bytes_of(value: &Value, kind: Kind) -> Option<Option<&[u8]>> {
    match (value, kind) {
        (Value::Null, _) => Some(None),
        (Value::Blob(bytes), Kind::Blob) | (Value::Text(bytes), Kind::Text) => Some(Some(bytes)),
        _ => None,
    }
}

/// Stores a subject in place of the damaged one of its owner.
async fn replace(tx: &Tx, subject: &NewSubject) -> Result<(), Error> {
    let (name, key) = (subject.name(), &subject.key()[..]);
    let name = &name.as_bytes()[..];
    match subject.owner() {
        Owner::Case(case) => {
            let sql = "UPDATE nhs_pds.audit_subject SET subject = $1, key = $2 WHERE case_id = $3";
            tx.execute(sql, &[&name, &key, &case.as_str()]).await?;
        }
        Owner::Person(number) => {
            let sql = "UPDATE nhs_pds.audit_subject SET subject = $1, key = $2 WHERE person = $3";
            tx.execute(sql, &[&name, &key, &number.digits().as_str()]).await?;
        }
    }
    Ok(())
}

/// Those of `names` about which there is a `case_erased` event.
pub(super) async fn erased(tx: &Tx, names: &[SubjectName]) -> Result<Vec<SubjectName>, Error> {
    let names: Vec<&[u8]> = names.iter().map(|name| &name.as_bytes()[..]).collect();
    let sql =
        "SELECT DISTINCT subject FROM nhs_pds.audit_event WHERE subject = ANY ($1) AND kind = $2";
    let kind = EventKind::CaseErased.as_str().as_bytes();
    let rows = tx.query(sql, &[&names, &kind]).await?;
    let mut found = Vec::new();
    for row in rows {
        let name: Vec<u8> = row.try_get(0).map_err(failed)?;
        found.extend(SubjectName::try_from(&name[..]).ok());
    }
    Ok(found)
}

/// Deletes the keys of `names` and what leads to them. No key is used by an append at the same time.
pub(super) async fn delete(tx: &Tx, names: &[SubjectName]) -> Result<(), Error> {
    lock(tx).await?;
    let names: Vec<&[u8]> = names.iter().map(|name| &name.as_bytes()[..]).collect();
    let sql = "DELETE FROM nhs_pds.audit_subject_number WHERE subject = ANY ($1)";
    tx.execute(sql, &[&names]).await?;
    tx.execute("DELETE FROM nhs_pds.audit_subject WHERE subject = ANY ($1)", &[&names]).await?;
    Ok(())
}

/// A value has another type than its column.
fn failed(error: tokio_postgres::Error) -> Error {
    postgres::Error::from(error).into()
}
