//! What an append writes, prepared from the entries and from what is stored. No effects.

use crate::audit::anchor::Anchor;
use crate::audit::entry::{Entry, Subject};
use crate::audit::error::{Error, ErrorKind};
use crate::audit::owner::{Owner, OwnerRef, SubjectName};
use crate::audit::row::Row;
use crate::audit::seal::{Key, Random, system_random};
use crate::demographics::redacted_debug;
use crate::nhs_number::NhsNumber;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use zeroize::Zeroizing;

/// What a storage has before an append: the trail's head, and the keys of the subjects that the
/// entries are about.
///
/// ```
/// use nhs_pds::audit::{Anchor, Basis, Owner};
///
/// let owner = Owner::Case("RHM:00001".parse()?);
/// let basis = Basis::new(Some(Anchor::new(0, [0; 32])))
///     .with_subject(owner, &[7; 16], &[1; 32]);
/// assert_eq!(basis.head(), Some(Anchor::new(0, [0; 32])));
/// # Ok::<(), nhs_pds::text::ValueError>(())
/// ```
#[derive(Clone)]
pub struct Basis {
    head: Option<Anchor>,
    known: HashMap<Owner, (Option<SubjectName>, Option<Key>)>,
}

impl Basis {
    /// A basis with the stored `head`; `None` when it is missing or damaged.
    #[must_use]
    pub fn new(head: Option<Anchor>) -> Self {
        Self { head, known: HashMap::new() }
    }

    /// Returns this basis with the stored subject of `owner`.
    ///
    /// A name or key of the wrong length is damaged and cannot be used for encryption. The batch
    /// then has a subject that replaces the stored one. Content encrypted with the damaged key
    /// stays unreadable, and `verify` reports it.
    #[must_use]
    pub fn with_subject(mut self, owner: Owner, name: &[u8], key: &[u8]) -> Self {
        let key = key.try_into().ok().map(Zeroizing::new);
        self.known.insert(owner, (name.try_into().ok(), key));
        self
    }

    /// The stored head.
    #[must_use]
    pub const fn head(&self) -> Option<Anchor> {
        self.head
    }

    /// The name of the stored subject of `owner`, when it is not damaged.
    #[must_use]
    pub fn subject(&self, owner: &Owner) -> Option<SubjectName> {
        self.known.get(owner)?.0
    }

    /// Whether there is a stored subject of `owner`.
    pub(super) fn knows(&self, owner: &Owner) -> bool {
        self.known.contains_key(owner)
    }
}

redacted_debug!(Basis, NewSubject);

/// A subject that an append stores: its owner, its name in the rows, and the key of its content.
#[derive(Clone)]
pub struct NewSubject {
    owner: Owner,
    name: SubjectName,
    key: Key,
    replaces: bool,
}

impl NewSubject {
    /// The case or person that the subject is.
    #[must_use]
    pub const fn owner(&self) -> &Owner {
        &self.owner
    }

    /// Its name in the rows.
    #[must_use]
    pub const fn name(&self) -> SubjectName {
        self.name
    }

    /// The secret key of its content. Destroying it makes the content unreadable for good.
    #[must_use]
    pub fn key(&self) -> &[u8; 32] {
        &self.key
    }

    /// Whether the storage has a damaged subject of this owner, which this one replaces.
    #[must_use]
    pub const fn replaces(&self) -> bool {
        self.replaces
    }
}

