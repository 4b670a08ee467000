use crate::case::{
    Candidate, Case, CaseId, Evidence, Heard, KnownSoFar, NumberSource, NumberStatus, Provenance,
    RecordedNumber, ReviewReason,
};
use crate::demographics::{Demographics, PartialDate, Recorded};
use crate::matching::{
    ContactRelation, Corroboration, Criteria, Judge, PostcodeRelation, Relations, Risk, RiskLimit,
    Veto, Weight, compare, contradiction,
};
use crate::nhs_number::NhsNumber;
use crate::process::decision::hear::{
    Sent, answer_of, assess_successor, candidate_of, hear, is_open, without_person,
};
use crate::process::decision::no_response::{unavailable, unreadable, without_response};
use crate::process::decision::plan::Plan;
use crate::process::decision::plausible::without_implausible_death;
use crate::process::decision::policy::Policy;
use crate::process::decision::reply::Reply;
use crate::process::decision::result::TraceResult;
use crate::process::decision::row::{DeathEffect, Effects, NumberEffect, ReviewEffect, Saved};
use crate::process::decision::rows::Row;
use crate::process::decision::strategy::next::Verdict;
use crate::trace::{Answer, ErrorKind, Exchange, Freshness, Match, Outcome, Restriction};
use chrono::{DateTime, Utc};

/// What a decision depends on, besides the case and the reply.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The search criteria of the query.
    pub asked: &'a Criteria,
    /// The active cases that have the number of the reply. The case itself may be one of them.
    pub holders: &'a [CaseId],
    /// When a case is queried again, how many unreadable responses in a row are too many, and who counts as
    /// the person of the case.
    pub policy: &'a Policy,
    /// What earlier questions by the same criteria have shown.
    pub known: &'a [Heard],
    /// The question of the reply; `None` is one with every criterion.
    sent: Option<Sent<'a>>,
}

impl<'a> Context<'a> {
    /// Returns the context of a reply to `asked`, whose number the cases `holders` have.
    #[must_use]
    pub const fn new(asked: &'a Criteria, holders: &'a [CaseId], policy: &'a Policy) -> Self {
        Self { asked, holders, policy, known: &[], sent: None }
    }

    /// Returns this context of a reply to the question of `plan`, after what is `known` from earlier ones.
    #[must_use]
    pub fn after(mut self, known: &'a [Heard], plan: &'a Plan) -> Self {
        self.known = known;
        self.sent = Some(Sent { step: &plan.step, question: &plan.question });
        self
    }

    /// What is known, with the reply.
    pub(in crate::process) fn known_with(
        &self,
        case: &Case,
        reply: Reply<'_>,
        now: DateTime<Utc>,
    ) -> Vec<Heard> {
        let judge = &self.policy.judge;
        let heard =
            reply.ok().and_then(|answer| hear(case, self.asked, self.sent, answer, judge, now));
        self.known.iter().cloned().chain(heard).collect()
    }

