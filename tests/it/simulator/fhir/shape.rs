//! Responses have the shape that the specification requires.

use super::ask::{Answer, With, ask, find, get, people, send, simulate, simulator};
use nhs_pds::demographics::PartialDate;
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds_simulator::{
    DeathNotification, NameUse, OtherAddress, OtherAddressUse, OtherName, Person, Register,
    RelatedPerson,
};
use serde_json::{Value, json};

const ROSE: &str = "/Patient/9449304424";

/// A register of one person: Rose, changed.
fn rose(change: impl FnOnce(&mut Person)) -> Register {
    let number = NhsNumber::constant(9_449_304_424);
    let mut person = people().get(number).unwrap().clone();
    change(&mut person);
    let mut register = Register::default();
    register.insert(person).unwrap();
    register
}

fn date(text: &str) -> PartialDate {
    text.parse().unwrap()
}

async fn record(register: Register) -> Value {
    let answer = ask(&simulate(register), ROSE).await;
    assert_eq!(answer.status, 200);
    answer.json
}

/// The extension of a record whose address ends with `end`.
fn extension<'a>(record: &'a Value, end: &str) -> &'a Value {
    let mut all = record["extension"].as_array().unwrap().iter();
    let found = all.find(|extension| extension["url"].as_str().unwrap().ends_with(end));
    &found.unwrap()["extension"]
}

/// The places of values that FHIR forbids: empty texts, lists and objects, and null as a member.
fn empties(place: &str, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Null => found.push(place.to_owned()),
        Value::String(text) if text.is_empty() => found.push(place.to_owned()),
        Value::Array(all) => {
            if all.is_empty() {
                found.push(place.to_owned());
            }
            for element in all.iter().filter(|element| !element.is_null()) {
                empties(place, element, found);
            }
        }
        Value::Object(fields) => {
            if fields.is_empty() {
                found.push(place.to_owned());
            }
            for (name, value) in fields {
                empties(&format!("{place}.{name}"), value, found);
            }
        }
        _ => {}
    }
}

#[tokio::test]
async fn nothing_is_empty() {
    let bare = || {
        rose(|person| {
            person.given.clear();
            person.other_given.clear();
            person.title.clear();
            person.address = Default::default();
            person.practice_code.clear();
            person.telecoms = vec!["tel:".into()];
            person.other_names = vec![OtherName::new(NameUse::Nickname, "")];
            person.other_addresses = vec![
                OtherAddress::new(OtherAddressUse::Temporary, Default::default(), ""),
                OtherAddress::new(OtherAddressUse::Correspondence, Default::default(), "LS1 1AA"),
            ];
            person.further.emergency_telecoms = vec![String::new()];
            let mut mother = RelatedPerson::new("MTH");
            mother.family = "Bird".into();
            mother.postcode = "LS1 1AA".into();
            person.related = vec![mother];
        })
    };
    for empty_lines in [false, true] {
        let simulator = simulate(bare()).with_empty_address_lines(empty_lines);
        for path in [
            ROSE,
            "/Patient/9449304424/RelatedPerson",
            "/Patient?family=Ainsley&birthdate=1943-05-19",
            "/Patient?family=Nobody&birthdate=1943-05-19",
            "/Patient",
        ] {
            let mut found = Vec::new();
            empties("", &ask(&simulator, path).await.json, &mut found);
            assert_eq!(found, Vec::<String>::new(), "{path} {empty_lines}");
        }
        let json = ask(&simulator, ROSE).await.json;
        let home = &json["address"][0];
        assert_eq!(home["postalCode"], "LS1 6AE");
        assert!(home.get("line").is_none() && home.get("_line").is_none());
    }
}

#[tokio::test]
async fn a_name_that_lacks_a_family_name_has_the_usual_one() {
    let json = record(rose(|person| {
        let mut nickname = OtherName::new(NameUse::Nickname, "");
        nickname.given = "Rosie".into();
        person.other_names = vec![nickname];
    }))
    .await;
    let name = &json["name"][0];
    assert_eq!((&name["given"], &name["family"]), (&json!(["Rosie"]), &json!("Ainsley")));
}

