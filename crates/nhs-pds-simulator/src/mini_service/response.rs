//! Writes responses, from the simulator's own templates.

use super::answer::{SUPERSEDED, Verdict};
use super::envelope::Opened;
use super::names::{
    ADDRESSING, ANONYMOUS, GENDER_CODES, HL7, ITK, MESSAGE_CODES, NHS_NUMBERS, ORGANISATIONS,
    RESPONSE_CODES, SECURITY, SOAP, TOOLKIT_CODES, UTILITY, VERIFICATION_CODES,
};
use super::operation::Operation;
use super::parameters::LocalIdentifier;
use super::xml::escape;
use crate::person::is_mobile;
use crate::{Person, Sensitivity};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use nhs_pds::ids::Ids;

/// The organisation of the responses. `ZZZ99` is not a real organisation.
const SIMULATOR: &str = "urn:nhs-uk:addressing:ods:ZZZ99:simulator";
const SIMULATOR_IDENTITY: &str = "urn:nhs-uk:identity:ods:ZZZ99:simulator";

/// Returns the complete message that answers `opened` with `verdict`.
pub(super) fn write(
    opened: &Opened<'_>,
    verdict: &Verdict<'_>,
    local: Option<&LocalIdentifier>,
    ids: &dyn Ids,
    now: DateTime<Utc>,
) -> String {
    let instant = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Millis, true);
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<soap:Envelope xmlns:soap="{SOAP}" xmlns:wsa="{ADDRESSING}" xmlns:itk="{ITK}">
  <soap:Header>
    <wsa:MessageID>{message_id:X}</wsa:MessageID>
    <wsa:RelatesTo>{relates_to}</wsa:RelatesTo>
    <wsa:Action>{service}</wsa:Action>
    <wsa:To>{to}</wsa:To>
    <wsse:Security xmlns:wsse="{SECURITY}">
      <wsu:Timestamp xmlns:wsu="{UTILITY}">
        <wsu:Created>{created}</wsu:Created>
        <wsu:Expires>{expires}</wsu:Expires>
      </wsu:Timestamp>
    </wsse:Security>
  </soap:Header>
  <soap:Body>
    <itk:DistributionEnvelope>
      <itk:header service="{service}" trackingid="{tracking_id:X}">
        <itk:auditIdentity>
          <itk:id uri="{SIMULATOR_IDENTITY}"/>
        </itk:auditIdentity>
        <itk:manifest count="1">
          <itk:manifestitem id="uuid_{payload_id:X}" mimetype="text/xml" profileid="urn:nhs-en:profile:{profile}" base64="false" compressed="false" encrypted="false"/>
        </itk:manifest>
        <itk:senderAddress uri="{SIMULATOR}"/>
      </itk:header>
      <itk:payloads count="1">
        <itk:payload id="uuid_{payload_id:X}">{payload}</itk:payload>
      </itk:payloads>
    </itk:DistributionEnvelope>
  </soap:Body>
</soap:Envelope>
"#,
        message_id = ids.next(),
        relates_to = escape(&opened.message_id),
        service = opened.operation.response_service(),
        to = escape(opened.from.as_deref().unwrap_or(ANONYMOUS)),
        created = instant(now),
        expires = instant(now + TimeDelta::minutes(10)),
        tracking_id = ids.next(),
        payload_id = ids.next(),
        profile = opened.operation.response_root(),
        payload = payload(opened.operation, verdict, local, ids),
    )
}

fn payload(
    operation: Operation,
    verdict: &Verdict<'_>,
    local: Option<&LocalIdentifier>,
    ids: &dyn Ids,
) -> String {
    let root = operation.response_root();
    let data = verdict.subject.map(|person| match operation {
        Operation::VerifyNhsNumber => verification(person, verdict.code != SUPERSEDED),
        Operation::GetNhsNumber => subject(&patient_ids(person, local)),
        _ => subject(&(patient_ids(person, local) + &demographics(person))),
    });
    format!(
        r#"<{root} xmlns="{HL7}" classCode="OBS" moodCode="EVN"><id root="{id:X}"/><code code="{root}" codeSystem="{MESSAGE_CODES}"/><value code="{code}" codeSystem="{RESPONSE_CODES}"/>{data}</{root}>"#,
        id = ids.next(),
        code = escape(&verdict.code),
        data = data.unwrap_or_default(),
    )
}

/// For a superseded number, `valid` is false, and the number is the replacement.
fn verification(person: &Person, valid: bool) -> String {
    let patient = patient_ids(person, None);
    format!(
        r#"<component typeCode="COMP"><validIdentifier classCode="OBS" moodCode="EVN"><code code="VI" codeSystem="{VERIFICATION_CODES}"/><value value="{valid}"/>{}</validIdentifier></component>"#,
        subject(&patient)
    )
}

