use super::{Further, OtherAddress, OtherName, RelatedPerson};
use crate::redacted::redacted_debug;
use nhs_pds::demographics::{Gender, PartialDate};
use nhs_pds::nhs_number::NhsNumber;

/// What the simulator holds about one person: the columns of the "Opentest" register, and what a test
/// needs besides.
///
/// Texts are held as they are given; an empty one is a field that PDS does not hold. What follows
/// [`answer`](Self::answer) is told by the FHIR API alone, is empty in a register from a seed, and is
/// not written to a register's file.
///
/// ```
/// use nhs_pds::demographics::Gender;
/// use nhs_pds::nhs_number::NhsNumber;
/// use nhs_pds_simulator::Person;
///
/// let number = NhsNumber::constant(9_434_765_919);
/// let mut person = Person::new(number, "O'Hern", Gender::Female, "1984-02-29".parse()?);
/// person.given = "Zoë".into();
/// assert_eq!(format!("{person:?}"), "Person(redacted)");
/// # Ok::<(), nhs_pds::demographics::DateError>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Eq, PartialEq)]
pub struct Person {
    /// The NHS Number under which the record is held.
    pub nhs_number: NhsNumber,
    /// Title, such as `MRS`.
    pub title: String,
    /// First given name, the one a trace compares.
    pub given: String,
    /// Other given name.
    pub other_given: String,
    /// Family name.
    pub family: String,
    /// Administrative gender.
    pub gender: Gender,
    /// Date of birth; a real register holds some without a day.
    pub birth: PartialDate,
    /// Date of death.
    pub death: Option<PartialDate>,
    /// The five lines of the usual address; a blank line keeps its place.
    pub address: [String; 5],
    /// Postcode, with or without its space; text that is no postcode is held and never matches.
    pub postcode: String,
    /// Telecoms as URIs: `tel:`, `mailto:`. A number that begins with 07 or +447 is of a mobile telephone,
    /// and everything else is used at home.
    pub telecoms: Vec<String>,
    /// ODS code of the GP practice.
    pub practice_code: String,
    /// Name of the GP practice.
    pub practice_name: String,
    /// Whether the record is restricted, or its number invalidated.
    pub sensitivity: Sensitivity,
    /// The number that replaces this record's, which is then superseded.
    pub superseded_by: Option<NhsNumber>,
    /// The response code that every answer about this person gets. `SMSP-0003` (the Spine is
    /// unavailable) stands in for success and comes with the person's data; others come alone. It may be
    /// of either service: the [module's words](crate) say what the FHIR API makes of it.
    pub answer: Option<String>,
    /// The version of the record. 1, unless somebody sets it.
    pub version: u32,
    /// Names besides the usual one, and former ones, by which a search with history finds.
    pub other_names: Vec<OtherName>,
    /// Addresses besides the usual one, and former ones, by which a search with history finds.
    pub other_addresses: Vec<OtherAddress>,
    /// Former telecoms, as URIs, by which a search with history finds.
    pub former_telecoms: Vec<String>,
    /// Genders once recorded, by which a search with history finds.
    pub former_genders: Vec<Gender>,
    /// People who belong to this one: relatives, guardians, carers.
    pub related: Vec<RelatedPerson>,
    /// What only the FHIR API tells.
    pub further: Further,
}

impl Person {
    /// A living person of whom nothing else is held.
    #[must_use]
    pub fn new(
        nhs_number: NhsNumber,
        family: impl Into<String>,
        gender: Gender,
        birth: PartialDate,
    ) -> Self {
        Self {
            nhs_number,
            title: String::new(),
            given: String::new(),
            other_given: String::new(),
            family: family.into(),
            gender,
            birth,
            death: None,
            address: Default::default(),
            postcode: String::new(),
            telecoms: Vec::new(),
            practice_code: String::new(),
            practice_name: String::new(),
            sensitivity: Sensitivity::None,
            superseded_by: None,
            answer: None,
            version: 1,
            other_names: Vec::new(),
            other_addresses: Vec::new(),
            former_telecoms: Vec::new(),
            former_genders: Vec::new(),
            related: Vec::new(),
            further: Further::default(),
        }
    }
}

redacted_debug!(Person);

/// Whether a telecom is the number of a mobile telephone.
pub(super) fn is_mobile(uri: &str) -> bool {
    let digits: String = uri.chars().filter(|character| *character != ' ').collect();
    ["tel:07", "tel:+447", "tel:00447"].into_iter().any(|start| digits.starts_with(start))
}

/// What a record's sensitivity flag says.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Sensitivity {
    /// Nothing.
    #[default]
    None,
    /// `I`: the number is invalidated, and nothing replaces it (DEMOG-0022).
    Invalidated,
    /// `S`: address, telecoms and GP practice are withheld from every answer.
    Restricted,
    /// `V`: names and date of birth are withheld as well. The mark of the FHIR API; Opentest has none.
    VeryRestricted,
}

impl Sensitivity {
    /// The flag in the register's file: empty, `I`, `S` or `V`.
    #[must_use]
    pub const fn flag(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Invalidated => "I",
            Self::Restricted => "S",
            Self::VeryRestricted => "V",
        }
    }

    /// Whether address, telecoms and GP practice are withheld.
    pub(super) const fn is_restricted(self) -> bool {
        matches!(self, Self::Restricted | Self::VeryRestricted)
    }

    /// What `flag` stands for, in either case.
    pub(super) fn from_flag(flag: &str) -> Option<Self> {
        [Self::None, Self::Invalidated, Self::Restricted, Self::VeryRestricted]
            .into_iter()
            .find(|sensitivity| sensitivity.flag().eq_ignore_ascii_case(flag))
    }
}
