//! The published messages are decoded to the values that an independent parser reads.

use super::{shared, soap};
use nhs_pds::smsp::{Body, Limits, ResponseMessage, decode};
use roxmltree::{Document, Node};
use std::path::Path;

/// The message of `path` in a SOAP envelope, its `__…__` marks filled in.
fn filled(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    let mut parts = text.split("__");
    let mut filled = parts.next().unwrap().to_owned();
    while let (Some(mark), Some(rest)) = (parts.next(), parts.next()) {
        filled.push_str(match mark {
            "INTERNAL_TRACKING_ID" => "2D37D9CA-5223-41C7-A159-F33D5A914EB5",
            "ERRORCODE" => "1000",
            "ERRORTEXT" => "Message could not be processed & so on".split('&').next().unwrap(),
            _ => "filled in",
        });
        filled.push_str(rest);
    }
    soap(&filled)
}

fn messages(folder: &Path) -> Vec<(String, ResponseMessage, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if path.extension().is_some_and(|e| e == "xml") && !name.contains("Request") {
            let text = filled(&path);
            let message = decode(text.as_bytes(), Limits::default());
            found.push((name.clone(), message.unwrap_or_else(|e| panic!("{name}: {e}")), text));
        }
    }
    found
}

fn attribute<'a>(document: &'a Document<'_>, element: &str, name: &str) -> Option<&'a str> {
    let element = document.descendants().find(|node| node.tag_name().name() == element)?;
    element.attribute(name)
}

#[test]
fn responses() {
    let Some(folder) = shared("published/smsp") else { return };
    let messages = messages(&folder);
    assert_eq!(messages.len(), 35);
    for (name, message, text) in messages {
        let Body::Response(response) = message.body else { panic!("{name} is a fault") };
        let (operation, code) = name.split_once("Response_").unwrap();
        assert_eq!(response.operation.as_str(), operation, "{name}");
        assert_eq!(response.code.as_str(), code, "{name}");
        let document = Document::parse(&text).unwrap();
        let number = document
            .descendants()
            .filter(|node| node.tag_name().name() == "id")
            .find(|node| node.attribute("root") == Some("2.16.840.1.113883.2.1.4.1"))
            .and_then(|node| node.attribute("extension"));
        assert_eq!(
            response.nhs_number.map(|n| n.digits().to_string()).as_deref(),
            number,
            "{name}"
        );
        assert_eq!(response.verified.is_some(), text.contains("validIdentifier"), "{name}");
        let details = code == "SMSP-0000" && operation == "getPatientDetails";
        assert_eq!(response.person.is_some(), details, "{name}");
    }
}

#[test]
fn the_published_person() {
    let Some(folder) = shared("published/smsp") else { return };
    let (_, message, text) = messages(&folder)
        .into_iter()
        .find(|(name, ..)| name == "getPatientDetailsResponse_SMSP-0000")
        .unwrap();
    let Body::Response(response) = message.body else { panic!("a fault") };
    let person = serde_json::to_value(response.person.unwrap()).unwrap();
    let document = Document::parse(&text).unwrap();
    let text_of = |name: &str| {
        let all = document.descendants().filter(|node| node.tag_name().name() == name);
        all.map(|node: Node<'_, '_>| node.text().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(person["name"]["given"], serde_json::json!(text_of("given")));
    assert_eq!(person["name"]["family"], text_of("family")[0]);
    assert_eq!(person["name"].get("prefix"), None);
    assert_eq!(person["addresses"][0]["lines"], serde_json::json!(text_of("streetAddressLine")));
    assert_eq!(person["addresses"][0]["postcode"], text_of("postalCode")[0]);
    assert_eq!(person["addresses"][0]["use"], "home");
    assert_eq!(person["gender"], "not_known");
    let date = |element| attribute(&document, element, "value").unwrap().to_owned();
    let undashed = |key: &str| person[key].as_str().unwrap().replace('-', "");
    assert_eq!(undashed("date_of_birth"), date("birthTime"));
    assert_eq!(undashed("date_of_death"), date("deceasedTime"));
    assert_eq!(person.get("telecoms"), None);
    assert_eq!(person.get("gp_practice"), None);
}

#[test]
fn faults() {
    let Some(folder) = shared("published/smsp/faults") else { return };
    let messages = messages(&folder);
    assert_eq!(messages.len(), 9);
    for (name, message, text) in messages {
        let Body::Fault(fault) = message.body else { panic!("{name} is a response") };
        let document = Document::parse(&text).unwrap();
        let text_of = |element: &str| {
            let found = document.descendants().find(|node| node.tag_name().name() == element);
            found.and_then(|node| node.text()).map(|text| text.trim().to_owned())
        };
        assert_eq!(Some(fault.code.as_str()), text_of("faultcode").as_deref(), "{name}");
        assert_eq!(fault.text, text_of("faultstring"), "{name}");
        assert_eq!(fault.toolkit_code, text_of("ErrorCode"), "{name}");
        assert_eq!(fault.toolkit_text, text_of("ErrorText"), "{name}");
    }
}
