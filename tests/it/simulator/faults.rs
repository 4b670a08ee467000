//! Faults that a test chooses.

use super::message::{
    Answer, ask, birth, gender, local, message, name, number, request, simulator,
};
use http::StatusCode;
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::transport::{ErrorKind, Transport};
use nhs_pds_simulator::{Fault, FaultMix, Share, When};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
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
async fn delays_are_added_to_faults() {
    let simulator = simulator();
    simulator.add_fault(When::Next(1), Fault::Delay(Duration::from_secs(30)));
    simulator.add_fault(When::Next(1), Fault::code("SMSP-9999"));
    let begun = tokio::time::Instant::now();
    let answer = ask(&simulator, GET, &parameters()).await;
    assert_eq!(answer.code(), "SMSP-9999");
    assert_eq!(begun.elapsed(), Duration::from_secs(30));
}

#[tokio::test(start_paused = true)]
async fn requests_about_people_without_an_answer_of_their_own() {
    let simulator = simulator();
    let second = Duration::from_secs(1);
    simulator.add_fault(When::NoOwnAnswer, Fault::Delay(second));
    let busy = [birth("19720909"), gender("2"), name("", "Busy")];
    for (parameters, code, late) in
        [(&busy, "SMSP-0004", Duration::ZERO), (&parameters(), "SMSP-0000", second)]
    {
        let begun = tokio::time::Instant::now();
        assert_eq!(ask(&simulator, GET, parameters).await.code(), code);
        assert_eq!(begun.elapsed(), late, "{code}");
    }
}

/// Keeps what is written to it.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn each_answer_is_logged_once_it_is_sent() {
    let written = Written::default();
    let simulator = simulator().with_log(written.clone());
    let lines = || String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    simulator.add_fault(When::Next(1), Fault::Cut);
    assert!(simulator.send(request(GET, message(GET, &parameters()))).await.is_err());
    simulator.add_fault(When::Next(1), Fault::CutHalfWay);
    assert!(simulator.send(request(GET, message(GET, &parameters()))).await.is_err());
    assert_eq!(lines(), "", "no answer was sent");

    simulator.add_fault(When::Next(1), Fault::Delay(Duration::from_secs(1)));
    let asked = parameters();
    let asking = ask(&simulator, GET, &asked);
    assert!(tokio::time::timeout(Duration::from_millis(999), asking).await.is_err());
    assert_eq!(lines(), "", "the answer was not sent yet");
    simulator.clear_faults();
    ask(&simulator, GET, &parameters()).await;
    simulator.add_fault(When::Next(1), Fault::soap("soap:Server", "2100"));
    ask(&simulator, GET, &parameters()).await;
    simulator.send(request(GET, "<hello/>".to_owned())).await.unwrap();
    let (at, id) = ("1795426500000000", "B72F7785-534C-11E6-ADCA-29C651A3BE6F");
    let expected = format!("{at} {at} {id} SMSP-0000\n{at} {at} {id} 2100\n{at} {at} - 1000\n");
    assert_eq!(lines(), expected);
}

#[tokio::test]
async fn other_people_from_one_request_to_the_next() {
    let simulator = simulator();
    simulator.clone().set_register(nhs_pds_simulator::Register::default());
    let response = simulator.send(request(GET, message(GET, &parameters()))).await.unwrap();
    assert_eq!(Answer::of(&response).code(), "DEMOG-0001");
}

/// A query by Ainsley's demographic fields, for one of many cases.
fn of_case(case: usize) -> [String; 4] {
    let [birth, gender, name] = parameters();
    [birth, gender, local(&format!("C{case}")), name]
}

/// The faults of each of 500 cases at the first and second attempt, queried in this order.
async fn met(seed: u64, cases: impl Iterator<Item = usize>) -> BTreeMap<usize, Vec<String>> {
    let simulator = simulator();
    simulator.set_fault_mix(Some(FaultMix::soak(seed, Duration::from_millis(250))));
    let mut met: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for case in cases {
        let sent = simulator.send(request(GET, message(GET, &of_case(case)))).await;
        let what = match sent {
            Err(error) => error.kind().to_string(),
            Ok(response) if response.status() != StatusCode::OK => response.status().to_string(),
            Ok(response) if std::str::from_utf8(response.body().expose()).is_err() => {
                "garbage".to_owned()
            }
            Ok(response) => Answer::of(&response).code().to_owned(),
        };
        met.entry(case).or_default().push(what);
    }
    met
}

