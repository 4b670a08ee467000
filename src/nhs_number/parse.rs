//! Reading, eight digits at a time.
//!
//! Registers contain millions of numbers, so ten bare digits cost a few loads, multiplications and
//! branches. Any other text takes the slower path, which also finds what is wrong with it.

use super::{NhsNumber, ParseError, TEN_NINES};
use std::str::FromStr;

impl FromStr for NhsNumber {
    type Err = ParseError;

    /// Takes the same forms as [`NhsNumber::from_bytes`].
    #[inline]
    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::from_bytes(text.as_bytes())
    }
}

/// The digit that Modulus 11 puts after a stem of nine digits, if it exists.
///
/// The weights are 10 to 2. The digit is 11 minus the remainder of the sum by 11; 11 becomes 0, and
/// 10 means no digit. (NHS Data Dictionary, "NHS Number".)
pub(super) const fn check_digit(stem: u64) -> Option<u64> {
    let (mut rest, mut weight, mut sum) = (stem, 2, 0);
    while weight <= 10 {
        sum += (rest % 10) * weight;
        rest /= 10;
        weight += 1;
    }
    match (11 - sum % 11) % 11 {
        10 => None,
        digit => Some(digit),
    }
}

/// The verdict on ten bare digits, or `None` when they are not all digits.
#[inline]
pub(super) fn ten_digits(ten: &[u8; 10]) -> Option<Result<NhsNumber, ParseError>> {
    let [a, b, c, d, e, f, g, h, ninth, tenth] = *ten;
    // Exclusive or takes '0'..='9' to 0..=9 and everything else to more than 9.
    let eight = u64::from_le_bytes([a, b, c, d, e, f, g, h]) ^ 0x3030_3030_3030_3030;
    let (ninth, tenth) = (u64::from(ninth ^ b'0'), u64::from(tenth ^ b'0'));
    if (not_digits(eight) != 0) | (ninth > 9) | (tenth > 9) {
        return None;
    }
    let value = eight_to_value(eight) * 100 + ninth * 10 + tenth;
    let sum = eight_weighted(eight) + ninth * 2;
    // With a weight of 1 for the check digit, the whole sum is divisible by 11. This also rejects
    // stems without a check digit: they would need a tenth digit of 10.
    let placeholder = (value == 0) | (value == TEN_NINES);
    Some(if (sum + tenth).is_multiple_of(11) & !placeholder {
        Ok(NhsNumber(value))
    } else if placeholder {
        Err(ParseError::Placeholder)
    } else if sum % 11 == 1 {
        Err(ParseError::Remainder10)
    } else {
        Err(ParseError::CheckDigit)
    })
}

/// Not zero when a byte of `eight` is more than 9.
///
/// Adding 0x76 sets the top bit for 10..=127, and 128 and above already have it. A byte can carry
/// into the next only if it is itself not a digit.
#[inline]
const fn not_digits(eight: u64) -> u64 {
    (eight.wrapping_add(0x7676_7676_7676_7676) | eight) & 0x8080_8080_8080_8080
}

/// Eight digits, the first in the lowest byte, as a number: joined into pairs, fours, and eight.
///
/// No lane can overflow into the next: pairs are below 100, fours below 10,000.
#[inline]
const fn eight_to_value(eight: u64) -> u64 {
    let pairs = eight.wrapping_mul(10).wrapping_add(eight >> 8);
    let outer = (pairs & 0x0000_00ff_0000_00ff).wrapping_mul(100 + (1_000_000 << 32));
    let inner = (pairs >> 16 & 0x0000_00ff_0000_00ff).wrapping_mul(1 + (10_000 << 32));
    outer.wrapping_add(inner) >> 32
}

/// Eight digits, the first in the lowest byte, weighted 10 to 3 and added.
///
/// Every other digit moves to a lane of 16 bits. The top lane of the product is then the sum of
/// each lane times its weight. No lane can overflow: 9 × (10 + 9 + … + 3) is 468.
#[inline]
const fn eight_weighted(eight: u64) -> u64 {
    const LANES: u64 = 0x00ff_00ff_00ff_00ff;
    let odd = (eight & LANES).wrapping_mul(4 | 6 << 16 | 8 << 32 | 10 << 48);
    let even = (eight >> 8 & LANES).wrapping_mul(3 | 5 << 16 | 7 << 32 | 9 << 48);
    odd.wrapping_add(even) >> 48
}

