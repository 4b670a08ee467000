//! The rules of the circuit breaker. Pure: the caller passes the time since the start.
//!
//! A failure counts for its [`Subject`], mostly a case. One case whose queries are never answered
//! therefore counts once.
//!
//! * While fewer than [`CircuitBreakerPolicy::failures`] subjects have failed since the last
//!   answer, the cause is *in doubt*: it may be these cases, or the service. A subject that did not
//!   fail is then suspended only while another such subject probes, or when the service asked for a
//!   pause. So `k` unanswerable cases suspend the others for at most `k` probes between two answers.
//! * When that number of subjects has failed, all are suspended, and pauses grow.
//! * After a pause the probe belongs to the subject that did not fail, or failed longest ago, of
//!   those that asked. A subject behind it waits a little longer. Each failed probe puts its subject
//!   last, so after an outage `k` unanswerable cases take at most `k` probes before any other case.

use crate::resilience::circuit_breaker::failures::Failures;
use crate::resilience::circuit_breaker::policy::{CircuitBreakerPolicy, FEW, LONGEST_ASKED_FOR};
use crate::resilience::circuit_breaker::subject::Subject;
use std::time::Duration;

/// The circuit breaker's state.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Phase {
    /// Queries are sent.
    Closed,
    /// No query is sent before `until`.
    Open { until: Duration },
    /// One query is in progress, and its result decides.
    Probing {
        /// When the pause before it ended.
        until: Duration,
        /// Whether its subject failed before.
        again: bool,
    },
}

#[derive(Clone, Debug)]
pub(super) struct Breaker {
    policy: CircuitBreakerPolicy,
    pub(super) phase: Phase,
    failures: Failures,
    /// The subject that comes first of those refused since the last probe began.
    first: Option<Subject>,
    /// The end of the pause that the service asked for.
    asked_until: Duration,
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
    subject: Subject,
    era: u64,
    probe: bool,
}

impl Breaker {
    pub(super) const fn new(policy: CircuitBreakerPolicy) -> Self {
        Self {
            policy,
            phase: Phase::Closed,
            failures: Failures::new(),
            first: None,
            asked_until: Duration::ZERO,
            opened: 0,
            suspended: None,
            era: 0,
        }
    }

    /// Permits a query about `subject` at `now`, or returns when the next may be permitted: `None`
    /// if a probe decides.
    pub(super) fn admit(
        &mut self,
        subject: Subject,
        now: Duration,
    ) -> Result<Leave, Option<Duration>> {
        self.ask(subject, now)?;
        let until = match self.phase {
            Phase::Closed => return Ok(Leave { subject, era: self.era, probe: false }),
            Phase::Open { until } | Phase::Probing { until, .. } => until,
        };
        self.phase = Phase::Probing { until, again: self.failures.place(subject) > 0 };
        self.first = None;
        self.era += 1;
        Ok(Leave { subject, era: self.era, probe: true })
    }

    /// Returns whether [`Breaker::admit`] permits a query. If not, remembers that `subject` asked.
    pub(super) fn ask(&mut self, subject: Subject, now: Duration) -> Result<(), Option<Duration>> {
        let place = self.failures.place(subject);
        let is_spared = place == 0 && !self.failures.are_all(self.policy.failures);
        let is_behind = self.first.is_some_and(|first| self.failures.place(first) < place);
        let due = match self.phase {
            Phase::Closed => return Ok(()),
            Phase::Probing { again, .. } => (again && is_spared).then_some(self.asked_until),
            Phase::Open { .. } if is_spared => Some(self.asked_until),
            // Leaves time for the query about the subject that comes first.
            Phase::Open { until } if is_behind => {
                Some(until.saturating_add(self.policy.first_pause / 2))
            }
            Phase::Open { until } => Some(until),
        };
        if due.is_some_and(|due| now >= due) {
            return Ok(());
        }
        if self.first.is_none_or(|first| place < self.failures.place(first)) {
            self.first = Some(subject);
        }
        Err(due)
    }

    /// Whether a suspended query about `subject` waits because this subject failed, while queries about
    /// subjects that did not fail are permitted.
    pub(super) fn is_alone(&self, subject: Subject, now: Duration) -> bool {
        self.failures.place(subject) > 0
            && !self.failures.are_all(self.policy.failures)
            && now >= self.asked_until
    }

