use crate::case::{
    Case, CaseId, Evidence, NumberSource, NumberStatus, Provenance, RecordedNumber, ReviewReason,
};
use crate::demographics::{Demographics, Field, PartialDate, Recorded};
use crate::matching::{
    Corroboration, Criteria, NumberOrigin, Weight, agreement, compare, contradiction,
};
use crate::nhs_number::NhsNumber;
use crate::process::plausible::without_implausible_death;
use crate::process::{Effects, NumberEffect, Policy, ReviewEffect, Row, TraceResult};
use crate::trace::{Answer, Error, ErrorKind, Exchange, Freshness, Match, Outcome, Restriction};
use chrono::{DateTime, Utc};

/// What came back: an answer, or why there is none.
pub type Reply<'a> = Result<&'a Answer, &'a Error>;

/// What a decision depends on besides the case and the reply.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The particulars that were asked by.
    pub asked: &'a Criteria,
    /// The cases in use that hold the number of the reply, among which the case itself may be.
    pub holders: &'a [CaseId],
    /// When is asked again, and how often what is unreadable.
    pub policy: &'a Policy,
}

impl<'a> Context<'a> {
    /// A reply to what was `asked`, of whose number these are the `holders`.
    #[must_use]
    pub const fn new(asked: &'a Criteria, holders: &'a [CaseId], policy: &'a Policy) -> Self {
        Self { asked, holders, policy }
    }

    fn is_held_by_another(&self, case: &Case) -> bool {
        self.holders.iter().any(|holder| *holder != case.id)
    }
}

/// What follows from a reply: a row of the table, and the values that its effects need.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The row.
    pub row: Row,
    /// When it was taken.
    pub at: DateTime<Utc>,
    /// What was asked.
    pub asked: Criteria,
    /// The exchange, when a message was made.
    pub exchange: Option<Exchange>,
    /// The number with its provenance, where the row writes or confirms one.
    pub number: Option<RecordedNumber>,
    /// The date of death, where the row writes one.
    pub date_of_death: Option<PartialDate>,
    /// Why somebody has to look, where the row says so.
    pub review: Option<ReviewReason>,
    /// What that rests upon.
    pub evidence: Evidence,
}

impl Decision {
    /// The consequences.
    #[must_use]
    pub const fn effects(&self) -> Effects {
        self.row.effects()
    }

    /// What a report calls it.
    #[must_use]
    pub const fn result(&self) -> TraceResult {
        self.row.effects().result
    }
}

/// What follows from `reply` about `case`, at `now`: the whole judgement of the worker, in one place.
///
/// Pure, and total: every outcome and every error in every state of a case is one of the [`Row`]s of
/// `docs/decisions.md`, whose effects are fixed. The same case, reply and holders give the same decision,
/// whenever and wherever.
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
    let plausible = without_implausible_death(reply, now);
    let reply = plausible.as_ref().map_or(reply, Ok);
    let agreed = agreed(case, reply, context);
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
        ReviewEffect::Settle | ReviewEffect::Keep => None,
    };
    let written = matches!(effects.number, NumberEffect::Write | NumberEffect::Confirm);
    let freshness = found.map_or(Freshness::Live, |found| found.freshness);
    // A copy's word takes nobody out of the eligible set.
    let told = death(person).ok().flatten().filter(|_| freshness == Freshness::Live);
    Decision {
        row,
        at: now,
        asked: context.asked.clone(),
        exchange: exchange.cloned(),
        number: number
            .or(context.asked.nhs_number)
            .filter(|_| written)
            .zip(exchange)
            .map(|(number, exchange)| held(row, number, exchange, freshness, now, agreed.ok())),
        date_of_death: told.copied().filter(|_| effects.date_of_death),
        review,
        evidence: evidence(case, reply, context, review.is_some()),
    }
}

/// The number, as it is written: with its whole provenance (HAV-5).
fn held(
    row: Row,
    number: NhsNumber,
    exchange: &Exchange,
    freshness: Freshness,
    now: DateTime<Utc>,
    corroboration: Option<Corroboration>,
) -> RecordedNumber {
    let strategy = match row {
        Row::SupersededFree | Row::HeldSupersededFree => "superseded",
        _ if matches!(row.effects().number, NumberEffect::Confirm) => "verified",
        _ => "exact",
    };
    let mut provenance = Provenance::new(exchange.clone(), freshness, strategy);
    provenance.corroboration = corroboration;
    RecordedNumber::new(number, NumberSource::Traced(provenance)).with_since(now)
}

