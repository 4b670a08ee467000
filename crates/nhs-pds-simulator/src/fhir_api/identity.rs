//! Whom a question is about, as one number.

use crate::received::Received;
use nhs_pds::nhs_number::NhsNumber;
use sha2::{Digest, Sha256};

/// The same for the same people, whatever is asked; where the question is `about` nobody, the same for
/// the same question. There is no identifier of the asking system's own to tell cases of one person apart.
pub(super) fn of(request: &Received, about: &[NhsNumber]) -> u64 {
    let mut digest = Sha256::new();
    let mut add = |text: &str| {
        digest.update((text.len() as u64).to_le_bytes());
        digest.update(text.as_bytes());
    };
    if about.is_empty() {
        // Not to be taken for the number of somebody.
        add(request.path());
        add(request.query());
    } else {
        let mut numbers: Vec<NhsNumber> = about.to_vec();
        numbers.sort_unstable();
        numbers.iter().for_each(|number| add(number.digits().as_str()));
    }
    digest.finalize().iter().take(8).fold(0, |whom, byte| (whom << 8) | u64::from(*byte))
}
