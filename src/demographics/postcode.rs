use crate::demographics::name_form::is_invisible;
use crate::demographics::text::{redacted_debug, serde_text};
use crate::text::ValueError;
use std::fmt;
use std::str::FromStr;

/// A postcode in its canonical form: upper case, one space before the last three characters.
///
/// Reads any case, with Unicode white space anywhere. Ignores characters that show nothing (without
/// a width, or for the direction of writing). Checks the shape (`A9 9AA`, `A99 9AA`, `A9A 9AA`,
/// `AA9 9AA`, `AA99 9AA`, `AA9A 9AA` and the girobank's `GIR 0AA`). Does not check whether the
/// Royal Mail has issued it.
///
/// ```
/// use nhs_pds::demographics::Postcode;
///
/// assert_eq!("ls14hy".parse::<Postcode>()?.to_string(), "LS1 4HY");
/// assert!("ZZ99 3VZ".parse::<Postcode>()?.is_pseudo());
/// # Ok::<(), nhs_pds::text::ValueError>(())
/// ```
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Postcode {
    /// Upper case, without the space, then zeros.
    characters: [u8; 7],
}

impl Postcode {
    /// The part before the space: the postal district, such as `LS1`.
    pub(crate) fn outward(&self) -> &str {
        self.text().split_at(self.text().len() - 3).0
    }

    /// The part after the space: sector and unit, such as `4HY`.
    pub(crate) fn inward(&self) -> &str {
        self.text().split_at(self.text().len() - 3).1
    }

    /// Whether this is one of the NHS's `ZZ99` codes (NHS Postcode Directory), which mean a
    /// country, "no fixed abode" (`ZZ99 3VZ`) or "not known" (`ZZ99 3WZ`).
    ///
    /// Two people with one pseudo-postcode do not live together, so it is not evidence of identity.
    #[must_use]
    pub fn is_pseudo(&self) -> bool {
        self.outward() == "ZZ99"
    }

    /// Whether this is `ZZ99 3VZ`, no fixed abode.
    #[must_use]
    pub fn is_no_fixed_abode(&self) -> bool {
        self.text() == "ZZ993VZ"
    }

    fn text(&self) -> &str {
        let end = self.characters.iter().position(|&c| c == 0).unwrap_or(self.characters.len());
        // The array contains only ASCII, so neither fall-back is used.
        std::str::from_utf8(self.characters.get(..end).unwrap_or_default()).unwrap_or_default()
    }
}

impl FromStr for Postcode {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let mut characters = [0; 7];
        let mut shape = [0; 7];
        let mut length = 0;
        let shown = text.chars().filter(|&c| !c.is_whitespace() && !is_invisible(c));
        for byte in shown.map(|c| u8::try_from(c).unwrap_or_default()) {
            let (Some(character), Some(kind)) = (characters.get_mut(length), shape.get_mut(length))
            else {
                return Err(INVALID);
            };
            *character = byte.to_ascii_uppercase();
            *kind = match byte {
                b'0'..=b'9' => b'9',
                b'a'..=b'z' | b'A'..=b'Z' => b'A',
                _ => return Err(INVALID),
            };
            length += 1;
        }
        let shape = shape.get(..length).unwrap_or_default();
        let outward = shape.strip_suffix(b"9AA").ok_or(INVALID)?;
        match outward {
            b"A9" | b"A99" | b"A9A" | b"AA9" | b"AA99" | b"AA9A" => Ok(Self { characters }),
            b"AAA" if characters.starts_with(b"GIR0AA") => Ok(Self { characters }),
            _ => Err(INVALID),
        }
    }
}

impl fmt::Display for Postcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.outward(), self.inward())
    }
}

redacted_debug!(Postcode);
serde_text!(Postcode);

/// The text does not have the shape of a postcode. Correct the data.
const INVALID: ValueError = ValueError::new("not the shape of a postcode");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical() {
        for (text, canonical) in [
            ("m1 1aa", "M1 1AA"),
            ("M601NW", "M60 1NW"),
            ("W1A1HQ", "W1A 1HQ"),
            ("CR26XH", "CR2 6XH"),
            ("DN5 5 1PT", "DN55 1PT"),
            ("  ec1a1bb ", "EC1A 1BB"),
            ("gir0aa", "GIR 0AA"),
            ("zz993vz", "ZZ99 3VZ"),
            ("M1\t1AA\r\n", "M1 1AA"),
            ("M1\u{A0}1AA", "M1 1AA"),
            ("\u{FEFF}M1\u{2003}\u{3000}1A\u{200B}A\u{202C}\u{85}", "M1 1AA"),
        ] {
            let postcode: Postcode = text.parse().unwrap();
            assert_eq!(postcode.to_string(), canonical);
            assert_eq!(canonical.parse(), Ok(postcode));
            assert_eq!(format!("{postcode:?}"), "Postcode(redacted)");
        }
    }

    #[test]
    fn other_shapes_are_rejected() {
        for text in [
            "",
            "M1",
            "1AA",
            "M1 1A",
            "11 1AA",
            "AAA9 9AA",
            "EC1A 1BBB",
            "M1-1AA",
            "GIR 1AA",
            "Ｍ1 1AA",
            "RM14 OTA",
            "RM14 0TA (temp)",
            "NULL",
            "M1 1\u{0}AA",
            "M1 1\u{301}AA",
            "M1 1ÄA",
            "\u{200B}",
        ] {
            assert_eq!(text.parse::<Postcode>(), Err(INVALID), "{text}");
        }
    }

    #[test]
    fn pseudo() {
        let postcode = |text: &str| text.parse::<Postcode>().unwrap();
        assert!(postcode("ZZ99 3VZ").is_no_fixed_abode());
        assert!(postcode("ZZ99 3WZ").is_pseudo() && !postcode("ZZ99 3WZ").is_no_fixed_abode());
        assert!(!postcode("ZE99 3VZ").is_pseudo());
    }
}
