//! Who is found, and with which score: the published answers of the live service, and the readings of what is
//! disputed.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use http::header::{ACCEPT, AUTHORIZATION, HeaderName, HeaderValue};
use nhs_pds::demographics::Gender;
use nhs_pds::nhs_number::Synthetic;
use nhs_pds::transport::{Request, Transport};
use nhs_pds_simulator::{
    Disputed, NameUse, OtherAddress, OtherAddressUse, OtherName, Person, Register, Sensitivity,
    Simulator,
};
use serde_json::Value;

const BASE: &str = "https://pds.example/personal-demographics/FHIR/R4/Patient";

/// A man of this name, born on 1 February 1980, at DN17 4AA.
fn person(numbers: &mut Synthetic, family: &str, given: &str, other: &str) -> Person {
    let birth = "1980-02-01".parse().unwrap();
    let mut person = Person::new(numbers.next().unwrap(), family, Gender::Male, birth);
    (person.given, person.other_given) = (given.into(), other.into());
    person.postcode = "DN17 4AA".into();
    person
}

fn one(family: &str, given: &str, other: &str) -> Person {
    person(&mut Synthetic::from_seed(14), family, given, other)
}

fn simulate(people: impl IntoIterator<Item = Person>, disputed: Disputed) -> Simulator {
    let mut register = Register::default();
    for person in people {
        register.insert(person).unwrap();
    }
    Simulator::new(register).with_disputed(disputed)
}

fn request(query: &str) -> Request {
    Request::get(format!("{BASE}?{query}").parse().unwrap()).with_header(
        HeaderName::from_static("x-request-id"),
        HeaderValue::from_static("60e0b220-8136-4ca5-ae46-1d97ef59d068"),
    )
}

/// The body of the response.
async fn send(simulator: &Simulator, request: Request) -> Value {
    let response = simulator.send(request).await.unwrap();
    assert_eq!(response.status(), 200);
    serde_json::from_slice(response.body().expose()).unwrap()
}

/// The scores of a search by these parameters and the date of birth.
async fn scores(simulator: &Simulator, query: &str) -> Vec<f64> {
    let found = send(simulator, request(&format!("{query}&birthdate=1980-02-01"))).await;
    let entries = found["entry"].as_array().cloned().unwrap_or_default();
    entries.iter().map(|entry| entry["search"]["score"].as_f64().unwrap()).collect()
}

/// The score of the only person of a fuzzy search.
async fn fuzzy(person: &Person, query: &str) -> Option<f64> {
    let simulator = simulate([person.clone()], Disputed::default());
    scores(&simulator, &format!("{query}&_fuzzy-match=true")).await.first().copied()
}

#[tokio::test]
async fn recorded_scores_of_fuzzy_searches() {
    let there = "gender=male&address-postalcode=DN17+4AA";
    let mut renamed = one("MED", "Rowenad", "");
    renamed.former_genders = vec![Gender::Female];
    let mut former = OtherName::new(NameUse::Former, "HUME");
    former.given = "Casey".into();
    renamed.other_names = vec![former];
    for (record, query, recorded) in [
        (one("attisón", "Pauline", ""), "family=ATTSÖN&given=PÀULINÉ".to_owned(), 0.9317),
        (one("attison", "Pauline", "Mary"), "family=ATTSÖN&given=PÀULINÉ".to_owned(), 0.9077),
        (one("GARTON", "BILL", ""), "family=Garton&given=Bill".to_owned(), 1.0),
        (one("Smith", "Sam", "Matt"), format!("family=Smythe&given=Mat&{there}"), 0.8827),
        (one("Smith", "Sam", "Bob"), format!("family=Smythe&given=Mat&{there}"), 0.8827),
        (one("Smith", "Dave", "Matt"), format!("family=Smythe&given=Mat&{there}"), 0.8716),
        (renamed.clone(), "family=MED&given=Casey&gender=female".to_owned(), 0.6806),
        (renamed, "family=HUME&given=Casey".to_owned(), 0.6806),
    ] {
        let score = fuzzy(&record, &query).await.expect(&query);
        assert!((score - recorded).abs() <= 0.03, "{query}: {score}, recorded {recorded}");
    }
    // A range of dates costs nothing.
    let simulator = simulate([one("GARTON", "BILL", "")], Disputed::default());
    let range = "family=Garton&given=Bill&birthdate=ge1956-01-01&birthdate=le2000-01-01";
    let found = send(&simulator, request(&format!("{range}&_fuzzy-match=true"))).await;
    assert_eq!(found["entry"][0]["search"]["score"], 1);
}

#[tokio::test]
async fn recorded_scores_of_other_searches() {
    let mut numbers = Synthetic::from_seed(14);
    let smith = person(&mut numbers, "Smith", "Sam", "");
    let mut meek = person(&mut numbers, "MEEK", "Ann", "");
    meek.practice_code = "Z99001".into();
    let simulator = simulate([smith, meek], Disputed::default());
    for (query, recorded) in [
        ("family=Smith&gender=male&address-postalcode=DN17*", 0.965),
        ("family=Me*&general-practitioner=Z99001", 0.9259),
        ("family=Smith&gender=male&address-postalcode=dn174aa", 1.0),
    ] {
        assert_eq!(scores(&simulator, query).await, [recorded], "{query}");
    }
}

