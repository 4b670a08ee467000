//! The worklist with keys only, counted.

use crate::{UNCERTAIN, UNCONFIRMED, list};
use nhs_pds_browser_tests::{Key, Person, World};

/// The most keys from an opened item to a confirmed candidate.
const MOST: usize = 6;

#[tokio::test]
async fn a_candidate_is_confirmed_with_few_keys() {
    let (id, number) = UNCONFIRMED;
    let world = World::new();
    let serving = world.serve();
    let mut person = Person::at(&serving).await;
    person.sign_in(&world.account("dana")).await;
    list(&person, UNCERTAIN).await;
    person.tab_to(&format!(", record {id}")).await;
    person.key_to_page(Key::Enter).await;
    person.keys_pressed();

    // The skip link, then the first candidate.
    person.key(Key::Tab).await;
    assert!(person.focused().await.contains("Skip to main content"));
    person.key(Key::Enter).await;
    person.tab_to(&format!("Use this number: {number}")).await;
    person.key(Key::Space).await;
    person.key_to_page(Key::Enter).await;
    assert_eq!(person.heading().await, "Confirm your decision");
    assert!(person.focused().await.contains("Confirm"));
    person.key_to_page(Key::Enter).await;
    let keys = person.keys_pressed();
    person.expect("Resolved").await;
    assert!(keys <= MOST, "{keys} keys");
}
