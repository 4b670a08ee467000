//! Verified by number: the NHS Number of the case.

use super::{
    NEW, RECORDED, Scene, alert, answer, by_number, comfort, comfort_but, corroborated, earlier,
    exchange, found, found_in_a_copy, item, last_trace, person, queried_once, queried_until_soon,
    queried_until_tomorrow, settled, superseded, traced, with, with_imported, with_traced,
    with_traced_before, without_evidence, written,
};
use nhs_pds::case::{AdvisoryKind, Case, NumberStatus, advisories};
use nhs_pds::process::Row;
use nhs_pds::trace::{Answer, Error, Match, Outcome, Restriction};
use serde_json::{Value, json};

fn scene(case: Case, reply: Result<Answer, Error>) -> Scene {
    Scene::new(case, by_number(), reply).shared_with(&["RXX:1"])
}

/// The evidence of an item, with `more`.
fn evidence(code: &str, more: Value) -> Value {
    with(json!({"asked": by_number(), "exchange": exchange(code)}), more)
}

fn evidence_of(who: &Value) -> Value {
    evidence("SMSP-0000", json!({"nhs_number": RECORDED, "returned": who}))
}

/// The number of the case, marked with this status.
fn marked(case: &Case, status: &str) -> Value {
    let mut recorded =
        with(serde_json::to_value(&case.nhs_number).unwrap(), json!({"standing": status}));
    let before = case.nhs_number.as_ref().unwrap().status.as_str();
    // A number that the service has spoken against loses its evidence; a superseded number keeps it.
    if ![before, status].iter().all(|word| ["usable", "superseded"].contains(word))
        && let Some(traced) = recorded.pointer_mut("/source/traced")
    {
        traced.as_object_mut().unwrap().remove("corroboration");
    }
    recorded
}

/// The imported number, confirmed on the Spine.
fn confirmed() -> Value {
    traced(RECORDED, "SMSP-0000", "verified", "live", "2026-11-23T09:30:00Z")
}

#[test]
fn recorded_number_rejected_by_a_reviewer() {
    let mut case = with_imported();
    case.rejected_numbers = vec![RECORDED.parse().unwrap()];
    let number = marked(&case, "not_verified");
    scene(case, found(RECORDED, &comfort())).becomes(
        Row::RecordedRejected,
        json!({
            "nhs_number": number,
            "review": [item(1, "not_verified", evidence_of(&comfort()))],
            "asking": queried_once(by_number()),
            "last_trace": last_trace("not_verified", Some("not_verified"), "SMSP-0000"),
        }),
    );
}

#[test]
fn recorded_number_of_a_different_person() {
    let misspelt = json!({"given": ["COMFORTT"], "family": "AINDOW"});
    for (changes, reason) in [
        (json!({"name": {"given": ["JOY"], "family": "OBI"}}), "differs:family"),
        (json!({"name": {"given": ["JOY"], "family": "AINDOW"}}), "differs:given"),
        (json!({"date_of_birth": "1943-05-20"}), "differs:date_of_birth"),
        (
            json!({"gender": "male", "name": misspelt, "date_of_death": "2026-10-01"}),
            "differs:gender",
        ),
        (json!({"name": null}), "unconfirmed"),
    ] {
        let who = serde_json::to_value(person(&comfort_but(changes))).unwrap();
        for case in [with_imported(), with_traced()] {
            scene(case, found(RECORDED, &who)).becomes(
                Row::RecordedDiffers,
                json!({
                    "review": [item(1, reason, evidence_of(&who))],
                    "asking": queried_until_tomorrow(by_number()),
                    "last_trace": last_trace("differs", Some(reason), "SMSP-0000"),
                }),
            );
        }
    }
}

