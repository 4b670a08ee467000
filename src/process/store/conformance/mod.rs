//! Tests a store of the process against the contract of [`Store`].
//!
//! ```
//! use nhs_pds::audit::MemoryLog;
//! use nhs_pds::case::MemoryStore;
//! use nhs_pds::process::alert::{AlertSink, MemoryAlerts};
//! use nhs_pds::process::store::{Joined, Store, conformance};
//! use std::sync::Arc;
//!
//! let joined = |alerts: Arc<dyn AlertSink>| -> Arc<dyn Store> {
//!     Arc::new(Joined::new(Arc::new(MemoryStore::new()), Arc::new(MemoryLog::new()), alerts))
//! };
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! conformance::check(async || joined(Arc::new(MemoryAlerts::default()))).await?;
//! conformance::check_deliveries(async |alerts| joined(alerts)).await
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The parts have suites of their own: [`case::conformance`] and
//! [`audit::conformance`]. What a store must survive (a crash, a full
//! disk), each store promises and tests itself.

mod alerts;

use crate::audit::{self, Actor, Entry, Event, EventKind, Filter, case_as_of};
use crate::case::{
    self, Case, CaseId, Change, Due, ErrorKind, Lease, NumberSource, Priority, RecordType,
    RecordedNumber, Setting,
};
use crate::nhs_number::NhsNumber;
use crate::process::alert::AlertSink;
use crate::process::error::Error;
use crate::process::store::commit::{Commit, Committed};
use crate::process::store::unit::Store;
use crate::trace::{Caller, LocalIdentity};
use chrono::{DateTime, TimeDelta, Utc};
use std::error::Error as StdError;
use std::sync::Arc;

/// Never issued to a person.
const NUMBER: NhsNumber = NhsNumber::constant(9_434_765_919);

/// How many commits run at once.
const RIVALS: usize = 8;

/// Checks a store that `new_store` creates, with any sink for alerts that works. It must return a new,
/// empty store at every call.
///
/// Needs a Tokio runtime. A runtime with several threads makes concurrent calls more likely to
/// conflict.
///
/// # Errors
///
/// [`Breach`], which names the clause of the contract that the store breaks.
pub async fn check(new_store: impl AsyncFn() -> Arc<dyn Store>) -> Result<(), Breach> {
    records_and_saves(&*new_store().await).await?;
    keeps_what_was_recorded(&*new_store().await).await?;
    checks_sole_holders_after_all_changes(&*new_store().await).await?;
    ends_leases(&*new_store().await).await?;
    sets(&*new_store().await).await?;
    alerts::takes_alerts_off_their_cases(&*new_store().await).await?;
    alerts::delivers_stored_alerts(&*new_store().await).await?;
    one_of_many_commits_wins(new_store().await).await
}

/// Checks how a store delivers alerts to the sink of another maker, which `new_store` gets.
///
/// # Errors
///
/// [`Breach`], which names the clause of the contract that the store breaks.
pub async fn check_deliveries(
    new_store: impl AsyncFn(Arc<dyn AlertSink>) -> Arc<dyn Store>,
) -> Result<(), Breach> {
    let sink = Arc::new(alerts::Sink::default());
    let store = new_store(Arc::<alerts::Sink>::clone(&sink)).await;
    alerts::keeps_an_alert_until_it_is_delivered(&*store, &sink).await
}

/// A clause of the contract that a store breaks. Report a defect of the store.
#[derive(Debug, thiserror::Error)]
#[error("a store breaks its contract: {clause}")]
pub struct Breach {
    clause: &'static str,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Breach {
    /// The clause that was broken.
    #[must_use]
    pub const fn clause(&self) -> &'static str {
        self.clause
    }

    /// A call failed without a reason.
    fn failed(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { clause: "calls succeed when nothing is wrong", source: Some(error.into()) }
    }
}

impl From<Error> for Breach {
    fn from(error: Error) -> Self {
        Self::failed(error)
    }
}

