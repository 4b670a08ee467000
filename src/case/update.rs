use crate::case::deletion::DeletionKind;
use crate::case::number::{NumberSource, RecordedNumber};
use crate::case::record::Case;
use crate::case::trace_state::TraceState;
use crate::nhs_number::NhsNumber;

impl Case {
    /// The case after a new import from the local system as `read`; `None` when nothing changes, or
    /// when `read` is another case.
    ///
    /// Fields of the local system are taken from `read`: record type, names, aliases, former names,
    /// date of birth, gender, address, postcode, former postcodes, telephone numbers, e-mail
    /// addresses, allocations, and whether its data contradict themselves.
    /// The results of traces stay: the number with its provenance, the last trace, and a date of
    /// death that the Spine returned ([`Case::death_traced`]), unless `read` has its own. A date of
    /// death that only the local system recorded is removed when the local system removes it. On a
    /// case without a number, a date that the Spine returned is also removed when `read` is about
    /// another person.
    ///
    /// A case without a number takes the imported number of `read`, unless `read` contradicts
    /// itself. So does a case whose number was imported and never traced, when `read` has another
    /// number: the local system has corrected it, and the new number must be verified. A traced
    /// number is never replaced by `read`; [`import`](crate::process::import) opens a review item
    /// when the two differ. A number that a user has rejected for this person is not taken again.
    /// An erased case takes nothing (MSCA-DQ-02).
    ///
    /// When `read` is about another person by name, date of birth or gender, the number stays and
    /// is in doubt ([`Case::person_changed`]).
    ///
    /// The version stays, so the result is saved over the version of `self`.
    ///
    /// ```
    /// use nhs_pds::case::{Allocation, Case, RecordType};
    ///
    /// let stored = Case::new("1".parse()?, RecordType::Review);
    /// let mut read = stored.clone();
    /// assert!(stored.updated_from(read.clone()).is_none());
    /// read.allocations = vec![Allocation::new("A Worker")];
    /// assert!(stored.updated_from(read.clone()) == Some(read));
    /// # Ok::<(), nhs_pds::text::ValueError>(())
    /// ```
    #[must_use]
    pub fn updated_from(&self, read: Self) -> Option<Self> {
        let erased =
            self.deleted.as_ref().is_some_and(|deletion| deletion.how == DeletionKind::Erased);
        if read.id != self.id || erased {
            return None;
        }
        let imported = self.imported_number(&read).and_then(|_| read.number_with_person());
        let nhs_number = match (&self.nhs_number, imported) {
            (Some(recorded), Some(new)) if is_replaced(recorded, &new) => Some(new),
            (Some(recorded), _) => Some(recorded.clone()),
            (None, new) => new,
        };
        // A new number is verified at once.
        let number =
            |recorded: &Option<RecordedNumber>| recorded.as_ref().map(|recorded| recorded.number);
        let asking = if number(&nhs_number) == number(&self.nhs_number) {
            self.asking.clone()
        } else {
            TraceState::default()
        };
        // Answers about other data are not evidence about these.
        let known = asking.known.clone().filter(|_| self.is_described_as(&read));
        let asking = TraceState { known, ..asking };
        let told = self
            .date_of_death
            .filter(|_| self.death_traced && !self.loses_traced_death_to(&read.identity()));
        let updated = Self {
            date_of_death: read.date_of_death.or(told),
            death_traced: told.is_some(),
            nhs_number,
            last_trace: self.last_trace.clone(),
            asking,
            rejected_numbers: self.rejected_numbers.clone(),
            not_on_pds: self.not_on_pds,
            review: self.review.clone(),
            undelivered: self.undelivered.clone(),
            deleted: self.deleted.clone(),
            absorbed: self.absorbed.clone(),
            read_digest: self.read_digest.clone(),
            version: self.version,
            ..read
        }
        .with_person_of(self);
        (updated != *self).then_some(updated)
    }

    /// Whether every field by which the person is searched for and recognised is the same in `read`.
    fn is_described_as(&self, read: &Self) -> bool {
        self.surname == read.surname
            && self.forename == read.forename
            && self.date_of_birth == read.date_of_birth
            && self.gender == read.gender
            && self.address == read.address
            && self.postcode == read.postcode
            && self.lists() == read.lists()
    }

