//! The other pages, in the states that a walk of one task does not reach.

use crate::open_case;
use nhs_pds_browser_tests::{Person, World};

/// A case whose number was replaced, so that it has an advisory.
const REPLACED: &str = "C000053";

#[tokio::test]
async fn of_a_case() {
    let world = World::new();
    let serving = world.serve();
    let person = Person::at(&serving).await;
    person.sign_in(&world.account("dana")).await;
    open_case(&person, REPLACED).await;
    person.expect("The NHS Number has been replaced").await;
    let case = person.place().await;
    person.click("History").await;
    person.click("Go to the record").await;

    // As it was: a day that is none, a day before there was a record, and today.
    for (day, expected) in
        [("99/99/2020", "There is a problem"), ("1/1/2020", "There was no record on that day")]
    {
        person.visit(&case).await;
        person.enter("Day", day).await;
        person.press("Show the record on that day").await;
        person.expect(expected).await;
    }
    person.visit(&case).await;
    person.press("See what PDS says now").await;
    person.expect("PDS").await;
    person.visit(&case).await;
    person.press("Trace now").await;
    person.expect("Done").await;
    person.click("Record that the person is not on PDS").await;
}

#[tokio::test]
async fn of_the_figures() {
    let world = World::new();
    let serving = world.serve();
    let person = Person::at(&serving).await;
    person.sign_in(&world.account("dana")).await;
    person.visit("/quality").await;
    person.press("Count the cases").await;
    person.reach("Count again", "Show the progress now").await;
    person.find("main svg[role=img]").await;
    person.press("Count again").await;
    person.visit("/quality").await;
}

#[tokio::test]
async fn of_the_trail() {
    let world = World::new();
    let serving = world.serve();
    let person = Person::at(&serving).await;
    person.sign_in(&world.account("audrey")).await;
    person.visit("/audit").await;
    person.enter("First day", "99/99/2020").await;
    person.press("Find events").await;
    person.expect("There is a problem").await;
    person.enter("First day", "").await;
    person.enter("User", "no.such.user").await;
    person.press("Find events").await;
    person.expect("There are no such events").await;
    person.enter("User", "").await;
    person.press("Find events").await;
    person.press("Show earlier events").await;
    person.follow(person.find("main tbody a").await).await;
    person.click("Check").await;
    person.press("Check the trail").await;
    person.reach("No event", "Show the progress now").await;
    person.click("Export").await;
    person.press("Export").await;
    person.expect("There is a problem").await;
}

/// Several items are closed with one reason.
#[tokio::test]
async fn of_the_worklist() {
    let world = World::new();
    let serving = world.serve();
    let person = Person::at(&serving).await;
    person.sign_in(&world.account("dana")).await;
    person.visit("/worklist").await;
    for item in person.find_all("main tbody input").await.into_iter().take(2) {
        item.click().await.expect("an item can be chosen");
    }
    person.press("Close the chosen").await;
    person.expect("This will happen").await;
    person.visit("/worklist").await;
    person.press("Trace rejected records again").await;
    person.expect("This will happen").await;
    for tab in ["Mine", "Unassigned", "With the National Back Office"] {
        person.visit("/worklist").await;
        person.click(tab).await;
    }

    // The front-line worker has no cases.
    let other = Person::at(&serving).await;
    other.sign_in(&world.account("frances")).await;
    other.visit("/worklist").await;
    other.expect("There is no open item here").await;
}
