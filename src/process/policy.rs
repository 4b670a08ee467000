use crate::case::{CaseId, RecordedNumber};
use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

/// By how much the clocks of two machines may differ before one of them counts as wrong.
const SKEW: TimeDelta = TimeDelta::days(1);

/// When a case is asked about again.
///
/// ```
/// use chrono::TimeDelta;
/// use nhs_pds::process::Policy;
///
/// let policy = Policy::default().with_reverification(TimeDelta::days(90));
/// assert_eq!(policy.wait(1), TimeDelta::days(1));
/// assert_eq!(policy.wait(100), TimeDelta::days(30));
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Policy {
    /// How long after an answer that settled nothing the same words are asked again: after the first,
    /// the second, and so on; the last of them from then on.
    pub waits: Vec<TimeDelta>,
    /// How long after an answer from a provider's copy the Spine is asked.
    pub stale_wait: TimeDelta,
    /// How long after a message was refused, with no code that blames the data, the same words are asked again.
    pub refusal_wait: TimeDelta,
    /// How many answers in a row may be unreadable before somebody is told.
    pub unreadable_limit: u32,
    /// How often a number that was traced is verified again; `None` is never (HAV-3).
    pub reverification: Option<TimeDelta>,
}

impl Default for Policy {
    /// After 1, 2, 4, 7, 14 and 30 days; 15 minutes after a copy; a day after a refused message; five unreadable answers; no
    /// re-verification.
    fn default() -> Self {
        Self {
            waits: [1, 2, 4, 7, 14, 30].map(TimeDelta::days).into(),
            stale_wait: TimeDelta::minutes(15),
            refusal_wait: TimeDelta::days(1),
            unreadable_limit: 5,
            reverification: None,
        }
    }
}

impl Policy {
    /// The same policy, by which numbers that were traced are verified again every `interval`, spread
    /// evenly over it.
    #[must_use]
    pub const fn with_reverification(mut self, interval: TimeDelta) -> Self {
        self.reverification = Some(interval);
        self
    }

    /// How long to wait after the `unsettled`th answer in a row that settled nothing.
    #[must_use]
    pub fn wait(&self, unsettled: u32) -> TimeDelta {
        let place = usize::try_from(unsettled.max(1) - 1).unwrap_or(usize::MAX);
        self.waits.get(place).or(self.waits.last()).copied().unwrap_or_default()
    }

    /// Longer than this no case waits.
    pub(super) fn longest_wait(&self) -> TimeDelta {
        let other = self.stale_wait.max(self.refusal_wait);
        self.waits.iter().copied().fold(other, TimeDelta::max)
    }

    /// Whether the number `held` by the case `id` is to be verified again at `now`.
    ///
    /// A caseload that was loaded in an hour is not asked about again in an hour: each case has its own
    /// time within the interval, which depends on its id alone, and its turn is the first such time
    /// after half an interval, so between half and one and a half intervals after the last confirmation.
    /// A number of which nobody knows since when it is held has a day in each interval. A confirmation
    /// that is dated more than a day after `now` was dated by a clock that was ahead, so the number is due.
    #[must_use]
    pub fn is_reverification_due(
        &self,
        id: &CaseId,
        held: &RecordedNumber,
        now: DateTime<Utc>,
    ) -> bool {
        let Some(interval) = self.reverification.map(|interval| interval.num_seconds()) else {
            return false;
        };
        if interval <= 0 {
            return true;
        }
        let slot = slot(id, interval);
        let latest = now.checked_add_signed(SKEW.min(TimeDelta::seconds(interval))).unwrap_or(now);
        match held.confirmed_at().or(held.since) {
            Some(from) if from > latest => true,
            Some(from) => {
                let earliest = from.timestamp().saturating_add(interval / 2);
                let behind = (slot - earliest).rem_euclid(interval);
                now.timestamp() >= earliest.saturating_add(behind)
            }
            None => {
                let day = TimeDelta::days(1).num_seconds();
                (now.timestamp() - slot).rem_euclid(interval) < day
            }
        }
    }
}

/// The case's own second within an interval of so many.
fn slot(id: &CaseId, interval: i64) -> i64 {
    let hash: [u8; 32] = Sha256::digest(id.as_str().as_bytes()).into();
    let first = hash.iter().take(7).fold(0_i64, |sum, byte| (sum << 8) | i64::from(*byte));
    first.rem_euclid(interval)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{NumberSource, Provenance};
    use crate::nhs_number::NhsNumber;
    use crate::trace::{Exchange, Freshness};

    fn confirmed(at: DateTime<Utc>) -> RecordedNumber {
        let exchange = Exchange::new("SMSP", "x", "1", at);
        let source = NumberSource::Traced(Provenance::new(exchange, Freshness::Live, "exact"));
        RecordedNumber::new(NhsNumber::constant(9_434_765_919), source)
    }

    fn id(number: i64) -> CaseId {
        format!("C{number:06}").parse().unwrap()
    }

    /// Loaded in one hour, and asked about again over the whole interval.
    #[test]
    fn a_caseload_is_spread_evenly() {
        let interval = TimeDelta::days(90);
        let policy = Policy::default().with_reverification(interval);
        let loaded: DateTime<Utc> = "2026-11-23T09:00:00Z".parse().unwrap();
        let mut by_day = [0_u32; 180];
        for number in 0..9_000 {
            let held = confirmed(loaded + TimeDelta::seconds(number % 3_600));
            let due = |day: i64| {
                policy.is_reverification_due(&id(number), &held, loaded + TimeDelta::days(day))
            };
            let first = (0..180).find(|day| due(*day)).unwrap();
            assert!((45..=136).contains(&first), "{first}");
            assert!(due(first + 30), "and due until it is done");
            by_day[usize::try_from(first).unwrap()] += 1;
        }
        let busiest = by_day.iter().max().unwrap();
        assert!(*busiest < 160, "9,000 over 90 days are 100 a day, not {busiest}");
    }

    #[test]
    fn a_number_held_since_nobody_knows_when_has_a_day() {
        let policy = Policy::default().with_reverification(TimeDelta::days(30));
        let held = RecordedNumber::new(
            NhsNumber::constant(9_434_765_919),
            NumberSource::Imported(Some("SMSP".into())),
        );
        let start: DateTime<Utc> = "2026-11-23T09:00:00Z".parse().unwrap();
        for number in 0..50 {
            let due = (0..30 * 24).filter(|hour| {
                let now = start + TimeDelta::hours(*hour);
                policy.is_reverification_due(&id(number), &held, now)
            });
            assert!((23..=25).contains(&due.count()));
        }
        assert!(!Policy::default().is_reverification_due(&id(1), &held, start));
    }

    #[test]
    fn waits_grow_and_end() {
        let days: Vec<i64> = (0..9).map(|n| Policy::default().wait(n).num_days()).collect();
        assert_eq!(days, [1, 1, 2, 4, 7, 14, 30, 30, 30]);
        let none = Policy { waits: Vec::new(), ..Policy::default() };
        assert_eq!(none.wait(3), TimeDelta::zero());
    }
}
