//! NHS Numbers: reading, checking, writing, and finding who issues them.
//!
//! An [`NhsNumber`] is ten digits whose last digit follows from the first nine, so a value of this
//! type is always well-formed. Only the Personal Demographics Service can say whether a person has
//! it. The rules are from the NHS Data Dictionary, "NHS Number", unless an item names another
//! source.
//!
//! Not supported: NHS Numbers of the older, shorter kinds, and other ten-digit numbers with another
//! rule. Community Health Index and Health and Care numbers follow the same rule, and are read;
//! [`NhsNumber::issuer`] distinguishes them.
//!
//! ```
//! use nhs_pds::nhs_number::{NhsNumber, ParseError};
//!
//! let number: NhsNumber = "943 476 5919".parse()?;
//! assert_eq!(number.to_string(), "943 476 5919");
//! assert_eq!(number.digits().as_str(), "9434765919");
//!
//! assert_eq!("943 476 5918".parse::<NhsNumber>(), Err(ParseError::CheckDigit));
//! # Ok::<(), ParseError>(())
//! ```

mod bulk;
mod error;
mod issuer;
mod parse;
pub(crate) mod seed;
mod synthetic;
mod text;

pub use bulk::lines;
pub use error::ParseError;
pub use issuer::Issuer;
pub use synthetic::Synthetic;
pub use text::Digits;

/// The largest number of ten digits.
const TEN_NINES: u64 = 9_999_999_999;

/// A ten-digit NHS Number whose check digit is correct.
///
/// Source of the rule: NHS Data Dictionary, "NHS Number" (Modulus 11). Two numbers pass it but
/// belong to no person: 0000000000 and 9999999999. They are rejected, because the Personal
/// Demographics Service returns them in a batch trace for "no match" and "several matches".
///
/// `Ord` is the order of the digits. `Debug` shows only numbers that are never issued
/// ([`is_synthetic`](Self::is_synthetic)). `Display` shows any number, so check where its output
/// goes.
///
/// ```
/// use nhs_pds::nhs_number::NhsNumber;
///
/// const JANE: NhsNumber = NhsNumber::constant(9_434_765_919);
///
/// assert_eq!("9434765919".parse(), Ok(JANE));
/// assert_eq!("943-476-5919".parse(), Ok(JANE));
/// assert_eq!(format!("{JANE:?}"), "NhsNumber(943 476 5919)");
/// ```
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct NhsNumber(u64);

impl NhsNumber {
    /// Checks ten digits given as an integer; missing leading digits are zeros.
    ///
    /// # Errors
    ///
    /// [`ParseError::Length`] when there are more than ten digits; [`ParseError::Placeholder`],
    /// [`ParseError::Remainder10`] and [`ParseError::CheckDigit`] as each describes.
    ///
    /// ```
    /// use nhs_pds::nhs_number::{NhsNumber, ParseError};
    ///
    /// assert!(NhsNumber::new(9_434_765_919).is_ok());
    /// assert_eq!(NhsNumber::new(9_434_765_918), Err(ParseError::CheckDigit));
    /// ```
    pub const fn new(value: u64) -> Result<Self, ParseError> {
        if value > TEN_NINES {
            return Err(ParseError::Length);
        }
        if value == 0 || value == TEN_NINES {
            return Err(ParseError::Placeholder);
        }
        match parse::check_digit(value / 10) {
            None => Err(ParseError::Remainder10),
            Some(digit) if digit == value % 10 => Ok(Self(value)),
            Some(_) => Err(ParseError::CheckDigit),
        }
    }

