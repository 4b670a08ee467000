//! The person of a case, and the person of its NHS Number: whether they are the same.

use crate::case::identity::Identity;
use crate::case::number::{NumberSource, RecordedNumber};
use crate::case::plausible::is_implausible_death;
use crate::case::record::Case;
use crate::demographics::{Field, PartialDate};
use crate::matching::Criteria;
use chrono::NaiveDate;

impl Criteria {
    /// The person in the search criteria.
    pub(crate) fn identity(&self) -> Identity {
        Identity {
            surname: Some(self.family.clone()),
            forename: self.given.clone(),
            date_of_birth: Some(self.date_of_birth.into()),
            gender: self.gender,
        }
    }
}

impl Case {
    /// Who the person is, according to the local system.
    #[must_use]
    pub fn identity(&self) -> Identity {
        Identity {
            surname: self.surname.clone(),
            forename: self.forename.clone(),
            date_of_birth: self.date_of_birth,
            gender: self.gender,
        }
    }

    /// The fields in which the person differs from the person for whom the NHS Number was imported
    /// or last confirmed ([`RecordedNumber::person`]); empty without a number.
    #[must_use]
    pub fn changed_fields(&self) -> Vec<Field> {
        let person = self.person_of_number();
        person.map(|person| person.changes(&self.identity())).unwrap_or_default()
    }

    /// The person to whom the NHS Number belongs, as far as it is recorded. If a traced number has
    /// no recorded person, the person of the last query.
    fn person_of_number(&self) -> Option<Identity> {
        let recorded = self.nhs_number.as_ref()?;
        let traced = matches!(recorded.source, NumberSource::Traced(_));
        let asked = self.asking.asked.as_ref().filter(|_| traced);
        recorded.person.clone().or_else(|| asked.map(Criteria::identity))
    }

