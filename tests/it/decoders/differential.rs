use super::independent::{self, Address, Person, Practice, Response, Telecom};
use nhs_pds::demographics::{
    self, AddressUse, Demographics, GpPractice, PartialDate, Recorded, TelecomUse,
};
use nhs_pds::smsp::{self, Body, DecodeErrorKind, Limits, Operation, decode};
use nhs_pds::trace::LocalIdentifier;
use std::fmt::Display;
use std::str::FromStr;

/// A response with placeholders for the bytes of a fuzzer: raw XML, one piece after the other.
const TEMPLATE: [&str; 17] = [
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
    "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" \
     xmlns:a=\"http://www.w3.org/2005/08/addressing\" xmlns:itk=\"urn:nhs-itk:ns:201005\" ",
    "><s:Header>",
    "<a:RelatesTo>",
    "</a:RelatesTo></s:Header><s:Body><itk:DistributionEnvelope><itk:header \
     service=\"urn:nhs-itk:services:201005:getPatientDetailsBySearch-v1-0Response\">\
     <itk:manifest><itk:manifestitem id=\"uuid_1\" ",
    "/></itk:manifest></itk:header><itk:payloads><itk:payload id=\"uuid_1\">\
     <getPatientDetailsResponse-v1-0 xmlns=\"urn:hl7-org:v3\" ",
    "><value code=\"SMSP-0000",
    "\"/><subject><patient><id root=\"2.16.840.1.113883.2.1.4.1\" extension=\"9990000077\"/>",
    "<name><given>",
    "</given><family>",
    "</family></name><addr><postalCode>",
    "</postalCode><streetAddressLine>",
    "</streetAddressLine></addr><telecom value=\"",
    "\"/><patientPerson><birthTime value=\"",
    "\"/>",
    "</patientPerson></patient></subject></getPatientDetailsResponse-v1-0></itk:payload>\
     </itk:payloads></itk:DistributionEnvelope></s:Body>",
    "</s:Envelope>",
];

/// Responses, against an independent parser: if both accept a document, their results agree.
///
/// A document never contains a zero byte, so zeros separate pieces for the placeholders of a template.
pub(crate) fn smsp_differential(bytes: &[u8]) {
    let document = if bytes.contains(&0) { filled(bytes) } else { bytes.to_vec() };
    let decoded = decode(&document, Limits::default());
    let Ok(text) = std::str::from_utf8(&document) else {
        assert!(decoded.is_err());
        return;
    };
    match decoded {
        Ok(ours) => match independent::read(text) {
            Ok(theirs) => compare(&ours, &theirs),
            Err(error) => assert!(is_let_through(&error), "accepted in spite of {error:?}"),
        },
        Err(error) => {
            // Packed content has an end of its own.
            let packed = text.contains("base64");
            let refused = !is_about_the_end(error.kind()) || packed || text.len() > 10_000;
            assert!(refused || roxmltree::Document::parse(text).is_err(), "refused: {error}");
        }
    }
}

fn filled(bytes: &[u8]) -> Vec<u8> {
    let mut pieces = bytes.split(|byte| *byte == 0);
    let fill = |part: &&str| [part.as_bytes(), pieces.next().unwrap_or_default()].concat();
    TEMPLATE.iter().flat_map(fill).collect()
}

/// Whether the reader accepts this although XML, or roxmltree, does not: `docs/design.md` has the list.
fn is_let_through(error: &roxmltree::Error) -> bool {
    use roxmltree::Error::*;
    match error {
        // Two prefixes for one namespace; no reader here uses attributes with a prefix.
        DuplicatedAttribute(..) => true,
        // roxmltree does not know that `xml` is bound without being declared.
        UnknownNamespace(prefix, _) => prefix == "xml",
        _ => false,
    }
}

/// Whether this is about the end of a document, or a DTD.
fn is_about_the_end(kind: DecodeErrorKind) -> bool {
    matches!(
        kind,
        DecodeErrorKind::Dtd | DecodeErrorKind::TrailingContent | DecodeErrorKind::Truncated
    )
}