impl From<case::Error> for Breach {
    fn from(error: case::Error) -> Self {
        Self::failed(error)
    }
}

impl From<audit::Error> for Breach {
    fn from(error: audit::Error) -> Self {
        Self::failed(error)
    }
}

fn hold(condition: bool, clause: &'static str) -> Result<(), Breach> {
    if condition { Ok(()) } else { Err(Breach { clause, source: None }) }
}

/// Parts of the suite's own that are valid.
fn valid<T, E: Into<Box<dyn StdError + Send + Sync>>>(part: Result<T, E>) -> Result<T, Breach> {
    let clause = "the suite's parts are valid";
    part.map_err(|error| Breach { clause, source: Some(error.into()) })
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
}

fn actor() -> Result<Actor, Breach> {
    let us = valid(LocalIdentity::new(valid("RHM".parse())?, "conformance"))?;
    Ok(Actor::new(&Caller::System(us), "Conformance"))
}

fn new_case(id: &str) -> Result<Case, Breach> {
    Ok(Case::new(valid(id.parse())?, RecordType::AdultCase))
}

fn with_number(mut case: Case) -> Case {
    case.nhs_number = Some(RecordedNumber::new(NUMBER, NumberSource::Imported(None)));
    case
}

fn commit() -> Result<Commit, Breach> {
    Ok(Commit::new(&actor()?, at(10)))
}

/// The commit with a save of `case`, due at once.
fn saving(commit: Commit, case: &Case) -> Commit {
    commit.save(Change::new(case.clone()), &[("decision", "tested")])
}

/// An entry that is about no change.
fn noted(what: &str) -> Result<Entry, Breach> {
    Ok(Entry::new(EventKind::SignedOut, at(10), &actor()?).with_detail("what", what))
}

async fn events(store: &dyn Store) -> Result<Vec<Event>, Breach> {
    Ok(store.audit().page(&Filter::new(), 0, usize::MAX).await?)
}

async fn kinds(store: &dyn Store) -> Result<Vec<EventKind>, Breach> {
    Ok(events(store).await?.iter().map(|event| event.kind).collect())
}

/// The case as it is stored, if the trail agrees.
async fn stored(store: &dyn Store, id: &CaseId) -> Result<Option<Case>, Breach> {
    let stored = store.cases().get(id).await?;
    let clause = "the last record of a case in the trail is the case as it is stored";
    if let Some(case) = &stored {
        let recorded = case_as_of(store.audit(), id, case.version, at(99)).await?;
        hold(recorded.as_ref() == Some(case), clause)?;
    }
    Ok(stored)
}

async fn records_and_saves(store: &dyn Store) -> Result<(), Breach> {
    let (mut a, mut b) = (new_case("a")?, new_case("b")?);
    let due = Due::new(Priority::Routine, at(20));
    let first = saving(commit()?.record(noted("first")?), &a)
        .save(Change::new(b.clone()).with_due(due), &[("decision", "tested")]);
    hold(store.commit(first).await?.is_done(), "a commit that nothing prevents is done")?;
    let expected = [EventKind::SignedOut, EventKind::CaseChanged, EventKind::CaseChanged];
    let clause = "the trail has what was recorded, and then one entry for each save";
    hold(kinds(store).await? == expected, clause)?;
    (a.version, b.version) = (1, 1);
    let saved = [stored(store, &a.id).await?, stored(store, &b.id).await?];
    hold(saved == [Some(a.clone()), Some(b)], "cases of version 0 are added")?;
    let claim = store.cases().claim_due(9, &Lease::new("a", at(19), at(29))).await?;
    let ids: Vec<&CaseId> = claim.cases.iter().map(|case| &case.id).collect();
    hold(ids == [&a.id], "a saved case is due at the time of its change")?;
    a.surname = Some("Smith".into());
    hold(store.commit(saving(commit()?, &a)).await?.is_done(), "a stored case is saved")?;
    a.version = 2;
    hold(stored(store, &a.id).await? == Some(a), "a stored case is saved over its version")?;
    hold(store.commit(commit()?).await?.is_done(), "an empty commit is done")?;
    hold(kinds(store).await?.len() == 4, "an empty commit records nothing")
}

