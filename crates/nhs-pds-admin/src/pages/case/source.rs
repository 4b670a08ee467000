//! Where the NHS Number of a case comes from (HAV-5).

use crate::facts;
use crate::view;
use crate::words;
use nhs_pds::case::{Case, NumberSource, Provenance, RecordedNumber};
use nhs_pds::matching::Corroboration;
use nhs_pds::trace::Freshness;

/// A fact with its name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Fact {
    pub(super) label: &'static str,
    pub(super) value: Option<String>,
}

impl Fact {
    pub(super) const fn new(label: &'static str, value: Option<String>) -> Self {
        Self { label, value }
    }
}

/// The NHS Number of a case.
pub(super) struct Number {
    /// In groups of 3, 3 and 4 (MSCA-PDS-06).
    pub(super) number: String,
    pub(super) status: &'static str,
    /// Whether nothing is known against the number.
    pub(super) is_usable: bool,
    pub(super) facts: Vec<Fact>,
}

impl Number {
    /// The number of `case` with its provenance. The evidence is words about fields, and no value of a person.
    pub(super) fn of(case: &Case) -> Option<Self> {
        let recorded = case.nhs_number.as_ref()?;
        let is_usable = case.usable_number().is_some();
        let status = if recorded.status.is_usable() && !is_usable {
            "Must be verified: the person on the record has changed"
        } else {
            words::status(recorded.status)
        };
        Some(Self {
            number: recorded.number.to_string(),
            status,
            is_usable,
            facts: facts_of(recorded),
        })
    }
}

fn facts_of(recorded: &RecordedNumber) -> Vec<Fact> {
    let since = recorded.since.map(view::time);
    let mut facts = vec![Fact::new("Recorded since", since)];
    match &recorded.source {
        NumberSource::Imported(from) => {
            facts.push(Fact::new("Source", Some("Imported from the local system".to_owned())));
            facts.push(Fact::new("Source in the local system", facts::text(from.as_deref())));
        }
        NumberSource::Traced(provenance) => facts.extend(traced(provenance)),
        _ => facts.push(Fact::new("Source", None)),
    }
    facts
}

fn traced(provenance: &Provenance) -> Vec<Fact> {
    let exchange = &provenance.exchange;
    let code = exchange.code.as_deref().map(|code| format!(", answer {code}")).unwrap_or_default();
    let from = match provenance.freshness {
        Freshness::Stale => "A copy of PDS, which may be out of date",
        _ => "PDS",
    };
    let corroborated = provenance.corroboration.map(|by| match by {
        Corroboration::Postcode => "By name, date of birth and postcode",
        Corroboration::Address => "By name, date of birth and address",
        Corroboration::Contact => "By name, date of birth and a telephone number or e-mail address",
        Corroboration::Number => "By the number itself, with name and date of birth",
        Corroboration::Successor => "By PDS, as the successor of a confirmed number",
        _ => "By other evidence",
    });
    let mut facts = vec![
        Fact::new("Source", Some(from.to_owned())),
        Fact::new("Question", Some(format!("{} {}{code}", exchange.service, exchange.operation))),
        Fact::new("Message", Some(exchange.message_id.clone())),
        Fact::new("Asked", Some(view::time(exchange.sent_at))),
        Fact::new("Confirmed", corroborated.map(str::to_owned)),
        Fact::new(
            "Confirmed by",
            Some(
                provenance
                    .confirmed_by
                    .clone()
                    .unwrap_or_else(|| "No user: by the rules".to_owned()),
            ),
        ),
    ];
    let strategy = [Some(provenance.strategy.as_str()), provenance.step.as_deref()];
    facts.push(Fact::new("Rules and step", facts::joined(strategy.into_iter().flatten(), ", ")));
    let risk = provenance.risk.map(|risk| format!("{risk} that this is a different person"));
    facts.push(Fact::new("Risk", risk));
    facts.push(Fact::new("Evidence", provenance.relations.map(|relations| relations.in_words())));
    facts
}

#[cfg(test)]
mod tests {
    use super::*;
    use nhs_pds::case::{NumberStatus, RecordType};
    use nhs_pds::trace::Exchange;

    fn case(source: NumberSource) -> Case {
        let mut case = Case::new("RXX:1".parse().unwrap(), RecordType::Review);
        let number = "9990000018".parse().unwrap();
        case.nhs_number = Some(RecordedNumber::new(number, source).with_person(case.identity()));
        case
    }

    fn value(case: &Case, label: &str) -> Option<String> {
        let facts = Number::of(case).unwrap().facts;
        facts.into_iter().find(|fact| fact.label == label).unwrap().value
    }

    #[test]
    fn a_confirmed_number_names_the_message_and_the_user() {
        let at = "2026-11-30T09:00:00Z".parse().unwrap();
        let exchange = Exchange::new("SMSP", "getPatientDetails", "M-1", at).with_code("SMSP-0000");
        let provenance = Provenance::new(exchange, Freshness::Live, "exact")
            .with_confirmed_by("urn:nhs-uk:identity:ods:RHM:j.doe");
        let mut case = case(NumberSource::Traced(provenance));
        assert_eq!(value(&case, "Message").as_deref(), Some("M-1"));
        assert_eq!(
            value(&case, "Confirmed by").as_deref(),
            Some("urn:nhs-uk:identity:ods:RHM:j.doe")
        );
        assert_eq!(
            value(&case, "Question").as_deref(),
            Some("SMSP getPatientDetails, answer SMSP-0000")
        );
        let number = Number::of(&case).unwrap();
        assert_eq!((number.number.as_str(), number.is_usable), ("999 000 0018", true));
        case.surname = Some("Another".into());
        let number = Number::of(&case).unwrap();
        assert!(!number.is_usable && number.status.starts_with("Must be verified"));
    }

    #[test]
    fn an_imported_number_names_its_source() {
        let mut case = case(NumberSource::Imported(Some("GP letter".into())));
        assert_eq!(value(&case, "Source in the local system").as_deref(), Some("GP letter"));
        case.nhs_number.as_mut().unwrap().status = NumberStatus::Invalid;
        assert_eq!(Number::of(&case).unwrap().status, "No longer valid");
    }
}
