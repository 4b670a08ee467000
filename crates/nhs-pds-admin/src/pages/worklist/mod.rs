//! The worklist: open review items, oldest first, with counts, filters and actions on several at once (HAV-6, HAV-10).

mod bulk;
mod view;

use crate::error::PageError;
use crate::form::Choice;
use crate::layout::page;
use crate::links::Links;
use crate::pages::worklist::view::{Row, Tab, WorklistPage};
use crate::rights::Right;
use crate::routes::Routes;
use crate::view as values;
use crate::visitor::Visitor;
use crate::words;
use axum::extract::Query;
use axum::response::Response;
use nhs_pds::case::{ItemCounts, ItemFilter, ItemId, ItemPlace, ReviewReason, ReviewState};
use nhs_pds::process::review::ListedItem;
use serde::Deserialize;

/// The rows of a page.
const PAGE: usize = 50;

/// The routes of these pages.
pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .get("/worklist", Right::ViewWorklist, show)
        .post("/worklist/assign", Right::AnnotateItem, bulk::assign)
        .post("/worklist/dismiss", Right::DecideItem, bulk::confirm_dismissal)
        .post("/worklist/dismissed", Right::DecideItem, bulk::dismiss)
        .post("/worklist/release", Right::DecideItem, bulk::confirm_release)
        .post("/worklist/released", Right::DecideItem, bulk::release)
}

/// What the address of the page selects. Words and a sealed place: nothing of a person.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Selected {
    /// The tab: `mine`, `unassigned` or the word of a state; empty for all.
    tab: String,
    reason: String,
    /// `without` for cases without an NHS Number.
    number: String,
    /// The sealed place after which the page begins.
    after: String,
}

impl Selected {
    /// The filter, for the cases that the user may see.
    fn filter(&self, visitor: &Visitor) -> Result<ItemFilter, PageError> {
        let mut filter = ItemFilter::default();
        match self.tab.as_str() {
            "" => {}
            "mine" => filter = filter.with_assignee(visitor.actor().user_id()),
            "unassigned" => filter = filter.unassigned(),
            word => filter = filter.with_state(state(word).ok_or(PageError::NotFound)?),
        }
        if !self.reason.is_empty() {
            let reason: ReviewReason = self.reason.parse().map_err(|_| PageError::NotFound)?;
            filter = filter.with_reason(reason);
        }
        if self.number == "without" {
            filter = filter.without_nhs_number();
        }
        Ok(match workers(visitor) {
            Some(workers) => filter.with_workers(workers),
            None => filter,
        })
    }

    /// The address of a page with these conditions.
    fn href(&self, visitor: &Visitor) -> String {
        let parts = [
            ("tab", &self.tab),
            ("reason", &self.reason),
            ("number", &self.number),
            ("after", &self.after),
        ];
        let parts = parts.into_iter().filter(|(_, value)| !value.is_empty());
        let query: Vec<String> = parts.map(|(key, value)| format!("{key}={value}")).collect();
        let path = visitor.app.path("/worklist");
        if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) }
    }
}

/// The names of the user in allocations, if the role sees only such cases (HAV-12).
pub(super) fn workers(visitor: &Visitor) -> Option<Vec<String>> {
    visitor.person.role.needs_involvement().then(|| visitor.person.workers.clone())
}

fn state(word: &str) -> Option<ReviewState> {
    ReviewState::OPEN.into_iter().find(|state| state.as_str() == word)
}

async fn show(visitor: Visitor, Query(selected): Query<Selected>) -> Result<Response, PageError> {
    let filter = selected.filter(&visitor)?;
    let links = visitor.app.links().await?;
    let after = match selected.after.as_str() {
        "" => None,
        sealed => Some(place(&links.open("worklist", sealed).ok_or(PageError::NotFound)?)?),
    };
    let queue = visitor.app.queue();
    let mut items = queue.list(&filter, after.as_ref(), PAGE + 1, &visitor.actor()).await?;
    let has_more = items.len() > PAGE;
    items.truncate(PAGE);
    let workers = workers(&visitor);
    let counts = queue.counts(visitor.actor().user_id(), workers.as_deref()).await?;
    let next = items.last().filter(|_| has_more).map(|last| {
        let after = links.seal("worklist", &written(&last.place()));
        Selected { after, ..selected.clone() }.href(&visitor)
    });
    page(&WorklistPage {
        layout: visitor.layout("Worklist", "/worklist").confidential(),
        tabs: tabs(&visitor, &selected, &counts),
        reasons: reasons(&selected, &counts),
        rows: items.iter().map(|item| row(&visitor, links, item)).collect(),
        tab: selected.tab.clone(),
        is_without: selected.number == "without",
        without: values::count(counts.without_nhs_number),
        may_decide: visitor.may(Right::DecideItem),
        may_annotate: visitor.may(Right::AnnotateItem),
        is_first: selected.after.is_empty(),
        first: Selected { after: String::new(), ..selected.clone() }.href(&visitor),
        next,
        done: visitor.done.as_deref().and_then(bulk::done),
    })
}

