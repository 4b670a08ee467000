use crate::case::{
    Candidate, Case, Evidence, Heard, KnownSoFar, NumberSource, NumberStatus, Provenance,
    RecordedNumber, ReviewReason,
};
use crate::demographics::{Demographics, PartialDate};
use crate::matching::{
    ContactRelation, Corroboration, Criteria, Judge, PostcodeRelation, Relations, Risk, RiskLimit,
    Veto, contradiction,
};
use crate::nhs_number::NhsNumber;
use crate::process::decision::choose::{death, row};
use crate::process::decision::context::Context;
use crate::process::decision::hear::{answer_of, candidate_of, successor, without_person};
use crate::process::decision::plausible::without_implausible_death;
use crate::process::decision::policy::Policy;
use crate::process::decision::reply::Reply;
use crate::process::decision::result::TraceResult;
use crate::process::decision::row::{DeathEffect, Effects, NumberEffect, ReviewEffect, Saved};
use crate::process::decision::rows::Row;
use crate::process::decision::strategy::next::Verdict;
use crate::trace::{Answer, Exchange, Freshness, Outcome};
use chrono::{DateTime, Utc};

/// The decision about a reply: a row of the table, and the values that its effects need.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The row.
    pub row: Row,
    /// When the decision was made.
    pub at: DateTime<Utc>,
    /// The search criteria of the query.
    pub asked: Criteria,
    /// The exchange, if a message was made.
    pub exchange: Option<Exchange>,
    /// The number with its provenance, if the row writes or confirms a number.
    pub number: Option<RecordedNumber>,
    /// The date of death, if the row writes a date and the Spine returned one.
    pub date_of_death: Option<PartialDate>,
    /// The reason of the review item, if the row opens one.
    pub review: Option<ReviewReason>,
    /// The evidence for the review item.
    pub evidence: Evidence,
    /// The person that the decision is about, with the evidence.
    pub candidate: Option<Candidate>,
    /// The steps that were taken, by their words.
    pub(in crate::process) steps: Vec<String>,
    /// The number that the decision is about: that found, or that of the case.
    pub(in crate::process) subject: Option<NhsNumber>,
    /// What earlier questions have shown, if this one got no answer: they are not asked again.
    pub known: Option<KnownSoFar>,
}

impl Decision {
    /// The consequences of the row.
    #[must_use]
    pub const fn effects(&self) -> Effects {
        self.row.effects()
    }

    /// The strategy, the step and the evidence of the decision, for the audit trail. Nothing in it is about
    /// the person.
    pub(in crate::process) fn audited_evidence(
        &self,
        policy: &Policy,
    ) -> Vec<(&'static str, String)> {
        let Some(candidate) = &self.candidate else {
            // No person was returned: these steps were taken.
            let asked = (!self.steps.is_empty()).then(|| self.steps.join(" "));
            let strategy = asked.as_ref().map(|_| ("strategy", policy.strategy().to_string()));
            return strategy.into_iter().chain(asked.map(|steps| ("steps", steps))).collect();
        };
        vec![
            ("strategy", policy.strategy().to_string()),
            ("judge", Judge::VERSION.to_string()),
            ("step", candidate.step.clone()),
            ("risk", candidate.risk.to_string()),
            ("evidence", candidate.relations.to_string()),
        ]
        .into_iter()
        .chain((!candidate.vetoes.is_empty()).then(|| {
            let words: Vec<&str> = candidate.vetoes.iter().map(|veto| veto.as_str()).collect();
            ("vetoes", words.join(" "))
        }))
        .collect()
    }

    /// The result in reports.
    #[must_use]
    pub const fn result(&self) -> TraceResult {
        self.row.effects().result
    }
}