/// Whether the evidence is complete that the person returned is the person of the case, and what completes
/// it; else what differs, or [`ReviewReason::Unconfirmed`].
fn agreed(
    case: &Case,
    reply: Reply<'_>,
    context: &Context<'_>,
) -> Result<Corroboration, ReviewReason> {
    let (_, person) = subject(reply);
    let held = case.nhs_number.as_ref();
    let origin = held.map_or(NumberOrigin::Elsewhere, RecordedNumber::origin);
    let agreed = agreement(context.asked, person, origin).map_err(ReviewReason::from);
    match reply.map(|answer| &answer.outcome) {
        // MSCA-DQ-03: PDS itself names the successor of a number that is known to be the person's.
        Ok(Outcome::Superseded { .. })
            if context.asked.nhs_number.is_some()
                && held.is_some_and(RecordedNumber::is_confirmed)
                // For somebody of another name the rule has not confirmed it.
                && !case.person_changed() =>
        {
            match contradiction(context.asked, person) {
                Some(field) => Err(ReviewReason::Differs(field)),
                None => agreed.or(Ok(Corroboration::Successor)),
            }
        }
        _ => agreed,
    }
}

/// The number and the person that the reply names.
pub(super) fn subject(reply: Reply<'_>) -> (Option<NhsNumber>, Option<&Demographics>) {
    match reply.map(|answer| &answer.outcome) {
        Ok(Outcome::Found(found)) => (Some(found.nhs_number), found.person.as_ref()),
        Ok(Outcome::Superseded { by, person }) => (*by, person.as_deref()),
        _ => (None, None),
    }
}

pub(super) fn exchange(reply: Reply<'_>) -> Option<&Exchange> {
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
        // Only ever the number that replaces another: the one replaced would be taken for it.
        Ok(Outcome::Superseded { .. }) => number.filter(|by| Some(*by) != asked),
        // Of several invalid numbers found for one case the service names none; it is one matter.
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
    }
}

/// The number that the case holds, when it is known to be invalid.
fn invalid(case: &Case) -> Option<NhsNumber> {
    let held = case.nhs_number.as_ref();
    held.filter(|held| held.standing == NumberStatus::Invalid).map(|held| held.number)
}

/// The left-hand side of the table.
fn row(case: &Case, reply: Reply<'_>, context: &Context<'_>, agrees: bool) -> Row {
    let held = case.nhs_number.as_ref().map(|held| held.number);
    let changed = context.asked.nhs_number.is_some_and(|asked| held != Some(asked));
    let outcome = match reply.map(|answer| &answer.outcome) {
        Err(error) if error.kind() == ErrorKind::Configuration => return Row::Configuration,
        Err(error) if error.kind() == ErrorKind::Unavailable => return Row::Unavailable,
        _ if changed => return Row::HeldChanged,
        Err(error) => return without_answer(case, error, context),
        Ok(outcome) => outcome,
    };
    match (context.asked.nhs_number, outcome) {
        (None, Outcome::Found(found)) => by_particulars(case, found, context, agrees),
        (Some(number), Outcome::Found(found)) if found.nhs_number != number => {
            // The tracer's contract forbids it; an answer about another number is none.
            unreadable(case, context)
        }
        (Some(_), Outcome::Found(found)) => by_number(case, found, context, agrees),
        (None, Outcome::None) if held.is_some() => Row::NoMatchForDoubtful,
        (None, Outcome::None) => Row::NoMatch,
        (None, Outcome::Ambiguous(_)) if held.is_some() => Row::AmbiguousForDoubtful,
        (None, Outcome::Ambiguous(_)) => Row::Ambiguous,
        (None, Outcome::Invalidated) => Row::Invalidated,
        (None, Outcome::NotVerified) => Row::NotVerified,
        (Some(_), Outcome::None) => Row::HeldUnknown,
        (Some(_), Outcome::Ambiguous(_)) => Row::HeldAmbiguous,
        (Some(_), Outcome::Invalidated) => Row::HeldInvalidated,
        (Some(_), Outcome::NotVerified) => Row::HeldNotVerified,
        (_, Outcome::Superseded { by, .. }) => superseded(case, *by, context, agrees),
    }
}

fn without_answer(case: &Case, error: &Error, context: &Context<'_>) -> Row {
    match error.kind() {
        ErrorKind::Configuration => Row::Configuration,
        ErrorKind::Unavailable => Row::Unavailable,
        ErrorKind::Rejected if error.field() == Some(Field::NhsNumber) => Row::NumberRejected,
        ErrorKind::Rejected if error.is_unexplained() => Row::MessageRefused,
        ErrorKind::Rejected => Row::Rejected,
        ErrorKind::Unreadable => unreadable(case, context),
    }
}

const fn unreadable(case: &Case, context: &Context<'_>) -> Row {
    if case.asking.unreadable.saturating_add(1) < context.policy.unreadable_limit {
        Row::Unreadable
    } else {
        Row::UnreadableTooOften
    }
}

