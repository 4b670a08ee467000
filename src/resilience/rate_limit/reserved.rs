//! The permits that this process has reserved of a shared rate. Pure: the caller passes the time.

use crate::resilience::rate_limit::priority::{Priority, Waiting};
use crate::resilience::rate_limit::reservation::{Delay, LATEST, SharedLimit};
use crate::resilience::rate_limit::shared::{PermitReply, SharedRateError};
use std::time::Duration;
use tokio::time::Instant;

/// The most permits that a process reserves ahead. With one, each would wait for the answer about the one before it.
pub(super) const AHEAD: usize = 4;

/// The pauses after a failure double from the first to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(super) struct Reserved {
    limit: SharedLimit,
    began: Instant,
    slots: Vec<Slot>,
    /// Requests in progress.
    asking: usize,
    /// Until then, a user's request was refused; until then, one of the background.
    refused: (Instant, Instant),
    pub(super) failing: Option<Failing>,
    delay: Delay,
}

/// A reserved permit.
#[derive(Clone, Copy, Debug)]
struct Slot {
    /// The earliest time that it may be, given that the answer took a while.
    earliest: Instant,
    due: Instant,
    late: Duration,
    /// Whether a caller has waited for it since it was reserved.
    is_wanted: bool,
}

/// The shared place does not answer.
#[derive(Clone, Debug)]
pub(super) struct Failing {
    pub(super) since: Instant,
    pub(super) error: SharedRateError,
    /// When to ask again.
    pub(super) again: Instant,
    pause: Duration,
}

/// A request to send to the shared place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ask {
    pub(super) priority: Priority,
    pub(super) late: Duration,
    pub(super) sent: Instant,
}

/// What the shared place's answer changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Change {
    None,
    Failed,
    Recovered,
}

impl Reserved {
    pub(super) fn new(limit: SharedLimit, now: Instant) -> Self {
        Self {
            limit,
            began: now,
            slots: Vec::new(),
            asking: 0,
            refused: (now, now),
            failing: None,
            delay: Delay::default(),
        }
    }

    /// Takes a permit that is due, or returns when to look again: `None` means when an answer arrives.
    pub(super) fn take(&mut self, waiting: Waiting, now: Instant) -> Result<(), Option<Instant>> {
        self.discard_late(now);
        let next = self.slots.iter().enumerate().min_by_key(|(_, slot)| slot.due);
        match next.map(|(place, slot)| (place, slot.due)) {
            Some((place, due)) if due <= now => {
                self.slots.swap_remove(place);
                self.delay.kept();
                Ok(())
            }
            Some((_, due)) => Err(Some(due)),
            None => Err(self.looks_again(waiting, now)),
        }
    }

    fn discard_late(&mut self, now: Instant) {
        let (limit, delay, began) = (&self.limit, &mut self.delay, self.began);
        self.slots.retain(|slot| {
            let late = now.saturating_duration_since(slot.earliest);
            let is_usable = late <= limit.tolerance(slot.late);
            // A long sleep of this process says nothing about the next permit.
            if !is_usable && slot.is_wanted && late <= 2 * LATEST {
                delay.missed(now.saturating_duration_since(began), late);
            }
            is_usable
        });
    }

    fn looks_again(&self, waiting: Waiting, now: Instant) -> Option<Instant> {
        if self.asking > 0 {
            return None;
        }
        let foreground = (waiting.foreground > 0).then_some(self.refused.0);
        let background = (waiting.background > 0).then_some(self.refused.1);
        let refused = foreground.into_iter().chain(background).min();
        let again = self.failing.as_ref().map(|failing| failing.again).or(refused);
        again.map(|again| again.max(now + Duration::from_millis(1)))
    }

    /// No caller waits any more.
    pub(super) fn unwanted(&mut self) {
        self.slots.iter_mut().for_each(|slot| slot.is_wanted = false);
    }

