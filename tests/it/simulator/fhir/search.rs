//! `GET /Patient`: the people that it finds, and their scores.

use super::ask::{find, people, simulate, simulator};
use nhs_pds::demographics::Gender;
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds_simulator::{
    NameUse, OtherAddress, OtherAddressUse, OtherName, Person, Register, Simulator,
};
use serde_json::json;

const ROSE: (&str, f64) = ("9449304424", 1.0);

#[tokio::test]
async fn one_hit_and_what_is_shown_of_it() {
    let simulator = simulator();
    let answer = find(&simulator, "family=ainsley&given=ROSE&birthdate=1943-05-19").await;
    assert_eq!((answer.status, answer.content_type()), (200, "application/fhir+json"));
    let tag = answer.header("etag");
    assert!(tag.starts_with('"') && tag.len() == 34, "{tag}");
    assert_eq!(answer.json["type"], "searchset");
    assert_eq!(answer.json["timestamp"], "2026-11-23T09:30:00+00:00");
    assert_eq!(answer.hits(), [ROSE]);
    let entry = &answer.json["entry"][0];
    assert!(entry["search"]["score"].is_u64() && entry["search"].get("mode").is_none());
    let url = entry["fullUrl"].as_str().unwrap();
    assert_eq!(url, "https://pds.example/personal-demographics/FHIR/R4/Patient/9449304424");
    assert_eq!(entry["resource"]["address"][0]["use"], "home");
    assert_eq!(entry["resource"]["name"][0]["family"], "Ainsley");
}

#[tokio::test]
async fn no_match() {
    let answer = find(&simulator(), "family=Nobody&birthdate=1943-05-19").await;
    assert_eq!((answer.status, &answer.json["total"]), (200, &json!(0)));
    assert!(answer.json.get("entry").is_none());
}

#[tokio::test]
async fn wildcards() {
    let simulator = simulator();
    for (query, score) in [
        ("family=Ain*&birthdate=1943-05-19", 0.9259),
        ("family=ai*l*y&birthdate=eq1943-05-19", 0.9259),
        ("family=Ain%2A&given=Ro*&birthdate=1943-05-19", 0.8573),
        ("family=Ainsley&given=Ro*&birthdate=1943-05-19&address-postalcode=LS*", 0.8935),
        ("family=Ainsley&given=Ro*&given=mary+jane&birthdate=1943-05-19", 0.9259),
        ("family=Ainsley&birthdate=1943-05-19&address-postalcode=ls16ae", 1.0),
        ("family=Ainsley&birthdate=1943-05-19&address-postcode=LS1%206AE", 1.0),
        ("family=Ainsley&birthdate=1943-05-19&general-practitioner=z99001", 1.0),
        ("family=Ainsley&birthdate=1943-05-19&phone=01632960587&email=rose@EXAMPLE.com", 1.0),
        ("family=Ainsley&birthdate=ge1943-01-01&birthdate=le1943-12-31&gender=female", 1.0),
        ("family=Ainsley&birthdate=le1950-12-31&birthdate=ge1943-05-19", 1.0),
    ] {
        assert_eq!(find(&simulator, query).await.hits(), [("9449304424", score)], "{query}");
    }
    for query in [
        "family=Ainsley&given=Mary+Jane&birthdate=1943-05-19",
        "family=Ainsley&given=Rose&given=Mary&birthdate=1943-05-19",
        // A wildcard works in the first given name only.
        "family=Ainsley&given=Rose&given=Mary*&birthdate=1943-05-19",
        "family=Ainsley&given=Rose&given=Mary+Jane&given=Ann&birthdate=1943-05-19",
        "family=Ainsley&birthdate=1943-05-19&gender=male",
        "family=Ainsley&birthdate=1943-05-19&address-postalcode=YO*",
        "family=Ainsley&birthdate=1943-05-19&general-practitioner=Z99002",
        "family=Ainsley&birthdate=1943-05-19&phone=01632960588",
        "family=Ainsley&birthdate=1943-05-19&death-date=2020-01-01",
        "family=Ain*&_exact-match=false&birthdate=1943-05-20",
    ] {
        assert!(find(&simulator, query).await.hits().is_empty(), "{query}");
    }
    let late = "family=Late&birthdate=1930-03-03&death-date=ge2020-01-01&death-date=le2020-12-31";
    assert_eq!(find(&simulator, late).await.hits(), [("9320639116", 1.0)]);
}

