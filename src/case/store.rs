use crate::case::{Case, CaseId, Claim, Error, Lease, Unreadable};
use crate::nhs_number::NhsNumber;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use std::fmt::Debug;

/// A case to be saved over the version that it was read as.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct Change {
    /// The case.
    pub case: Case,
    /// Whether it is to be saved only if no other case in use holds its number (MSCA-DQ-01).
    pub sole_holder: bool,
}

impl Change {
    /// Saves `case`, whoever else holds its number.
    #[must_use]
    pub const fn new(case: Case) -> Self {
        Self { case, sole_holder: false }
    }

    /// Saves `case` only as the sole holder of its number.
    #[must_use]
    pub const fn as_sole_holder(case: Case) -> Self {
        Self { case, sole_holder: true }
    }
}

/// Keeps cases.
///
/// # Contract
///
/// * A case comes back as it was saved, in every field; only [`Case::version`] is the store's own. It
///   is 1 after the insert and grows by one with every save.
/// * A save takes effect only over the version that was read (compare and set): of any number of
///   saves over one version, at the same time or not, exactly one succeeds.
/// * A save as sole holder looks for other holders and saves in one step: of any number of them for one
///   number, at the same time or not, one succeeds, and none while another case holds the number. Who
///   holds a number is looked at as it is after all changes of the call.
/// * A case that is not in use ([`Case::is_live`]) is stored and found by its id, but holds no number.
/// * Each call takes effect wholly or not at all, and what has been acknowledged survives whatever the
///   store promises to survive.
/// * A lease is given to one owner at a time, until it runs out by the times in the calls, and not by the
///   store's own clock; one that runs out later than [`Lease::LONGEST`] from now has run out. It changes no
///   case and no version, and keeps nobody from saving.
/// * Ids are in the order of their UTF-8 bytes, which is `CaseId`'s `Ord`.
/// * A stored case that was damaged, so that it cannot be read, keeps no other case from being read,
///   claimed, saved or erased. It still holds its number as long as the store can tell which that is.
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

    /// The case `id`, if there is one, in use or not.
    ///
    /// # Errors
    ///
    /// [`Corrupt`](crate::case::ErrorKind::Corrupt), which names the case if only that one is damaged, and
    /// [`Unavailable`](crate::case::ErrorKind::Unavailable).
    async fn get(&self, id: &CaseId) -> Result<Option<Case>, Error>;

    /// At most `limit` cases in the order of their ids, from the first id greater than `after` on, or
    /// from the very first. No case need exist for `after`. None are left when the page is empty and
    /// `limit` is not 0. Left out are cases that cannot be read: [`unreadable`](Self::unreadable) names
    /// them.
    ///
    /// # Errors
    ///
    /// [`Corrupt`](crate::case::ErrorKind::Corrupt) and
    /// [`Unavailable`](crate::case::ErrorKind::Unavailable).
    async fn page(&self, after: Option<&CaseId>, limit: usize) -> Result<Vec<Case>, Error>;

    /// The cases that cannot be read, because they were damaged, in the order of their ids. It may take
    /// as long as reading all cases. A store whose cases cannot be damaged one by one need not implement
    /// it.
    ///
    /// # Errors
    ///
    /// [`Corrupt`](crate::case::ErrorKind::Corrupt) and
    /// [`Unavailable`](crate::case::ErrorKind::Unavailable).
    async fn unreadable(&self) -> Result<Vec<Unreadable>, Error> {
        Ok(Vec::new())
    }

    /// Saves each case over the version that it was read as, all or none. No case may come twice.
    ///
    /// # Errors
    ///
    /// Each names the case. [`Conflict`](crate::case::ErrorKind::Conflict) when the stored version is
    /// another, [`NotFound`](crate::case::ErrorKind::NotFound) when there is no such case,
    /// [`Held`](crate::case::ErrorKind::NumberTaken) when one is to be the sole holder of its number and another
    /// case holds it, whose id is not told; it comes after the others. And
    /// [`Unavailable`](crate::case::ErrorKind::Unavailable).
    async fn save_all(&self, changes: Vec<Change>) -> Result<(), Error>;

    /// Which cases in use hold `number`, in the order of their ids.
    ///
    /// # Errors
    ///
    /// [`Corrupt`](crate::case::ErrorKind::Corrupt) and
    /// [`Unavailable`](crate::case::ErrorKind::Unavailable).
    async fn holders(&self, number: NhsNumber) -> Result<Vec<CaseId>, Error>;

    /// Gives the lease's owner those of `ids`, in this order, up to the first that somebody else has.
    /// Left out are cases that are not there or cannot be read, and those that another worker has given back since the
    /// owner's pass began, as asked about after that.
    ///
    /// # Errors
    ///
    /// [`Corrupt`](crate::case::ErrorKind::Corrupt) and
    /// [`Unavailable`](crate::case::ErrorKind::Unavailable).
    async fn claim(&self, ids: &[CaseId], lease: &Lease) -> Result<Claim, Error>;

    /// Extends whatever the lease's owner has to the lease's end, and tells how many cases these are: fewer
    /// than were claimed when another worker has taken some, because the lease had run out.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](crate::case::ErrorKind::Unavailable).
    async fn renew(&self, lease: &Lease) -> Result<usize, Error>;

    /// Gives back those of `ids` that `owner` has, as asked about at `asked_at`, or as not asked about.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](crate::case::ErrorKind::Unavailable).
    async fn release(
        &self,
        owner: &str,
        ids: &[CaseId],
        asked_at: Option<DateTime<Utc>>,
    ) -> Result<(), Error>;

    /// Saves `case` as [`save_all`](Self::save_all) does, and sees to it that the store's own files hold
    /// nothing of any case but what it is now (MSCA-DQ-02). Copies and backups are the deployment's. Over
    /// a case that cannot be read, it saves whatever the version.
    ///
    /// # Errors
    ///
    /// Those of [`save_all`](Self::save_all). [`Residue`](crate::case::ErrorKind::Residue) when the case was
    /// saved, and what it was may still be found: read the case, and erase it again.
    async fn erase(&self, case: Case) -> Result<(), Error>;

    /// Saves one case, and returns its new version.
    ///
    /// # Errors
    ///
    /// Those of [`save_all`](Self::save_all).
    async fn save(&self, case: &Case) -> Result<u64, Error> {
        self.save_all(vec![Change::new(case.clone())]).await?;
        Ok(case.version + 1)
    }

    /// Saves one case unless another holds its number: so that two writers who have both asked who holds
    /// a number, and both heard "nobody", do not both write it (MSCA-DQ-01).
    ///
    /// # Errors
    ///
    /// Those of [`save_all`](Self::save_all).
    async fn save_as_sole_holder(&self, case: &Case) -> Result<u64, Error> {
        self.save_all(vec![Change::as_sole_holder(case.clone())]).await?;
        Ok(case.version + 1)
    }
}
