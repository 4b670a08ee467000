//! Variants of providers, and the meaning of each response.

use super::{envelope, payload, soap};
use base64::Engine as _;
use nhs_pds::demographics::{AddressUse, Recorded, TelecomUse};
use nhs_pds::smsp::{
    Body, CodeClass, DecodeErrorKind, Fault, Limits, Operation, Response, ResponseCode, decode,
};
use nhs_pds::trace::{Freshness, Outcome};
use std::io::Write as _;

const DETAILS: &str = include_str!("../../data/smsp/details.xml");
const NUMBER: &str = r#"<id root="2.16.840.1.113883.2.1.4.1" extension="9990000077"/>"#;

fn response(message: &str) -> Response {
    match decode(message.as_bytes(), Limits::default()).unwrap().body {
        Body::Response(response) => *response,
        _ => panic!("not a response"),
    }
}

fn packed(flags: &str, payload: &str) -> Response {
    response(&soap(&envelope(flags, payload)))
}

#[test]
fn a_full_person() {
    let message = decode(DETAILS.as_bytes(), Limits::default()).unwrap();
    assert_eq!(message.relates_to.as_deref(), Some("2F4E8C62-7C53-4D39-9C0B-53A7B8D1E402"));
    let response = response(DETAILS);
    assert_eq!(response.operation, Operation::GetPatientDetailsBySearch);
    assert_eq!(response.local_identifier.as_ref().unwrap().extension(), "RHM:CASE-00017");
    let person = response.person.unwrap();
    let name = person.name.unwrap();
    assert_eq!(name.given, ["Zoë", "Aoife"]);
    assert_eq!(name.family, Recorded::Known("O'Brien & Sons".to_owned()));
    let [home, temporary] = person.addresses.as_slice() else { panic!("two addresses") };
    assert_eq!(home.usage, Some(AddressUse::Home));
    assert_eq!(
        home.lines.as_ref().unwrap(),
        &["FLAT 2", "17 SYNTHETIC STREET", "", "MANCHESTER", ""]
    );
    assert_eq!(temporary.postcode, Recorded::Blank);
    let mobile = person.telecoms.last().unwrap();
    assert_eq!(mobile.usage, Some(TelecomUse::Mobile));
    let period = mobile.usable_periods.first().unwrap();
    assert_eq!(period.low.known().unwrap().to_string(), "2024-04-01");
    assert_eq!(period.high.known().unwrap().to_string(), "2029-12-31");
    let practice = person.gp_practice.unwrap();
    assert_eq!(practice.ods_code.known().unwrap().as_str(), "P99001");
    assert_eq!(practice.name, Recorded::Known("EXAMPLE ROAD SURGERY".to_owned()));
    assert_eq!(practice.telecom.unwrap().value, Recorded::Known("tel:01632960100".to_owned()));
    assert!(person.date_of_death.is_not_returned());
}

#[test]
fn xml_style_does_not_matter() {
    let plain = response(DETAILS);
    let variants = [
        DETAILS.replace("soap:", "env:").replace("xmlns:soap", "xmlns:env"),
        DETAILS.replace("<itk:", "<").replace("</itk:", "</").replace(
            "<DistributionEnvelope",
            "<DistributionEnvelope xmlns=\"urn:nhs-itk:ns:201005\"",
        ),
        DETAILS.replace("O&apos;Brien &amp; Sons", "<![CDATA[O'Brien & Sons]]>"),
        DETAILS.replace("O&apos;Brien &amp; Sons", "O&#39;Brien <!-- and -->&#x26; Sons"),
        DETAILS.replace("O&apos;Brien &amp; Sons", "\n  O'Brien <?pi?>&amp; Sons\n  "),
        DETAILS.replace('\n', "\r\n"),
        DETAILS.lines().map(str::trim).collect(),
        DETAILS.replace("Zoë", "Zo&#235;"),
        DETAILS.replace(
            "<prefix>",
            "<soap:odd/><unknown a='1'><given>NOT A NAME</given></unknown><prefix>",
        ),
        DETAILS
            .replace("<subject", "<x:subject xmlns:x='urn:else'><x:patient/></x:subject><subject"),
        DETAILS.replace("classCode=\"PAT\"", "classCode='PAT' xml:lang='en'"),
        format!("\u{feff}{DETAILS}"),
    ];
    for (index, variant) in variants.iter().enumerate() {
        assert_ne!(variant, DETAILS, "variant {index} is not a response");
        assert_eq!(response(variant), plain, "variant {index}");
    }
}

