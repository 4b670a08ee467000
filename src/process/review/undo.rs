use crate::case::{
    Case, CaseId, Facts, FormerItem, Replaced, ReviewItem, ReviewReason, ReviewState, ReviewStep,
};
use crate::nhs_number::NhsNumber;
use crate::process::review::context::{Changed, Context, in_use, item, item_mut};
use crate::process::review::offer::ranked;
use crate::process::review::presence::flag_duplicates;
use crate::process::review::refusal::Refusal;

/// What the last decision on an item was, as far as it can be undone.
pub(super) enum Last<'a> {
    /// A decision about this case, with what it has replaced.
    Decision(&'a ReviewStep, &'a Replaced),
    /// A merge of this case.
    Merge(&'a CaseId),
}

/// Returns the last decision on `item` of `case`, if it can be undone.
///
/// Pure.
pub(super) fn last<'a>(case: &'a Case, item: &'a ReviewItem) -> Option<Last<'a>> {
    item.history.iter().rev().find_map(|step| {
        if let Some(replaced) = &step.replaced {
            return Some(Last::Decision(step, replaced));
        }
        let merged = case.absorbed.iter().find(|was| step.what == "merged" && was.at == step.at);
        merged.map(|was| Last::Merge(&was.case_id))
    })
}

/// Returns the changes when the last decision on the item `number` of `case` is undone, the case
/// itself first.
///
/// Each fact that the decision changed is as it was before, if it is still as the decision left it.
/// Items that the decision settled are open again, unless a newer item on the same subject is open.
/// If two active cases then have one number, both are flagged as duplicates (MSCA-DQ-01).
///
/// Pure. `context` must contain the cases with the number before the decision, and those that the
/// case's duplicate items name. A merge is undone by `undo_merge`.
///
/// # Errors
///
/// The [`Refusal`]: `NothingToUndo`, `MovedOn` if a fact has changed since, `OpenElsewhere` if the
/// subject has a newer open item.
pub(super) fn undo(
    case: &Case,
    number: u32,
    context: &Context<'_>,
) -> Result<Vec<Changed>, Refusal> {
    let found = item(case, number)?;
    in_use(case)?;
    let Some(Last::Decision(step, replaced)) = last(case, found) else {
        return Err(Refusal::NothingToUndo);
    };
    let mut changed = case.clone();
    restore(&mut changed, replaced)?;
    changed.rejected_numbers.retain(|rejected| !replaced.rejected.contains(rejected));
    if replaced.before != replaced.after || !replaced.rejected.is_empty() {
        changed.asking = replaced.asking.clone();
    }
    let mut linked = Vec::new();
    for former in &replaced.items {
        reopen(&mut changed, former, former.number == number, context)?;
        let item = item(&changed, former.number)?;
        if item.reason == ReviewReason::Duplicate && item.is_open() {
            linked.extend(item.evidence.nhs_number.zip(Some(item.evidence.others.clone())));
        }
    }
    let what = step.what.clone();
    let target = item_mut(&mut changed, number)?;
    target.history.iter_mut().for_each(|step| step.replaced = None);
    target.history.push(context.step("undone").with_note(what));
    let mut changes = vec![Changed::new(changed, "undone")];
    for (number, others) in linked {
        for other in others.iter().filter_map(|id| context.other(id)) {
            let flagged = other.flag_duplicate(&case.id, number, context.at);
            changes.extend(flagged.map(|flagged| Changed::new(flagged, "duplicate")));
        }
    }
    flag_duplicates(&mut changes, &case.id, context);
    Ok(changes)
}

