use crate::case::{Candidate, Case, Heard, ReviewItem, ReviewReason};
use crate::demographics::Demographics;
use crate::matching::Veto;
use crate::nhs_number::NhsNumber;
use crate::process::decision::strategy::next::Verdict;
use crate::trace::Exchange;

/// A number that a user may accept from an item, with the response that returned its person.
#[derive(Clone, Copy)]
pub(super) struct Offer<'a> {
    pub(super) number: NhsNumber,
    pub(super) exchange: &'a Exchange,
    pub(super) person: Option<&'a Demographics>,
    pub(super) stale: bool,
    /// The weighed evidence; `None` in an item from before candidates were stored.
    pub(super) candidate: Option<&'a Candidate>,
}

impl<'a> Offer<'a> {
    const fn of(candidate: &'a Candidate) -> Self {
        Self {
            number: candidate.nhs_number,
            exchange: &candidate.exchange,
            person: Some(&candidate.person),
            stale: candidate.stale,
            candidate: Some(candidate),
        }
    }
}

/// Returns the numbers that may be accepted from `item` of `case`, the most likely first. Numbers that a user
/// has rejected are left out.
pub(super) fn offers<'a>(case: &Case, item: &'a ReviewItem) -> Vec<Offer<'a>> {
    let evidence = &item.evidence;
    let faulty = faulty(item);
    let candidates: Vec<_> = evidence
        .candidates
        .iter()
        .filter(|candidate| Some(candidate.nhs_number) != faulty)
        .map(Offer::of)
        .collect();
    let own = named(item).zip(evidence.exchange.as_ref()).map(|(number, exchange)| {
        let person = evidence.returned.as_ref();
        Offer { number, exchange, person, stale: evidence.stale, candidate: None }
    });
    let own = own.filter(|own| candidates.iter().all(|other| other.number != own.number));
    own.into_iter()
        .chain(candidates)
        .filter(|offer| !case.rejected_numbers.contains(&offer.number))
        .collect()
}

/// Returns the number of the person whom the item is about, if it may be accepted.
fn named(item: &ReviewItem) -> Option<NhsNumber> {
    match item.reason {
        ReviewReason::Differs(_)
        | ReviewReason::Unconfirmed
        | ReviewReason::Conflict
        | ReviewReason::Duplicate
        | ReviewReason::DeathUndated
        | ReviewReason::Discrepancy => item.evidence.nhs_number,
        // Without the new number, the item names the old one.
        ReviewReason::Superseded => {
            let asked = item.evidence.asked.as_ref().and_then(|asked| asked.nhs_number);
            item.evidence.nhs_number.filter(|new| Some(*new) != asked)
        }
        _ => None,
    }
}

/// Returns the number that the service replaced, found invalid or did not verify.
fn faulty(item: &ReviewItem) -> Option<NhsNumber> {
    let is_fault = matches!(
        item.reason,
        ReviewReason::Superseded
            | ReviewReason::Replaced
            | ReviewReason::Invalidated
            | ReviewReason::NotVerified
    );
    item.evidence.asked.as_ref().and_then(|asked| asked.nhs_number).filter(|_| is_fault)
}

/// Returns `candidates` without those whom a user has rejected for `case`, ranked anew.
pub(super) fn ranked(case: &Case, candidates: &[Candidate]) -> Vec<Candidate> {
    let heard: Vec<Heard> = candidates
        .iter()
        .map(|candidate| {
            let mut candidate = candidate.clone();
            // Ranking sets this veto again, if another candidate is still about as likely.
            candidate.vetoes.retain(|veto| *veto != Veto::AnotherCandidate);
            Heard::person(candidate)
        })
        .collect();
    Verdict::of(case, &heard).candidates
}

/// Returns the evidence about `candidates` for the audit trail: the steps, the risks, the relations and the
/// vetoes, in the order of the candidates. Contains nothing about the people.
pub(super) fn audited(candidates: &[&Candidate]) -> Vec<(&'static str, String)> {
    let joined = |of: &dyn Fn(&Candidate) -> String| {
        candidates.iter().map(|candidate| of(candidate)).collect::<Vec<_>>().join("; ")
    };
    let vetoes = |candidate: &Candidate| {
        candidate.vetoes.iter().map(|veto| veto.as_str()).collect::<Vec<_>>().join(" ")
    };
    if candidates.is_empty() {
        return Vec::new();
    }
    let mut details = vec![
        ("step", joined(&|candidate| candidate.step.clone())),
        ("risk", joined(&|candidate| candidate.risk.to_string())),
        ("evidence", joined(&|candidate| candidate.relations.to_string())),
    ];
    if candidates.iter().any(|candidate| !candidate.vetoes.is_empty()) {
        details.push(("vetoes", joined(&vetoes)));
    }
    details
}
