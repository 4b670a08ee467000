//! What PDS says about the person of a case, beside what we say.

use crate::compared::{self, Row};
use crate::error::PageError;
use crate::layout::{Layout, page};
use crate::pages::search::failure::{Failure, failure};
use crate::pages::search::pds::{ask, tracer};
use crate::pages::search::people::{Hit, people};
use crate::view;
use crate::visitor::Visitor;
use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use nhs_pds::case::Case;
use nhs_pds::demographics::Demographics;
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::trace::{Exchange, FetchDetails};

/// The person whom PDS returned last.
pub(super) struct Said {
    pub(super) when: String,
    pub(super) number: Option<String>,
    pub(super) rows: Vec<Row>,
    pub(super) notes: Vec<&'static str>,
}

/// A person in the evidence of a case.
struct Returned<'a> {
    number: Option<NhsNumber>,
    person: &'a Demographics,
    exchange: &'a Exchange,
    stale: bool,
    restricted: bool,
}

impl Said {
    /// The latest person in the evidence of the items of `case`. `None` if PDS has returned none that is kept.
    pub(super) fn of(case: &Case, with_values: bool) -> Option<Self> {
        let last = returned(case).into_iter().max_by_key(|returned| returned.exchange.sent_at)?;
        let notes = [
            ("From a copy of PDS, which may be out of date.", last.stale),
            ("Restricted record. Do not tell anyone where the person may live.", last.restricted),
            ("PDS records that this person has died.", last.person.is_deceased()),
        ];
        Some(Self {
            when: view::time(last.exchange.sent_at),
            number: last.number.map(|number| number.to_string()),
            rows: compared::rows(&compared::local(case), last.person, with_values),
            notes: notes.into_iter().filter_map(|(note, is)| is.then_some(note)).collect(),
        })
    }
}

fn returned(case: &Case) -> Vec<Returned<'_>> {
    let mut all = Vec::new();
    for item in &case.review {
        let evidence = &item.evidence;
        if let (Some(person), Some(exchange)) = (&evidence.returned, &evidence.exchange) {
            let (number, stale) = (evidence.nhs_number, evidence.stale);
            all.push(Returned { number, person, exchange, stale, restricted: false });
        }
        all.extend(evidence.candidates.iter().map(|candidate| Returned {
            number: Some(candidate.nhs_number),
            person: &candidate.person,
            exchange: &candidate.exchange,
            stale: candidate.stale,
            restricted: candidate.restricted,
        }));
    }
    // A person whom a user has rejected is a different one.
    let rejected = |number: Option<NhsNumber>| {
        number.is_some_and(|number| case.rejected_numbers.contains(&number))
    };
    all.retain(|returned| !rejected(returned.number));
    all
}

/// What PDS says now.
#[derive(Template)]
#[template(path = "case/pds.html")]
struct NowPage {
    layout: Layout,
    here: String,
    id: String,
    /// Why nothing was asked.
    refusal: &'static str,
    heading: &'static str,
    text: String,
    hits: Vec<Hit>,
    failure: Option<Failure>,
}

/// Asks PDS for the record with the number of the case, on behalf of the user. Changes nothing.
pub(super) async fn ask_now(
    visitor: Visitor,
    Path(name): Path<String>,
) -> Result<Response, PageError> {
    let case = visitor.view(&name, "pds").await?;
    let mut shown = NowPage {
        layout: visitor.layout("What PDS says now", "").confidential(),
        here: visitor.app.path(&format!("/case/{name}")),
        id: case.id.to_string(),
        refusal: "",
        heading: "",
        text: String::new(),
        hits: Vec::new(),
        failure: None,
    };
    let number = case.nhs_number.as_ref().map(|recorded| recorded.number);
    let (Some(number), Some(born)) = (number, case.date_of_birth) else {
        shown.refusal = "The record needs an NHS Number and a date of birth for this. Search PDS for the person \
                         instead.";
        return page(&shown);
    };
    let Some(tracer) = tracer(&visitor).await else {
        shown.refusal = "Asking PDS is not available: this installation has no service for it, or you have not \
                         signed in to PDS with your own access.";
        return page(&shown);
    };
    let question = FetchDetails::attended(number, born).into();
    let reply = ask(&visitor, tracer, question, Some(&case)).await?;
    match &reply.result {
        Ok(answer) => {
            let answered = people(answer, &compared::local(&case), &visitor.actor(), reply.at);
            (shown.heading, shown.text, shown.hits) =
                (answered.heading, answered.text, answered.hits);
        }
        Err(error) => shown.failure = Some(failure(error)),
    }
    page(&shown)
}