    pub(super) fn succeeded(&mut self, leave: Leave) {
        if leave.era != self.era {
            return;
        }
        if leave.probe {
            self.era += 1;
            self.opened = 0;
            self.suspended = None;
        }
        self.phase = Phase::Closed;
        self.failures.clear();
        self.first = None;
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
        let asked_for = asked_for.unwrap_or_default().min(LONGEST_ASKED_FOR);
        self.failures.add(leave.subject, now, self.policy.failures);
        let all = self.failures.are_all(self.policy.failures);
        let silent = self.failures.count() >= FEW && self.failures.last(now) >= self.policy.silence;
        let pause = if leave.probe || all || silent {
            // The pauses of a doubt do not grow.
            self.opened = if all { self.opened.saturating_add(1) } else { 1 };
            self.policy.pause(self.opened, random).max(asked_for)
        } else if asked_for.is_zero() {
            return false;
        } else {
            // The service asked for a pause. It does not count as broken.
            asked_for
        };
        self.era += 1;
        self.asked_until = now.saturating_add(asked_for);
        self.phase = Phase::Open { until: now.saturating_add(pause) };
        let anew = self.suspended.is_none();
        self.suspended = self.suspended.or(Some(now));
        anew
    }

    /// A query that ended without a result about the service, such as a cancelled one.
    pub(super) const fn left(&mut self, leave: Leave) {
        if leave.era == self.era
            && leave.probe
            && let Phase::Probing { until, .. } = self.phase
        {
            self.era += 1;
            self.phase = Phase::Open { until };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::num::NonZeroU32;

    const SECOND: Duration = Duration::from_secs(1);

    const fn subject(number: u64) -> Subject {
        Subject::of_test(number)
    }

    fn policy(failures: u32) -> CircuitBreakerPolicy {
        CircuitBreakerPolicy::default().with_failures(NonZeroU32::new(failures).unwrap())
    }

    fn breaker() -> Breaker {
        Breaker::new(policy(4))
    }

    fn fail(breaker: &mut Breaker, number: u64, now: Duration) -> bool {
        let leave = breaker.admit(subject(number), now).unwrap();
        breaker.failed(leave, now, None, 0)
    }

    /// Different subjects fail until queries are suspended.
    fn fail_often(breaker: &mut Breaker, now: Duration) {
        assert!((1..=4).any(|number| fail(breaker, number, now)));
    }

    fn succeed(breaker: &mut Breaker, number: u64, now: Duration) {
        let leave = breaker.admit(subject(number), now).unwrap();
        breaker.succeeded(leave);
    }

    fn opened(breaker: &Breaker) -> Duration {
        match breaker.phase {
            Phase::Open { until } => until,
            other => panic!("{other:?}"),
        }
    }

    /// Three subjects suspend queries by their silence: `breaker` is in doubt. Returns the time.
    fn doubt(breaker: &mut Breaker) -> Duration {
        assert!(!fail(breaker, 1, SECOND));
        assert!(!fail(breaker, 2, 40 * SECOND));
        assert!(fail(breaker, 3, 61 * SECOND));
        61 * SECOND
    }

    #[test]
    fn failures_of_different_subjects_suspend_and_an_answer_resets_the_count() {
        let mut breaker = breaker();
        for number in 1..=3 {
            assert!(!fail(&mut breaker, number, SECOND));
        }
        succeed(&mut breaker, 9, SECOND);
        for number in 2..=4 {
            assert!(!fail(&mut breaker, number, SECOND));
        }
        assert!(fail(&mut breaker, 1, SECOND));
        assert!(breaker.admit(subject(9), SECOND).is_err());
    }

    #[test]
    fn repeated_failures_of_one_subject_count_once() {
        let mut breaker = breaker();
        for seconds in 0..10_000 {
            assert!(!fail(&mut breaker, seconds % 2, SECOND * u32::try_from(seconds).unwrap()));
        }
        assert_eq!(breaker.phase, Phase::Closed);
    }

    #[test]
    fn a_few_slow_failures_of_different_subjects_are_enough() {
        let mut breaker = breaker();
        doubt(&mut breaker);
        let mut breaker = self::breaker();
        for seconds in [1, 20, 30] {
            assert!(!fail(&mut breaker, seconds, SECOND * u32::try_from(seconds).unwrap()));
        }
        assert!(!fail(&mut breaker, 1, 60 * SECOND), "not yet a minute");
        assert!(fail(&mut breaker, 1, 61 * SECOND), "a minute without an answer to any of three");
    }

    #[test]
    fn in_doubt_a_subject_that_did_not_fail_is_not_suspended() {
        let mut breaker = breaker();
        let now = doubt(&mut breaker);
        assert_eq!(breaker.admit(subject(1), now), Err(Some(opened(&breaker))));
        // It need not wait for the probe of a subject that failed before.
        let until = opened(&breaker);
        let early = breaker.admit(subject(1), until).unwrap();
        let fresh = breaker.admit(subject(7), until).unwrap();
        assert_eq!(breaker.admit(subject(8), until), Err(None), "one such probe at a time");
        assert!(!breaker.failed(early, until, None, 0), "the later probe decides");
        breaker.succeeded(fresh);
        assert_eq!((breaker.phase, breaker.suspended), (Phase::Closed, None));
    }

    #[test]
    fn pauses_grow_only_when_enough_subjects_failed() {
        let mut breaker = breaker();
        let mut now = doubt(&mut breaker);
        for _ in 0..5 {
            assert_eq!(opened(&breaker) - now, Duration::from_millis(2_500));
            now = opened(&breaker);
            fail(&mut breaker, 1, now);
        }
        fail(&mut breaker, 4, now);
        assert_eq!(breaker.admit(subject(9), now), Err(Some(now + 5 * SECOND)), "no doubt now");
    }

    #[test]
    fn one_probe_at_a_time_and_longer_pauses() {
        let mut breaker = breaker();
        fail_often(&mut breaker, SECOND);
        let mut pauses = Vec::new();
        let mut now = SECOND;
        for number in 0..10 {
            let until = opened(&breaker);
            pauses.push((until - now).as_secs_f64());
            now = until;
            let probe = breaker.admit(subject(number), now).unwrap();
            let second = breaker.admit(subject(99), now);
            assert_eq!(second, Err(None), "a second probe was permitted");
            assert!(!breaker.failed(probe, now, None, 0), "queries were suspended already");
            breaker.first = None;
        }
        assert_eq!(pauses[..4], [2.5, 5.0, 10.0, 20.0]);
        assert_eq!(pauses[9], 150.0);
        now = opened(&breaker);
        let probe = breaker.admit(subject(1), now).unwrap();
        assert_eq!(breaker.ask(subject(99), now), Err(None));
        breaker.succeeded(probe);
        assert_eq!(breaker.suspended, None);
        fail_often(&mut breaker, now);
        let until = opened(&breaker);
        assert_eq!(until - now, Duration::from_millis(2_500), "the first pause again");
        assert_eq!(breaker.ask(subject(1), until), Ok(()), "99 asked before the last answer");
    }

    #[test]
    fn a_failed_probe_puts_its_subject_behind_the_others() {
        let mut breaker = breaker();
        fail_often(&mut breaker, SECOND);
        let until = opened(&breaker);
        // Only subject 1 asks: it is the probe after each pause.
        fail(&mut breaker, 1, until);
        let until = opened(&breaker);
        fail(&mut breaker, 1, until);
        // Another asks during the pause, so 1 waits. Subject 2 failed before 1.
        let until = opened(&breaker);
        let moment = Duration::from_millis(2_500);
        assert_eq!(breaker.ask(subject(2), until - SECOND), Err(Some(until)));
        assert_eq!(breaker.ask(subject(1), until), Err(Some(until + moment)));
        let mut gone = breaker.clone();
        fail(&mut gone, 1, until + moment);
        let next = opened(&gone);
        assert!(gone.admit(subject(1), next).is_ok(), "the other did not come, and is forgotten");
        // A subject that did not fail goes before both.
        assert_eq!(breaker.ask(subject(9), until - SECOND), Err(Some(until)));
        assert_eq!(breaker.ask(subject(2), until), Err(Some(until + moment)));
        succeed(&mut breaker, 9, until);
        assert_eq!(breaker.phase, Phase::Closed);
    }

    #[test]
    fn results_of_queries_from_before_a_suspension_are_ignored() {
        let mut breaker = breaker();
        let early = breaker.admit(subject(9), SECOND).unwrap();
        fail_often(&mut breaker, SECOND);
        let until = opened(&breaker);
        breaker.succeeded(early);
        assert_eq!(opened(&breaker), until);
        let probe = breaker.admit(subject(8), until).unwrap();
        breaker.failed(early, until, None, 0);
        assert!(matches!(breaker.phase, Phase::Probing { .. }));
        breaker.succeeded(probe);
        assert!(breaker.admit(subject(1), until).is_ok());
    }

    #[test]
    fn after_a_cancelled_probe_another_may_be_sent() {
        let mut breaker = breaker();
        fail_often(&mut breaker, SECOND);
        let until = opened(&breaker);
        let probe = breaker.admit(subject(9), until).unwrap();
        breaker.left(probe);
        assert!(breaker.admit(subject(9), until).is_ok());
        // One that did not wait for the end of the pause does not end it.
        let mut breaker = self::breaker();
        let now = doubt(&mut breaker);
        let until = opened(&breaker);
        let probe = breaker.admit(subject(9), now).unwrap();
        breaker.left(probe);
        assert_eq!(opened(&breaker), until);
    }

    #[test]
    fn queries_are_suspended_for_as_long_as_the_service_asks() {
        let mut breaker = breaker();
        let leave = breaker.admit(subject(1), SECOND).unwrap();
        assert!(breaker.failed(leave, SECOND, Some(7 * SECOND), 0));
        assert_eq!(opened(&breaker), 8 * SECOND);
        for number in [1, 2] {
            let asked = breaker.admit(subject(number), 8 * SECOND - Duration::from_nanos(1));
            assert_eq!(asked, Err(Some(8 * SECOND)), "the service asked all");
        }
        let probe = breaker.admit(subject(2), 8 * SECOND).unwrap();
        breaker.failed(probe, 8 * SECOND, Some(SECOND * 1_000_000), 0);
        assert_eq!(opened(&breaker), 8 * SECOND + LONGEST_ASKED_FOR);
        let mut other = self::breaker();
        let leave = other.admit(subject(1), SECOND).unwrap();
        assert!(!other.failed(leave, SECOND, Some(Duration::ZERO), 0));
        // A probe that fails without a further request suspends queries again, for the first pause.
        let leave = other.admit(subject(1), SECOND).unwrap();
        assert!(other.failed(leave, SECOND, Some(SECOND), 0));
        assert!(!fail(&mut other, 1, 2 * SECOND));
        assert_eq!(opened(&other), Duration::from_millis(4_500));
    }

    /// A query in progress: permission, subject, and whether the subject had failed.
    type Sent = (Leave, u64, bool);

    proptest! {
        /// A working service is always queried again, and at most one probe decides.
        #[test]
        fn it_always_recovers(steps in prop::collection::vec((0_u8..4, 0_u64..6, 0_u64..400), 0..200)) {
            let mut breaker = breaker();
            let mut now = Duration::ZERO;
            let mut under_way = Vec::new();
            for (step, number, seconds) in steps {
                now += Duration::from_secs(seconds);
                match step {
                    0 => under_way.extend(breaker.admit(subject(number), now).ok()),
                    1 => drop(under_way.pop().map(|leave| breaker.failed(leave, now, None, seconds))),
                    2 => drop(under_way.pop().map(|leave| breaker.succeeded(leave))),
                    _ => drop(under_way.pop().map(|leave| breaker.left(leave))),
                }
                let probes = under_way.iter().filter(|leave| leave.probe && leave.era == breaker.era);
                prop_assert!(probes.count() <= 1);
                prop_assert!(breaker.failures.count() <= 4);
            }
            for leave in under_way {
                breaker.left(leave);
            }
            now += LONGEST_ASKED_FOR;
            let leave = breaker.admit(subject(0), now).unwrap();
            breaker.succeeded(leave);
            prop_assert_eq!(breaker.phase, Phase::Closed);
        }

        /// The service answers all but three subjects, and four suspend queries. The others are
        /// refused only while one of the three probes that did not fail since the last answer.
        #[test]
        fn unanswerable_subjects_do_not_suspend_the_others(
            steps in prop::collection::vec(
                (any::<bool>(), prop_oneof![4 => 0_u64..3, 1 => 3_u64..6], 0_u64..90),
                0..300,
            ),
        ) {
            let mut breaker = breaker();
            let mut now = Duration::ZERO;
            let mut sent: Vec<Sent> = Vec::new();
            let (mut failed, mut probes) = (Vec::new(), 0);
            for (ends, number, seconds) in steps {
                now += Duration::from_secs(seconds);
                let in_progress = sent.iter().position(|(_, of, _)| *of == number);
                match (ends, in_progress) {
                    (true, Some(place)) => {
                        let (leave, number, fresh) = sent.remove(place);
                        let counts = leave.era == breaker.era;
                        if number >= 3 {
                            breaker.succeeded(leave);
                        } else {
                            breaker.failed(leave, now, None, seconds);
                        }
                        if counts && number >= 3 {
                            (failed, probes) = (Vec::new(), 0);
                        } else if counts {
                            failed.push(number);
                            probes += u32::from(fresh && leave.probe);
                        }
                    }
                    (false, None) => match breaker.admit(subject(number), now) {
                        Ok(leave) => sent.push((leave, number, !failed.contains(&number))),
                        Err(due) if number >= 3 => {
                            prop_assert_eq!(due, None, "a pause for subject {}", number);
                            let probing = sent.iter().find(|(leave, ..)| leave.era == breaker.era);
                            let (leave, _, fresh) = probing.unwrap();
                            prop_assert!(leave.probe && *fresh);
                        }
                        Err(_) => {}
                    },
                    _ => {}
                }
                prop_assert!(probes <= 3);
            }
        }

        /// After an outage in which any subjects failed, three subjects stay without an answer and
        /// always ask first. Another that keeps asking is the probe after three more at the latest.
        #[test]
        fn after_an_outage_unanswerable_subjects_take_one_probe_each(
            outage in prop::collection::vec(0_u64..9, 0..30),
            turns in prop::collection::vec((prop::sample::select(vec![0_u64, 1, 2]), 0_u64..2_500), 4),
            other in 3_u64..9,
        ) {
            let mut breaker = breaker();
            fail_often(&mut breaker, SECOND);
            for number in outage {
                let now = opened(&breaker) + 3 * SECOND;
                fail(&mut breaker, number, now);
            }
            let mut now = opened(&breaker) - Duration::from_millis(1);
            let _refused = breaker.ask(subject(other), now);
            let mut probes = 0;
            for (first, late) in turns {
                let until = opened(&breaker);
                // All three ask at the moment in which the pause ends.
                let order = [first, (first + 1) % 3, (first + 2) % 3];
                let probe = order.into_iter().find_map(|it| breaker.admit(subject(it), until).ok());
                let Some(probe) = probe else {
                    now = until + Duration::from_millis(late);
                    let leave = breaker.admit(subject(other), now).unwrap();
                    breaker.succeeded(leave);
                    break;
                };
                probes += 1;
                now = until + 65 * SECOND;
                prop_assert_eq!(breaker.ask(subject(other), now), Err(None));
                breaker.failed(probe, now, None, 0);
            }
            prop_assert!(probes <= 3);
            prop_assert_eq!(breaker.phase, Phase::Closed);
        }

        /// No answer at all: if each subject has four attempts, at most thirteen queries are sent
        /// one after the other before all subjects are suspended. Then only probes are sent.
        #[test]
        fn a_dead_service_gets_a_limited_number_of_queries(
            subjects in prop::collection::vec(0_u64..8, 0..200),
            takes in 0_u64..60,
        ) {
            let mut breaker = breaker();
            let mut attempts = [0_u32; 8];
            let (mut sent, mut now) = (0, Duration::ZERO);
            for number in subjects {
                let place = usize::try_from(number).unwrap();
                if attempts[place] == 4 {
                    continue;
                }
                now += Duration::from_secs(takes);
                if let Ok(leave) = breaker.admit(subject(number), now) {
                    attempts[place] += 1;
                    sent += 1;
                    breaker.failed(leave, now, None, 0);
                }
                if breaker.failures.are_all(NonZeroU32::new(4).unwrap()) {
                    for any in 0..20 {
                        prop_assert!(breaker.admit(subject(any), now).is_err());
                    }
                    break;
                }
            }
            prop_assert!(sent <= 3 * 4 + 1, "{}", sent);
        }
    }
}
