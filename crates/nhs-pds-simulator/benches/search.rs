//! Searches per second of the simulator with 100,000 people, of whom a third have former names and homes.
//!
//! `cargo bench -p nhs-pds-simulator --bench search`. The names are drawn from about 200, so each search looks
//! at more namesakes than in a real register of this size.
#![expect(clippy::unwrap_used, reason = "a bench")]
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]
#![expect(clippy::disallowed_methods, reason = "a bench measures time")]

use http::header::{HeaderName, HeaderValue};
use nhs_pds::ids::RandomIds;
use nhs_pds::smsp::{Client, Config};
use nhs_pds::trace::{Caller, FindPerson, LocalIdentity, MessageId, Tracer};
use nhs_pds::transport::{Request, Transport};
use nhs_pds_simulator::{
    NameUse, OtherAddress, OtherAddressUse, OtherName, Person, Register, Simulator,
};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use url::form_urlencoded::Serializer;

const PEOPLE: usize = 100_000;
const BASE: &str = "http://127.0.0.1/personal-demographics/FHIR/R4/Patient";

/// The kinds of search: the name in the output, and the parameters.
const KINDS: [(&str, &str); 9] = [
    ("plain", "family given birthdate address-postalcode"),
    ("plain, history", "family given gender birthdate address-postalcode history"),
    ("wildcard given and postcode, history", "family given* birthdate postcode* history"),
    ("wildcard family", "family* given birthdate"),
    ("whole life, family and postcode", "family life address-postalcode"),
    ("whole life, wildcards", "family* given* life postcode* history"),
    ("fuzzy", "family given birthdate fuzzy"),
    ("fuzzy, with postcode", "family given gender birthdate address-postalcode fuzzy"),
    ("fuzzy, whole life", "family given gender life address-postalcode fuzzy"),
];

fn register(people: usize) -> Register {
    let mut register = Register::from_seed(1, people);
    let people: Vec<Person> = register.iter().step_by(3).cloned().collect();
    for (place, mut person) in people.iter().cloned().enumerate() {
        let other = people.get((place * 7 + 1) % people.len()).unwrap();
        person.other_names = vec![OtherName::new(NameUse::Former, other.family.clone())];
        let former = OtherAddressUse::Former;
        person.other_addresses =
            vec![OtherAddress::new(former, other.address.clone(), other.postcode.clone())];
        register.replace(person);
    }
    register
}

fn start(text: &str, letters: usize) -> String {
    text.chars().take(letters).chain(['*']).collect()
}

fn query(person: &Person, kind: &str) -> String {
    let mut query = Serializer::new(String::new());
    for parameter in kind.split(' ') {
        let pairs = match parameter {
            "family" => vec![("family", person.family.clone())],
            "family*" => vec![("family", start(&person.family, 3))],
            "given" => vec![("given", person.given.clone())],
            "given*" => vec![("given", start(&person.given, 3))],
            "gender" => {
                vec![("gender", if person.gender.code() == "1" { "male" } else { "female" }.into())]
            }
            "birthdate" => vec![("birthdate", person.birth.to_string())],
            "life" => {
                vec![("birthdate", "ge1900-01-01".into()), ("birthdate", "le2026-11-29".into())]
            }
            "postcode*" => vec![("address-postalcode", start(&person.postcode, 2))],
            "history" => vec![("_history", "true".into())],
            "fuzzy" => vec![("_fuzzy-match", "true".into())],
            name => vec![(name, person.postcode.clone())],
        };
        for (name, value) in pairs {
            query.append_pair(name, &value);
        }
    }
    query.finish()
}

fn rate(name: &str, count: usize, took: Duration) {
    println!("{:>8.0} searches/s  {name}", count as f64 / took.as_secs_f64());
}

fn fhir(runtime: &Runtime, simulator: &Simulator, people: &[Person]) {
    for (name, kind) in KINDS {
        let queries: Vec<_> = people.iter().map(|person| query(person, kind)).collect();
        let began = Instant::now();
        for query in &queries {
            let request = Request::get(format!("{BASE}?{query}").parse().unwrap()).with_header(
                HeaderName::from_static("x-request-id"),
                HeaderValue::from_static("60e0b220-8136-4ca5-ae46-1d97ef59d068"),
            );
            let response = runtime.block_on(simulator.send(request)).unwrap();
            assert_eq!(response.status(), 200, "{name}");
        }
        rate(name, queries.len(), began.elapsed());
    }
}

fn smsp(runtime: &Runtime, simulator: &Simulator, people: &[Person]) {
    let us = LocalIdentity::new("RHM".parse().unwrap(), "bench").unwrap();
    let config = Config::new("http://127.0.0.1/smsp".parse().unwrap(), us.clone());
    let client = Client::new(config, Arc::new(simulator.clone()));
    let caller = Caller::System(us);
    let began = Instant::now();
    for person in people {
        let gender = person.gender.code().parse().unwrap();
        let birth = person.birth.to_string().parse().unwrap();
        let question = FindPerson::new(person.family.parse().unwrap(), gender, birth)
            .with_given(person.given.parse().unwrap())
            .into();
        let traced = client.trace(&caller, &question, MessageId::fresh(&RandomIds));
        let _answered = runtime.block_on(traced).unwrap();
    }
    rate("Spine Mini Service, with the client's own work", people.len(), began.elapsed());
}

fn main() {
    // As with criterion's benches, a run as a test is short.
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    let count = if is_bench { PEOPLE } else { PEOPLE / 100 };
    let register = register(count);
    let usable = |person: &&Person| !person.postcode.is_empty() && person.given.len() > 2;
    let people: Vec<Person> = register.iter().step_by(101).filter(usable).cloned().collect();
    let simulator = Simulator::new(register);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    println!("{} searches of each kind, {count} people", people.len());
    fhir(&runtime, &simulator, &people);
    smsp(&runtime, &simulator, &people);
}
