//! The screens, walked as people work.

mod import;
mod keyboard;
mod review;
mod search;
mod sign_in;
mod states;

use nhs_pds_browser_tests::Person;

/// A case with several people on PDS who match, and the number of the right one.
const AMBIGUOUS: (&str, &str) = ("C000073", "910 573 7265");

/// A case with a person who is not certain, and that person's number.
const UNCONFIRMED: (&str, &str) = ("C000126", "997 591 6228");

/// Opens a case as people do who know its id.
async fn open_case(person: &Person, id: &str) {
    person.visit("/search").await;
    person.enter("Case id", id).await;
    person.press("Search").await;
    person.click(id).await;
    assert_eq!(person.heading().await, format!("Record {id}"));
}
