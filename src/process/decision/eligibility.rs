use crate::case::{Case, RecordType, is_implausible_death, is_no_worker};
use crate::demographics::london_day;
use chrono::{DateTime, Utc};
use std::fmt;

/// Which record types are traced (HAV-4).
///
/// ```
/// use nhs_pds::case::RecordType;
/// use nhs_pds::process::Scope;
///
/// let scope = Scope::default().with_record_type("Carer".parse()?);
/// assert!(scope.contains(&RecordType::Review));
/// assert!(scope.contains(&"carer".parse()?));
/// assert!(!scope.contains(&"adoption".parse()?));
/// # Ok::<(), nhs_pds::text::ValueError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Scope(Vec<RecordType>);

impl Scope {
    /// These record types and no others.
    #[must_use]
    pub fn new(record_types: impl IntoIterator<Item = RecordType>) -> Self {
        Self(record_types.into_iter().collect())
    }

    /// The same scope and `record_type`.
    #[must_use]
    pub fn with_record_type(mut self, record_type: RecordType) -> Self {
        self.0.push(record_type);
        self
    }

    /// Whether records of this type are traced; upper and lower case do not count.
    #[must_use]
    pub fn contains(&self, record_type: &RecordType) -> bool {
        self.0.iter().any(|kind| kind.as_str().eq_ignore_ascii_case(record_type.as_str()))
    }
}

impl Default for Scope {
    /// The eleven record types of HAV-4.
    fn default() -> Self {
        Self::new(RecordType::HAV4)
    }
}

/// Whether a case is traced, and if not, why not.
#[derive(Clone, Debug, Default, Eq, PartialEq, serde::Serialize)]
pub struct Eligibility(Vec<Reason>);

impl Eligibility {
    pub(in crate::process) fn and(mut self, reasons: impl IntoIterator<Item = Reason>) -> Self {
        self.0.extend(reasons);
        self.0.sort_unstable();
        self
    }

    /// Whether the case may be traced.
    #[must_use]
    pub const fn is_eligible(&self) -> bool {
        self.0.is_empty()
    }

    /// The reason under which reports count the case: the first that applies, in the order of [`Reason`].
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        self.0.first().copied()
    }

    /// All reasons, in the order of [`Reason`]. The case is traced after all of them have changed.
    #[must_use]
    pub fn reasons(&self) -> &[Reason] {
        &self.0
    }
}

/// Why a case is not traced.
///
/// The reasons up to [`NotDue`](Self::NotDue) are about the case (HAV-2 to HAV-4). The others are about its
/// data: correct the data in the local system.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The record type is not in scope (HAV-4).
    RecordTypeOutOfScope,
    /// No care worker was ever allocated (HAV-2).
    NotAllocated,
    /// All allocations have an end date, in the past or in the future (HAV-2).
    AllocationEnded,
    /// A date of death is recorded (HAV-2).
    DeathRecorded,
    /// The case is not active: it is deleted, merged into another case or erased (MSCA-DQ-01, DQ-02).
    NotInUse,
    /// The number is already traced on the Spine (HAV-3).
    AlreadyTraced,
    /// A reviewer has found that PDS has no record of the person (MSCA-PDS-04).
    NotOnPds,
    /// The case was submitted in a batch, and waits for its row of the response.
    InBatch,
    /// The same query was sent recently, and it is not yet time to send it again.
    NotDue,
    /// The local data contradict each other about who the person is. A query might return a different person.
    Contradicted,
    /// The case has no surname.
    SurnameMissing,
    /// The surname has a wildcard or a character that cannot be sent.
    SurnameUnusable,
    /// The surname is a placeholder for a name that is not known or not given yet, such as `UNKNOWN` or `Baby`
    /// (`reference/placeholders.txt`). Enter the surname. If it is the person's real name, trace the person at a
    /// screen, and enter the number with the tracing service as its source.
    SurnamePlaceholder,
    /// The forename has a wildcard or a character that cannot be sent.
    ForenameUnusable,
    /// The forename is a placeholder for a name that is not known or not given yet. Enter the forename or leave
    /// it blank. If it is the person's real name, see [`SurnamePlaceholder`](Self::SurnamePlaceholder).
    ForenamePlaceholder,
    /// The case has no gender.
    GenderMissing,
    /// The case has no date of birth.
    DateOfBirthMissing,
    /// The date of birth is in the future, or more than 125 years ago. Correct it.
    DateOfBirthImplausible,
    /// The day of birth, or its day and month, is not known. A search by such a date requires a person who judges
    /// its result.
    DateOfBirthIncomplete,
    /// The postcode is not a UK postcode. Without it, the query might return a person who lives elsewhere.
    /// Correct the postcode, or leave it blank.
    PostcodeUnusable,
    /// The case id cannot be sent as a local identifier.
    LocalIdentifierUnusable,
    /// The date of death is in the future, before the date of birth, or more than 125 years ago. Correct the
    /// date. It does not prevent tracing, because it does not show that the person has died. See
    /// [`CaseReport::faults`](crate::process::CaseReport::faults).
    DateOfDeathImplausible,
}

