//! Two records side by side: what we have, and what PDS has. How they agree is said by a word and a mark, and not by
//! colour alone.

use crate::facts;
use nhs_pds::case::Case;
use nhs_pds::demographics::{Demographics, Field, PartialDate};
use nhs_pds::matching::{FieldClass, LocalRecord, compare};

/// How two values of a field agree.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Agreement {
    Same,
    Similar,
    Different,
    NotKnown,
}

impl Agreement {
    const fn of(class: FieldClass) -> Self {
        match class {
            FieldClass::Equal | FieldClass::EqualAfterNormalisation => Self::Same,
            FieldClass::PartialDateCompatible | FieldClass::GivenCompatible => Self::Similar,
            FieldClass::Different => Self::Different,
            _ => Self::NotKnown,
        }
    }

    /// The agreement in a word.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Same => "Same",
            Self::Similar => "Similar",
            Self::Different => "Different",
            Self::NotKnown => "Not known",
        }
    }

    /// A mark beside the word.
    pub(crate) const fn mark(self) -> &'static str {
        match self {
            Self::Same => "=",
            Self::Similar => "\u{2248}",
            Self::Different => "\u{2260}",
            Self::NotKnown => "?",
        }
    }

    /// The class of the style.
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::Same => "screens-agreement--same",
            Self::Similar => "screens-agreement--similar",
            Self::Different => "screens-agreement--different",
            Self::NotKnown => "screens-agreement--not_known",
        }
    }
}

/// One field of two records.
#[derive(Clone)]
pub(crate) struct Row {
    pub(crate) label: &'static str,
    pub(crate) ours: Option<String>,
    pub(crate) theirs: Option<String>,
    pub(crate) agreement: Agreement,
}

/// The fields of a record of ours beside those of `person`. Without `with_values` only the agreement is shown.
pub(crate) fn rows(ours: &LocalRecord, person: &Demographics, with_values: bool) -> Vec<Row> {
    let comparison = compare(ours, person);
    let row = |compared: &nhs_pds::matching::FieldComparison| {
        let theirs = shown(compared.field, compared.pds.as_deref());
        let wildcard = compared.local.as_deref().is_some_and(|text| text.contains('*'));
        Row {
            label: label(compared.field),
            ours: shown(compared.field, compared.local.as_deref()),
            theirs: theirs.filter(|_| with_values),
            // A pattern is no value.
            agreement: if wildcard && compared.class == FieldClass::Different {
                Agreement::Similar
            } else {
                Agreement::of(compared.class)
            },
        }
    };
    comparison.fields().iter().map(row).collect()
}

/// What the local system has recorded about the person of `case`.
pub(crate) fn local(case: &Case) -> LocalRecord {
    LocalRecord::from(case)
}

const fn label(field: Field) -> &'static str {
    match field {
        Field::NhsNumber => "NHS Number",
        Field::Family => "Surname",
        Field::Given => "Given names",
        Field::DateOfBirth => "Date of birth",
        Field::Gender => "Gender",
        Field::Address => "Address",
        Field::Postcode => "Postcode",
        Field::DateOfDeath => "Date of death",
        _ => "Other",
    }
}

/// The text of a field as pages show it.
fn shown(field: Field, value: Option<&str>) -> Option<String> {
    let value = facts::text(value)?;
    Some(match field {
        Field::DateOfBirth | Field::DateOfDeath => {
            value.parse::<PartialDate>().map_or(value, facts::date)
        }
        Field::Gender => value.parse().map_or(value, |gender| facts::gender(gender).to_owned()),
        _ => value,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_has_a_word_and_a_mark() {
        let mut ours = LocalRecord::default();
        ours.surname = Some("AINDOW".into());
        ours.forename = Some("Zo*".into());
        ours.date_of_birth = Some("1943-05".parse().unwrap());
        ours.postcode = Some("LS1 4HY".into());
        let person: Demographics = serde_json::from_value(serde_json::json!({
            "name": { "given": ["Zoë"], "family": "Aindow" },
            "gender": "female",
            "date_of_birth": "1943-05-19",
            "addresses": [{ "use": "home", "postcode": "KT17 1NA" }],
        }))
        .unwrap();
        let agreements: Vec<_> =
            rows(&ours, &person, true).iter().map(|row| (row.label, row.agreement)).collect();
        use Agreement::{Different, NotKnown, Same, Similar};
        let expected = [
            ("Surname", Same),
            ("Given names", Similar),
            ("Date of birth", Similar),
            ("Gender", NotKnown),
            ("Address", NotKnown),
            ("Postcode", Different),
            ("Date of death", NotKnown),
        ];
        assert_eq!(agreements, expected);
        let born = &rows(&ours, &person, true)[2];
        assert_eq!(
            (born.ours.as_deref(), born.theirs.as_deref()),
            (Some("May 1943"), Some("19 May 1943"))
        );
        assert!(rows(&ours, &person, false).iter().all(|row| row.theirs.is_none()));
    }
}
