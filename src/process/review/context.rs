use crate::case::{Case, CaseId, ReviewItem, ReviewReason, ReviewState, ReviewStep};
use crate::nhs_number::NhsNumber;
use crate::process::review::Refusal;
use chrono::{DateTime, Utc};

/// What an action depends on besides its case.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The other cases that matter, as they are stored: the one to be merged, those that hold the number,
    /// those of a duplicate. More of them do no harm.
    pub others: &'a [Case],
    /// Who acts, by their user id.
    pub by: &'a str,
    /// The time now.
    pub at: DateTime<Utc>,
}

impl<'a> Context<'a> {
    /// `by` acts at `at`, and no other case matters.
    #[must_use]
    pub const fn new(by: &'a str, at: DateTime<Utc>) -> Self {
        Self { others: &[], by, at }
    }

    /// The same, with the other cases that matter.
    #[must_use]
    pub const fn with_others(mut self, others: &'a [Case]) -> Self {
        self.others = others;
        self
    }

    pub(super) fn other(&self, id: &CaseId) -> Option<&'a Case> {
        self.others.iter().find(|other| other.id == *id)
    }

    pub(super) fn step(&self, what: &str) -> ReviewStep {
        ReviewStep::new(self.at, self.by, what)
    }

    /// Ends `item`.
    pub(super) fn close(&self, item: &mut ReviewItem, state: ReviewState, what: &str) {
        item.state = state;
        item.history.push(self.step(what));
    }

    /// `case` without `other` in its open items about duplicates (of `number`, when one is given), which
    /// end when they name nobody else; `None` when it names it nowhere.
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
                // Whom it was about is still to be told afterwards.
                self.close(item, ReviewState::Resolved, what);
            } else {
                others.retain(|named| named != other);
                item.history.push(self.step(what));
            }
        }
        (changed != *case).then_some(changed)
    }
}

/// A case as an action leaves it.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Changed {
    /// The case.
    pub case: Case,
    /// Whether it is to be saved only if no other case in use holds its number (MSCA-DQ-01).
    pub sole_holder: bool,
    /// What happened to it, by a stable word, for the audit trail: `accepted`, `absorbed`, and so on.
    pub what: &'static str,
}

impl Changed {
    pub(super) const fn new(case: Case, what: &'static str) -> Self {
        Self { case, sole_holder: false, what }
    }
}

/// The item `number` of `case`.
pub(super) fn item(case: &Case, number: u32) -> Result<&ReviewItem, Refusal> {
    case.review.iter().find(|item| item.number == number).ok_or(Refusal::NoSuchItem)
}

pub(super) fn item_mut(case: &mut Case, number: u32) -> Result<&mut ReviewItem, Refusal> {
    case.review.iter_mut().find(|item| item.number == number).ok_or(Refusal::NoSuchItem)
}

pub(super) const fn in_use(case: &Case) -> Result<(), Refusal> {
    if case.is_live() { Ok(()) } else { Err(Refusal::NotInUse) }
}
