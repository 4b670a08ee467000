use crate::demographics::{FullDate, Gender, PartialDate, Postcode, redacted_debug};
use crate::nhs_number::NhsNumber;
use crate::trace::{NamePattern, NameText};

/// Whom the service under test knows, and whom it does not: invented people, whom the tester has put
/// there or found there.
///
/// Everybody has to be given, because whoever is forgotten goes unchecked; `None` stands for what the
/// service under test does not have. Choose names that stand in no code and no operation's name: they
/// are looked for in what is printed.
#[derive(Clone)]
pub struct Population {
    /// Somebody of whom nothing is to be said: living, with the postcode of their home, and alone in
    /// having these particulars.
    pub ordinary: Known,
    /// Somebody who has died.
    pub deceased: Known,
    /// Somebody whose address, telecoms and GP practice are withheld.
    pub restricted: Known,
    /// Somebody of whom the name is withheld as well.
    pub very_restricted: Option<Known>,
    /// Somebody whose names a codec may damage, with apostrophes, ampersands, accents or spaces.
    pub awkward: Option<Known>,
    /// Whoever had a number that has been replaced, as they stand under it.
    pub superseded: Known,
    /// The same person, as they stand under the number that replaces it.
    pub replacement: Known,
    /// Whoever stands under a number that is no longer valid, and that none replaces.
    pub invalidated: Known,
    /// The particulars that two people have, and their numbers.
    pub twins: (Particulars, [NhsNumber; 2]),
    /// Somebody to be found at a screen by a part of their name and of their date of birth.
    pub recognisable: Option<Recognisable>,
    /// A number and particulars of nobody. No name is one of the others'.
    pub nobody: Known,
}

/// A person under a number.
#[derive(Clone)]
pub struct Known {
    /// The number.
    pub nhs_number: NhsNumber,
    /// What is held about them.
    pub particulars: Particulars,
}

/// What a person is found by.
#[derive(Clone)]
pub struct Particulars {
    /// The family name, spelt as the service holds it.
    pub family: NameText,
    /// The first given name, spelt as the service holds it.
    pub given: NameText,
    /// The gender.
    pub gender: Gender,
    /// The date of birth.
    pub date_of_birth: FullDate,
    /// The postcode of the home, where there is one to be asked by.
    pub postcode: Option<Postcode>,
}

/// How somebody is found at a screen.
#[derive(Clone)]
pub struct Recognisable {
    /// A part of the family name, with a wildcard.
    pub family: NamePattern,
    /// The gender.
    pub gender: Gender,
    /// A part of the date of birth.
    pub date_of_birth: PartialDate,
    /// Who is found.
    pub person: Known,
}

redacted_debug!(Population, Known, Particulars, Recognisable);

impl Population {
    /// Those who are found, by number and by particulars.
    pub(super) fn found(&self) -> impl Iterator<Item = &Known> {
        [&self.ordinary, &self.deceased, &self.restricted, &self.replacement]
            .into_iter()
            .chain(&self.awkward)
            .chain(self.recognisable.as_ref().map(|recognisable| &recognisable.person))
    }
}