/// Decides what follows from `reply` about `case`, at `now`. All decisions of the worker are made here.
///
/// Pure and total: every outcome and every error, in every state of a case, leads to one of the [`Row`]s of
/// `docs/decisions.md`. The effects of a row are fixed. The same arguments always give the same decision.
///
/// ```
/// use nhs_pds::case::{Case, RecordType, ReviewReason};
/// use nhs_pds::matching::Criteria;
/// use nhs_pds::trace::{Answer, Exchange, Outcome};
/// use nhs_pds::process::{decide, Context, Policy, Row};
///
/// let case = Case::new("RXX:1".parse()?, RecordType::AdultCase);
/// let now = "2026-11-23T09:30:00Z".parse()?;
/// let answer = Answer::new(Outcome::None, Exchange::new("SMSP", "getPatientDetailsBySearch", "M-1", now));
/// let (asked, policy) = (Criteria::new("Aindow", "1943-05-19".parse()?), Policy::default());
/// let decision = decide(&case, Ok(&answer), &Context::new(&asked, &[], &policy), now);
/// assert_eq!(decision.row, Row::NoMatch);
/// assert_eq!(decision.review, Some(ReviewReason::NoMatch));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn decide(
    case: &Case,
    reply: Reply<'_>,
    context: &Context<'_>,
    now: DateTime<Utc>,
) -> Decision {
    let known = context.known_with(case, reply, now);
    let verdict = Verdict::of(case, &known);
    let decisive = decisive(reply, context, &known, &verdict);
    let reply = decisive.as_ref().map_or(reply, Ok);
    let plausible = without_implausible_death(reply, now);
    let reply = plausible.as_ref().map_or(reply, Ok);
    let successor = reply.ok().and_then(|answer| {
        successor(case, context.asked, context.sent, answer, &context.policy.judge, now)
    });
    let agreed = agreed(case, reply, context, &known, &verdict, successor.as_ref());
    let row = row(case, reply, context, agreed.is_ok());
    let effects = row.effects();
    let found = match reply.map(|answer| &answer.outcome) {
        Ok(Outcome::Found(found)) => Some(&**found),
        _ => None,
    };
    let (number, person) = subject(reply);
    let exchange = exchange(reply);
    let review = match effects.review {
        ReviewEffect::Open(reason) => Some(reason),
        ReviewEffect::OpenDoubt => Some(agreed.err().unwrap_or(ReviewReason::Unconfirmed)),
        ReviewEffect::Settle | ReviewEffect::Unchanged => None,
    };
    let written = matches!(effects.number, NumberEffect::Write | NumberEffect::Confirm);
    let freshness = found.map_or(Freshness::Live, |found| found.freshness);
    // A provider's copy never makes a case ineligible.
    let died = death(person).ok().flatten().filter(|_| freshness == Freshness::Live);
    let candidate = successor.clone().or_else(|| match context.asked.nhs_number {
        Some(number) => candidate_of(&known, number).cloned(),
        None => verdict.candidates.first().cloned(),
    });
    let mut evidence = evidence(case, reply, context, row, review.is_some());
    if review.is_some() {
        evidence.candidates = proposed(case, successor, verdict.candidates);
    }
    Decision {
        row,
        at: now,
        asked: context.asked.clone(),
        exchange: exchange.cloned(),
        number: number.or(context.asked.nhs_number).filter(|_| written).zip(exchange).map(
            |(number, exchange)| {
                let strategy = strategy(reply, effects.number, context.policy);
                let mut provenance = Provenance::new(exchange.clone(), freshness, strategy);
                provenance.corroboration = agreed.ok();
                if let Some(candidate) =
                    candidate.as_ref().filter(|found| found.nhs_number == number)
                {
                    provenance = provenance.with_evidence(candidate);
                }
                RecordedNumber::new(number, NumberSource::Traced(provenance)).with_since(now)
            },
        ),
        date_of_death: died.copied().filter(|_| effects.date_of_death != DeathEffect::No),
        review,
        evidence,
        candidate,
        steps: known.iter().map(|heard| heard.step.clone()).collect(),
        subject: number,
        known: kept(case, context, effects.saved, now),
    }
}