/// One field differs in a way that a record of the same person has, and everything else agrees.
#[test]
fn recorded_number_of_a_person_with_one_field_that_differs() {
    for changes in [
        json!({"name": {"given": ["COMFORT"], "family": "AINDOWE"}}),
        json!({"name": {"given": ["COMFORT"], "family": "OBI"}}),
        json!({"date_of_birth": "1943-05-18"}),
        json!({"gender": "male"}),
        json!({"gender": null}),
    ] {
        for case in [with_imported(), with_traced()] {
            let number = case.nhs_number.clone().unwrap().number;
            let scene = scene(case, found(RECORDED, &comfort_but(changes.clone())));
            assert!(
                matches!(scene.decide(&scene.case).row, Row::Verified | Row::RecordedDiscrepant),
                "{changes}"
            );
            let after = scene.after(&scene.case).nhs_number.unwrap();
            assert!(after.number == number && after.source.is_traced());
        }
    }
}

/// The imported number may belong to her twin or her namesake. A number from a search by the same names,
/// without evidence, is found again by the same names.
#[test]
fn recorded_number_with_incomplete_evidence() {
    let died = comfort_but(json!({"date_of_death": "2026-10-01"}));
    let is_not_written = |case: &Case, asked: Value, who: &Value, reason: &str| {
        let who = serde_json::to_value(person(who)).unwrap();
        let grounds = with(evidence_of(&who), json!({"asked": asked}));
        Scene::new(case.clone(), asked.clone(), found(RECORDED, &who))
            .shared_with(&["RXX:1"])
            .becomes(
                Row::RecordedDiffers,
                json!({
                    "review": [item(1, reason, grounds)],
                    "asking": queried_until_tomorrow(asked),
                    "last_trace": last_trace("differs", Some(reason), "SMSP-0000"),
                }),
            );
    };
    let without = |field: &str| {
        let mut asked = by_number();
        asked.as_object_mut().unwrap().remove(field).unwrap();
        asked
    };
    for case in [with_imported(), with_traced(), with_traced_before()] {
        for who in [comfort(), died.clone()] {
            is_not_written(&case, without("given"), &who, "unconfirmed");
        }
        for changes in [
            json!({"name": {"family": "AINDOW"}}),
            json!({"name": {"given": [""], "family": "AINDOW"}}),
            json!({"date_of_birth": null}),
            json!({"date_of_birth": "1943"}),
        ] {
            let reason = match changes.get("date_of_birth").and_then(Value::as_str) {
                Some(_) => "differs:date_of_birth",
                None => "unconfirmed",
            };
            is_not_written(&case, by_number(), &comfort_but(changes), reason);
        }
    }
    let moved = comfort_but(json!({
        "addresses": [{"use": "home", "postcode": "KT1 1AA"}], "date_of_death": "2026-10-01",
    }));
    let homeless = comfort_but(json!({"addresses": []}));
    is_not_written(&with_traced_before(), by_number(), &homeless, "unconfirmed");
    is_not_written(&with_traced_before(), by_number(), &moved, "differs:postcode");
    is_not_written(&with_traced_before(), without("postcode"), &comfort(), "unconfirmed");
    // A returned postcode that agrees confirms the number. A number with evidence does not need it.
    let again = scene(with_traced_before(), found(RECORDED, &comfort()));
    assert_eq!(again.decide(&again.case).row, Row::Verified);
    let after = json!({"nhs_number": again.after(&again.case).nhs_number});
    let number = without_evidence(after, &again.decide(&again.case))["nhs_number"].take();
    let since = "2026-03-01T08:00:00Z";
    let confirmed = traced(RECORDED, "SMSP-0000", "verified", "live", since);
    assert_eq!(number, corroborated(confirmed, "postcode"));
    let mut by_a_user = with_traced_before();
    let mut recorded = serde_json::to_value(&by_a_user.nhs_number).unwrap();
    recorded["source"]["traced"]["confirmed_by"] = json!("j.doe");
    by_a_user.nhs_number = serde_json::from_value(recorded).unwrap();
    for case in [with_traced(), with_imported(), by_a_user] {
        let moved = scene(case, found(RECORDED, &moved));
        assert_eq!(moved.decide(&moved.case).row, Row::RecordedDeceased);
    }
}

