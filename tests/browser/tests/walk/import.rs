//! A caseload is uploaded, checked and imported.

use crate::open_case;
use nhs_pds_browser_tests::{Person, World};

/// Other headings than ours; a new case, a changed one, and a row without an id.
const FILE: &str = "\
Client ID,Type,Last name,First name,DOB,Sex,Post code,Worker
N900001,adult case,Okafor,Adaeze,03/04/1951,Female,LS17 0GZ,worker.001
C000073,physical disability,Taylor,Dean,23/01/2000,male,RM14 8LJ,worker.012
,adult case,Nobody,Norman,01/01/1950,male,LS1 1AA,worker.001
";

#[tokio::test]
async fn a_caseload_is_imported() {
    let world = World::new();
    let serving = world.serve();
    let person = Person::at(&serving).await;
    person.sign_in(&world.account("dana")).await;
    person.visit("/import").await;

    // A picture by mistake.
    person.enter("Source of the file", "Weekly extract").await;
    person.attach("File", &world.file("scan.csv", "\u{89}PNG\r\n\u{1a}\n\0\0\0")).await;
    person.press("Upload").await;
    person.expect("There is a problem").await;

    person.enter("Source of the file", "Weekly extract").await;
    person.attach("File", &world.file("extract.csv", FILE)).await;
    person.press("Upload").await;
    person.expect("The first rows of the file").await;
    person.press("Check the file").await;
    person.reach("Approve and import 2 cases", "Show the progress now").await;
    person.expect("Nothing was imported yet").await;
    person.picture("import").await;
    person.press("Approve and import 2 cases").await;
    person.reach("Completed", "Show the progress now").await;
    person.press("Close and delete upload").await;
    person.click("Completed imports (1)").await;
    person.expect("Weekly extract").await;
    open_case(&person, "N900001").await;
    person.expect("Okafor").await;
}
