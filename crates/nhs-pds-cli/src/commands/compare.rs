//! One caseload, asked about at a Spine Mini Service and at the PDS FHIR API side by side: what would
//! become different?
//!
//! ```sh
//! cargo run --all-features --example compare_services
//! cargo run --all-features --example compare_services -- caseload.csv \
//!     --smsp https://smsp.example/pds --client-certificate client.pem --client-key client.key \
//!     --fhir https://int.api.service.nhs.uk/personal-demographics/FHIR/R4 \
//!     --token-url https://int.api.service.nhs.uk/oauth2/token --client-id API-KEY --key-id live-1 --key key.pem
//! ```
//!
//! Each service is asked by a worker of its own, through its own client and its own gate, about its own copy
//! of the cases in memory. Then the copies are compared: result, review item and number of each case. Nothing is
//! written anywhere, and no case is named but by its place in the file. Without addresses both services are the
//! simulator, which has one register for both, and gives out tokens as the live service does.
//!
//! `docs/from-smsp-to-fhir.md` explains the kinds of difference. Exits 0 when the services agree but for
//! these, 1 when a person has to look (at a difference, at refused rows, or because nothing was compared), 2 when it
//! could not compare.

mod comparison;
mod console;
mod service;

use clap::Parser;
use comparison::{Difference, Noting, Side};
use console::{about, because, end, say, warn};
use nhs_pds::process::alert::MemoryAlerts;
use nhs_pds::audit::{Actor, MemoryLog};
use nhs_pds::case::caseload::{self, Caseload};
use nhs_pds::case::{Case, CaseId, CaseStore, MemoryStore, ReviewReason};
use nhs_pds::clock::SystemClock;
use nhs_pds::fhir::auth::{ApplicationTokens, Jwks, SigningKey, TokenConfig};
use nhs_pds::fhir::{self, Config};
use nhs_pds::resilience::{Gateway, RateLimit};
use nhs_pds::secret::Secret;
use nhs_pds::trace::{Caller, Tracer};
use nhs_pds::transport::Transport;
use nhs_pds::transport::http::{HttpConfig, HttpTransport};
use nhs_pds::process::{import, CaseReport, TraceResult, Worker};
use service::{Reached, Service, parse};
use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::fmt::Write as _;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

#[derive(Parser)]
#[command(
    about = "Asks both services about one caseload, and says where they differ",
    long_about = "Asks both services about one caseload, and says where they differ.\n\nGive the addresses of both services (--smsp and --fhir), or of neither: then both are the simulator. One of them alone is an error, because a live service and the simulator know different people.",
    after_help = "Exit codes: 0 the services agree but for explained differences, 1 a person has to look (at a difference, at refused rows, or because nothing was compared), 2 it could not compare"
)]
struct Cli {
    /// The caseload, as CSV.
    #[arg(default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/caseload.csv"))]
    caseload: PathBuf,
    /// The PDS FHIR API, the address before `/Patient`. Needs --smsp (or --service) beside it.
    #[arg(long, value_name = "URL", requires = "service")]
    fhir: Option<String>,
    /// The API's token endpoint; without it, no tokens are sent.
    #[arg(long, value_name = "URL", requires_all = ["fhir", "client_id", "key_id", "key"])]
    token_url: Option<String>,
    /// The application's API key.
    #[arg(long, value_name = "ID", requires = "token_url")]
    client_id: Option<String>,
    /// The name under which the public key is registered.
    #[arg(long, value_name = "ID", requires = "token_url")]
    key_id: Option<String>,
    /// The private key, as PEM.
    #[arg(long, value_name = "FILE", requires = "token_url")]
    key: Option<PathBuf>,
    /// How many questions a second each service is sent. [default: 5, and 1000 to the simulator]
    #[arg(long, value_name = "COUNT")]
    per_second: Option<NonZeroU32>,
    #[command(flatten)]
    service: Service,
}

#[tokio::main]
async fn main() -> ExitCode {
    end("compare_services", run(&Cli::parse()).await)
}

/// Whether nobody has to look.
async fn run(cli: &Cli) -> Result<bool, Box<dyn Error>> {
    let name = cli.caseload.display();
    let Caseload { cases, refused, flagged, .. } = caseload::read(console::open(&cli.caseload)?)
        .map_err(|error| about(&cli.caseload, &error))?;
    for row in &refused {
        warn(format!("{name}: {row}"));
    }
    for row in &flagged {
        warn(format!("{name}: {row}"));
    }
    let reached = cli.service.reach().await?;
    let client = second(cli, &reached)?;
    let (smsp, fhir) = tokio::try_join!(
        trace(cli, &reached, "the Spine Mini Service", Arc::new(reached.client.clone()), &cases),
        trace(cli, &reached, "the PDS FHIR API", Arc::new(client), &cases),
    )?;

    let ids: Vec<&CaseId> = cases.iter().map(|case| &case.id).collect();
    let pairs = pairs(&ids, &smsp.sides, &fhir.sides);
    let mut said = String::new();
    writeln!(said, "Caseload  {name}: {} cases, {} of them asked about", cases.len(), pairs.len())?;
    writeln!(said, "SMSP      {reached}")?;
    writeln!(said, "FHIR      {}", fhir_address(cli, &reached))?;
    let explained = tell(&mut said, &pairs)?;
    say(&said)?;
    Ok(explained && smsp.ended && fhir.ended && refused.is_empty() && reached.knows_everybody())
}

