//! Queries of the library's clients to the simulator over HTTP, through a mock server of wiremock.
#![cfg(feature = "wiremock")]
#![expect(clippy::unwrap_used, reason = "tests")]

use http::StatusCode;
use nhs_pds::fhir::auth::{ApplicationTokens, Jwks, SigningKey, TokenConfig};
use nhs_pds::ids::RandomIds;
use nhs_pds::matching::Finding;
use nhs_pds::secret::Secret;
use nhs_pds::trace::{
    Caller, ErrorKind, FindPerson, LocalIdentity, MessageId, Outcome, Question, Tracer,
    VerifyNumber,
};
use nhs_pds::transport::http::{HttpConfig, HttpTransport};
use nhs_pds::transport::{self, Request as ToSend, Response, Transport};
use nhs_pds::{Pds, async_trait, fhir, smsp};
use nhs_pds_simulator::{Application, Fault, NOTE, Person, Register, Simulator, When};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};
use wiremock::matchers::{any, path, path_regex};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

const CLIENT_ID: &str = "an-api-key";

fn us() -> LocalIdentity {
    LocalIdentity::new("ZZ999".parse().unwrap(), "stub-test").unwrap()
}

fn http() -> Arc<dyn Transport> {
    Arc::new(HttpTransport::new(&HttpConfig::new().danger_allow_plain_http()).unwrap())
}

fn register() -> Register {
    Register::from_seed(3, 200)
}

/// A person who is the only match of a search by name, gender, date of birth and postcode.
fn person(register: &Register) -> &Person {
    let alone = |person: &&Person| {
        let full = person.birth.full().is_some() && person.answer.is_none();
        let unmarked = person.superseded_by.is_none() && person.sensitivity.flag().is_empty();
        let found = register.born(&person.family, person.birth).count() == 1;
        full && unmarked && found && !person.postcode.is_empty()
    };
    register.iter().find(alone).unwrap()
}

fn mini_service(server: &MockServer) -> smsp::Client {
    let url = format!("{}/smsp/pds", server.uri()).parse().unwrap();
    smsp::Client::new(smsp::Config::new(url, us()), http())
}

/// A client of the FHIR API that signs its own assertions, with its key registered at `pds`.
fn api(server: &MockServer, pds: &Simulator) -> fhir::Client {
    let pem = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/fhir/client-a.pem");
    let pem = Secret::new(std::fs::read(pem).unwrap());
    let key = SigningKey::from_pem("client-a".parse().unwrap(), &pem).unwrap();
    let jwks = serde_json::to_string(&Jwks::of([&key]).unwrap()).unwrap();
    pds.add_application(Application::new(CLIENT_ID).with_jwks(&jwks).unwrap());
    let tokens = format!("{}/oauth2/token", server.uri()).parse().unwrap();
    let tokens = TokenConfig::new(tokens, CLIENT_ID.parse().unwrap());
    let base = format!("{}/personal-demographics/FHIR/R4", server.uri()).parse().unwrap();
    let tokens = ApplicationTokens::new(tokens, key, http());
    fhir::Client::application_restricted(fhir::Config::new(base), tokens, http())
}

async fn mounted(register: Register) -> (Simulator, MockServer) {
    let pds = Simulator::new(register);
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(pds.clone()).mount(&server).await;
    (pds, server)
}

fn verify(person: &Person) -> Question {
    let question: VerifyNumber = VerifyNumber::new(person.nhs_number, person.birth.full().unwrap());
    question.into()
}

fn search(person: &Person) -> Question {
    let question: FindPerson = FindPerson::new(
        person.family.parse().unwrap(),
        person.gender,
        person.birth.full().unwrap(),
    )
    .with_postcode(person.postcode.parse().unwrap());
    question.into()
}

async fn ask(client: &dyn Tracer, question: &Question) -> Result<Outcome, ErrorKind> {
    let caller = Caller::System(us());
    let answer = client.trace(&caller, question, MessageId::fresh(&RandomIds)).await;
    answer.map(|answer| answer.outcome).map_err(|error| error.kind())
}

fn assert_found(outcome: &Result<Outcome, ErrorKind>, person: &Person) {
    let Ok(Outcome::Found(found)) = outcome else { panic!("not found") };
    assert_eq!(found.nhs_number, person.nhs_number);
}

