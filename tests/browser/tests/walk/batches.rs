//! Cases are traced by a file that a person carries between the screens and the service.

use crate::open_case;
use nhs_pds_browser_tests::{Person, World};
use nhs_pds_simulator::{Caseload, Simulator};
use std::fs::{self, File};

/// How many lines of the shipped caseload are imported, with that of the names of columns.
const LINES: usize = 25;

/// A case of these lines whose person PDS finds.
const FOUND: &str = "C000002";

#[tokio::test]
async fn cases_are_traced_by_file() {
    let world = World::empty();
    let serving = world.serve();
    let person = Person::at(&serving).await;
    person.sign_in(&world.account("dana")).await;
    import(&person, &world).await;

    person.click("Batches").await;
    person.expect("There are no batches").await;
    person.press("Write files").await;
    person.expect("There is a problem").await;
    person.select("Cases", "All cases that are due").await;
    person.press("Write files").await;
    person.reach("Ready: the file has not left", "Show the progress now").await;

    let folder = tempfile::tempdir().expect("a folder");
    let request = person.download("Download", folder.path()).await;
    person.visit("/batches").await;
    person.expect("A user has the file").await;
    person.picture("batches").await;

    // The service, from the other side. The first answer is to nothing that was asked.
    person.attach("Response file", &world.file("scan.csv", "PK\u{3}\u{4}")).await;
    person.press("Import").await;
    person.reach("The file has a fault", "Show the progress now").await;
    person.click("Back to the batches").await;
    let simulator = Simulator::new(Caseload::from_seed(2026, 240).register().clone());
    let mut response = Vec::new();
    let request = File::open(request).expect("the file was downloaded");
    simulator.answer_batch(request, &mut response).expect("the request is one");
    let mut response = String::from_utf8(response).expect("text");
    response.push_str("no-such-row,short\n");
    person.attach("Response file", &world.file("response.csv", &response)).await;
    person.press("Import").await;
    person.reach("Ended: every case is settled", "Show the progress now").await;
    person.expect("The row has fewer values than columns").await;
    person.expect("The NHS Number was found and recorded").await;
    person.click("Back to the batches").await;
    person.expect("Completed").await;
    open_case(&person, FOUND).await;
    person.expect("Can be used").await;
}

/// A batch is released.
#[tokio::test]
async fn a_batch_is_released() {
    let world = World::empty();
    let serving = world.serve();
    let person = Person::at(&serving).await;
    person.sign_in(&world.account("amal")).await;
    import(&person, &world).await;
    person.visit("/batches").await;
    person.select("Cases", "Cases that were never traced").await;
    person.press("Write files").await;
    person.reach("Ready: the file has not left", "Show the progress now").await;
    person.click("Release").await;
    person.expect("its file is deleted").await;
    person.press("Release the cases").await;
    person.expect("Ended: the file has not left").await;
}

/// The beginning of the shipped caseload.
async fn import(person: &Person, world: &World) {
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/data/caseload.csv");
    let shipped = fs::read_to_string(shipped).expect("the shipped caseload");
    let lines: String = shipped.split_inclusive('\n').take(LINES).collect();
    person.visit("/import").await;
    person.enter("Source of the file", "First load").await;
    person.attach("File", &world.file("caseload.csv", &lines)).await;
    person.press("Upload").await;
    person.press("Check the file").await;
    person.reach("Approve and import", "Show the progress now").await;
    person.press("Approve and import").await;
    person.reach("Completed", "Show the progress now").await;
}
