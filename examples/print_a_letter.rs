//! Prints an NHS Number on a letter: grouped, with a bar code, a label and a page number, or a refusal.
//!
//! `nhs-pds letter` writes the whole page.
#![expect(clippy::print_stdout, reason = "an example prints what it shows")]

use nhs_pds::case::{Advisory, AdvisoryKind, Case, NumberSource, RecordType, RecordedNumber};
use nhs_pds::correspondence::{CONFIDENTIAL, PageNumber, printable};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let mut case = Case::new("DEMO:00417".parse()?, RecordType::Review);
    let source = NumberSource::Imported(Some("SMSP".to_owned()));
    case.nhs_number = Some(RecordedNumber::new("943 476 5919".parse()?, source));

    println!("{CONFIDENTIAL}, {}", PageNumber::new(1, 2)?);
    for advisories in [vec![], vec![Advisory::new(AdvisoryKind::Superseded, "replaced in 2024")]] {
        match printable(&case, &advisories) {
            Ok(number) if number.is_deceased() => println!("no letter: the person has died"),
            Ok(number) => {
                let svg = number.bar_code().with_text().svg();
                println!("NHS Number {number}, and a bar code of {} bytes of SVG", svg.len());
            }
            // A number that is invalid, superseded or in doubt must not reach a letter.
            Err(refusal) => println!("refused: {refusal}"),
        }
    }
    Ok(())
}
