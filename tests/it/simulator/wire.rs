//! Rejected requests, and the error of each.

use super::message::{
    Answer, ask, birth, gender, local, message, name, number, postcode, request, send, simulate,
    simulator,
};
use http::header::{CONTENT_TYPE, HeaderValue};
use nhs_pds::transport::{Request, Transport};
use nhs_pds_simulator::Register;

const GET: &str = "getNHSNumber";
const IDENTITY: &str = r#"<itk:id uri="urn:nhs-uk:identity:ods:ZZ999:worker"/>"#;

fn good() -> String {
    message(
        GET,
        &[
            birth("19430519"),
            gender("2"),
            local("RXX:00001"),
            name("Comfort", "Ainsley"),
            postcode("KT17 1NA"),
        ],
    )
}

fn without(message: &str, from: &str, to: &str) -> String {
    let (before, rest) = message.split_once(from).unwrap();
    let (_, after) = rest.split_once(to).unwrap();
    format!("{before}{after}")
}

#[tokio::test]
async fn the_template_is_good() {
    let answer = send(&simulator(), GET, good()).await;
    assert_eq!((answer.code(), answer.note()), ("SMSP-0000", ""));
    assert_eq!(answer.headers[CONTENT_TYPE], "text/xml; charset=utf-8");
    let prefixed = good().replace("<wsa:MessageID>", "<wsa:MessageID>urn:uuid:");
    assert_eq!(send(&simulator(), GET, prefixed).await.code(), "SMSP-0000");
}

/// A replacement, and the error code and note that it causes.
const ENVELOPES: &[(&str, &str, &str, &str)] = &[
    ("<soap:Header>", "<soap:Header", "1000", "the body is not well-formed XML"),
    (
        "?><!-- synthetic -->",
        "?><!DOCTYPE a [<!ENTITY b \"c\">]>",
        "1000",
        "the body is not well-formed XML",
    ),
    ("schemas.xmlsoap.org", "elsewhere", "1000", "the root is not a SOAP 1.1 Envelope"),
    ("B72F7785", "b72f7785", "1000", "wsa:MessageID is not a UUID in upper case"),
    ("B72F9E96", "b72f9e96", "1000", "itk:header/@trackingid is not a UUID in upper case"),
    ("wsa:To>", "wsa:Too>", "1000", "wsa:To is missing"),
    (
        "getNHSNumber-v1-0</wsa:Action>",
        "getNHSNumber-v2-0</wsa:Action>",
        "1000",
        "wsa:Action is not a service of this endpoint",
    ),
    (
        "getNHSNumber-v1-0</wsa:Action>",
        "verifyNHSNumber-v1-0</wsa:Action>",
        "1000",
        "the header SOAPAction differs from wsa:Action",
    ),
    (
        "getNHSNumber-v1-0\" tracking",
        "verifyNHSNumber-v1-0\" tracking",
        "1000",
        "itk:header/@service differs from wsa:Action",
    ),
    ("09:30:00Z", "09:40:00Z", "1000", "wsu:Expires is not after wsu:Created"),
    ("23T09:40:00Z", "23T09:40:00", "1000", "wsu:Expires is not a time in UTC ending in Z"),
    ("wsse:Security", "wsse:Securely", "3000", "wsse:Security is missing"),
    ("wsse:UsernameToken", "wsse:Token", "3000", "wsse:UsernameToken is missing"),
    (">council</wsse", "> </wsse", "3000", "wsse:Username is blank"),
    (IDENTITY, "", "1000", "itk:auditIdentity does not have one to four itk:id"),
    (
        IDENTITY,
        "<itk:id/><itk:id/><itk:id/><itk:id/><itk:id/>",
        "1000",
        "itk:auditIdentity does not have one to four itk:id",
    ),
    (
        IDENTITY,
        r#"<itk:id type="1.2.826.0.1285.0.2.0.67" uri="1"/>"#,
        "3000",
        "itk:auditIdentity has one of user role profile and user id, which come together",
    ),
    (
        "urn:nhs-uk:identity:ods:ZZ999:worker",
        "",
        "1000",
        "itk:auditIdentity/itk:id/@uri is missing or blank",
    ),
    ("itk:auditIdentity", "itk:identity", "1000", "itk:header has an unknown element"),
    (
        "manifest count=\"1\"",
        "manifest count=\"2\"",
        "1000",
        "itk:manifest does not have count 1 and one itk:manifestitem",
    ),
    (
        "payloads count=\"1\"",
        "payloads count=\"0\"",
        "1000",
        "itk:payloads does not have count 1 and one itk:payload",
    ),
    (
        "manifestitem id=\"uuid_8",
        "manifestitem id=\"uuid_9",
        "1000",
        "itk:manifestitem/@id differs from itk:payload/@id",
    ),
    (
        "payload id=\"uuid_",
        "payload id=\"",
        "1000",
        "itk:payload/@id is not an xs:ID: it begins with a digit, or is blank",
    ),
    (
        "profile:getNHSNumber",
        "profile:verifyNHSNumber",
        "1000",
        "itk:manifestitem/@profileid is not the service's request",
    ),
    (
        "mimetype=\"text/xml\"",
        "mimetype=\"text/plain\"",
        "1000",
        "itk:manifestitem/@mimetype is not text/xml",
    ),
    ("base64=\"false\"", "base64=\"true\"", "1000", "itk:manifestitem/@base64 is not false"),
    (
        "encrypted=\"false\"",
        "encrypted=\"true\"",
        "1000",
        "itk:manifestitem/@encrypted is not false",
    ),
];

