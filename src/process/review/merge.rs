use crate::case::{
    Absorbed, Case, CaseId, Deletion, DeletionKind, ReviewItem, ReviewReason, ReviewState,
    TraceState,
};
use crate::nhs_number::NhsNumber;
use crate::process::review::context::{Changed, Context, in_use};
use crate::process::review::presence::flag_duplicates;
use crate::process::review::refusal::Refusal;
use chrono::{DateTime, Utc};

/// Merges `absorbed` into `case`.
pub(super) fn merge(
    case: &Case,
    found: &ReviewItem,
    absorbed: &CaseId,
    context: &Context<'_>,
) -> Result<Vec<Changed>, Refusal> {
    if *absorbed == case.id {
        return Err(Refusal::SameCase);
    }
    let other = context.other(absorbed).ok_or(Refusal::NoSuchCase)?;
    if !other.is_live() {
        return Err(Refusal::OtherNotInUse);
    }
    // The number keeps its person. If that is not the survivor's person, it is verified at once.
    let taken = other.number_with_person();
    let taken = taken.filter(|_| other.usable_number().is_some());
    let taken = taken.as_ref().filter(|_| case.usable_number().is_none());
    if taken.is_some_and(|taken| case.rejected_numbers.contains(&taken.number)) {
        return Err(Refusal::RejectedBefore);
    }
    let number = taken.or(case.nhs_number.as_ref()).map(|recorded| recorded.number);
    let mut survivor = case.clone();
    let mut thirds = Vec::new();
    for third in context.others.iter().filter(|third| third.id != case.id && third.is_live()) {
        if let Some(relinked) = relink(third, absorbed, &mut survivor, number, context) {
            thirds.push(Changed::new(relinked, "duplicate_merged"));
        }
    }
    if let Some(unlinked) = context.unlink(&survivor, absorbed, None, "merged") {
        survivor = unlinked;
    }
    let mut note = Absorbed::new(absorbed.clone(), context.at, case.number_with_person());
    if case.date_of_death.is_none() && other.date_of_death.is_some() {
        (survivor.date_of_death, survivor.death_traced) = (other.date_of_death, other.death_traced);
        note = note.with_death();
    }
    let lists = survivor.take_lists(other);
    survivor.absorbed.push(note.with_lists(lists));
    if let Some(taken) = taken {
        survivor.nhs_number = Some(taken.clone());
        survivor.not_on_pds = false;
        survivor.asking = TraceState { asked: case.asking.asked.clone(), ..TraceState::default() };
    }
    for item in survivor.review.iter_mut().filter(|item| item.is_open()) {
        // Duplicate items that name a third case stay open.
        let worked = item.number == found.number && item.reason != ReviewReason::Duplicate;
        if worked || (taken.is_some() && is_about_the_number(item)) || has_no_other_case(item) {
            context.close(item, ReviewState::Resolved, "merged");
        }
    }
    let mut gone = other.clone();
    for item in gone.review.iter_mut().filter(|item| item.is_open()) {
        // Undoing the merge opens the item again if the case is still a duplicate.
        if item.reason == ReviewReason::Duplicate {
            context.close(item, ReviewState::Resolved, "merged");
        }
    }
    let how = DeletionKind::MergedInto(case.id.clone());
    gone.deleted = Some(Deletion::new(context.at, context.by, how));
    let mut changes = vec![Changed::new(survivor, "merged"), Changed::new(gone, "absorbed")];
    changes.extend(thirds);
    flag_duplicates(&mut changes, &case.id, context);
    Ok(changes)
}

/// Updates a third case whose duplicate items name the absorbed case. If the survivor will have the
/// number, the third case and the survivor name each other; if not, the reference is removed.
fn relink(
    third: &Case,
    absorbed: &CaseId,
    survivor: &mut Case,
    number: Option<NhsNumber>,
    context: &Context<'_>,
) -> Option<Case> {
    let mut relinked = third.clone();
    let named = |number: NhsNumber| {
        third.open_items().any(|item| {
            item.evidence.nhs_number == Some(number) && item.evidence.others.contains(absorbed)
        })
    };
    if let Some(number) = number.filter(|number| named(*number)) {
        if let Some(flagged) = third.flag_duplicate(&survivor.id, number, context.at) {
            relinked = flagged;
        }
        if let Some(flagged) = survivor.flag_duplicate(&third.id, number, context.at) {
            *survivor = flagged;
        }
    }
    context.unlink(&relinked, absorbed, None, "other_merged")
}

