//! The process is paused and resumed, and its schedule is changed.

use nhs_pds_browser_tests::{Person, World};

#[tokio::test]
async fn it_is_paused_and_resumed() {
    let world = World::new();
    let serving = world.serve_with(&["--with-worker", "--interval", "30m"]);
    let person = Person::at(&serving).await;
    person.sign_in(&world.account("amal")).await;
    person.visit("/process").await;
    person.picture("process").await;

    // What will happen is said before.
    person.click("Pause").await;
    person.expect("no new NHS Numbers are found").await;
    person.press("Pause the process").await;
    person.reach("Resume", "Show the state now").await;
    person.expect("amal.admin").await;
    person.press("Resume").await;
    person.reach("Pause", "Show the state now").await;

    person.click("Change the schedule").await;
    person.enter("Minutes", "31").await;
    person.press("Save the schedule").await;
    person.expect("There is a problem").await;
    person.enter("Minutes", "20").await;
    person.enter("Quiet hours start", "10pm").await;
    person.enter("Quiet hours end", "6am").await;
    person.press("Save the schedule").await;
    person.expect("20 minutes").await;

    // A data-quality user sees the state, and has no control over it.
    let other = Person::at(&serving).await;
    other.sign_in(&world.account("dana")).await;
    other.visit("/process").await;
    other.expect("20 minutes").await;
    assert!(other.texts("main button").await.is_empty());
}
