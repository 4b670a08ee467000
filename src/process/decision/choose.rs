//! The choice of a row of the table. Pure.

use crate::case::{Case, NumberStatus, RecordedNumber};
use crate::demographics::{Demographics, PartialDate, Recorded};
use crate::matching::{Weight, compare};
use crate::nhs_number::NhsNumber;
use crate::process::decision::context::Context;
use crate::process::decision::no_response::{unavailable, unreadable, without_response};
use crate::process::decision::reply::Reply;
use crate::process::decision::rows::Row;
use crate::trace::{ErrorKind, Freshness, Match, Outcome, Restriction};

/// The left-hand side of the table.
pub(super) fn row(case: &Case, reply: Reply<'_>, context: &Context<'_>, agrees: bool) -> Row {
    let recorded = case.nhs_number.as_ref().map(|recorded| recorded.number);
    let changed = context.asked.nhs_number.is_some_and(|asked| recorded != Some(asked));
    let outcome = match reply.map(|answer| &answer.outcome) {
        Err(error) if error.kind() == ErrorKind::Configuration => return Row::Configuration,
        Err(error) if error.kind() == ErrorKind::Unavailable => {
            return unavailable(case, context);
        }
        _ if changed => return Row::RecordedChanged,
        Err(error) => return without_response(case, error, context),
        Ok(outcome) => outcome,
    };
    match (context.asked.nhs_number, outcome) {
        (None, Outcome::Found(found)) => by_particulars(case, found, context, agrees),
        (Some(number), Outcome::Found(found)) if found.nhs_number != number => {
            // The tracer's contract forbids this. A response about another number is unreadable.
            unreadable(case, context)
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
pub(super) fn death(person: Option<&Demographics>) -> Result<Option<&PartialDate>, ()> {
    match person.map(|person| &person.date_of_death) {
        Some(Recorded::Known(date)) => Ok(Some(date)),
        Some(Recorded::Unrecognised(_)) => Err(()),
        Some(Recorded::Blank | Recorded::NotReturned) | None => Ok(None),
    }
}
