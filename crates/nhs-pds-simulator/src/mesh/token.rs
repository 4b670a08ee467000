//! The header `Authorization`: a token for one request.

use super::refusal::{Refusal, text};
use super::state::State;
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use http::HeaderMap;
use ring::hmac::{HMAC_SHA256, Key, sign};
use std::fmt::Write;

/// How far the time of a token may be from that of the server.
const TOLERANCE: TimeDelta = TimeDelta::hours(2);

/// Checks the token, which must not have been used before.
pub(super) fn check(
    state: &mut State,
    key: &str,
    mailbox: &str,
    headers: &HeaderMap,
    now: DateTime<Utc>,
) -> Result<(), Refusal> {
    const UNREADABLE: Refusal = Refusal::forbidden("Error reading from Authorization header");
    let header = text(headers, "authorization").ok_or(UNREADABLE)?;
    let token = header.strip_prefix("NHSMESH ").ok_or(UNREADABLE)?;
    let parts: Vec<&str> = token.trim().split(':').collect();
    let [named, nonce, count, time, hash] = parts.as_slice() else { return Err(UNREADABLE) };
    if count.is_empty() || !count.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(UNREADABLE);
    }
    if *named != mailbox {
        return Err(Refusal::forbidden("Mailbox id does not match token"));
    }
    let password = state.password(mailbox).ok_or(Refusal::forbidden("No mailbox matched"))?;
    let message = format!("{named}:{nonce}:{count}:{password}:{time}");
    let is_signed = hash.eq_ignore_ascii_case(&hexadecimal(key, &message));
    let at = (time.len() == 12).then(|| NaiveDateTime::parse_from_str(time, "%Y%m%d%H%M").ok());
    let is_now = at.flatten().is_some_and(|at| (at.and_utc() - now).abs() <= TOLERANCE);
    if !is_signed || !is_now || nonce.is_empty() {
        return Err(Refusal::forbidden("Invalid Authentication Token"));
    }
    if !state.use_token(format!("{named}:{nonce}:{count}")) {
        return Err(Refusal::forbidden("Error Duplicated Authentication Token"));
    }
    Ok(())
}

/// The HMAC of `message` with SHA-256, in hexadecimal.
fn hexadecimal(key: &str, message: &str) -> String {
    let tag = sign(&Key::new(HMAC_SHA256, key.as_bytes()), message.as_bytes());
    tag.as_ref().iter().fold(String::new(), |mut text, byte| {
        // Writing to a text does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_openssl() {
        // printf %s MESSAGE | openssl dgst -sha256 -hmac TestKey
        let message = "X26ABC1:0f2a9c56-5b0c-4c38-8a9e-0d4a57a6f0c1:0:password:202611300945";
        assert_eq!(
            hexadecimal("TestKey", message),
            "2519bf622566be381b512339df9a60b4ad48abefc9c694b61c161a2688df647a"
        );
    }
}
