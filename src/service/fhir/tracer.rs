use crate::demographics::{Field, Gender};
use crate::matching::CrossCheck;
use crate::service::fhir::search::{Exact, Plain};
use crate::service::fhir::{
    Access, AccessMode, ApplicationRestricted, Client, DateRange, HealthcareWorker, Matching,
    Received, Retrieval, Search, SearchError, cross_check,
};
use crate::service::{Error, ErrorKind};
use crate::trace::{
    self, Answer, Attended, Caller, FindPerson, MessageId, Mode, Outcome, Question, Tracer, User,
    VerifyNumber,
};
use async_trait::async_trait;
use chrono::TimeDelta;

/// Verifying and fetching retrieve the patient and [cross-check](crate::service::fhir::cross_check) the record
/// here, since the API compares nothing; finding searches.
///
/// * Unattended, a search is exact (`_exact-match`), by everything that the question has. A match of a lesser
///   score than 1 answers something else, and is refused.
/// * Attended, wildcards may stand, a partial date of birth is a range of days, and former names and
///   addresses match too (`_history`).
/// * A number verifies only by what was returned: of somebody whose date of birth is withheld, nothing
///   is verified. Fetching such a record returns it without a word for or against; whoever fetched it
///   has to hold it against what is known.
/// * A number that was replaced by that of somebody whose date of birth is withheld is told as replaced
///   by an unknown one: nothing says that either is the person's. [`Client::retrieve`] tells which.
/// * A number that replaces the one that was asked about is told with its person if the cross-check agrees
///   with the new record; else it is told only that there is another.
/// * Gender narrows a search if it is male or female. One that is not known or not specified here is not
///   asked for.
/// * With application-restricted access the API tells one match at most, so several are
///   [`Outcome::Ambiguous`] without candidates.
/// * The API repeats no local identifier.
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

    /// What is held under the number, if the record is `good` enough by the cross-check.
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
            // Nobody has compared the old number with anything: a slip of the pen may have led to anybody.
            Retrieval::Superseded(patient)
                if cross_check(question, patient) != CrossCheck::Agrees =>
            {
                Some(Outcome::Superseded { by: None, person: None })
            }
            retrieval => retrieval.outcome(),
        };
        told(outcome, received.exchange)
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
            _ => told(answer.outcome(), exchange),
        }
    }
}

/// The answer, unless it is somebody whose identifier is no NHS Number.
fn told(outcome: Option<Outcome>, exchange: trace::Exchange) -> Result<Answer, Error> {
    match outcome {
        Some(outcome) => Ok(Answer::new(outcome, exchange)),
        None => {
            let error = Error::new(ErrorKind::InvalidNumber, trace::ErrorKind::Unreadable);
            Err(error.with_exchange(exchange))
        }
    }
}

/// Unattended: everything as it is held.
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

/// Among those of `gender`, if it is one that somebody has: one that is not known to who asks may be known
/// to PDS.
fn of_gender<K: Matching, A: Access>(search: Search<K, A>, gender: Gender) -> Search<K, A> {
    match gender {
        Gender::Male | Gender::Female => search.with_gender(gender),
        Gender::NotKnown | Gender::NotSpecified => search,
    }
}

/// Attended: with wildcards, partial dates and former names.
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

/// The criterion, unless the API does not take it, which is for the data to be corrected.
fn taken<T>(criterion: Result<T, SearchError>, field: Field) -> Result<T, Error> {
    criterion.map_err(|reason| {
        Error::new(ErrorKind::Criterion, trace::ErrorKind::Rejected)
            .with_field(field)
            .with_source(reason)
    })
}
