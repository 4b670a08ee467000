//! Searches (`GET /Patient`). Only searches that the API accepts can be built.

mod criteria;
mod query;

pub use criteria::{
    ContactText, DateRange, MaxResults, PostcodeText, SearchError, SearchName, SearchPattern,
};

use crate::demographics::{Gender, OdsCode, Postcode};
use crate::service::fhir::access::{Access, ApplicationRestricted, HealthcareWorker};
use crate::trace::PostcodePattern;
use std::fmt::{self, Debug, Display};
use std::marker::PhantomData;

/// How a search compares: [`Exact`], [`Plain`] or [`Fuzzy`].
///
/// Sealed: the API has these three.
pub trait Matching: sealed::Sealed + Clone + Debug + Eq + Send + Sync + 'static {
    /// A family name, or the first given name.
    type Name: Clone + Debug + Eq + Into<SearchPattern> + Send + Sync;
    /// A postcode.
    type Postcode: Clone + Debug + Display + Eq + Send + Sync;
    /// The flags of the request.
    #[doc(hidden)]
    const FLAG: Option<&'static str>;
    /// Whether a match must agree in every criterion.
    #[doc(hidden)]
    const IS_EXACT: bool = false;
}

/// Every criterion must agree exactly with the record, so that the score is 1 (`_exact-match`).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub struct Exact;

/// Names and postcodes may have wildcards.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub struct Plain;

/// Names that sound alike or are transposed match too, and former names always match (`_fuzzy-match`).
/// No wildcards. A postcode may be in any spelling ([`PostcodeText`]).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub struct Fuzzy;

impl Matching for Exact {
    type Name = SearchName;
    type Postcode = Postcode;
    const FLAG: Option<&'static str> = Some("_exact-match");
    const IS_EXACT: bool = true;
}

impl Matching for Plain {
    type Name = SearchPattern;
    type Postcode = PostcodePattern;
    const FLAG: Option<&'static str> = None;
}

impl Matching for Fuzzy {
    type Name = SearchName;
    type Postcode = PostcodeText;
    const FLAG: Option<&'static str> = Some("_fuzzy-match");
}

mod sealed {
    #[expect(unnameable_types, reason = "that is what seals it")]
    pub trait Sealed {}
    impl Sealed for super::Exact {}
    impl Sealed for super::Plain {}
    impl Sealed for super::Fuzzy {}
}

/// The criteria of a search for patients.
///
/// Every search has a date of birth, and either a family name or one of the combinations that a fuzzy
/// search accepts instead. There is a constructor for each of these. Each further criterion narrows the
/// search. A criterion of one access mode is a method for that mode only: see [`Access`].
///
/// A search by postcode or GP practice does not find restricted people, because it would disclose where
/// they live. A search by NHS Number does not exist: [retrieve](crate::service::fhir::Client::retrieve) the
/// patient.
///
/// Wildcards and fuzzy searches increase the risk of a wrong match: let a person confirm the match
/// (MSCA-PDS-07).
///
/// ```
/// use nhs_pds::fhir::{ApplicationRestricted, DateRange, HealthcareWorker, MaxResults, Search};
///
/// let born = DateRange::on("2010-10-22".parse()?);
/// let exact = Search::<_, ApplicationRestricted>::exact("Smith".parse()?, born)
///     .with_given("Jane".parse()?)
///     .with_postcode("LS1 6AE".parse()?);
/// let at_a_screen = Search::<_, HealthcareWorker>::plain("Sm*".parse()?, born)
///     .with_history()
///     .with_max_results(MaxResults::new(20)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A search that the API would refuse does not compile:
///
/// ```compile_fail
/// use nhs_pds::fhir::{ApplicationRestricted, DateRange, MaxResults, Search};
///
/// let born = DateRange::on("2010-10-22".parse().unwrap());
/// let search = Search::<_, ApplicationRestricted>::exact("Smith".parse().unwrap(), born)
///     .with_max_results(MaxResults::new(20).unwrap());
/// ```
///
/// `Debug` shows none of the criteria.
#[derive(Clone, Eq, PartialEq)]
pub struct Search<K: Matching = Exact, A: Access = ApplicationRestricted> {
    family: Option<K::Name>,
    given: Option<K::Name>,
    further_given: Vec<SearchName>,
    gender: Option<Gender>,
    born: DateRange,
    died: Option<DateRange>,
    postcode: Option<K::Postcode>,
    general_practice: Option<OdsCode>,
    phone: Option<ContactText>,
    email: Option<ContactText>,
    history: bool,
    max_results: Option<MaxResults>,
    access: PhantomData<A>,
}

