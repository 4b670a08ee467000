//! The record as it was on any day (MSCA-AUD-02).

use crate::error::PageError;
use crate::facts;
use crate::form::FormErrors;
use crate::layout::{Layout, page};
use crate::pages::case::record::Record;
use crate::visitor::Visitor;
use askama::Template;
use axum::Form;
use axum::extract::Path;
use axum::response::Response;
use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use nhs_pds::audit::case_as_of;
use nhs_pds::demographics::{FullDate, PartialDate, london_day};
use serde::Deserialize;

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct On {
    on: String,
}

/// The record as it was at the end of a day.
#[derive(Template)]
#[template(path = "case/as_of.html")]
struct AsOfPage {
    layout: Layout,
    here: String,
    id: String,
    errors: FormErrors,
    typed: String,
    /// The day; empty while the form has an error.
    day: String,
    record: Option<Record>,
}

pub(super) async fn show(
    visitor: Visitor,
    Path(name): Path<String>,
    Form(On { on }): Form<On>,
) -> Result<Response, PageError> {
    let case = visitor.view(&name, "as_of").await?;
    let now = visitor.app.clock.now();
    let mut shown = AsOfPage {
        layout: visitor.layout("Record as it was", "").confidential(),
        here: visitor.app.path(&format!("/case/{name}")),
        id: case.id.to_string(),
        errors: FormErrors::default(),
        day: String::new(),
        record: None,
        typed: on,
    };
    match day(&shown.typed, london_day(now)) {
        Err(text) => {
            shown.errors.add("on", text);
            shown.layout.has_errors = true;
        }
        Ok(day) => {
            let at = end_of(day).min(now);
            let audit = visitor.app.store.audit();
            let then = case_as_of(audit, &case.id, case.version, at).await?;
            let links = visitor.app.links().await?;
            shown.record = then.map(|then| Record::of(&then, &visitor, links));
            let date = day.to_string().parse::<PartialDate>();
            shown.day = date.map_or_else(|_| day.to_string(), facts::date);
        }
    }
    page(&shown)
}

/// The one day that `text` means.
fn day(text: &str, today: NaiveDate) -> Result<NaiveDate, &'static str> {
    let dates = PartialDate::typed(text, today).unwrap_or_default();
    match dates.as_slice() {
        [date] => match date.full().map(FullDate::date) {
            Some(day) if day <= today => Ok(day),
            Some(_) => Err("The day must be today or in the past"),
            None => Err("Enter a day, a month and a year, such as 19/1/2026"),
        },
        [] => Err("Enter a day with the day first, such as 19/1/2026"),
        _ => Err("Enter the year with four digits"),
    }
}

/// The last moment of `day` in London.
fn end_of(day: NaiveDate) -> DateTime<Utc> {
    let next = day.checked_add_days(Days::new(1)).unwrap_or(day);
    let midnight = next.and_time(NaiveTime::MIN).and_utc() - TimeDelta::microseconds(1);
    if london_day(midnight) > day { midnight - TimeDelta::hours(1) } else { midnight }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_at_midnight_in_london() {
        let end = |day: &str| end_of(day.parse().unwrap()).to_rfc3339();
        assert_eq!(end("2026-11-30"), "2026-11-30T23:59:59.999999+00:00");
        assert_eq!(end("2026-07-01"), "2026-07-01T22:59:59.999999+00:00");
        // The clocks go back in the night after this day, and forward in that after the other.
        assert_eq!(end("2026-10-24"), "2026-10-24T22:59:59.999999+00:00");
        assert_eq!(end("2026-03-28"), "2026-03-28T23:59:59.999999+00:00");
    }

    #[test]
    fn one_day_in_the_past() {
        let today = "2026-11-30".parse().unwrap();
        assert_eq!(day("30/11/2026", today), Ok(today));
        for text in ["", "1/12/2026", "November 2026", "1/1/26", "soon"] {
            assert!(day(text, today).is_err(), "{text}");
        }
    }
}
