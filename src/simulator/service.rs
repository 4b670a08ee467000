use super::fault::Faults;
use super::mini_service::{Instead, Service};
use super::{Fault, FaultMix, Register, When};
use crate::clock::{Clock, SystemClock};
use crate::ids::{Ids, RandomIds};
use crate::secret::RawBody;
use crate::seed::SplitMix64;
use crate::transport::{Error, ErrorKind, Request, Response, Transport};
use async_trait::async_trait;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The response header in which the simulator says what is wrong with a request: a place in the
/// message, never a value.
pub const NOTE: HeaderName = HeaderName::from_static("simulator-note");

/// How many requests are kept to be looked at.
const KEPT: usize = 100;

/// A simulated PDS. Clones are handles to the same one.
///
/// As a [`Transport`] it takes every URL for its own. The rules are in the [module's
/// words](crate::simulator).
///
/// ```
/// use nhs_pds::simulator::{Register, Simulator};
/// use nhs_pds::transport::{Request, Transport};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let simulator = Simulator::new(Register::default());
/// let request = Request::post("https://smsp.example/".parse()?, "<hello/>".into());
/// let response = simulator.send(request).await?;
/// assert_eq!(response.status(), 500);
/// let note = &response.headers()[nhs_pds::simulator::NOTE];
/// assert_eq!(note, "the header Content-Type is not text/xml");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Simulator {
    shared: Arc<Mutex<Shared>>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    advanced_trace: bool,
    superseding_payload: bool,
}

struct Shared {
    register: Arc<Register>,
    faults: Faults,
    count: u64,
    received: VecDeque<RawBody>,
}

/// What goes back, if anything does.
pub(super) enum Exchange {
    Whole(Response),
    /// Cut off before the first byte.
    Cut,
    /// Cut off half way through the body.
    HalfWay(Response),
}

impl Simulator {
    /// A PDS that knows the people of `register`, by the machine's clock and with random identifiers.
    #[must_use]
    pub fn new(register: Register) -> Self {
        Self {
            shared: Arc::new(Mutex::new(Shared {
                register: Arc::new(register),
                faults: Faults::default(),
                count: 0,
                received: VecDeque::new(),
            })),
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
            advanced_trace: true,
            superseding_payload: true,
        }
    }

    /// The same, by another clock. Requests are refused when they have expired by it.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The same, with other identifiers in its answers.
    #[must_use]
    pub fn with_ids(mut self, ids: Arc<dyn Ids>) -> Self {
        self.ids = ids;
        self
    }

    /// Whether wildcards and partial dates of birth are taken (they are, unless switched off) or
    /// answered by SMSP-0001.
    #[must_use]
    pub const fn with_advanced_trace(mut self, on: bool) -> Self {
        self.advanced_trace = on;
        self
    }

    /// Whether DEMOG-0017 comes with the data of the number's replacement (it does, unless switched
    /// off) or alone; both are published.
    #[must_use]
    pub const fn with_superseding_payload(mut self, on: bool) -> Self {
        self.superseding_payload = on;
        self
    }

    /// From now on, `when` a request is one of these, `fault` befalls it.
    ///
    /// Delays add up, and come on top of the oldest other fault.
    pub fn add_fault(&self, when: When, fault: Fault) {
        self.shared().faults.add(when, fault);
    }

    /// From now on a share of all requests meets a fault of `mix`, whose attempts are counted anew; or
    /// none does.
    ///
    /// The mix is on top of what was [added](Self::add_fault): its delays add up with those, and its
    /// other faults befall a request that no other fault of those befalls.
    pub fn set_fault_mix(&self, mix: Option<FaultMix>) {
        self.shared().faults.set_mix(mix);
    }

    /// Each fault of the [mix](Self::set_fault_mix), and how many requests it has befallen.
    #[must_use]
    pub fn injected(&self) -> Vec<(Fault, u64)> {
        self.shared().faults.injected()
    }

    /// From now on nothing goes wrong.
    pub fn clear_faults(&self) {
        self.shared().faults.clear();
    }

    /// From now on these are the people, as after a night in which some have moved or died.
    pub fn set_register(&self, register: Register) {
        self.shared().register = Arc::new(register);
    }

    /// How many requests have come, whatever became of them.
    #[must_use]
    pub fn request_count(&self) -> u64 {
        self.shared().count
    }

    /// The bodies of the last hundred requests, oldest first.
    #[must_use]
    pub fn received(&self) -> Vec<RawBody> {
        self.shared().received.iter().cloned().collect()
    }

    /// Takes one request to its end.
    pub(super) async fn exchange(
        &self,
        method: &Method,
        headers: &HeaderMap,
        body: &RawBody,
    ) -> Exchange {
        let register = self.receive(body);
        let service = Service {
            register: &register,
            ids: &*self.ids,
            now: self.clock.now(),
            advanced_trace: self.advanced_trace,
            superseding_payload: self.superseding_payload,
        };
        let mut met = Default::default();
        let reply = service.answer(headers, body.expose(), |about, whom| {
            met = self.shared().faults.meet(about, whom);
            match &met.1 {
                Some(Fault::Code(code)) => Some(Instead::Code(code.clone())),
                Some(Fault::Soap { faultcode, toolkit_code }) => Some(Instead::Fault {
                    faultcode: faultcode.clone(),
                    toolkit_code: toolkit_code.clone(),
                }),
                _ => None,
            }
        });
        let (delay, fault) = met;
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        let status =
            if reply.is_fault { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK };
        let whole = || respond(status, "text/xml; charset=utf-8", reply.body.into(), reply.note);
        match fault {
            Some(Fault::Cut) => Exchange::Cut,
            Some(Fault::CutHalfWay) => Exchange::HalfWay(whole()),
            Some(Fault::Garbage) => {
                Exchange::Whole(respond(StatusCode::OK, "text/xml", garbage(), None))
            }
            Some(Fault::Http { status, body }) => {
                Exchange::Whole(respond(status, "text/html", body, None))
            }
            _ if method != Method::POST => {
                Exchange::Whole(Response::new(StatusCode::METHOD_NOT_ALLOWED, RawBody::default()))
            }
            _ => Exchange::Whole(whole()),
        }
    }

    fn receive(&self, body: &RawBody) -> Arc<Register> {
        let mut shared = self.shared();
        shared.count += 1;
        if shared.received.len() == KEPT {
            shared.received.pop_front();
        }
        shared.received.push_back(body.clone());
        Arc::clone(&shared.register)
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shared = self.shared();
        f.debug_struct("Simulator")
            .field("register", &shared.register)
            .field("faults", &shared.faults)
            .field("request_count", &shared.count)
            .field("advanced_trace", &self.advanced_trace)
            .field("superseding_payload", &self.superseding_payload)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Transport for Simulator {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        match self.exchange(request.method(), request.headers(), request.body()).await {
            Exchange::Whole(response) => Ok(response),
            Exchange::Cut | Exchange::HalfWay(_) => Err(Error::new(ErrorKind::Interrupted)),
        }
    }
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

/// The same bytes every time; most of them are no UTF-8.
fn garbage() -> RawBody {
    let mut seed = SplitMix64::new(0);
    let bytes: Vec<u8> = (0..64).flat_map(|_| seed.next().to_le_bytes()).collect();
    bytes.into()
}