fn compare(ours: &smsp::ResponseMessage, theirs: &independent::Message) {
    assert_eq!(ours.message_id, theirs.message_id);
    assert_eq!(ours.relates_to, theirs.relates_to);
    match (&ours.body, &theirs.body) {
        (Body::Fault(ours), independent::Body::Fault(theirs)) => {
            assert_eq!(ours.code, theirs.code);
            assert_eq!(ours.text, theirs.text);
            assert_eq!(ours.toolkit_code, theirs.toolkit_code);
            assert_eq!(ours.toolkit_text, theirs.toolkit_text);
        }
        (Body::Response(ours), independent::Body::Response(theirs)) => responses(ours, theirs),
        _ => panic!("one has a fault, the other a response"),
    }
}

fn responses(ours: &smsp::Response, theirs: &Response) {
    let named = |root: &str| match root {
        "verifyNHSNumberResponse-v1-0" => Some(Operation::VerifyNhsNumber),
        "getNHSNumberResponse-v1-0" => Some(Operation::GetNhsNumber),
        "getPatientDetailsResponse-v1-0" => Some(Operation::GetPatientDetails),
        _ => None,
    };
    let root = named(&theirs.root).unwrap();
    let service = theirs.service.as_deref().and_then(|urn| {
        let name = urn.strip_prefix("urn:nhs-itk:services:201005:")?;
        name.strip_suffix("-v1-0Response")?.parse::<Operation>().ok()
    });
    assert_eq!(ours.service, service);
    let same_root = |operation: &Operation| operation.returns_details() && root.returns_details();
    assert_eq!(ours.operation, service.filter(same_root).unwrap_or(root));
    assert_eq!(ours.code.as_str(), theirs.code);
    let verified = theirs.verified.as_deref().map(|value| matches!(value, "true" | "1"));
    assert_eq!(ours.verified, verified);
    assert_eq!(ours.nhs_number, theirs.nhs_number.as_deref().map(|text| text.parse().unwrap()));
    let identifier = theirs.identifiers.iter().find_map(|(root, extension)| {
        let identifier = LocalIdentifier::new(root, extension).ok()?;
        Some((identifier.root().to_owned(), identifier.extension().to_owned()))
    });
    let of_ours = ours.local_identifier.as_ref();
    assert_eq!(of_ours.map(|id| (id.root().to_owned(), id.extension().to_owned())), identifier);
    match (&ours.person, &theirs.person) {
        (None, None) => {}
        (Some(ours), Some(theirs)) => people(ours, theirs),
        _ => panic!("one has a person"),
    }
}

fn people(ours: &Demographics, theirs: &Person) {
    recorded(&ours.gender, theirs.gender.as_deref());
    date(&ours.date_of_birth, theirs.birth.as_deref());
    date(&ours.date_of_death, theirs.death.as_deref());
    match (&ours.name, &theirs.name) {
        (None, None) => {}
        (Some(ours), Some(theirs)) => {
            recorded(&ours.prefix, theirs.prefix.as_deref());
            recorded(&ours.family, theirs.family.as_deref());
            assert_eq!(ours.given, theirs.given);
        }
        _ => panic!("one has a name"),
    }
    assert_eq!(ours.addresses.len(), theirs.addresses.len());
    ours.addresses.iter().zip(&theirs.addresses).for_each(|(ours, theirs)| address(ours, theirs));
    assert_eq!(ours.telecoms.len(), theirs.telecoms.len());
    ours.telecoms.iter().zip(&theirs.telecoms).for_each(|(ours, theirs)| telecom(ours, theirs));
    match (&ours.gp_practice, &theirs.practice) {
        (None, None) => {}
        (Some(ours), Some(theirs)) => practice(ours, theirs),
        _ => panic!("one has a practice"),
    }
}

