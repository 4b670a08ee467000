use super::batch::BatchFace;
use super::fault::Faults;
use super::fhir_api::Access;
use super::fhir_api::token::Issuing;
use super::log::Log;
use super::{Application, Disputed, Fault, FaultMix, Received, Register, When};
use chrono::TimeDelta;
use http::header::HeaderName;
use nhs_pds::clock::{Clock, SystemClock};
use nhs_pds::ids::{Ids, RandomIds};
use nhs_pds::secret::{RawBody, Secret};
use std::collections::VecDeque;
use std::fmt;
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use url::Url;

/// The response header in which the simulator says what is wrong with a request. It names a place in the
/// message, never a value.
pub const NOTE: HeaderName = HeaderName::from_static("simulator-note");

/// The number of requests that are kept for inspection.
const KEPT: usize = 100;

/// A simulated PDS. Clones are handles to the same PDS.
///
/// As a [`Transport`](nhs_pds::transport::Transport) it accepts every URL, with any host. A path that ends
/// with `/oauth2/token` is the token endpoint of the FHIR API. A path that begins with
/// `/personal-demographics/FHIR/R4` or contains `/Patient` is the FHIR API. Every other path is the Spine
/// Mini Service. The [crate's documentation](crate) has the rules.
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
    pub(super) disputed: Disputed,
    pub(super) superseding_payload: bool,
    pub(super) strict_soap_action: bool,
    pub(super) empty_address_lines: bool,
    pub(super) fhir_base: Option<String>,
    pub(super) issuing: Issuing,
    pub(super) log: Log,
    pub(super) batch: BatchFace,
}

pub(super) struct Shared {
    pub(super) register: Arc<Register>,
    pub(super) faults: Faults,
    pub(super) token_faults: Faults,
    count: u64,
    /// With each request, whether it is for a token.
    received: VecDeque<(Received, bool)>,
}

