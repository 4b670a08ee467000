use crate::demographics::{FullDate, Gender, Postcode, redacted_debug};
use crate::nhs_number::NhsNumber;
use serde::{Deserialize, Serialize};

/// The search criteria of a case: the demographic fields that are sent in the query, or compared
/// with the person returned.
///
/// Without a number, all of them are sent, in a search that is not fuzzy. With a number, the query
/// contains the number, family name and date of birth.
#[non_exhaustive]
#[derive(Clone, Deserialize, Eq, Hash, PartialEq, Serialize)]
pub struct Criteria {
    /// The number to verify; `None` when the query was a search.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nhs_number: Option<NhsNumber>,
    /// Family name.
    pub family: String,
    /// First given name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given: Option<String>,
    /// Date of birth.
    pub date_of_birth: FullDate,
    /// Administrative gender; not needed to verify a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gender: Option<Gender>,
    /// The postcode of the usual address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postcode: Option<Postcode>,
}

impl Criteria {
    /// Creates criteria with only these fields known.
    #[must_use]
    pub fn new(family: impl Into<String>, date_of_birth: FullDate) -> Self {
        Self {
            nhs_number: None,
            family: family.into(),
            given: None,
            date_of_birth,
            gender: None,
            postcode: None,
        }
    }

    /// Whether both contain the same demographic fields, ignoring the number. Names are stored in
    /// the form in which they are sent ([`name_form`](crate::demographics::name_form)). Upper and
    /// lower case are ignored, because no service distinguishes them.
    #[cfg(any(test, feature = "process"))]
    pub(crate) fn has_same_fields(&self, other: &Self) -> bool {
        let same = |a: &str, b: &str| a == b || a.to_uppercase() == b.to_uppercase();
        let given = match (&self.given, &other.given) {
            (Some(a), Some(b)) => same(a, b),
            (a, b) => a == b,
        };
        let unnamed = |asked: &Self| Self {
            nhs_number: None,
            family: String::new(),
            given: None,
            ..asked.clone()
        };
        given && same(&self.family, &other.family) && unnamed(self) == unnamed(other)
    }
}

redacted_debug!(Criteria);

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(family: &str, given: Option<&str>) -> Criteria {
        let mut asked = Criteria::new(family, "1943-05-19".parse().unwrap());
        asked.given = given.map(str::to_owned);
        asked
    }

    #[test]
    fn only_upper_and_lower_case_are_ignored() {
        let one = asked("Strauß", Some("Zoë"));
        for (other, same) in [
            (asked("STRAUSS", Some("ZOË")), true),
            (asked("Strauß", Some("Zoe")), false),
            (asked("Strauß", None), false),
            (asked("Straus", Some("Zoë")), false),
            // As it was sent before names were normalised to one form.
            (asked("Strauß", Some("Zoe\u{308}")), false),
        ] {
            assert_eq!(one.has_same_fields(&other), same);
            assert_eq!(other.has_same_fields(&one), same);
        }
        let mut verified = one.clone();
        verified.nhs_number = Some(NhsNumber::constant(9_434_765_919));
        assert!(one.has_same_fields(&verified), "the number is ignored");
        for change in [
            (|asked| asked.gender = Some(Gender::Female)) as fn(&mut Criteria),
            |asked| asked.postcode = "KT17 1NA".parse().ok(),
            |asked| asked.date_of_birth = "1943-05-20".parse().unwrap(),
        ] {
            let mut other = one.clone();
            change(&mut other);
            assert!(!one.has_same_fields(&other));
        }
    }
}
