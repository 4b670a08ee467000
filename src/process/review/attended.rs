use crate::case::{Case, Evidence, NumberSource, ReviewItem, ReviewReason};
use crate::matching::Judge;
use crate::process::decision::attended::{attended_candidate, attended_criteria};
use crate::process::review::context::{Changed, Context, in_use};
use crate::process::review::refusal::Refusal;
use crate::process::review::resolve::{accept, not_on_pds, with_undo};
use crate::trace::{Exchange, Match};

/// A person whom a user has found and confirmed at a screen.
#[derive(Clone, Copy)]
pub(super) struct Chosen<'a> {
    pub(super) found: &'a Match,
    pub(super) exchange: &'a Exchange,
}

/// Returns the changes when a user has confirmed the person of `chosen` for `case`, or none if it
/// is done already.
///
/// Pure. `context` must contain the cases with the number.
pub(super) fn confirm(
    case: &Case,
    chosen: Chosen<'_>,
    context: &Context<'_>,
) -> Result<Vec<Changed>, Refusal> {
    let number = chosen.found.nhs_number;
    let recorded = case.nhs_number.as_ref().filter(|recorded| recorded.number == number);
    let source = recorded.map(|recorded| &recorded.source);
    if let Some(NumberSource::Traced(provenance)) = source
        && provenance.confirmed_by.as_deref() == Some(context.by)
        && provenance.exchange == *chosen.exchange
    {
        return Ok(Vec::new());
    }
    in_use(case)?;
    let judge = Judge::default();
    let candidate = attended_candidate(case, chosen.found, chosen.exchange, &judge, context.at);
    let died = &candidate.person;
    let undated = died.is_deceased() && died.date_of_death.known().is_none();
    let reason = if undated { ReviewReason::DeathUndated } else { ReviewReason::Unconfirmed };
    let evidence = Evidence {
        asked: case.asking.asked.clone(),
        nhs_number: Some(number),
        returned: Some(candidate.person.clone()),
        exchange: Some(candidate.exchange.clone()),
        stale: candidate.stale,
        candidates: vec![candidate],
        ..Evidence::default()
    };
    let (with_item, item) = with_item(case, reason, evidence, context);
    Ok(with_undo(case, item.number, accept(&with_item, &item, number, context)?))
}

/// Returns the changes when a user has found that PDS does not know the person of `case`, or none
/// if it is on record already.
///
/// Pure.
pub(super) fn unknown_to_pds(case: &Case, context: &Context<'_>) -> Result<Vec<Changed>, Refusal> {
    if case.not_on_pds {
        return Ok(Vec::new());
    }
    in_use(case)?;
    let open = case.open_items().find(|item| item.reason == ReviewReason::NoMatch).cloned();
    let (case_with, mut item) = match open {
        Some(item) => (case.clone(), item),
        None => {
            let asked = attended_criteria(case, context.at);
            let evidence = Evidence { asked, ..Evidence::default() };
            with_item(case, ReviewReason::NoMatch, evidence, context)
        }
    };
    // The search of the user was by these criteria, also if the worker has not traced the case yet.
    item.evidence.asked = item.evidence.asked.or_else(|| attended_criteria(case, context.at));
    Ok(with_undo(case, item.number, not_on_pds(&case_with, &item, context)?))
}