/// Restores an item that a decision has changed: the one that it was about, or another.
fn reopen(
    changed: &mut Case,
    former: &FormerItem,
    is_main: bool,
    context: &Context<'_>,
) -> Result<(), Refusal> {
    let before = changed.clone();
    let is_busy = before.open_items().any(|other| {
        other.number != former.number
            && other.reason == former.reason
            && (former.reason.is_settled_by_an_answer()
                || Some(other.evidence.nhs_number) == subject(&before, former.number))
    });
    if is_busy && is_main {
        return Err(Refusal::OpenElsewhere);
    }
    let target = item_mut(changed, former.number)?;
    // Another decision may have reopened the item since: that decision counts.
    if is_busy || (!is_main && target.is_open() && former.evidence.is_none()) {
        return Ok(());
    }
    if let Some(evidence) = &former.evidence {
        target.evidence = (**evidence).clone();
    }
    let candidates = &target.evidence.candidates;
    if candidates.iter().any(|other| before.rejected_numbers.contains(&other.nhs_number)) {
        target.evidence.candidates = ranked(&before, candidates);
    }
    (target.reason, target.state) = (former.reason, former.state);
    if target.reason == ReviewReason::Duplicate && target.is_open() {
        target.evidence.others.retain(|id| context.other(id).is_none_or(Case::is_live));
        if target.evidence.others.is_empty() {
            target.state = ReviewState::Resolved;
        }
    }
    if !is_main {
        target.history.push(context.step("reopened"));
    }
    Ok(())
}

/// The number that an item is about.
fn subject(case: &Case, item: u32) -> Option<Option<NhsNumber>> {
    let item = case.review.iter().find(|other| other.number == item)?;
    Some(item.evidence.nhs_number)
}

