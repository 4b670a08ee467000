//! What the row of a caseload does to the stored case. Pure: the preview shows it, and the import does it.

use crate::case::{Case, Evidence, ReviewReason};
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

/// What an import does with a case.
pub(super) enum Effect {
    /// It is stored for the first time.
    New(Case),
    /// It is saved over the stored one.
    Updated(Case),
    /// The local system's data are unchanged; a reviewer's corrections stay.
    Unchanged,
}

/// What importing `read` over `stored` does at `now` on behalf of `user_id`.
pub(super) fn effect(
    stored: Option<&Case>,
    read: &Case,
    now: DateTime<Utc>,
    user_id: &str,
) -> Effect {
    let digest = digest(read);
    let taken = |mut case: Case| {
        case.nhs_number = case.number_with_person();
        if let Some(recorded) = &mut case.nhs_number {
            recorded.since = recorded.since.or(Some(now));
        }
        case.flag_damaged_number(now, user_id);
        case.read_digest.clone_from(&digest);
        case
    };
    match stored {
        None => Effect::New(taken(read.clone())),
        Some(stored) if digest.is_some() && stored.read_digest == digest => Effect::Unchanged,
        Some(stored) => read_again(stored, read, now)
            .map_or(Effect::Unchanged, |case| Effect::Updated(taken(case))),
    }
}

/// The digest of the local system's data of a case; `None` if it cannot be serialised.
pub(super) fn digest(read: &Case) -> Option<String> {
    let said = serde_json::to_vec(read).ok()?;
    let hash: [u8; 32] = Sha256::digest(said).into();
    Some(hash.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Returns `stored` updated with the new data `read`, or `None` if nothing changes.
///
/// A number in `read` that is not used, because the case has a traced one, is left for a reviewer.
fn read_again(stored: &Case, read: &Case, now: DateTime<Utc>) -> Option<Case> {
    let updated = stored.updated_from(read.clone());
    let is_open = stored.open_items().any(|item| item.reason == ReviewReason::Conflict);
    let Some(other) = stored.number_in_conflict(read).filter(|_| !is_open) else {
        return updated;
    };
    let mut flagged = updated.unwrap_or_else(|| stored.clone());
    let evidence = Evidence { nhs_number: Some(other), ..Evidence::default() };
    flagged.open_item(ReviewReason::Conflict, &evidence, now);
    Some(flagged)
}
