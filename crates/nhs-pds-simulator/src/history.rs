//! Other names, other addresses and former values as a file, beside the file of the register.

use crate::error::{Error, ErrorKind};
use crate::file::{Lines, RowError, RowReason, gender, gender_name};
use crate::further::{NameUse, OtherAddress, OtherAddressUse, OtherName};
use crate::person::Person;
use crate::register::Register;
use csv::ByteRecord;
use nhs_pds::demographics::{Gender, PartialDate};
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::text::spreadsheet;
use std::io::{Read, Write};

const COLUMNS: [&str; 7] = ["NHS_NUMBER", "WHAT", "FAMILY", "GIVEN", "POSTCODE", "VALUE", "TO"];

const NAMES: [(&str, NameUse); 4] = [
    ("former_name", NameUse::Former),
    ("maiden_name", NameUse::Maiden),
    ("nickname", NameUse::Nickname),
    ("temporary_name", NameUse::Temporary),
];

const ADDRESSES: [(&str, OtherAddressUse); 3] = [
    ("former_address", OtherAddressUse::Former),
    ("temporary_address", OtherAddressUse::Temporary),
    ("correspondence_address", OtherAddressUse::Correspondence),
];

const TELECOM: &str = "former_telecom";
const GENDER: &str = "former_gender";

/// What a row adds to a record.
enum Item {
    Name(OtherName),
    Address(OtherAddress),
    Telecom(String),
    Gender(Gender),
}

impl Register {
    /// Reads other names, other addresses and former values from CSV (UTF-8, comma, names of columns in the
    /// first line), and adds them to the people of this register.
    ///
    /// The columns are `NHS_NUMBER,WHAT,FAMILY,GIVEN,POSTCODE,VALUE,TO`, found by name:
    ///
    /// | `WHAT` | what is read |
    /// |---|---|
    /// | `former_name`, `maiden_name`, `nickname`, `temporary_name` | `FAMILY`, `GIVEN` |
    /// | `former_address`, `temporary_address`, `correspondence_address` | `POSTCODE`; `VALUE`, the first line |
    /// | `former_telecom` | `VALUE`: a URI, an e-mail address or a telephone number |
    /// | `former_gender` | `VALUE` |
    ///
    /// `TO` is the last day as an ISO date, or blank. A telecom and a gender do not keep it.
    ///
    /// ```
    /// use nhs_pds_simulator::Register;
    ///
    /// let people = "NHS_NUMBER,DATE_OF_BIRTH,FAMILY_NAME,GENDER\n9434765919,19840229,SMITH,Female\n";
    /// let (mut register, _) = Register::from_csv(people.as_bytes())?;
    /// let header = "NHS_NUMBER,WHAT,FAMILY,GIVEN,POSTCODE,VALUE,TO";
    /// let history = format!("{header}\n9434765919,maiden_name,BIRD,,,,2010-06-01\n");
    /// register.read_history(history.as_bytes())?;
    /// let person = register.iter().next().expect("a person");
    /// assert_eq!(person.other_names[0].family, "BIRD");
    ///
    /// let history = format!("{header}\n9434765919,birth_name,BIRD,,,,\n");
    /// let error = register.read_history(history.as_bytes()).unwrap_err();
    /// assert_eq!(error.to_string(), "line 2: WHAT is not a kind of history");
    /// # Ok::<(), nhs_pds_simulator::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Row`] names the first row that cannot be used: an unknown number, `WHAT`, date or gender,
    /// or nothing to add. [`ErrorKind::HistoryHeader`] and [`ErrorKind::Read`]. After an error, the register
    /// is unchanged.
    pub fn read_history(&mut self, mut reader: impl Read) -> Result<(), Error> {
        let mut file = Vec::new();
        let read_failed = |error: csv::Error| Error::new(ErrorKind::Read).with_source(error);
        reader.read_to_end(&mut file).map_err(|error| read_failed(error.into()))?;
        let mut rows = csv::ReaderBuilder::new().flexible(true).from_reader(&*file);
        let columns = Columns::read(rows.byte_headers().map_err(read_failed)?)?;
        let mut lines = Lines::new(&file);
        let mut items = Vec::new();
        let mut row = ByteRecord::new();
        while rows.read_byte_record(&mut row).map_err(read_failed)? {
            match columns.item(&row, self) {
                Ok(item) => items.push(item),
                Err(reason) => {
                    return Err(Error::of_row(RowError { line: lines.of(&row), reason }));
                }
            }
        }
        for (number, item) in items {
            let Some(mut person) = self.get(number).cloned() else { continue };
            item.add_to(&mut person);
            self.replace(person);
        }
        Ok(())
    }

