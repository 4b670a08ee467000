use crate::trace::answer::{Answer, Exchange, Outcome};
use crate::trace::caller::{Caller, User};
use crate::trace::error::{Error, ErrorKind};
use crate::trace::message_id::MessageId;
use crate::trace::mode::Attended;
use crate::trace::question::Question;
use crate::trace::tracer::Tracer;
use async_trait::async_trait;
use chrono::DateTime;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// A tracer that returns prepared answers in order, for tests of the code that uses them.
///
/// ```
/// use nhs_pds::trace::{ErrorKind, Outcome, ScriptedTracer};
///
/// let tracer = ScriptedTracer::new([Ok(Outcome::None), Err(ErrorKind::Unavailable)]);
/// assert_eq!(tracer.left(), 2);
/// ```
///
/// After the last answer it returns [`ErrorKind::Unavailable`].
#[derive(Debug)]
pub struct ScriptedTracer {
    answers: Mutex<VecDeque<Result<Outcome, ErrorKind>>>,
    asked: Mutex<Vec<Question>>,
}

impl ScriptedTracer {
    /// Creates a tracer that returns `answers` in order.
    #[must_use]
    pub fn new(answers: impl IntoIterator<Item = Result<Outcome, ErrorKind>>) -> Self {
        Self { answers: Mutex::new(answers.into_iter().collect()), asked: Mutex::default() }
    }

    /// Returns how many answers are left.
    #[must_use]
    pub fn left(&self) -> usize {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Returns the unattended questions received so far.
    #[must_use]
    pub fn asked(&self) -> Vec<Question> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn answer(&self, id: MessageId) -> Result<Answer, Error> {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let exchange = Exchange::new("scripted", "trace", id.to_string(), DateTime::UNIX_EPOCH);
        match answers.pop_front() {
            Some(Ok(outcome)) => Ok(Answer::new(outcome, exchange)),
            Some(Err(kind)) => Err(Error::new(kind).with_exchange(exchange)),
            None => Err(Error::new(ErrorKind::Unavailable).with_exchange(exchange)),
        }
    }
}

#[async_trait]
impl Tracer for ScriptedTracer {
    async fn trace(&self, _: &Caller, question: &Question, id: MessageId) -> Result<Answer, Error> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(question.clone());
        self.answer(id)
    }

    async fn trace_attended(
        &self,
        _: &User,
        _: &Question<Attended>,
        id: MessageId,
    ) -> Result<Answer, Error> {
        self.answer(id)
    }
}
