use crate::clock::{Clock, SystemClock};
use crate::demographics::OdsCode;
use crate::ids::{Ids, RandomIds};
use crate::nhs_number::NhsNumber;
use crate::service::error::{Error, ErrorKind};
use crate::service::fhir::access::{Access, AccessMode};
use crate::service::fhir::auth::{AccessToken, ApplicationTokens, SessionRoleId, UserTokens};
use crate::service::fhir::authorisation::Authorisation;
use crate::service::fhir::config::Config;
use crate::service::fhir::interpret::{self, X_REQUEST_ID};
use crate::service::fhir::issue::IssueCode;
use crate::service::fhir::retrieval::{Received, RelatedPeople, Retrieval, SearchResult};
use crate::service::fhir::search::{Matching, Search};
use crate::service::skew::ServiceClock;
use crate::trace::{self, Caller, Exchange, MessageId, User};
use crate::transport::{Request, Response, Transport};
use http::header::{ACCEPT, AUTHORIZATION};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use std::sync::Arc;
use url::Url;

/// The name of the service in exchanges, audit trails and the provenance of numbers.
pub(in crate::service::fhir) const SERVICE: &str = "PDS FHIR";

const X_CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");
const SESSION_URID: HeaderName = HeaderName::from_static("nhsd-session-urid");
const END_USER_ORGANISATION: HeaderName = HeaderName::from_static("nhsd-end-user-organisation-ods");

/// The headers with their names in audit trails, which are spelled as in the API's documents.
const REFERENCES: [(HeaderName, &str); 4] = [
    (X_REQUEST_ID, "X-Request-ID"),
    (X_CORRELATION_ID, "X-Correlation-ID"),
    (SESSION_URID, "NHSD-Session-URID"),
    (END_USER_ORGANISATION, "NHSD-End-User-Organisation-ODS"),
];

/// A client of the PDS FHIR API.
///
/// Each interaction has one method. It sends one request and returns the service's answer. The client
/// only reads: it does not create or change a record. It is cheap to clone and safe to share. A client
/// is also a [`Tracer`](crate::trace::Tracer).
///
/// Every request has an `X-Request-ID`. A [retry](MessageId::repeat) sends the same one again, as the
/// API requires. The identifier of the message itself is sent as `X-Correlation-ID`, so that both sides
/// can tell one attempt from another.
///
/// If the service refuses the access token (401), the client drops the token and sends the same message
/// once more with a new one.
///
/// ```
/// use nhs_pds::fhir::{Client, Config, Environment, Retrieval};
/// use nhs_pds::trace::{Caller, LocalIdentity};
/// use nhs_pds::transport::{Response, Scripted};
/// use std::sync::Arc;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // In production an `HttpTransport`; here one that has this answer ready.
/// let patient = r#"{"resourceType": "Patient", "id": "9000000009", "birthDate": "2010-10-22"}"#;
/// let transport = Scripted::new([Ok(Response::new(http::StatusCode::OK, patient.into()))]);
/// let client = Client::open(Config::of(Environment::Sandbox), Arc::new(transport));
///
/// let us = Caller::System(LocalIdentity::new("RHM".parse()?, "case-management")?);
/// let received = client.retrieve(&us, "9000000009".parse()?).await?;
/// assert!(matches!(received.answer, Retrieval::Found(_)));
/// assert_eq!(received.exchange.references["NHSD-End-User-Organisation-ODS"], "RHM");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    config: Arc<Config>,
    pub(in crate::service::fhir) authorisation: Authorisation,
    pub(in crate::service::fhir) transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    pub(in crate::service::fhir) service_clock: ServiceClock,
}

/// The token, if one is needed, and the user's role.
struct Pass {
    token: Option<AccessToken>,
    role: Option<SessionRoleId>,
}

impl Client {
    /// A client without tokens, for the sandbox and for simulators. It accepts searches of both access
    /// modes.
    #[must_use]
    pub fn open(config: Config, transport: Arc<dyn Transport>) -> Self {
        Self::new(config, Authorisation::Open, transport)
    }

    /// A client with application-restricted access, for unattended processes and for users who have not
    /// signed in with CIS2.
    #[must_use]
    pub fn application_restricted(
        config: Config,
        tokens: ApplicationTokens,
        transport: Arc<dyn Transport>,
    ) -> Self {
        Self::new(config, Authorisation::Application(tokens), transport)
    }

    /// A client with healthcare-worker access. Each request is sent with the access token of its user.
    #[must_use]
    pub fn healthcare_worker(
        config: Config,
        tokens: Arc<dyn UserTokens>,
        transport: Arc<dyn Transport>,
    ) -> Self {
        Self::new(config, Authorisation::HealthcareWorker(tokens), transport)
    }

