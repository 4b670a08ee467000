use crate::audit::{Actor, Anchor, Entry, EventKind};
use crate::case::Setting;
use crate::clock::{Clock, SystemClock};
use crate::process::control::wanted::{self, CONTROLS};
use crate::process::store::commit::Commit;
use crate::process::store::transfer::copy::{Sums, Target, copy, damaged};
use crate::process::store::transfer::error::{Error, ErrorKind};
use crate::process::store::transfer::mark::{Counts, FROM, Mark, MarkState, TO};
use crate::process::store::transfer::place::Place;
use crate::process::store::transfer::progress::{Progress, Step, Steps};
use crate::process::store::transfer::start::{Start, start};
use crate::process::store::transfer::table::{ALERTS, NUMBERS, SUBJECTS};
use std::fmt;
use std::sync::Arc;

/// Moves a store to another place: a file to a tenant in PostgreSQL, a tenant to a file, a file to a file.
///
/// ```
/// use nhs_pds::audit::{Actor, AuditLog};
/// use nhs_pds::process::store::transfer::Transfer;
/// use nhs_pds::process::store::{Sqlite, Store};
/// use nhs_pds::trace::{LocalIdentity, User};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let (from, to) = (Sqlite::open_in_memory()?, Sqlite::open_in_memory()?);
/// let user = User::Local(LocalIdentity::new("RHM".parse()?, "j.doe")?);
/// let moved = Transfer::new(from, to.clone()).run(&Actor::new(&user.into(), "Jo Doe")).await?;
/// assert_eq!((moved.cases, moved.events, moved.was_complete), (0, 0, false));
/// assert_eq!(to.audit().head().await?.seq, 1, "the move is on record");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Transfer {
    from: Place,
    to: Place,
    clock: Arc<dyn Clock>,
    show: Arc<dyn Fn(Progress) + Send + Sync>,
}

/// A complete move.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Transferred {
    /// The number of cases.
    pub cases: u64,
    /// The number of events in the audit trail.
    pub events: u64,
    /// The number of alerts.
    pub alerts: u64,
    /// The end of the trail that was moved.
    pub head: Anchor,
    /// The SHA-256 of all that was moved, in hexadecimal digits. It was computed from the source and from the target.
    pub sha256: String,
    /// Whether an earlier call had completed the move.
    pub was_complete: bool,
}

impl Transfer {
    /// Moves all of `from` to `to`.
    #[must_use]
    pub fn new(from: impl Into<Place>, to: impl Into<Place>) -> Self {
        let (from, to) = (from.into(), to.into());
        Self { from, to, clock: Arc::new(SystemClock), show: Arc::new(|_| {}) }
    }

    /// Sets the clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets what is called after each page of rows.
    #[must_use]
    pub fn with_progress(mut self, show: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.show = Arc::new(show);
        self
    }

    /// Moves, compares, and records the move in both trails on behalf of `by`. Goes on from where an earlier call has
    /// ended, and does nothing when that one has completed the move.
    ///
    /// # Errors
    ///
    /// [`ErrorKind`], which says what to do about it. The source is as it was. The call may be repeated.
    pub async fn run(&self, by: &Actor) -> Result<Transferred, Error> {
        let (from, to) = (self.from.side(), self.to.side());
        let (source, target) =
            (from.state(self.clock.now()).await?, to.state(self.clock.now()).await?);
        let mut known = vec![Anchor::new(0, [0; 32])];
        let named = [target.mark.as_ref().map(|mark| mark.head), target.last];
        for anchor in named.into_iter().flatten() {
            known.extend(from.event(anchor.seq).await?);
        }
        let start = start(&source, &target, |event| known.contains(event))?;
        let mark = match (start, target.mark, source.head) {
            (Start::Done { is_recorded }, Some(mark), _) => {
                self.check_trail(&mark).await?;
                if !is_recorded {
                    self.record_in_source(by, &mark).await?;
                }
                return Ok(moved(mark, true));
            }
            (_, _, Some(head)) => self.copy(start, head, source.counts, target.counts, by).await?,
            (_, _, None) => return Err(Error::new(ErrorKind::TrailBroken)),
        };
        self.record_in_source(by, &mark).await?;
        Ok(moved(mark, false))
    }

