//! One side of a round: the cases, their store, and the worker.

use chrono::{DateTime, Utc};
use nhs_pds::audit::{Actor, AuditLog};
use nhs_pds::case::{Alert, Case, CaseId, CaseStore, caseload};
use nhs_pds::clock::{Clock as _, FixedClock};
use nhs_pds::process::alert::{self, AlertSink};
use nhs_pds::process::store::Joined;
use nhs_pds::process::{CaseReport, Policy, Row, Settings, TraceResult, Worker, import};
use nhs_pds::resilience::{Gateway, RateLimit, Retry, RetryPolicy};
use nhs_pds::smsp::{Client, Config};
use nhs_pds::trace::{Caller, LocalIdentity};
use nhs_pds::transport::Transport;
use nhs_pds_simulator::{Caseload, Fault, FaultMix, Register, Simulator};
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};

/// The store, the audit trail and the alerts.
pub(crate) struct Kept {
    pub(crate) store: Arc<dyn CaseStore>,
    pub(crate) audit: Arc<dyn AuditLog>,
    pub(crate) alerts: Arc<dyn AlertSink>,
}

/// A service and the gateway to it. All rounds share them, so that a memory leak in either shows.
pub(crate) struct Reached {
    simulator: Simulator,
    gate: Gateway,
    retry: Retry,
    us: LocalIdentity,
    /// The clock of the client and of the service.
    clock: Arc<FixedClock>,
    in_flight: NonZeroU32,
}

impl Reached {
    /// `simulator`, at `endpoint` over `transport`, with at most `in_flight` open questions.
    pub(crate) fn new(
        simulator: Simulator,
        endpoint: &str,
        transport: Arc<dyn Transport>,
        clock: Arc<FixedClock>,
        in_flight: NonZeroU32,
    ) -> Result<Self, Box<dyn Error>> {
        let us = LocalIdentity::new("RHM".parse()?, "nhs-pds-soak")?;
        let client = Client::new(Config::new(endpoint.parse()?, us.clone()), transport)
            .with_clock(Arc::clone(&clock) as _);
        // No effective limit: this does not test the rate limit.
        let pace =
            RateLimit::per_second(NonZeroU32::MIN.saturating_add(9_999)).with_burst(in_flight);
        let gate = Gateway::new(Arc::new(client)).with_rate_limit(pace.with_in_flight(in_flight));
        // Nor for retries: which of two calls gets the last one depends on the order of their responses.
        let retry = Retry::new(RetryPolicy::default().with_budget(100, u32::MAX));
        Ok(Self { simulator, gate, retry, us, clock, in_flight })
    }
}

/// The cases of one side.
pub(crate) struct Side {
    store: Arc<dyn CaseStore>,
    delivered: Arc<Delivered>,
    simulator: Simulator,
    /// The number of requests before this round.
    before: u64,
    clock: Arc<FixedClock>,
    worker: Worker,
    /// The row of the decision table that settled each case.
    pub(super) rows: BTreeMap<CaseId, Row>,
    /// The cases that have no answer yet.
    open: BTreeSet<CaseId>,
    /// The cases that were traced again after they were settled.
    pub(super) asked_after_all: Vec<CaseId>,
}

/// The time of the first round: 2026-11-23T09:30:00Z. The result does not depend on the day.
pub(crate) fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_426_200, 0).unwrap_or_default()
}

