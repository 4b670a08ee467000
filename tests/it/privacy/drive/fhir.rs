//! The FHIR API: every interaction and every query, through every fault, with and without tokens. No output
//! may name the person or contain a credential of an application or a user.

use super::faults::faults;
use super::road::roads;
use super::{Chosen, NOW, gate, questions, register_of, retry};
use crate::privacy::ears::Ears;
use crate::privacy::person::{
    ADDRESS, ALIAS, DIED, FAMILY, GIVEN, NEW_NUMBER, NOTE, NUMBER, POSTCODE, TELEPHONE,
};
use crate::privacy::samples::fhir::key;
use crate::privacy::samples::fhir_answers::{AnySearch, SignedIn, searches};
use crate::privacy::samples::http::authority;
use crate::privacy::samples::simulator::registered;
use crate::privacy::samples::us;
use http::header::{AUTHORIZATION, ETAG, HeaderName, HeaderValue, RETRY_AFTER};
use http::{Method, StatusCode};
use nhs_pds::clock::FixedClock;
use nhs_pds::fhir::auth::{ApplicationTokens, Jwks, TokenConfig, UserToken};
use nhs_pds::fhir::{Access, ApplicationRestricted, Client, Config, HealthcareWorker, IssueCode};
use nhs_pds::resilience::Retrying;
use nhs_pds::trace::{Caller, Tracer, User};
use nhs_pds::transport::http::{HttpConfig, HttpTransport};
use nhs_pds::transport::{Scripted, Transport};
use nhs_pds_simulator::{Application, Fault, RelatedPerson, Server, Simulator, When};
use std::sync::Arc;
use std::time::Duration;

const CLIENT_ID: &str = "4PaxlGMRkqAcGt0gLmC4sQ";
const ROLE: &str = "555254240100";
/// Addresses of a server that is missing, or is another one.
const HOST: &str = "https://host.example/personal-demographics/FHIR/R4";

/// The person with a relative, in a simulator that requires tokens.
fn simulator() -> Simulator {
    let mut relative = RelatedPerson::new("GUARD");
    (relative.given, relative.family) = (GIVEN.into(), ALIAS.into());
    relative.telecoms = vec![TELEPHONE.into()];
    let mut person = registered();
    person.related = vec![relative];
    let keys = Jwks::of([&key()]).unwrap().to_string();
    Simulator::new(register_of(person))
        .with_clock(Arc::new(FixedClock::at(NOW)))
        .with_application(Application::new(CLIENT_ID).with_jwks(&keys).unwrap())
}

/// The credentials of a client.
#[derive(Clone, Copy, Debug)]
enum As {
    Application,
    Worker,
    Open,
}

/// A client of the API at `base`, with tokens from `token_url`.
fn client(
    by: As,
    simulator: &Simulator,
    [base, token_url]: [&str; 2],
    transport: Arc<dyn Transport>,
) -> Client {
    let config = Config::new(base.parse().unwrap());
    let clock = Arc::new(FixedClock::at(NOW));
    let client = match by {
        As::Open => Client::open(config, transport),
        As::Worker => {
            let token = simulator.healthcare_worker_token(&[ROLE]);
            let token = UserToken::new(token.expose().parse().unwrap());
            let token = token.with_role(ROLE.parse().unwrap());
            Client::healthcare_worker(config, Arc::new(SignedIn(token)), transport)
        }
        As::Application => {
            let endpoint = TokenConfig::new(token_url.parse().unwrap(), CLIENT_ID.parse().unwrap());
            let tokens = ApplicationTokens::new(endpoint, key(), Arc::clone(&transport))
                .with_clock(Arc::<FixedClock>::clone(&clock));
            Client::application_restricted(config, tokens, transport)
        }
    };
    client.with_clock(clock)
}

/// A client over the simulator in process.
fn local(by: As, simulator: &Simulator) -> Client {
    let transport = Arc::new(Chosen(simulator.clone()));
    client(by, simulator, [HOST, "https://host.example/oauth2/token"], transport)
}

/// Makes every query in every way. Returns the number of answers.
async fn ask_everything(ears: &Ears, by: As, client: &Client) -> usize {
    let caller = Caller::User(User::Local(us()));
    let mut answers = match by {
        As::Worker => search::<HealthcareWorker>(ears, client, &caller).await,
        As::Application | As::Open => search::<ApplicationRestricted>(ears, client, &caller).await,
    };
    for number in [NUMBER, NEW_NUMBER] {
        answers += usize::from(ears.result(&client.retrieve(&caller, number).await));
        answers += usize::from(ears.result(&client.related_people(&caller, number).await));
    }
    // Rejected before sending, where the access mode must match.
    let system = Caller::System(us());
    ears.result(&client.retrieve(&system, NUMBER).await);
    for any in searches::<HealthcareWorker>() {
        one_search(ears, client, &system, &any).await;
    }
    let gate = gate(client);
    let screens = Retrying::new(gate.foreground(), retry());
    for tracer in [&screens as &dyn Tracer, &*gate.background(), client] {
        answers += questions(ears, tracer).await;
    }
    ears.value(&(gate.status(), &gate, &screens, client));
    answers
}