/// Restores each fact that a decision has replaced.
fn restore(case: &mut Case, replaced: &Replaced) -> Result<(), Refusal> {
    let Replaced { before, after, .. } = replaced;
    let now = Facts::of(case);
    // A later response may have confirmed the number, or found a fault: the number is the same.
    let digits = |facts: &Facts| facts.number.as_ref().map(|recorded| recorded.number);
    let is_number = before.number != after.number;
    let is_person = before.person != after.person;
    let moved = (is_number && digits(&now) != digits(after))
        || (before.death != after.death && now.death != after.death)
        || (before.not_on_pds != after.not_on_pds && now.not_on_pds != after.not_on_pds)
        || (before.contradicted != after.contradicted && now.contradicted != after.contradicted)
        || (is_person && now.person != after.person)
        || (before.address != after.address && now.address != after.address)
        || (before.postcode != after.postcode && now.postcode != after.postcode);
    if moved {
        return Err(Refusal::MovedOn);
    }
    if is_person {
        let person = before.person.clone();
        (case.surname, case.forename) = (person.surname, person.forename);
        (case.date_of_birth, case.gender) = (person.date_of_birth, person.gender);
    }
    if is_number {
        case.nhs_number.clone_from(&before.number);
        // Without a recorded person, the number is that of the person whom the case had then.
        let identity = case.identity();
        if let Some(recorded) = case.nhs_number.as_mut().filter(|was| was.person.is_none())
            && !before.person.changes(&identity).is_empty()
        {
            recorded.person = Some(before.person.clone());
        }
    }
    if before.death != after.death {
        (case.date_of_death, case.death_traced) = before.death;
    }
    if before.not_on_pds != after.not_on_pds {
        case.not_on_pds = before.not_on_pds;
    }
    if before.contradicted != after.contradicted {
        case.contradicted = before.contradicted;
    }
    if before.address != after.address {
        case.address.clone_from(&before.address);
    }
    if before.postcode != after.postcode {
        case.postcode.clone_from(&before.postcode);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{Evidence, NumberStatus, RecordType};
    use crate::process::review::corrections::Corrections;
    use crate::process::review::fixtures::{
        NUMBER, OTHER, THIRD, candidate, case, context, duplicates, id, now, recorded,
        with_candidates,
    };
    use crate::process::review::resolution::Resolution;
    use crate::process::review::resolve::resolve;
    use proptest::prelude::*;

    /// The case without histories, to compare.
    fn plain(case: &Case) -> Case {
        let mut plain = case.clone();
        plain.review.iter_mut().for_each(|item| item.history.clear());
        plain
    }

    fn decided(case: &Case, resolution: &Resolution) -> Case {
        resolve(case, 1, resolution, &context()).unwrap()[0].case.clone()
    }

    fn three() -> Case {
        let all = [
            candidate(NUMBER, "JOY", 0.1),
            candidate(OTHER, "Comfort", 0.11),
            candidate(THIRD, "COMFORT ANN", 0.999_99),
        ];
        let mut open = with_candidates("1", ReviewReason::Conflict, &all);
        open.nhs_number = Some(recorded(OTHER, NumberStatus::NotVerified));
        open.death_traced = true;
        open.date_of_death = Some("2026-11-20".parse().unwrap());
        open.open_item(ReviewReason::Unanswered, &Evidence::default(), now());
        open
    }

    fn corrected() -> Resolution {
        Resolution::CorrectAndAskAgain(Corrections {
            surname: Some("Quentinsson".into()),
            postcode: Some("LS1 4AP".into()),
            ..Corrections::default()
        })
    }

    fn every() -> [Resolution; 8] {
        [
            Resolution::AcceptNumber(NUMBER),
            Resolution::RejectNumber(NUMBER),
            Resolution::RejectNumber(OTHER),
            Resolution::NoneOfThese,
            Resolution::KeepOurs,
            corrected(),
            Resolution::Acknowledge,
            Resolution::Dismiss,
        ]
    }

    #[test]
    fn the_case_is_as_before_but_for_its_history() {
        for resolution in every() {
            let open = three();
            let after = decided(&open, &resolution);
            assert!(plain(&after) != plain(&open), "{}", resolution.as_str());
            let changes = undo(&after, 1, &context()).unwrap();
            let back = &changes[0].case;
            assert!(plain(back) == plain(&open), "{}", resolution.as_str());
            let step = back.review[0].history.last().unwrap();
            assert_eq!((&*step.what, step.by.as_str()), ("undone", "j.doe"));
            assert_eq!(undo(back, 1, &context()), Err(Refusal::NothingToUndo), "only once");
        }
        let mut none = case("1", ReviewReason::NoMatch, None);
        none.asking.known = None;
        let after = decided(&none, &Resolution::NotOnPds);
        let back = undo(&after, 1, &context()).unwrap();
        assert!(after.not_on_pds && plain(&back[0].case) == plain(&none));
    }

    #[test]
    fn a_fact_that_changed_since_is_not_overwritten() {
        let change = |resolution: &Resolution, change: fn(&mut Case)| {
            let mut after = decided(&three(), resolution);
            change(&mut after);
            undo(&after, 1, &context()).map(|changes| changes[0].case.clone())
        };
        let accept = Resolution::AcceptNumber(NUMBER);
        let another = |case: &mut Case| {
            case.nhs_number = Some(recorded(THIRD, NumberStatus::Usable));
        };
        assert_eq!(change(&accept, another).err(), Some(Refusal::MovedOn));
        let none = change(&Resolution::NoneOfThese, another);
        assert_eq!(none.err(), Some(Refusal::MovedOn), "it has a number again");
        let imported = |case: &mut Case| case.surname = Some("Parry".into());
        assert_eq!(change(&corrected(), imported).err(), Some(Refusal::MovedOn));
        let moved = change(&corrected(), |case| case.postcode = Some("LS2 9JT".into()));
        assert_eq!(moved.err(), Some(Refusal::MovedOn));
        let died = change(&Resolution::NoneOfThese, |case| {
            case.date_of_death = Some("2026-11".parse().unwrap());
        });
        assert_eq!(died.err(), Some(Refusal::MovedOn));
        let newer = change(&Resolution::Dismiss, |case| {
            case.review[0].evidence.nhs_number = Some(NUMBER);
            let evidence = Evidence { nhs_number: Some(NUMBER), ..Evidence::default() };
            case.open_item(ReviewReason::Conflict, &evidence, now());
        });
        assert_eq!(newer.err(), Some(Refusal::OpenElsewhere));

        // These do not matter: they are not what the decision changed.
        let confirmed = change(&accept, |case| {
            case.nhs_number = Some(recorded(NUMBER, NumberStatus::Superseded));
            case.postcode = Some("LS2 9JT".into());
        });
        let back = confirmed.unwrap();
        assert!(back.nhs_number == three().nhs_number);
        assert_eq!(back.postcode.as_deref(), Some("LS2 9JT"), "an import since stays");
    }

    #[test]
    fn a_number_that_another_case_has_meanwhile_is_flagged_in_both() {
        let mut open = case("1", ReviewReason::NotVerified, None);
        open.nhs_number = Some(recorded(OTHER, NumberStatus::Usable));
        let after = decided(&open, &Resolution::RejectNumber(OTHER));
        let mut holder = Case::new(id("2"), RecordType::Review);
        holder.nhs_number = Some(recorded(OTHER, NumberStatus::Usable));
        let others = [holder];
        let changes = undo(&after, 1, &context().with_others(&others)).unwrap();
        assert_eq!(changes.len(), 2);
        for changed in &changes {
            let is_flagged =
                changed.case.open_items().any(|item| item.reason == ReviewReason::Duplicate);
            assert!(is_flagged, "{}", changed.what);
        }
        let alerts = changes.iter().flat_map(|changed| &changed.case.undelivered);
        assert!(alerts.count() > 0, "the back office is alerted");
    }

    #[test]
    fn the_other_case_of_a_duplicate_is_flagged_again() {
        let (mut mine, mut theirs) = duplicates("1", "2", NUMBER);
        mine.nhs_number = Some(recorded(NUMBER, NumberStatus::Usable));
        theirs.nhs_number = mine.nhs_number.clone();
        let others = [theirs.clone()];
        let context = context().with_others(&others);
        let changes = resolve(&mine, 1, &Resolution::RejectNumber(NUMBER), &context).unwrap();
        let [after, other] = &changes[..] else { panic!() };
        assert!(after.case.nhs_number.is_none() && !other.case.review[0].is_open());
        let others = [other.case.clone()];
        let undone = undo(&after.case, 1, &context.with_others(&others)).unwrap();
        let names = |case: &Case| case.open_items().next().map(|item| item.evidence.others.clone());
        assert!(plain(&undone[0].case) == plain(&mine));
        let other = undone.iter().find(|changed| changed.case.id == theirs.id).unwrap();
        assert_eq!(names(&other.case), Some(vec![id("1")]));
    }

    #[test]
    fn what_no_person_decided_is_not_undone() {
        let open = case("1", ReviewReason::NoMatch, None);
        assert_eq!(undo(&open, 1, &context()), Err(Refusal::NothingToUndo));
        let mut settled = open.clone();
        settled.review[0].state = ReviewState::Resolved;
        settled.review[0].history.push(context().step("settled_by_answer"));
        assert_eq!(undo(&settled, 1, &context()), Err(Refusal::NothingToUndo));
        assert_eq!(undo(&open, 2, &context()), Err(Refusal::NoSuchItem));
    }

    #[test]
    fn what_was_replaced_is_read_back() {
        let after = decided(&three(), &Resolution::NoneOfThese);
        let json = serde_json::to_string(&after).unwrap();
        assert!(serde_json::from_str::<Case>(&json).unwrap() == after);
    }

    proptest! {
        #[test]
        fn any_two_decisions_are_undone_from_the_last(
            first in 0..8_usize,
            second in 0..8_usize,
            item in 1..3_u32,
        ) {
            let open = three();
            let all = every();
            let Ok(one) = resolve(&open, 1, &all[first], &context()) else { return Ok(()) };
            let one = one[0].case.clone();
            let Ok(two) = resolve(&one, item, &all[second], &context()) else { return Ok(()) };
            let Some(two) = two.first().map(|changed| changed.case.clone()) else { return Ok(()) };
            let back = undo(&two, item, &context());
            prop_assert!(back.is_ok());
            prop_assert!(plain(&back.unwrap()[0].case) == plain(&one));
        }
    }
}
