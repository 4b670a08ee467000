use crate::audit::Actor;
use crate::case::{Case, CaseId, Change};
use crate::clock::Clock;
use crate::process::error::{Error, ErrorKind};
use crate::process::intake::duplicates::flag_duplicates;
use crate::process::intake::effect::{Effect, effect};
use crate::process::store::commit::Commit;
use crate::process::store::unit::Store;
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::error::Error as StdError;

/// How many cases are recorded and saved in one step.
pub(super) const CHUNK: usize = 200;

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

/// Updates `store` with the local system's `cases`, one after the other, and keeps the results of traces and reviewers
/// ([`Case::updated_from`]). Only data that are new in the local system change a case: the same
/// cases again change nothing, and do not undo a reviewer's corrections.
///
/// Numbers are imported as they are. If two cases have the same number, both are flagged, and the
/// back office is alerted (MSCA-DQ-01). A pair that a reviewer has dismissed is not
/// flagged again.
///
/// A case with a damaged NHS Number ([`Case::damaged_number`]) gets a review item. It is resolved
/// when the local system has a readable number, or none.
///
/// Stored cases that cannot be read are skipped ([`CaseStore::unreadable`](crate::case::CaseStore::unreadable) lists them).
///
/// A new number in the local system replaces a number that was imported and never traced. A traced
/// number stays, and the case gets a review item ([`ReviewReason::Conflict`](crate::case::ReviewReason::Conflict)), once for each other
/// number. A number is imported for the case's current person
/// ([`RecordedNumber::person`](crate::case::RecordedNumber::person)). If a later caseload describes a
/// different person, the number is in doubt until it is verified ([`Case::person_changed`]).
///
/// Each change is in the audit trail before it is saved, so that the case on any day can be reconstructed
/// (MSCA-AUD-02). After an interruption, import again. If a case occurs twice, the later data
/// apply.
///
/// At most 200 cases are in memory at a time. [`import_from`] takes cases from a source that can fail,
/// such as a file.
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
    cases: impl IntoIterator<Item = Case>,
) -> Result<Imported, Error> {
    import_from(store, actor, clock, cases.into_iter().map(Ok::<_, Infallible>)).await
}

