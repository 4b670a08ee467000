use super::Fault;
use crate::seed::SplitMix64;
use http::StatusCode;
use nhs_pds::secret::RawBody;
use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

/// A part of all requests, in thousandths.
///
/// ```
/// use nhs_pds_simulator::Share;
///
/// assert_eq!(Share::per_cent(2), Share::per_mille(20));
/// assert!(Share::per_mille(1_001).is_err());
/// ```
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Share(u16);

impl Share {
    /// All requests.
    pub const WHOLE: Self = Self(1_000);

    /// A number of requests in a thousand.
    ///
    /// # Errors
    ///
    /// [`ShareError`] when the number is more than 1000.
    pub const fn per_mille(count: u16) -> Result<Self, ShareError> {
        if count <= Self::WHOLE.0 { Ok(Self(count)) } else { Err(ShareError) }
    }

    /// A number of requests in a hundred.
    ///
    /// # Errors
    ///
    /// [`ShareError`] when the number is more than 100.
    pub const fn per_cent(count: u8) -> Result<Self, ShareError> {
        Self::per_mille(count as u16 * 10)
    }

    pub(super) const fn in_a_thousand(self) -> u16 {
        self.0
    }
}

/// The shares add up to more than the whole. Correct the numbers.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the shares add up to more than the whole")]
pub struct ShareError;

/// Faults that each affect a share of all requests, chosen by a seed.
///
/// The fault of a request depends only on the seed, on the person of the request, and on the number of
/// earlier requests about that person. It does not depend on the order of people, on the number of
/// concurrent requests, or on the process. A retry draws again, so it usually succeeds.
///
/// The person is the person that the request names or finds, together with the local identifier in the
/// request. If no person is found, it is the query itself. The FHIR API has no local identifier: if two
/// cases are about one person, the order of their requests matters. Requests that are not queries, and
/// requests for a token, have no fault.
///
/// ```
/// use nhs_pds_simulator::{Fault, FaultMix, Register, Share, Simulator};
///
/// let mix = FaultMix::new(7)
///     .with(Share::per_cent(2)?, Fault::Cut)?
///     .with(Share::per_mille(5)?, Fault::code("SMSP-0004"))?;
/// let simulator = Simulator::new(Register::from_seed(1, 1_000));
/// simulator.set_fault_mix(Some(mix));
/// assert_eq!(simulator.injected(), [(Fault::Cut, 0), (Fault::code("SMSP-0004"), 0)]);
/// # Ok::<(), nhs_pds_simulator::ShareError>(())
/// ```
#[derive(Clone, Debug)]
pub struct FaultMix {
    seed: u64,
    faults: Vec<(Share, Fault)>,
}

impl FaultMix {
    /// A mix without faults.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { seed, faults: Vec::new() }
    }

    /// Returns the mix with `fault` for `share` of all requests. A request has at most one fault of a mix.
    ///
    /// # Errors
    ///
    /// [`ShareError`] when the shares add up to more than the whole.
    pub fn with(mut self, share: Share, fault: Fault) -> Result<Self, ShareError> {
        let taken: u16 = self.faults.iter().map(|(share, _)| share.0).sum();
        Share::per_mille(taken + share.0)?;
        self.faults.push((share, fault));
        Ok(self)
    }

    /// The mix of this project's own tests: 2 % of connections cut, 2 % status 503, 1 % garbage, 1 % late
    /// by `slow`, and 1 % each of the codes SMSP-0004, SMSP-9999 and DEMOG-9999.
    ///
    /// If `slow` is longer than the client waits, late responses fail too.
    #[must_use]
    pub fn soak(seed: u64, slow: Duration) -> Self {
        let unavailable = Fault::Http {
            status: StatusCode::SERVICE_UNAVAILABLE,
            body: RawBody::from("<html>Service Unavailable</html>"),
        };
        let faults = vec![
            (Share(20), Fault::Cut),
            (Share(20), unavailable),
            (Share(10), Fault::Garbage),
            (Share(10), Fault::Delay(slow)),
            (Share(10), Fault::code("SMSP-0004")),
            (Share(10), Fault::code("SMSP-9999")),
            (Share(10), Fault::code("DEMOG-9999")),
        ];
        Self { seed, faults }
    }

    /// The index of the fault for the `attempt`th request about `whom`.
    fn draw(&self, whom: u64, attempt: u32) -> Option<usize> {
        let stream = SplitMix64::new(SplitMix64::new(self.seed).next() ^ whom).next();
        let drawn = SplitMix64::new(stream ^ u64::from(attempt)).below(Share::WHOLE.0.into());
        let mut end = 0;
        self.faults.iter().position(|(share, _)| {
            end += u64::from(share.0);
            drawn < end
        })
    }
}