/// The people for a reviewer: the successor of a superseded number, unless a reviewer has rejected it, and those
/// whom the searches returned.
fn proposed(case: &Case, successor: Option<Candidate>, found: Vec<Candidate>) -> Vec<Candidate> {
    let wanted = |named: &Candidate| !case.rejected_numbers.contains(&named.nhs_number);
    successor.into_iter().filter(wanted).chain(found).collect()
}

/// What is kept for the next time, if the last question got no answer.
fn kept(
    case: &Case,
    context: &Context<'_>,
    saved: Saved,
    now: DateTime<Utc>,
) -> Option<KnownSoFar> {
    let unanswered = matches!(saved, Saved::Unanswered | Saved::UnreadableTrace);
    if !unanswered || context.known.is_empty() {
        return None;
    }
    let strategy = context.policy.rules();
    let before = case.asking.known.as_ref();
    let before = before.filter(|known| known.strategy == strategy && known.asked == *context.asked);
    let at = before.map_or(now, |known| known.at);
    Some(KnownSoFar::new(strategy, context.asked.clone(), context.known.to_vec(), at))
}

/// The answer that decides, if it is not the last one: that of the most likely person, or of the number.
fn decisive(
    reply: Reply<'_>,
    context: &Context<'_>,
    known: &[Heard],
    verdict: &Verdict,
) -> Option<Answer> {
    if context.known.is_empty() || !context.leaves_open(reply) {
        return None;
    }
    let exchange = exchange(reply)?;
    let of = |number| candidate_of(known, number).map(answer_of);
    if let Some(number) = context.asked.nhs_number {
        return of(number);
    }
    let rejected = || known.iter().find_map(|heard| heard.candidate.as_deref()).map(answer_of);
    match verdict.candidates.first() {
        Some(first) => Some(answer_of(first)),
        None if verdict.rejected => rejected(),
        None => Some(without_person(verdict.several, exchange.clone())),
    }
}

/// How a number was found, for its provenance (HAV-5). Stored.
fn strategy(reply: Reply<'_>, effect: NumberEffect, policy: &Policy) -> String {
    match (reply.map(|answer| &answer.outcome), effect) {
        (Ok(Outcome::Superseded { .. }), _) => "superseded".to_owned(),
        (_, NumberEffect::Confirm) => "verified".to_owned(),
        _ => policy.strategy().to_string(),
    }
}

/// The evidence that the person returned is the person of the case.
///
/// An error when the evidence is not enough: the field that differs, or [`ReviewReason::Unconfirmed`].
fn agreed(
    case: &Case,
    reply: Reply<'_>,
    context: &Context<'_>,
    known: &[Heard],
    verdict: &Verdict,
    successor: Option<&Candidate>,
) -> Result<Corroboration, ReviewReason> {
    let Context { asked, policy, .. } = *context;
    let limit = policy.judge.limit();
    let (number, person) = subject(reply);
    match (reply.map(|answer| &answer.outcome), asked.nhs_number) {
        (Ok(Outcome::Found(_)), Some(held)) => {
            // The search at the postcode of the case found another person.
            if verdict.has_likely_other(held) {
                return Err(ReviewReason::Conflict);
            }
            // It found several people, or led to another record.
            if verdict.several {
                return Err(ReviewReason::Unconfirmed);
            }
            let Some(candidate) = candidate_of(known, held) else {
                return Err(ReviewReason::Unconfirmed);
            };
            let by_search =
                case.nhs_number.as_ref().is_some_and(RecordedNumber::is_only_from_a_search);
            accept(&candidate.relations, candidate.risk, &candidate.vetoes, limit, !by_search)
        }
        (Ok(Outcome::Found(_)), None) => match verdict.candidates.first() {
            Some(first) if Some(first.nhs_number) == number => {
                accept(&first.relations, first.risk, &first.vetoes, limit, false)
            }
            _ => Err(ReviewReason::Unconfirmed),
        },
        (Ok(Outcome::Superseded { .. }), by_number) => {
            let Some(found) = successor else { return Err(ReviewReason::Unconfirmed) };
            let agreed =
                accept(&found.relations, found.risk, &found.vetoes, limit, by_number.is_some());
            // MSCA-DQ-03: PDS itself names the successor of a number that is confirmed as the person's.
            let confirmed = case.nhs_number.as_ref().is_some_and(RecordedNumber::is_confirmed)
                // After a change of the person, the rule has not confirmed the number for this person.
                && !case.person_changed();
            if by_number.is_none() || !confirmed {
                return agreed;
            }
            match contradiction(asked, person) {
                Some(field) => Err(ReviewReason::Differs(field)),
                // A service that doubts its own match does not name the successor of this person's number.
                None if found.vetoes.contains(&Veto::UncertainService) => agreed,
                None => agreed.or(Ok(Corroboration::Successor)),
            }
        }
        _ => Err(ReviewReason::Unconfirmed),
    }
}