#[test]
fn packed_payloads() {
    let inner = payload("getPatientDetailsResponse-v1-0", "DEMOG-0001", "");
    let inner = format!("<?xml version='1.0' encoding='utf-8'?>\n{inner}\n");
    let base64 = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(inner.as_bytes()).unwrap();
    let gzip = base64(&gzip.finish().unwrap());
    let wrapped: String = gzip
        .as_bytes()
        .chunks(20)
        .map(|line| format!("{}\n\t", std::str::from_utf8(line).unwrap()))
        .collect();
    let plain = base64(inner.as_bytes());
    for (flags, text) in [
        ("base64='true'", plain.as_str()),
        ("base64='true'", plain.trim_end_matches('=')),
        ("base64='1' compressed='0'", plain.as_str()),
        ("base64='true' compressed='true'", gzip.as_str()),
        ("base64='true' compressed='true' encrypted='false'", wrapped.as_str()),
    ] {
        assert_eq!(packed(flags, text).code, ResponseCode::NoMatch, "{flags}");
    }
    for (flags, text, kind) in [
        ("encrypted='true'", plain.as_str(), DecodeErrorKind::Encrypted),
        ("base64='true' encrypted='1'", plain.as_str(), DecodeErrorKind::Encrypted),
        ("compressed='true'", gzip.as_str(), DecodeErrorKind::Packing),
        ("base64='true' compressed='true'", plain.as_str(), DecodeErrorKind::Packing),
        ("base64='true'", "!!!", DecodeErrorKind::Packing),
        ("base64='maybe'", plain.as_str(), DecodeErrorKind::Packing),
        ("base64='true'", gzip.as_str(), DecodeErrorKind::Character),
        ("base64='false'", plain.as_str(), DecodeErrorKind::NoPayload),
    ] {
        let error = decode(soap(&envelope(flags, text)).as_bytes(), Limits::default()).unwrap_err();
        assert_eq!(error.kind(), kind, "{flags}: {error}");
    }
}

/// The demographic fields of a patient with `rest`.
fn details(rest: &str) -> serde_json::Value {
    let subject = format!("<subject><patient>{NUMBER}{rest}</patient></subject>");
    let text = payload("getPatientDetailsResponse-v1-0", "SMSP-0000", &subject);
    serde_json::to_value(packed("", &text).person.unwrap()).unwrap()
}

#[test]
fn null_flavours_and_times() {
    // A death on an unknown day is a death.
    for flavour in ["UNK", "ASKU", "NAV", "MSK", "OTH"] {
        for value in ["", "value=''"] {
            let died = format!("<deceasedTime {value} nullFlavor='{flavour}'/>");
            assert_eq!(
                details(&format!("<patientPerson>{died}</patientPerson>")),
                serde_json::json!({"date_of_death": flavour})
            );
        }
    }
    // "No information" about a death, and a date without a death, are no death.
    for flavour in ["NI", "NA", " NA "] {
        let none = format!("<deceasedTime nullFlavor='{flavour}'/>");
        let born = format!("<birthTime nullFlavor='{flavour}'/>");
        let person = details(&format!("<patientPerson>{none}{born}</patientPerson>"));
        assert_eq!(person, serde_json::json!({}), "{flavour}");
    }
    // PDS gives times in UTC; a day is a day in London.
    assert_eq!(
        details(
            "<telecom value='tel:1'><useablePeriod><low value='20230331233000+0000'/></useablePeriod></telecom>\
             <patientPerson><birthTime value='20060718230000+0000'/><deceasedTime value='20231028233000+0000'/></patientPerson>"
        ),
        serde_json::json!({
            "telecoms": [{"value": "tel:1", "usable_periods": [{"low": "2023-04-01"}]}],
            "date_of_birth": "2006-07-19", "date_of_death": "2023-10-29"
        })
    );
}

