use crate::case::due::{Due, Planned};
use crate::case::error::{Error, ErrorKind, readable};
use crate::case::id::CaseId;
use crate::case::item_counts::ItemCounts;
use crate::case::lease::{Claim, Lease};
use crate::case::record::Case;
use crate::case::search::CaseFilter;
use crate::case::setting::Setting;
use crate::case::unreadable::Unreadable;
use crate::case::work_item::{ItemFilter, ItemPlace, WorkItem};
use crate::nhs_number::NhsNumber;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use std::fmt::Debug;

/// How many cases a store without an index has in memory at a time.
const PAGE: usize = 100;

/// A case to save over the version that was read, or a new case.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct Change {
    /// The case. A case of version 0 is new.
    pub case: Case,
    /// Whether to save it only if no other active case has its number (MSCA-DQ-01).
    pub sole_holder: bool,
    /// When a worker looks at the case next.
    pub due: Due,
}

impl Change {
    /// Saves `case`, even if other cases have its number. It is [due at once](Due::NOW).
    #[must_use]
    pub const fn new(case: Case) -> Self {
        Self { case, sole_holder: false, due: Due::NOW }
    }

    /// Saves `case` only if no other active case has its number. It is [due at once](Due::NOW).
    #[must_use]
    pub const fn as_sole_holder(case: Case) -> Self {
        Self { case, sole_holder: true, due: Due::NOW }
    }

    /// Returns this change of a case that is `due` then.
    #[must_use]
    pub const fn with_due(mut self, due: Due) -> Self {
        self.due = due;
        self
    }
}

/// How many cases need attention, for a status page and metrics.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// The number of cases that are due.
    pub due: u64,
    /// Since when the case is due that has waited longest; `None` where no case is due. Cases that are
    /// due at once ([`Due::NOW`]) do not count.
    pub oldest_due: Option<DateTime<Utc>>,
    /// The number of active cases with an open review item.
    pub to_review: u64,
    /// The number of stored cases that a claim could not read.
    pub unreadable: u64,
}

/// Stores cases.
///
/// # Contract
///
/// * A case is returned as it was saved, in every field. Only [`Case::version`] belongs to the
///   store. It is 1 after the first save and grows by one with every save.
/// * A save takes effect only over the version that was read (compare and set). Of any number of
///   saves over one version, at the same time or not, exactly one succeeds.
/// * A save as sole holder checks for other holders and saves in one step. Of any number of such
///   saves for one number, at the same time or not, one succeeds; while another case has the
///   number, none succeeds. The check uses the holders after all changes of the call.
/// * A case that is not active ([`Case::is_live`]) is stored and found by its id, but does not
///   count as a holder of its number.
/// * Each call takes effect completely or not at all. Acknowledged changes are as durable as the
///   store promises.
/// * A lease has one owner at a time, until it expires. Expiry uses the times in the calls, and not
///   the store's own clock. A lease that expires later than [`Lease::LONGEST`] from now counts as
///   expired. A lease changes no case and no version, and does not prevent saves.
/// * Each case is due at the time of its last save or plan. A plan takes effect only over the version
///   from which it was computed, so it never hides a change. A time later than [`LONGEST_PLAN`](crate::case::LONGEST_PLAN) from
///   the claim's time was set by a clock that was ahead, and counts as due.
/// * A damaged case is not leased. A claim that meets it passes over it, counts it in
///   [`Counts::unreadable`], and does not meet it again until it is saved.
/// * Ids are in the order of their UTF-8 bytes, which is `CaseId`'s `Ord`.
/// * A damaged stored case that cannot be read does not prevent other cases from being read,
///   claimed, saved or erased. It still counts as a holder of its number as long as the store can
///   read the number.
/// * Errors contain nothing of a case except its id, and `Debug` shows nothing of a case.
/// * A call whose future is dropped may or may not take effect.
///
/// `conformance::check` (feature `conformance`) checks a store against this.
#[async_trait]
pub trait CaseStore: Debug + Send + Sync {
    /// The case `id`, if it exists, active or not.
    ///
    /// # Errors
    ///
    /// [`Corrupt`](crate::case::ErrorKind::Corrupt), which names the case if only that case is
    /// damaged, and [`Unavailable`](crate::case::ErrorKind::Unavailable).
    async fn get(&self, id: &CaseId) -> Result<Option<Case>, Error>;

    /// At most `limit` cases in the order of their ids, starting with the first id greater than
    /// `after`, or with the first id of all. The case `after` need not exist. The end is reached
    /// when the page is empty and `limit` is not 0. Cases that cannot be read are left out:
    /// [`unreadable`](Self::unreadable) lists them.
    ///
    /// # Errors
    ///
    /// [`Corrupt`](crate::case::ErrorKind::Corrupt) and
    /// [`Unavailable`](crate::case::ErrorKind::Unavailable).
    async fn page(&self, after: Option<&CaseId>, limit: usize) -> Result<Vec<Case>, Error>;