/// Somebody was found by particulars.
fn by_particulars(case: &Case, found: &Match, context: &Context<'_>, agrees: bool) -> Row {
    let person = found.person.as_ref();
    let live = found.freshness == Freshness::Live;
    if case.rejected_numbers.contains(&found.nhs_number) {
        return Row::FoundRejected;
    }
    if !agrees {
        return Row::FoundDiffers;
    }
    if context.is_held_by_another(case) {
        return Row::FoundDuplicate;
    }
    match (&case.nhs_number, live) {
        (None, _) => {}
        (Some(_), false) => return Row::FoundStaleForDoubtful,
        (Some(held), true) if may_become(held, found.nhs_number) => {}
        (Some(held), true) if held.number == found.nhs_number => return Row::FoundDoubtfulAgain,
        (Some(_), true) => return Row::FoundConflict,
    }
    match death(person) {
        _ if !live => Row::FoundStale,
        Err(()) => Row::FoundDeathUndated,
        Ok(Some(_)) => Row::FoundDeceased,
        Ok(None) => match &case.nhs_number {
            Some(held) if held.number == found.nhs_number => Row::FoundSame,
            Some(_) => Row::FoundInstead,
            None if is_restricted(found) => Row::FoundRestricted,
            None => Row::Found,
        },
    }
}

/// Whether what is `held` may give way to the number that was `found`, or become it: a number that is
/// known to be wrong to another one, and a number that nobody has spoken against to itself.
fn may_become(held: &RecordedNumber, found: NhsNumber) -> bool {
    let wrong = matches!(held.standing, NumberStatus::Superseded | NumberStatus::Invalid);
    wrong != (held.number == found)
}

/// The number that the case holds is somebody's.
fn by_number(case: &Case, found: &Match, context: &Context<'_>, agrees: bool) -> Row {
    let person = found.person.as_ref();
    let live = found.freshness == Freshness::Live;
    if case.rejected_numbers.contains(&found.nhs_number) {
        return Row::HeldRejected;
    }
    if !agrees {
        return Row::HeldDiffers;
    }
    if context.is_held_by_another(case) {
        return Row::HeldDuplicate;
    }
    // What the Spine has said, for the number or against it, a copy does not take away.
    let spoken_of = |held: &RecordedNumber| held.source.is_traced() || !held.standing.is_usable();
    match death(person) {
        _ if !live && case.nhs_number.as_ref().is_some_and(spoken_of) => Row::HeldStaleAfterLive,
        _ if !live => Row::HeldStale,
        Err(()) => Row::HeldDeathUndated,
        Ok(Some(_)) => Row::HeldDeceased,
        Ok(None) if is_restricted(found) => Row::HeldRestricted,
        Ok(None) => {
            // MSCA-DQ-06: what differs and may matter is for the back office.
            let differs = |person| compare(&case.into(), person).weight() > Weight::Low;
            if person.is_some_and(differs) { Row::HeldDiscrepant } else { Row::Verified }
        }
    }
}

/// A number was replaced: the one that the case holds, or the one that its particulars lead to.
fn superseded(case: &Case, by: Option<NhsNumber>, context: &Context<'_>, agrees: bool) -> Row {
    let is_held = context.asked.nhs_number.is_some();
    // The old number repeated is not the new one.
    let Some(by) = by.filter(|by| Some(*by) != context.asked.nhs_number) else {
        return if is_held { Row::HeldSupersededUnknown } else { Row::SupersededUnknown };
    };
    let unwanted = !agrees || case.rejected_numbers.contains(&by);
    match (is_held, unwanted, context.is_held_by_another(case)) {
        (true, true, _) => Row::HeldSupersededDiffers,
        (true, false, true) => Row::HeldSupersededHeld,
        (true, false, false) => Row::HeldSupersededFree,
        (false, true, _) => Row::SupersededDiffers,
        (false, false, true) => Row::SupersededHeld,
        (false, false, false) => match &case.nhs_number {
            Some(held) if !may_become(held, by) => Row::SupersededConflict,
            _ => Row::SupersededFree,
        },
    }
}

const fn is_restricted(found: &Match) -> bool {
    matches!(found.restriction, Restriction::Restricted | Restriction::VeryRestricted)
}

/// The day on which the person died; an error when it cannot be read.
fn death(person: Option<&Demographics>) -> Result<Option<&PartialDate>, ()> {
    match person.map(|person| &person.date_of_death) {
        Some(Recorded::Known(date)) => Ok(Some(date)),
        Some(Recorded::Unrecognised(_)) => Err(()),
        Some(Recorded::Blank | Recorded::NotReturned) | None => Ok(None),
    }
}
