//! The response about each person.

use super::message::{ask, birth, gender, local, name, number, postcode, simulator};

const GET: &str = "getNHSNumber";
const SEARCH: &str = "getPatientDetailsBySearch";
const BY_NUMBER: &str = "getPatientDetailsByNHSNumber";
const DETAILS: &str = "getPatientDetails";
const VERIFY: &str = "verifyNHSNumber";

fn ainsley() -> [String; 3] {
    [birth("19430519"), gender("2"), name("", "AINSLEY")]
}

#[tokio::test]
async fn a_search_compares_everything_that_is_sent() {
    let simulator = simulator();
    for (parameters, code) in [
        (ainsley().to_vec(), "SMSP-0000"),
        (vec![birth("19430519"), gender("2"), name("comfort", "ainsley")], "SMSP-0000"),
        (vec![birth("19430519"), gender("2"), name("Zoë", "Ainsley")], "DEMOG-0001"),
        (vec![birth("19430519"), gender("1"), name("", "Ainsley")], "DEMOG-0001"),
        (vec![birth("19430520"), gender("2"), name("", "Ainsley")], "DEMOG-0001"),
        ([&ainsley()[..], &[postcode("kt171na")]].concat(), "SMSP-0000"),
        ([&ainsley()[..], &[postcode("KT17 1NB")]].concat(), "DEMOG-0001"),
        (vec![birth("19800920"), gender("2"), name("", "Twinn")], "DEMOG-0007"),
        (vec![birth("19800920"), gender("2"), name("Beryl", "Twinn")], "SMSP-0000"),
        (
            vec![birth("19800920"), gender("2"), name("Beryl", "Twinn"), postcode("KT19 0ST")],
            "SMSP-0000",
        ),
    ] {
        for operation in [GET, SEARCH, DETAILS] {
            let answer = ask(&simulator, operation, &parameters).await;
            assert_eq!(answer.code(), code, "{operation} {parameters:?}");
            assert_eq!(answer.has_data(), code == "SMSP-0000");
        }
    }
}

#[tokio::test]
async fn an_advanced_trace_can_be_switched_off() {
    let simulator = simulator();
    let simple = simulator.clone().with_advanced_trace(false);
    for (parameters, code) in [
        (vec![birth("19430519"), gender("2"), name("", "AIN*")], "SMSP-0000"),
        (vec![birth("19430519"), gender("2"), name("Co*", "A*nsley")], "SMSP-0001"),
        (vec![birth("19430519"), gender("2"), name("Co*t", "Ain*ey")], "SMSP-0000"),
        (vec![birth("194305"), gender("2"), name("", "Ainsley")], "SMSP-0000"),
        (vec![birth("1943"), gender("2"), name("", "Ainsley")], "SMSP-0000"),
        (vec![birth("194306"), gender("2"), name("", "Ainsley")], "DEMOG-0001"),
        (vec![birth("1980"), gender("2"), name("", "Tw*")], "DEMOG-0007"),
        (vec![birth("2014"), gender("9"), name("", "Young")], "SMSP-0000"),
        ([&ainsley()[..], &[postcode("KT*")]].concat(), "SMSP-0000"),
        ([&ainsley()[..], &[postcode("LS*")]].concat(), "DEMOG-0001"),
        ([&ainsley()[..], &[postcode("K*")]].concat(), "SMSP-0001"),
    ] {
        assert_eq!(ask(&simulator, GET, &parameters).await.code(), code, "{parameters:?}");
        assert_eq!(ask(&simple, GET, &parameters).await.code(), "SMSP-0001", "{parameters:?}");
    }
    let full = [birth("20140501"), gender("9"), name("", "Young")];
    assert_eq!(ask(&simulator, GET, &full).await.code(), "DEMOG-0001");
}

