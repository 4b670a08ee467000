//! Pages of review items and of found cases, for screens.

use super::{Breach, NUMBER, OTHER_NUMBER, case, hold, imported};
use crate::case::deletion::{Deletion, DeletionKind};
use crate::case::id::CaseId;
use crate::case::item_counts::ItemCounts;
use crate::case::record::Allocation;
use crate::case::record::Case;
use crate::case::review::{Evidence, ReviewReason, ReviewState};
use crate::case::search::CaseFilter;
use crate::case::store::CaseStore;
use crate::case::work_item::{ItemFilter, ItemId, ItemPlace, WorkItem};
use crate::demographics::{FullDate, PartialDate};
use chrono::{DateTime, TimeDelta};

/// A case with an item for each of `reasons`.
fn with_items(id: &str, reasons: &[ReviewReason]) -> Result<Case, Breach> {
    let mut case = case(id)?;
    for (number, reason) in reasons.iter().enumerate() {
        let at =
            DateTime::UNIX_EPOCH + TimeDelta::seconds(i64::try_from(number).unwrap_or_default());
        case.open_item(*reason, &Evidence::default(), at);
    }
    Ok(case)
}

/// The items of all pages of `limit`.
async fn listed(
    store: &dyn CaseStore,
    filter: &ItemFilter,
    limit: usize,
) -> Result<Vec<ItemPlace>, Breach> {
    let mut items: Vec<ItemPlace> = Vec::new();
    loop {
        let page = store.worklist(filter, items.last(), limit).await?;
        hold(page.len() <= limit, "a worklist has at most the requested number of items")?;
        let is_last = page.len() < limit;
        items.extend(page.iter().map(WorkItem::place));
        if is_last {
            return Ok(items);
        }
        hold(items.len() < 100, "paging through a worklist ends")?;
    }
}

/// Whether each size of pages gives the items in `expected`, as `case/item`.
async fn lists(
    store: &dyn CaseStore,
    filter: &ItemFilter,
    expected: &[&str],
    clause: &'static str,
) -> Result<(), Breach> {
    for limit in [1, 2, 3, 50] {
        let items = listed(store, filter, limit).await?;
        let items: Vec<String> =
            items.iter().map(|place| format!("{}/{}", place.id().case, place.id().item)).collect();
        hold(items == expected, clause)?;
    }
    Ok(())
}

pub(super) async fn lists_items(store: &dyn CaseStore) -> Result<(), Breach> {
    use ReviewReason::{Conflict, NoMatch, Replaced};
    let all = ItemFilter::default();
    lists(store, &all, &[], "an empty store has no items").await?;
    let mut cases = vec![
        with_items("B", &[NoMatch, Replaced, Conflict])?,
        with_items("a", &[Conflict])?,
        with_items("10", &[NoMatch])?,
        case("C")?,
        with_items("9", &[NoMatch])?,
    ];
    if let [first, ..] = cases.as_mut_slice()
        && let [with_gp, settled, assigned] = first.review.as_mut_slice()
    {
        with_gp.state = ReviewState::WithGp;
        settled.state = ReviewState::Resolved;
        assigned.assignee = Some("u1".into());
    }
    store.insert_all(cases.clone()).await?;
    let clause = "a worklist has the open items by age, case id and item number";
    lists(store, &all, &["10/1", "9/1", "B/1", "a/1", "B/3"], clause).await?;
    let by_reason = all.clone().with_reason(NoMatch);
    lists(store, &by_reason, &["10/1", "9/1", "B/1"], "a worklist by reason").await?;
    let by_state = all.clone().with_state(ReviewState::WithGp);
    lists(store, &by_state, &["B/1"], "a worklist by state").await?;
    let settled = all.clone().with_state(ReviewState::Resolved);
    lists(store, &settled, &["B/2"], "a worklist of settled items").await?;
    let both = settled.with_reason(Conflict);
    lists(store, &both, &[], "an item in a worklist meets every condition").await?;
    let mine = all.clone().with_assignee("u1");
    lists(store, &mine, &["B/3"], "a worklist by assignee").await?;
    lists(store, &mine.clone().with_reason(NoMatch), &[], "of an assignee, by reason").await?;
    let page = store.worklist(&mine, None, 1).await?;
    let item = page.first().filter(|item| {
        item.reason == Conflict
            && item.state == ReviewState::Open
            && item.assignee.as_deref() == Some("u1")
            && item.opened_at == DateTime::UNIX_EPOCH + TimeDelta::seconds(2)
    });
    hold(item.is_some(), "an item in a worklist is as it is on its case")?;
    hold(store.worklist(&all, None, 0).await?.is_empty(), "a worklist with limit 0 is empty")?;
    let behind = ItemPlace::new(DateTime::UNIX_EPOCH, ItemId::new(case("9a")?.id, 7));
    let page = store.worklist(&all, Some(&behind), 1).await?;
    let next = page.first().map(|item| item.id.case.as_str());
    hold(next == Some("B"), "a worklist may begin after an item that does not exist")?;
    follows_saves(store, cases).await
}

