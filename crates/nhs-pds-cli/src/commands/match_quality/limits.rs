//! The limits that the library must keep.

use super::ours::ServiceKind;
use super::population::kind::Mix;
use super::tally::Tally;

/// What is measured.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Measure {
    /// Right numbers, of 100 findable people.
    Found,
    /// Right numbers, and held cases with the right person first, of 100 findable people.
    FoundOrFirst,
    /// Wrong numbers in 2,000 cases.
    WrongIn2000,
    /// Wrong numbers where a twin, sibling, parent, child or namesake is the wrong person.
    WrongOfClose,
    /// Queries a case.
    Calls,
}

/// A limit of one mix, of one service or both.
struct Limit {
    mix: Mix,
    service: Option<ServiceKind>,
    measure: Measure,
    limit: f64,
}

const fn limit(mix: Mix, service: Option<ServiceKind>, measure: Measure, limit: f64) -> Limit {
    Limit { mix, service, measure, limit }
}

/// All limits.
const LIMITS: [Limit; 12] = [
    limit(Mix::Field, None, Measure::Found, 80.0),
    limit(Mix::Field, None, Measure::FoundOrFirst, 92.0),
    limit(Mix::Field, None, Measure::WrongIn2000, 1.0),
    limit(Mix::Field, None, Measure::WrongOfClose, 0.0),
    limit(Mix::Field, Some(ServiceKind::Fhir), Measure::Calls, 2.2),
    limit(Mix::Field, Some(ServiceKind::Smsp), Measure::Calls, 2.5),
    limit(Mix::Stress, None, Measure::WrongIn2000, 2.0),
    limit(Mix::Stress, None, Measure::WrongOfClose, 0.0),
    limit(Mix::National, None, Measure::WrongIn2000, 0.0),
    limit(Mix::National, None, Measure::WrongOfClose, 0.0),
    limit(Mix::National, Some(ServiceKind::Fhir), Measure::Calls, 2.2),
    limit(Mix::National, Some(ServiceKind::Smsp), Measure::Calls, 2.5),
];

impl Measure {
    const fn words(self) -> &'static str {
        match self {
            Self::Found => "found, of 100 findable",
            Self::FoundOrFirst => "found or held with the right person first, of 100 findable",
            Self::WrongIn2000 => "wrong in 2,000 cases",
            Self::WrongOfClose => "wrong among twins, siblings, parents and namesakes",
            Self::Calls => "calls a case",
        }
    }

    fn of(self, tally: &Tally) -> f64 {
        let all = tally.all;
        let hundred = |count: u64| 100.0 * count as f64 / all.findable.max(1) as f64;
        match self {
            Self::Found => hundred(all.right),
            Self::FoundOrFirst => hundred(all.right + all.held_first),
            Self::WrongIn2000 => 2_000.0 * all.wrong as f64 / all.cases.max(1) as f64,
            Self::WrongOfClose => tally.wrong_of_close() as f64,
            Self::Calls => tally.calls_a_case(),
        }
    }

    /// Whether more is better.
    const fn is_at_least(self) -> bool {
        matches!(self, Self::Found | Self::FoundOrFirst)
    }
}

/// One limit, and what was measured.
pub(crate) struct Judged {
    /// The cells of a row under [`HEAD`].
    pub(crate) row: Vec<String>,
    pub(crate) is_kept: bool,
}

/// The columns of the table of limits.
pub(crate) const HEAD: [&str; 6] = ["mix", "service", "measure", "limit", "measured", "result"];

/// Compares the library's results in `mix` over `service` with the limits.
pub(crate) fn judge(mix: Mix, service: ServiceKind, tally: &Tally) -> Vec<Judged> {
    let applies =
        |limit: &&Limit| limit.mix == mix && limit.service.is_none_or(|only| only == service);
    let judged = LIMITS.iter().filter(applies).map(|limit| {
        let value = limit.measure.of(tally);
        let at_least = limit.measure.is_at_least();
        let is_kept = if at_least { value >= limit.limit } else { value <= limit.limit };
        let row = vec![
            mix.as_str().to_owned(),
            service.as_str().to_owned(),
            limit.measure.words().to_owned(),
            format!("{} {}", if at_least { "at least" } else { "at most" }, limit.limit),
            format!("{value:.2}"),
            if is_kept { "kept" } else { "BROKEN" }.to_owned(),
        ];
        Judged { row, is_kept }
    });
    judged.collect()
}

#[cfg(test)]
mod tests {
    use super::super::tally::Counts;
    use super::*;

    #[test]
    fn one_wrong_number_too_many_breaks_a_limit() {
        let of = |right, wrong, held_first| Tally {
            all: Counts {
                cases: 2_000,
                findable: 1_000,
                right,
                wrong,
                held: held_first,
                held_first,
                ..Counts::default()
            },
            calls: 4_000,
            ..Tally::default()
        };
        let broken = |tally: &Tally| {
            judge(Mix::Field, ServiceKind::Fhir, tally)
                .iter()
                .filter(|judged| !judged.is_kept)
                .count()
        };
        assert_eq!(broken(&of(800, 1, 120)), 0);
        assert_eq!(broken(&of(800, 2, 120)), 1);
        assert_eq!(broken(&of(799, 1, 121)), 1);
        assert_eq!(broken(&of(800, 1, 119)), 1);
        let slow = Tally { calls: 4_600, ..of(800, 0, 200) };
        assert_eq!(broken(&slow), 1);
        assert!(judge(Mix::Field, ServiceKind::Smsp, &slow).iter().all(|judged| judged.is_kept));
    }
}
