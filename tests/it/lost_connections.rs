//! A server that closes reused connections just when they are used again.

use crate::support::one_question;
use crate::support::service::case;
use crate::support::services::{Face, Way};
use async_trait::async_trait;
use nhs_pds::audit::{AuditLog, EventKind, Filter, MemoryLog};
use nhs_pds::case::{CaseStore, MemoryStore};
use nhs_pds::process::alert::MemoryAlerts;
use nhs_pds::process::store::Joined;
use nhs_pds::process::{Settings, TraceResult, Worker};
use nhs_pds::resilience::{Gateway, RateLimit, Retry, RetryPolicy};
use nhs_pds::trace::{Answer, Attended, Caller, Error, MessageId, Question, Tracer, User};
use nhs_pds::transport::http::{HttpConfig, HttpTransport};
use nhs_pds::transport::{ErrorKind, Request, Transport};
use nhs_pds_simulator::{Register, Server, Simulator};
use std::collections::HashSet;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A proxy in front of a server.
struct Middle {
    address: String,
    /// The number of requests, dropped ones included.
    requests: Arc<AtomicUsize>,
    /// The bodies of the requests.
    bodies: Arc<Mutex<Vec<String>>>,
}

impl Middle {
    /// Passes requests on to `server`. Closes the connection instead for those that `drops` selects, by
    /// their position among all requests and on their connection, both from 1.
    async fn before(server: String, drops: fn(usize, usize) -> bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (requests, bodies) =
            (Arc::new(AtomicUsize::new(0)), Arc::<Mutex<Vec<String>>>::default());
        let (count, kept) = (Arc::clone(&requests), Arc::clone(&bodies));
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let (server, count, kept) = (server.clone(), Arc::clone(&count), Arc::clone(&kept));
                tokio::spawn(async move {
                    for here in 1.. {
                        let Some(request) = message(&mut client).await else { return };
                        let all = count.fetch_add(1, Ordering::SeqCst) + 1;
                        kept.lock().unwrap().push(String::from_utf8_lossy(&request).into_owned());
                        if drops(all, here) {
                            return;
                        }
                        let mut server = TcpStream::connect(&server).await.unwrap();
                        server.write_all(&request).await.unwrap();
                        let response = message(&mut server).await.unwrap();
                        client.write_all(&response).await.unwrap();
                    }
                });
            }
        });
        Self { address, requests, bodies }
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

