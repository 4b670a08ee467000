use crate::smsp::{Client, Error};
use crate::trace::{self, Answer, Attended, Caller, Mode, Question, Tracer, User};
use async_trait::async_trait;

/// Verifying asks verifyNHSNumber, fetching getPatientDetailsByNHSNumber, and finding
/// getPatientDetailsBySearch rather than getNHSNumber, so that the person who was found can be held
/// against the person who was asked for.
#[async_trait]
impl Tracer for Client {
    async fn trace(&self, caller: &Caller, question: &Question) -> Result<Answer, trace::Error> {
        Ok(self.put(caller, question).await?)
    }

    async fn trace_attended(
        &self,
        user: &User,
        question: &Question<Attended>,
    ) -> Result<Answer, trace::Error> {
        Ok(self.put(user, question).await?)
    }
}

impl Client {
    async fn put<M: Mode>(
        &self,
        caller: &M::Caller,
        question: &Question<M>,
    ) -> Result<Answer, Error> {
        match question {
            Question::Verify(question) => self.verify_nhs_number(caller, question).await,
            Question::Find(question) => self.get_patient_details_by_search(caller, question).await,
            Question::Fetch(question) => {
                self.get_patient_details_by_nhs_number(caller, question).await
            }
        }
    }
}

impl From<Error> for trace::Error {
    fn from(error: Error) -> Self {
        let same = Self::new(error.action());
        match error.exchange().cloned() {
            Some(exchange) => same.with_exchange(exchange).with_source(error),
            None => same.with_source(error),
        }
    }
}
