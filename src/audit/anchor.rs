use crate::audit::value::{Hash, NO_HASH};
use crate::text::ValueError;
use std::fmt;
use std::str::FromStr;

/// The end of a trail: the last event's number and hash. It contains nothing about what was done.
///
/// Stored outside the trail ([`AnchorSink`](crate::audit::AnchorSink)), it proves that the events
/// before it were not rewritten since.
///
/// ```
/// use nhs_pds::audit::Anchor;
///
/// let text = format!("17:{}", "0a".repeat(32));
/// let anchor: Anchor = text.parse()?;
/// assert_eq!(anchor.seq, 17);
/// assert_eq!(anchor.to_string(), text);
/// # Ok::<(), nhs_pds::text::ValueError>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Anchor {
    /// The last event's sequence number; 0 before the first.
    pub seq: u64,
    /// The last event's hash; zeros before the first.
    pub hash: [u8; 32],
}

impl Anchor {
    /// Creates the anchor of a trail that ends with event `seq`, whose hash is `hash`.
    #[must_use]
    pub const fn new(seq: u64, hash: Hash) -> Self {
        Self { seq, hash }
    }

    /// The anchor of a trail without events.
    pub(super) const START: Self = Self { seq: 0, hash: NO_HASH };
}

impl fmt::Display for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.seq)?;
        self.hash.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Anchor({self})")
    }
}

impl FromStr for Anchor {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let (seq, digits) = text.split_once(':').ok_or(INVALID)?;
        // `parse` and `from_str_radix` would accept a sign.
        if !seq.bytes().all(|byte| byte.is_ascii_digit())
            || digits.len() != 64
            || !digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        {
            return Err(INVALID);
        }
        let mut hash = NO_HASH;
        for (byte, at) in hash.iter_mut().zip((0..).step_by(2)) {
            let two = digits.get(at..at + 2).ok_or(INVALID)?;
            *byte = u8::from_str_radix(two, 16).map_err(|_| INVALID)?;
        }
        Ok(Self { seq: seq.parse().map_err(|_| INVALID)?, hash })
    }
}

/// The text is not an anchor. Use it complete, as it was written.
const INVALID: ValueError =
    ValueError::new("an anchor is a number, a colon and 64 hexadecimal digits in lower case");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_anchors_are_rejected() {
        let good = "ab".repeat(32);
        assert!(format!("0:{good}").parse::<Anchor>().is_ok());
        for bad in [
            String::new(),
            good.clone(),
            format!(":{good}"),
            format!("+1:{good}"),
            format!("1:{}", good.to_uppercase()),
            format!("1:{good}0"),
            format!("1:+{}", &good[1..]),
            format!(" 1:{good}"),
            format!("18446744073709551616:{good}"),
            format!("1:{}", "é".repeat(32)),
        ] {
            assert_eq!(bad.parse::<Anchor>(), Err(INVALID), "{bad}");
        }
    }
}
