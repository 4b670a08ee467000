//! The rule of a rate limit that several processes share: the generic cell rate algorithm with reservations. Pure.
//! `postgres.rs` states the same rule in SQL. Times are microseconds.
//!
//! * A permit is reserved for a time, its *slot*: now, or when the limit allows it. The process waits for the slot, and
//!   may use the permit until [`SharedLimit::tolerance`] after it. A process that dies wastes what it reserved.
//! * The background reserves only slots within [`SharedLimit::horizon`], so that a user waits for few of them. After
//!   nine permits of users while the background waited, one of the background may go beyond.
//! * A process that cannot use its permits in time says so. The rate is then lower for all, so that no second has too
//!   many permits.
//!
//! With steps of at least `(1.015 + late) / rate`, and permits used at most `0.010 + 1.015 / rate + late` seconds late,
//! a window of one second has at most rate + burst permits.

use crate::resilience::rate_limit::priority::Priority;
use crate::resilience::rate_limit::rate::RateLimit;
use std::time::Duration;

const SECOND: i64 = 1_000_000;

/// Stretches the steps, in millionths; as for a limit of one process.
const STRETCH: i64 = 15_000;

/// Part of the tolerance: the stretch less a reserve for the way to the service.
const LATE: i64 = 10_000;

/// How far ahead the background may reserve.
const HORIZON: i64 = 250_000;

/// How far ahead users may reserve. A user does not wait longer than a few seconds.
const LONGEST: i64 = 5 * SECOND;

/// While both wait, the background gets one permit after this many permits of users.
pub(super) const YIELDED: i64 = 9;

/// How long the background counts as waiting after it has asked.
pub(super) const WAITS: i64 = SECOND;

/// How long a late process lowers the rate after its permit.
pub(super) const LOWERED: i64 = 2 * SECOND;

/// How long a process announces its delay.
const ANNOUNCED: Duration = Duration::from_secs(10);

/// The longest delay that a process may announce.
pub(super) const LATEST: Duration = Duration::from_millis(500);

/// The numbers of a shared rate limit, in the unit of the rule.
#[derive(Clone, Copy, Debug)]
pub(super) struct SharedLimit {
    pub(super) per_second: i64,
    /// The time between permits.
    pub(super) step: i64,
    /// How far the permits of a burst may be ahead of their steps.
    pub(super) ahead: i64,
    /// How far ahead the background may reserve.
    pub(super) horizon: i64,
    /// How far ahead anyone may reserve.
    pub(super) longest: i64,
    /// The most `yielded`.
    pub(super) most_yielded: i64,
}

/// What the shared place keeps.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct State {
    /// The theoretical arrival time of the next permit.
    pub(super) tat: i64,
    /// Permits of users while the background waited, less nine for each permit of the background.
    pub(super) yielded: i64,
    pub(super) background_waits_until: i64,
    pub(super) late: i64,
    pub(super) late_until: i64,
}

/// The answer of the rule.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Ruling {
    /// Whether the permit is reserved. If not, the process may ask again after the wait.
    pub(super) is_granted: bool,
    pub(super) wait: i64,
}

impl SharedLimit {
    pub(super) fn of(rate_limit: &RateLimit) -> Self {
        let per_second = i64::from(rate_limit.per_second.get());
        let step = divided(SECOND + STRETCH, per_second);
        let horizon = HORIZON.max(step);
        Self {
            per_second,
            step,
            ahead: step.saturating_mul(i64::from(rate_limit.burst.get()) - 1),
            horizon,
            longest: LONGEST.max(step),
            most_yielded: YIELDED * (horizon / step),
        }
    }

    /// How long after its slot a permit may be used, by a process that announced `late`.
    pub(super) fn tolerance(&self, late: Duration) -> Duration {
        let tolerance = LATE.saturating_add(self.step);
        Duration::from_micros(u64::try_from(tolerance).unwrap_or_default()).saturating_add(late)
    }

