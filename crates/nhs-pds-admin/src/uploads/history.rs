//! What the store's settings remember of imports: the columns of each source, and what was imported. No patient data.

use crate::app::App;
use crate::error::PageError;
use crate::uploads::state::How;
use chrono::{DateTime, Utc};
use nhs_pds::audit::{Actor, EventKind};
use nhs_pds::case::Setting;
use nhs_pds::case::caseload::Mapping;
use nhs_pds::process::store::Commit;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The mapping of each source.
const SOURCES: &str = "screens:import-sources";

/// The imports, the newest first.
const IMPORTS: &str = "screens:imports";

/// How many imports are listed.
const KEPT: usize = 100;

/// How many sources are remembered.
const MOST_SOURCES: usize = 50;

/// How often a setting is read again that another server has changed.
const ATTEMPTS: usize = 8;

/// One import, as the list shows it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Record {
    pub(crate) at: DateTime<Utc>,
    pub(crate) source: String,
    /// The name of the user who imported.
    pub(crate) by: String,
    /// The name of the other user who approved.
    pub(crate) approved_by: Option<String>,
    pub(crate) how: How,
    /// The cases in the file.
    pub(crate) cases: usize,
    pub(crate) new: usize,
    pub(crate) updated: usize,
    pub(crate) unchanged: usize,
    pub(crate) to_check: usize,
    pub(crate) further_review: usize,
    /// Cases and rows that were not imported because of the file.
    pub(crate) refused: usize,
}

/// The mappings of all sources.
pub(crate) async fn sources(app: &App) -> Result<BTreeMap<String, Mapping>, PageError> {
    Ok(read(app, SOURCES).await?.0)
}

/// The imports, the newest first.
pub(crate) async fn imports(app: &App) -> Result<Vec<Record>, PageError> {
    Ok(read(app, IMPORTS).await?.0)
}

/// Remembers the mapping of a source. Of more than 50, the first by name is forgotten.
pub(crate) async fn remember(
    app: &App,
    actor: &Actor,
    source: &str,
    mapping: &Mapping,
) -> Result<(), PageError> {
    let what = (SOURCES, "columns_agreed", source);
    change(app, actor, what, |sources: &mut BTreeMap<String, Mapping>| {
        if sources.get(source) == Some(mapping) {
            return false;
        }
        if sources.len() >= MOST_SOURCES && !sources.contains_key(source) {
            sources.pop_first();
        }
        sources.insert(source.to_owned(), mapping.clone());
        true
    })
    .await
}

/// Adds an import to the list.
pub(crate) async fn add(app: &App, actor: &Actor, record: Record) -> Result<(), PageError> {
    let source = record.source.clone();
    change(app, actor, (IMPORTS, "listed", &source), |imports: &mut Vec<Record>| {
        imports.insert(0, record.clone());
        imports.truncate(KEPT);
        true
    })
    .await
}

async fn read<T: DeserializeOwned + Default>(app: &App, name: &str) -> Result<(T, u64), PageError> {
    let Some(setting) = app.store.cases().setting(name).await? else {
        return Ok((T::default(), 0));
    };
    let value = serde_json::from_str(&setting.value).map_err(|_| PageError::Failed)?;
    Ok((value, setting.version))
}

/// Changes a setting over the version that was read, on record. `change` returns whether it has changed anything.
async fn change<T: DeserializeOwned + Serialize + Default>(
    app: &App,
    actor: &Actor,
    (name, action, source): (&str, &str, &str),
    change: impl Fn(&mut T) -> bool,
) -> Result<(), PageError> {
    for _ in 0..ATTEMPTS {
        let (mut value, version): (T, u64) = read(app, name).await?;
        if !change(&mut value) {
            return Ok(());
        }
        let value = serde_json::to_string(&value).map_err(|_| PageError::Failed)?;
        let mut setting = Setting::new(value);
        setting.version = version;
        let entry = app.event(EventKind::ConfigurationChanged, actor);
        let entry = entry.with_detail("setting", name);
        let entry = entry.with_detail("action", action).with_detail("source", source);
        let commit = Commit::of_a_person(actor, app.clock.now()).set(name, setting, entry);
        if app.store.commit(commit).await?.is_done() {
            return Ok(());
        }
    }
    Err(PageError::Conflict)
}
