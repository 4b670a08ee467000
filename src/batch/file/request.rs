use crate::batch::reference::Reference;
use crate::demographics::{FullDate, Gender, Postcode};
use crate::nhs_number::NhsNumber;
use crate::text::ValueError;
use crate::trace::NameText;
use std::fmt;

/// The longest name, in characters: the longest that a response has.
const LONGEST_NAME: usize = 40;

/// A row of a request: a reference, and the demographic fields by which PDS traces.
///
/// PDS first looks for the number with the date of birth (cross-check), and then for family name, gender and date of birth
/// (alphanumeric trace). A row contains no other field of the person.
///
/// ```
/// use nhs_pds::batch::Reference;
/// use nhs_pds::batch::file::RequestRow;
/// use nhs_pds::demographics::Gender;
/// use uuid::Uuid;
///
/// let born = "1984-02-29".parse()?;
/// let known = RequestRow::by_number(Uuid::new_v4().into(), "999 000 0018".parse()?, born)
///     .with_family("Smith".parse()?)?
///     .with_gender(Gender::Female);
/// let new = RequestRow::by_search(Uuid::new_v4().into(), "Smith".parse()?, Gender::Female, born)?
///     .with_postcode("KT17 1NA".parse()?);
/// assert_ne!(known.reference(), new.reference());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Eq, PartialEq)]
pub struct RequestRow {
    reference: Reference,
    nhs_number: Option<NhsNumber>,
    family: Option<NameText>,
    given: Option<NameText>,
    gender: Option<Gender>,
    date_of_birth: FullDate,
    postcode: Option<Postcode>,
}

impl RequestRow {
    /// Creates a row that PDS traces by a number and a date of birth.
    #[must_use]
    pub fn by_number(reference: Reference, nhs_number: NhsNumber, date_of_birth: FullDate) -> Self {
        let mut row = Self::of(reference, date_of_birth);
        row.nhs_number = Some(nhs_number);
        row
    }

    /// Creates a row that PDS traces by family name, gender and date of birth.
    ///
    /// # Errors
    ///
    /// When the name has more than 40 characters. Trace the person singly.
    pub fn by_search(
        reference: Reference,
        family: NameText,
        gender: Gender,
        date_of_birth: FullDate,
    ) -> Result<Self, ValueError> {
        Ok(Self::of(reference, date_of_birth).with_family(family)?.with_gender(gender))
    }

    const fn of(reference: Reference, date_of_birth: FullDate) -> Self {
        Self {
            reference,
            nhs_number: None,
            family: None,
            given: None,
            gender: None,
            date_of_birth,
            postcode: None,
        }
    }

    /// Sets the family name.
    ///
    /// # Errors
    ///
    /// When the name has more than 40 characters.
    pub fn with_family(mut self, family: NameText) -> Result<Self, ValueError> {
        self.family = Some(sendable(family)?);
        Ok(self)
    }

    /// Sets the first given name.
    ///
    /// # Errors
    ///
    /// When the name has more than 40 characters.
    pub fn with_given(mut self, given: NameText) -> Result<Self, ValueError> {
        self.given = Some(sendable(given)?);
        Ok(self)
    }

    /// Sets the gender.
    #[must_use]
    pub const fn with_gender(mut self, gender: Gender) -> Self {
        self.gender = Some(gender);
        self
    }

    /// Sets the postcode of the usual address.
    #[must_use]
    pub const fn with_postcode(mut self, postcode: Postcode) -> Self {
        self.postcode = Some(postcode);
        self
    }

    /// Returns the reference.
    #[must_use]
    pub const fn reference(&self) -> &Reference {
        &self.reference
    }

    /// Returns the number that is sent: [`ResponseRow::finding`](crate::batch::file::ResponseRow::finding) needs it.
    #[must_use]
    pub const fn nhs_number(&self) -> Option<NhsNumber> {
        self.nhs_number
    }

    pub(super) const fn family(&self) -> Option<&NameText> {
        self.family.as_ref()
    }

    pub(super) const fn given(&self) -> Option<&NameText> {
        self.given.as_ref()
    }

    pub(super) const fn gender(&self) -> Option<Gender> {
        self.gender
    }

    pub(super) const fn date_of_birth(&self) -> FullDate {
        self.date_of_birth
    }

    pub(super) const fn postcode(&self) -> Option<Postcode> {
        self.postcode
    }
}

impl fmt::Debug for RequestRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestRow").field("reference", &self.reference).finish_non_exhaustive()
    }
}

/// A longer name would be refused by the service (code 11), and a part of it is another name.
fn sendable(name: NameText) -> Result<NameText, ValueError> {
    if name.as_str().chars().count() > LONGEST_NAME { Err(TOO_LONG) } else { Ok(name) }
}

const TOO_LONG: ValueError =
    ValueError::new("a name in a batch file has at most 40 characters: trace the person singly");
