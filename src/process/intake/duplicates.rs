//! Duplicates in an imported caseload (MSCA-DQ-01).

use crate::audit::Actor;
use crate::case::{Alert, AlertKind, Case, CaseId, Change, ReviewReason, readable};
use crate::clock::Clock;
use crate::nhs_number::NhsNumber;
use crate::process::error::Error;
use crate::process::store::commit::Commit;
use crate::process::store::unit::Store;

/// Flags each of `ids` that shares its number with another active case, and the first such case.
/// The back office gets one alert for each pair. Returns the number of new pairs.
///
/// Never flags a pair again: a user may have found that it is not a duplicate.
pub(in crate::process) async fn flag_duplicates(
    store: &dyn Store,
    actor: &Actor,
    clock: &dyn Clock,
    ids: &[CaseId],
) -> Result<usize, Error> {
    let mut flagged = 0;
    for id in ids {
        let Some(case) = readable(store.cases().get(id).await)? else { continue };
        let Some(number) = case.live_number() else { continue };
        // Pairs it with the first case only: a placeholder shared by a thousand cases makes a
        // thousand pairs, not half a million.
        let others = store.cases().holders(number).await?;
        let Some(other) = others.iter().find(|other| *other != id) else { continue };
        flagged += usize::from(flag(store, actor, clock, (id, other, number)).await?);
    }
    Ok(flagged)
}

/// Flags one pair. Returns false when the pair is known, or when another program changed one of the
/// cases; the next import then tries again.
async fn flag(
    store: &dyn Store,
    actor: &Actor,
    clock: &dyn Clock,
    (one, other, number): (&CaseId, &CaseId, NhsNumber),
) -> Result<bool, Error> {
    let first = readable(store.cases().get(one).await)?;
    let second = readable(store.cases().get(other).await)?;
    let (Some(first), Some(second)) = (first, second) else { return Ok(false) };
    if is_known(&first, other, number) || is_known(&second, one, number) {
        return Ok(false);
    }
    let now = clock.now();
    let (Some(mut first), Some(second)) =
        (first.flag_duplicate(other, number, now), second.flag_duplicate(one, number, now))
    else {
        return Ok(false);
    };
    let item = first.review.iter().find(|item| names(item, other, number));
    let number_of_item = item.map_or(0, |item| item.number);
    let id = format!("{one}/{number_of_item}/{}/{other}", AlertKind::Duplicate);
    let mut alert = Alert::about(id, AlertKind::Duplicate, now, &first);
    (alert.nhs_number, alert.others) = (Some(number), vec![other.clone()]);
    first.undelivered.push(alert);
    let why = [("decision", "imported_as_a_duplicate")];
    let commit =
        Commit::new(actor, now).save(Change::new(first), &why).save(Change::new(second), &why);
    Ok(store.commit(commit).await?.is_done())
}

/// Whether a review item, open or not, has ever named `other` for `number`.
fn is_known(case: &Case, other: &CaseId, number: NhsNumber) -> bool {
    case.review.iter().any(|item| names(item, other, number))
}

fn names(item: &crate::case::ReviewItem, other: &CaseId, number: NhsNumber) -> bool {
    item.reason == ReviewReason::Duplicate
        && item.evidence.nhs_number == Some(number)
        && item.evidence.others.contains(other)
}
