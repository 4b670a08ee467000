//! Passwords: which are accepted, and how they are kept (HAV-12, MSCA-IG-02; OWASP ASVS 6.2).

use crate::accounts::Text;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use std::fmt;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// The fewest characters of a password.
const SHORTEST: usize = 12;

/// The most characters. A longer text would only cost time to hash.
const LONGEST: usize = 128;

/// The score of zxcvbn below which a password is too easy to guess: 3 of 4 is 10^8 guesses or more.
const WEAKEST: zxcvbn::Score = zxcvbn::Score::Three;

/// Memory in KiB, passes and lanes of Argon2id: OWASP's second recommendation.
const COST: (u32, u32, u32) = (19 * 1024, 2, 1);

/// Words of every installation, which add nothing to a password.
const SERVICE: [&str; 6] = ["nhspds", "nhs", "pds", "spine", "council", "borough"];

/// A hash that no password has, so that an unknown user takes as long as a known one.
const DUMMY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm8tdXNlci1oYXMtaXQ$Hk1B9rVqhAvHIxU5GoUkWvHqmJpKLpdqv6ybwq6tUqs";

/// Why a password is not accepted. Contains nothing of it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WeakPassword {
    /// Fewer than 12 characters.
    TooShort,
    /// More than 128 characters.
    TooLong,
    /// Too easy to guess: a common password, a pattern, or made of the names of the user or the service.
    Guessable,
    /// The password that it replaces.
    Unchanged,
}

impl fmt::Display for WeakPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooShort => "the password has fewer than 12 characters: use several words",
            Self::TooLong => "the password has more than 128 characters",
            Self::Guessable => {
                "the password is too easy to guess: it is common, follows a pattern, or contains your name or that of \
                 the service. Use several words that do not belong together"
            }
            Self::Unchanged => "the password is the same as before: choose another one",
        })
    }
}

impl std::error::Error for WeakPassword {}

/// Whether `password` is accepted for a user with these words about them. Any character is allowed, and nothing is cut
/// off or changed.
pub(crate) fn check(password: &Text, about: &[&str]) -> Result<(), WeakPassword> {
    let text = password.expose();
    match text.chars().count() {
        count if count < SHORTEST => return Err(WeakPassword::TooShort),
        count if count > LONGEST => return Err(WeakPassword::TooLong),
        _ => {}
    }
    let parts = about.iter().flat_map(|text| text.split(|each: char| !each.is_alphanumeric()));
    let words = parts.chain(about.iter().copied()).chain(SERVICE);
    let mut words: Vec<String> =
        words.filter(|word| word.chars().count() > 2).map(str::to_lowercase).collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    // What is known of the user adds nothing: the rest must be hard to guess on its own.
    let rest = words.iter().fold(text.to_lowercase(), |rest, word| rest.replace(word.as_str(), ""));
    let known: Vec<&str> = words.iter().map(String::as_str).collect();
    let is_weak = |text: &str| zxcvbn::zxcvbn(text, &known).score() < WEAKEST;
    if is_weak(text) || is_weak(&rest) {
        return Err(WeakPassword::Guessable);
    }
    Ok(())
}

/// The hash to keep, in the PHC form. Takes some hundredths of a second of one processor.
pub(crate) fn hash(password: &Text) -> Option<String> {
    argon2()?.hash_password(composed(password).as_bytes()).ok().map(|hash| hash.to_string())
}

/// Whether `password` has this hash. Without a hash it takes as long, and the answer is no.
pub(crate) fn is_right(password: &Text, hash: Option<&str>) -> bool {
    let found =
        Argon2::default().verify_password(composed(password).as_bytes(), hash.unwrap_or(DUMMY));
    found.is_ok() && hash.is_some()
}

/// The password with composed characters (NFC): keyboards of different systems send `ü` as one character or as two.
fn composed(password: &Text) -> Zeroizing<String> {
    Zeroizing::new(password.expose().nfc().collect())
}

fn argon2() -> Option<Argon2<'static>> {
    let (memory, passes, lanes) = COST;
    let parameters = Params::new(memory, passes, lanes, None).ok()?;
    Some(Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::text;

    fn checked(typed: &str) -> Result<(), WeakPassword> {
        check(&text(typed), &["j.doe", "Jo Doenerstein"])
    }

    #[test]
    fn passwords_that_are_easy_to_guess_are_refused() {
        assert_eq!(checked("Xq3$ppe"), Err(WeakPassword::TooShort));
        assert_eq!(checked(&"a long word ".repeat(11)), Err(WeakPassword::TooLong));
        for easy in [
            "password1234",
            "aaaaaaaaaaaa",
            "qwertyuiop12",
            "Doenerstein1",
            "nhs nhs nhs nhs",
            "j.doe j.doe j.doe",
            "Jo Doenerstein 2026",
            "DOENERSTEIN j.Doe nhs 7",
        ] {
            assert_eq!(checked(easy), Err(WeakPassword::Guessable), "{easy}");
        }
        for good in [
            "correct gannet tripod",
            " kettle Ünder moss ",
            "九つの鐘が鳴る朝の森林公園",
            "kettle moss umbrella nhs",
        ] {
            assert_eq!(checked(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn every_character_of_a_password_counts() {
        let kept = hash(&text(" kettle Ünder moss ")).unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(is_right(&text(" kettle Ünder moss "), Some(&kept)));
        assert!(is_right(&text(" kettle U\u{308}nder moss "), Some(&kept)), "another keyboard");
        for other in ["kettle Ünder moss", " kettle ünder moss ", " kettle Ünder moss", ""] {
            assert!(!is_right(&text(other), Some(&kept)), "{other}");
        }
        assert_ne!(hash(&text(" kettle Ünder moss ")).unwrap(), kept, "a salt of its own");
    }

    #[test]
    fn an_unknown_user_is_hashed_too_and_never_right() {
        use argon2::password_hash::phc::PasswordHash;
        let dummy = PasswordHash::new(DUMMY).unwrap();
        assert_eq!(dummy.params.to_string(), "m=19456,t=2,p=1");
        assert!(!is_right(&text("anything"), None));
        assert!(!is_right(&text("anything"), Some("not a hash")));
    }
}
