//! Reading resources.

use crate::fhir::{but, patient};
use nhs_pds::demographics::{AddressUse, NameUse, PartialDate, Recorded};
use nhs_pds::fhir::{
    ContactMethod, DeathNotificationStatus, DecodeErrorKind, Patient, RelatedPerson, WrittenFormat,
};
use nhs_pds::trace::Restriction;
use serde_json::{Value, json};

const FULL: &[u8] = include_bytes!("../../data/fhir/patient.json");
const RELATED: &[u8] = include_bytes!("../../data/fhir/related_people.json");

fn read(json: &Value) -> Patient {
    Patient::decode(json.to_string().as_bytes()).unwrap()
}

/// The demographic fields of a patient with `changes`.
fn details(changes: Value) -> Value {
    serde_json::to_value(read(&but(patient("9000000009"), changes)).demographics()).unwrap()
}

#[test]
fn a_byte_order_mark_is_skipped() {
    let marked = [b"\xef\xbb\xbf", FULL].concat();
    assert!(Patient::decode(&marked).unwrap() == Patient::decode(FULL).unwrap());
}

#[test]
fn every_demographic_field_is_read() {
    let patient = Patient::decode(FULL).unwrap();
    let period = |low: &str| json!({"low": low});
    let expected = json!({
        "name": {
            "use": "usual", "prefix": "Mrs", "given": ["Jane Marie", "Anne"], "family": "Smith",
            "suffix": "MBE PhD", "period": {"low": "2020-01-01", "high": "2031-12-31"},
        },
        "other_names": [
            {"use": "nickname", "given": ["Jay"], "family": "Smith", "period": period("2015-03-01")},
            {
                "use": "maiden", "prefix": "Miss", "given": ["Jane"], "family": "O’Rourke-Attisón",
                "period": {"low": "2010-10", "high": "2020-01-01"},
            },
            {"use": "anonymous", "family": "X"},
        ],
        "gender": "female",
        "date_of_birth": "2010-10-22",
        "date_of_death": "2026-03-01",
        "addresses": [
            {
                "use": "home", "postcode": "LS1 6AE", "period": period("2020-01-01"),
                "lines": ["", "1 Trevelyan Square", "Boar Lane", "Leeds", "West Yorkshire"],
                "paf_key": "12345678", "uprn": "123456789012",
            },
            {
                "use": "temporary", "kind": "Student Accommodation", "postcode": "UNKNOWN",
                "lines": ["Hall 3", "Canterbury", "", "", ""],
                "period": {"low": "2026-09-01", "high": "2027-07-01"},
            },
            {
                "use": "correspondence", "lines": ["PO Box 7", "", "", "", ""], "postcode": "",
                "period": period("2026-09-01"),
            },
        ],
        "telecoms": [
            {"use": "home", "value": "tel:01632 960587", "usable_periods": [period("2020-01-01")]},
            {"use": "home", "value": "mailto:jane@example.org", "usable_periods": [period("2020-01-01")]},
            {"use": "temp", "value": "textphone:01632960588", "usable_periods": [period("2020-01-01")]},
            {"value": "4711"},
        ],
        "gp_practice": {"ods_code": "Y12345", "period": {"low": "2020-01-01", "high": "2021-12-31"}},
    });
    assert_eq!(serde_json::to_value(patient.demographics()).unwrap(), expected);
}

