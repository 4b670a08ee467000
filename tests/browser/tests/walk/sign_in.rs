//! Signing in and out.

use nhs_pds_browser_tests::{Key, Person, World};

#[tokio::test]
async fn with_a_password_and_a_code() {
    let world = World::new();
    let serving = world.serve();
    let person = Person::at(&serving).await;
    person.visit("/").await;
    assert_eq!(person.heading().await, "Sign in");
    person.expect("Computer Misuse Act 1990").await;
    person.picture("sign-in").await;

    // Nothing is filled in, then a wrong password: each says so, and keeps the user id alone.
    person.press("Sign in").await;
    person.expect("There is a problem").await;
    let account = world.account("dana");
    person.enter("User id", &account.user).await;
    person.enter("Password", "not the password").await;
    person.enter("Code", &account.code(true)).await;
    person.press("Sign in").await;
    person.expect("There is a problem").await;
    assert_eq!(person.value("User id").await, account.user);
    assert_eq!(person.value("Password").await, "");

    person.sign_in(&account).await;
    person.expect("RHM").await;
    let before = person.place().await;
    person.press("Sign out").await;
    person.visit(&before).await;
    assert_eq!(person.heading().await, "Sign in");
}

#[tokio::test]
async fn with_keys_only() {
    let world = World::new();
    let serving = world.serve();
    let account = world.account("audrey");
    let mut person = Person::at(&serving).await;
    person.visit("/sign-in").await;
    person.tab_to("User id").await;
    person.type_keys(&account.user).await;
    person.tab_to("Password").await;
    person.type_keys(&account.password).await;
    person.tab_to("Code").await;
    person.type_keys(&account.code(false)).await;
    person.key_to_page(Key::Enter).await;
    person.tab_to("Sign out").await;
    person.key_to_page(Key::Space).await;
    person.visit("/").await;
    assert_eq!(person.heading().await, "Sign in");
}