    /// Whether another active case has the number of the reply.
    fn is_shared(&self, case: &Case) -> bool {
        self.holders.iter().any(|holder| *holder != case.id)
    }
}

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
        let Some(candidate) = &self.candidate else { return Vec::new() };
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
    let agreed = agreed(case, reply, context, &known, &verdict, now);
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
    let candidate = match context.asked.nhs_number {
        Some(number) => candidate_of(&known, number).cloned(),
        None => verdict.candidates.first().cloned(),
    };
    let mut evidence = evidence(case, reply, context, review.is_some());
    if review.is_some() {
        evidence.candidates = verdict.candidates;
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
                if let Some(candidate) = candidate_of(&known, number) {
                    provenance = provenance.with_evidence(candidate);
                }
                RecordedNumber::new(number, NumberSource::Traced(provenance)).with_since(now)
            },
        ),
        date_of_death: died.copied().filter(|_| effects.date_of_death != DeathEffect::No),
        review,
        evidence,
        candidate,
        subject: number,
        known: kept(case, context, effects.saved, now),
    }
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
    let strategy = context.policy.strategy().to_string();
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
    let last = reply.ok()?;
    if context.known.is_empty() || !is_open(last) {
        return None;
    }
    let of = |number| candidate_of(known, number).map(answer_of);
    if let Some(number) = context.asked.nhs_number {
        return of(number);
    }
    let rejected = || known.iter().find_map(|heard| heard.candidate.as_deref()).map(answer_of);
    match verdict.candidates.first() {
        Some(first) => Some(answer_of(first)),
        None if verdict.rejected => rejected(),
        None => Some(without_person(verdict.several, last.exchange.clone())),
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
    now: DateTime<Utc>,
) -> Result<Corroboration, ReviewReason> {
    let Context { asked, policy, .. } = *context;
    let limit = policy.judge.limit();
    let (number, person) = subject(reply);
    match (reply.map(|answer| &answer.outcome), asked.nhs_number) {
        (Ok(Outcome::Found(_)), Some(held)) => {
            let Some(candidate) = candidate_of(known, held) else {
                return Err(ReviewReason::Unconfirmed);
            };
            // The search at the postcode of the case found another person.
            if verdict.has_likely_other(held) {
                return Err(ReviewReason::Conflict);
            }
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
            let found = assess_successor(case, asked, context.sent, person, &policy.judge, now);
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

fn evidence(case: &Case, reply: Reply<'_>, context: &Context<'_>, wanted: bool) -> Evidence {
    if !wanted {
        return Evidence::default();
    }
    let (number, person) = subject(reply);
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

/// The left-hand side of the table.
fn row(case: &Case, reply: Reply<'_>, context: &Context<'_>, agrees: bool) -> Row {
    let recorded = case.nhs_number.as_ref().map(|recorded| recorded.number);
    let changed = context.asked.nhs_number.is_some_and(|asked| recorded != Some(asked));
    let outcome = match reply.map(|answer| &answer.outcome) {
        Err(error) if error.kind() == ErrorKind::Configuration => return Row::Configuration,
        Err(error) if error.kind() == ErrorKind::Unavailable => {
            return unavailable(case, context.policy);
        }
        _ if changed => return Row::RecordedChanged,
        Err(error) => return without_response(case, error, context.policy),
        Ok(outcome) => outcome,
    };
    match (context.asked.nhs_number, outcome) {
        (None, Outcome::Found(found)) => by_particulars(case, found, context, agrees),
        (Some(number), Outcome::Found(found)) if found.nhs_number != number => {
            // The tracer's contract forbids this. A response about another number is unreadable.
            unreadable(case, context.policy)
        }
        (Some(_), Outcome::Found(found)) => by_number(case, found, context, agrees),
        (None, Outcome::None) if recorded.is_some() => Row::NoMatchForDoubtful,
        (None, Outcome::None) => Row::NoMatch,
        (None, Outcome::Ambiguous(_)) if recorded.is_some() => Row::AmbiguousForDoubtful,
        (None, Outcome::Ambiguous(_)) => Row::Ambiguous,
        (None, Outcome::Invalidated) => Row::Invalidated,
        (None, Outcome::NotVerified) => Row::NotVerified,
        (Some(_), Outcome::None) => Row::RecordedUnknown,
        (Some(_), Outcome::Ambiguous(_)) => Row::RecordedAmbiguous,
        (Some(_), Outcome::Invalidated) => Row::RecordedInvalidated,
        (Some(_), Outcome::NotVerified) => Row::RecordedNotVerified,
        (_, Outcome::Superseded { by, .. }) => superseded(case, *by, context, agrees),
    }
}

/// The row when a person was found by demographic fields.
fn by_particulars(case: &Case, found: &Match, context: &Context<'_>, agrees: bool) -> Row {
    let person = found.person.as_ref();
    let live = found.freshness == Freshness::Live;
    if case.rejected_numbers.contains(&found.nhs_number) {
        return Row::FoundRejected;
    }
    if !agrees {
        return Row::FoundDiffers;
    }
    if context.is_shared(case) {
        return Row::FoundDuplicate;
    }
    match (&case.nhs_number, live) {
        (None, _) => {}
        (Some(_), false) => return Row::FoundStaleForDoubtful,
        (Some(recorded), true) if may_become(recorded, found.nhs_number) => {}
        (Some(recorded), true) if recorded.number == found.nhs_number => {
            return Row::FoundDoubtfulAgain;
        }
        (Some(_), true) => return Row::FoundConflict,
    }
    match death(person) {
        _ if !live => Row::FoundStale,
        Err(()) => Row::FoundDeathUndated,
        Ok(Some(_)) => Row::FoundDeceased,
        Ok(None) => match &case.nhs_number {
            Some(recorded) if recorded.number == found.nhs_number => Row::FoundSame,
            Some(_) => Row::FoundReplacement,
            None if is_restricted(found) => Row::FoundRestricted,
            None => Row::Found,
        },
    }
}

/// Whether the number `found` may replace or confirm the case's number `recorded`.
///
/// Another number may replace a number that is superseded or invalid. The same number may confirm a number
/// that is neither.
fn may_become(recorded: &RecordedNumber, found: NhsNumber) -> bool {
    let wrong = matches!(recorded.status, NumberStatus::Superseded | NumberStatus::Invalid);
    wrong != (recorded.number == found)
}

/// The row when the case's number was verified and a person was returned.
fn by_number(case: &Case, found: &Match, context: &Context<'_>, agrees: bool) -> Row {
    let person = found.person.as_ref();
    let live = found.freshness == Freshness::Live;
    if case.rejected_numbers.contains(&found.nhs_number) {
        return Row::RecordedRejected;
    }
    if !agrees {
        return Row::RecordedDiffers;
    }
    if context.is_shared(case) {
        return Row::RecordedDuplicate;
    }
    // A copy does not overrule what the Spine has said, for the number or against it.
    let spine_has_answered =
        |recorded: &RecordedNumber| recorded.source.is_traced() || !recorded.status.is_usable();
    match death(person) {
        _ if !live && case.nhs_number.as_ref().is_some_and(spine_has_answered) => {
            Row::RecordedStaleAfterLive
        }
        _ if !live => Row::RecordedStale,
        Err(()) => Row::RecordedDeathUndated,
        Ok(Some(_)) => Row::RecordedDeceased,
        Ok(None) if is_restricted(found) => Row::RecordedRestricted,
        Ok(None) => {
            // MSCA-DQ-06: the back office gets every difference that may matter.
            let differs = |person| compare(&case.into(), person).weight() > Weight::Low;
            if person.is_some_and(differs) { Row::RecordedDiscrepant } else { Row::Verified }
        }
    }
}

/// The row when a number was superseded: the case's number, or the one that its fields lead to.
fn superseded(case: &Case, by: Option<NhsNumber>, context: &Context<'_>, agrees: bool) -> Row {
    let is_recorded = context.asked.nhs_number.is_some();
    // A service that returns the old number has not named the successor.
    let Some(by) = by.filter(|by| Some(*by) != context.asked.nhs_number) else {
        return if is_recorded { Row::RecordedSupersededUnknown } else { Row::SupersededUnknown };
    };
    let unwanted = !agrees || case.rejected_numbers.contains(&by);
    match (is_recorded, unwanted, context.is_shared(case)) {
        (true, true, _) => Row::RecordedSupersededDiffers,
        (true, false, true) => Row::RecordedSupersededDuplicate,
        (true, false, false) => Row::RecordedSupersededFree,
        (false, true, _) => Row::SupersededDiffers,
        (false, false, true) => Row::SupersededDuplicate,
        (false, false, false) => match &case.nhs_number {
            Some(recorded) if !may_become(recorded, by) => Row::SupersededConflict,
            _ => Row::SupersededFree,
        },
    }
}

const fn is_restricted(found: &Match) -> bool {
    matches!(found.restriction, Restriction::Restricted | Restriction::VeryRestricted)
}

/// The date of death, if one was returned. An error when the date cannot be read.
fn death(person: Option<&Demographics>) -> Result<Option<&PartialDate>, ()> {
    match person.map(|person| &person.date_of_death) {
        Some(Recorded::Known(date)) => Ok(Some(date)),
        Some(Recorded::Unrecognised(_)) => Err(()),
        Some(Recorded::Blank | Recorded::NotReturned) | None => Ok(None),
    }
}