#[test]
fn fields_of_this_service_only_are_read() {
    let patient = Patient::decode(FULL).unwrap();
    assert_eq!(patient.id, "9000000009");
    assert_eq!(patient.nhs_number, "9000000009".parse().ok());
    assert_eq!(patient.version.as_deref(), Some("7"));
    assert_eq!(patient.restriction, Restriction::Unrestricted);
    assert_eq!(patient.multiple_birth, Some(2));
    let death = patient.death_notification.unwrap();
    assert_eq!(death.status, DeathNotificationStatus::Formal);
    assert_eq!(death.effective.known().unwrap().to_string(), "2026-03-02");
    let contact = &patient.emergency_contacts[0];
    assert_eq!(contact.telecoms[0].value, Recorded::Known("tel:01632960999".into()));
    let managing = patient.managing_organisation.unwrap();
    assert_eq!(managing.ods_code.known().unwrap().as_str(), "Y98765");
    let removal = patient.removal.unwrap();
    assert_eq!(removal.code, "SCT");
    assert_eq!(removal.period.low.known().unwrap().to_string(), "2021-12-31");
    let communication = patient.communication.unwrap();
    assert_eq!(communication.language.as_deref(), Some("fr"));
    assert_eq!(communication.interpreter_required, Some(true));
    let preferences = patient.contact_preferences.unwrap();
    assert_eq!(preferences.written_format, Some(WrittenFormat::Braille));
    assert_eq!(preferences.method, Some(ContactMethod::Letter));
    assert_eq!(preferences.times.as_deref(), Some("Not after 7pm"));
}

#[test]
fn every_field_may_be_missing() {
    let minimal =
        json!({"resourceType": "Patient", "id": "9000000033", "identifier": [], "meta": {}});
    let patient = read(&minimal);
    assert_eq!(patient, Patient::new("9000000033"));
    assert_eq!(serde_json::to_value(patient.demographics()).unwrap(), json!({}));
    let nulls = json!({
        "resourceType": "Patient", "id": "9000000033", "identifier": null, "meta": null, "name": null,
        "gender": null, "birthDate": null, "deceasedDateTime": null, "address": [null], "telecom": [null],
        "contact": null, "generalPractitioner": [], "managingOrganization": null, "extension": [null],
    });
    assert_eq!(read(&nulls), patient);
}

#[test]
fn partial_dates_and_unknown_codes() {
    for (birth, recorded) in
        [("2010", "2010"), ("2010-10", "2010-10"), ("", ""), ("22/10/2010", "22/10/2010")]
    {
        assert_eq!(details(json!({"birthDate": birth}))["date_of_birth"], recorded);
    }
    for (code, gender) in
        [("other", "not_specified"), ("unknown", "not_known"), ("", ""), ("x", "x")]
    {
        assert_eq!(details(json!({"gender": code}))["gender"], gender);
    }
    let place = details(json!({"address": [{"use": "old", "postalCode": "ZZ99 3VZ"}]}));
    assert_eq!(place["addresses"], json!([{"use": "old", "postcode": "ZZ99 3VZ"}]));
    let read = read(&but(patient("9000000009"), json!({"address": [{"use": "home"}]})));
    assert_eq!(read.addresses[0].usage, Some(AddressUse::Home));
    assert_eq!(read.addresses[0].lines, None);
    assert!(read.addresses[0].postcode.is_not_returned());
}

/// A kept value reads back unchanged, also a date or a gender in another form, valid or not.
#[test]
fn a_serialised_patient_reads_back_the_same() {
    for (birth, gender) in [
        ("20101022", "Male"),
        ("201010", "1"),
        (" 2010 ", " female "),
        ("20101322", "m"),
        (" ", " "),
        ("2010-10-22T", "not known"),
    ] {
        let changes = json!({"birthDate": birth, "gender": gender, "address": [{
            "period": {"start": birth, "end": gender},
        }]});
        let person = read(&but(patient("9000000009"), changes)).demographics();
        let kept = serde_json::to_vec(&person).unwrap();
        let again: nhs_pds::demographics::Demographics = serde_json::from_slice(&kept).unwrap();
        assert!(again == person, "{birth} {gender}");
    }
}

#[test]
fn six_address_lines_are_kept() {
    let lines = json!([{"line": ["1", "2", null, "4", "5", "6"]}]);
    assert_eq!(
        details(json!({"address": lines}))["addresses"][0]["lines"],
        json!(["1", "2", "", "4", "5, 6"])
    );
}