    /// Writes the history of all people as CSV. [`read_history`](Self::read_history) reads it back. Titles,
    /// first days, kinds of address, and the lines of an address after the first have no column. Texts are
    /// protected from spreadsheet programs as in [`write_csv`](Self::write_csv).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Write`].
    pub fn write_history(&self, writer: impl Write) -> Result<(), Error> {
        let mut rows = csv::Writer::from_writer(writer);
        let write_failed = |error: csv::Error| Error::new(ErrorKind::Write).with_source(error);
        rows.write_record(COLUMNS).map_err(write_failed)?;
        for person in self {
            for row in rows_of(person) {
                let cells = row.iter().map(|text| spreadsheet::cell(text).into_owned());
                rows.write_record(cells).map_err(write_failed)?;
            }
        }
        rows.flush().map_err(|error| Error::new(ErrorKind::Write).with_source(error))
    }
}

impl Item {
    fn add_to(self, person: &mut Person) {
        match self {
            Self::Name(name) => person.other_names.push(name),
            Self::Address(address) => person.other_addresses.push(address),
            Self::Telecom(uri) => person.former_telecoms.push(uri),
            Self::Gender(gender) => person.former_genders.push(gender),
        }
    }
}

/// The index of each column.
struct Columns {
    places: [usize; COLUMNS.len()],
    count: usize,
}

impl Columns {
    fn read(header: &ByteRecord) -> Result<Self, Error> {
        let mut places = [0; COLUMNS.len()];
        for (place, name) in places.iter_mut().zip(COLUMNS) {
            let is_it = |field: &[u8]| field.trim_ascii().eq_ignore_ascii_case(name.as_bytes());
            let found = header.iter().position(is_it);
            *place = found.ok_or_else(|| Error::new(ErrorKind::HistoryHeader))?;
        }
        Ok(Self { places, count: header.len() })
    }

    fn item(&self, row: &ByteRecord, people: &Register) -> Result<(NhsNumber, Item), RowReason> {
        if row.len() != self.count {
            return Err(RowReason::Columns);
        }
        if row.iter().any(|field| std::str::from_utf8(field).is_err()) {
            return Err(RowReason::Encoding);
        }
        let [number, what, family, given, postcode, value, to] = self.places.map(|place| {
            let bytes = row.get(place).unwrap_or_default();
            spreadsheet::text(std::str::from_utf8(bytes).unwrap_or_default().trim())
        });
        let number: NhsNumber = number.parse().map_err(|_| RowReason::Number)?;
        people.get(number).ok_or(RowReason::Unknown)?;
        let to = date(to)?;
        let is_what = |name: &str| what.eq_ignore_ascii_case(name);
        let item = if let Some((_, name_use)) = NAMES.into_iter().find(|(name, _)| is_what(name)) {
            filled([family, given])?;
            let mut name = OtherName::new(name_use, family);
            name.given = given.to_owned();
            name.to = to;
            Item::Name(name)
        } else if let Some((_, of)) = ADDRESSES.into_iter().find(|(name, _)| is_what(name)) {
            filled([postcode, value])?;
            let mut lines: [String; 5] = Default::default();
            if let Some(first) = lines.first_mut() {
                *first = value.to_owned();
            }
            let mut address = OtherAddress::new(of, lines, postcode);
            address.to = to;
            Item::Address(address)
        } else if is_what(TELECOM) {
            filled([value])?;
            Item::Telecom(uri(value))
        } else if is_what(GENDER) {
            Item::Gender(gender(value).ok_or(RowReason::FormerGender)?)
        } else {
            return Err(RowReason::What);
        };
        Ok((number, item))
    }
}

/// Refuses a row whose values are all blank.
fn filled<const COUNT: usize>(values: [&str; COUNT]) -> Result<(), RowReason> {
    if values.iter().all(|value| value.is_empty()) { Err(RowReason::Blank) } else { Ok(()) }
}

fn date(text: &str) -> Result<Option<PartialDate>, RowReason> {
    if text.is_empty() {
        return Ok(None);
    }
    let date = PartialDate::from_iso_8601(text).ok().filter(|_| !text.contains('T'));
    date.map(Some).ok_or(RowReason::To)
}

/// A telephone number or an e-mail address as a URI.
fn uri(text: &str) -> String {
    match text {
        uri if uri.contains(':') => uri.to_owned(),
        address if address.contains('@') => format!("mailto:{address}"),
        number => format!("tel:{number}"),
    }
}