    /// Decides about one permit at `now`. No slot is before `not_before`.
    pub(super) fn decide(
        &self,
        state: &mut State,
        now: i64,
        not_before: i64,
        priority: Priority,
        late: Duration,
    ) -> Ruling {
        let late = micros(late);
        let known = if now < state.late_until { state.late } else { 0 };
        let late_now = late.max(known);
        let step = self.step + divided(late_now, self.per_second);
        // A time further ahead was not reserved: the clock of the shared place was set back.
        let tat = state.tat.min(now + self.ahead + self.longest + step);
        state.tat = tat;
        let slot = now.max(tat - self.ahead).max(not_before);
        let wait = slot - now;
        let is_background = matches!(priority, Priority::Background);
        let owed = state.yielded >= YIELDED;
        let horizon = if is_background && !owed { self.horizon } else { self.longest };
        let is_granted = wait <= horizon;
        let background_waits = now < state.background_waits_until;
        if is_background {
            state.background_waits_until = now + self.horizon + WAITS;
        }
        if is_granted {
            state.tat = tat.max(slot) + step;
            state.yielded = match priority {
                Priority::Background => (state.yielded - YIELDED).max(0),
                Priority::Foreground if background_waits => {
                    (state.yielded + 1).min(self.most_yielded)
                }
                Priority::Foreground => 0,
            };
            if late_now > 0 {
                let renewed = if late > 0 { slot + LOWERED } else { 0 };
                state.late = late_now;
                state.late_until = state.late_until.max(renewed);
            }
            return Ruling { is_granted, wait };
        }
        Ruling { is_granted, wait: (wait - horizon).min(self.horizon).max(1) }
    }
}

/// What a process announces about its own delay. One late permit is an accident, and is discarded; several in a row
/// are a slow network or a busy machine.
#[derive(Debug, Default)]
pub(super) struct Delay {
    missed: u32,
    announced: Duration,
    until: Duration,
}

impl Delay {
    /// Returns the delay to announce at `now`, the time since the process began.
    pub(super) fn announced(&self, now: Duration) -> Duration {
        if now < self.until { self.announced } else { Duration::ZERO }
    }

    /// A permit was used in time.
    pub(super) const fn kept(&mut self) {
        self.missed = 0;
    }

    /// A permit was discarded, `late` after its slot. Returns how many were in a row.
    pub(super) fn missed(&mut self, now: Duration, late: Duration) -> u32 {
        self.missed = self.missed.saturating_add(1);
        if self.missed > 1 {
            self.announced = self.announced(now).max(late + late / 2).min(LATEST);
            self.until = now + ANNOUNCED;
        }
        self.missed
    }
}

/// Returns the quotient, rounded up.
const fn divided(number: i64, by: i64) -> i64 {
    (number + by - 1) / by
}