#[tokio::test]
async fn periods_are_of_whole_days() {
    let json = record(rose(|person| {
        person.birth = date("1943-05");
        let mut maiden = OtherName::new(NameUse::Maiden, "Bird");
        (maiden.from, maiden.to) = (Some(date("1943")), Some(date("1964-02")));
        person.other_names = vec![maiden];
        person.death = Some(date("2020"));
        person.further.removal = "DEA".into();
        person.further.removed_on = Some(date("2020-03"));
    }))
    .await;
    assert_eq!(json["name"][0]["period"], json!({ "start": "1943-01-01", "end": "1964-02-29" }));
    for period in [
        &json["name"][1]["period"],
        &json["address"][0]["period"],
        &json["telecom"][0]["period"],
        &json["generalPractitioner"][0]["identifier"]["period"],
    ] {
        assert_eq!(*period, json!({ "start": "1943-05-01" }));
    }
    // The specification permits these two to be partial.
    assert_eq!(
        (&json["birthDate"], &json["deceasedDateTime"]),
        (&json!("1943-05"), &json!("2020"))
    );
    let death = extension(&json, "DeathNotificationStatus");
    let effective =
        json!({ "url": "systemEffectiveDate", "valueDateTime": "2020-01-01T00:00:00+00:00" });
    assert_eq!(death[1], effective);
    let removal = extension(&json, "RemovalFromRegistration");
    assert_eq!(removal[1]["valuePeriod"], json!({ "start": "2020-03-01T00:00:00+00:00" }));
}

/// The one coding of an extension's part.
fn coding(part: &Value) -> Value {
    let coding = &part["valueCodeableConcept"]["coding"];
    assert_eq!(coding.as_array().unwrap().len(), 1, "{part}");
    coding[0].clone()
}

#[tokio::test]
async fn codings_of_death_and_removal_are_whole() {
    for (notification, code, display) in [
        (
            DeathNotification::Informal,
            "1",
            "Informal - death notice received via an update from a local NHS Organisation such as GP or Trust",
        ),
        (DeathNotification::Formal, "2", "Formal - death notice received from Registrar of Deaths"),
        (DeathNotification::Removed, "U", "Removed"),
    ] {
        let json = record(rose(|person| {
            person.death = Some(date("2020-04-05"));
            person.further.death_notification = notification;
        }))
        .await;
        let system = "https://fhir.hl7.org.uk/CodeSystem/UKCore-DeathNotificationStatus";
        let expected =
            json!({ "system": system, "version": "1.0.0", "code": code, "display": display });
        assert_eq!(coding(&extension(&json, "DeathNotificationStatus")[0]), expected);
    }
    for (code, sent, display) in [
        ("DEA", "DEA", "Death"),
        ("EMB", "EMB", "Embarkation"),
        ("SCT", "SCT", "Transferred to Scotland"),
        ("NIT", "NIT", "Transferred to Northern Ireland"),
        ("TRA", "TRA", "Temporary resident not returned"),
        ("ORR", "ORR", "Other reason"),
        // Returned to privileged applications only.
        ("LDN", "ORR", "Other reason"),
    ] {
        let json = record(rose(|person| person.further.removal = code.into())).await;
        let system = "https://fhir.nhs.uk/CodeSystem/PDS-RemovalReasonExitCode";
        let expected = json!({ "system": system, "code": sent, "display": display });
        assert_eq!(coding(&extension(&json, "RemovalFromRegistration")[0]), expected);
    }
}

#[tokio::test]
async fn numbers_of_mobile_telephones_are_known() {
    let telecoms = [
        ("tel:07700900350", "mobile"),
        ("tel:+447700900350", "mobile"),
        ("tel:+44 7700 900350", "mobile"),
        ("tel:00447700900350", "mobile"),
        ("tel:01632960001", "home"),
        ("tel:+441632960001", "home"),
        ("mailto:07@example.org", "home"),
    ];
    let uris = telecoms.iter().map(|(uri, _)| (*uri).to_owned()).collect();
    let json = record(rose(|person| person.telecoms = uris)).await;
    let sent = json["telecom"].as_array().unwrap().iter().map(|sent| sent["use"].as_str().unwrap());
    assert_eq!(sent.collect::<Vec<_>>(), telecoms.map(|(_, usage)| usage));
}

