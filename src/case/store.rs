use crate::case::{Case, CaseId, Error};
use crate::nhs_number::NhsNumber;
use async_trait::async_trait;
use std::fmt::Debug;

/// Keeps cases.
///
/// # Contract
///
/// * A case comes back as it was saved, in every field; only [`Case::version`] is the store's own. It
///   is 1 after the insert and grows by one with every save.
/// * A save takes effect only over the version that was read (compare and set): of any number of
///   saves over one version, at the same time or not, exactly one succeeds.
/// * A save as sole holder looks for other holders and saves in one step: of any number of them for one
///   number, at the same time or not, one succeeds, and none while another case holds the number.
/// * Each call takes effect wholly or not at all, and what has been acknowledged survives whatever the
///   store promises to survive.
/// * Ids are in the order of their UTF-8 bytes, which is `CaseId`'s `Ord`.
/// * Errors carry nothing of a case but its id, and `Debug` nothing at all.
/// * A call whose future is dropped may or may not take effect.
///
/// `conformance::check` (feature `simulator`) holds a store against this.
#[async_trait]
pub trait CaseStore: Debug + Send + Sync {
    /// Adds new cases, all or none; a whole caseload at once costs little more than one case.
    ///
    /// # Errors
    ///
    /// [`Exists`](crate::case::ErrorKind::Exists) when one of them is stored already or comes twice,
    /// [`Conflict`](crate::case::ErrorKind::Conflict) when the version of one is not 0; both name
    /// the case. [`Unavailable`](crate::case::ErrorKind::Unavailable) when the store does not work.
    async fn insert_all(&self, cases: Vec<Case>) -> Result<(), Error>;

    /// The case `id`, if there is one.
    ///
    /// # Errors
    ///
    /// [`Corrupt`](crate::case::ErrorKind::Corrupt) and
    /// [`Unavailable`](crate::case::ErrorKind::Unavailable).
    async fn get(&self, id: &CaseId) -> Result<Option<Case>, Error>;

    /// At most `limit` cases in the order of their ids, from the first id greater than `after` on, or
    /// from the very first. No case need exist for `after`. None are left when the page is empty and
    /// `limit` is not 0.
    ///
    /// # Errors
    ///
    /// [`Corrupt`](crate::case::ErrorKind::Corrupt) and
    /// [`Unavailable`](crate::case::ErrorKind::Unavailable).
    async fn page(&self, after: Option<&CaseId>, limit: usize) -> Result<Vec<Case>, Error>;

    /// Saves `case` over the version that it was read as, and returns its new version.
    ///
    /// # Errors
    ///
    /// [`Conflict`](crate::case::ErrorKind::Conflict) when the stored version is another,
    /// [`NotFound`](crate::case::ErrorKind::NotFound) when there is no such case, and
    /// [`Unavailable`](crate::case::ErrorKind::Unavailable).
    async fn save(&self, case: &Case) -> Result<u64, Error>;

    /// Saves `case` as [`save`](Self::save) does, unless another case holds its number: so that two
    /// writers who have both asked who holds a number, and both heard "nobody", do not both write it
    /// (MSCA-DQ-01). A case without a number is simply saved.
    ///
    /// # Errors
    ///
    /// [`Held`](crate::case::ErrorKind::Held) when another case holds the number, whose id is not told;
    /// else those of [`save`](Self::save), which come first.
    async fn save_as_sole_holder(&self, case: &Case) -> Result<u64, Error>;

    /// Which cases hold `number`, in the order of their ids.
    ///
    /// # Errors
    ///
    /// [`Corrupt`](crate::case::ErrorKind::Corrupt) and
    /// [`Unavailable`](crate::case::ErrorKind::Unavailable).
    async fn holders(&self, number: NhsNumber) -> Result<Vec<CaseId>, Error>;
}
