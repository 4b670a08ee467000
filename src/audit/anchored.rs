use crate::audit::anchor::Anchor;
use crate::audit::entry::Entry;
use crate::audit::error::Error;
use crate::audit::event::Event;
use crate::audit::filter::Filter;
use crate::audit::log::AuditLog;
use crate::audit::sink::AnchorSink;
use crate::audit::verdict::Verdict;
use crate::case::CaseId;
use crate::clock::Clock;
use async_trait::async_trait;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A log that sends its head to a sink as it grows.
///
/// After an append that ends `every` or more events beyond the last stored anchor, it sends the
/// head. If the sink fails, nothing is lost and nothing stops: the append succeeds, and the next
/// append tries again. [`unanchored`](Self::unanchored) returns how many events have no anchor
/// since then. Monitor it, and notify an operator when it grows.
///
/// ```
/// use nhs_pds::audit::{Anchored, FileAnchors, MemoryLog};
/// use nhs_pds::clock::SystemClock;
/// use std::sync::Arc;
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("anchors.txt");
/// let log = Arc::new(MemoryLog::new());
/// let log = Anchored::new(log, Arc::new(FileAnchors::new(path)), Arc::new(SystemClock))
///     .with_every(1000.try_into()?);
/// assert_eq!(log.unanchored(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Anchored {
    log: Arc<dyn AuditLog>,
    sink: Arc<dyn AnchorSink>,
    clock: Arc<dyn Clock>,
    every: NonZeroU64,
    /// The last event with a stored anchor; 0 before the first in this process.
    kept: AtomicU64,
    /// The last event that was appended.
    appended: AtomicU64,
}

impl Anchored {
    /// Sends the head of `log` to `sink` after each append, with the time from `clock`.
    #[must_use]
    pub fn new(log: Arc<dyn AuditLog>, sink: Arc<dyn AnchorSink>, clock: Arc<dyn Clock>) -> Self {
        let (kept, appended) = Default::default();
        Self { log, sink, clock, every: NonZeroU64::MIN, kept, appended }
    }

    /// Returns this log, set to send its head when `every` events have no anchor.
    #[must_use]
    pub const fn with_every(mut self, every: NonZeroU64) -> Self {
        self.every = every;
        self
    }

    /// How many events of the trail are after the last stored anchor, counting only the appends of
    /// this value.
    #[must_use]
    pub fn unanchored(&self) -> u64 {
        let kept = self.kept.load(Ordering::Relaxed);
        self.appended.load(Ordering::Relaxed).saturating_sub(kept)
    }

    async fn anchor(&self) -> Result<(), Error> {
        let head = self.log.head().await?;
        self.sink.keep(&head, self.clock.now()).await?;
        self.kept.fetch_max(head.seq, Ordering::Relaxed);
        Ok(())
    }
}

#[async_trait]
impl AuditLog for Anchored {
    async fn append(&self, entries: Vec<Entry>) -> Result<u64, Error> {
        let last = self.log.append(entries).await?;
        self.appended.fetch_max(last, Ordering::Relaxed);
        if self.unanchored() >= self.every.get() {
            // The events are appended; an error would wrongly report that they are not.
            let _ = self.anchor().await;
        }
        Ok(last)
    }

    async fn page(&self, filter: &Filter, after: u64, limit: usize) -> Result<Vec<Event>, Error> {
        self.log.page(filter, after, limit).await
    }

    async fn page_before(
        &self,
        filter: &Filter,
        before: u64,
        limit: usize,
    ) -> Result<Vec<Event>, Error> {
        self.log.page_before(filter, before, limit).await
    }

    async fn unreadable(&self, filter: &Filter) -> Result<Vec<u64>, Error> {
        self.log.unreadable(filter).await
    }

    async fn head(&self) -> Result<Anchor, Error> {
        self.log.head().await
    }

    async fn verify(&self, anchors: &[Anchor]) -> Result<Verdict, Error> {
        self.log.verify(anchors).await
    }

    async fn verify_with_progress(
        &self,
        anchors: &[Anchor],
        checked: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<Verdict, Error> {
        self.log.verify_with_progress(anchors, checked).await
    }

    async fn forget(&self, case: &CaseId) -> Result<(), Error> {
        self.log.forget(case).await
    }
}
