//! Leases: one owner at a time, and free again after expiry.

use super::{Breach, RIVALS, case, hold};
use crate::case::error::Error;
use crate::case::id::CaseId;
use crate::case::lease::{Claim, Lease};
use crate::case::store::CaseStore;
use chrono::{DateTime, TimeDelta, Utc};
use std::sync::Arc;

pub(super) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
}

/// A lease of ten seconds from `now`.
pub(super) fn lease(owner: &str, now: i64) -> Lease {
    Lease::new(owner, at(now), at(now + 10))
}

/// The leased cases, in the order in which they were returned, and until when others have them.
pub(super) type Claimed = (Vec<CaseId>, Option<DateTime<Utc>>);

async fn three(store: &dyn CaseStore) -> Result<[CaseId; 3], Breach> {
    let cases = [case("1")?, case("2")?, case("3")?];
    store.insert_all(cases.to_vec()).await?;
    Ok(cases.map(|case| case.id))
}

async fn as_stored(store: &dyn CaseStore, claim: Result<Claim, Error>) -> Result<Claimed, Breach> {
    let claim = claim?;
    for case in &claim.cases {
        let stored = store.get(&case.id).await?;
        hold(stored.as_ref() == Some(case), "a claimed case is returned as it is stored")?;
    }
    Ok((claim.cases.into_iter().map(|case| case.id).collect(), claim.blocked_until))
}

pub(super) async fn claimed(
    store: &dyn CaseStore,
    limit: usize,
    lease: &Lease,
) -> Result<Claimed, Breach> {
    let claim = as_stored(store, store.claim_due(limit, lease).await).await?;
    hold(claim.0.len() <= limit, "a claim leases at most the requested number of cases")?;
    Ok(claim)
}

/// Those that were leased, in the order of their ids: for cases that are equally urgent.
async fn any_order(store: &dyn CaseStore, limit: usize, lease: &Lease) -> Result<Claimed, Breach> {
    let (mut ids, blocked) = claimed(store, limit, lease).await?;
    ids.sort_unstable();
    Ok((ids, blocked))
}

async fn one_claimed(store: &dyn CaseStore, id: &CaseId, lease: &Lease) -> Result<Claimed, Breach> {
    as_stored(store, store.claim(id, lease).await).await
}

pub(super) async fn leases_to_one_at_a_time(store: &dyn CaseStore) -> Result<(), Breach> {
    let [one, two, three] = three(store).await?;
    let all = vec![one.clone(), two.clone(), three.clone()];
    let got = one_claimed(store, &two, &lease("a", 0)).await?;
    hold(got == (vec![two.clone()], None), "a free case is claimed by its id")?;
    let got = any_order(store, 9, &lease("b", 5)).await?;
    let clause = "a claim leases the due cases that no other worker has";
    hold(got == (vec![one.clone(), three.clone()], None), clause)?;
    let got = any_order(store, 9, &lease("c", 5)).await?;
    let clause = "a claim that finds only cases of others returns when the first lease expires";
    hold(got == (Vec::new(), Some(at(10))), clause)?;
    let got = any_order(store, 0, &lease("c", 5)).await?;
    hold(got == (Vec::new(), None), "a claim of no cases is not blocked")?;
    let got = any_order(store, 9, &lease("a", 6)).await?;
    hold(got == (Vec::new(), Some(at(15))), "an owner does not get a case twice")?;
    let got = one_claimed(store, &two, &lease("b", 6)).await?;
    hold(got == (Vec::new(), Some(at(10))), "a case of another worker is not claimed by its id")?;
    let got = one_claimed(store, &two, &lease("a", 6)).await?;
    hold(got == (vec![two.clone()], None), "an owner may claim its own case again by its id")?;
    let got = any_order(store, 9, &lease("b", 16)).await?;
    hold(got == (vec![two.clone()], None), "an expired lease does not block others")?;
    hold(store.renew(&lease("b", 20)).await? == 3, "a renewal returns its number of cases")?;
    hold(store.renew(&lease("a", 20)).await? == 0, "a case taken by another is not renewed")?;
    let got = any_order(store, 9, &lease("a", 29)).await?;
    hold(got == (Vec::new(), Some(at(30))), "a renewed lease lasts until its new end")?;
    let got = one_claimed(store, &case("4")?.id, &lease("a", 50)).await?;
    hold(got == (Vec::new(), None), "a case that does not exist is not leased")?;
    store.renew(&lease("b", 7_200)).await?;
    let got = any_order(store, 9, &lease("a", 3_600)).await?;
    let clause = "a lease given before the clock was set back does not block others";
    hold(got == (all, None), clause)?;
    let version = store.get(&one).await?.map(|case| case.version);
    hold(version == Some(1), "a lease changes no case")
}

pub(super) async fn gives_back(store: &dyn CaseStore) -> Result<(), Breach> {
    let [one, two, three] = three(store).await?;
    let all = [one.clone(), two.clone(), three.clone()];
    claimed(store, 9, &lease("a", 0)).await?;
    store.release("b", &all).await?;
    let got = any_order(store, 9, &lease("b", 2)).await?;
    hold(got == (Vec::new(), Some(at(10))), "only the owner can release a case")?;
    store.release("a", std::slice::from_ref(&one)).await?;
    let got = any_order(store, 9, &lease("b", 2)).await?;
    hold(got == (vec![one.clone()], None), "a released case is free")?;
    let mut changed = case("2")?;
    changed.version = 1;
    store.save(&changed).await?;
    let got = any_order(store, 9, &lease("c", 3)).await?;
    hold(got == (Vec::new(), Some(at(10))), "a lease prevents no save, and a save ends no lease")?;
    store.release("a", &all).await?;
    store.release("a", &all).await?;
    let got = any_order(store, 9, &lease("c", 4)).await?;
    hold(got == (vec![two, three], None), "several cases are released at once")
}

pub(super) async fn one_of_many_claims_wins(store: Arc<dyn CaseStore>) -> Result<(), Breach> {
    let ids = three(&*store).await?;
    let mut rivals = Vec::with_capacity(RIVALS);
    for rival in 0..RIVALS {
        let store = Arc::clone(&store);
        rivals.push(tokio::spawn(async move {
            store.claim_due(2, &lease(&rival.to_string(), 0)).await
        }));
    }
    let mut leased = Vec::new();
    for rival in rivals {
        let clause = "a claim does not panic";
        let claim = rival.await.map_err(|_| Breach { clause, source: None })??;
        leased.extend(claim.cases.into_iter().map(|case| case.id));
    }
    leased.sort_unstable();
    hold(leased == ids, "of many concurrent claims, exactly one gets a case")
}