/// As [`import`], from a source that can fail. Its first error ends the import.
///
/// Takes a caseload of any size from a file, by [`Reader::cases`]: at most 200 cases are in memory here.
/// The source is read on the calling task. A source that is slow belongs on a task for blocking work.
///
/// # Errors
///
/// Those of [`import`]. [`SourceFailed`](crate::process::ErrorKind::SourceFailed), with the error of the
/// source, when it fails. Cases imported before stay imported.
///
/// ```
/// use nhs_pds::audit::{Actor, MemoryLog};
/// use nhs_pds::case::MemoryStore;
/// use nhs_pds::clock::SystemClock;
/// use nhs_pds::process::alert::MemoryAlerts;
/// use nhs_pds::process::store::Joined;
/// use nhs_pds::process::{ErrorKind, import_from};
/// use nhs_pds::trace::{Caller, LocalIdentity};
/// use std::sync::Arc;
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let (cases, audit) = (Arc::new(MemoryStore::new()), Arc::new(MemoryLog::new()));
/// let store = Joined::new(cases, audit, Arc::new(MemoryAlerts::default()));
/// let caller = Caller::System(LocalIdentity::new("RHM".parse()?, "import")?);
/// let actor = Actor::new(&caller, "Nightly import");
/// let rows = [Err("the connection is lost")];
/// let error = import_from(&store, &actor, &SystemClock, rows).await.err().ok_or("imported")?;
/// assert_eq!(error.kind(), ErrorKind::SourceFailed);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
#[cfg_attr(feature = "csv", doc = "[`Reader::cases`]: crate::case::caseload::Reader::cases")]
#[cfg_attr(not(feature = "csv"), doc = "[`Reader::cases`]: crate::process")]
pub async fn import_from<E>(
    store: &dyn Store,
    actor: &Actor,
    clock: &dyn Clock,
    cases: impl IntoIterator<Item = Result<Case, E>>,
) -> Result<Imported, Error>
where
    E: Into<Box<dyn StdError + Send + Sync>>,
{
    let mut imported = Imported::default();
    let mut cases = cases.into_iter();
    let mut failed = None;
    loop {
        let readable = cases.by_ref().take(CHUNK).map_while(|case| match case {
            Ok(case) => Some(case),
            Err(error) => {
                failed = Some(Error::new(ErrorKind::SourceFailed).with_source(error));
                None
            }
        });
        let mut chunk: Vec<Case> = readable.collect();
        let is_last = chunk.len() < CHUNK;
        let numbered = chunk.iter().filter(|case| case.nhs_number.is_some());
        let numbered: Vec<CaseId> = numbered.map(|case| case.id.clone()).collect();
        // Cases that another program changed meanwhile are read again.
        while !chunk.is_empty() {
            chunk = import_chunk(store, actor, clock, chunk, &mut imported).await?;
        }
        imported.duplicates += flag_duplicates(store, actor, clock, &numbered).await?;
        if is_last {
            return failed.map_or(Ok(imported), Err);
        }
    }
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
        let stored = match store.cases().get(&read.id).await {
            Err(error) if error.is_about_a_damaged_case() => {
                unreadable += 1;
                continue;
            }
            stored => stored?,
        };
        match effect(stored.as_ref(), read, now, actor.user_id()) {
            Effect::New(case) => new.push(case),
            Effect::Updated(case) => updated.push(case),
            Effect::Unchanged => unchanged += 1,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{AuditLog, Filter, MemoryLog};
    use crate::case::{CaseStore, MemoryStore, RecordType};
    use crate::clock::FixedClock;
    use crate::process::alert::MemoryAlerts;
    use crate::process::store::joined::Joined;
    use crate::trace::{Caller, LocalIdentity};
    use chrono::DateTime;
    use std::sync::Arc;

    struct Office {
        cases: Arc<MemoryStore>,
        audit: Arc<MemoryLog>,
        store: Joined,
    }

    fn office() -> Office {
        let (cases, audit) = (Arc::new(MemoryStore::new()), Arc::new(MemoryLog::new()));
        let alerts = Arc::new(MemoryAlerts::default());
        let parts = (Arc::clone(&cases), Arc::clone(&audit));
        Office { cases, audit, store: Joined::new(parts.0, parts.1, alerts) }
    }

    fn actor() -> Actor {
        let import = LocalIdentity::new("RHM".parse().unwrap(), "import").unwrap();
        Actor::new(&Caller::System(import), "Nightly import")
    }

    fn case(number: usize) -> Case {
        Case::new(format!("RXX:{number:05}").parse().unwrap(), RecordType::Review)
    }

    fn stored(cases: &MemoryStore) -> usize {
        let text = format!("{cases:?}");
        text.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap()
    }

    #[tokio::test]
    async fn cases_are_stored_before_later_ones_are_read() {
        let office = office();
        let clock = FixedClock::at(DateTime::UNIX_EPOCH);
        let mut most = 0;
        let cases = (0..5 * CHUNK).map(|number| {
            most = most.max(number - stored(&office.cases));
            case(number)
        });
        let imported = import(&office.store, &actor(), &clock, cases).await.unwrap();
        assert_eq!((imported.new, stored(&office.cases)), (5 * CHUNK, 5 * CHUNK));
        assert_eq!(most, CHUNK - 1, "cases in memory");
    }

    #[tokio::test]
    async fn a_source_that_fails_ends_the_import_and_what_came_before_stays() {
        for whole in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1] {
            let office = office();
            let clock = FixedClock::at(DateTime::UNIX_EPOCH);
            let rows = (0..whole).map(|number| Ok(case(number)));
            let rows = rows.chain([Err("no more"), Ok(case(whole))]);
            let error = import_from(&office.store, &actor(), &clock, rows).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::SourceFailed, "{whole}");
            assert!(!error.is_transient());
            let source = StdError::source(&error).map(ToString::to_string);
            assert_eq!(source.as_deref(), Some("no more"));
            assert_eq!(stored(&office.cases), whole);
            let on_record = office.audit.page(&Filter::new(), 0, 9_999).await.unwrap();
            assert_eq!(on_record.len(), whole, "each case is on record");
        }
    }

    #[tokio::test]
    async fn of_a_case_that_occurs_twice_the_later_data_apply() {
        for apart in [1, CHUNK + 1] {
            let office = office();
            let clock = FixedClock::at(DateTime::UNIX_EPOCH);
            let mut later = case(0);
            later.surname = Some("Later".into());
            let cases = (0..apart).map(case).chain([later]);
            let imported = import(&office.store, &actor(), &clock, cases).await.unwrap();
            assert_eq!((imported.new, imported.updated), (apart, 1));
            let first = office.cases.get(&case(0).id).await.unwrap().unwrap();
            assert_eq!(first.surname.as_deref(), Some("Later"));
        }
    }
}
