//! The register as a file, with the columns of the NHS "Opentest" environment.

use super::{Error, ErrorKind, Person, Register, Sensitivity};
use csv::ByteRecord;
use nhs_pds::demographics::{Gender, PartialDate};
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::text::spreadsheet;
use std::collections::HashMap;
use std::io::{Read, Write};

/// All columns, in the order of the file. The last four are not columns of Opentest.
const COLUMNS: [&str; 24] = [
    "Test ref",
    "NHS_NUMBER",
    "DATE_OF_BIRTH",
    "DATE_OF_DEATH",
    "FAMILY_NAME",
    "GIVEN_NAME",
    "OTHER_GIVEN_NAME",
    "TITLE",
    "GENDER",
    "ADDRESS_LINE_1",
    "ADDRESS_LINE_2",
    "ADDRESS_LINE_3",
    "ADDRESS_LINE_4",
    "ADDRESS_LINE_5",
    "PAF_KEY",
    "SENSITIVE_FLAG",
    "PRIMARY_CARE_CODE",
    "REF_ID",
    "POST_CODE",
    "Notes",
    "SUPERSEDED_BY",
    "ANSWER",
    "PRIMARY_CARE_NAME",
    "TELECOM",
];

/// Columns that every register must have.
const REQUIRED: [&str; 4] = ["NHS_NUMBER", "DATE_OF_BIRTH", "FAMILY_NAME", "GENDER"];

/// A row that cannot be used. A register skips the row; a history is refused.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct RowError {
    /// The line of the file on which the row begins. Line 1 has the names of the columns.
    pub line: u64,
    /// The reason.
    pub reason: RowReason,
}

/// The reason why a row cannot be used. Correct the row. A register can also continue without the person.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum RowReason {
    /// `ANSWER` is not a response code: letters, digits, hyphens and underscores.
    #[error("ANSWER is not a response code")]
    Answer,
    /// `DATE_OF_BIRTH` is not `YYYY[MM[DD[HH[MM[SS]]]]]`, or the calendar has no such date.
    #[error("DATE_OF_BIRTH is not a date")]
    Birth,
    /// History: the columns that belong to `WHAT` are blank.
    #[error("the columns that belong to WHAT are blank")]
    Blank,
    /// The row has more or fewer fields than the first line, so values may be in the wrong columns.
    #[error("the row has more or fewer fields than the first line")]
    Columns,
    /// `DATE_OF_DEATH` is not `YYYY[MM[DD[HH[MM[SS]]]]]`, or the calendar has no such date.
    #[error("DATE_OF_DEATH is not a date")]
    Death,
    /// An earlier row has the same `NHS_NUMBER`.
    #[error("NHS_NUMBER is in an earlier row")]
    Duplicate,
    /// The row is not UTF-8.
    #[error("the row is not UTF-8")]
    Encoding,
    /// `FAMILY_NAME` is blank.
    #[error("FAMILY_NAME is blank")]
    Family,
    /// History: `VALUE` is not one of the names and codes of genders.
    #[error("VALUE is not Male, Female, Indeterminate, Not known, 1, 2, 9 or 0")]
    FormerGender,
    /// `GENDER` is not one of the names and codes.
    #[error("GENDER is not Male, Female, Indeterminate, Not known, 1, 2, 9 or 0")]
    Gender,
    /// `NHS_NUMBER` is not an NHS Number.
    #[error("NHS_NUMBER is not an NHS Number")]
    Number,
    /// `SENSITIVE_FLAG` is not blank, `I`, `S` or `V`.
    #[error("SENSITIVE_FLAG is not I, S or V")]
    Sensitivity,
    /// `SUPERSEDED_BY` is not an NHS Number.
    #[error("SUPERSEDED_BY is not an NHS Number")]
    SupersededBy,
    /// History: `TO` is neither blank nor a date `YYYY-MM-DD`, `YYYY-MM` or `YYYY`.
    #[error("TO is not a date")]
    To,
    /// History: the register has no person with this `NHS_NUMBER`.
    #[error("NHS_NUMBER is not in the register")]
    Unknown,
    /// History: `WHAT` is not a kind of name, address, telecom or gender that the file can have.
    #[error("WHAT is not a kind of history")]
    What,
}

