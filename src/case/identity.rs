use crate::demographics::{Field, Gender, PartialDate, is_same_form, redacted_debug};
use serde::{Deserialize, Serialize};

/// The demographic fields that say who a person is: names, date of birth and gender.
///
/// Addresses, postcodes and aliases are not included: people move, and have other names.
///
/// ```
/// use nhs_pds::case::Identity;
///
/// let mut eleanor = Identity::default();
/// eleanor.surname = Some("Parry".into());
/// let mut typed = eleanor.clone();
/// typed.surname = Some(" PARRY ".into());
/// assert!(eleanor.changes(&typed).is_empty());
/// typed.forename = Some("John".into());
/// assert_eq!(eleanor.changes(&typed).len(), 1);
/// assert_eq!(format!("{eleanor:?}"), "Identity(redacted)");
/// ```
#[non_exhaustive]
#[derive(Clone, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct Identity {
    /// Family name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub surname: Option<String>,
    /// First given name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forename: Option<String>,
    /// Date of birth, of which day and month may be unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date_of_birth: Option<PartialDate>,
    /// Administrative gender.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gender: Option<Gender>,
}

impl Identity {
    /// The fields in which `other` differs from `self`.
    ///
    /// Names are compared in one form ([`is_same_form`]), so upper case or a typographic apostrophe
    /// is not a change. A field that becomes known or becomes unknown has changed. A blank name and
    /// the gender [`Gender::NotKnown`] are unknown.
    #[must_use]
    pub fn changes(&self, other: &Self) -> Vec<Field> {
        fn name(text: &Option<String>) -> &str {
            text.as_deref().unwrap_or_default()
        }
        let gender = |identity: &Self| identity.gender.filter(|code| *code != Gender::NotKnown);
        [
            (is_same_form(name(&self.surname), name(&other.surname)), Field::Family),
            (is_same_form(name(&self.forename), name(&other.forename)), Field::Given),
            (self.date_of_birth == other.date_of_birth, Field::DateOfBirth),
            (gender(self) == gender(other), Field::Gender),
        ]
        .into_iter()
        .filter_map(|(same, field)| (!same).then_some(field))
        .collect()
    }
}

redacted_debug!(Identity);
