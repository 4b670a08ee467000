//! Duplicates in an imported caseload (MSCA-DQ-01).

use crate::audit::{Actor, AuditLog};
use crate::case::{
    Alert, AlertKind, Case, CaseId, CaseStore, Change, ErrorKind, ReviewReason, readable,
};
use crate::clock::Clock;
use crate::nhs_number::NhsNumber;
use crate::process::commit::{changed, withdraw};
use crate::process::error::Error;

/// Flags each of `ids` that shares its number with another active case, and the first such case.
/// The back office gets one alert for each pair. Returns the number of new pairs.
///
/// Never flags a pair again: a user may have found that it is not a duplicate.
pub(in crate::process) async fn flag_duplicates(
    store: &dyn CaseStore,
    audit: &dyn AuditLog,
    actor: &Actor,
    clock: &dyn Clock,
    ids: &[CaseId],
) -> Result<usize, Error> {
    let mut flagged = 0;
    for id in ids {
        let Some(case) = readable(store.get(id).await)? else { continue };
        let Some(number) = case.live_number() else { continue };
        // Pairs it with the first case only: a placeholder shared by a thousand cases makes a
        // thousand pairs, not half a million.
        let others = store.holders(number).await?;
        let Some(other) = others.iter().find(|other| *other != id) else { continue };
        flagged += usize::from(flag(store, audit, actor, clock, (id, other, number)).await?);
    }
    Ok(flagged)
}

/// Flags one pair. Returns false when the pair is known, or when another program changed one of the
/// cases; the next import then tries again.
async fn flag(
    store: &dyn CaseStore,
    audit: &dyn AuditLog,
    actor: &Actor,
    clock: &dyn Clock,
    (one, other, number): (&CaseId, &CaseId, NhsNumber),
) -> Result<bool, Error> {
    let first = readable(store.get(one).await)?;
    let second = readable(store.get(other).await)?;
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
    let entries = [&first, &second].map(|case| changed(actor, case, &why, now));
    audit.append(entries.into()).await?;
    match store.save_all(vec![Change::new(first), Change::new(second)]).await {
        Ok(()) => Ok(true),
        Err(error) if matches!(error.kind(), ErrorKind::Conflict | ErrorKind::NotFound) => {
            withdraw::<Error>(store, audit, actor, [one, other].into_iter(), clock.now()).await?;
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
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