    /// The number in `read`, if this case may take it.
    fn imported_number<'a>(&self, read: &'a Self) -> Option<&'a RecordedNumber> {
        read.nhs_number.as_ref().filter(|recorded| {
            !read.contradicted
                && matches!(recorded.source, NumberSource::Imported(_))
                && !self.rejected_numbers.contains(&recorded.number)
        })
    }

    /// The number in `read`, if the case keeps a different number and no review item contains the
    /// number of `read`.
    pub(crate) fn number_in_conflict(&self, read: &Self) -> Option<NhsNumber> {
        let recorded = self.nhs_number.as_ref().filter(|_| self.is_live())?;
        let other = self.imported_number(read)?;
        let differs = other.number != recorded.number && !is_replaced(recorded, other);
        let is_named = self.review.iter().any(|item| {
            let asked = item.evidence.asked.as_ref().and_then(|asked| asked.nhs_number);
            [asked, item.evidence.nhs_number].contains(&Some(other.number))
        });
        (differs && !is_named).then_some(other.number)
    }
}

/// Whether another number, `imported` later, replaces `recorded`: only the local system has recorded
/// `recorded`, and now it has another number.
fn is_replaced(recorded: &RecordedNumber, imported: &RecordedNumber) -> bool {
    let local =
        matches!(recorded.source, NumberSource::Imported(_)) && !recorded.source.is_traced();
    local && recorded.number != imported.number
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::number::{Provenance, RecordedNumber, TraceRecord};
    use crate::case::record::Allocation;
    use crate::case::record_type::RecordType;
    use crate::case::trace_state::KnownSoFar;
    use crate::demographics::Gender;
    use crate::nhs_number::NhsNumber;
    use crate::trace::{Exchange, Freshness};
    use chrono::DateTime;

    const NUMBER: NhsNumber = NhsNumber::constant(9_434_765_919);
    const OTHER: NhsNumber = NhsNumber::constant(9_449_304_424);

    fn imported(number: NhsNumber) -> Option<RecordedNumber> {
        Some(RecordedNumber::new(number, NumberSource::Imported(Some("GP letter".into()))))
    }

    /// A traced case, at its third version.
    fn stored() -> Case {
        let exchange = Exchange::new("SMSP", "getNHSNumber", "M-1", DateTime::UNIX_EPOCH);
        let mut case = Case::new("1".parse().unwrap(), RecordType::AdultCase);
        case.surname = Some("Aindow".into());
        case.last_trace = Some(TraceRecord::new(DateTime::UNIX_EPOCH, "found", Some(&exchange)));
        let source = NumberSource::Traced(Provenance::new(exchange, Freshness::Live, "exact"));
        case.nhs_number = Some(RecordedNumber::new(NUMBER, source).with_person(case.identity()));
        case.version = 3;
        case
    }

    /// The same case as the local system has it, read from a file.
    fn read() -> Case {
        let mut case = stored();
        (case.nhs_number, case.last_trace, case.version) = (None, None, 0);
        case
    }

    /// A change of each field that describes the person.
    const PERSON: [fn(&mut Case); 11] = [
        |case| case.surname = None,
        |case| case.forename = Some("Comfort".into()),
        |case| case.date_of_birth = Some("1943-05-19".parse().unwrap()),
        |case| case.gender = Some(Gender::Female),
        |case| case.address[3] = "Epsom".into(),
        |case| case.postcode = Some("KT17 1NA".into()),
        |case| case.other_forenames = vec!["Ann".into()],
        |case| case.former_surnames = vec!["Obi".into()],
        |case| case.former_postcodes = vec!["LS1 4HY".into()],
        |case| case.telephones = vec!["01632 960001".into()],
        |case| case.emails = vec!["a@b.example".into()],
    ];

    #[test]
    fn each_local_field_is_taken() {
        assert!(stored().updated_from(read()).is_none(), "nothing is new");
        let others: [fn(&mut Case); 5] = [
            |case| case.record_type = RecordType::Review,
            |case| case.allocations = vec![Allocation::new("A Worker")],
            |case| case.date_of_death = Some("2026".parse().unwrap()),
            |case| case.contradicted = true,
            |case| {
                case.surname = Some("Married".into());
                case.contradicted = true;
            },
        ];
        for change in PERSON.into_iter().chain(others) {
            let (mut file, mut expected) = (read(), stored());
            change(&mut file);
            change(&mut expected);
            let updated = stored().updated_from(file.clone());
            assert!(
                updated.as_ref() == Some(&expected),
                "the results of traces and the version stay"
            );
            assert!(expected.updated_from(file).is_none(), "the same file again changes nothing");
            assert!(expected.updated_from(read()) == Some(stored()), "the change can be undone");
        }
    }

    #[test]
    fn answers_about_other_data_are_dropped() {
        let asked = crate::matching::Criteria::new("Aindow", "1943-05-19".parse().unwrap());
        let known = KnownSoFar::new("smsp-1", asked.clone(), vec![], DateTime::UNIX_EPOCH);
        let mut stored = stored();
        (stored.asking.asked, stored.asking.known) = (Some(asked), Some(known));
        assert!(stored.updated_from(read()).is_none());
        for (place, change) in PERSON.into_iter().enumerate() {
            let mut file = read();
            change(&mut file);
            let asking = stored.updated_from(file).unwrap().asking;
            assert!(asking.known.is_none() && asking.asked.is_some(), "{place}");
        }
        let mut file = read();
        file.allocations = vec![Allocation::new("A Worker")];
        let asking = stored.updated_from(file).unwrap().asking;
        assert!(asking == stored.asking, "a worker says nothing about the person");
    }

    #[test]
    fn a_number_is_filled_in_and_never_replaced() {
        let mut file = read();
        file.nhs_number = imported(OTHER);
        assert!(stored().updated_from(file.clone()).is_none());
        let mut without = stored();
        without.nhs_number = None;
        let updated = without.updated_from(file.clone()).unwrap();
        let taken = imported(OTHER).map(|recorded| recorded.with_person(file.identity()));
        assert_eq!(updated.nhs_number, taken);
        assert!(updated.updated_from(read()).is_none(), "the number stays");

        file.contradicted = true;
        let updated = without.updated_from(file.clone()).unwrap();
        assert_eq!(updated.nhs_number, None, "the number may be either of two people's");
        file.contradicted = false;
        file.nhs_number = stored().nhs_number;
        assert!(without.updated_from(file).is_none(), "a file contains no provenance of a trace");
    }

    #[test]
    fn a_death_that_the_spine_returned_stays() {
        let died = |text: &str| Some(text.parse().unwrap());
        let (mut told, mut file) = (stored(), read());
        told.date_of_death = died("2026-11-20");
        assert!(
            told.updated_from(file.clone()) == Some(stored()),
            "a date that only the local system recorded"
        );
        told.death_traced = true;
        assert!(told.updated_from(file.clone()).is_none());
        file.date_of_death = died("2026-11-21");
        let updated = told.updated_from(file).unwrap();
        assert_eq!(updated.date_of_death, died("2026-11-21"));
        assert!(updated.death_traced);
        assert!(updated.updated_from(read()).is_none());
    }

    #[test]
    fn a_rejected_number_and_an_erased_case_are_not_imported() {
        let mut file = read();
        file.nhs_number = imported(OTHER);
        let mut rejected = stored();
        (rejected.nhs_number, rejected.rejected_numbers) = (None, vec![OTHER]);
        assert!(rejected.updated_from(file.clone()).is_none());
        let mut erased = stored();
        erased.deleted = Some(crate::case::deletion::Deletion::new(
            DateTime::UNIX_EPOCH,
            "court officer",
            DeletionKind::Erased,
        ));
        file.surname = Some("Back".into());
        assert!(erased.updated_from(file).is_none());
    }

    #[test]
    fn another_case_changes_nothing() {
        let mut other = read();
        other.id = "2".parse().unwrap();
        other.surname = None;
        assert!(stored().updated_from(other).is_none());
    }
}
