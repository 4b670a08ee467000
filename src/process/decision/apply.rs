use crate::case::{Alert, AlertKind, Case, ReviewReason, ReviewState, ReviewStep, TraceRecord};
use crate::demographics::london_day;
use crate::process::decision::decide::Decision;
use crate::process::decision::plan::further;
use crate::process::decision::policy::Policy;
use crate::process::decision::row::{Effects, NextQuery, NumberEffect, ReviewEffect, Saved};

/// The name of the worker in the history of a review item that it settles. Stored.
const WORKER: &str = "get-nhs-number";

/// Returns `case` as it is after `decision`; `None` when nothing changes.
///
/// Pure. Number, date of death, review items, alerts and the time of the next query change in one step, so
/// that saving the case saves all of them or none. Opening an item that is already open renews its evidence
/// and sends no second alert.
#[must_use]
pub fn apply(case: &Case, decision: &Decision, policy: &Policy) -> Option<Case> {
    let effects = decision.effects();
    if effects.saved == Saved::Nothing {
        return None;
    }
    // A number that this response does not confirm keeps the person that it had before the query.
    let mut changed = case.clone().with_person_of(case);
    number(&mut changed, decision, effects);
    if let Some(died) = decision.date_of_death {
        changed.take_traced_death(case, died, london_day(decision.at));
    } else if is_confirmed_alive(decision, effects) {
        changed.drop_doubted_death(case);
    }
    let opened = review(&mut changed, decision, effects);
    for (kind, id) in alerts(case, decision, effects, opened) {
        alert(case, &mut changed, kind, id, decision);
    }
    asking(&mut changed, decision, effects, policy);
    if effects.saved == Saved::Unanswered {
        return Some(changed);
    }
    let mut record =
        TraceRecord::new(decision.at, effects.result.as_str(), decision.exchange.as_ref());
    if let Some(reason) = decision.review {
        record = record.with_detail(reason.as_str());
    }
    changed.last_trace = Some(record);
    Some(changed)
}

/// Whether the Spine itself has confirmed the number. The caller calls this when no death is written.
fn is_confirmed_alive(decision: &Decision, effects: Effects) -> bool {
    let live = decision.number.as_ref().is_some_and(|recorded| recorded.source.is_traced());
    matches!(effects.number, NumberEffect::Write | NumberEffect::Confirm) && live
}

fn number(case: &mut Case, decision: &Decision, effects: Effects) {
    match effects.number {
        NumberEffect::Keep => {}
        NumberEffect::Mark(status) => {
            if let Some(recorded) = &mut case.nhs_number {
                recorded.mark(status);
            }
        }
        NumberEffect::Write | NumberEffect::Confirm => {
            if let Some(written) = &decision.number {
                let mut written = written.clone();
                // A confirmation does not change since when the case has the number.
                let before = case.nhs_number.as_ref();
                let same = before.filter(|recorded| recorded.number == written.number);
                written.since =
                    same.map_or(written.since, |recorded| recorded.since.or(written.since));
                written.person = Some(decision.asked.identity());
                case.nhs_number = Some(written);
                case.not_on_pds = false;
            }
        }
    }
}

/// Opens and closes review items. Returns the number of the opened item, unless it was open before.
fn review(case: &mut Case, decision: &Decision, effects: Effects) -> Option<u32> {
    match (effects.review, decision.review) {
        (ReviewEffect::Unchanged, _) => None,
        (_, None) => {
            settle(case, decision, |_| true);
            None
        }
        (_, Some(reason)) => {
            // Only a response settles items: a refused query says nothing about a number in doubt.
            if decision.row.is_response() {
                settle(case, decision, |other| other != reason);
            }
            case.open_item(reason, &decision.evidence, decision.at)
        }
    }
}

/// Closes the open items that a response settles and whose reasons are `chosen`.
///
/// A number that the Spine itself has returned also settles what was wrong with the number before it. A user
/// would take an old warning that "the number is no longer valid" as a warning about the new number.
fn settle(case: &mut Case, decision: &Decision, chosen: impl Fn(ReviewReason) -> bool) {
    let from_spine = decision.number.as_ref().is_some_and(|recorded| recorded.source.is_traced());
    for item in case.review.iter_mut().filter(|item| item.is_open()) {
        let about_old_number =
            matches!(item.reason, ReviewReason::Superseded | ReviewReason::Invalidated);
        if (item.reason.is_settled_by_an_answer() || (about_old_number && from_spine))
            && chosen(item.reason)
        {
            item.state = ReviewState::Resolved;
            item.history.push(ReviewStep::new(decision.at, WORKER, "settled_by_an_answer"));
        }
    }
}

