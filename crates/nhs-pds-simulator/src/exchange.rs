//! The exchange of one request and its response.

use super::fhir_api::token;
use super::fhir_api::{Api, Face, Reply, Rules, face};
use super::log::Answer;
use super::mini_service::{Instead, Service};
use super::{Fault, NOTE, Received, Register, Simulator};
use crate::seed::SplitMix64;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use nhs_pds::demographics::london_day;
use nhs_pds::secret::RawBody;
use nhs_pds::transport::{Error, ErrorKind, Request, Response, Transport};
use std::time::Duration;

/// The response, or a closed connection.
pub(super) enum Exchange {
    Whole(Response),
    /// The connection closes before the first byte.
    Cut,
    /// The connection closes half way through the body.
    HalfWay(Response),
}

/// The faults of one request.
#[derive(Default)]
struct Met {
    delay: Duration,
    fault: Option<Fault>,
    /// Headers that are added to the response.
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Met {
    fn new((mut delay, mut fault): (Duration, Option<Fault>)) -> Self {
        let mut headers = Vec::new();
        while let Some(Fault::WithHeader { fault: inner, name, value }) = fault {
            headers.push((name, value));
            fault = Some(*inner);
        }
        if let Some(Fault::Delay(time)) = fault {
            delay = delay.saturating_add(time);
            fault = None;
        }
        Self { delay, fault, headers }
    }

    /// The response code of the fault, in the services that have no SOAP faults.
    fn code(&self) -> Option<String> {
        match &self.fault {
            Some(Fault::Code(code)) => Some(code.clone()),
            Some(Fault::Soap { .. }) => Some("UNKNOWN_ERROR".into()),
            _ => None,
        }
    }
}

/// A response of one of the services, the content type of garbage in its place, and the faults of the
/// request.
struct Answered {
    response: Response,
    content_type: &'static str,
    met: Met,
    /// The identifier of the message, and the response code; `None` for a token.
    logged: Option<(String, String)>,
}

/// An exchange, and what is done before its response is sent.
pub(super) struct Timed {
    pub(super) delay: Duration,
    pub(super) exchange: Exchange,
    logged: Option<Answer>,
}

impl Simulator {
    /// Answers one request, after the delay that a fault demands.
    pub(super) async fn exchange(&self, request: &Received) -> Exchange {
        let timed = self.answer(request);
        if !timed.delay.is_zero() {
            tokio::time::sleep(timed.delay).await;
        }
        self.log(&timed);
        timed.exchange
    }

    /// Logs the answer that is about to be sent.
    pub(super) fn log(&self, timed: &Timed) {
        if let Some(answer) = &timed.logged {
            self.log.write(answer, self.clock.now());
        }
    }

    /// Answers one request at once. The caller must wait for the delay before it sends the answer.
    pub(super) fn answer(&self, request: &Received) -> Timed {
        let came = self.log.is_open().then(|| self.clock.now());
        let answered = match face(request.path()) {
            Face::Token => self.token(request),
            Face::Api(path) => self.fhir_api(path, request),
            Face::Other => self.mini_service(request),
        };
        let Answered { response, content_type, met, logged } = answered;
        let with_headers = |response: Response| {
            let mut headers = response.headers().clone();
            headers.extend(met.headers.iter().cloned());
            let response = response.with_headers(headers);
            if request.method() == Method::HEAD { head(response) } else { response }
        };
        let exchange = match met.fault {
            Some(Fault::Cut) => Exchange::Cut,
            Some(Fault::CutHalfWay) => Exchange::HalfWay(with_headers(response)),
            Some(Fault::Garbage) => Exchange::Whole(with_headers(respond(
                StatusCode::OK,
                content_type,
                garbage(),
                None,
            ))),
            Some(Fault::Http { status, body }) => {
                Exchange::Whole(with_headers(respond(status, "text/html", body, None)))
            }
            _ => Exchange::Whole(with_headers(response)),
        };
        let is_whole = matches!(exchange, Exchange::Whole(_));
        let logged = came.zip(logged.filter(|_| is_whole));
        let logged = logged.map(|(came, (message_id, code))| Answer { came, message_id, code });
        Timed { delay: met.delay, exchange, logged }
    }

    pub(super) fn rules(&self, now: DateTime<Utc>) -> Rules {
        Rules { today: london_day(now), disputed: self.disputed }
    }

