//! Tests whether the worker reaches the right end while the service keeps failing.
//!
//! Works through a caseload twice, against two simulators over HTTP: one without faults, and one where a share of
//! the responses fails, chosen from the seed (`FaultMix::soak`: 2 % cut connections, 2 % status 503, 1 %
//! garbage, 1 % late, and 1 % each of SMSP-0004, SMSP-9999 and DEMOG-9999). The worker retries transient failures
//! at once and leaves the others for its next pass, until every case has an answer. Then the tool compares each
//! case with its end without faults (`rounds/ending.rs` lists the fields). It also checks that no two cases have
//! the same number, no settled case was traced again, every message is in the audit trail, and no more was sent
//! than 1.1 times the requests without faults plus the failures. A round is one caseload; until the time is over,
//! the next round begins with the next seed. After five rounds it also checks that the memory does not grow.
//! (glibc keeps memory for each thread, and many threads use SQLite: `MALLOC_ARENA_MAX=1` removes this effect.)

use super::resident::{resident, slope};
use super::rounds::{Kept, Reached, Round, Side, round, start};
use crate::console::Quiet;
use crate::simulated::{Caseload, FaultMix, Register, Server, Simulator};
use nhs_pds::audit::{AuditLog, EventKind, Filter, MemoryLog, SqliteLog};
use nhs_pds::case::{MemoryStore, SqliteStore};
use nhs_pds::clock::{Clock, FixedClock, SystemClock};
use nhs_pds::process::alert::{MemoryAlerts, SqliteAlerts};
use nhs_pds::transport::http::{HttpConfig, HttpTransport};
use std::error::Error;
use std::io::{self, Write as _};
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Growth up to this many KiB counts as noise.
const NOISE: f64 = 8.0 * 1024.0;

/// Works through caseloads while the service keeps failing
#[derive(clap::Args)]
#[command(after_help = "Exit codes: 0 every check passed, 1 a check failed, 2 it could not run")]
pub(crate) struct Args {
    /// The number of cases in a round.
    #[arg(long, default_value_t = 10_000, value_parser = crate::simulated::cases)]
    cases: usize,
    /// The seed of the people and faults of the first round; each round uses the next seed.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Begin rounds for this many minutes; there is at least one round.
    #[arg(long, default_value_t = 0)]
    minutes: u32,
    /// How many questions may be open at the same time.
    #[arg(long, value_name = "COUNT", default_value = "8")]
    in_flight: NonZeroU32,
    /// The delay of a late answer, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 250)]
    late: u64,
    /// Keep cases, audit trail and alerts in SQLite files rather than in memory.
    #[arg(long)]
    sqlite: bool,
}

/// Whether every check passed.
pub(crate) async fn run(cli: &Args) -> Result<bool, Box<dyn Error>> {
    let mut out = Quiet(io::stdout());
    let services = Services::start(cli).await?;
    let began = SystemClock.now();
    let mut good = true;
    let mut taken = Vec::new();
    for seed in cli.seed.. {
        let round_began = SystemClock.now();
        let soaked = one_round(cli, seed, &services).await?;
        let seconds = (SystemClock.now() - round_began).as_seconds_f64();
        report(&mut out, cli, seed, seconds, &soaked)?;
        good &= soaked.off.is_empty();
        if let Some(resident) = resident() {
            writeln!(out, "  memory: {} KiB", resident.now)?;
            taken.push(resident.now);
        }
        if (SystemClock.now() - began).num_minutes() >= cli.minutes.into() {
            break;
        }
    }
    Ok(is_flat(&mut out, &taken)? && good)
}

/// Reports the memory after each round; whether it stays the same.
///
/// Ignores the first half: new threads still start then, and the allocator reserves memory for each.
fn is_flat(out: &mut impl io::Write, taken: &[u64]) -> io::Result<bool> {
    let Some(resident) = resident() else { return Ok(true) };
    let (now, peak) = (resident.now / 1024, resident.peak / 1024);
    writeln!(out, "memory: {now} MiB after the last round, {peak} MiB at most")?;
    let later = taken.get(taken.len() / 2..).unwrap_or_default();
    if later.len() < 3 {
        return Ok(true);
    }
    let rise = slope(later);
    writeln!(out, "memory: {rise:+.0} KiB a round over the last {}", later.len())?;
    let mean = later.iter().sum::<u64>() as f64 / later.len() as f64;
    let flat = rise * (later.len() - 1) as f64 <= NOISE.max(mean / 10.0);
    if !flat {
        writeln!(out, "OFF  the memory taken grows")?;
    }
    Ok(flat)
}

