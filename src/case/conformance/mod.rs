//! Tests a store of cases against the contract of [`CaseStore`].
//!
//! ```
//! use nhs_pds::case::{CaseStore, MemoryStore, conformance};
//! use std::sync::Arc;
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! conformance::check(async || Arc::new(MemoryStore::new()) as Arc<dyn CaseStore>).await
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What a store must survive (a crash, a full disk), each store promises and tests itself.

mod batches;
mod due;
mod full_case;
mod leases;
mod rivals;
mod settings;
mod worklist;

use crate::case::deletion::{Deletion, DeletionKind};
use crate::case::error::{Error, ErrorKind};
use crate::case::id::CaseId;
use crate::case::number::{NumberSource, RecordedNumber};
use crate::case::record::Case;
use crate::case::record_type::RecordType;
use crate::case::store::{CaseStore, Change};
use crate::nhs_number::NhsNumber;
use chrono::DateTime;
use full_case::full_case;
use std::sync::Arc;

/// Never issued to a person.
const NUMBER: NhsNumber = NhsNumber::constant(9_434_765_919);
const OTHER_NUMBER: NhsNumber = NhsNumber::constant(9_449_304_424);

/// How many saves run at once.
const RIVALS: usize = 8;

/// Checks a store that `new_store` creates. It must return a new, empty store at every call.
///
/// Needs a Tokio runtime. A runtime with several threads makes concurrent calls more likely to
/// conflict.
///
/// # Errors
///
/// [`Breach`], which names the clause of the contract that the store breaks.
pub async fn check(new_store: impl AsyncFn() -> Arc<dyn CaseStore>) -> Result<(), Breach> {
    inserts_and_gets(&*new_store().await).await?;
    inserts_all_or_none(&*new_store().await).await?;
    saves_over_what_was_read(&*new_store().await).await?;
    pages_in_order(&*new_store().await).await?;
    finds_holders(&*new_store().await).await?;
    saves_sole_holders(&*new_store().await).await?;
    saves_all_or_none(&*new_store().await).await?;
    inserts_and_saves_together(&*new_store().await).await?;
    leaves_deleted_cases_out_of_the_holders(&*new_store().await).await?;
    erases(&*new_store().await).await?;
    leases::leases_to_one_at_a_time(&*new_store().await).await?;
    leases::gives_back(&*new_store().await).await?;
    leases::one_of_many_claims_wins(new_store().await).await?;
    due::claims_in_the_order_of_work(&*new_store().await).await?;
    due::leaves_out_what_became_due_later(&*new_store().await).await?;
    due::plans_over_what_was_read(&*new_store().await).await?;
    due::mistrusts_far_plans(&*new_store().await).await?;
    due::counts_what_needs_attention(&*new_store().await).await?;
    settings::saves_settings(&*new_store().await).await?;
    settings::one_of_many_settings_wins(new_store().await).await?;
    worklist::lists_items(&*new_store().await).await?;
    worklist::counts_items(&*new_store().await).await?;
    worklist::searches(&*new_store().await).await?;
    batches::submissions(&*new_store().await).await?;
    rivals::one_of_many_saves_wins(new_store().await).await?;
    rivals::one_of_many_holders_is_the_sole_one(new_store().await).await
}

/// A clause of the contract that a store breaks. Report a defect of the store.
#[derive(Debug, thiserror::Error)]
#[error("a store of cases breaks its contract: {clause}")]
pub struct Breach {
    clause: &'static str,
    source: Option<Error>,
}

impl Breach {
    /// The clause that was broken.
    #[must_use]
    pub const fn clause(&self) -> &'static str {
        self.clause
    }
}

/// A call failed without a reason.
impl From<Error> for Breach {
    fn from(error: Error) -> Self {
        Self { clause: "calls succeed when nothing is wrong", source: Some(error) }
    }
}

fn hold(condition: bool, clause: &'static str) -> Result<(), Breach> {
    if condition { Ok(()) } else { Err(Breach { clause, source: None }) }
}

fn refuse<T>(
    result: Result<T, Error>,
    kind: ErrorKind,
    clause: &'static str,
) -> Result<(), Breach> {
    match result {
        Err(error) if error.kind() == kind => Ok(()),
        Err(error) => Err(Breach { clause, source: Some(error) }),
        Ok(_) => hold(false, clause),
    }
}

fn case(id: &str) -> Result<Case, Breach> {
    let id = id.parse().map_err(|_| Breach { clause: "the suite's ids are ids", source: None })?;
    Ok(Case::new(id, RecordType::AdultCase))
}

