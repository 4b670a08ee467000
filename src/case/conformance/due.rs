//! When cases are due: the order of work, plans, and what needs attention.

use super::leases::{Claimed, at, claimed, lease};
use super::{Breach, case, hold};
use crate::case::deletion::{Deletion, DeletionKind};
use crate::case::due::{Due, Planned, Priority};
use crate::case::id::CaseId;
use crate::case::lease::LONGEST_PLAN;
use crate::case::record::Case;
use crate::case::review::{Evidence, ReviewReason, ReviewState};
use crate::case::store::{CaseStore, Change};
use chrono::TimeDelta;

/// Saves the new case `id`, due then.
async fn add(store: &dyn CaseStore, id: &str, due: Due) -> Result<CaseId, Breach> {
    let case = case(id)?;
    let id = case.id.clone();
    store.save_all(vec![Change::new(case).with_due(due)]).await?;
    Ok(id)
}

/// Claims by a new owner, who releases all at once.
async fn seen(store: &dyn CaseStore, now: i64) -> Result<Claimed, Breach> {
    let claim = claimed(store, 99, &lease("seen", now)).await?;
    store.release("seen", &claim.0).await?;
    Ok(claim)
}

pub(super) async fn claims_in_the_order_of_work(store: &dyn CaseStore) -> Result<(), Breach> {
    let mut ids = Vec::new();
    // The ids are in the opposite order.
    for (id, priority, since) in [
        ("6", Priority::Screen, 8),
        ("5", Priority::Screen, 9),
        ("4", Priority::New, 9),
        ("3", Priority::Routine, 3),
        ("2", Priority::Routine, 5),
        ("1", Priority::Reverification, 1),
    ] {
        ids.push(add(store, id, Due::new(priority, at(since))).await?);
    }
    let later = add(store, "0", Due::new(Priority::Screen, at(60))).await?;
    let clause = "cases are leased by priority, then by the time since which they are due";
    hold(seen(store, 10).await? == (ids.clone(), None), clause)?;
    let (first, rest) = ids.split_at(4);
    let got = claimed(store, 4, &lease("a", 10)).await?;
    hold(got.0 == first, "the most urgent cases are leased first")?;
    let got = claimed(store, 4, &lease("b", 10)).await?;
    hold(got.0 == rest, "the next claim leases the next cases")?;
    let got = claimed(store, 4, &lease("a", 50)).await?;
    hold(got.0 == rest, "a case is not leased before it is due")?;
    let got = claimed(store, 9, &lease("c", 60)).await?;
    hold(got.0.contains(&later), "a case is leased from the time on at which it is due")
}

pub(super) async fn leaves_out_what_became_due_later(store: &dyn CaseStore) -> Result<(), Breach> {
    let id = add(store, "1", Due::new(Priority::New, at(15))).await?;
    let got = claimed(store, 9, &lease("a", 20).with_due_by(at(14))).await?;
    let clause = "a case that became due after the given time is not leased";
    hold(got == (Vec::new(), None), clause)?;
    let got = claimed(store, 9, &lease("a", 20).with_due_by(at(15))).await?;
    hold(got == (vec![id.clone()], None), "a case that was due at the given time is leased")?;
    let got = claimed(store, 9, &lease("b", 21).with_due_by(at(14))).await?;
    hold(got == (Vec::new(), None), "a leased case that is not due by then blocks no claim")?;
    let other = add(store, "2", Due::new(Priority::New, at(90))).await?;
    let got = store.claim(&other, &lease("a", 20)).await?;
    hold(got.cases.len() == 1, "a case is leased by its id whether or not it is due")
}

