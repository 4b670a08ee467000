//! Handwritten XML for the decoders.

use std::fmt::Write;

/// A response of getPatientDetails whose patient contains `particulars`.
pub(super) fn details(particulars: &str) -> String {
    soap(&format!(
        "<DistributionEnvelope xmlns=\"urn:nhs-itk:ns:201005\"><payloads><payload>\
         <getPatientDetailsResponse-v1-0 xmlns=\"urn:hl7-org:v3\"><value code=\"SMSP-0000\"/>\
         <subject><patient>{particulars}</patient></subject>\
         </getPatientDetailsResponse-v1-0></payload></payloads></DistributionEnvelope>"
    ))
}

/// A SOAP message of `body`.
pub(super) fn soap(body: &str) -> String {
    format!(
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>{body}</s:Body>\
         </s:Envelope>"
    )
}

/// `text` with a reference for every character that is not an ASCII letter or digit.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        if character.is_ascii_alphanumeric() {
            escaped.push(character);
        } else {
            write!(escaped, "&#x{:x};", u32::from(character)).unwrap();
        }
    }
    escaped
}

/// `Char` of XML 1.0.
pub(super) fn is_char(character: char) -> bool {
    match character {
        '\t' | '\n' | '\r' => true,
        '\u{fffe}' | '\u{ffff}' => false,
        other => other >= ' ',
    }
}