pub(super) fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::cmp::Reverse;
    use std::collections::BinaryHeap;
    use std::num::NonZeroU32;

    fn limit(per_second: u32, burst: u32) -> SharedLimit {
        let number = |number| NonZeroU32::new(number).unwrap();
        SharedLimit::of(&RateLimit::per_second(number(per_second)).with_burst(number(burst)))
    }

    /// A process that wants one permit after the other.
    #[derive(Clone, Debug)]
    struct Process {
        priority: Priority,
        /// Microseconds to the shared place and back.
        ways: Vec<i64>,
        /// Microseconds by which its timer is late.
        timers: Vec<i64>,
        /// One in this many permits is reserved by a process that dies; 0 for none.
        dies: usize,
    }

    #[derive(Debug, Default)]
    struct World {
        /// When permits were used, and whether for the foreground.
        used: Vec<(i64, bool)>,
        /// The longest time from the first question for a permit to its use, of users.
        waited: i64,
        granted: usize,
    }

    /// Runs until `end`.
    fn run(limit: SharedLimit, processes: &[Process], end: i64) -> World {
        let (mut state, mut world) = (State::default(), World::default());
        let mut delays: Vec<Delay> = processes.iter().map(|_| Delay::default()).collect();
        let mut began = vec![0; processes.len()];
        let mut counts = vec![0_usize; processes.len()];
        // The shared place decides in the order of arrival.
        let mut questions: BinaryHeap<Reverse<(i64, usize, i64)>> = BinaryHeap::new();
        let way = |process: &Process, count: usize| process.ways[count % process.ways.len()];
        for (place, process) in processes.iter().enumerate() {
            let sent = i64::try_from(place).unwrap() * 137;
            questions.push(Reverse((sent + way(process, 0) / 2, place, sent)));
        }
        while let Some(Reverse((now, place, sent))) = questions.pop() {
            if now >= end {
                break;
            }
            let process = &processes[place];
            let count = counts[place];
            counts[place] += 1;
            let at = |time: i64| Duration::from_micros(u64::try_from(time).unwrap());
            let late = delays[place].announced(at(sent));
            let ruling = limit.decide(&mut state, now, 0, process.priority, late);
            let received = sent + way(process, count);
            let timer = process.timers[count % process.timers.len()];
            let mut next = received + ruling.wait + timer;
            if ruling.is_granted {
                world.granted += 1;
                let over = at(next - sent - ruling.wait);
                if process.dies > 0 && count % process.dies == process.dies - 1 {
                    // It starts again after a second.
                    (delays[place], began[place]) = (Delay::default(), next + SECOND);
                    next += SECOND;
                } else if over > limit.tolerance(late) {
                    delays[place].missed(at(next), over);
                } else {
                    delays[place].kept();
                    let is_user = matches!(process.priority, Priority::Foreground);
                    world.used.push((next, is_user));
                    if is_user {
                        world.waited = world.waited.max(next - began[place]);
                    }
                    began[place] = next;
                }
            }
            questions.push(Reverse((next + way(process, count + 1) / 2, place, next)));
        }
        world.used.sort_unstable();
        world
    }

    fn most_in_a_second(used: &[(i64, bool)]) -> usize {
        let ends = |(place, (from, _)): (usize, &(i64, bool))| {
            used.partition_point(|(at, _)| *at < from + SECOND) - place
        };
        used.iter().enumerate().map(ends).max().unwrap_or_default()
    }

    fn process(priority: Priority) -> Process {
        Process { priority, ways: vec![1_500], timers: vec![1_100, 300], dies: 0 }
    }

    const BACKGROUND: Priority = Priority::Background;
    const FOREGROUND: Priority = Priority::Foreground;

    #[test]
    fn waiting_processes_use_the_rate() {
        for (per_second, burst, count) in [(5, 5, 1), (5, 1, 10), (50, 5, 4), (100, 10, 40)] {
            let processes = vec![process(BACKGROUND); count];
            let world = run(limit(per_second, burst), &processes, 60 * SECOND);
            let kept = world.used.len() as f64 / f64::from(60 * per_second);
            assert!(kept >= 0.98, "{kept} of {per_second} by {count}");
            assert!(most_in_a_second(&world.used) <= (per_second + burst) as usize);
        }
    }

    #[test]
    fn a_user_waits_for_little_of_the_background() {
        // Ten workers always wait; one user asks all the time.
        let mut processes = vec![process(BACKGROUND); 10];
        processes.push(process(FOREGROUND));
        for per_second in [5, 50, 400] {
            let limit = limit(per_second, 1);
            let world = run(limit, &processes, 60 * SECOND);
            let most = limit.horizon + 2 * limit.step + 10_000;
            assert!(world.waited <= most, "{} at {per_second}", world.waited);
            assert!(world.used.iter().any(|(_, is_user)| !is_user));
        }
    }

    #[test]
    fn the_background_gets_one_in_ten() {
        for per_second in [5, 50, 400] {
            let mut processes = vec![process(FOREGROUND); 20];
            processes.extend(vec![process(BACKGROUND); 3]);
            let world = run(limit(per_second, 5), &processes, 120 * SECOND);
            // At 400 a second the queue is shorter than the horizon, and three of 23 are the background's.
            let background = world.used.iter().filter(|(_, is_user)| !is_user).count();
            let share = background as f64 / world.used.len() as f64;
            assert!((0.09..0.14).contains(&share), "{share} at {per_second}");
        }
    }

    #[test]
    fn a_clock_that_is_set_back_stops_for_seconds_only() {
        for (priority, most) in [(FOREGROUND, SECOND), (BACKGROUND, 6 * SECOND)] {
            let limit = limit(5, 5);
            let mut state = State { tat: 3_600 * SECOND, ..State::default() };
            let mut now = 0;
            loop {
                let ruling = limit.decide(&mut state, now, 0, priority, Duration::ZERO);
                if ruling.is_granted {
                    break;
                }
                assert!(ruling.wait <= limit.horizon, "{ruling:?}");
                now += ruling.wait;
            }
            assert!(now > 0 && now <= most, "{now}");
        }
    }

    /// Permits in the second from `from`, if each is used as late as its process may.
    fn most_from(slots: &[(i64, Duration)], limit: &SharedLimit, from: i64) -> usize {
        let is_within = |(slot, late): &&(i64, Duration)| {
            let last = slot + micros(limit.tolerance(*late));
            last >= from && *slot < from + SECOND
        };
        slots.iter().filter(is_within).count()
    }

    #[test]
    fn a_late_process_lowers_the_rate_for_all_until_it_is_on_time() {
        let late = Duration::from_millis(200);
        let limit = limit(10, 1);
        let mut state = State::default();
        limit.decide(&mut state, SECOND, 0, BACKGROUND, late);
        let before = state.tat;
        limit.decide(&mut state, SECOND, 0, FOREGROUND, Duration::ZERO);
        assert_eq!(state.tat - before, 121_500);
        let (now, before) = (10 * SECOND, state);
        limit.decide(&mut state, now, 0, BACKGROUND, Duration::ZERO);
        assert!(state.tat == now + 101_500 && state.late_until == before.late_until);
    }

    #[test]
    fn one_late_permit_is_not_announced() {
        let (mut delay, late) = (Delay::default(), Duration::from_millis(100));
        assert_eq!(delay.missed(Duration::ZERO, late), 1);
        assert_eq!(delay.announced(Duration::ZERO), Duration::ZERO);
        assert_eq!(delay.missed(Duration::ZERO, late), 2);
        assert_eq!(delay.announced(Duration::ZERO), Duration::from_millis(150));
        assert_eq!(delay.announced(ANNOUNCED), Duration::ZERO);
        delay.kept();
        assert_eq!(delay.missed(Duration::ZERO, late), 1);
    }

    #[test]
    fn a_slow_network_costs_rate_and_does_not_stop_it() {
        let slow = Process { ways: vec![150_000, 130_000], ..process(BACKGROUND) };
        let world = run(limit(20, 5), &vec![slow; 20], 60 * SECOND);
        assert!(world.used.len() > 60 * 14, "{}", world.used.len());
        assert!(most_in_a_second(&world.used) <= 25);
    }

    prop_compose! {
        fn processes()(list in prop::collection::vec((
            prop_oneof![Just(FOREGROUND), Just(BACKGROUND), Just(BACKGROUND)],
            prop::collection::vec(prop_oneof![300_i64..3_000, 300_i64..3_000, 300_i64..400_000], 1..12),
            prop::collection::vec(prop_oneof![0_i64..3_000, 0_i64..3_000, 0_i64..800_000], 1..12),
            prop_oneof![Just(0_usize), 2_usize..30],
        ), 1..24)) -> Vec<Process> {
            let process = |(priority, ways, timers, dies)| Process { priority, ways, timers, dies };
            list.into_iter().map(process).collect()
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn no_second_has_more_than_rate_and_burst(
            per_second in 1_u32..300, burst in 1_u32..20, processes in processes(),
        ) {
            let world = run(limit(per_second, burst), &processes, 12 * SECOND);
            prop_assert!(most_in_a_second(&world.used) <= (per_second + burst) as usize);
            prop_assert!(world.granted > 0);
        }

        /// The worst case: a window begins, and all permits that are still usable are used then.
        #[test]
        fn permits_used_as_late_as_allowed_keep_the_limit(
            per_second in 1_u32..300,
            burst in 1_u32..20,
            quiet in prop::collection::vec((0_usize..400, 0_i64..3_000_000), 1..5),
            late in prop::collection::vec(prop_oneof![3 => Just(0_u64), 1 => 1_000_u64..500_000], 1..8),
            run in 1_usize..40,
        ) {
            let limit = limit(per_second, burst);
            let (mut state, mut now, mut slots) = (State::default(), 0, Vec::new());
            for (permits, pause) in quiet {
                for permit in 0..permits {
                    // Runs of permits for one process each.
                    let late = Duration::from_micros(late[permit / run % late.len()]);
                    let ruling = limit.decide(&mut state, now, 0, BACKGROUND, late);
                    if ruling.is_granted {
                        slots.push((now + ruling.wait, late));
                    } else {
                        now += ruling.wait;
                    }
                }
                now += pause;
            }
            let ends = slots.iter().map(|(slot, late)| slot + micros(limit.tolerance(*late)));
            for from in ends {
                let most = most_from(&slots, &limit, from);
                prop_assert!(most <= (per_second + burst) as usize, "{most}");
            }
        }

        #[test]
        fn processes_that_die_waste_only_what_they_reserved(
            per_second in 1_u32..100, dies in 2_usize..20, count in 4_usize..16,
        ) {
            let mut processes = vec![process(BACKGROUND); count];
            processes[0].dies = dies;
            let world = run(limit(per_second, 2), &processes, 40 * SECOND);
            // Every permit of the rate was reserved, and only those of the process that died were not used.
            prop_assert!(world.granted as f64 >= 0.98 * f64::from(40 * per_second), "{}", world.granted);
            prop_assert!(world.granted - world.used.len() <= 42);
        }
    }
}
