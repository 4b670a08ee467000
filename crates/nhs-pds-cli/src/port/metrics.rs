//! Metrics in the text format of Prometheus.

use super::board::Seen;
use crate::console::Failed;
use metrics::{Label, Unit, describe_gauge, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use nhs_pds::clock::{Clock, SystemClock};
use nhs_pds::resilience::telemetry;

/// The upper bounds of the buckets of questions and waits, in seconds.
const QUESTIONS: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0];

/// The upper bounds of the buckets of runs, in seconds.
const RUNS: [f64; 10] = [0.1, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 1_800.0, 7_200.0, 43_200.0];

/// Whether something is wrong with a tenant.
const ERROR: &str = "nhs_pds_tenant_error";

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
    describe_gauge!(
        ERROR,
        "1 while a tenant does not run for an error, is stuck, or its last run failed"
    );
    gauge!("nhs_pds_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    let milliseconds = SystemClock.now().timestamp_millis();
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    gauge!("process_start_time_seconds").set(milliseconds as f64 / 1_000.0);
    Ok(handle)
}

/// Records what the processes of the worker show of themselves. A tenant that never ran has no other metric.
pub(super) fn record(processes: &[Seen]) {
    for process in processes {
        let tenant = process.tenant.iter().map(|name| Label::new("tenant", name.to_string()));
        let is_wrong = process.stuck || process.error.is_some();
        gauge!(ERROR, tenant.collect::<Vec<_>>()).set(f64::from(u8::from(is_wrong)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(tenant: &str, stuck: bool, error: Option<&str>) -> Seen {
        Seen {
            tenant: Some(tenant.parse().unwrap()),
            runs: error.is_none(),
            stuck,
            doing: String::new(),
            error: error.map(str::to_owned),
        }
    }

    #[test]
    fn a_tenant_that_is_broken_or_stuck_has_a_metric_until_it_is_well() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        metrics::with_local_recorder(&recorder, || {
            record(&[
                seen("leeds", false, None),
                seen("york", false, Some("no such file")),
                seen("hull", true, None),
            ]);
            let text = handle.render();
            for (tenant, value) in [("leeds", 0), ("york", 1), ("hull", 1)] {
                let line = format!("nhs_pds_tenant_error{{tenant=\"{tenant}\"}} {value}");
                assert!(text.contains(&line), "{line}: {text}");
            }
            assert!(!text.contains("no such file"));
            record(&[seen("york", false, None)]);
            assert!(handle.render().contains("nhs_pds_tenant_error{tenant=\"york\"} 0"));
        });
    }
}
