//! Traced by demographic fields: no person was found, or the number cannot be used.

use super::{
    NEW, RECORDED, Scene, alert, answer, by_fields, case, comfort, comfort_but, corroborated,
    earlier, exchange, item, last_trace, queried_once, queried_until_tomorrow, superseded, with,
    with_status, written,
};
use nhs_pds::case::{Case, NumberStatus};
use nhs_pds::process::Row;
use nhs_pds::trace::{Answer, Candidate, Error, Outcome};
use serde_json::{Value, json};

fn scene(case: Case, reply: Result<Answer, Error>) -> Scene {
    Scene::new(case, by_fields(), reply)
}

/// The evidence of an item, with `more`.
fn evidence(code: &str, more: Value) -> Value {
    with(json!({"asked": by_fields(), "exchange": exchange(code)}), more)
}

/// A case with a number in doubt, and the item about it.
fn in_doubt(status: NumberStatus, reason: &str) -> Case {
    let mut case = with_status(status);
    let items = json!([earlier(1, reason, json!({"nhs_number": RECORDED}))]);
    case.review = serde_json::from_value(items).unwrap();
    case
}

#[test]
fn no_match_for_a_number_in_doubt() {
    for (status, reason) in
        [(NumberStatus::Invalid, "invalidated"), (NumberStatus::NotVerified, "not_verified")]
    {
        scene(in_doubt(status, reason), answer("DEMOG-0001", Outcome::None)).becomes(
            Row::NoMatchForDoubtful,
            json!({
                "asking": queried_until_tomorrow(by_fields()),
                "last_trace": last_trace("none", None, "DEMOG-0001"),
            }),
        );
    }
}

#[test]
fn no_match() {
    let none = || answer("DEMOG-0001", Outcome::None);
    let expected = json!({
        "review": [item(1, "none", evidence("DEMOG-0001", json!({})))],
        "asking": queried_until_tomorrow(by_fields()),
        "last_trace": last_trace("none", Some("none"), "DEMOG-0001"),
    });
    scene(case(), none()).becomes(Row::NoMatch, expected.clone());
    // The same response again waits longer. A query by other fields starts the waits anew.
    let mut again = case();
    again.asking.asked = serde_json::from_value(by_fields()).unwrap();
    again.asking.unsettled = 1;
    let mut longer = expected.clone();
    longer["asking"] = json!({
        "asked": by_fields(), "not_before": "2026-11-25T09:30:00Z", "unsettled": 2,
    });
    scene(again.clone(), none()).becomes(Row::NoMatch, longer);
    again.asking.asked.as_mut().unwrap().family = "Aindowe".into();
    let mut anew = expected;
    anew["asking"] = queried_until_tomorrow(by_fields());
    scene(again, none()).becomes(Row::NoMatch, anew);
}

#[test]
fn several_matches_for_a_number_in_doubt() {
    let case = in_doubt(NumberStatus::Superseded, "superseded");
    scene(case, answer("DEMOG-0007", Outcome::Ambiguous(Vec::new()))).becomes(
        Row::AmbiguousForDoubtful,
        json!({
            "asking": queried_until_tomorrow(by_fields()),
            "last_trace": last_trace("ambiguous", None, "DEMOG-0007"),
        }),
    );
}

#[test]
fn several_matches() {
    // No candidate is chosen, not even the only candidate with a number.
    for candidates in [Vec::new(), vec![Candidate::new(NEW), Candidate::new("?")]] {
        scene(case(), answer("DEMOG-0007", Outcome::Ambiguous(candidates))).becomes(
            Row::Ambiguous,
            json!({
                "review": [item(1, "ambiguous", evidence("DEMOG-0007", json!({})))],
                "asking": queried_until_tomorrow(by_fields()),
                "last_trace": last_trace("ambiguous", Some("ambiguous"), "DEMOG-0007"),
            }),
        );
    }
}