impl Register {
    /// Reads people from CSV (UTF-8, comma, names of columns in the first line).
    ///
    /// The columns are those of the people published for the NHS "Opentest" environment, found by name. Two
    /// more columns are read: `SUPERSEDED_BY` (an NHS Number) and `ANSWER` (a response code).
    /// `PRIMARY_CARE_NAME` and `TELECOM` (URIs, separated by spaces) are read too, because
    /// [`write_csv`](Self::write_csv) writes them. Unknown columns, `Test ref`, `PAF_KEY`, `REF_ID` and
    /// `Notes` are ignored. Returns the rows that cannot be used; the other rows are in the register.
    ///
    /// ```
    /// use nhs_pds_simulator::Register;
    ///
    /// let file = "NHS_NUMBER,DATE_OF_BIRTH,FAMILY_NAME,GENDER\n\
    ///             9434765919,19840229,SMITH,Female\n\
    ///             9434765918,19840229,SMITH,Female\n";
    /// let (register, passed_over) = Register::from_csv(file.as_bytes())?;
    /// assert_eq!(register.len(), 1);
    /// assert_eq!(passed_over[0].to_string(), "line 3: NHS_NUMBER is not an NHS Number");
    /// # Ok::<(), nhs_pds_simulator::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Read`] and [`ErrorKind::Header`].
    pub fn from_csv(mut reader: impl Read) -> Result<(Self, Vec<RowError>), Error> {
        let mut file = Vec::new();
        let read_failed = |error: csv::Error| Error::new(ErrorKind::Read).with_source(error);
        reader.read_to_end(&mut file).map_err(|error| read_failed(error.into()))?;
        let mut rows = csv::ReaderBuilder::new().flexible(true).from_reader(&*file);
        let columns = Columns::read(rows.byte_headers().map_err(read_failed)?)?;
        let mut lines = Lines::new(&file);
        let mut register = Self::default();
        let mut passed_over = Vec::new();
        let mut row = ByteRecord::new();
        while rows.read_byte_record(&mut row).map_err(read_failed)? {
            let read = columns
                .person(&row)
                .and_then(|person| register.insert(person).map_err(|_| RowReason::Duplicate));
            if let Err(reason) = read {
                passed_over.push(RowError { line: lines.of(&row), reason });
            }
        }
        Ok((register, passed_over))
    }

    /// Writes all people as CSV. [`from_csv`](Self::from_csv) reads the same people back, except that
    /// [`Person::version`] and the fields after it have no column: only the FHIR API sends them, and
    /// [`write_history`](Self::write_history) writes some of them. A text
    /// that a spreadsheet program would run as a formula has an apostrophe in front, which reading removes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Write`].
    pub fn write_csv(&self, writer: impl Write) -> Result<(), Error> {
        let mut rows = csv::Writer::from_writer(writer);
        let write_failed = |error: csv::Error| Error::new(ErrorKind::Write).with_source(error);
        rows.write_record(COLUMNS).map_err(write_failed)?;
        for person in self {
            rows.write_record(
                fields(person).iter().map(|text| spreadsheet::cell(text).into_owned()),
            )
            .map_err(write_failed)?;
        }
        rows.flush().map_err(|error| Error::new(ErrorKind::Write).with_source(error))
    }
}

/// Counts lines. The count of the CSV reader is one short where lines end in CR LF, because a row then
/// begins with the LF of the line before.
pub(super) struct Lines<'a> {
    /// The bytes that are not counted yet.
    file: &'a [u8],
    /// The bytes of the whole file.
    size: u64,
    line: u64,
}

impl<'a> Lines<'a> {
    pub(super) const fn new(file: &'a [u8]) -> Self {
        Self { file, size: file.len() as u64, line: 1 }
    }

    /// Returns the line on which `row` begins. Call it in the order of the rows.
    pub(super) fn of(&mut self, row: &ByteRecord) -> u64 {
        let rest = self.size - row.position().map_or(0, csv::Position::byte);
        while let [first, after @ ..] = self.file
            && (self.file.len() as u64 > rest || matches!(first, b'\r' | b'\n'))
        {
            self.line += u64::from(*first == b'\n');
            self.file = after;
        }
        self.line
    }
}

/// The index of each column.
struct Columns {
    places: HashMap<&'static str, usize>,
    count: usize,
}

impl Columns {
    fn read(header: &ByteRecord) -> Result<Self, Error> {
        let places: HashMap<_, _> = COLUMNS
            .into_iter()
            .filter_map(|name| {
                let is_it = |field: &[u8]| field.trim_ascii().eq_ignore_ascii_case(name.as_bytes());
                Some((name, header.iter().position(is_it)?))
            })
            .collect();
        if REQUIRED.iter().all(|name| places.contains_key(name)) {
            Ok(Self { places, count: header.len() })
        } else {
            Err(Error::new(ErrorKind::Header))
        }
    }

