//! The rules of the circuit breaker. Pure: the caller passes the time since the start.

use crate::resilience::circuit_breaker::policy::{CircuitBreakerPolicy, FEW, LONGEST_ASKED_FOR};
use std::time::Duration;

/// The circuit breaker's state.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Phase {
    /// Queries are sent.
    Closed {
        /// Failures in a row.
        failed: u32,
        /// When the first of them happened.
        since: Option<Duration>,
    },
    /// No query is sent before `until`.
    Open { until: Duration },
    /// One query is in progress, and its result decides.
    Probing,
}

#[derive(Clone, Debug)]
pub(super) struct Breaker {
    policy: CircuitBreakerPolicy,
    pub(super) phase: Phase,
    /// Pauses in a row.
    opened: u32,
    /// When queries were suspended, if they have not resumed.
    pub(super) suspended: Option<Duration>,
    /// Counts suspensions and resumptions. The result of a query from an earlier era is ignored.
    era: u64,
}

/// Permission to send one query.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Leave {
    era: u64,
    probe: bool,
}

impl Breaker {
    pub(super) const fn new(policy: CircuitBreakerPolicy) -> Self {
        let phase = Phase::Closed { failed: 0, since: None };
        Self { policy, phase, opened: 0, suspended: None, era: 0 }
    }

    /// Permits a query at `now`, or returns when the next may be permitted.
    pub(super) fn admit(&mut self, now: Duration) -> Result<Leave, Option<Duration>> {
        match self.phase {
            Phase::Closed { .. } => Ok(Leave { era: self.era, probe: false }),
            Phase::Open { until } if now >= until => {
                self.phase = Phase::Probing;
                self.era += 1;
                Ok(Leave { era: self.era, probe: true })
            }
            Phase::Open { until } => Err(Some(until)),
            Phase::Probing => Err(None),
        }
    }

    pub(super) const fn succeeded(&mut self, leave: Leave) {
        if leave.era != self.era {
            return;
        }
        if leave.probe {
            self.era += 1;
            self.opened = 0;
            self.suspended = None;
        }
        self.phase = Phase::Closed { failed: 0, since: None };
    }

    /// Returns true if this failure newly suspends queries.
    pub(super) fn failed(
        &mut self,
        leave: Leave,
        now: Duration,
        asked_for: Option<Duration>,
        random: u64,
    ) -> bool {
        if leave.era != self.era {
            return false;
        }
        let asked_for = asked_for.map(|time| time.min(LONGEST_ASKED_FOR));
        let (failed, since) = match self.phase {
            Phase::Closed { failed, since } => (failed + 1, since.unwrap_or(now)),
            _ => (0, now),
        };
        let silent = failed >= FEW && now.saturating_sub(since) >= self.policy.silence;
        let pause = if leave.probe || failed >= self.policy.failures.get() || silent {
            self.opened = self.opened.saturating_add(1);
            let pause = self.policy.pause(self.opened, random);
            pause.max(asked_for.unwrap_or_default())
        } else if let Some(asked_for) = asked_for.filter(|time| !time.is_zero()) {
            // The service asked for a pause. It does not count as broken.
            asked_for
        } else {
            self.phase = Phase::Closed { failed, since: Some(since) };
            return false;
        };
        self.era += 1;
        self.phase = Phase::Open { until: now.saturating_add(pause) };
        let anew = self.suspended.is_none();
        self.suspended = self.suspended.or(Some(now));
        anew
    }

