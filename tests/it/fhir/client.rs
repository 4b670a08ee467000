//! Requests: headers, tokens, access modes, and the recorded exchange.

use crate::fhir::{
    Answering, JANE, answered_by, bundle, issue, patient, response, us, user, with_smartcard,
};
use async_trait::async_trait;
use http::Method;
use nhs_pds::fhir::auth::{
    AccessToken, ApplicationTokens, SigningKey, TokenConfig, UserToken, UserTokens,
};
use nhs_pds::fhir::{
    ApplicationRestricted, Client, Config, DateRange, Environment, HealthcareWorker, RelatedPeople,
    Search,
};
use nhs_pds::ids::{CountingIds, RandomIds};
use nhs_pds::resilience::{Retry, RetryPolicy, Retrying};
use nhs_pds::secret::Secret;
use nhs_pds::service::{Error, ErrorKind};
use nhs_pds::trace::{Caller, ErrorKind as Action, MessageId, Tracer, User, VerifyNumber};
use nhs_pds::transport::{self, Request, Response, Scripted};
use serde_json::json;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

const KEY: &[u8] = include_bytes!("../../data/fhir/client-a.pem");

fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request.headers().get(name).map(|value| value.to_str().unwrap())
}

fn verify() -> VerifyNumber {
    VerifyNumber::new(JANE, "2010-10-22".parse().unwrap())
}

#[tokio::test]
async fn the_accept_header_is_configurable() {
    let transport = Arc::new(Scripted::new([Ok(response(200, patient("9000000009")))]));
    let config = Config::of(Environment::Sandbox).with_accept("version=1.1".parse().unwrap());
    let client = Client::open(config, Arc::<Scripted>::clone(&transport));
    client.retrieve(&us(), JANE).await.unwrap();
    assert_eq!(header(&transport.sent()[0], "accept"), Some("version=1.1"));
}

#[tokio::test]
async fn what_a_retrieval_sends() {
    let (client, transport) = answered_by(response(200, patient("9000000009")));
    let received = client.retrieve(&us(), JANE).await.unwrap();
    let sent = &transport.sent()[0];
    assert_eq!((sent.method(), sent.body().len()), (&Method::GET, 0));
    let expected =
        "https://sandbox.api.service.nhs.uk/personal-demographics/FHIR/R4/Patient/9000000009";
    assert_eq!(sent.url().as_str(), expected);
    let id = "00000000-0000-4000-8000-000000000001";
    assert_eq!(header(sent, "x-request-id"), Some(id));
    assert_eq!(header(sent, "x-correlation-id"), Some(id));
    assert_eq!(header(sent, "nhsd-end-user-organisation-ods"), Some("RHM"));
    assert_eq!(header(sent, "nhsd-session-urid"), None);
    assert_eq!(header(sent, "authorization"), None);
    assert_eq!(header(sent, "accept"), Some("application/fhir+json"));
    let exchange = received.exchange;
    assert_eq!(
        (exchange.service.as_str(), exchange.operation.as_str()),
        ("PDS FHIR", "GET /Patient/{id}")
    );
    assert_eq!(exchange.message_id, id);
    let references: Vec<_> =
        exchange.references.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert_eq!(
        references,
        [("NHSD-End-User-Organisation-ODS", "RHM"), ("X-Correlation-ID", id), ("X-Request-ID", id)]
    );
}

#[tokio::test]
async fn related_people_are_read() {
    let body = json!({"resourceType": "Bundle", "total": 0});
    let (client, transport) = answered_by(response(200, body));
    let answer = client.related_people(&us(), JANE).await.unwrap().answer;
    assert_eq!(answer, RelatedPeople::People(Vec::new()));
    assert!(transport.sent()[0].url().path().ends_with("/Patient/9000000009/RelatedPerson"));
    for (code, expected) in [
        // No related people are recorded, which says nothing about the number.
        ("RESOURCE_NOT_FOUND", RelatedPeople::People(Vec::new())),
        ("INVALIDATED_RESOURCE", RelatedPeople::Invalidated),
    ] {
        let (client, _transport) = answered_by(response(404, issue(code)));
        assert_eq!(client.related_people(&us(), JANE).await.unwrap().answer, expected);
    }
    let (client, _transport) = answered_by(response(500, issue("RESOURCE_NOT_FOUND")));
    assert!(client.related_people(&us(), JANE).await.is_err());
}