/// Whether the item is about a fault of the case's number.
const fn is_about_the_number(item: &ReviewItem) -> bool {
    matches!(
        item.reason,
        ReviewReason::Superseded | ReviewReason::Invalidated | ReviewReason::NotVerified
    )
}

fn has_no_other_case(item: &ReviewItem) -> bool {
    item.reason == ReviewReason::Duplicate && item.evidence.others.is_empty()
}

/// Returns the changes when the merge of `absorbed` into `case` is undone (MSCA-DQ-01): both cases,
/// and other cases that are flagged.
///
/// The other case becomes active again. The case gets its earlier number back, unless its number
/// has changed since for another reason. It loses a date of death that it took over and still has, and
/// the further names, former postcodes and contacts that it took over.
/// If two active cases then have one number, both are flagged as duplicates, and the back office is
/// alerted. Third cases that were duplicates by a returned number become duplicates of the other
/// case.
///
/// Pure. `context` must contain the other case, the cases with the numbers of the two, and the
/// cases that their items name.
///
/// # Errors
///
/// The [`Refusal`].
pub(super) fn undo_merge(
    case: &Case,
    absorbed: &CaseId,
    context: &Context<'_>,
) -> Result<Vec<Changed>, Refusal> {
    in_use(case)?;
    let other = context.other(absorbed).ok_or(Refusal::NoSuchCase)?;
    let place = case.absorbed.iter().rposition(|was| was.case_id == *absorbed);
    match other.deleted.as_ref().map(|deletion| &deletion.how) {
        Some(DeletionKind::MergedInto(into)) if *into == case.id => {}
        Some(DeletionKind::Erased) => return Err(Refusal::Erased),
        _ => return Err(Refusal::NotMerged),
    }
    let mut survivor = case.clone();
    let was = survivor.absorbed.remove(place.ok_or(Refusal::NotMerged)?);
    let returned = taken_number(case, other, &was);
    let held_before = was.number_before.as_ref().map(|recorded| recorded.number);
    if returned.is_some() {
        survivor.nhs_number = was.number_before;
        survivor.nhs_number = survivor.number_with_person();
        survivor.asking = TraceState::default();
        reopen(&mut survivor, was.at, context);
    }
    if was.took_death && survivor.date_of_death == other.date_of_death {
        (survivor.date_of_death, survivor.death_traced) = (None, false);
    }
    survivor.give_back_lists(was.took);
    let mut back = other.clone();
    back.deleted = None;
    // The worker checks again at once whether it is a duplicate.
    back.asking.not_before = None;
    // A case that had the same number before still has it.
    let thirds = match returned.filter(|_| returned != held_before) {
        Some(number) => give_back_duplicates(&mut survivor, &mut back, number, context),
        None => Vec::new(),
    };
    let mut changes =
        vec![Changed::new(survivor, "merge_undone"), Changed::new(back, "taken_out_of_a_merge")];
    changes.extend(thirds);
    flag_duplicates(&mut changes, absorbed, context);
    flag_duplicates(&mut changes, &case.id, context);
    Ok(changes)
}

/// Returns the number that `case` took over from `other` in the merge, if it still has that number.
///
/// Both cases may have had the same number, with different sources and for different people. Then
/// it was taken over if it was usable in the other case but not in this one.
fn taken_number(case: &Case, other: &Case, was: &Absorbed) -> Option<NhsNumber> {
    let now = case.number_with_person()?;
    let theirs = other.number_with_person().filter(|theirs| theirs.number == now.number)?;
    let taken = match was.number_before.as_ref().filter(|before| before.number == now.number) {
        None => true,
        Some(before) => {
            let of_another = before
                .person
                .as_ref()
                .is_some_and(|person| !person.changes(&case.identity()).is_empty());
            let was_usable = before.status.is_usable() && !of_another;
            now != *before && other.usable_number().is_some() && (!was_usable || now == theirs)
        }
    };
    taken.then_some(now.number)
}

/// Reopens the items about the number that the merge `at` this time resolved.
fn reopen(survivor: &mut Case, at: DateTime<Utc>, context: &Context<'_>) {
    let open: Vec<ReviewReason> = survivor.open_items().map(|item| item.reason).collect();
    for item in survivor.review.iter_mut().filter(|item| is_about_the_number(item)) {
        let last = item.history.last();
        let merged = last.is_some_and(|step| step.what == "merged" && step.at == at);
        if merged && !item.is_open() && !open.contains(&item.reason) {
            item.state = ReviewState::Open;
            item.history.push(context.step("merge_undone"));
        }
    }
}

