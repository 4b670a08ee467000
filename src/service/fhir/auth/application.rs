use crate::clock::{Clock, SystemClock};
use crate::ids::{Ids, RandomIds};
use crate::service::error::Error;
use crate::service::fhir::auth::assertion::{AssertionLifetime, ClientId, assertion};
use crate::service::fhir::auth::cache::{Cached, Validity};
use crate::service::fhir::auth::exchange::{self, Granted};
use crate::service::fhir::auth::key::SigningKey;
use crate::service::fhir::auth::key_id::KeyId;
use crate::service::fhir::auth::token::AccessToken;
use crate::tenant::Labels;
use crate::transport::Transport;
use chrono::{DateTime, Utc};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;
use url::Url;

/// The token endpoint of an application, and the application's API key.
#[derive(Clone)]
pub struct TokenConfig {
    token_url: Url,
    client_id: ClientId,
    lifetime: AssertionLifetime,
}

impl TokenConfig {
    /// The application `client_id` at the token endpoint `token_url`, such as
    /// `https://api.service.nhs.uk/oauth2/token`.
    ///
    /// The address is part of every assertion, and must be exactly the endpoint's. A user name, a
    /// password and a fragment in it are dropped.
    #[must_use]
    pub fn new(mut token_url: Url, client_id: ClientId) -> Self {
        // Fails only for addresses that cannot have a user name.
        let _ = token_url.set_username("");
        let _ = token_url.set_password(None);
        token_url.set_fragment(None);
        Self { token_url, client_id, lifetime: AssertionLifetime::default() }
    }

    /// The lifetime of an assertion; three minutes unless set.
    #[must_use]
    pub const fn with_assertion_lifetime(mut self, lifetime: AssertionLifetime) -> Self {
        self.lifetime = lifetime;
        self
    }
}

impl fmt::Debug for TokenConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenConfig")
            .field("token_origin", &self.token_url.origin().ascii_serialization())
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}

/// Access tokens for application-restricted access. Each token is used until it expires.
///
/// Cheap to clone and safe to share. Clones share the token and the key.
///
/// * *One request.* If many callers need a token at once, one of them sends a request. All of them
///   receive its result, a token or an error. If that caller is cancelled, another sends the request.
/// * *Early renewal.* A token is renewed when it has less than half a minute left, or less than a fifth
///   of its lifetime. One caller fetches the next token, and the others use the present one. If that
///   fails, the present token is used until it expires, and the next attempt is after a pause.
/// * *Lifetime.* It counts from before the request, by the [`Clock`], and is at most an hour. If the
///   endpoint does not give a lifetime, it is a minute. If the clock is set back, a new token is
///   fetched.
/// * *Key rotation.* [`replace_key`](Self::replace_key) works without a restart.
///
/// ```
/// use http::StatusCode;
/// use nhs_pds::fhir::auth::{ApplicationTokens, SigningKey, TokenConfig};
/// use nhs_pds::secret::Secret;
/// use nhs_pds::transport::{Response, Scripted};
/// use std::sync::Arc;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // In production an `HttpTransport`; here an endpoint that gives one token.
/// let given = r#"{"access_token":"2YotnFZFEjr1zCsicMWpAA","expires_in":"599","token_type":"Bearer"}"#;
/// let transport = Arc::new(Scripted::new([Ok(Response::new(StatusCode::OK, given.into()))]));
///
/// let pem = Secret::new(std::fs::read("examples/data/example-key.pem")?);
/// let key = SigningKey::from_pem("example-1".parse()?, &pem)?;
/// let endpoint = "https://int.api.service.nhs.uk/oauth2/token".parse()?;
/// let config = TokenConfig::new(endpoint, "example-api-key".parse()?);
/// let tokens = ApplicationTokens::new(config, key, transport.clone());
///
/// let token = tokens.token().await?;
/// assert_eq!(tokens.token().await?, token);
/// assert_eq!(transport.sent().len(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ApplicationTokens {
    config: Arc<TokenConfig>,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    labels: Labels,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    key: SigningKey,
    cached: Option<Cached>,
    flight: Option<watch::Receiver<FlightResult>>,
}

/// The result of a request; `None` while it is in progress. A dropped sender that sent nothing was
/// cancelled.
type FlightResult = Option<Result<AccessToken, Error>>;

/// What a caller who needs a token does.
enum Step {
    Use(AccessToken),
    Wait(watch::Receiver<FlightResult>),
    Fetch(watch::Sender<FlightResult>),
}

impl ApplicationTokens {
    /// Tokens of the application in `config`, which signs with `key`, fetched over `transport`.
    #[must_use]
    pub fn new(config: TokenConfig, key: SigningKey, transport: Arc<dyn Transport>) -> Self {
        Self {
            config: Arc::new(config),
            transport,
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
            labels: Labels::default(),
            state: Arc::new(Mutex::new(State { key, cached: None, flight: None })),
        }
    }