/// The case with one more item, which the decision settles. It has an item of its own also beside
/// an open item with the same reason, whose evidence must stay.
fn with_item(
    case: &Case,
    reason: ReviewReason,
    evidence: Evidence,
    context: &Context<'_>,
) -> (Case, ReviewItem) {
    let mut changed = case.clone();
    let item = changed.add_item(reason, evidence, context.at);
    (changed, item)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{NumberStatus, RecordType, ReviewState};
    use crate::demographics::{Demographics, PersonName, Recorded};
    use crate::process::review::fixtures::{NUMBER, case, context, id, now, recorded};
    use crate::process::review::undo::undo;

    fn exchange() -> Exchange {
        Exchange::new("SMSP", "getPatientDetailsBySearch", "M-9", now())
    }

    fn person() -> Demographics {
        Demographics {
            name: Some(PersonName::new("COMFORT", "AINDOW")),
            date_of_birth: Recorded::read("1943-05-19"),
            ..Demographics::default()
        }
    }

    fn chosen(case: &Case, found: &Match) -> Result<Vec<Changed>, Refusal> {
        confirm(case, Chosen { found, exchange: &exchange() }, &context())
    }

    #[test]
    fn the_number_is_written_with_its_evidence() {
        let mut open = case("1", ReviewReason::NoMatch, None);
        open.date_of_birth = Some("1943-05-19".parse().unwrap());
        let found = Match::new(NUMBER).with_person(person());
        let changes = chosen(&open, &found).unwrap();
        assert!(changes[0].sole_holder, "no other active case may get the number meanwhile");
        let case = &changes[0].case;
        let recorded = case.nhs_number.as_ref().unwrap();
        let NumberSource::Traced(provenance) = &recorded.source else { panic!() };
        assert_eq!(recorded.number, NUMBER);
        assert_eq!(provenance.confirmed_by.as_deref(), Some("j.doe"));
        assert_eq!(provenance.step.as_deref(), Some("attended"));
        assert_eq!(provenance.exchange, exchange());
        assert!(provenance.risk.is_some() && provenance.relations.is_some());
        assert!(case.open_items().next().is_none(), "the answer settles the open item");
        let own = case.review.last().unwrap();
        assert_eq!((own.number, own.reason), (2, ReviewReason::Unconfirmed));
        assert_eq!(chosen(case, &found), Ok(Vec::new()), "a second call changes nothing");

        let back = undo(case, own.number, &context()).unwrap();
        let back = &back[0].case;
        assert!(back.nhs_number.is_none() && back.asking == open.asking);
        let states: Vec<_> = back.review.iter().map(|item| item.state).collect();
        assert_eq!(states, [ReviewState::Open, ReviewState::Resolved]);
    }

    #[test]
    fn refused_like_an_offered_number() {
        let open = case("1", ReviewReason::NoMatch, None);
        let found = Match::new(NUMBER).with_person(person());
        let mut rejected = open.clone();
        rejected.rejected_numbers = vec![NUMBER];
        assert_eq!(chosen(&rejected, &found), Err(Refusal::RejectedBefore));
        let mut holder = Case::new(id("2"), RecordType::Review);
        holder.nhs_number = Some(recorded(NUMBER, NumberStatus::Usable));
        let others = [holder];
        let context = context().with_others(&others);
        let held = confirm(&open, Chosen { found: &found, exchange: &exchange() }, &context);
        assert_eq!(held, Err(Refusal::HeldByAnother));
        let mut died = person();
        died.date_of_death = Recorded::read("not a date");
        let found = Match::new(NUMBER).with_person(died);
        assert_eq!(chosen(&open, &found), Err(Refusal::DeathUndated));
    }

    #[test]
    fn not_on_pds_settles_the_open_item_or_leaves_one() {
        let open = case("1", ReviewReason::NoMatch, None);
        let marked = unknown_to_pds(&open, &context()).unwrap()[0].case.clone();
        assert!(marked.not_on_pds && marked.review.len() == 1 && !marked.review[0].is_open());
        assert_eq!(unknown_to_pds(&marked, &context()), Ok(Vec::new()));
        let mut without = open;
        without.review.clear();
        let marked = unknown_to_pds(&without, &context()).unwrap()[0].case.clone();
        assert_eq!(marked.review[0].history[0].what, "not_on_pds");
        assert!(!undo(&marked, 1, &context()).unwrap()[0].case.not_on_pds);
        without.asking.asked = None;
        assert_eq!(unknown_to_pds(&without, &context()), Err(Refusal::NeverAsked));
    }
}
