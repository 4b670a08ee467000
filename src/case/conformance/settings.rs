//! Settings: a save takes effect only over the version that was read.

use super::{Breach, RIVALS, hold, refuse};
use crate::case::error::{Error, ErrorKind};
use crate::case::setting::Setting;
use crate::case::store::CaseStore;
use std::sync::Arc;

pub(super) async fn saves_settings(store: &dyn CaseStore) -> Result<(), Breach> {
    hold(store.setting("a").await?.is_none(), "a setting that was never saved does not exist")?;
    let new = |value: &str, version| Setting { value: value.to_owned(), version };
    refuse(
        store.save_setting("a", new("x", 1)).await,
        ErrorKind::Conflict,
        "a new setting has version 0",
    )?;
    store.save_setting("a", new("", 0)).await?;
    hold(store.setting("a").await? == Some(new("", 1)), "a setting is returned as it was saved")?;
    hold(store.setting("b").await?.is_none(), "a setting is saved under its name")?;
    let late = store.save_setting("a", new("late", 0)).await;
    let unnamed = late.as_ref().err().and_then(Error::case).is_none();
    refuse(late, ErrorKind::Conflict, "a setting is not saved over another version")?;
    hold(unnamed, "the error of a setting names no case")?;
    let value = "'\u{0}\n{\"\u{674e}\"}".repeat(99);
    store.save_setting("a", new(&value, 1)).await?;
    hold(store.setting("a").await? == Some(new(&value, 2)), "a version grows by one with a save")
}

pub(super) async fn one_of_many_settings_wins(store: Arc<dyn CaseStore>) -> Result<(), Breach> {
    let mut rivals = Vec::with_capacity(RIVALS);
    for rival in 0..RIVALS {
        let store = Arc::clone(&store);
        rivals.push(tokio::spawn(async move {
            store.save_setting("a", Setting::new(rival.to_string())).await
        }));
    }
    let mut won = Vec::new();
    for (rival, task) in rivals.into_iter().enumerate() {
        let clause = "a save of a setting does not panic";
        match task.await.map_err(|_| Breach { clause, source: None })? {
            Ok(()) => won.push(rival.to_string()),
            lost => refuse(lost, ErrorKind::Conflict, "a later save gets a conflict")?,
        }
    }
    let stored = store.setting("a").await?.map(|setting| vec![setting.value]);
    hold(stored == Some(won), "exactly one of many concurrent saves of a setting succeeds")
}
