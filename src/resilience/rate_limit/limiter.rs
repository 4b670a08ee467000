use crate::resilience::rate_limit::priority::{Priority, Waiting};
use crate::resilience::rate_limit::queue::Queue;
use crate::resilience::rate_limit::rate::{Rate, RateLimit};
use crate::resilience::rate_limit::reservation::SharedLimit;
use crate::resilience::rate_limit::reserved::{Ask, Change, Reserved};
use crate::resilience::rate_limit::shared::{
    PermitReply, PermitRequest, SharedRate, SharedRateError,
};
use crate::resilience::telemetry;
use crate::tenant::Labels;
use std::collections::BTreeMap;
use std::error::Error as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout, timeout_at};

/// A request to the place of a shared rate ends after this time.
const LONGEST_REQUEST: Duration = Duration::from_secs(1);

/// Issues permits by a [`RateLimit`], in turn to the shares of several callers.
#[derive(Debug)]
pub(super) struct Limiter {
    limit: RateLimit,
    /// The place that keeps the rate, if it is not this process.
    shared: Option<Arc<dyn SharedRate>>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    source: Source,
    /// Questions in progress, of each share.
    under_way: BTreeMap<u64, u32>,
    queue: Queue<Word>,
    shares: u64,
}

/// Where permits come from.
#[derive(Debug)]
enum Source {
    Local { rate: Rate, began: Option<Instant> },
    Shared { limit: SharedLimit, reserved: Option<Box<Reserved>> },
}

/// A share of the permits. Clones are the same share.
#[derive(Clone, Debug)]
pub(crate) struct Lane(Arc<LaneInner>);

#[derive(Debug)]
struct LaneInner {
    limiter: Arc<Limiter>,
    id: u64,
    weight: u32,
}

/// Allows one question to be in progress, until it is dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    lane: Lane,
    labels: Labels,
}

/// The decision for a waiting caller.
enum Turn {
    Now,
    /// Look again when notified, or at this time.
    Wait(Option<Instant>),
    Failed(SharedRateError),
}

/// Wakes a caller.
#[derive(Clone, Debug)]
struct Word(Arc<Notify>);

impl PartialEq for Word {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Limiter {
    pub(super) fn new(limit: RateLimit, shared: Option<Arc<dyn SharedRate>>) -> Arc<Self> {
        let source = match shared {
            None => Source::Local { rate: Rate::of(&limit), began: None },
            Some(_) => Source::Shared { limit: SharedLimit::of(&limit), reserved: None },
        };
        let state = State { source, under_way: BTreeMap::new(), queue: Queue::new(), shares: 0 };
        Arc::new(Self { limit, shared, state: Mutex::new(state) })
    }

    pub(super) const fn limit(&self) -> &RateLimit {
        &self.limit
    }

    /// Creates a share.
    pub(super) fn lane(self: &Arc<Self>, weight: u32) -> Lane {
        let mut state = self.lock();
        state.shares += 1;
        Lane(Arc::new(LaneInner { limiter: Arc::clone(self), id: state.shares, weight }))
    }

    /// How many questions of all shares are in progress.
    pub(super) fn in_flight(&self) -> u32 {
        self.lock().under_way()
    }

    /// How many callers of all shares wait.
    pub(super) fn waiting(&self) -> Waiting {
        self.lock().queue.count_all()
    }

