//! The choices that an item offers, and what each will do, in words.

use crate::words;
use nhs_pds::case::{CaseId, ReviewReason};
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::process::review::{Resolution, ShownItem};

/// What a user can choose about an item.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Choice {
    /// Use this number.
    Use(NhsNumber),
    /// This number is not the person's.
    Reject(NhsNumber),
    /// None of the people shown is the person.
    NoneOfThese,
    /// Our record is right, and stays as it is.
    KeepOurs,
    /// Correct our record, and ask again.
    Correct,
    /// The other record is of the same person.
    Merge(CaseId),
    /// PDS does not know the person.
    NotOnPds,
    /// What had to be done is done.
    Done,
    /// Nothing had to be done.
    Dismiss,
}

impl Choice {
    /// The choices of an item, the safest of each kind first.
    pub(super) fn of(shown: &ShownItem) -> Vec<Self> {
        let item = &shown.item;
        if !item.is_open() || !shown.case.is_live() {
            return Vec::new();
        }
        let own = shown.case.nhs_number.as_ref().map(|recorded| recorded.number);
        let numbers = || shown.candidates.iter().map(|candidate| candidate.nhs_number);
        let mut choices: Vec<Self> = shown
            .candidates
            .iter()
            .filter(|candidate| candidate.can_be_accepted)
            .map(|candidate| Self::Use(candidate.nhs_number))
            .collect();
        let alone = shown.offered.filter(|offered| numbers().all(|number| number != *offered));
        choices.extend(alone.map(Self::Use));
        choices.extend(item.evidence.others.iter().cloned().map(Self::Merge));
        match (numbers().count(), shown.offered) {
            (0, Some(offered)) => choices.push(Self::Reject(offered)),
            (0, None) => {}
            (1, _) => choices.extend(numbers().map(Self::Reject)),
            _ => choices.push(Self::NoneOfThese),
        }
        match item.reason {
            ReviewReason::NoMatch => choices.extend([Self::Correct, Self::NotOnPds]),
            ReviewReason::Ambiguous | ReviewReason::Unconfirmed | ReviewReason::Differs(_) => {
                choices.push(Self::Correct);
            }
            ReviewReason::Conflict | ReviewReason::Discrepancy => {
                choices.extend([Self::KeepOurs, Self::Correct]);
            }
            ReviewReason::Duplicate
            | ReviewReason::NotVerified
            | ReviewReason::Superseded
            | ReviewReason::Invalidated => {
                choices.extend(own.map(Self::Reject));
                choices.push(Self::Correct);
            }
            ReviewReason::DeathUndated | ReviewReason::Rejected => choices.push(Self::Correct),
            ReviewReason::Replaced => choices.push(Self::Done),
            ReviewReason::NumberDamaged | ReviewReason::Defect | ReviewReason::Unanswered => {
                choices.extend([Self::Done, Self::Dismiss]);
            }
            _ => choices.push(Self::Done),
        }
        let mut known = Vec::new();
        choices.retain(|choice| {
            let is_new = !known.contains(choice);
            known.push(choice.clone());
            is_new
        });
        choices
    }

    /// The value in a form. It may contain a number: forms are sent by POST.
    pub(super) fn value(&self) -> String {
        match self {
            Self::Use(number) => format!("use:{}", number.digits()),
            Self::Reject(number) => format!("reject:{}", number.digits()),
            Self::NoneOfThese => "none".into(),
            Self::KeepOurs => "keep".into(),
            Self::Correct => "correct".into(),
            Self::Merge(other) => format!("merge:{other}"),
            Self::NotOnPds => "not_on_pds".into(),
            Self::Done => "done".into(),
            Self::Dismiss => "dismiss".into(),
        }
    }

    /// The text beside the control.
    pub(super) fn label(&self) -> String {
        match self {
            Self::Use(number) => format!("Use this number: {number}"),
            Self::Reject(number) => format!("The number {number} is not this person\u{2019}s"),
            Self::NoneOfThese => "None of these people".into(),
            Self::KeepOurs => "Keep ours: our record is right".into(),
            Self::Correct => "Correct our record and ask again".into(),
            Self::Merge(other) => {
                format!("Record {other} is the same person: merge it into this one")
            }
            Self::NotOnPds => "The person is not on PDS".into(),
            Self::Done => "What had to be done is done".into(),
            Self::Dismiss => "Nothing had to be done".into(),
        }
    }

    /// What will happen, a sentence each.
    pub(super) fn effects(&self, shown: &ShownItem) -> Vec<String> {
        let own = shown.case.nhs_number.as_ref().map(|recorded| recorded.number);
        let closes = "This item is closed.".to_owned();
        let mut said = match self {
            Self::Use(number) => {
                let mut said = vec![match own {
                    Some(own) if own != *number => {
                        format!("The record gets the number {number} in place of {own}.")
                    }
                    Some(_) => format!("The number {number} stays, and is recorded as confirmed by you."),
                    None => format!("The record gets the number {number}."),
                }];
                said.push("Your name, the search and what agreed are recorded with the number.".into());
                let others = shown.case.open_items().filter(|item| item.number != shown.item.number);
                if others.count() > 0 {
                    said.push("Other open items of this record are closed, if the number answers them.".into());
                }
                if shown.case.date_of_death.is_none() {
                    said.push("A date of death that PDS returned for this person is taken over.".into());
                }
                said
            }
            Self::Reject(number) => {
                let mut said = vec![format!("The number {number} is never offered for this record again.")];
                if own == Some(*number) {
                    said.push("The record loses its number, and is traced again from the start.".into());
                }
                said
            }
            Self::NoneOfThese => vec![
                "None of the numbers shown is offered for this record again.".into(),
                "The record is traced again when its details change.".into(),
            ],
            Self::KeepOurs => vec![
                "Our record stays as it is. PDS is not changed: tell the GP practice or the National Back Office, or pass \
                 the item on."
                    .into(),
            ],
            Self::Correct => vec!["You correct our record on the next page. PDS is then asked at once.".into()],
            Self::Merge(other) => vec![
                format!("Record {other} becomes inactive, and keeps its data. It can be separated again."),
                "This record keeps its number, if nothing is known against it.".into(),
            ],
            Self::NotOnPds => vec![
                "The record stays without a number. PDS is not asked again until the details of the person change.".into(),
            ],
            Self::Done | Self::Dismiss => Vec::new(),
        };
        if *self != Self::Correct {
            said.push(closes);
        }
        said
    }

    /// The resolution; `None` for a correction, which needs more fields.
    pub(super) fn resolution(&self) -> Option<Resolution> {
        Some(match self {
            Self::Use(number) => Resolution::AcceptNumber(*number),
            Self::Reject(number) => Resolution::RejectNumber(*number),
            Self::NoneOfThese => Resolution::NoneOfThese,
            Self::KeepOurs | Self::Done => Resolution::Acknowledge,
            Self::Correct => return None,
            Self::Merge(absorbed) => Resolution::Merge { absorbed: absorbed.clone() },
            Self::NotOnPds => Resolution::NotOnPds,
            Self::Dismiss => Resolution::Dismiss,
        })
    }
}

/// What a reason means, under the heading of the page.
pub(super) const fn heading(reason: ReviewReason) -> &'static str {
    words::reason(reason)
}
