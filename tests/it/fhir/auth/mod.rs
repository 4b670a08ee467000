//! `fhir::auth` against endpoints with scripted responses, slow ones where the delay matters.

mod endpoint;
mod flights;
mod life;
mod signature;
mod silence;
#[cfg(feature = "http")]
mod wire;

use http::{HeaderMap, StatusCode};
use nhs_pds::async_trait;
use nhs_pds::clock::FixedClock;
use nhs_pds::fhir::auth::{ApplicationTokens, SigningKey, TokenConfig};
use nhs_pds::secret::Secret;
use nhs_pds::transport::{Error, Request, Response, Scripted, Transport};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const TOKEN_URL: &str = "https://int.api.service.nhs.uk/oauth2/token";
const CLIENT_ID: &str = "4PaxlGMRkqAcGt0gLmC4sQ";
/// How long the endpoint takes.
const THINKING: Duration = Duration::from_secs(1);

/// `client-a` (PKCS#8) or `client-b` (PKCS#1).
fn pem(name: &str) -> Vec<u8> {
    std::fs::read(format!("tests/data/fhir/{name}.pem")).unwrap()
}

/// The key of this file, with its name as key id.
fn key(name: &str) -> SigningKey {
    SigningKey::from_pem(name.parse().unwrap(), &Secret::new(pem(name))).unwrap()
}

fn config() -> TokenConfig {
    TokenConfig::new(TOKEN_URL.parse().unwrap(), CLIENT_ID.parse().unwrap())
}

/// As the live endpoint writes it: every number is a string.
fn granted(token: &str) -> Result<Response, Error> {
    let body = json!({
        "access_token": token,
        "expires_in": "599",
        "token_type": "Bearer",
        "issued_at": "1627882540000",
    });
    Ok(Response::new(StatusCode::OK, body.to_string().into()))
}

fn status(status: StatusCode) -> Result<Response, Error> {
    Ok(Response::new(status, "<html>busy</html>".into()))
}

/// A token endpoint that takes a second for each answer.
#[derive(Debug)]
struct Endpoint {
    script: Scripted,
    asked: AtomicUsize,
}

impl Endpoint {
    fn new(answers: impl IntoIterator<Item = Result<Response, Error>>) -> Arc<Self> {
        Arc::new(Self { script: Scripted::new(answers), asked: AtomicUsize::new(0) })
    }

    /// The number of requests, also of cancelled ones.
    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// The assertions that were answered.
    fn assertions(&self) -> Vec<Assertion> {
        self.script.sent().iter().map(Assertion::of).collect()
    }
}

#[async_trait]
impl Transport for Endpoint {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(THINKING).await;
        self.script.send(request).await
    }
}

/// The tokens of an endpoint, and their clock.
fn tokens(endpoint: &Arc<Endpoint>) -> (ApplicationTokens, Arc<FixedClock>) {
    let clock = Arc::new(FixedClock::at(at(0)));
    let transport: Arc<dyn Transport> = Arc::<Endpoint>::clone(endpoint);
    let tokens = ApplicationTokens::new(config(), key("client-a"), transport);
    (tokens.with_clock(Arc::<FixedClock>::clone(&clock)), clock)
}

/// The time this many seconds after the test's start.
fn at(seconds: i64) -> chrono::DateTime<chrono::Utc> {
    chrono::DateTime::from_timestamp(1_795_600_000 + seconds, 0).unwrap()
}

/// An assertion, decoded as its receiver would.
struct Assertion {
    header: Value,
    claims: Value,
    signed: String,
    signature: Vec<u8>,
}

impl Assertion {
    fn of(request: &Request) -> Self {
        let form = form(request);
        Self::read(&form.iter().find(|(name, _)| name == "client_assertion").unwrap().1)
    }

    fn read(jwt: &str) -> Self {
        use base64::Engine;
        use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
        let parts: Vec<_> = jwt.split('.').collect();
        let [header, claims, signature] = parts[..] else { panic!("three parts") };
        let part = |text: &str| BASE64.decode(text).unwrap();
        Self {
            header: serde_json::from_slice(&part(header)).unwrap(),
            claims: serde_json::from_slice(&part(claims)).unwrap(),
            signed: format!("{header}.{claims}"),
            signature: part(signature),
        }
    }
}

fn form(request: &Request) -> Vec<(String, String)> {
    url::form_urlencoded::parse(request.body().expose()).into_owned().collect()
}

fn headers(name: http::HeaderName, value: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(name, http::HeaderValue::from_static(value))])
}
