//! A service that refuses every message, about any case.

use crate::support::one_question;
use crate::support::service::case;
use crate::support::services::{Face, Way};
use chrono::{DateTime, TimeDelta, Utc};
use nhs_pds::audit::{Actor, AuditLog, EventKind, Filter, MemoryLog};
use nhs_pds::case::{AlertKind, Case, CaseStore, MemoryStore, ReviewState, TraceRecord};
use nhs_pds::clock::{Clock, FixedClock};
use nhs_pds::process::alert::{AlertSink, MemoryAlerts};
use nhs_pds::process::review::{Release, ReviewQueue};
use nhs_pds::process::store::Joined;
use nhs_pds::process::{Reason, RunReport, Settings, TraceResult, Worker};
use nhs_pds::smsp;
use nhs_pds::trace::{ErrorKind, Exchange, Tracer};
use nhs_pds_simulator::{Fault, Register, Simulator, When};
use std::sync::Arc;

const CASES: usize = 12;

struct House {
    simulator: Simulator,
    tracer: Arc<dyn Tracer>,
    store: Arc<MemoryStore>,
    audit: Arc<MemoryLog>,
    alerts: Arc<MemoryAlerts>,
    face: Face,
}

async fn house(face: Face) -> House {
    let simulator = Simulator::new(Register::default());
    let store = Arc::new(MemoryStore::new());
    let cases = (10..10 + CASES).map(|n| case(&format!("RXX:{n}"))).collect();
    store.insert_all(cases).await.unwrap();
    House {
        tracer: face.in_process(&simulator),
        simulator,
        store,
        audit: Arc::new(MemoryLog::new()),
        alerts: Arc::new(MemoryAlerts::default()),
        face,
    }
}

fn now() -> DateTime<Utc> {
    nhs_pds::clock::SystemClock.now()
}

impl House {
    /// One pass, this much later than now.
    async fn pass(&self, later: TimeDelta) -> RunReport {
        let log = Arc::clone(&self.audit) as Arc<dyn AuditLog>;
        let alerts = Arc::clone(&self.alerts) as Arc<dyn AlertSink>;
        let store = Arc::clone(&self.store) as Arc<dyn CaseStore>;
        let tracer = Arc::clone(&self.tracer);
        let worker = Worker::new(
            tracer,
            Arc::new(Joined::new(store, log, alerts)),
            Settings::new(self.face.caller())
                .with_policy(one_question())
                .with_clock(Arc::new(FixedClock::at(now() + later))),
        );
        worker.run_once(&mut |_| ()).await.unwrap()
    }

    /// Refuses everything by a fault, or by a status if the service has no faults.
    fn refuse(&self) {
        let fault = match self.face {
            Face::Smsp => Fault::soap("soap:Client", "1000"),
            #[cfg(feature = "fhir")]
            _ => Fault::Http { status: http::StatusCode::UNPROCESSABLE_ENTITY, body: "no".into() },
        };
        self.simulator.add_fault(When::Always, fault);
    }

    fn configuration_alerts(&self) -> usize {
        let alerts = self.alerts.delivered();
        alerts.iter().filter(|alert| alert.kind == AlertKind::Configuration).count()
    }

    async fn cases(&self) -> Vec<Case> {
        self.store.page(None, 1_000).await.unwrap()
    }

    async fn rejected(&self) -> usize {
        let is_rejected =
            |case: &&Case| case.last_trace.as_ref().is_some_and(|last| last.result == "rejected");
        self.cases().await.iter().filter(is_rejected).count()
    }
}

fn count(report: &RunReport, result: TraceResult) -> u64 {
    report.results.get(&result).copied().unwrap_or_default()
}

