//! The namespaces and names in messages of these services.

/// Namespaces, and one that no message uses.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Namespace {
    Soap,
    Addressing,
    Itk,
    Hl7,
    None,
    Other,
}

pub(super) const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
pub(super) const ADDRESSING: &str = "http://www.w3.org/2005/08/addressing";
/// An earlier WS-Addressing, which some toolkits still use in responses.
const ADDRESSING_2004: &str = "http://schemas.xmlsoap.org/ws/2004/08/addressing";
pub(super) const SECURITY: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
pub(super) const UTILITY: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";
pub(super) const ITK: &str = "urn:nhs-itk:ns:201005";
pub(super) const HL7: &str = "urn:hl7-org:v3";

/// The code system of message types.
pub(super) const MESSAGE_TYPES: &str = "2.16.840.1.113883.2.1.3.2.4.17.284";
/// The code system of genders.
pub(super) const GENDERS: &str = "2.16.840.1.113883.2.1.3.2.4.16.25";
/// The OID of NHS Numbers.
pub(super) const NHS_NUMBER: &str = "2.16.840.1.113883.2.1.4.1";
/// The end of the OID of ODS codes. Providers put different arcs before it.
pub(super) const ODS_CODE: &str = ".4.19.2";
/// The identity type of a locally known user.
pub(super) const LOCAL_IDENTITY: &str = "2.16.840.1.113883.2.1.3.2.4.18.27";
/// The identity type of a smartcard user's role profile.
pub(super) const ROLE_PROFILE: &str = "1.2.826.0.1285.0.2.0.67";
/// The identity type of a smartcard user.
pub(super) const SMARTCARD_USER: &str = "1.2.826.0.1285.0.2.0.65";
/// The identity type of a smartcard user's job role.
pub(super) const JOB_ROLE: &str = "1.2.826.0.1285.0.2.1.104";

impl From<&str> for Namespace {
    fn from(uri: &str) -> Self {
        match uri {
            SOAP => Self::Soap,
            ADDRESSING | ADDRESSING_2004 => Self::Addressing,
            ITK => Self::Itk,
            HL7 => Self::Hl7,
            _ => Self::Other,
        }
    }
}

/// `name` itself if messages of these services have elements with that name, else `*`.
///
/// Every element of every message is looked up here. So the names are in a table by length, first and
/// last letter, which is filled at compile time; a `match` would compare one name after the other.
pub(super) fn known(name: &str) -> &'static str {
    let mut slot = slot(name.as_bytes());
    loop {
        match TABLE.get(slot).copied() {
            None | Some("") => return "*",
            Some(found) if found == name => return found,
            Some(_) => slot = (slot + 1) % SLOTS,
        }
    }
}

/// Much larger than the number of names, so that an empty slot is always near.
const SLOTS: usize = 256;

const fn slot(name: &[u8]) -> usize {
    match name {
        [first, .., last] => (name.len() * 19 + *first as usize * 5 + *last as usize) % SLOTS,
        _ => 0,
    }
}

#[expect(clippy::indexing_slicing, reason = "runs in the compiler only, which checks it")]
const TABLE: [&str; SLOTS] = {
    let mut table = [""; SLOTS];
    let mut index = 0;
    while index < NAMES.len() {
        let mut slot = slot(NAMES[index].as_bytes());
        while !table[slot].is_empty() {
            slot = (slot + 1) % SLOTS;
        }
        table[slot] = NAMES[index];
        index += 1;
    }
    table
};

const NAMES: &[&str] = &[
    "Action",
    "Address",
    "Body",
    "DistributionEnvelope",
    "Envelope",
    "ErrorCode",
    "ErrorDiagnosticText",
    "ErrorID",
    "ErrorText",
    "Fault",
    "From",
    "Header",
    "MessageID",
    "RelatesTo",
    "Security",
    "Timestamp",
    "To",
    "ToolkitErrorInfo",
    "addr",
    "address",
    "addresslist",
    "administrativeGenderCode",
    "auditIdentity",
    "birthTime",
    "code",
    "component",
    "deceasedTime",
    "detail",
    "family",
    "faultactor",
    "faultcode",
    "faultstring",
    "gPPractice",
    "getNHSNumberRequest-v1-0",
    "getNHSNumberResponse-v1-0",
    "getPatientDetails-v1-0",
    "getPatientDetailsByNHSNumberRequest-v1-0",
    "getPatientDetailsBySearchRequest-v1-0",
    "getPatientDetailsResponse-v1-0",
    "given",
    "handlingSpecification",
    "header",
    "high",
    "id",
    "locationOrganization",
    "low",
    "manifest",
    "manifestitem",
    "name",
    "patient",
    "patientPerson",
    "payload",
    "payloads",
    "postalCode",
    "prefix",
    "senderAddress",
    "streetAddressLine",
    "subject",
    "telecom",
    "useablePeriod",
    "validIdentifier",
    "value",
    "verifyNHSNumberRequest-v1-0",
    "verifyNHSNumberResponse-v1-0",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_names_are_found_and_others_are_not() {
        for name in NAMES {
            assert_eq!(known(name), *name);
        }
        for name in ["", "*", "x", "SMITH", "families", "Codes"] {
            assert_eq!(known(name), "*", "{name}");
        }
    }
}
