//! The client over HTTP, against mock servers: its requests, and its result for every response.

use super::{envelope, payload};
use nhs_pds::clock::FixedClock;
use nhs_pds::demographics::Gender;
use nhs_pds::ids::RandomIds;
use nhs_pds::service::{Error, ErrorKind};
use nhs_pds::smsp::{Client, Config, Limits, PatientDetails, ResponseCode};
use nhs_pds::trace::{
    self, Answer, Attended, Caller, FetchDetails, FindPerson, LocalIdentifier, LocalIdentity,
    MessageId, NameText, Outcome, Question, Tracer, Unattended, User, VerifyNumber,
};
use nhs_pds::transport;
use nhs_pds::transport::http::{HttpConfig, HttpTransport};
use roxmltree::Document;
use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

const NUMBER: &str = "9990000077";
const OTHER_NUMBER: &str = "9990000085";

fn us() -> LocalIdentity {
    LocalIdentity::new("RHM".parse().unwrap(), "get-nhs-number").unwrap()
}

fn caller() -> Caller {
    Caller::System(us())
}

fn client(server: &MockServer) -> Client {
    client_over(server, &HttpConfig::new().with_max_response_bytes(64 * 1024))
}

fn client_over(server: &MockServer, http: &HttpConfig) -> Client {
    let endpoint = format!("{}/smsp/pds", server.uri()).parse().unwrap();
    let clock = FixedClock::at("2026-11-23T09:30:00Z".parse().unwrap());
    Client::new(Config::new(endpoint, us()), Arc::new(HttpTransport::new(http).unwrap()))
        .with_clock(Arc::new(clock))
}

fn verify() -> VerifyNumber {
    VerifyNumber::new(NUMBER.parse().unwrap(), "19840229".parse().unwrap())
        .with_family("Quentinsson".parse().unwrap())
}

fn find() -> FindPerson {
    let name = |text: &str| text.parse::<NameText>().unwrap();
    let local = LocalIdentifier::new(LocalIdentifier::LOCAL_PATIENT_ROOT, "RHM:1").unwrap();
    FindPerson::new(name("Quentinsson"), Gender::Female, "19840229".parse().unwrap())
        .with_given(name("Arabella"))
        .with_local_identifier(local)
}

fn fetch() -> FetchDetails {
    FetchDetails::new(NUMBER.parse().unwrap(), "19840229".parse().unwrap())
}

/// Responds with `body` in a SOAP envelope that relates to the request as `relates` says.
struct Reply {
    status: u16,
    body: String,
    relates: fn(&str) -> Option<String>,
}

impl Respond for Reply {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let text = String::from_utf8(request.body.clone()).unwrap();
        let document = Document::parse(&text).unwrap();
        let id = document.descendants().find(|n| n.tag_name().name() == "MessageID").unwrap();
        let relates = (self.relates)(id.text().unwrap());
        let relates = relates.map(|id| format!("<a:RelatesTo>{id}</a:RelatesTo>"));
        let body = format!(
            r#"<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/" xmlns:a="http://www.w3.org/2005/08/addressing"><S:Header>{}</S:Header><S:Body>{}</S:Body></S:Envelope>"#,
            relates.unwrap_or_default(),
            self.body
        );
        ResponseTemplate::new(self.status)
            // The time of the query, by the client's clock.
            .insert_header("date", "Mon, 23 Nov 2026 09:30:00 GMT")
            .set_body_raw(body, "text/xml; charset=utf-8")
    }
}

fn reply(status: u16, body: String) -> Reply {
    Reply { status, body, relates: |id| Some(format!("urn:uuid:{}", id.to_lowercase())) }
}

async fn serving(responder: impl Respond + 'static) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST")).and(path("/smsp/pds")).respond_with(responder).mount(&server).await;
    server
}