/// A mix in use.
///
/// Its memory grows only with the number of people in requests: about sixteen bytes for each.
pub(super) struct MixAtWork {
    mix: FaultMix,
    /// The number of requests for each person.
    attempts: HashMap<u64, u32>,
    /// The number of requests that each fault affected.
    met: Vec<u64>,
}

impl MixAtWork {
    pub(super) fn new(mix: FaultMix) -> Self {
        let met = vec![0; mix.faults.len()];
        Self { mix, attempts: HashMap::new(), met }
    }

    /// Counts a request about `whom`, and returns its fault. A `spared` request already has another fault:
    /// only a delay can affect it.
    pub(super) fn meet(&mut self, whom: u64, spared: bool) -> Option<&Fault> {
        let attempts = self.attempts.entry(whom).or_default();
        let attempt = *attempts;
        *attempts = attempts.saturating_add(1);
        let place = self.mix.draw(whom, attempt)?;
        let (_, fault) = self.mix.faults.get(place)?;
        if spared && !matches!(fault, Fault::Delay(_)) {
            return None;
        }
        if let Some(met) = self.met.get_mut(place) {
            *met += 1;
        }
        Some(fault)
    }

    /// Each fault, and the number of requests that it affected.
    pub(super) fn injected(&self) -> Vec<(Fault, u64)> {
        let faults = self.mix.faults.iter().map(|(_, fault)| fault.clone());
        faults.zip(self.met.iter().copied()).collect()
    }
}

impl fmt::Debug for MixAtWork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MixAtWork")
            .field("mix", &self.mix)
            .field("people", &self.attempts.len())
            .field("met", &self.met)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOW: Duration = Duration::from_millis(250);

    /// Within four standard deviations of the expected number, for any seed.
    fn assert_near(count: u64, share: u16, requests: f64) {
        let share = f64::from(share) / 1_000.0;
        let expected = requests * share;
        let deviation = (requests * share * (1.0 - share)).sqrt();
        #[expect(clippy::cast_precision_loss, reason = "a small count")]
        let off = (count as f64 - expected).abs();
        assert!(off < 4.0 * deviation, "{count}, and not about {expected}");
    }

    #[test]
    fn shares_come_out() {
        for seed in [1, 2, 7, u64::MAX] {
            let mut work = MixAtWork::new(FaultMix::soak(seed, SLOW));
            for whom in 0..100_000 {
                work.meet(whom, false);
            }
            for ((share, _), met) in work.mix.faults.iter().zip(&work.met) {
                assert_near(*met, share.0, 100_000.0);
            }
        }
    }

    #[test]
    fn a_retry_draws_again() {
        let mut work = MixAtWork::new(FaultMix::soak(7, SLOW));
        let mut failed = |whom| matches!(work.meet(whom, false), Some(fault) if !matches!(fault, Fault::Delay(_)));
        let met: Vec<u64> = (0..100_000).filter(|whom| failed(*whom)).collect();
        assert_near(met.len() as u64, 80, 100_000.0);
        let again = met.iter().filter(|whom| failed(**whom)).count();
        #[expect(clippy::cast_precision_loss, reason = "a small count")]
        assert_near(again as u64, 80, met.len() as f64);
    }

    #[test]
    fn many_requests_about_one_person_have_every_fault() {
        let mut work = MixAtWork::new(FaultMix::soak(7, SLOW));
        for _ in 0..100_000 {
            work.meet(9_434_765_919, false);
        }
        for ((share, _), met) in work.mix.faults.iter().zip(&work.met) {
            assert_near(*met, share.0, 100_000.0);
        }
    }

    #[test]
    fn another_seed_gives_other_faults() {
        let drawn = |seed| {
            let mix = FaultMix::soak(seed, SLOW);
            (0..1_000).map(|whom| mix.draw(whom, 0)).collect::<Vec<_>>()
        };
        assert_eq!(drawn(1), drawn(1));
        assert_ne!(drawn(1), drawn(2));
    }

    #[test]
    fn shares_above_the_whole_are_refused() {
        let whole = FaultMix::new(1).with(Share::WHOLE, Fault::Cut).unwrap();
        assert!((0..1_000).all(|whom| whole.draw(whom, 3) == Some(0)));
        assert_eq!(whole.clone().with(Share(1), Fault::Garbage).err(), Some(ShareError));
        assert!(whole.with(Share(0), Fault::Garbage).is_ok());
        assert_eq!(Share::per_cent(101), Err(ShareError));
        assert_eq!(Share::per_cent(100), Ok(Share::WHOLE));
    }
}
