//! The subjects of a file, and their keys.

use crate::audit::entry::{Entry, Whose};
use crate::audit::error::Error;
use crate::audit::row::{self, Key, SubjectId};
use crate::audit::sqlite_failure::failed;
use crate::nhs_number::NhsNumber;
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::collections::{HashMap, HashSet};
use zeroize::Zeroizing;

/// The subjects of one transaction and their keys, looked up once.
pub(super) struct Sealers<'a> {
    connection: &'a Connection,
    known: HashMap<Whose, (SubjectId, Key)>,
    numbers: HashSet<(NhsNumber, SubjectId)>,
}

impl<'a> Sealers<'a> {
    pub(super) fn new(connection: &'a Connection) -> Self {
        Self { connection, known: HashMap::new(), numbers: HashSet::new() }
    }

    /// The name and key of the subject of an entry; a new subject gets both.
    pub(super) fn of(
        &mut self,
        entry: &Entry,
        seq: u64,
    ) -> Result<Option<(SubjectId, Key)>, Error> {
        let Some((subject, whose)) =
            entry.subject.as_ref().and_then(|subject| Some((subject, subject.whose()?)))
        else {
            return Ok(None);
        };
        let sealer = match self.known.get(&whose) {
            Some(sealer) => sealer.clone(),
            None => {
                let sealer = match self.find(&whose, seq)? {
                    Some(sealer) => sealer,
                    None => self.add(&whose, seq)?,
                };
                self.known.insert(whose, sealer.clone());
                sealer
            }
        };
        for number in subject.numbers() {
            if self.numbers.insert((*number, sealer.0)) {
                self.connection
                    .prepare_cached(
                        "INSERT INTO audit_subject_number (number, subject) VALUES (?1, ?2)
                         ON CONFLICT DO NOTHING",
                    )
                    .and_then(|mut insert| {
                        insert.execute(params![number.digits().as_str(), sealer.0])
                    })
                    .map_err(failed)?;
            }
        }
        Ok(Some(sealer))
    }

    /// The name and key of a known subject. A damaged name or key, which cannot be used for
    /// encryption, is replaced in its row. Content encrypted with it stays unreadable, and `verify`
    /// reports it.
    fn find(&self, whose: &Whose, seq: u64) -> Result<Option<(SubjectId, Key)>, Error> {
        let (sql, text) = match whose {
            Whose::Case(case) => (
                "SELECT rowid, subject, key FROM audit_subject WHERE case_id = ?1",
                case.as_str().to_owned(),
            ),
            Whose::Person(number) => (
                "SELECT rowid, subject, key FROM audit_subject WHERE person = ?1",
                number.digits().to_string(),
            ),
        };
        let stored = self
            .connection
            .prepare_cached(sql)
            .and_then(|mut query| query.query_row([text], sealer_of).optional())
            .map_err(failed)?;
        let (row, name, key) = match stored {
            None => return Ok(None),
            Some((_, Some(name), Some(key))) => return Ok(Some((name, key))),
            Some(damaged) => damaged,
        };
        let (fresh_name, fresh_key) = row::draw(seq)?;
        let (name, key) = (name.unwrap_or(fresh_name), key.unwrap_or(fresh_key));
        self.connection
            .prepare_cached("UPDATE audit_subject SET subject = ?2, key = ?3 WHERE rowid = ?1")
            .and_then(|mut update| update.execute(params![row, name, &key[..]]))
            .map_err(failed)?;
        Ok(Some((name, key)))
    }

    fn add(&self, whose: &Whose, seq: u64) -> Result<(SubjectId, Key), Error> {
        let (name, key) = row::draw(seq)?;
        let (case, person) = match whose {
            Whose::Case(case) => (Some(case.as_str()), None),
            Whose::Person(number) => (None, Some(number.digits().to_string())),
        };
        self.connection
            .prepare_cached(
                "INSERT INTO audit_subject (subject, key, case_id, person) VALUES (?1, ?2, ?3, ?4)",
            )
            .and_then(|mut insert| insert.execute(params![name, &key[..], case, person]))
            .map_err(failed)?;
        Ok((name, key))
    }
}

/// A row's id, its name and its key. A name or key is `None` when it has the wrong length.
fn sealer_of(row: &Row<'_>) -> rusqlite::Result<(i64, Option<SubjectId>, Option<Key>)> {
    let blob = |column: usize| row.get_ref(column).map(|value| value.as_blob().unwrap_or_default());
    let key = blob(2)?.try_into().ok().map(Zeroizing::new);
    Ok((row.get(0)?, blob(1)?.try_into().ok(), key))
}
