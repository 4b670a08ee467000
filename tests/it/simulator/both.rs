//! The library's clients of both services query one simulator about the same people: four readings of the
//! messages, none of which shares code with another.

use super::fhir::ask::BASE;
use super::fhir::jwt::{CLIENT, TOKEN_URL, application};
use super::message::simulate;
use nhs_pds::clock::FixedClock;
use nhs_pds::demographics::Demographics;
use nhs_pds::fhir::auth::{ApplicationTokens, SigningKey, TokenConfig};
use nhs_pds::ids::RandomIds;
use nhs_pds::secret::Secret;
use nhs_pds::trace::{
    Caller, FetchDetails, FindPerson, LocalIdentity, MessageId, Outcome, Question, Restriction,
    Tracer, VerifyNumber,
};
use nhs_pds::{fhir, smsp};
use nhs_pds_simulator::{Person, Register, Simulator};
use std::sync::Arc;

fn us() -> LocalIdentity {
    LocalIdentity::new("ZZ999".parse().unwrap(), "worker").unwrap()
}

/// A client of each service.
fn clients(simulator: &Simulator) -> [Box<dyn Tracer>; 2] {
    let clock = || Arc::new(FixedClock::at("2026-11-23T09:35:00Z".parse().unwrap()));
    let old = smsp::Config::new("https://smsp.example/smsp/pds".parse().unwrap(), us());
    let old = smsp::Client::new(old, Arc::new(simulator.clone())).with_clock(clock());
    let pem = format!("{}/tests/data/fhir/client-a.pem", env!("CARGO_MANIFEST_DIR"));
    let pem = Secret::new(std::fs::read(pem).unwrap());
    let key = SigningKey::from_pem("test-1".parse().unwrap(), &pem).unwrap();
    let tokens = TokenConfig::new(TOKEN_URL.parse().unwrap(), CLIENT.parse().unwrap());
    let tokens =
        ApplicationTokens::new(tokens, key, Arc::new(simulator.clone())).with_clock(clock());
    let new = fhir::Config::new(BASE.parse().unwrap());
    let new = fhir::Client::application_restricted(new, tokens, Arc::new(simulator.clone()))
        .with_clock(clock());
    [Box::new(old), Box::new(new)]
}

/// The answer of each service.
async fn ask(clients: &[Box<dyn Tracer>; 2], question: &Question) -> [Outcome; 2] {
    let caller = Caller::System(us());
    let [old, new] = clients;
    let id = || MessageId::fresh(&RandomIds);
    let old = old.trace(&caller, question, id()).await.unwrap().outcome;
    let new = new.trace(&caller, question, id()).await.unwrap().outcome;
    [old, new]
}

fn number(outcome: &Outcome) -> Option<nhs_pds::nhs_number::NhsNumber> {
    match outcome {
        Outcome::Found(found) => Some(found.nhs_number),
        Outcome::Superseded { by, .. } => *by,
        _ => None,
    }
}

/// The fields that both services return.
fn particulars(recorded: &Demographics) -> String {
    let name =
        recorded.name.as_ref().map(|name| (name.family.known().cloned(), name.given.clone()));
    let postcodes: Vec<_> = recorded
        .addresses
        .iter()
        .map(|address| address.postcode.known().map(ToString::to_string))
        .collect();
    let telecoms: Vec<_> = recorded
        .telecoms
        .iter()
        .map(|telecom| {
            let usage = telecom.usage.as_ref().map(ToString::to_string);
            (usage, telecom.value.known().cloned())
        })
        .collect();
    let practice = recorded.gp_practice.as_ref().map(|practice| practice.ods_code.known().cloned());
    format!(
        "{name:?} {:?} {:?} {:?} {postcodes:?} {practice:?} {telecoms:?}",
        recorded.gender.known().map(|gender| gender.code()),
        recorded.date_of_birth.known().map(ToString::to_string),
        recorded.date_of_death.known().map(ToString::to_string),
    )
}

fn find(person: &Person) -> FindPerson {
    let born = person.birth.full().unwrap();
    FindPerson::new(person.family.parse().unwrap(), person.gender, born)
        .with_given(person.given.parse().unwrap())
}

/// A name is sent in one form, however it was typed, and the person is found by it.
#[tokio::test]
async fn both_services_find_a_name_in_any_typing() {
    let mut person = Register::from_seed(4, 1).iter().next().unwrap().clone();
    (person.family, person.given) = ("O'BRIEN-SMITH".into(), "ZOË".into());
    let mut register = Register::default();
    register.insert(person.clone()).unwrap();
    let simulator = simulate(register).with_application(application());
    let clients = clients(&simulator);
    let born = person.birth.full().unwrap();
    for (family, given) in [
        ("O'Brien-Smith", "Zoë"),
        ("O\u{2019}Brien\u{2010}Smith", "Zoe\u{308}"),
        (" O\u{2BC}Brien\u{2013}Smith\u{200B}", "\u{202A}zoë\u{A0}"),
    ] {
        let question = FindPerson::new(family.parse().unwrap(), person.gender, born)
            .with_given(given.parse().unwrap());
        for outcome in ask(&clients, &Question::Find(question)).await {
            assert_eq!(number(&outcome), Some(person.nhs_number), "{family:?} {given:?}");
        }
        let question = VerifyNumber::new(person.nhs_number, born)
            .with_family(family.parse().unwrap())
            .with_given(given.parse().unwrap());
        for outcome in ask(&clients, &Question::Verify(question)).await {
            assert_eq!(outcome.as_str(), "found", "{family:?} {given:?}");
        }
    }
}

#[tokio::test]
async fn both_services_agree_on_every_person() {
    let register = Register::from_seed(4, 400);
    let simulator = simulate(register.clone()).with_application(application());
    let clients = clients(&simulator);
    for person in &register {
        let born = person.birth.full().unwrap();
        let verify = Question::Verify(VerifyNumber::new(person.nhs_number, born));
        let [old, new] = ask(&clients, &verify).await;
        assert_eq!((old.as_str(), number(&old)), (new.as_str(), number(&new)));

        let fetch = Question::Fetch(FetchDetails::new(person.nhs_number, born));
        let [old, new] = ask(&clients, &fetch).await;
        assert_eq!((old.as_str(), number(&old)), (new.as_str(), number(&new)));
        if let (Outcome::Found(old), Outcome::Found(new)) = (&old, &new) {
            let [one, other] = [old, new].map(|found| particulars(found.person.as_ref().unwrap()));
            assert_eq!(one, other);
            assert_eq!(new.record_version.as_deref(), Some("1"));
            assert_ne!(new.restriction, Restriction::NotStated);
        }

        let [old, new] = ask(&clients, &Question::Find(find(person))).await;
        match old {
            // A search of the FHIR API does not return records that belong to no person any more.
            Outcome::Superseded { .. } | Outcome::Invalidated => assert_eq!(new.as_str(), "none"),
            old => assert_eq!((old.as_str(), number(&old)), (new.as_str(), number(&new))),
        }
    }
    assert_eq!(simulator.token_count(), 1);
    assert_eq!(simulator.request_count(), 2 * 3 * 400);
}