#[tokio::test]
async fn five_equal_refusals_end_the_pass_and_are_alerted_once() {
    for &face in Face::UNATTENDED {
        let house = house(face).await;
        house.refuse();
        let before = house.simulator.request_count();
        let report = house.pass(TimeDelta::zero()).await;
        assert_eq!(count(&report, TraceResult::Rejected), 5, "{face:?}");
        assert_eq!(report.due, CASES as u64 - 5, "the others are still due");
        assert_eq!(house.simulator.request_count() - before, 5);
        let stopped = report.stopped.unwrap();
        assert_eq!(stopped.kind(), ErrorKind::Configuration);
        assert!(stopped.cause().unwrap().contains("with the same code"));
        for case in house.cases().await {
            assert!(!case.asking.until_corrected, "no case waits until it is corrected");
        }
        // The next pass continues behind them, and sends no second alert.
        let report = house.pass(TimeDelta::minutes(1)).await;
        assert_eq!((count(&report, TraceResult::Rejected), house.rejected().await), (5, 10));
        assert_eq!(report.due, CASES as u64 - 10);
        assert_eq!(house.configuration_alerts(), 1);

        // The service works again: a day later every case is queried.
        house.simulator.clear_faults();
        let report = house.pass(TimeDelta::hours(25)).await;
        assert_eq!(count(&report, TraceResult::None), CASES as u64, "{face:?} {report:?}");
        assert!(report.stopped.is_none());
        for case in house.cases().await {
            assert!(case.open_items().all(|item| item.reason.as_str() == "none"));
        }
    }
}

#[tokio::test]
async fn a_single_refusal_does_not_stop_other_cases() {
    for &face in Face::UNATTENDED {
        let house = house(face).await;
        for days in [0, 2] {
            house.simulator.add_fault(When::Next(4), face.rejection());
            let report = house.pass(TimeDelta::days(days)).await;
            assert!(report.stopped.is_none());
            assert_eq!(count(&report, TraceResult::Rejected), 4, "{face:?}");
        }
        assert_eq!(house.configuration_alerts(), 0);
    }
}

#[tokio::test]
async fn a_case_left_until_corrected_for_a_fault_is_queried_again() {
    let house = house(Face::Smsp).await;
    let recorded = |code: Option<&str>, sent: bool, at: DateTime<Utc>| {
        let exchange = Exchange::new("SMSP", "getPatientDetailsBySearch", "M-1", at);
        let exchange = code.into_iter().fold(exchange, Exchange::with_code);
        TraceRecord::new(at, "rejected", sent.then_some(&exchange))
    };
    let (yesterday, lately) = (now() - TimeDelta::hours(25), now() - TimeDelta::hours(1));
    house.pass(TimeDelta::zero()).await;
    for (place, (code, sent, at, asked)) in [
        (Some("Client/1000"), true, yesterday, true),
        (Some("?/1000"), true, yesterday, true),
        (None, true, yesterday, true),
        // The clock was ahead.
        (Some("Client"), true, now() + TimeDelta::days(400), true),
        (Some("Client/1000"), true, lately, false),
        (Some("SMSP-0001"), true, yesterday, false),
        (Some("INVALID_SEARCH_DATA"), true, yesterday, false),
        (None, false, yesterday, false),
    ]
    .into_iter()
    .enumerate()
    {
        let mut case = house.cases().await.swap_remove(place);
        (case.asking.until_corrected, case.asking.not_before) = (true, None);
        case.last_trace = Some(recorded(code, sent, at));
        house.store.save(&case).await.unwrap();
        let before = house.simulator.request_count();
        house.pass(TimeDelta::zero()).await;
        let sent = house.simulator.request_count() - before;
        assert_eq!(sent == 1, asked, "{code:?} {sent}");
    }
}

#[tokio::test]
async fn a_clock_an_hour_off_is_a_configuration_failure_and_blocks_no_case() {
    for off in [TimeDelta::hours(1), TimeDelta::hours(-1)] {
        let mut house = house(Face::Smsp).await;
        let way = Way::over(Arc::new(house.simulator.clone()));
        let us = nhs_pds::trace::LocalIdentity::new("RHM".parse().unwrap(), "get-nhs-number");
        let config = smsp::Config::new(way.smsp.parse().unwrap(), us.unwrap());
        let client = smsp::Client::new(config, way.transport);
        house.tracer = Arc::new(client.with_clock(Arc::new(FixedClock::at(now() + off))));
        let before = house.cases().await;
        let report = house.pass(TimeDelta::zero()).await;
        assert_eq!(report.stopped.unwrap().kind(), ErrorKind::Configuration);
        assert_eq!(house.simulator.request_count(), 1);
        assert!(house.cases().await == before, "no case was changed");
        assert_eq!(house.configuration_alerts(), 1);
    }
}

