//! Every service meets the contract of a tracer: in process and over HTTP, alone and behind the layers
//! between a service and its callers.

mod broken;
mod people;

use crate::support::services::{Face, Way, user};
use async_trait::async_trait;
use http::StatusCode;
use nhs_pds::resilience::{Gateway, RateLimit, Retry, RetryPolicy, Retrying};
use nhs_pds::secret::RawBody;
use nhs_pds::trace::Tracer;
use nhs_pds::trace::conformance::{self, Trouble};
use nhs_pds::transport::http::{HttpConfig, HttpTransport};
use nhs_pds::transport::{Error, ErrorKind, Request, Response, Transport};
use nhs_pds_simulator::{Fault, Server, Simulator, When};
use people::population;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The layer between a service and its callers.
#[derive(Clone, Copy, Debug)]
enum Behind {
    Nothing,
    /// Retried behind the gateway, for a waiting user.
    RetryInFront,
    /// Retried behind the gateway, for the worker.
    RetryInTheBackground,
}

impl Behind {
    const ALL: [Self; 3] = [Self::Nothing, Self::RetryInFront, Self::RetryInTheBackground];

    fn put(self, tracer: Arc<dyn Tracer>) -> Arc<dyn Tracer> {
        let thousands = NonZeroU32::new(10_000).unwrap();
        let pace = RateLimit::per_second(thousands).with_burst(thousands).with_in_flight(thousands);
        let gate = |tracer| Gateway::new(tracer).with_rate_limit(pace);
        let tracer = match self {
            Self::Nothing => return tracer,
            Self::RetryInFront => gate(tracer).foreground(),
            Self::RetryInTheBackground => gate(tracer).background(),
        };
        let moment = Duration::from_millis(1);
        let policy = RetryPolicy::default().with_pauses(moment, moment);
        Arc::new(Retrying::new(tracer, Retry::new(policy)))
    }
}

/// To a simulator behind HTTP.
fn way_to(server: &Server, config: &HttpConfig) -> Way {
    Way {
        transport: Arc::new(HttpTransport::new(config).unwrap()),
        smsp: server.url(),
        #[cfg(feature = "fhir")]
        fhir: server.fhir_url(),
        #[cfg(feature = "fhir")]
        token: server.token_url(),
    }
}

async fn conforms(face: Face, tracer: Arc<dyn Tracer>, about: &str) {
    let (_, population) = population(face);
    let checked = conformance::check(tracer, &face.caller(), &user(), &population).await;
    checked.unwrap_or_else(|breach| panic!("{about}: {breach}: {breach:?}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_service_in_process_meets_the_contract() {
    for face in Face::ALL {
        for behind in [Behind::Nothing, Behind::RetryInTheBackground] {
            let simulator = Simulator::new(population(*face).0);
            let tracer = behind.put(face.in_process(&simulator));
            conforms(*face, tracer, &format!("{face:?} behind {behind:?}")).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_service_over_http_meets_the_contract() {
    for face in Face::ALL {
        for behind in [Behind::Nothing, Behind::RetryInFront] {
            let simulator = Simulator::new(population(*face).0);
            let server = Server::start(simulator.clone()).await.unwrap();
            let way = way_to(&server, &HttpConfig::new());
            let tracer = behind.put(face.client(&simulator, &way));
            conforms(*face, tracer, &format!("{face:?} over HTTP behind {behind:?}")).await;
        }
    }
}

/// A transport without a server.
#[derive(Debug)]
struct Nowhere(ErrorKind);

#[async_trait]
impl Transport for Nowhere {
    async fn send(&self, _: Request) -> Result<Response, Error> {
        Err(Error::new(self.0))
    }
}

/// The fault of the simulator; `None` for a fault of the transport.
fn fault(face: Face, trouble: Trouble) -> Option<Fault> {
    let status = |status, body: &str| Fault::Http {
        status,
        body: RawBody::from(body.to_owned().into_bytes()),
    };
    Some(match trouble {
        Trouble::Cut => Fault::Cut,
        Trouble::CutHalfWay => Fault::CutHalfWay,
        Trouble::Busy => status(StatusCode::TOO_MANY_REQUESTS, "slow down"),
        Trouble::Broken => status(StatusCode::SERVICE_UNAVAILABLE, "<html>broken</html>"),
        Trouble::Garbage => Fault::Garbage,
        Trouble::Empty => status(StatusCode::OK, ""),
        Trouble::Refused => status(StatusCode::FORBIDDEN, "who are you?"),
        Trouble::Rejected => face.rejection(),
        _ => return None,
    })
}

/// Retries take time.
#[tokio::test(start_paused = true)]
async fn every_service_in_process_returns_an_error_for_each_failure() {
    for face in Face::ALL.iter().copied() {
        let (register, population) = population(face);
        for behind in Behind::ALL {
            let in_trouble = async |trouble| {
                let simulator = Simulator::new(register.clone());
                let way = match (trouble, fault(face, trouble)) {
                    (_, Some(fault)) => {
                        simulator.add_fault(When::Always, fault);
                        Way::over(Arc::new(simulator.clone()))
                    }
                    (Trouble::Unreachable, None) => {
                        Way::over(Arc::new(Nowhere(ErrorKind::Connect)))
                    }
                    (Trouble::Late, None) => Way::over(Arc::new(Nowhere(ErrorKind::Timeout))),
                    (other, None) => panic!("{other:?}"),
                };
                Some(behind.put(face.client(&simulator, &way)))
            };
            let person = &population.ordinary;
            let checked =
                conformance::check_failing(in_trouble, &face.caller(), &user(), person).await;
            checked.unwrap_or_else(|breach| panic!("{face:?} behind {behind:?}: {breach:?}"));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_service_over_http_returns_an_error_for_each_failure() {
    for face in Face::ALL.iter().copied() {
        let (register, population) = population(face);
        // A server stops when it is dropped.
        let servers = Mutex::new(Vec::new());
        let in_trouble = async |trouble| {
            let simulator = Simulator::new(register.clone());
            let server = Server::start(simulator.clone()).await.unwrap();
            let mut config = HttpConfig::new();
            match fault(face, trouble) {
                Some(fault) => simulator.add_fault(When::Always, fault),
                None if trouble == Trouble::Late => {
                    config = config.with_total_timeout(Duration::from_millis(40));
                    simulator.add_fault(When::Always, Fault::Delay(Duration::from_secs(9)));
                }
                None => {}
            }
            let way = way_to(&server, &config);
            if trouble != Trouble::Unreachable {
                servers.lock().unwrap_or_else(PoisonError::into_inner).push(server);
            }
            Some(face.client(&simulator, &way))
        };
        let person = &population.ordinary;
        let checked = conformance::check_failing(in_trouble, &face.caller(), &user(), person).await;
        checked.unwrap_or_else(|breach| panic!("{face:?} over HTTP: {breach:?}"));
    }
}
