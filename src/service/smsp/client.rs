use crate::clock::{Clock, SystemClock};
use crate::ids::{Ids, RandomIds};
use crate::secret::RawBody;
use crate::service::error::{Error, ErrorKind};
use crate::service::skew::ServiceClock;
use crate::service::smsp::config::Config;
use crate::service::smsp::interpret::interpret;
use crate::service::smsp::replay::Answered;
use crate::service::smsp::request::{PatientDetails, Request, Stamp};
use crate::service::smsp::wire;
use crate::trace::{
    self, Answer, Exchange, FetchDetails, FindPerson, MessageId, Mode, VerifyNumber,
};
use crate::transport::{self, Transport};
use chrono::{DateTime, TimeDelta, Utc};
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue};
use std::sync::Arc;

const SOAP_ACTION: HeaderName = HeaderName::from_static("soapaction");

/// A client of one provider's Spine Mini Service for PDS.
///
/// Each operation has one method. It sends one new message and returns the service's answer. The client
/// is cheap to clone and safe to share.
///
/// A client and its clones remember the identifiers of the last few thousand messages received. A
/// message with a remembered identifier is [`ErrorKind::Replayed`](crate::service::ErrorKind::Replayed).
///
/// ```
/// use nhs_pds::demographics::Gender;
/// use nhs_pds::smsp::{Client, Config};
/// use nhs_pds::trace::{Caller, ErrorKind, FindPerson, LocalIdentity};
/// use nhs_pds::transport::{self, Scripted};
/// use std::sync::Arc;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // In production an `HttpTransport`; here one that is not answered in time.
/// let transport = Scripted::new([Err(transport::Error::new(transport::ErrorKind::Timeout))]);
/// let us = LocalIdentity::new("RHM".parse()?, "case-management")?;
/// let config = Config::new("https://smsp.example/pds".parse()?, us.clone());
/// let client = Client::new(config, Arc::new(transport));
///
/// let question = FindPerson::new("Smith".parse()?, Gender::Female, "19840229".parse()?);
/// let answer = client.get_nhs_number(&Caller::System(us), &question).await;
/// assert_eq!(answer.map_err(|error| error.action()).err(), Some(ErrorKind::Unavailable));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    config: Arc<Config>,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    answered: Arc<Answered>,
    service_clock: ServiceClock,
}