#[tokio::test]
async fn both_clients_find_and_verify_a_person() {
    let register = register();
    let (pds, server) = mounted(register.clone()).await;
    let person = person(&register);
    let clients: [&dyn Tracer; 2] = [&mini_service(&server), &api(&server, &pds)];
    for client in clients {
        assert_found(&ask(client, &search(person)).await, person);
        assert_found(&ask(client, &verify(person)).await, person);
        // The same query again: each response is a new message, so the client accepts it.
        assert_found(&ask(client, &verify(person)).await, person);
        let mut stranger = person.clone();
        stranger.family = "Nobody".into();
        assert!(matches!(ask(client, &search(&stranger)).await, Ok(Outcome::None)));
    }
    assert_eq!(pds.request_count(), 8);
    assert_eq!(pds.token_count(), 1);
}

#[tokio::test]
async fn both_clients_meet_the_chosen_faults() {
    let register = register();
    let (pds, server) = mounted(register.clone()).await;
    let person = person(&register);
    let clients: [&dyn Tracer; 2] = [&mini_service(&server), &api(&server, &pds)];
    for client in clients {
        for (fault, kind) in [
            (Fault::code("SMSP-0004"), ErrorKind::Unavailable),
            (Fault::code("SMSP-0005"), ErrorKind::Configuration),
            (Fault::Garbage, ErrorKind::Unreadable),
        ] {
            pds.add_fault(When::About(person.nhs_number), fault.clone());
            let met = ask(client, &verify(person)).await;
            assert_eq!(met.err(), Some(kind), "{fault}");
            pds.clear_faults();
        }
        assert_found(&ask(client, &verify(person)).await, person);
    }
}

#[tokio::test]
async fn a_delay_and_a_header_arrive() {
    let (pds, server) = mounted(register()).await;
    let url = format!("{}/smsp/pds", server.uri());
    let send = async || http().send(ToSend::post(url.parse().unwrap(), "x".into())).await.unwrap();
    pds.add_fault(When::Next(1), Fault::Delay(Duration::from_millis(120)));
    #[expect(clippy::disallowed_methods, reason = "measures real time")]
    let began = Instant::now();
    assert_eq!(send().await.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(began.elapsed() >= Duration::from_millis(120));
    let busy = Fault::Http { status: StatusCode::TOO_MANY_REQUESTS, body: "busy".into() };
    let header = (http::header::RETRY_AFTER, "7".parse().unwrap());
    pds.add_fault(When::Next(1), busy.with_header(header.0, header.1));
    let response = send().await;
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(response.headers()["retry-after"], "7");
    assert_eq!(response.headers()["content-type"], "text/html");
    assert_eq!(response.body().expose(), "busy");
}

#[tokio::test]
async fn a_closed_connection_is_status_502_with_a_note() {
    let (pds, server) = mounted(register()).await;
    let url = format!("{}/smsp/pds", server.uri());
    for fault in [Fault::Cut, Fault::CutHalfWay] {
        pds.add_fault(When::Next(1), fault.clone());
        let response = http().send(ToSend::post(url.parse().unwrap(), "x".into())).await.unwrap();
        assert_eq!(response.status(), StatusCode::BAD_GATEWAY, "{fault}");
        assert!(response.headers()[NOTE].to_str().unwrap().starts_with("wiremock cannot close"));
    }
}

/// Answers each request with the response to the first.
struct Static(Simulator, OnceLock<ResponseTemplate>);

impl Respond for Static {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        self.1.get_or_init(|| self.0.respond(request)).clone()
    }
}

#[tokio::test]
async fn a_static_response_is_refused() {
    let register = register();
    let pds = Simulator::new(register.clone());
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(Static(pds, OnceLock::new())).mount(&server).await;
    let (client, question) = (mini_service(&server), verify(person(&register)));
    assert_found(&ask(&client, &question).await, person(&register));
    // The response names the first request, not these requests.
    for client in [client, mini_service(&server)] {
        assert_eq!(ask(&client, &question).await.err(), Some(ErrorKind::Unreadable));
    }
}

