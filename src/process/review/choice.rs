//! What a user can decide at an item, and what will happen, in words.

use crate::case::{Case, CaseId, ReviewItem, ReviewReason};
use crate::demographics::redacted_debug;
use crate::nhs_number::NhsNumber;
use crate::process::review::offer::offers;
use crate::process::review::resolution::Resolution;
use crate::process::review::show::ShownItem;
use crate::process::review::undo::{Last, last};

/// A decision that a user can take at an item, and what it will do. `Debug` shows no content.
#[non_exhaustive]
#[derive(Clone, Eq, PartialEq)]
pub struct Choice {
    /// The decision.
    pub kind: ChoiceKind,
    /// What will happen, a sentence each, made from the case. The wording may change.
    pub effects: Vec<String>,
}

/// The kind of a decision. `Debug` shows no content.
#[non_exhaustive]
#[derive(Clone, Eq, PartialEq)]
pub enum ChoiceKind {
    /// Use this number: it is the person's.
    UseNumber(NhsNumber),
    /// Keep the case's own number, or its own data.
    KeepOurs,
    /// None of the people is the person of the case.
    NoneOfThese,
    /// Two active cases share this number and are different people: the number is not this case's.
    DifferentPeople(NhsNumber),
    /// The other case is of the same person: merge it into this one.
    SamePerson(CaseId),
    /// Correct the record, and trace the person again.
    Correct,
    /// PDS has no record of the person.
    NotOnPds,
    /// The user has done what was needed.
    Acknowledge,
    /// No action is needed.
    Dismiss,
    /// Pass the item to the front-line staff, the GP practice or the National Back Office.
    Escalate,
}

impl ChoiceKind {
    /// Returns a stable word: the variant's name in lower case, joined by `_`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::UseNumber(_) => "use_number",
            Self::KeepOurs => "keep_ours",
            Self::NoneOfThese => "none_of_these",
            Self::DifferentPeople(_) => "different_people",
            Self::SamePerson(_) => "same_person",
            Self::Correct => "correct",
            Self::NotOnPds => "not_on_pds",
            Self::Acknowledge => "acknowledge",
            Self::Dismiss => "dismiss",
            Self::Escalate => "escalate",
        }
    }

    /// Returns the choice in words for a button or a list. The wording may change.
    #[must_use]
    pub fn title(&self) -> String {
        match self {
            Self::UseNumber(number) => format!("Use this number: {number}"),
            Self::KeepOurs => "Keep ours".to_owned(),
            Self::NoneOfThese => "None of these".to_owned(),
            Self::DifferentPeople(_) => "Both are right, different people".to_owned(),
            Self::SamePerson(_) => "The same person: merge the cases".to_owned(),
            Self::Correct => "Correct our record and ask again".to_owned(),
            Self::NotOnPds => "The person is not on PDS".to_owned(),
            Self::Acknowledge => "Done what was needed".to_owned(),
            Self::Dismiss => "No action needed".to_owned(),
            Self::Escalate => "Escalate".to_owned(),
        }
    }

    /// Returns the resolution of an item at whose reason `kept` numbers may be in question. `None` for a
    /// correction, which needs data, and for an escalation, which settles nothing.
    #[must_use]
    pub fn resolution(&self, reason: ReviewReason) -> Option<Resolution> {
        Some(match self {
            Self::UseNumber(number) => Resolution::AcceptNumber(*number),
            // Nothing was found that could replace the data: they simply stay.
            Self::KeepOurs if reason == ReviewReason::Discrepancy => Resolution::Acknowledge,
            Self::KeepOurs => Resolution::KeepOurs,
            Self::NoneOfThese => Resolution::NoneOfThese,
            Self::DifferentPeople(number) => Resolution::RejectNumber(*number),
            Self::SamePerson(absorbed) => Resolution::Merge { absorbed: absorbed.clone() },
            Self::NotOnPds => Resolution::NotOnPds,
            Self::Acknowledge => Resolution::Acknowledge,
            Self::Dismiss => Resolution::Dismiss,
            Self::Correct | Self::Escalate => return None,
        })
    }
}

impl ShownItem {
    /// Returns the decisions that a user can take at the item, and what each will do. The order is
    /// that of a screen: the most likely person first, an escalation last. Empty for a settled item.
    ///
    /// Pure.
    #[must_use]
    pub fn choices(&self) -> Vec<Choice> {
        if !self.item.is_open() || !self.case.is_live() {
            return Vec::new();
        }
        let about = About { case: &self.case, item: &self.item, shown: self };
        let kinds = about.kinds();
        kinds.into_iter().map(|kind| Choice { effects: about.effects(&kind), kind }).collect()
    }
}