async fn search<A: Access>(ears: &Ears, client: &Client, caller: &Caller) -> usize {
    let mut answers = 0;
    for any in searches::<A>() {
        answers += usize::from(one_search(ears, client, caller, &any).await);
    }
    answers
}

async fn one_search<A: Access>(
    ears: &Ears,
    client: &Client,
    caller: &Caller,
    any: &AnySearch<A>,
) -> bool {
    match any {
        AnySearch::Exact(search) => ears.result(&client.search(caller, search).await),
        AnySearch::Plain(search) => ears.result(&client.search(caller, search).await),
        AnySearch::Fuzzy(search) => ears.result(&client.search(caller, search).await),
    }
}

/// The number of answers without faults: seven searches, two numbers in two ways, and the queries of three
/// tracers. Those without a user are not sent with a user's token.
fn all_answers(by: As) -> usize {
    match by {
        As::Application => 7 + 4 + 3 * 6,
        As::Worker => 7 + 4 + 3 * 3,
        As::Open => 0,
    }
}

/// Fails if the output names the person, or quotes the credentials that were sent.
fn assert_silent(ears: &Ears, stage: &str, simulator: &Simulator) -> String {
    let said = ears.assert_silent(stage);
    let mut secrets: Vec<String> = vec![CLIENT_ID.into(), "eyJ".into()];
    for request in simulator.received_requests() {
        if let Some(bearer) = request.headers().get(AUTHORIZATION) {
            let bearer = bearer.to_str().unwrap();
            secrets.push(bearer.strip_prefix("Bearer ").unwrap().to_owned());
        }
        if request.method() == Method::POST {
            let form = url::form_urlencoded::parse(request.body().expose());
            let assertion = form.into_owned().find(|(name, _)| name == "client_assertion");
            secrets.extend(assertion.unwrap().1.split('.').map(str::to_owned));
        }
    }
    secrets.sort_unstable();
    secrets.dedup();
    for secret in secrets {
        assert!(!said.contains(&secret), "{stage} contains {secret}");
    }
    said
}

/// Every fault of SMSP, the API's own codes, and headers with values that they should not have.
fn api_faults() -> Vec<Fault> {
    let codes = IssueCode::known().map(|code| code.to_string());
    let named = format!("{}-{}", FAMILY.to_lowercase(), GIVEN.to_lowercase());
    let mut faults: Vec<Fault> =
        codes.chain(["SOMETHING_NEW".into(), NOTE.into(), named]).map(Fault::code).collect();
    faults.extend(self::faults());
    for name in ["x-request-id", "x-correlation-id", "location", "www-authenticate"] {
        let value = HeaderValue::from_static(FAMILY);
        faults.push(Fault::code("SMSP-0000").with_header(HeaderName::from_static(name), value));
    }
    let tag = HeaderValue::from_str(&format!("W/\"{FAMILY}\"")).unwrap();
    faults.push(Fault::code("SMSP-0000").with_header(ETAG, tag));
    let after = HeaderValue::from_static("1");
    faults.push(Fault::code("TOO_MANY_REQUESTS").with_header(RETRY_AFTER, after));
    faults
}

