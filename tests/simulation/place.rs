//! Where the cases of a world are stored.

use crate::shape::Shape;
use crate::world::{Who, World};
use async_trait::async_trait;
use nhs_pds::case::Case;
use nhs_pds::process::store::Store;
use std::fmt::Debug;
use std::sync::Arc;

/// The store of one world.
#[async_trait]
pub(crate) trait Place: Debug + Send + Sync {
    /// The store as a process reaches it.
    fn store(&self, world: &Arc<World>, who: &Who) -> Arc<dyn Store>;

    /// From now on the store has no faults of its own.
    async fn end_faults(&self) {}

    /// All cases, past the ledger.
    async fn cases(&self) -> Vec<Case>;

    async fn is_chain_whole(&self) -> bool;
}

/// Makes a store for each world.
pub(crate) trait Places: Debug + Send + Sync {
    fn place(&self) -> Arc<dyn Place>;

    /// Changes the shape of a world to one that the store can have.
    fn adapt(&self, _shape: &mut Shape) {}
}
