//! What a method concluded about a case, and how it compares with the truth.

use nhs_pds::nhs_number::NhsNumber;

/// The conclusion of a method.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// The number is written, or stays on the case as usable.
    Number(NhsNumber),
    /// A person must look. The candidates, best first.
    Review(Vec<NhsNumber>),
    /// No person was found.
    None,
    /// The case's data was not sufficient for a query.
    NotAsked,
}

/// A conclusion, and what it cost.
#[derive(Clone, Debug)]
pub(crate) struct Concluded {
    pub(crate) verdict: Verdict,
    pub(crate) calls: u32,
    /// The probability, by the method, that the number or the first candidate is another person's.
    pub(crate) risk: Option<f64>,
}

/// How a conclusion compares with the truth.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Mark {
    Right,
    Wrong,
    /// A person must look. Whether the first candidate is the right person.
    Held {
        first_is_right: bool,
    },
    None,
    NotAsked,
}

impl Verdict {
    pub(crate) fn mark(&self, truth: Option<NhsNumber>) -> Mark {
        match self {
            Self::Number(number) if Some(*number) == truth => Mark::Right,
            Self::Number(_) => Mark::Wrong,
            Self::Review(candidates) => Mark::Held {
                first_is_right: truth.is_some() && candidates.first().copied() == truth,
            },
            Self::None => Mark::None,
            Self::NotAsked => Mark::NotAsked,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nhs_pds::nhs_number::Synthetic;

    #[test]
    fn a_number_of_an_absent_person_is_wrong() {
        let numbers: Vec<NhsNumber> = Synthetic::from_seed(1).take(2).collect();
        let (one, other) = (numbers[0], numbers[1]);
        assert_eq!(Verdict::Number(one).mark(Some(one)), Mark::Right);
        assert_eq!(Verdict::Number(one).mark(Some(other)), Mark::Wrong);
        assert_eq!(Verdict::Number(one).mark(None), Mark::Wrong);
        let held = Verdict::Review(vec![one, other]);
        assert_eq!(held.mark(Some(one)), Mark::Held { first_is_right: true });
        assert_eq!(held.mark(Some(other)), Mark::Held { first_is_right: false });
        assert_eq!(Verdict::Review(Vec::new()).mark(None), Mark::Held { first_is_right: false });
    }
}
