use crate::case::{Case, DeletionKind, NumberSource, RecordedNumber, TraceState};
use crate::nhs_number::NhsNumber;

impl Case {
    /// The case as it is after the local system has been read again as `read`; `None` when nothing
    /// changes, or when `read` is another case.
    ///
    /// What the local system knows best is taken from `read`: record type, names, aliases, date of birth,
    /// gender, address, postcode, allocations, and whether its data contradict themselves. What traces
    /// brought stays: the number with its provenance, the last trace, and a date of death that the
    /// Spine told ([`Case::death_traced`]), unless `read` has one of its own. A date of death that
    /// only the local system told goes when the local system takes it back. On a case without a number, so
    /// does one that the Spine returned, when `read` is about another person.
    ///
    /// A case without a number takes one that `read` has imported, unless `read` contradicts itself. So does
    /// a case with a number that was imported and never traced, when `read` has another: the local system
    /// has corrected it, and the new number is to be verified. A number that was traced is never replaced,
    /// whatever `read` says; [`import`](crate::process::import) opens a review item where the two differ. A
    /// number that somebody has rejected for this person is not taken again. Nothing is taken for a case
    /// that was erased (MSCA-DQ-02).
    ///
    /// When `read` is about another person by name, date of birth or gender, the number stays and is in
    /// doubt ([`Case::person_changed`]).
    ///
    /// The version stays, so the result is saved over what `self` was read as.
    ///
    /// ```
    /// use nhs_pds::case::{Allocation, Case, RecordType};
    ///
    /// let stored = Case::new("1".parse()?, RecordType::Review);
    /// let mut read = stored.clone();
    /// assert!(stored.updated_from(read.clone()).is_none());
    /// read.allocations = vec![Allocation::new("A Worker")];
    /// assert!(stored.updated_from(read.clone()) == Some(read));
    /// # Ok::<(), nhs_pds::case::CaseIdError>(())
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
            (Some(held), Some(new)) if is_replaced(held, &new) => Some(new),
            (Some(held), _) => Some(held.clone()),
            (None, new) => new,
        };
        // A number that is new is verified at once.
        let number = |held: &Option<RecordedNumber>| held.as_ref().map(|held| held.number);
        let asking = if number(&nhs_number) == number(&self.nhs_number) {
            self.asking.clone()
        } else {
            TraceState::default()
        };
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

    /// The number that `read` says the person has, where it may be taken for this case.
    fn imported_number<'a>(&self, read: &'a Self) -> Option<&'a RecordedNumber> {
        read.nhs_number.as_ref().filter(|held| {
            !read.contradicted
                && matches!(held.source, NumberSource::Imported(_))
                && !self.rejected_numbers.contains(&held.number)
        })
    }

    /// The number that `read` says the person has, where the case keeps another in spite of it, and no
    /// review item has ever named it.
    pub(crate) fn number_in_conflict(&self, read: &Self) -> Option<NhsNumber> {
        let held = self.nhs_number.as_ref().filter(|_| self.is_live())?;
        let other = self.imported_number(read)?;
        let differs = other.number != held.number && !is_replaced(held, other);
        let is_named = self.review.iter().any(|item| {
            let asked = item.evidence.asked.as_ref().and_then(|asked| asked.nhs_number);
            [asked, item.evidence.nhs_number].contains(&Some(other.number))
        });
        (differs && !is_named).then_some(other.number)
    }
}

