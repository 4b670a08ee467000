//! A search at a screen: with a typing error, refined, confirmed.

use crate::{UNCONFIRMED, open_case};
use nhs_pds_browser_tests::{Person, World};

#[tokio::test]
async fn with_a_typing_error_then_refined() {
    let world = World::new();
    let serving = world.serve();
    let person = Person::at(&serving).await;
    person.sign_in(&world.account("dana")).await;

    let (id, number) = UNCONFIRMED;
    // A day that does not exist: the page says so, and keeps what was typed.
    person.visit("/search").await;
    person.enter("Surname", "Woud").await;
    person.enter("Given name", "Julia").await;
    person.enter("Date of birth", "32/2/1991").await;
    person.select("Gender", "Female").await;
    person.press("Search").await;
    person.expect("There is a problem").await;
    assert_eq!(person.value("Surname").await, "Woud");

    // The date as people type it; the name is still wrong, so no one is found, and the criteria stay.
    person.enter("Date of birth", "7 Feb 1991").await;
    person.press("Search").await;
    person.expect("If none of these people is the right one").await;
    assert!(!person.sees(number).await);
    assert_eq!(person.value("Surname").await, "Woud");

    // The local record and the person on PDS are in one page.
    person.enter("Surname", "Wood").await;
    person.press("Search").await;
    person.expect(number).await;
    person.expect(id).await;
    person.picture("search").await;
    assert_eq!(person.place().await, "/search", "no criterion is in the address");
    person.press("Compare, and use this number").await;
    assert_eq!(person.heading().await, "Is this the same person?");
    person.press("Yes, it is the same person").await;
    open_case(&person, id).await;
    person.expect(number).await;
    person.expect("Can be used").await;
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
    person.expect("There is a problem").await;
    person.choose("I need this search").await;
    person.press("Search").await;
    person.expect("PDS").await;
    assert!(!person.sees("There is a problem").await);
}
