//! The validity period of certificates.

use crate::tenant::Labels;
use chrono::{DateTime, Utc};
use std::fmt;
use std::time::Duration;
use x509_cert::Certificate;
use x509_cert::der::{self, Decode};
use x509_cert::time::Time;

const SECONDS_OF_DAY: i64 = 24 * 60 * 60;

/// The expiry of a client certificate: the earliest of its own and those of its issuers.
///
/// From [`HttpTransport::client_certificate_expiry`]. Check it daily, and warn the person who
/// renews the certificate.
///
/// [`HttpTransport::client_certificate_expiry`]: crate::transport::http::HttpTransport::client_certificate_expiry
///
/// ```
/// use nhs_pds::clock::{Clock, FixedClock};
/// use nhs_pds::transport::http::{CertificateExpiry, ExpiryWarning};
/// use std::time::Duration;
///
/// let expiry = CertificateExpiry::at("2027-03-31T23:59:59Z".parse()?);
/// let month = Duration::from_secs(30 * 24 * 60 * 60);
///
/// let clock = FixedClock::at("2026-11-23T09:30:00Z".parse()?);
/// assert_eq!(expiry.warning(clock.now(), month), None);
///
/// clock.set("2027-03-21T09:30:00Z".parse()?);
/// let warning = expiry.warning(clock.now(), month);
/// assert_eq!(warning, Some(ExpiryWarning::ExpiresIn { days: 10 }));
/// # Ok::<(), chrono::ParseError>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct CertificateExpiry(DateTime<Utc>);

impl CertificateExpiry {
    /// Creates an expiry at `time`, the last moment at which the certificate is valid.
    #[must_use]
    pub const fn at(time: DateTime<Utc>) -> Self {
        Self(time)
    }

    /// Returns the last moment at which the certificate is valid.
    #[must_use]
    pub const fn time(self) -> DateTime<Utc> {
        self.0
    }

    /// Returns a warning if the certificate has expired at `now`, or will expire within `ahead`.
    ///
    /// A renewal takes people and days: use an `ahead` of about a month.
    #[must_use]
    pub fn warning(self, now: DateTime<Utc>, ahead: Duration) -> Option<ExpiryWarning> {
        let left = self.0.signed_duration_since(now);
        if now > self.0 {
            Some(ExpiryWarning::Expired)
        } else if left.to_std().is_ok_and(|left| left <= ahead) {
            let days = left.num_seconds() / SECONDS_OF_DAY;
            Some(ExpiryWarning::ExpiresIn { days: u64::try_from(days).unwrap_or_default() })
        } else {
            None
        }
    }
}

/// A warning for the person who renews the certificate. `Display` writes one line.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ExpiryWarning {
    /// Every exchange fails, or will fail on the next connection. Renew the certificate now.
    Expired,
    /// Renew the certificate within this many whole days.
    ExpiresIn {
        /// Whole days left; 0 on the last day.
        days: u64,
    },
}

impl fmt::Display for ExpiryWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expired => f.write_str("the client certificate has expired"),
            Self::ExpiresIn { days: 0 } => {
                f.write_str("the client certificate expires in less than a day")
            }
            Self::ExpiresIn { days: 1 } => f.write_str("the client certificate expires in 1 day"),
            Self::ExpiresIn { days } => {
                write!(f, "the client certificate expires in {days} days")
            }
        }
    }
}

/// The time during which a chain of certificates is valid, both ends included.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Validity {
    from: DateTime<Utc>,
    until: DateTime<Utc>,
}

impl Validity {
    /// Returns the validity of one certificate (RFC 5280 section 4.1.2.5), given as DER.
    pub(super) fn of(certificate: &[u8]) -> Result<Self, der::Error> {
        let certificate = Certificate::from_der(certificate)?;
        let validity = certificate.tbs_certificate().validity();
        Ok(Self { from: instant(validity.not_before), until: instant(validity.not_after) })
    }