#[tokio::test]
async fn the_organisation_is_the_configured_one_or_the_callers() {
    let sent = async |config: Config, caller: Caller| {
        let transport = Arc::new(Scripted::new([Ok(response(200, patient("9000000009")))]));
        let client = Client::open(config, Arc::<Scripted>::clone(&transport));
        client.retrieve(&caller, JANE).await.unwrap();
        header(&transport.sent()[0], "nhsd-end-user-organisation-ods").map(str::to_owned)
    };
    let config = || Config::of(Environment::Sandbox);
    let other = config().with_end_user_organisation("X26".parse().unwrap());
    assert_eq!(sent(config(), us()).await.as_deref(), Some("RHM"));
    assert_eq!(sent(other.clone(), us()).await.as_deref(), Some("X26"));
    assert_eq!(sent(config(), with_smartcard().into()).await, None);
    assert_eq!(sent(other, with_smartcard().into()).await.as_deref(), Some("X26"));
}

/// The API deduplicates by the request's identifier. The other identifier distinguishes the attempts.
#[tokio::test(start_paused = true)]
async fn a_repeat_is_the_same_request_by_another_message() {
    let answers = [
        Err(transport::Error::new(transport::ErrorKind::Timeout)),
        Ok(response(503, issue("SERVICE_UNAVAILABLE"))),
        Ok(response(200, patient("9000000009"))),
    ];
    let transport = Arc::new(Scripted::new(answers));
    let client = Client::open(Config::of(Environment::Sandbox), Arc::<Scripted>::clone(&transport));
    let retrying = Retrying::new(Arc::new(client), Retry::new(RetryPolicy::default()));
    let id = MessageId::fresh(&RandomIds);
    let answer = retrying.trace(&us(), &verify().into(), id).await.unwrap();
    let sent = transport.sent();
    let first = id.uuid().to_string();
    assert!(sent.iter().all(|sent| header(sent, "x-request-id") == Some(first.as_str())));
    let mut attempts: Vec<_> = sent.iter().map(|sent| header(sent, "x-correlation-id")).collect();
    assert_eq!(attempts[0], Some(first.as_str()));
    let last = attempts[2].unwrap().to_uppercase();
    assert_eq!(answer.exchange.message_id, last);
    assert_eq!(answer.exchange.references["X-Request-ID"], first);
    attempts.sort_unstable();
    attempts.dedup();
    assert_eq!(attempts.len(), 3);
}

/// Gives tokens `token-1`, `token-2` and so on, each until the one before was refused.
#[derive(Debug, Default)]
struct Users {
    given: AtomicUsize,
    roles: bool,
    asked: Mutex<Vec<(String, bool)>>,
}

#[async_trait]
impl UserTokens for Users {
    async fn token(&self, user: &User, refused: Option<&AccessToken>) -> Result<UserToken, Error> {
        let asked = (Caller::User(user.clone()).to_string(), refused.is_some());
        self.asked.lock().unwrap().push(asked);
        if refused.is_some() {
            self.given.fetch_add(1, Ordering::SeqCst);
        }
        let token = format!("token-{}", self.given.load(Ordering::SeqCst) + 1);
        let token = UserToken::new(token.parse().unwrap());
        Ok(if self.roles { token.with_role("4711".parse().unwrap()) } else { token })
    }
}

fn for_users(users: &Arc<Users>, answers: Vec<Response>) -> (Client, Arc<Scripted>) {
    let transport = Arc::new(Scripted::new(answers.into_iter().map(Ok)));
    let client = Client::healthcare_worker(
        Config::of(Environment::Integration),
        Arc::<Users>::clone(users),
        Arc::<Scripted>::clone(&transport),
    );
    (client.with_ids(Arc::new(CountingIds::default())), transport)
}

