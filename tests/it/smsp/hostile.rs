//! Decoding never panics: any other document than a response is a typed error that names the place.

use super::{envelope, payload, soap};
use base64::Engine as _;
use nhs_pds::smsp::{DecodeErrorKind, Limits, decode};
use proptest::prelude::*;
use std::io::Write as _;

const DETAILS: &str = include_str!("../../data/smsp/details.xml");

fn refused(message: &str) -> (DecodeErrorKind, String) {
    let error = decode(message.as_bytes(), Limits::default()).unwrap_err();
    (error.kind(), error.place().to_owned())
}

#[test]
fn bytes_that_are_not_xml() {
    let swap = |from: &str, to: &str| {
        assert!(DETAILS.contains(from), "{from}");
        DETAILS.replacen(from, to, 1)
    };
    for (message, kind) in [
        (String::new(), DecodeErrorKind::NotXml),
        ("SMITH".to_owned(), DecodeErrorKind::NotXml),
        ("{\"family\":\"SMITH\"}".to_owned(), DecodeErrorKind::NotXml),
        ("<html><body>502".to_owned(), DecodeErrorKind::NotSoap),
        (format!("{DETAILS}<x/>"), DecodeErrorKind::TrailingContent),
        (format!("{DETAILS}{}", &DETAILS[39..]), DecodeErrorKind::TrailingContent),
        (format!("{DETAILS}SMITH"), DecodeErrorKind::TrailingContent),
        (format!(" {DETAILS}"), DecodeErrorKind::NotXml),
        (
            swap(
                "<soap:Envelope",
                "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><soap:Envelope",
            ),
            DecodeErrorKind::Dtd,
        ),
        (swap("MRS", "&e;"), DecodeErrorKind::Entity),
        (swap("MRS", "&#0;"), DecodeErrorKind::Entity),
        (swap("MRS", "&#1;"), DecodeErrorKind::Character),
        (swap("MRS", "&#xFFFE;"), DecodeErrorKind::Character),
        (swap("MRS", "\u{1}"), DecodeErrorKind::Character),
        (swap("MRS", "\u{ffff}"), DecodeErrorKind::Character),
        (swap("CASE-00017", "CASE&#2;"), DecodeErrorKind::Character),
        (swap("CASE-00017", "CASE<"), DecodeErrorKind::NotXml),
        (swap("CASE-00017", "&e;"), DecodeErrorKind::Entity),
        (
            swap("<prefix>", "<p:prefix>").replace("</prefix>", "</p:prefix>"),
            DecodeErrorKind::Prefix,
        ),
        (swap("classCode=\"PAT\"", "p:classCode=\"PAT\""), DecodeErrorKind::Prefix),
        (swap("classCode=\"PAT\"", "classCode=\"PAT\" classCode=\"PAT\""), DecodeErrorKind::NotXml),
        (swap("classCode=\"PAT\"", "classCode=PAT"), DecodeErrorKind::NotXml),
        (swap("</prefix>", "</suffix>"), DecodeErrorKind::NotXml),
        (swap("encoding=\"UTF-8\"", "encoding=\"UTF-16\""), DecodeErrorKind::Encoding),
        (swap("version=\"1.0\"", "version=\"1.1\""), DecodeErrorKind::NotXml),
    ] {
        let (found, place) = refused(&message);
        assert_eq!(found, kind, "at {place} of {}", message.get(..200).unwrap_or(&message));
        assert!(!place.contains("SMITH"), "{place}");
    }
    let latin1 = DETAILS.replace("Zoë", "Zo?").into_bytes();
    let latin1: Vec<u8> = latin1.into_iter().map(|b| if b == b'?' { 0xeb } else { b }).collect();
    let error = decode(&latin1, Limits::default()).unwrap_err();
    assert_eq!(error.kind(), DecodeErrorKind::Encoding);
}