#[tokio::test]
async fn numbers_are_verified() {
    let simulator = simulator();
    for (digits, born, with, code) in [
        ("9449304424", "19430519", None, "SMSP-0000"),
        ("9449304424", "19430519", Some(("Comfort", "Ainsley")), "SMSP-0000"),
        ("9449304424", "19430519", Some(("", "Ainsley")), "SMSP-0000"),
        ("9449304424", "19430519", Some(("Mercy", "Ainsley")), "DEMOG-0040"),
        ("9449304424", "19430519", Some(("", "Smith")), "DEMOG-0040"),
        ("9449304424", "19430518", None, "DEMOG-0040"),
        ("9999999980", "19430519", None, "DEMOG-0001"),
        ("9449304425", "19430519", None, "DEMOG-0042"),
        ("944 930 4424", "19430519", None, "DEMOG-0042"),
        ("AB123", "19430519", None, "DEMOG-0042"),
        ("9434765919", "19600606", None, "DEMOG-0022"),
        ("9449306613", "19500101", None, "DEMOG-0017"),
    ] {
        let mut parameters = vec![birth(born), number(digits)];
        parameters.extend(with.map(|(given, family)| name(given, family)));
        let verified = ask(&simulator, VERIFY, &parameters).await;
        assert_eq!(verified.code(), code, "{digits} {born} {with:?}");
        assert_eq!(verified.has(r#"<value value="true"/>"#), code == "SMSP-0000");
        for operation in [BY_NUMBER, DETAILS] {
            let answer = ask(&simulator, operation, &parameters).await;
            assert_eq!(answer.code(), code, "{operation} {digits} {born} {with:?}");
            assert_eq!(answer.has("<patientPerson "), matches!(code, "SMSP-0000" | "DEMOG-0017"));
        }
    }
}

#[tokio::test]
async fn superseded_numbers() {
    let simulator = simulator();
    let by_number = [birth("19500101"), number("9449306613")];
    let found = [birth("19500101"), gender("1"), name("", "Formerly")];
    for (operation, parameters) in
        [(BY_NUMBER, &by_number[..]), (DETAILS, &by_number), (GET, &found), (SEARCH, &found)]
    {
        let answer = ask(&simulator, operation, parameters).await;
        assert_eq!(answer.code(), "DEMOG-0017", "{operation}");
        assert!(answer.has("9449304424") && !answer.has("9449306613"), "{operation}");
        let bare = simulator.clone().with_superseding_payload(false);
        let answer = ask(&bare, operation, parameters).await;
        assert_eq!((answer.code(), answer.has_data()), ("DEMOG-0017", false), "{operation}");
    }
    let verified = ask(&simulator, VERIFY, &by_number).await;
    assert!(verified.has(r#"<value value="false"/>"#) && verified.has("9449304424"));
    // The old record and its replacement are both found: one person.
    let merged = [birth("19730110"), gender("2"), name("", "Merged")];
    let answer = ask(&simulator, GET, &merged).await;
    assert!(answer.code() == "SMSP-0000" && answer.has("9280138111"));
}

#[tokio::test]
async fn invalidated_restricted_and_deceased_people() {
    let simulator = simulator();
    let gone = [birth("19600606"), gender("2"), name("", "Gone")];
    let answer = ask(&simulator, SEARCH, &gone).await;
    assert_eq!((answer.code(), answer.has_data()), ("DEMOG-0022", false));

    let hidden = [birth("19700707"), number("9000000009")];
    let answer = ask(&simulator, DETAILS, &hidden).await;
    assert!(answer.code() == "SMSP-0000" && answer.has("<family>Hidden</family>"));
    for withheld in ["<addr", "<telecom", "<gPPractice", "LS1 1AA", "01632960002", "Z99002"] {
        assert!(!answer.has(withheld), "{withheld}");
    }

    let hiddener = [birth("19700708"), number("9000000017")];
    let answer = ask(&simulator, DETAILS, &hiddener).await;
    assert!(answer.code() == "SMSP-0000" && answer.has("administrativeGenderCode"));
    for withheld in ["<addr", "<telecom", "<gPPractice", "<name", "Hiddener", "birthTime"] {
        assert!(!answer.has(withheld), "{withheld}");
    }

    let late = [birth("19300303"), number("9320639116")];
    let answer = ask(&simulator, BY_NUMBER, &late).await;
    assert!(answer.has(r#"<deceasedTime value="20240202"/>"#));
}

#[tokio::test]
async fn people_with_a_code_of_their_own() {
    let simulator = simulator();
    let stale = [birth("19710808"), gender("2"), name("", "Stale")];
    let answer = ask(&simulator, SEARCH, &stale).await;
    assert!(answer.code() == "SMSP-0003" && answer.has("9856036615"));
    let verified = [birth("19710808"), number("9856036615")];
    assert!(ask(&simulator, VERIFY, &verified).await.has(r#"<value value="true"/>"#));
    let wrong = [birth("19710809"), number("9856036615")];
    assert_eq!(ask(&simulator, VERIFY, &wrong).await.code(), "DEMOG-0040");

    let busy = [birth("19720909"), gender("2"), name("", "Busy")];
    let answer = ask(&simulator, SEARCH, &busy).await;
    assert_eq!((answer.code(), answer.has_data()), ("SMSP-0004", false));
}

#[tokio::test]
async fn demographics_as_pds_records_them() {
    let simulator = simulator();
    let parameters = [birth("19430519"), gender("2"), local("RXX:00001"), name("", "Ainsley")];
    let answer = ask(&simulator, SEARCH, &parameters).await;
    for part in [
        r#"<id root="2.16.840.1.113883.2.1.4.1" extension="9449304424"/>"#,
        r#"<id root="2.16.840.1.113883.2.1.3.2.4.18.24" extension="RXX:00001"/>"#,
        "<prefix>Mrs</prefix><given>Comfort</given><given>Zoë</given><family>Ainsley</family>",
        "<postalCode>KT17 1NA</postalCode><streetAddressLine></streetAddressLine>\
         <streetAddressLine>41 The Kingsway</streetAddressLine>",
        r#"<telecom value="tel:01632960001" use="H"/>"#,
        r#"<telecom value="tel:07700900350" use="MC"/>"#,
        r#"<telecom value="mailto:comfort@example.org" use="H"/>"#,
        r#"<administrativeGenderCode code="2""#,
        r#"<birthTime value="19430519"/>"#,
        r#"extension="Z99001"/><name>A &amp; B Surgery</name>"#,
        "<wsa:RelatesTo>B72F7785-534C-11E6-ADCA-29C651A3BE6F</wsa:RelatesTo>",
        "<wsa:To>council.example</wsa:To>",
        "getPatientDetailsBySearch-v1-0Response</wsa:Action>",
    ] {
        assert!(answer.has(part), "{part} in {}", answer.body);
    }
    assert!(!answer.has("deceasedTime"));
    let number_only = ask(&simulator, GET, &parameters).await;
    assert!(number_only.has("RXX:00001") && !number_only.has("Ainsley"));
}

#[tokio::test]
async fn a_search_needs_surname_and_gender() {
    let simulator = simulator();
    for (parameters, note) in [
        (vec![birth("19430519"), name("", "Ainsley")], "Person.Gender is missing"),
        (vec![birth("19430519"), gender("2")], "Person.Name/family is missing"),
        (vec![gender("2"), name("", "Ainsley")], "Person.DateOfBirth is missing"),
    ] {
        let answer = ask(&simulator, DETAILS, &parameters).await;
        assert_eq!((answer.code(), answer.note()), ("SMSP-0001", note));
    }
}