impl ShownItem {
    /// Returns the last decision on the item, by its stable word, if it can be undone
    /// ([`ReviewQueue::undo`](crate::process::review::ReviewQueue::undo)). The undoing is refused if the case has changed since
    /// in what the decision changed.
    ///
    /// Pure.
    #[must_use]
    pub fn undoable(&self) -> Option<&str> {
        match last(&self.case, &self.item)? {
            Last::Decision(step, _) => Some(&step.what),
            Last::Merge(_) => Some("merged"),
        }
    }
}

/// An item, as far as choices depend on it.
struct About<'a> {
    case: &'a Case,
    item: &'a ReviewItem,
    shown: &'a ShownItem,
}

impl About<'_> {
    fn ours(&self) -> Option<NhsNumber> {
        self.case.nhs_number.as_ref().map(|recorded| recorded.number)
    }

    /// The numbers that can be used, the most likely person first.
    fn usable(&self) -> Vec<NhsNumber> {
        let shown = self.shown.candidates.iter();
        let mut usable: Vec<NhsNumber> =
            shown.filter(|shown| shown.can_be_accepted).map(|shown| shown.nhs_number).collect();
        usable.extend(self.shown.offered.filter(|offered| !usable.contains(offered)));
        let undated = |number: &NhsNumber| {
            self.item.reason == ReviewReason::DeathUndated
                && self.case.date_of_death.is_none()
                && self.item.evidence.nhs_number == Some(*number)
        };
        usable.retain(|number| !undated(number));
        usable
    }

    fn offered(&self) -> Vec<NhsNumber> {
        offers(self.case, self.item).iter().map(|offer| offer.number).collect()
    }

    fn kinds(&self) -> Vec<ChoiceKind> {
        use ReviewReason as Why;
        let reason = self.item.reason;
        let mut kinds = Vec::new();
        if reason != Why::Discrepancy {
            kinds.extend(self.usable().into_iter().map(ChoiceKind::UseNumber));
        }
        let offered = self.offered();
        let another = offered.iter().any(|number| Some(*number) != self.ours());
        let kept =
            matches!(reason, Why::Conflict | Why::Differs(_) | Why::Unconfirmed | Why::Ambiguous);
        if reason == Why::Discrepancy || (kept && another && self.ours().is_some()) {
            kinds.push(ChoiceKind::KeepOurs);
        }
        if reason == Why::Duplicate {
            kinds.extend(self.item.evidence.others.iter().cloned().map(ChoiceKind::SamePerson));
            kinds.extend(self.item.evidence.nhs_number.map(ChoiceKind::DifferentPeople));
        } else if !offered.is_empty() && reason != Why::Discrepancy {
            kinds.push(ChoiceKind::NoneOfThese);
        }
        kinds.push(ChoiceKind::Correct);
        let without = self.case.nhs_number.as_ref().is_none_or(|ours| !ours.status.is_usable());
        let was_asked = self.case.asking.asked.is_some() || self.item.evidence.asked.is_some();
        if matches!(reason, Why::NoMatch | Why::Ambiguous | Why::NotVerified | Why::Unconfirmed)
            && without
            && was_asked
        {
            kinds.push(ChoiceKind::NotOnPds);
        }
        // A number that two cases share, or a number in doubt, is never only ticked off.
        if matches!(
            reason,
            Why::Replaced | Why::Superseded | Why::Invalidated | Why::Rejected | Why::NumberDamaged
        ) {
            kinds.push(ChoiceKind::Acknowledge);
        }
        if matches!(reason, Why::Discrepancy | Why::Defect | Why::Unanswered) {
            kinds.push(ChoiceKind::Dismiss);
        }
        kinds.push(ChoiceKind::Escalate);
        kinds
    }

    fn effects(&self, kind: &ChoiceKind) -> Vec<String> {
        match kind {
            ChoiceKind::UseNumber(number) => self.use_number(*number),
            ChoiceKind::KeepOurs => self.keep_ours(),
            ChoiceKind::NoneOfThese => self.none_of_these(),
            ChoiceKind::DifferentPeople(number) => self.different_people(*number),
            ChoiceKind::SamePerson(_) => lines(&[
                "The other case is merged into this one, and becomes inactive. It keeps its data.",
                "This case keeps its number if the number has no known fault. Otherwise it takes over the \
                 number of the other case.",
                "If this case has no date of death, it takes over that of the other case.",
            ]),
            ChoiceKind::Correct => lines(&[
                "You enter the correct data on the next page.",
                "The person is traced again at once with the corrected data.",
                "Correct the source system too. Its next import may replace these fields.",
            ]),
            ChoiceKind::NotOnPds => lines(&[
                "The case is marked: PDS has no record of the person.",
                "The case is not traced again with the same data. After a correction, it is.",
            ]),
            ChoiceKind::Acknowledge => lines(&[
                "The item is closed. The data of the case do not change.",
                "An advisory about the number stays as long as its cause.",
            ]),
            ChoiceKind::Dismiss => {
                lines(&["The item is closed. The data of the case do not change."])
            }
            ChoiceKind::Escalate => lines(&[
                "The item is passed to the front-line staff, the GP practice or the National Back \
                 Office. It stays open.",
                "The data of the case do not change.",
            ]),
        }
    }

    fn use_number(&self, number: NhsNumber) -> Vec<String> {
        let mut effects = match self.ours() {
            Some(ours) if ours == number => {
                vec![format!(
                    "The case keeps {number}, and you are recorded as having confirmed it."
                )]
            }
            Some(ours) => vec![
                format!("The case gets {number}, and you are recorded as having confirmed it."),
                format!("The number {ours} is no longer used for the case."),
            ],
            None => {
                vec![format!(
                    "The case gets {number}, and you are recorded as having confirmed it."
                )]
            }
        };
        let candidates = &self.item.evidence.candidates;
        let found = candidates.iter().find(|candidate| candidate.nhs_number == number);
        let person = found.map(|found| &found.person).or(self.item.evidence.returned.as_ref());
        if person.is_some_and(|person| person.date_of_death.known().is_some())
            && self.case.date_of_death.is_none()
        {
            effects.push("The case gets the date of death that PDS has recorded.".to_owned());
        }
        let settled = self.case.open_items().filter(|other| {
            other.number != self.item.number && other.reason.is_settled_by_an_answer()
        });
        match settled.count() {
            0 => {}
            1 => effects.push("Another open item that this answers is closed.".to_owned()),
            some => effects.push(format!("{some} other open items that this answers are closed.")),
        }
        effects
    }

    fn keep_ours(&self) -> Vec<String> {
        if self.item.reason == ReviewReason::Discrepancy {
            return lines(&[
                "The data of the case do not change. PDS is not changed either.",
                "The item is closed.",
            ]);
        }
        let mut effects: Vec<String> =
            self.ours().map(|ours| format!("The case keeps {ours}.")).into_iter().collect();
        let others: Vec<NhsNumber> =
            self.offered().into_iter().filter(|number| Some(*number) != self.ours()).collect();
        effects.push(never_again(&others));
        if self.case.nhs_number.as_ref().is_some_and(|ours| !ours.status.is_usable()) {
            effects.push(
                "The fault that is recorded against the number stays, and so does its advisory."
                    .to_owned(),
            );
        }
        effects
    }

    fn none_of_these(&self) -> Vec<String> {
        let offered = self.offered();
        let mut effects = vec![never_again(&offered)];
        effects.extend(self.loses(&offered));
        effects.push("The item is closed.".to_owned());
        effects
    }

    fn different_people(&self, number: NhsNumber) -> Vec<String> {
        let mut effects = vec![never_again(&[number])];
        effects.extend(self.loses(&[number]));
        effects.push(
            "The other case keeps its number, and is no longer flagged as a duplicate of this one."
                .to_owned(),
        );
        effects.push(
            "If the number is this case's, choose this at the item of the other case instead."
                .to_owned(),
        );
        effects
    }

    /// What the case loses with these numbers.
    fn loses(&self, numbers: &[NhsNumber]) -> Option<String> {
        let ours = self.ours().filter(|ours| numbers.contains(ours))?;
        let death =
            if self.case.death_traced { ", and the date of death that PDS returned" } else { "" };
        Some(format!("The case loses {ours}{death}, and is traced again from the start."))
    }
}

