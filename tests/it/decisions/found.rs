//! Traced by demographic fields: a person was found.

use super::{
    NEW, RECORDED, Scene, alert, answer, by_fields, by_number, case, comfort, comfort_but,
    corroborated, earlier, exchange, found as spine, found_in_a_copy as copy, item, last_trace,
    person, queried_once, queried_until_soon, queried_until_tomorrow, settled, traced, with,
    with_imported, with_status, with_traced, written,
};
use nhs_pds::case::{AdvisoryKind, Case, NumberStatus, advisories};
use nhs_pds::matching::Criteria;
use nhs_pds::process::Row;
use nhs_pds::trace::{Answer, Error, Match, Outcome, Restriction};
use serde_json::{Value, json};

fn scene(case: Case, reply: Result<Answer, Error>) -> Scene {
    Scene::new(case, by_fields(), reply)
}

/// The evidence of an item about a person who was found.
fn evidence(number: &str, who: &Value, others: &[&str]) -> Value {
    let evidence = json!({
        "asked": by_fields(), "nhs_number": number, "returned": who,
        "exchange": exchange("SMSP-0000"),
    });
    if others.is_empty() { evidence } else { with(evidence, json!({"others": others})) }
}

fn with_items(mut case: Case, items: &Value) -> Case {
    case.review = serde_json::from_value(items.clone()).unwrap();
    case
}

#[test]
fn found_a_rejected_number() {
    let mut case = case();
    case.rejected_numbers = vec![NEW.parse().unwrap()];
    scene(case, spine(NEW, &comfort())).becomes(
        Row::FoundRejected,
        json!({
            // The rejected person is not shown again.
            "review": [item(1, "none", json!({ "asked": by_fields(), "exchange": exchange("SMSP-0000") }))],
            "asking": queried_until_tomorrow(by_fields()),
            "last_trace": last_trace("none", Some("none"), "SMSP-0000"),
        }),
    );
}

#[test]
fn found_a_different_person() {
    let misspelt = json!({"given": ["COMFORTT"], "family": "AINDOW"});
    for (changes, reason) in [
        (json!({"name": {"given": ["JOY"], "family": "OBI"}}), "differs:family"),
        (json!({"name": {"given": ["JOY"], "family": "AINDOW"}}), "differs:given"),
        (json!({"date_of_birth": "1943-05-20"}), "differs:date_of_birth"),
        (json!({"gender": "male", "name": misspelt}), "differs:gender"),
        (json!({"name": null}), "unconfirmed"),
        // The date of death of a different person is not written.
        (
            json!({"gender": "male", "name": misspelt, "date_of_death": "2026-10-01"}),
            "differs:gender",
        ),
    ] {
        let who = serde_json::to_value(person(&comfort_but(changes))).unwrap();
        scene(case(), spine(NEW, &who)).shared_with(&["RXX:2"]).becomes(
            Row::FoundDiffers,
            json!({
                "review": [item(1, reason, evidence(NEW, &who, &["RXX:2"]))],
                "asking": queried_until_tomorrow(by_fields()),
                "last_trace": last_trace("differs", Some(reason), "SMSP-0000"),
            }),
        );
    }
}

/// One field differs in a way that a record of the same person has, and everything else agrees.
#[test]
fn found_with_one_field_that_differs() {
    for changes in [
        json!({"name": {"given": ["COMFORT"], "family": "AINDOWE"}}),
        json!({"name": {"given": ["COMFORTT"], "family": "AINDOW"}}),
        json!({"date_of_birth": "1943-05-18"}),
        json!({"gender": "male"}),
        // The service has matched the postcode of the case, which is thus a former one.
        json!({"addresses": [{"use": "home", "postcode": "KT1 1AA"}]}),
    ] {
        let scene = scene(case(), spine(NEW, &comfort_but(changes.clone())));
        assert_eq!(scene.decide(&scene.case).row, Row::Found, "{changes}");
    }
}