/// The rows of one person, in the order of [`COLUMNS`].
fn rows_of(person: &Person) -> Vec<[String; 7]> {
    let number = person.nhs_number.digits().to_string();
    let date = |to: Option<PartialDate>| to.map(|to| to.to_string()).unwrap_or_default();
    let row = |what: &str, [family, given, postcode, value]: [&str; 4], to| {
        let texts = [what, family, given, postcode, value].map(str::to_owned);
        let [what, family, given, postcode, value] = texts;
        [number.clone(), what, family, given, postcode, value, date(to)]
    };
    let names = person.other_names.iter().filter_map(|name| {
        let (what, _) = NAMES.into_iter().find(|(_, of)| *of == name.name_use)?;
        Some(row(what, [&name.family, &name.given, "", ""], name.to))
    });
    let addresses = person.other_addresses.iter().filter_map(|address| {
        let (what, _) = ADDRESSES.into_iter().find(|(_, of)| *of == address.address_use)?;
        let line = address.lines.first().map(String::as_str).unwrap_or_default();
        Some(row(what, ["", "", &address.postcode, line], address.to))
    });
    let telecoms = person.former_telecoms.iter();
    let telecoms = telecoms.map(|uri| row(TELECOM, ["", "", "", uri], None));
    let genders = person.former_genders.iter();
    let genders = genders.map(|of| row(GENDER, ["", "", "", gender_name(*of)], None));
    names.chain(addresses).chain(telecoms).chain(genders).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drawn::register;
    use crate::seed::SplitMix64;

    /// The register without history, and its history as a file.
    fn apart(register: &Register) -> (Register, String) {
        let mut file = Vec::new();
        register.write_history(&mut file).unwrap();
        let mut plain = Register::default();
        for person in register {
            let mut person = person.clone();
            person.other_names.clear();
            person.other_addresses.clear();
            person.former_telecoms.clear();
            person.former_genders.clear();
            plain.insert(person).unwrap();
        }
        (plain, String::from_utf8(file).unwrap())
    }

    /// A row needs a value.
    fn is_written(name: &OtherName) -> bool {
        !name.family.is_empty() || !name.given.is_empty()
    }

    #[test]
    fn what_is_written_reads_back() {
        let mut seed = SplitMix64::new(14);
        let mut rows = 0;
        for _ in 0..100 {
            let mut drawn = register(&mut seed);
            for mut person in register(&mut seed).iter().cloned() {
                person.other_names.retain(is_written);
                person.other_addresses.retain(|address| !address.postcode.is_empty());
                person.former_telecoms = vec!["mailto:old@example.com".into(), "tel:=1".into()];
                drawn.replace(person);
            }
            for mut person in drawn.clone().iter().cloned() {
                person.other_names.retain(is_written);
                person.other_addresses.retain(|address| !address.postcode.is_empty());
                drawn.replace(person);
            }
            let (mut read, file) = apart(&drawn);
            rows += file.lines().count() - 1;
            read.read_history(file.as_bytes()).unwrap();
            assert!(read.iter().eq(drawn.iter()));
        }
        assert!(rows > 5_000, "{rows}");
    }

    #[test]
    fn rows_are_refused_by_line() {
        let header = COLUMNS.join(",");
        let people =
            "NHS_NUMBER,DATE_OF_BIRTH,FAMILY_NAME,GENDER\r\n9434765919,19840229,A,Female\r\n";
        let (register, _) = Register::from_csv(people.as_bytes()).unwrap();
        let good = "9434765919,former_address,,,LS1 6AE,\"1 High\r\nStreet\",2010-06-01";
        for (row, reason) in [
            ("9434765918,nickname,A,,,,", RowReason::Number),
            ("9000000009,nickname,A,,,,", RowReason::Unknown),
            ("9434765919,birth_name,A,,,,", RowReason::What),
            ("9434765919,,A,,,,", RowReason::What),
            ("9434765919,nickname,,,LS1 6AE,A,", RowReason::Blank),
            ("9434765919,former_address,A,A,,,", RowReason::Blank),
            ("9434765919,former_telecom,A,,,,", RowReason::Blank),
            ("9434765919,former_gender,,,,F,", RowReason::FormerGender),
            ("9434765919,nickname,A,,,,2010-06-31", RowReason::To),
            ("9434765919,nickname,A,,,,20100601", RowReason::To),
            ("9434765919,nickname,A,,,,2010-06-01T10:00:00", RowReason::To),
            ("9434765919,nickname,A,,,", RowReason::Columns),
        ] {
            let mut changed = register.clone();
            let file = format!("{header}\r\n{good}\r\n{row}\r\n");
            let error = changed.read_history(file.as_bytes()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Row, "{row}");
            assert_eq!(error.row(), Some(RowError { line: 4, reason }), "{row}");
            assert!(changed.iter().eq(register.iter()), "after an error, nothing is changed");
        }
        let mut changed = register.clone();
        changed.read_history(format!("\u{feff}{header}\r\n{good}").as_bytes()).unwrap();
        let address = &changed.iter().next().unwrap().other_addresses[0];
        assert_eq!((&*address.postcode, &*address.lines[0]), ("LS1 6AE", "1 High\r\nStreet"));
        for header in ["NHS_NUMBER,WHAT,FAMILY,GIVEN,POSTCODE,VALUE", ""] {
            let error = changed.read_history(header.as_bytes()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::HistoryHeader);
        }
    }
}
