//! Cases as a transaction of a database has them: what is stored, and what is to be written. Pure, so that many commits
//! are decided between one read and one write.

use crate::case::due::Due;
use crate::case::error::{Error, ErrorKind};
use crate::case::id::CaseId;
use crate::case::record::Case;
use crate::case::setting::Setting;
use crate::case::store::Change;
use crate::case::stored::number;
use std::collections::{BTreeMap, BTreeSet};

/// What is stored of the cases that the changes are about, and the changes so far.
///
/// All ids of the changes must be loaded, and the holders of all numbers of sole holders. Nothing of it may be changed
/// by another transaction before this one ends.
#[derive(Clone, Default)]
pub(crate) struct Loaded {
    /// The version of each stored case.
    versions: BTreeMap<CaseId, u64>,
    /// The stored holders of numbers, as texts: an id may be damaged.
    holders: BTreeMap<String, BTreeSet<String>>,
    changed: BTreeMap<CaseId, Changed>,
    /// The version of each stored setting.
    settings: BTreeMap<String, u64>,
    set: BTreeMap<String, Setting>,
}

/// A case to write.
#[derive(Clone)]
pub(super) struct Changed {
    pub(super) case: Case,
    pub(super) due: Due,
    /// Whether there is no row of it yet.
    pub(super) is_new: bool,
}

impl Loaded {
    /// Loads a stored case.
    pub(super) fn put_version(&mut self, id: CaseId, version: u64) {
        self.versions.insert(id, version);
    }

    /// Loads a holder of a number.
    pub(super) fn put_holder(&mut self, number: String, id: String) {
        self.holders.entry(number).or_default().insert(id);
    }

    /// Loads the version of a stored setting.
    pub(super) fn put_setting(&mut self, name: String, version: u64) {
        self.settings.insert(name, version);
    }

    /// Saves `settings` and makes `changes`, all or none, as [`CaseStore`](crate::case::CaseStore) says.
    pub(crate) fn save(
        &mut self,
        settings: &[(&str, &Setting)],
        changes: Vec<Change>,
    ) -> Result<(), Error> {
        let mut set: BTreeMap<String, Setting> = BTreeMap::new();
        for (name, setting) in settings {
            let changed = set.get(*name).or_else(|| self.set.get(*name));
            let version = changed.map(|changed| changed.version);
            let version = version.or_else(|| self.settings.get(*name).copied()).unwrap_or_default();
            if version != setting.version {
                return Err(Error::new(ErrorKind::Conflict));
            }
            let saved = Setting { version: version + 1, ..(*setting).clone() };
            set.insert((*name).to_owned(), saved);
        }
        self.save_all(changes)?;
        self.set.append(&mut set);
        Ok(())
    }

    fn save_all(&mut self, changes: Vec<Change>) -> Result<(), Error> {
        let mut after = BTreeMap::new();
        let mut soles = Vec::new();
        for Change { mut case, sole_holder, due } in changes {
            let stored = self.version_of(&case.id, &after);
            let kind = match stored {
                None if case.version == 0 => None,
                Some(_) if case.version == 0 => Some(ErrorKind::Exists),
                None => Some(ErrorKind::NotFound),
                Some(stored) if stored != case.version => Some(ErrorKind::Conflict),
                Some(_) => None,
            };
            if let Some(kind) = kind {
                return Err(Error::new(kind).with_case(case.id));
            }
            let is_new = !self.versions.contains_key(&case.id);
            case.version += 1;
            if sole_holder {
                soles.push(case.id.clone());
            }
            after.insert(case.id.clone(), Changed { case, due, is_new });
        }
        let taken = soles.into_iter().find(|id| self.is_held_beside(id, &after));
        if let Some(id) = taken {
            return Err(Error::new(ErrorKind::NumberTaken).with_case(id));
        }
        self.changed.append(&mut after);
        Ok(())
    }

    /// Saves `case` over a stored case that cannot be read, whatever the version of either.
    pub(super) fn overwrite(&mut self, mut case: Case) {
        let stored = self.versions.get(&case.id).copied().unwrap_or_default();
        case.version = stored.saturating_add(1);
        let change = Changed { due: Due::NOW, is_new: stored == 0, case };
        self.changed.insert(change.case.id.clone(), change);
    }

    /// What is to be written, in the order of the ids.
    pub(super) fn changed(&self) -> impl Iterator<Item = &Changed> {
        self.changed.values()
    }

    /// The settings that are to be written, and whether there is no row of each yet.
    pub(super) fn set(&self) -> impl Iterator<Item = (&str, &Setting, bool)> {
        self.set
            .iter()
            .map(|(name, setting)| (name.as_str(), setting, !self.settings.contains_key(name)))
    }

    fn version_of(&self, id: &CaseId, after: &BTreeMap<CaseId, Changed>) -> Option<u64> {
        let changed = after.get(id).or_else(|| self.changed.get(id));
        changed.map(|changed| changed.case.version).or_else(|| self.versions.get(id).copied())
    }