/// All that one append writes, as a pure function of the entries, of what was stored before, and
/// of random bytes. `Debug` shows counts.
///
/// A database that holds more than the trail can write a batch in a transaction of its own: read
/// the [`Basis`], prepare the batch, write it, commit.
///
/// ```
/// use chrono::DateTime;
/// use nhs_pds::audit::{Actor, Anchor, Basis, Batch, Entry, EventKind, Subject};
/// use nhs_pds::trace::{Caller, LocalIdentity};
///
/// let us = Caller::System(LocalIdentity::new("RHM".parse()?, "get-nhs-number")?);
/// let viewed = Entry::new(EventKind::CaseViewed, DateTime::UNIX_EPOCH, &Actor::new(&us, "us"));
/// let entries = [viewed.about(Subject::new("RHM:00001".parse()?))];
///
/// // The storage has no events, and no subject of `Batch::owners(&entries)`.
/// let basis = Basis::new(Some(Anchor::new(0, [0; 32])));
/// let batch = Batch::new(&entries, &basis)?;
/// assert_eq!((batch.rows().len(), batch.subjects().len(), batch.head().seq), (1, 1, 1));
/// assert_eq!(batch.subjects()[0].owner(), &Batch::owners(&entries)[0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Batch {
    expected: Anchor,
    head: Anchor,
    rows: Vec<Row>,
    subjects: Vec<NewSubject>,
    used: Vec<SubjectName>,
    numbers: Vec<(NhsNumber, SubjectName)>,
}

impl Batch {
    /// Prepares the append of `entries` to what is stored. Draws names, keys and nonces from the
    /// operating system's source of random bytes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`] when the basis has no head, [`ErrorKind::Unavailable`] when the
    /// operating system has no random bytes.
    pub fn new(entries: &[Entry], basis: &Basis) -> Result<Self, Error> {
        prepare(entries, basis, &mut system_random)
    }

    /// The owners of the subjects of `entries`, each once: the subjects that the basis needs.
    #[must_use]
    pub fn owners(entries: &[Entry]) -> Vec<Owner> {
        let subjects = entries.iter().filter_map(|entry| entry.subject.as_ref());
        let owners: BTreeSet<OwnerRef<'_>> = subjects.filter_map(Subject::owner).collect();
        owners.into_iter().map(OwnerRef::to_owner).collect()
    }

    /// The head that the storage must still have.
    #[must_use]
    pub const fn expected(&self) -> Anchor {
        self.expected
    }

    /// The head after the append.
    #[must_use]
    pub const fn head(&self) -> Anchor {
        self.head
    }

    /// The rows to add, in order.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The rows to add, in order, without a copy.
    #[must_use]
    pub fn into_rows(self) -> Vec<Row> {
        self.rows
    }

    /// The subjects to store. Each takes the place of a stored subject with the same owner.
    #[must_use]
    pub fn subjects(&self) -> &[NewSubject] {
        &self.subjects
    }

    /// The stored subjects whose keys encrypt new rows. The storage must still have them.
    #[must_use]
    pub fn used(&self) -> &[SubjectName] {
        &self.used
    }

    /// The numbers that lead to a subject. Some may be stored already.
    #[must_use]
    pub fn numbers(&self) -> &[(NhsNumber, SubjectName)] {
        &self.numbers
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Batch({} rows, {} new subjects)", self.rows.len(), self.subjects.len())
    }
}

/// Chains and encrypts `entries` over `basis`, with the bytes of `random`.
pub(super) fn prepare(
    entries: &[Entry],
    basis: &Basis,
    random: &mut Random<'_>,
) -> Result<Batch, Error> {
    let corrupt = || Error::new(ErrorKind::Corrupt);
    let expected = basis.head.ok_or_else(corrupt)?;
    let mut head = expected;
    let mut rows = Vec::with_capacity(entries.len());
    let mut sealers = Sealers::new(basis);
    for entry in entries {
        let seq = head.seq.checked_add(1).ok_or_else(corrupt)?;
        let sealer = match &entry.subject {
            Some(subject) => sealers.of(subject, seq, random)?,
            None => None,
        };
        let (row, hash) = Row::new(seq, &head.hash, entry, sealer, random)?;
        rows.push(row);
        head = Anchor::new(seq, hash);
    }
    let Sealers { subjects, used, numbers, .. } = sealers;
    Ok(Batch { expected, head, rows, subjects, used, numbers })
}