impl Side {
    /// The cases of `caseload`, not traced yet, and a service that knows their people and has the faults of
    /// `mix`.
    pub(crate) async fn new(
        caseload: &Caseload,
        mix: Option<FaultMix>,
        kept: Kept,
        reached: &Reached,
    ) -> Result<Self, Box<dyn Error>> {
        let Reached { simulator, gate, retry, us, clock, in_flight } = reached;
        simulator.set_register(answerable(caseload)?);
        simulator.set_fault_mix(mix);
        let caller = Caller::System(us.clone());
        let mut file = Vec::new();
        caseload.write_csv(&mut file)?;
        let cases = caseload::read(file.as_slice())?.cases;
        let actor = Actor::new(&caller, "Import");
        // Every case without an answer is due in the next pass, and no other case.
        let mut policy = Policy::default();
        policy.longest_retry_wait = policy.retry_wait;
        // However many failures a case has in a row, it waits for its answer.
        (policy.unanswered_limit, policy.unreadable_limit) = (u32::MAX, u32::MAX);
        let delivered = Arc::new(Delivered { sink: kept.alerts, alerts: Mutex::default() });
        let alerts = Arc::clone(&delivered) as Arc<dyn AlertSink>;
        let store = Arc::new(Joined::new(Arc::clone(&kept.store), kept.audit, alerts));
        import(&*store, &actor, &**clock, cases).await?;
        let worker = Worker::new(
            gate.background(),
            store,
            Settings::new(caller)
                .with_clock(Arc::clone(clock) as _)
                .with_retry(retry.clone())
                .with_policy(policy)
                .with_in_flight((*in_flight).try_into()?),
        );
        Ok(Self {
            store: kept.store,
            delivered,
            before: simulator.request_count(),
            simulator: simulator.clone(),
            clock: Arc::clone(clock),
            worker,
            rows: BTreeMap::new(),
            open: BTreeSet::new(),
            asked_after_all: Vec::new(),
        })
    }

    /// Traces the cases once, and sets the clock forward until those without an answer are due again; returns
    /// how many they are.
    pub(super) async fn pass(&mut self) -> Result<usize, Box<dyn Error>> {
        let (rows, again, open) = (&mut self.rows, &mut self.asked_after_all, &mut self.open);
        let mut observer = |report: &CaseReport| {
            let Some(result) = report.result else { return };
            if rows.contains_key(&report.case_id) {
                again.push(report.case_id.clone());
            }
            match (result, report.row) {
                (TraceResult::Unavailable | TraceResult::Unreadable, _) | (_, None) => {
                    open.insert(report.case_id.clone());
                }
                (_, Some(row)) => {
                    open.remove(&report.case_id);
                    rows.insert(report.case_id.clone(), row);
                }
            }
        };
        self.worker.run_once(&mut observer).await?;
        self.clock.set(self.clock.now() + Policy::default().retry_wait);
        Ok(self.open.len())
    }

    /// The number of requests to the service.
    pub(crate) fn requests(&self) -> u64 {
        self.simulator.request_count() - self.before
    }

    pub(super) fn injected(&self) -> Vec<(Fault, u64)> {
        self.simulator.injected()
    }

    /// The next cases after `id`, in the order of their ids.
    pub(super) async fn after(&self, id: Option<&CaseId>) -> Result<Vec<Case>, Box<dyn Error>> {
        Ok(self.store.page(id, 500).await?)
    }

    /// Every delivered alert, once.
    pub(super) fn alerts(&self) -> Vec<Alert> {
        let delivered = self.delivered.alerts.lock().unwrap_or_else(PoisonError::into_inner);
        delivered.values().cloned().collect()
    }
}

/// The people of `caseload`, without those that the service always answers with SMSP-0004: their cases would
/// never be settled.
fn answerable(caseload: &Caseload) -> Result<Register, Box<dyn Error>> {
    let mut register = Register::default();
    for person in caseload.register() {
        let mut person = person.clone();
        person.answer = person.answer.filter(|code| code != "SMSP-0004");
        register.insert(person)?;
    }
    Ok(register)
}

/// Keeps the delivered alerts, and passes them on.
#[derive(Debug)]
struct Delivered {
    sink: Arc<dyn AlertSink>,
    alerts: Mutex<BTreeMap<String, Alert>>,
}

#[async_trait::async_trait]
impl AlertSink for Delivered {
    async fn deliver(&self, alerts: &[Alert]) -> Result<(), alert::Error> {
        self.sink.deliver(alerts).await?;
        let mut delivered = self.alerts.lock().unwrap_or_else(PoisonError::into_inner);
        delivered.extend(alerts.iter().map(|alert| (alert.id.clone(), alert.clone())));
        Ok(())
    }
}