async fn inserts_and_gets(store: &dyn CaseStore) -> Result<(), Breach> {
    let cases = [full_case("1")?, case("2")?];
    hold(
        store.get(&case("1")?.id).await?.is_none(),
        "a case that was not inserted does not exist",
    )?;
    store.insert_all(cases.to_vec()).await?;
    for mut case in cases {
        case.version = 1;
        let got = store.get(&case.id).await?;
        hold(got.as_ref() == Some(&case), "a case is returned as it was inserted, at version 1")?;
    }
    store.insert_all(Vec::new()).await?;
    hold(store.page(None, 9).await?.len() == 2, "inserting no cases changes nothing")
}

async fn inserts_all_or_none(store: &dyn CaseStore) -> Result<(), Breach> {
    store.insert_all(vec![full_case("2")?]).await?;
    let exists = store.insert_all(vec![case("1")?, case("2")?, case("3")?]).await;
    let named = exists.as_ref().err().and_then(Error::case) == Some(&case("2")?.id);
    refuse(exists, ErrorKind::Exists, "a case that exists is not inserted")?;
    hold(named, "the error names the case that exists")?;
    let twice = store.insert_all(vec![case("4")?, case("5")?, case("4")?]).await;
    refuse(twice, ErrorKind::Exists, "a case that occurs twice is not inserted")?;
    let mut saved = case("6")?;
    saved.version = 1;
    let saved = store.insert_all(vec![case("7")?, saved]).await;
    refuse(saved, ErrorKind::Conflict, "a case with a version is not inserted")?;
    let mut only = full_case("2")?;
    only.version = 1;
    hold(store.page(None, 9).await? == [only], "a rejected insert changes nothing")?;
    hold(store.holders(NUMBER).await? == [case("2")?.id], "a rejected insert changes no holders")
}

async fn saves_over_what_was_read(store: &dyn CaseStore) -> Result<(), Breach> {
    store.insert_all(vec![case("1")?, case("2")?]).await?;
    let mut full = full_case("1")?;
    refuse(store.save(&full).await, ErrorKind::Exists, "version 0 saves over nothing")?;
    full.version = 1;
    hold(store.save(&full).await? == 2, "a save returns the next version")?;
    let mut late = case("1")?;
    late.version = 1;
    refuse(store.save(&late).await, ErrorKind::Conflict, "an old version is not saved")?;
    late.version = 3;
    refuse(store.save(&late).await, ErrorKind::Conflict, "a future version is not saved")?;
    full.version = 2;
    hold(store.get(&full.id).await?.as_ref() == Some(&full), "a case is returned as it was saved")?;
    hold(store.save(&full).await? == 3, "a save without a change is a save")?;
    let other = store.get(&case("2")?.id).await?.map(|case| case.version);
    hold(other == Some(1), "a save changes no other case")?;
    let mut unknown = case("3")?;
    for version in [1, 7] {
        unknown.version = version;
        refuse(store.save(&unknown).await, ErrorKind::NotFound, "an unknown case is not saved")?;
    }
    hold(store.get(&unknown.id).await?.is_none(), "a rejected save inserts nothing")
}

async fn pages_in_order(store: &dyn CaseStore) -> Result<(), Breach> {
    hold(store.page(None, 9).await?.is_empty(), "an empty store has no pages")?;
    // By bytes: not by number, not ignoring case, not in the order of an alphabet.
    let ordered = ["10", "9", "A", "Z", "a", "a 1", "a1", "z", "\u{e9}", "\u{ffe6}", "\u{10000}"];
    let mut cases = ordered.iter().map(|id| case(id)).collect::<Result<Vec<_>, _>>()?;
    let ids: Vec<CaseId> = cases.iter().map(|case| case.id.clone()).collect();
    cases.reverse();
    cases.swap(2, 7);
    store.insert_all(cases).await?;
    for limit in 1..=ordered.len() + 1 {
        let mut seen: Vec<CaseId> = Vec::new();
        loop {
            let page = store.page(seen.last(), limit).await?;
            hold(page.len() <= limit, "a page has at most the requested number of cases")?;
            if page.is_empty() {
                break;
            }
            seen.extend(page.into_iter().map(|case| case.id));
            hold(seen.len() <= ids.len(), "paging ends")?;
        }
        hold(seen == ids, "pages contain every case once, in the order of the ids' bytes")?;
    }
    hold(store.page(None, 0).await?.is_empty(), "a page with limit 0 is empty")?;
    hold(store.page(None, usize::MAX).await?.len() == ids.len(), "a page may contain everything")?;
    let between = store.page(Some(&case("Zz")?.id), 1).await?;
    let next = between.first().map(|case| case.id.as_str());
    hold(next == Some("a"), "a page may begin after an id that does not exist")
}

