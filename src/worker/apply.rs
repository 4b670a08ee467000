use crate::case::{Alert, AlertKind, Case, ReviewReason, ReviewState, ReviewStep, TraceRecord};
use crate::worker::{Again, Decision, Effects, NumberEffect, Policy, ReviewEffect, Row};
use chrono::{DateTime, Utc};

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
    if matches!(decision.row, Row::Unavailable | Row::Configuration) {
        return None;
    }
    let mut changed = case.clone();
    number(&mut changed, decision, effects);
    if let Some(died) = decision.date_of_death {
        changed.date_of_death = case.date_of_death.or(Some(died));
        changed.death_traced = true;
    }
    let opened = review(&mut changed, decision, effects);
    if let Some(kind) = effects.alert {
        alert(&mut changed, kind, decision, opened);
    }
    asking(&mut changed, decision, effects, policy);
    let mut record =
        TraceRecord::new(decision.at, effects.result.word(), decision.exchange.as_ref());
    if let Some(reason) = decision.review {
        record = record.with_detail(reason.word());
    }
    changed.last_trace = Some(record);
    Some(changed)
}

fn number(case: &mut Case, decision: &Decision, effects: Effects) {
    match effects.number {
        NumberEffect::Keep => {}
        NumberEffect::Mark(standing) => {
            if let Some(held) = &mut case.nhs_number {
                held.standing = standing;
            }
        }
        NumberEffect::Write | NumberEffect::Confirm => {
            if let Some(written) = &decision.number {
                let mut written = written.clone();
                // Held since it was first held, however often it is confirmed.
                let before = case.nhs_number.as_ref();
                let same = before.filter(|held| held.number == written.number);
                written.since = same.map_or(written.since, |held| held.since.or(written.since));
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
            settle(case, decision.at, |_| true);
            None
        }
        (_, Some(reason)) => {
            settle(case, decision.at, |other| other != reason);
            case.open_item(reason, &decision.evidence, decision.at)
        }
    }
}

/// Closes the open items that an answer settles, of the reasons chosen.
fn settle(case: &mut Case, at: DateTime<Utc>, chosen: impl Fn(ReviewReason) -> bool) {
    for item in case.review.iter_mut().filter(|item| item.is_open()) {
        if item.reason.is_settled_by_an_answer() && chosen(item.reason) {
            item.state = ReviewState::Resolved;
            item.history.push(ReviewStep::new(at, WORKER, "settled_by_an_answer"));
        }
    }
}

/// Puts an alert on the case, to be delivered once the case is saved. An alert that comes with a review
/// item comes once for the item.
fn alert(case: &mut Case, kind: AlertKind, decision: &Decision, opened: Option<u32>) {
    let id = match (decision.review, opened, decision.date_of_death) {
        (Some(_), Some(number), _) => format!("{}/{number}/{kind}", case.id),
        (None, _, Some(died)) => format!("{}/{kind}/{died}", case.id),
        _ => return,
    };
    if case.undelivered.iter().any(|alert| alert.id == id) {
        return;
    }
    let mut alert = Alert::about(id, kind, decision.at, case);
    let evidence = &decision.evidence;
    alert.others.clone_from(&evidence.others);
    alert.code = decision.exchange.as_ref().and_then(|exchange| exchange.code.clone());
    let held = case.nhs_number.as_ref().map(|held| held.number);
    let asked = decision.asked.nhs_number;
    match kind {
        AlertKind::Invalidated => alert.invalid_nhs_number = asked.or(held),
        AlertKind::Superseded => {
            alert.nhs_number = asked;
            alert.new_nhs_number = evidence.nhs_number.filter(|new| Some(*new) != asked);
        }
        _ => alert.nhs_number = evidence.nhs_number.or(held),
    }
    case.undelivered.push(alert);
}

fn asking(case: &mut Case, decision: &Decision, effects: Effects, policy: &Policy) {
    let asking = &mut case.asking;
    if !asking.asked.as_ref().is_some_and(|asked| asked.has_same_particulars(&decision.asked)) {
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