#[tokio::test]
async fn codings_of_language_and_contact_are_whole() {
    for (language, display) in
        [("cy", "Welsh"), ("q4", "British Sign Language"), ("ur", "Urdu"), ("xx", "Unknown")]
    {
        let json = record(rose(|person| person.further.language = language.into())).await;
        let sent = coding(&extension(&json, "NHSCommunication")[0]);
        assert_eq!((&sent["code"], &sent["display"]), (&json!(language), &json!(display)));
        assert_eq!(sent["system"], "https://fhir.hl7.org.uk/CodeSystem/UKCore-HumanLanguage");
    }
    for (method, display) in
        [("1", "Letter"), ("5", "Minicom (Textphone)"), ("8", "No Telephone contact")]
    {
        let json = record(rose(|person| {
            person.further.contact_method = method.into();
            person.further.written_format = "13".into();
        }))
        .await;
        let parts = extension(&json, "ContactPreference");
        assert_eq!(coding(&parts[0])["display"], "Audio tape");
        assert_eq!(coding(&parts[1])["display"], display);
    }
    let json = record(rose(|person| {
        person.telecoms = vec!["textphone:01632960587".into()];
        person.further.emergency_telecoms = vec!["fax:01632960588".into()];
    }))
    .await;
    let telecom = &json["telecom"][0];
    assert_eq!((&telecom["system"], &telecom["value"]), (&json!("other"), &json!("01632960587")));
    assert_eq!(
        telecom["extension"][0]["valueCoding"],
        json!({
            "system": "https://fhir.hl7.org.uk/CodeSystem/UKCore-OtherContactSystem",
            "code": "textphone", "display": "Minicom (Textphone)",
        })
    );
    assert_eq!(json["contact"][0]["telecom"][0]["system"], "other");
}

/// The codings that a relationship is sent as: system (the end of it), code, display.
async fn relationship(change: impl FnOnce(&mut RelatedPerson)) -> Vec<[String; 3]> {
    let mut relative = RelatedPerson::new("MTH");
    change(&mut relative);
    let register = rose(|person| person.related = vec![relative]);
    let answer = ask(&simulate(register), "/Patient/9449304424/RelatedPerson").await;
    let codings = &answer.json["entry"][0]["resource"]["relationship"][0]["coding"];
    let text = |value: &Value| value.as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let three = |coding: &Value| ["system", "code", "display"].map(|field| text(&coding[field]));
    codings.as_array().unwrap().iter().map(three).collect()
}

#[tokio::test]
async fn related_people_have_type_and_role() {
    let role = [
        "UKCore-AdditionalRelatedPersonRole",
        "Personal",
        "Personal relationship with the patient",
    ];
    let kind = "relatedperson-relationshiptype";
    assert_eq!(relationship(|_| {}).await, [[kind, "MTH", "mother"], role]);
    let kin = relationship(|relative| relative.next_of_kin = true).await;
    assert_eq!(kin, [[kind, "MTH", "mother"], role, [kind, "N", "Next-of-Kin"]]);
    let agent = relationship(|relative| {
        relative.relationship = "Carer".into();
        relative.role = "Agent".into();
    });
    let agents = [role[0], "Agent", "Agent of patient"];
    assert_eq!(agent.await, [[role[0], "Carer", "Carer of patient"], agents]);
    let untyped = relationship(|relative| relative.relationship = "Agent".into()).await;
    assert_eq!(untyped, [[role[0], "NotSpecified", "Not Specified"], agents]);
    for guardian in ["Guardian", "GUARD"] {
        let codings = relationship(|relative| relative.relationship = guardian.into()).await;
        assert_eq!(codings, [[role[0], "Guardian", "Guardian of patient"]]);
    }
}

