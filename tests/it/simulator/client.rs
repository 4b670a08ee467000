//! The library's client and the simulator agree, although each reads the messages in its own way.

use super::message::simulate;
use nhs_pds::clock::FixedClock;
use nhs_pds::smsp::{Client, Config};
use nhs_pds::trace::{
    Caller, FetchDetails, FindPerson, LocalIdentifier, LocalIdentity, Outcome, VerifyNumber,
};
use nhs_pds_simulator::{Fault, Register, Sensitivity, When};
use std::sync::Arc;

fn us() -> LocalIdentity {
    LocalIdentity::new("ZZ999".parse().unwrap(), "worker").unwrap()
}

fn client(simulator: nhs_pds_simulator::Simulator) -> Client {
    let config = Config::new("https://smsp.example/smsp/pds".parse().unwrap(), us());
    let clock = FixedClock::at("2026-11-23T09:30:00Z".parse().unwrap());
    Client::new(config, Arc::new(simulator)).with_clock(Arc::new(clock))
}

#[tokio::test]
async fn every_person_of_a_seed_is_queried() {
    let register = Register::from_seed(4, 400);
    let client = client(simulate(register.clone()));
    let caller = Caller::System(us());
    for person in &register {
        let born = person.birth.full().unwrap();
        let question: VerifyNumber = VerifyNumber::new(person.nhs_number, born);
        let verified = client.verify_nhs_number(&caller, &question).await.unwrap().outcome;
        let question: FetchDetails = FetchDetails::new(person.nhs_number, born)
            .with_local_identifier(LocalIdentifier::new("1.2.3", "CASE77").unwrap());
        let fetched = client.get_patient_details_by_nhs_number(&caller, &question).await;
        match (verified, fetched.unwrap().outcome) {
            (Outcome::Found(_), Outcome::Found(details)) => {
                assert_eq!(details.nhs_number, person.nhs_number);
                assert!(details.local_identifier.is_some());
                let recorded = details.person.unwrap();
                let name = recorded.name.as_ref().unwrap();
                assert_eq!(name.family.known(), Some(&person.family));
                assert_eq!(name.given.first(), Some(&person.given));
                assert_eq!(recorded.date_of_birth.known(), Some(&person.birth));
                assert_eq!(recorded.date_of_death.known().copied(), person.death);
                let restricted = person.sensitivity == Sensitivity::Restricted;
                assert_eq!(recorded.addresses.is_empty(), restricted);
                assert!(restricted || recorded.telecoms.len() == person.telecoms.len());
            }
            (Outcome::Superseded { .. }, Outcome::Superseded { by, .. }) => {
                assert_eq!(by, person.superseded_by);
            }
            (Outcome::Invalidated, Outcome::Invalidated) => {
                assert_eq!(person.sensitivity, Sensitivity::Invalidated);
            }
            (verified, fetched) => panic!("{} and {}", verified.as_str(), fetched.as_str()),
        }
    }
}

#[tokio::test]
async fn searches_find_and_fail() {
    let register = Register::from_seed(4, 400);
    let person = register
        .iter()
        .find(|person| register.born(&person.family, person.birth).count() == 1)
        .unwrap();
    let simulator = simulate(register.clone());
    let client = client(simulator.clone());
    let caller = Caller::System(us());
    let question: FindPerson = FindPerson::new(
        person.family.parse().unwrap(),
        person.gender,
        person.birth.full().unwrap(),
    )
    .with_given(person.given.parse().unwrap())
    .with_postcode(person.postcode.parse().unwrap());
    let found = client.get_nhs_number(&caller, &question).await.unwrap().outcome;
    let Outcome::Found(found) = found else { panic!("{}", found.as_str()) };
    assert_eq!(found.nhs_number, person.nhs_number);

    for fault in [
        Fault::code("SMSP-0004"),
        Fault::soap("soap:Server", "2100"),
        Fault::Http { status: http::StatusCode::BAD_GATEWAY, body: "<html>".into() },
        Fault::Garbage,
        Fault::Cut,
        Fault::CutHalfWay,
    ] {
        simulator.add_fault(When::Next(1), fault.clone());
        let failed = client.get_nhs_number(&caller, &question).await;
        assert!(failed.is_err(), "{fault:?}");
    }
    assert!(client.get_nhs_number(&caller, &question).await.is_ok());
}

#[tokio::test]
async fn of_the_very_restricted_the_client_reads_the_number() {
    let born = "1970-07-08".parse().unwrap();
    let number = nhs_pds::nhs_number::NhsNumber::constant(9_000_000_017);
    let client = client(super::message::simulator());
    let question: FetchDetails = FetchDetails::new(number, born);
    let caller = Caller::System(us());
    let answer = client.get_patient_details_by_nhs_number(&caller, &question).await.unwrap();
    let Outcome::Found(details) = answer.outcome else { panic!("{}", answer.outcome.as_str()) };
    assert_eq!(details.nhs_number, number);
    let recorded = details.person.unwrap();
    assert!(recorded.name.is_none() && recorded.date_of_birth.known().is_none());
    assert!(recorded.addresses.is_empty() && recorded.telecoms.is_empty());
}