    /// Whether name, date of birth or gender have changed since the NHS Number was imported or last
    /// confirmed. The number may then be another person's. It is verified at once, and until it is
    /// confirmed it must not be used.
    ///
    /// Derived from the fields at each call, so no code that changes a case can miss it. Restoring
    /// the fields restores the number.
    ///
    /// ```
    /// use nhs_pds::case::{Case, NumberSource, RecordType, RecordedNumber};
    ///
    /// let mut case = Case::new("RXX:1".parse()?, RecordType::Review);
    /// case.surname = Some("Parry".into());
    /// let source = NumberSource::Imported(Some("SMSP".into()));
    /// let recorded = RecordedNumber::new("943 476 5919".parse()?, source).with_person(case.identity());
    /// case.nhs_number = Some(recorded);
    /// assert!(!case.person_changed() && case.usable_number().is_some());
    /// case.surname = Some("Jones".into());
    /// assert!(case.person_changed() && case.usable_number().is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn person_changed(&self) -> bool {
        !self.changed_fields().is_empty()
    }

    /// Whether the date of death was returned for the person of the NHS Number, and the case is now
    /// about another person.
    pub(crate) fn death_in_doubt(&self) -> bool {
        self.death_traced && self.person_changed()
    }

    /// Sets the date of death that the Spine returned with a number confirmed for the person of
    /// this case, which was `before`. Keeps a local date, unless it is implausible on `today` or
    /// was another person's.
    pub(crate) fn take_traced_death(&mut self, before: &Self, died: PartialDate, today: NaiveDate) {
        let kept = before.date_of_death.filter(|local| {
            !is_implausible_death(*local, before.date_of_birth, today) && !before.death_in_doubt()
        });
        self.date_of_death = kept.or(Some(died));
        self.death_traced = true;
    }

    /// Removes a date of death that was another person's, after the Spine has returned a living
    /// person.
    pub(crate) fn drop_doubted_death(&mut self, before: &Self) {
        if before.death_in_doubt() {
            (self.date_of_death, self.death_traced) = (None, false);
        }
    }

    /// Whether a date of death that the Spine returned must be removed because the case is now
    /// about `other`. This applies to a case without a number, in which a later check could not
    /// detect the change.
    pub(crate) fn loses_traced_death_to(&self, other: &Identity) -> bool {
        self.death_traced && self.nhs_number.is_none() && !self.identity().changes(other).is_empty()
    }

    /// The NHS Number, unless something is known against it: its status, or that the person has
    /// [changed](Self::person_changed).
    ///
    /// `correspondence::printable` decides whether it may be printed, by further rules.
    #[must_use]
    pub fn usable_number(&self) -> Option<&RecordedNumber> {
        let recorded = self.nhs_number.as_ref();
        recorded.filter(|recorded| recorded.status.is_usable() && !self.person_changed())
    }

    /// The NHS Number with the person to whom it belongs. If no person is recorded, the person of
    /// the case as it is now.
    pub(crate) fn number_with_person(&self) -> Option<RecordedNumber> {
        let recorded = self.nhs_number.clone()?;
        let person = self.person_of_number().unwrap_or_else(|| self.identity());
        Some(recorded.with_person(person))
    }

    /// This case, changed from `before`. If the same number has no recorded person, this records
    /// the person to whom it belonged in `before`, when that differs from the person of this case.
    #[must_use]
    pub(crate) fn with_person_of(mut self, before: &Self) -> Self {
        let Some(was) = before.number_with_person() else { return self };
        let identity = self.identity();
        let changed = |person: &Identity| !person.changes(&identity).is_empty();
        let same =
            |recorded: &RecordedNumber| recorded.person.is_none() && recorded.number == was.number;
        if let Some(recorded) = self.nhs_number.as_mut().filter(|recorded| same(recorded)) {
            recorded.person = was.person.filter(changed);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::number::Provenance;
    use crate::case::record_type::RecordType;
    use crate::case::trace_state::TraceState;
    use crate::demographics::Gender;
    use crate::nhs_number::NhsNumber;
    use crate::trace::{Exchange, Freshness};

    fn parry() -> Identity {
        Identity {
            surname: Some("O'Parry".into()),
            forename: Some("Eleanor".into()),
            date_of_birth: Some("1943-05-19".parse().unwrap()),
            gender: Some(Gender::Female),
        }
    }

    fn changes(change: impl FnOnce(&mut Identity)) -> Vec<Field> {
        let mut other = parry();
        change(&mut other);
        let (there, back) = (parry().changes(&other), other.changes(&parry()));
        assert_eq!(there, back, "a change is the same in both directions");
        there
    }

    #[test]
    fn typing_a_name_differently_is_not_a_change() {
        for surname in ["O'PARRY", " o\u{2019}parry ", "O\u{200b}'Parry"] {
            assert_eq!(changes(|person| person.surname = Some(surname.into())), []);
        }
        assert_eq!(changes(|person| person.forename = Some("ELEANOR".into())), []);
    }

    #[test]
    fn a_field_that_differs_or_becomes_known_or_unknown_has_changed() {
        for surname in [Some("O'Parrý"), Some("O Parry"), Some(" "), None] {
            let changed = changes(|person| person.surname = surname.map(str::to_owned));
            assert_eq!(changed, [Field::Family], "{surname:?}");
        }
        for forename in [Some("Eleanor Ann"), Some("Ellie"), Some(""), None] {
            let changed = changes(|person| person.forename = forename.map(str::to_owned));
            assert_eq!(changed, [Field::Given], "{forename:?}");
        }
        for born in [Some("1943-05-20"), Some("1943-05"), None] {
            let born = born.map(|born| born.parse().unwrap());
            assert_eq!(changes(|person| person.date_of_birth = born), [Field::DateOfBirth]);
        }
        for gender in [Some(Gender::Male), Some(Gender::NotSpecified), Some(Gender::NotKnown), None]
        {
            assert_eq!(changes(|person| person.gender = gender), [Field::Gender]);
        }
        let all = [Field::Family, Field::Given, Field::DateOfBirth, Field::Gender];
        assert_eq!(changes(|person| *person = Identity::default()), all);
    }

    #[test]
    fn blank_is_unknown_and_so_is_the_gender_not_known() {
        let blank = Identity {
            surname: Some(" ".into()),
            gender: Some(Gender::NotKnown),
            ..Identity::default()
        };
        assert_eq!(blank.changes(&Identity::default()), []);
    }

    #[test]
    fn a_number_without_a_recorded_person_stays_with_the_previous_person() {
        let mut before = Case::new("1".parse().unwrap(), RecordType::Review);
        before.surname = Some("Parry".into());
        let number = NhsNumber::constant(9_434_765_919);
        before.nhs_number = Some(RecordedNumber::new(number, NumberSource::Imported(None)));
        assert!(!before.person_changed(), "no person is recorded for the number");

        let mut after = before.clone();
        after.surname = Some("PARRY".into());
        let same = after.clone().with_person_of(&before);
        assert_eq!(same.nhs_number, before.nhs_number, "without a change, nothing is recorded");

        after.surname = Some("Jones".into());
        let bound = after.clone().with_person_of(&before);
        assert!(bound.person_changed());
        let mut back = bound.clone();
        back.surname = Some("Parry".into());
        assert!(
            !back.with_person_of(&bound).person_changed(),
            "changing the name back undoes the change"
        );

        // The person of the query that found the number is the person of the number.
        let exchange = Exchange::new("SMSP", "getNHSNumber", "M-1", chrono::DateTime::UNIX_EPOCH);
        let traced = NumberSource::Traced(Provenance::new(exchange, Freshness::Live, "exact"));
        let mut found = before.clone();
        found.nhs_number = Some(RecordedNumber::new(number, traced));
        found.date_of_birth = Some("1943-05-19".parse().unwrap());
        found.asking.asked = Some(Criteria::new("PARRY", "1943-05-19".parse().unwrap()));
        assert!(!found.person_changed());
        found.surname = Some("Jones".into());
        assert_eq!(found.changed_fields(), [Field::Family]);
        let mut moved = found.clone();
        moved.postcode = Some("LS1 4HY".into());
        moved.asking = TraceState::default();
        assert!(moved.with_person_of(&found).person_changed(), "other changes do not hide it");

        let other = NhsNumber::constant(9_449_304_424);
        after.nhs_number = Some(RecordedNumber::new(other, NumberSource::Imported(None)));
        let new = after.with_person_of(&before);
        assert!(!new.person_changed(), "a new number does not belong to the previous person");
        assert!(new.number_with_person().unwrap().person == Some(new.identity()));
    }
}
