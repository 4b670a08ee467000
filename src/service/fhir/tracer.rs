use crate::demographics::{Field, FullDate, Gender};
use crate::matching::CrossCheck;
use crate::service::error::{Error, ErrorKind};
use crate::service::fhir::access::{Access, AccessMode, ApplicationRestricted, HealthcareWorker};
use crate::service::fhir::client::Client;
use crate::service::fhir::retrieval::{Received, Retrieval};
use crate::service::fhir::search::{Exact, Fuzzy, Matching, Plain, Search};
use crate::service::fhir::verify::cross_check;
use crate::service::fhir::{DateRange, SearchError, SearchName};
use crate::trace::{
    self, Answer, Attended, Breadth, Caller, FindPerson, MessageId, Mode, Outcome, Question,
    ServiceStatus, Tracer, User, VerifyNumber,
};
use async_trait::async_trait;
use chrono::{Months, TimeDelta};

/// To verify and to fetch, the client retrieves the patient and [cross-checks](crate::service::fhir::cross_check)
/// the record itself, because the API compares nothing. To find, it searches.
///
/// * An unattended search of the breadth [`Exact`](Breadth::Exact) is exact (`_exact-match`), with every
///   criterion of the question. A match with a score below 1 answers another request, and is rejected.
///   [`History`](Breadth::History) adds `_history`, [`Wildcard`](Breadth::Wildcard) also shortens the given name
///   and the postcode, and [`Fuzzy`](Breadth::Fuzzy) is `_fuzzy-match`.
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
                self.find_unattended::<HealthcareWorker>(caller, question, id).await
            }
            Question::Find(question) => {
                self.find_unattended::<ApplicationRestricted>(caller, question, id).await
            }
        };
        Ok(answer?)
    }

    /// The API has every kind of search.
    fn permits(&self, _: Breadth) -> bool {
        true
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

    fn serves_users(&self) -> bool {
        self.mode() == AccessMode::HealthcareWorker
    }

    fn clock_skew(&self) -> Option<TimeDelta> {
        self.service_clock.latest()
    }

    fn service_status(&self) -> ServiceStatus {
        let certificate_expires = self.transport.certificate_expires();
        let key_id = self.authorisation.key_id();
        ServiceStatus { certificate_expires, key_id, ..ServiceStatus::default() }
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

    async fn find_unattended<A: Access>(
        &self,
        caller: &Caller,
        question: &FindPerson,
        id: MessageId,
    ) -> Result<Answer, Error> {
        match question.breadth() {
            Breadth::Exact if question.is_exact() => {
                self.find(caller, exact::<A>(question), id).await
            }
            Breadth::Fuzzy => self.find(caller, fuzzy::<A>(question), id).await,
            Breadth::Exact | Breadth::History | Breadth::Wildcard => {
                self.find(caller, broad::<A>(question), id).await
            }
        }
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

/// An unattended search that is neither exact nor fuzzy.
fn broad<A: Access>(question: &FindPerson) -> Result<Search<Plain, A>, Error> {
    let wild = question.breadth() == Breadth::Wildcard;
    let family: SearchName = taken(question.family().clone().try_into(), Field::Family)?;
    let born = born(question)?;
    let mut search = of_gender(Search::plain(family.into(), born), question.gender());
    if question.breadth() != Breadth::Exact {
        search = search.with_history();
    }
    if let Some(given) = question.given() {
        let name: SearchName = taken(given.clone().try_into(), Field::Given)?;
        let start: String = name.as_str().chars().take(SHORTENED).collect();
        let pattern = match wild && start.len() < name.as_str().len() {
            true => taken(format!("{start}*").parse(), Field::Given)?,
            false => name.into(),
        };
        search = search.with_given(pattern);
    }
    if let Some(postcode) = question.postcode() {
        let whole = postcode.to_string();
        let area: String = whole.chars().take(2).collect();
        let pattern = if wild { format!("{area}*") } else { whole };
        let pattern = pattern.parse().map_err(SearchError::from);
        search = search.with_postcode(taken(pattern, Field::Postcode)?);
    }
    Ok(search)
}

/// How many letters of a given name a wildcard search sends, as the API advises.
const SHORTENED: usize = 3;

/// A fuzzy search, by one of the three combinations of criteria that the API accepts.
fn fuzzy<A: Access>(question: &FindPerson) -> Result<Search<Fuzzy, A>, Error> {
    let family = taken(question.family().clone().try_into(), Field::Family)?;
    let born = born(question)?;
    let mut search = match question.given() {
        Some(given) => {
            let given = taken(given.clone().try_into(), Field::Given)?;
            of_gender(Search::fuzzy(given, family, born), question.gender())
        }
        None => {
            let postcode = question.postcode().copied().ok_or_else(|| {
                let error = Error::new(ErrorKind::Criterion, trace::ErrorKind::Rejected);
                error.with_field(Field::Postcode)
            })?;
            return Ok(Search::fuzzy_by_family(family, born, question.gender(), postcode.into()));
        }
    };
    if let Some(postcode) = question.postcode() {
        search = search.with_postcode((*postcode).into());
    }
    Ok(search)
}

/// The date of birth of the question, or the range of days around it.
fn born(question: &FindPerson) -> Result<DateRange, Error> {
    let day = question.date_of_birth();
    if question.birth_years() == 0 {
        return Ok(DateRange::on(day));
    }
    let years = Months::new(12 * u32::from(question.birth_years()));
    let (first, last) = (day.date() - years, day.date() + years);
    match (FullDate::try_from(first), FullDate::try_from(last)) {
        (Ok(first), Ok(last)) => taken(DateRange::between(first, last), Field::DateOfBirth),
        _ => Ok(DateRange::on(day)),
    }
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
