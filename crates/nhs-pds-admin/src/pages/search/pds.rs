//! The search of PDS, after that of the local cases.

use crate::error::PageError;
use crate::pages::search::criteria::{Criteria, Typed};
use crate::pages::search::failure::{Failure, failure};
use crate::pages::search::people::{People, people};
use crate::rights::Right;
use crate::visitor::Visitor;
use nhs_pds::case::Case;
use nhs_pds::matching::LocalRecord;
use nhs_pds::process::{AttendedReply, AttendedTracer};
use nhs_pds::trace::{Attended, Question, Tracer};
use std::sync::Arc;

/// What the page says about PDS.
pub(super) enum Pds {
    /// The role has no right to it.
    NotShown,
    /// The user did not want it.
    NotWanted,
    /// There is no service, or none that a user may search with.
    NotAvailable,
    /// The criteria that a search of PDS still needs.
    Needs(Vec<&'static str>),
    Answered(People),
    Failed(Failure),
}

/// Searches PDS with `criteria`, for the case `about` if there is one.
///
/// The question is on record before it is sent, and the answer before it is shown. A service that fails or does not
/// answer is no error: the local cases are shown all the same.
pub(super) async fn pds(
    visitor: &Visitor,
    criteria: &Criteria,
    typed: &Typed,
    about: Option<&Case>,
) -> Result<Pds, PageError> {
    if !visitor.may(Right::SearchPds) {
        return Ok(Pds::NotShown);
    }
    if typed.pds != "yes" {
        return Ok(Pds::NotWanted);
    }
    let Some(tracer) = tracer(visitor).await else { return Ok(Pds::NotAvailable) };
    let question = match &criteria.pds {
        Ok(question) => question.clone(),
        Err(missing) => return Ok(Pds::Needs(missing.clone())),
    };
    let reply = ask(visitor, tracer, question, about).await?;
    Ok(match &reply.result {
        Ok(answer) => {
            Pds::Answered(people(answer, &beside(criteria, typed), &visitor.actor(), reply.at))
        }
        Err(error) => Pds::Failed(failure(error)),
    })
}

/// Sends a question of the user, who searches for the case `about` if there is one.
pub(in crate::pages) async fn ask(
    visitor: &Visitor,
    tracer: Arc<dyn Tracer>,
    question: Question<Attended>,
    about: Option<&Case>,
) -> Result<AttendedReply, PageError> {
    let app = &visitor.app;
    let asking = AttendedTracer::new(tracer, Arc::clone(&app.store))
        .with_clock(Arc::clone(&app.clock))
        .with_ids(Arc::clone(&app.ids));
    let (user, actor) = (visitor.person.user.clone(), visitor.actor());
    let about = about.map(|case| case.id.clone());
    // A browser that goes away must not leave a question without its answer on the trail.
    let asked =
        tokio::spawn(async move { asking.ask(&question, &user, &actor, about.as_ref()).await });
    Ok(asked.await.map_err(|_| PageError::Failed)??)
}

/// The tracer with which the user may search: one with the user's own access, or else that of the screens.
pub(in crate::pages) async fn tracer(visitor: &Visitor) -> Option<Arc<dyn Tracer>> {
    let own = visitor.app.identity.tracer(&visitor.person).await;
    own.or_else(|| visitor.app.search.clone()).filter(|tracer| tracer.serves_users())
}

/// What the user has typed, to compare it with each person.
fn beside(criteria: &Criteria, typed: &Typed) -> LocalRecord {
    let text = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let mut record = LocalRecord::default();
    record.surname = text(&typed.surname);
    record.forename = text(&typed.given);
    record.date_of_birth = criteria.local.date_of_birth_start().and_then(|date| date.parse().ok());
    record.gender = text(&typed.gender).and_then(|gender| gender.parse().ok());
    record.postcode = text(&typed.postcode);
    record
}
