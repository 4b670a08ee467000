//! The API's headers in the worker's audit trail.

use crate::fhir::{bundle, headers, issue, patient, response, us};
use crate::support::one_question;
use nhs_pds::audit::{Actor, AuditLog, Event, EventKind, Filter, MemoryLog};
use nhs_pds::case::{Allocation, Case, CaseStore, MemoryStore, RecordType};
use nhs_pds::demographics::Gender;
use nhs_pds::fhir::{Client, Config, Environment};
use nhs_pds::process::alert::MemoryAlerts;
use nhs_pds::process::store::Joined;
use nhs_pds::process::{RefreshEvent, Settings, Worker};
use nhs_pds::resilience::{Retry, RetryPolicy};
use nhs_pds::transport::{self, Scripted};
use std::sync::Arc;

fn case(id: &str) -> Case {
    let mut case = Case::new(id.parse().unwrap(), RecordType::AdultCase);
    case.surname = Some("Smith".into());
    case.date_of_birth = Some("2010-10-22".parse().unwrap());
    case.gender = Some(Gender::Female);
    case.allocations = vec![Allocation::new("A Worker")];
    case
}

fn detail<'a>(event: &'a Event, name: &str) -> Option<&'a str> {
    event.details.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// A failure, its retry, a damaged response and an attended query: each has its identifiers in the trail.
#[tokio::test(start_paused = true)]
async fn every_response_is_audited_with_its_request_ids() {
    let damaged = response(200, "{").with_headers(headers(&[("x-request-id", "?")]));
    let transport = Arc::new(Scripted::new([
        Err(transport::Error::new(transport::ErrorKind::Timeout)),
        Ok(response(503, issue("SERVICE_UNAVAILABLE"))),
        Ok(response(200, bundle(&[(1.0, patient("9000000009"))]))),
        Ok(damaged),
        Ok(response(200, bundle(&[]))),
    ]));
    let client = Client::open(Config::of(Environment::Sandbox), Arc::<Scripted>::clone(&transport));
    let store = Arc::new(MemoryStore::new());
    store.insert_all(vec![case("1")]).await.unwrap();
    let (audit, alerts) = (Arc::new(MemoryLog::new()), Arc::new(MemoryAlerts::default()));
    let worker = Worker::new(
        Arc::new(client),
        Arc::new(Joined::new(
            Arc::<MemoryStore>::clone(&store),
            Arc::<MemoryLog>::clone(&audit),
            alerts,
        )),
        Settings::new(us())
            .with_policy(one_question())
            .with_retry(Retry::new(RetryPolicy::default())),
    );
    worker.run_once(&mut |_| ()).await.unwrap();
    store.insert_all(vec![case("2")]).await.unwrap();
    worker.run_once(&mut |_| ()).await.unwrap();
    let by = worker.on_behalf_of(us(), Actor::new(&us(), "Jane Doe"));
    by.refresh(&"2".parse().unwrap(), RefreshEvent::OnRequest).await.unwrap();

    let events = audit.page(&Filter::new(), 0, 100).await.unwrap();
    let came = events.iter().filter(|event| event.kind == EventKind::MessageReceived);
    let came: Vec<_> = came.collect();
    assert_eq!((came.len(), transport.sent().len()), (5, 5));
    for (event, sent) in came.iter().zip(transport.sent()) {
        let header = |name: &str| sent.headers().get(name).map(|it| it.to_str().unwrap());
        assert!(header("x-request-id").is_some());
        for name in ["X-Request-ID", "X-Correlation-ID", "NHSD-End-User-Organisation-ODS"] {
            assert_eq!(detail(event, name), header(&name.to_lowercase()), "{name}");
        }
        let attempt = detail(event, "X-Correlation-ID").unwrap().to_uppercase();
        assert_eq!(event.message_id.as_deref(), Some(attempt.as_str()));
    }
    let request = |place: usize| detail(came[place], "X-Request-ID");
    assert_eq!((request(0), request(1)), (request(1), request(2)), "a repeat is the same request");
    for came in &came {
        let is = |out: &&Event| out.message_id == came.message_id;
        let mut sent = events.iter().filter(|it| it.kind == EventKind::MessageSent);
        let out = sent.find(is).unwrap();
        let repeats = detail(came, "X-Request-ID").map(str::to_uppercase);
        let repeats = repeats.filter(|request| out.message_id.as_ref() != Some(request));
        assert_eq!(detail(out, "request"), repeats.as_deref(), "before it is sent");
    }
    assert_ne!(request(2), request(3));
    assert_ne!(request(3), request(4));
}
