use crate::case::{Case, CaseId};
use crate::demographics::{Gender, PartialDate};
use crate::matching::{given_names, normalised_name};
use crate::nhs_number::NhsNumber;
use crate::report::Duplicates;
use std::collections::{BTreeMap, BTreeSet};

/// The data kept of each case to find its duplicates: a key and an id for the number, and the same
/// for the demographic fields.
#[derive(Default)]
pub(super) struct Seen {
    by_number: BTreeMap<NhsNumber, Vec<CaseId>>,
    by_particulars: BTreeMap<Key, Vec<Member>>,
}

#[derive(Eq, Ord, PartialEq, PartialOrd)]
struct Key {
    born: PartialDate,
    gender: Option<Gender>,
    family: String,
    initial: Option<char>,
}

struct Member {
    id: CaseId,
    /// The case's number, when it is traced and usable.
    traced: Option<NhsNumber>,
}

impl Key {
    /// `None` when too little is known: people who share only a year of birth are not a group of
    /// duplicates.
    fn of(case: &Case) -> Option<Self> {
        let born = case.date_of_birth.filter(|born| born.full().is_some())?;
        let family = normalised_name(case.surname.as_deref()?).replace(' ', "");
        let first = case.forename.as_deref().map(given_names).unwrap_or_default();
        let initial = first.first().and_then(|name| name.chars().next());
        (!family.is_empty()).then_some(Self { born, gender: case.gender, family, initial })
    }
}

impl Seen {
    pub(super) fn add(&mut self, case: &Case) {
        if let Some(number) = case.live_number() {
            self.by_number.entry(number).or_default().push(case.id.clone());
        }
        if let Some(key) = Key::of(case) {
            let traced = case.usable_number().filter(|recorded| recorded.source.is_traced());
            let member =
                Member { id: case.id.clone(), traced: traced.map(|recorded| recorded.number) };
            self.by_particulars.entry(key).or_default().push(member);
        }
    }

    pub(super) fn finish(self) -> Duplicates {
        let doubtful = self.by_particulars.into_values().filter(|group| {
            let certain: BTreeSet<_> = group.iter().filter_map(|member| member.traced).collect();
            certain.len() < group.len()
        });
        let ids = |group: Vec<Member>| group.into_iter().map(|member| member.id).collect();
        Duplicates {
            by_number: groups(self.by_number.into_values()),
            by_particulars: groups(doubtful.map(ids)),
        }
    }
}

/// The groups of two or more, in order.
fn groups(all: impl Iterator<Item = Vec<CaseId>>) -> Vec<Vec<CaseId>> {
    let mut groups: Vec<_> = all.filter(|group| group.len() > 1).collect();
    groups.iter_mut().for_each(|group| group.sort());
    groups.sort();
    groups
}