/// Faults of tokens.
fn token_faults() -> Vec<Fault> {
    let page = |status: u16, body: String| Fault::Http {
        status: StatusCode::from_u16(status).unwrap(),
        body: body.into(),
    };
    let mut faults = vec![
        Fault::code(FAMILY),
        Fault::code("invalid_client"),
        Fault::soap("soap:Server", "1000"),
        Fault::Cut,
        Fault::CutHalfWay,
        Fault::Garbage,
        // Accepted as tokens, and refused by the API.
        page(200, format!(r#"{{"access_token":"{FAMILY}","expires_in":"{NOTE}"}}"#)),
        page(200, format!(r#"{{"access_token":"{FAMILY} {NOTE}"}}"#)),
        page(200, format!(r#"{{"access_token":["{FAMILY}"]}}"#)),
        page(200, format!(r#"{{"access_token":"{FAMILY}","token_type":"{FAMILY}"}}"#)),
    ];
    for status in [200, 302, 401, 403, 429, 503] {
        let body = format!(r#"{{"error":"{FAMILY}","error_description":"'kid' {NOTE} {DIED}"}}"#);
        faults.push(page(status, body));
    }
    faults
}

pub(super) async fn in_process(ears: &Ears) -> String {
    let mut said = String::new();
    for by in [As::Application, As::Worker, As::Open] {
        let simulator = simulator();
        let asked = ask_everything(ears, by, &local(by, &simulator)).await;
        assert_eq!(asked, all_answers(by), "{by:?}");
        said += &assert_silent(ears, &format!("{by:?}, in process"), &simulator);
        simulator.revoke_tokens();
        ask_everything(ears, by, &local(by, &simulator)).await;
    }
    for fault in api_faults() {
        let simulator = simulator();
        simulator.add_fault(When::Always, fault.clone());
        ask_everything(ears, As::Application, &local(As::Application, &simulator)).await;
        assert!(simulator.request_count() > 12);
        said += &assert_silent(ears, &format!("{fault:?} of the API, in process"), &simulator);
    }
    for fault in token_faults() {
        let simulator = simulator();
        simulator.add_token_fault(When::Always, fault.clone());
        let client = local(As::Application, &simulator);
        assert_eq!(ask_everything(ears, As::Application, &client).await, 0);
        assert!(simulator.token_count() > 12);
        said += &assert_silent(ears, &format!("{fault:?} of tokens, in process"), &simulator);
    }
    said + &expired(ears).await
}

/// A token that is refused once is replaced.
async fn expired(ears: &Ears) -> String {
    let simulator = simulator();
    let client = local(As::Application, &simulator);
    let caller = Caller::System(us());
    assert!(ears.result(&client.retrieve(&caller, NUMBER).await));
    simulator.revoke_tokens();
    assert!(ears.result(&client.retrieve(&caller, NUMBER).await));
    assert_eq!(simulator.token_count(), 2);
    ears.value(&client);
    assert_silent(ears, "a token that was revoked", &simulator)
}

pub(super) async fn over_http(ears: &Ears) -> String {
    let mut said = String::new();
    for by in [As::Application, As::Worker] {
        let simulator = simulator();
        assert_eq!(ask_server(ears, by, &simulator, None).await, all_answers(by), "{by:?}");
        said += &assert_silent(ears, &format!("{by:?}, over HTTP"), &simulator);
    }
    // In turn, because both have the same faulty responses.
    for (fault, by) in faults().into_iter().zip([As::Application, As::Worker].iter().cycle()) {
        let simulator = simulator();
        simulator.add_fault(When::Always, fault.clone());
        ask_server(ears, *by, &simulator, Some(&fault)).await;
        // On a slow machine the deadline may pass before any request is sent.
        assert!(matches!(fault, Fault::Delay(_)) || simulator.request_count() > 0);
        said += &assert_silent(ears, &format!("{fault:?} of the API, over HTTP"), &simulator);
    }
    for fault in token_faults() {
        let simulator = simulator();
        simulator.add_token_fault(When::Always, fault.clone());
        assert_eq!(ask_server(ears, As::Application, &simulator, None).await, 0);
        said += &assert_silent(ears, &format!("{fault:?} of tokens, over HTTP"), &simulator);
    }
    said
}

async fn ask_server(ears: &Ears, by: As, simulator: &Simulator, fault: Option<&Fault>) -> usize {
    let server = Server::start(simulator.clone()).await.unwrap();
    let mut config = HttpConfig::new().with_root_certificates_pem(authority().pem());
    if matches!(fault, Some(Fault::Delay(_))) {
        config = config.with_total_timeout(Duration::from_millis(5));
    }
    let transport = Arc::new(HttpTransport::new(&config).unwrap());
    let client = client(by, simulator, [&server.fhir_url(), &server.token_url()], transport);
    ask_everything(ears, by, &client).await
}

/// Every fault of the connection. The address of a request names the person, or contains all their
/// demographic fields.
pub(super) async fn broken(ears: &Ears) -> String {
    let simulator = simulator();
    let mut said = String::new();
    for (url, config) in roads() {
        let transport = Arc::new(HttpTransport::new(&config).unwrap());
        let client = client(As::Worker, &simulator, [&url, &url], transport);
        assert_eq!(ask_everything(ears, As::Worker, &client).await, 0, "{url}");
        said += &assert_silent(ears, &url, &simulator);
    }
    // Addresses contain values of the person, so a printed address would be noticed.
    let paths: Vec<String> = recorded().await;
    for value in [FAMILY, &GIVEN[..3], &POSTCODE[..4]] {
        assert!(paths.iter().any(|path| path.contains(value)), "{value} is in no address");
    }
    assert!(!paths.iter().any(|path| path.contains(ADDRESS[0])));
    assert!(paths.iter().any(|path| path.ends_with(NUMBER.digits().as_str())));
    said
}

/// The addresses of all searches and of a retrieval.
async fn recorded() -> Vec<String> {
    let simulator = simulator();
    let no = || Err(nhs_pds::transport::Error::new(nhs_pds::transport::ErrorKind::Interrupted));
    let transport = Arc::new(Scripted::new((0..8).map(|_| no())));
    let urls = [HOST, HOST];
    let client = client(As::Open, &simulator, urls, Arc::<Scripted>::clone(&transport) as _);
    let caller = Caller::System(us());
    for any in searches::<ApplicationRestricted>() {
        let _failed = match &any {
            AnySearch::Exact(search) => client.search(&caller, search).await.is_err(),
            AnySearch::Plain(search) => client.search(&caller, search).await.is_err(),
            AnySearch::Fuzzy(search) => client.search(&caller, search).await.is_err(),
        };
    }
    client.retrieve(&caller, NUMBER).await.unwrap_err();
    transport.sent().iter().map(|request| request.url().to_string()).collect()
}