    /// Returns the time during which both are valid.
    pub(super) fn and(self, other: Self) -> Self {
        Self { from: self.from.max(other.from), until: self.until.min(other.until) }
    }

    pub(super) fn holds_at(self, now: DateTime<Utc>) -> bool {
        self.from <= now && now <= self.until
    }

    pub(super) const fn expiry(self) -> CertificateExpiry {
        CertificateExpiry::at(self.until)
    }
}

fn instant(time: Time) -> DateTime<Utc> {
    // DER's last year is 9999; chrono's is much later.
    DateTime::<Utc>::UNIX_EPOCH + time.to_unix_duration()
}

/// Sets the gauge of the client certificate's expiry; see [`telemetry`](crate::resilience::telemetry).
pub(super) fn measure(at: DateTime<Utc>, labels: &Labels) {
    #[cfg(feature = "resilience")]
    metrics::gauge!(crate::transport::metric::CERTIFICATE_EXPIRY, labels.metric(&[]))
        .set(at.timestamp() as f64);
    #[cfg(not(feature = "resilience"))]
    let _ = (at, labels);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn warnings_at_their_edges() {
        let expiry = CertificateExpiry::at(time("2027-03-31T12:00:00Z"));
        let ahead = Duration::from_secs(30 * 24 * 60 * 60);
        let expires_in = |days| Some(ExpiryWarning::ExpiresIn { days });
        for (now, warning) in [
            ("2026-01-01T00:00:00Z", None),
            ("2027-03-01T11:59:59Z", None),
            ("2027-03-01T12:00:00Z", expires_in(30)),
            ("2027-03-01T12:00:01Z", expires_in(29)),
            ("2027-03-30T12:00:00Z", expires_in(1)),
            ("2027-03-30T12:00:01Z", expires_in(0)),
            ("2027-03-31T12:00:00Z", expires_in(0)),
            ("2027-03-31T12:00:00.001Z", Some(ExpiryWarning::Expired)),
            ("2099-01-01T00:00:00Z", Some(ExpiryWarning::Expired)),
        ] {
            assert_eq!(expiry.warning(time(now), ahead), warning, "{now}");
        }
        let day_before = time("2027-03-31T11:59:59Z");
        assert_eq!(expiry.warning(day_before, Duration::ZERO), None);
        assert_eq!(expiry.warning(expiry.time(), Duration::ZERO), expires_in(0));
        assert_eq!(expiry.warning(day_before, Duration::MAX), expires_in(0));
    }

    #[test]
    fn warnings_are_lines_for_people() {
        let lines = [0, 1, 2].map(|days| ExpiryWarning::ExpiresIn { days }.to_string());
        assert_eq!(
            lines,
            [
                "the client certificate expires in less than a day",
                "the client certificate expires in 1 day",
                "the client certificate expires in 2 days"
            ]
        );
        assert_eq!(ExpiryWarning::Expired.to_string(), "the client certificate has expired");
    }

    #[test]
    fn the_shorter_of_two_validities_applies() {
        let validity = |from: &str, until: &str| Validity { from: time(from), until: time(until) };
        let both = validity("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z")
            .and(validity("2025-01-01T00:00:00Z", "2026-06-01T00:00:00Z"));
        assert_eq!(both, validity("2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z"));
        for (now, holds) in [
            ("2025-12-31T23:59:59Z", false),
            ("2026-01-01T00:00:00Z", true),
            ("2026-06-01T00:00:00Z", true),
            ("2026-06-01T00:00:01Z", false),
        ] {
            assert_eq!(both.holds_at(time(now)), holds, "{now}");
        }
    }

    #[test]
    fn invalid_certificates_have_no_validity() {
        for bytes in [&b""[..], b"hunter2", &[0x30, 0], &[0x30, 0x82, 0xff, 0xff]] {
            assert!(Validity::of(bytes).is_err());
        }
    }
}
