//! One world: virtual time, chance, faults, and the log of what happens.

use crate::ledger::Ledger;
use crate::random::Random;
use crate::shape::{Shape, Skew};
use chrono::{DateTime, TimeDelta, Utc};
use nhs_pds::audit::Actor;
use nhs_pds::clock::Clock;
use nhs_pds::trace::{Caller, LocalIdentity};
use std::collections::{BTreeMap, VecDeque};
use std::fmt::Display;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// More steps than any world needs: more means that something repeats for ever.
const MOST_STEPS: u64 = 400_000;

/// What a process is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Role {
    Worker,
    /// Traces one case at once.
    Screen,
    Reviewer,
    Importer,
    /// Works after the faults.
    Quiet,
}

/// A process, from its start to its end or death.
#[derive(Clone, Debug)]
pub(crate) struct Who {
    pub(crate) name: Arc<str>,
    pub(crate) role: Role,
    pub(crate) clock: Arc<SkewedClock>,
}

impl Who {
    pub(crate) const fn is_worker(&self) -> bool {
        matches!(self.role, Role::Worker | Role::Screen | Role::Quiet)
    }
}

/// Virtual time, and how far the clock of a machine is from it.
#[derive(Debug)]
pub(crate) struct SkewedClock {
    start: Instant,
    skew: TimeDelta,
}

impl Clock for SkewedClock {
    fn now(&self) -> DateTime<Utc> {
        let begin: DateTime<Utc> = "2026-11-23T09:00:00Z".parse().unwrap();
        begin + TimeDelta::from_std(self.start.elapsed()).unwrap() + self.skew
    }
}

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) shape: Shape,
    start: Instant,
    /// How many events a failure shows.
    shown: usize,
    /// Whether nothing is checked.
    lenient: bool,
    state: Mutex<State>,
    over: watch::Sender<bool>,
}

#[derive(Debug)]
struct State {
    random: Random,
    faults: bool,
    steps: u64,
    hash: u64,
    last: VecDeque<String>,
    failure: Option<Failure>,
    ledger: Ledger,
    /// How often each kind of mishap happened.
    tally: BTreeMap<&'static str, u64>,
    /// Until when no part of the store answers.
    store_down: Option<Instant>,
    /// Until when the service says nothing.
    service_down: Option<Instant>,
}

/// What must never be.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) step: u64,
    pub(crate) what: String,
    pub(crate) last: Vec<String>,
}

/// What one seed led to.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) steps: u64,
    /// A digest of all events.
    pub(crate) hash: u64,
    pub(crate) failure: Option<Failure>,
    pub(crate) tally: BTreeMap<&'static str, u64>,
}

/// Whether a call to a part of the store fails.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fate {
    Works,
    /// The part refuses the call.
    Refused,
    /// The connection is lost after the effect.
    Lost,
}

impl World {
    pub(crate) fn new(shape: Shape, random: Random, shown: usize) -> Arc<Self> {
        let state = State {
            random,
            faults: true,
            steps: 0,
            hash: 0xcbf2_9ce4_8422_2325,
            last: VecDeque::new(),
            failure: None,
            ledger: Ledger::default(),
            tally: BTreeMap::new(),
            store_down: None,
            service_down: None,
        };
        let (start, over) = (Instant::now(), watch::Sender::new(false));
        Arc::new(Self { shape, start, shown, lenient: false, state: Mutex::new(state), over })
    }

    /// A world without faults, in which nothing is checked.
    pub(crate) fn lenient() -> Arc<Self> {
        let mut random = Random::new(0);
        let shape = Shape::of(&mut random).undisturbed();
        let mut world = Self::new(shape, random, 0);
        Arc::get_mut(&mut world).unwrap().lenient = true;
        world.end_faults();
        world
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) const fn is_lenient(&self) -> bool {
        self.lenient
    }

    /// Draws from the world's chance.
    pub(crate) fn draw<T>(&self, draw: impl FnOnce(&mut Random) -> T) -> T {
        draw(&mut self.state().random)
    }

    /// A new process with a clock of its own.
    pub(crate) fn who(&self, name: impl Into<Arc<str>>, role: Role, skew: TimeDelta) -> Who {
        Who { name: name.into(), role, clock: Arc::new(SkewedClock { start: self.start, skew }) }
    }

