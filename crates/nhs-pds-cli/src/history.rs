//! The history of the simulator's people: former and other names and addresses, former telecoms and genders,
//! as a CSV file with one fact a row.
//!
//! | `WHAT` | columns that count |
//! |---|---|
//! | `former_name`, `maiden_name`, `nickname`, `temporary_name` | `FAMILY`, `GIVEN`, `TO` |
//! | `former_address`, `temporary_address`, `correspondence_address` | `POSTCODE`, `VALUE` (the first line), `TO` |
//! | `former_telecom`, `former_gender` | `VALUE` |

use crate::simulated::{NameUse, OtherAddress, OtherAddressUse, OtherName, Person, Register};
use csv::{ReaderBuilder, StringRecord, Trim};
use nhs_pds::demographics::{Gender, PartialDate};
use nhs_pds::nhs_number::NhsNumber;
use std::collections::HashMap;
use std::error::Error;

/// The columns, in any order.
const COLUMNS: [&str; 7] = ["NHS_NUMBER", "WHAT", "FAMILY", "GIVEN", "POSTCODE", "VALUE", "TO"];

/// Returns the people of `register` with their history.
///
/// # Errors
///
/// When the file lacks a column, or a row has an unknown number, `WHAT`, date or gender. The message names the
/// line, and no value.
pub(crate) fn with_history(register: &Register, file: &[u8]) -> Result<Register, Box<dyn Error>> {
    let mut people: Vec<Person> = register.iter().cloned().collect();
    let places: HashMap<NhsNumber, usize> =
        people.iter().enumerate().map(|(place, person)| (person.nhs_number, place)).collect();
    let file = file.strip_prefix("\u{feff}".as_bytes()).unwrap_or(file);
    let mut rows = ReaderBuilder::new().trim(Trim::All).from_reader(file);
    let columns = columns(rows.headers()?)?;
    for row in rows.records() {
        let row = row.map_err(|error| {
            let line = error.position().map_or(1, csv::Position::line);
            format!("line {line}: not a row of the file's columns, in UTF-8")
        })?;
        let line = row.position().map_or(1, csv::Position::line);
        let cells = columns.map(|column| row.get(column).unwrap_or_default());
        let number = cells[0].parse().ok();
        let place = number.and_then(|number: NhsNumber| places.get(&number));
        let person = place.and_then(|place| people.get_mut(*place));
        let person =
            person.ok_or_else(|| format!("line {line}: NHS_NUMBER is not in the register"))?;
        add(person, cells).map_err(|fault| format!("line {line}: {fault}"))?;
    }
    let mut register = Register::default();
    for person in people {
        register.insert(person)?;
    }
    Ok(register)
}

fn columns(header: &StringRecord) -> Result<[usize; COLUMNS.len()], String> {
    let mut places = [0; COLUMNS.len()];
    for (name, place) in COLUMNS.iter().zip(&mut places) {
        let found = header.iter().position(|cell| cell.eq_ignore_ascii_case(name));
        *place = found.ok_or_else(|| format!("line 1: the column {name} is missing"))?;
    }
    Ok(places)
}