#[test]
fn messages_that_are_not_a_response() {
    let number = |extension: &str| {
        format!(
            r#"<subject><patient><id root="2.16.840.1.113883.2.1.4.1" extension="{extension}"/></patient></subject>"#
        )
    };
    let got = |rest: &str| payload("getNHSNumberResponse-v1-0", "SMSP-0000", rest);
    let good = got(&number("9990000077"));
    let two = envelope("", &good).replace("</payload>", "</payload><payload id='uuid_2'/>");
    for (body, kind, place) in [
        (String::new(), DecodeErrorKind::NoEnvelope, "/Envelope/Body"),
        ("<MRS-SMITH/>".to_owned(), DecodeErrorKind::NoEnvelope, "/Envelope/Body/*"),
        (
            envelope("", ""),
            DecodeErrorKind::NoPayload,
            "/Envelope/Body/DistributionEnvelope/payloads/payload",
        ),
        (
            envelope("", &format!("{good}{good}")),
            DecodeErrorKind::TwoPayloads,
            "/Envelope/Body/DistributionEnvelope/payloads/payload/getNHSNumberResponse-v1-0",
        ),
        (two, DecodeErrorKind::TwoPayloads, "/Envelope/Body/DistributionEnvelope/payloads/payload"),
        (
            envelope("", &good).repeat(2),
            DecodeErrorKind::TwoPayloads,
            "/Envelope/Body/DistributionEnvelope",
        ),
        (
            envelope("encrypted='true'", &good),
            DecodeErrorKind::Encrypted,
            "/Envelope/Body/DistributionEnvelope/header/manifest/manifestitem/@encrypted",
        ),
        (
            envelope("", &good.replace("urn:hl7-org:v3", "urn:else")),
            DecodeErrorKind::UnknownPayload,
            "/Envelope/Body/DistributionEnvelope/payloads/payload/getNHSNumberResponse-v1-0",
        ),
        (
            envelope("", &good.replace("getNHSNumberResponse", "getNHSNumberRequest")),
            DecodeErrorKind::UnknownPayload,
            "/Envelope/Body/DistributionEnvelope/payloads/payload/getNHSNumberRequest-v1-0",
        ),
        (
            envelope("", &good.replace("SMSP-0000", "")),
            DecodeErrorKind::NoCode,
            "/Envelope/Body/DistributionEnvelope/payloads/payload/getNHSNumberResponse-v1-0/value",
        ),
        (
            envelope("", &got(&number("9990000078"))),
            DecodeErrorKind::NhsNumber,
            "/Envelope/Body/DistributionEnvelope/payloads/payload/getNHSNumberResponse-v1-0/subject/patient/id/@extension",
        ),
        (
            envelope("", &got(&number(""))),
            DecodeErrorKind::NhsNumber,
            "/Envelope/Body/DistributionEnvelope/payloads/payload/getNHSNumberResponse-v1-0/subject/patient/id/@extension",
        ),
        (
            envelope("", &got(&number("9999999999"))),
            DecodeErrorKind::NhsNumber,
            "/Envelope/Body/DistributionEnvelope/payloads/payload/getNHSNumberResponse-v1-0/subject/patient/id/@extension",
        ),
        (
            envelope("", &got(&(number("9990000077") + &number("9990000085")))),
            DecodeErrorKind::Repeated,
            "/Envelope/Body/DistributionEnvelope/payloads/payload/getNHSNumberResponse-v1-0/subject/patient/id/@extension",
        ),
        (
            envelope("", &good.replace("<subject>", "<value code='DEMOG-0001'/><subject>")),
            DecodeErrorKind::Repeated,
            "/Envelope/Body/DistributionEnvelope/payloads/payload/getNHSNumberResponse-v1-0/value",
        ),
    ] {
        assert_eq!(refused(&soap(&body)), (kind, place.to_owned()), "{body}");
    }
    let soap12 = soap("").replace(
        "http://schemas.xmlsoap.org/soap/envelope/",
        "http://www.w3.org/2003/05/soap-envelope",
    );
    assert_eq!(refused(&soap12).0, DecodeErrorKind::NotSoap);
}

#[test]
fn limits_of_size_and_depth() {
    let limits = Limits::default().with_max_bytes(DETAILS.len());
    assert!(decode(DETAILS.as_bytes(), limits).is_ok());
    let error = decode(DETAILS.as_bytes(), limits.with_max_bytes(DETAILS.len() - 1)).unwrap_err();
    assert_eq!(error.kind(), DecodeErrorKind::TooLarge);
    let deepest = Limits::default().with_max_depth(12);
    assert!(decode(DETAILS.as_bytes(), deepest).is_ok());
    let error = decode(DETAILS.as_bytes(), deepest.with_max_depth(11)).unwrap_err();
    assert_eq!(error.kind(), DecodeErrorKind::TooDeep);
    let deep = soap(&format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000)));
    assert_eq!(refused(&deep).0, DecodeErrorKind::NoEnvelope);
    let deep = soap(&envelope("", &format!("{}{}", "<a>".repeat(70_000), "</a>".repeat(70_000))));
    assert_eq!(
        decode(deep.as_bytes(), Limits::default().with_max_depth(usize::MAX)).unwrap_err().kind(),
        DecodeErrorKind::UnknownPayload
    );
}