/// Whether the number `held` gives way to another that is `imported` later: the local system alone has
/// said it, and now says another.
fn is_replaced(held: &RecordedNumber, imported: &RecordedNumber) -> bool {
    let local = matches!(held.source, NumberSource::Imported(_)) && !held.source.is_traced();
    local && held.number != imported.number
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{Allocation, Provenance, RecordType, RecordedNumber, TraceRecord};
    use crate::demographics::Gender;
    use crate::nhs_number::NhsNumber;
    use crate::trace::{Exchange, Freshness};
    use chrono::DateTime;

    const NUMBER: NhsNumber = NhsNumber::constant(9_434_765_919);
    const OTHER: NhsNumber = NhsNumber::constant(9_449_304_424);

    fn imported(number: NhsNumber) -> Option<RecordedNumber> {
        Some(RecordedNumber::new(number, NumberSource::Imported(Some("GP letter".into()))))
    }

    /// A case that was traced, at its third version.
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

    /// The same case as the local system has it, and as a file says it.
    fn read() -> Case {
        let mut case = stored();
        (case.nhs_number, case.last_trace, case.version) = (None, None, 0);
        case
    }

    #[test]
    fn each_local_particular_is_taken() {
        assert!(stored().updated_from(read()).is_none(), "nothing is new");
        let changes: [fn(&mut Case); 11] = [
            |case| case.record_type = RecordType::Review,
            |case| case.surname = None,
            |case| case.forename = Some("Comfort".into()),
            |case| case.date_of_birth = Some("1943-05-19".parse().unwrap()),
            |case| case.gender = Some(Gender::Female),
            |case| case.address[3] = "Epsom".into(),
            |case| case.postcode = Some("KT17 1NA".into()),
            |case| case.allocations = vec![Allocation::new("A Worker")],
            |case| case.date_of_death = Some("2026".parse().unwrap()),
            |case| case.contradicted = true,
            |case| {
                case.surname = Some("Married".into());
                case.contradicted = true;
            },
        ];
        for change in changes {
            let (mut file, mut expected) = (read(), stored());
            change(&mut file);
            change(&mut expected);
            let updated = stored().updated_from(file.clone());
            assert!(updated.as_ref() == Some(&expected), "traces and version stay");
            assert!(expected.updated_from(file).is_none(), "the same file again changes nothing");
            assert!(expected.updated_from(read()) == Some(stored()), "and it can be taken back");
        }
    }

    #[test]
    fn a_number_is_filled_in_and_never_replaced() {
        let mut file = read();
        file.nhs_number = imported(OTHER);
        assert!(stored().updated_from(file.clone()).is_none());
        let mut without = stored();
        without.nhs_number = None;
        let updated = without.updated_from(file.clone()).unwrap();
        let taken = imported(OTHER).map(|held| held.with_person(file.identity()));
        assert_eq!(updated.nhs_number, taken);
        assert!(updated.updated_from(read()).is_none(), "and it stays");

        file.contradicted = true;
        let updated = without.updated_from(file.clone()).unwrap();
        assert_eq!(updated.nhs_number, None, "which of two people's numbers it is, nobody knows");
        file.contradicted = false;
        file.nhs_number = stored().nhs_number;
        assert!(without.updated_from(file).is_none(), "no file knows how a number was traced");
    }

    #[test]
    fn a_death_that_the_spine_told_stays() {
        let died = |text: &str| Some(text.parse().unwrap());
        let (mut told, mut file) = (stored(), read());
        told.date_of_death = died("2026-11-20");
        assert!(told.updated_from(file.clone()) == Some(stored()), "the local system's own word");
        told.death_traced = true;
        assert!(told.updated_from(file.clone()).is_none());
        file.date_of_death = died("2026-11-21");
        let updated = told.updated_from(file).unwrap();
        assert_eq!(updated.date_of_death, died("2026-11-21"));
        assert!(updated.death_traced);
        assert!(updated.updated_from(read()).is_none());
    }

    #[test]
    fn a_rejected_number_and_an_erased_case_stay_away() {
        let mut file = read();
        file.nhs_number = imported(OTHER);
        let mut rejected = stored();
        (rejected.nhs_number, rejected.rejected_numbers) = (None, vec![OTHER]);
        assert!(rejected.updated_from(file.clone()).is_none());
        let mut erased = stored();
        erased.deleted = Some(crate::case::Deletion::new(
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
