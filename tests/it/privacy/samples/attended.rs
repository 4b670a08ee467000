//! Questions of users at screens.

use super::{exchange, found, person_case, us};
use crate::privacy::person::{BORN, CASE, FAMILY, NUMBER};
use crate::privacy::walk::Shown;
use chrono::{DateTime, Utc};
use nhs_pds::audit::{Actor, MemoryLog};
use nhs_pds::case::MemoryStore;
use nhs_pds::demographics::PartialDate;
use nhs_pds::matching::Judge;
use nhs_pds::process::alert::MemoryAlerts;
use nhs_pds::process::store::Joined;
use nhs_pds::process::{AttendedTracer, attended_candidate, attended_criteria};
use nhs_pds::trace::{ErrorKind, FetchDetails, Outcome, ScriptedTracer, User};
use std::sync::Arc;

pub(super) async fn show(shown: &mut Shown) {
    let case = person_case(CASE);
    let now: DateTime<Utc> = "2026-11-23T09:30:00Z".parse().unwrap();
    let Outcome::Found(matched) = found(NUMBER) else { panic!("a person") };
    shown.value(&attended_candidate(&case, &matched, &exchange(), &Judge::default(), now));
    shown.value(&attended_criteria(&case, now));
    let today = now.date_naive();
    shown.value(&PartialDate::typed(BORN, today));
    shown.error(&PartialDate::typed(FAMILY, today).unwrap_err());

    let (cases, trail) = (Arc::new(MemoryStore::new()), Arc::new(MemoryLog::new()));
    let store = Arc::new(Joined::new(cases, trail, Arc::new(MemoryAlerts::default())));
    let answers = [Ok(found(NUMBER)), Err(ErrorKind::Unavailable)];
    let tracer = AttendedTracer::new(Arc::new(ScriptedTracer::new(answers)), store);
    shown.value(&tracer);
    let user = User::Local(us());
    let actor = Actor::new(&user.clone().into(), FAMILY);
    let question = FetchDetails::attended(NUMBER, case.date_of_birth.unwrap()).into();
    for _ in 0..2 {
        let reply = tracer.ask(&question, &user, &actor, Some(&case.id)).await.unwrap();
        shown.value(&reply);
    }
}
