use crate::audit::anchor::Anchor;
use crate::audit::batch::{Basis, Batch};
use crate::audit::entry::Entry;
use crate::audit::error::{Error, ErrorKind};
use crate::audit::event::Event;
use crate::audit::filter::Filter;
use crate::audit::log::AuditLog;
use crate::audit::owner::{Owner, SubjectName};
use crate::audit::postgres_rows as rows;
use crate::audit::storage::{Appended, AuditStorage, Span, StoredRow};
use crate::audit::trail::Trail;
use crate::audit::verdict::Verdict;
use crate::case::CaseId;
use crate::postgres::{self, TenantDatabase};
use async_trait::async_trait;
use std::fmt;
use std::sync::Arc;

/// The tables with keys, which an erasure must remove.
const TABLES: [&str; 2] = ["audit_subject", "audit_subject_number"];

/// The audit trail of one tenant in PostgreSQL, with a chain of its own. Programs on several machines may append to it
/// at once.
///
/// The database contains the keys together with the encrypted content, so a person who can read the database can read
/// everything. The role of the programs can add events, and cannot change or delete one.
#[derive(Clone)]
pub struct PostgresLog {
    trail: Trail,
}

impl PostgresLog {
    /// The trail of the tenant of `database`.
    #[must_use]
    pub fn new(database: TenantDatabase) -> Self {
        Self { trail: Trail::new(Arc::new(PostgresRows(database))) }
    }
}

#[async_trait]
impl AuditLog for PostgresLog {
    async fn append(&self, entries: Vec<Entry>) -> Result<u64, Error> {
        self.trail.append(entries).await
    }

    async fn page(&self, filter: &Filter, after: u64, limit: usize) -> Result<Vec<Event>, Error> {
        self.trail.page(filter, after, limit).await
    }

    async fn page_before(
        &self,
        filter: &Filter,
        before: u64,
        limit: usize,
    ) -> Result<Vec<Event>, Error> {
        self.trail.page_before(filter, before, limit).await
    }

    async fn unreadable(&self, filter: &Filter) -> Result<Vec<u64>, Error> {
        self.trail.unreadable(filter).await
    }

    async fn head(&self) -> Result<Anchor, Error> {
        self.trail.head().await
    }

    async fn verify(&self, anchors: &[Anchor]) -> Result<Verdict, Error> {
        self.trail.verify(anchors).await
    }

    async fn verify_with_progress(
        &self,
        anchors: &[Anchor],
        checked: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Verdict, Error> {
        self.trail.verify_with_progress(anchors, checked).await
    }

    async fn forget(&self, case: &CaseId) -> Result<(), Error> {
        self.trail.forget(case).await
    }
}

/// The storage of a [`PostgresLog`].
#[derive(Clone)]
pub struct PostgresRows(TenantDatabase);

impl PostgresRows {
    /// The storage of the tenant of `database`.
    #[must_use]
    pub const fn new(database: TenantDatabase) -> Self {
        Self(database)
    }
}

#[async_trait]
impl AuditStorage for PostgresRows {
    async fn basis(&self, owners: &[Owner]) -> Result<Basis, Error> {
        let owners = owners.to_vec();
        self.0.read(move |tx| Box::pin(async move { rows::basis(tx, &owners).await })).await
    }

    async fn append(&self, batch: Batch) -> Result<Appended, Error> {
        let batch = Arc::new(batch);
        self.0
            .write(move |tx| {
                let batch = Arc::clone(&batch);
                Box::pin(async move {
                    if !rows::matches(tx, &batch).await? {
                        return Ok(Appended::Conflict);
                    }
                    rows::write(tx, &batch).await?;
                    Ok(Appended::Done)
                })
            })
            .await
    }

    async fn rows(
        &self,
        filter: &Filter,
        from: i64,
        limit: usize,
    ) -> Result<Vec<StoredRow>, Error> {
        let (filter, span) = (filter.clone(), Span::From(from));
        self.0
            .read(move |tx| Box::pin(async move { rows::read(tx, &filter, span, limit).await }))
            .await
    }

    async fn rows_before(
        &self,
        filter: &Filter,
        before: i64,
        limit: usize,
    ) -> Result<Option<Vec<StoredRow>>, Error> {
        let (filter, span) = (filter.clone(), Span::Before(before));
        self.0
            .read(move |tx| Box::pin(async move { rows::read(tx, &filter, span, limit).await }))
            .await
            .map(Some)
    }

    async fn erased(&self, names: &[SubjectName]) -> Result<Vec<SubjectName>, Error> {
        let names = names.to_vec();
        self.0.read(move |tx| Box::pin(async move { rows::erased(tx, &names).await })).await
    }

    async fn destroy(&self, names: &[SubjectName]) -> Result<(), Error> {
        let names: Arc<[SubjectName]> = names.into();
        self.0
            .write::<_, Error>(move |tx| {
                let names = Arc::clone(&names);
                Box::pin(async move { rows::delete(tx, &names).await })
            })
            .await?;
        Ok(self.0.rewrite(&TABLES).await?)
    }

    async fn append_at_once(&self, entries: Arc<[Entry]>) -> Result<Option<u64>, Error> {
        self.0
            .write(move |tx| {
                let entries = Arc::clone(&entries);
                Box::pin(async move { rows::append_in(tx, &entries).await.map(Some) })
            })
            .await
    }
}

impl From<postgres::Error> for Error {
    fn from(error: postgres::Error) -> Self {
        let same = Self::new(match error.kind() {
            postgres::ErrorKind::Corrupt => ErrorKind::Corrupt,
            postgres::ErrorKind::ReadOnly => ErrorKind::ReadOnly,
            postgres::ErrorKind::Residue => ErrorKind::Residue,
            postgres::ErrorKind::Tenant => ErrorKind::NoTrail,
            postgres::ErrorKind::Role | postgres::ErrorKind::Schema => ErrorKind::Schema,
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

impl fmt::Debug for PostgresLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresLog({:?})", self.trail)
    }
}

impl fmt::Debug for PostgresRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresRows({})", self.0.name())
    }
}
