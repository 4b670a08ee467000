//! An administrator adds a user, who sets up the account and signs in.

use nhs_pds_browser_tests::{Account, Person, World};

const USER: &str = "nadia.new";
const PASSWORD: &str = "nine violet lorries on toast";

#[tokio::test]
async fn a_user_is_added_and_sets_up_the_account() {
    let world = World::new();
    let serving = world.serve();
    let admin = Person::at(&serving).await;
    admin.sign_in(&world.account("amal")).await;
    admin.visit("/people").await;
    admin.click("Add a user").await;
    admin.press("Add the user").await;
    admin.expect("There is a problem").await;
    admin.enter("User id", USER).await;
    admin.enter("Name", "Nadia New").await;
    admin.select("Role", "Data quality").await;
    admin.enter("ODS code", "RHM").await;
    admin.press("Add the user").await;
    let code = admin.find("main code").await.text().await.expect("a start code");

    let person = Person::at(&serving).await;
    person.visit("/sign-in").await;
    person.click("I have a start code").await;
    person.enter("User id", USER).await;
    person.enter("Start code", "not the start code at all").await;
    person.press("Continue").await;
    person.expect("There is a problem").await;
    person.enter("Start code", &code).await;
    person.press("Continue").await;
    let key = person.find("main code").await.text().await.expect("a key");
    let account = Account::of_key(USER, PASSWORD, &key);
    for (password, expected) in [("password1234", "There is a problem"), (PASSWORD, "Sign out")] {
        person.enter("Password", password).await;
        person.enter("Password again", password).await;
        person.enter("Code that the app shows", &account.code(false)).await;
        person.press("Set up and sign in").await;
        person.expect(expected).await;
    }
    person.click("Your account").await;
    person.click("Change your password").await;
    person.press("Change the password").await;
    person.expect("There is a problem").await;
    person.visit("/account/factor").await;
    person.press("Change the authenticator app").await;
    person.expect("There is a problem").await;

    // The administrator disables the user, who is out at the next page.
    admin.visit("/people").await;
    admin.click(USER).await;
    admin.press("Ask for").await;
    admin.press("Disable").await;
    person.visit("/worklist").await;
    assert_eq!(person.heading().await, "Sign in");
}
