//! A search at a screen: with a typing error, refined, confirmed.

use crate::open_case;
use nhs_pds_browser_tests::{Person, World};

#[tokio::test]
async fn with_a_typing_error_then_refined() {
    let world = World::new();
    let serving = world.serve();
    let person = Person::at(&serving).await;
    person.sign_in(&world.account("dana")).await;

    // A day that does not exist: the page says so, and keeps what was typed.
    person.visit("/search").await;
    person.enter("Surname", "Tailor").await;
    person.enter("Given name", "Dean").await;
    person.enter("Date of birth", "32/1/2000").await;
    person.select("Gender", "Male").await;
    person.press("Search").await;
    assert!(person.sees("There is a problem").await);
    assert_eq!(person.value("Surname").await, "Tailor");

    // The date as people type it; the name is still wrong, so no one is found, and the criteria stay.
    person.enter("Date of birth", "23 Jan 2000").await;
    person.press("Search").await;
    assert!(person.sees("If none of these people is the right one").await);
    assert!(!person.sees("910 573 7265").await);
    assert_eq!(person.value("Surname").await, "Tailor");

    person.enter("Surname", "Taylor").await;
    person.enter("Postcode", "RM14 8LJ").await;
    person.press("Search").await;
    assert!(person.sees("910 573 7265").await);
    assert_eq!(person.place().await, "/search", "no criterion is in the address");
    // Local records are in the same page.
    assert!(person.sees("C000073").await);
    person.press("Compare, and use this number").await;
    person.press("Yes, it is the same person").await;
    open_case(&person, "C000073").await;
    assert!(person.sees("910 573 7265").await);
}

/// Wildcards are for administrators, on demand, with a confirmation.
#[tokio::test]
async fn with_wildcards_after_a_confirmation() {
    let world = World::new();
    let serving = world.serve();
    let quality = Person::at(&serving).await;
    quality.sign_in(&world.account("dana")).await;
    quality.visit("/search").await;
    assert!(!quality.sees("wildcards").await);

    let person = Person::at(&serving).await;
    person.sign_in(&world.account("amal")).await;
    person.visit("/search").await;
    person.press("Use wildcards or a partial date").await;
    person.enter("Surname", "Tay*").await;
    person.enter("Date of birth", "2000").await;
    person.select("Gender", "Male").await;
    person.press("Search").await;
    assert!(person.sees("There is a problem").await, "not without the confirmation");
    person.choose("I need this search").await;
    person.press("Search").await;
    assert!(person.sees("PDS").await);
    assert!(!person.sees("There is a problem").await);
}