fn imported(number: NhsNumber) -> Option<RecordedNumber> {
    Some(RecordedNumber::new(number, NumberSource::Imported(None)))
}

async fn finds_holders(store: &dyn CaseStore) -> Result<(), Breach> {
    let (mut a, mut b, c) = (case("a")?, case("b")?, case("c")?);
    (a.nhs_number, b.nhs_number) = (imported(NUMBER), imported(NUMBER));
    let (id_a, id_b) = (a.id.clone(), b.id.clone());
    store.insert_all(vec![c, b.clone(), a.clone()]).await?;
    let holders = store.holders(NUMBER).await?;
    hold(holders == [id_a.clone(), id_b.clone()], "holders are in the order of their ids")?;
    hold(
        store.holders(OTHER_NUMBER).await?.is_empty(),
        "a number that no case has has no holders",
    )?;
    a.version = 1;
    a.surname = Some("Smith".into());
    store.save(&a).await?;
    hold(
        store.holders(NUMBER).await?.len() == 2,
        "a save that does not change the number keeps the holder",
    )?;
    a.version = 2;
    a.nhs_number = None;
    store.save(&a).await?;
    hold(
        store.holders(NUMBER).await? == [id_b.clone()],
        "a case whose number was removed is not a holder",
    )?;
    b.version = 1;
    b.nhs_number = imported(OTHER_NUMBER);
    store.save(&b).await?;
    hold(
        store.holders(NUMBER).await?.is_empty(),
        "a case whose number was changed is not a holder",
    )?;
    a.version = 3;
    a.nhs_number = imported(OTHER_NUMBER);
    store.save(&a).await?;
    let both = store.holders(OTHER_NUMBER).await? == [id_a, id_b];
    hold(both, "a case that got a number in a save is a holder")
}

async fn saves_sole_holders(store: &dyn CaseStore) -> Result<(), Breach> {
    let (mut a, mut b) = (case("a")?, case("b")?);
    a.nhs_number = imported(OTHER_NUMBER);
    store.insert_all(vec![a.clone(), b.clone()]).await?;
    (a.version, b.version) = (1, 1);
    b.nhs_number = imported(OTHER_NUMBER);
    let recorded = store.save_as_sole_holder(&b).await;
    let named = recorded.as_ref().err().and_then(Error::case).is_none_or(|case| *case == b.id);
    refuse(recorded, ErrorKind::NumberTaken, "a number that another case has gets no sole holder")?;
    hold(named, "the error does not name the holder of the number")?;
    let mut stored = case("b")?;
    stored.version = 1;
    hold(store.get(&b.id).await? == Some(stored), "a rejected sole holder changes nothing")?;
    hold(store.holders(OTHER_NUMBER).await? == [a.id.clone()], "a rejected case is not a holder")?;
    let own = store.save_as_sole_holder(&a).await?;
    hold(own == 2, "the only holder of a number may be saved as its sole holder")?;
    a.nhs_number = None;
    refuse(
        store.save_as_sole_holder(&a).await,
        ErrorKind::Conflict,
        "a sole holder is not saved over an old version",
    )?;
    a.version = 2;
    let without = store.save_as_sole_holder(&a).await?;
    hold(without == 3, "a case without a number may be saved as a sole holder")?;
    let free = store.save_as_sole_holder(&b).await?;
    hold(free == 2, "a number that was removed from a case gets a sole holder")?;
    b.version = 2;
    hold(store.get(&b.id).await? == Some(b.clone()), "a sole holder is returned as it was saved")?;
    hold(store.holders(OTHER_NUMBER).await? == [b.id], "a case saved as sole holder is a holder")?;
    a.version = 3;
    a.nhs_number = imported(OTHER_NUMBER);
    hold(store.save(&a).await? == 4, "a plain save does not check the holders of the number")?;
    let mut unknown = case("c")?;
    unknown.version = 1;
    let unknown = store.save_as_sole_holder(&unknown).await;
    refuse(unknown, ErrorKind::NotFound, "an unknown case is not saved as a sole holder")
}