#[test]
fn the_usual_name_is_the_one_with_that_use() {
    let name = |usage: Option<&str>, family: &str| match usage {
        Some(usage) => json!({"use": usage, "family": family}),
        None => json!({"family": family}),
    };
    let usual = |names: Value| {
        let read = read(&but(patient("9000000009"), json!({"name": names})));
        read.usual_name().map(|name| name.family.known().unwrap().clone())
    };
    let names = json!([name(Some("old"), "A"), name(Some("usual"), "B")]);
    assert_eq!(usual(names).as_deref(), Some("B"));
    assert_eq!(usual(json!([name(None, "A")])).as_deref(), Some("A"));
    assert_eq!(usual(json!([name(Some("nickname"), "A")])), None);
    assert_eq!(usual(json!([name(None, "A"), name(None, "B")])), None);
    assert_eq!(usual(json!([])), None);
    // A blank or ended name does not hide the current one.
    let until =
        |family: &str, end: &str| json!({"use": "usual", "family": family, "period": {"end": end}});
    let current = name(Some("usual"), "B");
    for names in [
        json!([until("A", "2019-12-31"), current]),
        json!([current, until("A", "2999-12-31")]),
        json!([name(Some("usual"), " "), current]),
        json!([{"use": "usual"}, {"use": "usual", "given": [""]}, current]),
        json!([until("A", "2019-12-31"), until("B", "2999-12-31"), until("C", "2020")]),
        json!([until("A", "in May"), until("B", "2019")]),
        json!([current, name(Some("usual"), "A")]),
        json!([name(None, ""), name(None, "B")]),
    ] {
        assert_eq!(usual(names.clone()).as_deref(), Some("B"), "{names}");
    }
    // Nor does a name that has not begun: only one name is usual at a time, so an earlier one exists.
    let from = |family: &str, start: &str| json!({"use": "usual", "family": family, "period": {"start": start}});
    for names in [
        json!([from("A", "2999-01-01"), from("B", "2010-05-01")]),
        json!([from("B", "2010"), from("A", "2999")]),
        json!([from("A", "2999-01-01"), current]),
        json!([from("A", "in May"), from("B", "2010")]),
        json!([from("", "2010"), from("B", "2999")]),
        json!([from("B", "2010"), from("A", "2010-01-01")]),
    ] {
        assert_eq!(usual(names.clone()).as_deref(), Some("B"), "{names}");
    }
    let read = read(&but(patient("1"), json!({"name": [name(Some("temp"), "A")]})));
    assert_eq!(read.names[0].usage, Some(NameUse::Temporary));
}

#[test]
fn a_redacted_record_is_invalid_data() {
    let labelled = |code: &str| {
        let labels = json!([{"code": "U"}, {"code": code}]);
        let json = but(patient("9000000009"), json!({"meta": {"security": labels}}));
        Patient::decode(json.to_string().as_bytes())
    };
    assert_eq!(labelled("REDACTED").unwrap_err().kind(), DecodeErrorKind::Redacted);
    assert!(labelled("V").is_ok());
}

#[test]
fn a_version_may_be_a_number() {
    let version = |version: Value| {
        let json = but(patient("9000000009"), json!({"meta": {"versionId": version}}));
        Patient::decode(json.to_string().as_bytes()).map(|patient| patient.version)
    };
    assert_eq!(version(json!("2")).unwrap().as_deref(), Some("2"));
    assert_eq!(version(json!(2)).unwrap().as_deref(), Some("2"));
    assert_eq!(version(json!("a\"b")).unwrap().as_deref(), Some("a\"b"));
    assert_eq!(version(Value::Null).unwrap(), None);
    for other in [json!(-1), json!(1.5), json!(true), json!(["2"])] {
        assert_eq!(version(other).unwrap_err().kind(), DecodeErrorKind::Value);
    }
}