    fn person(&self, row: &ByteRecord) -> Result<Person, RowReason> {
        if row.len() != self.count {
            return Err(RowReason::Columns);
        }
        if row.iter().any(|field| std::str::from_utf8(field).is_err()) {
            return Err(RowReason::Encoding);
        }
        let field = |name: &str| {
            let place = self.places.get(name).copied();
            let bytes = place.and_then(|place| row.get(place)).unwrap_or_default();
            spreadsheet::text(std::str::from_utf8(bytes).unwrap_or_default().trim())
        };
        let text = |name: &str| field(name).to_owned();
        let number = |name: &str| field(name).parse::<NhsNumber>();
        let date = |name: &str| PartialDate::from_hl7_ts(field(name));
        let given = |name: &str| !field(name).is_empty();

        let mut person = Person::new(
            number("NHS_NUMBER").map_err(|_| RowReason::Number)?,
            field("FAMILY_NAME"),
            gender(field("GENDER")).ok_or(RowReason::Gender)?,
            date("DATE_OF_BIRTH").map_err(|_| RowReason::Birth)?,
        );
        if person.family.is_empty() {
            return Err(RowReason::Family);
        }
        if given("DATE_OF_DEATH") {
            person.death = Some(date("DATE_OF_DEATH").map_err(|_| RowReason::Death)?);
        }
        if given("SUPERSEDED_BY") {
            person.superseded_by =
                Some(number("SUPERSEDED_BY").map_err(|_| RowReason::SupersededBy)?);
        }
        if given("ANSWER") {
            person.answer = Some(code(field("ANSWER")).ok_or(RowReason::Answer)?);
        }
        person.sensitivity =
            Sensitivity::from_flag(field("SENSITIVE_FLAG")).ok_or(RowReason::Sensitivity)?;
        person.title = text("TITLE");
        person.given = text("GIVEN_NAME");
        person.other_given = text("OTHER_GIVEN_NAME");
        person.address = [
            "ADDRESS_LINE_1",
            "ADDRESS_LINE_2",
            "ADDRESS_LINE_3",
            "ADDRESS_LINE_4",
            "ADDRESS_LINE_5",
        ]
        .map(text);
        person.postcode = text("POST_CODE");
        person.practice_code = text("PRIMARY_CARE_CODE");
        person.practice_name = text("PRIMARY_CARE_NAME");
        person.telecoms = field("TELECOM").split_whitespace().map(str::to_owned).collect();
        Ok(person)
    }
}

/// The fields of a row, in the order of [`COLUMNS`].
fn fields(person: &Person) -> [String; 24] {
    let date = |date: PartialDate| date.to_hl7();
    let number = |number: NhsNumber| number.digits().to_string();
    let [line_1, line_2, line_3, line_4, line_5] = person.address.clone();
    [
        String::new(),
        number(person.nhs_number),
        date(person.birth),
        person.death.map(date).unwrap_or_default(),
        person.family.clone(),
        person.given.clone(),
        person.other_given.clone(),
        person.title.clone(),
        gender_name(person.gender).to_owned(),
        line_1,
        line_2,
        line_3,
        line_4,
        line_5,
        String::new(),
        person.sensitivity.flag().to_owned(),
        person.practice_code.clone(),
        String::new(),
        person.postcode.clone(),
        String::new(),
        person.superseded_by.map(number).unwrap_or_default(),
        person.answer.clone().unwrap_or_default(),
        person.practice_name.clone(),
        person.telecoms.join(" "),
    ]
}

/// Opentest's word for code 9 is `Indeterminate`.
pub(super) fn gender(text: &str) -> Option<Gender> {
    if text.eq_ignore_ascii_case(gender_name(Gender::NotSpecified)) {
        return Some(Gender::NotSpecified);
    }
    text.parse().ok()
}

pub(super) const fn gender_name(gender: Gender) -> &'static str {
    match gender {
        Gender::Male => "Male",
        Gender::Female => "Female",
        Gender::NotSpecified => "Indeterminate",
        _ => "Not known",
    }
}

fn code(text: &str) -> Option<String> {
    let shaped =
        text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    shaped.then(|| text.to_ascii_uppercase())
}
