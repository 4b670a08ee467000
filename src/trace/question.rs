use crate::demographics::{FullDate, Gender, PartialDate};
use crate::nhs_number::NhsNumber;
use crate::trace::breadth::Breadth;
use crate::trace::criteria::{LocalIdentifier, NamePattern, NameText};
use crate::trace::mode::{Attended, Mode, Unattended};

/// One of the three questions.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Question<M: Mode = Unattended> {
    /// Does this number belong to this person?
    Verify(VerifyNumber<M>),
    /// Who is this person?
    Find(FindPerson<M>),
    /// What is recorded under this number?
    Fetch(FetchDetails<M>),
}

impl<M: Mode> Question<M> {
    /// Returns a stable word for the audit trail, spans and metrics: `verify`, `find` or `fetch`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Verify(_) => "verify",
            Self::Find(_) => "find",
            Self::Fetch(_) => "fetch",
        }
    }
}

impl<M: Mode> From<VerifyNumber<M>> for Question<M> {
    fn from(question: VerifyNumber<M>) -> Self {
        Self::Verify(question)
    }
}

impl<M: Mode> From<FindPerson<M>> for Question<M> {
    fn from(question: FindPerson<M>) -> Self {
        Self::Find(question)
    }
}

impl<M: Mode> From<FetchDetails<M>> for Question<M> {
    fn from(question: FetchDetails<M>) -> Self {
        Self::Fetch(question)
    }
}

/// Asks whether a number belongs to the person with this date of birth and name.
///
/// ```
/// use nhs_pds::trace::VerifyNumber;
///
/// let question = VerifyNumber::new("943 476 5919".parse()?, "19840229".parse()?)
///     .with_family("Smith".parse()?);
/// assert_eq!(question.family().map(|name| name.as_str()), Some("Smith"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VerifyNumber<M: Mode = Unattended> {
    nhs_number: NhsNumber,
    date_of_birth: M::Date,
    given: Option<M::Name>,
    family: Option<M::Name>,
}

impl VerifyNumber {
    /// Creates an unattended question: does `nhs_number` belong to a person born on
    /// `date_of_birth`?
    #[must_use]
    pub const fn new(nhs_number: NhsNumber, date_of_birth: FullDate) -> Self {
        Self::in_mode(nhs_number, date_of_birth)
    }
}

impl VerifyNumber<Attended> {
    /// Creates an attended question: does `nhs_number` belong to a person born on `date_of_birth`?
    #[must_use]
    pub const fn attended(nhs_number: NhsNumber, date_of_birth: PartialDate) -> Self {
        Self::in_mode(nhs_number, date_of_birth)
    }
}

impl<M: Mode> VerifyNumber<M> {
    /// [`VerifyNumber::new`] or [`VerifyNumber::attended`], for code that supports both modes.
    #[must_use]
    pub const fn in_mode(nhs_number: NhsNumber, date_of_birth: M::Date) -> Self {
        Self { nhs_number, date_of_birth, given: None, family: None }
    }

    /// Adds the first given name.
    #[must_use]
    pub fn with_given(mut self, given: M::Name) -> Self {
        self.given = Some(given);
        self
    }

    /// Adds the family name.
    #[must_use]
    pub fn with_family(mut self, family: M::Name) -> Self {
        self.family = Some(family);
        self
    }

    /// Returns the number to verify.
    #[must_use]
    pub const fn nhs_number(&self) -> NhsNumber {
        self.nhs_number
    }

    /// Returns the date of birth.
    #[must_use]
    pub const fn date_of_birth(&self) -> M::Date {
        self.date_of_birth
    }

    /// Returns the first given name.
    #[must_use]
    pub const fn given(&self) -> Option<&M::Name> {
        self.given.as_ref()
    }

    /// Returns the family name.
    #[must_use]
    pub const fn family(&self) -> Option<&M::Name> {
        self.family.as_ref()
    }
}

