//! Repeatable choices from a seed.
//!
//! Documents and bug reports name invented people by their seed, so a seed must always give the same
//! people. The generator's algorithm is therefore fixed: SplitMix64.

use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
#[derive(Clone, Debug)]
pub(crate) struct SplitMix64(rand_xoshiro::SplitMix64);

impl SplitMix64 {
    pub(crate) fn new(seed: u64) -> Self {
        Self(rand_xoshiro::SplitMix64::from_seed(seed.to_le_bytes()))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `end`, which must not be zero. The bias of at most `end / 2^64` does not matter.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_published_sequence() {
        // First outputs for seed 1234567, as published with the reference implementation.
        let mut seed = SplitMix64::new(1_234_567);
        assert_eq!(
            [seed.next(), seed.next(), seed.next()],
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }
}