#[test]
fn recorded_number_shared_with_another_case() {
    let died = comfort_but(json!({"date_of_death": "2026-10-01"}));
    for who in [comfort(), died] {
        let mut grounds = evidence_of(&who);
        grounds["others"] = json!(["RXX:0"]);
        let numbers = json!({"nhs_number": RECORDED, "others": ["RXX:0"]});
        let mut expected = json!({
            "review": [item(1, "duplicate", grounds)],
            "undelivered": [
                alert("RXX:1/1/duplicate", "duplicate", "SMSP-0000", numbers.clone()),
            ],
            "asking": queried_until_tomorrow(by_number()),
            "last_trace": last_trace("duplicate", Some("duplicate"), "SMSP-0000"),
        });
        if who.get("date_of_death").is_some() {
            expected["date_of_death"] = json!("2026-10-01");
            expected["death_traced"] = json!(true);
            let shown = alert("RXX:1/deceased/2026-10-01", "deceased", "SMSP-0000", numbers);
            expected["undelivered"].as_array_mut().unwrap().push(shown);
        }
        scene(with_imported(), found(RECORDED, &who))
            .shared_with(&["RXX:0", "RXX:1"])
            .becomes(Row::RecordedDuplicate, expected);
    }
}

#[test]
fn recorded_number_in_a_copy_after_the_spine_answered() {
    for who in [comfort(), comfort_but(json!({"date_of_death": "2026-10-01"}))] {
        let mut doubtful = with_imported();
        doubtful.nhs_number.as_mut().unwrap().status = NumberStatus::Invalid;
        for case in [with_traced(), doubtful] {
            scene(case, found_in_a_copy(RECORDED, &who)).becomes(
                Row::RecordedStaleAfterLive,
                json!({
                    "asking": queried_until_soon(by_number()),
                    "last_trace": last_trace("stale", None, "SMSP-0003"),
                }),
            );
        }
    }
}

#[test]
fn recorded_number_confirmed_by_a_copy() {
    for who in [comfort(), comfort_but(json!({"date_of_death": "2026-10-01"}))] {
        scene(with_imported(), found_in_a_copy(RECORDED, &who)).becomes(
            Row::RecordedStale,
            json!({
                "nhs_number":
                    traced(RECORDED, "SMSP-0003", "verified", "stale", "2026-11-23T09:30:00Z"),
                "asking": queried_until_soon(by_number()),
                "last_trace": last_trace("stale", None, "SMSP-0003"),
            }),
        );
    }
}

#[test]
fn recorded_number_with_an_unusable_date_of_death() {
    let died = comfort_but(json!({"date_of_death": "in May"}));
    scene(with_imported(), found(RECORDED, &died)).becomes(
        Row::RecordedDeathUndated,
        json!({
            "review": [item(1, "death_undated", evidence_of(&died))],
            "undelivered": [alert("RXX:1/1/deceased", "deceased", "SMSP-0000", json!({
                "nhs_number": RECORDED,
            }))],
            "asking": queried_until_tomorrow(by_number()),
            "last_trace": last_trace("death_undated", Some("death_undated"), "SMSP-0000"),
        }),
    );
}

#[test]
fn recorded_number_of_a_deceased_person() {
    let died = comfort_but(json!({"date_of_death": "2026-10-01"}));
    scene(with_imported(), found(RECORDED, &died)).becomes(
        Row::RecordedDeceased,
        json!({
            "nhs_number": confirmed(),
            "date_of_death": "2026-10-01",
            "death_traced": true,
            "undelivered": [alert("RXX:1/deceased/2026-10-01", "deceased", "SMSP-0000", json!({
                "nhs_number": RECORDED,
            }))],
            "asking": queried_once(by_number()),
            "last_trace": last_trace("deceased", None, "SMSP-0000"),
        }),
    );
}