#[test]
fn blank_is_not_absent() {
    assert_eq!(details(""), serde_json::json!({}));
    assert_eq!(
        details("<name><prefix/><given></given><family> </family></name>"),
        serde_json::json!({"name": {"prefix": "", "given": [""], "family": ""}})
    );
    assert_eq!(
        details(
            "<telecom value=''/><patientPerson><birthTime value=''/><deceasedTime/></patientPerson>"
        ),
        serde_json::json!({"telecoms": [{"value": ""}], "date_of_birth": "", "date_of_death": ""})
    );
    assert_eq!(
        details("<addr use='H'><postalCode/></addr><addr use='BAD'/>"),
        serde_json::json!({"addresses": [{"use": "home", "postcode": ""}, {"use": "BAD"}]})
    );
    assert_eq!(
        details(
            "<patientPerson><birthTime value='201405120030+0100'/><deceasedTime value='2020'/><administrativeGenderCode code='9'/></patientPerson>"
        ),
        serde_json::json!({"date_of_birth": "2014-05-12", "date_of_death": "2020", "gender": "not_specified"})
    );
    // Uses are sets. There may be several periods, which are kept apart.
    assert_eq!(
        details(
            "<addr use='BAD TMP'/><telecom use='X MC' value='tel:1'><useablePeriod><low value='2001'/><high value='2002'/></useablePeriod><useablePeriod><low value='2010'/></useablePeriod></telecom>"
        ),
        serde_json::json!({
            "addresses": [{"use": "temporary"}],
            "telecoms": [{"use": "mobile", "value": "tel:1", "usable_periods": [{"low": "2001", "high": "2002"}, {"low": "2010"}]}]
        })
    );
    // The practice's code is the one under its own root.
    assert_eq!(
        details(
            "<patientPerson><gPPractice><locationOrganization><id root='1.2.3' extension='LOCAL9'/><id root='2.16.840.1.113883.2.1.3.2.4.19.2' extension='P99001'/><id root='1.2.4' extension='LOCAL8'/></locationOrganization></gPPractice></patientPerson>"
        ),
        serde_json::json!({"gp_practice": {"ods_code": "P99001"}})
    );
    // An unreadable value is kept unchanged.
    assert_eq!(
        details(
            "<addr><postalCode>NOT KNOWN</postalCode></addr><patientPerson><birthTime value='2.0E+11'/></patientPerson>"
        ),
        serde_json::json!({"addresses": [{"postcode": "NOT KNOWN"}], "date_of_birth": "2.0E+11"})
    );
}

#[test]
fn what_each_code_means() {
    let number = format!("<subject><patient>{NUMBER}</patient></subject>");
    let found = |outcome: &Option<Outcome>| match outcome {
        Some(Outcome::Found(found)) => Some(found.freshness),
        _ => None,
    };
    for code in ResponseCode::known() {
        let text = |rest: &str| payload("getNHSNumberResponse-v1-0", code.as_str(), rest);
        let (with, without) =
            (packed("", &text(&number)).outcome(), packed("", &text("")).outcome());
        match code.as_str() {
            "SMSP-0000" => assert_eq!((found(&with), without), (Some(Freshness::Live), None)),
            "SMSP-0003" => assert_eq!((found(&with), without), (Some(Freshness::Stale), None)),
            "DEMOG-0001" => assert_eq!((with, without), (Some(Outcome::None), Some(Outcome::None))),
            "DEMOG-0007" => assert_eq!(without, Some(Outcome::Ambiguous(vec![]))),
            "DEMOG-0017" => {
                let by = |by| Some(Outcome::Superseded { by, person: None });
                assert_eq!(with, by(Some("9990000077".parse().unwrap())));
                assert_eq!(without, by(None));
            }
            "DEMOG-0022" => assert_eq!(without, Some(Outcome::Invalidated)),
            "DEMOG-0040" => assert_eq!(without, Some(Outcome::NotVerified)),
            failure => assert_eq!((with, without), (None, None), "{failure}"),
        }
    }
    let other = packed("", &payload("getNHSNumberResponse-v1-0", "CPIS-0003", &number));
    assert_eq!(other.code, ResponseCode::Other("CPIS-0003".to_owned()));
    assert_eq!((other.code.class(), other.outcome()), (CodeClass::Defect, None));
}