/// Reads every form except bare digits, and finds the error in other text.
#[cold]
pub(super) fn any_form(bytes: &[u8]) -> Result<NhsNumber, ParseError> {
    let bytes = bytes.trim_ascii();
    let ten = match *bytes {
        [a, b, c, d, e, f, g, h, i, j] => [a, b, c, d, e, f, g, h, i, j],
        [a, b, c, b' ', d, e, f, b' ', g, h, i, j] | [a, b, c, b'-', d, e, f, b'-', g, h, i, j] => {
            [a, b, c, d, e, f, g, h, i, j]
        }
        _ => return Err(misshapen(bytes)),
    };
    ten_digits(&ten).unwrap_or_else(|| Err(misshapen(bytes)))
}

/// What is wrong with text that is not ten digits in a supported form.
fn misshapen(bytes: &[u8]) -> ParseError {
    if !bytes.iter().all(|byte| matches!(byte, b'0'..=b'9' | b' ' | b'-')) {
        return ParseError::Character;
    }
    match bytes.iter().filter(|byte| byte.is_ascii_digit()).count() {
        10 => ParseError::Character,
        _ => ParseError::Length,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nhs_number::seed::SplitMix64;
    use ParseError::{Character, CheckDigit, Length, Placeholder, Remainder10};
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<u64, ParseError> {
        text.parse().map(NhsNumber::value)
    }

    fn read(ten: &[u8; 10]) -> Option<u64> {
        Some(ten_digits(ten)?.ok()?.value())
    }

    /// The rule in its written form.
    fn by_hand(text: &[u8]) -> Option<u64> {
        let digits: Vec<u64> = text
            .iter()
            .map(|b| char::from(*b).to_digit(10).map(u64::from))
            .collect::<Option<_>>()?;
        let (check, stem) = digits.split_last()?;
        let sum: u64 = stem.iter().zip((2..=10).rev()).map(|(digit, weight)| digit * weight).sum();
        let expected = match 11 - sum % 11 {
            11 => 0,
            other => other,
        };
        let value = digits.iter().fold(0, |value, digit| value * 10 + digit);
        (expected == *check && value != 0 && value != TEN_NINES).then_some(value)
    }

    #[test]
    fn supported_forms_are_read() {
        for text in [
            "9434765919",
            "943 476 5919",
            "943-476-5919",
            " 9434765919",
            "9434765919\r\n",
            "\t\r\n\x0c 943 476 5919 \t",
            " 943-476-5919 ",
        ] {
            assert_eq!(parse(text), Ok(9_434_765_919), "{text:?}");
        }
        for known in ["9434765919", "9449304424", "5990000014", "0000000019"] {
            assert_eq!(parse(known), Ok(known.parse().unwrap()));
        }
    }

    // Rejected texts, with a list for each kind.

    #[test]
    fn too_few_digits_or_too_many() {
        for text in [
            "",
            "   ",
            "\r\n",
            "-",
            " - ",
            "943476591",
            "94347659190",
            "943 476 591",
            "943 476 59190",
            "943 476 5919 943 476 5919",
            "000000000",
            "00000000000",
            "99999999999999999999999999",
        ] {
            assert_eq!(parse(text), Err(Length), "{text:?}");
        }
    }

    #[test]
    fn separators_in_wrong_places() {
        for text in [
            "943  476 5919",
            "943--476-5919",
            "943 476-5919",
            "943-476 5919",
            "943476 5919",
            "943 4765919",
            "9434 765 919",
            "9 4 3 4 7 6 5 9 1 9",
            "9434765919-",
            "-9434765919",
            "- 943 476 5919",
            "943 -76 55919",
            "94-4765919 0",
        ] {
            assert_eq!(parse(text), Err(Character), "{text:?}");
        }
    }

    #[test]
    fn unicode_spaces_and_digits_are_rejected() {
        for text in [
            // Characters that only look like a separator.
            "943\t476\t5919",
            "943\n476\n5919",
            "943\u{a0}476\u{a0}5919",
            "943\u{2009}476\u{2009}5919",
            "943\u{2011}476\u{2011}5919",
            "943.476.5919",
            "943/476/5919",
            "943_476_5919",
            // White space that is not ASCII.
            "\u{a0}9434765919",
            "\u{feff}9434765919",
            "9434765919\u{3000}",
            "9434765919\u{b}",
            "9434765919\0",
            // Digits that are not ASCII.
            "９４３４７６５９１９",
            "٩٤٣٤٧٦٥٩١٩",
            "943476591\u{b9}",
        ] {
            assert_eq!(parse(text), Err(Character), "{text:?}");
        }
    }

    #[test]
    fn other_characters_at_any_length() {
        for text in [
            "943476591x",
            "943476591O",
            "x",
            "943 476 591x",
            "943 476 5919 x",
            "+9434765919",
            "+943476591",
            "943476591:",
            "943476591/",
            "9.43476591",
            "0x23456789",
            "NHS 943 476 5919",
            "\"9434765919\"",
        ] {
            assert_eq!(parse(text), Err(Character), "{text:?}");
        }
    }

    #[test]
    fn ten_digits_that_are_not_a_number() {
        for (text, kind) in [
            ("0000000000", Placeholder),
            ("000 000 0000", Placeholder),
            ("9999999999", Placeholder),
            ("999-999-9999", Placeholder),
            ("9434765918", CheckDigit),
            ("943 476 5910", CheckDigit),
            ("5990000015", CheckDigit),
            ("9434765199", CheckDigit),
            ("9991234560", Remainder10),
            ("999 123 4569", Remainder10),
        ] {
            assert_eq!(parse(text), Err(kind), "{text:?}");
        }
    }

    #[test]
    fn integers_are_checked_like_text() {
        assert_eq!(NhsNumber::new(9_434_765_919).map(NhsNumber::value), Ok(9_434_765_919));
        assert_eq!(NhsNumber::new(10_000_000_000), Err(Length));
        assert_eq!(NhsNumber::new(u64::MAX), Err(Length));
        assert_eq!(NhsNumber::new(0), Err(Placeholder));
        assert_eq!(NhsNumber::new(TEN_NINES), Err(Placeholder));
        assert_eq!(NhsNumber::new(9_434_765_918), Err(CheckDigit));
        assert_eq!(NhsNumber::new(9_991_234_560), Err(Remainder10));
    }

    #[test]
    fn a_stem_has_one_check_digit_or_none() {
        let mut seed = SplitMix64::new(11);
        for _ in 0..20_000 {
            let stem = seed.below(1_000_000_000);
            let verdicts =
                [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map(|last| NhsNumber::new(stem * 10 + last));
            let valid = verdicts.iter().filter(|verdict| verdict.is_ok()).count();
            let none = verdicts.iter().filter(|verdict| **verdict == Err(Remainder10)).count();
            assert!(matches!((valid, none), (1, 0) | (0, 10)), "{stem}");
        }
    }

    #[test]
    fn lanes_agree_with_the_rule_on_digits() {
        let mut seed = SplitMix64::new(8);
        for index in 0..1_000_000_u64 {
            // Ten consecutive values contain at most one number, so test runs as well as random
            // values.
            let value = if index % 2 == 0 { seed.below(TEN_NINES + 1) } else { index };
            let text = format!("{value:010}");
            let expected = by_hand(text.as_bytes());
            let ten = text.as_bytes().try_into().unwrap();
            assert_eq!(read(ten), expected, "{text}");
            let verdict = NhsNumber::new(value);
            assert_eq!(verdict.ok().map(NhsNumber::value), expected, "{text}");
            assert_eq!(text.parse(), verdict, "{text}");
        }
        assert_eq!(read(b"9999999999"), None);
    }

    #[test]
    fn lanes_agree_with_the_rule_on_bytes() {
        let mut seed = SplitMix64::new(9);
        for _ in 0..300_000 {
            let mut ten = [0; 10];
            ten.fill_with(|| seed.next().to_le_bytes()[0]);
            assert_eq!(read(&ten), by_hand(&ten), "{ten:?}");
        }
        // Every byte value at every position of a valid number.
        for place in 0..10 {
            for byte in 0..=u8::MAX {
                let mut ten = *b"9434765919";
                ten[place] = byte;
                assert_eq!(read(&ten), by_hand(&ten), "{ten:?}");
            }
        }
    }

    #[test]
    fn kinds_have_distinct_words() {
        let all = [Character, CheckDigit, Length, Placeholder, Remainder10];
        let words: std::collections::BTreeSet<_> = all.map(ParseError::as_str).into();
        assert_eq!(words.len(), all.len());
        for kind in all {
            let shown = kind.to_string();
            assert!(!shown.ends_with('.') && !shown.starts_with(char::is_uppercase), "{shown}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_rejected(text in "[0-9 x-]{0,14}") {
            let bare: String = text.chars().filter(char::is_ascii_digit).collect();
            if let Ok(number) = text.parse::<NhsNumber>() {
                prop_assert_eq!(number.digits().to_string(), bare);
            }
        }

        #[test]
        fn any_bytes_are_read_or_rejected(bytes in proptest::collection::vec(any::<u8>(), 0..16)) {
            let text = std::str::from_utf8(&bytes);
            let verdict = NhsNumber::from_bytes(&bytes);
            match text {
                Ok(text) => prop_assert_eq!(verdict, text.parse()),
                Err(_) => prop_assert_eq!(verdict, Err(Character)),
            }
        }
    }
}