    /// The same tokens with another source of time.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The same tokens with another source of identifiers.
    #[must_use]
    pub fn with_ids(mut self, ids: Arc<dyn Ids>) -> Self {
        self.ids = ids;
        self
    }

    /// Sets the labels of the metric of token requests.
    #[must_use]
    pub fn with_labels(mut self, labels: Labels) -> Self {
        self.labels = labels;
        self
    }

    /// Returns a token that is valid now.
    ///
    /// # Errors
    ///
    /// When there is no token; see [`ErrorKind`](crate::service::ErrorKind). This method does not retry:
    /// a caller who retries the query calls it again.
    pub async fn token(&self) -> Result<AccessToken, Error> {
        loop {
            match self.step() {
                Step::Use(token) => return Ok(token),
                Step::Fetch(result_slot) => return self.fetch(result_slot).await,
                Step::Wait(mut flight) => {
                    if let Ok(result_slot) = flight.wait_for(Option::is_some).await
                        && let Some(result) = &*result_slot
                    {
                        return result.clone();
                    }
                }
            }
        }
    }

    /// Drops a token that the API has refused (401), so that the next call fetches a new one.
    ///
    /// It does so only if `refused` is still the current token. If many callers were refused with the
    /// same token, only the first causes a new request.
    pub fn discard(&self, refused: &AccessToken) {
        let mut state = self.lock();
        if state.cached.as_ref().is_some_and(|cached| cached.is(refused)) {
            state.cached = None;
        }
    }

    /// Signs with `key` from the next assertion on, in all clones. The current token stays in use: the
    /// API does not ask which key earned it.
    ///
    /// Register the new key first, beside the old one ([`Jwks`](crate::service::fhir::auth::Jwks)).
    pub fn replace_key(&self, key: SigningKey) {
        self.lock().key = key;
    }

    /// The id of the key that signs the next assertion.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.lock().key.id().clone()
    }

    fn step(&self) -> Step {
        let mut state = self.lock();
        // Read inside the lock, so that the times of two callers are in order.
        let now = self.clock.now();
        let validity =
            state.cached.as_mut().map_or(Validity::Expired, |cached| cached.validity(now));
        // A dropped sender was cancelled: its request has no owner.
        let flight = state.flight.as_ref().filter(|flight| flight.has_changed().is_ok());
        match (validity, flight) {
            (Validity::Good(token), _) | (Validity::Ageing(token), Some(_)) => Step::Use(token),
            (Validity::Expired, Some(flight)) => Step::Wait(flight.clone()),
            (Validity::Ageing(_) | Validity::Expired, None) => {
                let (sender, receiver) = watch::channel(None);
                state.flight = Some(receiver);
                Step::Fetch(sender)
            }
        }
    }

    async fn fetch(&self, result_slot: watch::Sender<FlightResult>) -> Result<AccessToken, Error> {
        let key = self.lock().key.clone();
        let asked_at = self.clock.now();
        let result = self.ask(&key, asked_at).await;
        #[cfg(feature = "resilience")]
        {
            let outcome =
                result.as_ref().map_or_else(|error| error.action().label(), |_| "granted");
            let labels = self.labels.metric(&[("outcome", outcome)]);
            metrics::counter!(crate::transport::metric::TOKEN_REQUESTS, labels).increment(1);
        }
        let result = self.land(result, asked_at);
        result_slot.send_replace(Some(result.clone()));
        result
    }

    /// One request to the endpoint.
    async fn ask(&self, key: &SigningKey, now: DateTime<Utc>) -> Result<Granted, Error> {
        let TokenConfig { token_url, client_id, lifetime } = &*self.config;
        let jwt = assertion(key, client_id, token_url, *lifetime, now, self.ids.next())
            .map_err(exchange::not_signed)?;
        let request = exchange::request(token_url.clone(), &jwt);
        let response = self.transport.send(request).await.map_err(exchange::no_response)?;
        exchange::read(&response, now)
    }

    /// Stores the fetched token. If the request failed, keeps the current token.
    fn land(
        &self,
        result: Result<Granted, Error>,
        asked_at: DateTime<Utc>,
    ) -> Result<AccessToken, Error> {
        let mut state = self.lock();
        state.flight = None;
        let error = match result {
            Ok(granted) => {
                let token = granted.token.clone();
                state.cached = Some(Cached::new(granted, asked_at));
                return Ok(token);
            }
            Err(error) => error,
        };
        let now = self.clock.now();
        let Some(cached) = &mut state.cached else { return Err(error) };
        cached.rest(now, error.retry_after());
        match cached.validity(now) {
            Validity::Good(token) | Validity::Ageing(token) => Ok(token),
            Validity::Expired => Err(error),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