/// A gender that one side does not have says nothing, for or against.
#[test]
fn found_without_a_known_gender() {
    let mut without = by_fields();
    without.as_object_mut().unwrap().remove("gender").unwrap();
    let mut asked_by =
        vec![(without, comfort()), (by_fields(), comfort_but(json!({"gender": null})))];
    for gender in ["not_known", "not_specified"] {
        let gender = json!({"gender": gender});
        asked_by.push((with(by_fields(), gender.clone()), comfort()));
        asked_by.push((by_fields(), comfort_but(gender.clone())));
        asked_by.push((with(by_fields(), gender.clone()), comfort_but(gender)));
    }
    for (asked, who) in asked_by {
        let who = serde_json::to_value(person(&who)).unwrap();
        let scene = Scene::new(case(), asked.clone(), spine(NEW, &who));
        assert_eq!(scene.decide(&scene.case).row, Row::Found, "{asked}");
    }
}

/// The person found may be her namesake or her twin, living or deceased.
#[test]
fn found_a_person_with_incomplete_evidence() {
    // A field was not returned.
    for changes in [
        json!({"name": null}),
        json!({"name": {"family": "AINDOW"}}),
        json!({"name": {"given": [""], "family": "AINDOW"}}),
        json!({"name": {"given": ["COMFORT"]}}),
        json!({"date_of_birth": null}),
        json!({"date_of_birth": "1943"}),
        json!({"date_of_birth": null, "date_of_death": "2026-10-01"}),
    ] {
        let who = serde_json::to_value(person(&comfort_but(changes))).unwrap();
        let partial = who.get("date_of_birth").is_some_and(|born| born == "1943");
        let reason = if partial { "differs:date_of_birth" } else { "unconfirmed" };
        is_not_written(by_fields(), &who, reason);
    }
    // The field is not known to the case, or the search had no postcode of an address.
    let without = |fields: &[&str]| {
        let mut asked = by_fields();
        fields.iter().for_each(|field| drop(asked.as_object_mut().unwrap().remove(*field)));
        asked
    };
    for asked in [
        without(&["given"]),
        without(&["postcode"]),
        without(&["given", "postcode"]),
        without(&["gender", "postcode"]),
        with(by_fields(), json!({"postcode": "ZZ99 3VZ"})),
        with(by_fields(), json!({"given": " "})),
    ] {
        for changes in [
            json!({}),
            json!({"addresses": []}),
            json!({"date_of_death": "2026-10-01"}),
            json!({"date_of_death": "in May"}),
        ] {
            is_not_written(asked.clone(), &comfort_but(changes), "unconfirmed");
        }
    }
}

/// Checks that nothing is written when a search by `asked` finds `who`, on the Spine or in a copy, and that a
/// reviewer gets the candidate.
#[track_caller]
fn is_not_written(asked: Value, who: &Value, reason: &str) {
    let who = serde_json::to_value(person(who)).unwrap();
    let asked = serde_json::to_value(serde_json::from_value::<Criteria>(asked).unwrap()).unwrap();
    let grounds = with(evidence(NEW, &who, &[]), json!({"asked": asked}));
    for case in [case(), with_status(NumberStatus::Invalid)] {
        Scene::new(case, asked.clone(), spine(NEW, &who)).becomes(
            Row::FoundDiffers,
            json!({
                "review": [item(1, reason, grounds.clone())],
                "asking": queried_until_tomorrow(asked.clone()),
                "last_trace": last_trace("differs", Some(reason), "SMSP-0000"),
            }),
        );
    }
    let copied = Scene::new(case(), asked, copy(NEW, &who));
    assert_eq!(copied.decide(&copied.case).row, Row::FoundDiffers);
}

