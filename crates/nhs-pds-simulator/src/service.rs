use super::fault::Faults;
use super::fhir_api::Access;
use super::fhir_api::token::Issuing;
use super::{Application, Fault, FaultMix, Received, Register, When};
use chrono::TimeDelta;
use http::header::HeaderName;
use nhs_pds::clock::{Clock, SystemClock};
use nhs_pds::ids::{Ids, RandomIds};
use nhs_pds::secret::{RawBody, Secret};
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use url::Url;

/// The response header in which the simulator says what is wrong with a request: a place in the
/// message, never a value.
pub const NOTE: HeaderName = HeaderName::from_static("simulator-note");

/// How many requests are kept to be looked at.
const KEPT: usize = 100;

/// A simulated PDS. Clones are handles to the same one.
///
/// As a [`Transport`](nhs_pds::transport::Transport) it takes every URL for its own, whatever its host: a
/// path that ends with `/oauth2/token` is the token endpoint of the FHIR API, one that begins with
/// `/personal-demographics/FHIR/R4` or has `/Patient` in it is the FHIR API, and every other is the Spine
/// Mini Service. The rules are in the [module's words](crate).
///
/// ```
/// use nhs_pds_simulator::{Register, Simulator};
/// use nhs_pds::transport::{Request, Transport};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let simulator = Simulator::new(Register::default());
/// let request = Request::post("https://smsp.example/".parse()?, "<hello/>".into());
/// let response = simulator.send(request).await?;
/// assert_eq!(response.status(), 500);
/// let note = &response.headers()[nhs_pds_simulator::NOTE];
/// assert_eq!(note, "the header Content-Type is not text/xml");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Simulator {
    shared: Arc<Mutex<Shared>>,
    access: Arc<Mutex<Access>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) ids: Arc<dyn Ids>,
    pub(super) advanced_trace: bool,
    pub(super) superseding_payload: bool,
    pub(super) strict_soap_action: bool,
    pub(super) empty_address_lines: bool,
    pub(super) fhir_base: Option<String>,
    pub(super) issuing: Issuing,
}

pub(super) struct Shared {
    pub(super) register: Arc<Register>,
    pub(super) faults: Faults,
    pub(super) token_faults: Faults,
    count: u64,
    /// With each, whether it is for a token.
    received: VecDeque<(Received, bool)>,
}

