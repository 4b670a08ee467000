//! Tests of the decision table: an example with all its consequences for each row, and the properties of
//! all rows.
//!
//! Expected values are JSON, as a case is stored. A change that is not expected fails the test.

mod document;
mod found;
mod no_response;
mod not_found;
mod properties;
mod recorded;
mod services;
mod trail;
#[cfg(all(feature = "csv", feature = "smsp"))]
mod wire;

use nhs_pds::case::{
    Allocation, Case, CaseId, NumberSource, NumberStatus, Provenance, RecordType, RecordedNumber,
};
use nhs_pds::demographics::{Demographics, Gender};
use nhs_pds::matching::{Corroboration, Criteria};
use nhs_pds::process::{Context, Decision, Policy, Row, apply, decide};
use nhs_pds::trace::{Answer, Error, Exchange, Freshness, Match, Outcome};
use serde_json::{Value, json};
use services::Service;

/// The number that cases have.
const RECORDED: &str = "9434765919";
/// The number that services find.
const NEW: &str = "9449304424";

fn now() -> chrono::DateTime<chrono::Utc> {
    "2026-11-23T09:30:00Z".parse().unwrap()
}

/// A case without a number.
fn case() -> Case {
    let mut case = Case::new("RXX:1".parse().unwrap(), RecordType::AdultCase);
    case.surname = Some("Aindow".into());
    case.forename = Some("Comfort".into());
    case.aliases = vec!["Comfort Obi".into()];
    case.date_of_birth = Some("1943-05-19".parse().unwrap());
    case.gender = Some(Gender::Female);
    case.address[0] = "1 High St".into();
    case.address[3] = "Epsom".into();
    case.postcode = Some("KT17 1NA".into());
    case.allocations = vec![Allocation::new("A Worker")];
    case.version = 7;
    case
}

/// The case with a number from a letter.
fn with_imported() -> Case {
    let mut case = case();
    let source = NumberSource::Imported(Some("GP letter".into()));
    case.nhs_number = Some(RecordedNumber::new(RECORDED.parse().unwrap(), source));
    case
}

/// The case with a number that the Spine returned in spring, with complete evidence.
fn with_traced() -> Case {
    let mut case = case();
    let then = "2026-03-01T08:00:00Z".parse().unwrap();
    let exchange = Exchange::new("SMSP", "getPatientDetailsBySearch", "M-1", then);
    let provenance = Provenance::new(exchange, Freshness::Live, "exact");
    let source = NumberSource::Traced(provenance.with_corroboration(Corroboration::Postcode));
    case.nhs_number = Some(RecordedNumber::new(RECORDED.parse().unwrap(), source).with_since(then));
    case
}

/// The same without recorded evidence, as an earlier version traced it.
fn with_traced_before() -> Case {
    let mut case = with_traced();
    let mut recorded = serde_json::to_value(&case.nhs_number).unwrap();
    let traced = recorded.pointer_mut("/source/traced").unwrap();
    traced.as_object_mut().unwrap().remove("corroboration").unwrap();
    case.nhs_number = serde_json::from_value(recorded).unwrap();
    case
}

/// The case with a traced number of this status.
fn with_status(status: NumberStatus) -> Case {
    let mut case = with_traced();
    case.nhs_number.as_mut().unwrap().status = status;
    case
}

/// The search criteria, as they are sent and as the case records them.
fn by_fields() -> Value {
    json!({
        "family": "Aindow", "given": "Comfort", "date_of_birth": "1943-05-19", "gender": "female",
        "postcode": "KT17 1NA",
    })
}

fn by_number() -> Value {
    json!({
        "nhs_number": "9434765919", "family": "Aindow", "given": "Comfort",
        "date_of_birth": "1943-05-19", "gender": "female", "postcode": "KT17 1NA",
    })
}

/// Comfort Aindow, as PDS has recorded her.
fn comfort() -> Value {
    json!({
        "name": {"given": ["COMFORT"], "family": "AINDOW"},
        "gender": "female",
        "date_of_birth": "1943-05-19",
        "addresses": [{"use": "home", "lines": ["9 NEW RD", "", "", "", ""], "postcode": "KT17 1NA"}],
    })
}

/// The same, with `changes`.
fn comfort_but(changes: Value) -> Value {
    with(comfort(), changes)
}

/// An object with further fields, or other ones.
fn with(mut object: Value, fields: Value) -> Value {
    let Value::Object(fields) = fields else { panic!("{fields}") };
    object.as_object_mut().unwrap().extend(fields);
    object
}

fn person(json: &Value) -> Demographics {
    serde_json::from_value(json.clone()).unwrap()
}

/// The exchange, as a case records it.
fn exchange(code: &str) -> Value {
    json!({
        "service": "SMSP", "operation": "anOperation", "message_id": "M-7",
        "sent_at": "2026-11-23T09:29:58Z", "code": code,
    })
}

