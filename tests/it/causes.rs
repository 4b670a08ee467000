//! The cause of a missing response in the report, the status and the log; and the difference to the
//! service's clock.

use crate::http::raw::closed_port;
use crate::support::service::case;
use crate::support::services::{Face, Way};
use crate::support::several_subscribers;
use chrono::{DateTime, TimeDelta, Utc};
use http::header::{CONTENT_TYPE, DATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use nhs_pds::audit::MemoryLog;
use nhs_pds::case::{CaseStore, MemoryStore};
use nhs_pds::clock::FixedClock;
use nhs_pds::process::alert::MemoryAlerts;
use nhs_pds::process::store::Joined;
use nhs_pds::process::{CaseReport, Process, Schedule, Settings, Status, TraceResult, Worker};
use nhs_pds::resilience::{Gateway, Retry, RetryPolicy, Retrying};
use nhs_pds::smsp::{Client, Config};
use nhs_pds::trace::{ErrorKind, Tracer};
use nhs_pds::transport::http::{HttpConfig, HttpTransport};
use nhs_pds::transport::{self, Response, Scripted};
use nhs_pds_simulator::{Register, Simulator};
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The log of this thread from `warn` up, without the time.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn listen() -> (Self, tracing::subscriber::DefaultGuard) {
        let log = Self::default();
        let to = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::WARN)
            .with_ansi(false)
            .without_time()
            .with_writer(move || to.clone())
            .finish();
        several_subscribers();
        let guard = tracing::subscriber::set_default(subscriber);
        (log, guard)
    }

    fn lines(&self, holding: &str) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().filter(|line| line.contains(holding)).map(str::to_owned).collect()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

async fn worker(tracer: Arc<dyn Tracer>, cases: usize) -> Worker {
    let store = Arc::new(MemoryStore::new());
    store.insert_all((0..cases).map(|n| case(&format!("RXX:{n}"))).collect()).await.unwrap();
    let (audit, alerts) = (Arc::new(MemoryLog::new()), Arc::new(MemoryAlerts::default()));
    Worker::new(
        tracer,
        Arc::new(Joined::new(store, audit, alerts)),
        Settings::new(Face::Smsp.caller()),
    )
}

