//! Metrics in the text format of Prometheus.

use crate::console::Failed;
use metrics::{Unit, describe_gauge, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use nhs_pds::clock::{Clock, SystemClock};
use nhs_pds::resilience::telemetry;

/// The upper bounds of the buckets of questions and waits, in seconds.
const QUESTIONS: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0];

/// The upper bounds of the buckets of runs, in seconds.
const RUNS: [f64; 10] = [0.1, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 1_800.0, 7_200.0, 43_200.0];

/// Collects the metrics of this process from now on.
pub(super) fn install() -> Result<PrometheusHandle, Failed> {
    let runs = Matcher::Full("nhs_pds_pass_duration_seconds".to_owned());
    let builder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &QUESTIONS)?
        .set_buckets_for_metric(runs, &RUNS)?;
    let handle = builder.install_recorder()?;
    telemetry::describe();
    describe_gauge!("nhs_pds_build_info", "always 1; the label is the version of nhs-pds");
    describe_gauge!(
        "process_start_time_seconds",
        Unit::Seconds,
        "when this process started, in Unix time"
    );
    gauge!("nhs_pds_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    let milliseconds = SystemClock.now().timestamp_millis();
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    gauge!("process_start_time_seconds").set(milliseconds as f64 / 1_000.0);
    Ok(handle)
}
