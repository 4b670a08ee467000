use crate::demographics::{Field, Gender};
use crate::matching::CrossCheck;
use crate::service::error::{Error, ErrorKind};
use crate::service::fhir::access::{Access, AccessMode, ApplicationRestricted, HealthcareWorker};
use crate::service::fhir::client::Client;
use crate::service::fhir::retrieval::{Received, Retrieval};
use crate::service::fhir::search::{Exact, Matching, Plain, Search};
use crate::service::fhir::verify::cross_check;
use crate::service::fhir::{DateRange, SearchError};
use crate::trace::{
    self, Answer, Attended, Caller, FindPerson, MessageId, Mode, Outcome, Question, Tracer, User,
    VerifyNumber,
};
use async_trait::async_trait;
use chrono::TimeDelta;

/// To verify and to fetch, the client retrieves the patient and [cross-checks](crate::service::fhir::cross_check)
/// the record itself, because the API compares nothing. To find, it searches.
///
/// * An unattended search is exact (`_exact-match`), with every criterion of the question. A match with
///   a score below 1 answers another request, and is rejected.
/// * An attended search may have wildcards. A partial date of birth is a range of days. Former names and
///   addresses match too (`_history`).
/// * A number is verified only against fields in the response. If the date of birth is withheld, the
///   number is not verified. To fetch such a record returns it without a verdict; the caller must
///   compare it with the known fields.
/// * If a number is superseded by the number of a person with a withheld date of birth, the new number
///   is reported as unknown. Nothing shows that either number is the person's. [`Client::retrieve`]
///   returns the new number.
/// * If a number is superseded, the new number is returned with its person if the cross-check agrees
///   with the new record. Otherwise the answer says only that the number is superseded.
/// * Gender narrows a search if it is male or female. A gender that is not known or not specified is not
///   sent.
/// * With application-restricted access the API returns at most one match. So several matches are
///   [`Outcome::Ambiguous`] without candidates.
/// * The API does not return the local identifier.
#[async_trait]
impl Tracer for Client {
    async fn trace(
        &self,
        caller: &Caller,
        question: &Question,
        id: MessageId,
    ) -> Result<Answer, trace::Error> {
        let answer = match question {
            Question::Verify(question) => self.verify(caller, question, id).await,
            Question::Fetch(question) => self.fetch(caller, question.verification(), id).await,
            Question::Find(question) if self.mode() == AccessMode::HealthcareWorker => {
                self.find(caller, exact::<HealthcareWorker>(question), id).await
            }
            Question::Find(question) => {
                self.find(caller, exact::<ApplicationRestricted>(question), id).await
            }
        };
        Ok(answer?)
    }

    async fn trace_attended(
        &self,
        user: &User,
        question: &Question<Attended>,
        id: MessageId,
    ) -> Result<Answer, trace::Error> {
        let caller = &Caller::User(user.clone());
        let answer = match question {
            Question::Verify(question) => self.verify(caller, question, id).await,
            Question::Fetch(question) => self.fetch(caller, question.verification(), id).await,
            Question::Find(question) if self.mode() == AccessMode::HealthcareWorker => {
                self.find(caller, plain::<HealthcareWorker>(question), id).await
            }
            Question::Find(question) => {
                self.find(caller, plain::<ApplicationRestricted>(question), id).await
            }
        };
        Ok(answer?)
    }

    fn clock_skew(&self) -> Option<TimeDelta> {
        self.skew()
    }
}

impl Client {
    async fn verify<M: Mode>(
        &self,
        caller: &Caller,
        question: &VerifyNumber<M>,
        id: MessageId,
    ) -> Result<Answer, Error> {
        self.checked(caller, question, id, |check| check == CrossCheck::Agrees).await
    }

    async fn fetch<M: Mode>(
        &self,
        caller: &Caller,
        question: &VerifyNumber<M>,
        id: MessageId,
    ) -> Result<Answer, Error> {
        self.checked(caller, question, id, |check| check != CrossCheck::Differs).await
    }