    /// Whether another case has the number of the case `id`, once the changes `after` are made.
    fn is_held_beside(&self, id: &CaseId, after: &BTreeMap<CaseId, Changed>) -> bool {
        let Some(wanted) = after.get(id).and_then(|changed| number(&changed.case)) else {
            return false;
        };
        let is_changed = |other: &str| {
            let mut ids = after.keys().chain(self.changed.keys());
            ids.any(|id| id.as_str() == other)
        };
        let stored = self.holders.get(&wanted).into_iter().flatten();
        let mut stored = stored.filter(|other| *other != id.as_str() && !is_changed(other));
        let earlier = self.changed.iter().filter(|(id, _)| !after.contains_key(*id));
        let mut changed = after.iter().chain(earlier);
        stored.next().is_some()
            || changed.any(|(other, changed)| {
                other != id && number(&changed.case).as_ref() == Some(&wanted)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::memory::MemoryStore;
    use crate::case::number::{NumberSource, RecordedNumber};
    use crate::case::record_type::RecordType;
    use crate::case::store::CaseStore;
    use crate::nhs_number::NhsNumber;
    use proptest::prelude::*;

    const NUMBERS: [NhsNumber; 2] =
        [NhsNumber::constant(9_434_765_919), NhsNumber::constant(9_449_304_424)];

    /// A change: the id, the version, the number if it has one, whether it is deleted, and whether it must be the sole
    /// holder.
    type Drawn = (u8, u64, Option<usize>, bool, bool);

    fn change((id, version, number, deleted, sole): Drawn) -> Change {
        let mut case = Case::new(format!("{id}").parse().unwrap(), RecordType::AdultCase);
        case.version = version;
        case.nhs_number =
            number.map(|which| RecordedNumber::new(NUMBERS[which], NumberSource::Imported(None)));
        if deleted {
            let kind = crate::case::deletion::DeletionKind::Logical;
            let at = chrono::DateTime::UNIX_EPOCH;
            case.deleted = Some(crate::case::deletion::Deletion::new(at, "u1", kind));
        }
        if sole { Change::as_sole_holder(case) } else { Change::new(case) }
    }

    fn commits() -> impl Strategy<Value = Vec<Vec<Drawn>>> {
        let drawn = (
            0_u8..5,
            0_u64..3,
            prop::option::of(0_usize..2),
            prop::bool::weighted(0.2),
            any::<bool>(),
        );
        prop::collection::vec(prop::collection::vec(drawn, 1..4), 1..12)
    }

    proptest! {
        /// Many commits over what was loaded once end as one after the other over a store.
        #[test]
        fn commits_end_as_over_the_store_in_memory(before in commits(), group in commits()) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let store = MemoryStore::new();
                for commit in before {
                    let _ = store.save_all(commit.into_iter().map(change).collect()).await;
                }
                let mut loaded = Loaded::default();
                for case in store.page(None, 99).await.unwrap() {
                    loaded.put_version(case.id.clone(), case.version);
                    if let Some(number) = number(&case) {
                        loaded.put_holder(number, case.id.as_str().to_owned());
                    }
                }
                for mut commit in group {
                    // A case may not occur twice in a call.
                    let mut seen = BTreeSet::new();
                    commit.retain(|drawn| seen.insert(drawn.0));
                    let changes: Vec<Change> = commit.into_iter().map(change).collect();
                    let one = store.save_all(changes.clone()).await.map_err(|error| error.kind());
                    let other = loaded.save(&[], changes).map_err(|error| error.kind());
                    assert_eq!(one, other);
                }
                for changed in loaded.changed() {
                    let stored = store.get(&changed.case.id).await.unwrap();
                    assert!(stored.as_ref() == Some(&changed.case));
                }
            });
        }
    }

    #[test]
    fn a_setting_is_saved_over_the_version_that_was_read_together_with_its_cases() {
        let mut loaded = Loaded::default();
        loaded.put_setting("a".to_owned(), 3);
        let at = |version| Setting { version, ..Setting::new("x") };
        let conflict = |result: Result<(), Error>| result.map_err(|error| error.kind());
        assert_eq!(conflict(loaded.save(&[("a", &at(2))], Vec::new())), Err(ErrorKind::Conflict));
        let missing = vec![change((1, 1, None, false, false))];
        let refused = loaded.save(&[("a", &at(3))], missing);
        assert_eq!(conflict(refused), Err(ErrorKind::NotFound));
        assert_eq!(loaded.set().count(), 0, "nothing of a refused commit stays");
        loaded.save(&[("a", &at(3)), ("b", &at(0))], Vec::new()).unwrap();
        loaded.save(&[("b", &at(1))], Vec::new()).unwrap();
        let set: Vec<_> = loaded.set().map(|(name, set, new)| (name, set.version, new)).collect();
        assert_eq!(set, [("a", 4, false), ("b", 2, true)]);
    }

    #[test]
    fn a_damaged_case_is_overwritten_at_the_next_version() {
        let mut loaded = Loaded::default();
        let id: CaseId = "1".parse().unwrap();
        loaded.put_version(id.clone(), 7);
        loaded.overwrite(Case::new(id, RecordType::Review));
        let changed: Vec<_> = loaded.changed().collect();
        assert_eq!((changed.len(), changed[0].case.version, changed[0].is_new), (1, 8, false));
    }
}
