//! Runs methods over registers, one register after the other.

use super::baseline::{self, BASELINES, Baseline, Rule};
use super::ours::{self, ServiceKind, Variant};
use super::population::Population;
use super::population::kind::Mix;
use super::population::local::TrueCase;
use super::table::Line;
use super::tally::Tally;
use super::verdict::{Concluded, Mark};
use crate::progress;
use crate::simulated::{Disputed, Simulator};
use nhs_pds::ids::CountingIds;
use std::error::Error;
use std::fmt::Write as _;
use std::sync::Arc;

/// A method that is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Method {
    Ours(ServiceKind, Option<Variant>),
    Other(&'static Baseline),
}

impl Method {
    /// All methods of other systems, and the library over each service. The library is last, because its
    /// tokens close the open access that the other methods use.
    pub(crate) fn all(services: &[ServiceKind]) -> Vec<Self> {
        let others = BASELINES.iter().map(Self::Other);
        others.chain(services.iter().map(|service| Self::Ours(*service, None))).collect()
    }

    /// The library over each service, with one step of its strategy switched off at a time.
    pub(crate) fn variants(services: &[ServiceKind]) -> Vec<Self> {
        let of = |service: &ServiceKind| {
            let service = *service;
            ours::variants(service)
                .into_iter()
                .map(move |variant| Self::Ours(service, Some(variant)))
        };
        services.iter().flat_map(of).collect()
    }

    /// Whether this is the method with the name of `--methods`.
    pub(crate) fn is(&self, word: &str) -> bool {
        match self {
            Self::Ours(..) => word == "ours",
            Self::Other(baseline) => baseline.name == word,
        }
    }

    /// The name in files.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Ours(service, None) => format!("ours_{}", service.as_str()),
            Self::Ours(service, Some(variant)) => {
                format!("ours_{}_without_{}", service.as_str(), variant.without)
            }
            Self::Other(baseline) => baseline.name.to_owned(),
        }
    }

    /// The name in tables.
    pub(crate) fn title(self) -> String {
        match self {
            Self::Ours(service, None) => format!("this library, {}", service.as_str()),
            Self::Ours(service, Some(variant)) => {
                format!("this library, {}, without {}", service.as_str(), variant.without)
            }
            Self::Other(baseline) => baseline.title.to_owned(),
        }
    }

    /// The service of the library's worker with its whole strategy.
    pub(crate) const fn service(self) -> Option<ServiceKind> {
        match self {
            Self::Ours(service, None) => Some(service),
            _ => None,
        }
    }

    /// The service of the library's worker, and the step that is switched off.
    pub(crate) const fn without(self) -> Option<(ServiceKind, &'static str)> {
        match self {
            Self::Ours(service, Some(variant)) => Some((service, variant.without)),
            _ => None,
        }
    }
}

/// What is measured.
pub(crate) struct Plan {
    pub(crate) seeds: Vec<u64>,
    pub(crate) people: usize,
    pub(crate) cases: usize,
    pub(crate) mixes: &'static [Mix],
    pub(crate) methods: Vec<Method>,
    /// How the simulator reads what is not published.
    pub(crate) disputed: Disputed,
}

impl Plan {
    /// Each mix with each seed.
    pub(crate) fn rounds(&self) -> impl Iterator<Item = (Mix, u64)> {
        self.mixes.iter().flat_map(|mix| self.seeds.iter().map(|seed| (*mix, *seed)))
    }

    /// Measures each round. `wrong` gets a row for each wrong number.
    pub(crate) async fn run(
        &self,
        lines: &mut Vec<Line>,
        wrong: &mut String,
    ) -> Result<(), Box<dyn Error>> {
        let rounds = self.mixes.len() * self.seeds.len();
        let bar = progress::cases((rounds * self.methods.len() * self.cases) as u64);
        for (mix, seed) in self.rounds() {
            self.round(mix, seed, lines, wrong, &|| bar.inc(self.cases as u64)).await?;
        }
        bar.finish_and_clear();
        Ok(())
    }

    /// Measures one register after the other, until each method has written this count of numbers.
    pub(crate) async fn until(
        &self,
        writes: u64,
        lines: &mut Vec<Line>,
        wrong: &mut String,
    ) -> Result<(), Box<dyn Error>> {
        let bar = progress::numbers(writes);
        let mix = self.mixes.first().copied().unwrap_or(Mix::National);
        let mut seed = self.seeds.first().copied().unwrap_or_default();
        let mut before = 0;
        loop {
            self.round(mix, seed, lines, wrong, &|| ()).await?;
            let written =
                lines.iter().map(|line| line.tally.all.written()).min().unwrap_or_default();
            bar.set_position(written.min(writes));
            if written >= writes {
                bar.finish_and_clear();
                return Ok(());
            }
            if written == before {
                return Err("a method wrote no number, so the run would never end".into());
            }
            before = written;
            seed += 1;
        }
    }

    /// Measures all methods on one register.
    async fn round(
        &self,
        mix: Mix,
        seed: u64,
        lines: &mut Vec<Line>,
        wrong: &mut String,
        measured: &dyn Fn(),
    ) -> Result<(), Box<dyn Error>> {
        let population = Population::new(seed, self.people, self.cases, mix)?;
        let Population { register, cases } = population;
        let simulator = Simulator::new(register).with_disputed(self.disputed);
        for method in &self.methods {
            let (concluded, calls) = conclude(*method, &cases, &simulator).await?;
            let tally = line(lines, mix, *method);
            tally.calls += calls;
            for (case, concluded) in cases.iter().zip(&concluded) {
                if tally.add(case, concluded) == Mark::Wrong {
                    let (mix, name, kind) = (mix.as_str(), method.name(), case.kind.as_str());
                    writeln!(wrong, "{mix},{name},{seed},{},{kind}", case.id)?;
                }
            }
            measured();
        }
        Ok(())
    }
}

/// The counts of a method in a mix.
fn line(lines: &mut Vec<Line>, mix: Mix, method: Method) -> &mut Tally {
    let is = |line: &Line| line.mix == mix && line.method.name() == method.name();
    let place = lines.iter().position(is).unwrap_or(lines.len());
    if place == lines.len() {
        lines.push(Line { mix, method, tally: Tally::default() });
    }
    #[expect(clippy::indexing_slicing, reason = "the line was found or pushed")]
    &mut lines[place].tally
}

/// The conclusions of one method, in the order of the cases, and calls that are not counted by case.
async fn conclude(
    method: Method,
    cases: &[TrueCase],
    simulator: &Simulator,
) -> Result<(Vec<Concluded>, u64), Box<dyn Error>> {
    let other = match method {
        Method::Ours(service, variant) => {
            let run = ours::run(service, variant, cases, simulator).await?;
            return Ok((run.concluded, run.calls));
        }
        Method::Other(other) => other,
    };
    let ids = CountingIds::default();
    let client = ours::smsp_client(Arc::new(simulator.clone()))?;
    let caller = ours::caller()?;
    let mut all = Vec::with_capacity(cases.len());
    for case in cases {
        all.push(match other.rule {
            Rule::Smsp { .. } => {
                baseline::smsp::run(other.rule, case, &client, &caller, &ids).await?
            }
            _ => baseline::fhir::run(other, case, simulator, &ids).await?,
        });
    }
    Ok((all, 0))
}