async fn follows_saves(store: &dyn CaseStore, mut cases: Vec<Case>) -> Result<(), Breach> {
    let [big, _, ten, new, nine] = cases.as_mut_slice() else {
        return hold(false, "there are five cases");
    };
    for case in [&mut *big, &mut *ten, &mut *new, &mut *nine] {
        case.version = 1;
    }
    if let Some(item) = ten.review.first_mut() {
        item.state = ReviewState::Dismissed;
    }
    nine.deleted = Some(Deletion::new(DateTime::UNIX_EPOCH, "u1", DeletionKind::Logical));
    new.open_item(ReviewReason::NoMatch, &Evidence::default(), DateTime::UNIX_EPOCH);
    big.review.remove(0);
    for case in [&*ten, &*nine, &*new, &*big] {
        store.save(case).await?;
    }
    let all = ItemFilter::default();
    let clause = "a worklist has the items of active cases as they were saved last";
    lists(store, &all, &["C/1", "a/1", "B/3"], clause).await?;
    nine.version = 2;
    nine.deleted = None;
    store.save(nine).await?;
    lists(store, &all, &["9/1", "C/1", "a/1", "B/3"], clause).await?;
    let mut erased = case("B")?;
    erased.version = 2;
    erased.deleted = Some(Deletion::new(DateTime::UNIX_EPOCH, "u1", DeletionKind::Erased));
    store.erase(erased).await?;
    lists(store, &all, &["9/1", "C/1", "a/1"], "an erased case has no items").await
}

/// Items that only some users see, and their counts.
pub(super) async fn counts_items(store: &dyn CaseStore) -> Result<(), Breach> {
    use ReviewReason::{Conflict, NoMatch};
    let none = store.item_counts("u1", None).await?;
    hold(none == ItemCounts::default(), "an empty store counts no items")?;
    let mut cases = vec![
        with_items("1", &[NoMatch, Conflict])?,
        with_items("2", &[Conflict, NoMatch, NoMatch])?,
        with_items("3", &[NoMatch])?,
        with_items("4", &[NoMatch])?,
    ];
    let ended: Option<FullDate> = "2026-01-31".parse().ok();
    if let [first, second, third, fourth] = cases.as_mut_slice() {
        // The nanoseconds are not part of an item's place.
        for item in &mut first.review {
            item.opened_at += TimeDelta::nanoseconds(999);
        }
        first.nhs_number = imported(NUMBER);
        first.allocations = vec![Allocation::new("ann"), Allocation::new("Ann")];
        second.allocations = vec![Allocation::new("bob"), Allocation::new("ann")];
        third.allocations = vec![Allocation { end: ended, ..Allocation::new("ann") }];
        fourth.allocations = vec![Allocation::new("ann")];
        fourth.deleted = Some(Deletion::new(DateTime::UNIX_EPOCH, "u1", DeletionKind::Logical));
        if let [conflict, with_gp, settled] = second.review.as_mut_slice() {
            (with_gp.state, with_gp.assignee) = (ReviewState::WithGp, Some("u1".into()));
            conflict.assignee = Some("u2".into());
            settled.state = ReviewState::Dismissed;
        }
    }
    store.insert_all(cases.clone()).await?;
    let all = ItemFilter::default();
    let of = |workers: &[&str]| all.clone().with_workers(workers.iter().copied());
    let clause =
        "a worklist of a worker has the items of cases that are allocated to the worker now";
    lists(store, &of(&["ann"]), &["1/1", "2/1", "1/2", "2/2"], clause).await?;
    lists(store, &of(&["bob", "x"]), &["2/1", "2/2"], clause).await?;
    lists(store, &of(&["bob"]).with_reason(Conflict), &["2/1"], clause).await?;
    lists(store, &of(&["bob"]).with_assignee("u1"), &["2/2"], clause).await?;
    lists(store, &of(&["ann"]).with_state(ReviewState::Open), &["1/1", "2/1", "1/2"], clause)
        .await?;
    lists(store, &of(&["ANN", "an", "%"]), &[], clause).await?;
    lists(store, &of(&[]), &[], "no worker has no items").await?;
    let clause = "a worklist of items that are assigned to no user";
    lists(store, &all.clone().unassigned(), &["1/1", "3/1", "1/2"], clause).await?;
    let clause = "a worklist of items of cases without an NHS Number";
    let unnumbered = all.clone().without_nhs_number();
    lists(store, &unnumbered, &["2/1", "3/1", "2/2"], clause).await?;
    lists(store, &unnumbered.unassigned().with_reason(NoMatch), &["3/1"], clause).await?;
    let found = |workers: &[&str]| CaseFilter::default().with_workers(workers.iter().copied());
    let clause = "a search of a worker finds cases that are allocated to the worker now";
    finds(store, &found(&["ann"]), &["1", "2"], clause).await?;
    finds(store, &found(&["ann"]).with_inactive().with_surname(""), &["1", "2", "4"], clause)
        .await?;
    finds(store, &found(&["ann"]).with_id(case("3")?.id), &[], clause).await?;
    finds(store, &found(&[]), &[], "no worker has no cases").await?;
    let unnumbered = CaseFilter::default().without_nhs_number();
    finds(store, &unnumbered, &["2", "3"], "a search of cases without an NHS Number").await?;
    counts_of_each_user(store).await?;
    counts_follow_saves(store, cases).await
}