impl Reason {
    /// A stable word for reports and metrics: the variant's name in lower case, joined by `_`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RecordTypeOutOfScope => "record_type_out_of_scope",
            Self::NotAllocated => "not_allocated",
            Self::AllocationEnded => "allocation_ended",
            Self::DeathRecorded => "death_recorded",
            Self::NotInUse => "not_in_use",
            Self::AlreadyTraced => "already_traced",
            Self::NotOnPds => "not_on_pds",
            Self::InBatch => "in_batch",
            Self::NotDue => "not_due",
            Self::Contradicted => "contradicted",
            Self::SurnameMissing => "surname_missing",
            Self::SurnameUnusable => "surname_unusable",
            Self::SurnamePlaceholder => "surname_placeholder",
            Self::ForenameUnusable => "forename_unusable",
            Self::ForenamePlaceholder => "forename_placeholder",
            Self::GenderMissing => "gender_missing",
            Self::DateOfBirthMissing => "date_of_birth_missing",
            Self::DateOfBirthImplausible => "date_of_birth_implausible",
            Self::DateOfBirthIncomplete => "date_of_birth_incomplete",
            Self::PostcodeUnusable => "postcode_unusable",
            Self::LocalIdentifierUnusable => "local_identifier_unusable",
            Self::DateOfDeathImplausible => "date_of_death_implausible",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Returns whether `case` may be traced, with the reasons if not.
///
/// A case is eligible if a legitimate relationship exists (HAV-2), its record type is in `scope` (HAV-4), it is
/// active, and its data are about one person.
///
/// An allocation to a care worker whose name is a placeholder, such as `NULL` or `N/A`, is not a relationship
/// (`reference/placeholders.txt` has the texts). Two dates of death are ignored: a date that cannot be right at
/// `now` (in the future, before the birth, or more than 125 years ago), and a date that the Spine returned
/// before name, date of birth or gender changed ([`Case::person_changed`]).
///
/// [`plan`](crate::process::plan) also checks whether the data can be queried, and whether a query is due.
#[must_use]
pub fn eligibility(case: &Case, scope: &Scope, now: DateTime<Utc>) -> Eligibility {
    let mut reasons = Vec::new();
    if !scope.contains(&case.record_type) {
        reasons.push(Reason::RecordTypeOutOfScope);
    }
    // An allocation to a placeholder does not count.
    let mut allocated = case.allocations.iter().filter(|row| !is_no_worker(&row.worker)).peekable();
    if allocated.peek().is_none() {
        reasons.push(Reason::NotAllocated);
    } else if allocated.all(|row| row.end.is_some()) {
        reasons.push(Reason::AllocationEnded);
    }
    if case.date_of_death.is_some() && faults(case, now).is_empty() && !case.death_in_doubt() {
        reasons.push(Reason::DeathRecorded);
    }
    if !case.is_live() {
        reasons.push(Reason::NotInUse);
    }
    if case.contradicted {
        reasons.push(Reason::Contradicted);
    }
    Eligibility(reasons)
}

/// The faults in the data of `case` that do not prevent tracing.
pub(in crate::process) fn faults(case: &Case, now: DateTime<Utc>) -> Vec<Reason> {
    let died = case
        .date_of_death
        .filter(|died| is_implausible_death(*died, case.date_of_birth, london_day(now)));
    died.map(|_| Reason::DateOfDeathImplausible).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{Allocation, Deletion, DeletionKind};
    use crate::process::decision::plan::tests::{case, now};

    fn reasons(change: impl FnOnce(&mut Case)) -> Vec<Reason> {
        let mut case = case();
        change(&mut case);
        eligibility(&case, &Scope::default(), now()).reasons().to_vec()
    }

    #[test]
    fn a_case_with_an_open_allocation_and_no_traced_number_is_eligible() {
        assert!(eligibility(&case(), &Scope::default(), now()).is_eligible());
        for kind in RecordType::HAV4 {
            assert_eq!(reasons(|case| case.record_type = kind), []);
        }
    }

    #[test]
    fn record_types_out_of_scope() {
        let adoption = || RecordType::Other("adoption".into());
        assert_eq!(reasons(|case| case.record_type = adoption()), [Reason::RecordTypeOutOfScope]);
        let scope = Scope::new([adoption()]);
        assert_eq!(
            eligibility(&case(), &scope, now()).reason(),
            Some(Reason::RecordTypeOutOfScope)
        );
    }

    #[test]
    fn allocations() {
        let ended = || Allocation::new("a").with_end("9999-12-31".parse().unwrap());
        let is = |rows: Vec<Allocation>| reasons(|case| case.allocations = rows);
        assert_eq!(is(vec![]), [Reason::NotAllocated]);
        for placeholder in [" ", "NULL", "n/a", "-", "Unknown", "TBC", "N/A\u{200B}", "0"] {
            assert_eq!(
                is(vec![Allocation::new(placeholder)]),
                [Reason::NotAllocated],
                "{placeholder}"
            );
            let both = vec![ended(), Allocation::new(placeholder)];
            assert_eq!(is(both), [Reason::AllocationEnded], "{placeholder}");
            assert_eq!(
                is(vec![Allocation::new(placeholder), Allocation::new("b")]),
                [],
                "{placeholder}"
            );
        }
        assert_eq!(is(vec![ended(), ended()]), [Reason::AllocationEnded]);
        assert_eq!(is(vec![ended(), Allocation::new("")]), [Reason::AllocationEnded]);
        assert_eq!(is(vec![ended(), Allocation::new("b")]), []);
    }

    #[test]
    fn a_date_of_death_that_cannot_be_right_does_not_prevent_tracing() {
        let died = |text: &str| {
            let mut case = case();
            case.date_of_death = Some(text.parse().unwrap());
            let reasons = eligibility(&case, &Scope::default(), now()).reasons().to_vec();
            (reasons, faults(&case, now()))
        };
        for text in ["2026-11-24", "2030", "9999-12-31", "1943-05-18", "1066", "0084"] {
            assert_eq!(died(text), (vec![], vec![Reason::DateOfDeathImplausible]), "{text}");
        }
        for text in ["2026-11-23", "2026-11", "1943-05-19", "1943"] {
            assert_eq!(died(text), (vec![Reason::DeathRecorded], vec![]), "{text}");
        }
        assert_eq!(faults(&case(), now()), []);
    }

    #[test]
    fn deaths_and_inactive_cases() {
        let died = Some("2026".parse().unwrap());
        assert_eq!(reasons(|case| case.date_of_death = died), [Reason::DeathRecorded]);
        let deleted = Deletion::new(chrono::DateTime::UNIX_EPOCH, "1", DeletionKind::Logical);
        assert_eq!(reasons(|case| case.deleted = Some(deleted)), [Reason::NotInUse]);
        assert_eq!(reasons(|case| case.contradicted = true), [Reason::Contradicted]);
    }
}
