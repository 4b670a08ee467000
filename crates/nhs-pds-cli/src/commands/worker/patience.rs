//! How long a failure is tried again.

use std::time::Duration;
use tokio::time::Instant;

/// The first pause, and the longest.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(8);

/// Pauses of 1, 2, 4 and 8 seconds, until the first failure of a series is old.
#[derive(Debug)]
pub(super) struct Patience {
    whole: Duration,
    /// The first failure of the series, and the next pause.
    series: Option<(Instant, Duration)>,
    has_failed: bool,
}

impl Patience {
    pub(super) const fn new(whole: Duration) -> Self {
        Self { whole, series: None, has_failed: false }
    }

    /// How long a series of failures may last.
    pub(super) const fn whole(&self) -> Duration {
        self.whole
    }

    /// Whether anything has ever failed.
    pub(super) const fn has_failed(&self) -> bool {
        self.has_failed
    }

    /// Ends the series, because something has succeeded.
    pub(super) const fn refresh(&mut self) {
        self.series = None;
    }

    /// Notes a failure. Returns the pause before the next attempt, or `None` when the series has lasted too long.
    pub(super) fn failed(&mut self, now: Instant) -> Option<Duration> {
        self.has_failed = true;
        let (first, pause) = self.series.unwrap_or((now, FIRST));
        let left = self.whole.checked_sub(now.saturating_duration_since(first))?;
        self.series = Some((first, (pause * 2).min(LONGEST)));
        // The last attempt comes at the end of the time.
        Some(pause.min(left)).filter(|pause| !pause.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_of_failures_ends_after_its_time() {
        let whole = Duration::from_secs(20);
        let (mut patience, mut now) = (Patience::new(whole), Instant::now());
        let began = now;
        assert!(!patience.has_failed());
        let mut pauses = Vec::new();
        while let Some(pause) = patience.failed(now) {
            pauses.push(pause.as_secs());
            now += pause;
        }
        assert_eq!(pauses, [1, 2, 4, 8, 5], "the last attempt is at the end of the time");
        assert_eq!(now - began, whole);
        assert!(patience.has_failed());
    }

    #[test]
    fn a_success_begins_the_time_again() {
        let (mut patience, now) = (Patience::new(Duration::from_secs(3)), Instant::now());
        assert_eq!(patience.failed(now), Some(FIRST));
        assert_eq!(patience.failed(now + FIRST), Some(FIRST * 2));
        patience.refresh();
        assert_eq!(patience.failed(now + FIRST * 9), Some(FIRST));
        assert_eq!(patience.failed(now + FIRST * 13), None);
    }

    #[test]
    fn without_patience_the_first_failure_is_the_last() {
        assert_eq!(Patience::new(Duration::ZERO).failed(Instant::now()), None);
    }
}
