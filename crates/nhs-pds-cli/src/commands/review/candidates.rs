//! How the candidates of an item are printed.

use nhs_pds::process::review::{Agreement, ShownCandidate, ShownField};
use nhs_pds::text::terminal::printable;

/// The case and its candidates side by side, with a mark in front of each value of a candidate, and then the
/// evidence for each candidate in words.
pub(super) fn table(candidates: &[ShownCandidate]) -> String {
    let mut rows = vec![head(candidates)];
    let first = candidates.first().map(|candidate| candidate.fields.as_slice()).unwrap_or_default();
    rows.extend(first.iter().enumerate().map(|(place, field)| row(candidates, place, field)));
    let marks = Agreement::ALL.map(|agreement| {
        let word = agreement.as_str().replace('_', " ");
        format!("{} {word}", agreement.mark())
    });
    let words = candidates.iter().enumerate().map(|(place, candidate)| words(place, candidate));
    format!("{}{}\n{}", aligned(&rows), marks.join("   "), words.collect::<String>())
}

fn head(candidates: &[ShownCandidate]) -> Vec<String> {
    let numbered = candidates
        .iter()
        .enumerate()
        .map(|(place, candidate)| format!("{}: {}", place + 1, candidate.nhs_number));
    [String::new(), "case".to_owned()].into_iter().chain(numbered).collect()
}

fn row(candidates: &[ShownCandidate], place: usize, field: &ShownField) -> Vec<String> {
    let text = |value: &Option<String>| printable(value.as_deref().unwrap_or("-")).to_string();
    let cells = candidates.iter().map(|candidate| {
        let field = candidate.fields.get(place);
        field.map(|field| format!("{} {}", field.agreement.mark(), text(&field.pds)))
    });
    [field.field.to_owned(), text(&field.local)]
        .into_iter()
        .chain(cells.map(Option::unwrap_or_default))
        .collect()
}

/// The rows, with each column as wide as its longest cell.
fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

fn words(place: usize, candidate: &ShownCandidate) -> String {
    let mut said = format!("{}  {}: {}\n", place + 1, candidate.nhs_number, candidate.in_words);
    if candidate.restricted {
        said += "   restricted record: do not give the address to other people\n";
    }
    if candidate.stale {
        said += "   from a provider's copy, which may be out of date\n";
    }
    if !candidate.can_be_accepted {
        said += "   cannot be accepted: the item is settled, or another case has the number\n";
    }
    said
}
