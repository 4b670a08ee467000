use crate::case::Case;
use crate::demographics::{Gender, PartialDate, redacted_debug};

/// Corrected demographics of a case. `None` keeps a field; blank text clears it.
///
/// Correct the local system too. A caseload with the same data as before changes nothing here. A
/// caseload with new data about the case replaces all of these fields ([`Case::updated_from`]).
///
/// ```
/// use nhs_pds::process::review::Corrections;
///
/// let mut corrections = Corrections::default();
/// corrections.date_of_birth = Some("1943-05-19".parse()?);
/// assert_eq!(format!("{corrections:?}"), "Corrections(redacted)");
/// # Ok::<(), nhs_pds::demographics::DateError>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Corrections {
    /// Family name.
    pub surname: Option<String>,
    /// First given name.
    pub forename: Option<String>,
    /// Date of birth.
    pub date_of_birth: Option<PartialDate>,
    /// Administrative gender.
    pub gender: Option<Gender>,
    /// The usual address, without the postcode.
    pub address: Option<[String; 5]>,
    /// The postcode of the usual address.
    pub postcode: Option<String>,
    /// Date of death. The worker no longer traces the case (HAV-2).
    pub date_of_death: Option<PartialDate>,
    /// Whether the local data no longer contradict each other.
    pub is_one_person: bool,
}

impl Corrections {
    /// Returns `case` with these corrections.
    pub(super) fn apply(&self, case: &Case) -> Case {
        let mut changed = case.clone();
        let text = |new: &Option<String>, old: &mut Option<String>| {
            if let Some(new) = new {
                let new = new.trim();
                *old = (!new.is_empty()).then(|| new.to_owned());
            }
        };
        text(&self.surname, &mut changed.surname);
        text(&self.forename, &mut changed.forename);
        text(&self.postcode, &mut changed.postcode);
        changed.date_of_birth = self.date_of_birth.or(case.date_of_birth);
        changed.gender = self.gender.or(case.gender);
        changed.date_of_death = self.date_of_death.or(case.date_of_death);
        if let Some(address) = &self.address {
            changed.address.clone_from(address);
        }
        if self.date_of_death.is_none() && case.loses_traced_death_to(&changed.identity()) {
            (changed.date_of_death, changed.death_traced) = (None, false);
        }
        changed.contradicted &= !self.is_one_person;
        changed.with_person_of(case)
    }
}

redacted_debug!(Corrections);
