//! Deletes and undeletes cases.

use crate::case::{
    Alert, AlertKind, Case, CaseId, Deletion, DeletionKind, ReviewReason, ReviewState,
};
use crate::nhs_number::NhsNumber;
use crate::process::review::context::{Changed, Context};
use crate::process::review::refusal::Refusal;

/// Returns the changes when `case` is logically deleted (MSCA-DQ-02), or none if it is deleted
/// already. The case keeps its data, and its number no longer conflicts with other cases.
///
/// Pure. `context` must contain the cases that its duplicate items name; these no longer name it.
///
/// # Errors
///
/// The [`Refusal`].
pub(super) fn delete(case: &Case, context: &Context<'_>) -> Result<Vec<Changed>, Refusal> {
    match case.deleted.as_ref().map(|deletion| &deletion.how) {
        None => {}
        Some(DeletionKind::Logical) => return Ok(Vec::new()),
        Some(DeletionKind::MergedInto(_)) => return Err(Refusal::Merged),
        Some(DeletionKind::Erased) => return Err(Refusal::Erased),
    }
    let mut gone = case.clone();
    gone.deleted = Some(Deletion::new(context.at, context.by, DeletionKind::Logical));
    // Undeleting opens the item again, with a new alert, if the case is still a duplicate.
    let duplicates = gone.review.iter_mut().filter(|item| item.reason == ReviewReason::Duplicate);
    for item in duplicates.filter(|item| item.is_open()) {
        context.close(item, ReviewState::Resolved, "deleted");
    }
    let others = context.others.iter().filter(|other| other.id != case.id && other.is_live());
    let unlinked = others
        .filter_map(|other| context.unlink(other, &case.id, None, "other_deleted"))
        .map(|other| Changed::new(other, "duplicate_settled"));
    Ok([Changed::new(gone, "deleted")].into_iter().chain(unlinked).collect())
}

/// Returns the changes when the logical deletion of `case` is undone (MSCA-DQ-02), or none if it is
/// active.
///
/// If another case now has its number, both are flagged as duplicates, and the back office is
/// alerted (MSCA-DQ-01).
///
/// Pure. `context` must contain the cases with the case's number.
///
/// # Errors
///
/// The [`Refusal`].
pub(super) fn undelete(case: &Case, context: &Context<'_>) -> Result<Vec<Changed>, Refusal> {
    match case.deleted.as_ref().map(|deletion| &deletion.how) {
        None => return Ok(Vec::new()),
        Some(DeletionKind::Logical) => {}
        Some(DeletionKind::MergedInto(_)) => return Err(Refusal::Merged),
        Some(DeletionKind::Erased) => return Err(Refusal::Erased),
    }
    let mut back = case.clone();
    back.deleted = None;
    let mut changes = vec![Changed::new(back, "undeleted")];
    flag_duplicates(&mut changes, &case.id, context);
    Ok(changes)
}

/// Flags the case `newcomer`, which is among `changes`, and every other case with its number.
pub(super) fn flag_duplicates(
    changes: &mut Vec<Changed>,
    newcomer: &CaseId,
    context: &Context<'_>,
) {
    let is_changed = |id: &CaseId| changes.iter().any(|changed| changed.case.id == *id);
    let changed = changes.iter().map(|changed| &changed.case);
    // Use the new version of a case that changes.
    let as_stored = context.others.iter().filter(|other| !is_changed(&other.id));
    let Some(number) =
        changed.clone().find(|case| case.id == *newcomer).and_then(Case::live_number)
    else {
        return;
    };
    let holders: Vec<CaseId> = changed
        .chain(as_stored)
        .filter(|case| case.id != *newcomer && case.live_number() == Some(number))
        .map(|case| case.id.clone())
        .collect();
    if holders.is_empty() {
        return;
    }
    for id in &holders {
        match changes.iter_mut().find(|changed| changed.case.id == *id) {
            Some(changed) => {
                if let Some(flagged) = changed.case.flag_duplicate(newcomer, number, context.at) {
                    changed.case = flagged;
                }
            }
            None => {
                let flagged = context
                    .other(id)
                    .and_then(|other| other.flag_duplicate(newcomer, number, context.at));
                changes
                    .extend(flagged.map(|flagged| Changed::new(flagged, "flagged_as_a_duplicate")));
            }
        }
    }
    if let Some(changed) = changes.iter_mut().find(|changed| changed.case.id == *newcomer) {
        flag_newcomer(&mut changed.case, number, holders, context);
    }
}

