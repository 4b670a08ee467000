use crate::fault_mix::{Share, ShareError};
use crate::seed::SplitMix64;

/// A fault of one row of a response by file.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum BatchFault {
    /// The response has no such row.
    Drop,
    /// The row comes twice.
    Duplicate,
    /// The row is damaged: cells are missing or too many, a byte is NUL or not UTF-8, or the number has a wrong
    /// check digit.
    Damage,
    /// After the row comes another one with the same data and a reference that the request does not have.
    Foreign,
    /// The row has this code and no data, such as `15` or an unknown code.
    Code(String),
    /// The file ends in the middle of the row.
    Truncate,
}

/// Faults that each affect a share of all rows, chosen by a seed.
///
/// The fault of a row depends only on the seed and on its unique reference.
///
/// ```
/// use nhs_pds_simulator::{BatchFault, BatchFaultMix, Register, Share, Simulator};
///
/// let mix = BatchFaultMix::new(7)
///     .with(Share::per_cent(2)?, BatchFault::Drop)?
///     .with(Share::per_mille(5)?, BatchFault::Code("15".into()))?;
/// let simulator = Simulator::new(Register::from_seed(1, 100)).with_batch_faults(mix);
/// # let _ = simulator;
/// # Ok::<(), nhs_pds_simulator::ShareError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct BatchFaultMix {
    seed: u64,
    faults: Vec<(u16, BatchFault)>,
}

impl BatchFaultMix {
    /// A mix without faults.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { seed, faults: Vec::new() }
    }

    /// Returns the mix with `fault` for `share` of all rows. A row has at most one fault.
    ///
    /// # Errors
    ///
    /// [`ShareError`] when the shares add up to more than the whole.
    pub fn with(mut self, share: Share, fault: BatchFault) -> Result<Self, ShareError> {
        let taken: u16 = self.faults.iter().map(|(share, _)| share).sum();
        Share::per_mille(taken + share.in_a_thousand())?;
        self.faults.push((share.in_a_thousand(), fault));
        Ok(self)
    }

    /// The fault of the row with this reference, and choices for its details.
    pub(super) fn draw(&self, reference: &str) -> Option<(&BatchFault, SplitMix64)> {
        if self.faults.is_empty() {
            return None;
        }
        // FNV-1a.
        let hash = reference.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let mut drawn = SplitMix64::new(SplitMix64::new(self.seed).next() ^ hash);
        let place = drawn.below(1_000);
        let mut end = 0;
        let fault = self.faults.iter().find(|(share, _)| {
            end += u64::from(*share);
            place < end
        });
        fault.map(|(_, fault)| (fault, drawn))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_come_out_and_depend_on_the_reference_alone() {
        let ten = Share::per_cent(10).unwrap();
        let mix = BatchFaultMix::new(3).with(ten, BatchFault::Drop).unwrap();
        let mix = mix.with(ten, BatchFault::Truncate).unwrap();
        let all = |mix: &BatchFaultMix| -> Vec<Option<BatchFault>> {
            let drawn = |row: u32| mix.draw(&format!("row-{row}")).map(|(fault, _)| fault.clone());
            (0..10_000).map(drawn).collect()
        };
        let drawn = all(&mix);
        for fault in [BatchFault::Drop, BatchFault::Truncate] {
            let met = drawn.iter().flatten().filter(|other| **other == fault).count();
            assert!((850..1_150).contains(&met), "{fault:?} {met}");
        }
        assert_eq!(drawn, all(&mix));
        assert!(mix.with(Share::WHOLE, BatchFault::Damage).is_err());
    }
}