/// Updates third cases that are duplicates of the survivor by the returned `number`: each of them
/// and the case that now has the number name each other instead.
fn give_back_duplicates(
    survivor: &mut Case,
    back: &mut Case,
    number: NhsNumber,
    context: &Context<'_>,
) -> Vec<Changed> {
    let mut thirds = Vec::new();
    for third in context.others.iter().filter(|third| third.is_live()) {
        let is_named = third.open_items().any(|item| {
            item.reason == ReviewReason::Duplicate
                && item.evidence.nhs_number == Some(number)
                && item.evidence.others.contains(&survivor.id)
        });
        if !is_named {
            continue;
        }
        // Adds the other case first, so that the item stays open.
        let flagged = third.flag_duplicate(&back.id, number, context.at);
        let flagged = flagged.as_ref().unwrap_or(third);
        let relinked = context.unlink(flagged, &survivor.id, Some(number), "merge_undone");
        thirds.extend(relinked.map(|third| Changed::new(third, "other_merge_undone")));
        if let Some(flagged) = back.flag_duplicate(&third.id, number, context.at) {
            *back = flagged;
        }
        if let Some(apart) = context.unlink(survivor, &third.id, Some(number), "merge_undone") {
            *survivor = apart;
        }
    }
    thirds
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{AlertKind, NumberStatus, RecordType};
    use crate::process::review::fixtures::{
        NUMBER, OTHER, case, context, duplicates, id, recorded,
    };
    use crate::process::review::resolution::Resolution;
    use crate::process::review::resolve::resolve;

    fn into_one(survivor: &Case, absorbed: &Case) -> Result<(Case, Case), Refusal> {
        let (merge, others) =
            (Resolution::Merge { absorbed: absorbed.id.clone() }, [absorbed.clone()]);
        let changes = resolve(survivor, 1, &merge, &context().with_others(&others))?;
        let [survivor, absorbed] = &changes[..] else { panic!() };
        assert_eq!((survivor.what, absorbed.what), ("merged", "absorbed"));
        let again = resolve(&survivor.case, 1, &merge, &context());
        assert_eq!(again, Ok(Vec::new()), "a second call changes nothing");
        Ok((survivor.case.clone(), absorbed.case.clone()))
    }

    fn apart(survivor: &Case, others: &[Case]) -> Result<Vec<Changed>, Refusal> {
        undo_merge(survivor, &id("2"), &context().with_others(others))
    }

    fn number(case: &Case) -> Option<NhsNumber> {
        case.nhs_number.as_ref().map(|recorded| recorded.number)
    }

    #[test]
    fn refused_merges_and_undone_merges() {
        let open = case("1", ReviewReason::Duplicate, Some(NUMBER));
        let mut other = Case::new(id("2"), RecordType::Review);
        let merge = Resolution::Merge { absorbed: id("2") };
        assert_eq!(resolve(&open, 1, &merge, &context()), Err(Refusal::NoSuchCase));
        assert_eq!(into_one(&open, &open), Err(Refusal::SameCase));
        for how in [DeletionKind::Logical, DeletionKind::MergedInto(id("3")), DeletionKind::Erased]
        {
            other.deleted = Some(Deletion::new(context().at, "j.doe", how));
            assert_eq!(into_one(&open, &other), Err(Refusal::OtherNotInUse));
        }
        other.deleted = None;
        other.nhs_number = Some(recorded(NUMBER, NumberStatus::Usable));
        let mut rejected = open.clone();
        rejected.rejected_numbers = vec![NUMBER];
        assert_eq!(into_one(&rejected, &other), Err(Refusal::RejectedBefore));

        assert_eq!(apart(&open, &[]), Err(Refusal::NoSuchCase));
        assert_eq!(apart(&open, &[other.clone()]), Err(Refusal::NotMerged));
        let (survivor, mut gone) = into_one(&open, &other).unwrap();
        gone.deleted = Some(Deletion::new(context().at, "j.doe", DeletionKind::Erased));
        assert_eq!(apart(&survivor, &[gone]), Err(Refusal::Erased));
    }

    #[test]
    fn a_usable_number_is_kept_or_taken_over() {
        use NumberStatus::{Invalid, NotVerified, Superseded, Usable};
        for (mine, theirs, expected) in [
            (None, None, None),
            (None, Some((OTHER, Usable)), Some(OTHER)),
            (None, Some((OTHER, Superseded)), None),
            (Some((NUMBER, Usable)), Some((OTHER, Usable)), Some(NUMBER)),
            (Some((NUMBER, Superseded)), Some((OTHER, Usable)), Some(OTHER)),
            (Some((NUMBER, Superseded)), Some((OTHER, Invalid)), Some(NUMBER)),
            (Some((NUMBER, Usable)), None, Some(NUMBER)),
            (Some((NUMBER, NotVerified)), Some((NUMBER, Usable)), Some(NUMBER)),
            (Some((NUMBER, Usable)), Some((NUMBER, Usable)), Some(NUMBER)),
            (Some((NUMBER, NotVerified)), Some((NUMBER, Superseded)), Some(NUMBER)),
        ] {
            let make = |text: &str, number: Option<(NhsNumber, NumberStatus)>| {
                let mut case = case(text, ReviewReason::Superseded, Some(OTHER));
                case.nhs_number = number.map(|(number, status)| recorded(number, status));
                case
            };
            let (mine, mut theirs) = (make("1", mine), make("2", theirs));
            theirs.surname = Some("Quentinsson".into());
            let (survivor, gone) = into_one(&mine, &theirs).unwrap();
            assert_eq!(number(&survivor), expected);
            assert_eq!(survivor.absorbed[0].number_before, mine.number_with_person());
            assert!(!gone.is_live() && gone.nhs_number == theirs.nhs_number);
            let changes = apart(&survivor, &[gone]).unwrap();
            let now = changes[0].case.number_with_person();
            assert_eq!(now, mine.number_with_person(), "the number before the merge");
            let gave_back = survivor.number_with_person() != mine.number_with_person();
            assert_eq!(changes[0].case.review[0].is_open(), gave_back, "the item about the number");
            assert_eq!(changes[1].case.nhs_number, theirs.nhs_number);
            assert!(changes[0].case.absorbed.is_empty() && changes[1].case.is_live());
        }
    }

    #[test]
    fn duplicates_of_each_other_are_settled_and_flagged_again() {
        let (mut mine, mut theirs) = duplicates("1", "2", NUMBER);
        mine.nhs_number = Some(recorded(NUMBER, NumberStatus::Usable));
        theirs.nhs_number = mine.nhs_number.clone();
        mine.review[0].evidence.others.push(id("3"));
        let (survivor, gone) = into_one(&mine, &theirs).unwrap();
        assert!(survivor.review[0].is_open(), "a third case has the number");
        assert_eq!(survivor.review[0].evidence.others, [id("3")]);
        assert!(!gone.review[0].is_open());

        let mut third = Case::new(id("3"), RecordType::Review);
        third.nhs_number = mine.nhs_number.clone();
        let changes = apart(&survivor, &[gone, third]).unwrap();
        let open = |place: usize| {
            let case: &Case = &changes[place].case;
            let mut items = case.open_items();
            let item = items.next().unwrap();
            assert!(items.next().is_none(), "one item for a number");
            let mut others = item.evidence.others.clone();
            others.sort();
            others
        };
        assert_eq!(changes.len(), 3);
        assert_eq!(open(0), [id("2"), id("3")]);
        assert_eq!(open(1), [id("1"), id("3")]);
        assert!(open(2).contains(&id("2")));
        let told = &changes[1].case.undelivered[..];
        assert!(matches!(told, [alert] if alert.kind == AlertKind::Duplicate));
    }

    #[test]
    fn a_third_case_is_a_duplicate_of_the_survivor() {
        let (mine, mut theirs) = duplicates("1", "2", NUMBER);
        theirs.nhs_number = Some(recorded(NUMBER, NumberStatus::Usable));
        theirs.review[0].evidence.others.push(id("3"));
        let (mut third, _) = duplicates("3", "2", NUMBER);
        third.nhs_number = theirs.nhs_number.clone();
        let merge = Resolution::Merge { absorbed: id("2") };
        let others = [theirs, third];
        let changes = resolve(&mine, 1, &merge, &context().with_others(&others)).unwrap();
        let [survivor, _, third] = &changes[..] else { panic!() };
        for (changed, other) in [(survivor, "3"), (third, "1")] {
            let open: Vec<_> = changed.case.open_items().collect();
            assert!(matches!(&open[..], [item] if item.evidence.others == [id(other)]));
        }
        assert!(survivor.case.undelivered.is_empty(), "an open item had its alert before");
    }

    #[test]
    fn a_death_is_taken_over_and_given_back() {
        let (mine, mut theirs) = duplicates("1", "2", NUMBER);
        theirs.date_of_death = Some("2026-11-20".parse().unwrap());
        let (survivor, gone) = into_one(&mine, &theirs).unwrap();
        assert_eq!(survivor.date_of_death, theirs.date_of_death);
        let changes = apart(&survivor, std::slice::from_ref(&gone)).unwrap();
        assert_eq!(changes[0].case.date_of_death, None);
        let mut corrected = survivor;
        corrected.date_of_death = Some("2026-11-21".parse().unwrap());
        let changes = apart(&corrected, &[gone]).unwrap();
        assert_eq!(changes[0].case.date_of_death, corrected.date_of_death);
    }

    #[test]
    fn lists_are_taken_over_and_given_back() {
        let (mut mine, mut theirs) = duplicates("1", "2", NUMBER);
        let fill = |case: &mut Case, own: &str| {
            for list in case.lists_mut() {
                *list = vec!["both".to_owned(), own.to_owned()];
            }
        };
        fill(&mut mine, "mine");
        fill(&mut theirs, "theirs");
        let (mut survivor, gone) = into_one(&mine, &theirs).unwrap();
        for list in survivor.lists() {
            assert_eq!(list, &["both", "mine", "theirs"]);
        }
        for list in gone.lists() {
            assert_eq!(list, &["both", "theirs"]);
        }
        survivor.emails.push("later".into());
        let changes = apart(&survivor, &[gone]).unwrap();
        let (case, back) = (&changes[0].case, &changes[1].case);
        assert_eq!(case.lists()[..4], mine.lists()[..4]);
        assert_eq!(case.emails, ["both", "mine", "later"]);
        assert_eq!(back.lists(), theirs.lists());
    }

    #[test]
    fn a_number_that_has_changed_since_stays() {
        let mut mine = case("1", ReviewReason::Superseded, Some(OTHER));
        mine.nhs_number = Some(recorded(NUMBER, NumberStatus::Superseded));
        let mut theirs = Case::new(id("2"), RecordType::Review);
        theirs.nhs_number = Some(recorded(OTHER, NumberStatus::Usable));
        let (mut survivor, gone) = into_one(&mine, &theirs).unwrap();
        assert!(survivor.open_items().next().is_none());
        let new = NhsNumber::constant(9_990_000_077);
        survivor.nhs_number = Some(recorded(new, NumberStatus::Usable));
        let changes = apart(&survivor, &[gone]).unwrap();
        assert_eq!(number(&changes[0].case), Some(new));
    }

    #[test]
    fn the_same_number_is_restored_and_keeps_later_findings() {
        use NumberStatus::{NotVerified, Superseded, Usable};
        let make = |text: &str, surname: &str, status| {
            let mut case = case(text, ReviewReason::NotVerified, None);
            case.surname = Some(surname.into());
            case.nhs_number = Some(recorded(NUMBER, status).with_person(case.identity()));
            case
        };
        let theirs = make("2", "Quentinsson", Usable);
        // Taken over, and confirmed since.
        let mine = make("1", "Aindow", NotVerified);
        let (survivor, gone) = into_one(&mine, &theirs).unwrap();
        assert_eq!(survivor.nhs_number, theirs.nhs_number);
        let mut confirmed = survivor.clone();
        confirmed.nhs_number = Some(recorded(NUMBER, Usable).with_person(mine.identity()));
        for survivor in [survivor, confirmed] {
            let changes = apart(&survivor, std::slice::from_ref(&gone)).unwrap();
            assert_eq!(changes[0].case.nhs_number, mine.nhs_number);
        }
        // Never taken over, and found to be superseded since, as the other case's was before.
        let mine = make("1", "Quentinsson", Usable);
        let (mut survivor, gone) = into_one(&mine, &make("2", "Quentinsson", Superseded)).unwrap();
        let replaced = make("1", "Quentinsson", Superseded).nhs_number;
        survivor.nhs_number = replaced.clone();
        let changes = apart(&survivor, &[gone]).unwrap();
        assert_eq!(changes[0].case.nhs_number, replaced);
        let (mut survivor, gone) = into_one(&make("1", "Aindow", Usable), &theirs).unwrap();
        let replaced = recorded(NUMBER, Superseded).with_person(survivor.identity());
        survivor.nhs_number = Some(replaced.clone());
        let changes = apart(&survivor, &[gone]).unwrap();
        assert_eq!(changes[0].case.nhs_number, Some(replaced));
    }
}