/// The client of the API: the one that was named, or the simulator's other face.
fn second(cli: &Cli, reached: &Reached) -> Result<fhir::Client, Box<dyn Error>> {
    let transport: Arc<dyn Transport> = Arc::new(HttpTransport::new(&HttpConfig::new())?);
    match (&cli.fhir, reached.simulator()) {
        (Some(base), _) => {
            let config = Config::new(parse("--fhir", base)?);
            let (Some(url), Some(client_id), Some(key_id), Some(key)) =
                (&cli.token_url, &cli.client_id, &cli.key_id, &cli.key)
            else {
                return Ok(fhir::Client::open(config, transport));
            };
            let pem = Secret::new(console::read(key)?);
            let key = SigningKey::from_pem(parse("--key-id", key_id)?, &pem)
                .map_err(|error| about(key, &error))?;
            let tokens =
                TokenConfig::new(parse("--token-url", url)?, parse("--client-id", client_id)?);
            let tokens = ApplicationTokens::new(tokens, key, Arc::clone(&transport));
            Ok(fhir::Client::application_restricted(config, tokens, transport))
        }
        (None, Some((server, simulator))) => {
            // A key for examples, which protects nothing. Its public half is registered first, as anybody's.
            let pem = Secret::new(include_bytes!("data/example-key.pem").to_vec());
            let key = SigningKey::from_pem("example-1".parse()?, &pem)?;
            let jwks = Jwks::of([&key])?.to_string();
            simulator.add_application(Application::new("an-api-key").with_jwks(&jwks)?);
            let tokens = TokenConfig::new(server.token_url().parse()?, "an-api-key".parse()?);
            let tokens = ApplicationTokens::new(tokens, key, Arc::clone(&transport));
            let config = Config::new(server.fhir_url().parse()?);
            Ok(fhir::Client::application_restricted(config, tokens, transport))
        }
        (None, None) => {
            Err("--smsp needs --fhir beside it: the simulator knows other people".into())
        }
    }
}

fn fhir_address(cli: &Cli, reached: &Reached) -> String {
    match (&cli.fhir, reached.simulator()) {
        (None, Some((server, simulator))) => {
            let tokens = simulator.token_count();
            format!("{} (the same, tokens given: {tokens})", server.fhir_url())
        }
        (base, _) => base.clone().unwrap_or_default(),
    }
}

/// What one service made of the cases.
struct Traced {
    sides: HashMap<CaseId, Side>,
    /// Whether asking went on to the last case.
    ended: bool,
}

/// Asks about a copy of `cases`, as "Get NHS Number" does.
async fn trace(
    cli: &Cli,
    reached: &Reached,
    name: &str,
    client: Arc<dyn Tracer>,
    cases: &[Case],
) -> Result<Traced, Box<dyn Error>> {
    let store = Arc::new(MemoryStore::new());
    let audit = Arc::new(MemoryLog::new());
    let caller = Caller::System(cli.service.us()?);
    let actor = Actor::new(&caller, "Compare services");
    import(&*store, &*audit, &actor, &SystemClock, cases.to_vec()).await?;

    let noting = Arc::new(Noting::new(client));
    let service = Arc::clone(&noting) as Arc<dyn Tracer>;
    let gate = Gateway::new(service).with_rate_limit(pace(cli, reached));
    let alerts = Arc::new(MemoryAlerts::default());
    let kept = Arc::clone(&store) as Arc<dyn CaseStore>;
    let worker = Worker::new(gate.background(), kept, audit, alerts, caller).with_actor(actor);
    let mut reports: Vec<CaseReport> = Vec::new();
    let report = worker.run_once(&mut |case: &CaseReport| reports.push(case.clone())).await?;
    if let Some(reason) = &report.stopped {
        warn(format!("compare_services: {name}: stopped early: {}", because(reason)));
    }

    let mut sides = HashMap::new();
    for report in reports {
        let Some(result) = report.result else { continue };
        let case = store.get(&report.case_id).await?;
        let number = case.and_then(|case| case.nhs_number).map(|held| held.number);
        let exchange = report.exchange.as_ref();
        let side = Side {
            result,
            review: report.review,
            number,
            code: exchange.and_then(|exchange| exchange.code.clone()),
            told: exchange.and_then(|exchange| noting.told(&exchange.message_id)),
        };
        sides.insert(report.case_id, side);
    }
    Ok(Traced { sides, ended: report.stopped.is_none() })
}

