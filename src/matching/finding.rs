use crate::demographics::{Demographics, Field};
use crate::matching::corroboration::Corroboration;
use crate::matching::criteria::Criteria;
use crate::matching::difference::{Mismatch, agreement};
use crate::nhs_number::NhsNumber;
use crate::trace::{Answer, Candidate, Exchange, Freshness, Match, Outcome, Restriction};

/// A response, compared with the query.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Compared {
    /// What the response means for the person searched for.
    pub finding: Finding,
    /// The exchange that gave the response. The provenance of a number records it.
    pub exchange: Exchange,
}

/// What a response means for the person searched for.
///
/// Only [`Verified`](Self::Verified) gives a number that may be written unattended.
///
/// `Serialize` writes an object with `result`, the variant's name in lower case, joined by `_`, and `details`, which
/// have the person's data.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(tag = "result", content = "details", rename_all = "snake_case")]
pub enum Finding {
    /// The person returned is the person searched for, and the evidence is complete.
    Verified(Box<Verified>),
    /// As [`Verified`](Self::Verified), but from a provider's copy and not from the Spine
    /// (SMSP-0003). Query again before relying on the result, and take no date of death from it.
    VerifiedInCopy(Box<Verified>),
    /// A different person was returned. Write nothing.
    DifferentPerson {
        /// The person who was returned.
        candidate: Box<Match>,
        /// The first demographic field that differs.
        differs: Field,
    },
    /// Nothing differs, but the evidence is not complete: a field is not known locally, was not
    /// returned, or nothing independent agrees. A person must decide whether the candidate is the
    /// person searched for.
    Unconfirmed(Box<Match>),
    /// No person matches (DEMOG-0001).
    None,
    /// Several people match (DEMOG-0007). A person must choose, or add fields to the query.
    Ambiguous(Vec<Candidate>),
    /// The queried number, or the number that the query matches, was replaced (DEMOG-0017). Nothing
    /// was compared.
    ///
    /// After [`verify`](crate::matching::verify) of a number from another source, verify the new
    /// number in the same way. After [`find`](crate::matching::find), the new number comes from a
    /// search and is not independent evidence: do not pass it to `verify`. A person must decide.
    Superseded {
        /// The number that replaces it; `None` when it was not returned.
        by: Option<NhsNumber>,
        /// What PDS has recorded under the new number, when it was returned.
        person: Option<Box<Demographics>>,
    },
    /// The number is no longer valid, and no other replaces it (DEMOG-0022).
    Invalidated,
    /// The number is in use, but not by a person with these demographics (DEMOG-0040).
    NotVerified,
}

/// The person searched for, with the evidence that it is this person.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Verified {
    /// The person's NHS Number.
    pub nhs_number: NhsNumber,
    /// What the service has recorded about the person.
    pub person: Demographics,
    /// What agrees besides names, date of birth and gender.
    pub corroboration: Corroboration,
    /// Whether parts of the record are restricted and were not returned.
    pub restriction: Restriction,
}

/// Compares `answer` with the search criteria.
pub(super) fn compared(asked: &Criteria, answer: Answer) -> Compared {
    let finding = match answer.outcome {
        Outcome::Found(found) => of_match(asked, found),
        Outcome::None => Finding::None,
        Outcome::Ambiguous(candidates) => Finding::Ambiguous(candidates),
        Outcome::Superseded { by, person } => Finding::Superseded { by, person },
        Outcome::Invalidated => Finding::Invalidated,
        Outcome::NotVerified => Finding::NotVerified,
    };
    Compared { finding, exchange: answer.exchange }
}

fn of_match(asked: &Criteria, found: Box<Match>) -> Finding {
    let corroboration = match agreement(asked, found.person.as_ref()) {
        Err(Mismatch::Differs(differs)) => {
            return Finding::DifferentPerson { candidate: found, differs };
        }
        // The tracer's contract forbids a response about another number.
        _ if asked.nhs_number.is_some_and(|asked| asked != found.nhs_number) => {
            return Finding::DifferentPerson { candidate: found, differs: Field::NhsNumber };
        }
        Err(_) => return Finding::Unconfirmed(found),
        Ok(corroboration) => corroboration,
    };
    let Match { nhs_number, person: Some(person), freshness, restriction, .. } = *found else {
        return Finding::Unconfirmed(found);
    };
    let verified = Box::new(Verified { nhs_number, person, corroboration, restriction });
    match freshness {
        Freshness::Live => Finding::Verified(verified),
        Freshness::Stale => Finding::VerifiedInCopy(verified),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use serde_json::{json, to_value};

    #[test]
    fn a_comparison_with_the_query_as_json() {
        let nhs_number = NhsNumber::constant(9_990_000_018);
        let exchange = Exchange::new("SMSP", "getNHSNumber", "M-1", DateTime::UNIX_EPOCH);
        let verified = Verified {
            nhs_number,
            person: Demographics::default(),
            corroboration: Corroboration::Postcode,
            restriction: Restriction::NotStated,
        };
        let compared =
            Compared { finding: Finding::Verified(Box::new(verified)), exchange: exchange.clone() };
        let expected = json!({
            "finding": {
                "result": "verified",
                "details": {
                    "nhs_number": "9990000018",
                    "person": Demographics::default(),
                    "corroboration": "postcode",
                    "restriction": "not_stated",
                },
            },
            "exchange": exchange,
        });
        assert_eq!(to_value(&compared).unwrap(), expected);

        let candidate = Match::new(nhs_number);
        let different = Finding::DifferentPerson {
            candidate: Box::new(candidate.clone()),
            differs: Field::DateOfBirth,
        };
        let expected = json!({
            "result": "different_person",
            "details": { "candidate": candidate, "differs": "date_of_birth" },
        });
        assert_eq!(to_value(&different).unwrap(), expected);
        assert_eq!(to_value(Finding::NotVerified).unwrap(), json!({ "result": "not_verified" }));
        assert_eq!(
            to_value(Mismatch::Differs(Field::Given)).unwrap(),
            json!({ "differs": "given" })
        );
        assert_eq!(to_value(Mismatch::Unconfirmed).unwrap(), json!("unconfirmed"));
    }
}
