//! Writing numbers: for people, for messages and for logs.

use super::NhsNumber;
use serde::de::{Error as _, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cell::Cell;
use std::fmt;

/// The ten bare digits of a number, as messages and files need them.
///
/// From [`NhsNumber::digits`]. As with `NhsNumber`, `Debug` shows the digits only when the number
/// is never issued.
///
/// ```
/// use nhs_pds::nhs_number::NhsNumber;
///
/// let digits = NhsNumber::constant(5_990_000_014).digits();
/// assert_eq!(digits.to_string(), "5990000014");
/// assert_eq!(format!("{digits:?}"), "Digits(redacted)");
/// ```
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Digits([u8; 10]);

impl NhsNumber {
    /// The ten digits without spaces, on the stack: the form for messages, files and keys.
    ///
    /// ```
    /// use nhs_pds::nhs_number::NhsNumber;
    ///
    /// let digits = NhsNumber::constant(9_434_765_919).digits();
    /// assert_eq!(digits.as_str(), "9434765919");
    /// assert_eq!(format!("id={digits}"), "id=9434765919");
    /// ```
    #[must_use]
    pub const fn digits(self) -> Digits {
        let mut ten = [0; 10];
        let mut rest = self.0;
        let mut unset: &mut [u8] = &mut ten;
        while let Some((last, before)) = unset.split_last_mut() {
            // Less than 10, so the cast loses nothing.
            *last = b'0' + (rest % 10) as u8;
            rest /= 10;
            unset = before;
        }
        Digits(ten)
    }
}

impl Digits {
    /// The digits as text.
    ///
    /// ```
    /// # use nhs_pds::nhs_number::NhsNumber;
    /// assert_eq!(NhsNumber::constant(5_990_000_014).digits().as_str(), "5990000014");
    /// ```
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Always ASCII. The default avoids `unsafe` and a panic that cannot happen.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl AsRef<str> for Digits {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [b'9', ..] => write!(f, "Digits({self})"),
            _ => f.write_str("Digits(redacted)"),
        }
    }
}

/// Groups of three, three and four: how people read a number aloud (NHS Data Dictionary, "NHS
/// Number").
impl fmt::Display for NhsNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g, h, i, j, k] = self.digits().0;
        let grouped = [a, b, c, b' ', d, e, g, b' ', h, i, j, k];
        f.pad(std::str::from_utf8(&grouped).unwrap_or_default())
    }
}

/// Shows only numbers that no person has, so that logs contain no patient data and tests stay
/// readable.
impl fmt::Debug for NhsNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_synthetic() {
            write!(f, "NhsNumber({self})")
        } else {
            f.write_str("NhsNumber(redacted)")
        }
    }
}

/// Writes a string of ten bare digits, not the form of [`Display`](fmt::Display). Bare digits are
/// the form in messages of every service, in MESH files and in databases. It is a string, because a
/// number would lose leading zeros.
impl Serialize for NhsNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.digits().as_str())
    }
}

/// Reads a string, through `FromStr`. Errors never contain the text. When the input is not a
/// string, the format's own description of the input is dropped.
impl<'de> Deserialize<'de> for NhsNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let refused_here = Cell::new(false);
        deserializer.deserialize_str(Text { refused_here: &refused_here }).map_err(|error| {
            // A format describes a number in place of a string by quoting the number, so its own
            // errors are dropped. The visitor's errors are kept, with the position that the format
            // added.
            if refused_here.get() { error } else { D::Error::custom(NOT_TEXT) }
        })
    }
}

const NOT_TEXT: &str = "an NHS Number is a string of ten digits";

struct Text<'a> {
    refused_here: &'a Cell<bool>,
}

