use crate::case::{
    Case, Identity, NumberSource, Provenance, RecordedNumber, Replaced, ReviewItem, ReviewReason,
    ReviewState, TraceState, is_implausible_death,
};
use crate::demographics::london_day;
use crate::matching::Criteria;
use crate::nhs_number::NhsNumber;
use crate::process::review::context::{Changed, Context, in_use, item, item_mut};
use crate::process::review::corrections::Corrections;
use crate::process::review::merge::merge;
use crate::process::review::offer::{audited, offers};
use crate::process::review::refusal::Refusal;
use crate::process::review::reject::{is_named, keep_ours, none_of_these, reject};
use crate::process::review::resolution::Resolution;
use crate::trace::Freshness;

/// Returns the changes when the item `number` of `case` is resolved, the case itself first, or none
/// if it is done already.
///
/// Pure. `context` must contain the cases with the number to accept, the cases that the case's
/// duplicate items name, and the case to merge. For a merge it also needs the cases that have that
/// case's number or that its duplicate items name.
///
/// # Errors
///
/// The [`Refusal`].
pub(super) fn resolve(
    case: &Case,
    number: u32,
    resolution: &Resolution,
    context: &Context<'_>,
) -> Result<Vec<Changed>, Refusal> {
    let found = item(case, number)?;
    if is_done(case, found, resolution) {
        return Ok(Vec::new());
    }
    in_use(case)?;
    if !found.is_open() {
        return Err(Refusal::Closed);
    }
    let changes = match resolution {
        Resolution::AcceptNumber(accepted) => accept(case, found, *accepted, context),
        Resolution::RejectNumber(rejected) => reject(case, found, *rejected, context),
        Resolution::NoneOfThese => none_of_these(case, found, context),
        Resolution::KeepOurs => keep_ours(case, found, context),
        Resolution::CorrectAndAskAgain(corrections) => correct(case, found, corrections, context),
        Resolution::NotOnPds => not_on_pds(case, found, context),
        Resolution::Merge { absorbed } => merge(case, found, absorbed, context),
        Resolution::Acknowledge | Resolution::Dismiss => {
            let state = match resolution {
                Resolution::Dismiss => ReviewState::Dismissed,
                _ => ReviewState::Resolved,
            };
            let mut changed = case.clone();
            context.close(item_mut(&mut changed, number)?, state, resolution.as_str());
            Ok(vec![Changed::new(changed, resolution.as_str())])
        }
    }?;
    // A merge has its own record: `Case::absorbed`.
    let is_merge = matches!(resolution, Resolution::Merge { .. });
    Ok(if is_merge { changes } else { with_undo(case, number, changes) })
}

/// Keeps what the decision on the item `number` replaced, so that it can be undone. Only the last
/// decision on an item keeps it.
pub(super) fn with_undo(case: &Case, number: u32, mut changes: Vec<Changed>) -> Vec<Changed> {
    let first = changes.first_mut().map(|first| &mut first.case);
    if let Some(changed) = first.filter(|changed| changed.id == case.id) {
        let replaced = Box::new(Replaced::between(case, changed));
        if let Ok(item) = item_mut(changed, number) {
            item.history.iter_mut().for_each(|step| step.replaced = None);
            if let Some(last) = item.history.last_mut() {
                last.replaced = Some(replaced);
            }
        }
    }
    changes
}

/// Whether the resolution was applied before.
fn is_done(case: &Case, item: &ReviewItem, resolution: &Resolution) -> bool {
    let word = resolution.as_str();
    let ended = !item.is_open() && item.history.iter().any(|step| step.what == word);
    let recorded = case.nhs_number.as_ref().map(|recorded| recorded.number);
    match resolution {
        Resolution::AcceptNumber(number) => ended && recorded == Some(*number),
        Resolution::RejectNumber(number) => {
            let rejected = item.history.iter().any(|step| step.what == word);
            rejected
                && recorded != Some(*number)
                && case.rejected_numbers.contains(number)
                // An item with other candidates stays open.
                && (!item.is_open() || !is_named(item, *number))
        }
        Resolution::NoneOfThese | Resolution::KeepOurs => ended,
        Resolution::CorrectAndAskAgain(corrections) => ended && corrections.apply(case) == *case,
        Resolution::NotOnPds => ended && case.not_on_pds,
        Resolution::Merge { absorbed } => case.absorbed.iter().any(|was| was.case_id == *absorbed),
        Resolution::Acknowledge => ended && item.state == ReviewState::Resolved,
        Resolution::Dismiss => ended && item.state == ReviewState::Dismissed,
    }
}

