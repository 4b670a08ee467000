//! The choices of an item in a form.

use nhs_pds::process::review::{Choice, ChoiceKind, ShownItem};

/// The value of a choice in a form. It may contain a number or a case id: forms are sent by POST.
pub(super) fn value(kind: &ChoiceKind) -> String {
    let word = kind.as_str();
    match kind {
        ChoiceKind::UseNumber(number) | ChoiceKind::DifferentPeople(number) => {
            format!("{word}:{}", number.digits())
        }
        ChoiceKind::SamePerson(other) => format!("{word}:{other}"),
        _ => word.to_owned(),
    }
}

/// The text beside the control.
pub(super) fn label(kind: &ChoiceKind) -> String {
    match kind {
        ChoiceKind::SamePerson(other) => format!("Record {other} is the same person: merge it"),
        kind => kind.title(),
    }
}

/// The choices of the decision form. Passing on has a form of its own.
pub(super) fn choices(shown: &ShownItem) -> Vec<Choice> {
    let choices = shown.choices().into_iter();
    choices.filter(|choice| choice.kind != ChoiceKind::Escalate).collect()
}
