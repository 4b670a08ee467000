use crate::audit::Anchor;
use crate::case::{Carried, CarriedPage};
use crate::process::store::transfer::error::Error;
use crate::process::store::transfer::mark::Mark;
use crate::process::store::transfer::start::State;
use crate::process::store::transfer::table::{Cell, Table};
use crate::process::store::unit::Store;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use std::sync::Arc;

/// A store of this crate that can be moved, or moved to. A call changes everything that it names, or nothing.
///
/// `ticket` is the version of the target's mark. Each write checks it, so of two moves to one target the first ends.
#[async_trait]
pub(super) trait Side: Send + Sync {
    fn store(&self) -> &dyn Store;

    /// The name for the trail: a word, or the name of a tenant.
    fn name(&self) -> String;

    async fn state(&self, now: DateTime<Utc>) -> Result<State, Error>;

    /// The event with this number, if there is one.
    async fn event(&self, seq: u64) -> Result<Option<Anchor>, Error>;

    /// At most `limit` cases after the id `after`.
    async fn cases(&self, after: Vec<u8>, limit: usize) -> Result<CarriedPage, Error>;

    /// At most `limit` rows after the key `after`.
    async fn rows(
        &self,
        table: &'static Table,
        after: Option<Vec<Cell>>,
        limit: usize,
    ) -> Result<Vec<Vec<Cell>>, Error>;

    /// Marks the store as incomplete, and takes the end from its trail: no program can record anything, so none can
    /// change anything. Returns the ticket. Refused when the trail has an end that is neither the start nor `mark.head`.
    async fn begin(&self, mark: &Mark) -> Result<u64, Error>;

    /// Deletes some rows. Whether more may remain.
    async fn clear(&self, table: &'static Table, ticket: u64) -> Result<bool, Error>;

    async fn put_cases(&self, cases: Arc<[Carried]>, ticket: u64) -> Result<(), Error>;

    async fn put_rows(
        &self,
        table: &'static Table,
        rows: Arc<[Vec<Cell>]>,
        ticket: u64,
    ) -> Result<(), Error>;

    /// Gives the trail its end.
    async fn end(&self, head: Anchor, ticket: u64) -> Result<(), Error>;
}