/// The reports of one run of a process, and its status afterwards.
async fn run(worker: Worker) -> (Vec<CaseReport>, Status) {
    let process = Process::new(worker, Schedule::every(Duration::from_secs(60)).unwrap());
    let mut reports = Vec::new();
    let until_run = async {
        while process.status().last.is_none() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    process.run_until(until_run, &mut |report| reports.push(report.clone())).await.unwrap();
    (reports, process.status())
}

#[tokio::test]
async fn a_refused_connection_is_named_in_report_status_and_log() {
    for &face in Face::UNATTENDED {
        let closed = closed_port();
        let simulator = Simulator::new(Register::default());
        let way = Way {
            transport: Arc::new(HttpTransport::new(&HttpConfig::new()).unwrap()),
            smsp: format!("http://{closed}/smsp"),
            #[cfg(feature = "fhir")]
            fhir: format!("http://{closed}/fhir"),
            #[cfg(feature = "fhir")]
            token: format!("http://{closed}/token"),
        };
        // Through every wrapper.
        let gate = Gateway::new(face.client(&simulator, &way));
        let retry = Retry::new(RetryPolicy::default().with_budget(0, 0));
        let tracer = Arc::new(Retrying::new(gate.background(), retry));
        let (log, _guard) = Log::listen();
        let (reports, status) = run(worker(tracer, 3).await).await;
        assert_eq!(reports.len(), 3);
        for report in &reports {
            assert_eq!(report.result, Some(TraceResult::Unavailable));
            let cause = report.cause.as_deref().unwrap();
            assert!(cause.contains("could not connect"), "{face:?} {cause}");
            assert!(cause.ends_with("Connection refused (os error 111)"), "{face:?} {cause}");
        }
        assert!(status.last_cause.unwrap().contains("Connection refused"));
        let lines = log.lines("a question was not answered");
        assert_eq!(lines.len(), 1, "once for each kind and pass: {lines:?}");
        assert!(lines[0].contains("Connection refused") && lines[0].contains("WARN"), "{lines:?}");
        let all = log.lines("").join("\n").to_lowercase();
        for private in ["aindow", "1943-05", "19430519", "rxx", "patient?"] {
            assert!(!all.contains(private), "{private} in {all}");
        }
    }
}

#[tokio::test]
async fn a_run_without_a_failure_has_no_cause() {
    let simulator = Simulator::new(Register::default());
    let (log, _guard) = Log::listen();
    let (reports, status) = run(worker(Face::Smsp.in_process(&simulator), 2).await).await;
    assert!(reports.iter().all(|report| report.cause.is_none()));
    assert_eq!(status.last_cause, None);
    assert_eq!(log.lines("").len(), 0, "{:?}", log.lines(""));
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A response without a reason, made at `date` by the service's clock.
fn refusal(date: &'static str) -> Result<Response, transport::Error> {
    let body = "<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Body><s:Fault>\
                <faultcode>s:Client</faultcode><faultstring>no</faultstring></s:Fault></s:Body></s:Envelope>";
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/xml"));
    headers.insert(DATE, HeaderValue::from_static(date));
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    Ok(Response::new(status, body.into()).with_headers(headers))
}

/// A client whose clock always says half past nine.
fn client(responses: impl IntoIterator<Item = Result<Response, transport::Error>>) -> Client {
    let us = nhs_pds::trace::LocalIdentity::new("RHM".parse().unwrap(), "worker").unwrap();
    let config = Config::new("https://smsp.example/pds".parse().unwrap(), us);
    Client::new(config, Arc::new(Scripted::new(responses)))
        .with_clock(Arc::new(FixedClock::at(at("2026-11-23T09:30:00Z"))))
}

#[tokio::test]
async fn a_clock_difference_is_in_status_and_log_once() {
    let dates = [
        "Mon, 23 Nov 2026 09:29:00 GMT",
        "Mon, 23 Nov 2026 09:29:02 GMT",
        "Mon, 23 Nov 2026 09:29:59 GMT",
        "Mon, 23 Nov 2026 09:31:00 GMT",
    ];
    let client = Arc::new(client(dates.map(refusal)));
    assert_eq!(client.clock_skew(), None);
    let (log, _guard) = Log::listen();
    let gate = Gateway::new(Arc::<Client>::clone(&client) as Arc<dyn Tracer>);
    let tracer = Arc::new(Retrying::new(gate.background(), Retry::new(RetryPolicy::default())));
    let (reports, status) = run(worker(tracer, 4).await).await;
    assert!(reports.iter().all(|report| report.result == Some(TraceResult::Rejected)));
    assert_eq!(status.clock_skew, Some(TimeDelta::seconds(-60)), "behind, by the last response");
    let lines = log.lines("clock differs from the service's");
    assert_eq!(lines.len(), 2, "once for a minute ahead, and once for a minute behind: {lines:?}");
    assert!(lines[0].contains("seconds=59") && lines[1].contains("seconds=-60"), "{lines:?}");
}

#[tokio::test]
async fn a_fault_without_a_reason_is_explained_by_a_wrong_clock() {
    for (date, kind) in [
        ("Mon, 23 Nov 2026 09:30:00 GMT", ErrorKind::Rejected),
        ("Mon, 23 Nov 2026 09:26:00 GMT", ErrorKind::Rejected),
        ("Mon, 23 Nov 2026 08:30:00 GMT", ErrorKind::Configuration),
        ("Mon, 23 Nov 2026 10:30:00 GMT", ErrorKind::Configuration),
    ] {
        let error = crate::support::service::ask(&client([refusal(date)])).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{date}");
        assert_eq!(error.exchange().unwrap().code.as_deref(), Some("Client"));
    }
}

#[cfg(feature = "fhir")]
#[tokio::test]
async fn the_fhir_client_compares_the_clocks_too() {
    let body = r#"{"resourceType": "Bundle", "type": "searchset", "total": 0}"#;
    let mut headers = HeaderMap::new();
    headers.insert(DATE, HeaderValue::from_static("Mon, 23 Nov 2026 08:30:00 GMT"));
    let response = Response::new(StatusCode::OK, body.into()).with_headers(headers);
    let page = refusal("Mon, 23 Nov 2026 02:30:00 GMT");
    let transport = Arc::new(Scripted::new([Ok(response), page]));
    let config = nhs_pds::fhir::Config::new("https://pds.example/FHIR/R4".parse().unwrap());
    let client = nhs_pds::fhir::Client::open(config, transport)
        .with_clock(Arc::new(FixedClock::at(at("2026-11-23T09:30:00Z"))));
    let (_, status) = run(worker(Arc::new(client), 2).await).await;
    let hour = Some(TimeDelta::seconds(3_599));
    assert_eq!(status.clock_skew, hour, "a proxy's page does not have the service's clock");
}