impl Simulator {
    /// A PDS with the people of `register`, the machine's clock and random identifiers.
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
            disputed: Disputed::default(),
            superseding_payload: true,
            strict_soap_action: false,
            empty_address_lines: false,
            fhir_base: None,
            issuing: Issuing::default(),
            log: Log::default(),
            batch: BatchFace::default(),
        }
    }

    /// Returns the simulator with another clock. Requests that have expired by this clock are refused.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Returns the simulator with another source of identifiers for its responses.
    #[must_use]
    pub fn with_ids(mut self, ids: Arc<dyn Ids>) -> Self {
        self.ids = ids;
        self
    }

    /// Sets whether wildcards and partial dates of birth are accepted. Default: yes. If not, the response
    /// is SMSP-0001.
    #[must_use]
    pub const fn with_advanced_trace(mut self, on: bool) -> Self {
        self.advanced_trace = on;
        self
    }

    /// Sets the readings of what is disputed about the matching of PDS.
    #[must_use]
    pub const fn with_disputed(mut self, disputed: Disputed) -> Self {
        self.disputed = disputed;
        self
    }

    /// Sets whether DEMOG-0017 comes with the data of the number's replacement, or alone. Default: with
    /// data. Both are published behaviour.
    #[must_use]
    pub const fn with_superseding_payload(mut self, on: bool) -> Self {
        self.superseding_payload = on;
        self
    }

    /// Sets whether a request to the Spine Mini Service must have the header `SOAPAction`, in quotes, as
    /// SOAP 1.1 requires. Default: no. A header that names another service than `wsa:Action` is always
    /// refused.
    #[must_use]
    pub const fn with_strict_soap_action(mut self, on: bool) -> Self {
        self.strict_soap_action = on;
        self
    }

    /// Sets whether the FHIR API writes blank lines of an address as null, with `_line` beside them.
    /// Default: no, blank lines are left out.
    #[must_use]
    pub const fn with_empty_address_lines(mut self, on: bool) -> Self {
        self.empty_address_lines = on;
        self
    }

    /// Sets the base address in `fullUrl` and in references of the FHIR API, such as the address of another
    /// host. Default: the address that was called. In the live service the two can differ.
    #[must_use]
    pub fn with_fhir_base(mut self, base: &Url) -> Self {
        self.fhir_base = Some(base.as_str().trim_end_matches('/').to_owned());
        self
    }

    /// Sets the life of a token of the FHIR API. Default: 599 seconds. Fractions of a second and anything
    /// beyond a century are cut off. Tokens that were already issued keep their life.
    #[must_use]
    pub fn with_token_life(mut self, life: Duration) -> Self {
        let seconds = u32::try_from(life.as_secs()).unwrap_or(u32::MAX);
        self.issuing.life = TimeDelta::seconds(seconds.into());
        self
    }

    /// Sets whether `expires_in` of a token is a number. Default: no, it is a string of digits, as in the
    /// live service.
    #[must_use]
    pub const fn with_numeric_expires_in(mut self, on: bool) -> Self {
        self.issuing.numeric = on;
        self
    }

    /// Logs each answer as one line of `to`, just before it is sent: when the request came and when its
    /// answer goes, in microseconds since 1970, the message's own identifier, and the response code. A
    /// response of the FHIR API has its HTTP status there. The line names no person.
    ///
    /// Requests whose connection is closed, and requests for a token, have no line.
    ///
    /// ```
    /// use nhs_pds_simulator::{Register, Simulator};
    ///
    /// let simulator = Simulator::new(Register::from_seed(1, 100)).with_log(std::io::sink());
    /// # let _ = simulator;
    /// ```
    #[must_use]
    pub fn with_log(mut self, to: impl Write + Send + 'static) -> Self {
        self.log = Log::new(to);
        self
    }

    /// Returns the simulator after [`add_application`](Self::add_application).
    #[must_use]
    pub fn with_application(self, application: Application) -> Self {
        self.add_application(application);
        self
    }

    /// Registers `application`, which may then get tokens. It replaces an earlier application with the same
    /// id. From then on the FHIR API requires a token.
    pub fn add_application(&self, application: Application) {
        self.access().register(application);
    }

    /// Returns a token of a member of staff with these roles (ids of role profiles). With it, the FHIR API
    /// is in healthcare worker mode. With several roles, each request must name one of them in
    /// `NHSD-Session-URID`. The token has the usual life, and does not count as a request for a token.
    #[must_use]
    pub fn healthcare_worker_token(&self, roles: &[&str]) -> Secret<String> {
        let (life, now) = (self.issuing.life, self.clock.now());
        Secret::new(self.access().healthcare_worker(roles, life, &*self.ids, now))
    }

    /// Returns a token of an application, as the token endpoint issues it. With it, the FHIR API is in
    /// application-restricted mode, also where access is open. The token has the usual life, and does not
    /// count as a request for a token.
    #[must_use]
    pub fn application_token(&self) -> Secret<String> {
        let (life, now) = (self.issuing.life, self.clock.now());
        Secret::new(self.access().application_token(life, &*self.ids, now))
    }

    /// Makes all issued tokens invalid.
    pub fn revoke_tokens(&self) {
        self.access().revoke();
    }

    /// The number of requests to the token endpoint, with any result.
    #[must_use]
    pub fn token_count(&self) -> u64 {
        self.access().token_count
    }

    /// Adds `fault` for the requests of `when`, to either service.
    ///
    /// Delays add up, and are added to the oldest other fault. These faults do not affect requests for a
    /// token.
    pub fn add_fault(&self, when: When, fault: Fault) {
        self.shared().faults.add(when, fault);
    }

    /// Adds `fault` for requests to the token endpoint, as [`add_fault`](Self::add_fault) does for queries.
    /// A code is the `error` of status 400, and a SOAP fault is status 500.
    pub fn add_token_fault(&self, when: When, fault: Fault) {
        self.shared().token_faults.add(when, fault);
    }

    /// Sets the faults that affect a share of all requests, or removes them. The mix starts with a new
    /// count of attempts.
    ///
    /// The mix works beside [added](Self::add_fault) faults: its delays are added to theirs. Its other
    /// faults affect a request only if no other added fault does.
    pub fn set_fault_mix(&self, mix: Option<FaultMix>) {
        self.shared().faults.set_mix(mix);
    }

    /// Each fault of the [mix](Self::set_fault_mix), and the number of requests that it affected.
    #[must_use]
    pub fn injected(&self) -> Vec<(Fault, u64)> {
        self.shared().faults.injected()
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        let mut shared = self.shared();
        shared.faults.clear();
        shared.token_faults.clear();
    }

    /// Replaces the people, as after a night of changes on PDS.
    pub fn set_register(&self, register: Register) {
        self.shared().register = Arc::new(register);
    }

    /// The number of requests, with any result. Requests for a token [count separately](Self::token_count),
    /// so that the counts of the two services compare.
    #[must_use]
    pub fn request_count(&self) -> u64 {
        self.shared().count
    }

    /// The bodies of the last hundred requests, oldest first, without requests for a token.
    #[must_use]
    pub fn received(&self) -> Vec<RawBody> {
        let shared = self.shared();
        let questions = shared.received.iter().filter(|(_, is_for_token)| !is_for_token);
        questions.map(|(request, _)| request.body().clone()).collect()
    }

    /// The last hundred requests, oldest first, with requests for a token.
    #[must_use]
    pub fn received_requests(&self) -> Vec<Received> {
        self.shared().received.iter().map(|(request, _)| request.clone()).collect()
    }

    /// Records a request.
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
        // Locks in the order of a request. The other order can deadlock.
        let access = self.access();
        let shared = self.shared();
        f.debug_struct("Simulator")
            .field("access", &*access)
            .field("register", &shared.register)
            .field("faults", &shared.faults)
            .field("request_count", &shared.count)
            .field("advanced_trace", &self.advanced_trace)
            .field("disputed", &self.disputed)
            .field("superseding_payload", &self.superseding_payload)
            .field("strict_soap_action", &self.strict_soap_action)
            .field("empty_address_lines", &self.empty_address_lines)
            .field("fhir_base", &self.fhir_base)
            .field("issuing", &self.issuing)
            .field("batch", &self.batch)
            .finish_non_exhaustive()
    }
}