#[tokio::test]
async fn related_people_have_an_address() {
    let register = rose(|person| {
        let mut mother = RelatedPerson::new("MTH");
        (mother.given, mother.family) = ("Olive".into(), "Bird".into());
        mother.address[1] = "7 Mill Lane".into();
        mother.postcode = "LS1 6AF".into();
        mother.telecoms = (0..7).map(|place| format!("tel:0163296010{place}")).collect();
        person.related = vec![mother];
    });
    let answer = ask(&simulate(register), "/Patient/9449304424/RelatedPerson").await;
    let mother = &answer.json["entry"][0]["resource"];
    assert_eq!(
        mother["address"],
        json!([{
            "id": "A1", "use": "home", "period": { "start": "1943-05-19" },
            "line": ["7 Mill Lane"], "postalCode": "LS1 6AF",
        }])
    );
    assert_eq!(mother["telecom"].as_array().unwrap().len(), 5);
    assert_eq!(mother["name"][0]["use"], "usual");
}

/// Every address in a response that does not name a system.
fn addresses(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(all) => all.iter().for_each(|element| addresses(element, found)),
        Value::Object(fields) => {
            for (name, value) in fields {
                match value.as_str() {
                    Some(text) if matches!(&**name, "fullUrl" | "reference") => {
                        found.push(text.to_owned());
                    }
                    _ => addresses(value, found),
                }
            }
        }
        _ => {}
    }
}

#[tokio::test]
async fn addresses_name_the_server_that_was_called() {
    let register = || {
        rose(|person| {
            let mut mother = RelatedPerson::new("MTH");
            mother.nhs_number = Some(NhsNumber::constant(9_449_305_552));
            person.related = vec![mother];
        })
    };
    let related = "/Patient/9449304424/RelatedPerson";
    let search = "/Patient?family=Ainsley&birthdate=1943-05-19";
    let all = async |simulator: &nhs_pds_simulator::Simulator, base: &str| {
        let mut found = Vec::new();
        for path in [related, search] {
            let request =
                nhs_pds::transport::Request::get(format!("{base}{path}").parse().unwrap());
            let request = request.with("x-request-id", super::ask::REQUEST_ID);
            addresses(&send(simulator, request).await.json, &mut found);
        }
        found
    };
    let expected = |base: &str| {
        vec![
            format!("{base}/Patient/9449304424/RelatedPerson/R1"),
            format!("{base}/Patient/9449305552"),
            format!("{base}/Patient/9449304424"),
        ]
    };
    let simulator = simulate(register());
    for base in [
        "https://pds.example/personal-demographics/FHIR/R4",
        "http://localhost:8080/personal-demographics/FHIR/R4",
        "https://proxy.example/pds",
    ] {
        assert_eq!(all(&simulator, base).await, expected(base));
    }
    let told = simulate(register()).with_fhir_base(&"https://veit07.example/R4/".parse().unwrap());
    let called = "https://pds.example/personal-demographics/FHIR/R4";
    assert_eq!(all(&told, called).await, expected("https://veit07.example/R4"));
}

#[tokio::test]
async fn refusals_say_what_was_not_permitted() {
    let answer: Answer = send(&simulator(), get("/Coverage")).await;
    assert_eq!(answer.error(), (403, "ACCESS_DENIED"));
    let coding = &answer.json["issue"][0]["details"]["coding"][0];
    assert_eq!(coding["display"], "Cannot GET resource with user-restricted access token");
    assert_eq!(
        answer.diagnostics(),
        "Your app has insufficient permissions to use this operation. Please contact support."
    );
}

#[tokio::test]
async fn a_range_may_be_open_at_one_end() {
    let simulator = simulator();
    for (query, found) in [
        ("family=Ainsley&birthdate=le1943-05-19", true),
        ("family=Ainsley&birthdate=le1943-05-18", false),
        ("family=Ainsley&birthdate=ge1943-05-19", true),
        ("family=Ainsley&birthdate=ge1943-05-20", false),
        ("family=Ain*&birthdate=le2020-01-01&_history=true", true),
        ("family=Ainsley&given=Rose&birthdate=ge1920-08-11&_fuzzy-match=true", true),
    ] {
        let answer = find(&simulator, query).await;
        assert_eq!(answer.hits().len(), usize::from(found), "{query}");
    }
    for (death, found) in [
        ("le2020-04-05", true),
        ("le2020-04-04", false),
        ("ge2020-04-05", true),
        ("ge2020-04-06", false),
    ] {
        let query = format!("family=Late&birthdate=1930-03-03&death-date={death}");
        assert_eq!(find(&simulator, &query).await.hits().len(), usize::from(found), "{death}");
    }
}
