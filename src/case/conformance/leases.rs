//! Leases: one owner at a time, in order, and free again after expiry.

use super::{Breach, RIVALS, case, hold};
use crate::case::id::CaseId;
use crate::case::lease::Lease;
use crate::case::store::CaseStore;
use chrono::{DateTime, TimeDelta, Utc};
use std::sync::Arc;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
}

/// A lease of ten seconds from `now`.
fn lease(owner: &str, now: i64) -> Lease {
    Lease::new(owner, at(now), at(now + 10))
}

async fn three(store: &dyn CaseStore) -> Result<Vec<CaseId>, Breach> {
    let cases = [case("1")?, case("2")?, case("3")?];
    store.insert_all(cases.to_vec()).await?;
    Ok(cases.map(|case| case.id).into())
}

async fn claimed(
    store: &dyn CaseStore,
    ids: &[CaseId],
    lease: &Lease,
) -> Result<(Vec<CaseId>, Option<DateTime<Utc>>), Breach> {
    let claim = store.claim(ids, lease).await?;
    for case in &claim.cases {
        let stored = store.get(&case.id).await?;
        hold(stored.as_ref() == Some(case), "a claimed case is returned as it is stored")?;
    }
    Ok((claim.cases.into_iter().map(|case| case.id).collect(), claim.blocked_until))
}

pub(super) async fn leases_to_one_at_a_time(store: &dyn CaseStore) -> Result<(), Breach> {
    let ids = three(store).await?;
    let [one, two, three] = ids.as_slice() else { return hold(false, "there are three cases") };
    let got = claimed(store, std::slice::from_ref(two), &lease("a", 0)).await?;
    hold(got == (vec![two.clone()], None), "a free case is claimed")?;
    let got = claimed(store, &ids, &lease("b", 5)).await?;
    let clause = "a claim stops at the first case leased by another owner";
    hold(got == (vec![one.clone()], Some(at(10))), clause)?;
    let got = claimed(store, &ids, &lease("b", 10)).await?;
    hold(got == (ids.clone(), None), "an expired lease does not block others")?;
    let got = claimed(store, &ids, &lease("b", 11)).await?;
    hold(got == (ids.clone(), None), "an owner may claim its own cases again")?;
    let renewed = store.renew(&lease("b", 30)).await?;
    hold(renewed == 3, "a renewal returns its number of cases")?;
    hold(store.renew(&lease("a", 30)).await? == 0, "a case taken by another owner is not renewed")?;
    let got = claimed(store, std::slice::from_ref(three), &lease("a", 39)).await?;
    hold(got == (Vec::new(), Some(at(40))), "a renewed lease lasts until its new end")?;
    let unknown = case("4")?.id;
    let got = claimed(store, &[unknown], &lease("a", 50)).await?;
    hold(got == (Vec::new(), None), "a case that does not exist is left out")?;
    store.renew(&lease("b", 7_200)).await?;
    let got = claimed(store, std::slice::from_ref(one), &lease("a", 3_600)).await?;
    let clause = "a lease given before the clock was set back does not block others";
    hold(got == (vec![one.clone()], None), clause)?;
    let version = store.get(one).await?.map(|case| case.version);
    hold(version == Some(1), "a lease changes no case")
}

pub(super) async fn gives_back(store: &dyn CaseStore) -> Result<(), Breach> {
    let ids = three(store).await?;
    let [one, rest @ ..] = ids.as_slice() else { return hold(false, "there are three cases") };
    store.claim(&ids, &lease("a", 0)).await?;
    store.release("b", &ids, Some(at(1))).await?;
    let got = claimed(store, &ids, &lease("b", 2)).await?;
    hold(got == (Vec::new(), Some(at(10))), "only the owner can release a case")?;
    store.release("a", std::slice::from_ref(one), Some(at(3))).await?;
    let got = claimed(store, &ids, &lease("b", 4)).await?;
    hold(got == (vec![one.clone()], Some(at(10))), "a released case is free")?;
    store.release("b", std::slice::from_ref(one), Some(at(5))).await?;
    store.release("a", rest, Some(at(5))).await?;
    let behind = lease("c", 6).with_pass_began(at(4));
    let got = claimed(store, &ids, &behind).await?;
    hold(got == (Vec::new(), None), "a case traced since the pass began is left out")?;
    for (began, clause) in [
        (5, "a case traced when the pass began is not left out"),
        (6, "a case traced before the pass began is not left out"),
    ] {
        let got = claimed(store, &ids, &lease("c", 7).with_pass_began(at(began))).await?;
        hold(got == (ids.clone(), None), clause)?;
        store.release("c", &[], None).await?;
    }
    store.release("c", &ids, None).await?;
    let got = claimed(store, &ids, &lease("d", 8).with_pass_began(at(4))).await?;
    hold(got == (Vec::new(), None), "releasing a case untraced keeps its last trace")?;
    let before = Lease::new("d", at(3), at(13)).with_pass_began(at(2));
    let got = claimed(store, &ids, &before).await?;
    let clause = "a case traced before the clock was set back is not left out";
    hold(got == (ids, None), clause)
}

pub(super) async fn one_of_many_claims_wins(store: Arc<dyn CaseStore>) -> Result<(), Breach> {
    let ids = three(&*store).await?;
    let mut rivals = Vec::with_capacity(RIVALS);
    for rival in 0..RIVALS {
        let (store, ids) = (Arc::clone(&store), ids.clone());
        rivals.push(tokio::spawn(async move {
            store.claim(&ids, &lease(&rival.to_string(), 0)).await.map(|claim| claim.cases.len())
        }));
    }
    let mut won = Vec::new();
    for rival in rivals {
        let clause = "a claim does not panic";
        won.push(rival.await.map_err(|_| Breach { clause, source: None })??);
    }
    won.sort_unstable();
    let whole = won.pop() == Some(ids.len()) && won.iter().all(|count| *count == 0);
    hold(whole, "exactly one of many concurrent claims gets the cases")
}
