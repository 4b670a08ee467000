//! Secrets from the operating system's generator.

use crate::accounts::error::AccountError;
use crate::accounts::{Text, text};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Letters and digits that people do not mistake for one another: 32, so that each has five random bits.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// Random bytes.
pub(super) fn bytes<const N: usize>() -> Result<[u8; N], AccountError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| AccountError::Broken)?;
    Ok(bytes)
}

/// The secret of a session: 256 bits.
pub(super) fn session() -> Result<Text, AccountError> {
    Ok(text(URL_SAFE_NO_PAD.encode(bytes::<32>()?)))
}

/// A code that people type once: 100 bits, in groups of five.
pub(super) fn start_code() -> Result<Text, AccountError> {
    let letters: Vec<u8> = bytes::<20>()?
        .into_iter()
        .map(|byte| LETTERS.get(usize::from(byte) % LETTERS.len()).copied().unwrap_or(b'a'))
        .collect();
    let groups: Vec<_> = letters.chunks(5).map(|group| String::from_utf8_lossy(group)).collect();
    Ok(text(groups.join("-")))
}
