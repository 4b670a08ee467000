//! The cross-check trace of PDS, done here on the retrieved record: whether a number is the person's.

use crate::matching;
use crate::matching::CrossCheck;
use crate::service::fhir::patient::Patient;
use crate::trace::{Mode, VerifyNumber};

/// The result of a comparison of a question with a record.
///
/// Only fields of the question are compared. To compare more, compare the returned person with the
/// expected one, as [`difference`](crate::matching::difference) does.
///
/// ```
/// use nhs_pds::fhir::{Patient, cross_check};
/// use nhs_pds::matching::CrossCheck;
/// use nhs_pds::trace::VerifyNumber;
///
/// let json = br#"{"resourceType": "Patient", "id": "9000000009", "birthDate": "2010-10-22",
///     "name": [{"use": "usual", "given": ["Jane"], "family": "Smith"},
///              {"use": "maiden", "given": ["Jane"], "family": "O'Brien"}]}"#;
/// let patient = Patient::decode(json)?;
/// let question = VerifyNumber::new("9000000009".parse()?, "2010-10-22".parse()?);
/// assert_eq!(cross_check(&question, &patient), CrossCheck::Agrees);
/// let maiden = question.clone().with_family("o'brien".parse()?);
/// assert_eq!(cross_check(&maiden, &patient), CrossCheck::Agrees);
/// let another = question.with_family("Jones".parse()?);
/// assert_eq!(cross_check(&another, &patient), CrossCheck::Differs);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn cross_check<M: Mode>(question: &VerifyNumber<M>, patient: &Patient) -> CrossCheck {
    matching::cross_check(question, &patient.date_of_birth, &patient.names, patient.usual_name())
}
