use crate::case::{Alert, AlertKind, Case, ReviewReason, ReviewState, ReviewStep, TraceRecord};
use crate::demographics::london_day;
use crate::process::{Again, Decision, Effects, NumberEffect, Policy, ReviewEffect, Row};

/// By whom a review item is opened and settled when nobody did it.
const WORKER: &str = "get-nhs-number";

/// `case` as it is after `decision`; `None` when nothing changes.
///
/// Pure. Number, date of death, review items, alerts and the time of the next question change in one
/// step, so that saving the case carries out all of it or nothing. Opening what is open already renews
/// its evidence, and sends no second alert.
#[must_use]
pub fn apply(case: &Case, decision: &Decision, policy: &Policy) -> Option<Case> {
    let effects = decision.effects();
    if matches!(decision.row, Row::Unavailable | Row::Configuration | Row::HeldChanged) {
        return None;
    }
    // A number that no answer confirms stays that of the person whose it was before this question.
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
    let mut record =
        TraceRecord::new(decision.at, effects.result.as_str(), decision.exchange.as_ref());
    if let Some(reason) = decision.review {
        record = record.with_detail(reason.as_str());
    }
    changed.last_trace = Some(record);
    Some(changed)
}

/// Whether the Spine itself has confirmed the number for the person, and returned no death.
fn is_confirmed_alive(decision: &Decision, effects: Effects) -> bool {
    let live = decision.number.as_ref().is_some_and(|held| held.source.is_traced());
    matches!(effects.number, NumberEffect::Write | NumberEffect::Confirm) && live
}

fn number(case: &mut Case, decision: &Decision, effects: Effects) {
    match effects.number {
        NumberEffect::Keep => {}
        NumberEffect::Mark(standing) => {
            if let Some(held) = &mut case.nhs_number {
                held.mark(standing);
            }
        }
        NumberEffect::Write | NumberEffect::Confirm => {
            if let Some(written) = &decision.number {
                let mut written = written.clone();
                // Held since it was first held, however often it is confirmed.
                let before = case.nhs_number.as_ref();
                let same = before.filter(|held| held.number == written.number);
                written.since = same.map_or(written.since, |held| held.since.or(written.since));
                written.person = Some(decision.asked.identity());
                case.nhs_number = Some(written);
                case.not_on_pds = false;
            }
        }
    }
}

/// Opens and closes review items; the number of the one that was opened, if it was not open before.
fn review(case: &mut Case, decision: &Decision, effects: Effects) -> Option<u32> {
    match (effects.review, decision.review) {
        (ReviewEffect::Keep, _) => None,
        (_, None) => {
            settle(case, decision, |_| true);
            None
        }
        (_, Some(reason)) => {
            // Only an answer settles: that a question was refused says nothing about a number in doubt.
            if decision.row.is_answer() {
                settle(case, decision, |other| other != reason);
            }
            case.open_item(reason, &decision.evidence, decision.at)
        }
    }
}

/// Closes the open items that an answer settles, of the reasons chosen.
///
/// Once the Spine itself has told the number that the case now has, it also settles what was wrong with
/// the one that it had: a warning that "the number is no longer valid" would be read of the new one.
fn settle(case: &mut Case, decision: &Decision, chosen: impl Fn(ReviewReason) -> bool) {
    let told = decision.number.as_ref().is_some_and(|held| held.source.is_traced());
    for item in case.review.iter_mut().filter(|item| item.is_open()) {
        let of_the_old =
            matches!(item.reason, ReviewReason::Superseded | ReviewReason::Invalidated) && told;
        if (item.reason.is_settled_by_an_answer() || of_the_old) && chosen(item.reason) {
            item.state = ReviewState::Resolved;
            item.history.push(ReviewStep::new(decision.at, WORKER, "settled_by_an_answer"));
        }
    }
}

/// Which alerts are sent, under which ids: one that comes with a review item once for the item, and one
/// that somebody has died once for the date.
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

/// Puts an alert on the `changed` case, to be delivered once that is saved.
fn alert(case: &Case, changed: &mut Case, kind: AlertKind, id: String, decision: &Decision) {
    if changed.undelivered.iter().any(|alert| alert.id == id) {
        return;
    }
    let mut alert = Alert::about(id, kind, decision.at, changed);
    let evidence = &decision.evidence;
    alert.code = decision.exchange.as_ref().and_then(|exchange| exchange.code.clone());
    let held = |case: &Case| case.nhs_number.as_ref().map(|held| held.number);
    match kind {
        AlertKind::Invalidated => alert.invalid_nhs_number = evidence.nhs_number,
        AlertKind::Superseded => {
            // A number that may be somebody else's is not handed on as the new one.
            let settled =
                matches!(decision.review, Some(ReviewReason::Replaced | ReviewReason::Superseded));
            alert.new_nhs_number = evidence.nhs_number.filter(|_| settled);
            alert.nhs_number = decision
                .asked
                .nhs_number
                .or(held(case))
                .filter(|old| Some(*old) != alert.new_nhs_number);
        }
        AlertKind::Deceased => alert.nhs_number = evidence.nhs_number.or(held(changed)),
        _ => alert.nhs_number = evidence.nhs_number.or(held(case)),
    }
    alert.others.clone_from(&evidence.others);
    changed.undelivered.push(alert);
}

fn asking(case: &mut Case, decision: &Decision, effects: Effects, policy: &Policy) {
    let asking = &mut case.asking;
    if !asking.asked.as_ref().is_some_and(|asked| asked.has_same_fields(&decision.asked)) {
        asking.unsettled = 0;
    }
    asking.asked = Some(decision.asked.clone());
    if matches!(decision.row, Row::Unreadable | Row::UnreadableTooOften) {
        asking.unreadable = asking.unreadable.saturating_add(1);
    } else {
        asking.unreadable = 0;
    }
    asking.until_corrected = false;
    asking.not_before = match effects.again {
        Again::Settled => {
            asking.unsettled = 0;
            None
        }
        Again::Afresh | Again::NextPass | Again::Stop => None,
        Again::Soon => Some(decision.at + policy.stale_wait),
        Again::NextDay => Some(decision.at + policy.refusal_wait),
        Again::WhenCorrected => {
            asking.until_corrected = true;
            None
        }
        Again::AfterDays => {
            asking.unsettled = asking.unsettled.saturating_add(1);
            Some(decision.at + policy.wait(asking.unsettled))
        }
    };
}
