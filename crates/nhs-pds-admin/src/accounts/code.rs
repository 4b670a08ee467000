//! One-time codes of an authenticator app (TOTP, RFC 6238): six digits, SHA-1, 30 seconds, as all apps have.

use crate::accounts::Text;
use chrono::{DateTime, Utc};
use subtle::ConstantTimeEq;
use totp_rs::{Builder, Totp};

/// The seconds of a step.
const STEP: u64 = 30;

/// The bytes of a seed: 160 bits, as RFC 4226 recommends.
pub(crate) const SEED: usize = 20;

/// The step at `now`.
fn step(now: DateTime<Utc>) -> u64 {
    u64::try_from(now.timestamp()).unwrap_or_default() / STEP
}

/// The step to which `code` belongs: the current one or that before, because people type slowly. A step up to `used`
/// is not accepted again, so each code works once. `None` if the code is wrong.
pub(crate) fn accept(seed: &[u8], code: &Text, used: u64, now: DateTime<Utc>) -> Option<u64> {
    let totp = totp(seed, "", "");
    let typed: String = code.expose().chars().filter(|each| !each.is_whitespace()).collect();
    let current = step(now);
    let mut accepted = None;
    // Always both, so that the time does not say which.
    for each in [current.saturating_sub(1), current] {
        let right = totp.generate(each * STEP).to_string();
        let is_right = bool::from(right.as_bytes().ct_eq(typed.as_bytes()));
        if is_right && each > used {
            accepted = Some(each);
        }
    }
    accepted
}

/// The address that an authenticator app reads, as `otpauth://totp/…`.
pub(crate) fn address(seed: &[u8], user: &str, service: &str) -> String {
    // A colon would end the name of the service.
    let part = |text: &str| text.replace(':', " ");
    totp(seed, &part(user), &part(service)).to_url().unwrap_or_default()
}

/// The seed as people type it into an app: groups of four letters and digits.
pub(crate) fn in_groups(seed: &[u8]) -> String {
    let text = totp_rs::Secret::from(seed.to_vec()).to_base32();
    let letters: Vec<char> = text.chars().collect();
    let groups: Vec<String> = letters.chunks(4).map(|group| group.iter().collect()).collect();
    groups.join(" ")
}

fn totp(seed: &[u8], user: &str, service: &str) -> Totp {
    Builder::new()
        .with_secret(seed.to_vec())
        .with_account_name(user)
        .with_issuer(Some(service).filter(|service| !service.is_empty()))
        .build_noncompliant()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::text;

    const RFC_SEED: &[u8] = b"12345678901234567890";

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn accepted(code: &str, used: u64, seconds: i64) -> Option<u64> {
        accept(RFC_SEED, &text(code), used, at(seconds))
    }

    #[test]
    fn codes_are_those_of_rfc_6238() {
        // Appendix B, the last six digits.
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
        ] {
            assert_eq!(accepted(code, 0, seconds), Some(seconds as u64 / 30), "{code}");
        }
        assert_eq!(accepted("081 804", 0, 1_111_111_109), Some(37_037_036));
    }

    #[test]
    fn a_code_works_for_two_steps_and_once() {
        let first = 1_111_111_080;
        assert_eq!(accepted("081804", 0, first), Some(37_037_036));
        assert_eq!(accepted("081804", 0, first + 59), Some(37_037_036), "the step after");
        assert_eq!(accepted("081804", 0, first + 60), None, "two steps after");
        assert_eq!(accepted("081804", 0, first - 1), None, "before its time");
        assert_eq!(accepted("081804", 37_037_036, first), None, "used");
        assert_eq!(accepted("081804", 37_037_035, first), Some(37_037_036));
    }

    #[test]
    fn other_texts_are_wrong() {
        for wrong in ["", "081805", "81804", "0818040", "abcdef", "０８１８０４"] {
            assert_eq!(accepted(wrong, 0, 1_111_111_080), None, "{wrong}");
        }
    }

    #[test]
    fn the_address_has_what_an_app_needs() {
        let address = address(RFC_SEED, "j.doe", "NHS Numbers");
        assert!(address.starts_with("otpauth://totp/NHS%20Numbers:j.doe?"), "{address}");
        assert!(address.contains("secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"), "{address}");
        assert_eq!(in_groups(RFC_SEED), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
    }
}