/// As fast as a service allows, or as the simulator can.
fn pace(cli: &Cli, reached: &Reached) -> RateLimit {
    let usual = if reached.is_simulator() { 1_000 } else { RateLimit::default().per_second.get() };
    let per_second = cli.per_second.or(NonZeroU32::new(usual)).unwrap_or(NonZeroU32::MIN);
    RateLimit::per_second(per_second).with_burst(per_second)
}

/// A case's place in the file, from 1, and what each service made of it.
type Pair<'a> = (usize, &'a Side, &'a Side);

/// The cases that were asked about. Both workers select by the same rules, so both or neither asked.
fn pairs<'a>(
    ids: &[&CaseId],
    smsp: &'a HashMap<CaseId, Side>,
    fhir: &'a HashMap<CaseId, Side>,
) -> Vec<Pair<'a>> {
    let pair = |(place, id): (usize, &&CaseId)| Some((place + 1, smsp.get(*id)?, fhir.get(*id)?));
    ids.iter().enumerate().filter_map(pair).collect()
}

/// Writes what there is to say; and whether all of it is explained.
fn tell(said: &mut String, pairs: &[Pair<'_>]) -> Result<bool, std::fmt::Error> {
    let differing: Vec<(&Pair<'_>, Difference)> = pairs
        .iter()
        .filter(|(_, smsp, fhir)| !smsp.agrees(fhir))
        .map(|pair| (pair, Difference::of(pair.1, pair.2)))
        .collect();
    if !differing.is_empty() {
        writeln!(said, "\nWhere they differ: each case by its place in the file")?;
        writeln!(said, "  {:>5}  {:<30} {:<30} why", "case", "SMSP", "FHIR")?;
        for ((place, smsp, fhir), why) in &differing {
            let (smsp, fhir) = (in_words(smsp), in_words(fhir));
            writeln!(said, "  {place:>5}  {smsp:<30} {fhir:<30} {}", why.name())?;
        }
    }
    writeln!(said, "\nHow often")?;
    writeln!(said, "  {:>5}  {:<30} FHIR", "cases", "SMSP")?;
    let mut counts: BTreeMap<(TraceResult, TraceResult), usize> = BTreeMap::new();
    for (_, smsp, fhir) in pairs {
        *counts.entry((smsp.result, fhir.result)).or_default() += 1;
    }
    for ((smsp, fhir), count) in counts {
        writeln!(said, "  {count:>5}  {:<30} {}", smsp.as_str(), fhir.as_str())?;
    }
    if !differing.is_empty() {
        writeln!(said, "\nWhy they differ (docs/from-smsp-to-fhir.md)")?;
        for why in Difference::ALL {
            let count = differing.iter().filter(|(_, of)| *of == why).count();
            if count > 0 {
                writeln!(said, "  {count:>5}  {}: {}", why.name(), why.reason())?;
            }
        }
    }
    if pairs.is_empty() {
        writeln!(said, "\nNothing was compared: no case of the file may be traced.")?;
        return Ok(false);
    }
    let silent = pairs.iter().filter(|(_, smsp, fhir)| !smsp.is_answered() && !fhir.is_answered());
    let (asked, silent) = (pairs.len(), silent.count());
    let agreeing = pairs.iter().filter(|(_, smsp, fhir)| smsp.is_answered() && smsp.agrees(fhir));
    if let Some(who) = silent_service(pairs) {
        writeln!(said, "\nNothing was compared: {who}.")?;
        return Ok(false);
    }
    write!(said, "\nThe services agree about {} of {asked} cases", agreeing.count())?;
    if silent > 0 {
        write!(said, "; {silent} were answered by neither")?;
    }
    writeln!(said, ".")?;
    Ok(differing.iter().all(|(_, why)| why.is_explained()))
}

/// Why no case was answered by both services, if none was.
fn silent_service(pairs: &[Pair<'_>]) -> Option<&'static str> {
    if pairs.iter().any(|(_, smsp, fhir)| smsp.is_answered() && fhir.is_answered()) {
        return None;
    }
    let smsp = pairs.iter().any(|(_, smsp, _)| smsp.is_answered());
    let fhir = pairs.iter().any(|(.., fhir)| fhir.is_answered());
    Some(match (smsp, fhir) {
        (false, false) => "neither service answered",
        (false, true) => "the Spine Mini Service answered no question",
        (true, false) => "the PDS FHIR API answered no question",
        (true, true) => "no question was answered by both services",
    })
}

/// `found (SMSP-0000)`, and `duplicate` only once where the review item is called so too.
fn in_words(side: &Side) -> String {
    let result = side.result.as_str();
    let review = side.review.map(ReviewReason::as_str).filter(|word| *word != result);
    let details: Vec<&str> = review.into_iter().chain(side.code.as_deref()).collect();
    if details.is_empty() {
        result.to_owned()
    } else {
        format!("{result} ({})", details.join(", "))
    }
}
