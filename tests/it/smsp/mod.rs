//! Spine Mini Services: the codec against messages from elsewhere, and the client over HTTP.

mod answers;
#[cfg(feature = "http")]
mod client;
mod decode;
mod encode;
mod hostile;
mod properties;
mod published;
mod xml;

use std::path::PathBuf;

/// A complete message whose SOAP body contains `body`, with unusual prefixes.
pub(crate) fn soap(body: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/" xmlns:a="http://www.w3.org/2005/08/addressing">
<S:Header><a:MessageID>urn:uuid:5E0B9D1A-47C6-4B23-8F3C-2D6A90E4B7F8</a:MessageID></S:Header>
<S:Body>{body}</S:Body></S:Envelope>"#
    )
}

/// A Distribution Envelope whose manifest line has `flags` and whose payload is `payload`.
pub(crate) fn envelope(flags: &str, payload: &str) -> String {
    let operations = ["verifyNHSNumber", "getNHSNumber"];
    let named = operations.iter().find(|name| payload.contains(&format!("<{name}Response")));
    let operation = named.unwrap_or(&"getPatientDetails");
    format!(
        r#"<DistributionEnvelope xmlns="urn:nhs-itk:ns:201005">
<header service="urn:nhs-itk:services:201005:{operation}-v1-0Response" trackingid="2D37D9CA-5223-41C7-A159-F33D5A914EB5">
<manifest count="1"><manifestitem id="uuid_1" mimetype="text/xml" {flags}/></manifest></header>
<payloads count="1"><payload id="uuid_1">{payload}</payload></payloads></DistributionEnvelope>"#
    )
}

/// A payload of the response `root` with `code`, and `rest` after it.
pub(crate) fn payload(root: &str, code: &str, rest: &str) -> String {
    format!(
        r#"<{root} xmlns="urn:hl7-org:v3" classCode="OBS" moodCode="EVN"><id root="3E25ACE2-23F8-4A37-B446-6A37F31BF77B"/><code code="{root}" codeSystem="2.16.840.1.113883.2.1.3.2.4.17.284"/><value code="{code}" codeSystem="2.16.840.1.113883.2.1.3.2.4.17.285"/>{rest}</{root}>"#
    )
}

/// A folder beside the project with the published messages and schemas. It is optional.
#[expect(clippy::print_stderr, reason = "says what it passes over")]
pub(crate) fn shared(what: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared").join(what);
    if path.exists() {
        return Some(path);
    }
    eprintln!("passed over: there is no {what} beside this checkout");
    None
}
