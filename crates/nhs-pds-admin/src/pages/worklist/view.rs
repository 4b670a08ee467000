//! The worklist as its template shows it.

use crate::form::Choice;
use crate::layout::Layout;
use askama::Template;

/// A tab with its count.
pub(super) struct Tab {
    pub(super) href: String,
    pub(super) label: &'static str,
    pub(super) count: String,
    pub(super) is_current: bool,
}

/// An item. A row names the case by its id and has no detail of the person: a list is read over a shoulder.
pub(super) struct Row {
    pub(super) href: String,
    /// The item in a form.
    pub(super) sealed: String,
    pub(super) case: String,
    pub(super) reason: &'static str,
    pub(super) state: &'static str,
    pub(super) age: String,
    pub(super) opened: String,
    pub(super) assignee: String,
}

#[derive(Template)]
#[template(path = "worklist/worklist.html")]
pub(super) struct WorklistPage {
    pub(super) layout: Layout,
    pub(super) tabs: Vec<Tab>,
    pub(super) reasons: Vec<Choice>,
    pub(super) rows: Vec<Row>,
    pub(super) tab: String,
    pub(super) is_without: bool,
    pub(super) without: String,
    pub(super) may_decide: bool,
    pub(super) may_annotate: bool,
    pub(super) is_first: bool,
    pub(super) first: String,
    pub(super) next: Option<String>,
    pub(super) done: Option<&'static str>,
}

/// Says what an action on several items will do, before it is done.
#[derive(Template)]
#[template(path = "worklist/confirm.html")]
pub(super) struct ConfirmPage {
    pub(super) layout: Layout,
    pub(super) action: String,
    pub(super) effects: Vec<String>,
    pub(super) sealed: Vec<String>,
    pub(super) problem: String,
    pub(super) wants_reason: bool,
    pub(super) codes: bool,
    pub(super) button: &'static str,
}

/// What became of each item.
#[derive(Template)]
#[template(path = "worklist/result.html")]
pub(super) struct ResultPage {
    pub(super) layout: Layout,
    pub(super) summary: String,
    pub(super) lines: Vec<(String, String)>,
}
