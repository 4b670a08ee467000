//! The difference between this machine's clock and the service's, by the `Date` of its responses
//! (MSCA-AUD-06).

use crate::transport::Response;
use chrono::{DateTime, TimeDelta, Utc};
use std::sync::{Arc, Mutex, PoisonError};

/// A larger difference is logged.
const TOLERATED: TimeDelta = TimeDelta::seconds(30);

/// With a larger difference a service may refuse every message as too old, or as not yet valid.
const REFUSED: TimeDelta = TimeDelta::minutes(5);

/// The clock of one service, by its responses. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct ServiceClock(Arc<Mutex<Skews>>);

#[derive(Debug, Default)]
struct Skews {
    latest: Option<TimeDelta>,
    /// The difference that was logged last; `None` while the clocks agree.
    logged: Option<TimeDelta>,
}

impl ServiceClock {
    /// Compares the `Date` of `response` with the time when the request was sent and the time when the
    /// response was received.
    pub(crate) fn compare(&self, response: &Response, sent: DateTime<Utc>, came: DateTime<Utc>) {
        let Some(date) = response.date() else { return };
        let skew = skew(date, sent, came);
        let mut skews = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        skews.latest = Some(skew);
        let is_off = skew.abs() > TOLERATED;
        let seconds = skew.num_seconds();
        match skews.logged {
            Some(_) if !is_off => {
                skews.logged = None;
                tracing::info!(seconds, "this machine's clock agrees with the service's again");
            }
            None if !is_off => {}
            Some(logged) if (skew - logged).abs() <= TOLERATED => {}
            _ => {
                skews.logged = Some(skew);
                tracing::warn!(
                    seconds,
                    "this machine's clock differs from the service's: set the clock"
                );
            }
        }
    }

    /// By how much this machine's clock was ahead of the service's at the last response; negative if it
    /// was behind.
    pub(crate) fn latest(&self) -> Option<TimeDelta> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).latest
    }

    /// Whether the difference is so large that a service may refuse every message for its time.
    #[allow(dead_code, reason = "not every service has times in its messages")]
    pub(crate) fn explains_refusals(&self) -> bool {
        self.latest().is_some_and(|skew| skew.abs() > REFUSED)
    }
}

/// The least difference by which this machine's clock is ahead. `date` has whole seconds; if the clocks
/// agree, it is a time between `sent` and `came`.
fn skew(date: DateTime<Utc>, sent: DateTime<Utc>, came: DateTime<Utc>) -> TimeDelta {
    let (sent, came) = (sent.min(came), sent.max(came));
    let latest = date.checked_add_signed(TimeDelta::seconds(1)).unwrap_or(date);
    if latest <= sent {
        sent - latest
    } else if date > came {
        came - date
    } else {
        TimeDelta::zero()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::{AGE, DATE};
    use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn response(headers: &[(HeaderName, &'static str)]) -> Response {
        let headers =
            headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value)));
        let headers: HeaderMap = headers.collect();
        Response::new(StatusCode::OK, "".into()).with_headers(headers)
    }

    const NINE: (HeaderName, &str) = (DATE, "Mon, 23 Nov 2026 09:00:00 GMT");

    #[test]
    fn travel_time_and_whole_seconds_are_not_a_difference() {
        let skew = |sent: &str, came: &str| {
            skew(at("2026-11-23T09:00:00Z"), at(sent), at(came)).num_milliseconds()
        };
        assert_eq!(skew("2026-11-23T08:59:00Z", "2026-11-23T09:01:00Z"), 0);
        assert_eq!(skew("2026-11-23T09:00:00.9Z", "2026-11-23T09:00:01.1Z"), 0);
        assert_eq!(skew("2026-11-23T08:59:59Z", "2026-11-23T09:00:00Z"), 0);
        assert_eq!(skew("2026-11-23T09:00:01.5Z", "2026-11-23T09:10:00Z"), 500);
        assert_eq!(skew("2026-11-23T08:00:00Z", "2026-11-23T08:59:58.5Z"), -1_500);
        assert_eq!(skew("2026-11-23T10:00:01Z", "2026-11-23T10:00:02Z"), 3_600_000);
        // This machine's clock was set back between the two times.
        assert_eq!(skew("2026-11-23T09:30:00Z", "2026-11-23T08:59:00Z"), 0);
    }

    #[test]
    fn copies_and_responses_without_a_date_are_ignored() {
        let clock = ServiceClock::default();
        let now = at("2026-11-23T10:00:00Z");
        let nonsense = (DATE, "2026-11-23");
        for headers in [vec![], vec![nonsense], vec![NINE, (AGE, "3600")], vec![NINE, (AGE, "x")]] {
            clock.compare(&response(&headers), now, now);
            assert_eq!(clock.latest(), None);
        }
        clock.compare(&response(&[NINE, (AGE, "0")]), now, now);
        assert_eq!(clock.latest(), Some(TimeDelta::seconds(3_599)));
    }

    #[test]
    fn an_hour_explains_refusals_and_a_minute_does_not() {
        let clock = ServiceClock::default();
        assert!(!clock.explains_refusals());
        for (now, explains) in [
            ("2026-11-23T09:01:00Z", false),
            ("2026-11-23T10:00:00Z", true),
            ("2026-11-23T08:00:00Z", true),
            ("2026-11-23T09:00:00Z", false),
        ] {
            clock.compare(&response(&[NINE]), at(now), at(now));
            assert_eq!(clock.explains_refusals(), explains, "{now}");
        }
    }
}
