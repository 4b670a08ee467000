use crate::demographics::{Demographics, Gender};
use crate::matching::relation::words::relation_words;
use serde::{Deserialize, Serialize};

/// How the genders of two records relate.
///
/// ```
/// use nhs_pds::matching::GenderRelation;
///
/// assert_eq!(GenderRelation::Different.in_words(), "the gender differs");
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GenderRelation {
    /// Both are male, or both are female.
    Equal,
    /// One is male and the other female.
    Different,
    /// One is missing, or is the code 0 (not known) or 9 (not specified).
    Unknown,
}

relation_words! { GenderRelation:
    Equal => "equal", "same gender";
    Different => "different", "the gender differs";
    Unknown => "unknown", "the gender is not known";
}

pub(super) fn gender(local: Option<Gender>, person: &Demographics) -> GenderRelation {
    let known = |gender: &Gender| matches!(gender, Gender::Male | Gender::Female);
    let local = local.filter(known);
    match (local, person.gender.known().copied().filter(known)) {
        (Some(a), Some(b)) if a == b => GenderRelation::Equal,
        (Some(_), Some(_)) => GenderRelation::Different,
        _ => GenderRelation::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demographics::Recorded;

    #[test]
    fn only_male_and_female_are_compared() {
        for ours in Gender::ALL {
            for theirs in Gender::ALL {
                let person = Demographics { gender: theirs.into(), ..Demographics::default() };
                let binary = |gender| matches!(gender, Gender::Male | Gender::Female);
                let expected = match (binary(ours) && binary(theirs), ours == theirs) {
                    (false, _) => GenderRelation::Unknown,
                    (true, true) => GenderRelation::Equal,
                    (true, false) => GenderRelation::Different,
                };
                assert_eq!(gender(Some(ours), &person), expected);
                assert_eq!(gender(None, &person), GenderRelation::Unknown);
            }
        }
        let person = Demographics { gender: Recorded::Blank, ..Demographics::default() };
        assert_eq!(gender(Some(Gender::Male), &person), GenderRelation::Unknown);
    }
}
