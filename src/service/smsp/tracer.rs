use crate::service::error::{Error, ErrorKind};
use crate::service::smsp::client::Client;
use crate::service::smsp::request::Request;
use crate::trace::{
    self, Answer, Attended, Caller, MessageId, Mode, Question, ServiceStatus, Tracer, User,
};
use async_trait::async_trait;
use chrono::TimeDelta;

/// To verify, the client calls verifyNHSNumber; to fetch, getPatientDetailsByNHSNumber. To find, it
/// calls getPatientDetailsBySearch, not getNHSNumber, so that the person found can be compared with the
/// person searched for. It refuses a search of a [breadth](trace::Breadth) other than exact.
#[async_trait]
impl Tracer for Client {
    async fn trace(
        &self,
        caller: &Caller,
        question: &Question,
        id: MessageId,
    ) -> Result<Answer, trace::Error> {
        if let Question::Find(find) = question
            && !find.is_exact()
        {
            let action = trace::ErrorKind::Configuration;
            return Err(Error::new(ErrorKind::Breadth, action).into());
        }
        Ok(self.put(caller, question, id).await?)
    }

    async fn trace_attended(
        &self,
        user: &User,
        question: &Question<Attended>,
        id: MessageId,
    ) -> Result<Answer, trace::Error> {
        Ok(self.put(user, question, id).await?)
    }

    fn clock_skew(&self) -> Option<TimeDelta> {
        self.skew()
    }

    fn service_status(&self) -> ServiceStatus {
        let certificate_expires = self.certificate_expires();
        ServiceStatus { certificate_expires, ..ServiceStatus::default() }
    }
}

impl Client {
    async fn put<M: Mode>(
        &self,
        caller: &M::Caller,
        question: &Question<M>,
        id: MessageId,
    ) -> Result<Answer, Error> {
        let request = match question {
            Question::Verify(question) => Request::verify_nhs_number(question),
            Question::Find(question) => Request::get_patient_details_by_search(question),
            Question::Fetch(question) => Request::get_patient_details_by_nhs_number(question),
        };
        self.send(caller, &request, id).await
    }
}