#[tokio::test]
async fn several() {
    let simulator = simulator();
    let answer = find(&simulator, "family=Twinn&birthdate=1980-09-20").await;
    assert_eq!(answer.hits(), [("9449305552", 1.0), ("9449306613", 1.0)]);
    let answer = find(&simulator, "family=Twinn&birthdate=1980-09-20&_max-results=1").await;
    assert_eq!(answer.error(), (200, "TOO_MANY_MATCHES"));
    let issue = &answer.json["issue"][0];
    assert_eq!(
        (&issue["code"], &issue["severity"]),
        (&json!("multiple-matches"), &json!("information"))
    );
    assert!(issue.get("diagnostics").is_none());
    let answer = find(&simulator, "family=Twinn&birthdate=1980-09-20&_max-results=2").await;
    assert_eq!(answer.hits().len(), 2);
}

#[tokio::test]
async fn more_than_fifty_are_too_many() {
    let crowd = |count: u64| {
        let mut register = Register::default();
        let mut numbers = (9_990_000_000_u64..).filter_map(|n| n.to_string().parse().ok());
        for _ in 0..count {
            let number: NhsNumber = numbers.next().unwrap();
            let birth = "1990-01-01".parse().unwrap();
            register.insert(Person::new(number, "Crowd", Gender::Male, birth)).unwrap();
        }
        simulate(register)
    };
    let query = "family=Crowd&birthdate=1990-01-01";
    assert_eq!(find(&crowd(50), query).await.hits().len(), 50);
    assert_eq!(find(&crowd(51), query).await.error(), (200, "TOO_MANY_MATCHES"));
}

#[tokio::test]
async fn restricted_people() {
    let simulator = simulator();
    let answer = find(&simulator, "family=Hidden&birthdate=1970-07-07").await;
    assert_eq!(answer.hits(), [("9000000009", 1.0)]);
    let resource = &answer.json["entry"][0]["resource"];
    assert_eq!(resource["name"][0]["family"], "Hidden");
    for absent in ["address", "telecom", "generalPractitioner"] {
        assert!(resource.get(absent).is_none(), "{absent}");
    }
    for criterion in ["address-postalcode=BA1+1AA", "general-practitioner=Z99003"] {
        let query = format!("family=Hidden&birthdate=1970-07-07&{criterion}");
        assert!(find(&simulator, &query).await.hits().is_empty(), "{criterion}");
    }
    let answer = find(&simulator, "family=Hiddener&birthdate=1970-07-08").await;
    let resource = &answer.json["entry"][0]["resource"];
    assert!(resource.get("name").is_none() && resource.get("birthDate").is_none());
}

#[tokio::test]
async fn superseded_and_invalidated_records_are_never_returned() {
    let simulator = simulator();
    for (query, found) in [
        ("family=Formerly&birthdate=1950-01-01", &[][..]),
        ("family=*&birthdate=1950-01-01", &[]),
        ("family=No*&birthdate=1950-01-01", &["9391434134"]),
        ("family=Gone&birthdate=1960-06-06", &[]),
    ] {
        let answer = find(&simulator, query).await;
        if query.contains("=*") {
            assert_eq!(answer.error(), (400, "INVALID_SEARCH_DATA"));
            continue;
        }
        let ids: Vec<&str> = answer.hits().into_iter().map(|(id, _)| id).collect();
        assert_eq!(ids, found, "{query}");
    }
}

/// Rose with former names and addresses.
fn with_past() -> Simulator {
    let mut register = Register::default();
    for person in &people() {
        let mut person = person.clone();
        if person.family == "Ainsley" {
            let mut maiden = OtherName::new(NameUse::Maiden, "Bird");
            maiden.to = Some("1965-06-01".parse().unwrap());
            let mut nickname = OtherName::new(NameUse::Nickname, "");
            nickname.given = "Rosie".into();
            let mut stage = OtherName::new(NameUse::Temporary, "Starr");
            stage.to = Some("2026-11-22".parse().unwrap());
            person.other_names = vec![maiden, nickname, stage];
            let address = |address_use, postcode| {
                OtherAddress::new(address_use, Default::default(), postcode)
            };
            person.other_addresses = vec![
                address(OtherAddressUse::Former, "HU9 9ZZ"),
                address(OtherAddressUse::Correspondence, "NE1 1AA"),
            ];
            person.former_telecoms = vec!["tel:01632960111".into()];
            person.former_genders = vec![Gender::NotKnown];
        }
        register.insert(person).unwrap();
    }
    simulate(register)
}

