//! A service under a test's control: its answers, its delays, and its record of queries.

use async_trait::async_trait;
use nhs_pds::case::{Allocation, Case, RecordType};
use nhs_pds::demographics::Gender;
use nhs_pds::trace::{
    Answer, Attended, Caller, Error, ErrorKind, Exchange, FetchDetails, LocalIdentifier,
    LocalIdentity, MessageId, Outcome, Question, Tracer, User, VerifyNumber,
};
use nhs_pds::{NhsNumber, ids::RandomIds};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// The answer to the query at this position, counted from zero.
type Script = dyn Fn(usize) -> Result<Outcome, Error> + Send + Sync;

pub(crate) struct Service {
    script: Box<Script>,
    takes: Duration,
    asked: Mutex<Vec<(Instant, MessageId)>>,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Service")
    }
}

impl Service {
    pub(crate) fn new(
        script: impl Fn(usize) -> Result<Outcome, Error> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Self::slow(Duration::ZERO, script)
    }

    pub(crate) fn slow(
        takes: Duration,
        script: impl Fn(usize) -> Result<Outcome, Error> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self { script: Box::new(script), takes, asked: Mutex::default() })
    }

    /// Fails this often, and then answers that there is no match.
    pub(crate) fn failing(times: usize) -> Arc<Self> {
        Self::new(move |count| if count < times { Err(unavailable()) } else { Ok(Outcome::None) })
    }

    pub(crate) fn asked(&self) -> Vec<(Instant, MessageId)> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.asked().len()
    }

    async fn answer(&self, id: MessageId) -> Result<Answer, Error> {
        let count = {
            let mut asked = self.asked.lock().unwrap();
            asked.push((Instant::now(), id));
            asked.len() - 1
        };
        tokio::time::sleep(self.takes).await;
        let at = chrono::DateTime::UNIX_EPOCH;
        let exchange = Exchange::new("test", "trace", id.to_string(), at).with_code("TEST-1");
        match (self.script)(count) {
            Ok(outcome) => Ok(Answer::new(outcome, exchange)),
            Err(error) => Err(error.with_exchange(exchange)),
        }
    }
}

#[async_trait]
impl Tracer for Service {
    async fn trace(&self, _: &Caller, _: &Question, id: MessageId) -> Result<Answer, Error> {
        self.answer(id).await
    }

    async fn trace_attended(
        &self,
        _: &User,
        _: &Question<Attended>,
        id: MessageId,
    ) -> Result<Answer, Error> {
        self.answer(id).await
    }
}

pub(crate) fn unavailable() -> Error {
    Error::new(ErrorKind::Unavailable)
}

pub(crate) fn us() -> Caller {
    Caller::System(LocalIdentity::new("RHM".parse().unwrap(), "get-nhs-number").unwrap())
}

pub(crate) fn question() -> Question {
    let number = NhsNumber::constant(9_449_304_424);
    VerifyNumber::new(number, "1943-05-19".parse().unwrap()).into()
}

/// A query about the case at this place.
pub(crate) fn question_about(place: usize) -> Question {
    let number = NhsNumber::constant(9_449_304_424);
    let case = LocalIdentifier::new(LocalIdentifier::LOCAL_PATIENT_ROOT, &format!("RXX:{place}"));
    FetchDetails::new(number, "1943-05-19".parse().unwrap())
        .with_local_identifier(case.unwrap())
        .into()
}

/// Sends a query about the case at this place with a new message id.
pub(crate) async fn ask_about(tracer: &dyn Tracer, place: usize) -> Result<Answer, Error> {
    tracer.trace(&us(), &question_about(place), MessageId::fresh(&RandomIds)).await
}

/// Sends a query about one person, with a new message id.
pub(crate) async fn ask(tracer: &dyn Tracer) -> Result<Answer, Error> {
    tracer.trace(&us(), &question(), MessageId::fresh(&RandomIds)).await
}

/// An eligible case.
pub(crate) fn case(text: &str) -> Case {
    let mut case = Case::new(text.parse().unwrap(), RecordType::AdultCase);
    case.surname = Some("Aindow".into());
    (case.forename, case.postcode) = (Some("Comfort".into()), Some("KT17 1NA".into()));
    case.date_of_birth = Some("1943-05-19".parse().unwrap());
    case.gender = Some(Gender::Female);
    case.allocations = vec![Allocation::new("A Worker")];
    case
}