fn never_again(numbers: &[NhsNumber]) -> String {
    let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    let verb = if numbers.len() == 1 { "is" } else { "are" };
    format!("{} {verb} never proposed for this case again.", numbers.join(", "))
}

fn lines(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

redacted_debug!(Choice, ChoiceKind);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{NumberStatus, advisories};
    use crate::demographics::Field;
    use crate::process::review::context::Context;
    use crate::process::review::fixtures::{
        NUMBER, OTHER, candidate, case, context, id, recorded, with_candidates,
    };
    use crate::process::review::refusal::Refusal;
    use crate::process::review::resolve::resolve;
    use crate::process::review::shown_candidate::ShownCandidate;

    fn shown(case: &Case) -> ShownItem {
        let item = case.review[0].clone();
        let candidates = item.evidence.candidates.iter();
        ShownItem {
            candidates: candidates.map(|other| ShownCandidate::of(case, other, true)).collect(),
            offered: None,
            comparison: None,
            advisories: advisories(case),
            case: case.clone(),
            item,
        }
    }

    fn words(case: &Case) -> Vec<&'static str> {
        shown(case).choices().iter().map(|choice| choice.kind.as_str()).collect()
    }

    fn two(reason: ReviewReason) -> Case {
        let all = [candidate(NUMBER, "JOY", 0.1), candidate(OTHER, "Comfort", 0.11)];
        with_candidates("1", reason, &all)
    }

    fn reasons() -> impl Iterator<Item = ReviewReason> {
        use ReviewReason as Why;
        [
            Why::Differs(Field::Given),
            Why::Unconfirmed,
            Why::Conflict,
            Why::Duplicate,
            Why::DeathUndated,
            Why::NoMatch,
            Why::Ambiguous,
            Why::Replaced,
            Why::Superseded,
            Why::Invalidated,
            Why::NotVerified,
            Why::Rejected,
            Why::Defect,
            Why::Discrepancy,
            Why::NumberDamaged,
            Why::Unanswered,
        ]
        .into_iter()
    }

    #[test]
    fn each_reason_has_its_choices() {
        let mut ambiguous = two(ReviewReason::Ambiguous);
        let expected =
            ["use_number", "use_number", "none_of_these", "correct", "not_on_pds", "escalate"];
        assert_eq!(words(&ambiguous), expected);
        ambiguous.nhs_number = Some(recorded(OTHER, NumberStatus::Usable));
        let expected =
            ["use_number", "use_number", "keep_ours", "none_of_these", "correct", "escalate"];
        assert_eq!(words(&ambiguous), expected);
        let discrepancy = case("1", ReviewReason::Discrepancy, Some(NUMBER));
        assert_eq!(words(&discrepancy), ["keep_ours", "correct", "dismiss", "escalate"]);
        let mut duplicate = case("1", ReviewReason::Duplicate, Some(NUMBER));
        duplicate.review[0].evidence.others = vec![id("2")];
        let expected = ["same_person", "different_people", "correct", "escalate"];
        assert_eq!(words(&duplicate), expected);
        let mut settled = duplicate;
        settled.review[0].state = crate::case::ReviewState::Resolved;
        assert!(words(&settled).is_empty());
    }

    #[test]
    fn two_cases_never_keep_one_number_unnoticed() {
        let mut duplicate = case("1", ReviewReason::Duplicate, Some(NUMBER));
        duplicate.review[0].evidence.others = vec![id("2")];
        for choice in shown(&duplicate).choices() {
            let resolution = choice.kind.resolution(ReviewReason::Duplicate);
            assert!(!matches!(
                resolution,
                Some(Resolution::Acknowledge | Resolution::Dismiss | Resolution::KeepOurs)
            ));
        }
    }

    #[test]
    fn what_is_offered_is_not_refused() {
        for reason in reasons() {
            for ours in [None, Some(NUMBER), Some(OTHER)] {
                let mut open = two(reason);
                open.nhs_number = ours.map(|number| recorded(number, NumberStatus::Usable));
                open.date_of_death = Some("2026-11-20".parse().unwrap());
                let other = Case::new(id("2"), open.record_type.clone());
                let others = [other];
                open.review[0].evidence.others = vec![id("2")];
                let mut seen = 0;
                for choice in shown(&open).choices() {
                    assert!(!choice.effects.is_empty(), "{}", choice.kind.as_str());
                    let Some(resolution) = choice.kind.resolution(reason) else { continue };
                    let context: Context<'_> = context().with_others(&others);
                    let changes = resolve(&open, 1, &resolution, &context);
                    let refused = changes.as_ref().err().copied();
                    assert_eq!(refused, None::<Refusal>, "{reason} {}", choice.kind.as_str());
                    seen += 1;
                }
                assert!(seen > 0, "{reason}");
            }
        }
    }

    #[test]
    fn what_will_happen_is_said_before() {
        let mut open = two(ReviewReason::Conflict);
        open.nhs_number = Some(recorded(OTHER, NumberStatus::NotVerified));
        let shown = shown(&open);
        let effects = |word: &str| {
            let choices = shown.choices();
            let choice = choices.iter().find(|choice| choice.kind.as_str() == word).unwrap();
            choice.effects.join(" ")
        };
        let used = effects("use_number");
        assert!(used.contains("The case gets 944 930 4424") && used.contains("943 476 5919 is no"));
        let kept = effects("keep_ours");
        assert!(kept.contains("The case keeps 943 476 5919."), "{kept}");
        assert!(kept.contains("944 930 4424 is never proposed for this case again."), "{kept}");
        let none = effects("none_of_these");
        assert!(none.contains("The case loses 943 476 5919, and is traced again"), "{none}");
        for choice in shown.choices() {
            assert!(!format!("{choice:?}").contains("943"));
        }
    }
}
