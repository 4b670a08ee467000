use crate::case::{Case, HeldNumber, TraceRecord};
use crate::trace::Exchange;
use crate::worker::Decision;
use chrono::{DateTime, Utc};

/// `case` as it is after `decision`, taken at `now` on what `exchange` brought; `None` when nothing
/// changes.
///
/// Every answer, and every question that the service refused or answered unreadably, is noted as the
/// last trace, with the reason when the case is held for a person to decide (HAV-10). A date of death that is recorded already stays.
#[must_use]
pub fn apply(
    case: &Case,
    decision: &Decision,
    exchange: Option<&Exchange>,
    now: DateTime<Utc>,
) -> Option<Case> {
    let mut changed = case.clone();
    match decision {
        Decision::Later | Decision::Stop => return None,
        Decision::Write { number, source, date_of_death } => {
            changed.nhs_number = Some(HeldNumber::new(*number, source.clone()));
            changed.date_of_death = case.date_of_death.or(*date_of_death);
            changed.death_traced |= date_of_death.is_some();
        }
        Decision::Hold(_) | Decision::Keep(_) | Decision::Correct | Decision::Defect => {}
    }
    let mut record = TraceRecord::new(now, decision.result().word(), exchange);
    if let Decision::Hold(reason) = decision {
        record = record.with_detail(reason.word());
    }
    changed.last_trace = Some(record);
    Some(changed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{NumberSource, Provenance};
    use crate::nhs_number::NhsNumber;
    use crate::trace::Freshness;
    use crate::worker::question::tests::case;
    use crate::worker::{HoldReason, KeepReason, Particular};

    fn exchange() -> Exchange {
        Exchange::new("SMSP", "getNHSNumber", "M-1", DateTime::UNIX_EPOCH).with_code("SMSP-0000")
    }

    #[test]
    fn what_is_written() {
        let now = DateTime::UNIX_EPOCH;
        let number = NhsNumber::constant(9_434_765_919);
        let source = NumberSource::Traced(Provenance::new(exchange(), Freshness::Live, "exact"));
        let died = Some("2026-11".parse().unwrap());
        let decision = Decision::Write { number, source: source.clone(), date_of_death: died };
        let mut expected = case();
        expected.nhs_number = Some(HeldNumber::new(number, source));
        expected.date_of_death = died;
        expected.death_traced = true;
        expected.last_trace = Some(TraceRecord::new(now, "deceased", Some(&exchange())));
        assert!(apply(&case(), &decision, Some(&exchange()), now).as_ref() == Some(&expected));

        let mut recorded = case();
        recorded.date_of_death = Some("2026-10-31".parse().unwrap());
        let after = apply(&recorded, &decision, Some(&exchange()), now).unwrap();
        assert_eq!(after.date_of_death, recorded.date_of_death);
    }

    #[test]
    fn what_only_notes_the_trace() {
        let given = HoldReason::Differs(Particular::Given);
        for (decision, word, detail) in [
            (Decision::Hold(HoldReason::Conflict), "conflict", Some("conflict")),
            (Decision::Hold(HoldReason::Unconfirmed), "differs", Some("unconfirmed")),
            (Decision::Hold(given), "differs", Some("differs:given")),
            (Decision::Keep(KeepReason::Superseded), "superseded", None),
            (Decision::Correct, "rejected", None),
            (Decision::Defect, "unreadable", None),
        ] {
            let now = DateTime::UNIX_EPOCH;
            let mut expected = case();
            let mut record = TraceRecord::new(now, word, None);
            record.detail = detail.map(str::to_owned);
            expected.last_trace = Some(record);
            assert!(apply(&case(), &decision, None, now) == Some(expected), "{word}");
        }
    }

    #[test]
    fn what_changes_nothing() {
        for decision in [Decision::Later, Decision::Stop] {
            assert!(apply(&case(), &decision, Some(&exchange()), DateTime::UNIX_EPOCH).is_none());
        }
    }
}
