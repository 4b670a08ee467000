//! Compares a Spine Mini Service and the PDS FHIR API: traces one caseload at both and shows the differences.
//!
//! Each service has its own worker, client, gateway and copy of the cases in memory. Afterwards the command
//! compares the result, the review item and the NHS Number of each case. It writes no files, and names a case
//! only by its place in the file. Without addresses, both services are the simulator, which has one register for
//! both and issues tokens like the live service.
//!
//! `docs/from-smsp-to-fhir.md` explains the kinds of difference.

use crate::api::{self, Live};
use crate::comparison::{Difference, Keeping, Side};
use crate::console::{about, because, say, say_json, warn};
use crate::service::{Connection, Reached};
use crate::simulated;
use nhs_pds::audit::{Actor, MemoryLog};
use nhs_pds::case::caseload::{self, Caseload};
use nhs_pds::case::{Case, CaseId, CaseStore, MemoryStore, ReviewReason};
use nhs_pds::clock::SystemClock;
use nhs_pds::fhir;
use nhs_pds::process::alert::MemoryAlerts;
use nhs_pds::process::store::Joined;
use nhs_pds::process::{CaseReport, Policy, Settings, Strategy, TraceResult, Worker, import};
use nhs_pds::resilience::{Gateway, RateLimit};
use nhs_pds::tenant::Labels;
use nhs_pds::trace::{Caller, Tracer};
use nhs_pds::transport::Transport;
use nhs_pds::transport::http::{HttpConfig, HttpTransport};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::fmt::Write as _;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use url::Url;

/// Traces one caseload at a Spine Mini Service and at the PDS FHIR API, and compares the results
///
/// Give the addresses of both services (--smsp and --fhir), or of neither: then both are the simulator. One address
/// alone is an error, because a live service and the simulator know different people.
#[derive(clap::Args)]
#[command(
    mut_arg("fhir", |fhir| fhir.requires("service")),
    after_help = "Exit codes: 0 the services agree, except for explained differences, 1 a person must look (at a difference, at refused rows, or because nothing was compared), 2 the services could not be compared"
)]
pub(crate) struct Args {
    /// The caseload, as CSV; without this argument, the shipped one.
    caseload: Option<PathBuf>,
    /// The provider's Spine Mini Service. Needs --fhir too.
    #[arg(long, visible_alias = "smsp", value_name = "URL")]
    service: Option<Url>,
    /// The rate limit of each service, in questions a second. [default: 5, and 1000 to the simulator]
    #[arg(long, value_name = "COUNT")]
    per_second: Option<NonZeroU32>,
    /// Print the comparison as one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    api: Live,
    #[command(flatten)]
    connection: Connection,
}

/// Whether no person must look at the result.
pub(crate) async fn run(cli: &Args) -> Result<bool, Box<dyn Error>> {
    let place = simulated::name_of(cli.caseload.as_deref());
    let name = place.display();
    let file = simulated::open_caseload(cli.caseload.as_deref())?;
    let Caseload { cases, refused, flagged, .. } =
        caseload::read(file).map_err(|error| about(place, &error))?;
    for row in &refused {
        warn(format!("{name}: {row}"));
    }
    for row in &flagged {
        warn(format!("{name}: {row}"));
    }
    let reached = cli.connection.smsp(cli.service.as_ref()).await?;
    let client = second(cli, &reached)?;
    let (smsp, fhir) = tokio::try_join!(
        trace(cli, &reached, "the Spine Mini Service", Arc::clone(&reached.client), &cases),
        trace(cli, &reached, "the PDS FHIR API", Arc::new(client), &cases),
    )?;

    let ids: Vec<&CaseId> = cases.iter().map(|case| &case.id).collect();
    let pairs = pairs(&ids, &smsp.sides, &fhir.sides);
    let fhir_address = fhir_address(cli, &reached);
    let explained = if cli.json {
        let (comparison, explained) = object(&pairs);
        let object = json!({
            "caseload": name.to_string(),
            "cases": cases.len(),
            "smsp": reached.to_string(),
            "fhir": fhir_address,
            "comparison": comparison,
        });
        say_json(&format!("{object:#}"))?;
        explained
    } else {
        let mut said = String::new();
        writeln!(said, "Caseload  {name}: {} cases, {} of them traced", cases.len(), pairs.len())?;
        writeln!(said, "SMSP      {reached}")?;
        writeln!(said, "FHIR      {fhir_address}")?;
        let explained = write_text(&mut said, &pairs)?;
        say(&said)?;
        explained
    };
    Ok(explained && smsp.ended && fhir.ended && refused.is_empty() && reached.has_all_people())
}

