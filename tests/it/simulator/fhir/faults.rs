//! Faults that a test chooses, and the equivalents of SMSP's codes.

use super::ask::{Answer, ask, find, get, people, simulate, simulator};
use http::StatusCode;
use http::header::{HeaderValue, RETRY_AFTER};
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::transport::{ErrorKind, Transport};
use nhs_pds_simulator::{Fault, FaultMix, Register, Simulator, When};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const ROSE: &str = "/Patient/9449304424";
const QUERY: &str = "family=Ainsley&birthdate=1943-05-19";

/// The responses by number and by search.
#[derive(Debug, Eq, PartialEq)]
enum Shape {
    Truth,
    NoMatch,
    Error(u16, String),
}

fn shape(answer: &Answer) -> Shape {
    if answer.json["resourceType"] == "OperationOutcome" {
        let (status, code) = answer.error();
        return match code {
            "RESOURCE_NOT_FOUND" => Shape::NoMatch,
            code => Shape::Error(status, code.into()),
        };
    }
    assert_eq!(answer.status, 200);
    if answer.json["total"] == 0 { Shape::NoMatch } else { Shape::Truth }
}

/// The code, and the responses by number and by search.
fn table() -> Vec<(&'static str, Shape, Shape)> {
    let error = |status, code: &str| Shape::Error(status, code.into());
    let both = |code, status, other| (code, error(status, other), error(status, other));
    vec![
        ("SMSP-0000", Shape::Truth, Shape::Truth),
        ("SMSP-0003", Shape::Truth, Shape::Truth),
        ("DEMOG-0001", Shape::NoMatch, Shape::NoMatch),
        ("DEMOG-0040", Shape::NoMatch, Shape::NoMatch),
        ("DEMOG-0017", error(404, "INVALIDATED_RESOURCE"), Shape::NoMatch),
        ("DEMOG-0022", error(404, "INVALIDATED_RESOURCE"), Shape::NoMatch),
        ("DEMOG-0042", error(400, "INVALID_RESOURCE_ID"), Shape::NoMatch),
        ("DEMOG-0007", Shape::Truth, error(200, "TOO_MANY_MATCHES")),
        ("TOO_MANY_MATCHES", Shape::Truth, error(200, "TOO_MANY_MATCHES")),
        ("MULTIPLE_MATCHES", Shape::Truth, error(200, "MULTIPLE_MATCHES")),
        ("SMSP-0001", error(400, "INVALID_VALUE"), error(400, "INVALID_SEARCH_DATA")),
        both("SMSP-0002", 500, "UNKNOWN_ERROR"),
        both("SMSP-0004", 408, "UNABLE_TO_CALL_SERVICE"),
        both("SMSP-0005", 401, "ACCESS_DENIED"),
        both("SMSP-9999", 500, "UNKNOWN_ERROR"),
        both("DEMOG-9999", 500, "UNKNOWN_ERROR"),
        both("CPIS-0001", 500, "UNKNOWN_ERROR"),
        both("UNABLE_TO_CALL_SERVICE", 408, "UNABLE_TO_CALL_SERVICE"),
        both("TOO_MANY_REQUESTS", 429, "TOO_MANY_REQUESTS"),
        both("UNKNOWN_ERROR", 500, "UNKNOWN_ERROR"),
        both("SERVICE_UNAVAILABLE", 503, "SERVICE_UNAVAILABLE"),
        both("INVALIDATED_RESOURCE", 404, "INVALIDATED_RESOURCE"),
        both("ACCESS_DENIED", 401, "ACCESS_DENIED"),
        both("SOMETHING_NEW", 400, "SOMETHING_NEW"),
    ]
}

#[tokio::test]
async fn codes_of_either_service() {
    for (code, by_number, by_search) in table() {
        let simulator = simulator();
        simulator.add_fault(When::Always, Fault::code(code));
        assert_eq!(shape(&ask(&simulator, ROSE).await), by_number, "{code}");
        assert_eq!(shape(&find(&simulator, QUERY).await), by_search, "{code}");
    }
}

#[tokio::test]
async fn the_code_that_a_person_answers_by() {
    for (code, by_number, by_search) in table() {
        let mut register = Register::default();
        for person in &people() {
            let mut person = person.clone();
            person.answer = (person.family == "Ainsley").then(|| code.into());
            register.insert(person).unwrap();
        }
        let simulator = simulate(register);
        assert_eq!(shape(&ask(&simulator, ROSE).await), by_number, "{code}");
        assert_eq!(shape(&find(&simulator, QUERY).await), by_search, "{code}");
        assert_eq!(ask(&simulator, "/Patient/9449305552").await.status, 200);
    }
}

