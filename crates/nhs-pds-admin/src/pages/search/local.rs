//! The local cases that meet the criteria.

use crate::error::PageError;
use crate::facts;
use crate::pages::search::criteria::Criteria;
use crate::visitor::Visitor;
use nhs_pds::case::{Case, DeletionKind, NumberStatus};
use nhs_pds::demographics::is_same_form;

/// How many local cases are shown. More do not help: the user adds criteria.
const LIMIT: usize = 20;

/// A local case in the list.
pub(super) struct LocalHit {
    /// The path of its page.
    pub(super) href: String,
    /// Its name in URLs.
    pub(super) name_in_urls: String,
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) born: Option<String>,
    pub(super) gender: Option<&'static str>,
    pub(super) postcode: Option<String>,
    pub(super) number: Option<String>,
    pub(super) notes: Vec<&'static str>,
    pub(super) is_live: bool,
}

/// The local cases that were found.
pub(super) struct Local {
    pub(super) hits: Vec<LocalHit>,
    /// Whether there may be more.
    pub(super) is_cut: bool,
}

/// Searches the cases of the store. The library records the search and each case (MSCA-AUD-05).
pub(super) async fn local(visitor: &Visitor, criteria: &Criteria) -> Result<Local, PageError> {
    let queue = visitor.app.queue();
    let mut cases = queue.search(&criteria.local, None, LIMIT, &visitor.actor()).await?;
    let is_cut = cases.len() == LIMIT;
    if visitor.person.role.needs_involvement() {
        let mut own = Vec::new();
        for case in cases {
            if visitor.app.identity.is_involved(&visitor.person, &case).await {
                own.push(case);
            }
        }
        cases = own;
    }
    if let Some(given) = &criteria.given {
        cases.sort_by_key(|case| !has_given_name(case, given));
    }
    let links = visitor.app.links().await?;
    let hits = cases.iter().map(|case| {
        let name = links.case(&case.id);
        LocalHit::of(case, visitor.app.path(&format!("/case/{name}")), name)
    });
    Ok(Local { hits: hits.collect(), is_cut })
}

/// Whether the case has this given name, the first of several.
fn has_given_name(case: &Case, given: &str) -> bool {
    let first = |text: &str| text.split_whitespace().next().unwrap_or_default().to_owned();
    let names = case.forename.iter().chain(&case.other_forenames);
    names.into_iter().any(|name| is_same_form(&first(name), &first(given)))
}

impl LocalHit {
    fn of(case: &Case, href: String, name_in_urls: String) -> Self {
        let names = [&case.forename, &case.surname];
        Self {
            href,
            name_in_urls,
            id: case.id.to_string(),
            name: facts::joined(names.into_iter().flatten().map(String::as_str), " "),
            born: case.date_of_birth.map(facts::date),
            gender: case.gender.map(facts::gender),
            postcode: facts::text(case.postcode.as_deref()),
            number: case.nhs_number.as_ref().map(|recorded| recorded.number.to_string()),
            notes: notes(case),
            is_live: case.is_live(),
        }
    }
}

/// What a user must know before they open the case.
fn notes(case: &Case) -> Vec<&'static str> {
    let deleted = match case.deleted.as_ref().map(|deletion| &deletion.how) {
        None => None,
        Some(DeletionKind::Logical) => Some("Deleted"),
        Some(DeletionKind::MergedInto(_)) => Some("Merged into another record"),
        Some(_) => Some("Erased"),
    };
    let status = case.nhs_number.as_ref().and_then(|recorded| match recorded.status {
        NumberStatus::Usable => None,
        NumberStatus::Superseded => Some("Number replaced"),
        NumberStatus::Invalid => Some("Number invalid"),
        _ => Some("Number not verified"),
    });
    let died = case.date_of_death.map(|_| "Has died");
    let open = case.open_items().next().map(|_| "Open review item");
    [deleted, status, died, open].into_iter().flatten().collect()
}