/// The client of the API: at the address of `--fhir`, or of the simulator.
fn second(cli: &Args, reached: &Reached) -> Result<fhir::Client, Box<dyn Error>> {
    let transport: Arc<dyn Transport> = Arc::new(HttpTransport::new(&HttpConfig::new())?);
    match (cli.api.client(Arc::clone(&transport), &Labels::default())?, reached.simulator()) {
        (Some(client), _) => Ok(client),
        (None, Some((server, simulator))) => Ok(api::of_simulator(server, simulator, transport)?.0),
        (None, None) => Err("--smsp needs --fhir too: the simulator knows other people".into()),
    }
}

fn fhir_address(cli: &Args, reached: &Reached) -> String {
    match (cli.api.address(), reached.simulator()) {
        (None, Some((server, simulator))) => {
            let tokens = simulator.token_count();
            format!("{} (the same, tokens given: {tokens})", server.fhir_url())
        }
        (address, _) => address.map(String::from).unwrap_or_default(),
    }
}

/// The results of one service.
struct Traced {
    sides: HashMap<CaseId, Side>,
    /// Whether all cases were traced.
    ended: bool,
}

/// Traces a copy of `cases`, as "Get NHS Number" does.
async fn trace(
    cli: &Args,
    reached: &Reached,
    name: &str,
    client: Arc<dyn Tracer>,
    cases: &[Case],
) -> Result<Traced, Box<dyn Error>> {
    let store = Arc::new(MemoryStore::new());
    let audit = Arc::new(MemoryLog::new());
    let caller = Caller::System(cli.connection.us()?);
    let actor = Actor::new(&caller, "Compare services");
    let alerts = Arc::new(MemoryAlerts::default());
    let kept = Arc::clone(&store) as Arc<dyn CaseStore>;
    let joined = Arc::new(Joined::new(kept, audit, alerts));
    import(&*joined, &actor, &SystemClock, cases.to_vec()).await?;

    let keeping = Arc::new(Keeping::new(client));
    let service = Arc::clone(&keeping) as Arc<dyn Tracer>;
    let gate = Gateway::new(service).with_rate_limit(pace(cli, reached));
    // One question for each case: the two services must agree about it. Their strategies differ.
    let tracer = gate.background();
    let policy = Policy::default().with_strategy(Strategy::exact(), &*tracer)?;
    let settings = Settings::new(caller).with_actor(actor).with_policy(policy);
    let worker = Worker::new(tracer, joined, settings);
    let mut reports: Vec<CaseReport> = Vec::new();
    let report = worker.run_once(&mut |case: &CaseReport| reports.push(case.clone())).await?;
    if let Some(reason) = &report.stopped {
        warn(format!("compare: {name}: stopped early: {}", because(reason)));
    }

    let mut sides = HashMap::new();
    for report in reports {
        let Some(result) = report.result else { continue };
        let case = store.get(&report.case_id).await?;
        let number = case.and_then(|case| case.nhs_number).map(|recorded| recorded.number);
        let exchange = report.exchange.as_ref();
        let side = Side {
            result,
            review: report.review,
            number,
            code: exchange.and_then(|exchange| exchange.code.clone()),
            answered: exchange.and_then(|exchange| keeping.answered(&exchange.message_id)),
        };
        sides.insert(report.case_id, side);
    }
    Ok(Traced { sides, ended: report.stopped.is_none() })
}