#[tokio::test]
async fn history() {
    let simulator = with_past();
    let now = "birthdate=1943-05-19";
    for (query, without, with) in [
        ("family=Ainsley", Some(1.0), Some(1.0)),
        ("family=Ainsley&given=Rosie", Some(1.0), Some(1.0)),
        ("family=Bird", None, Some(1.0)),
        ("family=Bird&given=rose", None, Some(1.0)),
        ("family=Bi*", None, Some(0.9259)),
        ("family=Starr", None, Some(1.0)),
        ("family=Ainsley&address-postalcode=NE1+1AA", Some(1.0), Some(1.0)),
        ("family=Ainsley&address-postalcode=HU9+9ZZ", None, Some(1.0)),
        ("family=Bird&address-postalcode=HU9*", None, Some(0.965)),
        ("family=Ainsley&phone=01632960111", None, Some(1.0)),
        ("family=Ainsley&gender=unknown", None, Some(1.0)),
        ("family=Bird&gender=female&_exact-match=true", None, Some(1.0)),
    ] {
        for (suffix, score) in
            [("", without), ("&_history=false", without), ("&_history=true", with)]
        {
            let answer = find(&simulator, &format!("{query}&{now}{suffix}")).await;
            let found: Vec<f64> = answer.hits().into_iter().map(|(_, score)| score).collect();
            assert_eq!(found, Vec::from_iter(score), "{query}{suffix}");
        }
    }
    // The response has today's fields.
    let answer = find(&simulator, &format!("family=Bird&{now}&_history=true")).await;
    let uses: Vec<&str> = answer.json["entry"][0]["resource"]["name"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name["use"].as_str().unwrap())
        .collect();
    assert_eq!(uses, ["nickname", "temp", "usual"]);
    let written = answer.json.to_string();
    assert!(!written.contains("HU9") && !written.contains("NE1") && !written.contains("Bird"));
}

#[tokio::test]
async fn fuzzy() {
    let simulator = with_past();
    let now = "birthdate=1943-05-19&_fuzzy-match=true";
    for (query, score) in [
        ("family=Ainsley&given=Rose&given=Mary+Jane", Some(1.0)),
        ("family=Ainsley&given=Rose", Some(0.9854)),
        ("family=Aynslee&given=Rose&given=Mary+Jane", Some(0.9733)),
        ("family=Aynslee&given=Rosa&given=Mary+Jane", Some(0.9379)),
        ("family=Rose&given=Ainsley", Some(0.9)),
        ("family=Bird&given=Rose&given=Mary+Jane", Some(0.825)),
        ("family=Byrd&given=Rose&given=Mary+Jane", Some(0.8058)),
        ("family=Ainsley&given=Rose&given=Ann", Some(0.9854)),
        ("family=Ainsley&given=Rose&given=Mary+Jane&death-date=2020-01-01", Some(0.9)),
        ("family=Ainsley&given=Rose&given=Mary+Jane&general-practitioner=Z99099", Some(0.9)),
        ("family=Ainsley&gender=female&address-postalcode=LS1+6AE", Some(1.0)),
        ("given=Rose&given=Mary+Jane&gender=female&address-postalcode=LS16AE", Some(1.0)),
        ("family=Rose&gender=female&address-postalcode=LS16AE", Some(0.9298)),
        ("family=Ainsley&given=Rose&given=Mary+Jane&gender=male", Some(0.9611)),
        ("family=Ainsley&given=Rose&given=Mary+Jane&address-postalcode=YO1+7AA", Some(0.9481)),
        ("family=Ainsley&given=Rose&given=Mary+Jane&phone=01632960000", Some(1.0)),
        ("family=Ainsley&given=Xavier", None),
        ("family=Ainsley&given=Rose&email=other@example.com", None),
        ("family=Ainsley&given=Rose&address-postalcode=ZZ99+7CZ", None),
        ("given=Rose&gender=female&address-postalcode=YO1+7AA", None),
    ] {
        let answer = find(&simulator, &format!("{query}&{now}")).await;
        let found: Vec<f64> = answer.hits().into_iter().map(|(_, score)| score).collect();
        assert_eq!(found, Vec::from_iter(score), "{query}");
    }
}

#[tokio::test]
async fn the_best_match_is_first() {
    let mut register = Register::default();
    for (number, family) in
        [(9_449_304_424, "Smyth"), (9_449_305_552, "Smith"), (9_449_306_613, "Smitt")]
    {
        let birth = "1990-01-01".parse().unwrap();
        let number = NhsNumber::constant(number);
        let mut person = Person::new(number, family, Gender::Male, birth);
        person.given = "Sam".into();
        register.insert(person).unwrap();
    }
    let query = "family=Smith&given=Sam&birthdate=1990-01-01&_fuzzy-match=true";
    assert_eq!(
        find(&simulate(register), query).await.hits(),
        [("9449305552", 1.0), ("9449304424", 0.9813), ("9449306613", 0.9813)]
    );
}