/// A local identifier that is blank, or of another kind, does not count as returned.
#[test]
fn other_identifiers() {
    for id in [
        "<id root='1.2.3' extension=''/>",
        "<id root='0A6D3F52-81BE-4C7A-B5F9-D4E2C1907A63' extension='1'/>",
        "<id nullFlavor='UNK'/>",
    ] {
        let rest = format!("<subject><patient>{NUMBER}{id}</patient></subject>");
        let response = packed("", &payload("getNHSNumberResponse-v1-0", "SMSP-0000", &rest));
        assert_eq!(response.local_identifier, None, "{id}");
        assert!(response.nhs_number.is_some());
    }
}

#[test]
fn verified_means_success_and_true() {
    let verify = |code: &str, value: Option<&str>| {
        let component = value.map(|value| {
            format!("<component><validIdentifier><code code='VI'/><value value='{value}'/><subject><patient>{NUMBER}</patient></subject></validIdentifier></component>")
        });
        let text = payload("verifyNHSNumberResponse-v1-0", code, &component.unwrap_or_default());
        packed("", &text).outcome().map(|outcome| outcome.as_str())
    };
    assert_eq!(verify("SMSP-0000", Some("true")), Some("found"));
    assert_eq!(verify("SMSP-0000", Some("false")), Some("not_verified"));
    assert_eq!(verify("SMSP-0000", None), None);
    assert_eq!(verify("DEMOG-0040", Some("true")), Some("not_verified"));
    assert_eq!(verify("DEMOG-0040", None), Some("not_verified"));
    assert_eq!(verify("SMSP-0003", Some("true")), Some("found"));
    // A copy cannot say that a number does not belong to the person.
    assert_eq!(verify("SMSP-0003", Some("false")), None);
    assert_eq!(verify("SMSP-0003", None), None);
}

#[test]
fn details_without_a_person_are_not_a_success() {
    let number_only = payload("getPatientDetailsResponse-v1-0", "SMSP-0000", "<subject/>");
    assert_eq!(packed("", &number_only).outcome(), None);
}

