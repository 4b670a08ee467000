use crate::audit::anchor::Anchor;
use crate::audit::entry::Entry;
use crate::audit::error::{Error, ErrorKind};
use crate::audit::event::{About, Event};
use crate::audit::event_sink::EventSink;
use crate::audit::filter::Filter;
use crate::audit::log::AuditLog;
use crate::audit::verdict::Verdict;
use crate::case::CaseId;
use crate::clock::Clock;
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Mutex;

/// How many events are sent at once.
const PAGE: usize = 200;

/// How many pages an append sends at most. A greater backlog is sent by later appends.
const PAGES: usize = 10;

/// How long a call of a sink may take, and how long a sink is left alone after a failure.
const TIMEOUT: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_secs(30);

/// A log that also passes each event on to a sink, at least once and in order.
///
/// After an append, it sends the events that the sink does not have yet. If the sink fails, nothing
/// is lost and nothing stops: the append succeeds, and the sink gets the events later. After a
/// failure, or a call of more than 5 seconds ([`with_timeout`](Self::with_timeout)), appends do not
/// use the sink for 30 seconds ([`with_pause`](Self::with_pause)). [`unsent`](Self::unsent) returns
/// how many events wait: monitor it, and notify an operator when it grows.
///
/// It continues after the last event that the sink acknowledged, also after a restart. To send what
/// is missing without an append, call [`forward`](Self::forward): when the program starts, and at
/// intervals.
///
/// The sink gets no personal data about a patient: [`Event::about`] is [`About::Withheld`], and
/// [`Event::subject_name`] is the name of the subject in the trail. An erasure
/// ([`AuditLog::forget`]) deletes what leads from a person to that name, so the sink's events about
/// an erased person cannot be linked to the person any more. They arrive as [`About::Forgotten`] if
/// they are sent after the erasure. Names and ids of users are passed on.
///
/// Several processes may forward to one sink: it gets events more than once then, and must keep
/// each once. Appends need a Tokio runtime with time.
///
/// ```
/// use nhs_pds::audit::{Forwarding, JsonLines, MemoryLog};
/// use nhs_pds::clock::SystemClock;
/// use std::sync::Arc;
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("events.jsonl");
/// let (log, sink) = (Arc::new(MemoryLog::new()), Arc::new(JsonLines::new(path)));
/// let log = Forwarding::new(log, sink, Arc::new(SystemClock));
/// assert_eq!(log.unsent(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Forwarding {
    log: Arc<dyn AuditLog>,
    sink: Arc<dyn EventSink>,
    clock: Arc<dyn Clock>,
    timeout: Duration,
    pause: Duration,
    /// One call sends at a time; the others wait, and find their events sent.
    turn: Mutex<Turn>,
    /// The last event that was appended by this value or sent, and the last that was sent.
    appended: AtomicU64,
    sent: AtomicU64,
}

#[derive(Debug, Default)]
struct Turn {
    /// The last event that the sink has; unknown at first and after a failure.
    last: Option<u64>,
    /// When the sink may be used again after a failure.
    resume: Option<DateTime<Utc>>,
}

impl Forwarding {
    /// Passes the events of `log` on to `sink`, with the time from `clock`.
    #[must_use]
    pub fn new(log: Arc<dyn AuditLog>, sink: Arc<dyn EventSink>, clock: Arc<dyn Clock>) -> Self {
        let (turn, appended, sent) = Default::default();
        Self { log, sink, clock, timeout: TIMEOUT, pause: PAUSE, turn, appended, sent }
    }

    /// Returns this log, set to drop a call of the sink that takes longer than `timeout`.
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Returns this log, set to append without the sink for `pause` after the sink has failed.
    #[must_use]
    pub const fn with_pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// How many events that this value has appended or seen are not known to be at the sink.
    #[must_use]
    pub fn unsent(&self) -> u64 {
        let sent = self.sent.load(Ordering::Relaxed);
        self.appended.load(Ordering::Relaxed).saturating_sub(sent)
    }

