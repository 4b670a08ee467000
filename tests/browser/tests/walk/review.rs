//! The day of a data-quality officer: items are opened, compared and decided, and the decision is found everywhere.

use crate::{AMBIGUOUS, UNCONFIRMED, list, open_case, open_unconfirmed};
use nhs_pds_browser_tests::{Person, World};

/// Two people match, so PDS has returned none. A search with the postcode from the paper file finds the right one.
#[tokio::test]
async fn an_ambiguous_item_gets_its_number() {
    let world = World::new();
    let serving = world.serve();
    let person = Person::at(&serving).await;
    person.sign_in(&world.account("dana")).await;

    person.visit("/worklist").await;
    person.picture("worklist").await;
    list(&person, "Several people on PDS match").await;
    person.follow(person.find("main tbody a").await).await;
    person.expect("lookup history").await;
    let shown = person.text().await;
    let (id, field, known, number) =
        AMBIGUOUS.into_iter().find(|case| shown.contains(case.0)).expect("one of the cases");
    person.click(id).await;

    // What the record has is searched for without retyping; only the postcode is new.
    person.press("Search for this person").await;
    assert_ne!(person.value("Surname").await, "");
    person.enter(field, known).await;
    person.press("Search").await;
    person.expect(number).await;
    person.press("Compare, and use this number").await;
    assert_eq!(person.heading().await, "Is this the same person?");
    person.press("Yes, it is the same person").await;

    open_case(&person, id).await;
    person.expect(number).await;
    assert!(!person.sees("Open review items").await);
    person.open("Where the number comes from").await;
    person.expect("dana.quality").await;
    person.picture("case").await;
    person.click("Letter").await;
    person.expect(number).await;
    person.expect("NHS Confidential: Personal Data about a patient").await;
    person.expect("page 1 of 2").await;

    let auditor = Person::at(&serving).await;
    auditor.sign_in(&world.account("audrey")).await;
    auditor.visit("/audit").await;
    auditor.enter("Case id", id).await;
    auditor.enter("User", "dana.quality").await;
    auditor.press("Find events").await;
    auditor.expect(number).await;
    auditor.picture("audit").await;
}

/// A candidate is compared and taken over. Then the officer has second thoughts.
#[tokio::test]
async fn a_decision_is_made_and_undone() {
    let (id, number) = UNCONFIRMED;
    let world = World::new();
    let serving = world.serve();
    let person = Person::at(&serving).await;
    person.sign_in(&world.account("dana")).await;
    open_unconfirmed(&person).await;
    person.expect("1 in 25").await;
    person.picture("item").await;

    // Without a choice nothing happens, and the page says so.
    person.press("Continue").await;
    person.expect("There is a problem").await;
    person.choose(&format!("Use this number: {number}")).await;
    person.press("Continue").await;
    person.expect(&format!("The case gets {number}")).await;
    person.press("Confirm").await;
    person.expect("Resolved").await;
    open_case(&person, id).await;
    person.expect("Can be used").await;
    person.click("The person found is not certainly").await;
    person.press("Undo").await;
    open_case(&person, id).await;
    assert!(!person.sees("Can be used").await, "the number is taken back");
    person.expect("Open review items").await;
}

/// Two people have the same item open. The second one sees what the first has done, and changes nothing.
#[tokio::test]
async fn the_second_of_two_people_sees_what_changed() {
    let (id, number) = UNCONFIRMED;
    let world = World::new();
    let serving = world.serve();
    let (first, second) = tokio::join!(Person::at(&serving), Person::at(&serving));
    let (first, second) = (first.careless(), second.careless());
    for (person, name) in [(&first, "dana"), (&second, "dev")] {
        person.sign_in(&world.account(name)).await;
        open_unconfirmed(person).await;
    }
    first.choose("None of these").await;
    first.press("Continue").await;
    first.press("Confirm").await;
    second.choose(&format!("Use this number: {number}")).await;
    second.press("Continue").await;
    second.expect("Nothing was changed").await;
    second.check().await;
    open_case(&second, id).await;
    assert!(!second.sees("Can be used").await);
}