#[test]
fn restrictions() {
    let restriction =
        |meta: Value| read(&but(patient("9000000009"), json!({"meta": meta}))).restriction;
    for (code, expected) in [
        ("U", Restriction::Unrestricted),
        ("R", Restriction::Restricted),
        ("V", Restriction::VeryRestricted),
        // Whatever its meaning, it is not "nothing is withheld".
        ("N", Restriction::Restricted),
        ("u", Restriction::Restricted),
    ] {
        assert_eq!(restriction(json!({"security": [{"code": code}]})), expected, "{code}");
    }
    let both = json!({"security": [{"code": "U"}, {"code": "V"}]});
    assert_eq!(restriction(both), Restriction::VeryRestricted);
    assert_eq!(restriction(json!({"security": [{}]})), Restriction::Restricted);
    assert_eq!(restriction(json!({"security": []})), Restriction::NotStated);
    assert_eq!(restriction(json!({"versionId": "1"})), Restriction::NotStated);
}

#[test]
fn a_death_without_a_date_is_a_death() {
    let notified = |code: &str| {
        json!([{"url": "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-DeathNotificationStatus",
            "extension": [{"url": "deathNotificationStatus", "valueCodeableConcept": {"coding": [{"code": code}]}}]}])
    };
    for (changes, deceased) in [
        (json!({}), false),
        (json!({"deceasedDateTime": "2026"}), true),
        (json!({"deceasedDateTime": "in spring"}), true),
        (json!({"deceasedBoolean": true}), true),
        (json!({"deceasedBoolean": false}), false),
        (json!({"extension": notified("1")}), true),
        (json!({"extension": notified("2"), "deceasedDateTime": ""}), true),
        (json!({"extension": notified("9")}), true),
        (json!({"extension": notified("U")}), false),
        (json!({"extension": notified("U"), "deceasedDateTime": "2026-03-01"}), false),
    ] {
        let read = read(&but(patient("9000000009"), changes.clone()));
        assert_eq!(read.demographics().is_deceased(), deceased, "{changes}");
    }
    let dated =
        read(&but(patient("9000000009"), json!({"deceasedDateTime": "2026-03-01T12:00:00"})));
    assert_eq!(dated.date_of_death.known().unwrap().to_string(), "2026-03-01");
}

#[test]
fn a_day_is_a_day_in_london() {
    let changes = json!({
        "birthDate": "2006-07-18T23:00:00Z",
        "deceasedDateTime": "2023-10-28T23:30:00+00:00",
        "name": [{"use": "usual", "period": {"start": "2020-03-31T23:00:00+00:00", "end": "2020-12-31T23:00:00+00:00"}}],
    });
    let read = read(&but(patient("9000000009"), changes));
    let day = |date: &Recorded<PartialDate>| date.known().unwrap().to_string();
    assert_eq!(day(&read.date_of_birth), "2006-07-19");
    assert_eq!(day(&read.date_of_death), "2023-10-29");
    let period = read.names[0].period.as_ref().unwrap();
    assert_eq!((day(&period.low), day(&period.high)), ("2020-04-01".into(), "2020-12-31".into()));
}

#[test]
fn a_blank_given_name_keeps_its_place() {
    let names = json!({"name": [{"use": "usual", "given": [null, "Ann"], "family": "Smith"}]});
    assert_eq!(details(names)["name"]["given"], json!(["", "Ann"]));
}

#[test]
fn an_id_that_is_not_a_number_is_kept_unchanged() {
    for id in ["9000000015", "900 000 0009", "abc", "90000000090"] {
        let patient = read(&patient(id));
        assert_eq!((patient.id.as_str(), patient.nhs_number), (id, None));
    }
}