impl<K: Matching, A: Access> fmt::Debug for Search<K, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Search(redacted)")
    }
}

impl<A: Access> Search<Exact, A> {
    /// Searches for people with exactly this family name and date of birth.
    #[must_use]
    pub fn exact(family: SearchName, born: DateRange) -> Self {
        Self { family: Some(family), ..Self::born(born) }
    }

    /// The same search, in which former names, addresses, telecoms and genders match too.
    #[must_use]
    pub const fn with_history(mut self) -> Self {
        self.history = true;
        self
    }
}

impl<A: Access> Search<Plain, A> {
    /// Searches for people with a matching family name and this date of birth.
    #[must_use]
    pub fn plain(family: SearchPattern, born: DateRange) -> Self {
        Self { family: Some(family), ..Self::born(born) }
    }

    /// The same search, in which former names, addresses, telecoms and genders match too.
    #[must_use]
    pub const fn with_history(mut self) -> Self {
        self.history = true;
        self
    }
}

impl<A: Access> Search<Fuzzy, A> {
    /// Searches for people with similar names and this date of birth.
    #[must_use]
    pub fn fuzzy(given: SearchName, family: SearchName, born: DateRange) -> Self {
        Self { family: Some(family), given: Some(given), ..Self::born(born) }
    }

    /// Searches for people with a similar family name, and this date of birth, gender and postcode.
    #[must_use]
    pub fn fuzzy_by_family(
        family: SearchName,
        born: DateRange,
        gender: Gender,
        postcode: PostcodeText,
    ) -> Self {
        let (gender, postcode) = (Some(gender), Some(postcode));
        Self { family: Some(family), gender, postcode, ..Self::born(born) }
    }

    /// Searches for people with a similar given name, and this date of birth, gender and postcode.
    #[must_use]
    pub fn fuzzy_by_given(
        given: SearchName,
        born: DateRange,
        gender: Gender,
        postcode: PostcodeText,
    ) -> Self {
        let (gender, postcode) = (Some(gender), Some(postcode));
        Self { given: Some(given), gender, postcode, ..Self::born(born) }
    }
}

impl<K: Matching, A: Access> Search<K, A> {
    const fn born(born: DateRange) -> Self {
        Self {
            family: None,
            given: None,
            further_given: Vec::new(),
            gender: None,
            born,
            died: None,
            postcode: None,
            general_practice: None,
            phone: None,
            email: None,
            history: false,
            max_results: None,
            access: PhantomData,
        }
    }

    /// The same search, with the first given name. A double name such as `John Paul` is one name.
    #[must_use]
    pub fn with_given(mut self, given: K::Name) -> Self {
        self.given = Some(given);
        self
    }

    /// The same search, with one more given name, in order. It can lose matches: records often have the
    /// first name only.
    #[must_use]
    pub fn with_further_given(mut self, given: SearchName) -> Self {
        self.further_given.push(given);
        self
    }

    /// The same search, for people of this gender. The API's advice is to leave it out, because records
    /// and local systems often differ in it.
    #[must_use]
    pub const fn with_gender(mut self, gender: Gender) -> Self {
        self.gender = Some(gender);
        self
    }

    /// The same search, for people who died on these days. In a fuzzy search it affects the order of
    /// matches only.
    #[must_use]
    pub const fn with_death(mut self, died: DateRange) -> Self {
        self.died = Some(died);
        self
    }

    /// The same search, for people with an address with this postcode.
    #[must_use]
    pub fn with_postcode(mut self, postcode: K::Postcode) -> Self {
        self.postcode = Some(postcode);
        self
    }

    /// The same search, for people registered with this practice. In a fuzzy search it affects the order
    /// of matches only.
    #[must_use]
    pub fn with_general_practice(mut self, practice: OdsCode) -> Self {
        self.general_practice = Some(practice);
        self
    }

    /// The same search, for people with this telephone number, in the spelling that PDS has recorded.
    #[must_use]
    pub fn with_phone(mut self, phone: ContactText) -> Self {
        self.phone = Some(phone);
        self
    }

    /// The same search, for people with this e-mail address.
    #[must_use]
    pub fn with_email(mut self, email: ContactText) -> Self {
        self.email = Some(email);
        self
    }
}

impl<K: Matching> Search<K, HealthcareWorker> {
    /// The same search, for at most `max` matches; 50 unless set. If more people match, none is
    /// returned.
    #[must_use]
    pub const fn with_max_results(mut self, most: MaxResults) -> Self {
        self.max_results = Some(most);
        self
    }
}