/// Asks for the person with this name, gender and date of birth.
///
/// PDS's simple trace needs family name, gender and date of birth. Given name and postcode narrow
/// the search. SMSP returns only exact matches.
///
/// ```
/// use nhs_pds::demographics::Gender;
/// use nhs_pds::trace::FindPerson;
///
/// let question = FindPerson::new("Smith".parse()?, Gender::Female, "1984-02-29".parse()?)
///     .with_given("Ann".parse()?)
///     .with_postcode("KT17 1NA".parse()?);
/// assert_eq!(question.gender(), Gender::Female);
///
/// let at_a_screen = FindPerson::attended("Sm*".parse()?, Gender::Female, "1984".parse()?);
/// assert_eq!(at_a_screen.family().as_str(), "Sm*");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// An unattended question with a wildcard or a partial date of birth does not compile:
///
/// ```compile_fail
/// use nhs_pds::demographics::{Gender, PartialDate};
/// use nhs_pds::trace::{FindPerson, NameText};
///
/// let year: PartialDate = "1984".parse().unwrap();
/// let name: NameText = "Smith".parse().unwrap();
/// let question = FindPerson::new(name, Gender::Female, year);
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FindPerson<M: Mode = Unattended> {
    family: M::Name,
    gender: Gender,
    date_of_birth: M::Date,
    given: Option<M::Name>,
    postcode: Option<M::Postcode>,
    local_identifier: Option<LocalIdentifier>,
    breadth: Breadth,
    /// How many years before and after the date of birth match too.
    birth_years: u8,
}

impl FindPerson {
    /// Creates an unattended search by family name, gender and date of birth.
    #[must_use]
    pub const fn new(family: NameText, gender: Gender, date_of_birth: FullDate) -> Self {
        Self::in_mode(family, gender, date_of_birth)
    }

    /// Sets how the search may match beyond equal fields. Default: [`Breadth::Exact`].
    #[must_use]
    pub const fn with_breadth(mut self, breadth: Breadth) -> Self {
        self.breadth = breadth;
        self
    }

    /// Searches for every date of birth from `years` years before the given one to `years` years after it. A service that
    /// permits [`Breadth::History`] permits it.
    #[must_use]
    pub const fn with_birth_years(mut self, years: u8) -> Self {
        self.birth_years = years;
        self
    }

    /// Returns how the search may match beyond equal fields.
    #[must_use]
    pub const fn breadth(&self) -> Breadth {
        self.breadth
    }

    /// Returns how many years before and after the date of birth match too.
    #[must_use]
    pub const fn birth_years(&self) -> u8 {
        self.birth_years
    }

    /// Whether every criterion is equal to a present field of each record found.
    #[must_use]
    pub const fn is_exact(&self) -> bool {
        matches!(self.breadth, Breadth::Exact) && self.birth_years == 0
    }
}

impl FindPerson<Attended> {
    /// Creates an attended search by family name, gender and date of birth.
    #[must_use]
    pub const fn attended(family: NamePattern, gender: Gender, date_of_birth: PartialDate) -> Self {
        Self::in_mode(family, gender, date_of_birth)
    }
}

impl<M: Mode> FindPerson<M> {
    /// [`FindPerson::new`] or [`FindPerson::attended`], for code that supports both modes.
    #[must_use]
    pub const fn in_mode(family: M::Name, gender: Gender, date_of_birth: M::Date) -> Self {
        Self {
            family,
            gender,
            date_of_birth,
            given: None,
            postcode: None,
            local_identifier: None,
            breadth: Breadth::Exact,
            birth_years: 0,
        }
    }

    /// Adds the first given name.
    #[must_use]
    pub fn with_given(mut self, given: M::Name) -> Self {
        self.given = Some(given);
        self
    }

    /// Adds the postcode of the usual address.
    #[must_use]
    pub fn with_postcode(mut self, postcode: M::Postcode) -> Self {
        self.postcode = Some(postcode);
        self
    }