#[tokio::test]
async fn envelopes_are_refused_by_a_fault() {
    let simulator = simulator();
    for &(from, to, code, note) in ENVELOPES {
        let message = good();
        assert!(message.contains(from), "{from}");
        let answer = send(&simulator, GET, message.replace(from, to)).await;
        assert_eq!((answer.status, answer.note()), (500, note), "{from} -> {to}");
        assert!(answer.has("<faultcode>soap:Client</faultcode>"));
        assert!(answer.has(&format!(".17.268\">{code}</itk:ErrorCode>")), "{}", answer.body);
        assert!(answer.has(&format!("<itk:ErrorDiagnosticText>{note}</")), "{}", answer.body);
    }
}

#[tokio::test]
async fn whole_parts_that_are_missing() {
    let simulator = simulator();
    for (from, to, note) in [
        ("<wsa:MessageID>", "</wsa:MessageID>", "wsa:MessageID is missing"),
        ("<wsu:Timestamp", "</wsu:Timestamp>", "wsu:Timestamp is missing"),
        ("<itk:auditIdentity>", "</itk:auditIdentity>", "itk:auditIdentity is missing"),
        ("<itk:manifest ", "</itk:manifest>", "itk:manifest is missing"),
        (
            "<itk:DistributionEnvelope>",
            "</itk:DistributionEnvelope>",
            "itk:DistributionEnvelope is missing",
        ),
        (
            "<getNHSNumberRequest-v1-0 ",
            "</getNHSNumberRequest-v1-0>",
            "itk:payload does not have exactly one element",
        ),
    ] {
        let answer = send(&simulator, GET, without(&good(), from, to)).await;
        assert_eq!((answer.status, answer.note()), (500, note));
    }
}

#[tokio::test]
async fn clocks_may_differ_by_five_minutes() {
    for (created, expires, note) in [
        ("09:20:00Z", "09:30:00Z", ""),
        ("09:20:00Z", "09:29:59Z", "wsu:Expires is in the past"),
        ("09:40:00Z", "09:50:00Z", ""),
        ("09:40:01Z", "09:50:00Z", "wsu:Created is in the future"),
    ] {
        let message = good()
            .replace("09:40:00Z", expires)
            .replace("09:30:00Z</wsu:C", &format!("{created}</wsu:C"));
        assert_eq!(send(&simulator(), GET, message).await.note(), note, "{created} {expires}");
    }
}

