//! The only source of chance in a world: SplitMix64, from the seed.

use nhs_pds::ids::Ids;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use uuid::Uuid;

#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A new source, so that its users do not change what the users of this one draw.
    pub(crate) const fn fork(&mut self) -> Self {
        Self(self.next())
    }

    pub(crate) const fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    pub(crate) const fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most - least + 1)
    }

    pub(crate) const fn chance(&mut self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }

    pub(crate) fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        let place = self.below(from.len() as u64);
        from[usize::try_from(place).unwrap()].clone()
    }

    pub(crate) const fn millis(&mut self, least: u64, most: u64) -> Duration {
        Duration::from_millis(self.between(least, most))
    }
}

/// Identifiers of one process.
#[derive(Debug)]
pub(crate) struct SeededIds(Mutex<Random>);

impl SeededIds {
    pub(crate) const fn new(random: Random) -> Self {
        Self(Mutex::new(random))
    }
}

impl Ids for SeededIds {
    fn next(&self) -> Uuid {
        let mut random = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (high, low) = (random.next(), random.next());
        uuid::Builder::from_custom_bytes(Uuid::from_u64_pair(high, low).into_bytes())
            .with_version(uuid::Version::Random)
            .into_uuid()
    }
}