/// The subjects of one batch, known and new.
struct Sealers<'a> {
    basis: &'a Basis,
    ready: HashMap<OwnerRef<'a>, (SubjectName, Key)>,
    mapped: HashSet<(NhsNumber, SubjectName)>,
    subjects: Vec<NewSubject>,
    used: Vec<SubjectName>,
    numbers: Vec<(NhsNumber, SubjectName)>,
}

impl<'a> Sealers<'a> {
    fn new(basis: &'a Basis) -> Self {
        Self {
            basis,
            ready: HashMap::new(),
            mapped: HashSet::new(),
            subjects: Vec::new(),
            used: Vec::new(),
            numbers: Vec::new(),
        }
    }

    /// The name and key of `subject`, which the event `seq` is about.
    fn of(
        &mut self,
        subject: &'a Subject,
        seq: u64,
        random: &mut Random<'_>,
    ) -> Result<Option<(SubjectName, &Key)>, Error> {
        let Some(owner) = subject.owner() else { return Ok(None) };
        if !self.ready.contains_key(&owner) {
            let sealer = self.find_or_draw(&owner.to_owner(), seq, random)?;
            self.ready.insert(owner, sealer);
        }
        let Some((name, key)) = self.ready.get(&owner) else { return Ok(None) };
        for number in subject.numbers() {
            if self.mapped.insert((*number, *name)) {
                self.numbers.push((*number, *name));
            }
        }
        Ok(Some((*name, key)))
    }

    fn find_or_draw(
        &mut self,
        owner: &Owner,
        seq: u64,
        random: &mut Random<'_>,
    ) -> Result<(SubjectName, Key), Error> {
        let known = self.basis.known.get(owner);
        if let Some((Some(name), Some(key))) = known {
            self.used.push(*name);
            return Ok((*name, key.clone()));
        }
        let (name, key) = draw(seq, random)?;
        // The part of a damaged subject that is usable stays.
        let name = known.and_then(|(name, _)| *name).unwrap_or(name);
        let key = known.and_then(|(_, key)| key.clone()).unwrap_or(key);
        self.subjects.push(NewSubject {
            owner: owner.clone(),
            name,
            key: key.clone(),
            replaces: known.is_some(),
        });
        Ok((name, key))
    }
}

