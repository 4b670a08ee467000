//! The `Authorization` of a request. The service accepts each value once.

use crate::mesh::config::Config;
use chrono::{DateTime, Utc};
use http::HeaderValue;
use http::header::InvalidHeaderValue;
use ring::hmac::{self, HMAC_SHA256};
use std::fmt::Write as _;
use uuid::Uuid;

/// Returns the value for a request at `now`. Each request has a nonce of its own, so the count of its uses is zero.
pub(in crate::mesh) fn authorization(
    config: &Config,
    nonce: Uuid,
    now: DateTime<Utc>,
) -> Result<HeaderValue, InvalidHeaderValue> {
    let (mailbox, at) = (&config.mailbox, now.format("%Y%m%d%H%M"));
    let mut signed = hmac::Context::with_key(&hmac::Key::new(
        HMAC_SHA256,
        config.shared_key.expose().as_bytes(),
    ));
    // In parts, so that no copy of the password stays in memory.
    signed.update(format!("{mailbox}:{nonce}:0:").as_bytes());
    signed.update(config.password.expose().as_bytes());
    signed.update(format!(":{at}").as_bytes());
    let mut value = format!("NHSMESH {mailbox}:{nonce}:0:{at}:");
    for byte in signed.sign().as_ref() {
        // Writing to a string does not fail.
        let _ = write!(value, "{byte:02x}");
    }
    let mut value = HeaderValue::from_str(&value)?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mesh::config::tests::config;

    /// The hash is of another program:
    /// `printf '%s' X26ABC1:2c001608-5f09-4840-9611-bea43e666a30:0:hunter2:202611300905 |
    /// openssl dgst -sha256 -hmac TestKey`.
    #[test]
    fn it_is_the_value_that_openssl_computes() {
        let nonce = "2c001608-5f09-4840-9611-bea43e666a30".parse().unwrap();
        let now = "2026-11-30T09:05:59Z".parse().unwrap();
        let value = authorization(&config(), nonce, now).unwrap();
        assert_eq!(
            value.to_str().unwrap(),
            concat!(
                "NHSMESH X26ABC1:2c001608-5f09-4840-9611-bea43e666a30:0:202611300905:",
                "bcf05dc2e18101325afb0962ccc3ffb125b6c8d610bea5766da3b763122d7a5a"
            ),
        );
        assert!(value.is_sensitive());
    }
}
