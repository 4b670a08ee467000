//! Who the subjects of a file are, and their keys.

use crate::audit::entry::Whose;
use crate::audit::row::{self, Key, SubjectId};
use crate::audit::sqlite::failed;
use crate::audit::{Entry, Error};
use crate::nhs_number::NhsNumber;
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::{HashMap, HashSet};

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

    /// The name and key of whoever an entry is about, who gets both when new.
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
            Some(sealer) => *sealer,
            None => {
                let sealer = match self.find(&whose)? {
                    Some(sealer) => sealer,
                    None => self.add(&whose, seq)?,
                };
                self.known.insert(whose, sealer);
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

    fn find(&self, whose: &Whose) -> Result<Option<(SubjectId, Key)>, Error> {
        let (sql, text) = match whose {
            Whose::Case(case) => (
                "SELECT subject, key FROM audit_subject WHERE case_id = ?1",
                case.as_str().to_owned(),
            ),
            Whose::Person(number) => (
                "SELECT subject, key FROM audit_subject WHERE person = ?1",
                number.digits().to_string(),
            ),
        };
        self.connection
            .prepare_cached(sql)
            .and_then(|mut query| {
                query.query_row([text], |row| Ok((row.get(0)?, row.get(1)?))).optional()
            })
            .map_err(failed)
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
            .and_then(|mut insert| insert.execute(params![name, key, case, person]))
            .map_err(failed)?;
        Ok((name, key))
    }
}
