//! Identifies the person of a query by one number.

use super::parameters::{Number, Query};
use crate::pattern::Pattern;
use nhs_pds::nhs_number::NhsNumber;
use sha2::{Digest, Sha256};

/// Returns the same number for the same people and the same local identifier, for every operation. If the
/// query is `about` no person, returns the same number for the same query.
///
/// The local identifier is included because two cases of one person may be traced concurrently, in any
/// order.
pub(super) fn of(query: &Query, about: &[NhsNumber]) -> u64 {
    let mut digest = Sha256::new();
    let mut add = |text: &str| {
        digest.update((text.len() as u64).to_le_bytes());
        digest.update(text.as_bytes());
    };
    if let Some(local) = &query.local {
        add(&local.root);
        add(&local.extension);
    }
    if about.is_empty() {
        // Every part is present, even if blank, so that two different queries never give the same text.
        let pattern = |pattern: &Option<Pattern>| {
            pattern.as_ref().map(|pattern| pattern.as_str().to_owned()).unwrap_or_default()
        };
        add(&query.birth.to_string());
        add(query.gender.map_or("", |gender| gender.code()));
        add(&pattern(&query.given));
        add(&pattern(&query.family));
        add(&pattern(&query.postcode));
        add(match query.number {
            Some(Number::Invalid) => "invalid",
            _ => "",
        });
    } else {
        let mut numbers: Vec<NhsNumber> = about.to_vec();
        numbers.sort_unstable();
        numbers.iter().for_each(|number| add(number.digits().as_str()));
    }
    digest.finalize().iter().take(8).fold(0, |whom, byte| (whom << 8) | u64::from(*byte))
}