impl Visitor<'_> for Text<'_> {
    type Value = NhsNumber;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NOT_TEXT)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<NhsNumber, E> {
        text.parse().map_err(|error| {
            self.refused_here.set(true);
            E::custom(error)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nhs_number::synthetic::Synthetic;
    use proptest::prelude::*;

    const SHOWN: NhsNumber = NhsNumber::constant(9_434_765_919);
    const HIDDEN: NhsNumber = NhsNumber::constant(5_990_000_014);

    #[test]
    fn groups_of_three_three_and_four() {
        assert_eq!(SHOWN.to_string(), "943 476 5919");
        assert_eq!(NhsNumber::constant(19).to_string(), "000 000 0019");
        assert_eq!(format!("{SHOWN:>14}|"), "  943 476 5919|");
    }

    #[test]
    fn ten_bare_digits() {
        assert_eq!(SHOWN.digits().as_str(), "9434765919");
        assert_eq!(NhsNumber::constant(19).digits().to_string(), "0000000019");
        assert_eq!(SHOWN.digits().as_ref(), "9434765919");
    }

    #[test]
    fn debug_hides_numbers_that_can_be_issued() {
        assert_eq!(format!("{HIDDEN:?}"), "NhsNumber(redacted)");
        assert_eq!(format!("{HIDDEN:#?}"), "NhsNumber(redacted)");
        assert_eq!(format!("{:?}", HIDDEN.digits()), "Digits(redacted)");
        assert_eq!(format!("{SHOWN:?}"), "NhsNumber(943 476 5919)");
        assert_eq!(format!("{:?}", SHOWN.digits()), "Digits(9434765919)");
        assert_eq!(
            format!("{:?}", NhsNumber::constant(8_888_888_888)),
            "NhsNumber(redacted)",
            "just below the range that Debug shows"
        );
    }

    #[test]
    fn json_is_a_string_of_bare_digits() {
        assert_eq!(serde_json::to_string(&SHOWN).unwrap(), r#""9434765919""#);
        let spaced: NhsNumber = serde_json::from_str(r#""943 476 5919""#).unwrap();
        assert_eq!(spaced, SHOWN);
        let escaped: NhsNumber = serde_json::from_str(r#""943476591\u0039""#).unwrap();
        assert_eq!(escaped, SHOWN);
        let owned: NhsNumber = serde_json::from_value("9434765919".into()).unwrap();
        assert_eq!(owned, SHOWN);
    }

    #[test]
    fn errors_never_contain_the_text() {
        for json in [
            "5990000014",
            "-5990000014",
            "5990000014.5",
            "59900000145990000014",
            r#""5990000015""#,
            r#""599000001""#,
            r#""5990000014 SMITH""#,
            r#""5990000014"#,
            r#"["5990000014"]"#,
            r#"{"number": "5990000014"}"#,
        ] {
            let error = serde_json::from_str::<NhsNumber>(json).unwrap_err();
            for shown in [error.to_string(), format!("{error:?}")] {
                assert!(!shown.contains("59900") && !shown.contains("SMITH"), "{shown}");
            }
        }
        let value = serde_json::json!(5_990_000_014_u64);
        let error = serde_json::from_value::<NhsNumber>(value).unwrap_err();
        assert_eq!(error.to_string(), NOT_TEXT);
    }

    #[test]
    fn errors_say_the_kind_and_the_place() {
        let error = serde_json::from_str::<Vec<NhsNumber>>("[\n\"9434765918\"]").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the check digit of an NHS Number is wrong at line 2 column 12"
        );
    }

    proptest! {
        #[test]
        fn written_numbers_are_read_back(seed: u64, index in 0..1_000_000_usize, other: u64) {
            let synthetic = Synthetic::from_seed(seed).nth(index).unwrap();
            let any = (other % 900_000_000..).find_map(|stem| {
                let digit = crate::nhs_number::parse::check_digit(stem)?;
                NhsNumber::new(stem * 10 + digit).ok()
            }).unwrap();
            for number in [synthetic, any] {
                prop_assert_eq!(number.to_string().parse(), Ok(number));
                prop_assert_eq!(number.to_string().replace(' ', "-").parse(), Ok(number));
                prop_assert_eq!(number.digits().as_str().parse(), Ok(number));
                prop_assert_eq!(NhsNumber::new(number.value()), Ok(number));
                let json = serde_json::to_string(&number).unwrap();
                prop_assert_eq!(serde_json::from_str::<NhsNumber>(&json).unwrap(), number);
            }
        }
    }
}