#[test]
fn superseded_by_an_unknown_number() {
    scene(case(), superseded(None, None)).becomes(
        Row::SupersededUnknown,
        json!({
            "review": [item(1, "superseded", evidence("DEMOG-0017", json!({})))],
            "undelivered": [
                alert("RXX:1/1/superseded", "superseded", "DEMOG-0017", json!({})),
            ],
            "asking": queried_until_tomorrow(by_fields()),
            "last_trace": last_trace("superseded", Some("superseded"), "DEMOG-0017"),
        }),
    );
}

#[test]
fn superseded_by_a_number_of_a_different_person() {
    let born = comfort_but(json!({"date_of_birth": "1950-01-01"}));
    let misspelt = json!({"given": ["COMFORTT"], "family": "AINDOW"});
    let male = comfort_but(json!({"gender": "male", "name": misspelt}));
    // No number of hers was ever confirmed, so the successor's person must be shown to be hers.
    let another = comfort_but(json!({"name": {"given": ["JOY"], "family": "OBI"}}));
    let twin = comfort_but(json!({"name": {"given": ["JOY"], "family": "AINDOW"}}));
    let nameless = comfort_but(json!({"name": {"family": "AINDOW"}}));
    for (who, reason) in [
        (born, "differs:date_of_birth"),
        (male, "differs:gender"),
        (another, "differs:family"),
        (twin, "differs:given"),
        (nameless, "unconfirmed"),
    ] {
        scene(case(), superseded(Some(NEW), Some(&who))).becomes(
            Row::SupersededDiffers,
            json!({
                "review": [item(1, reason, evidence("DEMOG-0017", json!({
                    "nhs_number": NEW, "returned": who,
                })))],
                "asking": queried_until_tomorrow(by_fields()),
                "last_trace": last_trace("differs", Some(reason), "DEMOG-0017"),
            }),
        );
    }
    // No person is returned to compare with the case, or a reviewer has rejected the number.
    let mut rejecting = case();
    rejecting.rejected_numbers = vec![NEW.parse().unwrap()];
    for case in [case(), rejecting] {
        scene(case, superseded(Some(NEW), None)).becomes(
            Row::SupersededDiffers,
            json!({
                "review": [
                    item(1, "unconfirmed", evidence("DEMOG-0017", json!({"nhs_number": NEW}))),
                ],
                "asking": queried_until_tomorrow(by_fields()),
                "last_trace": last_trace("differs", Some("unconfirmed"), "DEMOG-0017"),
            }),
        );
    }
}

#[test]
fn superseded_by_a_number_of_another_case() {
    // No date of death is written: another case has the number, and the old number was never confirmed.
    let died = comfort_but(json!({"date_of_death": "2026-10-01"}));
    for case in [case(), with_status(NumberStatus::NotVerified)] {
        scene(case, superseded(Some(NEW), Some(&died))).shared_with(&["RXX:2"]).becomes(
            Row::SupersededDuplicate,
            json!({
                "review": [item(1, "duplicate", evidence("DEMOG-0017", json!({
                    "nhs_number": NEW, "returned": died, "others": ["RXX:2"],
                })))],
                "undelivered": [alert("RXX:1/1/duplicate", "duplicate", "DEMOG-0017", json!({
                    "nhs_number": NEW, "others": ["RXX:2"],
                }))],
                "asking": queried_until_tomorrow(by_fields()),
                "last_trace": last_trace("duplicate", Some("duplicate"), "DEMOG-0017"),
            }),
        );
    }
}

#[test]
fn superseded_by_a_conflicting_number() {
    for (case, by) in [
        (with_status(NumberStatus::NotVerified), NEW),
        (with_status(NumberStatus::Usable), NEW),
        (with_status(NumberStatus::Invalid), RECORDED),
        (with_status(NumberStatus::Superseded), RECORDED),
    ] {
        scene(case, superseded(Some(by), Some(&comfort()))).shared_with(&["RXX:1"]).becomes(
            Row::SupersededConflict,
            json!({
                "review": [item(1, "conflict", evidence("DEMOG-0017", json!({
                    "nhs_number": by, "returned": comfort(),
                })))],
                "asking": queried_until_tomorrow(by_fields()),
                "last_trace": last_trace("conflict", Some("conflict"), "DEMOG-0017"),
            }),
        );
    }
}

