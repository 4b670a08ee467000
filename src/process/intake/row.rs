//! The rows of a preview: what would change, and what contradicts what.

use crate::case::{Case, CaseId};
use crate::demographics::{Field, redacted_debug};
use crate::nhs_number::NhsNumber;

/// The longest value in a preview, in characters.
const LONGEST: usize = 200;

/// One case of a file, as the preview of its import shows it.
#[non_exhaustive]
#[derive(Clone, Eq, PartialEq)]
pub struct PreviewedRow {
    /// The line of the file on which the case begins.
    pub line: u64,
    /// The local system's identifier.
    pub case: CaseId,
    /// What changes on the stored case; what is recorded of a new one.
    pub changes: Vec<FieldChange>,
    /// What the row contradicts, if anything.
    pub contradiction: Option<Contradiction>,
}

/// One field that an import changes.
#[non_exhaustive]
#[derive(Clone, Eq, PartialEq)]
pub struct FieldChange {
    /// The name of the column in a caseload.
    pub column: &'static str,
    /// The stored value; empty when none is recorded. Shortened to 200 characters.
    pub from: String,
    /// The value of the file; empty when it has none. Shortened to 200 characters.
    pub to: String,
}

/// What a row contradicts: the file itself, or what is recorded.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Contradiction {
    /// The rows of the case disagree about who the person is. The row is not imported: correct the file.
    RowsDisagree,
    /// Another case of the file has the same NHS Number. Neither is imported: correct the file.
    NumberTwice,
    /// Another stored case has the NHS Number. Both are imported, and flagged as duplicates (MSCA-DQ-01).
    NumberOfAnother,
    /// The case has another NHS Number, which was traced and stays. A reviewer decides.
    NumberTraced,
    /// Name and date of birth differ from the person of the case's NHS Number. The number is in doubt
    /// until it is verified.
    AnotherPerson,
    /// The date of death differs from the date that PDS returned.
    Death,
}

impl Contradiction {
    /// All contradictions.
    pub const ALL: [Self; 6] = [
        Self::RowsDisagree,
        Self::NumberTwice,
        Self::NumberOfAnother,
        Self::NumberTraced,
        Self::AnotherPerson,
        Self::Death,
    ];

    /// A stable word: the variant's name in lower case, joined by `_`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RowsDisagree => "rows_disagree",
            Self::NumberTwice => "number_twice",
            Self::NumberOfAnother => "number_of_another",
            Self::NumberTraced => "number_traced",
            Self::AnotherPerson => "another_person",
            Self::Death => "death",
        }
    }

    /// Whether the row is imported, with a review item or a check to follow. A row that contradicts
    /// another row of the file is not.
    ///
    /// ```
    /// use nhs_pds::process::Contradiction;
    ///
    /// assert!(Contradiction::NumberTraced.is_imported());
    /// assert!(!Contradiction::NumberTwice.is_imported());
    /// ```
    #[must_use]
    pub const fn is_imported(self) -> bool {
        !matches!(self, Self::RowsDisagree | Self::NumberTwice)
    }
}

/// The fields in which `to` differs from `from`; those that `to` has, without `from`.
pub(super) fn changes(from: Option<&Case>, to: &Case) -> Vec<FieldChange> {
    let before = from.map(values);
    let differs = |(at, (column, to)): (usize, (&'static str, String))| {
        let from = before.as_ref().and_then(|before| before.get(at));
        let from = from.map(|(_, value)| value.clone()).unwrap_or_default();
        (from != to).then_some(FieldChange { column, from, to })
    };
    values(to).into_iter().enumerate().filter_map(differs).collect()
}

/// The values of the local system, by the columns of a caseload.
fn values(case: &Case) -> Vec<(&'static str, String)> {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let date = |value: Option<crate::demographics::PartialDate>| {
        value.map(|date| date.to_string()).unwrap_or_default()
    };
    let address: Vec<&str> =
        case.address.iter().map(String::as_str).filter(|line| !line.is_empty()).collect();
    let allocation = |allocation: &crate::case::Allocation| {
        let day = |day: Option<crate::demographics::FullDate>| {
            day.map(|day| day.to_string()).unwrap_or_default()
        };
        let (start, end) = (day(allocation.start), day(allocation.end));
        let dates = if start.is_empty() && end.is_empty() {
            String::new()
        } else {
            format!(" ({start} to {end})")
        };
        format!("{}{dates}", allocation.worker)
    };
    let number = case.nhs_number.as_ref().map(|recorded| recorded.number.to_string());
    let allocations: Vec<String> = case.allocations.iter().map(allocation).collect();
    let mut values = vec![
        ("record_type", case.record_type.to_string()),
        ("surname", text(&case.surname)),
        ("forename", text(&case.forename)),
        ("date_of_birth", date(case.date_of_birth)),
        ("gender", case.gender.map(|gender| gender.to_string()).unwrap_or_default()),
        ("address", address.join(", ")),
        ("postcode", text(&case.postcode)),
        ("allocated_worker", allocations.join("; ")),
        ("date_of_death", date(case.date_of_death)),
        ("nhs_number", number.or_else(|| case.damaged_number.clone()).unwrap_or_default()),
    ];
    let names = ["other_forenames", "former_surnames", "former_postcodes", "telephone", "email"];
    values.extend(names.into_iter().zip(case.lists().map(|list| list.join("; "))));
    for (_, value) in &mut values {
        if let Some((at, _)) = value.char_indices().nth(LONGEST) {
            value.truncate(at);
            value.push('…');
        }
    }
    values
}

/// What the row `read` contradicts of its stored case, which becomes `updated`.
pub(super) fn contradiction(stored: &Case, read: &Case, updated: &Case) -> Option<Contradiction> {
    if stored.number_in_conflict(read).is_some() {
        return Some(Contradiction::NumberTraced);
    }
    let changed = updated.changed_fields();
    let is_name = |field: &Field| matches!(field, Field::Family | Field::Given);
    if changed.contains(&Field::DateOfBirth) && changed.iter().any(is_name) {
        return Some(Contradiction::AnotherPerson);
    }
    let traced = stored.date_of_death.filter(|_| stored.death_traced);
    let differs = traced.zip(read.date_of_death).is_some_and(|(died, other)| !died.may_be(other));
    differs.then_some(Contradiction::Death)
}

/// The number that the import gives to the case and that it does not have now.
pub(super) fn number_taken(stored: Option<&Case>, updated: &Case) -> Option<NhsNumber> {
    updated.live_number().filter(|number| stored.and_then(Case::live_number) != Some(*number))
}

redacted_debug!(PreviewedRow, FieldChange);
