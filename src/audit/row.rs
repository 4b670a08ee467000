//! One stored row and its hash. The `audit` module documents the bytes.

use crate::audit::actor::Actor;
use crate::audit::entry::Entry;
use crate::audit::error::{Error, ErrorKind};
use crate::audit::event::{About, Event};
use crate::audit::owner::{Owner, SubjectName};
use crate::audit::seal::{self, Key, Random, Unreadable};
use crate::audit::value::{Hash, Value};
use crate::demographics::{OdsCode, redacted_debug};
use crate::nhs_number::NhsNumber;
use chrono::DateTime;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use zeroize::Zeroizing;

/// The prefix of everything that is hashed.
const CHAINED: &[u8] = b"nhs-pds audit 1\n";

/// One row of an audit trail: an event as it is stored.
///
/// A storage keeps the values of all columns with their exact types and bytes. It needs to
/// understand none of them, except to select rows by them. All personal data about a patient are
/// encrypted in the column `sealed`.
///
/// ```
/// use nhs_pds::audit::{Row, Value};
///
/// assert_eq!(Row::COLUMNS[0], "seq");
/// let mut values = [const { Value::Null }; 15];
/// values[0] = Value::Integer(7);
/// let row = Row::from_values(values)?;
/// assert_eq!(row.seq(), 7);
/// assert!(row.get("kind") == Some(&Value::Null) && row.get("colour").is_none());
/// # Ok::<(), nhs_pds::audit::Error>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct Row {
    values: [Value; 15],
}

/// The state of the key of a row.
#[derive(Clone)]
pub(super) enum Unsealing {
    /// The subject's key as it is stored, its owner, and the numbers that map to it.
    Key(Zeroizing<Vec<u8>>, Option<Owner>, BTreeSet<NhsNumber>),
    /// There is no key.
    Missing,
}

impl Row {
    /// The names of the columns, in the order of their values and of the hash.
    pub const COLUMNS: [&str; 15] = [
        "seq",
        "prev_hash",
        "hash",
        "at",
        "kind",
        "user_id",
        "user_name",
        "role",
        "organisation",
        "authority",
        "device",
        "message_id",
        "details",
        "subject",
        "sealed",
    ];

    /// Creates a row from the values of its columns, in the order of [`COLUMNS`](Self::COLUMNS).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`] when the first value is not an integer. All other damage is found
    /// when the trail is read or verified.
    pub fn from_values(values: [Value; 15]) -> Result<Self, Error> {
        match values {
            [Value::Integer(_), ..] => Ok(Self { values }),
            _ => Err(Error::new(ErrorKind::Corrupt)),
        }
    }

    /// The values of the columns, in the order of [`COLUMNS`](Self::COLUMNS).
    #[must_use]
    pub const fn values(&self) -> &[Value; 15] {
        &self.values
    }

