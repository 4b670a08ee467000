//! What columns, contradictions and implausible figures are called on pages.

use nhs_pds::process::{Contradiction, Implausible, Plausibility};

/// The columns of a caseload with their names on pages, in the order of the form.
pub(super) const COLUMNS: [(&str, &str); 23] = [
    ("case_id", "Case id"),
    ("record_type", "Record type"),
    ("surname", "Surname"),
    ("forename", "Forename"),
    ("date_of_birth", "Date of birth"),
    ("gender", "Gender"),
    ("address_1", "Address line 1"),
    ("address_2", "Address line 2"),
    ("address_3", "Address line 3"),
    ("address_4", "Address line 4"),
    ("address_5", "Address line 5"),
    ("postcode", "Postcode"),
    ("allocated_worker", "Allocated worker"),
    ("allocation_start", "Start of the allocation"),
    ("allocation_end", "End of the allocation"),
    ("date_of_death", "Date of death"),
    ("nhs_number", "NHS Number"),
    ("nhs_number_source", "Source of the NHS Number"),
    ("other_forenames", "Other forenames"),
    ("former_surnames", "Former surnames"),
    ("former_postcodes", "Former postcodes"),
    ("telephone", "Telephone"),
    ("email", "Email"),
];

/// The name of a column on pages.
pub(super) fn column(name: &str) -> &str {
    let found = COLUMNS.iter().find(|(column, _)| *column == name);
    found.map_or(if name == "address" { "Address" } else { name }, |(_, label)| label)
}

/// What a row contradicts, and what follows.
pub(super) const fn contradiction(contradiction: Contradiction) -> &'static str {
    match contradiction {
        Contradiction::RowsDisagree => {
            "Rows with this case id describe different people. Correct the file."
        }
        Contradiction::NumberTwice => {
            "Another case of the file has the same NHS Number. Correct the file."
        }
        Contradiction::NumberOfAnother => {
            "Another case already has this NHS Number. Both cases get a review item."
        }
        Contradiction::NumberTraced => {
            "We traced another NHS Number for this case. It stays, and the case gets a review item."
        }
        Contradiction::AnotherPerson => {
            "Name and date of birth differ from the person of the NHS Number. The number is verified before it is used."
        }
        Contradiction::Death => {
            "The date of death differs from the date that PDS returned. Check it after the import."
        }
        _ => "The row contradicts what is recorded.",
    }
}

/// Why a file is implausible, with its figures.
pub(super) fn implausible(reason: Implausible, figures: &Plausibility) -> String {
    let Plausibility { cases, stored, names, births, numbers, refused, .. } = *figures;
    let before = figures.before.unwrap_or_default();
    match reason {
        Implausible::Names => {
            format!("{names} of {stored} recorded cases have another name in the file.")
        }
        Implausible::Births => {
            format!("{births} of {stored} recorded cases have another date of birth in the file.")
        }
        Implausible::Numbers => {
            format!("{numbers} of {stored} recorded cases have another NHS Number in the file.")
        }
        Implausible::Refused => format!(
            "{refused} of {} rows cannot be imported.",
            cases.saturating_add(figures.refused)
        ),
        Implausible::Fewer => {
            format!("The last file of this source had {before} cases. This file has {cases}.")
        }
        Implausible::New => format!(
            "{} of {cases} cases are new, although the source was imported before.",
            cases.saturating_sub(stored)
        ),
        _ => "The file is not like the last one.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nhs_pds::case::caseload::{COLUMNS as REQUIRED, OPTIONAL_COLUMNS};

    #[test]
    fn every_column_of_a_caseload_has_a_name() {
        let names = COLUMNS.map(|(name, _)| name);
        assert_eq!(names[..], [&REQUIRED[..], &OPTIONAL_COLUMNS[..]].concat());
        assert_eq!(column("address"), "Address");
        assert_eq!(column("email"), "Email");
    }

    #[test]
    fn each_contradiction_and_reason_has_words_of_its_own() {
        for row in Contradiction::ALL {
            assert_ne!(contradiction(row), "The row contradicts what is recorded.");
            assert_eq!(contradiction(row).contains("Correct the file"), !row.is_imported());
        }
        let figures = Plausibility::default();
        for reason in Implausible::ALL {
            assert_ne!(implausible(reason, &figures), "The file is not like the last one.");
        }
    }
}
