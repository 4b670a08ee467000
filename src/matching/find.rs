use crate::matching::criteria::Criteria;
use crate::matching::finding::{Compared, compared};
use crate::nhs_number::NhsNumber;
use crate::trace::{Caller, Error, FetchDetails, FindPerson, MessageId, Tracer};

/// Searches for `person`, and compares the response with `person`.
///
/// Sends one request, which carries `message_id`, and writes nothing. For a
/// [`Finding::Verified`](crate::matching::Finding::Verified), `person` needs a given name and a
/// postcode: they distinguish a person from a twin or a namesake. A `ZZ99` pseudo-postcode is not
/// sent, and is not evidence.
///
/// ```
/// use nhs_pds::demographics::{Demographics, Gender, PersonName, Recorded};
/// use nhs_pds::ids::RandomIds;
/// use nhs_pds::matching::{Finding, find};
/// use nhs_pds::trace::{Caller, FindPerson, LocalIdentity, Match, MessageId, Outcome, ScriptedTracer};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let person = FindPerson::new("Smith".parse()?, Gender::Female, "1984-02-29".parse()?)
///     .with_given("Ann".parse()?)
///     .with_postcode("KT17 1NA".parse()?);
/// let caller = Caller::System(LocalIdentity::new("RXX".parse()?, "nightly-job")?);
///
/// // In place of a service: the first response is her twin, the second is the person.
/// let found = |given: &str| -> Result<Outcome, Box<dyn std::error::Error>> {
///     let mut recorded = Demographics::default();
///     recorded.name = Some(PersonName::new(given, "SMITH"));
///     recorded.gender = Recorded::Known(Gender::Female);
///     recorded.date_of_birth = Recorded::Known("1984-02-29".parse()?);
///     Ok(Outcome::Found(Box::new(Match::new("9000000009".parse()?).with_person(recorded))))
/// };
/// let service = ScriptedTracer::new([Ok(found("JOY")?), Ok(found("ANN")?)]);
///
/// for _ in 0..2 {
///     let compared = find(&service, &caller, &person, MessageId::fresh(&RandomIds)).await?;
///     match compared.finding {
///         Finding::Verified(verified) => {
///             assert_eq!(verified.nhs_number.to_string(), "900 000 0009"); // as people read it
///             assert_eq!(verified.nhs_number.digits().as_str(), "9000000009"); // as systems keep it
///         }
///         Finding::DifferentPerson { differs, .. } => assert_eq!(differs.as_str(), "given"),
///         other => panic!("{other:?}"),
///     }
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// As for [`Tracer::trace`]: only when there was no response.
pub async fn find(
    tracer: &dyn Tracer,
    caller: &Caller,
    person: &FindPerson,
    message_id: MessageId,
) -> Result<Compared, Error> {
    let postcode = person.postcode().filter(|postcode| !postcode.is_pseudo());
    let mut question =
        FindPerson::new(person.family().clone(), person.gender(), person.date_of_birth());
    if let Some(given) = person.given() {
        question = question.with_given(given.clone());
    }
    if let Some(postcode) = postcode {
        question = question.with_postcode(*postcode);
    }
    if let Some(local_identifier) = person.local_identifier() {
        question = question.with_local_identifier(local_identifier.clone());
    }
    let asked = asked(&question);
    let answer = tracer.trace(caller, &question.into(), message_id).await?;
    Ok(compared(&asked, answer))
}

/// Checks whether `nhs_number` is the number of `person`, and compares the response with `person`.
///
/// `nhs_number` must come from another source, such as a letter from a GP practice: it is then
/// independent evidence. A number that a search has returned is not. Sends one request, which
/// carries `message_id`, the number, the family name and the date of birth, and writes nothing. A
/// different postcode is not a reason against the number, because people move.
///
/// # Errors
///
/// As for [`Tracer::trace`]: only when there was no response.
pub async fn verify(
    tracer: &dyn Tracer,
    caller: &Caller,
    nhs_number: NhsNumber,
    person: &FindPerson,
    message_id: MessageId,
) -> Result<Compared, Error> {
    let mut question =
        FetchDetails::new(nhs_number, person.date_of_birth()).with_family(person.family().clone());
    if let Some(local_identifier) = person.local_identifier() {
        question = question.with_local_identifier(local_identifier.clone());
    }
    let mut asked = asked(person);
    asked.nhs_number = Some(nhs_number);
    let answer = tracer.trace(caller, &question.into(), message_id).await?;
    Ok(compared(&asked, answer))
}

fn asked(person: &FindPerson) -> Criteria {
    let mut asked = Criteria::new(person.family().as_str(), person.date_of_birth());
    asked.given = person.given().map(|given| given.as_str().to_owned());
    asked.gender = Some(person.gender());
    asked.postcode = person.postcode().copied();
    asked
}