    /// Writes what is missing, compares, and records the move in the target.
    async fn copy(
        &self,
        start: Start,
        head: Anchor,
        counts: Counts,
        has: Counts,
        by: &Actor,
    ) -> Result<Mark, Error> {
        let (from, to, all) = (self.from.side(), self.to.side(), counts.rows());
        let mut steps = Steps::new(Step::Check, counts.cases + counts.alerts, &*self.show);
        let names = damaged(from, &mut steps).await?;
        if !names.is_empty() {
            return Err(Error::new(ErrorKind::Damaged).with_damaged(names));
        }
        let verdict = from.store().audit().verify(&[head]).await?;
        if !verdict.is_whole() {
            return Err(Error::new(ErrorKind::TrailBroken).with_source(verdict.to_string()));
        }
        // They are changed at the end.
        wanted::read(from.store().cases()).await?;

        let exact = start != Start::Resume { exact: false };
        let ticket = to.begin(&Mark::moving(head, exact)).await?;
        let mut has = has;
        if !exact {
            for table in [&ALERTS, &SUBJECTS, &NUMBERS] {
                while to.clear(table, ticket).await? {}
            }
            has = Counts { events: has.events, ..Counts::default() };
        }
        let target = Target { side: to, ticket, has };
        let mut steps = Steps::new(Step::Write, all, &*self.show);
        let written = copy(from, Some(target), &mut steps).await?;
        let after = from.state(self.clock.now()).await?;
        if after.head != Some(head) || after.counts != counts || after.leased_until.is_some() {
            return Err(Error::new(ErrorKind::Changed));
        }
        let mut steps = Steps::new(Step::Compare, all, &*self.show);
        let found = copy(to, None, &mut steps).await?;
        self.complete(head, ticket, &written, &found, by).await
    }

    async fn complete(
        &self,
        head: Anchor,
        ticket: u64,
        written: &Sums,
        found: &Sums,
        by: &Actor,
    ) -> Result<Mark, Error> {
        let (to, digest) = (self.to.side(), written.digest());
        if found.digest() != digest {
            // Not all that is there is as in the source: the next move writes everything again.
            to.begin(&Mark::moving(head, false)).await?;
            return Err(Error::new(ErrorKind::Mismatch));
        }
        let (state, counts) = (MarkState::Moved, written.counts());
        let mark = Mark { state, counts, digest, ..Mark::moving(head, true) };
        to.end(head, ticket).await?;
        self.check_trail(&mark).await?;
        let now = self.clock.now();
        let entry = self.entry(by, &mark, EventKind::ConfigurationChanged);
        let entry = entry.with_detail("moved_from", self.from.side().name());
        let setting = Setting { value: mark.to_json(), version: ticket };
        let commit = Commit::of_a_person(by, now).set(FROM, setting, entry);
        if to.store().commit(commit).await?.is_done() {
            Ok(mark)
        } else {
            Err(Error::new(ErrorKind::Superseded))
        }
    }

    /// Whether the target's trail is whole, and goes on from the source's.
    async fn check_trail(&self, mark: &Mark) -> Result<(), Error> {
        let anchors: &[Anchor] = if mark.head.seq == 0 { &[] } else { &[mark.head] };
        let verdict = self.to.side().store().audit().verify(anchors).await?;
        if verdict.is_whole() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Mismatch).with_source(verdict.to_string()))
    }

    /// Says in the source that it was moved, and pauses it: a worker that is started on it by mistake does nothing.
    async fn record_in_source(&self, by: &Actor, mark: &Mark) -> Result<(), Error> {
        let (store, now) = (self.from.side().store(), self.clock.now());
        let name = self.to.side().name();
        let stored = store.cases().setting(TO).await?;
        let version = stored.map_or(0, |setting| setting.version);
        let value = format!("{name} at {}", mark.head);
        let entry = self.entry(by, mark, EventKind::CasesExported);
        let entry = entry.with_detail("moved_to", name);
        let (mut controls, setting) = wanted::read(store.cases()).await?;
        controls.paused = true;
        let paused =
            Entry::new(EventKind::ProcessControlled, now, by).with_detail("process", "pause");
        let commit = Commit::of_a_person(by, now).set(TO, Setting { value, version }, entry).set(
            CONTROLS,
            wanted::with(setting, &controls)?,
            paused,
        );
        if store.commit(commit).await?.is_done() {
            Ok(())
        } else {
            Err(Error::new(ErrorKind::Changed))
        }
    }

    fn entry(&self, by: &Actor, mark: &Mark, kind: EventKind) -> Entry {
        Entry::new(kind, self.clock.now(), by)
            .with_detail("cases", mark.counts.cases.to_string())
            .with_detail("events", mark.counts.events.to_string())
            .with_detail("alerts", mark.counts.alerts.to_string())
            .with_detail("head", mark.head.to_string())
            .with_detail("sha256", mark.digest.clone())
    }
}

fn moved(mark: Mark, was_complete: bool) -> Transferred {
    let Mark { head, counts: Counts { cases, events, alerts, .. }, digest: sha256, .. } = mark;
    Transferred { cases, events, alerts, head, sha256, was_complete }
}

impl fmt::Debug for Transfer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Transfer({:?} to {:?})", self.from, self.to)
    }
}