#[tokio::test]
async fn retry_after_headers() {
    let simulator = simulator();
    simulator.add_fault(When::Next(1), Fault::code("SERVICE_UNAVAILABLE"));
    let answer = ask(&simulator, ROSE).await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, "5"));
    assert!(!answer.header("x-request-id").is_empty());
    simulator.add_fault(When::Next(1), Fault::code("TOO_MANY_REQUESTS"));
    let answer = ask(&simulator, ROSE).await;
    assert_eq!((answer.status, answer.header("retry-after")), (429, ""));
    let busy = Fault::code("TOO_MANY_REQUESTS");
    let busy = busy.with_header(RETRY_AFTER, HeaderValue::from_static("2"));
    simulator.add_fault(When::Next(1), busy);
    let answer = ask(&simulator, ROSE).await;
    assert_eq!((answer.status, answer.header("retry-after")), (429, "2"));
}

#[tokio::test(start_paused = true)]
async fn other_answers() {
    let simulator = simulator();
    let page = Fault::Http { status: StatusCode::BAD_GATEWAY, body: "<html>proxy".into() };
    simulator.add_fault(When::Next(1), page);
    let answer = ask(&simulator, ROSE).await;
    assert_eq!((answer.status, answer.content_type()), (502, "text/html"));
    simulator.add_fault(When::Next(1), Fault::Garbage);
    let answer = ask(&simulator, ROSE).await;
    assert_eq!((answer.status, answer.content_type()), (200, "application/fhir+json"));
    assert!(std::str::from_utf8(answer.response.body().expose()).is_err());
    simulator.add_fault(When::Next(1), Fault::soap("soap:Server", "2100"));
    assert_eq!(ask(&simulator, ROSE).await.error(), (500, "UNKNOWN_ERROR"));
    simulator.add_fault(When::Next(1), Fault::Cut);
    let cut = simulator.send(get(ROSE)).await.unwrap_err();
    assert_eq!(cut.kind(), ErrorKind::Interrupted);
    let late = Fault::Delay(Duration::from_secs(30))
        .with_header(RETRY_AFTER, HeaderValue::from_static("1"));
    simulator.add_fault(When::Next(1), late);
    let begun = tokio::time::Instant::now();
    let answer = ask(&simulator, ROSE).await;
    assert_eq!((answer.status, answer.header("retry-after")), (200, "1"));
    assert_eq!(begun.elapsed(), Duration::from_secs(30));
}

#[tokio::test]
async fn requests_about_one_person() {
    let simulator = simulator();
    let rose = NhsNumber::constant(9_449_304_424);
    simulator.add_fault(When::About(rose), Fault::code("UNKNOWN_ERROR"));
    assert_eq!(ask(&simulator, ROSE).await.status, 500);
    assert_eq!(ask(&simulator, &format!("{ROSE}/RelatedPerson")).await.status, 500);
    assert_eq!(find(&simulator, QUERY).await.status, 500);
    assert_eq!(find(&simulator, "family=Twinn&birthdate=1980-09-20").await.status, 200);
}

/// The faults of every person of a seed at two attempts, queried in this order.
async fn met(people: impl Iterator<Item = &NhsNumber>) -> BTreeMap<NhsNumber, Vec<String>> {
    let simulator = simulate(Register::from_seed(4, 400));
    simulator.set_fault_mix(Some(FaultMix::soak(7, Duration::from_millis(250))));
    let mut met: BTreeMap<NhsNumber, Vec<String>> = BTreeMap::new();
    for number in people {
        let path = format!("/Patient/{}", number.digits().as_str());
        let what = match simulator.send(get(&path)).await {
            Err(error) => error.kind().to_string(),
            Ok(response) => {
                let garbage = std::str::from_utf8(response.body().expose()).is_err();
                format!("{} {garbage}", response.status().as_u16())
            }
        };
        met.entry(*number).or_default().push(what);
    }
    met
}

#[tokio::test(start_paused = true)]
async fn a_mix_does_not_depend_on_the_order_of_people() {
    let register = Register::from_seed(4, 400);
    let numbers: Vec<NhsNumber> = register.iter().map(|person| person.nhs_number).collect();
    let forward = met(numbers.iter().chain(&numbers)).await;
    let backward = met(numbers.iter().rev().flat_map(|number| [number, number])).await;
    assert_eq!(forward, backward);
    let seen: BTreeSet<&str> = forward.values().flatten().map(String::as_str).collect();
    for what in ["200 false", "200 true", "408 false", "500 false", "503 false"] {
        assert!(seen.contains(what), "{what} in {seen:?}");
    }
}

#[tokio::test]
async fn a_mix_applies_to_queries_only() {
    let simulator: Simulator = simulator();
    let mix = FaultMix::new(1)
        .with(nhs_pds_simulator::Share::WHOLE, Fault::code("UNKNOWN_ERROR"))
        .unwrap();
    simulator.set_fault_mix(Some(mix));
    assert_eq!(ask(&simulator, "/Elsewhere").await.status, 400);
    assert_eq!(find(&simulator, "family=Ainsley").await.status, 400);
    assert_eq!(ask(&simulator, ROSE).await.status, 500);
    assert_eq!(find(&simulator, "family=Nobody&birthdate=1943-05-19").await.status, 500);
    assert_eq!(simulator.injected(), [(Fault::code("UNKNOWN_ERROR"), 2)]);
}
