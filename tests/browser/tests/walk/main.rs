//! The screens, walked as people work.

mod batches;
mod import;
mod keyboard;
mod pages;
mod people;
mod process;
mod review;
mod search;
mod sign_in;
mod states;

use nhs_pds_browser_tests::Person;

/// The cases with several people on PDS who match: what the paper file has and the record has not, and the number of the
/// right person. Which of them is the oldest depends on the order in which the service answers.
const AMBIGUOUS: [(&str, &str, &str, &str); 6] = [
    ("C000038", "Given name", "Gordon", "952 613 3528"),
    ("C000073", "Postcode", "RM14 8LJ", "910 573 7265"),
    ("C000090", "Given name", "Hazel", "953 850 6766"),
    ("C000094", "Given name", "Douglas", "996 818 2931"),
    ("C000104", "Postcode", "DE22 4ZS", "939 940 5788"),
    ("C000220", "Postcode", "IP2 6BT", "942 569 8929"),
];

/// A case with a person who is not certain, and that person's number.
const UNCONFIRMED: (&str, &str) = ("C000126", "997 591 6228");

/// The reason of the item of [`UNCONFIRMED`].
const UNCERTAIN: &str = "The person found is not certainly this person";

/// Shows the items of one reason, the oldest first.
async fn list(person: &Person, reason: &str) {
    person.visit("/worklist").await;
    person.select("Reason", reason).await;
    person.press("Show").await;
}

/// Opens the item of [`UNCONFIRMED`] through the worklist.
async fn open_unconfirmed(person: &Person) {
    list(person, UNCERTAIN).await;
    person.click(&format!("record {}", UNCONFIRMED.0)).await;
    person.expect(UNCONFIRMED.1).await;
}

/// Opens a case as people do who know its id.
async fn open_case(person: &Person, id: &str) {
    person.visit("/search").await;
    person.enter("Case id", id).await;
    person.press("Search").await;
    person.click(id).await;
    assert_eq!(person.heading().await, format!("Record {id}"));
}