#[test]
fn recorded_number_of_a_restricted_record() {
    let who = comfort_but(json!({"addresses": []}));
    let mut found = Match::new(RECORDED.parse().unwrap()).with_person(person(&who));
    found.restriction = Restriction::Restricted;
    scene(with_imported(), answer("SMSP-0000", Outcome::Found(Box::new(found)))).becomes(
        Row::RecordedRestricted,
        json!({
            "nhs_number": confirmed(),
            "asking": queried_once(by_number()),
            "last_trace": last_trace("verified", None, "SMSP-0000"),
        }),
    );
}

#[test]
fn recorded_number_with_a_discrepancy() {
    let moved = comfort_but(json!({"addresses": [{"use": "home", "postcode": "KT1 1AA"}]}));
    scene(with_imported(), found(RECORDED, &moved)).becomes(
        Row::RecordedDiscrepant,
        json!({
            "nhs_number": confirmed(),
            "review": [item(1, "discrepancy", evidence_of(&moved))],
            "asking": queried_once(by_number()),
            "last_trace": last_trace("verified", Some("discrepancy"), "SMSP-0000"),
        }),
    );
}

#[test]
fn verified() {
    let items = json!([
        earlier(1, "differs:given", json!({"nhs_number": RECORDED})),
        earlier(2, "invalidated", json!({})),
        earlier(3, "replaced", json!({"nhs_number": RECORDED})),
    ]);
    let mut case = with_traced();
    case.review = serde_json::from_value(items.clone()).unwrap();
    case.asking.unsettled = 2;
    scene(case, found(RECORDED, &comfort())).becomes(
        Row::Verified,
        json!({
            // A confirmation does not change since when the case has the number.
            "nhs_number": traced(RECORDED, "SMSP-0000", "verified", "live", "2026-03-01T08:00:00Z"),
            "review": [settled(items[0].clone()), settled(items[1].clone()), items[2]],
            "asking": queried_once(by_number()),
            "last_trace": last_trace("verified", None, "SMSP-0000"),
        }),
    );
}

#[test]
fn recorded_number_unknown_to_pds() {
    let case = with_traced();
    let number = marked(&case, "not_verified");
    scene(case, answer("DEMOG-0001", Outcome::None)).becomes(
        Row::RecordedUnknown,
        json!({
            "nhs_number": number,
            "review": [
                item(1, "not_verified", evidence("DEMOG-0001", json!({"nhs_number": RECORDED}))),
            ],
            "asking": queried_once(by_number()),
            "last_trace": last_trace("not_verified", Some("not_verified"), "DEMOG-0001"),
        }),
    );
}

#[test]
fn recorded_number_of_several_people() {
    scene(with_traced(), answer("DEMOG-0007", Outcome::Ambiguous(Vec::new()))).becomes(
        Row::RecordedAmbiguous,
        json!({
            "review": [item(1, "ambiguous", evidence("DEMOG-0007", json!({"nhs_number": RECORDED})))],
            "asking": queried_until_tomorrow(by_number()),
            "last_trace": last_trace("ambiguous", Some("ambiguous"), "DEMOG-0007"),
        }),
    );
}

#[test]
fn recorded_number_not_verified() {
    let case = with_imported();
    let number = marked(&case, "not_verified");
    scene(case, answer("DEMOG-0040", Outcome::NotVerified)).becomes(
        Row::RecordedNotVerified,
        json!({
            "nhs_number": number,
            "review": [
                item(1, "not_verified", evidence("DEMOG-0040", json!({"nhs_number": RECORDED}))),
            ],
            "asking": queried_once(by_number()),
            "last_trace": last_trace("not_verified", Some("not_verified"), "DEMOG-0040"),
        }),
    );
}

