//! Whether the worker ends where it should when the service keeps failing.
//!
//! ```sh
//! cargo run --release --all-features --example soak -- --cases 10000 --seed 7 --minutes 10
//! ```
//!
//! Works through a caseload twice, against two simulators behind HTTP: one that never fails, and one of whose
//! answers a share goes wrong, chosen from the seed (`FaultMix::soak`: 2 % cut connections, 2 % status 503, 1 %
//! garbage, 1 % late, and 1 % each of SMSP-0004, SMSP-9999 and DEMOG-9999). The worker asks again at once what
//! is worth it, and leaves the rest for its next pass, until every case is answered. Then it holds each case
//! against how it ended without faults (`rounds/ending.rs` says what is compared), and looks whether a number is
//! held twice, a case was asked about after it was settled, a message is not on record, or more was
//! sent than 1.1 times what was sent without faults and the failures. A round is one caseload; until the time is
//! up, the next begins, with the next seed. From the third on it also looks whether the memory taken grows.
//!
//! Ends with 1 when anything is not as it should be.
#![expect(clippy::print_stderr, reason = "that is what it is for")]

mod resident;
mod rounds;

use clap::Parser;
use nhs_pds::alert::{MemoryAlerts, SqliteAlerts};
use nhs_pds::audit::{AuditLog, EventKind, Filter, MemoryLog, SqliteLog};
use nhs_pds::case::{MemoryStore, SqliteStore};
use nhs_pds::clock::{Clock, FixedClock, SystemClock};
use nhs_pds::simulator::{Caseload, FaultMix, Server, Simulator};
use nhs_pds::transport::http::{HttpConfig, HttpTransport};
use resident::{resident, slope};
use rounds::{Kept, Reached, Round, Side, answerable, round, start};
use std::error::Error;
use std::io::{self, Write as _};
use std::num::NonZeroU32;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// What of the memory taken counts as noise, in KiB.
const NOISE: f64 = 8.0 * 1024.0;

#[derive(Parser)]
#[command(about = "Works through caseloads while the service keeps failing")]
struct Cli {
    /// How many cases a round has.
    #[arg(long, default_value_t = 10_000)]
    cases: usize,
    /// The seed of the first round's people and faults; the next round has the next.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Begin rounds for so long; there is always one.
    #[arg(long, default_value_t = 0)]
    minutes: u32,
    /// How many questions are under way at a time.
    #[arg(long, value_name = "COUNT", default_value = "8")]
    in_flight: NonZeroU32,
    /// By how much an answer is late that is, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 250)]
    late: u64,
    /// Keep cases, audit trail and alerts in SQLite files rather than in memory.
    #[arg(long)]
    sqlite: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Cli::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("soak: {error}");
            ExitCode::from(2)
        }
    }
}

/// Whether everything is as it should be.
async fn run(cli: &Cli) -> Result<bool, Box<dyn Error>> {
    let mut out = io::stdout();
    let began = SystemClock.now();
    let mut good = true;
    let mut taken = Vec::new();
    for seed in cli.seed.. {
        let round_began = SystemClock.now();
        let soaked = one_round(cli, seed).await?;
        let seconds = (SystemClock.now() - round_began).as_seconds_f64();
        report(&mut out, cli, seed, seconds, &soaked)?;
        good &= soaked.off.is_empty();
        taken.extend(resident().map(|resident| resident.now));
        if (SystemClock.now() - began).num_minutes() >= cli.minutes.into() {
            break;
        }
    }
    if let Some(resident) = resident() {
        // The first round is the one in which everything is set up.
        let later = taken.get(1..).unwrap_or_default();
        let rise = slope(later);
        let now = resident.now / 1024;
        let peak = resident.peak / 1024;
        writeln!(out, "memory: {now} MiB after the last round, {peak} MiB at most")?;
        if later.len() > 1 {
            let grown = rise * (later.len() - 1) as f64;
            writeln!(out, "memory: {rise:+.0} KiB a round over the last {}", later.len())?;
            let mean = later.iter().sum::<u64>() as f64 / later.len() as f64;
            if later.len() > 2 && grown > NOISE.max(mean / 10.0) {
                writeln!(out, "OFF  the memory taken grows")?;
                good = false;
            }
        }
    }
    Ok(good)
}

async fn one_round(cli: &Cli, seed: u64) -> Result<Round, Box<dyn Error>> {
    let caseload = Caseload::from_seed(seed, cli.cases);
    let folder = tempfile::tempdir()?;
    let mix = FaultMix::soak(seed, Duration::from_millis(cli.late));
    let plain = Lane::open(cli, &caseload, &folder.path().join("plain.sqlite"), None).await?;
    let faulted =
        Lane::open(cli, &caseload, &folder.path().join("faulted.sqlite"), Some(mix)).await?;
    drop(caseload);
    let (mut one, mut other) = (plain.side, faulted.side);
    let mut soaked = round(&mut one, &mut other).await?;
    for (side, audit) in [(&one, &plain.audit), (&other, &faulted.audit)] {
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

/// A side, its trail, and its service.
struct Lane {
    side: Side,
    audit: Arc<dyn AuditLog>,
    _server: Server,
}

impl Lane {
    async fn open(
        cli: &Cli,
        caseload: &Caseload,
        file: &Path,
        mix: Option<FaultMix>,
    ) -> Result<Self, Box<dyn Error>> {
        let clock = Arc::new(FixedClock::at(start()));
        let people = answerable(caseload)?;
        let simulator = Simulator::new(people).with_clock(Arc::clone(&clock) as _);
        simulator.set_fault_mix(mix);
        let server = Server::start(simulator.clone()).await?;
        let transport = Arc::new(HttpTransport::new(&HttpConfig::new())?);
        let reached = Reached { simulator, endpoint: server.url(), transport, clock };
        let kept = if cli.sqlite {
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
        };
        let audit = Arc::clone(&kept.audit);
        let side = Side::new(caseload, kept, reached, cli.in_flight).await?;
        Ok(Self { side, audit, _server: server })
    }
}

/// How many messages stand on record as sent.
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
    cli: &Cli,
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