/// A whole HTTP message with a body of a stated length; `None` at the end of the connection.
async fn message(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        let head = bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|end| end + 4);
        if let Some(head) = head {
            let text = String::from_utf8_lossy(bytes.get(..head)?).to_lowercase();
            let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
            let length = length.map_or(0, |length| length.trim().parse::<usize>().unwrap());
            if bytes.len() >= head + length {
                return Some(bytes);
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

fn transport() -> HttpTransport {
    HttpTransport::new(&HttpConfig::new()).unwrap()
}

/// No retries but the free one.
fn without_budget() -> Retry {
    Retry::new(RetryPolicy::default().with_budget(0, 0).with_attempts(NonZeroU32::MIN))
}

/// Passes on an answer only after its connection can be used again. Else the next question may open
/// another one, whose loss is not that of a reused connection.
#[derive(Debug)]
struct Unhurried(Arc<dyn Tracer>);

#[async_trait]
impl Tracer for Unhurried {
    async fn trace(
        &self,
        caller: &Caller,
        question: &Question,
        id: MessageId,
    ) -> Result<Answer, Error> {
        let answer = self.0.trace(caller, question, id).await;
        if answer.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        answer
    }

    async fn trace_attended(
        &self,
        user: &User,
        question: &Question<Attended>,
        id: MessageId,
    ) -> Result<Answer, Error> {
        self.0.trace_attended(user, question, id).await
    }
}

/// A worker over 47 cases that are not on PDS, with its store, trail and service.
async fn worker(tracer: Arc<dyn Tracer>, retry: Retry) -> (Worker, Arc<MemoryLog>) {
    let tracer = Arc::new(Unhurried(tracer));
    let store = Arc::new(MemoryStore::new());
    store.insert_all((10..57).map(|n| case(&format!("RXX:{n}"))).collect()).await.unwrap();
    let audit = Arc::new(MemoryLog::new());
    let log = Arc::clone(&audit) as Arc<dyn AuditLog>;
    let often = NonZeroU32::new(10_000).unwrap();
    let gate = Gateway::new(tracer).with_rate_limit(RateLimit::per_second(often).with_burst(often));
    let caller = Face::Smsp.caller();
    let worker = Worker::new(
        gate.background(),
        Arc::new(Joined::new(store, log, Arc::new(MemoryAlerts::default()))),
        Settings::new(caller).with_policy(one_question()).with_retry(retry),
    );
    (worker, audit)
}

async fn unattended(
    face: Face,
    drops: fn(usize, usize) -> bool,
) -> (Middle, Arc<dyn Tracer>, Server) {
    let simulator = Simulator::new(Register::default());
    let server = Server::start(simulator.clone()).await.unwrap();
    let host = server.url().strip_prefix("http://").unwrap().split('/').next().unwrap().to_owned();
    let middle = Middle::before(host.clone(), drops).await;
    let through = |url: String| url.replace(&host, &middle.address);
    let way = Way {
        transport: Arc::new(transport()),
        smsp: through(server.url()),
        #[cfg(feature = "fhir")]
        fhir: through(server.fhir_url()),
        // The token endpoint is queried directly: only queries are lost here.
        #[cfg(feature = "fhir")]
        token: server.token_url(),
    };
    let client = face.client(&simulator, &way);
    (middle, client, server)
}

#[tokio::test]
async fn every_case_is_answered_when_a_server_drops_every_second_request() {
    for &face in Face::UNATTENDED {
        for retry in [Retry::new(RetryPolicy::default()), without_budget()] {
            let (middle, client, _server) = unattended(face, |all, _| all % 2 == 0).await;
            let (worker, audit) = worker(client, retry).await;
            let report = worker.run_once(&mut |_| ()).await.unwrap();
            assert_eq!(report.results.get(&TraceResult::None), Some(&47), "{face:?} {report:?}");
            assert_eq!(middle.requests(), 47 + 46);

            let sent = Filter::new().with_kind(EventKind::MessageSent);
            let events = audit.page(&sent, 0, 1_000).await.unwrap();
            let repeats = events.iter().flat_map(|event| &event.details);
            let repeats = repeats.filter(|(key, _)| key == "repeats").count();
            assert_eq!((events.len(), repeats), (47 + 46, 46), "each message is on record");
        }
    }
}

#[tokio::test]
async fn a_retry_over_smsp_has_a_new_message_id() {
    let (middle, client, _server) = unattended(Face::Smsp, |_, here| here == 2).await;
    let (worker, _) = worker(client, without_budget()).await;
    worker.run_once(&mut |_| ()).await.unwrap();
    let bodies = middle.bodies.lock().unwrap();
    let id = |body: &String| {
        let from = body.find("MessageID>").unwrap() + "MessageID>".len();
        body.get(from..).unwrap().split('<').next().unwrap().to_owned()
    };
    let ids: HashSet<String> = bodies.iter().map(id).collect();
    assert_eq!(ids.len(), middle.requests());
}

#[tokio::test]
async fn a_request_lost_on_a_new_connection_is_an_interruption() {
    let middle = Middle::before(String::new(), |_, _| true).await;
    let url = format!("http://{}/", middle.address);
    for _ in 0..3 {
        let error = transport().send(Request::get(url.parse().unwrap())).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Interrupted);
    }
}

#[tokio::test]
async fn the_transport_says_that_the_connection_was_kept() {
    let server = Server::start(Simulator::new(Register::default())).await.unwrap();
    let host = server.url().strip_prefix("http://").unwrap().split('/').next().unwrap().to_owned();
    let middle = Middle::before(host, |_, here| here == 2).await;
    let transport = transport();
    let url: url::Url = format!("http://{}/", middle.address).parse().unwrap();
    let mut lost = 0;
    // A connection that is not yet back in the pool is not reused; a new one responds.
    while lost < 3 && middle.requests() < 1_000 {
        let Err(error) = transport.send(Request::get(url.clone())).await else { continue };
        assert_eq!(error.kind(), ErrorKind::KeptConnectionClosed);
        let words = "the server closed a reused connection before any response";
        assert_eq!(error.to_string(), words);
        assert!(error.kind().is_transient() && !error.kind().is_configuration());
        lost += 1;
    }
    assert_eq!(lost, 3);
}
