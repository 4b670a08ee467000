//! The results of two services for one case, and why they may differ.

use nhs_pds::async_trait;
use nhs_pds::case::ReviewReason;
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::process::TraceResult;
use nhs_pds::trace::{
    Answer, Attended, Caller, Error, MessageId, Outcome, Question, Restriction, Tracer, User,
};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The parts of a service's answer that explain a difference.
#[derive(Clone, Debug)]
pub(crate) struct Answered {
    /// [`Outcome::as_str`].
    pub(crate) outcome: &'static str,
    /// The NHS Number, if the answer has one.
    pub(crate) number: Option<NhsNumber>,
    /// Whether the question was a search, and not a retrieval by number.
    pub(crate) searched: bool,
    /// Whether the search had a postcode.
    pub(crate) by_postcode: bool,
    /// Whether the record came without address, telecom and GP practice, or is marked as restricted.
    pub(crate) withheld: bool,
}

impl Answered {
    fn of(question: &Question, outcome: &Outcome) -> Self {
        let (number, withheld) = match outcome {
            Outcome::Found(found) => {
                let named = matches!(
                    found.restriction,
                    Restriction::Restricted | Restriction::VeryRestricted
                );
                let bare = found.person.as_ref().is_some_and(|person| {
                    person.addresses.is_empty()
                        && person.telecoms.is_empty()
                        && person.gp_practice.is_none()
                });
                // SMSP has no mark for a restricted record: the fields are missing.
                (Some(found.nhs_number), named || bare)
            }
            Outcome::Superseded { by, .. } => (*by, false),
            _ => (None, false),
        };
        let (searched, by_postcode) = match question {
            Question::Find(question) => (true, question.postcode().is_some()),
            _ => (false, false),
        };
        Self { outcome: outcome.as_str(), number, searched, by_postcode, withheld }
    }
}

/// Passes questions on to a service, and keeps its answers by message identifier.
#[derive(Debug)]
pub(crate) struct Keeping {
    service: Arc<dyn Tracer>,
    answered: Mutex<HashMap<String, Answered>>,
}

impl Keeping {
    pub(crate) fn new(service: Arc<dyn Tracer>) -> Self {
        Self { service, answered: Mutex::default() }
    }

    /// The answer to this message, if there was one.
    pub(crate) fn answered(&self, message_id: &str) -> Option<Answered> {
        self.answered.lock().unwrap_or_else(PoisonError::into_inner).get(message_id).cloned()
    }
}

#[async_trait]
impl Tracer for Keeping {
    async fn trace(
        &self,
        caller: &Caller,
        question: &Question,
        id: MessageId,
    ) -> Result<Answer, Error> {
        let answer = self.service.trace(caller, question, id).await?;
        let answered = Answered::of(question, &answer.outcome);
        self.answered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id.to_string(), answered);
        Ok(answer)
    }

    async fn trace_attended(
        &self,
        user: &User,
        question: &Question<Attended>,
        id: MessageId,
    ) -> Result<Answer, Error> {
        self.service.trace_attended(user, question, id).await
    }
}

/// The result of one service for one case.
#[derive(Clone, Debug)]
pub(crate) struct Side {
    pub(crate) result: TraceResult,
    pub(crate) review: Option<ReviewReason>,
    /// The case's NHS Number afterwards.
    pub(crate) number: Option<NhsNumber>,
    /// The service's code, if it returned one.
    pub(crate) code: Option<String>,
    /// The answer; `None` when there was no response.
    pub(crate) answered: Option<Answered>,
}

impl Side {
    /// Whether both results are the same for the people who work with the case.
    pub(crate) fn agrees(&self, other: &Self) -> bool {
        (self.result, self.review, self.number) == (other.result, other.review, other.number)
    }

    /// Whether the service answered the case's question, or it was refused because of its data.
    pub(crate) const fn is_answered(&self) -> bool {
        use TraceResult::{Configuration, ConflictOnSave, NotAsked, Unavailable, Unreadable};
        !matches!(self.result, Configuration | ConflictOnSave | NotAsked | Unavailable | Unreadable)
    }

