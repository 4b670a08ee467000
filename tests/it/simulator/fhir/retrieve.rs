//! `GET /Patient/{number}`.

use super::ask::{Answer, REQUEST_ID, With, ask, get, people, send, simulate, simulator};
use http::Method;
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::transport::Request;
use nhs_pds_simulator::{
    DeathNotification, NameUse, OtherAddress, OtherAddressUse, OtherName, Person, Register,
    RelatedPerson,
};
use serde_json::json;

/// The register with one person changed.
fn changed(number: &str, change: impl Fn(&mut Person)) -> Register {
    let number: NhsNumber = number.parse().unwrap();
    let mut register = Register::default();
    for person in &people() {
        let mut person = person.clone();
        if person.nhs_number == number {
            change(&mut person);
        }
        register.insert(person).unwrap();
    }
    register
}

#[tokio::test]
async fn a_whole_record() {
    let answer = ask(&simulator(), "/Patient/9449304424").await;
    assert_eq!((answer.status, answer.content_type()), (200, "application/fhir+json"));
    assert_eq!(answer.header("etag"), "W/\"1\"");
    assert_eq!(answer.header("x-request-id"), REQUEST_ID);
    let json = &answer.json;
    assert_eq!(json["resourceType"], "Patient");
    assert_eq!(json["id"], "9449304424");
    assert_eq!(json["identifier"][0]["system"], "https://fhir.nhs.uk/Id/nhs-number");
    assert_eq!(json["identifier"][0]["value"], "9449304424");
    assert_eq!(json["meta"]["versionId"], "1");
    assert_eq!(json["meta"]["security"][0]["code"], "U");
    assert_eq!(
        json["name"],
        json!([{
            "id": "N1", "use": "usual", "period": { "start": "1943-05-19" },
            "given": ["Rose", "Mary Jane"], "family": "Ainsley", "prefix": ["Mrs"],
        }])
    );
    assert_eq!((&json["gender"], &json["birthDate"]), (&json!("female"), &json!("1943-05-19")));
    assert!(json.get("deceasedDateTime").is_none() && json.get("extension").is_none());
    let home = &json["address"][0];
    assert_eq!(home["use"], "home");
    assert_eq!(home["line"], json!(["12 Mill Lane", "Northgate", "Leeds"]));
    assert_eq!(home["postalCode"], "LS1 6AE");
    let telecoms = json["telecom"].as_array().unwrap();
    let shown: Vec<_> =
        telecoms.iter().map(|telecom| (&telecom["system"], &telecom["value"])).collect();
    assert_eq!(shown[0], (&json!("phone"), &json!("01632960587")));
    assert_eq!(shown[1], (&json!("email"), &json!("Rose@example.com")));
    assert_eq!(telecoms[2]["use"], "mobile");
    let practice = &json["generalPractitioner"][0]["identifier"];
    assert_eq!(practice["value"], "Z99001");
    assert_eq!(practice["system"], "https://fhir.nhs.uk/Id/ods-organization-code");
    assert_eq!(practice["period"]["start"], "1943-05-19");
}

