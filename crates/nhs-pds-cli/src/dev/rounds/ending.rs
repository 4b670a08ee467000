//! Compares the final state of the cases on two sides.
//!
//! It compares every field of a case, and the row of the decision table that settled it: number, status and
//! provenance, date of death, review items with their evidence, the last answer, whether the case is traced
//! again. It leaves out what depends on the time or the attempt of the answer: times, the case's version,
//! message identifiers, and the number of unreadable answers in a row. It compares alerts in the same way.
//!
//! One difference is allowed. Of two cases of one person, the case that is answered first gets the number, and
//! the other one is the duplicate; with random failures, this order is random. Such a pair is equal when each
//! case names the other, and exactly one of them has the number.

use super::side::Side;
use nhs_pds::case::{Alert, AlertKind, Case, CaseId, ReviewReason};
use nhs_pds::nhs_number::NhsNumber;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;

/// The fields that depend on the time or the attempt of an answer.
const LEFT_OUT: [&str; 7] =
    ["at", "message_id", "opened_at", "sent_at", "since", "unreadable", "version"];

/// The fields that depend on which case of a pair was answered first.
const OF_THE_FIRST: [&str; 4] = ["asking", "last_trace", "nhs_number", "row"];

/// The result of the comparison.
pub(super) struct Compared {
    pub(super) changed_places: usize,
    pub(super) off: Vec<String>,
}

/// Compares the cases and alerts of both sides.
pub(super) async fn compare(plain: &Side, faulted: &Side) -> Result<Compared, Box<dyn Error>> {
    let mut off = Vec::new();
    let (mut one, mut other) = (People::default(), People::default());
    let mut moved = BTreeSet::new();
    let mut last: Option<CaseId> = None;
    loop {
        let expected = plain.after(last.as_ref()).await?;
        let found = faulted.after(last.as_ref()).await?;
        if expected.len() != found.len() {
            off.push("one side has other cases than the other".to_owned());
        }
        let Some(end) = expected.last() else { break };
        last = Some(end.id.clone());
        for (expected, found) in expected.iter().zip(&found) {
            one.meet(expected);
            other.meet(found);
            let (a, b) = (ending(expected, plain)?, ending(found, faulted)?);
            if a == b {
                continue;
            }
            let (pair_a, pair_b) = (of_either(a.clone()), of_either(b.clone()));
            if is_duplicate(expected) && is_duplicate(found) && pair_a == pair_b {
                moved.insert(expected.id.clone());
            } else {
                off.push(format!("{}: another {}", expected.id, differing(&a, &b).join(", ")));
            }
        }
    }
    if one.pairs != other.pairs {
        off.push("other cases are flagged as duplicates".to_owned());
    }
    off.extend(other.doubled().map(|id| format!("{id}: has the number of another case")));
    off.extend(other.lost().map(|id| format!("{id}: flagged, but no case has the number")));
    let (a, b) = (delivered(plain)?, delivered(faulted)?);
    let alerts: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let alerts = alerts.into_iter().filter(|id| a.get(*id) != b.get(*id));
    off.extend(alerts.map(|id| format!("alert {id}: not as without faults")));
    let changed = |pair: &&BTreeSet<CaseId>| pair.iter().any(|id| moved.contains(id));
    Ok(Compared { changed_places: one.pairs.values().filter(changed).count(), off })
}

/// The final state of a case, by field, without what depends on the attempt.
fn ending(case: &Case, side: &Side) -> Result<Map<String, Value>, Box<dyn Error>> {
    let row = side.rows.get(&case.id).map_or(Value::Null, |row| row.as_str().into());
    let Value::Object(mut fields) = timeless(serde_json::to_value(case)?) else {
        return Err("a case is no object".into());
    };
    fields.insert("row".to_owned(), row);
    Ok(fields)
}

fn timeless(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.into_iter().filter(|(name, _)| !LEFT_OUT.contains(&name.as_str()));
            let kept = kept.map(|(name, value)| match name.as_str() {
                // Whether the case waits, but not until when.
                "not_before" => (name, value.is_string().into()),
                _ => (name, timeless(value)),
            });
            Value::Object(kept.collect())
        }
        Value::Array(values) => values.into_iter().map(timeless).collect(),
        other => other,
    }
}

/// The same for both cases of a pair: of the duplicate item, only the cases and the number.
fn of_either(mut fields: Map<String, Value>) -> Map<String, Value> {
    fields.retain(|name, _| !OF_THE_FIRST.contains(&name.as_str()));
    let items = fields.get_mut("review").and_then(Value::as_array_mut);
    for item in items.into_iter().flatten() {
        if item.get("reason").and_then(Value::as_str) == Some(ReviewReason::Duplicate.as_str())
            && let Some(evidence) = item.get_mut("evidence").and_then(Value::as_object_mut)
        {
            evidence.retain(|name, _| name == "nhs_number" || name == "others");
        }
    }
    fields
}

fn is_duplicate(case: &Case) -> bool {
    case.open_items().any(|item| item.reason == ReviewReason::Duplicate)
}

/// The names of the fields that differ.
fn differing(a: &Map<String, Value>, b: &Map<String, Value>) -> Vec<String> {
    let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    names.into_iter().filter(|name| a.get(*name) != b.get(*name)).cloned().collect()
}

/// Alerts by their ids; one about a pair by both of its cases.
fn delivered(side: &Side) -> Result<BTreeMap<String, Value>, Box<dyn Error>> {
    let one = |alert: Alert| {
        if alert.kind != AlertKind::Duplicate {
            return Ok((alert.id.clone(), timeless(serde_json::to_value(&alert)?)));
        }
        let pair: BTreeSet<&CaseId> = alert.others.iter().chain(&alert.case_id).collect();
        let pair: Vec<&str> = pair.into_iter().map(CaseId::as_str).collect();
        Ok((format!("about {}", pair.join(" and ")), serde_json::to_value(alert.nhs_number)?))
    };
    side.alerts().into_iter().map(one).collect()
}

/// The cases of each number, and the cases that are flagged as duplicates of each other.
#[derive(Default)]
struct People {
    owners: BTreeMap<NhsNumber, Vec<CaseId>>,
    pairs: BTreeMap<NhsNumber, BTreeSet<CaseId>>,
}

impl People {
    fn meet(&mut self, case: &Case) {
        if let Some(number) = case.live_number() {
            self.owners.entry(number).or_default().push(case.id.clone());
        }
        for item in case.open_items().filter(|item| item.reason == ReviewReason::Duplicate) {
            if let Some(number) = item.evidence.nhs_number {
                let pair = self.pairs.entry(number).or_default();
                pair.insert(case.id.clone());
                pair.extend(item.evidence.others.iter().cloned());
            }
        }
    }

    /// Cases with the number of an earlier case.
    fn doubled(&self) -> impl Iterator<Item = &CaseId> {
        self.owners.values().flat_map(|owners| owners.iter().skip(1))
    }

    /// The first case of each pair in which no case has the number.
    fn lost(&self) -> impl Iterator<Item = &CaseId> {
        let lost = self.pairs.iter().filter(|(number, pair)| {
            let mut owners = self.owners.get(number).into_iter().flatten();
            !owners.any(|owner| pair.contains(owner))
        });
        lost.filter_map(|(_, pair)| pair.first())
    }
}
