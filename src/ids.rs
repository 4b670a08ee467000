//! The only source of message identifiers.
//!
//! Every attempt at an exchange needs new identifiers, and a test needs known identifiers, so the
//! caller provides them, like the clock.

#[cfg(feature = "resilience")]
use crate::nhs_number::seed::SplitMix64;
use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};
use uuid::Uuid;

/// Makes identifiers.
///
/// # Contract
///
/// No identifier is returned twice, by any instance, in any process that uses the same service.
pub trait Ids: Debug + Send + Sync {
    /// The next identifier.
    fn next(&self) -> Uuid;
}

/// A random number from a source of identifiers. Mixes all bits, because a source may vary only
/// some of them.
#[cfg(feature = "resilience")]
pub(crate) fn random(ids: &dyn Ids) -> u64 {
    let (high, low) = ids.next().as_u64_pair();
    SplitMix64::new(high ^ low).next()
}

/// Random identifiers (UUID version 4) from the operating system's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct RandomIds;

impl Ids for RandomIds {
    #[expect(clippy::disallowed_methods, reason = "the one place that draws random identifiers")]
    fn next(&self) -> Uuid {
        Uuid::new_v4()
    }
}

/// Identifiers that count up from one, for tests and examples whose output must not change.
///
/// They repeat in every process, so they must not be sent to a real service.
///
/// ```
/// use nhs_pds::ids::{CountingIds, Ids};
///
/// let ids = CountingIds::default();
/// assert_eq!(ids.next().to_string(), "00000000-0000-4000-8000-000000000001");
/// assert_eq!(ids.next().to_string(), "00000000-0000-4000-8000-000000000002");
/// ```
#[derive(Debug, Default)]
pub struct CountingIds(AtomicU64);

impl Ids for CountingIds {
    fn next(&self) -> Uuid {
        let count = self.0.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        uuid::Builder::from_custom_bytes(u128::from(count).to_be_bytes())
            .with_version(uuid::Version::Random)
            .into_uuid()
    }
}