#[tokio::test]
async fn a_users_token_and_role() {
    let found = || response(200, patient("9000000009"));
    for (roles, user, role) in [
        (true, user(), Some("4711")),
        (false, user(), None),
        // A session's role is a smartcard's role profile.
        (false, with_smartcard(), Some("555254240100")),
        (true, with_smartcard(), Some("4711")),
    ] {
        let users = Arc::new(Users { roles, ..Users::default() });
        let (client, transport) = for_users(&users, vec![found()]);
        let received = client.retrieve(&user.into(), JANE).await.unwrap();
        let sent = &transport.sent()[0];
        assert_eq!(header(sent, "authorization"), Some("Bearer token-1"));
        assert_eq!(header(sent, "nhsd-session-urid"), role);
        let reference = received.exchange.references.get("NHSD-Session-URID");
        assert_eq!(reference.map(String::as_str), role);
    }
}

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    let denied = || response(401, issue("ACCESS_DENIED"));
    let users = Arc::new(Users::default());
    let (client, transport) =
        for_users(&users, vec![denied(), response(200, patient("9000000009"))]);
    client.retrieve(&user().into(), JANE).await.unwrap();
    let sent = transport.sent();
    let tokens: Vec<_> = sent.iter().map(|sent| header(sent, "authorization").unwrap()).collect();
    assert_eq!(tokens, ["Bearer token-1", "Bearer token-2"]);
    assert_eq!(header(&sent[0], "x-request-id"), header(&sent[1], "x-request-id"));
    assert_eq!(header(&sent[0], "x-correlation-id"), header(&sent[1], "x-correlation-id"));
    // The second refusal is final.
    let (client, transport) = for_users(&users, vec![denied(), denied()]);
    let error = client.retrieve(&user().into(), JANE).await.unwrap_err();
    assert_eq!((error.kind(), error.action()), (ErrorKind::Code, Action::Configuration));
    assert_eq!(transport.sent().len(), 2);
    let asked: Vec<bool> =
        users.asked.lock().unwrap().iter().map(|(_, refused)| *refused).collect();
    assert_eq!(asked, [false, true, false, true]);
}

/// A user whose session ended while the token was used.
#[derive(Debug)]
struct Ended;

#[async_trait]
impl UserTokens for Ended {
    async fn token(&self, _: &User, refused: Option<&AccessToken>) -> Result<UserToken, Error> {
        match refused {
            None => Ok(UserToken::new("token-1".parse().unwrap())),
            Some(_) => Err(Error::sign_in()),
        }
    }
}

#[tokio::test]
async fn a_refusal_is_kept_when_there_is_no_other_token() {
    let body = issue("ACCESS_DENIED");
    let transport = Arc::new(Scripted::new([Ok(response(401, &body))]));
    let config = Config::of(Environment::Integration);
    let client = Client::healthcare_worker(config, Arc::new(Ended), transport);
    let error = client.retrieve(&user().into(), JANE).await.unwrap_err();
    assert_eq!((error.kind(), error.action()), (ErrorKind::SignIn, Action::Configuration));
    assert_eq!(error.code(), Some("ACCESS_DENIED"));
    assert_eq!(error.status().unwrap().as_u16(), 401);
    assert_eq!(error.body().expose(), body.to_string().as_bytes());
    assert_eq!(error.exchange().unwrap().code.as_deref(), Some("ACCESS_DENIED"));
}

#[tokio::test]
async fn healthcare_worker_access_needs_a_user() {
    let users = Arc::new(Users::default());
    let (client, _transport) = for_users(&users, Vec::new());
    let error = client.retrieve(&us(), JANE).await.unwrap_err();
    assert_eq!((error.kind(), error.action()), (ErrorKind::NoUser, Action::Configuration));
}

