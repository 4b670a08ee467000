//! The next question about a case, or the verdict. Pure.

use crate::case::{Candidate, Case, Heard};
use crate::matching::{Risk, RiskLimit, Veto};
use crate::nhs_number::NhsNumber;
use crate::process::decision::strategy::questions::Asked;
use crate::process::decision::strategy::steps::When;

/// Above this risk, a candidate is more likely a different person, and the search goes on.
const LIKELY: f64 = 0.9;

/// How many times as likely one candidate must be as another, so that the other is no reason for doubt.
const CLEARLY: f64 = 1_000.0;

/// What is known about the person of a case after some questions.
#[derive(Clone, Debug, Default)]
pub(in crate::process) struct Verdict {
    /// The people returned, each once, the most likely first. Those whom a reviewer rejected are left out.
    pub(in crate::process) candidates: Vec<Candidate>,
    /// Whether a search matched several people.
    pub(in crate::process) several: bool,
    /// Whether a person was returned whom a reviewer has rejected for this case.
    pub(in crate::process) rejected: bool,
}

impl Verdict {
    /// Ranks the people returned.
    pub(in crate::process) fn of(case: &Case, known: &[Heard]) -> Self {
        let mut verdict =
            Self { several: known.iter().any(|heard| heard.several), ..Self::default() };
        for candidate in known.iter().filter_map(|heard| heard.candidate.as_deref()) {
            if case.rejected_numbers.contains(&candidate.nhs_number) {
                verdict.rejected = true;
                continue;
            }
            let same = |other: &&mut Candidate| other.nhs_number == candidate.nhs_number;
            match verdict.candidates.iter_mut().find(same) {
                // The answer with more evidence counts: a step may have matched a former postcode.
                Some(other) if rank(candidate) < rank(other) => *other = candidate.clone(),
                Some(_) => {}
                None => verdict.candidates.push(candidate.clone()),
            }
        }
        verdict.candidates.sort_by_key(rank);
        verdict.doubt_the_first(known.first().is_some_and(|first| first.several));
        verdict
    }

    /// Another candidate of comparable weight is a veto against the first. So is it that several people matched
    /// the case's own criteria: a later step may have found another one than the right one of them.
    fn doubt_the_first(&mut self, several_at_first: bool) {
        let odds = |risk: Risk| (1.0 - risk.probability()) / risk.probability();
        let Some((first, others)) = self.candidates.split_first_mut() else { return };
        let is_comparable = |other: &Candidate| odds(other.risk) * CLEARLY > odds(first.risk);
        if several_at_first || others.iter().any(is_comparable) {
            first.vetoes.push(Veto::AnotherCandidate);
        }
    }

    /// The candidate whose number may be written unattended.
    pub(in crate::process) fn accepted(&self, limit: RiskLimit) -> Option<&Candidate> {
        self.candidates.first().filter(|first| first.vetoes.is_empty() && limit.allows(first.risk))
    }

    /// Whether another person than that of the number `held` is likely.
    pub(in crate::process) fn has_likely_other(&self, held: NhsNumber) -> bool {
        let others = self.candidates.iter().filter(|candidate| candidate.nhs_number != held);
        others.map(|other| other.risk.probability()).any(|risk| risk < LIKELY)
    }

    /// Whether a candidate is likely the person.
    fn is_likely(&self) -> bool {
        self.candidates.iter().any(|candidate| candidate.risk.probability() < LIKELY)
    }

    /// The next of the `listed` questions, if one may change this verdict.
    pub(in crate::process) fn next<'a>(
        &self,
        listed: &'a [Asked],
        known: &[Heard],
        limit: RiskLimit,
    ) -> Option<&'a Asked> {
        if self.accepted(limit).is_some() {
            return None;
        }
        let likely = self.is_likely();
        let unasked = |asked: &&Asked| known.iter().all(|heard| heard.step != asked.step);
        let allowed = |asked: &&Asked| match asked.when {
            When::Always => true,
            When::Unfound => !likely,
        };
        listed.iter().filter(unasked).find(allowed)
    }
}

/// The order of candidates: without a veto first, then by risk. The number decides between equals, so that the
/// order does not depend on that of the answers.
fn rank(candidate: &Candidate) -> (bool, Risk, String) {
    let number = candidate.nhs_number.digits().to_string();
    (!candidate.vetoes.is_empty(), candidate.risk, number)
}