    /// Returns the next request to send, for callers that wait while `room` more questions may be in progress.
    pub(super) fn ask(&mut self, waiting: Waiting, room: usize, now: Instant) -> Option<Ask> {
        let ahead = self.slots.len() + self.asking;
        let all = waiting.foreground + waiting.background;
        let is_failing = self.failing.as_ref().is_some_and(|it| now < it.again || self.asking > 0);
        if ahead >= AHEAD.min(all).min(room) || is_failing {
            return None;
        }
        let is_foreground = waiting.foreground > ahead && now >= self.refused.0;
        let is_background = waiting.background > 0 && now >= self.refused.1;
        let priority = match (is_foreground, is_background) {
            (true, _) => Priority::Foreground,
            (false, true) => Priority::Background,
            (false, false) => return None,
        };
        self.asking += 1;
        let late = self.delay.announced(now.saturating_duration_since(self.began));
        Some(Ask { priority, late, sent: now })
    }

    /// Takes in the answer to `ask`.
    pub(super) fn answered(
        &mut self,
        ask: &Ask,
        answer: Result<PermitReply, SharedRateError>,
        now: Instant,
    ) -> Change {
        self.asking = self.asking.saturating_sub(1);
        let took = now.saturating_duration_since(ask.sent);
        let answer = answer.and_then(|reply| {
            let slow =
                || SharedRateError::new(format!("it answered after {} ms", took.as_millis()));
            if took > LATEST { Err(slow()) } else { Ok(reply) }
        });
        match answer {
            Ok(PermitReply::Granted(wait)) => self.slots.push(Slot {
                earliest: ask.sent + wait,
                due: now + wait,
                late: ask.late,
                is_wanted: true,
            }),
            Ok(PermitReply::AskAgain(wait)) => match ask.priority {
                Priority::Foreground => self.refused.0 = now + wait,
                Priority::Background => self.refused.1 = now + wait,
            },
            Err(error) => return self.failed(error, now),
        }
        if self.failing.take().is_some() { Change::Recovered } else { Change::None }
    }