impl Simulator {
    /// A PDS that knows the people of `register`, by the machine's clock and with random identifiers.
    #[must_use]
    pub fn new(register: Register) -> Self {
        Self {
            shared: Arc::new(Mutex::new(Shared {
                register: Arc::new(register),
                faults: Faults::default(),
                token_faults: Faults::default(),
                count: 0,
                received: VecDeque::new(),
            })),
            access: Arc::default(),
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
            advanced_trace: true,
            superseding_payload: true,
            strict_soap_action: false,
            empty_address_lines: false,
            fhir_base: None,
            issuing: Issuing::default(),
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

    /// Whether a request to the Spine Mini Service must have the header `SOAPAction`, in quotes, as SOAP 1.1
    /// says. Without this, a header that is missing or not in quotes is accepted. A header that names
    /// another service than `wsa:Action` is always refused.
    #[must_use]
    pub const fn with_strict_soap_action(mut self, on: bool) -> Self {
        self.strict_soap_action = on;
        self
    }

    /// Whether the FHIR API writes blank lines of an address as null, and beside them what `_line` says
    /// of them (it leaves them out, unless switched on).
    #[must_use]
    pub const fn with_empty_address_lines(mut self, on: bool) -> Self {
        self.empty_address_lines = on;
        self
    }

    /// The base address that `fullUrl` and references of the FHIR API name, such as that of another host. In
    /// the live service it is not always the address that was called; without this, it is.
    #[must_use]
    pub fn with_fhir_base(mut self, base: &Url) -> Self {
        self.fhir_base = Some(base.as_str().trim_end_matches('/').to_owned());
        self
    }

    /// How long a token of the FHIR API lasts: 599 seconds, unless set. Parts of a second are cut off,
    /// as is what goes beyond a century, and tokens given out already keep their time.
    #[must_use]
    pub fn with_token_life(mut self, life: Duration) -> Self {
        let seconds = u32::try_from(life.as_secs()).unwrap_or(u32::MAX);
        self.issuing.life = TimeDelta::seconds(seconds.into());
        self
    }

    /// Whether `expires_in` of a token is a number, or a string of digits (it is a string, as in the live
    /// service, unless switched on).
    #[must_use]
    pub const fn with_numeric_expires_in(mut self, on: bool) -> Self {
        self.issuing.numeric = on;
        self
    }

    /// The same, and [`add_application`](Self::add_application).
    #[must_use]
    pub fn with_application(self, application: Application) -> Self {
        self.add_application(application);
        self
    }

    /// From now on `application` may get tokens, in place of an earlier one of the same id; and without a
    /// token the FHIR API is closed.
    pub fn add_application(&self, application: Application) {
        self.access().register(application);
    }

    /// A token of a member of staff with these roles (the ids of role profiles), by which the FHIR API is
    /// in healthcare worker mode. With several roles, each request has to name one of them in
    /// `NHSD-Session-URID`. It lasts as long as others, and does not count as a request for a token.
    #[must_use]
    pub fn healthcare_worker_token(&self, roles: &[&str]) -> Secret<String> {
        let (life, now) = (self.issuing.life, self.clock.now());
        Secret::new(self.access().healthcare_worker(roles, life, &*self.ids, now))
    }

    /// From now on, no token given out so far is good.
    pub fn revoke_tokens(&self) {
        self.access().revoke();
    }

    /// How many requests have come to the token endpoint, whatever became of them.
    #[must_use]
    pub fn token_count(&self) -> u64 {
        self.access().token_count
    }

    /// From now on, `when` a request is one of these, `fault` befalls it, whichever service it is for.
    ///
    /// Delays add up, and come on top of the oldest other fault. Requests for a token meet none of these
    /// faults.
    pub fn add_fault(&self, when: When, fault: Fault) {
        self.shared().faults.add(when, fault);
    }

    /// As [`add_fault`](Self::add_fault), for requests to the token endpoint, which are about nobody. A
    /// code is the `error` of status 400, and a SOAP fault is status 500.
    pub fn add_token_fault(&self, when: When, fault: Fault) {
        self.shared().token_faults.add(when, fault);
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
        let mut shared = self.shared();
        shared.faults.clear();
        shared.token_faults.clear();
    }

    /// From now on these are the people, as after a night in which some have moved or died.
    pub fn set_register(&self, register: Register) {
        self.shared().register = Arc::new(register);
    }

    /// How many requests have come, whatever became of them. Those for a token are
    /// [counted apart](Self::token_count), so that the counts of the two services compare.
    #[must_use]
    pub fn request_count(&self) -> u64 {
        self.shared().count
    }

    /// The bodies of those of the last hundred requests that are not for a token, oldest first.
    #[must_use]
    pub fn received(&self) -> Vec<RawBody> {
        let shared = self.shared();
        let questions = shared.received.iter().filter(|(_, is_for_token)| !is_for_token);
        questions.map(|(request, _)| request.body().clone()).collect()
    }

    /// The last hundred requests, oldest first, with those for a token.
    #[must_use]
    pub fn received_requests(&self) -> Vec<Received> {
        self.shared().received.iter().map(|(request, _)| request.clone()).collect()
    }

    /// Takes a request in.
    pub(super) fn receive(&self, request: &Received, is_for_token: bool) -> Arc<Register> {
        let mut shared = self.shared();
        shared.count += u64::from(!is_for_token);
        if shared.received.len() == KEPT {
            shared.received.pop_front();
        }
        shared.received.push_back((request.clone(), is_for_token));
        Arc::clone(&shared.register)
    }

    pub(super) fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn access(&self) -> MutexGuard<'_, Access> {
        self.access.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // In the order in which a request takes them: the other way round, the two wait for each other.
        let access = self.access();
        let shared = self.shared();
        f.debug_struct("Simulator")
            .field("access", &*access)
            .field("register", &shared.register)
            .field("faults", &shared.faults)
            .field("request_count", &shared.count)
            .field("advanced_trace", &self.advanced_trace)
            .field("superseding_payload", &self.superseding_payload)
            .field("strict_soap_action", &self.strict_soap_action)
            .field("empty_address_lines", &self.empty_address_lines)
            .field("fhir_base", &self.fhir_base)
            .field("issuing", &self.issuing)
            .finish_non_exhaustive()
    }
}