/// A successor that is the old number itself counts as unknown.
#[test]
fn recorded_number_superseded_by_an_unknown_number() {
    for by in [None, Some(RECORDED)] {
        let case = with_traced();
        let number = marked(&case, "superseded");
        let scene = scene(case, superseded(by, None));
        scene.becomes(
            Row::RecordedSupersededUnknown,
            json!({
                "nhs_number": number,
                "review": [item(1, "superseded", evidence("DEMOG-0017", json!({})))],
                "undelivered": [alert("RXX:1/1/superseded", "superseded", "DEMOG-0017", json!({
                    "nhs_number": RECORDED,
                }))],
                "asking": queried_once(by_number()),
                "last_trace": last_trace("superseded", Some("superseded"), "DEMOG-0017"),
            }),
        );
        let shown = advisories(&scene.after(&scene.case));
        assert!(!shown[0].text().contains("943 476 5919"), "the old number is not the new one");
    }
}

#[test]
fn recorded_number_superseded_by_a_number_of_a_different_person() {
    let born = comfort_but(json!({"date_of_birth": "1950-01-01", "date_of_death": "2026-10-01"}));
    let case = with_traced();
    let number = marked(&case, "superseded");
    let differs = scene(case, superseded(Some(NEW), Some(&born)));
    differs.becomes(
        Row::RecordedSupersededDiffers,
        json!({
            "nhs_number": number,
            "review": [item(1, "differs:date_of_birth", evidence("DEMOG-0017", json!({
                "nhs_number": NEW, "returned": born,
            })))],
            "undelivered": [alert("RXX:1/1/superseded", "superseded", "DEMOG-0017", json!({
                "nhs_number": RECORDED,
            }))],
            "asking": queried_until_tomorrow(by_number()),
            "last_trace": last_trace("superseded", Some("differs:date_of_birth"), "DEMOG-0017"),
        }),
    );
    let shown = advisories(&differs.after(&differs.case));
    assert_eq!(shown[0].kind, AdvisoryKind::Superseded);
    assert!(
        shown.iter().all(|shown| !shown.text().contains("944 930 4424")),
        "a number of a different person"
    );
    // If the rule never confirmed the old number, the successor's person must be shown to be hers.
    let another = comfort_but(json!({"name": {"given": ["JOY"], "family": "OBI"}}));
    let died = json!({"name": {"family": "AINDOW"}, "date_of_death": "2026-10-01"});
    let nameless = comfort_but(died);
    let mut doubtful = with_traced();
    doubtful.nhs_number.as_mut().unwrap().status = NumberStatus::NotVerified;
    for case in [with_imported(), with_traced_before(), doubtful] {
        for (who, reason) in [(&another, "differs:family"), (&nameless, "unconfirmed")] {
            scene(case.clone(), superseded(Some(NEW), Some(who))).becomes(
                Row::RecordedSupersededDiffers,
                json!({
                    "nhs_number": marked(&case, "superseded"),
                    "review": [item(1, reason, evidence("DEMOG-0017", json!({
                        "nhs_number": NEW, "returned": who,
                    })))],
                    "undelivered": [
                        alert("RXX:1/1/superseded", "superseded", "DEMOG-0017", json!({
                            "nhs_number": RECORDED,
                        })),
                    ],
                    "asking": queried_until_tomorrow(by_number()),
                    "last_trace": last_trace("superseded", Some(reason), "DEMOG-0017"),
                }),
            );
        }
    }
    let mut case = with_traced();
    case.rejected_numbers = vec![NEW.parse().unwrap()];
    let rejected = scene(case, superseded(Some(NEW), Some(&comfort())));
    assert_eq!(rejected.decide(&rejected.case).row, Row::RecordedSupersededDiffers);
    let after = rejected.after(&rejected.case);
    assert_eq!(after.nhs_number.unwrap().number, RECORDED.parse().unwrap());
}