fn number(number: &str) -> String {
    format!(r#"<id root="2.16.840.1.113883.2.1.4.1" extension="{number}"/>"#)
}

fn patient(ids: &str) -> String {
    format!("<subject><patient>{ids}</patient></subject>")
}

fn valid(value: bool, id: &str) -> String {
    format!(
        "<component><validIdentifier><value value='{value}'/>{}</validIdentifier></component>",
        patient(id)
    )
}

/// Neither the error nor its sources name the person or the address.
fn discreet(error: &(dyn std::error::Error + 'static)) {
    let mut said = format!("{error:?}");
    let mut next = Some(error);
    while let Some(error) = next {
        said.push_str(&error.to_string());
        next = error.source();
    }
    // Random text may contain any digits.
    let exchange = error.downcast_ref::<Error>().and_then(Error::exchange);
    let traced = error.downcast_ref::<nhs_pds::trace::Error>();
    let exchange = exchange.or(traced.and_then(nhs_pds::trace::Error::exchange));
    if let Some(exchange) = exchange {
        said = said.replace(&exchange.message_id, "");
    }
    for value in ["QUENTINSSON", "ARABELLA", "1984", NUMBER, "999 000 0077", "SMSP/PDS", "RHM:1"] {
        assert!(!said.to_uppercase().contains(value), "{value} in {said}");
    }
}

async fn answer(server: &MockServer) -> Result<Answer, Error> {
    let answer = client(server).get_nhs_number(&caller(), &find()).await;
    if let Err(error) = &answer {
        discreet(error);
    }
    answer
}

#[tokio::test]
async fn the_request() {
    let server = MockServer::start().await;
    let body = envelope("", &payload("getNHSNumberResponse-v1-0", "DEMOG-0001", ""));
    Mock::given(method("POST"))
        .and(path("/smsp/pds"))
        .and(header("content-type", "text/xml; charset=utf-8"))
        .and(header("soapaction", "\"urn:nhs-itk:services:201005:getNHSNumber-v1-0\""))
        .respond_with(reply(200, body))
        .expect(2)
        .mount(&server)
        .await;
    let client = client(&server);
    let answers = [
        client.get_nhs_number(&caller(), &find()).await.unwrap(),
        client.get_nhs_number(&caller(), &find()).await.unwrap(),
    ];
    let requests = server.received_requests().await.unwrap();
    let sent = |index: usize, name: &str| {
        let text = String::from_utf8(requests[index].body.clone()).unwrap();
        let document = Document::parse(&text).unwrap();
        let node = document.descendants().find(|node| node.tag_name().name() == name).unwrap();
        node.text().map(str::to_owned).or(node.attribute("uri").map(str::to_owned)).unwrap()
    };
    for (index, answer) in answers.iter().enumerate() {
        assert_eq!(answer.exchange.message_id, sent(index, "MessageID"));
        assert_eq!(answer.exchange.service, "SMSP");
        assert_eq!(answer.exchange.operation, "getNHSNumber");
        assert_eq!(answer.exchange.code.as_deref(), Some("DEMOG-0001"));
        assert_eq!(answer.exchange.sent_at.to_rfc3339(), "2026-11-23T09:30:00+00:00");
    }
    assert_ne!(sent(0, "MessageID"), sent(1, "MessageID"), "each message has its own identifier");
    assert_eq!(sent(0, "senderAddress"), "urn:nhs-uk:addressing:ods:RHM:get-nhs-number");
}

#[tokio::test]
async fn every_operation() {
    let details = |rest: &str| payload("getPatientDetailsResponse-v1-0", "SMSP-0000", rest);
    let found = |answer: Result<Answer, Error>| match answer.unwrap().outcome {
        Outcome::Found(found) => found,
        other => panic!("{other:?}"),
    };
    let both = number(NUMBER)
        + r#"<id root="2.16.840.1.113883.2.1.3.2.4.18.24" extension="RHM:1"/><name><family>X</family></name>"#;

    let verified =
        payload("verifyNHSNumberResponse-v1-0", "SMSP-0000", &valid(true, &number(NUMBER)));
    let server = serving(reply(200, envelope("", &verified))).await;
    let answer = client(&server).verify_nhs_number(&caller(), &verify()).await;
    assert!(found(answer).person.is_none());

    let got = payload("getNHSNumberResponse-v1-0", "SMSP-0000", &patient(&number(NUMBER)));
    let server = serving(reply(200, envelope("", &got))).await;
    let answer = client(&server).get_nhs_number(&caller(), &find()).await;
    assert_eq!(found(answer).nhs_number, NUMBER.parse().unwrap());

    let server = serving(reply(200, envelope("", &details(&patient(&both))))).await;
    let client = client(&server);
    let answer = client.get_patient_details_by_nhs_number(&caller(), &fetch()).await;
    assert!(found(answer).person.is_some());
    let answer = client.get_patient_details_by_search(&caller(), &find()).await;
    assert_eq!(found(answer).local_identifier.as_ref(), find().local_identifier());
    let question = PatientDetails::<Unattended>::by_nhs_number(&fetch());
    assert!(found(client.get_patient_details(&caller(), &question).await).person.is_some());
    let actions = server.received_requests().await.unwrap();
    let actions: Vec<_> =
        actions.iter().map(|r| r.headers["soapaction"].to_str().unwrap()).collect();
    assert_eq!(
        actions,
        [
            "\"urn:nhs-itk:services:201005:getPatientDetailsByNHSNumber-v1-0\"",
            "\"urn:nhs-itk:services:201005:getPatientDetailsBySearch-v1-0\"",
            "\"urn:nhs-itk:services:201005:getPatientDetails-v1-0\"",
        ]
    );
}

#[tokio::test]
async fn every_code() {
    let codes = ResponseCode::known().map(|code| code.to_string());
    for code in codes.chain(["CPIS-0003".to_owned(), "MRS SMITH".to_owned()]) {
        let body = envelope("", &payload("getNHSNumberResponse-v1-0", &code, ""));
        let server = serving(reply(200, body)).await;
        let said = match answer(&server).await {
            Ok(answer) => answer.outcome.as_str().to_owned(),
            Err(error) => {
                assert_eq!(error.status().unwrap(), 200);
                format!("{:?} {}", error.kind(), error.action().as_str())
            }
        };
        let expected = match code.as_str() {
            "SMSP-0000" => "Unreadable unreadable",
            "SMSP-0001" | "DEMOG-0042" => "Code rejected",
            "SMSP-0003" | "SMSP-0004" | "SMSP-9999" | "DEMOG-9999" => "Code unavailable",
            "SMSP-0005" => "Code configuration",
            "DEMOG-0001" => "none",
            "DEMOG-0007" => "ambiguous",
            "DEMOG-0017" => "superseded",
            "DEMOG-0022" => "invalidated",
            "DEMOG-0040" => "not_verified",
            _ => "Code unreadable",
        };
        assert_eq!(said, expected, "{code}");
    }
}

#[tokio::test]
async fn text_that_is_not_a_code_is_not_repeated() {
    let body = envelope("", &payload("getNHSNumberResponse-v1-0", "QUENTINSSON", ""));
    let error = answer(&serving(reply(200, body)).await).await.unwrap_err();
    assert_eq!(error.exchange().unwrap().code.as_deref(), Some("unrecognised"));
}

fn fault(code: &str, toolkit: &str) -> String {
    format!(
        "<S:Fault><faultcode>{code}</faultcode><faultstring>ARABELLA</faultstring><detail><t:ToolkitErrorInfo xmlns:t='urn:nhs-itk:ns:201005'><t:ErrorCode>{toolkit}</t:ErrorCode><t:ErrorText>QUENTINSSON</t:ErrorText><t:ErrorDiagnosticText>1984</t:ErrorDiagnosticText></t:ToolkitErrorInfo></detail></S:Fault>"
    )
}

#[tokio::test]
async fn faults_with_500_and_with_200() {
    for status in [500, 200] {
        for (code, toolkit, action) in [
            ("S:Client", "1000", trace::ErrorKind::Rejected),
            ("S:Server", "2100", trace::ErrorKind::Unavailable),
            ("S:Server", "2200", trace::ErrorKind::Unreadable),
            ("Client", "3000", trace::ErrorKind::Configuration),
        ] {
            let error =
                answer(&serving(reply(status, fault(code, toolkit))).await).await.unwrap_err();
            assert_eq!(
                (error.kind(), error.action()),
                (ErrorKind::Fault, action),
                "{code}/{toolkit}"
            );
            assert_eq!(error.status().unwrap(), status);
            assert!(error.exchange().unwrap().code.as_ref().unwrap().ends_with(toolkit));
        }
    }
}

#[tokio::test]
async fn statuses_without_a_message() {
    for (status, action) in [
        (200, trace::ErrorKind::Unreadable),
        (202, trace::ErrorKind::Unreadable),
        (301, trace::ErrorKind::Configuration),
        (400, trace::ErrorKind::Unreadable),
        (401, trace::ErrorKind::Configuration),
        (403, trace::ErrorKind::Configuration),
        (404, trace::ErrorKind::Configuration),
        (407, trace::ErrorKind::Configuration),
        (408, trace::ErrorKind::Unavailable),
        (413, trace::ErrorKind::Rejected),
        (422, trace::ErrorKind::Rejected),
        (429, trace::ErrorKind::Unavailable),
        (500, trace::ErrorKind::Unavailable),
        (502, trace::ErrorKind::Unavailable),
        (503, trace::ErrorKind::Unavailable),
        (504, trace::ErrorKind::Unavailable),
    ] {
        let page = "<html><body>Bad Gateway for ARABELLA QUENTINSSON</body></html>";
        let server = serving(ResponseTemplate::new(status).set_body_raw(page, "text/html")).await;
        let error = answer(&server).await.unwrap_err();
        let kind = if status == 200 { ErrorKind::ContentType } else { ErrorKind::Status };
        assert_eq!((error.kind(), error.action()), (kind, action), "{status}");
        assert_eq!(error.status().unwrap(), status);
        assert_eq!(error.source().is_some(), status != 200);
        assert_eq!(error.body().expose(), page);
    }
}

/// A correct response with a wrong status is an error.
#[tokio::test]
async fn an_answer_with_a_bad_status() {
    let body = envelope("", &payload("getNHSNumberResponse-v1-0", "DEMOG-0001", ""));
    let error = answer(&serving(reply(503, body)).await).await.unwrap_err();
    assert_eq!((error.kind(), error.is_transient()), (ErrorKind::Status, true));
}

#[tokio::test]
async fn time_out_oversize_redirect() {
    let slow = ResponseTemplate::new(200).set_delay(Duration::from_secs(30));
    let hurried = HttpConfig::new().with_total_timeout(Duration::from_millis(300));
    let server = serving(slow).await;
    let client = client_over(&server, &hurried);
    let error = client.get_nhs_number(&caller(), &find()).await.unwrap_err();
    discreet(&error);
    let cause = error.source().unwrap().downcast_ref::<transport::Error>().unwrap();
    assert_eq!(cause.kind(), transport::ErrorKind::Timeout);
    assert_eq!((error.kind(), error.is_transient()), (ErrorKind::Transport, true));

    let large = ResponseTemplate::new(200).set_body_string("x".repeat(64 * 1024 + 1));
    let error = answer(&serving(large).await).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.action()),
        (ErrorKind::Transport, trace::ErrorKind::Unreadable)
    );

    let elsewhere = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(200))
        .expect(0)
        .mount(&elsewhere)
        .await;
    let away = ResponseTemplate::new(307).insert_header("location", elsewhere.uri());
    let error = answer(&serving(away).await).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.action()),
        (ErrorKind::Status, trace::ErrorKind::Configuration)
    );
}