/// A request with this header `SOAPAction`, or without one.
fn with_soap_action(value: Option<&str>) -> Request {
    let request = request(GET, good());
    let mut headers = request.headers().clone();
    headers.remove("soapaction");
    if let Some(value) = value {
        headers.insert("soapaction", value.parse().unwrap());
    }
    Request::post(request.url().clone(), request.body().clone()).with_headers(headers)
}

#[tokio::test]
async fn the_header_soap_action() {
    const URN: &str = "urn:nhs-itk:services:201005:getNHSNumber-v1-0";
    let quoted = format!("\"{URN}\"");
    let differs = "the header SOAPAction differs from wsa:Action";
    let missing = "the header SOAPAction is missing or not in quotes";
    for (value, lenient, strict) in [
        (Some(&*quoted), "", ""),
        (Some(URN), "", missing),
        (None, "", missing),
        (Some(""), "", missing),
        (Some("\"\""), "", missing),
        (Some("\"urn:x\""), differs, differs),
        (Some("urn:x"), differs, missing),
    ] {
        for (is_strict, note) in [(false, lenient), (true, strict)] {
            let simulator = simulator().with_strict_soap_action(is_strict);
            let answer = Answer::of(&simulator.send(with_soap_action(value)).await.unwrap());
            let status = if note.is_empty() { 200 } else { 500 };
            assert_eq!((answer.status, answer.note()), (status, note), "{value:?} {is_strict}");
        }
    }
}

#[tokio::test]
async fn the_content_type_is_checked() {
    let soap_12 = HeaderValue::from_static("application/soap+xml");
    let request = request(GET, good()).with_header(CONTENT_TYPE, soap_12);
    let answer = Answer::of(&simulator().send(request).await.unwrap());
    assert_eq!((answer.status, answer.note()), (500, "the header Content-Type is not text/xml"));
}

/// Replacements in a message that the schemas still permit.
pub(super) const PERMITTED: &[(&str, &str)] = &[
    ("<itk:senderAddress uri=\"urn:nhs-uk:addressing:ods:ZZ999:worker\"/>", ""),
    ("senderAddress uri=\"urn:nhs-uk:addressing:ods:ZZ999:worker\"", "senderAddress uri=\"\""),
    (
        "<itk:auditIdentity>",
        "<itk:addresslist><itk:address uri=\"urn:x:y\"/></itk:addresslist><itk:auditIdentity>",
    ),
    (
        "</itk:header>",
        "<itk:handlingSpecification><itk:spec key=\"urn:a:b\" value=\"c\"/></itk:handlingSpecification></itk:header>",
    ),
    (" profileid=\"urn:nhs-en:profile:getNHSNumberRequest-v1-0\"", ""),
    (" base64=\"false\" compressed=\"false\" encrypted=\"false\"", ""),
    ("base64=\"false\"", "base64=\"0\" metadata=\"false\""),
    ("uuid_808A9678-49B2-498B-AD75-1D7A0F1262D7", "_808a9678-49b2-498b-ad75-1d7a0f1262d7"),
    ("uuid_808A9678-49B2-498B-AD75-1D7A0F1262D7", "ID.1"),
    ("<getNHSNumberRequest-v1-0 ", "text <getNHSNumberRequest-v1-0 "),
    (
        "<id root=\"3E25ACE2",
        "<realmCode code=\"GB\"/><typeId root=\"1.2\" extension=\"a\"/><templateId root=\"1.2\" extension=\"a\"/><id root=\"3E25ACE2",
    ),
    ("<queryEvent>", "<queryEvent><templateId root=\"1.2\" extension=\"a\"/>"),
    ("<Person.Gender>", "<Person.Gender><realmCode code=\"GB\"/>"),
    ("value value=\"19430519\"", "value value=\"19430519103000\""),
    ("value value=\"19430519\"", "value value=\"194305191030+0000\""),
    ("<given>Comfort</given>", "<given></given>"),
    (
        "<Person.Postcode><value><postalCode>KT17 1NA</postalCode></value><semanticsText>Person.Postcode</semanticsText></Person.Postcode>",
        "<Person.Postcode xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:nil=\"true\"/>",
    ),
    (
        "<Person.LocalIdentifier><value root=\"2.16.840.1.113883.2.1.3.2.4.18.24\" extension=\"RXX:00001\"/><semanticsText>Person.LocalIdentifier</semanticsText></Person.LocalIdentifier>",
        "<Person.LocalIdentifier xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:nil=\"1\"/>",
    ),
    ("<semanticsText>Person.Name<", "<semanticsText mediaType=\"text/plain\">Person.Name<"),
];