    /// An NHS Number known when the program is written.
    ///
    /// ```
    /// use nhs_pds::nhs_number::NhsNumber;
    ///
    /// const NUMBER: NhsNumber = NhsNumber::constant(9_449_304_424);
    /// assert_eq!(NUMBER.value(), 9_449_304_424);
    /// ```
    ///
    /// # Panics
    ///
    /// When [`NhsNumber::new`] would return an error; in a `const` this is a compile error:
    ///
    /// ```compile_fail
    /// const WRONG: nhs_pds::nhs_number::NhsNumber =
    ///     nhs_pds::nhs_number::NhsNumber::constant(9_449_304_425);
    /// ```
    #[must_use]
    pub const fn constant(value: u64) -> Self {
        match Self::new(value) {
            Ok(number) => number,
            Err(_) => panic!("not an NHS Number"),
        }
    }

    /// Reads a number from bytes, which need not be UTF-8, in the forms that `FromStr` takes.
    ///
    /// The forms are ten digits, or groups of three, three and four with a single space or a single
    /// hyphen between them, with optional ASCII white space around. Nothing else is corrected: a
    /// person must check text in any other form.
    ///
    /// # Errors
    ///
    /// The first of these that applies: [`ParseError::Character`] for a byte that is not an ASCII
    /// digit, space or hyphen; [`ParseError::Length`]; [`ParseError::Character`] for a space or
    /// hyphen in the wrong place; [`ParseError::Placeholder`]; [`ParseError::Remainder10`];
    /// [`ParseError::CheckDigit`].
    ///
    /// ```
    /// use nhs_pds::nhs_number::{NhsNumber, ParseError};
    ///
    /// assert!(NhsNumber::from_bytes(b"944 930 4424\r\n").is_ok());
    /// assert_eq!(NhsNumber::from_bytes(b"944\xa0930\xa04424"), Err(ParseError::Character));
    /// assert_eq!(NhsNumber::from_bytes(b"944 9304424"), Err(ParseError::Character));
    /// assert_eq!(NhsNumber::from_bytes(b"944 930 442"), Err(ParseError::Length));
    /// ```
    #[inline]
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        if let Ok(ten) = bytes.try_into()
            && let Some(verdict) = parse::ten_digits(ten)
        {
            return verdict;
        }
        parse::any_form(bytes)
    }

    /// The ten digits as an integer, without leading zeros.
    ///
    /// ```
    /// # use nhs_pds::nhs_number::NhsNumber;
    /// assert_eq!(NhsNumber::constant(9_434_765_919).value(), 9_434_765_919);
    /// ```
    #[must_use]
    pub const fn value(self) -> u64 {
        self.0
    }

    /// Whether the number is in 900 000 0000 to 999 999 9999, a range that is never issued.
    ///
    /// No number above 799 999 9999 is allocated (NHS Data Dictionary, "NHS Number"), and the test
    /// people of the Personal Demographics Service have numbers of this range. A caseload of real
    /// people that contains such a number contains test data.
    ///
    /// ```
    /// # use nhs_pds::nhs_number::NhsNumber;
    /// assert!(NhsNumber::constant(9_434_765_919).is_synthetic());
    /// assert!(!NhsNumber::constant(5_990_000_014).is_synthetic());
    /// ```
    #[must_use]
    pub const fn is_synthetic(self) -> bool {
        self.0 >= 9_000_000_000
    }

    /// Whether all ten digits are equal: valid by Modulus 11, but usually typed to fill a field.
    ///
    /// ```
    /// # use nhs_pds::nhs_number::NhsNumber;
    /// assert!(NhsNumber::constant(4_444_444_444).is_suspicious());
    /// assert!(!NhsNumber::constant(9_434_765_919).is_suspicious());
    /// ```
    #[must_use]
    pub const fn is_suspicious(self) -> bool {
        self.0.is_multiple_of(1_111_111_111)
    }

    /// Who issues numbers of this range.
    ///
    /// ```
    /// # use nhs_pds::nhs_number::{Issuer, NhsNumber};
    /// assert_eq!(NhsNumber::constant(5_990_000_014).issuer(), Issuer::Unallocated);
    /// ```
    #[must_use]
    pub const fn issuer(self) -> Issuer {
        Issuer::of(self.0)
    }
}