    fn new(config: Config, authorisation: Authorisation, transport: Arc<dyn Transport>) -> Self {
        Self {
            config: Arc::new(config),
            authorisation,
            transport,
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
            service_clock: ServiceClock::default(),
        }
    }

    /// The same client with another source of time.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The same client with another source of identifiers.
    #[must_use]
    pub fn with_ids(mut self, ids: Arc<dyn Ids>) -> Self {
        self.ids = ids;
        self
    }

    /// The access mode of the client's requests.
    pub(in crate::service::fhir) const fn mode(&self) -> AccessMode {
        match self.authorisation {
            Authorisation::Open | Authorisation::Application(_) => {
                AccessMode::ApplicationRestricted
            }
            Authorisation::HealthcareWorker(_) => AccessMode::HealthcareWorker,
        }
    }

    /// `GET /Patient/{number}`: returns the record with this NHS Number.
    ///
    /// The client compares nothing. To verify a number, see [`cross_check`](crate::service::fhir::cross_check).
    ///
    /// # Errors
    ///
    /// When the service did not answer; see [`ErrorKind`].
    pub async fn retrieve(
        &self,
        caller: &Caller,
        number: NhsNumber,
    ) -> Result<Received<Retrieval>, Error> {
        self.retrieve_by(caller, number, MessageId::fresh(&*self.ids)).await
    }

    /// `GET /Patient`: returns the people who match.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AccessMode`] when the search is for another access mode than the client's; else when
    /// the service did not answer, see [`ErrorKind`].
    pub async fn search<K: Matching, A: Access>(
        &self,
        caller: &Caller,
        search: &Search<K, A>,
    ) -> Result<Received<SearchResult>, Error> {
        self.search_by(caller, search, MessageId::fresh(&*self.ids)).await
    }

    /// `GET /Patient/{number}/RelatedPerson`: returns the people who are related to this person.
    ///
    /// The list is empty when the person's record is restricted, or when no related people are recorded.
    /// An empty list says nothing about the number. The response does not say whether the number is
    /// superseded: retrieve the patient first.
    ///
    /// The response may contain the address and the telecoms of a *restricted* relative without any
    /// mark. Retrieve the relative's own record before you show or store either: see
    /// [`RelatedPerson`](crate::service::fhir::RelatedPerson).
    ///
    /// # Errors
    ///
    /// When the service did not answer; see [`ErrorKind`].
    pub async fn related_people(
        &self,
        caller: &Caller,
        number: NhsNumber,
    ) -> Result<Received<RelatedPeople>, Error> {
        let url = self.config.url(&format!("Patient/{}/RelatedPerson", number.digits()));
        let id = MessageId::fresh(&*self.ids);
        self.ask(caller, "GET /Patient/{id}/RelatedPerson", url, id, |response| {
            interpret::related_people(id.request(), response)
        })
        .await
    }

    /// [`retrieve`](Self::retrieve) with the message `id`, so that a caller who retries can send the
    /// same `X-Request-ID` again ([`MessageId::repeat`]).
    ///
    /// # Errors
    ///
    /// As [`retrieve`](Self::retrieve).
    pub async fn retrieve_by(
        &self,
        caller: &Caller,
        number: NhsNumber,
        id: MessageId,
    ) -> Result<Received<Retrieval>, Error> {
        let url = self.config.url(&format!("Patient/{}", number.digits()));
        self.ask(caller, "GET /Patient/{id}", url, id, |response| {
            interpret::retrieval(number, id.request(), response)
        })
        .await
    }

    /// [`search`](Self::search) with the message `id`, so that a caller who retries can send the same
    /// `X-Request-ID` again ([`MessageId::repeat`]).
    ///
    /// # Errors
    ///
    /// As [`search`](Self::search).
    pub async fn search_by<K: Matching, A: Access>(
        &self,
        caller: &Caller,
        search: &Search<K, A>,
        id: MessageId,
    ) -> Result<Received<SearchResult>, Error> {
        if !matches!(self.authorisation, Authorisation::Open) && A::MODE != self.mode() {
            return Err(Error::new(ErrorKind::AccessMode, trace::ErrorKind::Configuration));
        }
        let mut url = self.config.url("Patient");
        url.set_query(Some(&search.query()));
        self.ask(caller, "GET /Patient", url, id, |response| {
            interpret::search(id.request(), response)
        })
        .await
    }

