//! One stored row, its hash, and its encrypted part. The `audit` module documents the bytes.

use crate::audit::actor::Actor;
use crate::audit::entry::{Entry, Subject, Whose};
use crate::audit::error::{Error, ErrorKind};
use crate::audit::event::{About, Event};
use crate::demographics::OdsCode;
use crate::nhs_number::NhsNumber;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{ChaCha20Poly1305, KeyInit, Nonce, XChaCha20Poly1305, XNonce};
use chrono::DateTime;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use zeroize::Zeroizing;

/// The prefix of everything that is hashed.
const CHAINED: &[u8] = b"nhs-pds audit 1\n";

/// The prefix of the associated data of an encrypted part, in each of its two forms.
const SEALED_1: &[u8] = b"nhs-pds audit 1 sealed\n";
const SEALED_2: &[u8] = b"nhs-pds audit 2 sealed\n";

/// The prefix of the input of a nonce.
const NONCE: &[u8] = b"nhs-pds audit 2 nonce\n";

/// The prefix of an encrypted part of the second form. The first form has no prefix.
const FORM_2: &[u8; 8] = b"sealed 2";

pub(super) type Hash = [u8; 32];

/// The hash before the first event.
pub(super) const NO_HASH: Hash = [0; 32];

/// A stored value, of SQLite's types.
#[derive(Clone)]
pub(super) enum Value {
    Null,
    Integer(i64),
    /// No column has this type; a value of it in a changed file is hashed as it is.
    #[cfg_attr(not(feature = "sqlite"), expect(dead_code, reason = "only a file can contain it"))]
    Real(f64),
    /// Need not be UTF-8 if another program has written it.
    Text(Vec<u8>),
    Blob(Vec<u8>),
}

impl Value {
    fn text(text: &str) -> Self {
        Self::Text(text.as_bytes().to_vec())
    }

    fn optional(text: Option<&str>) -> Self {
        text.map_or(Self::Null, Self::text)
    }

    /// Type, length and content.
    fn encode(&self, to: &mut Vec<u8>) {
        let mut write = |kind: u8, bytes: &[u8]| {
            to.push(kind);
            to.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
            to.extend_from_slice(bytes);
        };
        match self {
            Self::Null => write(0, &[]),
            Self::Integer(value) => write(1, &value.to_be_bytes()),
            Self::Real(value) => write(2, &value.to_bits().to_be_bytes()),
            Self::Text(bytes) => write(3, bytes),
            Self::Blob(bytes) => write(4, bytes),
        }
    }

    fn as_integer(&self) -> Option<i64> {
        if let Self::Integer(value) = self { Some(*value) } else { None }
    }

    fn as_str(&self) -> Option<&str> {
        if let Self::Text(bytes) = self { std::str::from_utf8(bytes).ok() } else { None }
    }

    fn as_blob(&self) -> Option<&[u8]> {
        if let Self::Blob(bytes) = self { Some(bytes) } else { None }
    }

    /// `Some(None)` for NULL, `None` for a value that is not text.
    fn as_optional(&self) -> Option<Option<&str>> {
        if matches!(self, Self::Null) { Some(None) } else { self.as_str().map(Some) }
    }

    pub(super) fn as_hash(&self) -> Option<Hash> {
        self.as_blob()?.try_into().ok()
    }
}

/// The columns of a row, in the order of the table.
#[derive(Clone)]
pub(super) struct Row {
    pub(super) seq: i64,
    pub(super) prev_hash: Value,
    pub(super) hash: Value,
    pub(super) facts: [Value; 10],
    pub(super) subject: Value,
    pub(super) sealed: Value,
}

/// A subject's name in the rows: the number of the first event about it and eight random bytes.
/// With the number first, new names are added at the end of an index.
pub(super) type SubjectId = [u8; 16];

/// The secret key of the encrypted content about a subject. Overwritten when it is dropped.
pub(super) type Key = Zeroizing<[u8; 32]>;

