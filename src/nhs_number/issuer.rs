//! Who issues which numbers.

/// Who issues the numbers of a range.
///
/// Source: NHS Data Dictionary, "NHS Number", and the ranges shared with the Community Health Index
/// and the Health and Care Number, which use the same check. A range says who would have issued a
/// number. It does not say that the number was issued.
///
/// ```
/// use nhs_pds::nhs_number::{Issuer, NhsNumber};
///
/// assert_eq!(NhsNumber::constant(9_434_765_919).issuer(), Issuer::NeverIssued);
/// assert_eq!(Issuer::Scotland.as_str(), "scotland");
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Issuer {
    /// 010 000 0000 to 311 299 9999: Community Health Index numbers. They begin with a date of
    /// birth, so the number itself contains personal data.
    Scotland,
    /// 320 000 0000 to 399 999 9999: Health and Care Numbers.
    NorthernIreland,
    /// 400 000 0000 to 499 999 9999, and 600 000 0000 to 799 999 9999: the numbers that the
    /// Personal Demographics Service records.
    EnglandWalesIsleOfMan,
    /// 900 000 0000 to 999 999 9999: never issued to a person, and therefore used for test people.
    NeverIssued,
    /// Everything else: not allocated when this was written.
    Unallocated,
}

impl Issuer {
    pub(super) const fn of(value: u64) -> Self {
        match value {
            100_000_000..=3_112_999_999 => Self::Scotland,
            3_200_000_000..=3_999_999_999 => Self::NorthernIreland,
            4_000_000_000..=4_999_999_999 | 6_000_000_000..=7_999_999_999 => {
                Self::EnglandWalesIsleOfMan
            }
            9_000_000_000..=9_999_999_999 => Self::NeverIssued,
            _ => Self::Unallocated,
        }
    }

    /// A short word for this issuer, for reports. Words stay the same between versions.
    ///
    /// ```
    /// # use nhs_pds::nhs_number::Issuer;
    /// assert_eq!(Issuer::NeverIssued.as_str(), "never-issued");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EnglandWalesIsleOfMan => "england-wales-isle-of-man",
            Self::NeverIssued => "never-issued",
            Self::NorthernIreland => "northern-ireland",
            Self::Scotland => "scotland",
            Self::Unallocated => "unallocated",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Issuer::{EnglandWalesIsleOfMan, NeverIssued, NorthernIreland, Scotland, Unallocated};

    #[test]
    fn ranges_have_the_published_ends() {
        for (first, last, issuer) in [
            (0, 99_999_999, Unallocated),
            (100_000_000, 3_112_999_999, Scotland),
            (3_113_000_000, 3_199_999_999, Unallocated),
            (3_200_000_000, 3_999_999_999, NorthernIreland),
            (4_000_000_000, 4_999_999_999, EnglandWalesIsleOfMan),
            (5_000_000_000, 5_999_999_999, Unallocated),
            (6_000_000_000, 7_999_999_999, EnglandWalesIsleOfMan),
            (8_000_000_000, 8_999_999_999, Unallocated),
            (9_000_000_000, 9_999_999_999, NeverIssued),
        ] {
            assert_eq!((Issuer::of(first), Issuer::of(last)), (issuer, issuer), "{first}..={last}");
        }
    }

    #[test]
    fn words_are_distinct() {
        let all = [EnglandWalesIsleOfMan, NeverIssued, NorthernIreland, Scotland, Unallocated];
        let words: std::collections::BTreeSet<_> = all.map(Issuer::as_str).into();
        assert_eq!(words.len(), all.len());
    }
}