/// Adds the fact of a row to its person.
fn add(person: &mut Person, cells: [&str; COLUMNS.len()]) -> Result<(), &'static str> {
    let [_, what, family, given, postcode, value, to] = cells;
    let to: Option<PartialDate> = match to {
        "" => None,
        to => Some(PartialDate::from_local(to).map_err(|_| "TO is not a date YYYY-MM-DD")?),
    };
    let mut name = |name_use| {
        let mut name = OtherName::new(name_use, family);
        (name.given, name.to) = (given.to_owned(), to);
        person.other_names.push(name);
    };
    let mut address = |address_use| {
        let mut lines = <[String; 5]>::default();
        value.clone_into(&mut lines[0]);
        let mut address = OtherAddress::new(address_use, lines, postcode);
        address.to = to;
        person.other_addresses.push(address);
    };
    match what {
        "former_name" => name(NameUse::Former),
        "maiden_name" => name(NameUse::Maiden),
        "nickname" => name(NameUse::Nickname),
        "temporary_name" => name(NameUse::Temporary),
        "former_address" => address(OtherAddressUse::Former),
        "temporary_address" => address(OtherAddressUse::Temporary),
        "correspondence_address" => address(OtherAddressUse::Correspondence),
        "former_telecom" => person.former_telecoms.push(value.to_owned()),
        "former_gender" => {
            let gender: Gender = value.parse().map_err(|_| "VALUE is not a gender")?;
            person.former_genders.push(gender);
        }
        _ => return Err("WHAT is not a kind of history"),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "nhs_number,WHAT,FAMILY,GIVEN,POSTCODE,VALUE,TO";

    /// The first person of a register, with the history of these rows.
    fn read(rows: &[&str]) -> Result<Person, String> {
        let register = Register::from_seed(1, 2);
        let number = register.iter().next().unwrap().nhs_number;
        let digits = number.digits().to_string();
        let rows = rows.iter().map(|row| row.replace('#', &digits));
        let file = [HEADER.to_owned()].into_iter().chain(rows).collect::<Vec<_>>().join("\n");
        let register = with_history(&register, file.as_bytes());
        let register = register.map_err(|error| error.to_string())?;
        assert_eq!(register.len(), Register::from_seed(1, 2).len());
        Ok(register.get(number).unwrap().clone())
    }

    #[test]
    fn every_kind_of_history_is_read() {
        let before = read(&[]).unwrap();
        let person = read(&[
            "#,former_name,Obi,Ann,,,2019-05-01",
            "#,maiden_name,Bell,,,,",
            "#,nickname,Owen,Bess,,,",
            "#,temporary_name,Owen,X,,,",
            "#,former_address,,,KT17 1NA,1 Sample Row,2020-01",
            "#,temporary_address,,,LS1 4HY,,",
            "#,correspondence_address,,,LS1 4HX,,",
            "#,former_telecom,,,,tel:01632960001,",
            "#,former_gender,,,,2,",
        ])
        .unwrap();
        let names = &person.other_names[before.other_names.len()..];
        let uses: Vec<NameUse> = names.iter().map(|name| name.name_use).collect();
        assert_eq!(uses, [NameUse::Former, NameUse::Maiden, NameUse::Nickname, NameUse::Temporary]);
        assert_eq!((&*names[0].family, &*names[0].given), ("Obi", "Ann"));
        assert_eq!(names[0].to.map(|date| date.to_string()).as_deref(), Some("2019-05-01"));
        let addresses = &person.other_addresses[before.other_addresses.len()..];
        assert_eq!(
            (&*addresses[0].postcode, &*addresses[0].lines[0]),
            ("KT17 1NA", "1 Sample Row")
        );
        let uses: Vec<OtherAddressUse> = addresses.iter().map(|one| one.address_use).collect();
        use OtherAddressUse::{Correspondence, Former, Temporary};
        assert_eq!(uses, [Former, Temporary, Correspondence]);
        assert_eq!(person.former_telecoms.last().map(String::as_str), Some("tel:01632960001"));
        assert_eq!(person.former_genders.last(), Some(&Gender::Female));
    }

    #[test]
    fn a_row_that_cannot_be_used_is_named_by_its_line() {
        for (row, fault) in [
            ("9990000077,nickname,Owen,,,,", "line 3: NHS_NUMBER"),
            ("x,nickname,Owen,,,,", "line 3: NHS_NUMBER"),
            ("#,Quentinsson,Owen,,,,", "line 3: WHAT"),
            ("#,nickname,Owen,,,,31/12/2020", "line 3: TO"),
            ("#,former_gender,,,,Quentinsson,", "line 3: VALUE"),
            ("#,nickname", "line 3: "),
        ] {
            let refused = read(&["#,nickname,Owen,,,,", row]).err().unwrap();
            assert!(refused.starts_with(fault) && !refused.contains("Quentinsson"), "{refused}");
        }
        let register = Register::from_seed(1, 1);
        let refused = with_history(&register, b"NHS_NUMBER,WHAT\n").err().unwrap().to_string();
        assert_eq!(refused, "line 1: the column FAMILY is missing");
    }
}