/// Every message of [`PERMITTED`].
pub(super) fn permitted() -> impl Iterator<Item = String> {
    PERMITTED.iter().map(|(from, to)| {
        let message = good();
        assert!(message.contains(from), "{from}");
        message.replace(from, to)
    })
}

#[tokio::test]
async fn what_the_schemas_permit_is_answered() {
    let simulator = simulator();
    for message in permitted() {
        let answer = send(&simulator, GET, message.clone()).await;
        assert_eq!((answer.status, answer.note()), (200, ""), "{message}");
        assert_eq!(answer.code(), "SMSP-0000");
    }
    // An element with nil must be optional, and empty.
    let nil = "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:nil=\"true\"";
    let gender = good().replace("<Person.Gender>", &format!("<Person.Gender {nil}><value/>"));
    assert_eq!(send(&simulator, GET, gender).await.code(), "SMSP-0001");
}

/// A message with characters beyond ASCII in its query, and one beyond ISO 8859-1 in a comment.
fn accented(declaration: &str) -> String {
    good()
        .replace("<?xml version=\"1.0\" encoding=\"UTF-8\"?>", declaration)
        .replace("Comfort", "ZOË")
}

fn wide(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(bytes).collect()
}

fn narrow(text: &str) -> Vec<u8> {
    text.chars().map(|character| u8::try_from(u32::from(character)).unwrap()).collect()
}

#[tokio::test]
async fn encodings() {
    let people = "NHS_NUMBER,DATE_OF_BIRTH,FAMILY_NAME,GIVEN_NAME,GENDER,POST_CODE\n\
                  9449304424,19430519,Ainsley,Zoë,Female,KT17 1NA\n";
    let (register, _) = Register::from_csv(people.as_bytes()).unwrap();
    let simulator = simulate(register);
    let declare = |name: &str| accented(&format!("<?xml version='1.0' encoding='{name}'?>"));
    let marked = |mark: &[u8], bytes: Vec<u8>| [mark, &bytes].concat();
    let (little, big) = (u16::to_le_bytes, u16::to_be_bytes);
    let good: Vec<(&str, Vec<u8>)> = vec![
        ("text/xml", accented("").into_bytes()),
        ("text/xml", declare("utf-8").into_bytes()),
        ("text/xml", marked(b"\xef\xbb\xbf", accented("").into_bytes())),
        ("text/xml; charset=utf-16", marked(b"\xff\xfe", wide(&declare("UTF-16"), little))),
        ("text/xml", marked(b"\xfe\xff", wide(&declare("UTF-16"), big))),
        ("text/xml", marked(b"\xff\xfe", wide(&accented(""), little))),
        ("text/xml", wide(&declare("UTF-16LE"), little)),
        ("text/xml", wide(&declare("UTF-16BE"), big)),
        ("text/xml", narrow(&declare("ISO-8859-1"))),
        ("text/xml; charset=utf-8", narrow(&declare("iso-8859-1"))),
        ("text/xml; charset=\"ISO-8859-1\"", narrow(&accented(""))),
    ];
    for (content_type, body) in good {
        let request = Request::post("https://smsp.example/".parse().unwrap(), body.into())
            .with_header(CONTENT_TYPE, content_type.parse().unwrap());
        let answer = Answer::of(&simulator.send(request).await.unwrap());
        assert_eq!((answer.status, answer.note()), (200, ""), "{content_type}");
        assert_eq!(answer.code(), "SMSP-0000", "{content_type}");
    }
    let not_so = "the body is not in the encoding that it declares";
    for (content_type, body) in [
        ("text/xml", narrow(&declare("utf-8"))),
        ("text/xml; charset=utf-8", narrow(&accented(""))),
        ("text/xml", declare("us-ascii").into_bytes()),
        ("text/xml", declare("UTF-16").into_bytes()),
        ("text/xml", declare("ebcdic-cp-gb").into_bytes()),
        ("text/xml", marked(b"\xff\xfe", b"<a/>\n".to_vec())),
    ] {
        let request = Request::post("https://smsp.example/".parse().unwrap(), body.into())
            .with_header(CONTENT_TYPE, content_type.parse().unwrap());
        let answer = Answer::of(&simulator.send(request).await.unwrap());
        assert_eq!((answer.status, answer.note()), (500, not_so), "{content_type}");
    }
}

