use crate::case::{CaseId, RecordedNumber};
use crate::matching::Judge;
use crate::process::decision::strategy::table::{NotPermitted, Strategy};
use crate::trace::Tracer;
use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

/// How far the clocks of two machines may differ before one of them counts as wrong.
const SKEW: TimeDelta = TimeDelta::days(1);

/// When a case is queried again.
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
    /// How long the worker waits after a response that settled nothing, before it sends the same query again:
    /// after the first such response in a row, after the second, and so on. The last wait repeats.
    pub waits: Vec<TimeDelta>,
    /// How long the worker waits after an answer from a provider's copy, before it queries the Spine.
    pub stale_wait: TimeDelta,
    /// How long the worker waits after a refused message before it sends the same query again, if no code
    /// names the data as the cause.
    pub refusal_wait: TimeDelta,
    /// How long the worker waits after a query about a case that got no usable response: after the first in
    /// a row at most this long, then twice as long each time. Each case waits between half and all of it.
    pub retry_wait: TimeDelta,
    /// The upper limit of that wait.
    pub longest_retry_wait: TimeDelta,
    /// How many queries in a row without a response open a review item.
    pub unanswered_limit: u32,
    /// How many unreadable responses in a row open a review item and send an alert.
    pub unreadable_limit: u32,
    /// The interval after which a traced number is verified again; `None` means never (HAV-3).
    pub reverification: Option<TimeDelta>,
    /// Who counts as the person of a case, and by which limit of the risk.
    pub judge: Judge,
    /// The questions; `None` means one question with every criterion. A [`Worker`](crate::process::Worker) sets the
    /// strategy of its service.
    pub(in crate::process) strategy: Option<Strategy>,
}

impl Default for Policy {
    /// Waits of 1, 2, 4, 7, 14 and 30 days; 15 minutes after a provider's copy; one day after a refused
    /// message; one minute to six hours after no usable response; five queries without a response; five
    /// unreadable responses; numbers are not verified again.
    fn default() -> Self {
        Self {
            waits: [1, 2, 4, 7, 14, 30].map(TimeDelta::days).into(),
            stale_wait: TimeDelta::minutes(15),
            refusal_wait: TimeDelta::days(1),
            retry_wait: TimeDelta::minutes(1),
            longest_retry_wait: TimeDelta::hours(6),
            unanswered_limit: 5,
            unreadable_limit: 5,
            reverification: None,
            judge: Judge::default(),
            strategy: None,
        }
    }
}

impl Policy {
    /// Returns this policy with traced numbers verified again every `interval`. The cases are spread evenly
    /// over the interval.
    #[must_use]
    pub const fn with_reverification(mut self, interval: TimeDelta) -> Self {
        self.reverification = Some(interval);
        self
    }

    /// Returns this policy with the `strategy`, which must be one that the service of `tracer` permits.
    ///
    /// # Errors
    ///
    /// [`NotPermitted`], when the service does not have a search of the strategy.
    pub fn with_strategy(
        mut self,
        strategy: Strategy,
        tracer: &dyn Tracer,
    ) -> Result<Self, NotPermitted> {
        self.strategy = Some(strategy.checked_for(tracer)?);
        Ok(self)
    }

    /// Returns this policy with the `judge`.
    #[must_use]
    pub fn with_judge(mut self, judge: Judge) -> Self {
        self.judge = judge;
        self
    }

    /// The strategy.
    #[must_use]
    pub fn strategy(&self) -> Strategy {
        self.strategy.clone().unwrap_or_else(Strategy::exact)
    }

    /// The strategy and the rules of the judge, in one text. Answers that are kept name the rules by which they
    /// were judged ([`KnownSoFar`](crate::case::KnownSoFar)), and are used by no others.
    #[must_use]
    pub fn rules(&self) -> String {
        format!("{} {}", self.strategy(), self.judge.rules())
    }

    /// Sets the strategy of the service of `tracer`, unless one was chosen.
    pub(in crate::process) fn set_strategy_of(&mut self, tracer: &dyn Tracer) {
        self.strategy.get_or_insert_with(|| Strategy::for_service(tracer));
    }

    /// Returns how long to wait after the `unsettled`th response in a row that settled nothing.
    #[must_use]
    pub fn wait(&self, unsettled: u32) -> TimeDelta {
        let place = usize::try_from(unsettled.max(1) - 1).unwrap_or(usize::MAX);
        self.waits.get(place).or(self.waits.last()).copied().unwrap_or_default()
    }

    /// Returns how long the case `id` waits after a refused message: [`refusal_wait`](Self::refusal_wait), and
    /// up to a thirty-second part of it more. Cases that were refused together are not all queried together.
    pub(in crate::process) fn wait_after_refusal(&self, id: &CaseId) -> TimeDelta {
        let share = (self.refusal_wait / 32).num_milliseconds();
        self.refusal_wait + TimeDelta::milliseconds(if share > 0 { slot(id, share) } else { 0 })
    }

