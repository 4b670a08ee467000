use crate::case::{Case, CaseId, ReviewItem, ReviewReason, ReviewState, ReviewStep};
use crate::nhs_number::NhsNumber;
use crate::process::review::refusal::Refusal;
use chrono::{DateTime, Utc};

/// The data that an action depends on besides its case.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context<'a> {
    /// The related cases, as they are stored: the one to merge, those with the same number, those
    /// of a duplicate. Additional cases do no harm.
    pub(super) others: &'a [Case],
    /// The user id of the person who acts.
    pub(super) by: &'a str,
    /// The current time.
    pub(super) at: DateTime<Utc>,
}

impl<'a> Context<'a> {
    /// Creates a context without related cases.
    #[must_use]
    pub(super) const fn new(by: &'a str, at: DateTime<Utc>) -> Self {
        Self { others: &[], by, at }
    }

    /// Sets the related cases.
    #[must_use]
    pub(super) const fn with_others(mut self, others: &'a [Case]) -> Self {
        self.others = others;
        self
    }

    pub(super) fn other(&self, id: &CaseId) -> Option<&'a Case> {
        self.others.iter().find(|other| other.id == *id)
    }

    pub(super) fn step(&self, what: &str) -> ReviewStep {
        ReviewStep::new(self.at, self.by, what)
    }

    /// Closes `item`.
    pub(super) fn close(&self, item: &mut ReviewItem, state: ReviewState, what: &str) {
        item.state = state;
        item.history.push(self.step(what));
    }

    /// Removes `other` from the open duplicate items of `case` (only those of `number`, if given),
    /// and closes items without another case. Returns `None` if no item names it.
    pub(super) fn unlink(
        &self,
        case: &Case,
        other: &CaseId,
        number: Option<NhsNumber>,
        what: &str,
    ) -> Option<Case> {
        let mut changed = case.clone();
        for item in changed.review.iter_mut().filter(|item| item.is_open()) {
            let same = number.is_none_or(|number| item.evidence.nhs_number == Some(number));
            if item.reason != ReviewReason::Duplicate || !same {
                continue;
            }
            let others = &mut item.evidence.others;
            if !others.contains(other) {
                continue;
            }
            if others.iter().all(|named| named == other) {
                // Keeps `others` for the case history.
                self.close(item, ReviewState::Resolved, what);
            } else {
                others.retain(|named| named != other);
                item.history.push(self.step(what));
            }
        }
        (changed != *case).then_some(changed)
    }
}

/// A case after an action.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Changed {
    /// The changed case.
    pub(super) case: Case,
    /// Whether to save it only if no other active case has its number (MSCA-DQ-01).
    pub(super) sole_holder: bool,
    /// The change, as a stable word for the audit trail: `accepted`, `absorbed`, and so on.
    pub(super) what: &'static str,
    /// The evidence that the user had, for the audit trail. Contains nothing about a person.
    pub(super) evidence: Vec<(&'static str, String)>,
}

impl Changed {
    pub(super) const fn new(case: Case, what: &'static str) -> Self {
        Self { case, sole_holder: false, what, evidence: Vec::new() }
    }
}

/// Returns the item `number` of `case`.
pub(super) fn item(case: &Case, number: u32) -> Result<&ReviewItem, Refusal> {
    case.review.iter().find(|item| item.number == number).ok_or(Refusal::NoSuchItem)
}

pub(super) fn item_mut(case: &mut Case, number: u32) -> Result<&mut ReviewItem, Refusal> {
    case.review.iter_mut().find(|item| item.number == number).ok_or(Refusal::NoSuchItem)
}

pub(super) const fn in_use(case: &Case) -> Result<(), Refusal> {
    if case.is_live() { Ok(()) } else { Err(Refusal::NotInUse) }
}