    /// The cases that cannot be read because they are damaged, in the order of their ids. The call
    /// may take as long as reading all cases. A store whose cases cannot be damaged one by one need
    /// not implement this method.
    ///
    /// # Errors
    ///
    /// [`Corrupt`](crate::case::ErrorKind::Corrupt) and
    /// [`Unavailable`](crate::case::ErrorKind::Unavailable).
    async fn unreadable(&self) -> Result<Vec<Unreadable>, Error> {
        Ok(Vec::new())
    }

    /// Saves each case over the version that was read, and adds those of version 0, all or none. No
    /// case may occur twice. Saving many cases in one call costs little more than saving one.
    ///
    /// # Errors
    ///
    /// Each error names the case. [`Exists`](crate::case::ErrorKind::Exists) when a case of version 0
    /// is already stored or occurs twice. [`Conflict`](crate::case::ErrorKind::Conflict) when the stored
    /// version differs, [`NotFound`](crate::case::ErrorKind::NotFound) when the case does not
    /// exist. [`NumberTaken`](crate::case::ErrorKind::NumberTaken) when a case is saved as the sole holder of its
    /// number and another case has the number. That error does not contain the other case's id, and
    /// the other errors take precedence. And [`Unavailable`](crate::case::ErrorKind::Unavailable).
    async fn save_all(&self, changes: Vec<Change>) -> Result<(), Error>;

    /// The active cases that have `number`, in the order of their ids.
    ///
    /// # Errors
    ///
    /// [`Corrupt`](crate::case::ErrorKind::Corrupt) and
    /// [`Unavailable`](crate::case::ErrorKind::Unavailable).
    async fn holders(&self, number: NhsNumber) -> Result<Vec<CaseId>, Error>;

    /// Leases at most `limit` cases that are due and that no other worker has leased: by
    /// [priority](crate::case::Priority), then by the time since which they are due. The same owner
    /// does not get a case twice while it has it.
    ///
    /// # Errors
    ///
    /// [`Corrupt`](crate::case::ErrorKind::Corrupt) and
    /// [`Unavailable`](crate::case::ErrorKind::Unavailable).
    async fn claim_due(&self, limit: usize, lease: &Lease) -> Result<Claim, Error>;

    /// Leases the case `id`, whether or not it is due. Leases nothing when it does not exist, cannot
    /// be read, or another worker has it.
    ///
    /// # Errors
    ///
    /// [`Corrupt`](crate::case::ErrorKind::Corrupt) and
    /// [`Unavailable`](crate::case::ErrorKind::Unavailable).
    async fn claim(&self, id: &CaseId, lease: &Lease) -> Result<Claim, Error>;

    /// Extends all leases of the lease's owner to the lease's end, and returns their number. It is
    /// smaller than the number claimed when another worker has taken some cases, because the lease
    /// had expired.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](crate::case::ErrorKind::Unavailable).
    async fn renew(&self, lease: &Lease) -> Result<usize, Error>;

    /// Releases those of `ids` that `owner` has.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](crate::case::ErrorKind::Unavailable).
    async fn release(&self, owner: &str, ids: &[CaseId]) -> Result<(), Error>;

    /// Sets when cases are due, for each whose stored version is the planned one. Changes no case and
    /// no version.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](crate::case::ErrorKind::Unavailable).
    async fn set_due(&self, planned: Vec<Planned>) -> Result<(), Error>;

    /// How many cases need attention at `now`. The call takes no longer than there are such cases.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](crate::case::ErrorKind::Unavailable).
    async fn counts(&self, now: DateTime<Utc>) -> Result<Counts, Error>;

    /// At most `limit` review items of active cases that meet `filter`, in the order of their places: the oldest
    /// first. Starts after `after`, whose item need not exist. Fewer than `limit` items mean that this is the last
    /// page. Cases that cannot be read are left out.
    ///
    /// The default reads all cases for each page. A store for many cases must keep an index, so that a page takes no
    /// longer because there are more cases.
    ///
    /// # Errors
    ///
    /// Those of [`page`](Self::page).
    async fn worklist(
        &self,
        filter: &ItemFilter,
        after: Option<&ItemPlace>,
        limit: usize,
    ) -> Result<Vec<WorkItem>, Error> {
        let (mut items, mut read) = (Vec::new(), None);
        loop {
            let page = self.page(read.as_ref(), PAGE).await?;
            let Some(last) = page.last() else { return Ok(items) };
            read = Some(last.id.clone());
            items.extend(page.iter().flat_map(|case| filter.of(case, after)));
            items.sort_by_key(WorkItem::place);
            items.truncate(limit);
        }
    }

