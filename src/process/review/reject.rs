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
    Ok(Rejection { case, found, numbers: &[number], whole: None, context }.changes())
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
    let whole = Some("none_of_these");
    Ok(Rejection { case, found, numbers: &numbers, whole, context }.changes())
}

/// Rejects every number that the item offers but the case's own.
pub(super) fn keep_ours(
    case: &Case,
    found: &ReviewItem,
    context: &Context<'_>,
) -> Result<Vec<Changed>, Refusal> {
    let Some(ours) = case.nhs_number.as_ref().map(|recorded| recorded.number) else {
        return Err(Refusal::NoNumber);
    };
    let offered = offers(case, found);
    let others = offered.iter().map(|offer| offer.number).filter(|number| *number != ours);
    let numbers: Vec<NhsNumber> = others.collect();
    if numbers.is_empty() {
        return Err(Refusal::NotOffered);
    }
    let whole = Some("kept_ours");
    Ok(Rejection { case, found, numbers: &numbers, whole, context }.changes())
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
    /// The word of a decision about the whole item, which resolves it.
    whole: Option<&'static str>,
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
        let candidates = self.found.evidence.candidates.iter();
        let is_rejected = |candidate: &&Candidate| self.numbers.contains(&candidate.nhs_number);
        let mut first = Changed::new(changed, self.word());
        first.evidence = audited(&candidates.filter(is_rejected).collect::<Vec<_>>());
        [first].into_iter().chain(self.unlinked()).collect()
    }

    fn word(&self) -> &'static str {
        self.whole.unwrap_or("rejected")
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
        if here && self.whole.is_some() {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::Evidence;
    use crate::case::NumberStatus;
    use crate::demographics::Field;
    use crate::matching::Veto;
    use crate::process::review::fixtures::{
        NUMBER, OTHER, THIRD, candidate, context, id, now, recorded, with_candidates,
    };
    use crate::process::review::resolution::Resolution;
    use crate::process::review::resolve::resolve;

    fn three(reason: ReviewReason) -> Case {
        let all = [
            candidate(NUMBER, "JOY", 0.1),
            candidate(OTHER, "Comfort", 0.11),
            candidate(THIRD, "COMFORT ANN", 0.999_99),
        ];
        with_candidates("1", reason, &all)
    }

    fn after(case: &Case, item: u32, resolution: &Resolution) -> Case {
        let changes = resolve(case, item, resolution, &context()).unwrap();
        let again = resolve(&changes[0].case, item, resolution, &context());
        assert_eq!(again, Ok(Vec::new()), "a second call changes nothing");
        changes[0].case.clone()
    }

    fn numbers(item: &ReviewItem) -> Vec<NhsNumber> {
        item.evidence.candidates.iter().map(|candidate| candidate.nhs_number).collect()
    }

    #[test]
    fn the_item_stays_open_with_the_other_candidates() {
        let open = three(ReviewReason::Differs(Field::Given));
        let once = after(&open, 1, &Resolution::RejectNumber(NUMBER));
        let item = &once.review[0];
        assert!(item.is_open() && once.rejected_numbers == [NUMBER]);
        assert_eq!(numbers(item), [OTHER, THIRD]);
        let evidence = &item.evidence;
        assert_eq!(evidence.nhs_number, Some(OTHER), "the item is about the most likely one");
        assert_eq!(item.reason, ReviewReason::Unconfirmed, "the given name agrees");
        assert!(evidence.returned.as_ref() == Some(&evidence.candidates[0].person));
        assert_eq!(evidence.exchange.as_ref().unwrap().message_id, "Comfort");
        assert_eq!(evidence.candidates[0].vetoes, [], "the third is much less likely");
        let step = item.history.last().unwrap();
        assert_eq!((&*step.what, step.note.as_deref()), ("rejected", Some("9449304424")));
        assert_eq!(once.asking, open.asking, "the case keeps what it was traced by");

        let twice = after(&once, 1, &Resolution::RejectNumber(THIRD));
        assert_eq!(numbers(&twice.review[0]), [OTHER]);
        assert_eq!(twice.review[0].evidence.nhs_number, Some(OTHER));
        let all = after(&twice, 1, &Resolution::RejectNumber(OTHER));
        assert_eq!(all.review[0].state, ReviewState::Resolved);
        assert_eq!(all.rejected_numbers, [NUMBER, THIRD, OTHER]);
        let refused =
            resolve(&open, 1, &Resolution::RejectNumber(recorded_elsewhere()), &context());
        assert_eq!(refused, Err(Refusal::NotOffered));
    }

    const fn recorded_elsewhere() -> NhsNumber {
        NhsNumber::constant(5_990_000_049)
    }

    #[test]
    fn a_candidate_as_likely_as_the_first_is_still_a_veto() {
        let once = after(&three(ReviewReason::Unconfirmed), 1, &Resolution::RejectNumber(THIRD));
        let [first, second] = &once.review[0].evidence.candidates[..] else { panic!() };
        assert_eq!(
            (&first.vetoes[..], &second.vetoes[..]),
            (&[Veto::AnotherCandidate][..], &[][..])
        );
    }

    #[test]
    fn none_of_these_rejects_them_all_and_ends_the_item() {
        let mut open = three(ReviewReason::Conflict);
        open.nhs_number = Some(recorded(THIRD, NumberStatus::Usable));
        let none = after(&open, 1, &Resolution::NoneOfThese);
        assert_eq!(none.review[0].state, ReviewState::Resolved);
        assert_eq!(none.review[0].history.last().unwrap().what, "none_of_these");
        assert_eq!(none.rejected_numbers, [NUMBER, OTHER, THIRD]);
        assert!(none.nhs_number.is_none(), "the case's number was among them");
        assert!(none.asking == TraceState::default(), "the case is traced again");
        assert_eq!(numbers(&none.review[0]).len(), 3, "the settled item keeps its evidence");

        let empty = with_candidates("1", ReviewReason::NoMatch, &[]);
        let refused = resolve(&empty, 1, &Resolution::NoneOfThese, &context());
        assert_eq!(refused, Err(Refusal::NotOffered));
    }

    #[test]
    fn the_decision_is_audited_without_the_person() {
        let open = three(ReviewReason::Unconfirmed);
        for (resolution, count) in [
            (Resolution::AcceptNumber(NUMBER), 1),
            (Resolution::RejectNumber(NUMBER), 1),
            (Resolution::NoneOfThese, 3),
        ] {
            let changes = resolve(&open, 1, &resolution, &context()).unwrap();
            let evidence = &changes[0].evidence;
            let keys: Vec<&str> = evidence.iter().map(|(key, _)| *key).collect();
            assert_eq!(keys, ["step", "risk", "evidence", "vetoes"]);
            for (_, value) in evidence.iter().take(3) {
                assert_eq!(value.split("; ").count(), count, "{value}");
            }
            assert!(evidence[1].1.starts_with("1 in 10"), "{}", evidence[1].1);
            let said = format!("{evidence:?}").to_uppercase();
            assert!(!said.contains("AINDOW") && !said.contains("9449304424"), "{said}");
        }
        let changes = resolve(&open, 1, &Resolution::RejectNumber(THIRD), &context()).unwrap();
        assert_eq!(changes[0].evidence.len(), 3, "the third had no veto");
    }

    #[test]
    fn a_number_leaves_every_open_item() {
        let mut open = three(ReviewReason::Unconfirmed);
        let evidence = Evidence {
            candidates: vec![candidate(OTHER, "Comfort", 0.1), candidate(THIRD, "Ann", 0.2)],
            ..Evidence::default()
        };
        open.open_item(ReviewReason::Invalidated, &evidence, now());
        let once = after(&open, 1, &Resolution::RejectNumber(OTHER));
        assert_eq!(numbers(&once.review[0]), [NUMBER, THIRD]);
        assert_eq!(numbers(&once.review[1]), [THIRD]);
        let twice = after(&once, 1, &Resolution::RejectNumber(THIRD));
        let about_the_number = &twice.review[1];
        assert!(about_the_number.is_open() && numbers(about_the_number).is_empty());
        assert_eq!(about_the_number.reason, ReviewReason::Invalidated);
    }

    #[test]
    fn a_duplicate_that_is_rejected_leaves_the_others_to_decide() {
        let mut open = three(ReviewReason::Duplicate);
        open.review[0].evidence.others = vec![id("2")];
        let mut other = three(ReviewReason::Duplicate);
        other.id = id("2");
        other.review[0].evidence.others = vec![id("1")];
        let others = [other];
        let context = context().with_others(&others);
        let changes = resolve(&open, 1, &Resolution::RejectNumber(NUMBER), &context).unwrap();
        let item = &changes[0].case.review[0];
        assert_eq!(item.reason, ReviewReason::Unconfirmed);
        assert!(item.is_open() && item.evidence.others.is_empty());
        assert_eq!(changes[1].case.review[0].state, ReviewState::Resolved);
        assert_eq!(changes[1].what, "duplicate_settled");
    }

    #[test]
    fn a_conflict_with_the_case_s_own_number_is_none() {
        let mut open = three(ReviewReason::Conflict);
        open.nhs_number = Some(recorded(OTHER, NumberStatus::Usable));
        let once = after(&open, 1, &Resolution::RejectNumber(NUMBER));
        assert_eq!(once.review[0].reason, ReviewReason::Unconfirmed);
        let twice = after(&once, 1, &Resolution::RejectNumber(OTHER));
        assert!(twice.nhs_number.is_none());
        assert_eq!(numbers(&twice.review[0]), [THIRD]);
    }

    #[test]
    fn two_items_never_have_one_reason() {
        let mut open = three(ReviewReason::Differs(Field::Given));
        open.open_item(ReviewReason::Unconfirmed, &Evidence::default(), now());
        let once = after(&open, 1, &Resolution::RejectNumber(NUMBER));
        assert_eq!(once.review[0].reason, ReviewReason::Ambiguous);
    }

    #[test]
    fn a_reopened_item_has_no_rejected_candidate() {
        use crate::process::review::step::{Step, step};
        let mut open = three(ReviewReason::Unconfirmed);
        open = after(&open, 1, &Resolution::Acknowledge);
        open.rejected_numbers = vec![NUMBER];
        let back = step(&open, 1, &Step::Move(ReviewState::Open), &context()).unwrap();
        assert_eq!(numbers(&back[0].case.review[0]), [OTHER, THIRD]);
    }
}