    /// A query that ended without a result about the service, such as a cancelled one.
    pub(super) fn left(&mut self, leave: Leave, now: Duration) {
        if leave.era == self.era && leave.probe {
            self.era += 1;
            self.phase = Phase::Open { until: now };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::num::NonZeroU32;

    const SECOND: Duration = Duration::from_secs(1);

    fn breaker() -> Breaker {
        Breaker::new(CircuitBreakerPolicy::default().with_failures(NonZeroU32::new(4).unwrap()))
    }

    fn fail(breaker: &mut Breaker, now: Duration) -> bool {
        let leave = breaker.admit(now).unwrap();
        breaker.failed(leave, now, None, 0)
    }

    /// Fails until queries are suspended.
    fn fail_often(breaker: &mut Breaker, now: Duration) {
        while !fail(breaker, now) {}
    }

    fn opened(breaker: &Breaker) -> Duration {
        match breaker.phase {
            Phase::Open { until } => until,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn failures_in_a_row_suspend_and_an_answer_resets_the_count() {
        let mut breaker = breaker();
        for _ in 0..3 {
            assert!(!fail(&mut breaker, SECOND));
        }
        let leave = breaker.admit(SECOND).unwrap();
        breaker.succeeded(leave);
        for _ in 0..3 {
            assert!(!fail(&mut breaker, SECOND));
        }
        assert!(fail(&mut breaker, SECOND));
        assert!(breaker.admit(SECOND).is_err());
    }

    #[test]
    fn a_few_slow_failures_are_enough() {
        let mut breaker = breaker();
        assert!(!fail(&mut breaker, SECOND));
        assert!(!fail(&mut breaker, 40 * SECOND));
        assert!(fail(&mut breaker, 61 * SECOND));
    }

    #[test]
    fn one_probe_at_a_time_and_longer_pauses() {
        let mut breaker = breaker();
        fail_often(&mut breaker, SECOND);
        let mut pauses = Vec::new();
        let mut now = SECOND;
        for _ in 0..10 {
            let until = opened(&breaker);
            pauses.push((until - now).as_secs_f64());
            now = until;
            let probe = breaker.admit(now).unwrap();
            assert_eq!(breaker.admit(now), Err(None), "a second probe was permitted");
            assert!(!breaker.failed(probe, now, None, 0), "queries were suspended already");
        }
        assert_eq!(pauses[..4], [2.5, 5.0, 10.0, 20.0]);
        assert_eq!(pauses[9], 150.0);
        let probe = breaker.admit(opened(&breaker)).unwrap();
        breaker.succeeded(probe);
        assert_eq!(breaker.suspended, None);
        fail_often(&mut breaker, now);
        assert_eq!(opened(&breaker) - now, Duration::from_millis(2_500), "the first pause again");
    }

    #[test]
    fn results_of_queries_from_before_a_suspension_are_ignored() {
        let mut breaker = breaker();
        let early = breaker.admit(SECOND).unwrap();
        fail_often(&mut breaker, SECOND);
        let until = opened(&breaker);
        breaker.succeeded(early);
        assert_eq!(opened(&breaker), until);
        let probe = breaker.admit(until).unwrap();
        breaker.failed(early, until, None, 0);
        assert_eq!(breaker.phase, Phase::Probing);
        breaker.succeeded(probe);
        assert!(breaker.admit(until).is_ok());
    }

    #[test]
    fn after_a_cancelled_probe_another_may_be_sent() {
        let mut breaker = breaker();
        fail_often(&mut breaker, SECOND);
        let until = opened(&breaker);
        let probe = breaker.admit(until).unwrap();
        breaker.left(probe, until);
        assert!(breaker.admit(until).is_ok());
    }

    #[test]
    fn queries_are_suspended_for_as_long_as_the_service_asks() {
        let mut breaker = breaker();
        let leave = breaker.admit(SECOND).unwrap();
        assert!(breaker.failed(leave, SECOND, Some(7 * SECOND), 0));
        assert_eq!(opened(&breaker), 8 * SECOND);
        let probe = breaker.admit(8 * SECOND).unwrap();
        breaker.failed(probe, 8 * SECOND, Some(SECOND * 1_000_000), 0);
        assert_eq!(opened(&breaker), 8 * SECOND + LONGEST_ASKED_FOR);
        let mut other = self::breaker();
        let leave = other.admit(SECOND).unwrap();
        assert!(!other.failed(leave, SECOND, Some(Duration::ZERO), 0));
    }

    proptest! {
        /// A working service is always queried again, and at most one probe is in progress.
        #[test]
        fn it_always_recovers(steps in prop::collection::vec((0_u8..4, 0_u64..400), 0..200)) {
            let mut breaker = breaker();
            let mut now = Duration::ZERO;
            let mut under_way = Vec::new();
            for (step, seconds) in steps {
                now += Duration::from_secs(seconds);
                match step {
                    0 => under_way.extend(breaker.admit(now).ok()),
                    1 => drop(under_way.pop().map(|leave| breaker.failed(leave, now, None, seconds))),
                    2 => drop(under_way.pop().map(|leave| breaker.succeeded(leave))),
                    _ => drop(under_way.pop().map(|leave| breaker.left(leave, now))),
                }
                let probes = under_way.iter().filter(|leave| leave.probe && leave.era == breaker.era);
                prop_assert!(probes.count() <= 1);
            }
            for leave in under_way {
                breaker.left(leave, now);
            }
            now += LONGEST_ASKED_FOR;
            let leave = breaker.admit(now).unwrap();
            breaker.succeeded(leave);
            let closed = matches!(breaker.phase, Phase::Closed { .. });
            prop_assert!(closed);
        }
    }
}
