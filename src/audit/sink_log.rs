use crate::audit::anchor::Anchor;
use crate::audit::entry::Entry;
use crate::audit::error::{Error, ErrorKind};
use crate::audit::event::Event;
use crate::audit::event_sink::EventSink;
use crate::audit::filter::Filter;
use crate::audit::log::AuditLog;
use crate::audit::verdict::Verdict;
use crate::case::CaseId;
use async_trait::async_trait;
use std::sync::Arc;
use tokio::sync::Mutex;

/// A log that keeps no trail: it numbers events and passes them on to a sink, which has the only
/// record. For a vendor whose own system is the audit trail.
///
/// An append succeeds when the sink has the events. All other methods fail with
/// [`ErrorKind::Elsewhere`]: read, verify and erase in the system behind the sink. That system must
/// then meet the requirements that a trail of this crate meets: who did what and when
/// (MSCA-AUD-01 to MSCA-AUD-05), and the erasure of a person (MSCA-DQ-02).
///
/// The sink gets each event with its content ([`About::Subject`](crate::audit::About::Subject)),
/// because no other copy of it exists. The serde form of an event still has no personal data: to
/// find the events of a case later, the sink must store the case id itself. A sink that stores
/// personal data must erase them when it gets a `case_erased` event about the case. An erasure by
/// the review queue records that event, erases the case in the store, and then returns
/// `AuditElsewhere`, so that the operator completes the erasure there.
///
/// At most one process may append to a sink through a `SinkLog`, because the numbers are counted
/// here. Use [`Forwarding`](crate::audit::Forwarding) for several processes.
///
/// ```
/// use chrono::DateTime;
/// use nhs_pds::audit::{Actor, AuditLog, Entry, ErrorKind, EventKind, Filter, JsonLines, SinkLog};
/// use nhs_pds::trace::{Caller, LocalIdentity};
/// use std::sync::Arc;
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("events.jsonl");
/// let log = SinkLog::new(Arc::new(JsonLines::new(&path)));
/// let us = Caller::System(LocalIdentity::new("RHM".parse()?, "get-nhs-number")?);
/// let actor = Actor::new(&us, "Get NHS Number");
/// let entry = Entry::new(EventKind::SignedIn, DateTime::UNIX_EPOCH, &actor);
/// assert_eq!(log.append(vec![entry]).await?, 1);
/// let read = log.page(&Filter::new(), 0, 9).await.map_err(|error| error.kind());
/// assert_eq!(read, Err(ErrorKind::Elsewhere));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct SinkLog {
    sink: Arc<dyn EventSink>,
    /// The last event that the sink has; unknown at first and after a failure.
    last: Mutex<Option<u64>>,
}

impl SinkLog {
    /// Passes events on to `sink`, numbered from the sink's last event.
    #[must_use]
    pub fn new(sink: Arc<dyn EventSink>) -> Self {
        Self { sink, last: Mutex::default() }
    }
}

#[async_trait]
impl AuditLog for SinkLog {
    async fn append(&self, entries: Vec<Entry>) -> Result<u64, Error> {
        let mut turn = self.last.lock().await;
        // If this call fails or is dropped, the sink is asked again.
        let last = match turn.take() {
            Some(last) => last,
            None => self.sink.last().await?,
        };
        let events: Vec<Event> =
            entries.iter().zip(1..).map(|(entry, n)| Event::new(last + n, entry)).collect();
        if !events.is_empty() {
            self.sink.send(&events).await?;
        }
        let last = events.last().map_or(last, |event| event.seq);
        *turn = Some(last);
        Ok(last)
    }

    async fn page(&self, _: &Filter, _: u64, _: usize) -> Result<Vec<Event>, Error> {
        Err(Error::new(ErrorKind::Elsewhere))
    }

    async fn unreadable(&self, _: &Filter) -> Result<Vec<u64>, Error> {
        Err(Error::new(ErrorKind::Elsewhere))
    }

    async fn head(&self) -> Result<Anchor, Error> {
        Err(Error::new(ErrorKind::Elsewhere))
    }

    async fn verify(&self, _: &[Anchor]) -> Result<Verdict, Error> {
        Err(Error::new(ErrorKind::Elsewhere))
    }

    async fn forget(&self, _: &CaseId) -> Result<(), Error> {
        Err(Error::new(ErrorKind::Elsewhere))
    }
}
