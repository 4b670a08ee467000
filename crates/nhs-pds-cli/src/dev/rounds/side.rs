//! One of the two: cases, what is kept of them, and the worker that goes through them.

use chrono::{DateTime, TimeDelta, Utc};
use nhs_pds::audit::{Actor, AuditLog};
use nhs_pds::case::{Alert, Case, CaseId, CaseStore, caseload};
use nhs_pds::clock::{Clock as _, FixedClock};
use nhs_pds::process::alert::{self, AlertSink};
use nhs_pds::process::{CaseReport, Row, TraceResult, Worker, import};
use nhs_pds::resilience::{Gateway, RateLimit, Retry, RetryPolicy};
use nhs_pds::smsp::{Client, Config};
use nhs_pds::trace::{Caller, LocalIdentity};
use nhs_pds::transport::Transport;
use nhs_pds_simulator::{Caseload, Fault, FaultMix, Register, Simulator};
use std::collections::BTreeMap;
use std::error::Error;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};

/// Where everything is kept.
pub(crate) struct Kept {
    pub(crate) store: Arc<dyn CaseStore>,
    pub(crate) audit: Arc<dyn AuditLog>,
    pub(crate) alerts: Arc<dyn AlertSink>,
}

/// A service, and the way to it: for all rounds, so that what either keeps too long shows.
pub(crate) struct Reached {
    simulator: Simulator,
    gate: Gateway,
    retry: Retry,
    us: LocalIdentity,
    /// What both ends of the way go by.
    clock: Arc<FixedClock>,
    in_flight: NonZeroU32,
}

impl Reached {
    /// `simulator`, at `endpoint` over `transport`, with so many questions `in_flight` at a time.
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
        // As fast as it will go, for it is not the pace that is tried here.
        let pace =
            RateLimit::per_second(NonZeroU32::MIN.saturating_add(9_999)).with_burst(in_flight);
        let gate = Gateway::new(Arc::new(client)).with_rate_limit(pace.with_in_flight(in_flight));
        let retry = Retry::new(RetryPolicy::default());
        Ok(Self { simulator, gate, retry, us, clock, in_flight })
    }
}

/// Cases on their way to being settled.
pub(crate) struct Side {
    store: Arc<dyn CaseStore>,
    told: Arc<Told>,
    simulator: Simulator,
    /// How many requests had come before.
    before: u64,
    clock: Arc<FixedClock>,
    worker: Worker,
    /// By what row of the decision table each case was answered.
    pub(super) rows: BTreeMap<CaseId, Row>,
    /// What was asked about once more though it was answered.
    pub(super) asked_after_all: Vec<CaseId>,
}

/// When the first round begins: 2026-11-23T09:30:00Z. Nothing here depends on the day.
pub(crate) fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_426_200, 0).unwrap_or_default()
}

impl Side {
    /// The cases of `caseload`, none of them asked about, and a service that knows their people and meets the
    /// faults of `mix`.
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
        import(&*kept.store, &*kept.audit, &actor, &**clock, cases).await?;

        let told = Arc::new(Told { sink: kept.alerts, alerts: Mutex::default() });
        let alerts = Arc::clone(&told) as Arc<dyn AlertSink>;
        let store = Arc::clone(&kept.store);
        let worker = Worker::new(gate.background(), store, kept.audit, alerts, caller)
            .with_clock(Arc::clone(clock) as _)
            .with_retry(retry.clone())
            .with_in_flight((*in_flight).try_into()?);
        Ok(Self {
            store: kept.store,
            told,
            before: simulator.request_count(),
            simulator: simulator.clone(),
            clock: Arc::clone(clock),
            worker,
            rows: BTreeMap::new(),
            asked_after_all: Vec::new(),
        })
    }

    /// Goes through the cases once, and lets a minute pass; how many were not answered.
    pub(super) async fn pass(&mut self) -> Result<usize, Box<dyn Error>> {
        let (rows, again) = (&mut self.rows, &mut self.asked_after_all);
        let mut open = 0;
        let mut observer = |report: &CaseReport| {
            let Some(result) = report.result else { return };
            if rows.contains_key(&report.case_id) {
                again.push(report.case_id.clone());
            }
            match (result, report.row) {
                (TraceResult::Unavailable | TraceResult::Unreadable, _) | (_, None) => open += 1,
                (_, Some(row)) => {
                    rows.insert(report.case_id.clone(), row);
                }
            }
        };
        self.worker.run_once(&mut observer).await?;
        self.clock.set(self.clock.now() + TimeDelta::minutes(1));
        Ok(open)
    }

    /// How many requests came to the service.
    pub(crate) fn requests(&self) -> u64 {
        self.simulator.request_count() - self.before
    }

    pub(super) fn injected(&self) -> Vec<(Fault, u64)> {
        self.simulator.injected()
    }

    /// The next cases after one, in the order of their ids.
    pub(super) async fn after(&self, id: Option<&CaseId>) -> Result<Vec<Case>, Box<dyn Error>> {
        Ok(self.store.page(id, 500).await?)
    }

    /// Every alert that was delivered, each once.
    pub(super) fn alerts(&self) -> Vec<Alert> {
        let told = self.told.alerts.lock().unwrap_or_else(PoisonError::into_inner);
        told.values().cloned().collect()
    }
}

/// The people of `caseload`, all of whom the service can answer about: of those whom it never does (SMSP-0004
/// whoever asks), nobody could say when they are settled.
fn answerable(caseload: &Caseload) -> Result<Register, Box<dyn Error>> {
    let mut register = Register::default();
    for person in caseload.register() {
        let mut person = person.clone();
        person.answer = person.answer.filter(|code| code != "SMSP-0004");
        register.insert(person)?;
    }
    Ok(register)
}

/// Hears what is delivered, and passes it on.
#[derive(Debug)]
struct Told {
    sink: Arc<dyn AlertSink>,
    alerts: Mutex<BTreeMap<String, Alert>>,
}

#[async_trait::async_trait]
impl AlertSink for Told {
    async fn deliver(&self, alerts: &[Alert]) -> Result<(), alert::Error> {
        self.sink.deliver(alerts).await?;
        let mut told = self.alerts.lock().unwrap_or_else(PoisonError::into_inner);
        told.extend(alerts.iter().map(|alert| (alert.id.clone(), alert.clone())));
        Ok(())
    }
}
