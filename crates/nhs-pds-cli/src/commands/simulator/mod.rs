//! Serves a simulated PDS in a process of its own, to test against.
//!
//! Prints the addresses of the Spine Mini Service, of the PDS FHIR API (for `PDS_FHIR_BASE`) and of its token
//! endpoint, and serves until it is stopped. The people are those of a register, or of a caseload with this
//! seed and this number of cases; the defaults are those of the shipped caseload. Each answer depends only on
//! the person, and never on the time.

mod answer_file;
mod people;

use crate::console::{self, about, say};
use crate::mutual_tls::MutualTls;
use crate::records;
use crate::simulated::{
    Application, Disputed, Fault, FaultMix, Mesh, MeshServer, Register, Server, Share, ShareError,
    Simulator, When,
};
use answer_file::AnswerFile;
use http::StatusCode;
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::secret::RawBody;
use people::People;
use std::error::Error;
use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use url::Url;

/// The mailbox of PDS.
const PDS_MAILBOX: &str = "X26ABC2";

/// The provider cannot reach the Spine.
const UNAVAILABLE: &str = "SMSP-0004";

/// Serves a simulated PDS until it is stopped
///
/// Prints one line for each address before it serves: `smsp URL`, `fhir URL` and `token URL`. The PDS FHIR API is open
/// to every client, until `--jwks` registers an application.
#[derive(clap::Args)]
#[command(after_help = "Exit codes: 0 stopped, 2 it cannot read, listen or write")]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    people: People,
    /// FHIR: the public keys of an application (a JSON Web Key Set). Each request then needs a token.
    #[arg(long, value_name = "FILE")]
    jwks: Option<PathBuf>,
    /// FHIR: the API key of that application.
    #[arg(long, value_name = "ID", default_value = "an-api-key", requires = "jwks")]
    client_id: String,
    /// The reading of what is not published about the matching of PDS.
    #[arg(long, value_enum, default_value_t = Disputes::Published)]
    disputes: Disputes,
    /// The delay before each answer, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    delay: u64,
    /// Answer about this share of the people with SMSP-0004 each time, in place of those of the caseload. Answers
    /// with a chosen code come without the delay.
    #[arg(long, value_name = "PER_CENT", value_parser = clap::value_parser!(u64).range(0..=100))]
    unanswerable: Option<u64>,
    /// Give this share of all requests a fault: the connection is cut before or in the answer, HTTP 503,
    /// SMSP-0004 or SMSP-9999, each for a fifth. A retry usually succeeds.
    #[arg(long, value_name = "PER_CENT", default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=100))]
    faults: u16,
    /// A file for one line per answer: when the request came and when its answer was sent, in microseconds since 1970,
    /// the identifier of the message, and the response code.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Serve over mutual TLS, and write client.pem, client.key and spine-roots.pem to this folder.
    #[arg(long, value_name = "FOLDER")]
    mutual_tls: Option<PathBuf>,
    /// Give each person every field of the FHIR API: other names and addresses, related people,
    /// preferences.
    #[arg(long)]
    full_records: bool,
    /// Answer each question about this person with this code of either service. May be repeated.
    #[arg(long = "answer", value_name = "NUMBER=CODE", value_parser = answer)]
    answers: Vec<(NhsNumber, String)>,
    /// SMSP: refuse a request whose header SOAPAction is missing or not in quotation marks.
    #[arg(long)]
    strict_soap_action: bool,
    /// SMSP: answer wildcards and partial dates of birth with SMSP-0001.
    #[arg(long)]
    no_advanced_trace: bool,
    /// SMSP: send DEMOG-0017 without the data of the replacing number.
    #[arg(long)]
    no_superseding_payload: bool,
    /// FHIR: write blank address lines as null, beside `_line`.
    #[arg(long)]
    empty_address_lines: bool,
    /// FHIR: the base address in fullUrl and in references. [default: the address of the request]
    #[arg(long, value_name = "URL")]
    fhir_base: Option<Url>,
    /// Also serve a MESH, with a line `mesh URL`, the shared key TestKey, and the mailboxes X26ABC1, X26ABC2 and
    /// X26ABC3, each with the password `password`. PDS answers the files that X26ABC2 receives.
    #[arg(long)]
    with_mesh: bool,
    /// Files: trace algorithmically when no person matches exactly.
    #[arg(long)]
    algorithmic_trace: bool,
}

/// What it does in place of serving.
#[derive(clap::Subcommand)]
enum Action {
    AnswerFile(AnswerFile),
}

/// A reading of what is not published about the matching of PDS.
#[derive(Clone, Copy, clap::ValueEnum)]
pub(crate) enum Disputes {
    /// The reading that the published descriptions and tests support best.
    Published,
    /// The reading by which searches find most people.
    Most,
    /// The reading by which searches find fewest people.
    Fewest,
}

impl From<Disputes> for Disputed {
    fn from(disputes: Disputes) -> Self {
        match disputes {
            Disputes::Published => Self::default(),
            Disputes::Most => Self::finding_most(),
            Disputes::Fewest => Self::finding_fewest(),
        }
    }
}

fn answer(text: &str) -> Result<(NhsNumber, String), String> {
    let (number, code) = text.split_once('=').ok_or("write NUMBER=CODE")?;
    let number = number.parse().map_err(|error| format!("{error}"))?;
    Ok((number, code.to_owned()))
}

