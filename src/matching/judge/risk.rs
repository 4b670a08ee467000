use crate::text::ValueError;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// The probability that a person returned is *not* the person searched for.
///
/// Kept to twelve decimals, and never below one in a million millions: no evidence is certain. `Display` writes
/// `1 in 54`; serde writes the probability as a number.
///
/// ```
/// use nhs_pds::matching::Risk;
///
/// let risk = Risk::of(0.0186);
/// assert_eq!(risk.to_string(), "1 in 54");
/// assert!(risk > Risk::of(0.000_01));
/// ```
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Risk(u64);

/// How many parts a probability of 1 has.
const WHOLE: u64 = 1_000_000_000_000;

impl Risk {
    /// The probability 1.
    pub const CERTAIN: Self = Self(WHOLE);

    /// The risk with this probability. What is not a number counts as 1.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "the value is between 0 and the whole, which a float can represent"
    )]
    pub fn of(probability: f64) -> Self {
        if probability.is_nan() {
            return Self::CERTAIN;
        }
        let parts = (probability.clamp(0.0, 1.0) * WHOLE as f64).round() as u64;
        Self(parts.clamp(1, WHOLE))
    }

    /// The probability, above 0 and at most 1.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a float can represent the whole")]
    pub fn probability(self) -> f64 {
        self.0 as f64 / WHOLE as f64
    }

    /// The number *n* in "1 in *n*", rounded.
    #[must_use]
    pub const fn one_in(self) -> u64 {
        (WHOLE + self.0 / 2) / self.0
    }
}

impl fmt::Display for Risk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1 in {}", grouped(self.one_in()))
    }
}

impl fmt::Debug for Risk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Risk({self})")
    }
}

/// The number with a comma after each three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

impl Serialize for Risk {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.probability())
    }
}

impl<'de> Deserialize<'de> for Risk {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        f64::deserialize(deserializer).map(Self::of)
    }
}

/// The risk below which a number is written unattended.
///
/// Default: 1 in 100,000. A deployment can be stricter, and never laxer.
///
/// ```
/// use nhs_pds::matching::RiskLimit;
///
/// assert_eq!(RiskLimit::default().to_string(), "1 in 100,000");
/// assert!(RiskLimit::one_in(1_000_000).is_ok());
/// assert!(RiskLimit::one_in(99_999).is_err());
/// ```
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct RiskLimit(u64);

/// The laxest limit.
const LAXEST: u64 = 100_000;

impl RiskLimit {
    /// The limit of one wrong person in `n`.
    ///
    /// # Errors
    ///
    /// [`ValueError`], when `n` is below 100,000.
    pub const fn one_in(n: u64) -> Result<Self, ValueError> {
        if n < LAXEST { Err(TOO_LAX) } else { Ok(Self(n)) }
    }

    /// Whether `risk` is below the limit.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "the limit is a power of ten in practice")]
    pub fn allows(self, risk: Risk) -> bool {
        risk.probability() < 1.0 / self.0 as f64
    }
}

impl Default for RiskLimit {
    fn default() -> Self {
        Self(LAXEST)
    }
}

impl fmt::Display for RiskLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1 in {}", grouped(self.0))
    }
}

const TOO_LAX: ValueError =
    ValueError::new("the risk limit is at most 1 in 100,000: give 100000 or more");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_risk_is_between_one_part_and_the_whole() {
        for (probability, text) in [
            (0.5, "1 in 2"),
            (1.0, "1 in 1"),
            (2.0, "1 in 1"),
            (f64::NAN, "1 in 1"),
            (1e-5, "1 in 100,000"),
            (0.0, "1 in 1,000,000,000,000"),
            (-1.0, "1 in 1,000,000,000,000"),
        ] {
            assert_eq!(Risk::of(probability).to_string(), text);
        }
        let json = serde_json::to_string(&Risk::of(1.25e-5)).unwrap();
        assert_eq!(serde_json::from_str::<Risk>(&json).unwrap(), Risk::of(1.25e-5));
    }

    #[test]
    fn a_limit_is_never_laxer_than_the_floor() {
        let limit = RiskLimit::default();
        assert!(limit.allows(Risk::of(0.999e-5)));
        assert!(!limit.allows(Risk::of(1e-5)));
        assert!(!RiskLimit::one_in(1_000_000).unwrap().allows(Risk::of(2e-6)));
        assert_eq!(RiskLimit::one_in(LAXEST - 1), Err(TOO_LAX));
    }
}