    fn mini_service(&self, request: &Received) -> Answered {
        let register = self.receive(request, false);
        let now = self.clock.now();
        let service = Service {
            register: &register,
            ids: &*self.ids,
            now,
            rules: self.rules(now),
            advanced_trace: self.advanced_trace,
            superseding_payload: self.superseding_payload,
            strict_soap_action: self.strict_soap_action,
        };
        let mut met = Met::default();
        let reply = service.answer(request.headers(), request.body().expose(), |about, whom| {
            met = Met::new(self.shared().faults.meet(about, &register, whom));
            match &met.fault {
                Some(Fault::Code(code)) => Some(Instead::Code(code.clone())),
                Some(Fault::Soap { faultcode, toolkit_code }) => Some(Instead::Fault {
                    faultcode: faultcode.clone(),
                    toolkit_code: toolkit_code.clone(),
                }),
                _ => None,
            }
        });
        let status =
            if reply.is_fault { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK };
        let response = if request.method() == Method::POST {
            respond(status, "text/xml; charset=utf-8", reply.body.into(), reply.note)
        } else {
            Response::new(StatusCode::METHOD_NOT_ALLOWED, RawBody::default())
        };
        let logged = Some((reply.message_id, reply.code));
        Answered { response, content_type: "text/xml", met, logged }
    }

    fn fhir_api(&self, path: &str, request: &Received) -> Answered {
        let register = self.receive(request, false);
        let now = self.clock.now();
        let api = Api {
            register: &register,
            now,
            rules: self.rules(now),
            empty_lines: self.empty_address_lines,
            base: self.fhir_base.clone().unwrap_or_else(|| request.base(path)),
        };
        let mut met = Met::default();
        let reply = api.answer(path, request, &self.access(), |about, whom| {
            met = Met::new(self.shared().faults.meet(about, &register, whom));
            met.code()
        });
        let message_id = request.headers().get("x-request-id").and_then(|id| id.to_str().ok());
        let logged =
            Some((message_id.unwrap_or("-").to_owned(), reply.status.as_u16().to_string()));
        let content_type = "application/fhir+json";
        Answered { response: assemble(reply), content_type, met, logged }
    }

    fn token(&self, request: &Received) -> Answered {
        self.receive(request, true);
        self.access().token_count += 1;
        let met = Met::new(self.shared().token_faults.meet(&[], &Register::default(), None));
        let now = self.clock.now();
        // A fault before the request is read creates no token.
        let reply = match &met.fault {
            Some(Fault::Code(error)) => token::failed(StatusCode::BAD_REQUEST, error, &*self.ids),
            Some(Fault::Soap { .. }) => {
                token::failed(StatusCode::INTERNAL_SERVER_ERROR, "server_error", &*self.ids)
            }
            _ => token::answer(request, &mut self.access(), self.issuing, &*self.ids, now),
        };
        let content_type = "application/json";
        Answered { response: assemble(reply), content_type, met, logged: None }
    }
}

#[async_trait]
impl Transport for Simulator {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        match self.exchange(&request.into()).await {
            Exchange::Whole(response) => Ok(response),
            Exchange::Cut | Exchange::HalfWay(_) => Err(Error::new(ErrorKind::Interrupted)),
        }
    }
}

fn assemble(reply: Reply) -> Response {
    let mut headers = HeaderMap::new();
    if !reply.content_type.is_empty() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    }
    headers.extend(reply.headers);
    Response::new(reply.status, reply.body.into()).with_headers(headers)
}

/// Returns the response without its body, with the length of the body in its header.
fn head(response: Response) -> Response {
    let mut headers = response.headers().clone();
    headers.insert(CONTENT_LENGTH, response.body().expose().len().into());
    Response::new(response.status(), RawBody::default()).with_headers(headers)
}

fn respond(
    status: StatusCode,
    content_type: &'static str,
    body: RawBody,
    note: Option<String>,
) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Some(note) = note.and_then(|note| note.try_into().ok()) {
        headers.insert(NOTE, note);
    }
    Response::new(status, body).with_headers(headers)
}

/// Returns the same bytes each time. Most of them are not UTF-8.
fn garbage() -> RawBody {
    let mut seed = SplitMix64::new(0);
    let bytes: Vec<u8> = (0..64).flat_map(|_| seed.next().to_le_bytes()).collect();
    bytes.into()
}
