use crate::audit::anchor::Anchor;
use crate::audit::entry::Entry;
use crate::audit::error::Error;
use crate::audit::event::Event;
use crate::audit::filter::Filter;
use crate::audit::verdict::Verdict;
use crate::case::CaseId;
use async_trait::async_trait;
use std::collections::VecDeque;
use std::fmt::Debug;

/// Stores an audit trail: append-only, in one order, each event chained to the previous event
/// (MSCA-AUD-01).
///
/// # Contract
///
/// * Events are numbered from 1 without a gap, in the order in which they were appended. The events
///   of one call are adjacent and in order, even if other callers append at the same time.
/// * An event is returned as it was appended, in every field; its time to the microsecond.
/// * Each call takes effect completely or not at all. Acknowledged events are as durable as the log
///   promises. There is no way to change or remove an event.
/// * The content of an entry's subject is stored encrypted under a key of that subject alone. After
///   `forget` it cannot be decrypted, and the chain is whole.
/// * A later event about a forgotten case is about a new subject: a case may be used again after
///   `forget`.
/// * Errors contain nothing of an event, and `Debug` shows counts at most.
/// * A call whose future is dropped may or may not take effect.
///
/// [`Trail`](crate::audit::Trail) meets this contract over any storage, so a vendor implements
/// [`AuditStorage`](crate::audit::AuditStorage) and not this trait. A log that only sends events
/// ([`SinkLog`](crate::audit::SinkLog)) meets the parts of it that concern `append`.
///
/// `conformance::check` (feature `conformance`) checks a log against this.
#[async_trait]
pub trait AuditLog: Debug + Send + Sync {
    /// Appends `entries` durably and in order, all or none. Returns the number of the trail's last
    /// event afterwards. With no entries, changes nothing.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](crate::audit::ErrorKind::Unavailable), and
    /// [`Corrupt`](crate::audit::ErrorKind::Corrupt) when the end of the trail does not match its
    /// anchor.
    async fn append(&self, entries: Vec<Entry>) -> Result<u64, Error>;

    /// At most `limit` events that pass `filter`, in order, starting after the event number
    /// `after`. The end is reached when the page is empty and `limit` is not 0.
    ///
    /// Damaged events that cannot be read are left out: [`unreadable`](Self::unreadable) lists
    /// them.
    ///
    /// Reading by a user must be audited, and this method does not do it: call
    /// [`query`](crate::audit::query) for a user.
    ///
    /// # Errors
    ///
    /// [`Corrupt`](crate::audit::ErrorKind::Corrupt) when the trail as a whole cannot be read, and
    /// [`Unavailable`](crate::audit::ErrorKind::Unavailable).
    async fn page(&self, filter: &Filter, after: u64, limit: usize) -> Result<Vec<Event>, Error>;

    /// At most `limit` events that pass `filter`, newest first, starting before the event number
    /// `before`. The start of the trail is reached when the page is empty and `limit` is not 0.
    ///
    /// Damaged events that cannot be read are left out, as in [`page`](Self::page). For a user, call
    /// [`query_latest`](crate::audit::query_latest()), which audits the query.
    ///
    /// The default reads pages of [`page`](Self::page), from the end of the trail backwards. Implement
    /// this method when your log can read in descending order.
    ///
    /// # Errors
    ///
    /// Those of [`page`](Self::page).
    async fn page_before(
        &self,
        filter: &Filter,
        before: u64,
        limit: usize,
    ) -> Result<Vec<Event>, Error> {
        by_windows(self, filter, before, limit).await
    }

    /// The numbers of the events that a page with `filter` leaves out because they cannot be read,
    /// in order. A log whose events cannot be damaged one by one need not implement this method.
    ///
    /// # Errors
    ///
    /// Those of [`page`](Self::page).
    async fn unreadable(&self, _filter: &Filter) -> Result<Vec<u64>, Error> {
        Ok(Vec::new())
    }

    /// The end of the trail.
    ///
    /// # Errors
    ///
    /// [`Corrupt`](crate::audit::ErrorKind::Corrupt) when the trail's own anchor is damaged, and
    /// [`Unavailable`](crate::audit::ErrorKind::Unavailable).
    async fn head(&self) -> Result<Anchor, Error>;

    /// Checks the whole trail, in bounded memory, and reports the first broken link. `anchors` are
    /// those stored outside the trail. A broken trail is a normal result, not an error.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](crate::audit::ErrorKind::Unavailable), and
    /// [`Corrupt`](crate::audit::ErrorKind::Corrupt) when the trail cannot be read at all.
    async fn verify(&self, anchors: &[Anchor]) -> Result<Verdict, Error>;

    /// Checks the whole trail as [`verify`](Self::verify) does, and reports the progress: calls
    /// `checked` with the number of the last event that is checked and correct, from time to time.
    ///
    /// The default reports nothing before the end.
    ///
    /// # Errors
    ///
    /// Those of [`verify`](Self::verify).
    async fn verify_with_progress(
        &self,
        anchors: &[Anchor],
        _checked: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Verdict, Error> {
        self.verify(anchors).await
    }

    /// Destroys the key of the encrypted content about `case`, and the mappings from the case and
    /// its numbers to it (MSCA-DQ-02: permanent erasure by court order). If the case is not in the
    /// trail, nothing changes.
    ///
    /// A person of whom only the number is known
    /// ([`Subject::person`](crate::audit::Subject::person)) is forgotten together with a case of
    /// that number if an event records that the person was also erased.
    ///
    /// # Errors
    ///
    /// [`NotErased`](crate::audit::ErrorKind::NotErased) when the trail has no `case_erased` event
    /// about the case: append it first. [`Residue`](crate::audit::ErrorKind::Residue) when copies
    /// of the key may still be in the log's files: call again.
    async fn forget(&self, case: &CaseId) -> Result<(), Error>;
}

/// How many numbers the first window has, and how many events are in memory at once.
const WINDOW: u64 = 256;

/// The last events before `before` that pass `filter`, read in ascending order: window after window of
/// sequence numbers, each farther back and larger than the one before.
pub(super) async fn by_windows<L: AuditLog + ?Sized>(
    log: &L,
    filter: &Filter,
    before: u64,
    limit: usize,
) -> Result<Vec<Event>, Error> {
    let (first, last) = filter.sequence().unwrap_or((1, u64::MAX));
    let (first, mut last) = (first.max(1), last.min(before.saturating_sub(1)));
    last = last.min(log.head().await?.seq);
    let (mut events, mut size) = (Vec::new(), WINDOW);
    while events.len() < limit && first <= last {
        let start = first.max(last.saturating_sub(size.saturating_sub(1)));
        let window = filter.clone().with_sequence(start..=last);
        let wanted = limit.saturating_sub(events.len());
        // Only the last events of the window are needed.
        let (mut found, mut after) = (VecDeque::new(), start.saturating_sub(1));
        loop {
            let page = log.page(&window, after, usize::try_from(WINDOW).unwrap_or(1)).await?;
            let Some(end) = page.last() else { break };
            after = end.seq;
            found.extend(page);
            found.drain(..found.len().saturating_sub(wanted));
        }
        events.extend(found.into_iter().rev());
        last = start.saturating_sub(1);
        size = size.saturating_mul(2);
    }
    Ok(events)
}
