//! Runs the library's own worker over the simulator, with the cases in memory.

use super::population::files::write_caseload;
use super::population::local::TrueCase;
use super::verdict::{Concluded, Verdict};
use crate::simulated::{Application, EXAMPLE_KEY, Simulator};
use nhs_pds::async_trait;
use nhs_pds::audit::{Actor, MemoryLog};
use nhs_pds::case::{
    Case, CaseStore, MemoryStore, NumberSource, ReviewItem, ReviewReason, caseload,
};
use nhs_pds::clock::SystemClock;
use nhs_pds::fhir::auth::{ApplicationTokens, Jwks, SigningKey, TokenConfig};
use nhs_pds::fhir::{self, Config};
use nhs_pds::matching::Risk;
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::process::alert::MemoryAlerts;
use nhs_pds::process::store::Joined;
use nhs_pds::process::{Policy, Settings, Strategy, Worker, import};
use nhs_pds::secret::Secret;
use nhs_pds::smsp;
use nhs_pds::trace::{Caller, LocalIdentity, Tracer};
use nhs_pds::transport::{Error as TransportError, Request, Response, Transport};
use std::collections::HashMap;
use std::error::Error;
use std::io::Cursor;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The service that the worker queries.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, clap::ValueEnum)]
pub(crate) enum ServiceKind {
    Smsp,
    Fhir,
}

impl ServiceKind {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Smsp => "smsp",
            Self::Fhir => "fhir",
        }
    }
}

/// The worker's strategy with one step switched off, for the table of what each step adds and costs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Variant {
    /// The step that is switched off, in files and tables.
    pub(crate) without: &'static str,
}

/// The variants of the strategy of a service: each further step switched off.
pub(crate) fn variants(service: ServiceKind) -> Vec<Variant> {
    let strategy = match service {
        ServiceKind::Smsp => Strategy::smsp(),
        ServiceKind::Fhir => Strategy::fhir(),
    };
    let steps: Vec<Variant> =
        strategy.step_names().skip(1).map(|without| Variant { without }).collect();
    steps
}

/// A transport to the simulator that counts the queries. A request for a token is not a query.
#[derive(Debug)]
struct Counted {
    simulator: Simulator,
    calls: AtomicU64,
}

#[async_trait]
impl Transport for Counted {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        if !request.url().path().ends_with("/oauth2/token") {
            self.calls.fetch_add(1, Ordering::Relaxed);
        }
        self.simulator.send(request).await
    }
}

/// This system, as the service sees it.
pub(crate) fn caller() -> Result<Caller, Box<dyn Error>> {
    Ok(Caller::System(LocalIdentity::new("RHM".parse()?, "match-quality")?))
}

/// A client of the simulator's Spine Mini Service.
pub(crate) fn smsp_client(transport: Arc<dyn Transport>) -> Result<smsp::Client, Box<dyn Error>> {
    let Caller::System(us) = caller()? else { return Err("not a system".into()) };
    let config = smsp::Config::new("https://smsp.example/".parse()?, us);
    Ok(smsp::Client::new(config, transport))
}

/// A client of the simulator's FHIR API, with signed tokens.
fn fhir_client(
    simulator: &Simulator,
    transport: Arc<dyn Transport>,
) -> Result<fhir::Client, Box<dyn Error>> {
    let key = SigningKey::from_pem("example-1".parse()?, &Secret::new(EXAMPLE_KEY.to_vec()))?;
    let jwks = Jwks::of([&key])?.to_string();
    simulator.add_application(Application::new("an-api-key").with_jwks(&jwks)?);
    let url = "https://pds.example/oauth2/token".parse()?;
    let tokens = TokenConfig::new(url, "an-api-key".parse()?);
    let tokens = ApplicationTokens::new(tokens, key, Arc::clone(&transport));
    let config = Config::new("https://pds.example/personal-demographics/FHIR/R4".parse()?);
    Ok(fhir::Client::application_restricted(config, tokens, transport))
}

/// What the worker concluded about each case. The calls of all cases are in `calls`, because the worker
/// does not report them by case.
pub(crate) struct Run {
    pub(crate) concluded: Vec<Concluded>,
    pub(crate) calls: u64,
}