/// The name and the key of a subject whose first event is `seq`.
fn draw(seq: u64, random: &mut Random<'_>) -> Result<(SubjectName, Key), Error> {
    let (mut name, mut key) = ([0; 16], Key::default());
    let (number, rest) = name.split_at_mut(8);
    number.copy_from_slice(&seq.to_be_bytes());
    random(rest)?;
    random(&mut *key)?;
    Ok((name.into(), key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::actor::Actor;
    use crate::audit::kind::EventKind;
    use crate::audit::row::Unsealing;
    use crate::trace::{Caller, LocalIdentity};
    use chrono::DateTime;

    const NUMBER: NhsNumber = NhsNumber::constant(9_434_765_919);

    fn about(kind: EventKind, subject: Subject) -> Entry {
        let us = LocalIdentity::new("RHM".parse().unwrap(), "us").unwrap();
        Entry::new(kind, DateTime::UNIX_EPOCH, &Actor::new(&Caller::System(us), "Us"))
            .about(subject)
    }

    fn case(id: &str) -> Subject {
        Subject::new(id.parse().unwrap())
    }

    /// Bytes that count up.
    fn counting() -> impl FnMut(&mut [u8]) -> Result<(), Error> {
        let mut next = 0_u8;
        move |bytes| {
            for byte in bytes {
                *byte = next;
                next = next.wrapping_add(1);
            }
            Ok(())
        }
    }

    fn start() -> Basis {
        Basis::new(Some(Anchor::START))
    }

    /// A changed byte would make every stored trail unreadable.
    #[test]
    fn the_bytes_of_a_batch_never_change() {
        let entries = [
            about(EventKind::CaseViewed, case("RHM:1").with_number(NUMBER)),
            about(EventKind::CaseErased, Subject::person(NUMBER)).with_detail("k", "v"),
        ];
        let batch = prepare(&entries, &start(), &mut counting()).unwrap();
        assert_eq!(batch.head.to_string(), GOLDEN);
        let again = prepare(&entries, &start(), &mut counting()).unwrap();
        assert!(again.rows == batch.rows);
    }

    /// The last hash covers every byte of both rows.
    const GOLDEN: &str = "2:51b6c3431d50dc992f79eca8a14722e5613912876946eaafde99432eed36d8d1";

    #[test]
    fn a_subject_is_created_once_and_used_again() {
        let entries = [
            about(EventKind::CaseViewed, case("1").with_number(NUMBER)),
            about(EventKind::CaseViewed, case("1").with_number(NUMBER)),
            about(EventKind::CaseViewed, case("2")),
        ];
        let first = prepare(&entries, &start(), &mut counting()).unwrap();
        assert_eq!((first.rows.len(), first.subjects.len(), first.used.len()), (3, 2, 0));
        assert_eq!(first.numbers, [(NUMBER, first.subjects[0].name)]);
        assert_eq!(first.rows[0].subject(), first.rows[1].subject());
        assert_eq!(first.subjects[1].name.as_bytes()[..8], 3_u64.to_be_bytes());
        let basis = first.subjects.iter().fold(Basis::new(Some(first.head)), |basis, new| {
            basis.with_subject(new.owner.clone(), new.name.as_bytes(), &new.key[..])
        });
        let second = prepare(&entries, &basis, &mut counting()).unwrap();
        assert_eq!((second.subjects.len(), second.used.len()), (0, 2), "each once");
        assert_eq!(second.rows[0].subject(), first.rows[0].subject());
        assert_eq!((second.expected, second.head.seq), (first.head, 6));
        let key = Unsealing::Key(
            Zeroizing::new(first.subjects[0].key.to_vec()),
            Some(first.subjects[0].owner.clone()),
            [NUMBER].into(),
        );
        let event = second.rows[0].event(&key).ok().unwrap();
        assert_eq!((event.seq, event.about.subject()), (4, entries[0].subject()));
    }

    #[test]
    fn a_damaged_subject_is_replaced_and_keeps_its_usable_part() {
        let entries = [about(EventKind::CaseViewed, case("1"))];
        let owner = Batch::owners(&entries).remove(0);
        for (name, key, keeps_name, keeps_key) in [
            (&[7; 16][..], &[8; 31][..], true, false),
            (&[7; 15], &[8; 32], false, true),
            (&[], &[], false, false),
        ] {
            let basis = start().with_subject(owner.clone(), name, key);
            let batch = prepare(&entries, &basis, &mut counting()).unwrap();
            let [new] = &batch.subjects[..] else { panic!() };
            assert!(new.replaces && batch.used.is_empty());
            assert_eq!(new.name.as_bytes()[..] == *name, keeps_name);
            assert_eq!(new.key[..] == *key, keeps_key);
        }
    }

    #[test]
    fn without_a_head_or_random_bytes_there_is_no_batch() {
        let entries = [about(EventKind::CaseViewed, case("1"))];
        let prepared = prepare(&entries, &Basis::new(None), &mut counting());
        assert_eq!(prepared.unwrap_err().kind(), ErrorKind::Corrupt);
        let none: &mut Random<'_> = &mut |_| Err(Error::new(ErrorKind::Unavailable));
        let prepared = prepare(&entries, &start(), none);
        assert_eq!(prepared.unwrap_err().kind(), ErrorKind::Unavailable);
        let full = Basis::new(Some(Anchor::new(u64::MAX, [0; 32])));
        let prepared = prepare(&entries, &full, &mut counting());
        assert_eq!(prepared.unwrap_err().kind(), ErrorKind::Corrupt);
        let batch = prepare(&[], &start(), none).unwrap();
        assert_eq!((batch.head, batch.rows.len()), (Anchor::START, 0));
    }
}