/// Two services and their clients.
struct Services {
    plain: Reached,
    failing: Reached,
    _servers: [Server; 2],
}

impl Services {
    async fn start(cli: &Args) -> Result<Self, Box<dyn Error>> {
        let ((plain, first), (failing, second)) = (serve(cli).await?, serve(cli).await?);
        Ok(Self { plain, failing, _servers: [first, second] })
    }
}

async fn serve(cli: &Args) -> Result<(Reached, Server), Box<dyn Error>> {
    let clock = Arc::new(FixedClock::at(start()));
    let simulator = Simulator::new(Register::default()).with_clock(Arc::clone(&clock) as _);
    let server = Server::start(simulator.clone()).await?;
    let http = Arc::new(HttpTransport::new(&HttpConfig::new())?);
    let reached = Reached::new(simulator, &server.url(), http, clock, cli.in_flight)?;
    Ok((reached, server))
}

async fn one_round(cli: &Args, seed: u64, services: &Services) -> Result<Round, Box<dyn Error>> {
    let caseload = Caseload::from_seed(seed, cli.cases);
    let folder = tempfile::tempdir()?;
    let kept = |name| keep(cli, &folder.path().join(name));
    let (here, there) = (kept("plain.sqlite")?, kept("failing.sqlite")?);
    let trails = [&here, &there].map(|kept| Arc::clone(&kept.audit));
    let mix = FaultMix::soak(seed, Duration::from_millis(cli.late));
    let mut plain = Side::new(&caseload, None, here, &services.plain).await?;
    let mut faulted = Side::new(&caseload, Some(mix), there, &services.failing).await?;
    drop(caseload);
    let mut soaked = round(&mut plain, &mut faulted).await?;
    for (side, audit) in [plain, faulted].iter().zip(&trails) {
        let (requests, on_record) = (side.requests(), sent(&**audit).await?);
        if requests != on_record {
            soaked.off.push(format!("{requests} requests, and {on_record} messages on record"));
        }
        let verdict = audit.verify(&[]).await?;
        if !verdict.is_whole() {
            soaked.off.push(format!("audit trail {verdict}"));
        }
    }
    Ok(soaked)
}

/// The store, the audit trail and the alerts of one side.
fn keep(cli: &Args, file: &Path) -> Result<Kept, Box<dyn Error>> {
    Ok(if cli.sqlite {
        Kept {
            store: Arc::new(SqliteStore::open(file)?),
            audit: Arc::new(SqliteLog::open(file)?),
            alerts: Arc::new(SqliteAlerts::open(file)?),
        }
    } else {
        Kept {
            store: Arc::new(MemoryStore::new()),
            audit: Arc::new(MemoryLog::new()),
            alerts: Arc::new(MemoryAlerts::default()),
        }
    })
}

/// The number of sent messages in the audit trail.
async fn sent(audit: &dyn AuditLog) -> Result<u64, Box<dyn Error>> {
    let filter = Filter::new().with_kind(EventKind::MessageSent);
    let (mut count, mut last) = (0, 0);
    loop {
        let page = audit.page(&filter, last, 500).await?;
        let Some(event) = page.last() else { return Ok(count) };
        last = event.seq;
        count += page.len() as u64;
    }
}

fn report(
    out: &mut impl io::Write,
    cli: &Args,
    seed: u64,
    seconds: f64,
    round: &Round,
) -> io::Result<()> {
    let injected: Vec<String> =
        round.injected.iter().map(|(fault, count)| format!("{fault} {count}")).collect();
    writeln!(out, "seed {seed}: {} cases, {seconds:.1} s, {} passes", cli.cases, round.passes)?;
    writeln!(
        out,
        "  requests: {} without faults, {} with, {} of which failed; {:.3} of 1.1 times the first and the last",
        round.plain,
        round.faulted,
        round.failures(),
        round.faulted as f64 / (1.1 * round.plain as f64 + round.failures() as f64),
    )?;
    writeln!(out, "  faults: {}", injected.join(", "))?;
    writeln!(out, "  pairs that changed places: {}", round.changed_places)?;
    for off in &round.off {
        writeln!(out, "OFF  {off}")?;
    }
    Ok(())
}