fn practice(ours: &GpPractice, theirs: &Practice) {
    recorded(&ours.ods_code, theirs.code.as_deref());
    recorded(&ours.name, theirs.name.as_deref());
    match (&ours.address, &theirs.address) {
        (None, None) => {}
        (Some(ours), Some(theirs)) => address(ours, theirs),
        _ => panic!("one has an address"),
    }
    match (&ours.telecom, &theirs.telecom) {
        (None, None) => {}
        (Some(ours), Some(theirs)) => telecom(ours, theirs),
        _ => panic!("one has a telecom"),
    }
}

fn address(ours: &demographics::Address, theirs: &Address) {
    let uses = [("H", "home"), ("TMP", "temporary"), ("PST", "correspondence"), ("WP", "work")];
    let usage = theirs.usage.as_deref().map(|codes| used(codes, &uses));
    assert_eq!(ours.usage.as_ref().map(AddressUse::name), usage);
    recorded(&ours.postcode, theirs.postcode.as_deref());
    let lines = |lines: &[String; 5]| lines.to_vec();
    let mut expected = theirs.lines.clone();
    if !expected.is_empty() {
        expected.resize(5, String::new());
    }
    assert_eq!(ours.lines.as_ref().map(lines).unwrap_or_default(), expected);
}

fn telecom(ours: &demographics::Telecom, theirs: &Telecom) {
    let uses = [
        ("H", "home"),
        ("HP", "primary_home"),
        ("HV", "vacation_home"),
        ("WP", "work"),
        ("MC", "mobile"),
        ("EC", "emergency_contact"),
        ("AS", "answering_service"),
        ("PG", "pager"),
    ];
    let usage = theirs.usage.as_deref().map(|codes| used(codes, &uses));
    assert_eq!(ours.usage.as_ref().map(TelecomUse::name), usage);
    recorded(&ours.value, Some(&theirs.value));
    assert_eq!(ours.usable_periods.len(), theirs.periods.len());
    for (ours, (low, high)) in ours.usable_periods.iter().zip(&theirs.periods) {
        date(&ours.low, low.as_deref());
        date(&ours.high, high.as_deref());
    }
}

/// The name of the first of `codes` that is known, or `codes` itself.
fn used<'a>(codes: &'a str, names: &[(&str, &'static str)]) -> &'a str {
    let name = |code: &str| names.iter().find(|(known, _)| *known == code).map(|(_, name)| *name);
    codes.split_whitespace().find_map(name).unwrap_or(codes)
}

fn recorded<T: FromStr + Display>(ours: &Recorded<T>, theirs: Option<&str>) {
    let parsed = theirs.map(|text| text.parse::<T>().map(|value| value.to_string()));
    let expected = match parsed {
        None => Recorded::NotReturned,
        Some(_) if theirs == Some("") => Recorded::Blank,
        Some(Ok(text)) => Recorded::Known(text),
        Some(Err(_)) => Recorded::Unrecognised(theirs.unwrap_or_default().to_owned()),
    };
    assert!(shown(ours) == expected);
}

fn date(ours: &Recorded<PartialDate>, theirs: Option<&str>) {
    let expected = match theirs.map(|text| (text, PartialDate::from_hl7_ts(text))) {
        None => Recorded::NotReturned,
        Some((_, Ok(date))) => Recorded::Known(date.to_string()),
        Some(("", Err(_))) => Recorded::Blank,
        Some((text, Err(_))) => Recorded::Unrecognised(text.to_owned()),
    };
    assert!(shown(ours) == expected);
}

fn shown<T: Display>(recorded: &Recorded<T>) -> Recorded<String> {
    match recorded {
        Recorded::NotReturned => Recorded::NotReturned,
        Recorded::Blank => Recorded::Blank,
        Recorded::Known(value) => Recorded::Known(value.to_string()),
        Recorded::Unrecognised(text) => Recorded::Unrecognised(text.clone()),
    }
}
