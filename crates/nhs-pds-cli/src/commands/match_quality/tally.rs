//! Counts of conclusions, in bounded memory.

use super::population::kind::Kind;
use super::population::local::TrueCase;
use super::verdict::{Concluded, Mark, Verdict};
use std::collections::BTreeMap;

/// Counts of cases.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) cases: u64,
    pub(crate) findable: u64,
    pub(crate) right: u64,
    pub(crate) wrong: u64,
    pub(crate) held: u64,
    /// Of the held cases, those whose first candidate is the right person.
    pub(crate) held_first: u64,
    pub(crate) none: u64,
    pub(crate) not_asked: u64,
}

impl Counts {
    fn add(&mut self, mark: Mark, is_findable: bool) {
        self.cases += 1;
        self.findable += u64::from(is_findable);
        match mark {
            Mark::Right => self.right += 1,
            Mark::Wrong => self.wrong += 1,
            Mark::Held { first_is_right } => {
                self.held += 1;
                self.held_first += u64::from(first_is_right);
            }
            Mark::None => self.none += 1,
            Mark::NotAsked => self.not_asked += 1,
        }
    }

    /// The numbers that were written without a person.
    pub(crate) const fn written(&self) -> u64 {
        self.right + self.wrong
    }
}

/// Predicted risks of one power of ten, and how many of these candidates were another person.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bin {
    pub(crate) count: u64,
    pub(crate) predicted: f64,
    pub(crate) wrong: u64,
}

/// The number of bins: half a power of ten each, from 10^-8 to 1.
const BINS: usize = 16;

/// All counts of one method in one mix.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) all: Counts,
    pub(crate) by_kind: BTreeMap<Kind, Counts>,
    pub(crate) calls: u64,
    pub(crate) bins: [Bin; BINS],
    /// The sum of the predicted risks of all written numbers, and how many of them have one.
    pub(crate) expected_wrong: f64,
    pub(crate) with_risk: u64,
}

impl Tally {
    /// Adds one case. Returns how its conclusion compares with the truth.
    pub(crate) fn add(&mut self, case: &TrueCase, concluded: &Concluded) -> Mark {
        let mark = concluded.verdict.mark(case.truth);
        let is_findable = case.truth.is_some();
        self.all.add(mark, is_findable);
        self.by_kind.entry(case.kind).or_default().add(mark, is_findable);
        self.calls += u64::from(concluded.calls);
        let candidate = match &concluded.verdict {
            Verdict::Number(number) => Some(*number),
            Verdict::Review(candidates) => candidates.first().copied(),
            _ => None,
        };
        if let (Some(risk), Some(candidate)) = (concluded.risk, candidate) {
            let is_wrong = case.truth != Some(candidate);
            if let Some(bin) = self.bins.get_mut(place(risk)) {
                bin.count += 1;
                bin.predicted += risk;
                bin.wrong += u64::from(is_wrong);
            }
            if matches!(concluded.verdict, Verdict::Number(_)) {
                self.expected_wrong += risk;
                self.with_risk += 1;
            }
        }
        mark
    }

    pub(crate) fn calls_a_case(&self) -> f64 {
        self.calls as f64 / self.all.cases.max(1) as f64
    }

    /// Wrong numbers where the wrong person is a twin, a sibling, a parent, a child or a namesake.
    pub(crate) fn wrong_of_close(&self) -> u64 {
        let close = self.by_kind.iter().filter(|(kind, _)| kind.has_a_close_person());
        close.map(|(_, counts)| counts.wrong).sum()
    }
}

/// The bin of a risk.
fn place(risk: f64) -> usize {
    let halves = (risk.max(1e-8).log10() + 8.0) * 2.0;
    (halves as usize).min(BINS - 1)
}

#[cfg(test)]
mod tests {
    use super::super::population::local::Local;
    use super::*;
    use nhs_pds::nhs_number::Synthetic;

    #[test]
    fn every_case_is_counted_once() {
        let numbers: Vec<_> = Synthetic::from_seed(1).take(2).collect();
        let (one, other) = (numbers[0], numbers[1]);
        let case = |kind, truth| TrueCase { id: "1".into(), kind, truth, local: Local::default() };
        let concluded = |verdict, risk| Concluded { verdict, calls: 2, risk };
        let mut tally = Tally::default();
        let exact = case(Kind::Exact, Some(one));
        tally.add(&exact, &concluded(Verdict::Number(one), Some(1e-6)));
        tally.add(&exact, &concluded(Verdict::Number(other), Some(1e-6)));
        tally.add(&exact, &concluded(Verdict::Review(vec![one]), Some(0.02)));
        tally.add(&case(Kind::AbsentTwin, None), &concluded(Verdict::Number(other), None));
        tally.add(&case(Kind::Absent, None), &concluded(Verdict::None, None));
        let all = tally.all;
        assert_eq!((all.cases, all.findable, all.right, all.wrong), (5, 3, 1, 2));
        assert_eq!((all.held, all.held_first, all.none), (1, 1, 1));
        assert_eq!(tally.wrong_of_close(), 1);
        assert!((tally.calls_a_case() - 2.0).abs() < 1e-9);
        let bin = tally.bins[place(1e-6)];
        assert_eq!((bin.count, bin.wrong), (2, 1));
        assert!((tally.expected_wrong - 2e-6).abs() < 1e-12);
    }

    #[test]
    fn risks_beyond_the_scale_are_in_the_last_bins() {
        assert_eq!((place(0.0), place(1e-12), place(1.0), place(0.5)), (0, 0, 15, 15));
    }
}