    /// The record with the number, if `good` accepts the result of the cross-check.
    async fn checked<M: Mode>(
        &self,
        caller: &Caller,
        question: &VerifyNumber<M>,
        id: MessageId,
        good: impl FnOnce(CrossCheck) -> bool + Send,
    ) -> Result<Answer, Error> {
        let received = self.retrieve_by(caller, question.nhs_number(), id).await?;
        let outcome = match &received.answer {
            Retrieval::Found(patient) if !good(cross_check(question, patient)) => {
                Some(Outcome::NotVerified)
            }
            // The service has not compared the old number with any field: a typing error may lead to any
            // person.
            Retrieval::Superseded(patient)
                if cross_check(question, patient) != CrossCheck::Agrees =>
            {
                Some(Outcome::Superseded { by: None, person: None })
            }
            retrieval => retrieval.outcome(),
        };
        answered(outcome, received.exchange)
    }

    async fn find<K: Matching, A: Access>(
        &self,
        caller: &Caller,
        search: Result<Search<K, A>, Error>,
        id: MessageId,
    ) -> Result<Answer, Error> {
        let Received { answer, exchange } = self.search_by(caller, &search?, id).await?;
        match answer.matches() {
            [only] if K::IS_EXACT && only.score.is_some_and(|score| score.value() < 1.0) => {
                let error = Error::new(ErrorKind::Mismatch, trace::ErrorKind::Unreadable);
                Err(error.with_exchange(exchange))
            }
            _ => answered(answer.outcome(), exchange),
        }
    }
}

/// The answer, unless the identifier of the person found is not an NHS Number.
fn answered(outcome: Option<Outcome>, exchange: trace::Exchange) -> Result<Answer, Error> {
    match outcome {
        Some(outcome) => Ok(Answer::new(outcome, exchange)),
        None => {
            let error = Error::new(ErrorKind::InvalidNumber, trace::ErrorKind::Unreadable);
            Err(error.with_exchange(exchange))
        }
    }
}

/// An unattended search: every criterion must agree exactly.
fn exact<A: Access>(question: &FindPerson) -> Result<Search<Exact, A>, Error> {
    let family = taken(question.family().clone().try_into(), Field::Family)?;
    let born = DateRange::on(question.date_of_birth());
    let mut search = of_gender(Search::exact(family, born), question.gender());
    if let Some(given) = question.given() {
        search = search.with_given(taken(given.clone().try_into(), Field::Given)?);
    }
    if let Some(postcode) = question.postcode() {
        search = search.with_postcode(*postcode);
    }
    Ok(search)
}

/// Narrows the search to `gender` if that is male or female. A gender that the caller does not know may
/// be recorded on PDS.
fn of_gender<K: Matching, A: Access>(search: Search<K, A>, gender: Gender) -> Search<K, A> {
    match gender {
        Gender::Male | Gender::Female => search.with_gender(gender),
        Gender::NotKnown | Gender::NotSpecified => search,
    }
}

/// An attended search: with wildcards, partial dates and former names.
fn plain<A: Access>(question: &FindPerson<Attended>) -> Result<Search<Plain, A>, Error> {
    let family = taken(question.family().clone().try_into(), Field::Family)?;
    let born = DateRange::within(question.date_of_birth());
    let mut search = of_gender(Search::plain(family, born), question.gender()).with_history();
    if let Some(given) = question.given() {
        search = search.with_given(taken(given.clone().try_into(), Field::Given)?);
    }
    if let Some(postcode) = question.postcode() {
        search = search.with_postcode(postcode.clone());
    }
    Ok(search)
}

/// The criterion; or an error if the API does not accept it, so that the data are corrected.
fn taken<T>(criterion: Result<T, SearchError>, field: Field) -> Result<T, Error> {
    criterion.map_err(|reason| {
        Error::new(ErrorKind::Criterion, trace::ErrorKind::Rejected)
            .with_field(field)
            .with_source(reason)
    })
}