    /// The value of the column `name`, if there is such a column.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(Self::COLUMNS.iter().position(|column| *column == name)?)
    }

    /// The number of the event. Rows of a trail are numbered from 1; another program may have
    /// written any number.
    #[must_use]
    pub const fn seq(&self) -> i64 {
        let [Value::Integer(seq), ..] = &self.values else { return 0 };
        *seq
    }

    /// The name of the subject that the event is about, if it is about one.
    #[must_use]
    pub fn subject(&self) -> Option<SubjectName> {
        let [.., subject, _] = &self.values;
        subject.as_blob()?.try_into().ok()
    }

    /// The row of `entry`, chained to the previous row.
    pub(super) fn new(
        seq: u64,
        prev_hash: &Hash,
        entry: &Entry,
        subject: Option<(SubjectName, &Key)>,
        random: &mut Random<'_>,
    ) -> Result<(Self, Hash), Error> {
        let corrupt = || Error::new(ErrorKind::Corrupt);
        let actor = &entry.actor;
        let mut row = Self {
            values: [
                Value::Integer(i64::try_from(seq).map_err(|_| corrupt())?),
                Value::Blob(prev_hash.to_vec()),
                Value::Null,
                Value::Integer(entry.at.timestamp_micros()),
                Value::text(entry.kind.as_str()),
                Value::text(&actor.user_id),
                Value::text(&actor.name),
                Value::optional(actor.role.as_deref()),
                Value::optional(actor.organisation.as_ref().map(OdsCode::as_str)),
                Value::optional(actor.authority.as_deref()),
                Value::optional(actor.device.as_deref()),
                Value::optional(entry.message_id.as_deref()),
                Value::Text(serde_json::to_vec(&entry.details).map_err(|_| corrupt())?),
                Value::Null,
                Value::Null,
            ],
        };
        if let (Some((name, key)), Some(subject)) = (subject, &entry.subject) {
            row.put(13, Value::Blob(name.as_bytes().to_vec()));
            let sealed = seal::seal(|form| row.bound(form), subject, key, random)?;
            row.put(14, Value::Blob(sealed));
        }
        let hash = row.digest();
        row.put(2, Value::Blob(hash.to_vec()));
        Ok((row, hash))
    }

    fn put(&mut self, column: usize, value: Value) {
        if let Some(place) = self.values.get_mut(column) {
            *place = value;
        }
    }

    /// The stored hash and the stored hash of the previous row.
    pub(super) fn hashes(&self) -> (Option<Hash>, Option<Hash>) {
        let [_, prev_hash, hash, ..] = &self.values;
        (hash.as_hash(), prev_hash.as_hash())
    }

    /// The hash that the row should have.
    pub(super) fn digest(&self) -> Hash {
        let mut bytes = CHAINED.to_vec();
        let [seq, prev_hash, _, rest @ ..] = &self.values;
        [seq, prev_hash].into_iter().chain(rest).for_each(|value| value.encode(&mut bytes));
        Sha256::digest(&bytes).into()
    }

    /// The associated data of the encrypted part, which begin with `form`: the row's number, its
    /// facts and its subject's name.
    fn bound(&self, form: &[u8]) -> Vec<u8> {
        let mut bytes = form.to_vec();
        let [seq, _, _, facts @ .., _] = &self.values;
        seq.encode(&mut bytes);
        facts.iter().for_each(|fact| fact.encode(&mut bytes));
        bytes
    }

    pub(super) const fn has_subject(&self) -> bool {
        let [.., subject, _] = &self.values;
        !matches!(subject, Value::Null)
    }

    /// The event in this row.
    pub(super) fn event(&self, unsealing: &Unsealing) -> Result<Event, Unreadable> {
        let mut event = self.facts().ok_or(Unreadable::Content)?;
        let [.., subject, sealed] = &self.values;
        event.about = match (subject, sealed, unsealing) {
            (Value::Null, Value::Null, _) => About::NoPatient,
            (Value::Blob(_), Value::Blob(_), Unsealing::Missing) => About::Forgotten,
            (Value::Blob(_), Value::Blob(sealed), Unsealing::Key(key, owner, numbers)) => {
                let subject = seal::unseal(|form| self.bound(form), self.seq(), sealed, key)?;
                let found = subject.numbers().iter().all(|number| numbers.contains(number));
                let is_owner = match (subject.owner(), owner) {
                    (Some(of), Some(owner)) => of.is(owner),
                    (None, None) => true,
                    _ => false,
                };
                if !is_owner || !found {
                    return Err(Unreadable::Subject);
                }
                About::Subject(Box::new(subject))
            }
            _ => return Err(Unreadable::Content),
        };
        Ok(event)
    }

    fn facts(&self) -> Option<Event> {
        let [
            _,
            _,
            _,
            at,
            kind,
            user_id,
            name,
            role,
            organisation,
            authority,
            device,
            message_id,
            details,
            _,
            _,
        ] = &self.values;
        let own = |text: Option<&str>| text.map(str::to_owned);
        Some(Event {
            seq: u64::try_from(self.seq()).ok()?,
            kind: kind.as_str()?.parse().ok()?,
            at: DateTime::from_timestamp_micros(at.as_integer()?)?,
            actor: Actor {
                user_id: user_id.as_str()?.to_owned(),
                name: name.as_str()?.to_owned(),
                role: own(role.as_optional()?),
                organisation: organisation.as_optional()?.map(str::parse).transpose().ok()?,
                authority: own(authority.as_optional()?),
                device: own(device.as_optional()?),
            },
            message_id: own(message_id.as_optional()?),
            details: serde_json::from_str(details.as_str()?).ok()?,
            about: About::NoPatient,
            subject_name: self.subject(),
        })
    }
}

redacted_debug!(Row);
