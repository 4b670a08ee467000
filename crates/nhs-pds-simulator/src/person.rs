use super::{Further, OtherAddress, OtherName, RelatedPerson};
use crate::redacted::redacted_debug;
use nhs_pds::demographics::{Gender, PartialDate};
use nhs_pds::nhs_number::NhsNumber;

/// A person's record in the simulator: the columns of the "Opentest" register, and further fields for
/// tests.
///
/// Texts are kept as given. An empty text means that PDS has nothing recorded in the field. Only the FHIR
/// API sends the fields after [`answer`](Self::answer). They are empty in a register from a seed, and are
/// not written to a register's file. Names, addresses and former values have a [file of their
/// own](crate::Register::write_history).
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
    /// The NHS Number of the record.
    pub nhs_number: NhsNumber,
    /// Title, such as `MRS`.
    pub title: String,
    /// First given name, which a trace compares.
    pub given: String,
    /// Other given name.
    pub other_given: String,
    /// Family name.
    pub family: String,
    /// Administrative gender.
    pub gender: Gender,
    /// Date of birth. A real register has some dates without a day.
    pub birth: PartialDate,
    /// Date of death.
    pub death: Option<PartialDate>,
    /// The five lines of the usual address; a blank line keeps its place.
    pub address: [String; 5],
    /// Postcode, with or without its space. Text that is not a postcode is kept, and never matches.
    pub postcode: String,
    /// Telecoms as URIs: `tel:`, `mailto:`. A number that begins with 07 or +447 is a mobile number. All
    /// other telecoms have the use home.
    pub telecoms: Vec<String>,
    /// ODS code of the GP practice.
    pub practice_code: String,
    /// Name of the GP practice.
    pub practice_name: String,
    /// Whether the record is restricted, or its number is invalidated.
    pub sensitivity: Sensitivity,
    /// The number that replaces the number of this record. The record is then superseded.
    pub superseded_by: Option<NhsNumber>,
    /// The response code of every response about this person. `SMSP-0003` (the Spine is unavailable)
    /// replaces success and comes with the person's data; other codes come alone. The code may be from
    /// either service: the [crate's documentation](crate) says how the FHIR API sends it.
    pub answer: Option<String>,
    /// The version of the record: 1, unless a test sets it.
    pub version: u32,
    /// Other and former names. A search with history finds people by all of them.
    pub other_names: Vec<OtherName>,
    /// Other and former addresses. A search with history finds people by all of them.
    pub other_addresses: Vec<OtherAddress>,
    /// Former telecoms, as URIs. A search with history finds people by them.
    pub former_telecoms: Vec<String>,
    /// Genders that were recorded before. A search with history finds people by them.
    pub former_genders: Vec<Gender>,
    /// Related people: relatives, guardians, carers.
    pub related: Vec<RelatedPerson>,
    /// Further fields that only the FHIR API sends.
    pub further: Further,
}

impl Person {
    /// A living person with no other fields recorded.
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

/// Returns whether a telecom is a mobile number.
pub(super) fn is_mobile(uri: &str) -> bool {
    let digits: String = uri.chars().filter(|character| *character != ' ').collect();
    ["tel:07", "tel:+447", "tel:00447"].into_iter().any(|start| digits.starts_with(start))
}

/// The sensitivity flag of a record.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Sensitivity {
    /// No flag.
    #[default]
    None,
    /// `I`: the number is invalidated, and no number replaces it (DEMOG-0022).
    Invalidated,
    /// `S`: every response omits address, telecoms and GP practice.
    Restricted,
    /// `V`: responses omit names and date of birth as well. The mark of the FHIR API; Opentest has none.
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

    /// Returns whether responses omit address, telecoms and GP practice.
    pub(super) const fn is_restricted(self) -> bool {
        matches!(self, Self::Restricted | Self::VeryRestricted)
    }

    /// Reads a flag, in upper or lower case.
    pub(super) fn from_flag(flag: &str) -> Option<Self> {
        [Self::None, Self::Invalidated, Self::Restricted, Self::VeryRestricted]
            .into_iter()
            .find(|sensitivity| sensitivity.flag().eq_ignore_ascii_case(flag))
    }
}