#[tokio::test]
async fn the_limits_of_the_codec_apply() {
    let body = envelope("", &payload("getNHSNumberResponse-v1-0", "DEMOG-0001", ""));
    let server = serving(reply(200, body)).await;
    let config = Config::new(format!("{}/smsp/pds", server.uri()).parse().unwrap(), us())
        .with_limits(Limits::default().with_max_depth(3));
    let transport = HttpTransport::new(&HttpConfig::new()).unwrap();
    let error = Client::new(config, Arc::new(transport))
        .get_nhs_number(&caller(), &find())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreadable);
}

/// A response to another request is never used.
#[tokio::test]
async fn answers_to_another_request() {
    let none = || envelope("", &payload("getNHSNumberResponse-v1-0", "DEMOG-0001", ""));
    let mismatch = |answer: Result<Answer, Error>| {
        let error = answer.unwrap_err();
        discreet(&error);
        assert_eq!(
            (error.kind(), error.action()),
            (ErrorKind::Mismatch, trace::ErrorKind::Unreadable)
        );
    };
    // Another message.
    let other = |_: &str| Some("2F4E8C62-7C53-4D39-9C0B-53A7B8D1E402".to_owned());
    let server = serving(Reply { status: 200, body: none(), relates: other }).await;
    mismatch(answer(&server).await);
    // A missing identifier is accepted, and so is each form of the right one.
    for relates in [
        (|_| None) as fn(&str) -> Option<String>,
        |id| Some(id.to_owned()),
        |id| Some(format!("uuid:{id}")),
        |id| Some(format!("  URN:UUID:{} ", id.to_lowercase())),
    ] {
        let server = serving(Reply { status: 200, body: none(), relates }).await;
        assert_eq!(answer(&server).await.unwrap().outcome, Outcome::None);
    }
    // An identifier that is blank, or in the earlier WS-Addressing, is a mismatch too.
    let server =
        serving(Reply { status: 200, body: none(), relates: |_| Some(String::new()) }).await;
    mismatch(answer(&server).await);
    let old =
        "<a:RelatesTo xmlns:a='http://schemas.xmlsoap.org/ws/2004/08/addressing'>1</a:RelatesTo>";
    let page = format!(
        "<S:Envelope xmlns:S='http://schemas.xmlsoap.org/soap/envelope/'><S:Header>{old}</S:Header><S:Body>{}</S:Body></S:Envelope>",
        none()
    );
    let stub = ResponseTemplate::new(200).set_body_raw(page, "text/xml");
    mismatch(answer(&serving(stub).await).await);
    // Another operation, as the envelope says.
    let body = none().replace("getNHSNumber-v1-0Response\"", "verifyNHSNumber-v1-0Response\"");
    mismatch(answer(&serving(reply(200, body)).await).await);
    // Another operation, as the payload says.
    let body = envelope("", &payload("verifyNHSNumberResponse-v1-0", "DEMOG-0001", ""));
    mismatch(answer(&serving(reply(200, body)).await).await);
    // Another case of the same organisation.
    let ids =
        number(NUMBER) + r#"<id root="2.16.840.1.113883.2.1.3.2.4.18.24" extension="RHM:2"/>"#;
    let body = envelope("", &payload("getNHSNumberResponse-v1-0", "SMSP-0000", &patient(&ids)));
    mismatch(answer(&serving(reply(200, body)).await).await);
    // Another number.
    for value in [true, false] {
        let about = valid(value, &number(OTHER_NUMBER));
        let body = envelope("", &payload("verifyNHSNumberResponse-v1-0", "SMSP-0000", &about));
        let server = serving(reply(200, body)).await;
        mismatch(client(&server).verify_nhs_number(&caller(), &verify()).await);
    }
}

