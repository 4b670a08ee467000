//! What a case says, as its page shows it. The same for the record as it was on another day.

use crate::facts;
use crate::links::Links;
use crate::pages::case::source::{Fact, Number};
use crate::rights::FieldGroup;
use crate::view;
use crate::visitor::Visitor;
use crate::words;
use nhs_pds::case::{Case, DeletionKind, ReviewItem, advisories};

/// A review item of a case.
pub(super) struct Item {
    pub(super) href: String,
    pub(super) reason: &'static str,
    pub(super) state: &'static str,
    pub(super) opened: String,
}

/// A case that is not active any more.
pub(super) struct Gone {
    pub(super) text: String,
    /// Where the record is that took it over.
    pub(super) survivor: Option<String>,
}

/// A case.
pub(super) struct Record {
    pub(super) id: String,
    pub(super) record_type: String,
    /// In the wording of MSCA-DQ-01, DQ-03 and DQ-04.
    pub(super) advisories: Vec<String>,
    pub(super) gone: Option<Gone>,
    pub(super) number: Option<Number>,
    /// Why there is no number, if something is known.
    pub(super) no_number: &'static str,
    pub(super) person: Vec<Fact>,
    pub(super) contact: Vec<Fact>,
    pub(super) allocations: Vec<String>,
    pub(super) last_trace: Option<String>,
    pub(super) open: Vec<Item>,
    pub(super) settled: Vec<Item>,
    pub(super) absorbed: usize,
    pub(super) rejected: Vec<String>,
}

impl Record {
    /// The case as `visitor` may see it.
    pub(super) fn of(case: &Case, visitor: &Visitor, links: &Links) -> Self {
        let path = |id| visitor.app.path(&format!("/case/{}", links.case(id)));
        let item = |item: &ReviewItem| Item {
            href: visitor.app.path(&format!("/item/{}/{}", links.case(&case.id), item.number)),
            reason: words::reason(item.reason),
            state: words::state(item.state),
            opened: view::time(item.opened_at),
        };
        let (open, settled): (Vec<_>, Vec<_>) = case.review.iter().partition(|item| item.is_open());
        let sees = |group, facts: Vec<Fact>| if visitor.sees(group) { facts } else { Vec::new() };
        Self {
            id: case.id.to_string(),
            record_type: case.record_type.as_str().to_owned(),
            advisories: advisories(case)
                .iter()
                .map(|advisory| advisory.text().to_owned())
                .collect(),
            gone: case.deleted.as_ref().map(|deletion| Gone {
                text: format!("{} on {}.", gone(&deletion.how), view::time(deletion.at)),
                survivor: match &deletion.how {
                    DeletionKind::MergedInto(survivor) => Some(path(survivor)),
                    _ => None,
                },
            }),
            number: Number::of(case).filter(|_| visitor.sees(FieldGroup::Identity)),
            no_number: no_number(case),
            person: sees(FieldGroup::Identity, person(case)),
            contact: sees(FieldGroup::Contact, contact(case)),
            allocations: allocations(case),
            last_trace: case.last_trace.as_ref().map(|trace| {
                format!("{}: {}", view::time(trace.at), words::trace_result(&trace.result))
            }),
            open: open.into_iter().map(item).collect(),
            settled: settled.into_iter().map(item).collect(),
            absorbed: case.absorbed.len(),
            rejected: rejected(case, visitor),
        }
    }
}

const fn gone(how: &DeletionKind) -> &'static str {
    match how {
        DeletionKind::Logical => "This record was deleted",
        DeletionKind::MergedInto(_) => "This record was merged into another record",
        DeletionKind::Erased => "The content of this record was erased",
        _ => "This record is not active any more, since",
    }
}

const fn no_number(case: &Case) -> &'static str {
    if case.not_on_pds {
        "Not recorded. A user has recorded that the person is not on PDS."
    } else if case.damaged_number.is_some() {
        "Not recorded. The local system has a text that is not a valid NHS Number."
    } else {
        "Not recorded"
    }
}

fn listed(texts: &[String]) -> Option<String> {
    facts::joined(texts.iter().map(String::as_str), "; ")
}

fn person(case: &Case) -> Vec<Fact> {
    let text = |text: &Option<String>| facts::text(text.as_deref());
    vec![
        Fact::new("Surname", text(&case.surname)),
        Fact::new("Given name", text(&case.forename)),
        Fact::new("Other given names", listed(&case.other_forenames)),
        Fact::new("Former surnames", listed(&case.former_surnames)),
        Fact::new("Aliases", listed(&case.aliases)),
        Fact::new("Date of birth", case.date_of_birth.map(facts::date)),
        Fact::new("Gender", case.gender.map(|gender| facts::gender(gender).to_owned())),
        Fact::new("Date of death", case.date_of_death.map(facts::date)),
    ]
}

fn contact(case: &Case) -> Vec<Fact> {
    vec![
        Fact::new("Address", facts::joined(case.address.iter().map(String::as_str), ", ")),
        Fact::new("Postcode", facts::text(case.postcode.as_deref())),
        Fact::new("Former postcodes", listed(&case.former_postcodes)),
        Fact::new("Telephone numbers", listed(&case.telephones)),
        Fact::new("E-mail addresses", listed(&case.emails)),
    ]
}

fn allocations(case: &Case) -> Vec<String> {
    let dates = |allocation: &nhs_pds::case::Allocation| {
        let start = allocation.start.map(|day| format!("from {}", facts::date(day.into())));
        let end = allocation.end.map(|day| format!("to {}", facts::date(day.into())));
        facts::joined(start.iter().chain(&end).map(String::as_str), " ")
            .unwrap_or_else(|| "dates not recorded".to_owned())
    };
    case.allocations
        .iter()
        .map(|allocation| format!("{}, {}", allocation.worker, dates(allocation)))
        .collect()
}

/// The numbers of people whom a user has rejected, for roles that see such people.
fn rejected(case: &Case, visitor: &Visitor) -> Vec<String> {
    let numbers = case.rejected_numbers.iter().map(ToString::to_string);
    numbers.filter(|_| visitor.sees(FieldGroup::Candidates)).collect()
}
