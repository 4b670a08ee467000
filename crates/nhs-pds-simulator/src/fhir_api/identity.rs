//! Identifies the person of a query by one number.

use crate::received::Received;
use nhs_pds::nhs_number::NhsNumber;
use sha2::{Digest, Sha256};

/// Returns the same number for the same people, for every operation. If the query is `about` no person,
/// returns the same number for the same query. The API has no local identifier to distinguish cases of one
/// person.
pub(super) fn of(request: &Received, about: &[NhsNumber]) -> u64 {
    let mut digest = Sha256::new();
    let mut add = |text: &str| {
        digest.update((text.len() as u64).to_le_bytes());
        digest.update(text.as_bytes());
    };
    if about.is_empty() {
        // Must never equal the number of a person.
        add(request.path());
        add(request.query());
    } else {
        let mut numbers: Vec<NhsNumber> = about.to_vec();
        numbers.sort_unstable();
        numbers.iter().for_each(|number| add(number.digits().as_str()));
    }
    digest.finalize().iter().take(8).fold(0, |whom, byte| (whom << 8) | u64::from(*byte))
}