    /// Sends requests to the place of the shared rate, as many as callers need.
    fn ask(self: &Arc<Self>) {
        let Some(shared) = &self.shared else { return };
        while let Some(ask) = self.lock().ask(self.limit.in_flight.get()) {
            let mut request = Request { limiter: Arc::clone(self), ask, is_over: false };
            let shared = Arc::clone(shared);
            // A caller that leaves does not lose the permit: the next one takes it.
            tokio::spawn(async move {
                let asked =
                    PermitRequest::new(ask.priority == Priority::Foreground).with_late(ask.late);
                let answer = shared.next(&request.limiter.limit, &asked);
                let answer = timeout(LONGEST_REQUEST, answer).await.unwrap_or_else(|_| {
                    let limit = LONGEST_REQUEST.as_secs();
                    Err(SharedRateError::new(format!("no answer within {limit} s")))
                });
                request.end(answer);
            });
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request in progress to the place of the shared rate. Dropped before its end, it has failed.
struct Request {
    limiter: Arc<Limiter>,
    ask: Ask,
    is_over: bool,
}

impl Request {
    fn end(&mut self, answer: Result<PermitReply, SharedRateError>) {
        self.is_over = true;
        let mut state = self.limiter.lock();
        let Source::Shared { reserved: Some(reserved), .. } = &mut state.source else { return };
        let change = reserved.answered(&self.ask, answer, Instant::now());
        let cause = reserved.failing.as_ref().map(|failing| causes(&failing.error));
        if cause.is_some() {
            telemetry::shared_rate_failed();
        }
        match change {
            Change::None => {}
            Change::Failed => tracing::warn!(
                cause,
                "the shared rate limit does not answer, so no question is sent: check its database"
            ),
            Change::Recovered => tracing::info!("the shared rate limit answers again"),
        }
        if change == Change::Failed {
            // Each caller's patience begins.
            state.queue.callers().for_each(|word| word.0.notify_one());
        } else {
            state.notify_first();
        }
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        if !self.is_over {
            self.end(Err(SharedRateError::new("the request was cancelled")));
        }
    }
}

fn causes(error: &SharedRateError) -> String {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

impl Lane {
    /// Waits for a permit. Fails when the shared rate does not answer for `patience`. Dropping the future leaves the
    /// queue. Needs a Tokio runtime with its timer.
    pub(crate) async fn enter(
        &self,
        priority: Priority,
        patience: Duration,
        labels: &Labels,
    ) -> Result<Permit, SharedRateError> {
        let place = Place::join(self, priority, patience, labels);
        loop {
            self.0.limiter.ask();
            let turn = self.0.limiter.lock().turn(&place, &self.0.limiter.limit);
            let word = place.word.0.notified();
            match turn {
                Turn::Now => break,
                // Ends at that time, or earlier when another caller is first.
                Turn::Wait(Some(due)) => drop(timeout_at(due, word).await),
                Turn::Wait(None) => word.await,
                Turn::Failed(error) => return Err(error),
            }
        }
        telemetry::waited(labels, priority.as_str(), place.joined.elapsed());
        drop(place);
        Ok(Permit { lane: self.clone(), labels: labels.clone() })
    }

    /// Returns the limit of all shares together.
    pub(crate) fn limit(&self) -> &RateLimit {
        self.0.limiter.limit()
    }

    /// Returns how many questions of this share are in progress.
    pub(crate) fn in_flight(&self) -> u32 {
        self.0.limiter.lock().under_way_of(self.0.id)
    }

    /// Returns how many callers of this share wait for a permit.
    pub(crate) fn waiting(&self) -> Waiting {
        self.0.limiter.lock().queue.count(self.0.id)
    }
}

impl Drop for LaneInner {
    fn drop(&mut self) {
        self.limiter.lock().queue.forget(self.id);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.lane.0.limiter.lock();
        let id = self.lane.0.id;
        let left = state.under_way_of(id).saturating_sub(1);
        if left == 0 {
            state.under_way.remove(&id);
        } else {
            state.under_way.insert(id, left);
        }
        telemetry::in_flight(&self.labels, left);
        state.notify_first();
    }
}

/// A place in the queue, until it is dropped.
struct Place<'a> {
    lane: &'a LaneInner,
    labels: &'a Labels,
    priority: Priority,
    patience: Duration,
    joined: Instant,
    word: Word,
}

impl<'a> Place<'a> {
    fn join(lane: &'a Lane, priority: Priority, patience: Duration, labels: &'a Labels) -> Self {
        let (lane, word) = (&*lane.0, Word(Arc::new(Notify::new())));
        let mut state = lane.limiter.lock();
        state.queue.join(lane.id, lane.weight, priority, word.clone());
        let place = Self { lane, labels, priority, patience, joined: Instant::now(), word };
        place.report(&state);
        place
    }

    fn report(&self, state: &State) {
        let waiting = state.queue.count(self.lane.id);
        let waiting = match self.priority {
            Priority::Foreground => waiting.foreground,
            Priority::Background => waiting.background,
        };
        telemetry::turn_queue(self.labels, self.priority.as_str(), waiting);
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.lane.limiter.lock();
        state.queue.leave(self.lane.id, self.priority, &self.word);
        self.report(&state);
        let is_empty = state.queue.first().is_none();
        if let Source::Shared { reserved: Some(reserved), .. } = &mut state.source
            && is_empty
        {
            reserved.unwanted();
        }
        state.notify_first();
    }
}

impl State {
    fn under_way(&self) -> u32 {
        self.under_way.values().sum()
    }

    fn under_way_of(&self, share: u64) -> u32 {
        self.under_way.get(&share).copied().unwrap_or_default()
    }

    fn notify_first(&self) {
        if let Some(word) = self.queue.first() {
            word.0.notify_one();
        }
    }

    /// Returns the next request that callers need.
    fn ask(&mut self, in_flight: u32) -> Option<Ask> {
        let room = in_flight.saturating_sub(self.under_way());
        let Source::Shared { limit, reserved } = &mut self.source else { return None };
        let now = Instant::now();
        let reserved = reserved.get_or_insert_with(|| Box::new(Reserved::new(*limit, now)));
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        reserved.ask(self.queue.count_all(), room, now)
    }

    fn turn(&mut self, place: &Place<'_>, limit: &RateLimit) -> Turn {
        let now = Instant::now();
        let failing = match &self.source {
            Source::Shared { reserved: Some(reserved), .. } => reserved.failing.as_ref(),
            _ => None,
        };
        let patience = failing.map(|failing| place.joined.max(failing.since) + place.patience);
        if let (Some(failing), Some(until)) = (failing, patience)
            && now >= until
        {
            return Turn::Failed(failing.error.clone());
        }
        let is_first = self.queue.first() == Some(&place.word);
        if !is_first || self.under_way() >= limit.in_flight.get() {
            return Turn::Wait(patience);
        }
        if let Err(due) = self.take(now) {
            return Turn::Wait(due.into_iter().chain(patience).min());
        }
        let share = place.lane.id;
        let under_way = self.under_way.entry(share).or_default();
        *under_way += 1;
        telemetry::in_flight(place.labels, *under_way);
        self.queue.served(share, place.priority);
        Turn::Now
    }

    /// Takes a permit, or returns when to look again: `None` means when notified.
    fn take(&mut self, now: Instant) -> Result<(), Option<Instant>> {
        let waiting = self.queue.count_all();
        match &mut self.source {
            Source::Local { rate, began } => {
                let began = *began.get_or_insert(now);
                let taken = rate.take(now.saturating_duration_since(began));
                taken.map_err(|due| Some(began + due))
            }
            Source::Shared { reserved: Some(reserved), .. } => reserved.take(waiting, now),
            Source::Shared { reserved: None, .. } => Err(None),
        }
    }
}