impl Client {
    /// A client of the service in `config`, over `transport`.
    #[must_use]
    pub fn new(config: Config, transport: Arc<dyn Transport>) -> Self {
        Self {
            config: Arc::new(config),
            transport,
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
            answered: Arc::default(),
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

    /// verifyNHSNumber: verifies that the number is the person's.
    ///
    /// # Errors
    ///
    /// When the service did not answer; see
    /// [`ErrorKind`](crate::service::ErrorKind).
    pub async fn verify_nhs_number<M: Mode>(
        &self,
        caller: &M::Caller,
        question: &VerifyNumber<M>,
    ) -> Result<Answer, Error> {
        self.ask(caller, &Request::verify_nhs_number(question)).await
    }

    /// getNHSNumber: finds the number of the person with these demographic fields.
    ///
    /// # Errors
    ///
    /// When the service did not answer; see
    /// [`ErrorKind`](crate::service::ErrorKind).
    pub async fn get_nhs_number<M: Mode>(
        &self,
        caller: &M::Caller,
        question: &FindPerson<M>,
    ) -> Result<Answer, Error> {
        self.ask(caller, &Request::get_nhs_number(question)).await
    }

    /// getPatientDetailsByNHSNumber: returns the details recorded under this number.
    ///
    /// # Errors
    ///
    /// When the service did not answer; see
    /// [`ErrorKind`](crate::service::ErrorKind).
    pub async fn get_patient_details_by_nhs_number<M: Mode>(
        &self,
        caller: &M::Caller,
        question: &FetchDetails<M>,
    ) -> Result<Answer, Error> {
        let request = Request::get_patient_details_by_nhs_number(question);
        self.ask(caller, &request).await
    }

    /// getPatientDetailsBySearch: returns the details recorded about the person with these demographic
    /// fields.
    ///
    /// # Errors
    ///
    /// When the service did not answer; see
    /// [`ErrorKind`](crate::service::ErrorKind).
    pub async fn get_patient_details_by_search<M: Mode>(
        &self,
        caller: &M::Caller,
        question: &FindPerson<M>,
    ) -> Result<Answer, Error> {
        let request = Request::get_patient_details_by_search(question);
        self.ask(caller, &request).await
    }

    /// getPatientDetails: by number if the question has one, else by search.
    ///
    /// # Errors
    ///
    /// When the service did not answer; see
    /// [`ErrorKind`](crate::service::ErrorKind).
    pub async fn get_patient_details<M: Mode>(
        &self,
        caller: &M::Caller,
        question: &PatientDetails<M>,
    ) -> Result<Answer, Error> {
        self.ask(caller, &Request::get_patient_details(question)).await
    }

    async fn ask<M: Mode>(
        &self,
        caller: &M::Caller,
        request: &Request<M>,
    ) -> Result<Answer, Error> {
        self.send(caller, request, MessageId::fresh(&*self.ids)).await
    }

    /// One attempt at one exchange, with the message `id`.
    pub(in crate::service::smsp) async fn send<M: Mode>(
        &self,
        caller: &M::Caller,
        request: &Request<M>,
        id: MessageId,
    ) -> Result<Answer, Error> {
        let stamp = Stamp::of(id, &*self.clock, &*self.ids);
        let exchange =
            Exchange::new("SMSP", request.operation().as_str(), id.to_string(), stamp.created);
        let message = self.message(request, caller, &stamp);
        let response = match self.transport.send(message).await {
            Ok(response) => response,
            Err(error) => return Err(Error::from(error).with_exchange(exchange)),
        };
        let came = self.clock.now();
        let result =
            interpret(request, &stamp, &response, self.config.limits, &self.answered, exchange);
        if is_the_services(&result) {
            self.service_clock.compare(&response, stamp.created, came);
        }
        result.map_err(|error| self.with_clock_blamed(error))
    }

    /// The same error. If this machine's clock is wrong, a fault that gives no reason for the refusal is
    /// attributed to the times in the message.
    fn with_clock_blamed(&self, error: Error) -> Error {
        if error.kind() == ErrorKind::Fault
            && error.action() == trace::ErrorKind::Rejected
            && self.service_clock.explains_refusals()
        {
            error.with_action(trace::ErrorKind::Configuration)
        } else {
            error
        }
    }

    pub(in crate::service::smsp) fn skew(&self) -> Option<TimeDelta> {
        self.service_clock.latest()
    }

    /// When the client certificate expires.
    pub(in crate::service::smsp) fn certificate_expires(&self) -> Option<DateTime<Utc>> {
        self.transport.certificate_expires()
    }

    fn message<M: Mode>(
        &self,
        request: &Request<M>,
        caller: &M::Caller,
        stamp: &Stamp,
    ) -> transport::Request {
        let body = wire::encode(request, caller, &self.config, stamp);
        // A URN of this crate, so always a valid header.
        let action = format!("\"{}\"", request.operation().service_urn());
        let action = HeaderValue::from_str(&action).unwrap_or(HeaderValue::from_static("\"\""));
        transport::Request::post(self.config.endpoint.clone(), RawBody::from(body))
            .with_header(CONTENT_TYPE, HeaderValue::from_static("text/xml; charset=utf-8"))
            .with_header(SOAP_ACTION, action)
    }
}

/// Whether the response comes from the service and belongs to this message. A proxy's page and a
/// replayed message do not.
fn is_the_services(result: &Result<Answer, Error>) -> bool {
    match result {
        Ok(_) => true,
        Err(error) => matches!(error.kind(), ErrorKind::Code | ErrorKind::Fault),
    }
}