/// Keeps the last response of the simulator.
#[derive(Debug)]
struct Recorder(Simulator, Mutex<String>);

#[async_trait]
impl Transport for Recorder {
    async fn send(&self, request: ToSend) -> Result<Response, transport::Error> {
        let response = self.0.send(request).await?;
        *self.1.lock().unwrap() = String::from_utf8(response.body().expose().to_vec()).unwrap();
        Ok(response)
    }
}

#[tokio::test]
async fn a_replayed_response_is_refused() {
    let register = register();
    let question: VerifyNumber = {
        let person = person(&register);
        VerifyNumber::new(person.nhs_number, person.birth.full().unwrap())
    };
    let caller = Caller::System(us());
    let recorder = Arc::new(Recorder(Simulator::new(register), Mutex::default()));
    let config = smsp::Config::new("https://smsp.example/smsp/pds".parse().unwrap(), us());
    let client = smsp::Client::new(config, Arc::clone(&recorder) as _);
    client.verify_nhs_number(&caller, &question).await.unwrap();
    // Without the element that names the request, which a provider may leave out.
    let message = recorder.1.lock().unwrap().clone();
    let (start, rest) = message.split_once("<wsa:RelatesTo>").unwrap();
    let (_, end) = rest.split_once("</wsa:RelatesTo>").unwrap();
    let message = format!("{start}{end}");
    let server = MockServer::start().await;
    let replay = ResponseTemplate::new(200).set_body_raw(message.into_bytes(), "text/xml");
    Mock::given(any()).respond_with(replay).mount(&server).await;
    let client = mini_service(&server);
    client.verify_nhs_number(&caller, &question).await.unwrap();
    let replayed = client.verify_nhs_number(&caller, &question).await.unwrap_err();
    assert_eq!(replayed.kind(), nhs_pds::service::ErrorKind::Replayed);
}

#[tokio::test]
async fn mocks_of_other_services_stay_beside_it() {
    let register = register();
    let pds = Simulator::new(register.clone());
    let server = MockServer::start().await;
    Mock::given(path("/smsp/pds")).respond_with(pds.clone()).expect(1).mount(&server).await;
    Mock::given(path_regex("^/billing"))
        .respond_with(ResponseTemplate::new(204))
        .expect(1)
        .mount(&server)
        .await;
    let person = person(&register);
    assert_found(&ask(&mini_service(&server), &verify(person)).await, person);
    let billing = format!("{}/billing?day=1", server.uri()).parse().unwrap();
    assert_eq!(http().send(ToSend::get(billing)).await.unwrap().status(), 204);
    assert_eq!(pds.request_count(), 1);
}

#[tokio::test]
async fn the_front_door_reaches_the_stub_of_each_service() {
    let register = register();
    let person = person(&register);
    let pds = Simulator::new(register.clone());
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(pds.clone()).mount(&server).await;
    let pem = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/fhir/client-a.pem");
    let key = Secret::new(std::fs::read(pem).unwrap());
    let key = SigningKey::from_pem("client-a".parse().unwrap(), &key).unwrap();
    let jwks = serde_json::to_string(&Jwks::of([&key]).unwrap()).unwrap();
    pds.add_application(Application::new(CLIENT_ID).with_jwks(&jwks).unwrap());

    let uri = server.uri();
    let smsp = Pds::smsp(&format!("{uri}/smsp/pds"), us()).build().unwrap();
    let token = format!("{uri}/oauth2/token");
    let fhir = Pds::fhir(fhir::Environment::Integration, us())
        .with_addresses(&format!("{uri}/personal-demographics/FHIR/R4"), Some(&token))
        .with_application(CLIENT_ID, "client-a", pem)
        .build()
        .unwrap();
    let born = person.birth.full().unwrap();
    let question = FindPerson::new(person.family.parse().unwrap(), person.gender, born)
        .with_given(person.given.parse().unwrap())
        .with_postcode(person.postcode.parse().unwrap());
    for service in [smsp, fhir] {
        let found = service.find(service.system(), &question).await.unwrap();
        let Finding::Verified(found) = found.finding else { panic!("{:?}", found.finding) };
        assert_eq!(found.nhs_number, person.nhs_number);
    }
}
