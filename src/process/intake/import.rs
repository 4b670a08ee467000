use crate::audit::Actor;
use crate::case::{Case, CaseId, Change, Evidence, ReviewReason};
use crate::clock::Clock;
use crate::process::error::Error;
use crate::process::intake::duplicates::flag_duplicates;
use crate::process::store::commit::Commit;
use crate::process::store::unit::Store;
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// How many cases are recorded and saved in one step.
const CHUNK: usize = 200;

/// The result of an import.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, serde::Serialize)]
pub struct Imported {
    /// Cases that were not stored before.
    pub new: usize,
    /// Cases with changed data in the local system.
    pub updated: usize,
    /// Cases without changes.
    pub unchanged: usize,
    /// Stored cases that cannot be read; nothing was imported for them.
    pub unreadable: usize,
    /// New pairs of cases with the same number (MSCA-DQ-01).
    pub duplicates: usize,
}

/// Updates `store` with the local system's `cases`, and keeps the results of traces and reviewers
/// ([`Case::updated_from`]). Only data that are new in the local system change a case: the same
/// cases again change nothing, and do not undo a reviewer's corrections.
///
/// Numbers are imported as they are. If two cases have the same number, both are flagged, and the
/// next run alerts the back office (MSCA-DQ-01). A pair that a reviewer has dismissed is not
/// flagged again.
///
/// A case with a damaged NHS Number ([`Case::damaged_number`]) gets a review item. It is resolved
/// when the local system has a readable number, or none.
///
/// Stored cases that cannot be read are skipped ([`CaseStore::unreadable`] lists them).
///
/// A new number in the local system replaces a number that was imported and never traced. A traced
/// number stays, and the case gets a review item ([`ReviewReason::Conflict`]), once for each other
/// number. A number is imported for the case's current person
/// ([`RecordedNumber::person`](crate::case::RecordedNumber::person)). If a later caseload describes a
/// different person, the number is in doubt until it is verified ([`Case::person_changed`]).
///
/// Each change is in the audit trail before it is saved, so that the case on any day can be reconstructed
/// (MSCA-AUD-02). After an interruption, import again. If a case occurs twice, the later data
/// apply.
///
/// # Errors
///
/// [`ErrorKind`](crate::process::ErrorKind), when the store or the audit trail fails. Cases imported
/// before stay imported.
///
/// ```
/// use nhs_pds::audit::{Actor, MemoryLog};
/// use nhs_pds::process::alert::MemoryAlerts;
/// use nhs_pds::process::store::Joined;
/// use nhs_pds::case::{Case, MemoryStore, RecordType};
/// use nhs_pds::clock::SystemClock;
/// use nhs_pds::trace::{Caller, LocalIdentity};
/// use nhs_pds::process::import;
/// use std::sync::Arc;
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let (cases, audit) = (Arc::new(MemoryStore::new()), Arc::new(MemoryLog::new()));
/// let store = Joined::new(cases, audit, Arc::new(MemoryAlerts::default()));
/// let caller = Caller::System(LocalIdentity::new("RHM".parse()?, "import")?);
/// let actor = Actor::new(&caller, "Nightly import");
/// let cases = vec![Case::new("RXX:1".parse()?, RecordType::Review)];
/// let first = import(&store, &actor, &SystemClock, cases.clone()).await?;
/// let again = import(&store, &actor, &SystemClock, cases).await?;
/// assert_eq!((first.new, again.unchanged), (1, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub async fn import(
    store: &dyn Store,
    actor: &Actor,
    clock: &dyn Clock,
    cases: Vec<Case>,
) -> Result<Imported, Error> {
    let mut imported = Imported::default();
    let mut cases = cases.into_iter();
    loop {
        let mut chunk: Vec<Case> = cases.by_ref().take(CHUNK).collect();
        if chunk.is_empty() {
            return Ok(imported);
        }
        let numbered = chunk.iter().filter(|case| case.nhs_number.is_some());
        let numbered: Vec<CaseId> = numbered.map(|case| case.id.clone()).collect();
        // Cases that another program changed meanwhile are read again.
        while !chunk.is_empty() {
            chunk = import_chunk(store, actor, clock, chunk, &mut imported).await?;
        }
        imported.duplicates += flag_duplicates(store, actor, clock, &numbered).await?;
    }
}

/// The digest of the local system's data of a case; `None` if it cannot be serialised.
fn digest(read: &Case) -> Option<String> {
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

/// Imports `cases`, and returns those to try again.
async fn import_chunk(
    store: &dyn Store,
    actor: &Actor,
    clock: &dyn Clock,
    cases: Vec<Case>,
    imported: &mut Imported,
) -> Result<Vec<Case>, Error> {
    let now = clock.now();
    let (mut new, mut updated, mut unchanged) = (Vec::new(), Vec::new(), 0);
    let mut unreadable = 0;
    // A second entry of a case is imported after the first is stored.
    let mut seen = BTreeSet::new();
    let (cases, twice): (Vec<Case>, Vec<Case>) =
        cases.into_iter().partition(|case| seen.insert(case.id.clone()));
    for read in &cases {
        let digest = digest(read);
        let taken = |mut case: Case| {
            case.nhs_number = case.number_with_person();
            if let Some(recorded) = &mut case.nhs_number {
                recorded.since = recorded.since.or(Some(now));
            }
            case.flag_damaged_number(now, actor.user_id());
            case.read_digest.clone_from(&digest);
            case
        };
        let stored = match store.cases().get(&read.id).await {
            Err(error) if error.is_about_a_damaged_case() => {
                unreadable += 1;
                continue;
            }
            stored => stored?,
        };
        match stored {
            None => new.push(taken(read.clone())),
            // The local system's data are unchanged; a reviewer's corrections stay.
            Some(stored) if digest.is_some() && stored.read_digest == digest => unchanged += 1,
            Some(stored) => match read_again(&stored, read, now) {
                Some(case) => updated.push(taken(case)),
                None => unchanged += 1,
            },
        }
    }
    let (count_new, count_updated) = (new.len(), updated.len());
    let commit = new.into_iter().chain(updated).fold(Commit::new(actor, now), |commit, case| {
        commit.save(Change::new(case), &[("decision", "imported")])
    });
    if !store.commit(commit).await?.is_done() {
        return Ok(cases.into_iter().chain(twice).collect());
    }
    imported.new += count_new;
    imported.updated += count_updated;
    imported.unchanged += unchanged;
    imported.unreadable += unreadable;
    Ok(twice)
}
