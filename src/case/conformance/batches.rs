//! The cases that wait for a row of a batch.

use super::{Breach, case, hold};
use crate::case::deletion::{Deletion, DeletionKind};
use crate::case::record::Case;
use crate::case::search::CaseFilter;
use crate::case::store::CaseStore;
use crate::case::submission::Submission;
use crate::demographics::FullDate;
use crate::matching::Criteria;
use chrono::{DateTime, NaiveDate, TimeDelta};

fn submitted(id: &str, batch: &str, reference: &str) -> Result<Case, Breach> {
    let mut case = case(id)?;
    let born = NaiveDate::from_ymd_opt(1984, 2, 29).and_then(|date| FullDate::try_from(date).ok());
    let times = (DateTime::UNIX_EPOCH, DateTime::UNIX_EPOCH + TimeDelta::days(7));
    case.asking.submitted =
        born.map(|born| Submission::new(batch, reference, times, Criteria::new("Aindow", born)));
    Ok(case)
}

async fn finds(
    store: &dyn CaseStore,
    filter: &CaseFilter,
    expected: &[&str],
    clause: &'static str,
) -> Result<(), Breach> {
    let (mut ids, mut after) = (Vec::new(), None);
    loop {
        let page = store.search(filter, after.as_ref(), 1).await?;
        let Some(case) = page.into_iter().next() else { break };
        ids.push(case.id.as_str().to_owned());
        after = Some(case.id);
        hold(ids.len() < 100, "paging through the cases of a batch ends")?;
    }
    hold(ids == expected, clause)
}

pub(super) async fn submissions(store: &dyn CaseStore) -> Result<(), Breach> {
    let mut cases = vec![
        submitted("2", "A", "r-2")?,
        submitted("10", "A", "r-10")?,
        submitted("b", "B", "r-b")?,
        case("c")?,
        submitted("d", "A", "r-d")?,
    ];
    if let Some(last) = cases.last_mut() {
        last.deleted = Some(Deletion::new(DateTime::UNIX_EPOCH, "u1", DeletionKind::Logical));
    }
    store.insert_all(cases).await?;
    let all = CaseFilter::default();
    let batch = all.clone().with_batch("A");
    finds(store, &batch, &["10", "2"], "a search finds the active cases of a batch").await?;
    finds(store, &batch.clone().with_surname("x"), &[], "a batch and another condition").await?;
    let one = all.clone().with_reference("r-2");
    finds(store, &one, &["2"], "a search finds the case of a reference").await?;
    finds(store, &one.clone().with_batch("B"), &[], "a reference of another batch").await?;
    finds(store, &all.clone().with_reference("r-0"), &[], "an unknown reference").await?;
    let any = all.clone().with_inactive();
    let of_batch = any.clone().with_batch("A");
    finds(store, &of_batch, &["10", "2", "d"], "a search finds the deleted cases of a batch")
        .await?;
    finds(store, &any.with_reference("r-d"), &["d"], "the deleted case of a reference").await?;
    let Some(mut settled) = store.get(&case("2")?.id).await? else {
        return hold(false, "a stored case is found");
    };
    settled.asking.submitted = None;
    store.save(&settled).await?;
    finds(store, &one, &[], "a settled case is not found by its reference").await?;
    finds(store, &batch, &["10"], "a settled case is not found by its batch").await?;
    let moved = submitted("10", "B", "r-11")?;
    store.save(&Case { version: 1, ..moved }).await?;
    finds(store, &all.clone().with_batch("B"), &["10", "b"], "a case of a second batch").await?;
    finds(store, &all.with_reference("r-10"), &[], "a reference of an earlier batch").await
}