/// Runs the worker once, until no case is due.
pub(crate) async fn run(
    service: ServiceKind,
    variant: Option<Variant>,
    cases: &[TrueCase],
    simulator: &Simulator,
) -> Result<Run, Box<dyn Error>> {
    let transport = Arc::new(Counted { simulator: simulator.clone(), calls: AtomicU64::default() });
    let sent = Arc::clone(&transport) as Arc<dyn Transport>;
    let client: Arc<dyn Tracer> = match service {
        ServiceKind::Smsp => Arc::new(smsp_client(sent)?),
        ServiceKind::Fhir => Arc::new(fhir_client(simulator, sent)?),
    };
    let mut bytes = Vec::new();
    write_caseload(cases, &mut bytes)?;
    let read = caseload::read(Cursor::new(bytes))?;
    if let Some(row) = read.refused.first() {
        return Err(format!("the generated caseload: {row}").into());
    }
    let store = Arc::new(MemoryStore::new());
    let kept = Arc::clone(&store) as Arc<dyn CaseStore>;
    let alerts = Arc::new(MemoryAlerts::default());
    let joined = Arc::new(Joined::new(kept, Arc::new(MemoryLog::new()), alerts));
    let caller = caller()?;
    let actor = Actor::new(&caller, "Match quality");
    import(&*joined, &actor, &SystemClock, read.cases).await?;
    let settings = Settings::new(caller).with_actor(actor);
    let settings = match variant {
        None => settings,
        Some(Variant { without }) => {
            let strategy = Strategy::for_service(&*client).without(without);
            settings.with_policy(Policy::default().with_strategy(strategy, &*client)?)
        }
    };
    let mut asked: HashMap<String, bool> = HashMap::new();
    let report = Worker::new(client, joined, settings)
        .run_once(&mut |case| {
            asked.insert(case.case_id.to_string(), case.eligibility.is_eligible());
        })
        .await?;
    if let Some(reason) = report.stopped {
        return Err(Box::new(reason));
    }
    let mut concluded = Vec::with_capacity(cases.len());
    for case in cases {
        let id = case.id.parse()?;
        let stored = store.get(&id).await?.ok_or("a case is missing in the store")?;
        let was_asked = asked.get(&case.id).copied().unwrap_or(false);
        concluded.push(Concluded {
            verdict: verdict(&stored, was_asked),
            calls: 0,
            risk: risk(&stored),
        });
    }
    Ok(Run { concluded, calls: transport.calls.load(Ordering::Relaxed) })
}

/// The conclusion on a stored case. A traced number counts, unless an open review item doubts whose it is. An
/// item about a person who was not found, without candidates, is no find.
fn verdict(case: &Case, was_asked: bool) -> Verdict {
    let doubts = case.open_items().any(|item| doubts_the_person(item.reason));
    let number = case.nhs_number.as_ref().filter(|recorded| recorded.status.is_usable());
    match number {
        Some(recorded) if recorded.source.is_traced() && !doubts => {
            Verdict::Number(recorded.number)
        }
        _ if !was_asked => Verdict::NotAsked,
        _ => {
            let candidates = candidates(case);
            let only_not_found = case.open_items().all(|item| item.reason == ReviewReason::NoMatch);
            if only_not_found && candidates.is_empty() {
                Verdict::None
            } else {
                Verdict::Review(candidates)
            }
        }
    }
}

/// Whether an open item of this reason asks whose number it is. The other reasons are about a person whose
/// number is clear.
const fn doubts_the_person(reason: ReviewReason) -> bool {
    use ReviewReason::{DeathUndated, Discrepancy, Replaced};
    !matches!(reason, DeathUndated | Discrepancy | Replaced)
}

/// The candidates of the open review items, best first.
fn candidates(case: &Case) -> Vec<NhsNumber> {
    let mut numbers = Vec::new();
    for item in case.open_items() {
        let listed = item.evidence.candidates.iter().map(|candidate| candidate.nhs_number);
        let single = item.evidence.nhs_number.filter(|_| item.evidence.candidates.is_empty());
        numbers.extend(listed.chain(single));
    }
    numbers
}

/// The probability, as stored with the case, that the number or the first candidate is another person's.
fn risk(case: &Case) -> Option<f64> {
    let written = case.nhs_number.as_ref().and_then(|recorded| match &recorded.source {
        NumberSource::Traced(provenance) => provenance.risk,
        _ => None,
    });
    let held = || {
        let first = |item: &ReviewItem| Some(item.evidence.candidates.first()?.risk);
        case.open_items().find_map(first)
    };
    written.or_else(held).map(Risk::probability)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nhs_pds::case::RecordedNumber;
    use nhs_pds::nhs_number::Synthetic;

    #[test]
    fn a_number_that_was_not_traced_is_not_a_find() {
        let number = Synthetic::from_seed(1).next().unwrap();
        let mut case = Case::new("1".parse().unwrap(), "review".parse().unwrap());
        let held =
            |text: &str| RecordedNumber::new(number, NumberSource::Imported(Some(text.into())));
        case.nhs_number = Some(held("GP letter"));
        assert_eq!(verdict(&case, true), Verdict::None);
        case.nhs_number = Some(held("SMSP"));
        assert_eq!(verdict(&case, true), Verdict::Number(number));
        case.nhs_number = None;
        assert_eq!(verdict(&case, false), Verdict::NotAsked);
    }
}
