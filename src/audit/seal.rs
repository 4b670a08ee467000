//! The encrypted part of a row. The `audit` module documents the bytes.

use crate::audit::entry::Subject;
use crate::audit::error::{Error, ErrorKind};
use crate::audit::value::Hash;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{ChaCha20Poly1305, KeyInit, Nonce, XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// The prefix of the associated data of an encrypted part, in each of its two forms.
const SEALED_1: &[u8] = b"nhs-pds audit 1 sealed\n";
const SEALED_2: &[u8] = b"nhs-pds audit 2 sealed\n";

/// The prefix of the input of a nonce.
const NONCE: &[u8] = b"nhs-pds audit 2 nonce\n";

/// The prefix of an encrypted part of the second form. The first form has no prefix.
const FORM_2: &[u8; 8] = b"sealed 2";

/// The secret key of the encrypted content about a subject. Overwritten when it is dropped.
pub(super) type Key = Zeroizing<[u8; 32]>;

/// Why a row is not an event.
pub(super) enum Unreadable {
    /// Its content is not an event.
    Content,
    /// Its encrypted part cannot be decrypted.
    Sealed,
    /// The tables that map a case or number to the subject do not agree with the event.
    Subject,
}

/// Fills bytes at random. Where the bytes come from, only [`system_random`] knows.
pub(super) type Random<'a> = dyn FnMut(&mut [u8]) -> Result<(), Error> + 'a;

/// Fills `bytes` from the operating system's source of random bytes.
pub(super) fn system_random(bytes: &mut [u8]) -> Result<(), Error> {
    getrandom::fill(bytes).map_err(|error| Error::new(ErrorKind::Unavailable).with_source(error))
}

/// The content of the column `sealed`: the form's prefix, the nonce, and `subject` encrypted.
/// `bound` returns the associated data for the prefix of a form.
pub(super) fn seal(
    bound: impl Fn(&[u8]) -> Vec<u8>,
    subject: &Subject,
    key: &Key,
    random: &mut Random<'_>,
) -> Result<Vec<u8>, Error> {
    let corrupt = || Error::new(ErrorKind::Corrupt);
    // The cause is dropped, because it may quote the content.
    let plain = serde_json::to_vec(subject).map_err(|_| corrupt())?;
    let bound = bound(SEALED_2);
    let mut fresh = [0; 32];
    random(&mut fresh)?;
    let nonce = nonce(key, &fresh, &bound, &plain);
    let sealed = XChaCha20Poly1305::new((&**key).into())
        .encrypt(&XNonce::from(nonce), Payload { msg: &plain, aad: &bound })
        .map_err(|_| corrupt())?;
    Ok([&FORM_2[..], &nonce, &sealed].concat())
}

/// The subject in the column `sealed` of the row `seq`. `bound` returns the associated data for the
/// prefix of a form.
pub(super) fn unseal(
    bound: impl Fn(&[u8]) -> Vec<u8>,
    seq: i64,
    sealed: &[u8],
    key: &[u8],
) -> Result<Subject, Unreadable> {
    let second = sealed.strip_prefix(FORM_2).and_then(|rest| rest.split_first_chunk::<24>());
    let plain = match second {
        Some((nonce, sealed)) => {
            let bound = bound(SEALED_2);
            XChaCha20Poly1305::new_from_slice(key)
                .map_err(|_| Unreadable::Sealed)?
                .decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: &bound })
        }
        None => {
            let bound = bound(SEALED_1);
            ChaCha20Poly1305::new_from_slice(key)
                .map_err(|_| Unreadable::Sealed)?
                .decrypt(&nonce_1(seq), Payload { msg: sealed, aad: &bound })
        }
    };
    let plain = plain.map_err(|_| Unreadable::Sealed)?;
    serde_json::from_slice(&plain).map_err(|_| Unreadable::Content)
}

/// The nonce of the first form. It repeats when a copy of the file is restored and both are
/// appended to, so it is no longer used for encryption.
fn nonce_1(seq: i64) -> Nonce {
    let mut nonce = [0; 12];
    let (_, number) = nonce.split_at_mut(4);
    number.copy_from_slice(&seq.to_be_bytes());
    nonce.into()
}

/// A nonce that no other content gets under `key`: the first 24 bytes of the SHA-256 of the key,
/// the random bytes and the content. If a machine's random state is restored with the file, the
/// nonce therefore repeats only for the same content.
fn nonce(key: &Key, random: &[u8; 32], bound: &[u8], plain: &[u8]) -> [u8; 24] {
    let mut hash = Sha256::new();
    hash.update(NONCE);
    hash.update(key);
    hash.update(random);
    hash.update((bound.len() as u64).to_be_bytes());
    hash.update(bound);
    hash.update(plain);
    let hash: Hash = hash.finalize().into();
    let mut nonce = [0; 24];
    nonce.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
    nonce
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Random numbers repeat when the random state is restored together with the file.
    #[test]
    fn a_nonce_depends_on_key_content_and_random_bytes() {
        let (key, random) = (Zeroizing::new([1; 32]), [2; 32]);
        let first = nonce(&key, &random, b"bound", b"plain");
        assert_eq!(first, nonce(&key, &random, b"bound", b"plain"));
        for other in [
            nonce(&Zeroizing::new([3; 32]), &random, b"bound", b"plain"),
            nonce(&key, &[3; 32], b"bound", b"plain"),
            nonce(&key, &random, b"other", b"plain"),
            nonce(&key, &random, b"bound", b"other"),
            nonce(&key, &random, b"boundp", b"lain"),
        ] {
            assert_ne!(other, first);
        }
    }
}