async fn counts_of_each_user(store: &dyn CaseStore) -> Result<(), Breach> {
    use ReviewReason::{Conflict, NoMatch};
    let mut expected = ItemCounts::default();
    (expected.open, expected.assigned, expected.unassigned) = (5, 1, 3);
    expected.without_nhs_number = 3;
    expected.states = [(ReviewState::Open, 4), (ReviewState::WithGp, 1)].into();
    expected.reasons = [(NoMatch, 3), (Conflict, 2)].into();
    let counts = store.item_counts("u1", None).await?;
    hold(counts == expected, "open items of active cases are counted")?;
    (expected.open, expected.unassigned, expected.without_nhs_number) = (2, 0, 2);
    expected.states = [(ReviewState::Open, 1), (ReviewState::WithGp, 1)].into();
    expected.reasons = [(NoMatch, 1), (Conflict, 1)].into();
    let bob = ["bob".to_owned()];
    let counts = store.item_counts("u1", Some(&bob)).await?;
    hold(counts == expected, "open items of a worker's cases are counted")?;
    let nothing = store.item_counts("u1", Some(&[])).await?;
    hold(nothing == ItemCounts::default(), "no worker has no items to count")
}

async fn counts_follow_saves(store: &dyn CaseStore, mut cases: Vec<Case>) -> Result<(), Breach> {
    if let [first, second, third, _] = cases.as_mut_slice() {
        (first.version, second.version, third.version) = (1, 1, 1);
        first.nhs_number = None;
        first.allocations.clear();
        if let [item, ..] = second.review.as_mut_slice() {
            (item.state, item.assignee) = (ReviewState::WithFrontLine, None);
        }
        third.deleted = Some(Deletion::new(DateTime::UNIX_EPOCH, "u1", DeletionKind::Logical));
        store.save(first).await?;
        store.save(second).await?;
        store.save(third).await?;
    }
    let mut expected = ItemCounts::default();
    (expected.open, expected.assigned, expected.unassigned) = (4, 1, 3);
    expected.without_nhs_number = 4;
    expected.states =
        [(ReviewState::Open, 2), (ReviewState::WithFrontLine, 1), (ReviewState::WithGp, 1)].into();
    expected.reasons = [(ReviewReason::NoMatch, 2), (ReviewReason::Conflict, 2)].into();
    let counts = store.item_counts("u1", None).await?;
    hold(counts == expected, "counts are those of the cases as they were saved last")?;
    let ann = ["ann".to_owned()];
    let counts = store.item_counts("u1", Some(&ann)).await?;
    hold(counts.open == 2, "a case that is allocated to no worker any more is not counted")?;
    let mut erased = case("2")?;
    erased.version = 2;
    erased.deleted = Some(Deletion::new(DateTime::UNIX_EPOCH, "u1", DeletionKind::Erased));
    store.erase(erased).await?;
    let counts = store.item_counts("u1", None).await?;
    hold(counts.open == 2 && counts.assigned == 0, "an erased case has no items to count")
}

/// The ids of all pages of `limit`.
async fn found(
    store: &dyn CaseStore,
    filter: &CaseFilter,
    limit: usize,
) -> Result<Vec<CaseId>, Breach> {
    let mut ids: Vec<CaseId> = Vec::new();
    loop {
        let page = store.search(filter, ids.last(), limit).await?;
        hold(page.len() <= limit, "a search has at most the requested number of cases")?;
        let is_last = page.len() < limit;
        for case in page {
            let stored = store.get(&case.id).await?;
            hold(stored.as_ref() == Some(&case), "a found case is returned as it is stored")?;
            ids.push(case.id);
        }
        if is_last {
            return Ok(ids);
        }
        hold(ids.len() < 100, "paging through a search ends")?;
    }
}