#[tokio::test]
async fn a_search_for_the_other_access_mode_is_not_sent() {
    let born = DateRange::on("2010-10-22".parse().unwrap());
    let users = Arc::new(Users::default());
    let (client, _transport) = for_users(&users, vec![response(200, bundle(&[]))]);
    let search = Search::<_, ApplicationRestricted>::exact("Smith".parse().unwrap(), born);
    let error = client.search(&user().into(), &search).await.unwrap_err();
    assert_eq!((error.kind(), error.action()), (ErrorKind::AccessMode, Action::Configuration));
    let search = Search::<_, HealthcareWorker>::exact("Smith".parse().unwrap(), born);
    client.search(&user().into(), &search).await.unwrap();
}

/// An application's tokens, and a service that takes only the newest.
#[tokio::test]
async fn an_application_gets_its_tokens_and_another_when_one_is_refused() {
    let given = Arc::new(AtomicUsize::new(0));
    let valid = Arc::new(AtomicUsize::new(1));
    let (tokens, least) = (Arc::clone(&given), Arc::clone(&valid));
    let service = Answering(Arc::new(move |request: &Request| {
        if request.url().path() == "/oauth2/token" {
            let count = tokens.fetch_add(1, Ordering::SeqCst) + 1;
            let body = json!({"access_token": count.to_string(), "expires_in": "599", "token_type": "Bearer"});
            return response(200, body);
        }
        let token = header(request, "authorization").and_then(|it| it.strip_prefix("Bearer "));
        match token.and_then(|token| token.parse::<usize>().ok()) {
            Some(token) if token >= least.load(Ordering::SeqCst) => {
                response(200, patient("9000000009"))
            }
            _ => response(401, issue("ACCESS_DENIED")),
        }
    }));
    let key = SigningKey::from_pem("k".parse().unwrap(), &Secret::new(KEY.to_vec())).unwrap();
    let token_url = Environment::Integration.token_url().unwrap();
    let config = TokenConfig::new(token_url, "an-api-key".parse().unwrap());
    let tokens = ApplicationTokens::new(config, key, Arc::new(service.clone()));
    let client = Client::application_restricted(
        Config::of(Environment::Integration),
        tokens,
        Arc::new(service),
    );
    for _ in 0..3 {
        client.retrieve(&us(), JANE).await.unwrap();
    }
    assert_eq!(given.load(Ordering::SeqCst), 1, "one token for many questions");
    valid.store(2, Ordering::SeqCst);
    client.retrieve(&us(), JANE).await.unwrap();
    assert_eq!(given.load(Ordering::SeqCst), 2);
    // Nothing of the token is shown.
    valid.store(9, Ordering::SeqCst);
    let error = client.retrieve(&us(), JANE).await.unwrap_err();
    assert_eq!(error.action(), Action::Configuration);
    let shown = format!("{client:?} {error:?} {error}");
    assert!(!shown.contains("Bearer") && !shown.contains("PRIVATE"), "{shown}");
}

#[tokio::test]
async fn without_a_token_nothing_is_sent() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let service = Answering(Arc::new(move |request: &Request| {
        if request.url().path() == "/oauth2/token" {
            return response(503, "busy");
        }
        count.fetch_add(1, Ordering::SeqCst);
        response(200, patient("9000000009"))
    }));
    let key = SigningKey::from_pem("k".parse().unwrap(), &Secret::new(KEY.to_vec())).unwrap();
    let token_url = Environment::Integration.token_url().unwrap();
    let config = TokenConfig::new(token_url, "an-api-key".parse().unwrap());
    let tokens = ApplicationTokens::new(config, key, Arc::new(service.clone()));
    let client = Client::application_restricted(
        Config::of(Environment::Integration),
        tokens,
        Arc::new(service),
    );
    let error = client.retrieve(&us(), JANE).await.unwrap_err();
    assert_eq!((error.kind(), error.action()), (ErrorKind::Token, Action::Unavailable));
    assert_eq!(error.status().unwrap().as_u16(), 503);
    assert_eq!(error.body().expose(), "busy".as_bytes());
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}