/// An element that may occur once and occurs twice is ambiguous.
#[test]
fn repeated_elements() {
    let twice = |part: &str, again: &str| {
        assert!(DETAILS.contains(part), "{part}");
        refused(&DETAILS.replacen(part, &format!("{part}{again}"), 1))
    };
    for (part, again) in [
        ("<birthTime value=\"19840229\"/>", "<birthTime value='19500101'/>"),
        ("<birthTime value=\"19840229\"/>", "<deceasedTime value='2020'/><deceasedTime value=''/>"),
        ("<birthTime value=\"19840229\"/>", "<administrativeGenderCode code='1'/>"),
        ("</patientPerson>", "<patientPerson><birthTime value='1999'/></patientPerson>"),
        ("</gPPractice>", "<gPPractice/>"),
        ("<name>EXAMPLE ROAD SURGERY</name>", "<name>ANOTHER</name>"),
        ("<low value=\"20240401\"/>", "<low value='2001'/>"),
        (
            "</patient>",
            "<patient><id root='2.16.840.1.113883.2.1.4.1' extension='9990000077'/></patient>",
        ),
        ("</soap:Header>", "<soap:Header/>"),
        ("</soap:Body>", "<soap:Header/>"),
        (
            "<wsa:RelatesTo>2F4E8C62-7C53-4D39-9C0B-53A7B8D1E402</wsa:RelatesTo>",
            "<wsa:RelatesTo>1</wsa:RelatesTo>",
        ),
        ("</wsa:MessageID>", "<wsa:MessageID>1</wsa:MessageID>"),
    ] {
        assert_eq!(twice(part, again).0, DecodeErrorKind::Repeated, "{part} {again}");
    }
}

#[test]
fn faults_without_a_code_and_text_with_elements() {
    let fault = "<S:Fault><S:Code><S:Value>S:Sender</S:Value></S:Code></S:Fault>";
    assert_eq!(refused(&soap(fault)).0, DecodeErrorKind::NoCode);
    let mixed = soap(&envelope("base64='true'", "AAAA<x>junk</x>BBBB"));
    assert_eq!(refused(&mixed).0, DecodeErrorKind::Packing);
}

/// A few kilobytes that unpack to 50 MB end at the limit, not in memory.
#[test]
fn a_decompression_bomb_stops_at_the_limit() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..50 {
        gzip.write_all(&vec![b' '; 1 << 20]).unwrap();
    }
    let bomb = base64::engine::general_purpose::STANDARD.encode(gzip.finish().unwrap());
    assert!(bomb.len() < 100_000);
    let message = soap(&envelope("base64='true' compressed='true'", &bomb));
    assert_eq!(refused(&message).0, DecodeErrorKind::TooLarge);
}

/// A message that is cut at any place is not a response.
#[test]
fn every_truncation_is_noticed() {
    let whole = DETAILS.trim_end().as_bytes();
    for length in 0..whole.len() {
        assert!(decode(&whole[..length], Limits::default()).is_err(), "cut after {length} bytes");
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = decode(&bytes, Limits::default());
    }

    /// A correct message with a few changed bytes is read further than random bytes.
    #[test]
    fn no_damage_panics(damage in prop::collection::vec((0..DETAILS.len(), any::<u8>()), 1..6)) {
        let mut bytes = DETAILS.as_bytes().to_vec();
        for (place, byte) in damage {
            bytes[place] = byte;
        }
        let _ = decode(&bytes, Limits::default());
    }

    /// An error quotes no value.
    #[test]
    fn errors_quote_nothing(text in "[A-Z]{6,12}") {
        for from in ["9990000077", "SMSP-0000", "given", "CASE-00017\"", "false\" encrypted"] {
            let message = DETAILS.replace(from, &text);
            if let Err(error) = decode(message.as_bytes(), Limits::default()) {
                let said = format!("{error} {error:?}");
                prop_assert!(!said.contains(&text));
            }
        }
    }
}
