//! Traces people by file: writes a request for PDS MESH, and reads a response row by row. Both need the same memory for
//! three people as for 500,000: `batch_file write ROWS FILE`, `batch_file read FILE`.
#![expect(clippy::indexing_slicing, clippy::print_stdout, reason = "an example that prints")]

use nhs_pds::batch::Finding;
use nhs_pds::batch::file::{Entry, Format, Limits, RequestFile, RequestRow, ResponseFile};
use nhs_pds::demographics::Gender;
use nhs_pds::trace::Outcome;
use std::error::Error;
use std::fs::File;
use std::io::{Read, Write};
use uuid::Uuid;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The reference of the first row. A program takes a random one for each person, and keeps it with the case.
const FIRST: u128 = 0xba7c_0000_0000_4000_8000_0000_0000_0000;
const NUMBERS: [&str; 4] = ["9990010013", "9990010080", "9990010153", "9990010226"];
const FAMILIES: [&str; 5] = ["Marlowe", "O'Brien", "Ashdown, the elder", "Hale", "Penrose-Vane"];
const POSTCODES: [&str; 3] = ["LS1 4HY", "LS17 0GZ", "KT17 1NA"];

const RESPONSE: &str = "\
UNIQUE REFERENCE,MATCHED_NHS_NO,ERROR/SUCCESS_CODE,MATCHED_ALGORITHM_INDICATOR
ba7c0000-0000-4000-8000-000000000000,9990010013,00,1
ba7c0000-0000-4000-8000-000000000001,0000000000,98,0
ba7c0000-0000-4000-8000-000000000002,9990
";

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["write", rows, file] => write(rows.parse()?, File::create(file)?).map(drop),
        ["read", file] => read(File::open(file)?),
        _ => {
            println!("{}", String::from_utf8(write(3, Vec::new())?)?);
            read(RESPONSE.as_bytes())
        }
    }
}

fn write<W: Write>(rows: usize, writer: W) -> Result<W> {
    let limits = Limits::default().with_rows(1_000_000).with_bytes(u64::MAX);
    let mut file = RequestFile::new(writer, Format::PdsMesh, limits)?;
    for (row, number) in NUMBERS.iter().cycle().take(rows).enumerate() {
        let reference = Uuid::from_u128(FIRST + row as u128).into();
        let born = format!("{}{:02}{:02}", 1930 + row % 70, 1 + row % 12, 1 + row % 28).parse()?;
        let person = RequestRow::by_number(reference, number.parse()?, born)
            .with_family(FAMILIES[row % 5].parse()?)?
            .with_given("Edith".parse()?)?
            .with_gender(Gender::Female)
            .with_postcode(POSTCODES[row % 3].parse()?);
        if !file.write(&person)? {
            return Err("the file is full: begin another one with this row".into());
        }
    }
    Ok(file.finish()?.0)
}

fn read(file: impl Read) -> Result<()> {
    let (mut confirmed, mut others, mut damaged) = (0, 0, 0);
    for entry in ResponseFile::open(file)? {
        match entry? {
            // A program looks for the case of `row.reference()`, and passes the number that was sent for it.
            Entry::Row(row) => {
                let sent = row.requested().or(NUMBERS[0].parse().ok());
                match row.into_finding(sent) {
                    Finding::ByNumber(Outcome::Found(_)) => confirmed += 1,
                    _ => others += 1,
                }
            }
            Entry::Damaged(error) => {
                println!("{error}");
                damaged += 1;
            }
            _ => {}
        }
    }
    println!("{confirmed} confirmed, {others} other rows, {damaged} damaged");
    Ok(())
}