/// Draws the name and the key of a subject whose first event is `seq`.
pub(super) fn draw(seq: u64) -> Result<(SubjectId, Key), Error> {
    let (mut name, mut key) = (SubjectId::default(), Key::default());
    let (number, random) = name.split_at_mut(8);
    number.copy_from_slice(&seq.to_be_bytes());
    getrandom::fill(random)
        .and_then(|()| getrandom::fill(&mut *key))
        .map_err(|error| Error::new(ErrorKind::Unavailable).with_source(error))?;
    Ok((name, key))
}

/// The state of the key of a row.
pub(super) enum Unsealing {
    /// The subject's key as it is stored, its owner, and the numbers that map to it.
    Key(Zeroizing<Vec<u8>>, Option<Whose>, BTreeSet<NhsNumber>),
    /// There is no key, and an event records that the subject was erased.
    Erased,
    /// There is no key.
    Missing,
}

/// A row whose content is not an event, or whose encrypted part cannot be decrypted.
pub(super) enum Unreadable {
    Content,
    Sealed,
    /// The tables that map a case or number to the subject do not agree with the event.
    Subject,
}

impl Row {
    /// The row of `entry`, chained to the previous row.
    pub(super) fn new(
        seq: u64,
        prev_hash: &Hash,
        entry: &Entry,
        subject: Option<(SubjectId, Key)>,
    ) -> Result<(Self, Hash), Error> {
        let corrupt = || Error::new(ErrorKind::Corrupt);
        let actor = &entry.actor;
        let mut row = Self {
            seq: i64::try_from(seq).map_err(|_| corrupt())?,
            prev_hash: Value::Blob(prev_hash.to_vec()),
            hash: Value::Null,
            facts: [
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
            ],
            subject: Value::Null,
            sealed: Value::Null,
        };
        if let (Some((name, key)), Some(subject)) = (subject, &entry.subject) {
            row.subject = Value::Blob(name.to_vec());
            // The cause is dropped, because it may quote the content.
            let plain = serde_json::to_vec(subject).map_err(|_| corrupt())?;
            row.sealed = Value::Blob(row.seal(&plain, &key)?);
        }
        let hash = row.digest();
        row.hash = Value::Blob(hash.to_vec());
        Ok((row, hash))
    }

    /// The hash that the row should have.
    pub(super) fn digest(&self) -> Hash {
        let mut bytes = CHAINED.to_vec();
        Value::Integer(self.seq).encode(&mut bytes);
        self.prev_hash.encode(&mut bytes);
        self.facts.iter().for_each(|fact| fact.encode(&mut bytes));
        self.subject.encode(&mut bytes);
        self.sealed.encode(&mut bytes);
        Sha256::digest(&bytes).into()
    }