/// The alerts to send, with their ids. An alert for a review item is sent once for the item, and an alert
/// for a date of death once for the date.
fn alerts(
    case: &Case,
    decision: &Decision,
    effects: Effects,
    opened: Option<u32>,
) -> Vec<(AlertKind, String)> {
    let died = decision
        .date_of_death
        .filter(|_| !case.death_traced || case.death_in_doubt())
        .map(|died| (AlertKind::Deceased, format!("{}/{}/{died}", case.id, AlertKind::Deceased)));
    let item = effects
        .alert
        .zip(opened)
        .map(|(kind, number)| (kind, format!("{}/{number}/{kind}", case.id)));
    item.into_iter().chain(died).collect()
}

/// Adds an alert to the `changed` case. The worker delivers it after the case is saved.
fn alert(case: &Case, changed: &mut Case, kind: AlertKind, id: String, decision: &Decision) {
    if changed.undelivered.iter().any(|alert| alert.id == id) {
        return;
    }
    let mut alert = Alert::about(id, kind, decision.at, changed);
    let evidence = &decision.evidence;
    alert.code = decision.exchange.as_ref().and_then(|exchange| exchange.code.clone());
    let recorded = |case: &Case| case.nhs_number.as_ref().map(|recorded| recorded.number);
    match kind {
        AlertKind::Invalidated => alert.invalid_nhs_number = evidence.nhs_number,
        AlertKind::Superseded => {
            // A number that may belong to a different person is not sent as the new number.
            let settled =
                matches!(decision.review, Some(ReviewReason::Replaced | ReviewReason::Superseded));
            alert.new_nhs_number = evidence.nhs_number.filter(|_| settled);
            alert.nhs_number = decision
                .asked
                .nhs_number
                .or(recorded(case))
                .filter(|old| Some(*old) != alert.new_nhs_number);
        }
        AlertKind::Deceased => alert.nhs_number = evidence.nhs_number.or(recorded(changed)),
        _ => alert.nhs_number = evidence.nhs_number.or(recorded(case)),
    }
    alert.others.clone_from(&evidence.others);
    changed.undelivered.push(alert);
}

fn asking(case: &mut Case, decision: &Decision, effects: Effects, policy: &Policy) {
    let (id, further) = (case.id.clone(), further(case));
    let asking = &mut case.asking;
    // An answer to an earlier question of this turn begins a new row of failures.
    let kept = decision.known.as_ref().map_or(0, |known| known.heard.len());
    if kept > asking.kept_answers() {
        (asking.unanswered, asking.unreadable) = (0, 0);
    }
    if effects.saved == Saved::Unanswered {
        asking.known.clone_from(&decision.known);
        asking.unanswered = asking.unanswered.saturating_add(1);
        asking.retry_after = Some(decision.at + policy.retry_wait(&id, asking.unanswered));
        return;
    }
    asking.known.clone_from(&decision.known);
    // Answered: the row of a batch says nothing more.
    (asking.submitted, asking.one_by_one) = (None, false);
    (asking.unanswered, asking.retry_after) = (0, None);
    if !asking.asked.as_ref().is_some_and(|asked| asked.has_same_fields(&decision.asked)) {
        asking.unsettled = 0;
    }
    if asking.further != further {
        asking.unsettled = 0;
    }
    (asking.asked, asking.further) = (Some(decision.asked.clone()), further);
    if effects.saved == Saved::UnreadableTrace {
        asking.unreadable = asking.unreadable.saturating_add(1);
    } else {
        asking.unreadable = 0;
    }
    asking.until_corrected = false;
    asking.not_before = match effects.next_query {
        NextQuery::NotNeeded => {
            asking.unsettled = 0;
            None
        }
        NextQuery::AtOnce | NextQuery::NextPass | NextQuery::StopAll => None,
        NextQuery::AfterMinutes => {
            asking.retry_after = Some(decision.at + policy.retry_wait(&id, asking.unreadable));
            None
        }
        NextQuery::Soon => Some(decision.at + policy.stale_wait),
        NextQuery::AfterOneDay => Some(decision.at + policy.wait_after_refusal(&id)),
        NextQuery::WhenCorrected => {
            asking.until_corrected = true;
            None
        }
        NextQuery::AfterDays => {
            asking.unsettled = asking.unsettled.saturating_add(1);
            Some(decision.at + policy.wait(asking.unsettled))
        }
    };
}