    /// Sends everything that the sink does not have yet, also soon after a failure. Returns the
    /// number of the last event that the sink has.
    ///
    /// # Errors
    ///
    /// Those of [`EventSink::send`], [`EventSink::last`] and [`AuditLog::page`];
    /// [`ErrorKind::Unavailable`] when the sink takes too long. What was sent stays sent.
    /// [`ErrorKind::Corrupt`] when the sink has events after the end of the trail: the trail was
    /// restored from an older copy, or the sink belongs to another trail. Nothing is sent then.
    /// Have the events after the end investigated, and give the trail a new, empty destination.
    pub async fn forward(&self) -> Result<u64, Error> {
        let head = self.log.head().await?;
        self.appended.fetch_max(head.seq, Ordering::Relaxed);
        let mut turn = self.turn.lock().await;
        self.send(&mut turn, head.seq, usize::MAX).await
    }

    /// Sends the events up to `last`, unless the sink has failed a short time ago.
    async fn forward_soon(&self, last: u64) {
        let mut turn = self.turn.lock().await;
        let now = self.clock.now();
        let is_up_to_date = turn.last.is_some_and(|sent| sent >= last);
        // A clock that was set back must not extend the pause.
        let latest = now + delta(self.pause);
        let is_paused = turn.resume.is_some_and(|resume| now < resume && resume <= latest);
        if !is_up_to_date && !is_paused {
            // The events are appended; an error would wrongly report that they are not.
            let _ = self.send(&mut turn, last, PAGES).await;
        }
    }

    async fn send(&self, turn: &mut Turn, end: u64, pages: usize) -> Result<u64, Error> {
        let known = turn.last.take();
        // If this future is dropped, the sink is asked again.
        match self.send_pages(known, end, pages).await {
            Ok(last) => {
                *turn = Turn { last: Some(last), resume: None };
                Ok(last)
            }
            Err(error) => {
                turn.resume = Some(self.clock.now() + delta(self.pause));
                Err(error)
            }
        }
    }

    async fn send_pages(&self, known: Option<u64>, end: u64, pages: usize) -> Result<u64, Error> {
        let mut last = match known {
            Some(last) => last,
            None => self.last_at_sink().await?,
        };
        self.sent.fetch_max(last, Ordering::Relaxed);
        for _ in 0..pages {
            if last >= end {
                break;
            }
            let mut page = self.log.page(&Filter::new(), last, PAGE).await?;
            // Events that cannot be read may be the last.
            let Some(read) = page.last().map(|event| event.seq) else { break };
            page.iter_mut().for_each(withhold);
            self.in_time(self.sink.send(&page)).await?;
            last = read;
            self.appended.fetch_max(last, Ordering::Relaxed);
            self.sent.fetch_max(last, Ordering::Relaxed);
        }
        Ok(last)
    }

    /// The last event that the sink has, which must be an event of this trail.
    async fn last_at_sink(&self) -> Result<u64, Error> {
        let last = self.in_time(self.sink.last()).await?;
        if self.log.head().await?.seq < last {
            return Err(Error::new(ErrorKind::Corrupt).with_source(
                "the sink has events after the end of the trail: it belongs to another trail, or \
                 the trail was restored from an older copy",
            ));
        }
        Ok(last)
    }

    async fn in_time<T>(&self, call: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        match tokio::time::timeout(self.timeout, call).await {
            Ok(done) => done,
            Err(_) => Err(Error::new(ErrorKind::Unavailable)
                .with_source("the sink of events did not answer in time")),
        }
    }
}

fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX / 2)
}

/// Removes the personal data.
fn withhold(event: &mut Event) {
    if let About::Subject(_) = event.about {
        event.about = About::Withheld;
    }
}

#[async_trait]
impl AuditLog for Forwarding {
    async fn append(&self, entries: Vec<Entry>) -> Result<u64, Error> {
        let last = self.log.append(entries).await?;
        self.appended.fetch_max(last, Ordering::Relaxed);
        self.forward_soon(last).await;
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
