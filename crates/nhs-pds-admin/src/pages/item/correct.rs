//! Correcting our record, so that PDS is asked again with the right details.

use crate::error::PageError;
use crate::facts;
use crate::form::{Choice, FormErrors};
use crate::layout::{Layout, page};
use crate::pages::item::decide;
use crate::pages::item::shown::shown;
use crate::visitor::Visitor;
use askama::Template;
use axum::Form;
use axum::extract::Path;
use axum::response::Response;
use chrono::NaiveDate;
use nhs_pds::case::{Case, ReviewReason};
use nhs_pds::demographics::{Gender, PartialDate, london_day};
use nhs_pds::process::review::{Corrections, Resolution, Seen, ShownItem};
use serde::Deserialize;

/// The fields of the form, as they were typed.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Fields {
    seen: String,
    surname: String,
    given: String,
    born: String,
    gender: String,
    line1: String,
    line2: String,
    line3: String,
    line4: String,
    line5: String,
    postcode: String,
    died: String,
    one: String,
}

#[derive(Template)]
#[template(path = "item/correct.html")]
struct CorrectPage {
    layout: Layout,
    here: String,
    case_id: String,
    errors: FormErrors,
    fields: Fields,
    genders: Vec<Choice>,
    is_contradicted: bool,
    wants_death: bool,
}

impl Fields {
    fn of(case: &Case, number: u32) -> Self {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let date = |date: &Option<PartialDate>| date.map(facts::date).unwrap_or_default();
        let [line1, line2, line3, line4, line5] = case.address.clone();
        Self {
            seen: Seen::of(case, Some(number)).to_string(),
            surname: text(&case.surname),
            given: text(&case.forename),
            born: date(&case.date_of_birth),
            gender: case.gender.map_or("", Gender::code).to_owned(),
            line1,
            line2,
            line3,
            line4,
            line5,
            postcode: text(&case.postcode),
            died: date(&case.date_of_death),
            one: String::new(),
        }
    }

    /// What differs from the case, if every field can be read.
    fn corrections(&self, case: &Case, today: NaiveDate, errors: &mut FormErrors) -> Corrections {
        let before = Self::of(case, 0);
        let mut corrections = Corrections::default();
        let text =
            |new: &String, old: &String| (new.trim() != old.trim()).then(|| new.trim().to_owned());
        corrections.surname = text(&self.surname, &before.surname);
        corrections.forename = text(&self.given, &before.given);
        corrections.postcode = text(&self.postcode, &before.postcode);
        let lines = [&self.line1, &self.line2, &self.line3, &self.line4, &self.line5];
        let lines = lines.map(|line| line.trim().to_owned());
        corrections.address = (lines != case.address).then_some(lines);
        corrections.date_of_birth =
            date(&self.born, &before.born, today, "born", "date of birth", errors);
        corrections.date_of_death =
            date(&self.died, &before.died, today, "died", "date of death", errors);
        if self.gender != before.gender {
            match Gender::ALL.into_iter().find(|gender| gender.code() == self.gender) {
                Some(gender) => corrections.gender = Some(gender),
                None => errors.add("gender", "Choose a gender"),
            }
        }
        corrections.is_one_person = !self.one.is_empty();
        corrections
    }
}

/// A changed date; an error if it cannot be read, or can be read in two ways.
fn date(
    typed: &str,
    before: &str,
    today: NaiveDate,
    field: &'static str,
    name: &str,
    errors: &mut FormErrors,
) -> Option<PartialDate> {
    let typed = typed.trim();
    if typed == before || typed.is_empty() {
        return None;
    }
    match PartialDate::typed(typed, today) {
        Ok(dates) if dates.len() == 1 => dates.first().copied(),
        Ok(_) => {
            errors.add(
                field,
                format!("Write the {name} with the month as a word, such as 5 March 1946"),
            );
            None
        }
        Err(_) => {
            errors.add(field, format!("Write the {name} with the day first, such as 5 March 1946"));
            None
        }
    }
}

/// The form, filled with what was typed or with the case.
pub(super) fn correct_page(
    visitor: &Visitor,
    name: &str,
    number: u32,
    shown: &ShownItem,
    typed: Option<(Fields, FormErrors)>,
) -> Result<Response, PageError> {
    let case = &shown.case;
    let (fields, errors) =
        typed.unwrap_or_else(|| (Fields::of(case, number), FormErrors::default()));
    let genders = Gender::ALL.iter().map(|gender| (gender.code(), facts::gender(*gender)));
    let layout = visitor.layout("Correct our record", "/worklist").confidential();
    page(&CorrectPage {
        layout: layout.with_errors(!errors.is_empty()),
        here: visitor.app.path(&format!("/item/{name}/{number}")),
        case_id: case.id.to_string(),
        genders: Choice::list([("", "Not recorded")].into_iter().chain(genders), &fields.gender),
        fields,
        errors,
        is_contradicted: case.contradicted,
        wants_death: shown.item.reason == ReviewReason::DeathUndated,
    })
}

pub(super) async fn correct(
    visitor: Visitor,
    Path((name, number)): Path<(String, u32)>,
    Form(fields): Form<Fields>,
) -> Result<Response, PageError> {
    let shown = shown(&visitor, &name, number).await?;
    let mut errors = FormErrors::default();
    let today = london_day(visitor.app.clock.now());
    let corrections = fields.corrections(&shown.case, today, &mut errors);
    if errors.is_empty() && corrections == Corrections::default() {
        errors.add("surname", "Nothing is changed: correct at least one field");
    }
    if !errors.is_empty() {
        return correct_page(&visitor, &name, number, &shown, Some((fields, errors)));
    }
    let resolution = Resolution::CorrectAndAskAgain(corrections);
    decide::resolve(&visitor, &name, number, &resolution, &fields.seen).await
}