    /// Sends one message. If the service refuses the token, sends the message again with a new one.
    async fn ask<T>(
        &self,
        caller: &Caller,
        operation: &'static str,
        url: Url,
        id: MessageId,
        interpret: impl FnOnce(&Response) -> Result<(T, Option<IssueCode>), Error> + Send,
    ) -> Result<Received<T>, Error> {
        let sent_at = self.clock.now();
        let mut exchange = Exchange::new(SERVICE, operation, id.to_string(), sent_at);
        let mut headers = self.headers(caller, id);
        let mut pass = match self.pass(caller, None).await {
            Ok(pass) => pass,
            Err(error) => return Err(error.with_exchange(referring(exchange, &headers))),
        };
        pass.show(&mut headers);
        exchange = referring(exchange, &headers);
        let mut sent_last = self.clock.now();
        let mut sent = self.transport.send(request(url.clone(), headers.clone())).await;
        if let (Ok(response), Some(refused)) = (&sent, &pass.token)
            && response.status() == StatusCode::UNAUTHORIZED
        {
            pass = match self.pass(caller, Some(refused)).await {
                Ok(pass) => pass,
                Err(error) => return Err(interpret::unrenewed(error, response, exchange)),
            };
            pass.show(&mut headers);
            exchange = referring(exchange, &headers);
            sent_last = self.clock.now();
            sent = self.transport.send(request(url, headers)).await;
        }
        let response = match sent {
            Ok(response) => response,
            Err(error) => return Err(Error::from(error).with_exchange(exchange)),
        };
        let came = self.clock.now();
        let interpreted = interpret(&response);
        if interpreted.as_ref().err().is_none_or(|error| error.kind() == ErrorKind::Code) {
            self.service_clock.compare(&response, sent_last, came);
        }
        match interpreted {
            Ok((answer, None)) => Ok(Received::new(answer, exchange)),
            Ok((answer, Some(code))) => {
                Ok(Received::new(answer, exchange.with_code(code.loggable())))
            }
            Err(error) => {
                if let Some(code) = error.code() {
                    exchange = exchange.with_code(code);
                }
                let retry_after = response.retry_after(sent_at);
                Err(error.with_response(&response, retry_after).with_exchange(exchange))
            }
        }
    }

    /// A token for `caller` that is not `refused`; `None` if the access needs no token.
    async fn pass(&self, caller: &Caller, refused: Option<&AccessToken>) -> Result<Pass, Error> {
        match &self.authorisation {
            Authorisation::Open => Ok(Pass { token: None, role: None }),
            Authorisation::Application(tokens) => {
                if let Some(refused) = refused {
                    tokens.discard(refused);
                }
                Ok(Pass { token: Some(tokens.token().await?), role: None })
            }
            Authorisation::HealthcareWorker(tokens) => {
                let Caller::User(user) = caller else {
                    return Err(Error::new(ErrorKind::NoUser, trace::ErrorKind::Configuration));
                };
                let token = tokens.token(user, refused).await?;
                let role = token.role().cloned().or_else(|| role_of(user));
                Ok(Pass { token: Some(token.access_token().clone()), role })
            }
        }
    }

    /// The headers of every request, without the token.
    fn headers(&self, caller: &Caller, id: MessageId) -> HeaderMap {
        let organisation = self.config.end_user_organisation().or_else(|| organisation_of(caller));
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(ACCEPT, self.config.accept().clone());
        insert(&mut headers, X_REQUEST_ID, &id.request().hyphenated().to_string());
        insert(&mut headers, X_CORRELATION_ID, &id.uuid().hyphenated().to_string());
        if let Some(organisation) = organisation {
            insert(&mut headers, END_USER_ORGANISATION, organisation.as_str());
        }
        headers
    }
}

impl Pass {
    fn show(&self, headers: &mut HeaderMap) {
        if let Some(token) = &self.token {
            headers.insert(AUTHORIZATION, token.authorization());
        }
        match &self.role {
            Some(role) => insert(headers, SESSION_URID, role.as_str()),
            None => drop(headers.remove(SESSION_URID)),
        }
    }
}

/// Adds a value of letters, digits and hyphens, which is always a valid header.
fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn request(url: Url, headers: HeaderMap) -> Request {
    Request::get(url).with_headers(headers)
}

/// The exchange, with the references by which the service can find the request.
fn referring(exchange: Exchange, headers: &HeaderMap) -> Exchange {
    REFERENCES.iter().fold(exchange, |exchange, (header, name)| {
        match headers.get(header).and_then(|value| value.to_str().ok()) {
            Some(value) => exchange.with_reference(*name, value),
            None => exchange,
        }
    })
}

fn organisation_of(caller: &Caller) -> Option<&OdsCode> {
    match caller {
        Caller::System(identity) | Caller::User(User::Local(identity)) => {
            Some(identity.organisation())
        }
        Caller::User(User::Smartcard(_)) => None,
    }
}

/// The role of a user with a smartcard. The role profile of a smartcard is the role of a session in
/// CIS2.
fn role_of(user: &User) -> Option<SessionRoleId> {
    match user {
        User::Smartcard(card) => card.role_profile_id().parse().ok(),
        User::Local(_) => None,
    }
}