/// MSCA-DQ-03: alert, keep using the old number, and warn on every access until it is resolved.
#[test]
fn recorded_number_superseded_by_a_number_of_another_case() {
    let case = with_traced();
    let number = marked(&case, "superseded");
    let scene = scene(case, superseded(Some(NEW), Some(&comfort()))).shared_with(&["RXX:2"]);
    scene.becomes(
        Row::RecordedSupersededDuplicate,
        json!({
            "nhs_number": number,
            "review": [item(1, "superseded", evidence("DEMOG-0017", json!({
                "nhs_number": NEW, "returned": comfort(), "others": ["RXX:2"],
            })))],
            "undelivered": [alert("RXX:1/1/superseded", "superseded", "DEMOG-0017", json!({
                "nhs_number": RECORDED, "new_nhs_number": NEW, "others": ["RXX:2"],
            }))],
            "asking": queried_until_tomorrow(by_number()),
            "last_trace": last_trace("superseded", Some("superseded"), "DEMOG-0017"),
        }),
    );
    let shown = advisories(&scene.after(&scene.case));
    assert_eq!(shown.len(), 1);
    assert!(shown[0].text().contains("replaced by 944 930 4424"));
}

/// MSCA-DQ-03: warn with the new number, and replace the old one.
#[test]
fn recorded_number_superseded_by_a_free_number() {
    let renamed = comfort_but(json!({"name": {"given": ["JOY"], "family": "OBI"}}));
    let free = scene(with_traced(), superseded(Some(NEW), Some(&renamed))).shared_with(&[]);
    free.becomes(
        Row::RecordedSupersededFree,
        json!({
            "nhs_number": written(NEW, "superseded"),
            "review": [item(1, "replaced", evidence("DEMOG-0017", json!({
                "nhs_number": NEW, "returned": renamed,
            })))],
            "undelivered": [alert("RXX:1/1/superseded", "superseded", "DEMOG-0017", json!({
                "nhs_number": RECORDED, "new_nhs_number": NEW,
            }))],
            "asking": queried_once(by_number()),
            "last_trace": last_trace("replaced", Some("replaced"), "DEMOG-0017"),
        }),
    );
    // A successor whose person is shown to be hers is written for an imported number too.
    let married = comfort_but(json!({"name": {"given": ["COMFORT"], "family": "OBI"}}));
    for who in [comfort(), married] {
        for case in [with_imported(), with_traced()] {
            let agrees = scene(case, superseded(Some(NEW), Some(&who))).shared_with(&[]);
            let decision = agrees.decide(&agrees.case);
            assert_eq!(decision.row, Row::RecordedSupersededFree);
            let after = json!({"nhs_number": agrees.after(&agrees.case).nhs_number});
            let number = without_evidence(after, &decision)["nhs_number"].take();
            assert_eq!(number, corroborated(written(NEW, "superseded"), "number"));
        }
    }
    // A number that was written as a successor is not a confirmed number: its own successor needs evidence.
    let mut after = free.after(&free.case);
    let asked = with(by_number(), json!({"nhs_number": NEW}));
    let next = Scene::new(after.clone(), asked.clone(), superseded(Some(RECORDED), Some(&renamed)));
    assert_eq!(next.decide(&next.case).row, Row::RecordedSupersededDiffers);
    (after.surname, after.forename) = (Some("Obi".into()), Some("Joy".into()));
    let asked = with(asked, json!({"family": "Obi", "given": "Joy"}));
    let next = Scene::new(after, asked, superseded(Some(RECORDED), Some(&renamed)));
    assert_eq!(next.decide(&next.case).row, Row::RecordedSupersededFree);
    let shown = advisories(&free.after(&free.case));
    assert!(shown[0].text().contains("944 930 4424, which this record now has"));
    // A date of death in the same response is written, because no query follows.
    let died = comfort_but(json!({"date_of_death": "2026-10-01"}));
    let dead = scene(with_traced(), superseded(Some(NEW), Some(&died)));
    let after = dead.after(&dead.case);
    assert_eq!(after.date_of_death, Some("2026-10-01".parse().unwrap()));
    let ids: Vec<&str> = after.undelivered.iter().map(|alert| alert.id.as_str()).collect();
    assert_eq!(ids, ["RXX:1/1/superseded", "RXX:1/deceased/2026-10-01"]);
    let undated = comfort_but(json!({"date_of_death": "in May"}));
    let undated = scene(with_traced(), superseded(Some(NEW), Some(&undated)));
    let shown = advisories(&undated.after(&undated.case));
    assert!(shown.iter().any(|shown| shown.kind == AdvisoryKind::Deceased));
}

