//! Handwritten requests, and readers of their responses.

use http::HeaderMap;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use nhs_pds::clock::FixedClock;
use nhs_pds::ids::CountingIds;
use nhs_pds::transport::{Request, Response, Transport};
use nhs_pds_simulator::{Register, Simulator};
use std::sync::Arc;

/// A request for `getNHSNumber`, after the published example.
pub(super) const TEMPLATE: &str = r#"<?xml version="1.0" encoding="UTF-8"?><!-- synthetic -->
<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns:wsa="http://www.w3.org/2005/08/addressing" xmlns:itk="urn:nhs-itk:ns:201005">
<soap:Header>
<wsa:MessageID>B72F7785-534C-11E6-ADCA-29C651A3BE6F</wsa:MessageID>
<wsa:Action>urn:nhs-itk:services:201005:OPERATION-v1-0</wsa:Action>
<wsa:To>https://smsp.example/smsp/pds</wsa:To>
<wsa:From><wsa:Address>council.example</wsa:Address></wsa:From>
<wsse:Security xmlns:wsse="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd">
<wsu:Timestamp xmlns:wsu="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd" wsu:Id="D6CD5232-14CF-11DF-9423-1F9A910D4703">
<wsu:Created>2026-11-23T09:30:00Z</wsu:Created><wsu:Expires>2026-11-23T09:40:00Z</wsu:Expires>
</wsu:Timestamp>
<wsse:UsernameToken><wsse:Username>council</wsse:Username></wsse:UsernameToken>
</wsse:Security>
</soap:Header>
<soap:Body>
<itk:DistributionEnvelope>
<itk:header service="urn:nhs-itk:services:201005:OPERATION-v1-0" trackingid="B72F9E96-534C-11E6-ADCA-29C651A3BE6F">
<itk:auditIdentity><itk:id uri="urn:nhs-uk:identity:ods:ZZ999:worker"/></itk:auditIdentity>
<itk:manifest count="1"><itk:manifestitem id="uuid_808A9678-49B2-498B-AD75-1D7A0F1262D7" mimetype="text/xml" profileid="urn:nhs-en:profile:PROFILE" base64="false" compressed="false" encrypted="false"/></itk:manifest>
<itk:senderAddress uri="urn:nhs-uk:addressing:ods:ZZ999:worker"/>
</itk:header>
<itk:payloads count="1"><itk:payload id="uuid_808A9678-49B2-498B-AD75-1D7A0F1262D7">
<ROOT xmlns="urn:hl7-org:v3" moodCode="EVN" classCode="CACT">
<id root="3E25ACE2-23F8-4A37-B446-6A37F31BF77C"/>
<code codeSystem="2.16.840.1.113883.2.1.3.2.4.17.284" code="PROFILE"/>
<queryEvent>PARAMETERS</queryEvent>
</ROOT>
</itk:payload></itk:payloads>
</itk:DistributionEnvelope>
</soap:Body>
</soap:Envelope>"#;

/// People of every kind, written by hand.
const PEOPLE: &str = "\
NHS_NUMBER,DATE_OF_BIRTH,DATE_OF_DEATH,FAMILY_NAME,GIVEN_NAME,OTHER_GIVEN_NAME,TITLE,GENDER,\
ADDRESS_LINE_1,ADDRESS_LINE_2,ADDRESS_LINE_3,ADDRESS_LINE_4,ADDRESS_LINE_5,SENSITIVE_FLAG,\
PRIMARY_CARE_CODE,POST_CODE,SUPERSEDED_BY,ANSWER,PRIMARY_CARE_NAME,TELECOM
9449304424,19430519,,Ainsley,Comfort,Zoë,Mrs,Female,,41 The Kingsway,,Epsom,Surrey,,Z99001,KT17 1NA,,,A & B Surgery,tel:01632960001 tel:07700900350 mailto:comfort@example.org
9449305552,19800920,,Twinn,Octavia,,Ms,Female,,1 Oak Avenue,,Epsom,Surrey,,Z99001,KT190ST,,,,
9449306621,19800920,,Twinn,Beryl,,Ms,Female,,1 Oak Avenue,,Epsom,Surrey,,Z99001,KT190ST,,,,
9449306613,19500101,,Formerly,Briar,,Mr,Male,,,,,,,,,9449304424,,,
9434765919,19600606,,Gone,Ada,,Ms,Female,,,,,,I,,,,,,
9000000009,19700707,,Hidden,Ida,,Ms,Female,,2 Elm Drive,,Leeds,,S,Z99002,LS1 1AA,,,,tel:01632960002
9000000017,19700708,,Hiddener,Hugo,,Mr,Male,,2 Elm Drive,,Leeds,,V,Z99002,LS1 1AA,,,,tel:01632960002
9320639116,19300303,20240202,Late,Cyril,,Mr,Male,,3 Elm Drive,,Leeds,,,Z99002,LS1 1AB,,,,
9856036615,19710808,,Stale,Enid,,Ms,Female,,,,,,,,,,SMSP-0003,,
9391434134,19720909,,Busy,Enid,,Ms,Female,,,,,,,,,,SMSP-0004,,
9838335452,19730110,,Merged,Joan,,Ms,Female,,,,,,,,,9280138111,,,
9280138111,19730110,,Merged,Joan,,Ms,Female,,,,,,,,,,,,
9721940763,201405,,Young,Kit,,,Indeterminate,,,,,,,,,,,,
";

