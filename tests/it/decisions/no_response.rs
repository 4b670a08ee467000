//! No usable response.

use super::{
    Scene, alert, answer, by_fields, by_number, case, comfort, differing, exchange, found, item,
    last_trace, now, queried_once, queried_until_tomorrow, with_imported,
};
use chrono::TimeDelta;
use nhs_pds::case::{RecordedNumber, ReviewReason, ReviewState};
use nhs_pds::demographics::Field;
use nhs_pds::process::{Policy, Row};
use nhs_pds::trace::{Answer, Error, ErrorKind, Outcome};
use serde_json::{Value, json};

fn error(kind: ErrorKind, code: &str) -> Error {
    Error::new(kind).with_exchange(serde_json::from_value(exchange(code)).unwrap())
}

fn failed(kind: ErrorKind, code: &str) -> Result<Answer, Error> {
    Err(error(kind, code))
}

#[test]
fn configuration_refused() {
    for (case, asked) in [(case(), by_fields()), (with_imported(), by_number())] {
        let reply = failed(ErrorKind::Configuration, "SMSP-0005");
        Scene::new(case, asked, reply).becomes(Row::Configuration, json!({}));
    }
}

#[test]
fn unavailable() {
    for (case, asked) in [(case(), by_fields()), (with_imported(), by_number())] {
        let reply = failed(ErrorKind::Unavailable, "SMSP-9999");
        Scene::new(case, asked, reply).becomes(Row::Unavailable, json!({"asking": waits(1)}));
    }
    // The criteria and the result of the last response stay, and the wait is longer each time.
    let mut case = case();
    case.asking = serde_json::from_value(json!({"asked": by_number(), "unreadable": 2})).unwrap();
    case.last_trace = serde_json::from_value(last_trace("none", None, "DEMOG-0001")).unwrap();
    case.asking.unanswered = 3;
    let mut asking = waits(4);
    (asking["asked"], asking["unreadable"]) = (by_number(), json!(2));
    let reply = failed(ErrorKind::Unavailable, "SMSP-9999");
    Scene::new(case, by_fields(), reply).becomes(Row::Unavailable, json!({"asking": asking}));
}

/// What a case records of this many queries in a row without a response.
fn waits(unanswered: u32) -> Value {
    json!({"unanswered": unanswered, "retry_after": retry_after(unanswered)})
}

fn retry_after(failed: u32) -> Value {
    let wait = Policy::default().retry_wait(&case().id, failed);
    let longest = TimeDelta::minutes(1 << (failed - 1));
    assert!(longest / 2 <= wait && wait <= longest, "{failed}: {wait}");
    json!(now() + wait)
}

#[test]
fn unavailable_too_often() {
    for (mut case, asked) in [(case(), by_fields()), (with_imported(), by_number())] {
        case.asking.unanswered = 4;
        let mut evidence = json!({"asked": &asked, "exchange": exchange("SMSP-9999")});
        if let Some(number) = asked.get("nhs_number") {
            evidence["nhs_number"] = number.clone();
        }
        let reply = failed(ErrorKind::Unavailable, "SMSP-9999");
        let scene = Scene::new(case, asked.clone(), reply);
        scene.becomes(
            Row::UnavailableTooOften,
            json!({"asking": waits(5), "review": [item(1, "unanswered", evidence)]}),
        );
        // The same item for any number of further queries, and no alert.
        let after = scene.after(&scene.case);
        let again = differing(&after, &scene.after(&after));
        assert_eq!(again, json!({"asking": waits(6)}));
        // A response closes it.
        let response = found("9434765919", &comfort());
        let answered = Scene::new(after.clone(), asked, response).after(&after);
        let item = answered.review.iter().find(|item| item.reason == ReviewReason::Unanswered);
        assert_eq!(item.unwrap().state, ReviewState::Resolved);
        assert_eq!((answered.asking.unanswered, answered.asking.retry_after), (0, None));
    }
}

#[test]
fn recorded_number_changed_meanwhile() {
    let mut other = with_imported();
    let source = other.nhs_number.clone().unwrap().source;
    other.nhs_number = Some(RecordedNumber::new("9990000018".parse().unwrap(), source));
    for case in [case(), other] {
        for reply in [
            found("9434765919", &comfort()),
            answer("DEMOG-0022", Outcome::Invalidated),
            answer("DEMOG-0040", Outcome::NotVerified),
            super::superseded(Some("9449304424"), None),
            failed(ErrorKind::Rejected, "DEMOG-0042"),
            failed(ErrorKind::Unreadable, "SMSP-0002"),
        ] {
            Scene::new(case.clone(), by_number(), reply).becomes(Row::RecordedChanged, json!({}));
        }
    }
}