/// MSCA-DQ-04: the number is marked, the alert has every field, and the person is traced by fields at once.
#[test]
fn recorded_number_invalidated() {
    let case = with_traced();
    let number = marked(&case, "invalid");
    let scene = scene(case, answer("DEMOG-0022", Outcome::Invalidated));
    scene.becomes(
        Row::RecordedInvalidated,
        json!({
            "nhs_number": number,
            "review": [
                item(1, "invalidated", evidence("DEMOG-0022", json!({"nhs_number": RECORDED}))),
            ],
            "undelivered": [{
                "id": "RXX:1/1/invalidated",
                "kind": "invalidated",
                "at": "2026-11-23T09:30:00Z",
                "case_id": "RXX:1",
                "invalid_nhs_number": "9434765919",
                "code": "DEMOG-0022",
                "person": {
                    "surname": "Aindow",
                    "forename": "Comfort",
                    "aliases": ["Comfort Obi"],
                    "date_of_birth": "1943-05-19",
                    "gender": "female",
                    "address": ["1 High St", "", "", "Epsom", ""],
                    "postcode": "KT17 1NA",
                },
            }],
            "asking": queried_once(by_number()),
            "last_trace": last_trace("invalidated", Some("invalidated"), "DEMOG-0022"),
        }),
    );
    let shown = advisories(&scene.after(&scene.case));
    assert_eq!(shown.first().map(|shown| shown.kind), Some(AdvisoryKind::Invalid));
}

/// The date of death was returned for the person that the case was about before.
fn with_death_of_another_person() -> Case {
    let mut case = with_imported();
    let mut before = case.clone();
    before.surname = Some("Obi".into());
    let number = case.nhs_number.take().unwrap();
    case.nhs_number = Some(number.with_person(before.identity()));
    (case.date_of_death, case.death_traced) = (Some("2026-09-01".parse().unwrap()), true);
    case
}

#[test]
fn a_date_of_death_of_another_person_is_replaced_with_an_alert_of_its_own() {
    let died = comfort_but(json!({"date_of_death": "2026-10-01"}));
    let replaced = scene(with_death_of_another_person(), found(RECORDED, &died));
    assert_eq!(replaced.decide(&replaced.case).row, Row::RecordedDeceased);
    let after = replaced.after(&replaced.case);
    assert_eq!(after.date_of_death, Some("2026-10-01".parse().unwrap()));
    let ids: Vec<&str> = after.undelivered.iter().map(|alert| alert.id.as_str()).collect();
    assert_eq!(ids, ["RXX:1/deceased/2026-10-01"]);
    // An alert that is not delivered yet is not added again.
    let mut waiting = with_death_of_another_person();
    waiting.undelivered = after.undelivered;
    let again = scene(waiting, found(RECORDED, &died));
    assert_eq!(again.after(&again.case).undelivered.len(), 1);
}

#[test]
fn a_date_of_death_of_another_person_is_removed_by_the_spine_and_not_by_a_copy() {
    let copied = scene(with_death_of_another_person(), found_in_a_copy(RECORDED, &comfort()));
    assert_eq!(copied.decide(&copied.case).row, Row::RecordedStale);
    let after = copied.after(&copied.case);
    assert_eq!(after.date_of_death, Some("2026-09-01".parse().unwrap()));
    let live = scene(with_death_of_another_person(), found(RECORDED, &comfort()));
    assert_eq!(live.decide(&live.case).row, Row::Verified);
    let after = live.after(&live.case);
    assert_eq!((after.date_of_death, after.death_traced), (None, false));
}