pub(super) fn accept(
    case: &Case,
    found: &ReviewItem,
    number: NhsNumber,
    context: &Context<'_>,
) -> Result<Vec<Changed>, Refusal> {
    if case.rejected_numbers.contains(&number) {
        return Err(Refusal::RejectedBefore);
    }
    let evidence = &found.evidence;
    let offers = offers(case, found);
    let Some(offer) = offers.iter().find(|offer| offer.number == number) else {
        return Err(Refusal::NotOffered);
    };
    let holds = |other: &Case| other.id != case.id && other.live_number() == Some(number);
    if context.others.iter().any(holds) {
        return Err(Refusal::HeldByAnother);
    }
    let died_undated =
        found.reason == ReviewReason::DeathUndated && evidence.nhs_number == Some(number);
    if died_undated && case.date_of_death.is_none() {
        return Err(Refusal::DeathUndated);
    }
    let freshness = if offer.stale { Freshness::Stale } else { Freshness::Live };
    let provenance = Provenance::new(offer.exchange.clone(), freshness, "confirmed")
        .with_confirmed_by(context.by);
    let provenance = match offer.candidate {
        Some(candidate) => provenance.with_evidence(candidate),
        None => provenance,
    };
    let same = case.nhs_number.as_ref().filter(|recorded| recorded.number == number);
    let since = same.map_or(Some(context.at), |recorded| recorded.since.or(Some(context.at)));
    let mut recorded = RecordedNumber::new(number, NumberSource::Traced(provenance));
    recorded.since = since;
    // Confirmed for the person who was traced. If the case's person has changed since, it is in
    // doubt.
    let still =
        same.and_then(|recorded| recorded.person.clone()).filter(|_| !case.person_changed());
    let asked = evidence.asked.as_ref().map(Criteria::identity);
    recorded.person = still.or(asked).or_else(|| Some(case.identity()));

    let mut changed = case.clone();
    changed.nhs_number = Some(recorded);
    let returned = offer.person;
    let died = returned.and_then(|person| person.date_of_death.known()).filter(|died| {
        let born = returned.and_then(|person| person.date_of_birth.known()).copied();
        !is_implausible_death(**died, born, london_day(context.at))
    });
    if let Some(died) = died.filter(|_| !offer.stale) {
        changed.take_traced_death(case, *died, london_day(context.at));
    } else if !offer.stale
        && !changed.person_changed()
        && returned.is_some_and(|person| !person.is_deceased())
    {
        changed.drop_doubted_death(case);
    }
    changed.not_on_pds = false;
    // Keeps the search criteria, and removes what delays the next trace.
    changed.asking = TraceState { asked: case.asking.asked.clone(), ..TraceState::default() };
    for item in changed.review.iter_mut().filter(|item| item.is_open()) {
        if item.number == found.number {
            context.close(item, ReviewState::Resolved, "accepted");
        } else if item.reason.is_settled_by_an_answer() {
            context.close(item, ReviewState::Resolved, "settled_by_confirmation");
        }
    }
    let evidence = offer.candidate.map(|candidate| audited(&[candidate])).unwrap_or_default();
    Ok(vec![Changed { sole_holder: true, evidence, ..Changed::new(changed, "accepted") }])
}

fn correct(
    case: &Case,
    found: &ReviewItem,
    corrections: &Corrections,
    context: &Context<'_>,
) -> Result<Vec<Changed>, Refusal> {
    let mut changed = corrections.apply(case);
    if changed == *case {
        return Err(Refusal::NothingToCorrect);
    }
    if found.reason == ReviewReason::DeathUndated && corrections.date_of_death.is_some() {
        // The Spine reported the death.
        changed.death_traced = true;
    }
    changed.asking = TraceState::default();
    changed.not_on_pds = false;
    // The number is not confirmed yet: it stays in doubt until it is verified, which happens at
    // once.
    if let Some(recorded) =
        changed.nhs_number.as_mut().filter(|recorded| is_doubted(recorded, found))
    {
        recorded.person = Some(Identity::default());
    }
    context.close(item_mut(&mut changed, found.number)?, ReviewState::Resolved, "corrected");
    Ok(vec![Changed::new(changed, "corrected")])
}

