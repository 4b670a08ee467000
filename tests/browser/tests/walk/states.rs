//! Pages in states of their own: empty, errors, roles without a right, and a browser that runs no script.

use nhs_pds_browser_tests::{Person, World};

/// Each role, the user who has it, and what the menu offers.
const MENUS: [(&str, &[&str]); 4] = [
    ("amal", &["Worklist", "Search", "Process", "Import", "Batches", "Data quality", "People"]),
    ("dana", &["Worklist", "Search", "Process", "Import", "Batches", "Data quality"]),
    ("frances", &["Worklist", "Search"]),
    ("audrey", &["Audit"]),
];

/// Every page of the menu is opened by every role that has it, and checked in each state of the window.
#[tokio::test]
async fn every_page_of_the_menu_for_every_role() {
    let world = World::new();
    let serving = world.serve();
    for (name, expected) in MENUS {
        let person = Person::at(&serving).await;
        person.sign_in(&world.account(name)).await;
        let menu = person.texts("nav[aria-label=Menu] a").await;
        assert_eq!(menu, expected, "{name}");
        for entry in &menu {
            person.click(entry).await;
            assert_eq!(person.texts("nav [aria-current=page]").await.first(), Some(entry));
        }
        person.click("Your account").await;
    }
}

/// A store without cases.
#[tokio::test]
async fn every_page_of_an_empty_store() {
    let world = World::empty();
    let serving = world.serve();
    for name in ["amal", "audrey"] {
        let person = Person::at(&serving).await;
        person.sign_in(&world.account(name)).await;
        for entry in person.texts("nav[aria-label=Menu] a").await {
            person.click(&entry).await;
        }
    }
}

#[tokio::test]
async fn pages_that_are_not_shown() {
    let world = World::new();
    let serving = world.serve();
    let person = Person::at(&serving).await;
    person.sign_in(&world.account("audrey")).await;
    for (path, heading) in [
        ("/no-such-page", "Page not found"),
        ("/search", "You do not have access to this page"),
        ("/case/not-a-case", "You do not have access to this page"),
    ] {
        person.visit(path).await;
        assert_eq!(person.heading().await, heading, "{path}");
        person.click("Go to the home page").await;
    }
}

/// All of it works without JavaScript.
#[tokio::test]
async fn without_scripts() {
    let (id, number) = crate::UNCONFIRMED;
    let world = World::new();
    let serving = world.serve();
    let person = Person::without_scripts(&serving).await;
    person.sign_in(&world.account("dana")).await;
    crate::open_unconfirmed(&person).await;
    person.choose(&format!("Use this number: {number}")).await;
    person.press("Continue").await;
    person.press("Confirm").await;
    crate::open_case(&person, id).await;
    person.expect("Can be used").await;
    person.press("Sign out").await;
    person.visit("/search").await;
    assert_eq!(person.heading().await, "Sign in");
}
