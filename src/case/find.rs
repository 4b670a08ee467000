//! Which cases a list or a search reads, by the tables that databases keep for them.

use crate::case::review::ReviewState;
use crate::case::search::CaseFilter;
use crate::case::work_item::ItemFilter;

/// The last character. No text that begins as another does comes behind that text with it.
const LAST: char = char::MAX;

/// How many characters of a beginning are compared.
const LONGEST_START: usize = 90;

/// The question for the items that meet `filter`.
pub(super) fn items_find(filter: &ItemFilter) -> Find {
    let is_open = filter.state().is_none_or(ReviewState::is_open);
    let mut find = Find::new("case_item");
    let reason = filter.reason().map(|reason| reason.as_str().to_owned());
    let state = filter.state().map(|state| state.as_str().to_owned());
    find.index = match (filter.workers(), filter.assignee(), &state, &reason) {
        // A worker has few cases.
        (Some(_), ..) => "",
        (_, Some(_), _, _) => "case_item_by_assignee",
        (_, None, Some(_), Some(_)) => "case_item_by_state_and_reason",
        (_, None, Some(_), None) => "case_item_by_state",
        (_, None, None, Some(_)) => "case_item_by_reason",
        (_, None, None, None) => "case_item_by_age",
    };
    if filter.assignee().is_some() || state.is_none() {
        find.and("is_open =", Value::Flag(is_open));
    }
    find.and_if("assignee =", filter.assignee().map(str::to_owned));
    find.and_if("state =", state);
    find.and_if("reason =", reason);
    if filter.is_unassigned() {
        find.and("assignee IS NULL", Value::Nothing);
    }
    if filter.lacks_nhs_number() {
        find.and("has_number =", Value::Flag(false));
    }
    find.and_workers(filter.workers());
    find
}

/// The question for the cases that meet `filter`.
pub(super) fn cases_find(filter: &CaseFilter) -> Find {
    let number = filter.nhs_number().map(|number| number.digits().to_string());
    let (surname, born) = (filter.surname_start(), filter.date_of_birth_start());
    let mut find = Find::new("case_search");
    // The condition that selects fewest cases.
    find.index = match (filter.id(), &number, filter.postcode(), &born, surname) {
        (Some(_), ..) => "",
        _ if filter.reference().is_some() => "case_search_by_reference",
        _ if filter.batch().is_some() => "case_search_by_batch",
        _ if filter.workers().is_some() => "",
        (_, Some(_), ..) => "case_search_by_nhs_number",
        (_, _, Some(_), ..) => "case_search_by_postcode",
        (_, _, _, Some(_), _) => "case_search_by_date_of_birth",
        (_, _, _, _, Some(_)) => "case_search_by_surname",
        _ if filter.lacks_nhs_number() && !filter.includes_inactive() => {
            "case_search_without_number"
        }
        _ => "",
    };
    if !filter.includes_inactive() {
        find.and("is_live =", Value::Flag(true));
    }
    if let Some(id) = filter.id() {
        find.and("case_id =", Value::Id(id.as_str().to_owned()));
    }
    find.and_if("reference =", filter.reference().map(str::to_owned));
    find.and_if("batch =", filter.batch().map(str::to_owned));
    find.and_if("nhs_number =", number);
    find.and_if("postcode =", filter.postcode().map(str::to_owned));
    find.and_start("date_of_birth", born.as_deref());
    find.and_start("surname", surname);
    if filter.lacks_nhs_number() {
        find.and("nhs_number IS NULL", Value::Nothing);
    }
    find.and_workers(filter.workers());
    find
}

/// A query for rows of a table. Only values are bound; the text has no content.
pub(super) struct Find {
    pub(super) table: &'static str,
    /// The index to use; empty for the primary key.
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
    /// The case is allocated to one of these workers. The column is the one of the case.
    Workers(Vec<String>),
    /// The condition is complete.
    Nothing,
}

impl Find {
    const fn new(table: &'static str) -> Self {
        Self { table, index: "", conditions: Vec::new() }
    }

    fn and(&mut self, condition: &str, value: Value) {
        self.conditions.push((condition.to_owned(), value));
    }

    fn and_workers(&mut self, workers: Option<&[String]>) {
        if let Some(workers) = workers {
            self.and("case_id", Value::Workers(workers.to_vec()));
        }
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