/// Whether the item puts the case's number in doubt.
fn is_doubted(recorded: &RecordedNumber, item: &ReviewItem) -> bool {
    let doubts = matches!(
        item.reason,
        ReviewReason::Ambiguous
            | ReviewReason::Conflict
            | ReviewReason::Differs(_)
            | ReviewReason::NotVerified
            | ReviewReason::Unconfirmed
    );
    doubts && item.is_about(recorded.number)
}

pub(super) fn not_on_pds(
    case: &Case,
    found: &ReviewItem,
    context: &Context<'_>,
) -> Result<Vec<Changed>, Refusal> {
    if case.nhs_number.as_ref().is_some_and(|recorded| recorded.status.is_usable()) {
        return Err(Refusal::HoldsNumber);
    }
    let mut changed = case.clone();
    // These criteria found no person. Corrected criteria are different, and are traced.
    changed.asking.asked = case.asking.asked.clone().or_else(|| found.evidence.asked.clone());
    if changed.asking.asked.is_none() {
        return Err(Refusal::NeverAsked);
    }
    changed.not_on_pds = true;
    context.close(item_mut(&mut changed, found.number)?, ReviewState::Resolved, "not_on_pds");
    Ok(vec![Changed::new(changed, "not_on_pds")])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{Deletion, DeletionKind, Evidence, NumberStatus, RecordType, advisories};
    use crate::demographics::{Demographics, Field, Recorded};
    use crate::process::review::fixtures::{
        NUMBER, OTHER, THIRD, candidate, case, context, duplicates, id, now, recorded,
        with_candidates,
    };

    fn one(case: &Case, resolution: &Resolution) -> Result<Case, Refusal> {
        let mut changes = resolve(case, 1, resolution, &context())?;
        assert_eq!(changes.len(), 1);
        let changed = changes.remove(0);
        assert_eq!(changed.what, resolution.as_str());
        assert_eq!(changed.case.version, 7, "the store sets the version");
        let again = resolve(&changed.case, 1, resolution, &context());
        assert_eq!(again, Ok(Vec::new()), "a second call changes nothing");
        Ok(changed.case)
    }

    fn every_resolution() -> [Resolution; 9] {
        let corrections = Corrections { surname: Some("Aindowe".into()), ..Corrections::default() };
        [
            Resolution::AcceptNumber(NUMBER),
            Resolution::RejectNumber(NUMBER),
            Resolution::NoneOfThese,
            Resolution::KeepOurs,
            Resolution::CorrectAndAskAgain(corrections),
            Resolution::NotOnPds,
            Resolution::Merge { absorbed: id("2") },
            Resolution::Acknowledge,
            Resolution::Dismiss,
        ]
    }

    #[test]
    fn refused_for_every_resolution() {
        let mut open = case("1", ReviewReason::Unconfirmed, Some(NUMBER));
        open.nhs_number = Some(recorded(OTHER, NumberStatus::NotVerified));
        let others = [Case::new(id("2"), RecordType::Review)];
        for resolution in every_resolution() {
            let refusal = |case: &Case, item: u32| {
                resolve(case, item, &resolution, &context().with_others(&others)).err()
            };
            assert_eq!(refusal(&open, 1), None, "{}", resolution.as_str());
            assert_eq!(refusal(&open, 2), Some(Refusal::NoSuchItem));
            for state in [ReviewState::Resolved, ReviewState::Dismissed] {
                let mut closed = open.clone();
                closed.review[0].state = state;
                assert_eq!(refusal(&closed, 1), Some(Refusal::Closed), "{}", resolution.as_str());
            }
            for how in [DeletionKind::Logical, DeletionKind::MergedInto(id("3"))] {
                let mut gone = open.clone();
                gone.deleted = Some(Deletion::new(now(), "j.doe", how));
                assert_eq!(refusal(&gone, 1), Some(Refusal::NotInUse));
            }
        }
    }

    #[test]
    fn numbers_that_cannot_be_accepted() {
        let accept = Resolution::AcceptNumber(NUMBER);
        let refused = |case: &Case| resolve(case, 1, &accept, &context()).err();
        for reason in [
            ReviewReason::Differs(Field::Given),
            ReviewReason::Unconfirmed,
            ReviewReason::Conflict,
            ReviewReason::Duplicate,
            ReviewReason::Discrepancy,
            ReviewReason::Superseded,
        ] {
            assert_eq!(refused(&case("1", reason, Some(NUMBER))), None, "{reason}");
            for number in [None, Some(OTHER)] {
                let refusal = refused(&case("1", reason, number));
                assert_eq!(refusal, Some(Refusal::NotOffered), "{reason}");
            }
            let mut without = case("1", reason, Some(NUMBER));
            without.review[0].evidence.exchange = None;
            assert_eq!(refused(&without), Some(Refusal::NotOffered), "no evidence");
        }
        for reason in [
            ReviewReason::Invalidated,
            ReviewReason::NotVerified,
            ReviewReason::Rejected,
            ReviewReason::Replaced,
            ReviewReason::Ambiguous,
            ReviewReason::NoMatch,
            ReviewReason::Defect,
        ] {
            let refusal = refused(&case("1", reason, Some(NUMBER)));
            assert_eq!(refusal, Some(Refusal::NotOffered), "{reason}");
        }
        let mut old = case("1", ReviewReason::Superseded, Some(NUMBER));
        old.review[0].evidence.asked.as_mut().unwrap().nhs_number = Some(NUMBER);
        assert_eq!(refused(&old), Some(Refusal::NotOffered), "the replaced number");

        let mut rejected = case("1", ReviewReason::Conflict, Some(NUMBER));
        rejected.rejected_numbers = vec![NUMBER];
        assert_eq!(refused(&rejected), Some(Refusal::RejectedBefore));
        let mut died = case("1", ReviewReason::DeathUndated, Some(NUMBER));
        assert_eq!(refused(&died), Some(Refusal::DeathUndated));
        died.date_of_death = Some("2026-11".parse().unwrap());
        assert_eq!(refused(&died), None);

        let mut holder = Case::new(id("2"), RecordType::Review);
        holder.nhs_number = Some(recorded(NUMBER, NumberStatus::Usable));
        let open = case("1", ReviewReason::Duplicate, Some(NUMBER));
        let among =
            |others: &[Case]| resolve(&open, 1, &accept, &context().with_others(others)).err();
        assert_eq!(among(&[holder.clone()]), Some(Refusal::HeldByAnother));
        holder.deleted = Some(Deletion::new(now(), "j.doe", DeletionKind::Logical));
        assert_eq!(among(&[holder]), None, "an inactive case does not count");

        let reject = resolve(&open, 1, &Resolution::RejectNumber(OTHER), &context());
        assert_eq!(reject, Err(Refusal::NotOffered));
    }

    #[test]
    fn an_accepted_number_replaces_the_old_one() {
        let mut open = case("1", ReviewReason::Conflict, Some(NUMBER));
        open.nhs_number = Some(recorded(OTHER, NumberStatus::NotVerified));
        let died = Recorded::read("2026-11-20");
        let person = Demographics { date_of_death: died, ..Demographics::default() };
        open.review[0].evidence.returned = Some(person);
        for reason in [ReviewReason::NoMatch, ReviewReason::Invalidated] {
            open.open_item(reason, &Evidence::default(), now());
        }
        let changes = resolve(&open, 1, &Resolution::AcceptNumber(NUMBER), &context()).unwrap();
        assert!(changes[0].sole_holder);
        let accepted = one(&open, &Resolution::AcceptNumber(NUMBER)).unwrap();
        let recorded = accepted.nhs_number.as_ref().unwrap();
        let NumberSource::Traced(provenance) = &recorded.source else { panic!() };
        assert_eq!(recorded.number, NUMBER);
        assert!(recorded.status.is_usable() && recorded.source.is_traced());
        assert_eq!((recorded.since, provenance.strategy.as_str()), (Some(now()), "confirmed"));
        assert_eq!(provenance.confirmed_by.as_deref(), Some("j.doe"));
        assert_eq!(provenance.exchange.message_id, "M-1");
        assert!(accepted.death_traced && !accepted.asking.until_corrected);
        assert_eq!(accepted.date_of_death, Some("2026-11-20".parse().unwrap()));
        let states: Vec<ReviewState> = accepted.review.iter().map(|item| item.state).collect();
        use ReviewState::{Open, Resolved};
        assert_eq!(
            states,
            [Resolved, Resolved, Open],
            "an answer does not settle an invalid number"
        );

        open.date_of_death = Some("2026".parse().unwrap());
        let accepted = one(&open, &Resolution::AcceptNumber(NUMBER)).unwrap();
        assert_eq!(accepted.date_of_death, open.date_of_death, "the recorded date stays");
        (open.date_of_death, open.review[0].evidence.stale) = (None, true);
        let accepted = one(&open, &Resolution::AcceptNumber(NUMBER)).unwrap();
        assert!(
            !accepted.nhs_number.unwrap().source.is_traced(),
            "a stale answer is verified later"
        );
        assert_eq!(accepted.date_of_death, None);
    }

    #[test]
    fn a_rejected_number_is_given_up() {
        let mut open = case("1", ReviewReason::Conflict, Some(NUMBER));
        open.nhs_number = Some(recorded(OTHER, NumberStatus::Usable));
        let rejected = one(&open, &Resolution::RejectNumber(NUMBER)).unwrap();
        assert_eq!(rejected.rejected_numbers, [NUMBER]);
        assert!(rejected.nhs_number == open.nhs_number && rejected.asking == open.asking);

        (open.date_of_death, open.death_traced) = (Some("2026".parse().unwrap()), true);
        let given_up = one(&open, &Resolution::RejectNumber(OTHER)).unwrap();
        assert!(given_up.nhs_number.is_none() && given_up.asking == TraceState::default());
        assert!(given_up.date_of_death.is_none() && !given_up.death_traced);
        open.death_traced = false;
        let given_up = one(&open, &Resolution::RejectNumber(OTHER)).unwrap();
        assert_eq!(given_up.date_of_death, open.date_of_death, "from the local system");

        let (a, mut b) = duplicates("1", "2", NUMBER);
        let both = [b.clone()];
        let reject = Resolution::RejectNumber(NUMBER);
        let changes = resolve(&a, 1, &reject, &context().with_others(&both)).unwrap();
        assert_eq!(changes[1].what, "duplicate_settled");
        assert_eq!(changes[1].case.review[0].state, ReviewState::Resolved);
        assert!(advisories(&changes[1].case).is_empty());
        b.review[0].evidence.others.push(id("3"));
        let changes = resolve(&a, 1, &reject, &context().with_others(&[b])).unwrap();
        let left = &changes[1].case.review[0];
        assert!(left.is_open() && left.evidence.others == [id("3")]);
    }

    #[test]
    fn an_accepted_candidate_brings_its_own_evidence() {
        let all = [candidate(NUMBER, "JOY", 0.1), candidate(OTHER, "Comfort", 0.2)];
        let mut open = with_candidates("1", ReviewReason::Differs(Field::Given), &all);
        let died = Recorded::read("2026-11-20");
        open.review[0].evidence.candidates[1].person.date_of_death = died;
        let accepted = one(&open, &Resolution::AcceptNumber(OTHER)).unwrap();
        let recorded = accepted.nhs_number.as_ref().unwrap();
        let NumberSource::Traced(provenance) = &recorded.source else { panic!() };
        assert_eq!(recorded.number, OTHER);
        assert_eq!(provenance.exchange.message_id, "Comfort", "not that of the first");
        assert_eq!(provenance.step.as_deref(), Some("no_postcode"));
        assert_eq!(provenance.risk, Some(all[1].risk));
        assert_eq!(provenance.relations, Some(all[1].relations));
        assert_eq!(provenance.confirmed_by.as_deref(), Some("j.doe"));
        assert_eq!(accepted.date_of_death, Some("2026-11-20".parse().unwrap()));
        assert!(recorded.source.is_traced());

        open.review[0].evidence.candidates[1].stale = true;
        let accepted = one(&open, &Resolution::AcceptNumber(OTHER)).unwrap();
        let recorded = accepted.nhs_number.as_ref().unwrap();
        assert!(!recorded.source.is_traced(), "a stale candidate is verified later");
        assert_eq!(accepted.date_of_death, None);

        let third = resolve(&open, 1, &Resolution::AcceptNumber(THIRD), &context());
        assert_eq!(third, Err(Refusal::NotOffered));
        open.rejected_numbers = vec![OTHER];
        let rejected = resolve(&open, 1, &Resolution::AcceptNumber(OTHER), &context());
        assert_eq!(rejected, Err(Refusal::RejectedBefore));
    }

    #[test]
    fn a_candidate_may_be_accepted_unless_the_service_found_its_number_faulty() {
        for (reason, offered) in [
            (ReviewReason::Ambiguous, true),
            (ReviewReason::NoMatch, true),
            (ReviewReason::NotVerified, false),
            (ReviewReason::Invalidated, false),
            (ReviewReason::Superseded, false),
            (ReviewReason::Replaced, false),
        ] {
            let mut open = with_candidates("1", reason, &[candidate(NUMBER, "Joy", 0.1)]);
            open.review[0].evidence.asked.as_mut().unwrap().nhs_number = Some(NUMBER);
            let accepted = resolve(&open, 1, &Resolution::AcceptNumber(NUMBER), &context());
            assert_eq!(accepted.is_ok(), offered, "{reason}");
            open.review[0].evidence.candidates.push(candidate(OTHER, "Comfort", 0.2));
            let other = resolve(&open, 1, &Resolution::AcceptNumber(OTHER), &context());
            assert!(other.is_ok(), "{reason}: another person whom a search found");
        }
    }

    #[test]
    fn only_the_death_of_the_accepted_person_must_be_dated() {
        let all = [candidate(NUMBER, "JOY", 0.1), candidate(OTHER, "Comfort", 0.2)];
        let open = with_candidates("1", ReviewReason::DeathUndated, &all);
        let refused = resolve(&open, 1, &Resolution::AcceptNumber(NUMBER), &context());
        assert_eq!(refused, Err(Refusal::DeathUndated));
        assert!(resolve(&open, 1, &Resolution::AcceptNumber(OTHER), &context()).is_ok());
    }

    #[test]
    fn corrected_demographics_are_traced() {
        let mut open = case("1", ReviewReason::NoMatch, None);
        (open.contradicted, open.not_on_pds) = (true, true);
        let mut corrections = Corrections::default();
        let nothing = Resolution::CorrectAndAskAgain(corrections.clone());
        assert_eq!(one(&open, &nothing), Err(Refusal::NothingToCorrect));
        corrections.surname = Some(" Aindowe ".into());
        corrections.forename = Some(" ".into());
        corrections.postcode = Some("KT17 1NA".into());
        let corrected = one(&open, &Resolution::CorrectAndAskAgain(corrections.clone())).unwrap();
        assert_eq!(corrected.surname.as_deref(), Some("Aindowe"));
        assert_eq!((corrected.forename, corrected.postcode.as_deref()), (None, Some("KT17 1NA")));
        assert!(corrected.asking == TraceState::default() && !corrected.not_on_pds);
        assert!(corrected.contradicted, "not stated otherwise");
        corrections.is_one_person = true;
        let corrected = one(&open, &Resolution::CorrectAndAskAgain(corrections)).unwrap();
        assert!(!corrected.contradicted);

        let died = case("1", ReviewReason::DeathUndated, Some(NUMBER));
        let date_of_death = Some("2026-11-20".parse().unwrap());
        let corrections = Corrections { date_of_death, ..Corrections::default() };
        let corrected = one(&died, &Resolution::CorrectAndAskAgain(corrections)).unwrap();
        assert!(corrected.death_traced && corrected.date_of_death == date_of_death);
    }

    #[test]
    fn a_person_who_is_not_on_pds() {
        let mut open = case("1", ReviewReason::NoMatch, None);
        let marked = one(&open, &Resolution::NotOnPds).unwrap();
        assert!(marked.not_on_pds && marked.asking.asked == open.asking.asked);
        let asked = open.asking.asked.take();
        let marked = one(&open, &Resolution::NotOnPds).unwrap();
        assert_eq!(marked.asking.asked, asked, "from the evidence");
        open.review[0].evidence.asked = None;
        assert_eq!(one(&open, &Resolution::NotOnPds), Err(Refusal::NeverAsked));
        open.nhs_number = Some(recorded(NUMBER, NumberStatus::Usable));
        assert_eq!(one(&open, &Resolution::NotOnPds), Err(Refusal::HoldsNumber));
    }

    #[test]
    fn acknowledged_and_dismissed_items_end() {
        let open = case("1", ReviewReason::Replaced, Some(NUMBER));
        assert_eq!(advisories(&open).len(), 1);
        for (resolution, state) in [
            (Resolution::Acknowledge, ReviewState::Resolved),
            (Resolution::Dismiss, ReviewState::Dismissed),
        ] {
            let ended = one(&open, &resolution).unwrap();
            assert_eq!(ended.review[0].state, state);
            assert_eq!(ended.review[0].history.last().unwrap().by, "j.doe");
            assert!(advisories(&ended).is_empty());
        }
    }
}
