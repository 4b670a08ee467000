//! What two services told about one case, and why they may differ.

use nhs_pds::async_trait;
use nhs_pds::case::ReviewReason;
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::process::TraceResult;
use nhs_pds::trace::{
    Answer, Attended, Caller, Error, MessageId, Outcome, Question, Restriction, Tracer, User,
};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// A service's answer, as far as it explains a difference.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    /// [`Outcome::name`].
    pub(crate) outcome: &'static str,
    /// The number, where there is one.
    pub(crate) number: Option<NhsNumber>,
    /// Whether it was asked by particulars, and not by number.
    pub(crate) searched: bool,
    /// Whether a postcode was among these.
    pub(crate) by_postcode: bool,
    /// Whether the record came without address, telecom and GP practice.
    pub(crate) withheld: bool,
}

impl Told {
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
                // SMSP does not say that a record is restricted; it shows.
                (Some(found.nhs_number), named || bare)
            }
            Outcome::Superseded { by, .. } => (*by, false),
            _ => (None, false),
        };
        let (searched, by_postcode) = match question {
            Question::Find(question) => (true, question.postcode().is_some()),
            _ => (false, false),
        };
        Self { outcome: outcome.name(), number, searched, by_postcode, withheld }
    }
}

/// Passes questions on to a service, and notes by the message's identifier what it told.
#[derive(Debug)]
pub(crate) struct Noting {
    service: Arc<dyn Tracer>,
    told: Mutex<HashMap<String, Told>>,
}

impl Noting {
    pub(crate) fn new(service: Arc<dyn Tracer>) -> Self {
        Self { service, told: Mutex::default() }
    }

    /// What the message brought, if it was answered.
    pub(crate) fn told(&self, message_id: &str) -> Option<Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).get(message_id).cloned()
    }
}

#[async_trait]
impl Tracer for Noting {
    async fn trace(
        &self,
        caller: &Caller,
        question: &Question,
        id: MessageId,
    ) -> Result<Answer, Error> {
        let answer = self.service.trace(caller, question, id).await?;
        let told = Told::of(question, &answer.outcome);
        self.told.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_string(), told);
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

/// What became of one case by one service.
#[derive(Clone, Debug)]
pub(crate) struct Side {
    pub(crate) result: TraceResult,
    pub(crate) review: Option<ReviewReason>,
    /// The number that stands on the case afterwards.
    pub(crate) number: Option<NhsNumber>,
    /// The service's code, where it gave one.
    pub(crate) code: Option<String>,
    /// What it told; nothing, if it did not answer.
    pub(crate) told: Option<Told>,
}

impl Side {
    /// Whether the case is the same afterwards, as far as people see it.
    pub(crate) fn agrees(&self, other: &Self) -> bool {
        (self.result, self.review, self.number) == (other.result, other.review, other.number)
    }

    /// Whether the case's question was put and answered, or refused for its data.
    pub(crate) const fn is_answered(&self) -> bool {
        use TraceResult::{Configuration, ConflictOnSave, NotAsked, Unavailable, Unreadable};
        !matches!(self.result, Configuration | ConflictOnSave | NotAsked | Unavailable | Unreadable)
    }

    fn outcome(&self) -> &'static str {
        self.told.as_ref().map_or("", |told| told.outcome)
    }

    fn searched(&self) -> bool {
        self.told.as_ref().is_some_and(|told| told.searched)
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
                "searched by the particulars of a record that was replaced; the API finds present records only"
            }
            Self::InvalidRecord => {
                "searched by the particulars of a record that is invalid; the API finds valid records only"
            }
            Self::RestrictedByPostcode => {
                "a restricted person, searched with a postcode; the API does not find them by that"
            }
            Self::ProviderCopy => {
                "the provider answered from its copy (SMSP-0003); the API has none and answered itself"
            }
            Self::AnotherNameOrAddress => {
                "the API finds by any known name and address; the worker saw that the person differs, and wrote nothing"
            }
            Self::NameTooLong => "a name of more than 35 characters, which the API does not take",
            Self::Follows => {
                "both found the same person, whom another case has by one of the services only"
            }
            Self::Unanswered => "one of the services did not answer; compare again",
            Self::Unexplained => "none of the known reasons; look at both answers",
        }
    }

    /// Whether the guide explains it, so that nobody has to look.
    pub(crate) const fn is_explained(self) -> bool {
        !matches!(self, Self::Unanswered | Self::Unexplained)
    }

    /// Why `smsp` and `fhir`, which do not agree, differ.
    pub(crate) fn of(smsp: &Side, fhir: &Side) -> Self {
        let same_person = || {
            let number = |side: &Side| side.told.as_ref().and_then(|told| told.number);
            number(smsp).is_some() && number(smsp) == number(fhir)
        };
        let both_searched = smsp.searched() && fhir.searched();
        let hidden = smsp.told.as_ref().is_some_and(|told| told.by_postcode && told.withheld);
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
            // Refused here, before a message was made: the service cannot have given a code.
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