pub(super) async fn plans_over_what_was_read(store: &dyn CaseStore) -> Result<(), Breach> {
    store.insert_all(vec![case("1")?]).await?;
    let id = case("1")?.id;
    let free = |is_due: bool| if is_due { vec![id.clone()] } else { Vec::new() };
    let plan = |version, since| {
        vec![Planned::new(id.clone(), version, Due::new(Priority::Routine, at(since)))]
    };
    hold(seen(store, 1).await?.0 == free(true), "an inserted case is due at once")?;
    store.set_due(plan(1, 50)).await?;
    hold(seen(store, 49).await?.0 == free(false), "a planned case is not due before its time")?;
    hold(seen(store, 50).await?.0 == free(true), "a planned case is due at its time")?;
    let version = store.get(&id).await?.map(|case| case.version);
    hold(version == Some(1), "a plan changes no version")?;
    for version in [0, 2, u64::MAX] {
        store.set_due(plan(version, 70)).await?;
    }
    let clause = "a plan from another version has no effect";
    hold(seen(store, 50).await?.0 == free(true), clause)?;
    let mut saved = case("1")?;
    saved.version = 1;
    let due = Due::new(Priority::New, at(60));
    store.save_all(vec![Change::new(saved.clone()).with_due(due)]).await?;
    store.set_due(plan(1, 80)).await?;
    hold(seen(store, 59).await?.0 == free(false), "a saved case is due at the time of its save")?;
    hold(seen(store, 60).await?.0 == free(true), "a plan does not hide a later save")?;
    saved.version = 2;
    store.set_due(plan(2, 90)).await?;
    store.save(&saved).await?;
    hold(
        seen(store, 1).await?.0 == free(true),
        "a case that is saved without a time is due at once",
    )?;
    let unknown = Planned::new(case("2")?.id, 1, Due::NOW);
    store.set_due(vec![unknown]).await?;
    hold(seen(store, 99).await?.0 == free(true), "a plan adds no case")?;
    claimed(store, 9, &lease("a", 100)).await?;
    store.set_due(plan(3, 20)).await?;
    let got = claimed(store, 9, &lease("b", 101)).await?;
    hold(got == (Vec::new(), Some(at(110))), "a plan ends no lease")
}

pub(super) async fn mistrusts_far_plans(store: &dyn CaseStore) -> Result<(), Breach> {
    let now = at(1_000);
    let id = add(store, "1", Due::new(Priority::New, now + LONGEST_PLAN)).await?;
    hold(seen(store, 1_000).await?.0.is_empty(), "a case may be planned the longest time ahead")?;
    let due = Due::new(Priority::New, now + LONGEST_PLAN + TimeDelta::seconds(1));
    store.set_due(vec![Planned::new(id.clone(), 1, due)]).await?;
    let clause = "a time further ahead was set by a clock that was ahead, and the case is due";
    hold(seen(store, 1_000).await?.0 == [id], clause)?;
    hold(store.counts(now).await?.due == 1, "such a case is counted")
}

/// A case with an open review item.
fn to_review(id: &str) -> Result<Case, Breach> {
    let mut case = case(id)?;
    case.open_item(ReviewReason::NoMatch, &Evidence::default(), at(0));
    Ok(case)
}

pub(super) async fn counts_what_needs_attention(store: &dyn CaseStore) -> Result<(), Breach> {
    let none = store.counts(at(0)).await?;
    let clause = "an empty store has nothing that needs attention";
    hold((none.due, none.oldest_due, none.to_review, none.unreadable) == (0, None, 0, 0), clause)?;
    store.insert_all(vec![case("1")?, to_review("2")?]).await?;
    add(store, "3", Due::new(Priority::Reverification, at(20))).await?;
    add(store, "4", Due::new(Priority::New, at(25))).await?;
    let first = store.counts(at(19)).await?;
    hold(first.due == 2, "cases that are due are counted, and no others")?;
    hold(first.oldest_due.is_none(), "cases that are due at once have not waited")?;
    hold(first.to_review == 1, "active cases with an open review item are counted")?;
    claimed(store, 1, &lease("a", 19)).await?;
    let then = store.counts(at(30)).await?;
    hold(then.due == 4, "a leased case that is due is counted")?;
    hold(then.oldest_due == Some(at(20)), "the case that has waited longest is found")?;
    let mut settled = to_review("2")?;
    settled.version = 1;
    for item in &mut settled.review {
        item.state = ReviewState::Resolved;
    }
    store.save(&settled).await?;
    hold(store.counts(at(30)).await?.to_review == 0, "a settled review item is not counted")?;
    let mut deleted = to_review("2")?;
    deleted.version = 2;
    store.save(&deleted).await?;
    hold(store.counts(at(30)).await?.to_review == 1, "a review item of a saved case is counted")?;
    deleted.version = 3;
    deleted.deleted = Some(Deletion::new(at(0), "1", DeletionKind::Logical));
    store.save(&deleted).await?;
    hold(store.counts(at(30)).await?.to_review == 0, "a case that is not active is not counted")
}