/// The independent evidence, if the risk is below the limit and nothing is against it.
fn accept(
    relations: &Relations,
    risk: Risk,
    vetoes: &[Veto],
    limit: RiskLimit,
    by_number: bool,
) -> Result<Corroboration, ReviewReason> {
    if !vetoes.is_empty() || !limit.allows(risk) {
        return Err(relations
            .doubt(!by_number)
            .map_or(ReviewReason::Unconfirmed, ReviewReason::Differs));
    }
    Ok(match relations.postcode {
        _ if by_number => Corroboration::Number,
        PostcodeRelation::Equal | PostcodeRelation::Former => Corroboration::Postcode,
        _ if relations.contact == ContactRelation::Equal => Corroboration::Contact,
        _ => Corroboration::Address,
    })
}

/// The number and the person that the reply names.
pub(in crate::process) fn subject(reply: Reply<'_>) -> (Option<NhsNumber>, Option<&Demographics>) {
    match reply.map(|answer| &answer.outcome) {
        Ok(Outcome::Found(found)) => (Some(found.nhs_number), found.person.as_ref()),
        Ok(Outcome::Superseded { by, person }) => (*by, person.as_deref()),
        _ => (None, None),
    }
}

pub(in crate::process) fn exchange(reply: Reply<'_>) -> Option<&Exchange> {
    match reply {
        Ok(answer) => Some(&answer.exchange),
        Err(error) => error.exchange(),
    }
}

fn evidence(
    case: &Case,
    reply: Reply<'_>,
    context: &Context<'_>,
    row: Row,
    wanted: bool,
) -> Evidence {
    if !wanted {
        return Evidence::default();
    }
    // A rejected person is not shown again.
    let (number, person) = if row == Row::FoundRejected { (None, None) } else { subject(reply) };
    let asked = context.asked.nhs_number;
    let field = match reply {
        Err(error) => error.field(),
        Ok(_) => None,
    };
    let nhs_number = match reply.map(|answer| &answer.outcome) {
        // Only the successor: a reader would take the superseded number for the successor.
        Ok(Outcome::Superseded { .. }) => number.filter(|by| Some(*by) != asked),
        // The service does not name the invalid number. One item covers all of them.
        Ok(Outcome::Invalidated) => asked.or_else(|| invalid(case)),
        _ => number.or(asked),
    };
    Evidence {
        asked: Some(context.asked.clone()),
        nhs_number,
        returned: person.cloned(),
        others: context.holders.iter().filter(|holder| **holder != case.id).cloned().collect(),
        field,
        damaged_number: None,
        exchange: exchange(reply).cloned(),
        stale: matches!(
            reply.map(|answer| &answer.outcome),
            Ok(Outcome::Found(found)) if found.freshness == Freshness::Stale
        ),
        candidates: Vec::new(),
    }
}

/// The case's number, if it is marked invalid.
fn invalid(case: &Case) -> Option<NhsNumber> {
    let recorded = case.nhs_number.as_ref();
    recorded
        .filter(|recorded| recorded.status == NumberStatus::Invalid)
        .map(|recorded| recorded.number)
}