fn answer(code: &str, outcome: Outcome) -> Result<Answer, Error> {
    Ok(Answer::new(outcome, serde_json::from_value(exchange(code)).unwrap()))
}

/// Found on the Spine.
fn found(number: &str, who: &Value) -> Result<Answer, Error> {
    let found = Match::new(number.parse().unwrap()).with_person(person(who));
    answer("SMSP-0000", Outcome::Found(Box::new(found)))
}

/// Found in a provider's copy.
fn found_in_a_copy(number: &str, who: &Value) -> Result<Answer, Error> {
    let mut found = Match::new(number.parse().unwrap()).with_person(person(who));
    found.freshness = Freshness::Stale;
    answer("SMSP-0003", Outcome::Found(Box::new(found)))
}

fn superseded(by: Option<&str>, who: Option<&Value>) -> Result<Answer, Error> {
    let by = by.map(|by| by.parse().unwrap());
    let person = who.map(|who| Box::new(person(who)));
    answer("DEMOG-0017", Outcome::Superseded { by, person })
}

/// The expected JSON of a number that was written or confirmed.
fn traced(number: &str, code: &str, strategy: &str, freshness: &str, since: &str) -> Value {
    let corroboration = match strategy {
        "exact" => "postcode",
        "verified" => "number",
        _ => "successor",
    };
    json!({
        "number": number,
        "source": {"traced": {
            "exchange": exchange(code), "freshness": freshness, "strategy": strategy,
            "corroboration": corroboration,
        }},
        "since": since,
        "person": {
            "surname": "Aindow", "forename": "Comfort", "date_of_birth": "1943-05-19",
            "gender": "female",
        },
    })
}

/// The same number with other independent evidence.
fn corroborated(mut number: Value, by: &str) -> Value {
    *number.pointer_mut("/source/traced/corroboration").unwrap() = json!(by);
    number
}

fn written(number: &str, strategy: &str) -> Value {
    let code = if strategy == "superseded" { "DEMOG-0017" } else { "SMSP-0000" };
    traced(number, code, strategy, "live", "2026-11-23T09:30:00Z")
}

fn item(number: u32, reason: &str, evidence: Value) -> Value {
    json!({
        "number": number, "reason": reason, "state": "open",
        "opened_at": "2026-11-23T09:30:00Z", "evidence": evidence,
    })
}

/// An item from before this query.
fn earlier(number: u32, reason: &str, evidence: Value) -> Value {
    json!({
        "number": number, "reason": reason, "state": "open",
        "opened_at": "2026-11-01T10:00:00Z", "evidence": evidence,
    })
}

fn settled(item: Value) -> Value {
    let history = json!([{
        "at": "2026-11-23T09:30:00Z", "by": "get-nhs-number", "what": "settled_by_an_answer",
    }]);
    with(item, json!({"state": "resolved", "history": history}))
}

/// An alert about the case, with every field that MSCA-DQ-04 lists, and with `more`.
fn alert(id: &str, kind: &str, code: &str, more: Value) -> Value {
    let alert = json!({
        "id": id, "kind": kind, "at": "2026-11-23T09:30:00Z", "case_id": "RXX:1", "code": code,
        "person": {
            "surname": "Aindow", "forename": "Comfort", "aliases": ["Comfort Obi"],
            "date_of_birth": "1943-05-19", "gender": "female",
            "address": ["1 High St", "", "", "Epsom", ""], "postcode": "KT17 1NA",
        },
    });
    with(alert, more)
}

fn last_trace(result: &str, detail: Option<&str>, code: &str) -> Value {
    let last = json!({
        "at": "2026-11-23T09:30:00Z", "result": result, "code": code, "message_id": "M-7",
    });
    match detail {
        Some(detail) => with(last, json!({"detail": detail})),
        None => last,
    }
}

/// Queried, and without a wait for the next query.
fn queried_once(asked: Value) -> Value {
    json!({"asked": asked})
}

/// Queried, and queried again tomorrow.
fn queried_until_tomorrow(asked: Value) -> Value {
    json!({"asked": asked, "not_before": "2026-11-24T09:30:00Z", "unsettled": 1})
}

/// Queried, and queried again in 15 minutes.
fn queried_until_soon(asked: Value) -> Value {
    json!({"asked": asked, "not_before": "2026-11-23T09:45:00Z"})
}

/// A case, a query about it, the reply, and the cases that have the number returned.
struct Scene {
    case: Case,
    asked: Criteria,
    reply: Result<Answer, Error>,
    holders: Vec<CaseId>,
}

impl Scene {
    fn new(case: Case, asked: Value, reply: Result<Answer, Error>) -> Self {
        Self { case, asked: serde_json::from_value(asked).unwrap(), reply, holders: Vec::new() }
    }

