use crate::clock::Clock;
use crate::demographics::{Gender, PartialDate, redacted_debug};
use crate::ids::Ids;
use crate::nhs_number::NhsNumber;
use crate::service::smsp::operation::Operation;
use crate::trace::{
    FetchDetails, FindPerson, LocalIdentifier, MessageId, Mode, NamePattern, Unattended,
    VerifyNumber,
};
use chrono::{DateTime, Utc};
use std::marker::PhantomData;
use uuid::Uuid;

/// A request for one of the five operations. The question it is built from has only criteria that the
/// operation permits.
///
/// It keeps the mode of the question, so that a wildcard cannot be sent with the identity of a system.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Request<M: Mode = Unattended> {
    operation: Operation,
    parameters: Parameters,
    mode: PhantomData<M>,
}

/// The criteria that a request may have. The constructors of [`Request`] set those that the operation
/// accepts.
#[derive(Clone, Eq, PartialEq)]
pub(in crate::service::smsp) struct Parameters {
    pub(in crate::service::smsp) date_of_birth: PartialDate,
    pub(in crate::service::smsp) gender: Option<Gender>,
    pub(in crate::service::smsp) local_identifier: Option<LocalIdentifier>,
    pub(in crate::service::smsp) nhs_number: Option<NhsNumber>,
    pub(in crate::service::smsp) given: Option<NamePattern>,
    pub(in crate::service::smsp) family: Option<NamePattern>,
    pub(in crate::service::smsp) postcode: Option<String>,
}

redacted_debug!(Parameters);

impl Parameters {
    const fn born(date_of_birth: PartialDate) -> Self {
        Self {
            date_of_birth,
            gender: None,
            local_identifier: None,
            nhs_number: None,
            given: None,
            family: None,
            postcode: None,
        }
    }

    fn search<M: Mode>(question: &FindPerson<M>) -> Self {
        Self {
            gender: Some(question.gender()),
            local_identifier: question.local_identifier().cloned(),
            given: question.given().cloned().map(Into::into),
            family: Some(question.family().clone().into()),
            postcode: question.postcode().map(ToString::to_string),
            ..Self::born(question.date_of_birth().into())
        }
    }

    fn fetch<M: Mode>(question: &FetchDetails<M>) -> Self {
        Self {
            local_identifier: question.local_identifier().cloned(),
            nhs_number: Some(question.nhs_number()),
            given: question.given().cloned().map(Into::into),
            family: question.family().cloned().map(Into::into),
            ..Self::born(question.date_of_birth().into())
        }
    }
}

impl<M: Mode> Request<M> {
    const fn new(operation: Operation, parameters: Parameters) -> Self {
        Self { operation, parameters, mode: PhantomData }
    }

    /// verifyNHSNumber.
    #[must_use]
    pub fn verify_nhs_number(question: &VerifyNumber<M>) -> Self {
        let parameters = Parameters {
            nhs_number: Some(question.nhs_number()),
            given: question.given().cloned().map(Into::into),
            family: question.family().cloned().map(Into::into),
            ..Parameters::born(question.date_of_birth().into())
        };
        Self::new(Operation::VerifyNhsNumber, parameters)
    }

    /// getNHSNumber.
    #[must_use]
    pub fn get_nhs_number(question: &FindPerson<M>) -> Self {
        Self::new(Operation::GetNhsNumber, Parameters::search(question))
    }

    /// getPatientDetailsByNHSNumber.
    #[must_use]
    pub fn get_patient_details_by_nhs_number(question: &FetchDetails<M>) -> Self {
        Self::new(Operation::GetPatientDetailsByNhsNumber, Parameters::fetch(question))
    }

    /// getPatientDetailsBySearch.
    #[must_use]
    pub fn get_patient_details_by_search(question: &FindPerson<M>) -> Self {
        Self::new(Operation::GetPatientDetailsBySearch, Parameters::search(question))
    }

    /// getPatientDetails.
    #[must_use]
    pub fn get_patient_details(question: &PatientDetails<M>) -> Self {
        Self::new(Operation::GetPatientDetails, question.parameters.clone())
    }

    /// The operation.
    #[must_use]
    pub const fn operation(&self) -> Operation {
        self.operation
    }

    pub(in crate::service::smsp) const fn parameters(&self) -> &Parameters {
        &self.parameters
    }
}

/// A question for getPatientDetails. With a number, the operation returns the details recorded under it;
/// without one, it searches.
///
/// A date of birth alone finds no person, so a question starts from one of the two pairs that do. All
/// six parameters may be sent together.
///
/// ```
/// use nhs_pds::demographics::Gender;
/// use nhs_pds::smsp::{PatientDetails, Request};
/// use nhs_pds::trace::FetchDetails;
///
/// let fetch = FetchDetails::new("943 476 5919".parse()?, "19840229".parse()?)
///     .with_family("Smith".parse()?);
/// let question = PatientDetails::by_nhs_number(&fetch)
///     .with_gender(Gender::Female)
///     .with_postcode("KT17 1NA".parse()?);
/// assert_eq!(Request::get_patient_details(&question).operation().as_str(), "getPatientDetails");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PatientDetails<M: Mode = Unattended> {
    parameters: Parameters,
    mode: PhantomData<M>,
}

impl<M: Mode> PatientDetails<M> {
    /// Requests the details recorded under a number.
    #[must_use]
    pub fn by_nhs_number(question: &FetchDetails<M>) -> Self {
        Self { parameters: Parameters::fetch(question), mode: PhantomData }
    }

    /// Requests the details of the person with these demographic fields.
    #[must_use]
    pub fn by_search(question: &FindPerson<M>) -> Self {
        Self { parameters: Parameters::search(question), mode: PhantomData }
    }

    /// Adds the gender, or replaces it.
    #[must_use]
    pub const fn with_gender(mut self, gender: Gender) -> Self {
        self.parameters.gender = Some(gender);
        self
    }

    /// Adds the postcode, or replaces it.
    #[must_use]
    pub fn with_postcode(mut self, postcode: M::Postcode) -> Self {
        self.parameters.postcode = Some(postcode.to_string());
        self
    }
}

/// The parts that must be new in every message: its identifiers and its time.
///
/// A repeated message needs a new stamp: a provider refuses a stamp that it has received before.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Stamp {
    /// `wsa:MessageID`.
    pub message_id: Uuid,
    /// The envelope's `trackingid`.
    pub tracking_id: Uuid,
    /// The identifier that links the payload to its line in the manifest.
    pub payload_id: Uuid,
    /// The `id` of the HL7 message.
    pub hl7_id: Uuid,
    /// `wsu:Created`.
    pub created: DateTime<Utc>,
}

impl Stamp {
    /// A stamp with the present time.
    #[must_use]
    pub fn fresh(clock: &dyn Clock, ids: &dyn Ids) -> Self {
        Self::of(MessageId::fresh(ids), clock, ids)
    }

    /// A stamp with the present time, for the message `id`.
    #[must_use]
    pub fn of(id: MessageId, clock: &dyn Clock, ids: &dyn Ids) -> Self {
        Self {
            message_id: id.uuid(),
            tracking_id: ids.next(),
            payload_id: ids.next(),
            hl7_id: ids.next(),
            created: clock.now(),
        }
    }
}