#[test]
fn what_each_fault_means() {
    let fault = |code: &str, toolkit: Option<&str>| {
        let detail = toolkit.map(|toolkit| {
            format!("<detail><t:ToolkitErrorInfo xmlns:t='urn:nhs-itk:ns:201005'><t:ErrorCode>{toolkit}</t:ErrorCode><t:ErrorDiagnosticText>MRS SMITH</t:ErrorDiagnosticText></t:ToolkitErrorInfo></detail>")
        });
        let text = format!(
            "<S:Fault><faultcode>{code}</faultcode><faultstring>MRS SMITH</faultstring>{}</S:Fault>",
            detail.unwrap_or_default()
        );
        match decode(soap(&text).as_bytes(), Limits::default()).unwrap().body {
            Body::Fault(fault) => fault,
            _ => panic!("not a fault"),
        }
    };
    let class = |fault: &Fault| fault.class();
    for (code, toolkit, expected) in [
        ("S:Client", Some("1000"), CodeClass::CorrectData),
        ("Client", None, CodeClass::CorrectData),
        ("S:Server", Some("2100"), CodeClass::AskLater),
        ("S:Server", None, CodeClass::AskLater),
        ("S:Server", Some("2200"), CodeClass::Defect),
        ("S:Client", Some("2200"), CodeClass::Defect),
        ("S:Server", Some("3000"), CodeClass::FixConfiguration),
        ("S:Client", Some("3000"), CodeClass::FixConfiguration),
        ("S:MustUnderstand", Some("1000"), CodeClass::FixConfiguration),
        ("S:VersionMismatch", None, CodeClass::FixConfiguration),
        ("wsse:InvalidSecurity", None, CodeClass::FixConfiguration),
        ("wsse:MessageExpired", Some("1000"), CodeClass::FixConfiguration),
        ("wsa:ActionNotSupported", None, CodeClass::FixConfiguration),
        ("S:Client.Authentication", None, CodeClass::FixConfiguration),
        ("wsse:FailedCheck", Some("2100"), CodeClass::AskLater),
        ("S:Server.Timeout", None, CodeClass::AskLater),
        ("Odd", None, CodeClass::Defect),
    ] {
        let fault = fault(code, toolkit);
        assert_eq!(class(&fault), expected, "{code} {toolkit:?}");
        assert!(!format!("{fault:?}").contains("SMITH"));
    }
    assert_eq!(fault("x:Client", Some("MRS SMITH")).summary(), "Client/?");
}

#[test]
fn a_fault_about_the_envelope_is_a_configuration_failure() {
    let fault = |place: &str, text: &str| {
        let (mut string, mut error, mut diagnostic) = ("Fault", "Refused", "SMITH");
        match place {
            "faultstring" => string = text,
            "ErrorText" => error = text,
            _ => diagnostic = text,
        }
        let text = format!(
            "<S:Fault><faultcode>S:Client</faultcode><faultstring>{string}</faultstring><detail><t:ToolkitErrorInfo xmlns:t='urn:nhs-itk:ns:201005'><t:ErrorCode>1000</t:ErrorCode><t:ErrorText>{error}</t:ErrorText><t:ErrorDiagnosticText>{diagnostic}</t:ErrorDiagnosticText></t:ToolkitErrorInfo></detail></S:Fault>"
        );
        match decode(soap(&text).as_bytes(), Limits::default()).unwrap().body {
            Body::Fault(fault) => fault.class(),
            _ => panic!("not a fault"),
        }
    };
    for place in ["faultstring", "ErrorText", "ErrorDiagnosticText"] {
        for text in ["wsu:Expires is past", "The message has expired", "No SOAPAction header"] {
            assert_eq!(fault(place, text), CodeClass::FixConfiguration, "{place}: {text}");
        }
        // A schema error may name the toolkit's namespace, and a text the person.
        for text in [
            "cvc-type.3: 'urn:nhs-itk:ns:201005' SMITH is too long",
            "Mrs Header expired",
            "birthTime is not a valid HL7 timestamp",
            "The Content-Type of the attachment is unknown",
        ] {
            assert_eq!(fault(place, text), CodeClass::CorrectData, "{place}: {text}");
        }
    }
}

#[test]
fn a_temporary_fault_of_the_server_may_quote_anything() {
    let class = |code: &str, text: &str| {
        let text = format!(
            "<S:Fault><faultcode>{code}</faultcode><faultstring>{text}</faultstring></S:Fault>"
        );
        match decode(soap(&text).as_bytes(), Limits::default()).unwrap().body {
            Body::Fault(fault) => fault.class(),
            _ => panic!("not a fault"),
        }
    };
    let envelope = "wsse:Security was not processed";
    for text in ["Backend timeout, timestamp=2026-11-29T03:00:00Z", envelope] {
        for code in ["soap:Server", "soap:Server.Timeout", "wsa:EndpointUnavailable"] {
            assert_eq!(class(code, text), CodeClass::AskLater, "{code} {text}");
        }
    }
    assert_eq!(class("soap:Client", envelope), CodeClass::FixConfiguration);
}