    /// By how much the clock of a machine is wrong.
    pub(crate) fn skew(&self) -> TimeDelta {
        let most = match self.shape.skew {
            Skew::None => return TimeDelta::zero(),
            Skew::Seconds => 4_000,
            Skew::Minutes => 300_000,
        };
        let millis = self.draw(|random| random.below(2 * most + 1));
        TimeDelta::milliseconds(i64::try_from(millis).unwrap() - i64::try_from(most).unwrap())
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// Whether the faults last.
    pub(crate) fn lasts(&self) -> bool {
        self.elapsed() < self.shape.lasts && !self.failed()
    }

    /// From now on there are no faults, and no delays.
    pub(crate) fn end_faults(&self) {
        let mut state = self.state();
        (state.faults, state.store_down, state.service_down) = (false, None, None);
    }

    pub(crate) fn has_faults(&self) -> bool {
        self.state().faults
    }

    pub(crate) fn down(&self, store: Option<Duration>, service: Option<Duration>) {
        let (now, mut state) = (Instant::now(), self.state());
        let state = &mut *state;
        for (time, until) in [(store, &mut state.store_down), (service, &mut state.service_down)] {
            if let Some(time) = time {
                *until = Some(now + time);
            }
        }
    }

    pub(crate) fn is_service_down(&self) -> bool {
        self.state().service_down.is_some_and(|until| Instant::now() < until)
    }

    /// Waits for a time that the seed chooses. In a world that has failed, waits for ever.
    pub(crate) async fn pause(&self) {
        let shape = &self.shape;
        let pause = {
            let mut state = self.state();
            let random = &mut state.random;
            let drawn = match random.below(1000) {
                drawn if drawn < shape.stalls => random.millis(500, 15_000),
                drawn if drawn < 600 => Duration::ZERO,
                _ => random.millis(1, 12),
            };
            if state.faults { drawn } else { Duration::ZERO }
        };
        if pause.is_zero() {
            tokio::task::yield_now().await;
        } else {
            tokio::time::sleep(pause).await;
        }
        if self.failed() {
            pending::<()>().await;
        }
    }

    /// Waits for the time `pause`, while the faults last.
    pub(crate) async fn wait(&self, pause: Duration) {
        tokio::time::sleep(pause.min(self.shape.lasts.saturating_sub(self.elapsed()))).await;
    }

    /// Whether a call of `who` to a part of the store fails, by a rate in a thousand.
    pub(crate) fn fate(&self, who: &Who, rate: u64) -> Fate {
        let mut state = self.state();
        let (drawn, after) = (state.random.chance(rate), state.random.chance(500));
        let down = state.store_down.is_some_and(|until| Instant::now() < until);
        let fate = match (state.faults, down || drawn, down || !after) {
            (false, _, _) | (_, false, _) => Fate::Works,
            (_, _, true) => Fate::Refused,
            (_, _, false) => Fate::Lost,
        };
        if fate != Fate::Works {
            state.ledger.fault(who);
        }
        drop(state);
        match fate {
            Fate::Works => {}
            Fate::Refused => self.count("calls refused"),
            Fate::Lost => self.count("connections lost after the effect"),
        }
        fate
    }

    pub(crate) fn count(&self, what: &'static str) {
        *self.state().tally.entry(what).or_default() += 1;
    }

    /// Adds an event to the log. It must not contain patient data.
    pub(crate) fn event(&self, who: &Who, what: impl Display) {
        let text = format!("{:>8} {} {what}", self.elapsed().as_millis(), who.name);
        let mut state = self.state();
        state.steps += 1;
        for byte in text.bytes() {
            state.hash = (state.hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        let step = state.steps;
        state.last.push_back(format!("{step:>6} {text}"));
        if state.last.len() > self.shown {
            state.last.pop_front();
        }
        drop(state);
        if step > MOST_STEPS {
            self.fail("the world takes too many steps");
        }
    }

    /// Writes into the ledger, which says what must never be.
    pub(crate) fn ledger<T>(
        &self,
        write: impl FnOnce(&mut Ledger) -> Result<T, String>,
    ) -> Option<T> {
        let mut state = self.state();
        let written = write(&mut state.ledger);
        drop(state);
        written.map_err(|what| self.fail(what)).ok()
    }

    /// Notes what must never be; the first time counts.
    pub(crate) fn fail(&self, what: impl Into<String>) {
        if self.lenient {
            return;
        }
        let mut state = self.state();
        if state.failure.is_none() {
            let last = state.last.iter().cloned().collect();
            state.failure = Some(Failure { step: state.steps, what: what.into(), last });
        }
        drop(state);
        self.over.send_replace(true);
    }

    pub(crate) fn failed(&self) -> bool {
        *self.over.borrow()
    }

    /// Waits until the world has failed.
    pub(crate) async fn over(&self) {
        let _ = self.over.subscribe().wait_for(|over| *over).await;
    }

    /// The last events.
    pub(crate) fn last(&self) -> Vec<String> {
        self.state().last.iter().cloned().collect()
    }

    pub(crate) fn end(&self) -> Outcome {
        let State { steps, hash, failure, tally, .. } = &*self.state();
        let (failure, tally) = (failure.clone(), tally.clone());
        Outcome { steps: *steps, hash: *hash, failure, tally }
    }
}

pub(crate) fn caller(name: &str) -> Caller {
    Caller::System(LocalIdentity::new("RHM".parse().unwrap(), name).unwrap())
}

pub(crate) fn actor(name: &str) -> Actor {
    Actor::new(&caller(name), name)
}