#[tokio::test]
async fn a_record_with_every_field() {
    let register = changed("9449304424", |person| {
        person.version = 7;
        let mut maiden = OtherName::new(NameUse::Maiden, "Bird");
        maiden.to = Some("1965-06-01".parse().unwrap());
        person.other_names = vec![maiden];
        let mut stay = OtherAddress::new(OtherAddressUse::Temporary, Default::default(), "LS2 9JT");
        stay.text = "Respite Care Address".into();
        let past = OtherAddress::new(OtherAddressUse::Former, Default::default(), "HU9 9ZZ");
        person.other_addresses = vec![past, stay];
        let further = &mut person.further;
        further.multiple_birth = Some(2);
        further.birth_city = "Leeds".into();
        further.birth_country = "GBR".into();
        further.language = "cy".into();
        further.interpreter = true;
        further.contact_method = "1".into();
        further.written_format = "12".into();
        further.contact_times = "Not after 7pm".into();
        further.removal = "EMB".into();
        further.removed_on = Some("2024-01-02".parse().unwrap());
        further.pharmacy = "Y12345".into();
        further.emergency_telecoms = vec!["tel:01632960999".into()];
        further.death_notification = DeathNotification::Removed;
    });
    let answer = ask(&simulate(register), "/Patient/9449304424").await;
    let json = &answer.json;
    assert_eq!((answer.header("etag"), &json["meta"]["versionId"]), ("W/\"7\"", &json!("7")));
    // The usual name need not be the first.
    assert_eq!(json["name"][0]["use"], "maiden");
    assert_eq!(json["name"][0]["period"]["end"], "1965-06-01");
    assert_eq!(json["name"][1]["use"], "usual");
    assert_eq!(json["address"].as_array().unwrap().len(), 2);
    assert_eq!(json["address"][1]["text"], "Respite Care Address");
    assert_eq!(json["multipleBirthInteger"], 2);
    assert_eq!(json["contact"][0]["relationship"][0]["coding"][0]["code"], "C");
    assert_eq!(json["contact"][0]["telecom"][0]["value"], "01632960999");
    let urls: Vec<&str> = json["extension"]
        .as_array()
        .unwrap()
        .iter()
        .map(|extension| extension["url"].as_str().unwrap())
        .collect();
    let core = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-";
    assert_eq!(
        urls,
        [
            &format!("{core}DeathNotificationStatus"),
            &format!("{core}NominatedPharmacy"),
            &format!("{core}NHSCommunication"),
            &format!("{core}ContactPreference"),
            "http://hl7.org/fhir/StructureDefinition/patient-birthPlace",
            "https://fhir.nhs.uk/StructureDefinition/Extension-PDS-RemovalFromRegistration",
        ]
    );
    let death = &json["extension"][0]["extension"];
    assert_eq!(death[0]["valueCodeableConcept"]["coding"][0]["code"], "U");
    assert_eq!(death.as_array().unwrap().len(), 1);
    let written = answer.json.to_string();
    assert!(!written.contains("HU9"), "a former home is not shown");
}

#[tokio::test]
async fn the_dead() {
    let answer = ask(&simulator(), "/Patient/9320639116").await;
    assert_eq!(answer.json["deceasedDateTime"], "2020-04-05T00:00:00+00:00");
    let parts = &answer.json["extension"][0]["extension"];
    assert_eq!(parts[0]["url"], "deathNotificationStatus");
    assert_eq!(parts[0]["valueCodeableConcept"]["coding"][0]["code"], "2");
    assert_eq!(parts[1]["valueDateTime"], "2020-04-05T00:00:00+00:00");
}

#[tokio::test]
async fn restricted_records() {
    let simulator = simulator();
    let answer = ask(&simulator, "/Patient/9000000009").await;
    let keys: Vec<&str> = answer.json.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["birthDate", "gender", "id", "identifier", "meta", "name", "resourceType"]);
    assert_eq!(answer.json["meta"]["security"][0]["display"], "restricted");
    let answer = ask(&simulator, "/Patient/9000000017").await;
    let keys: Vec<&str> = answer.json.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["gender", "id", "identifier", "meta", "resourceType"]);
    assert_eq!(answer.json["meta"]["security"][0]["code"], "V");
}

#[tokio::test]
async fn numbers_that_have_no_record_of_their_own() {
    let simulator = simulator();
    // Superseded: the response is the new record, without a note about the old number.
    let answer = ask(&simulator, "/Patient/9856036615").await;
    assert_eq!((answer.status, &answer.json["id"]), (200, &json!("9391434134")));
    assert_eq!(answer.json["identifier"][0]["value"], "9391434134");
    let answer = ask(&simulator, "/Patient/9434765919").await;
    assert_eq!(answer.error(), (404, "INVALIDATED_RESOURCE"));
    let answer = ask(&simulator, "/Patient/9999999980").await;
    assert_eq!(answer.error(), (404, "RESOURCE_NOT_FOUND"));
    assert_eq!(answer.diagnostics(), "");
    assert_eq!(answer.json["issue"][0]["severity"], "information");
    for id in ["9449304425", "944930442", "94493044240", "944%20304424", "abc"] {
        let answer = ask(&simulator, &format!("/Patient/{id}")).await;
        assert_eq!(answer.error(), (400, "INVALID_RESOURCE_ID"), "{id}");
    }
}

#[tokio::test]
async fn a_replacement_without_a_record() {
    let register = changed("9449304424", |person| {
        person.superseded_by = Some("9999999980".parse().unwrap());
    });
    let answer = ask(&simulate(register), "/Patient/9449304424").await;
    assert_eq!(answer.error(), (404, "INVALIDATED_RESOURCE"));
}

