use crate::demographics::{DateError, FullDate, Gender, PartialDate, Postcode};
use crate::nhs_number::NhsNumber;
use crate::trace::{
    Caller, CriterionError, LocalIdentifier, NamePattern, NameText, PostcodePattern, User,
};
use std::fmt::{Debug, Display};
use std::str::FromStr;

/// Whether a person confirms the match before it is used: [`Unattended`] or [`Attended`].
///
/// Sealed: there is no third mode.
pub trait Mode: sealed::Sealed + Clone + Debug + Eq + Send + Sync + 'static {
    /// Who may ask.
    type Caller: Clone + Debug + Into<Caller> + Send + Sync;
    /// A date of birth.
    type Date: Copy + Debug + Eq + FromStr<Err = DateError> + Into<PartialDate> + Send + Sync;
    /// A given or family name.
    type Name: Clone + Debug + Eq + FromStr<Err = CriterionError> + Into<NamePattern> + Send + Sync;
    /// A postcode.
    type Postcode: Clone
        + Debug
        + Display
        + Eq
        + FromStr<Err: std::error::Error + Send + Sync + 'static>
        + Send
        + Sync;
}

/// Nobody looks at the answer before it is used: everything is meant literally.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub struct Unattended;

/// A person confirms the match: wildcards and partial dates may be used (MSCA-PDS-07).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub struct Attended;

impl Mode for Unattended {
    type Caller = Caller;
    type Date = FullDate;
    type Name = NameText;
    type Postcode = Postcode;
}

impl Mode for Attended {
    type Caller = User;
    type Date = PartialDate;
    type Name = NamePattern;
    type Postcode = PostcodePattern;
}

mod sealed {
    #[expect(unnameable_types, reason = "that is what seals it")]
    pub trait Sealed {}
    impl Sealed for super::Unattended {}
    impl Sealed for super::Attended {}
}

/// One of the three questions.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Question<M: Mode = Unattended> {
    /// Is this the person's number?
    Verify(VerifyNumber<M>),
    /// Who is this person?
    Find(FindPerson<M>),
    /// What is held under this number?
    Fetch(FetchDetails<M>),
}

impl<M: Mode> Question<M> {
    /// A stable word for the audit trail, spans and metrics: `verify`, `find` or `fetch`.
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

/// Is this number the one of the person born on this day, and so named?
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
    /// Asks, unattended, whether `nhs_number` is that of the person born on `date_of_birth`.
    #[must_use]
    pub const fn new(nhs_number: NhsNumber, date_of_birth: FullDate) -> Self {
        Self::in_mode(nhs_number, date_of_birth)
    }
}

impl VerifyNumber<Attended> {
    /// Asks, attended, whether `nhs_number` is that of the person born on `date_of_birth`.
    #[must_use]
    pub const fn attended(nhs_number: NhsNumber, date_of_birth: PartialDate) -> Self {
        Self::in_mode(nhs_number, date_of_birth)
    }
}

impl<M: Mode> VerifyNumber<M> {
    /// [`VerifyNumber::new`] or [`VerifyNumber::attended`], for code that serves both modes.
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

    /// The number to be verified.
    #[must_use]
    pub const fn nhs_number(&self) -> NhsNumber {
        self.nhs_number
    }

    /// The date of birth.
    #[must_use]
    pub const fn date_of_birth(&self) -> M::Date {
        self.date_of_birth
    }

    /// The first given name.
    #[must_use]
    pub const fn given(&self) -> Option<&M::Name> {
        self.given.as_ref()
    }

    /// The family name.
    #[must_use]
    pub const fn family(&self) -> Option<&M::Name> {
        self.family.as_ref()
    }
}

/// Who is the person of this name, gender and date of birth?
///
/// Family name, gender and date of birth are what PDS's simple trace needs; given name and postcode
/// narrow it. SMSP answers only exact matches.
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
/// A wildcard or a partial date of birth does not compile into an unattended question:
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
}

impl FindPerson {
    /// Asks, unattended, for the person of this family name, gender and date of birth.
    #[must_use]
    pub const fn new(family: NameText, gender: Gender, date_of_birth: FullDate) -> Self {
        Self::in_mode(family, gender, date_of_birth)
    }
}

impl FindPerson<Attended> {
    /// Asks, attended, for the person of this family name, gender and date of birth.
    #[must_use]
    pub const fn attended(family: NamePattern, gender: Gender, date_of_birth: PartialDate) -> Self {
        Self::in_mode(family, gender, date_of_birth)
    }
}