#[tokio::test]
async fn a_wrong_first_name_and_a_swapped_pair() {
    let there = "gender=male&address-postalcode=DN17+4AA";
    let smith = one("Smith", "Sam", "");
    // Through the postcode, the other name is not compared.
    let wrong = fuzzy(&smith, &format!("family=Smith&given=Herbert&{there}")).await.unwrap();
    assert!((wrong - 0.87).abs() < 0.015, "{wrong}");
    let wrong = fuzzy(&smith, &format!("family=Wainwright&given=Sam&{there}")).await.unwrap();
    assert!(wrong > 0.9, "{wrong}");
    assert!(fuzzy(&smith, "family=Smith&given=Herbert").await.is_none());
    let swapped = fuzzy(&smith, &format!("family=Sam&given=Smith&{there}")).await.unwrap();
    assert!(swapped < 1.0, "{swapped}");
    assert!(fuzzy(&smith, "family=Sam&given=Smith").await.is_some());
    for (query, is_found) in [
        // Neither gender, postcode, practice nor telephone number loses the person.
        ("family=Smythe&given=Sam&gender=female", true),
        ("family=Smith&given=Sam&address-postalcode=LS1+6AE", true),
        ("family=Smith&given=Sam&address-postalcode=DN174A", true),
        ("family=Smith&given=Sam&general-practitioner=Z99009", true),
        ("family=Smith&given=Sam&phone=01632960001", true),
        ("family=Smith&given=Sam+J", true),
        // Gender and postcode are part of the other two combinations.
        ("family=Smith&gender=female&address-postalcode=DN17+4AA", false),
        ("family=Smith&gender=male&address-postalcode=LS1+6AE", false),
    ] {
        assert_eq!(fuzzy(&smith, query).await.is_some(), is_found, "{query}");
    }
    let mut restricted = smith;
    restricted.sensitivity = Sensitivity::Restricted;
    assert!(fuzzy(&restricted, "family=Smith&given=Sam").await.is_some());
    let query = "family=Smith&given=Sam&address-postalcode=DN17+4AA";
    assert!(fuzzy(&restricted, query).await.is_none());
}

/// A reading of one point.
type Switch = fn(&mut Disputed, bool);

#[tokio::test]
async fn each_disputed_point_has_two_readings() {
    let mut joseph = one("Müller", "Joseph", "Damien");
    joseph.telecoms = vec!["mailto:joseph@example.com".into()];
    let mut maiden = OtherName::new(NameUse::Maiden, "Bird");
    maiden.given = "Joseph".into();
    joseph.other_names = vec![maiden];
    let temporary = OtherAddressUse::Temporary;
    joseph.other_addresses = vec![OtherAddress::new(temporary, Default::default(), "NE1 1AA")];
    let points: [(Switch, &str, [bool; 2]); 7] = [
        (|d, on| d.familiar_forms = on, "family=Müller&given=Joe&_fuzzy-match=true", [false, true]),
        (
            |d, on| d.any_given_name = on,
            "family=Müller&given=Damien&_fuzzy-match=true",
            [false, true],
        ),
        (
            |d, on| d.near_birth = on,
            "family=Müller&given=Joseph&_fuzzy-match=true&birthdate=1980-01-02",
            [false, true],
        ),
        (
            |d, on| d.pseudo_postcode_excludes = on,
            "family=Müller&given=Joseph&address-postalcode=ZZ99+7CZ&_fuzzy-match=true",
            [true, false],
        ),
        (
            |d, on| d.email_excludes = on,
            "family=Müller&given=Joseph&email=j@example.com&_fuzzy-match=true",
            [true, false],
        ),
        (|d, on| d.ignore_accents = on, "family=Muller&given=Joseph", [false, true]),
        (|d, on| d.other_postcodes = on, "family=Müller&address-postalcode=NE1*", [false, true]),
    ];
    for (switch, query, expected) in points {
        let query = if query.contains("birthdate") {
            query.to_owned()
        } else {
            format!("{query}&birthdate=1980-02-01")
        };
        for (on, is_found) in [false, true].into_iter().zip(expected) {
            let mut disputed = Disputed::default();
            switch(&mut disputed, on);
            let simulator = simulate([joseph.clone()], disputed);
            let found = send(&simulator, request(&query)).await;
            assert_eq!(found["total"], u64::from(is_found), "{query} {on}");
        }
    }
}

#[tokio::test]
async fn stages_stop_at_the_first_with_a_person() {
    let mut numbers = Synthetic::from_seed(14);
    let mut named = person(&mut numbers, "Smith", "Sam", "");
    named.postcode = "LS1 6AE".into();
    let brother = person(&mut numbers, "Smith", "Herbert", "");
    let query = "family=Smith&given=Sam&gender=male&address-postalcode=DN17+4AA\
                 &birthdate=1980-02-01&_fuzzy-match=true";
    for (always, version, is_one) in [
        (false, "application/fhir+json", false),
        (false, "application/fhir+json; version=1.1", true),
        (true, "application/fhir+json", true),
    ] {
        let mut disputed = Disputed::default();
        disputed.always_in_stages = always;
        let simulator = simulate([named.clone(), brother.clone()], disputed);
        let token = simulator.application_token();
        let request = request(query)
            .with_header(ACCEPT, version.parse().unwrap())
            .with_header(AUTHORIZATION, format!("Bearer {}", token.expose()).parse().unwrap());
        let found = send(&simulator, request).await;
        let code = &found["issue"][0]["details"]["coding"][0]["code"];
        assert_eq!(found["total"] == 1, is_one, "{version} {always}");
        assert_eq!(code == "TOO_MANY_MATCHES", !is_one, "{version} {always}");
        let only = "family=Smith&given=Zebedee&gender=male&address-postalcode=DN17+4AA\
                    &birthdate=1980-02-01&_fuzzy-match=true";
        let found = send(&simulator, self::request(only)).await;
        assert_eq!(found["total"], 1, "the brother lives there");
    }
}
