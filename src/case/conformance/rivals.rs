//! Saves at the same time, of which one succeeds.

use super::{Breach, NUMBER, RIVALS, case, hold, imported, refuse};
use crate::case::error::ErrorKind;
use crate::case::store::CaseStore;
use std::sync::Arc;

pub(super) async fn one_of_many_holders_is_the_sole_one(
    store: Arc<dyn CaseStore>,
) -> Result<(), Breach> {
    let mut cases = Vec::with_capacity(RIVALS);
    for rival in 0..RIVALS {
        cases.push(case(&rival.to_string())?);
    }
    store.insert_all(cases.clone()).await?;
    let mut rivals = Vec::with_capacity(RIVALS);
    for mut case in cases {
        case.version = 1;
        case.nhs_number = imported(NUMBER);
        let store = Arc::clone(&store);
        rivals.push(tokio::spawn(async move { (store.save_as_sole_holder(&case).await, case.id) }));
    }
    let mut winners = Vec::new();
    for task in rivals {
        let clause = "a save as sole holder does not panic";
        match task.await.map_err(|_| Breach { clause, source: None })? {
            (Ok(_), id) => winners.push(id),
            (lost, _) => {
                refuse(lost, ErrorKind::NumberTaken, "a later save gets the error NumberTaken")?;
            }
        }
    }
    let sole = winners.len() == 1 && store.holders(NUMBER).await? == winners;
    hold(sole, "exactly one of many concurrent saves gets the number")
}

pub(super) async fn one_of_many_saves_wins(store: Arc<dyn CaseStore>) -> Result<(), Breach> {
    store.insert_all(vec![case("1")?]).await?;
    let mut rivals = Vec::with_capacity(RIVALS);
    for rival in 0..RIVALS {
        let mut case = case("1")?;
        case.version = 1;
        case.surname = Some(rival.to_string());
        let store = Arc::clone(&store);
        rivals.push(tokio::spawn(async move { store.save(&case).await }));
    }
    let mut winners = Vec::new();
    for (rival, task) in rivals.into_iter().enumerate() {
        let clause = "a save does not panic";
        match task.await.map_err(|_| Breach { clause, source: None })? {
            Ok(_) => winners.push(Some(rival.to_string())),
            lost => refuse(lost, ErrorKind::Conflict, "a later save gets a conflict")?,
        }
    }
    let stored = store.get(&case("1")?.id).await?;
    let won = stored.map(|case| (vec![case.surname], case.version));
    hold(won == Some((winners, 2)), "exactly one of many concurrent saves succeeds, and is stored")
}