#[test]
fn documents_that_are_not_a_patient() {
    let kind = |json: &str| Patient::decode(json.as_bytes()).unwrap_err().kind();
    let identified = |value: &str| {
        let identifier = json!([{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": value}]);
        but(patient("9000000009"), json!({"identifier": identifier})).to_string()
    };
    for (json, expected) in [
        ("", DecodeErrorKind::Truncated),
        ("{", DecodeErrorKind::Truncated),
        ("<html>", DecodeErrorKind::NotJson),
        ("{}{}", DecodeErrorKind::NotJson),
        ("[]", DecodeErrorKind::Value),
        // The values of all fields, in the reader's order.
        (
            r#" ["Patient","9",[],null,[],null,null,null,null,null,[],[],[],[],null,[]]"#,
            DecodeErrorKind::Value,
        ),
        ("\"SMITH\"", DecodeErrorKind::Value),
        ("{}", DecodeErrorKind::ResourceType),
        (r#"{"resourceType": "Person", "id": "1"}"#, DecodeErrorKind::ResourceType),
        (r#"{"resourceType": "Patient"}"#, DecodeErrorKind::Identifier),
        (r#"{"resourceType": "Patient", "id": " "}"#, DecodeErrorKind::Identifier),
        (r#"{"resourceType": "Patient", "id": 9000000009}"#, DecodeErrorKind::Value),
        (r#"{"resourceType": "Patient", "id": "1", "id": "2"}"#, DecodeErrorKind::Value),
        (&identified("9000000017"), DecodeErrorKind::Identifier),
    ] {
        assert_eq!(kind(json), expected, "{json}");
    }
    assert!(Patient::decode(identified("9000000009").as_bytes()).is_ok());
    // The depth of fields that are read is limited; other fields are skipped at any depth.
    let deep = |key: &str, open: &str, close: &str| {
        let (open, close) = (open.repeat(200), close.repeat(200));
        Patient::decode(
            format!(r#"{{"resourceType": "Patient", "id": "1", "{key}": {open}{close}}}"#)
                .as_bytes(),
        )
    };
    let nested = deep("extension", r#"[{"extension": "#, "}]");
    assert_eq!(nested.unwrap_err().kind(), DecodeErrorKind::NotJson);
    assert!(deep("photo", "[", "]").is_ok());
}

#[test]
fn errors_have_a_place_and_no_value() {
    let error =
        Patient::decode(b"{\n \"resourceType\": \"Patient\", \"name\": \"SMITH\"}").unwrap_err();
    assert_eq!((error.kind(), error.line()), (DecodeErrorKind::Value, 2));
    let said = format!("{error} {error:?}");
    assert!(!said.contains("SMITH") && said.contains("line 2"), "{said}");
}

#[test]
fn related_people() {
    let people = RelatedPerson::decode_bundle(RELATED).unwrap();
    let [guardian, mother] = people.as_slice() else { panic!("two") };
    assert_eq!(guardian.id.as_deref(), Some("507B7621"));
    assert_eq!(guardian.active, Some(true));
    assert_eq!(guardian.patient_id.as_deref(), Some("9000000017"));
    assert_eq!(guardian.relationships, ["Guardian"]);
    assert_eq!(guardian.names[0].family, Recorded::Known("Smyth".into()));
    assert_eq!(guardian.date_of_birth.known().unwrap().to_string(), "1985-02");
    assert_eq!(guardian.addresses[0].postcode.known().unwrap().to_string(), "LS1 6AE");
    assert_eq!(guardian.telecoms[0].value, Recorded::Known("tel:01632960587".into()));
    assert_eq!(guardian.period.as_ref().unwrap().low.known().unwrap().to_string(), "2020-01-01");
    assert_eq!((guardian.rank, guardian.copy_correspondence), (Some(1), Some(true)));
    assert_eq!(mother.patient_id.as_deref(), Some("9000000033"));
    assert!(mother.names.is_empty());
    assert!(!format!("{people:?}").contains("Smyth"));
    // No related person of a restricted person is returned.
    let none = br#"{"resourceType": "Bundle", "type": "searchset", "total": 0}"#;
    assert_eq!(RelatedPerson::decode_bundle(none).unwrap(), []);
}
