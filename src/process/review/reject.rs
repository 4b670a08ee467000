use crate::case::{Candidate, Case, ReviewItem, ReviewReason, ReviewState, TraceState};
use crate::nhs_number::NhsNumber;
use crate::process::review::context::{Changed, Context};
use crate::process::review::offer::{audited, offers, ranked};
use crate::process::review::refusal::Refusal;

/// Rejects one `number`. The item stays open if it has other candidates.
pub(super) fn reject(
    case: &Case,
    found: &ReviewItem,
    number: NhsNumber,
    context: &Context<'_>,
) -> Result<Vec<Changed>, Refusal> {
    let recorded = case.nhs_number.as_ref().is_some_and(|recorded| recorded.number == number);
    if !recorded && !is_named(found, number) {
        return Err(Refusal::NotOffered);
    }
    Ok(Rejection { case, found, numbers: &[number], all: false, context }.changes())
}

/// Rejects every number that the item offers.
pub(super) fn none_of_these(
    case: &Case,
    found: &ReviewItem,
    context: &Context<'_>,
) -> Result<Vec<Changed>, Refusal> {
    let numbers: Vec<NhsNumber> = offers(case, found).iter().map(|offer| offer.number).collect();
    if numbers.is_empty() {
        return Err(Refusal::NotOffered);
    }
    Ok(Rejection { case, found, numbers: &numbers, all: true, context }.changes())
}

/// Whether the item is about `number`, or has it as a candidate.
pub(super) fn is_named(item: &ReviewItem, number: NhsNumber) -> bool {
    let evidence = &item.evidence;
    evidence.nhs_number == Some(number)
        || evidence.candidates.iter().any(|candidate| candidate.nhs_number == number)
}

/// The rejection of `numbers` at the item `found`.
struct Rejection<'a> {
    case: &'a Case,
    found: &'a ReviewItem,
    numbers: &'a [NhsNumber],
    /// Whether these are all that the item offers, so that it is resolved.
    all: bool,
    context: &'a Context<'a>,
}

impl Rejection<'_> {
    fn changes(&self) -> Vec<Changed> {
        let mut changed = self.case.clone();
        for number in self.numbers {
            if !changed.rejected_numbers.contains(number) {
                changed.rejected_numbers.push(*number);
            }
        }
        let recorded = changed.nhs_number.as_ref().map(|recorded| recorded.number);
        if recorded.is_some_and(|recorded| self.numbers.contains(&recorded)) {
            changed.nhs_number = None;
            changed.asking = TraceState::default();
            if changed.death_traced {
                // The recorded death is that of the number's person.
                (changed.date_of_death, changed.death_traced) = (None, false);
            }
        }
        for place in 0..changed.review.len() {
            if let Some(item) = self.item(&changed, place)
                && let Some(old) = changed.review.get_mut(place)
            {
                *old = item;
            }
        }
        let decided: Vec<&Candidate> = self.found.evidence.candidates.iter().collect();
        let decided: Vec<&Candidate> = decided
            .into_iter()
            .filter(|candidate| self.numbers.contains(&candidate.nhs_number))
            .collect();
        let mut first = Changed::new(changed, self.word());
        first.evidence = audited(&decided);
        [first].into_iter().chain(self.unlinked()).collect()
    }

    const fn word(&self) -> &'static str {
        if self.all { "none_of_these" } else { "rejected" }
    }

    /// The item at `place` of the `changed` case after the rejection; `None` when it stays as it is.
    fn item(&self, changed: &Case, place: usize) -> Option<ReviewItem> {
        let before = changed.review.get(place).filter(|item| item.is_open())?;
        let here = before.number == self.found.number;
        let about = before.evidence.nhs_number.is_some_and(|about| self.numbers.contains(&about));
        let ends = about
            && (before.reason == ReviewReason::Duplicate
                || before.reason.is_settled_by_an_answer());
        let candidates = &before.evidence.candidates;
        let loses = candidates.iter().any(|other| self.numbers.contains(&other.nhs_number));
        if !here && !ends && !loses {
            return None;
        }
        let mut item = before.clone();
        let left = ranked(changed, candidates);
        if here && self.all {
            self.context.close(&mut item, ReviewState::Resolved, self.word());
            return Some(item);
        }
        let reason = match left.first() {
            Some(first) => reason(changed, before, first, about),
            None if here || ends => None,
            // The item is about something else than its candidates.
            None => Some(before.reason),
        };
        let Some(reason) = reason else {
            self.context.close(&mut item, ReviewState::Resolved, "rejected");
            return Some(item);
        };
        if about && let Some(first) = left.first() {
            let evidence = &mut item.evidence;
            evidence.nhs_number = Some(first.nhs_number);
            evidence.returned = Some(first.person.clone());
            evidence.exchange = Some(first.exchange.clone());
            evidence.stale = first.stale;
            evidence.others.clear();
        }
        item.reason = reason;
        item.evidence.candidates = left;
        for number in self.numbers.iter().filter(|number| is_named(before, **number)) {
            item.history.push(self.context.step("rejected").with_note(number.digits().as_str()));
        }
        Some(item)
    }

    /// The other cases that were flagged with this one for a number.
    fn unlinked(&self) -> Vec<Changed> {
        let id = &self.case.id;
        let others = self.context.others.iter().filter(|other| other.id != *id && other.is_live());
        others
            .filter_map(|other| {
                let unlinked = self.numbers.iter().fold(None, |before: Option<Case>, number| {
                    let case = before.as_ref().unwrap_or(other);
                    self.context.unlink(case, id, Some(*number), "rejected_elsewhere").or(before)
                })?;
                Some(Changed::new(unlinked, "duplicate_settled"))
            })
            .collect()
    }
}

/// The reason of an item whose most likely candidate is now `first`. `None` when other open items of the case
/// have every reason that applies.
fn reason(
    case: &Case,
    item: &ReviewItem,
    first: &Candidate,
    was_rejected: bool,
) -> Option<ReviewReason> {
    if !was_rejected && item.reason != ReviewReason::Conflict {
        return Some(item.reason);
    }
    let recorded = case.nhs_number.as_ref().map(|recorded| recorded.number);
    let doubt = if recorded.is_some_and(|recorded| recorded != first.nhs_number) {
        ReviewReason::Conflict
    } else {
        let field = first.relations.doubt(recorded.is_none());
        field.map_or(ReviewReason::Unconfirmed, ReviewReason::Differs)
    };
    let is_free = |reason: &ReviewReason| {
        case.open_items().all(|other| other.number == item.number || other.reason != *reason)
    };
    [doubt, ReviewReason::Unconfirmed, ReviewReason::Ambiguous].into_iter().find(is_free)
}