#[test]
fn local_number_rejected() {
    let reply = Err(error(ErrorKind::Rejected, "DEMOG-0042").with_field(Field::NhsNumber));
    Scene::new(with_imported(), by_number(), reply).becomes(
        Row::NumberRejected,
        json!({
            "review": [item(1, "rejected", json!({
                "asked": by_number(), "nhs_number": "9434765919", "particular": "nhs_number",
                "exchange": exchange("DEMOG-0042"),
            }))],
            "asking": {"asked": by_number(), "until_corrected": true},
            "last_trace": last_trace("rejected", Some("rejected"), "DEMOG-0042"),
        }),
    );
}

#[test]
fn data_rejected() {
    let reply = Err(error(ErrorKind::Rejected, "SMSP-0001").with_field(Field::Family));
    Scene::new(case(), by_fields(), reply).becomes(
        Row::Rejected,
        json!({
            "review": [item(1, "rejected", json!({
                "asked": by_fields(), "particular": "family",
                "exchange": exchange("SMSP-0001"),
            }))],
            "asking": {"asked": by_fields(), "until_corrected": true},
            "last_trace": last_trace("rejected", Some("rejected"), "SMSP-0001"),
        }),
    );
}

#[test]
fn message_refused() {
    for (case, asked) in [(case(), by_fields()), (with_imported(), by_number())] {
        let reply = Err(error(ErrorKind::Rejected, "Client/1000").with_unexplained());
        let mut evidence = json!({"asked": &asked, "exchange": exchange("Client/1000")});
        if let Some(number) = asked.get("nhs_number") {
            evidence["nhs_number"] = number.clone();
        }
        let scene = Scene::new(case, asked.clone(), reply);
        scene.becomes(
            Row::MessageRefused,
            json!({
                "review": [item(1, "rejected", evidence)],
                // A day, and a part of three quarters of an hour that follows from the case's id.
                "asking": {"asked": asked, "not_before": "2026-11-24T09:54:17.045Z"},
                "last_trace": last_trace("rejected", Some("rejected"), "Client/1000"),
            }),
        );
        // The wait is one day each time, and there is one item.
        let after = scene.after(&scene.case);
        let again = differing(&after, &scene.after(&after));
        assert_eq!(again, json!({}));
    }
}

#[test]
fn unreadable() {
    let mut case = case();
    for (before, asking) in [
        (0, json!({"asked": by_fields(), "unreadable": 1, "retry_after": retry_after(1)})),
        (3, json!({"asked": by_fields(), "unreadable": 4, "retry_after": retry_after(4)})),
    ] {
        case.asking.unreadable = before;
        let reply = failed(ErrorKind::Unreadable, "SMSP-0002");
        Scene::new(case.clone(), by_fields(), reply).becomes(
            Row::Unreadable,
            json!({
                "asking": asking,
                "last_trace": last_trace("unreadable", None, "SMSP-0002"),
            }),
        );
    }
    // A response about another number than that of the query is unreadable.
    case = with_imported();
    Scene::new(case, by_number(), found("9449304424", &comfort())).becomes(
        Row::Unreadable,
        json!({
            "asking": {"asked": by_number(), "unreadable": 1, "retry_after": retry_after(1)},
            "last_trace": last_trace("unreadable", None, "SMSP-0000"),
        }),
    );
}

#[test]
fn unreadable_too_often() {
    let mut case = case();
    case.asking.unreadable = 4;
    let scene = Scene::new(case, by_fields(), failed(ErrorKind::Unreadable, "SMSP-0002"));
    let mut asking = queried_until_tomorrow(by_fields());
    asking["unreadable"] = json!(5);
    scene.becomes(
        Row::UnreadableTooOften,
        json!({
            "review": [item(1, "defect", json!({
                "asked": by_fields(), "exchange": exchange("SMSP-0002"),
            }))],
            "undelivered": [alert("RXX:1/1/defect", "defect", "SMSP-0002", json!({}))],
            "asking": asking,
            "last_trace": last_trace("unreadable", Some("defect"), "SMSP-0002"),
        }),
    );
    // The sixth time opens no second item and sends no second alert. A readable response resets the count.
    let after = scene.after(&scene.case);
    let again = differing(&after, &scene.after(&after));
    assert_eq!((&again["review"], &again["undelivered"]), (&Value::Null, &Value::Null));
    let good = Scene::new(after, by_fields(), answer("DEMOG-0001", Outcome::None));
    assert_eq!(good.after(&good.case).asking.unreadable, 0);
    assert_ne!(queried_once(by_fields()), tracing_of(&good));
}

fn tracing_of(scene: &Scene) -> Value {
    serde_json::to_value(scene.after(&scene.case).asking).unwrap()
}