async fn keeps_what_was_recorded(store: &dyn Store) -> Result<(), Breach> {
    let (mut a, mut b) = (new_case("a")?, new_case("b")?);
    let _done = store.commit(saving(saving(commit()?, &a), &b)).await?;
    (a.version, b.version) = (1, 3);
    b.surname = Some("Late".into());
    let before = events(store).await?.len();
    let late = saving(saving(commit()?.record(noted("answer")?), &a), &b);
    let refused = Committed::Refused { kind: ErrorKind::Conflict, case: Some(b.id.clone()) };
    let clause = "a commit over an old version is refused, and names the case";
    hold(store.commit(late).await? == refused, clause)?;
    let clause = "when one save of a commit is refused, nothing is saved";
    hold(stored(store, &a.id).await? == Some(a.clone()), clause)?;
    b.version = 1;
    b.surname = None;
    hold(stored(store, &b.id).await? == Some(b), clause)?;
    let later = events(store).await?;
    let answer = later.iter().skip(before).any(|event| event.kind == EventKind::SignedOut);
    hold(answer, "what was recorded stands when the saves are refused")?;
    let again = saving(commit()?, &new_case("a")?);
    let refused = Committed::Refused { kind: ErrorKind::Exists, case: Some(a.id.clone()) };
    hold(store.commit(again).await? == refused, "a case that exists is not added")?;
    let mut unknown = new_case("c")?;
    unknown.version = 1;
    let gone = store.commit(saving(commit()?, &unknown)).await?;
    let refused = Committed::Refused { kind: ErrorKind::NotFound, case: Some(unknown.id) };
    hold(gone == refused, "a case that does not exist is not saved")?;
    hold(stored(store, &a.id).await? == Some(a), "a refused commit changes no case")
}

async fn checks_sole_holders_after_all_changes(store: &dyn Store) -> Result<(), Breach> {
    let (mut a, mut b, mut c) = (with_number(new_case("a")?), new_case("b")?, new_case("c")?);
    let _done = store.commit(saving(saving(saving(commit()?, &a), &b), &c)).await?;
    (a.version, b.version, c.version) = (1, 1, 1);
    let sole = |case: &Case| Change::as_sole_holder(with_number(case.clone()));
    let why = [("decision", "tested")];
    let taken = store.commit(commit()?.save(sole(&b), &why)).await?;
    let clause = "a number that another case has gets no sole holder";
    hold(matches!(taken, Committed::Refused { kind: ErrorKind::NumberTaken, .. }), clause)?;
    a.nhs_number = None;
    let both = saving(commit()?, &a).save(sole(&b), &why).save(sole(&c), &why);
    let clause = "two cases of one commit with one number are not sole holders";
    let taken = store.commit(both).await?;
    hold(matches!(taken, Committed::Refused { kind: ErrorKind::NumberTaken, .. }), clause)?;
    let moved = store.commit(commit()?.save(sole(&b), &why).save(Change::new(a), &why)).await?;
    hold(moved.is_done(), "a number may move to another case in one commit")?;
    hold(store.cases().holders(NUMBER).await? == [b.id.clone()], "the number has moved")?;
    stored(store, &b.id).await?;
    hold(stored(store, &c.id).await? == Some(c), "a refused sole holder changes nothing")
}