    /// The form prefix, the nonce, and `plain` encrypted.
    fn seal(&self, plain: &[u8], key: &Key) -> Result<Vec<u8>, Error> {
        let bound = self.bound(SEALED_2);
        let nonce = fresh_nonce(key, &bound, plain)?;
        let sealed = XChaCha20Poly1305::new((&**key).into())
            .encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: &bound })
            .map_err(|_| Error::new(ErrorKind::Corrupt))?;
        Ok([&FORM_2[..], &nonce, &sealed].concat())
    }

    /// The associated data of the encrypted part: the row's number, its facts and its subject's
    /// name.
    fn bound(&self, form: &[u8]) -> Vec<u8> {
        let mut bytes = form.to_vec();
        Value::Integer(self.seq).encode(&mut bytes);
        self.facts.iter().for_each(|fact| fact.encode(&mut bytes));
        self.subject.encode(&mut bytes);
        bytes
    }

    /// The nonce of the first form. It repeats when a copy of the file is restored and both are
    /// appended to, so it is no longer used for encryption.
    fn nonce_1(&self) -> Nonce {
        let mut nonce = [0; 12];
        let (_, number) = nonce.split_at_mut(4);
        number.copy_from_slice(&self.seq.to_be_bytes());
        nonce.into()
    }

    pub(super) const fn has_subject(&self) -> bool {
        !matches!(self.subject, Value::Null)
    }

    pub(super) fn subject_id(&self) -> Option<SubjectId> {
        self.subject.as_blob()?.try_into().ok()
    }

    /// The event in this row.
    pub(super) fn event(&self, unsealing: &Unsealing) -> Result<Event, Unreadable> {
        let mut event = self.facts().ok_or(Unreadable::Content)?;
        event.about = match (&self.subject, &self.sealed, unsealing) {
            (Value::Null, Value::Null, _) => About::NoPatient,
            (Value::Blob(_), Value::Blob(_), Unsealing::Erased | Unsealing::Missing) => {
                About::Forgotten
            }
            (Value::Blob(_), Value::Blob(sealed), Unsealing::Key(key, whose, numbers)) => {
                let subject = self.unseal(sealed, key)?;
                let found = subject.numbers().iter().all(|number| numbers.contains(number));
                if subject.whose() != *whose || !found {
                    return Err(Unreadable::Subject);
                }
                About::Subject(Box::new(subject))
            }
            _ => return Err(Unreadable::Content),
        };
        Ok(event)
    }

    fn facts(&self) -> Option<Event> {
        let [at, kind, user_id, name, role, organisation, authority, device, message_id, details] =
            &self.facts;
        let own = |text: Option<&str>| text.map(str::to_owned);
        Some(Event {
            seq: u64::try_from(self.seq).ok()?,
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
        })
    }

    fn unseal(&self, sealed: &[u8], key: &[u8]) -> Result<Subject, Unreadable> {
        let second = sealed.strip_prefix(FORM_2).and_then(|rest| rest.split_first_chunk::<24>());
        let plain = match second {
            Some((nonce, sealed)) => {
                let bound = self.bound(SEALED_2);
                XChaCha20Poly1305::new_from_slice(key)
                    .map_err(|_| Unreadable::Sealed)?
                    .decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: &bound })
            }
            None => {
                let bound = self.bound(SEALED_1);
                ChaCha20Poly1305::new_from_slice(key)
                    .map_err(|_| Unreadable::Sealed)?
                    .decrypt(&self.nonce_1(), Payload { msg: sealed, aad: &bound })
            }
        };
        let plain = plain.map_err(|_| Unreadable::Sealed)?;
        serde_json::from_slice(&plain).map_err(|_| Unreadable::Content)
    }
}

/// A nonce that no other content gets under `key`. It is made from random bytes and from the
/// content. If a machine's random state is restored with the file, the nonce therefore repeats only
/// for the same content.
fn fresh_nonce(key: &Key, bound: &[u8], plain: &[u8]) -> Result<[u8; 24], Error> {
    let mut random = [0; 32];
    getrandom::fill(&mut random)
        .map_err(|error| Error::new(ErrorKind::Unavailable).with_source(error))?;
    Ok(nonce(key, &random, bound, plain))
}

/// The first 24 bytes of the SHA-256 of the key, the random bytes and the content.
fn nonce(key: &Key, random: &[u8; 32], bound: &[u8], plain: &[u8]) -> [u8; 24] {
    let mut hash = Sha256::new();
    hash.update(NONCE);
    hash.update(key);
    hash.update(random);
    hash.update((bound.len() as u64).to_be_bytes());
    hash.update(bound);
    hash.update(plain);
    let hash: Hash = hash.finalize().into();
    let mut nonce = [0; 24];
    nonce.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
    nonce
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Random numbers repeat when the random state is restored together with the file.
    #[test]
    fn a_nonce_depends_on_key_content_and_random_bytes() {
        let (key, random) = (Zeroizing::new([1; 32]), [2; 32]);
        let first = nonce(&key, &random, b"bound", b"plain");
        assert_eq!(first, nonce(&key, &random, b"bound", b"plain"));
        for other in [
            nonce(&Zeroizing::new([3; 32]), &random, b"bound", b"plain"),
            nonce(&key, &[3; 32], b"bound", b"plain"),
            nonce(&key, &random, b"other", b"plain"),
            nonce(&key, &random, b"bound", b"other"),
            nonce(&key, &random, b"boundp", b"lain"),
        ] {
            assert_ne!(other, first);
        }
    }
}