/// The rate limit of a service, or the speed of the simulator.
fn pace(cli: &Args, reached: &Reached) -> RateLimit {
    let usual = if reached.is_simulator() { 1_000 } else { RateLimit::default().per_second.get() };
    let per_second = cli.per_second.or(NonZeroU32::new(usual)).unwrap_or(NonZeroU32::MIN);
    RateLimit::per_second(per_second).with_burst(per_second)
}

/// A case's place in the file, from 1, and the result of each service.
type Pair<'a> = (usize, &'a Side, &'a Side);

/// The cases that were traced. Both workers select cases by the same rules.
fn pairs<'a>(
    ids: &[&CaseId],
    smsp: &'a HashMap<CaseId, Side>,
    fhir: &'a HashMap<CaseId, Side>,
) -> Vec<Pair<'a>> {
    let pair = |(place, id): (usize, &&CaseId)| Some((place + 1, smsp.get(*id)?, fhir.get(*id)?));
    ids.iter().enumerate().filter_map(pair).collect()
}

/// The pairs that do not agree, each with the reason.
fn differing<'a>(pairs: &'a [Pair<'a>]) -> Vec<(&'a Pair<'a>, Difference)> {
    let differing = pairs.iter().filter(|(_, smsp, fhir)| !smsp.agrees(fhir));
    differing.map(|pair| (pair, Difference::of(pair.1, pair.2))).collect()
}

/// How many cases have each pair of results.
fn counts(pairs: &[Pair<'_>]) -> BTreeMap<(TraceResult, TraceResult), usize> {
    let mut counts = BTreeMap::new();
    for (_, smsp, fhir) in pairs {
        *counts.entry((smsp.result, fhir.result)).or_default() += 1;
    }
    counts
}

/// The comparison as JSON; whether all differences are explained.
fn object(pairs: &[Pair<'_>]) -> (Value, bool) {
    let side = |side: &Side| {
        json!({
            "result": side.result.as_str(),
            "review": side.review.map(ReviewReason::as_str),
            "code": side.code,
        })
    };
    let differing = differing(pairs);
    let compared = !pairs.is_empty() && silent_service(pairs).is_none();
    let differences = differing.iter().map(|((place, smsp, fhir), why)| {
        json!({ "case": place, "smsp": side(smsp), "fhir": side(fhir), "why": why.name() })
    });
    let counts = counts(pairs).into_iter().map(
        |((smsp, fhir), count)| json!({ "smsp": smsp.as_str(), "fhir": fhir.as_str(), "cases": count }),
    );
    let silent = pairs.iter().filter(|(_, smsp, fhir)| !smsp.is_answered() && !fhir.is_answered());
    let agreeing = pairs.iter().filter(|(_, smsp, fhir)| smsp.is_answered() && smsp.agrees(fhir));
    let object = json!({
        "traced": pairs.len(),
        "compared": compared,
        "agreeing": agreeing.count(),
        "answered_by_neither": silent.count(),
        "differences": differences.collect::<Vec<Value>>(),
        "counts": counts.collect::<Vec<Value>>(),
    });
    (object, compared && differing.iter().all(|(_, why)| why.is_explained()))
}

/// Writes the comparison; whether all differences are explained.
fn write_text(said: &mut String, pairs: &[Pair<'_>]) -> Result<bool, std::fmt::Error> {
    let differing = differing(pairs);
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
    for ((smsp, fhir), count) in counts(pairs) {
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
    let (traced, silent) = (pairs.len(), silent.count());
    let agreeing = pairs.iter().filter(|(_, smsp, fhir)| smsp.is_answered() && smsp.agrees(fhir));
    if let Some(who) = silent_service(pairs) {
        writeln!(said, "\nNothing was compared: {who}.")?;
        return Ok(false);
    }
    write!(said, "\nThe services agree about {} of {traced} cases", agreeing.count())?;
    if silent > 0 {
        write!(said, "; {silent} were answered by neither")?;
    }
    writeln!(said, ".")?;
    Ok(differing.iter().all(|(_, why)| why.is_explained()))
}

/// Why no case was answered by both services; `None` when one was.
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

/// `found (SMSP-0000)`; and `duplicate` only once when result and review item have the same word.
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