    /// Adds the caller's own identifier of the person. The answer repeats it.
    #[must_use]
    pub fn with_local_identifier(mut self, local_identifier: LocalIdentifier) -> Self {
        self.local_identifier = Some(local_identifier);
        self
    }

    /// Returns the family name.
    #[must_use]
    pub const fn family(&self) -> &M::Name {
        &self.family
    }

    /// Returns the gender.
    #[must_use]
    pub const fn gender(&self) -> Gender {
        self.gender
    }

    /// Returns the date of birth.
    #[must_use]
    pub const fn date_of_birth(&self) -> M::Date {
        self.date_of_birth
    }

    /// Returns the first given name.
    #[must_use]
    pub const fn given(&self) -> Option<&M::Name> {
        self.given.as_ref()
    }

    /// Returns the postcode.
    #[must_use]
    pub const fn postcode(&self) -> Option<&M::Postcode> {
        self.postcode.as_ref()
    }

    /// Returns the caller's own identifier of the person.
    #[must_use]
    pub const fn local_identifier(&self) -> Option<&LocalIdentifier> {
        self.local_identifier.as_ref()
    }
}

/// Asks what is recorded about the person with this number, date of birth and name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FetchDetails<M: Mode = Unattended> {
    number: VerifyNumber<M>,
    local_identifier: Option<LocalIdentifier>,
}

impl FetchDetails {
    /// Creates an unattended question for the details recorded under `nhs_number`, if its person
    /// was born on `date_of_birth`.
    #[must_use]
    pub const fn new(nhs_number: NhsNumber, date_of_birth: FullDate) -> Self {
        Self::in_mode(nhs_number, date_of_birth)
    }
}

impl FetchDetails<Attended> {
    /// Creates an attended question for the details recorded under `nhs_number`, if its person was
    /// born on `date_of_birth`.
    #[must_use]
    pub const fn attended(nhs_number: NhsNumber, date_of_birth: PartialDate) -> Self {
        Self::in_mode(nhs_number, date_of_birth)
    }
}

impl<M: Mode> FetchDetails<M> {
    /// [`FetchDetails::new`] or [`FetchDetails::attended`], for code that supports both modes.
    #[must_use]
    pub const fn in_mode(nhs_number: NhsNumber, date_of_birth: M::Date) -> Self {
        Self { number: VerifyNumber::in_mode(nhs_number, date_of_birth), local_identifier: None }
    }

    /// Adds the first given name, which must then match too.
    #[must_use]
    pub fn with_given(mut self, given: M::Name) -> Self {
        self.number = self.number.with_given(given);
        self
    }

    /// Adds the family name, which must then match too.
    #[must_use]
    pub fn with_family(mut self, family: M::Name) -> Self {
        self.number = self.number.with_family(family);
        self
    }

    /// Adds the caller's own identifier of the person. The answer repeats it.
    #[must_use]
    pub fn with_local_identifier(mut self, local_identifier: LocalIdentifier) -> Self {
        self.local_identifier = Some(local_identifier);
        self
    }

    /// Returns the part of the question that verifies the number.
    #[must_use]
    pub const fn verification(&self) -> &VerifyNumber<M> {
        &self.number
    }

    /// Returns the number.
    #[must_use]
    pub const fn nhs_number(&self) -> NhsNumber {
        self.number.nhs_number
    }

    /// Returns the date of birth.
    #[must_use]
    pub const fn date_of_birth(&self) -> M::Date {
        self.number.date_of_birth
    }

    /// Returns the first given name.
    #[must_use]
    pub const fn given(&self) -> Option<&M::Name> {
        self.number.given.as_ref()
    }

    /// Returns the family name.
    #[must_use]
    pub const fn family(&self) -> Option<&M::Name> {
        self.number.family.as_ref()
    }

    /// Returns the caller's own identifier of the person.
    #[must_use]
    pub const fn local_identifier(&self) -> Option<&LocalIdentifier> {
        self.local_identifier.as_ref()
    }
}