/// A postcode that the service has matched is evidence, also if no address is returned.
#[test]
fn a_given_name_in_one_field_or_two_agrees_without_a_returned_postcode() {
    let asked = with(by_fields(), json!({"given": "Comfort Joy"}));
    for given in [json!(["COMFORT", "JOY"]), json!(["COMFORT JOY"])] {
        let who = comfort_but(json!({
            "name": {"given": given, "family": "AINDOW"}, "addresses": [],
        }));
        let scene = Scene::new(case(), asked.clone(), spine(NEW, &who));
        assert_eq!(scene.decide(&scene.case).row, Row::Found);
    }
}

#[test]
fn found_a_number_of_another_case() {
    let duplicate = json!({
        "review": [item(1, "duplicate", evidence(NEW, &comfort(), &["RXX:2", "RXX:3"]))],
        "undelivered": [alert("RXX:1/1/duplicate", "duplicate", "SMSP-0000", json!({
            "nhs_number": NEW, "others": ["RXX:2", "RXX:3"],
        }))],
        "asking": queried_until_tomorrow(by_fields()),
        "last_trace": last_trace("duplicate", Some("duplicate"), "SMSP-0000"),
    });
    // The other case keeps the number. This case does not get it, even if its own number is in doubt.
    for case in [case(), with_status(NumberStatus::NotVerified)] {
        scene(case, spine(NEW, &comfort()))
            .shared_with(&["RXX:1", "RXX:2", "RXX:3"])
            .becomes(Row::FoundDuplicate, duplicate.clone());
    }
    // The date of death is written whichever case has the number, but not from a copy.
    let died = comfort_but(json!({"date_of_death": "2026-10-01"}));
    let mut dead = duplicate;
    dead["review"] = json!([item(1, "duplicate", evidence(NEW, &died, &["RXX:2", "RXX:3"]))]);
    dead["date_of_death"] = json!("2026-10-01");
    dead["death_traced"] = json!(true);
    dead["undelivered"].as_array_mut().unwrap().push(alert(
        "RXX:1/deceased/2026-10-01",
        "deceased",
        "SMSP-0000",
        json!({"nhs_number": NEW, "others": ["RXX:2", "RXX:3"]}),
    ));
    let others = ["RXX:2", "RXX:3"];
    scene(case(), spine(NEW, &died)).shared_with(&others).becomes(Row::FoundDuplicate, dead);
    let doubtful = scene(case(), copy(NEW, &died)).shared_with(&others);
    assert_eq!(doubtful.decide(&doubtful.case).row, Row::FoundDuplicate);
    assert_eq!(doubtful.after(&doubtful.case).date_of_death, None);
}

#[test]
fn found_in_a_copy_for_a_number_in_doubt() {
    let items = json!([earlier(1, "invalidated", json!({"nhs_number": RECORDED}))]);
    for number in [RECORDED, NEW] {
        let case = with_items(with_status(NumberStatus::Invalid), &items);
        scene(case, copy(number, &comfort())).becomes(
            Row::FoundStaleForDoubtful,
            json!({
                "asking": queried_until_soon(by_fields()),
                "last_trace": last_trace("stale", None, "SMSP-0003"),
            }),
        );
    }
}

#[test]
fn found_the_number_in_doubt_again() {
    for status in [NumberStatus::Invalid, NumberStatus::Superseded] {
        scene(with_status(status), spine(RECORDED, &comfort())).shared_with(&["RXX:1"]).becomes(
            Row::FoundDoubtfulAgain,
            json!({
                "asking": queried_until_tomorrow(by_fields()),
                "last_trace": last_trace("conflict", None, "SMSP-0000"),
            }),
        );
    }
}

#[test]
fn found_a_conflicting_number() {
    let died = comfort_but(json!({"date_of_death": "2026-10-01"}));
    for who in [comfort(), died] {
        for case in [with_status(NumberStatus::NotVerified), with_traced()] {
            scene(case, spine(NEW, &who)).becomes(
                Row::FoundConflict,
                json!({
                    "review": [item(1, "conflict", evidence(NEW, &who, &[]))],
                    "asking": queried_until_tomorrow(by_fields()),
                    "last_trace": last_trace("conflict", Some("conflict"), "SMSP-0000"),
                }),
            );
        }
    }
}

