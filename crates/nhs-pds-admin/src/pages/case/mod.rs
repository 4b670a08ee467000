//! One case: its number with provenance and history, the record as it was on any day, what PDS says, and its letter.

mod as_of;
mod history;
mod letter;
mod record;
mod refresh;
mod said;
mod source;

use crate::error::PageError;
use crate::layout::{Layout, page};
use crate::pages::case::record::Record;
use crate::pages::case::said::Said;
use crate::rights::{FieldGroup, Right};
use crate::routes::Routes;
use crate::visitor::Visitor;
use crate::words;
use askama::Template;
use axum::extract::Path;
use axum::response::Response;

/// The routes of these pages.
pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .get("/case/{case}", Right::ViewCase, show)
        .get("/case/{case}/history", Right::ViewCase, history::show)
        .post("/case/{case}/as-of", Right::ViewCase, as_of::show)
        .post("/case/{case}/refresh", Right::RefreshCase, refresh::refresh)
        .post("/case/{case}/pds", Right::SearchPds, said::ask_now)
        .get("/case/{case}/letter", Right::PrintLetter, letter::show)
}

/// The page of a case.
#[derive(Template)]
#[template(path = "case/case.html")]
struct CasePage {
    layout: Layout,
    /// The path of the case, for its other pages.
    here: String,
    record: Record,
    said: Option<Said>,
    sees_candidates: bool,
    may_search: bool,
    may_ask: bool,
    may_refresh: bool,
    may_print: bool,
    may_decide: bool,
    done: Option<String>,
}

async fn show(visitor: Visitor, Path(name): Path<String>) -> Result<Response, PageError> {
    let case = visitor.view(&name, "case").await?;
    let links = visitor.app.links().await?;
    let here = visitor.app.path(&format!("/case/{name}"));
    let sees_candidates = visitor.sees(FieldGroup::Candidates);
    let record = Record::of(&case, &visitor, links);
    let is_live = case.is_live();
    page(&CasePage {
        layout: visitor.layout(&format!("Record {}", case.id), "").confidential(),
        here,
        said: Said::of(&case, sees_candidates),
        sees_candidates,
        may_search: visitor.may(Right::SearchCases),
        may_ask: visitor.may(Right::SearchPds) && is_live,
        may_refresh: visitor.may(Right::RefreshCase) && visitor.app.refresh.is_some() && is_live,
        may_print: visitor.may(Right::PrintLetter),
        may_decide: visitor.may(Right::DecideItem) && is_live,
        done: visitor.done.as_deref().and_then(done),
        record,
    })
}

/// What was done before the page was shown again, by the word of the redirect.
fn done(word: &str) -> Option<String> {
    if let Some(result) = word.strip_prefix("traced_") {
        return Some(format!("The case was traced. {}.", words::trace_result(result)));
    }
    if let Some(reason) = word.strip_prefix("not_traced_") {
        return Some(format!("The case was not traced. {}.", words::not_traced(reason)));
    }
    let text = match word {
        "not_traced" => "The case was not traced.",
        "suspended" => {
            "The case was not traced: PDS failed several times, so questions are suspended."
        }
        "number_confirmed" => {
            "The NHS Number is recorded, with your name as the person who confirmed it."
        }
        "number_kept" => "The record has this NHS Number already.",
        "not_on_pds" => "It is recorded that the person is not on PDS.",
        _ => return None,
    };
    Some(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_fixed_words_are_said() {
        assert!(done("traced_found").unwrap().contains("found and recorded"));
        assert!(done("not_traced_not_allocated").unwrap().contains("not allocated"));
        assert_eq!(done("anything_else"), None);
    }
}