#[tokio::test]
async fn a_superseded_answer_has_the_new_number_or_none() {
    for (ids, by) in [
        (number(OTHER_NUMBER), Some(OTHER_NUMBER.parse().unwrap())),
        // The old number again is not the new one.
        (number(NUMBER), None),
        (String::new(), None),
    ] {
        let rest = if ids.is_empty() { ids } else { patient(&ids) };
        let body = envelope("", &payload("getPatientDetailsResponse-v1-0", "DEMOG-0017", &rest));
        let server = serving(reply(200, body)).await;
        let answer = client(&server).get_patient_details_by_nhs_number(&caller(), &fetch()).await;
        let Outcome::Superseded { by: told, .. } = answer.unwrap().outcome else { panic!() };
        assert_eq!(told, by);
    }
}

fn id() -> MessageId {
    MessageId::fresh(&RandomIds)
}

/// As a tracer: the operation of each query, and the kind of each error.
#[tokio::test]
async fn the_client_is_a_tracer() {
    let server = serving(reply(500, fault("S:Server", "2100"))).await;
    let client = client(&server);
    let tracer: &dyn Tracer = &client;
    let user = User::Local(us());
    let attended = Question::<Attended>::from(FindPerson::attended(
        "Quen*".parse().unwrap(),
        Gender::Female,
        "1984".parse().unwrap(),
    ));
    let errors = [
        tracer.trace(&caller(), &verify().into(), id()).await.unwrap_err(),
        tracer.trace(&caller(), &find().into(), id()).await.unwrap_err(),
        tracer.trace(&caller(), &fetch().into(), id()).await.unwrap_err(),
        tracer.trace_attended(&user, &attended, id()).await.unwrap_err(),
    ];
    let operations: Vec<_> = errors
        .iter()
        .map(|error| {
            discreet(error);
            assert!(error.is_transient());
            let exchange = error.exchange().unwrap();
            assert_eq!(exchange.code.as_deref(), Some("Server/2100"));
            exchange.operation.clone()
        })
        .collect();
    assert_eq!(
        operations,
        [
            "verifyNHSNumber",
            "getPatientDetailsBySearch",
            "getPatientDetailsByNHSNumber",
            "getPatientDetailsBySearch"
        ]
    );
}
