//! The same with a real client of each service, and the simulator as the service.

use super::{Boundary, World, cases, number, results};
use crate::support::services::Face;
use nhs_pds::case::{Case, NumberSource, RecordedNumber};
use nhs_pds::demographics::Gender;
use nhs_pds::secret::RawBody;
use nhs_pds_simulator::{Fault, Person, Register, Sensitivity, Simulator, When};
use std::collections::BTreeMap;

/// The number of points of each kind of boundary at which a run is killed.
const POINTS: usize = 3;

/// The cases, changed so that a register can give the situations of a service that knows them by their ids.
fn wire_cases() -> Vec<Case> {
    let mut cases = cases();
    // The number that replaces the last one is of no case.
    cases.truncate(16);
    for case in &mut cases {
        match case.id.as_str() {
            // The same person as 01.
            "02" | "09" => case.surname = Some("01".into()),
            // The person of the number has another given name, which no query by number contains.
            "11" => {
                let source = NumberSource::Imported(Some("GP letter".into()));
                case.nhs_number = Some(RecordedNumber::new(number(31), source));
            }
            _ => {}
        }
    }
    cases
}

fn person(n: usize, family: &str) -> Person {
    let born = "1943-05-19".parse().unwrap();
    let mut person = Person::new(number(n), family, Gender::Female, born);
    (person.given, person.postcode) = ("COMFORT".into(), "KT17 1NA".into());
    person
}

fn register(face: Face) -> Register {
    let changed = |n, family: &str, change: &dyn Fn(&mut Person)| {
        let mut person = person(n, family);
        change(&mut person);
        person
    };
    let mut register = Register::default();
    for person in [
        person(1, "01"),
        changed(3, "03", &|person| person.death = Some("2026-11-01".parse().unwrap())),
        person(5, "05"),
        person(50, "05"),
        person(6, "06"),
        changed(26, "FORMERLY", &|person| person.sensitivity = Sensitivity::Invalidated),
        person(7, "07"),
        changed(27, "FORMERLY", &|person| person.superseded_by = Some(number(7))),
        person(8, "08"),
        changed(28, "ANOTHER PERSON", &|person| person.birth = "1950-01-01".parse().unwrap()),
        changed(10, "10", &|person| person.answer = face.stale().map(Into::into)),
        changed(31, "11", &|person| person.given = "JOY".into()),
        person(12, "12"),
        person(13, "13"),
        person(14, "14"),
        person(35, "15"),
        // Of no case: whether its number is held does not depend on the order of the cases.
        changed(37, "FURTHER", &|person| person.given = "JOY".into()),
        changed(36, "16", &|person| person.superseded_by = Some(number(37))),
    ] {
        register.insert(person).unwrap();
    }
    register
}

fn world(face: Face) -> World {
    let register = register(face);
    let service = move || {
        let simulator = Simulator::new(register.clone());
        let busy = Fault::Http {
            status: http::StatusCode::SERVICE_UNAVAILABLE,
            body: RawBody::from("<html>busy</html>"),
        };
        simulator.add_fault(When::About(number(12)), busy);
        simulator.add_fault(When::About(number(13)), Fault::Garbage);
        simulator.add_fault(When::About(number(14)), face.rejection());
        face.in_process(&simulator)
    };
    World { cases: wire_cases(), service: Box::new(service) }
}

#[tokio::test]
async fn an_undisturbed_run_over_every_service_has_the_expected_result() {
    for face in Face::UNATTENDED.iter().copied() {
        let (end, _) = world(face).undisturbed().await;
        let from_a_copy = if face.stale().is_some() { "stale" } else { "found" };
        // The number that replaces the last one belongs to a person of another name.
        let replaced_by_a_stranger = if face == Face::Smsp { "superseded" } else { "none" };
        assert_eq!(
            results(&end),
            [
                "found",
                "duplicate",
                "deceased",
                "none",
                "ambiguous",
                "replaced",
                "replaced",
                "conflict",
                "duplicate",
                from_a_copy,
                "differs",
                "",
                "unreadable",
                "rejected",
                "verified",
                replaced_by_a_stranger
            ],
            "{face:?}"
        );
        assert_eq!(end.alerts.len(), 8, "{face:?}: {:?}", end.alerts);
    }
}

/// A few points of every kind, spread over the run.
fn sample(met: &[Boundary]) -> Vec<usize> {
    let mut places: BTreeMap<Boundary, Vec<usize>> = BTreeMap::new();
    for (before, boundary) in met.iter().enumerate() {
        places.entry(*boundary).or_default().push(before + 1);
    }
    let spread = |places: Vec<usize>| {
        let step = places.len().div_ceil(POINTS);
        places.into_iter().skip(step / 2).step_by(step).collect::<Vec<_>>()
    };
    places.into_values().flat_map(spread).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_killed_run_over_every_service_has_the_same_result() {
    for face in Face::UNATTENDED.iter().copied() {
        let world = world(face);
        let (expected, met) = world.undisturbed().await;
        let points = sample(&met);
        assert!(points.len() >= 14, "{face:?}: {points:?}");
        world.ends_the_same_killed_at(points, expected).await;
    }
}