#[test]
fn found_in_a_copy() {
    // A copy's date of death is not written.
    for who in [comfort(), comfort_but(json!({"date_of_death": "2026-10-01"}))] {
        let items = json!([
            earlier(1, "none", json!({"asked": by_fields()})),
            earlier(2, "invalidated", json!({})),
        ]);
        scene(with_items(case(), &items), copy(NEW, &who)).becomes(
            Row::FoundStale,
            json!({
                "nhs_number": traced(NEW, "SMSP-0003", "exact", "stale", "2026-11-23T09:30:00Z"),
                // A copy may not yet have the change to a number that is no longer valid.
                "review": [settled(items[0].clone()), items[1]],
                "asking": queried_until_soon(by_fields()),
                "last_trace": last_trace("stale", None, "SMSP-0003"),
            }),
        );
    }
}

#[test]
fn found_with_an_unusable_date_of_death() {
    let died = comfort_but(json!({"date_of_death": "in May"}));
    let scene = scene(case(), spine(NEW, &died));
    scene.becomes(
        Row::FoundDeathUndated,
        json!({
            "review": [item(1, "death_undated", evidence(NEW, &died, &[]))],
            "undelivered": [alert("RXX:1/1/deceased", "deceased", "SMSP-0000", json!({
                "nhs_number": NEW,
            }))],
            "asking": queried_until_tomorrow(by_fields()),
            "last_trace": last_trace("death_undated", Some("death_undated"), "SMSP-0000"),
        }),
    );
    let shown = advisories(&scene.after(&scene.case));
    assert_eq!(shown.first().map(|shown| shown.kind), Some(AdvisoryKind::Deceased));
}

#[test]
fn a_date_of_death_that_cannot_be_right_is_unusable() {
    for died in ["2026-11-24", "2030", "1943-05-18", "1066"] {
        let died = comfort_but(json!({"date_of_death": died}));
        for (case, asked, number, row) in [
            (case(), by_fields(), NEW, Row::FoundDeathUndated),
            (with_imported(), by_number(), RECORDED, Row::RecordedDeathUndated),
        ] {
            let scene = Scene::new(case, asked, spine(number, &died));
            let after = scene.after(&scene.case);
            assert_eq!(scene.decide(&scene.case).row, row);
            assert_eq!((after.date_of_death, after.death_traced), (None, false));
            assert_eq!(after.nhs_number, scene.case.nhs_number);
            let shown = advisories(&after);
            assert_eq!(shown.first().map(|shown| shown.kind), Some(AdvisoryKind::Deceased));
        }
    }
    let today = comfort_but(json!({"date_of_death": "2026-11-23"}));
    let scene = scene(case(), spine(NEW, &today));
    assert_eq!(scene.decide(&scene.case).row, Row::FoundDeceased);
}

#[test]
fn found_deceased() {
    let died = comfort_but(json!({"date_of_death": "2026-10"}));
    scene(case(), spine(NEW, &died)).becomes(
        Row::FoundDeceased,
        json!({
            "nhs_number": written(NEW, "exact"),
            "date_of_death": "2026-10",
            "death_traced": true,
            "undelivered": [alert("RXX:1/deceased/2026-10", "deceased", "SMSP-0000", json!({
                "nhs_number": NEW,
            }))],
            "asking": queried_once(by_fields()),
            "last_trace": last_trace("deceased", None, "SMSP-0000"),
        }),
    );
    // The date of the local system stays.
    let mut known = case();
    known.date_of_death = Some("2026-10-02".parse().unwrap());
    let known = scene(known, spine(NEW, &died));
    let after = known.after(&known.case);
    assert_eq!(after.date_of_death, Some("2026-10-02".parse().unwrap()));
}

