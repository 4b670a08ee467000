use crate::demographics::redacted_debug;
use crate::secret::Secret;
use crate::service::fhir::auth::key::{KeyError, SigningKey};
use crate::text::ValueError;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde_json::json;
use std::str::FromStr;
use std::time::Duration;
use url::Url;
use uuid::Uuid;

/// The application's API key (`iss` and `sub` of an assertion).
///
/// One or more visible ASCII characters. `Debug` does not show it.
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct ClientId(String);

redacted_debug!(ClientId);

impl ClientId {
    /// The key. The caller is responsible for where it goes.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for ClientId {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        if visible && !text.is_empty() { Ok(Self(text.to_owned())) } else { Err(INVALID_CLIENT_ID) }
    }
}

/// The text is not an API key. Correct the configuration. Never contains the text.
const INVALID_CLIENT_ID: ValueError =
    ValueError::new("an API key must be visible ASCII characters");

/// The lifetime of an assertion: one second to five minutes; three minutes by default.
///
/// The API refuses more than five minutes. A shorter lifetime is safer, but it must be longer than the
/// difference between this machine's clock and the API's.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct AssertionLifetime(Duration);

impl AssertionLifetime {
    /// The longest lifetime that the API accepts.
    pub const LONGEST: Self = Self(Duration::from_secs(300));

    /// A lifetime of `time`, in whole seconds.
    ///
    /// # Errors
    ///
    /// [`ValueError`] when that is less than a second or more than five minutes.
    pub const fn new(time: Duration) -> Result<Self, ValueError> {
        let seconds = time.as_secs();
        if seconds == 0 || seconds > 300 || seconds == 300 && time.subsec_nanos() > 0 {
            return Err(INVALID_LIFETIME);
        }
        Ok(Self(Duration::from_secs(seconds)))
    }

    /// The time.
    #[must_use]
    pub const fn get(self) -> Duration {
        self.0
    }
}

impl Default for AssertionLifetime {
    fn default() -> Self {
        Self(Duration::from_secs(180))
    }
}

/// The time is not valid as a lifetime. Correct the configuration.
const INVALID_LIFETIME: ValueError =
    ValueError::new("the lifetime of an assertion must be one second to five minutes");

/// Writes a client assertion: a compact JWT, signed with RS512 (RFC 7523, and the API's signed-JWT
/// pattern).
///
/// `audience` is the exact address of the token endpoint. `id` becomes `jti`. The endpoint remembers
/// each `jti` for thirty days and refuses a second use, so use a new one every time.
///
/// Until it expires, the assertion is as secret as a password.
///
/// # Errors
///
/// [`KeyErrorKind::Damaged`](crate::service::fhir::auth::KeyErrorKind::Damaged) when the key does not sign. A key
/// that was read signs.
///
/// ```
/// use nhs_pds::clock::{Clock, SystemClock};
/// use nhs_pds::fhir::auth::{AssertionLifetime, SigningKey, assertion};
/// use nhs_pds::ids::{Ids, RandomIds};
/// use nhs_pds::secret::Secret;
///
/// let pem = Secret::new(std::fs::read("examples/data/example-key.pem")?);
/// let key = SigningKey::from_pem("example-1".parse()?, &pem)?;
/// let jwt = assertion(
///     &key,
///     &"example-api-key".parse()?,
///     &"https://int.api.service.nhs.uk/oauth2/token".parse()?,
///     AssertionLifetime::default(),
///     SystemClock.now(),
///     RandomIds.next(),
/// )?;
/// assert_eq!(jwt.expose().split('.').count(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn assertion(
    key: &SigningKey,
    client_id: &ClientId,
    audience: &Url,
    lifetime: AssertionLifetime,
    now: DateTime<Utc>,
    id: Uuid,
) -> Result<Secret<String>, KeyError> {
    let header = json!({ "alg": "RS512", "typ": "JWT", "kid": key.id().as_str() });
    let lifetime = i64::try_from(lifetime.get().as_secs()).unwrap_or_default();
    let claims = json!({
        "iss": client_id.expose(),
        "sub": client_id.expose(),
        "aud": audience.as_str(),
        "jti": id.to_string(),
        "exp": now.timestamp().saturating_add(lifetime),
    });
    let mut jwt = format!("{}.{}", encoded(header.to_string()), encoded(claims.to_string()));
    let signature = key.sign(jwt.as_bytes())?;
    jwt.push('.');
    jwt.push_str(&encoded(signature));
    Ok(Secret::new(jwt))
}

fn encoded(part: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_minutes_is_the_longest() {
        for (millis, seconds) in [
            (0, None),
            (999, None),
            (1_000, Some(1)),
            (1_999, Some(1)),
            (300_000, Some(300)),
            (300_001, None),
            (310_000, None),
        ] {
            let lifetime = AssertionLifetime::new(Duration::from_millis(millis)).ok();
            assert_eq!(lifetime.map(|time| time.get().as_secs()), seconds, "{millis}");
        }
        assert!(AssertionLifetime::default() < AssertionLifetime::LONGEST);
    }

    #[test]
    fn invalid_api_keys_are_rejected() {
        for text in ["", " ", "a b", "a\n", "é"] {
            assert_eq!(text.parse::<ClientId>(), Err(INVALID_CLIENT_ID), "{text:?}");
        }
    }
}
