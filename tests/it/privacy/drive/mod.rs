//! Every operation, through every fault, while all output is recorded: logs and spans of every crate at
//! trace level, metrics, panics, `Debug` and errors, everything sent outside of bodies, and everything in
//! files outside of the columns meant for it.
//!
//! Excluded is output that a user requests and is responsible for: letters, exported caseloads, and an
//! auditor's queries and exports.

mod faults;
#[cfg(feature = "fhir")]
mod fhir;
mod files;
mod road;
mod work;

use crate::privacy::ears::{Ears, Meter};
use crate::privacy::person::{NEW_NUMBER, NUMBER};
use crate::privacy::samples::questions::{fetch, find, verify};
use crate::privacy::samples::simulator::registered;
use crate::privacy::samples::us;
use async_trait::async_trait;
use nhs_pds::clock::FixedClock;
use nhs_pds::demographics::Gender;
use nhs_pds::ids::CountingIds;
use nhs_pds::resilience::{
    self, CircuitBreaker, Gateway, RateLimit, Retry, RetryPolicy, Retrying, telemetry,
};
use nhs_pds::smsp::{Client, Config, PatientDetails};
use nhs_pds::trace::{Attended, Caller, MessageId, Mode, Question, Tracer, Unattended, User};
use nhs_pds::transport::{Error, Request, Response, Transport};
use nhs_pds_simulator::{Person, Register, Simulator};
use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

/// As Unix time, so that the test person's dates do not occur by chance.
const NOW: chrono::DateTime<chrono::Utc> =
    chrono::DateTime::from_timestamp(1_790_000_000, 0).unwrap();

#[test]
fn no_output_names_the_person() {
    let ears = Ears::open();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let meter = Meter;
    let said = metrics::with_local_recorder(&meter, || {
        ears.assert_open();
        runtime.block_on(async {
            telemetry::describe();
            let mut said = faults::in_process(&ears).await;
            said += &faults::over_http(&ears).await;
            said += &road::broken(&ears).await;
            said += &road::tls(&ears).await;
            #[cfg(feature = "fhir")]
            {
                said += &fhir::in_process(&ears).await;
                said += &fhir::over_http(&ears).await;
                said += &fhir::broken(&ears).await;
            }
            said + &work::done(&ears).await
        })
    });
    // All of this was recorded, so a value of the person would have been recorded too.
    for word in [
        "tracing: TRACE",
        "tracing: DEBUG request{",
        "attempt{",
        "pass:attempt{",
        "hyper_util::client",
        "log: DEBUG rustls::client",
        "log: TRACE reqwest",
        "queries are suspended",
        "nhs_pds_requests_total",
        "0 closed, 1 probing, 2 open",
        "panic: panicked at",
        "RecordType(redacted)",
    ] {
        assert!(said.contains(word), "{word} was not heard");
    }
}

/// The person, found and replaced.
fn register_of(person: Person) -> Register {
    let mut register = Register::default();
    let mut old = Person::new(NEW_NUMBER, "Else", Gender::Female, "1950-01-01".parse().unwrap());
    old.superseded_by = Some(NUMBER);
    register.insert(old).unwrap();
    register.insert(person).unwrap();
    register
}

fn simulator() -> Simulator {
    Simulator::new(register_of(registered()))
        .with_clock(Arc::new(FixedClock::at(NOW)))
        .with_ids(Arc::new(CountingIds::default()))
}

/// The simulator without its `Debug`, which shows the faults that a tester chose.
struct Chosen(Simulator);

impl fmt::Debug for Chosen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Chosen")
    }
}

#[async_trait]
impl Transport for Chosen {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        self.0.send(request).await
    }
}

fn client(endpoint: &str, transport: Arc<dyn Transport>) -> Client {
    Client::new(Config::new(endpoint.parse().unwrap(), us()), transport)
        .with_clock(Arc::new(FixedClock::at(NOW)))
        .with_ids(Arc::new(CountingIds::default()))
}

/// A gateway to the client that does not delay a test: its rate limit is high, two subjects suspend
/// queries, and a suspension lasts.
fn gate<T: Tracer + Clone + 'static>(client: &T) -> Gateway {
    let minute = Duration::from_secs(60);
    let circuit = CircuitBreaker::new(
        resilience::CircuitBreakerPolicy::default()
            .with_failures(NonZeroU32::MIN.saturating_add(1))
            .with_pauses(minute, minute),
    );
    Gateway::new(Arc::new(client.clone()))
        .with_rate_limit(RateLimit::per_second(NonZeroU32::MAX))
        .with_circuit_breaker(circuit.with_clock(Arc::new(FixedClock::at(NOW))))
}

fn retry() -> Retry {
    let soon = Duration::from_millis(1);
    Retry::new(RetryPolicy::default().with_pauses(soon, soon))
}

/// Makes every query in every way. Returns the number of answers.
async fn ask_everything(ears: &Ears, client: &Client) -> usize {
    let user = User::Local(us());
    let mut answers = operations::<Unattended>(ears, client, &Caller::System(us())).await;
    answers += operations::<Attended>(ears, client, &user).await;
    let gate = gate(client);
    let screens = Retrying::new(gate.foreground(), retry());
    for tracer in [&screens as &dyn Tracer, &*gate.background(), client] {
        answers += questions(ears, tracer).await;
    }
    ears.value(&(gate.status(), &gate, &screens, client));
    answers
}

async fn operations<M: Mode>(ears: &Ears, client: &Client, caller: &M::Caller) -> usize {
    let by_search = PatientDetails::<M>::by_search(&find());
    let by_number = PatientDetails::<M>::by_nhs_number(&fetch());
    let results = [
        client.verify_nhs_number::<M>(caller, &verify()).await,
        client.get_nhs_number::<M>(caller, &find()).await,
        client.get_patient_details_by_nhs_number::<M>(caller, &fetch()).await,
        client.get_patient_details_by_search::<M>(caller, &find()).await,
        client.get_patient_details(caller, &by_search).await,
        client.get_patient_details(caller, &by_number).await,
    ];
    results.iter().filter(|result| ears.result(result)).count()
}

async fn questions(ears: &Ears, tracer: &dyn Tracer) -> usize {
    let (system, user) = (Caller::System(us()), User::Local(us()));
    let id = || MessageId::fresh(&CountingIds::default());
    let mut answers = 0;
    for question in [Question::from(verify()), find().into(), fetch().into()] {
        answers += usize::from(ears.result(&tracer.trace(&system, &question, id()).await));
    }
    for question in [Question::<Attended>::from(verify()), find().into(), fetch().into()] {
        answers += usize::from(ears.result(&tracer.trace_attended(&user, &question, id()).await));
    }
    answers
}

/// The number of answers without faults.
const ALL_ANSWERS: usize = 2 * 6 + 3 * 6;