impl<M: Mode> FindPerson<M> {
    /// [`FindPerson::new`] or [`FindPerson::attended`], for code that serves both modes.
    #[must_use]
    pub const fn in_mode(family: M::Name, gender: Gender, date_of_birth: M::Date) -> Self {
        Self { family, gender, date_of_birth, given: None, postcode: None, local_identifier: None }
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

    /// Adds the caller's own identifier of the person, which an answer repeats.
    #[must_use]
    pub fn with_local_identifier(mut self, local_identifier: LocalIdentifier) -> Self {
        self.local_identifier = Some(local_identifier);
        self
    }

    /// The family name.
    #[must_use]
    pub const fn family(&self) -> &M::Name {
        &self.family
    }

    /// The gender.
    #[must_use]
    pub const fn gender(&self) -> Gender {
        self.gender
    }

    /// The date of birth.
    #[must_use]
    pub const fn date_of_birth(&self) -> M::Date {
        self.date_of_birth
    }

    /// The first given name.
    #[must_use]
    pub const fn given(&self) -> Option<&M::Name> {
        self.given.as_ref()
    }

    /// The postcode.
    #[must_use]
    pub const fn postcode(&self) -> Option<&M::Postcode> {
        self.postcode.as_ref()
    }

    /// The caller's own identifier of the person.
    #[must_use]
    pub const fn local_identifier(&self) -> Option<&LocalIdentifier> {
        self.local_identifier.as_ref()
    }
}

/// What is held about the person with this number, born on this day, and so named?
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FetchDetails<M: Mode = Unattended> {
    number: VerifyNumber<M>,
    local_identifier: Option<LocalIdentifier>,
}

impl FetchDetails {
    /// Asks, unattended, for the details held under `nhs_number`, if it is that of a person born on
    /// `date_of_birth`.
    #[must_use]
    pub const fn new(nhs_number: NhsNumber, date_of_birth: FullDate) -> Self {
        Self::in_mode(nhs_number, date_of_birth)
    }
}

impl FetchDetails<Attended> {
    /// Asks, attended, for the details held under `nhs_number`, if it is that of a person born on
    /// `date_of_birth`.
    #[must_use]
    pub const fn attended(nhs_number: NhsNumber, date_of_birth: PartialDate) -> Self {
        Self::in_mode(nhs_number, date_of_birth)
    }
}

impl<M: Mode> FetchDetails<M> {
    /// [`FetchDetails::new`] or [`FetchDetails::attended`], for code that serves both modes.
    #[must_use]
    pub const fn in_mode(nhs_number: NhsNumber, date_of_birth: M::Date) -> Self {
        Self { number: VerifyNumber::in_mode(nhs_number, date_of_birth), local_identifier: None }
    }

    /// Adds the first given name, which must then agree too.
    #[must_use]
    pub fn with_given(mut self, given: M::Name) -> Self {
        self.number = self.number.with_given(given);
        self
    }

    /// Adds the family name, which must then agree too.
    #[must_use]
    pub fn with_family(mut self, family: M::Name) -> Self {
        self.number = self.number.with_family(family);
        self
    }

    /// Adds the caller's own identifier of the person, which an answer repeats.
    #[must_use]
    pub fn with_local_identifier(mut self, local_identifier: LocalIdentifier) -> Self {
        self.local_identifier = Some(local_identifier);
        self
    }

    /// Whether the number is the person's: the part of the question that is a [`VerifyNumber`].
    #[must_use]
    pub const fn verification(&self) -> &VerifyNumber<M> {
        &self.number
    }

    /// The number.
    #[must_use]
    pub const fn nhs_number(&self) -> NhsNumber {
        self.number.nhs_number
    }

    /// The date of birth.
    #[must_use]
    pub const fn date_of_birth(&self) -> M::Date {
        self.number.date_of_birth
    }

    /// The first given name.
    #[must_use]
    pub const fn given(&self) -> Option<&M::Name> {
        self.number.given.as_ref()
    }

    /// The family name.
    #[must_use]
    pub const fn family(&self) -> Option<&M::Name> {
        self.number.family.as_ref()
    }

    /// The caller's own identifier of the person.
    #[must_use]
    pub const fn local_identifier(&self) -> Option<&LocalIdentifier> {
        self.local_identifier.as_ref()
    }
}
