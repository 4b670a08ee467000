//! What has changed in a case since the user saw it.

use crate::error::PageError;
use crate::rights::FieldGroup;
use crate::view;
use crate::visitor::Visitor;
use crate::words;
use nhs_pds::case::Case;
use nhs_pds::process::review::Seen;

/// A sentence for each change, the steps of users first.
pub(super) async fn since(
    visitor: &Visitor,
    case: &Case,
    seen: &Seen,
) -> Result<Vec<String>, PageError> {
    let since = visitor.app.queue().since(case, seen).await?;
    let mut lines: Vec<String> = Vec::new();
    for (item, step) in &since.steps {
        let (when, what) = (view::time(step.at), words::step(&step.what));
        lines.push(format!("{when}: {what}, by {}, on item {item}.", step.by));
    }
    for change in &since.fields {
        let label = label(change.field);
        let is_hidden = change.field == "rejected_numbers" && !visitor.sees(FieldGroup::Candidates);
        if is_hidden {
            lines.push(format!("{label} changed."));
            continue;
        }
        let text = |value: &Option<String>| view::or_not_recorded(value.as_deref()).to_owned();
        lines.push(format!("{label}: {}. Before: {}.", text(&change.after), text(&change.before)));
    }
    Ok(lines)
}

/// The name of a field, by its stable word.
fn label(field: &str) -> &'static str {
    match field {
        "family" => "Surname",
        "given" => "Given name",
        "date_of_birth" => "Date of birth",
        "gender" => "Gender",
        "address" => "Address",
        "postcode" => "Postcode",
        "date_of_death" => "Date of death",
        "nhs_number" => "NHS Number",
        "number_status" => "Status of the NHS Number",
        "rejected_numbers" => "Rejected numbers",
        "not_on_pds" => "Not on PDS",
        "inactive" => "Deleted or merged",
        _ => "Another field",
    }
}
