use crate::case::due::Planned;
use crate::case::error::{Error, ErrorKind};
use crate::case::id::CaseId;
use crate::case::item_counts::ItemCounts;
use crate::case::lease::{Claim, Lease};
use crate::case::loaded::Loaded;
use crate::case::postgres_due as due;
use crate::case::postgres_rows as rows;
use crate::case::postgres_save::{load, load_settings, write};
use crate::case::postgres_worklist as worklist;
use crate::case::record::Case;
use crate::case::search::CaseFilter;
use crate::case::setting::Setting;
use crate::case::store::{CaseStore, Change, Counts};
use crate::case::unreadable::Unreadable;
use crate::case::work_item::{ItemFilter, ItemPlace, WorkItem};
use crate::nhs_number::NhsNumber;
use crate::postgres::{self, TenantDatabase};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The tables with data of cases. Their old rows contain what an erasure must remove.
const TABLES: [&str; 5] = ["cases", "case_search", "case_item", "case_worker", "case_due"];

/// The cases of one tenant in PostgreSQL. Programs on several machines may use it at once.
///
/// A save has reached the server's disk when it is acknowledged, unless the server is configured otherwise. The
/// database contains people's demographic fields unencrypted. Row-level security keeps tenants apart; see
/// [`postgres`](crate::postgres).
#[derive(Clone)]
pub struct PostgresStore {
    database: TenantDatabase,
    /// Whether the rows of a database of an older version are known to be written.
    is_indexed: Arc<AtomicBool>,
}

impl PostgresStore {
    /// The cases of the tenant of `database`.
    #[must_use]
    pub fn new(database: TenantDatabase) -> Self {
        Self { database, is_indexed: Arc::default() }
    }

    /// Makes sure that the cases of a database of an older version can be listed and searched.
    async fn index_all(&self) -> Result<(), Error> {
        if self.is_indexed.load(Ordering::Relaxed) {
            return Ok(());
        }
        if self.database.read(|tx| Box::pin(worklist::is_pending(tx))).await? {
            while self.database.write(|tx| Box::pin(worklist::index_more(tx))).await? {}
        }
        self.is_indexed.store(true, Ordering::Relaxed);
        Ok(())
    }
}

#[async_trait]
impl CaseStore for PostgresStore {
    async fn get(&self, id: &CaseId) -> Result<Option<Case>, Error> {
        let id = id.clone();
        self.database.read(move |tx| Box::pin(async move { rows::get(tx, &id).await })).await
    }

    async fn page(&self, after: Option<&CaseId>, limit: usize) -> Result<Vec<Case>, Error> {
        // Ids are not empty, so all of them are greater than the empty text.
        let after = after.map_or_else(String::new, |id| id.as_str().to_owned());
        self.database
            .read(move |tx| Box::pin(async move { rows::page(tx, &after, limit).await }))
            .await
    }

    async fn unreadable(&self) -> Result<Vec<Unreadable>, Error> {
        let (mut found, mut after) = (Vec::new(), String::new());
        loop {
            let (damaged, last) = self
                .database
                .read(move |tx| Box::pin(async move { rows::unreadable(tx, &after).await }))
                .await?;
            found.extend(damaged);
            match last {
                Some(last) => after = last,
                None => return Ok(found),
            }
        }
    }