/// Names the other cases in the newcomer's own item, and adds an alert if no item was open.
fn flag_newcomer(case: &mut Case, number: NhsNumber, holders: Vec<CaseId>, context: &Context<'_>) {
    let known = case.review.len();
    for holder in &holders {
        if let Some(flagged) = case.flag_duplicate(holder, number, context.at) {
            *case = flagged;
        }
    }
    let Some(item) = case.review.get(known).map(|item| item.number) else { return };
    let id = format!("{}/{item}/{}", case.id, AlertKind::Duplicate);
    let mut alert = Alert::about(id, AlertKind::Duplicate, context.at, case);
    (alert.nhs_number, alert.others) = (Some(number), holders);
    case.undelivered.push(alert);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{NumberStatus, RecordType};
    use crate::process::review::fixtures::{NUMBER, case, context, duplicates, id, now, recorded};

    #[test]
    fn a_deleted_case_can_be_undeleted() {
        let open = case("1", ReviewReason::NoMatch, None);
        let gone = delete(&open, &context()).unwrap().remove(0).case;
        assert!(!gone.is_live());
        assert_eq!(delete(&gone, &context()), Ok(Vec::new()));
        let back = undelete(&gone, &context()).unwrap().remove(0).case;
        assert!(back == open);
        assert_eq!(undelete(&back, &context()), Ok(Vec::new()));
    }

    #[test]
    fn merged_and_erased_cases_are_refused() {
        for (how, refusal) in [
            (DeletionKind::MergedInto(id("3")), Refusal::Merged),
            (DeletionKind::Erased, Refusal::Erased),
        ] {
            let mut gone = Case::new(id("1"), RecordType::Review);
            gone.deleted = Some(Deletion::new(now(), "j.doe", how));
            assert_eq!(delete(&gone, &context()), Err(refusal));
            assert_eq!(undelete(&gone, &context()), Err(refusal));
        }
    }

    #[test]
    fn duplicates_are_settled_by_deleting_and_flagged_by_undeleting() {
        let (mut a, mut b) = duplicates("1", "2", NUMBER);
        for case in [&mut a, &mut b] {
            case.nhs_number = Some(recorded(NUMBER, NumberStatus::Usable));
        }
        let changes = delete(&a, &context().with_others(&[b])).unwrap();
        let (gone, left) = (changes[0].case.clone(), changes[1].case.clone());
        assert_eq!(left.review[0].state, ReviewState::Resolved);
        let changes = undelete(&gone, &context().with_others(&[left])).unwrap();
        assert_eq!(changes.len(), 2);
        assert_eq!(changes[1].what, "flagged_as_a_duplicate");
        for changed in &changes {
            assert_eq!(changed.case.open_items().count(), 1);
        }
    }

    #[test]
    fn the_back_office_is_alerted_to_a_new_duplicate() {
        let mut gone = Case::new(id("1"), RecordType::Review);
        gone.nhs_number = Some(recorded(NUMBER, NumberStatus::Usable));
        let mut holder = gone.clone();
        holder.id = id("2");
        gone.deleted = Some(Deletion::new(now(), "j.doe", DeletionKind::Logical));
        let changes = undelete(&gone, &context().with_others(&[holder])).unwrap();
        let [alert] = &changes[0].case.undelivered[..] else { panic!() };
        assert_eq!((alert.id.as_str(), &alert.others[..]), ("1/1/duplicate", &[id("2")][..]));
        assert!(changes[1].case.undelivered.is_empty(), "one alert for both cases");
    }
}
