//! What goes wrong when it is told to.

use super::message::{Answer, ask, birth, gender, message, name, number, request, simulator};
use http::StatusCode;
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::simulator::{Fault, When};
use nhs_pds::transport::{ErrorKind, Transport};
use std::time::Duration;

const GET: &str = "getNHSNumber";
const AINSLEY: NhsNumber = NhsNumber::constant(9_449_304_424);

fn parameters() -> [String; 3] {
    [birth("19430519"), gender("2"), name("", "Ainsley")]
}

#[tokio::test]
async fn the_next_requests() {
    let simulator = simulator();
    simulator.add_fault(When::Next(2), Fault::code("SMSP-0004"));
    simulator.add_fault(When::Next(1), Fault::code("CPIS-0001"));
    let mut codes = Vec::new();
    for _ in 0..4 {
        codes.push(ask(&simulator, GET, &parameters()).await.code().to_owned());
    }
    assert_eq!(codes, ["SMSP-0004", "SMSP-0004", "CPIS-0001", "SMSP-0000"]);
    assert_eq!(simulator.request_count(), 4);
    assert_eq!(simulator.received().len(), 4);
}

#[tokio::test]
async fn every_request_until_cleared() {
    let simulator = simulator();
    simulator.add_fault(When::Always, Fault::soap("soap:Server", "2100"));
    for _ in 0..3 {
        let answer = ask(&simulator, GET, &parameters()).await;
        assert_eq!(answer.status, 500);
        assert!(answer.has("soap:Server") && answer.has(">2100</itk:ErrorCode>"));
    }
    simulator.clear_faults();
    assert_eq!(ask(&simulator, GET, &parameters()).await.code(), "SMSP-0000");
}

#[tokio::test]
async fn requests_about_one_person() {
    let simulator = simulator();
    simulator.add_fault(When::About(AINSLEY), Fault::code("DEMOG-9999"));
    assert_eq!(ask(&simulator, GET, &parameters()).await.code(), "DEMOG-9999");
    let named = [birth("19430519"), number("9449304424")];
    assert_eq!(ask(&simulator, "verifyNHSNumber", &named).await.code(), "DEMOG-9999");
    let other = [birth("19600606"), gender("2"), name("", "Gone")];
    assert_eq!(ask(&simulator, GET, &other).await.code(), "DEMOG-0022");
    assert!(!format!("{simulator:?}").contains("944"));
}

#[tokio::test]
async fn other_answers() {
    let simulator = simulator();
    let page = Fault::Http { status: StatusCode::BAD_GATEWAY, body: "<html>proxy".into() };
    simulator.add_fault(When::Next(1), page);
    let answer = ask(&simulator, GET, &parameters()).await;
    assert_eq!((answer.status, answer.body.as_str()), (502, "<html>proxy"));

    simulator.add_fault(When::Next(1), Fault::Garbage);
    let response = simulator.send(request(GET, message(GET, &parameters()))).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert!(std::str::from_utf8(response.body().expose()).is_err());
}

#[tokio::test]
async fn cut_connections() {
    let simulator = simulator();
    for fault in [Fault::Cut, Fault::CutHalfWay] {
        simulator.add_fault(When::Next(1), fault);
        let sent = simulator.send(request(GET, message(GET, &parameters()))).await;
        assert_eq!(sent.unwrap_err().kind(), ErrorKind::Interrupted);
    }
}

#[tokio::test(start_paused = true)]
async fn delays_come_on_top() {
    let simulator = simulator();
    simulator.add_fault(When::Next(1), Fault::Delay(Duration::from_secs(30)));
    simulator.add_fault(When::Next(1), Fault::code("SMSP-9999"));
    let begun = tokio::time::Instant::now();
    let answer = ask(&simulator, GET, &parameters()).await;
    assert_eq!(answer.code(), "SMSP-9999");
    assert_eq!(begun.elapsed(), Duration::from_secs(30));
}

#[tokio::test]
async fn other_people_from_one_request_to_the_next() {
    let simulator = simulator();
    simulator.clone().set_register(nhs_pds::simulator::Register::default());
    let response = simulator.send(request(GET, message(GET, &parameters()))).await.unwrap();
    assert_eq!(Answer::of(&response).code(), "DEMOG-0001");
}
