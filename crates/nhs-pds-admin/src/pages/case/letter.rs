//! The parts of a letter with the NHS Number, as they are printed (HAV-11, MSCA-IG-04, MSCA-PDS-06).

use crate::error::PageError;
use crate::facts;
use crate::layout::{Layout, page};
use crate::visitor::Visitor;
use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use nhs_pds::case::Case;
use nhs_pds::correspondence::{BarCode, CONFIDENTIAL, PageNumber, PrintableNumber, printable};

/// The height of the bars, in modules.
const HEIGHT: usize = 30;

/// The number with its bar code.
pub(super) struct Printed {
    pub(super) number: String,
    /// The bars: where each begins, and how wide it is.
    pub(super) bars: Vec<(usize, usize)>,
    pub(super) width: usize,
    pub(super) height: usize,
}

impl Printed {
    fn of(number: PrintableNumber) -> Self {
        let code = number.bar_code();
        let bar = |bar: nhs_pds::correspondence::Bar| (BarCode::QUIET_ZONE + bar.start, bar.width);
        Self {
            number: number.to_string(),
            bars: code.bars().map(bar).collect(),
            width: code.modules().len() + 2 * BarCode::QUIET_ZONE,
            height: HEIGHT,
        }
    }
}

/// What is printed of a case.
#[derive(Template)]
#[template(path = "case/letter.html")]
struct LetterPage {
    layout: Layout,
    here: String,
    id: String,
    label: &'static str,
    printed: Option<Printed>,
    /// Why the number is not printed, and what to do.
    refusal: String,
    is_deceased: bool,
    name: Option<String>,
    address: Vec<String>,
    pages: Vec<String>,
}

pub(super) async fn show(
    visitor: Visitor,
    Path(name): Path<String>,
) -> Result<Response, PageError> {
    let case = visitor.view(&name, "letter").await?;
    // The case as it is stored now: a letter cannot be withdrawn.
    let number = printable(&case, &[]);
    let is_deceased = number.map_or(case.date_of_death.is_some(), PrintableNumber::is_deceased);
    let names = [&case.forename, &case.surname];
    page(&LetterPage {
        layout: visitor.layout("Letter", "").confidential(),
        here: visitor.app.path(&format!("/case/{name}")),
        id: case.id.to_string(),
        label: CONFIDENTIAL,
        refusal: number.err().map(|refusal| sentence(&refusal.to_string())).unwrap_or_default(),
        printed: number.ok().map(Printed::of),
        is_deceased,
        name: facts::joined(names.into_iter().flatten().map(String::as_str), " "),
        address: if is_deceased { Vec::new() } else { lines(&case) },
        pages: pages(2),
    })
}

/// The numbers of the printed pages.
fn pages(of: u32) -> Vec<String> {
    (1..=of)
        .filter_map(|page| PageNumber::new(page, of).ok())
        .map(|page| page.to_string())
        .collect()
}

/// The lines of the address label that are recorded.
fn lines(case: &Case) -> Vec<String> {
    let lines = case.address.iter().chain(&case.postcode);
    lines.filter_map(|line| facts::text(Some(line))).collect()
}

/// The text with a capital letter and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_numbered() {
        assert_eq!(pages(2), ["page 1 of 2", "page 2 of 2"]);
        assert_eq!(sentence("no number: trace"), "No number: trace.");
    }
}