#[tokio::test]
async fn a_fault_that_quotes_a_timestamp_does_not_stop_the_pass() {
    let fault = |status: http::StatusCode, code: &str, text: &str, toolkit_code: &str| {
        let detail = match toolkit_code {
            "" => String::new(),
            code => format!(
                "<detail><t:ToolkitErrorInfo xmlns:t='urn:nhs-itk:ns:201005'><t:ErrorCode>{code}</t:ErrorCode></t:ToolkitErrorInfo></detail>"
            ),
        };
        let body = format!(
            "<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Body><s:Fault><faultcode>s:{code}</faultcode><faultstring>{text}</faultstring>{detail}</s:Fault></s:Body></s:Envelope>"
        );
        Fault::Http { status, body: body.into() }
    };
    let (error, unavailable) =
        (http::StatusCode::INTERNAL_SERVER_ERROR, http::StatusCode::SERVICE_UNAVAILABLE);
    let (late, birth) = (
        "Backend timeout, timestamp=2026-11-29T03:00:00Z",
        "birthTime is not a valid HL7 timestamp",
    );
    for (fault, rejected) in [
        (fault(error, "Server", late, ""), 0),
        (fault(unavailable, "Server", late, ""), 0),
        (fault(error, "Client", birth, "1000"), 1),
    ] {
        let house = house(Face::Smsp).await;
        house.simulator.add_fault(When::Next(1), fault.clone());
        let report = house.pass(TimeDelta::zero()).await;
        assert!(report.stopped.is_none(), "{fault:?}: {report:?}");
        assert_eq!(count(&report, TraceResult::Rejected), rejected, "{fault:?}");
        let answered = CASES as u64 - 1;
        assert!(count(&report, TraceResult::None) >= answered, "{fault:?}: {report:?}");
        assert_eq!(house.configuration_alerts(), 0);
    }
}

#[tokio::test]
async fn all_rejected_cases_are_released_at_once() {
    for &face in Face::UNATTENDED {
        let house = house(face).await;
        house.simulator.add_fault(When::Always, face.rejection());
        for _ in 0..3 {
            house.pass(TimeDelta::zero()).await;
        }
        assert_eq!(house.rejected().await, CASES);
        house.simulator.clear_faults();
        let report = house.pass(TimeDelta::days(400)).await;
        assert_eq!(
            report.ineligible.get(&Reason::NotDue),
            Some(&(CASES as u64)),
            "until corrected"
        );

        let (log, alerts) = (Arc::clone(&house.audit), Arc::clone(&house.alerts));
        let queue = ReviewQueue::new(Arc::new(Joined::new(
            Arc::clone(&house.store) as Arc<dyn CaseStore>,
            log,
            alerts,
        )));
        let jo = Actor::new(&face.caller(), "Jo Doe");
        let other = Release::default().with_code("Client/1000");
        assert_eq!(queue.release(&other, &jo).await.unwrap(), 0);
        let code = house.cases().await[0].last_trace.as_ref().unwrap().code.clone().unwrap();
        let release = Release::default().with_code(code);
        assert_eq!(queue.release(&release, &jo).await.unwrap(), CASES as u64);
        assert_eq!(queue.release(&release, &jo).await.unwrap(), 0, "twice is once");

        let changed = Filter::new().with_kind(EventKind::CaseChanged);
        let events = house.audit.page(&changed, 0, 1_000).await.unwrap();
        let action = ("action".to_owned(), "released".to_owned());
        let released: Vec<_> =
            events.iter().filter(|event| event.details.contains(&action)).collect();
        assert_eq!(released.len(), CASES);
        assert!(released.iter().all(|event| event.actor.name() == "Jo Doe"));
        for case in house.cases().await {
            assert!(case.review.iter().all(|item| item.state == ReviewState::Resolved));
        }
        let report = house.pass(TimeDelta::zero()).await;
        assert_eq!(count(&report, TraceResult::None), CASES as u64);
    }
}
