use crate::demographics::{Gender, PartialDate, Postcode};
use std::fmt;

/// Five empty lines of an address.
static NO_ADDRESS: [String; 5] = [const { String::new() }; 5];

/// What a local system has recorded about a person, for [`relate`](crate::matching::relate).
///
/// ```
/// use nhs_pds::matching::Local;
///
/// let mut local = Local::default();
/// local.family = Some("Aindow");
/// local.given = Some("Comfort Joy");
/// assert_eq!(format!("{local:?}"), "Local(redacted)");
/// ```
#[non_exhaustive]
#[derive(Clone)]
pub struct Local<'a> {
    /// Family name.
    pub family: Option<&'a str>,
    /// Former family names.
    pub former_families: &'a [String],
    /// Given names, the first name first; may contain several words.
    pub given: Option<&'a str>,
    /// Other given names, after those in `given`.
    pub other_given: &'a [String],
    /// Date of birth; the day and the month may be unknown.
    pub birth: Option<PartialDate>,
    /// Administrative gender.
    pub gender: Option<Gender>,
    /// The postcode of the usual address.
    pub postcode: Option<Postcode>,
    /// Former postcodes, and postcodes of the household.
    pub former_postcodes: Vec<Postcode>,
    /// The usual address without the postcode; unused lines are empty.
    pub address: &'a [String; 5],
    /// Telephone numbers.
    pub telephones: &'a [String],
    /// E-mail addresses.
    pub emails: &'a [String],
}

impl Default for Local<'_> {
    fn default() -> Self {
        Self {
            family: None,
            former_families: &[],
            given: None,
            other_given: &[],
            birth: None,
            gender: None,
            postcode: None,
            former_postcodes: Vec::new(),
            address: &NO_ADDRESS,
            telephones: &[],
            emails: &[],
        }
    }
}

impl fmt::Debug for Local<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Local(redacted)")
    }
}