    /// The longest time that a case may wait.
    pub(in crate::process) fn longest_wait(&self) -> TimeDelta {
        let other = self.stale_wait.max(self.refusal_wait + self.refusal_wait / 32);
        self.waits.iter().copied().fold(other, TimeDelta::max)
    }

    /// Returns how long the case `id` waits after the `failed`th query in a row without a usable response.
    ///
    /// The wait is between half and all of the doubled [`retry_wait`](Self::retry_wait). The part depends on
    /// the id and the count alone, so that cases that failed together are not all queried again together.
    #[must_use]
    pub fn retry_wait(&self, id: &CaseId, failed: u32) -> TimeDelta {
        let doublings = failed.max(1).saturating_sub(1).min(30);
        let most = self.retry_wait.checked_mul(1_i32 << doublings).unwrap_or(TimeDelta::MAX);
        let most = most.min(self.longest_retry_wait).max(TimeDelta::zero());
        let half = most.num_milliseconds() / 2;
        let share = if half == 0 { 0 } else { slot(id, half) ^ i64::from(failed) };
        TimeDelta::milliseconds(most.num_milliseconds() - share.rem_euclid(half.max(1)))
    }

    /// When the number `recorded` of the case `id` is due to be verified again: the first time after `now`.
    pub(in crate::process) fn next_reverification(
        &self,
        id: &CaseId,
        recorded: &RecordedNumber,
        now: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        let interval = self.reverification?.num_seconds();
        if interval <= 0 {
            return Some(now);
        }
        let slot = slot(id, interval);
        let at = match recorded.confirmed_at().or(recorded.since) {
            Some(from) => {
                let earliest = from.timestamp().saturating_add(interval / 2);
                earliest.saturating_add((slot - earliest).rem_euclid(interval))
            }
            None => {
                let after = now.timestamp().saturating_add(1);
                after.saturating_add((slot - after).rem_euclid(interval))
            }
        };
        DateTime::from_timestamp(at, 0)
    }

    /// Whether the number `recorded` of the case `id` is due to be verified again at `now`.
    ///
    /// Each case has its own time within the interval, which depends on its id alone. So a caseload that was
    /// loaded in one hour is not queried again in one hour. A number is due at the first such time that is at
    /// least half an interval after its last confirmation: between half and one and a half intervals after it.
    ///
    /// A number without a known date is due for one day in each interval. A confirmation that is dated more
    /// than one day after `now` comes from a clock that was ahead, so the number is due.
    pub(crate) fn is_reverification_due(
        &self,
        id: &CaseId,
        recorded: &RecordedNumber,
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
        match recorded.confirmed_at().or(recorded.since) {
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

/// The case's own second within an interval of this many seconds.
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

    /// The cases were loaded in one hour, and are verified again over the whole interval.
    #[test]
    fn a_caseload_is_spread_evenly() {
        let interval = TimeDelta::days(90);
        let policy = Policy::default().with_reverification(interval);
        let loaded: DateTime<Utc> = "2026-11-23T09:00:00Z".parse().unwrap();
        let mut by_day = [0_u32; 180];
        for number in 0..9_000 {
            let recorded = confirmed(loaded + TimeDelta::seconds(number % 3_600));
            let due = |day: i64| {
                policy.is_reverification_due(&id(number), &recorded, loaded + TimeDelta::days(day))
            };
            let first = (0..180).find(|day| due(*day)).unwrap();
            assert!((45..=136).contains(&first), "{first}");
            assert!(due(first + 30), "the number stays due until it is verified");
            by_day[usize::try_from(first).unwrap()] += 1;
        }
        let busiest = by_day.iter().max().unwrap();
        assert!(*busiest < 160, "9,000 over 90 days are 100 a day, not {busiest}");
    }

    #[test]
    fn a_number_without_a_known_date_is_due_for_one_day() {
        let policy = Policy::default().with_reverification(TimeDelta::days(30));
        let recorded = RecordedNumber::new(
            NhsNumber::constant(9_434_765_919),
            NumberSource::Imported(Some("SMSP".into())),
        );
        let start: DateTime<Utc> = "2026-11-23T09:00:00Z".parse().unwrap();
        for number in 0..50 {
            let due = (0..30 * 24).filter(|hour| {
                let now = start + TimeDelta::hours(*hour);
                policy.is_reverification_due(&id(number), &recorded, now)
            });
            assert!((23..=25).contains(&due.count()));
        }
        assert!(!Policy::default().is_reverification_due(&id(1), &recorded, start));
    }

    #[test]
    fn waits_grow_until_the_last_one_repeats() {
        let days: Vec<i64> = (0..9).map(|n| Policy::default().wait(n).num_days()).collect();
        assert_eq!(days, [1, 1, 2, 4, 7, 14, 30, 30, 30]);
        let none = Policy { waits: Vec::new(), ..Policy::default() };
        assert_eq!(none.wait(3), TimeDelta::zero());
    }
}