async fn saves_all_or_none(store: &dyn CaseStore) -> Result<(), Breach> {
    let (mut a, mut b, mut c) = (case("a")?, case("b")?, case("c")?);
    a.nhs_number = imported(NUMBER);
    store.insert_all(vec![a.clone(), b.clone(), c.clone()]).await?;
    (a.version, b.version, c.version) = (1, 1, 7);
    b.surname = Some("Smith".into());
    let late = store.save_all(vec![Change::new(b.clone()), Change::new(c.clone())]).await;
    let named = late.as_ref().err().and_then(Error::case) == Some(&c.id);
    refuse(late, ErrorKind::Conflict, "if one of several versions is old, none is saved")?;
    hold(named, "the error names the case that has changed")?;
    let stored = store.get(&b.id).await?.map(|case| case.version);
    hold(stored == Some(1), "a case rejected with others is not saved")?;
    c.version = 1;
    (b.nhs_number, c.nhs_number) = (imported(OTHER_NUMBER), imported(OTHER_NUMBER));
    let both = vec![Change::as_sole_holder(b.clone()), Change::new(c.clone())];
    refuse(
        store.save_all(both).await,
        ErrorKind::NumberTaken,
        "two cases of one call with one number are not sole holders",
    )?;
    // The number moves to another case in one step.
    a.nhs_number = None;
    b.nhs_number = imported(NUMBER);
    store.save_all(vec![Change::as_sole_holder(b.clone()), Change::new(a.clone())]).await?;
    hold(store.holders(NUMBER).await? == [b.id], "a number may move to another case in one call")?;
    store.save_all(Vec::new()).await?;
    hold(store.page(None, 9).await?.len() == 3, "saving no cases changes nothing")
}

async fn inserts_and_saves_together(store: &dyn CaseStore) -> Result<(), Breach> {
    let (mut a, mut b, c) = (case("a")?, case("b")?, case("c")?);
    a.nhs_number = imported(NUMBER);
    store.save_all(vec![Change::new(a.clone())]).await?;
    a.version = 1;
    hold(store.get(&a.id).await? == Some(a.clone()), "a case of version 0 is added by a save")?;
    let late = store.save_all(vec![Change::new(c.clone()), Change::new(case("a")?)]).await;
    let named = late.as_ref().err().and_then(Error::case) == Some(&a.id);
    refuse(late, ErrorKind::Exists, "a case of version 0 that exists is not saved")?;
    hold(named, "the error names the case that exists")?;
    hold(store.get(&c.id).await?.is_none(), "a case rejected with others is not added")?;
    b.nhs_number = imported(NUMBER);
    refuse(
        store.save_all(vec![Change::new(c.clone()), Change::as_sole_holder(b.clone())]).await,
        ErrorKind::NumberTaken,
        "a new case is not the sole holder of a number that another case has",
    )?;
    hold(store.page(None, 9).await? == [a.clone()], "a rejected new case is not added")?;
    a.nhs_number = None;
    store.save_all(vec![Change::as_sole_holder(b.clone()), Change::new(a), Change::new(c)]).await?;
    hold(store.holders(NUMBER).await? == [b.id], "cases are added and saved in one call")
}

async fn leaves_deleted_cases_out_of_the_holders(store: &dyn CaseStore) -> Result<(), Breach> {
    let (mut a, mut b) = (case("a")?, case("b")?);
    (a.nhs_number, b.nhs_number) = (imported(NUMBER), imported(NUMBER));
    a.deleted = Some(Deletion::new(DateTime::UNIX_EPOCH, "1", DeletionKind::Logical));
    store.insert_all(vec![a.clone(), b.clone()]).await?;
    (a.version, b.version) = (1, 1);
    hold(
        store.holders(NUMBER).await? == [b.id.clone()],
        "a case that is not active is not a holder",
    )?;
    let stored = store.get(&a.id).await?;
    hold(stored.as_ref() == Some(&a), "a case that is not active is returned as it was saved")?;
    store.save_as_sole_holder(&b).await?;
    a.deleted = None;
    refuse(
        store.save_as_sole_holder(&a).await,
        ErrorKind::NumberTaken,
        "an undeleted case cannot be sole holder of a number that another case has",
    )?;
    store.save(&a).await?;
    hold(store.holders(NUMBER).await? == [a.id, b.id], "an undeleted case is a holder again")
}

async fn erases(store: &dyn CaseStore) -> Result<(), Breach> {
    store.insert_all(vec![full_case("1")?]).await?;
    let mut erased = case("1")?;
    refuse(store.erase(erased.clone()).await, ErrorKind::Exists, "an erasure is a save")?;
    erased.version = 2;
    refuse(store.erase(erased.clone()).await, ErrorKind::Conflict, "an erasure is a save")?;
    erased.version = 1;
    erased.deleted = Some(Deletion::new(DateTime::UNIX_EPOCH, "1", DeletionKind::Erased));
    store.erase(erased.clone()).await?;
    erased.version = 2;
    hold(store.get(&erased.id).await? == Some(erased), "an erased case has only the saved data")
}