pub(super) fn simulator() -> Simulator {
    let (register, passed_over) = Register::from_csv(PEOPLE.as_bytes()).unwrap();
    assert_eq!(passed_over, []);
    simulate(register)
}

pub(super) fn simulate(register: Register) -> Simulator {
    Simulator::new(register)
        .with_clock(Arc::new(FixedClock::at("2026-11-23T09:35:00Z".parse().unwrap())))
        .with_ids(Arc::new(CountingIds::default()))
}

pub(super) fn birth(date: &str) -> String {
    parameter("DateOfBirth", &format!(r#"<value value="{date}"/>"#))
}

pub(super) fn gender(code: &str) -> String {
    let system = "2.16.840.1.113883.2.1.3.2.4.16.25";
    parameter("Gender", &format!(r#"<value code="{code}" codeSystem="{system}"/>"#))
}

pub(super) fn local(extension: &str) -> String {
    let root = "2.16.840.1.113883.2.1.3.2.4.18.24";
    parameter("LocalIdentifier", &format!(r#"<value root="{root}" extension="{extension}"/>"#))
}

pub(super) fn number(digits: &str) -> String {
    let root = "2.16.840.1.113883.2.1.4.1";
    parameter("NHSNumber", &format!(r#"<value root="{root}" extension="{digits}"/>"#))
}

/// A blank given name is left out.
pub(super) fn name(given: &str, family: &str) -> String {
    let given = if given.is_empty() { String::new() } else { format!("<given>{given}</given>") };
    parameter("Name", &format!("<value>{given}<family>{family}</family></value>"))
}

pub(super) fn postcode(code: &str) -> String {
    parameter("Postcode", &format!("<value><postalCode>{code}</postalCode></value>"))
}

fn parameter(name: &str, value: &str) -> String {
    let name = format!("Person.{name}");
    format!("<{name}>{value}<semanticsText>{name}</semanticsText></{name}>")
}

/// A complete request of `operation`.
pub(super) fn message(operation: &str, parameters: &[String]) -> String {
    let profile = format!("{operation}Request-v1-0");
    let root =
        if operation == "getPatientDetails" { "getPatientDetails-v1-0" } else { profile.as_str() };
    TEMPLATE
        .replace("OPERATION", operation)
        .replace("PROFILE", &profile)
        .replace("ROOT", root)
        .replace("PARAMETERS", &parameters.concat())
}

pub(super) fn request(operation: &str, body: String) -> Request {
    let action = format!("\"urn:nhs-itk:services:201005:{operation}-v1-0\"");
    Request::post("https://smsp.example/smsp/pds".parse().unwrap(), body.into())
        .with_header(CONTENT_TYPE, HeaderValue::from_static("text/xml; charset=utf-8"))
        .with_header(HeaderName::from_static("soapaction"), action.try_into().unwrap())
}

/// A response, with the accessors that tests use.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn of(response: &Response) -> Self {
        Self {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: String::from_utf8(response.body().expose().to_vec()).unwrap(),
        }
    }

    /// The response code.
    pub(super) fn code(&self) -> &str {
        assert_eq!(self.status, 200, "{}", self.body);
        let mark = "codeSystem=\"2.16.840.1.113883.2.1.3.2.4.17.285\"";
        let before = self.body.split(mark).next().unwrap();
        before.rsplit('"').nth(1).unwrap()
    }

    pub(super) fn note(&self) -> &str {
        let note = self.headers.get(nhs_pds_simulator::NOTE);
        note.map_or("", |note| note.to_str().unwrap())
    }

    pub(super) fn has(&self, text: &str) -> bool {
        self.body.contains(text)
    }

    /// Whether the response contains any person's data.
    pub(super) fn has_data(&self) -> bool {
        self.has("<patient ")
    }
}

pub(super) async fn send(simulator: &Simulator, operation: &str, body: String) -> Answer {
    Answer::of(&simulator.send(request(operation, body)).await.unwrap())
}

pub(super) async fn ask(simulator: &Simulator, operation: &str, parameters: &[String]) -> Answer {
    send(simulator, operation, message(operation, parameters)).await
}