async fn finds(
    store: &dyn CaseStore,
    filter: &CaseFilter,
    expected: &[&str],
    clause: &'static str,
) -> Result<(), Breach> {
    for limit in [1, 2, 3, 50] {
        let ids = found(store, filter, limit).await?;
        hold(ids.iter().map(CaseId::as_str).eq(expected.iter().copied()), clause)?;
    }
    Ok(())
}

pub(super) async fn searches(store: &dyn CaseStore) -> Result<(), Breach> {
    let born = |year, month, day| PartialDate::new(year, month, day).ok();
    let (may, april) = (born(1943, Some(5), Some(19)), born(1943, Some(4), Some(1)));
    let mut cases = Vec::new();
    for (id, surname, born, postcode) in [
        ("2", "O\u{2019}Br\u{ed}en", may, "kt171na"),
        ("10", "obrien smith", born(1943, Some(5), None), "KT17 1NA"),
        ("a", "O%", april, "not known"),
        ("b", "Brien", may, ""),
    ] {
        let mut case = case(id)?;
        (case.surname, case.date_of_birth) = (Some(surname.into()), born);
        case.postcode = Some(postcode.into());
        cases.push(case);
    }
    cases.push(case("c")?);
    if let [a, .., b, c] = cases.as_mut_slice() {
        (a.nhs_number, b.nhs_number) = (imported(NUMBER), imported(NUMBER));
        (c.nhs_number, c.surname) = (imported(NUMBER), Some("O\u{2019}Neill".into()));
        c.deleted = Some(Deletion::new(DateTime::UNIX_EPOCH, "u1", DeletionKind::Logical));
    }
    store.insert_all(cases.clone()).await?;
    let all = CaseFilter::default();
    finds(store, &all, &["10", "2", "a", "b"], "a search finds active cases by id").await?;
    let inactive = all.clone().with_inactive();
    finds(store, &inactive, &["10", "2", "a", "b", "c"], "a search of all cases").await?;
    let surname = |start: &str| all.clone().with_surname(start);
    finds(store, &surname("o'BRI"), &["10", "2"], "a search by the start of a surname").await?;
    finds(store, &surname("o%"), &["a"], "a surname is no pattern").await?;
    let number = all.clone().with_nhs_number(NUMBER);
    finds(store, &number, &["2", "b"], "a search by NHS Number").await?;
    let both = number.clone().with_inactive().with_surname("o");
    finds(store, &both, &["2", "c"], "a found case meets every condition").await?;
    let year = all.clone().with_date_of_birth(born(1943, None, None).ok_or(BIRTH)?);
    finds(store, &year, &["10", "2", "a", "b"], "a search by the year of birth").await?;
    let day = all.clone().with_date_of_birth(may.ok_or(BIRTH)?);
    finds(store, &day, &["2", "b"], "a search by date of birth").await?;
    let home = all.clone().with_postcode("KT171NA");
    finds(store, &home, &["10", "2"], "a search by postcode").await?;
    finds(store, &home.with_surname("obriens"), &["10"], "a search by several fields").await?;
    let one = all.clone().with_id(case("a")?.id);
    finds(store, &one, &["a"], "a search by case id").await?;
    finds(store, &one.with_surname("b"), &[], "a search by case id and surname").await?;
    hold(store.search(&all, None, 0).await?.is_empty(), "a search with limit 0 is empty")?;
    found_as_saved(store, cases).await
}

async fn found_as_saved(store: &dyn CaseStore, mut cases: Vec<Case>) -> Result<(), Breach> {
    let Some(first) = cases.first_mut() else { return hold(false, "there are cases") };
    first.version = 1;
    first.surname = Some("Aindow".into());
    (first.date_of_birth, first.postcode) = (None, None);
    first.nhs_number = imported(OTHER_NUMBER);
    store.save(first).await?;
    let all = CaseFilter::default();
    let clause = "a case is found by what was saved last";
    finds(store, &all.clone().with_surname("o'b"), &["10"], clause).await?;
    finds(store, &all.clone().with_surname("AIND"), &["2"], clause).await?;
    finds(store, &all.clone().with_nhs_number(NUMBER), &["b"], clause).await?;
    finds(store, &all.clone().with_postcode("KT17 1NA"), &["10"], clause).await?;
    let mut erased = case("2")?;
    erased.version = 2;
    erased.deleted = Some(Deletion::new(DateTime::UNIX_EPOCH, "u1", DeletionKind::Erased));
    store.erase(erased).await?;
    let clause = "an erased case is found by its id only";
    let inactive = all.with_inactive();
    finds(store, &inactive.clone().with_surname("A"), &[], clause).await?;
    finds(store, &inactive.clone().with_nhs_number(OTHER_NUMBER), &[], clause).await?;
    finds(store, &inactive.with_id(case("2")?.id), &["2"], clause).await
}

const BIRTH: Breach = Breach { clause: "the suite's dates are dates", source: None };
