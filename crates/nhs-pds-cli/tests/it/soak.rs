//! With a service that keeps failing, a caseload ends as it does with a service that never fails.

#[path = "../../src/dev/rounds/mod.rs"]
mod rounds;

use async_trait::async_trait;
use nhs_pds::audit::{self, Anchor, AuditLog, Entry, Event, Filter, MemoryLog, Verdict};
use nhs_pds::case::{CaseId, MemoryStore};
use nhs_pds::clock::FixedClock;
use nhs_pds::process::alert::MemoryAlerts;
use nhs_pds_simulator::{Caseload, Fault, FaultMix, Register, Share, Simulator};
use rounds::{Kept, Reached, Round, Side, round, start};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

/// Drops its entries: sealing them would take most of the time, and no test reads them.
#[derive(Debug)]
struct Forgetful(MemoryLog);

#[async_trait]
impl AuditLog for Forgetful {
    async fn append(&self, _: Vec<Entry>) -> Result<u64, audit::Error> {
        Ok(0)
    }
    async fn page(&self, f: &Filter, after: u64, n: usize) -> Result<Vec<Event>, audit::Error> {
        self.0.page(f, after, n).await
    }
    async fn head(&self) -> Result<Anchor, audit::Error> {
        self.0.head().await
    }
    async fn verify(&self, anchors: &[Anchor]) -> Result<Verdict, audit::Error> {
        self.0.verify(anchors).await
    }
    async fn forget(&self, case: &CaseId) -> Result<(), audit::Error> {
        self.0.forget(case).await
    }
}

async fn side(caseload: &Caseload, mix: Option<FaultMix>) -> Side {
    let kept = Kept {
        store: Arc::new(MemoryStore::new()),
        audit: Arc::new(Forgetful(MemoryLog::new())),
        alerts: Arc::new(MemoryAlerts::default()),
    };
    let clock = Arc::new(FixedClock::at(start()));
    let simulator = Simulator::new(Register::default()).with_clock(Arc::clone(&clock) as _);
    let transport = Arc::new(simulator.clone());
    let in_flight = NonZeroU32::new(8).unwrap();
    let url = "https://smsp.example/smsp/pds";
    let reached = Reached::new(simulator, url, transport, clock, in_flight).unwrap();
    Side::new(caseload, mix, kept, &reached).await.unwrap()
}

async fn soak(cases: usize, seed: u64, mix: FaultMix) -> Round {
    let caseload = Caseload::from_seed(seed, cases);
    let (mut plain, mut faulted) = (side(&caseload, None).await, side(&caseload, Some(mix)).await);
    round(&mut plain, &mut faulted).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_cases_end_as_without_faults() {
    let round = soak(10_000, 7, FaultMix::soak(7, Duration::from_millis(250))).await;
    assert_eq!(round.off, [""; 0]);
    // A case that waits leaves the number of a pair to the other case.
    assert!(round.changed_places % 2 == 0 && round.changed_places < 20, "{}", round.changed_places);
    assert!(round.injected.iter().all(|(_, count)| *count > 50), "{:?}", round.injected);
    assert!(round.failures() > 500);
    assert_eq!(round.faulted, round.plain + round.failures(), "each failure is retried once");
    assert!((2..=4).contains(&round.passes), "garbage waits for the next pass: {}", round.passes);
}

/// An unreadable answer is not retried before the next pass. By then, the other case of a pair has the number.
#[tokio::test(start_paused = true)]
async fn pairs_may_be_swapped_and_nothing_else_may_differ() {
    let mix = FaultMix::new(22)
        .with(Share::per_cent(15).unwrap(), Fault::Garbage)
        .and_then(|mix| mix.with(Share::per_cent(25).unwrap(), Fault::Cut));
    let round = soak(720, 22, mix.unwrap()).await;
    assert_eq!(round.off, [""; 0]);
    assert!(
        round.changed_places > 0,
        "the order of retries is random, that of unreadable answers is not"
    );
}

#[tokio::test(start_paused = true)]
async fn a_different_result_is_noticed() {
    let mix = FaultMix::new(7).with(Share::per_cent(10).unwrap(), Fault::code("DEMOG-0001"));
    let round = soak(240, 7, mix.unwrap()).await;
    let found = |what: &str| round.off.iter().any(|off| off.contains(what));
    assert!(found("another ") && found("nhs_number") && found("review"), "{:?}", round.off);
}