    fn shared_with(mut self, holders: &[&str]) -> Self {
        self.holders = holders.iter().map(|holder| holder.parse().unwrap()).collect();
        self
    }

    /// The same scene from each other service that can reply so.
    fn by_other_services(&self) -> impl Iterator<Item = (&'static Service, Self)> {
        let written = match &self.reply {
            Ok(answer) => Some(&answer.exchange),
            Err(error) => error.exchange(),
        };
        let written = serde_json::to_value(written.unwrap()).unwrap();
        let code = written.get("code").and_then(Value::as_str).unwrap().to_owned();
        services::OTHERS.iter().filter(move |service| service.says(&code)).map(move |service| {
            let exchange: Exchange = serde_json::from_value(service.rewritten(&written)).unwrap();
            let reply = match &self.reply {
                Ok(answer) => Ok(Answer::new(answer.outcome.clone(), exchange)),
                Err(error) => {
                    let mut same = Error::new(error.kind()).with_exchange(exchange);
                    if error.is_unexplained() {
                        same = same.with_unexplained();
                    }
                    Err(match error.field() {
                        Some(field) => same.with_field(field),
                        None => same,
                    })
                }
            };
            let (asked, holders) = (self.asked.clone(), self.holders.clone());
            (service, Self { case: self.case.clone(), asked, reply, holders })
        })
    }

    /// The decision, which is the same for every service.
    fn decide(&self, case: &Case) -> Decision {
        let decision = self.decide_once(case);
        for (_, other) in self.by_other_services() {
            assert_eq!(other.decide_once(case).row, decision.row);
        }
        decision
    }

    fn decide_once(&self, case: &Case) -> Decision {
        let policy = Policy::default();
        decide(case, self.reply.as_ref(), &Context::new(&self.asked, &self.holders, &policy), now())
    }

    fn after(&self, case: &Case) -> Case {
        apply(case, &self.decide(case), &Policy::default()).unwrap_or_else(|| case.clone())
    }

    fn after_once(&self, case: &Case) -> Case {
        let decision = self.decide_once(case);
        apply(case, &decision, &Policy::default()).unwrap_or_else(|| case.clone())
    }

    /// Checks that the scene is of `row`, and that the case changes by exactly `changes`, for every service.
    #[track_caller]
    fn becomes(&self, row: Row, changes: Value) {
        let decision = self.decide(&self.case);
        assert_eq!(decision.row, row);
        let changed = differing(&self.case, &self.after(&self.case));
        assert_eq!(without_evidence(changed, &decision), changes);
        for (service, other) in self.by_other_services() {
            let decision = other.decide_once(&other.case);
            let changed = differing(&other.case, &other.after_once(&other.case));
            assert_eq!(without_evidence(changed, &decision), service.rewritten(&changes));
        }
    }
}

/// The changes without the evidence of the judge, which must be that of the decision: its step, its relations
/// and its risk with the number, and its candidate with the review item. Tests of the judge have the values.
#[track_caller]
fn without_evidence(mut changes: Value, decision: &Decision) -> Value {
    let candidate =
        decision.candidate.as_ref().map(|candidate| serde_json::to_value(candidate).unwrap());
    let is_new = |exchange: Option<&Value>| {
        exchange.and_then(|one| one.get("message_id")) == Some(&json!("M-7"))
    };
    if let Some(Value::Object(traced)) = changes.pointer_mut("/nhs_number/source/traced")
        && is_new(traced.get("exchange"))
    {
        for field in ["step", "risk", "relations"] {
            let stored = traced.remove(field);
            assert_eq!(
                stored.as_ref(),
                candidate.as_ref().and_then(|one| one.get(field)),
                "{field}"
            );
        }
    }
    let items = changes.get_mut("review").and_then(Value::as_array_mut).into_iter().flatten();
    for evidence in items.filter_map(|item| item.get_mut("evidence")?.as_object_mut()) {
        if is_new(evidence.get("exchange"))
            && let Some(candidates) = evidence.remove("candidates")
        {
            assert_eq!(candidates, json!([candidate]));
        }
    }
    changes
}

/// The fields of the second case that differ from the first; `null` for a field that it does not have.
fn differing(before: &Case, after: &Case) -> Value {
    let fields = |case: &Case| match serde_json::to_value(case).unwrap() {
        Value::Object(fields) => fields,
        other => panic!("{other}"),
    };
    let (before, mut after) = (fields(before), fields(after));
    for (key, value) in before {
        match after.get(&key) {
            Some(same) if *same == value => drop(after.remove(&key)),
            Some(_) => {}
            None => drop(after.insert(key, Value::Null)),
        }
    }
    Value::Object(after)
}
