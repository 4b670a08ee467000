use crate::demographics::{FullDate, Gender, PartialDate, Postcode, redacted_debug};
use crate::nhs_number::NhsNumber;
use crate::trace::criteria::{NamePattern, NameText};

/// The invented people whom the service under test knows, and one whom it does not know. The tester
/// creates them there, or finds them there.
///
/// Every person is required, so that no clause is skipped by mistake. Use `None` for what the
/// service under test does not have. Choose names that are not part of any code or operation name:
/// the suite searches the printed output for them.
#[derive(Clone)]
pub struct Population {
    /// A living person with no special status, with a home postcode, and with demographics that no
    /// other person has.
    pub ordinary: Known,
    /// A person who has died.
    pub deceased: Known,
    /// A person whose address, telecoms and GP practice are withheld.
    pub restricted: Known,
    /// A person whose name is withheld too.
    pub very_restricted: Option<Known>,
    /// A person whose names a codec may damage: with apostrophes, ampersands, accents or spaces.
    pub awkward: Option<Known>,
    /// A person whose number has been replaced, as recorded under the old number.
    pub superseded: Known,
    /// The same person, as recorded under the number that replaces it.
    pub replacement: Known,
    /// A person whose number is no longer valid, and has no replacement.
    pub invalidated: Known,
    /// The demographics that two people share, and their numbers.
    pub twins: (Particulars, [NhsNumber; 2]),
    /// A person whom a user can find by a part of the name and of the date of birth.
    pub recognisable: Option<Recognisable>,
    /// A number and demographics that no person has. Its names differ from all the others.
    pub absent: Known,
}

/// A person and the number.
#[derive(Clone)]
pub struct Known {
    /// The number.
    pub nhs_number: NhsNumber,
    /// What the service has recorded about the person.
    pub particulars: Particulars,
}

/// The criteria that find a person.
#[derive(Clone)]
pub struct Particulars {
    /// The family name, spelt as the service records it.
    pub family: NameText,
    /// The first given name, spelt as the service records it.
    pub given: NameText,
    /// The gender.
    pub gender: Gender,
    /// The date of birth.
    pub date_of_birth: FullDate,
    /// The home postcode, if the person can be traced by one.
    pub postcode: Option<Postcode>,
}

/// The criteria by which a user finds a person.
#[derive(Clone)]
pub struct Recognisable {
    /// A part of the family name, with a wildcard.
    pub family: NamePattern,
    /// The gender.
    pub gender: Gender,
    /// A part of the date of birth.
    pub date_of_birth: PartialDate,
    /// The person found.
    pub person: Known,
}

redacted_debug!(Population, Known, Particulars, Recognisable);

impl Population {
    /// The people whom the service finds, by number and by demographics.
    pub(super) fn found(&self) -> impl Iterator<Item = &Known> {
        [&self.ordinary, &self.deceased, &self.restricted, &self.replacement]
            .into_iter()
            .chain(&self.awkward)
            .chain(self.recognisable.as_ref().map(|recognisable| &recognisable.person))
    }
}