async fn ends_leases(store: &dyn Store) -> Result<(), Breach> {
    let (mut a, b) = (new_case("a")?, new_case("b")?);
    let _done = store.commit(saving(saving(commit()?, &a), &b)).await?;
    a.version = 1;
    let lease = |owner: &str| Lease::new(owner, at(10), at(20));
    let claim = store.cases().claim_due(9, &lease("us")).await?;
    hold(claim.cases.len() == 2, "committed cases are due at once")?;
    let save = saving(commit()?, &a).release("us", vec![a.id.clone()]);
    hold(store.commit(save).await?.is_done(), "a leased case is saved")?;
    let claim = store.cases().claim_due(9, &lease("them")).await?;
    let ids: Vec<&CaseId> = claim.cases.iter().map(|case| &case.id).collect();
    hold(ids == [&a.id], "the leases end that the commit names, and no others")?;
    // Version 1 is not stored any more.
    let late = saving(commit()?, &a).release("us", vec![b.id.clone()]);
    hold(!store.commit(late).await?.is_done(), "an old version is refused")?;
    let claim = store.cases().claim_due(9, &lease("them")).await?;
    hold(claim.cases.is_empty(), "no lease ends when the saves are refused")?;
    let _done = store.commit(commit()?.release("us", vec![b.id.clone()])).await?;
    let claim = store.cases().claim_due(9, &lease("them")).await?;
    let ids: Vec<&CaseId> = claim.cases.iter().map(|case| &case.id).collect();
    hold(ids == [&b.id], "leases end in a commit without changes")
}

async fn sets(store: &dyn Store) -> Result<(), Breach> {
    let set = |version, value: &str| {
        let setting = Setting { version, value: value.to_owned() };
        let entry = Entry::new(EventKind::ConfigurationChanged, at(10), &actor()?);
        Ok::<_, Breach>(commit()?.set("colour", setting, entry))
    };
    hold(store.commit(set(0, "red")?).await?.is_done(), "a setting is saved")?;
    let stored = store.cases().setting("colour").await?;
    hold(stored == Some(Setting { version: 1, value: "red".into() }), "a setting is stored")?;
    hold(kinds(store).await? == [EventKind::ConfigurationChanged], "a setting is on record")?;
    let late = store.commit(set(0, "blue")?).await?;
    let refused = Committed::Refused { kind: ErrorKind::Conflict, case: None };
    hold(late == refused, "a setting is not saved over another version")?;
    let stored = store.cases().setting("colour").await?.map(|setting| setting.value);
    hold(stored.as_deref() == Some("red"), "a refused setting changes nothing")?;
    let (mut made, mut withdrawn) = (0, 0);
    for event in events(store).await? {
        let is_withdrawn = event.details.iter().any(|(key, _)| key == "outcome");
        *(if is_withdrawn { &mut withdrawn } else { &mut made }) += 1;
    }
    hold(made == withdrawn + 1, "an entry of a refused setting is withdrawn")
}

async fn one_of_many_commits_wins(store: Arc<dyn Store>) -> Result<(), Breach> {
    let mut case = new_case("a")?;
    let _done = store.commit(saving(commit()?, &case)).await?;
    case.version = 1;
    let mut rivals = Vec::with_capacity(RIVALS);
    for rival in 0..RIVALS {
        case.surname = Some(rival.to_string());
        let commit = saving(commit()?.record(noted("answer")?), &case);
        let store = Arc::clone(&store);
        rivals.push(tokio::spawn(async move { store.commit(commit).await }));
    }
    let mut won = Vec::new();
    for (rival, task) in rivals.into_iter().enumerate() {
        let clause = "a commit does not panic";
        if task.await.map_err(|_| Breach { clause, source: None })??.is_done() {
            won.push(Some(rival.to_string()));
        }
    }
    let after = stored(&*store, &case.id).await?;
    let surname = after.map(|case| (vec![case.surname], case.version));
    hold(surname == Some((won, 2)), "exactly one of many concurrent commits succeeds")?;
    let answers = kinds(&*store).await?;
    let answers = answers.iter().filter(|kind| **kind == EventKind::SignedOut).count();
    hold(answers == RIVALS, "each of many concurrent commits leaves what it recorded")?;
    let verdict = store.audit().verify(&[]).await?;
    hold(verdict.is_whole(), "the trail is whole after many concurrent commits")
}