    fn failed(&mut self, error: SharedRateError, now: Instant) -> Change {
        let before = self.failing.take();
        let change = if before.is_none() { Change::Failed } else { Change::None };
        let pause =
            before.as_ref().map_or(FIRST_PAUSE, |before| (2 * before.pause).min(LONGEST_PAUSE));
        let since = before.map_or(now, |before| before.since);
        self.failing = Some(Failing { since, error, again: now + pause, pause });
        change
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resilience::rate_limit::rate::RateLimit;

    const MS: Duration = Duration::from_millis(1);

    fn reserved() -> (Reserved, Instant) {
        let now = Instant::now();
        (Reserved::new(SharedLimit::of(&RateLimit::default()), now), now)
    }

    const fn waiting(foreground: usize, background: usize) -> Waiting {
        Waiting { foreground, background }
    }

    fn granted(wait: Duration) -> Result<PermitReply, SharedRateError> {
        Ok(PermitReply::Granted(wait))
    }

    fn asks(reserved: &mut Reserved, waiting: Waiting, room: usize, now: Instant) -> Vec<Ask> {
        std::iter::from_fn(|| reserved.ask(waiting, room, now)).collect()
    }

    #[test]
    fn requests_are_as_many_as_callers_need_and_users_come_first() {
        for (foreground, background, room, expected) in [
            (1, 1, 8, vec![Priority::Foreground, Priority::Background]),
            (0, 9, 8, vec![Priority::Background; AHEAD]),
            (9, 9, 8, vec![Priority::Foreground; AHEAD]),
            (3, 3, 2, vec![Priority::Foreground; 2]),
            (0, 0, 8, vec![]),
            (1, 1, 0, vec![]),
        ] {
            let (mut reserved, now) = reserved();
            let asked = asks(&mut reserved, waiting(foreground, background), room, now);
            let priorities: Vec<_> = asked.iter().map(|ask| ask.priority).collect();
            assert_eq!(priorities, expected, "{foreground} and {background}, room {room}");
        }
    }

    #[test]
    fn a_permit_is_used_at_its_slot_and_not_long_after_it() {
        let (mut reserved, now) = reserved();
        let one = waiting(0, 1);
        let ask = reserved.ask(one, 8, now).unwrap();
        assert_eq!(reserved.take(one, now), Err(None), "the answer decides");
        assert_eq!(reserved.answered(&ask, granted(100 * MS), now + 4 * MS), Change::None);
        // The slot is at most 100 ms after the answer.
        assert_eq!(reserved.take(one, now + 4 * MS), Err(Some(now + 104 * MS)));
        assert_eq!(reserved.take(one, now + 104 * MS), Ok(()));
        // At five a second: 10 ms and a step of 203 ms after the earliest time of the slot.
        for (after, is_usable) in [(213 * MS, true), (214 * MS, false)] {
            let (mut reserved, now) = self::reserved();
            let ask = reserved.ask(one, 8, now).unwrap();
            reserved.answered(&ask, granted(Duration::ZERO), now);
            assert_eq!(reserved.take(one, now + after).is_ok(), is_usable, "{after:?}");
        }
    }

    #[test]
    fn late_permits_are_announced_if_a_caller_waited_for_them() {
        for (is_wanted, announced) in [(true, true), (false, false)] {
            let (mut reserved, mut now) = reserved();
            for _ in 0..2 {
                let ask = reserved.ask(waiting(0, 1), 8, now).unwrap();
                reserved.answered(&ask, granted(Duration::ZERO), now);
                if !is_wanted {
                    reserved.unwanted();
                }
                now += 300 * MS;
                assert!(reserved.take(waiting(0, 1), now).is_err());
            }
            let ask = reserved.ask(waiting(0, 1), 8, now).unwrap();
            assert_eq!(!ask.late.is_zero(), announced);
        }
    }

    #[test]
    fn a_refusal_applies_to_its_priority() {
        let (mut reserved, now) = reserved();
        let ask = reserved.ask(waiting(0, 1), 8, now).unwrap();
        reserved.answered(&ask, Ok(PermitReply::AskAgain(90 * MS)), now);
        assert!(reserved.ask(waiting(0, 1), 8, now).is_none());
        assert_eq!(reserved.take(waiting(0, 1), now), Err(Some(now + 90 * MS)));
        assert_eq!(reserved.ask(waiting(1, 1), 8, now).unwrap().priority, Priority::Foreground);
        assert!(reserved.ask(waiting(0, 2), 8, now + 90 * MS).is_some());
    }

    #[test]
    fn after_a_failure_it_asks_with_pauses_until_an_answer() {
        let (mut reserved, mut now) = reserved();
        let mut pauses = Vec::new();
        for place in 0..5 {
            let ask = reserved.ask(waiting(0, 9), 8, now).unwrap();
            assert!(place == 0 || reserved.ask(waiting(0, 9), 8, now).is_none(), "one at a time");
            let change = reserved.answered(&ask, Err(SharedRateError::new("down")), now);
            assert_eq!(change, if place == 0 { Change::Failed } else { Change::None });
            assert!(reserved.ask(waiting(9, 9), 8, now).is_none());
            let again = reserved.failing.as_ref().unwrap().again;
            pauses.push((again - now).as_millis());
            now = again;
        }
        assert_eq!(pauses, [250, 500, 1_000, 2_000, 2_000]);
        let ask = reserved.ask(waiting(0, 9), 8, now).unwrap();
        assert_eq!(reserved.answered(&ask, granted(MS), now), Change::Recovered);
        assert_eq!(asks(&mut reserved, waiting(0, 9), 8, now).len(), AHEAD - 1);
    }

    #[test]
    fn a_slow_answer_is_a_failure() {
        let (mut reserved, now) = reserved();
        let ask = reserved.ask(waiting(0, 1), 8, now).unwrap();
        assert_eq!(reserved.answered(&ask, granted(MS), now + 501 * MS), Change::Failed);
        assert!(reserved.take(waiting(0, 1), now + 502 * MS).is_err(), "its permit is not used");
    }
}