/// A replacement, and the note that it causes.
const PAYLOADS: &[(&str, &str, &str)] = &[
    (
        "<getNHSNumberRequest-v1-0 xmlns=\"urn:hl7-org:v3\"",
        "<getNHSNumberRequest-v1-0 xmlns=\"urn:x\"",
        "the payload's root is not the service's request",
    ),
    (
        "classCode=\"CACT\"",
        "classCode=\"OBS\"",
        "the payload's classCode and moodCode are not CACT and EVN",
    ),
    ("3E25ACE2", "3e25ace2", "id/@root is not a UUID in upper case"),
    ("code=\"getNHSNumberRequest-v1-0\"", "code=\"x\"", "code/@code is not the service's request"),
    ("17.284", "17.285", "code/@codeSystem is not that of messages"),
    (
        "Person.Postcode",
        "Person.Post",
        "queryEvent has an element that is not a parameter of the service",
    ),
    (
        "<semanticsText>Person.Name<",
        "<semanticsText>Name<",
        "Person.Name/semanticsText is not the parameter's name",
    ),
    ("19430519", "1943-05-19", "Person.DateOfBirth/value/@value is not a date YYYYMMDD"),
    ("19430519", "19430230", "Person.DateOfBirth/value/@value is not a date YYYYMMDD"),
    ("code=\"2\"", "code=\"F\"", "Person.Gender/value/@code is not 1, 2, 9 or 0"),
    ("16.25", "16.26", "Person.Gender/value/@codeSystem is not that of genders"),
    ("extension=\"RXX:00001\"", "", "Person.LocalIdentifier/value/@extension is missing or blank"),
    (
        "<family>Ainsley",
        "<family>",
        "Person.Name/value/family is blank, or its wildcard comes too early",
    ),
    (
        "<given>Comfort</given>",
        "<given>A</given><given>B</given>",
        "Person.Name/value does not have given and family, each at most once",
    ),
    ("KT17 1NA", "KT17", "Person.Postcode/value/postalCode does not have the form of a postcode"),
];

#[tokio::test]
async fn payloads_are_refused_by_a_code() {
    let simulator = simulator();
    for &(from, to, note) in PAYLOADS {
        let message = good();
        assert!(message.contains(from), "{from}");
        let answer = send(&simulator, GET, message.replace(from, to)).await;
        assert_eq!((answer.code(), answer.note()), ("SMSP-0001", note), "{from} -> {to}");
        assert!(!answer.has_data());
    }
    let missing = ask(&simulator, GET, &[gender("2"), name("", "Ainsley")]).await;
    assert_eq!((missing.code(), missing.note()), ("SMSP-0001", "Person.DateOfBirth is missing"));
    let born = birth("19430519");
    let twice = [born.clone(), born, gender("2"), name("", "Ainsley")];
    let answer = ask(&simulator, GET, &twice).await;
    assert_eq!(answer.note(), "Person.DateOfBirth is repeated or out of order");
    let late = [gender("2"), birth("19430519"), name("", "Ainsley")];
    let answer = ask(&simulator, GET, &late).await;
    assert_eq!(answer.note(), "Person.DateOfBirth is repeated or out of order");
    let foreign = [birth("19430519"), number("9449304424").replace("4.1\"", "4.2\"")];
    let answer = ask(&simulator, "verifyNHSNumber", &foreign).await;
    assert_eq!(answer.note(), "Person.NHSNumber/value/@root is not that of NHS Numbers");
}