#[tokio::test]
async fn empty_address_lines() {
    let simulator = simulator().with_empty_address_lines(true);
    let answer = ask(&simulator, "/Patient/9449304424").await;
    let home = &answer.json["address"][0];
    assert_eq!(home["line"], json!(["12 Mill Lane", null, "Northgate", "Leeds", null]));
    assert!(home["_line"][0].is_null() && home["_line"][1]["extension"].is_array());
}

#[tokio::test]
async fn related_people() {
    let register = changed("9449304424", |person| {
        let mut daughter = RelatedPerson::new("CHILD");
        daughter.nhs_number = Some("9449305552".parse().unwrap());
        let mut guardian = RelatedPerson::new("GUARD");
        guardian.given = "Gus".into();
        guardian.family = "Keeper".into();
        guardian.telecoms = vec!["tel:01632960777".into()];
        person.related = vec![daughter, guardian];
    });
    let simulator = simulate(register);
    let answer = ask(&simulator, "/Patient/9449304424/RelatedPerson").await;
    assert_eq!((answer.status, &answer.json["total"]), (200, &json!(2)));
    let [one, two] = [0, 1].map(|place| &answer.json["entry"][place]["resource"]);
    assert_eq!(one["patient"]["identifier"]["value"], "9449305552");
    assert_eq!(two["name"][0]["family"], "Keeper");
    assert_eq!(two["telecom"][0]["value"], "01632960777");
    assert!(two["patient"].get("identifier").is_none());
    for number in ["9000000009", "9449305552"] {
        let answer = ask(&simulator, &format!("/Patient/{number}/RelatedPerson")).await;
        assert_eq!((answer.status, &answer.json["total"]), (200, &json!(0)));
        assert!(answer.json.get("entry").is_none());
    }
    let answer = ask(&simulator, "/Patient/9999999980/RelatedPerson").await;
    assert_eq!(answer.error(), (404, "RESOURCE_NOT_FOUND"));
}

#[tokio::test]
async fn headers() {
    let simulator = simulator();
    let path = "/Patient/9449304424";
    let answer = send(&simulator, get(path).with("x-correlation-id", "any text")).await;
    assert_eq!(answer.header("x-correlation-id"), "any text");
    let base = "https://pds.example/personal-demographics/FHIR/R4";
    let bare = || Request::get(format!("{base}{path}").parse().unwrap());
    let answer = send(&simulator, bare().with("x-correlation-id", "c")).await;
    assert_eq!(answer.error(), (400, "MISSING_VALUE"));
    assert_eq!(answer.header("x-correlation-id"), "c");
    for id in
        ["", "1234", "60e0b220-8136-4ca5-ae46-1d97ef59d06g", "60e0b22081364ca5ae461d97ef59d068"]
    {
        let answer = send(&simulator, bare().with("x-request-id", id)).await;
        assert_eq!(answer.error(), (400, "INVALID_VALUE"), "{id}");
        assert_eq!(answer.header("x-request-id"), id);
        assert_eq!(answer.content_type(), "application/json");
        assert!(answer.diagnostics().contains(&format!("'{id}' in header 'X-Request-ID'")));
    }
    let last = simulator.received_requests().pop().unwrap();
    assert_eq!((last.method(), last.query()), (&Method::GET, ""));
    assert!(last.path().ends_with(path) && last.headers().contains_key("x-request-id"));
}

#[tokio::test]
async fn paths_and_methods() {
    let simulator = simulator();
    for (path, error) in [
        ("/Observation", (400, "UNSUPPORTED_REQUEST")),
        ("/Patient/9449304424/Other", (400, "UNSUPPORTED_REQUEST")),
        ("/metadata", (400, "UNSUPPORTED_REQUEST")),
        ("/Patient/", (400, "UNSUPPORTED_SERVICE")),
        ("/Patient", (400, "UNSUPPORTED_SERVICE")),
        ("/Coverage", (403, "ACCESS_DENIED")),
    ] {
        assert_eq!(ask(&simulator, path).await.error(), error, "{path}");
    }
    let url = "https://pds.example/personal-demographics/FHIR/R4/Patient".parse().unwrap();
    let post = Request::post(url, "{}".into()).with("x-request-id", REQUEST_ID);
    assert_eq!(send(&simulator, post).await.error(), (400, "UNSUPPORTED_SERVICE"));
    // Another base address, as behind a proxy.
    let request = Request::get("https://proxy.example/pds/Patient/9449304424".parse().unwrap());
    let answer: Answer = send(&simulator, request.with("x-request-id", REQUEST_ID)).await;
    assert_eq!(answer.status, 200);
}