    fn outcome(&self) -> &'static str {
        self.answered.as_ref().map_or("", |answered| answered.outcome)
    }

    fn searched(&self) -> bool {
        self.answered.as_ref().is_some_and(|answered| answered.searched)
    }
}

/// Why the services differ. The names are those of the table "Where the two differ" in
/// `docs/from-smsp-to-fhir.md`.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) enum Difference {
    ReplacedRecord,
    InvalidRecord,
    RestrictedByPostcode,
    ProviderCopy,
    AnotherNameOrAddress,
    NameTooLong,
    Follows,
    Unanswered,
    Unexplained,
}

impl Difference {
    pub(crate) const ALL: [Self; 9] = [
        Self::ReplacedRecord,
        Self::InvalidRecord,
        Self::RestrictedByPostcode,
        Self::ProviderCopy,
        Self::AnotherNameOrAddress,
        Self::NameTooLong,
        Self::Follows,
        Self::Unanswered,
        Self::Unexplained,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::ReplacedRecord => "replaced_record",
            Self::InvalidRecord => "invalid_record",
            Self::RestrictedByPostcode => "restricted_by_postcode",
            Self::ProviderCopy => "provider_copy",
            Self::AnotherNameOrAddress => "another_name_or_address",
            Self::NameTooLong => "name_too_long",
            Self::Follows => "follows",
            Self::Unanswered => "unanswered",
            Self::Unexplained => "unexplained",
        }
    }

    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::ReplacedRecord => {
                "the search matches a record that was replaced; the API finds current records only"
            }
            Self::InvalidRecord => {
                "the search matches a record that is invalid; the API finds valid records only"
            }
            Self::RestrictedByPostcode => {
                "a restricted person, searched with a postcode; the API does not search their postcode"
            }
            Self::ProviderCopy => {
                "the provider answered from its copy (SMSP-0003); the API has no copy and answered itself"
            }
            Self::AnotherNameOrAddress => {
                "the API searches all known names and addresses; the returned person does not match, and the worker wrote nothing"
            }
            Self::NameTooLong => "a name of more than 35 characters, which the API refuses",
            Self::Follows => {
                "both found the same person; by one service only, another case has the person's number"
            }
            Self::Unanswered => "one service did not answer; compare again",
            Self::Unexplained => "no known reason; look at both answers",
        }
    }

    /// Whether the guide explains the difference, so that no person must look at it.
    pub(crate) const fn is_explained(self) -> bool {
        !matches!(self, Self::Unanswered | Self::Unexplained)
    }

    /// Why `smsp` and `fhir` differ, when they do not agree.
    pub(crate) fn of(smsp: &Side, fhir: &Side) -> Self {
        let same_person = || {
            let number = |side: &Side| side.answered.as_ref().and_then(|answered| answered.number);
            number(smsp).is_some() && number(smsp) == number(fhir)
        };
        let both_searched = smsp.searched() && fhir.searched();
        let hidden = smsp
            .answered
            .as_ref()
            .is_some_and(|answered| answered.by_postcode && answered.withheld);
        match (smsp.outcome(), fhir.outcome()) {
            _ if !smsp.is_answered() || !fhir.is_answered() => Self::Unanswered,
            ("superseded", "none") if both_searched => Self::ReplacedRecord,
            ("invalidated", "none") if both_searched => Self::InvalidRecord,
            ("found", "none") if hidden && both_searched => Self::RestrictedByPostcode,
            ("found", "found") if same_person() && smsp.result == TraceResult::Stale => {
                Self::ProviderCopy
            }
            ("found", "found") if same_person() && is_duplicate(smsp) != is_duplicate(fhir) => {
                Self::Follows
            }
            ("none" | "not_verified", "found") if fhir.result == TraceResult::Differs => {
                Self::AnotherNameOrAddress
            }
            // Refused before a message was sent, so the service has returned no code.
            ("none", "") if fhir.result == TraceResult::Rejected && fhir.code.is_none() => {
                Self::NameTooLong
            }
            _ => Self::Unexplained,
        }
    }
}

fn is_duplicate(side: &Side) -> bool {
    side.result == TraceResult::Duplicate
}