#[test]
fn superseded_by_a_free_number() {
    let number = corroborated(written(NEW, "superseded"), "postcode");
    let expected = json!({
        "nhs_number": number,
        "review": [item(1, "replaced", evidence("DEMOG-0017", json!({
            "nhs_number": NEW, "returned": comfort(),
        })))],
        "undelivered": [alert("RXX:1/1/superseded", "superseded", "DEMOG-0017", json!({
            "new_nhs_number": NEW,
        }))],
        "asking": queried_once(by_fields()),
        "last_trace": last_trace("replaced", Some("replaced"), "DEMOG-0017"),
    });
    scene(case(), superseded(Some(NEW), Some(&comfort()))).becomes(Row::SupersededFree, expected);
    let died = comfort_but(json!({"date_of_death": "2026-10-01"}));
    let dead = scene(with_status(NumberStatus::Superseded), superseded(Some(NEW), Some(&died)));
    dead.becomes(
        Row::SupersededFree,
        json!({
            "nhs_number": corroborated(written(NEW, "superseded"), "postcode"),
            "date_of_death": "2026-10-01",
            "death_traced": true,
            "review": [item(1, "replaced", evidence("DEMOG-0017", json!({
                "nhs_number": NEW, "returned": died,
            })))],
            "undelivered": [
                alert("RXX:1/1/superseded", "superseded", "DEMOG-0017", json!({
                    "nhs_number": RECORDED, "new_nhs_number": NEW,
                })),
                alert("RXX:1/deceased/2026-10-01", "deceased", "DEMOG-0017", json!({
                    "nhs_number": NEW,
                })),
            ],
            "asking": queried_once(by_fields()),
            "last_trace": last_trace("replaced", Some("replaced"), "DEMOG-0017"),
        }),
    );
}

#[test]
fn invalidated() {
    // The service does not name the invalid number, so the alert names none.
    for case in [case(), with_status(NumberStatus::NotVerified)] {
        scene(case, answer("DEMOG-0022", Outcome::Invalidated)).becomes(
            Row::Invalidated,
            json!({
                "review": [item(1, "invalidated", evidence("DEMOG-0022", json!({})))],
                "undelivered": [
                    alert("RXX:1/1/invalidated", "invalidated", "DEMOG-0022", json!({})),
                ],
                "asking": queried_until_tomorrow(by_fields()),
                "last_trace": last_trace("invalidated", Some("invalidated"), "DEMOG-0022"),
            }),
        );
    }
    // The same fault, found by number and then by demographic fields, has one item and one alert.
    let mut renewed = earlier(1, "invalidated", evidence("DEMOG-0022", json!({})));
    renewed["evidence"]["nhs_number"] = json!(RECORDED);
    scene(
        in_doubt(NumberStatus::Invalid, "invalidated"),
        answer("DEMOG-0022", Outcome::Invalidated),
    )
    .becomes(
        Row::Invalidated,
        json!({
            "review": [renewed],
            "asking": queried_until_tomorrow(by_fields()),
            "last_trace": last_trace("invalidated", Some("invalidated"), "DEMOG-0022"),
        }),
    );
}

#[test]
fn not_verified() {
    scene(case(), answer("DEMOG-0040", Outcome::NotVerified)).becomes(
        Row::NotVerified,
        json!({
            "review": [item(1, "not_verified", evidence("DEMOG-0040", json!({})))],
            "asking": queried_until_tomorrow(by_fields()),
            "last_trace": last_trace("not_verified", Some("not_verified"), "DEMOG-0040"),
        }),
    );
}
