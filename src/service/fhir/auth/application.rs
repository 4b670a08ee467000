use crate::clock::{Clock, SystemClock};
use crate::ids::{Ids, RandomIds};
use crate::service::Error;
use crate::service::fhir::auth::cache::{Held, Worth};
use crate::service::fhir::auth::exchange::{self, Granted};
use crate::service::fhir::auth::{
    AccessToken, AssertionLifetime, ClientId, KeyId, SigningKey, assertion,
};
use crate::transport::Transport;
use chrono::{DateTime, Utc};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;
use url::Url;

/// Where an application's tokens come from, and as which application they are asked for.
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
    /// The address stands in every assertion and has to be the endpoint's to the letter; a user name or
    /// password in it is dropped, and a fragment.
    #[must_use]
    pub fn new(mut token_url: Url, client_id: ClientId) -> Self {
        // Fails only for addresses that cannot have any.
        let _ = token_url.set_username("");
        let _ = token_url.set_password(None);
        token_url.set_fragment(None);
        Self { token_url, client_id, lifetime: AssertionLifetime::default() }
    }

    /// How long an assertion is good; three minutes unless set.
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

/// Access tokens for application-restricted access, each used for as long as it is good.
///
/// Cheap to clone, and safe to share; clones share the token and the key.
///
/// * *One flight.* However many need a token at once, one of them asks the endpoint, and all get what that
///   brings, be it a token or a failure. If whoever asks is cancelled, the next asks instead.
/// * *Early.* When less than half a minute of a token's life is left, or less than a fifth of it, one caller
///   fetches the next while the others use the present one. If that fails, the present one is used
///   while it lasts, and the next attempt is after a pause.
/// * *Life.* It is counted from before the token was asked for, by the [`Clock`], and is an hour at most; one
///   that the endpoint does not tell is a minute. If the clock is put back, a new token is fetched.
/// * *Rotation.* [`replace_key`](Self::replace_key), without a restart.
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
/// // In earnest an `HttpTransport`; here an endpoint that gives one token.
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
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    key: SigningKey,
    held: Option<Held>,
    flight: Option<watch::Receiver<Landing>>,
}

/// What a flight brought; nothing while it is under way. A sender that is gone without having sent was
/// cancelled.
type Landing = Option<Result<AccessToken, Error>>;

/// What whoever needs a token does.
enum Step {
    Use(AccessToken),
    Wait(watch::Receiver<Landing>),
    Fetch(watch::Sender<Landing>),
}

impl ApplicationTokens {
    /// Tokens of the application of `config`, which signs with `key`, fetched over `transport`.
    #[must_use]
    pub fn new(config: TokenConfig, key: SigningKey, transport: Arc<dyn Transport>) -> Self {
        Self {
            config: Arc::new(config),
            transport,
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
            state: Arc::new(Mutex::new(State { key, held: None, flight: None })),
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

    /// A token that is good now.
    ///
    /// # Errors
    ///
    /// When there is none; see [`ErrorKind`](crate::service::ErrorKind). Nothing is tried
    /// twice: whoever repeats the question repeats this.
    pub async fn token(&self) -> Result<AccessToken, Error> {
        loop {
            match self.step() {
                Step::Use(token) => return Ok(token),
                Step::Fetch(landing) => return self.fetch(landing).await,
                Step::Wait(mut flight) => {
                    if let Ok(landing) = flight.wait_for(Option::is_some).await
                        && let Some(result) = &*landing
                    {
                        return result.clone();
                    }
                }
            }
        }
    }

    /// Drops a token that the API has refused (401), so that the next is fetched.
    ///
    /// Only if it is still the one that is held: of many who were refused with the same token, only the
    /// first has a new one fetched.
    pub fn discard(&self, refused: &AccessToken) {
        let mut state = self.lock();
        if state.held.as_ref().is_some_and(|held| held.is(refused)) {
            state.held = None;
        }
    }

    /// Signs with `key` from the next assertion on, in all clones. The token that is held stays in use:
    /// the API does not ask by which key it was earned.
    ///
    /// Register the new key first, beside the old one ([`Jwks`](crate::service::fhir::auth::Jwks)).
    pub fn replace_key(&self, key: SigningKey) {
        self.lock().key = key;
    }

    /// The name of the key with which the next assertion is signed.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.lock().key.id().clone()
    }

    fn step(&self) -> Step {
        let mut state = self.lock();
        // Within the lock, so that the times of two callers cannot overtake each other.
        let now = self.clock.now();
        let worth = state.held.as_mut().map_or(Worth::Nothing, |held| held.worth(now));
        // A sender that is gone was cancelled: its flight is nobody's any more.
        let flight = state.flight.as_ref().filter(|flight| flight.has_changed().is_ok());
        match (worth, flight) {
            (Worth::Good(token), _) | (Worth::Ageing(token), Some(_)) => Step::Use(token),
            (Worth::Nothing, Some(flight)) => Step::Wait(flight.clone()),
            (Worth::Ageing(_) | Worth::Nothing, None) => {
                let (sender, receiver) = watch::channel(None);
                state.flight = Some(receiver);
                Step::Fetch(sender)
            }
        }
    }

    async fn fetch(&self, landing: watch::Sender<Landing>) -> Result<AccessToken, Error> {
        let key = self.lock().key.clone();
        let asked_at = self.clock.now();
        let result = self.ask(&key, asked_at).await;
        #[cfg(feature = "resilience")]
        {
            let outcome =
                result.as_ref().map_or_else(|error| error.action().label(), |_| "granted");
            metrics::counter!(crate::transport::metric::TOKEN_REQUESTS, "outcome" => outcome)
                .increment(1);
        }
        let result = self.land(result, asked_at);
        landing.send_replace(Some(result.clone()));
        result
    }

    /// One exchange with the endpoint.
    async fn ask(&self, key: &SigningKey, now: DateTime<Utc>) -> Result<Granted, Error> {
        let TokenConfig { token_url, client_id, lifetime } = &*self.config;
        let jwt = assertion(key, client_id, token_url, *lifetime, now, self.ids.next())
            .map_err(exchange::not_signed)?;
        let request = exchange::request(token_url.clone(), &jwt);
        let response = self.transport.send(request).await.map_err(exchange::no_response)?;
        exchange::read(&response, now)
    }

    /// Keeps what was fetched; or, if nothing was, keeps to what is held.
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
                state.held = Some(Held::new(granted, asked_at));
                return Ok(token);
            }
            Err(error) => error,
        };
        let now = self.clock.now();
        let Some(held) = &mut state.held else { return Err(error) };
        held.rest(now, error.retry_after());
        match held.worth(now) {
            Worth::Good(token) | Worth::Ageing(token) => Ok(token),
            Worth::Nothing => Err(error),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
