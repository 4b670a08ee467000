//! Codes with their systems and displays, from the API's specification.

use super::languages;
use crate::RelatedPerson;
use serde_json::{Map, Value, json};

/// The start of the addresses of UK Core's systems.
const UK_CORE: &str = "https://fhir.hl7.org.uk/CodeSystem/UKCore-";
/// The roles of related people. The API uses this older name of the system.
const ROLES: &str = "https://fhir.nhs.uk/R4/CodeSystem/UKCore-AdditionalRelatedPersonRole";
/// The types of related people. This is the address of a value set, which the API uses as a system.
const TYPES: &str = "http://hl7.org/fhir/ValueSet/relatedperson-relationshiptype";

/// Codes and their displays.
type Displays = &'static [(&'static str, &'static str)];

const CONTACT_METHODS: Displays = &[
    ("1", "Letter"),
    ("2", "Visit"),
    ("3", "Telephone"),
    ("4", "E-mail"),
    ("5", "Minicom (Textphone)"),
    ("6", "Telephone contact via proxy"),
    ("7", "Sign language"),
    ("8", "No Telephone contact"),
];

const WRITTEN_FORMATS: Displays = &[("11", "Large print"), ("12", "Braille"), ("13", "Audio tape")];

const REMOVALS: Displays = &[
    ("DEA", "Death"),
    ("EMB", "Embarkation"),
    ("NIT", "Transferred to Northern Ireland"),
    ("ORR", "Other reason"),
    ("SCT", "Transferred to Scotland"),
    ("TRA", "Temporary resident not returned"),
];

/// The code that an application without privileges gets for a reason that is not in [`REMOVALS`].
const OTHER_REASON: &str = "ORR";

const RELATED_ROLES: Displays = &[
    ("Agent", "Agent of patient"),
    ("Guardian", "Guardian of patient"),
    ("Personal", "Personal relationship with the patient"),
];

/// Types whose system is the system of roles.
const UK_TYPES: Displays = &[
    ("Carer", "Carer of patient"),
    ("Dependant", "Dependant of patient"),
    ("NonDependant", "Non Dependant of patient"),
    ("NotSpecified", "Not Specified"),
    ("PolygamousPartner", "Polygamous Partner of patient"),
    ("ProxyCommunication", "Proxy Communication for patient"),
    ("ProxyContact", "Proxy Contact for patient"),
    ("ProxyContactCommunication", "Proxy Contact and Communication for patient"),
];

const RELATED_TYPES: Displays = &[
    ("BRO", "brother"),
    ("CHILD", "child"),
    ("DOMPART", "domestic partner"),
    ("FAMMEMB", "family member"),
    ("FTH", "father"),
    ("MTH", "mother"),
    ("N", "Next-of-Kin"),
    ("ONESELF", "self"),
    ("PRN", "parent"),
    ("PRNFOST", "foster parent"),
    ("SIS", "sister"),
    ("SPS", "spouse"),
    ("STPPRN", "step parent"),
    ("U", "Unknown"),
];

fn display(table: Displays, code: &str) -> Option<&'static str> {
    table.iter().find(|(known, _)| *known == code).map(|(_, display)| *display)
}

fn coding(system: &str, version: Option<&str>, code: &str, display: Option<&str>) -> Value {
    let mut coding = Map::new();
    coding.insert("system".into(), system.into());
    if let Some(version) = version {
        coding.insert("version".into(), version.into());
    }
    coding.insert("code".into(), code.into());
    // A code that a test invents has no display.
    if let Some(display) = display {
        coding.insert("display".into(), display.into());
    }
    coding.into()
}

fn concept(coding: Value) -> Value {
    json!({ "coding": [coding] })
}

fn uk_core(system: &str, version: Option<&str>, code: &str, display: Option<&str>) -> Value {
    concept(coding(&format!("{UK_CORE}{system}"), version, code, display))
}

pub(super) fn death_notification(code: &str, display: &str) -> Value {
    uk_core("DeathNotificationStatus", Some("1.0.0"), code, Some(display))
}

pub(super) fn verification() -> Value {
    let display = "Number present and verified";
    uk_core("NHSNumberVerificationStatus", Some("1.0.0"), "01", Some(display))
}

/// The display of a code without a display is `Unknown`.
pub(super) fn language(code: &str) -> Value {
    let display = languages::display(code).unwrap_or("Unknown");
    uk_core("HumanLanguage", Some("1.0.0"), code, Some(display))
}

pub(super) fn contact_method(code: &str) -> Value {
    uk_core("PreferredContactMethod", None, code, display(CONTACT_METHODS, code))
}

pub(super) fn written_format(code: &str) -> Value {
    let display = display(WRITTEN_FORMATS, code);
    uk_core("PreferredWrittenCommunicationFormat", None, code, display)
}

pub(super) fn emergency_contact() -> Value {
    let system = "http://terminology.hl7.org/CodeSystem/v2-0131";
    concept(coding(system, None, "C", Some("Emergency Contact")))
}

pub(super) fn textphone() -> Value {
    let system = format!("{UK_CORE}OtherContactSystem");
    coding(&system, None, "textphone", Some("Minicom (Textphone)"))
}

pub(super) fn removal(code: &str) -> Value {
    let code = if display(REMOVALS, code).is_some() { code } else { OTHER_REASON };
    let system = "https://fhir.nhs.uk/CodeSystem/PDS-RemovalReasonExitCode";
    concept(coding(system, None, code, display(REMOVALS, code)))
}

/// The type and the role, and whether the person is the next of kin. `Guardian` is a type and a role.
pub(super) fn relationship(other: &RelatedPerson) -> Value {
    let role = |code: &str| coding(ROLES, None, code, display(RELATED_ROLES, code));
    let mut codings = Vec::new();
    match other.relationship.as_str() {
        // The API has one of HL7's two codes for a guardian.
        "Guardian" | "GUARD" => codings.push(role("Guardian")),
        code if display(RELATED_ROLES, code).is_some() => {
            codings.push(coding(ROLES, None, "NotSpecified", display(UK_TYPES, "NotSpecified")));
            codings.push(role(code));
        }
        code => {
            let uk = display(UK_TYPES, code);
            let system = if uk.is_some() { ROLES } else { TYPES };
            let display = uk.or_else(|| display(RELATED_TYPES, code));
            codings.push(coding(system, None, code, display));
            codings.push(role(&other.role));
        }
    }
    if other.next_of_kin {
        codings.push(coding(TYPES, None, "N", display(RELATED_TYPES, "N")));
    }
    json!({ "coding": codings })
}