pub(crate) async fn run(cli: &Args) -> Result<bool, Box<dyn Error>> {
    if let Some(Action::AnswerFile(file)) = &cli.action {
        return answer_file::run(file);
    }
    let register = cli.people.register()?;
    let mut simulator = Simulator::new(people(cli, &register)?)
        .with_disputed(cli.disputes.into())
        .with_strict_soap_action(cli.strict_soap_action)
        .with_advanced_trace(!cli.no_advanced_trace)
        .with_superseding_payload(!cli.no_superseding_payload)
        .with_empty_address_lines(cli.empty_address_lines)
        .with_batch_style(answer_file::style(None, cli.algorithmic_trace));
    if let Some(base) = &cli.fhir_base {
        simulator = simulator.with_fhir_base(base);
    }
    drop(register);
    if let Some(path) = &cli.jwks {
        simulator.add_application(application(&cli.client_id, path)?);
    }
    if let Some(path) = &cli.log {
        simulator = simulator.with_log(File::create(path).map_err(|error| about(path, &error))?);
    }
    if cli.delay > 0 {
        let when = cli.unanswerable.map_or(When::Always, |_| When::NoOwnAnswer);
        simulator.add_fault(when, Fault::Delay(Duration::from_millis(cli.delay)));
    }
    if cli.faults > 0 {
        simulator.set_fault_mix(Some(faults(cli.people.seed, cli.faults)?));
    }
    let mesh = if cli.with_mesh { Some(MeshServer::start(mesh(&simulator)).await?) } else { None };
    let server = Server::start(simulator).await?;
    let mut lines =
        vec![("smsp", server.url()), ("fhir", server.fhir_url()), ("token", server.token_url())];
    lines.extend(mesh.as_ref().map(|mesh| ("mesh", mesh.url())));
    if let Some(folder) = &cli.mutual_tls {
        let tls = MutualTls::new(folder)?;
        lines = secured(&tls, lines).await?;
    }
    let lines: String = lines.iter().map(|(name, url)| format!("{name} {url}\n")).collect();
    say(&lines)?;
    tokio::signal::ctrl_c().await?;
    Ok(true)
}

/// A MESH like the NHS's sandbox, with PDS behind its second mailbox.
fn mesh(simulator: &Simulator) -> Mesh {
    let mailboxes = ["X26ABC1", PDS_MAILBOX, "X26ABC3"];
    let mesh = mailboxes
        .into_iter()
        .fold(Mesh::new("TestKey"), |mesh, mailbox| mesh.with_mailbox(mailbox, "password"));
    mesh.answering_as_pds(simulator.clone(), PDS_MAILBOX)
}

/// The addresses, each behind mutual TLS.
async fn secured(
    tls: &MutualTls,
    lines: Vec<(&'static str, String)>,
) -> Result<Vec<(&'static str, String)>, Box<dyn Error>> {
    let mut ports: Vec<(SocketAddr, SocketAddr)> = Vec::new();
    let mut secured = Vec::new();
    for (name, url) in lines {
        let mut url: Url = url.parse()?;
        let plain = url.socket_addrs(|| None)?.into_iter().next().ok_or("no address")?;
        let known = ports.iter().find(|(known, _)| *known == plain).map(|(_, secure)| *secure);
        let secure = match known {
            Some(secure) => secure,
            None => tls.in_front_of(plain).await?,
        };
        if known.is_none() {
            ports.push((plain, secure));
        }
        let is_set = url.set_scheme("https").and_then(|()| url.set_port(Some(secure.port())));
        is_set.map_err(|()| "no address")?;
        secured.push((name, url.as_str().trim_end_matches('/').to_owned()));
    }
    Ok(secured)
}

/// Five faults for this share of all requests together.
fn faults(seed: u64, per_cent: u16) -> Result<FaultMix, ShareError> {
    let unavailable = Fault::Http {
        status: StatusCode::SERVICE_UNAVAILABLE,
        body: RawBody::from("<html>Service Unavailable</html>"),
    };
    let share = Share::per_mille(per_cent * 2)?;
    let faults = [
        Fault::Cut,
        unavailable,
        Fault::CutHalfWay,
        Fault::code(UNAVAILABLE),
        Fault::code("SMSP-9999"),
    ];
    faults.into_iter().try_fold(FaultMix::new(seed), |mix, fault| mix.with(share, fault))
}

/// The application with this API key and the public keys of this file.
fn application(client_id: &str, path: &Path) -> Result<Application, Box<dyn Error>> {
    let keys = String::from_utf8(console::read(path)?);
    let keys = keys.map_err(|_| format!("{}: the file is not UTF-8", path.display()))?;
    let application = Application::new(client_id).with_jwks(&keys);
    application.map_err(|error| about(path, &error))
}

/// The people, changed as the command line says.
fn people(cli: &Args, register: &Register) -> Result<Register, Box<dyn Error>> {
    let filled = cli.full_records.then(|| records::filled(register)).transpose()?;
    let mut all = Register::default();
    for person in filled.as_ref().unwrap_or(register) {
        let mut person = person.clone();
        let chosen = cli.answers.iter().find(|(number, _)| *number == person.nhs_number);
        if let Some((_, code)) = chosen {
            person.answer = Some(code.clone());
        } else if let Some(per_cent) = cli.unanswerable {
            person.answer = person.answer.filter(|code| code != UNAVAILABLE);
            if drawn(cli.people.seed, person.nhs_number) < per_cent {
                person.answer = Some(UNAVAILABLE.to_owned());
            }
        }
        all.insert(person)?;
    }
    Ok(all)
}

/// A number below 100 that depends only on the seed and the person.
fn drawn(seed: u64, number: NhsNumber) -> u64 {
    let digits = number.digits().to_string();
    let step = |mixed: u64, digit| (mixed ^ u64::from(digit)).wrapping_mul(0x0100_0000_01b3);
    let mixed = digits.bytes().fold(seed, step);
    (mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) % 100
}
