//! Reads a caseload from CSV and imports it into a store, twice: the second import changes nothing.
#![expect(clippy::print_stdout, reason = "an example prints what it shows")]

use nhs_pds::audit::{Actor, MemoryLog};
use nhs_pds::case::MemoryStore;
use nhs_pds::case::caseload::{self, Entry};
use nhs_pds::clock::SystemClock;
use nhs_pds::process::alert::MemoryAlerts;
use nhs_pds::process::import_from;
use nhs_pds::process::store::Joined;
use nhs_pds::trace::{Caller, LocalIdentity};
use std::error::Error;
use std::io::Cursor;
use std::sync::Arc;

const CSV: &str = "\
case_id,record_type,surname,forename,date_of_birth,gender,address_1,address_2,address_3,address_4,address_5,postcode,allocated_worker,allocation_start,allocation_end,date_of_death,nhs_number,nhs_number_source
RHM:1,home care,Owen,Elizabeth,1986-01-19,2,,,,,,LS17 0GZ,Team A,2024-01-01,,,,
RHM:2,home care,Bell,Ann,1943-05-32,2,,,,,,KT17 1NA,Team A,2024-01-01,,,,
RHM:3,review,Aindow,Ann,1943-05-19,2,,,,,,KT17 1NA,Team B,2024-01-01,,,9.43477E+09,
";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (cases, audit) = (Arc::new(MemoryStore::new()), Arc::new(MemoryLog::new()));
    let store = Joined::new(cases, audit, Arc::new(MemoryAlerts::default()));
    let caller = Caller::System(LocalIdentity::new("RHM".parse()?, "import")?);
    let actor = Actor::new(&caller, "Nightly import");
    for pass in ["first", "second"] {
        // Case by case, so a caseload of any size can be imported.
        let cases = caseload::open(Cursor::new(CSV))?.cases(|entry| match entry {
            // A row that cannot be used is refused with its line; the other rows are imported.
            Entry::Refused(row) => println!("refused: {row}"),
            // A row whose number is damaged is imported without it, and a reviewer gets an item.
            Entry::Flagged(row) => println!("flagged: {row}"),
            _ => {}
        });
        let imported = import_from(&store, &actor, &SystemClock, cases).await?;
        println!("{pass} import: {} new, {} unchanged", imported.new, imported.unchanged);
    }
    Ok(())
}
