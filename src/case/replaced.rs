use crate::case::id::CaseId;
use crate::case::identity::Identity;
use crate::case::number::RecordedNumber;
use crate::case::record::Case;
use crate::case::review::{Evidence, ReviewItem, ReviewReason, ReviewState};
use crate::case::trace_state::TraceState;
use crate::demographics::{PartialDate, redacted_debug};
use crate::nhs_number::NhsNumber;
use serde::{Deserialize, Serialize};

/// What a decision on a review item has replaced. With it, the decision can be undone.
///
/// It is stored in the case itself. So it is there when the audit trail is kept in another system,
/// and the erasure of the case erases it.
#[derive(Clone, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub(crate) struct Replaced {
    /// The facts before the decision.
    pub(crate) before: Facts,
    /// The facts that the decision has left. A fact that is different now was changed since.
    pub(crate) after: Facts,
    /// When the case was to be traced again, before the decision.
    pub(crate) asking: TraceState,
    /// The numbers that the decision has rejected.
    pub(crate) rejected: Vec<NhsNumber>,
    /// The items that the decision has changed, as they were.
    pub(crate) items: Vec<FormerItem>,
}

/// The parts of a case that a decision may change.
#[derive(Clone, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub(crate) struct Facts {
    pub(crate) number: Option<RecordedNumber>,
    pub(crate) death: (Option<PartialDate>, bool),
    pub(crate) not_on_pds: bool,
    pub(crate) contradicted: bool,
    pub(crate) person: Identity,
    pub(crate) address: [String; 5],
    pub(crate) postcode: Option<String>,
}

/// A review item before a decision. Its history is not repeated.
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct FormerItem {
    pub(crate) number: u32,
    pub(crate) reason: ReviewReason,
    pub(crate) state: ReviewState,
    /// The evidence, if the decision has changed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) evidence: Option<Box<Evidence>>,
}

impl Facts {
    pub(crate) fn of(case: &Case) -> Self {
        Self {
            number: case.nhs_number.clone(),
            death: (case.date_of_death, case.death_traced),
            not_on_pds: case.not_on_pds,
            contradicted: case.contradicted,
            person: case.identity(),
            address: case.address.clone(),
            postcode: case.postcode.clone(),
        }
    }
}

impl Replaced {
    /// What the decision replaced that made `after` of `before`.
    pub(crate) fn between(before: &Case, after: &Case) -> Self {
        let changed = |item: &&ReviewItem| {
            let now = after.review.iter().find(|now| now.number == item.number);
            now.is_some_and(|now| FormerItem::of(item, now).differs_from(now))
        };
        let former = |item: &ReviewItem| {
            let now = after.review.iter().find(|now| now.number == item.number)?;
            Some(FormerItem::of(item, now))
        };
        let is_new = |number: &&NhsNumber| !before.rejected_numbers.contains(*number);
        // Answers of a search that was interrupted are not kept: the search starts again.
        let asking = TraceState { known: None, ..before.asking.clone() };
        Self {
            before: Facts::of(before),
            after: Facts::of(after),
            asking,
            rejected: after.rejected_numbers.iter().filter(is_new).copied().collect(),
            items: before.review.iter().filter(changed).filter_map(former).collect(),
        }
    }

    /// Removes what names the case `erased`.
    pub(crate) fn drop_case(&mut self, erased: &CaseId) {
        for evidence in self.items.iter_mut().filter_map(|item| item.evidence.as_mut()) {
            evidence.others.retain(|other| other != erased);
        }
    }
}

impl FormerItem {
    fn of(item: &ReviewItem, now: &ReviewItem) -> Self {
        let changed = item.evidence != now.evidence;
        Self {
            number: item.number,
            reason: item.reason,
            state: item.state,
            evidence: changed.then(|| Box::new(item.evidence.clone())),
        }
    }

    fn differs_from(&self, now: &ReviewItem) -> bool {
        self.reason != now.reason || self.state != now.state || self.evidence.is_some()
    }
}

redacted_debug!(Replaced, Facts, FormerItem);
