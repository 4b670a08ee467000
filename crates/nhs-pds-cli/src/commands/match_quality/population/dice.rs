//! Repeatable choices from a seed.

/// SplitMix64 (Steele, Lea and Flood, 2014). The algorithm is fixed, because results name a seed.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Another sequence, which does not change when this one is used more or less.
    pub(crate) const fn branch(&self, name: u64) -> Self {
        let mut branch = Self(self.0 ^ name.wrapping_mul(0xd6e8_feb8_6659_fd93));
        let _ = branch.next();
        branch
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which must not be zero.
    pub(crate) const fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// A number from 0, below 1.
    pub(crate) const fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True with this probability.
    pub(crate) const fn chance(&mut self, probability: f64) -> bool {
        self.fraction() < probability
    }

    /// One item of a list, or `None` when the list is empty.
    pub(crate) fn pick<'a, T>(&mut self, list: &'a [T]) -> Option<&'a T> {
        if list.is_empty() { None } else { list.get(self.below(list.len())) }
    }

    /// One word of a list, or blank when the list is empty.
    pub(crate) fn word<'a>(&mut self, list: &[&'a str]) -> &'a str {
        self.pick(list).copied().unwrap_or_default()
    }
}

/// A table of weights, for choices by frequency.
#[derive(Clone, Debug, Default)]
pub(crate) struct Weights(Vec<f64>);

impl Weights {
    pub(crate) fn new(weights: impl IntoIterator<Item = f64>) -> Self {
        let sums = weights.into_iter().scan(0.0, |sum, weight| {
            *sum += weight;
            Some(*sum)
        });
        Self(sums.collect())
    }

    /// The place of one item, by weight. 0 when there are no weights.
    pub(crate) fn draw(&self, dice: &mut Dice) -> usize {
        let Some(total) = self.0.last() else { return 0 };
        let at = dice.fraction() * total;
        self.0.partition_point(|sum| *sum <= at).min(self.0.len() - 1)
    }

    /// How many items can be drawn.
    pub(crate) fn choices(&self) -> usize {
        let positive = |pair: &[f64]| matches!(pair, [before, after] if after > before);
        let first = usize::from(self.0.first().is_some_and(|first| *first > 0.0));
        first + self.0.windows(2).filter(|pair| positive(pair)).count()
    }

    /// The sum of the weights.
    pub(crate) fn total(&self) -> f64 {
        self.0.last().copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_published_sequence() {
        let mut dice = Dice::new(1_234_567);
        assert_eq!(
            [dice.next(), dice.next()],
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]
        );
    }

    #[test]
    fn draws_follow_the_weights() {
        let weights = Weights::new([1.0, 0.0, 3.0]);
        let mut dice = Dice::new(1);
        let mut counts = [0; 3];
        for _ in 0..4_000 {
            counts[weights.draw(&mut dice)] += 1;
        }
        assert_eq!(counts[1], 0);
        assert!((2_850..3_150).contains(&counts[2]), "{counts:?}");
    }
}