#[test]
fn found_the_unverified_number() {
    let items = json!([
        earlier(1, "not_verified", json!({"nhs_number": RECORDED})),
        earlier(2, "duplicate", json!({"nhs_number": RECORDED, "others": ["RXX:2"]})),
    ]);
    let case = with_items(with_status(NumberStatus::NotVerified), &items);
    scene(case, spine(RECORDED, &comfort())).shared_with(&["RXX:1"]).becomes(
        Row::FoundSame,
        json!({
            "nhs_number": corroborated(
                traced(RECORDED, "SMSP-0000", "verified", "live", "2026-03-01T08:00:00Z"),
                "postcode",
            ),
            "review": [settled(items[0].clone()), items[1]],
            "asking": queried_once(by_fields()),
            "last_trace": last_trace("verified", None, "SMSP-0000"),
        }),
    );
}

#[test]
fn found_a_replacement_number() {
    for (status, reason) in
        [(NumberStatus::Invalid, "invalidated"), (NumberStatus::Superseded, "superseded")]
    {
        let items = json!([earlier(1, reason, json!({"nhs_number": RECORDED}))]);
        let case = with_items(with_status(status), &items);
        let scene = scene(case, spine(NEW, &comfort()));
        scene.becomes(
            Row::FoundReplacement,
            json!({
                "nhs_number": written(NEW, "exact"),
                "review": [
                    settled(items[0].clone()),
                    item(2, "replaced", evidence(NEW, &comfort(), &[])),
                ],
                "undelivered": [alert("RXX:1/2/superseded", "superseded", "SMSP-0000", json!({
                    "nhs_number": RECORDED, "new_nhs_number": NEW,
                }))],
                "asking": queried_once(by_fields()),
                "last_trace": last_trace("replaced", Some("replaced"), "SMSP-0000"),
            }),
        );
        let shown = advisories(&scene.after(&scene.case));
        assert_eq!(shown.len(), 1, "no warning about the number is left");
        assert!(shown[0].text().contains("944 930 4424, which this record now has"));
    }
}

#[test]
fn found_restricted() {
    let who = comfort_but(json!({"addresses": []}));
    for restriction in [Restriction::Restricted, Restriction::VeryRestricted] {
        let mut found = Match::new(NEW.parse().unwrap()).with_person(person(&who));
        found.restriction = restriction;
        let scene = scene(case(), answer("SMSP-0000", Outcome::Found(Box::new(found))));
        scene.becomes(
            Row::FoundRestricted,
            json!({
                "nhs_number": written(NEW, "exact"),
                "asking": queried_once(by_fields()),
                "last_trace": last_trace("found", None, "SMSP-0000"),
            }),
        );
        assert_eq!(scene.after(&scene.case).postcode.as_deref(), Some("KT17 1NA"));
    }
}

#[test]
fn found() {
    let items = json!([
        earlier(1, "none", json!({"asked": by_fields()})),
        earlier(2, "duplicate", json!({"nhs_number": NEW, "others": ["RXX:2"]})),
    ]);
    let mut case = with_items(case(), &items);
    (case.asking.unsettled, case.asking.unreadable) = (3, 2);
    case.asking.asked = serde_json::from_value(by_fields()).unwrap();
    scene(case, spine(NEW, &comfort())).becomes(
        Row::Found,
        json!({
            "nhs_number": written(NEW, "exact"),
            "review": [settled(items[0].clone()), items[1]],
            "asking": queried_once(by_fields()),
            "last_trace": last_trace("found", None, "SMSP-0000"),
        }),
    );
}

#[test]
fn a_written_number_shows_that_pds_knows_the_person() {
    let mut case = case();
    case.not_on_pds = true;
    let scene = scene(case, spine(NEW, &comfort()));
    assert!(!scene.after(&scene.case).not_on_pds);
}

#[test]
fn the_same_reason_again_renews_its_item() {
    let who = comfort_but(json!({"date_of_birth": "1950-01-01"}));
    let scene = scene(case(), spine(NEW, &who));
    let after = scene.after(&scene.case);
    let again = scene.after(&after);
    assert_eq!(again.review.len(), 1);
    assert!(again.review.first().unwrap().is_open());
}
