//! Writes requests. The order of elements matters everywhere: the schemas are sequences.

use super::names::{
    ADDRESSING, GENDERS, HL7, ITK, JOB_ROLE, LOCAL_IDENTITY, MESSAGE_TYPES, NHS_NUMBER,
    ROLE_PROFILE, SECURITY, SMARTCARD_USER, SOAP, UTILITY,
};
use crate::service::smsp::Parameters;
use crate::service::smsp::config::Config;
use crate::service::smsp::request::{Request, Stamp};
use crate::trace::{Caller, Mode, NamePattern, User};
use chrono::SecondsFormat;
use quick_xml::escape::escape;

/// The complete SOAP message.
pub(in crate::service::smsp) fn encode<M: Mode>(
    request: &Request<M>,
    caller: &M::Caller,
    config: &Config,
    stamp: &Stamp,
) -> String {
    let operation = request.operation();
    let action = operation.service_urn();
    let instant =
        |time: chrono::DateTime<chrono::Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
    let time_to_live =
        chrono::TimeDelta::from_std(config.time_to_live).unwrap_or(chrono::TimeDelta::MAX);
    let expires = stamp.created.checked_add_signed(time_to_live).unwrap_or(stamp.created);
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<soap:Envelope xmlns:soap="{SOAP}" xmlns:wsa="{ADDRESSING}" xmlns:itk="{ITK}">
<soap:Header>
<wsa:MessageID>{message_id:X}</wsa:MessageID>
<wsa:Action>{action}</wsa:Action>
<wsa:To>{to}</wsa:To>
<wsa:From><wsa:Address>{from}</wsa:Address></wsa:From>
<wsse:Security xmlns:wsse="{SECURITY}" xmlns:wsu="{UTILITY}">
<wsu:Timestamp><wsu:Created>{created}</wsu:Created><wsu:Expires>{expires}</wsu:Expires></wsu:Timestamp>
<wsse:UsernameToken><wsse:Username>{username}</wsse:Username></wsse:UsernameToken>
</wsse:Security>
</soap:Header>
<soap:Body>
<itk:DistributionEnvelope>
<itk:header service="{action}" trackingid="{tracking_id:X}">
<itk:auditIdentity>{audit_identity}</itk:auditIdentity>
<itk:manifest count="1"><itk:manifestitem id="uuid_{payload_id:X}" mimetype="text/xml" profileid="urn:nhs-en:profile:{profile}" base64="false" compressed="false" encrypted="false"/></itk:manifest>
<itk:senderAddress uri="{sender}"/>
</itk:header>
<itk:payloads count="1"><itk:payload id="uuid_{payload_id:X}">
{payload}
</itk:payload></itk:payloads>
</itk:DistributionEnvelope>
</soap:Body>
</soap:Envelope>
"#,
        message_id = stamp.message_id,
        tracking_id = stamp.tracking_id,
        payload_id = stamp.payload_id,
        to = escape(config.endpoint.as_str()),
        from = escape(&config.from_address),
        created = instant(stamp.created),
        expires = instant(expires),
        username = escape(&config.username),
        audit_identity = audit_identity(&caller.clone().into()),
        profile = operation.request_type(),
        sender = escape(config.sender_address()),
        payload = payload(request, stamp),
    )
}

fn audit_identity(caller: &Caller) -> String {
    let id = |kind: &str, uri: &str| format!(r#"<itk:id type="{kind}" uri="{}"/>"#, escape(uri));
    match caller {
        Caller::System(identity) | Caller::User(User::Local(identity)) => {
            id(LOCAL_IDENTITY, &identity.uri())
        }
        Caller::User(User::Smartcard(card)) => {
            let job_role = card.job_role().map(|role| id(JOB_ROLE, role));
            id(ROLE_PROFILE, card.role_profile_id())
                + &id(SMARTCARD_USER, card.user_id())
                + &job_role.unwrap_or_default()
        }
    }
}

fn payload<M: Mode>(request: &Request<M>, stamp: &Stamp) -> String {
    format!(
        r#"<{root} xmlns="{HL7}" classCode="CACT" moodCode="EVN">
<id root="{id:X}"/>
<code code="{message_type}" codeSystem="{MESSAGE_TYPES}"/>
<queryEvent>
{parameters}</queryEvent>
</{root}>"#,
        root = request.operation().request_root(),
        id = stamp.hl7_id,
        message_type = request.operation().request_type(),
        parameters = parameters(request.parameters()),
    )
}

/// The parameters in the one order that is valid for all five message types.
fn parameters(parameters: &Parameters) -> String {
    let mut written = String::with_capacity(1024);
    let mut push = |name: &str, value: String| {
        written.push_str(&format!(
            "<Person.{name}>{value}<semanticsText>Person.{name}</semanticsText></Person.{name}>\n"
        ));
    };
    push("DateOfBirth", format!(r#"<value value="{}"/>"#, parameters.date_of_birth.to_hl7()));
    if let Some(gender) = parameters.gender {
        push("Gender", format!(r#"<value code="{}" codeSystem="{GENDERS}"/>"#, gender.code()));
    }
    if let Some(id) = &parameters.local_identifier {
        let (root, extension) = (escape(id.root()), escape(id.extension()));
        push("LocalIdentifier", format!(r#"<value root="{root}" extension="{extension}"/>"#));
    }
    if let Some(number) = parameters.nhs_number {
        let digits = number.digits();
        push("NHSNumber", format!(r#"<value root="{NHS_NUMBER}" extension="{digits}"/>"#));
    }
    if parameters.given.is_some() || parameters.family.is_some() {
        let part = |name: &str, text: Option<&str>| {
            text.map(|text| format!("<{name}>{}</{name}>", escape(text))).unwrap_or_default()
        };
        let given = part("given", parameters.given.as_ref().map(NamePattern::as_str));
        let family = part("family", parameters.family.as_ref().map(NamePattern::as_str));
        push("Name", format!("<value>{given}{family}</value>"));
    }
    if let Some(postcode) = &parameters.postcode {
        let postcode = escape(postcode);
        push("Postcode", format!("<value><postalCode>{postcode}</postalCode></value>"));
    }
    written
}