/// The tabs, with how many items each has.
fn tabs(visitor: &Visitor, selected: &Selected, counts: &ItemCounts) -> Vec<Tab> {
    let tab = |word: &str, label: &'static str, count: u64| Tab {
        href: Selected { tab: word.to_owned(), ..Selected::default() }.href(visitor),
        label,
        count: values::count(count),
        is_current: selected.tab == word,
    };
    let of = |state: ReviewState| counts.states.get(&state).copied().unwrap_or_default();
    let mut tabs = vec![
        tab("", "All open", counts.open),
        tab("mine", "Mine", counts.assigned),
        tab("unassigned", "Unassigned", counts.unassigned),
    ];
    tabs.extend(ReviewState::OPEN.map(|state| tab(state.as_str(), label_of(state), of(state))));
    tabs
}

/// The reasons that open items have, with how many.
fn reasons(selected: &Selected, counts: &ItemCounts) -> Vec<Choice> {
    let reasons: Vec<(String, String)> = counts
        .reasons
        .iter()
        .map(|(reason, count)| {
            (
                reason.as_str().to_owned(),
                format!("{} ({})", words::reason(*reason), values::count(*count)),
            )
        })
        .collect();
    let known = reasons.iter().map(|(word, text)| (word.as_str(), text.as_str()));
    let mut reasons =
        Choice::list([("", "All reasons")].into_iter().chain(known), &selected.reason);
    if !selected.reason.is_empty() && reasons.iter().all(|choice| !choice.is_selected) {
        // The last item of this reason may just have been settled.
        let parsed: Option<ReviewReason> = selected.reason.parse().ok();
        reasons.extend(parsed.map(|reason| Choice {
            value: selected.reason.clone(),
            text: format!("{} (0)", words::reason(reason)),
            is_selected: true,
        }));
    }
    reasons
}

fn row(visitor: &Visitor, links: &Links, item: &ListedItem) -> Row {
    let me = visitor.actor().user_id().to_owned();
    Row {
        href: visitor.app.path(&format!("/item/{}/{}", links.case(&item.id.case), item.id.item)),
        sealed: links.seal("item", &written(&item.place())),
        case: item.id.case.to_string(),
        reason: words::reason(item.reason),
        state: words::state(item.state),
        age: age(item),
        opened: values::time(item.opened_at),
        assignee: match &item.assignee {
            Some(user) if *user == me => "Me".to_owned(),
            Some(user) => user.clone(),
            None => "Not assigned".to_owned(),
        },
    }
}

const fn label_of(state: ReviewState) -> &'static str {
    match state {
        ReviewState::Open => "Not passed on",
        other => words::state(other),
    }
}

/// How old an item is, in words.
fn age(item: &ListedItem) -> String {
    let (days, hours) = (item.age.num_days(), item.age.num_hours());
    match (days, hours) {
        (..=0, ..=0) => "less than an hour".to_owned(),
        (..=0, 1) => "1 hour".to_owned(),
        (..=0, hours) => format!("{hours} hours"),
        (1, _) => "1 day".to_owned(),
        (days, _) => format!("{days} days"),
    }
}

/// A place as it is sealed.
fn written(place: &ItemPlace) -> String {
    format!("{} {} {}", place.opened_at().timestamp_micros(), place.id().item, place.id().case)
}

/// The place that was sealed.
pub(super) fn place(text: &str) -> Result<ItemPlace, PageError> {
    let read = || {
        let mut parts = text.splitn(3, ' ');
        let at = chrono::DateTime::from_timestamp_micros(parts.next()?.parse().ok()?)?;
        let item = parts.next()?.parse().ok()?;
        Some(ItemPlace::new(at, ItemId::new(parts.next()?.parse().ok()?, item)))
    };
    read().ok_or(PageError::NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_was_written() {
        let at = "2026-11-30T09:05:00.123456Z".parse().unwrap();
        let first = ItemPlace::new(at, ItemId::new("A case: 1".parse().unwrap(), 7));
        assert!(place(&written(&first)).unwrap() == first);
        for wrong in ["", "1", "1 2", "x 1 RXX:1", "1 x RXX:1"] {
            assert!(place(wrong).is_err(), "{wrong}");
        }
    }
}
