//! Collects the library's metrics with a recorder of the `metrics` crate.
//!
//! Your program installs the exporter of its monitoring system instead, such as Prometheus or OpenTelemetry.
#![expect(clippy::print_stdout, reason = "an example prints what it shows")]

use metrics::{
    Counter, CounterFn, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};
use nhs_pds::demographics::Gender;
use nhs_pds::ids::RandomIds;
use nhs_pds::resilience::Gateway;
use nhs_pds::smsp::{Client, Config};
use nhs_pds::tenant::Labels;
use nhs_pds::trace::{Caller, FindPerson, LocalIdentity, MessageId, Question};
use nhs_pds_simulator::{Caseload, Simulator};
use std::collections::BTreeMap;
use std::error::Error;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

/// Keeps the counters; a monitoring system keeps gauges and histograms too.
#[derive(Clone, Default)]
struct Counters(Arc<Mutex<BTreeMap<String, Arc<Count>>>>);

#[derive(Default)]
struct Count(AtomicU64);

impl CounterFn for Count {
    fn increment(&self, by: u64) {
        self.0.fetch_add(by, Relaxed);
    }
    fn absolute(&self, to: u64) {
        self.0.store(to, Relaxed);
    }
}

impl Recorder for Counters {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let labels = key.labels().map(|label| format!(" {}={}", label.key(), label.value()));
        let name = key.name().to_owned() + &labels.collect::<String>();
        let mut counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Counter::from_arc(Arc::clone(counters.entry(name).or_default()))
    }
    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }
    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let counters = Counters::default();
    metrics::set_global_recorder(counters.clone()).map_err(|_| "a recorder is installed")?;
    nhs_pds::resilience::telemetry::describe();

    let simulator = Simulator::new(Caseload::from_seed(2026, 240).register().clone());
    let us = LocalIdentity::new("RHM".parse()?, "case-management")?;
    let config = Config::new("https://smsp.example/pds".parse()?, us.clone());
    let labels = Labels::default().with_service("smsp").with_tenant("leeds".parse()?);
    let client = Client::new(config, Arc::new(simulator));
    let gate = Gateway::new(Arc::new(client)).with_labels(labels);
    let owen = FindPerson::new("Owen".parse()?, Gender::Female, "1986-01-19".parse()?);
    let (caller, question) = (Caller::System(us), Question::Find(owen));
    gate.foreground().trace(&caller, &question, MessageId::fresh(&RandomIds)).await?;

    for (name, count) in counters.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        println!("{name} {}", count.0.load(Relaxed));
    }
    Ok(())
}
