//! Which cases a list or a search reads, by the tables that databases keep for them.

use crate::case::review::ReviewState;
use crate::case::search::CaseFilter;
use crate::case::work_item::ItemFilter;

/// The last character. No text that begins as another does comes behind that text with it.
const LAST: char = char::MAX;

/// How many characters of a beginning are compared.
const LONGEST_START: usize = 90;

/// The question for the cases whose items meet `filter`.
pub(super) fn items_find(filter: &ItemFilter) -> Find {
    let is_open = filter.state().is_none_or(ReviewState::is_open);
    let mut find = Find::new("case_item", "DISTINCT case_id");
    let reason = filter.reason().map(|reason| reason.as_str().to_owned());
    let state = filter.state().map(|state| state.as_str().to_owned());
    find.index = match (filter.assignee(), &state, &reason) {
        (Some(_), _, _) => "case_item_by_assignee",
        (None, Some(_), Some(_)) => "case_item_by_state_and_reason",
        (None, Some(_), None) => "case_item_by_state",
        (None, None, Some(_)) => "case_item_by_reason",
        (None, None, None) => "case_item_by_open",
    };
    if filter.assignee().is_some() || state.is_none() {
        find.and("is_open =", Value::Flag(is_open));
    }
    find.and_if("assignee =", filter.assignee().map(str::to_owned));
    find.and_if("state =", state);
    find.and_if("reason =", reason);
    find
}

/// The question for the cases that meet `filter`.
pub(super) fn cases_find(filter: &CaseFilter) -> Find {
    let number = filter.nhs_number().map(|number| number.digits().to_string());
    let (surname, born) = (filter.surname_start(), filter.date_of_birth_start());
    let mut find = Find::new("case_search", "case_id");
    // The condition that selects fewest cases.
    find.index = match (filter.id(), &number, filter.postcode(), &born, surname) {
        (Some(_), ..) => "",
        (_, Some(_), ..) => "case_search_by_nhs_number",
        (_, _, Some(_), ..) => "case_search_by_postcode",
        (_, _, _, Some(_), _) => "case_search_by_date_of_birth",
        (_, _, _, _, Some(_)) => "case_search_by_surname",
        _ => "",
    };
    if !filter.includes_inactive() {
        find.and("is_live =", Value::Flag(true));
    }
    if let Some(id) = filter.id() {
        find.and("case_id =", Value::Id(id.as_str().to_owned()));
    }
    find.and_if("nhs_number =", number);
    find.and_if("postcode =", filter.postcode().map(str::to_owned));
    find.and_start("date_of_birth", born.as_deref());
    find.and_start("surname", surname);
    find
}

/// A query for case ids. Only values are bound; the text has no content.
pub(super) struct Find {
    pub(super) table: &'static str,
    /// The column of the id.
    pub(super) column: &'static str,
    /// The index to use; empty for the table's own order.
    pub(super) index: &'static str,
    /// The conditions, each with the value that it ends with: a column and an operator.
    pub(super) conditions: Vec<(String, Value)>,
}

/// A value of a condition.
#[derive(Clone)]
pub(super) enum Value {
    Flag(bool),
    Id(String),
    Text(String),
}

impl Find {
    const fn new(table: &'static str, column: &'static str) -> Self {
        Self { table, column, index: "", conditions: Vec::new() }
    }

    fn and(&mut self, condition: &str, value: Value) {
        self.conditions.push((condition.to_owned(), value));
    }

    fn and_if(&mut self, condition: &str, value: Option<String>) {
        if let Some(value) = value {
            self.and(condition, Value::Text(value));
        }
    }

    /// Only texts that begin with `start`.
    fn and_start(&mut self, column: &str, start: Option<&str>) {
        if let Some(start) = start {
            // A database may keep only the beginning of a text. The documents decide.
            let start: String = start.chars().take(LONGEST_START).collect();
            self.and(&format!("{column} >="), Value::Text(start.clone()));
            self.and(&format!("{column} <"), Value::Text(format!("{start}{LAST}")));
        }
    }
}