    /// How many open review items of active cases there are. With `workers`, only those of cases that are
    /// allocated to one of them without an end date. `assignee` is the user whose items are counted as
    /// [`assigned`](ItemCounts::assigned). A damaged case may be counted.
    ///
    /// The default reads all cases. A store for many cases must keep the counts.
    ///
    /// # Errors
    ///
    /// Those of [`page`](Self::page).
    async fn item_counts(
        &self,
        assignee: &str,
        workers: Option<&[String]>,
    ) -> Result<ItemCounts, Error> {
        let (mut counts, mut read) = (ItemCounts::default(), None);
        loop {
            let page = self.page(read.as_ref(), PAGE).await?;
            let Some(last) = page.last() else { return Ok(counts) };
            read = Some(last.id.clone());
            page.iter().for_each(|case| counts.add_case(case, assignee, workers));
        }
    }

    /// At most `limit` cases that meet `filter`, in the order of their ids, starting after `after`. Fewer
    /// than `limit` cases mean that this is the last page. Cases that cannot be read are left out.
    ///
    /// The default reads all cases in turn. A store for many cases must keep an index of their
    /// [`SearchKeys`](crate::case::SearchKeys).
    ///
    /// # Errors
    ///
    /// Those of [`page`](Self::page).
    async fn search(
        &self,
        filter: &CaseFilter,
        after: Option<&CaseId>,
        limit: usize,
    ) -> Result<Vec<Case>, Error> {
        if let Some(id) = filter.id() {
            let case = readable(self.get(id).await)?.filter(|case| filter.matches(case));
            let case = case.filter(|case| after.is_none_or(|after| case.id > *after));
            return Ok(case.into_iter().take(limit).collect());
        }
        let mut cases = Vec::new();
        let mut read = after.cloned();
        while cases.len() < limit {
            let page = self.page(read.as_ref(), PAGE).await?;
            let Some(last) = page.last() else { break };
            read = Some(last.id.clone());
            let found = page.into_iter().filter(|case| filter.matches(case));
            cases.extend(found.take(limit - cases.len()));
        }
        Ok(cases)
    }

    /// The setting `name`, if it was ever saved.
    ///
    /// # Errors
    ///
    /// [`Corrupt`](crate::case::ErrorKind::Corrupt) and
    /// [`Unavailable`](crate::case::ErrorKind::Unavailable).
    async fn setting(&self, name: &str) -> Result<Option<Setting>, Error>;

    /// Saves the setting `name` over the version that was read.
    ///
    /// # Errors
    ///
    /// [`Conflict`](crate::case::ErrorKind::Conflict), which names no case, when the stored version
    /// differs. [`Unavailable`](crate::case::ErrorKind::Unavailable).
    async fn save_setting(&self, name: &str, setting: Setting) -> Result<(), Error>;

    /// Saves `case` as [`save_all`](Self::save_all) does, and makes sure that the store's own files
    /// contain only the current data of every case (MSCA-DQ-02). The deployment must handle copies
    /// and backups. Over a case that cannot be read, it saves any version.
    ///
    /// # Errors
    ///
    /// Those of [`save_all`](Self::save_all). [`Residue`](crate::case::ErrorKind::Residue) when the
    /// case was saved, but its previous data may still be in the files: read the case, and erase it
    /// again.
    async fn erase(&self, case: Case) -> Result<(), Error>;

    /// Adds new cases, all or none, due at once.
    ///
    /// # Errors
    ///
    /// Those of [`save_all`](Self::save_all); [`Conflict`](crate::case::ErrorKind::Conflict) when the
    /// version of a case is not 0.
    async fn insert_all(&self, cases: Vec<Case>) -> Result<(), Error> {
        if let Some(case) = cases.iter().find(|case| case.version != 0) {
            return Err(Error::new(ErrorKind::Conflict).with_case(case.id.clone()));
        }
        self.save_all(cases.into_iter().map(Change::new).collect()).await
    }

    /// Saves one case, and returns its new version.
    ///
    /// # Errors
    ///
    /// Those of [`save_all`](Self::save_all).
    async fn save(&self, case: &Case) -> Result<u64, Error> {
        self.save_all(vec![Change::new(case.clone())]).await?;
        Ok(case.version + 1)
    }

    /// Saves one case unless another active case has its number. Two writers that have both checked
    /// the holders and found none can therefore not both write the number (MSCA-DQ-01).
    ///
    /// # Errors
    ///
    /// Those of [`save_all`](Self::save_all).
    async fn save_as_sole_holder(&self, case: &Case) -> Result<u64, Error> {
        self.save_all(vec![Change::as_sole_holder(case.clone())]).await?;
        Ok(case.version + 1)
    }
}