fn subject(patient: &str) -> String {
    format!(r#"<subject typeCode="SBJ"><patient classCode="PAT">{patient}</patient></subject>"#)
}

fn patient_ids(person: &Person, local: Option<&LocalIdentifier>) -> String {
    let id = |root: &str, extension: &str| {
        format!(r#"<id root="{}" extension="{}"/>"#, escape(root), escape(extension))
    };
    let local = local.map(|local| id(&local.root, &local.extension));
    id(NHS_NUMBERS, person.nhs_number.digits().as_str()) + &local.unwrap_or_default()
}

/// Fields without a recorded value are left out, because an empty element would mean a recorded blank. The
/// lines of an address are all written, because their positions matter.
fn demographics(person: &Person) -> String {
    let restricted = person.sensitivity.is_restricted();
    let very = person.sensitivity == Sensitivity::VeryRestricted;
    let mut xml = if very { String::new() } else { name(person) };
    if !restricted {
        xml += &address(person);
        for telecom in &person.telecoms {
            let usage = if is_mobile(telecom) { "MC" } else { "H" };
            xml += &format!(r#"<telecom value="{}" use="{usage}"/>"#, escape(telecom));
        }
    }
    xml += r#"<patientPerson classCode="PSN" determinerCode="INSTANCE">"#;
    xml += &format!(
        r#"<administrativeGenderCode code="{}" codeSystem="{GENDER_CODES}"/>"#,
        person.gender.code()
    );
    if !very {
        xml += &format!(r#"<birthTime value="{}"/>"#, person.birth.to_hl7());
    }
    if let Some(death) = person.death {
        xml += &format!(r#"<deceasedTime value="{}"/>"#, death.to_hl7());
    }
    if !restricted {
        xml += &practice(person);
    }
    xml + "</patientPerson>"
}

fn name(person: &Person) -> String {
    let name = element("prefix", &person.title)
        + &element("given", &person.given)
        + &element("given", &person.other_given)
        + &element("family", &person.family);
    format!("<name>{name}</name>")
}

fn address(person: &Person) -> String {
    if person.postcode.is_empty() && person.address.iter().all(String::is_empty) {
        return String::new();
    }
    let line = |line: &String| format!("<streetAddressLine>{}</streetAddressLine>", escape(line));
    let lines: String = person.address.iter().map(line).collect();
    format!(r#"<addr use="H">{}{lines}</addr>"#, element("postalCode", &person.postcode))
}

fn practice(person: &Person) -> String {
    if person.practice_code.is_empty() {
        return String::new();
    }
    format!(
        r#"<gPPractice classCode="SDLOC"><locationOrganization classCode="ORG" determinerCode="INSTANCE"><id root="{ORGANISATIONS}" extension="{}"/>{}</locationOrganization></gPPractice>"#,
        escape(&person.practice_code),
        element("name", &person.practice_name)
    )
}

fn element(name: &str, text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("<{name}>{}</{name}>", escape(text)) }
}

/// Returns the complete message of a SOAP fault with the toolkit's details.
pub(super) fn fault(
    faultcode: &str,
    toolkit_code: &str,
    diagnostic: &str,
    ids: &dyn Ids,
) -> String {
    let side = if faultcode.ends_with("Server") { "Server" } else { "client" };
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<soap:Envelope xmlns:soap="{SOAP}">
  <soap:Body>
    <soap:Fault>
      <faultcode>{faultcode}</faultcode>
      <faultstring>A {side} related error has occurred, see detail element for further information</faultstring>
      <detail>
        <itk:ToolkitErrorInfo xmlns:itk="{ITK}">
          <itk:ErrorID>{id:X}</itk:ErrorID>
          <itk:ErrorCode codeSystem="{TOOLKIT_CODES}">{code}</itk:ErrorCode>
          <itk:ErrorText>{text}</itk:ErrorText>
          <itk:ErrorDiagnosticText>{diagnostic}</itk:ErrorDiagnosticText>
        </itk:ToolkitErrorInfo>
      </detail>
    </soap:Fault>
  </soap:Body>
</soap:Envelope>
"#,
        faultcode = escape(faultcode),
        id = ids.next(),
        code = escape(toolkit_code),
        text = error_text(toolkit_code),
        diagnostic = escape(diagnostic),
    )
}

fn error_text(toolkit_code: &str) -> &'static str {
    match toolkit_code {
        "1000" => "The message could not be processed",
        "2100" => "Processing failed temporarily; try again later",
        "2200" => "Processing failed",
        "3000" => "Access denied",
        _ => "An error",
    }
}
