use crate::resilience::rate_limit::rate::{Rate, RateLimit};
use crate::resilience::telemetry;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use tokio::time::Instant;

/// While both wait, the foreground gets this many permits in a row; the background gets the next.
const YIELDED: u32 = 9;

/// Which callers get permits first.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Priority {
    /// A user waits for the answer.
    Foreground,
    /// No user waits: the worker.
    Background,
}

impl Priority {
    /// Returns a stable word for spans and metrics: `foreground` or `background`.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Foreground => "foreground",
            Self::Background => "background",
        }
    }
}

/// Issues permits by a [`RateLimit`]. Clones share the same permits.
#[derive(Clone, Debug)]
pub(crate) struct RateLimiter(Arc<Shared>);

/// Allows one question to be in progress, until it is dropped.
#[derive(Debug)]
pub(crate) struct Permit(Arc<Shared>);

/// How many callers wait for a permit.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, serde::Serialize)]
pub struct Waiting {
    /// For users.
    pub foreground: usize,
    /// For the worker.
    pub background: usize,
}

#[derive(Debug)]
struct Shared {
    in_flight: u32,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    rate: Rate,
    /// When the rate's time began.
    began: Option<Instant>,
    under_way: u32,
    foreground: VecDeque<Arc<Notify>>,
    background: VecDeque<Arc<Notify>>,
    /// Permits in a row for the foreground while the background waited.
    yielded: u32,
}

/// The decision for a waiting caller.
enum Turn {
    Now,
    NotBefore(Instant),
    /// Another caller is first, or too many questions are in progress: wait for a notification.
    Wait,
}

impl RateLimiter {
    /// Creates a limiter for `rate_limit`.
    pub(crate) fn new(rate_limit: RateLimit) -> Self {
        Self(Arc::new(Shared {
            in_flight: rate_limit.in_flight.get(),
            state: Mutex::new(State {
                rate: Rate::of(&rate_limit),
                began: None,
                under_way: 0,
                foreground: VecDeque::new(),
                background: VecDeque::new(),
                yielded: 0,
            }),
        }))
    }

    /// Waits for a permit. Dropping the future leaves the queue. Needs a Tokio runtime with its
    /// timer.
    pub(crate) async fn enter(&self, priority: Priority) -> Permit {
        let began = Instant::now();
        let place = Place::join(&self.0, priority);
        loop {
            let turn = self.0.lock().turn(&place, self.0.in_flight);
            match turn {
                Turn::Now => break,
                Turn::NotBefore(due) => {
                    let word = place.word.notified();
                    // Ends at that time, or earlier when another caller is first.
                    let _ = tokio::time::timeout_at(due, word).await;
                }
                Turn::Wait => place.word.notified().await,
            }
        }
        drop(place);
        telemetry::waited(priority.as_str(), began.elapsed());
        Permit(Arc::clone(&self.0))
    }

    /// Returns how many questions are in progress.
    pub(crate) fn in_flight(&self) -> u32 {
        self.0.lock().under_way
    }

    /// Returns how many callers wait for a permit.
    pub(crate) fn waiting(&self) -> Waiting {
        let state = self.0.lock();
        Waiting { foreground: state.foreground.len(), background: state.background.len() }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.under_way = state.under_way.saturating_sub(1);
        telemetry::in_flight(state.under_way);
        state.notify_first();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the queue, until it is dropped.
struct Place<'a> {
    shared: &'a Shared,
    priority: Priority,
    word: Arc<Notify>,
}

impl<'a> Place<'a> {
    fn join(shared: &'a Shared, priority: Priority) -> Self {
        let word = Arc::new(Notify::new());
        let mut state = shared.lock();
        state.queue(priority).push_back(Arc::clone(&word));
        state.report(priority);
        Self { shared, priority, word }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.queue(self.priority).retain(|other| !Arc::ptr_eq(other, &self.word));
        state.report(self.priority);
        state.notify_first();
    }
}

impl State {
    const fn queue(&mut self, priority: Priority) -> &mut VecDeque<Arc<Notify>> {
        match priority {
            Priority::Foreground => &mut self.foreground,
            Priority::Background => &mut self.background,
        }
    }

    /// Returns the caller that gets the next permit.
    fn first(&self) -> Option<(Priority, &Arc<Notify>)> {
        let foreground = self.foreground.front().map(|word| (Priority::Foreground, word));
        let background = self.background.front().map(|word| (Priority::Background, word));
        if self.yielded >= YIELDED { background.or(foreground) } else { foreground.or(background) }
    }

    fn notify_first(&self) {
        if let Some((_, word)) = self.first() {
            word.notify_one();
        }
    }

    fn turn(&mut self, place: &Place<'_>, in_flight: u32) -> Turn {
        let is_first = self.first().is_some_and(|(_, word)| Arc::ptr_eq(word, &place.word));
        if !is_first || self.under_way >= in_flight {
            return Turn::Wait;
        }
        let now = Instant::now();
        let began = *self.began.get_or_insert(now);
        if let Err(due) = self.rate.take(now.saturating_duration_since(began)) {
            return Turn::NotBefore(began + due);
        }
        self.under_way += 1;
        telemetry::in_flight(self.under_way);
        self.yielded = match place.priority {
            Priority::Foreground if !self.background.is_empty() => self.yielded + 1,
            _ => 0,
        };
        Turn::Now
    }

    fn report(&self, priority: Priority) {
        let waiting = match priority {
            Priority::Foreground => self.foreground.len(),
            Priority::Background => self.background.len(),
        };
        telemetry::turn_queue(priority.as_str(), waiting);
    }
}