    async fn save_all(&self, changes: Vec<Change>) -> Result<(), Error> {
        let (changes, name): (Arc<[Change]>, _) = (changes.into(), self.database.name().clone());
        let is_news = changes.iter().any(|change| change.due == crate::case::due::Due::NOW);
        self.database
            .write(move |tx| {
                let (changes, name) = (Arc::clone(&changes), name.clone());
                Box::pin(async move {
                    let all: Vec<&Change> = changes.iter().collect();
                    let mut loaded = load(tx, &all, &[]).await?;
                    loaded.save(&[], changes.to_vec())?;
                    write(tx, &loaded).await?;
                    if is_news {
                        tx.notify(&name).await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    async fn holders(&self, number: NhsNumber) -> Result<Vec<CaseId>, Error> {
        self.database.read(move |tx| Box::pin(rows::holders(tx, number))).await
    }

    async fn claim_due(&self, limit: usize, lease: &Lease) -> Result<Claim, Error> {
        let lease = lease.clone();
        self.database
            .write_relaxed(move |tx| {
                let lease = lease.clone();
                Box::pin(async move { due::claim_due(tx, limit, &lease).await })
            })
            .await
    }

    async fn claim(&self, id: &CaseId, lease: &Lease) -> Result<Claim, Error> {
        let (id, lease) = (id.clone(), lease.clone());
        self.database
            .write_relaxed(move |tx| {
                let (id, lease) = (id.clone(), lease.clone());
                Box::pin(async move { due::claim(tx, &id, &lease).await })
            })
            .await
    }

    async fn renew(&self, lease: &Lease) -> Result<usize, Error> {
        let lease = lease.clone();
        self.database
            .write_relaxed(move |tx| {
                let lease = lease.clone();
                Box::pin(async move { due::renew(tx, &lease).await })
            })
            .await
    }

    async fn release(&self, owner: &str, ids: &[CaseId]) -> Result<(), Error> {
        let (owner, ids) = (owner.to_owned(), ids.to_vec());
        self.database
            .write_relaxed(move |tx| {
                let (owner, ids) = (owner.clone(), ids.clone());
                Box::pin(async move { due::release_in(tx, &owner, &ids).await })
            })
            .await
    }

    async fn set_due(&self, planned: Vec<Planned>) -> Result<(), Error> {
        if planned.is_empty() {
            return Ok(());
        }
        let planned: Arc<[Planned]> = planned.into();
        self.database
            .write_relaxed(move |tx| {
                let planned = Arc::clone(&planned);
                Box::pin(async move { due::set_due_in(tx, &planned).await })
            })
            .await
    }

    async fn counts(&self, now: DateTime<Utc>) -> Result<Counts, Error> {
        self.database.read(move |tx| Box::pin(due::counts(tx, now))).await
    }

    async fn worklist(
        &self,
        filter: &ItemFilter,
        after: Option<&ItemPlace>,
        limit: usize,
    ) -> Result<Vec<WorkItem>, Error> {
        self.index_all().await?;
        let (filter, after) = (filter.clone(), after.cloned());
        self.database
            .read(move |tx| {
                Box::pin(
                    async move { worklist::worklist(tx, &filter, after.as_ref(), limit).await },
                )
            })
            .await
    }

    async fn item_counts(
        &self,
        assignee: &str,
        workers: Option<&[String]>,
    ) -> Result<ItemCounts, Error> {
        self.index_all().await?;
        let (assignee, workers) = (assignee.to_owned(), workers.map(<[String]>::to_vec));
        self.database
            .read(move |tx| {
                Box::pin(
                    async move { worklist::item_counts(tx, &assignee, workers.as_deref()).await },
                )
            })
            .await
    }

    async fn search(
        &self,
        filter: &CaseFilter,
        after: Option<&CaseId>,
        limit: usize,
    ) -> Result<Vec<Case>, Error> {
        self.index_all().await?;
        let (filter, after) = (filter.clone(), after.cloned());
        self.database
            .read(move |tx| {
                Box::pin(async move { worklist::search(tx, &filter, after.as_ref(), limit).await })
            })
            .await
    }

    async fn setting(&self, name: &str) -> Result<Option<Setting>, Error> {
        let name = name.to_owned();
        self.database.read(move |tx| Box::pin(async move { rows::setting(tx, &name).await })).await
    }

    async fn save_setting(&self, name: &str, setting: Setting) -> Result<(), Error> {
        let name = name.to_owned();
        self.database
            .write(move |tx| {
                let (name, setting) = (name.clone(), setting.clone());
                Box::pin(async move {
                    let mut loaded = Loaded::default();
                    load_settings(tx, &mut loaded, &[name.as_str()]).await?;
                    loaded.save(&[(name.as_str(), &setting)], Vec::new())?;
                    write(tx, &loaded).await
                })
            })
            .await
    }

    async fn erase(&self, case: Case) -> Result<(), Error> {
        let case = Arc::new(case);
        self.database
            .write(move |tx| {
                let case = Arc::clone(&case);
                Box::pin(async move {
                    let is_damaged = match rows::get(tx, &case.id).await {
                        Err(error) if error.is_about_a_damaged_case() => true,
                        other => other.map(|_| false)?,
                    };
                    let change = Change::new((*case).clone());
                    let mut loaded = load(tx, &[&change], &[]).await?;
                    if is_damaged {
                        loaded.overwrite(change.case);
                    } else {
                        loaded.save(&[], vec![change])?;
                    }
                    write(tx, &loaded).await
                })
            })
            .await?;
        Ok(self.database.rewrite(&TABLES).await?)
    }
}

impl From<postgres::Error> for Error {
    fn from(error: postgres::Error) -> Self {
        let same = Self::new(match error.kind() {
            postgres::ErrorKind::Corrupt => ErrorKind::Corrupt,
            postgres::ErrorKind::ReadOnly => ErrorKind::ReadOnly,
            postgres::ErrorKind::Residue => ErrorKind::Residue,
            postgres::ErrorKind::Role
            | postgres::ErrorKind::Schema
            | postgres::ErrorKind::Tenant => ErrorKind::Schema,
            postgres::ErrorKind::Configuration | postgres::ErrorKind::Unavailable => {
                ErrorKind::Unavailable
            }
        });
        match error.into_source() {
            Some(source) => same.with_source(source),
            None => same,
        }
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresStore({})", self.database.name())
    }
}