#[tokio::test(start_paused = true)]
async fn a_mix_does_not_depend_on_the_order_of_people() {
    let forward = met(7, (0..500).chain(0..500)).await;
    let backward = met(7, (0..500).rev().flat_map(|case| [case, case])).await;
    assert_eq!(forward, backward);
    assert_ne!(forward, met(8, (0..500).chain(0..500)).await);
    let seen: BTreeSet<&str> = forward.values().flatten().map(String::as_str).collect();
    for what in ["503 Service Unavailable", "garbage", "SMSP-0004", "SMSP-9999", "DEMOG-9999"] {
        assert!(seen.contains(what), "{what}");
    }
    let failed = |attempts: &&Vec<String>| attempts[0] != "SMSP-0000";
    let mended = |attempts: &&Vec<String>| attempts[1] == "SMSP-0000";
    let first = forward.values().filter(failed).count();
    assert!((16..=64).contains(&first), "about 40 of 500, and not {first}");
    assert!(forward.values().filter(failed).filter(mended).count() * 10 > first * 8);
}

#[tokio::test(start_paused = true)]
async fn searches_without_a_match_have_a_mix_of_their_own() {
    let simulator = simulator();
    let share = Share::per_cent(50).unwrap();
    simulator.set_fault_mix(Some(FaultMix::new(7).with(share, Fault::code("SMSP-9999")).unwrap()));
    let mut codes = BTreeMap::new();
    for day in 1..=28 {
        let absent = [birth(&format!("195001{day:02}")), gender("2"), name("", "Nobody")];
        *codes.entry(ask(&simulator, GET, &absent).await.code().to_owned()).or_insert(0) += 1;
    }
    assert!(codes["SMSP-9999"] > 5 && codes["DEMOG-0001"] > 5, "{codes:?}");
    assert_eq!(simulator.injected(), [(Fault::code("SMSP-9999"), codes["SMSP-9999"])]);
}

#[tokio::test(start_paused = true)]
async fn chosen_faults_come_before_a_mix() {
    let simulator = simulator();
    let all = |fault| FaultMix::new(7).with(Share::WHOLE, fault).unwrap();
    simulator.set_fault_mix(Some(all(Fault::code("SMSP-9999"))));
    simulator.add_fault(When::Next(1), Fault::code("SMSP-0004"));
    assert_eq!(ask(&simulator, GET, &parameters()).await.code(), "SMSP-0004");
    assert_eq!(simulator.injected(), [(Fault::code("SMSP-9999"), 0)]);
    assert_eq!(ask(&simulator, GET, &parameters()).await.code(), "SMSP-9999");
    assert_eq!(simulator.injected(), [(Fault::code("SMSP-9999"), 1)]);

    let second = Duration::from_secs(1);
    simulator.set_fault_mix(Some(all(Fault::Delay(second))));
    simulator.add_fault(When::Next(1), Fault::Delay(second));
    simulator.add_fault(When::Next(1), Fault::code("SMSP-0004"));
    let begun = tokio::time::Instant::now();
    assert_eq!(ask(&simulator, GET, &parameters()).await.code(), "SMSP-0004");
    assert_eq!(begun.elapsed(), 2 * second);

    simulator.set_fault_mix(None);
    assert_eq!(simulator.injected(), []);
    assert_eq!(ask(&simulator, GET, &parameters()).await.code(), "SMSP-0000");
}

#[tokio::test]
async fn a_mix_applies_to_queries_only() {
    let simulator = simulator();
    simulator.set_fault_mix(Some(FaultMix::new(7).with(Share::WHOLE, Fault::Cut).unwrap()));
    let answer = simulator.send(request(GET, "<hello/>".to_owned())).await.unwrap();
    assert_eq!(answer.status(), 500);
    assert_eq!(ask(&simulator, GET, &parameters()[..2]).await.code(), "SMSP-0001");
    assert_eq!(simulator.injected(), [(Fault::Cut, 0)]);
}
