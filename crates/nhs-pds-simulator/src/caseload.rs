use super::case_plan::{Kind, plan};
use super::case_row::{Allocation, CaseRow};
use super::people::People;
use super::{Error, ErrorKind, Expected, Person, Register, Sensitivity};
use nhs_pds::demographics::{Gender, PartialDate};
use nhs_pds::text::spreadsheet;
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::io::Write;

/// The cases of an invented social care system, and the people of those cases.
///
/// For examples and load tests. A caseload of any size has every reason for which a case is not traced
/// (HAV-2 to HAV-4) and every answer that a trace can give. The proportions are those of a typical borough.
/// Cases come in rounds of 240 with the same composition.
///
/// A seed and a count always give the same caseload. Expected results assume a trace by surname, forename,
/// gender, date of birth and postcode, as far as the case has them.
///
/// ```
/// use nhs_pds_simulator::{Caseload, Expected, Simulator};
///
/// let caseload = Caseload::from_seed(1, 240);
/// assert_eq!(caseload.cases().len(), 240);
/// assert_eq!(caseload.counts()[&Expected::Superseded], 4);
/// let mut file = Vec::new();
/// caseload.write_csv(&mut file)?;
/// assert!(file.starts_with(b"case_id,record_type,surname,forename,date_of_birth,gender,"));
/// let simulator = Simulator::new(caseload.register().clone());
/// # Ok::<(), nhs_pds_simulator::Error>(())
/// ```
pub struct Caseload {
    register: Register,
    cases: Vec<SampleCase>,
    rows: Vec<CaseRow>,
}

/// A case and its expected result.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SampleCase {
    /// The case's identifier, as in the column `case_id`.
    pub id: String,
    /// The result of a trace, or the reason why the case is not traced.
    pub expected: Expected,
}

impl Caseload {
    /// Makes `cases` cases, and a register with the people of those cases and a few others.
    #[must_use]
    pub fn from_seed(seed: u64, cases: usize) -> Self {
        let mut maker = Maker {
            people: People::from_seed(seed),
            taken: HashSet::new(),
            made: Self { register: Register::default(), cases: Vec::new(), rows: Vec::new() },
            last_found: None,
        };
        let round = plan(&mut maker.people.seed);
        for kind in round.iter().copied().cycle().take(cases) {
            maker.case(kind);
        }
        for _ in 0..cases / 15 {
            let person = maker.person();
            maker.register(person);
        }
        maker.made
    }

    /// The people on PDS.
    #[must_use]
    pub const fn register(&self) -> &Register {
        &self.register
    }

    /// The cases, in the order of the file.
    #[must_use]
    pub fn cases(&self) -> &[SampleCase] {
        &self.cases
    }

    /// The number of cases for each expected result.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<Expected, usize> {
        let mut counts = BTreeMap::new();
        for case in &self.cases {
            *counts.entry(case.expected).or_default() += 1;
        }
        counts
    }

    /// Writes the cases as CSV, one row for each allocation. Columns: `case_id`, `record_type`, `surname`,
    /// `forename`, `date_of_birth`, `gender`, `address_1` to `address_5`, `postcode`, `allocated_worker`,
    /// `allocation_start`, `allocation_end`, `date_of_death`, `nhs_number`, `nhs_number_source`. Dates are
    /// `YYYY-MM-DD` or `YYYYMMDD`; genders are codes or names.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Write`].
    pub fn write_csv(&self, writer: impl Write) -> Result<(), Error> {
        let mut file = csv::Writer::from_writer(writer);
        let write_failed = |error: csv::Error| Error::new(ErrorKind::Write).with_source(error);
        file.write_record(CaseRow::COLUMNS).map_err(write_failed)?;
        for row in &self.rows {
            for record in row.records() {
                file.write_record(record.iter().map(|text| spreadsheet::cell(text).into_owned()))
                    .map_err(write_failed)?;
            }
        }
        file.flush().map_err(|error| Error::new(ErrorKind::Write).with_source(error))
    }
}

impl fmt::Debug for Caseload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Caseload({} cases, {:?})", self.cases.len(), self.register)
    }
}

/// Makes the cases one by one.
struct Maker {
    people: People,
    /// Family names and dates of birth that are in use, so that no search finds a person by accident.
    taken: HashSet<(String, PartialDate)>,
    made: Caseload,
    /// The latest ordinary case: its index, and its person.
    last_found: Option<(usize, Person)>,
}

impl Maker {
    /// A person with a gender that a case would record, and with a unique family name and date of birth.
    fn person(&mut self) -> Person {
        loop {
            let person = self.people.person();
            let usual = matches!(person.gender, Gender::Male | Gender::Female);
            if usual && self.take(&person.family, person.birth) {
                return person;
            }
        }
    }

    fn take(&mut self, family: &str, birth: PartialDate) -> bool {
        self.taken.insert((family.to_lowercase(), birth))
    }

    fn register(&mut self, person: Person) {
        let inserted = self.made.register.insert(person);
        debug_assert!(inserted.is_ok(), "numbers of a seed do not come twice");
    }

    fn case(&mut self, kind: Kind) {
        let (row, expected) = match kind {
            Kind::Found => {
                let person = self.person();
                self.last_found = Some((self.made.cases.len(), person.clone()));
                (self.registered(person), Expected::Found)
            }
            Kind::Duplicate => match self.last_found.take() {
                Some((place, person)) => {
                    if let Some(case) = self.made.cases.get_mut(place) {
                        case.expected = Expected::Duplicate;
                    }
                    (self.row(&person), Expected::Duplicate)
                }
                None => return self.case(Kind::Found),
            },
            _ if kind.is_ineligible() => self.ineligible(kind),
            _ => self.traced(kind),
        };
        self.add(row, expected);
    }

    /// A traced case of a person with a special record.
    fn traced(&mut self, kind: Kind) -> (CaseRow, Expected) {
        let mut person = self.person();
        match kind {
            Kind::Answered(code, expected) => {
                person.answer = Some(code.to_owned());
                (self.registered(person), expected)
            }
            Kind::Restricted => {
                person.sensitivity = Sensitivity::Restricted;
                (self.registered(person), Expected::Found)
            }
            Kind::NoFixedAbode => {
                person.address = Default::default();
                person.postcode = "ZZ99 3VZ".to_owned();
                (self.registered(person), Expected::Unconfirmed)
            }
            Kind::NumberAgrees => {
                let number = person.nhs_number;
                let row = self.registered(person);
                (self.numbered(row, number), Expected::NumberAgrees)
            }
            Kind::NumberDiffers => {
                let row = self.registered(person);
                let number = self.people.number();
                (self.numbered(row, number), Expected::NumberDiffers)
            }
            Kind::Deceased => {
                self.people.die(&mut person);
                (self.registered(person), Expected::Deceased)
            }
            Kind::Invalidated => {
                person.sensitivity = Sensitivity::Invalidated;
                (self.registered(person), Expected::Invalidated)
            }
            Kind::Superseded => (self.superseded(person), Expected::Superseded),
            Kind::Strangers | Kind::Twins => (self.ambiguous(kind, person), Expected::Ambiguous),
            _ => (self.unknown(kind, person), Expected::None),
        }
    }

    /// The case finds the record that was replaced. The replacement has another family name, so the case
    /// does not find it.
    fn superseded(&mut self, person: Person) -> CaseRow {
        let [past, mut present] = self.people.superseded(person);
        while present.family == past.family || !self.take(&present.family, present.birth) {
            present.family = self.people.other_family(&past.family);
        }
        self.register(present);
        self.registered(past)
    }

    /// Two strangers who share every field of the case, or twins whom the case cannot tell apart.
    fn ambiguous(&mut self, kind: Kind, person: Person) -> CaseRow {
        let twins = kind == Kind::Twins;
        let [first, second] =
            if twins { self.people.twins(person) } else { self.people.strangers(person) };
        self.register(second);
        let mut row = self.registered(first);
        if twins {
            row.forename.clear();
        } else {
            row.address = Default::default();
            row.postcode.clear();
        }
        row
    }

    /// A person whose record on PDS has another name, or who has no record.
    fn unknown(&mut self, kind: Kind, person: Person) -> CaseRow {
        let mut row = self.row(&person);
        let birth = person.birth;
        let mut known = person.clone();
        match kind {
            Kind::Married => loop {
                known.family = self.people.other_family(&person.family);
                if self.take(&known.family, birth) {
                    self.register(known);
                    break;
                }
            },
            Kind::Misspelt => {
                row.surname = misspelt(&person.family);
                self.take(&row.surname, birth);
                self.register(known);
            }
            _ => {}
        }
        row
    }

    fn ineligible(&mut self, kind: Kind) -> (CaseRow, Expected) {
        let mut person = self.person();
        if kind == Kind::DeathRecorded {
            self.people.die(&mut person);
        }
        let (number, death, birth) = (person.nhs_number, person.death, person.birth);
        let mut row = self.registered(person);
        let expected = match kind {
            Kind::OutOfScope => {
                row.out_of_scope(&mut self.people.seed);
                Expected::OutOfScope
            }
            Kind::NoWorker => {
                row.allocations = vec![Allocation::default()];
                Expected::NoWorker
            }
            Kind::AllocationEnded => {
                row.end_allocations(&mut self.people.seed);
                Expected::AllocationEnded
            }
            Kind::DeathRecorded => {
                row.date_of_death = death.map(|death| row.date(death)).unwrap_or_default();
                Expected::DeathRecorded
            }
            Kind::AlreadyTraced => {
                row.nhs_number = number.digits().to_string();
                row.nhs_number_source = "SMSP".to_owned();
                Expected::AlreadyTraced
            }
            Kind::NoSurname => {
                row.surname.clear();
                Expected::NoSurname
            }
            Kind::NoGender => {
                row.gender.clear();
                Expected::NoGender
            }
            Kind::PartialBirth => {
                let month = birth.month().filter(|_| self.people.seed.below(2) == 0);
                let partial = PartialDate::new(birth.year(), month, None);
                row.date_of_birth = partial.map(|date| row.date(date)).unwrap_or_default();
                Expected::PartialDateOfBirth
            }
            _ => {
                row.date_of_birth.clear();
                Expected::NoDateOfBirth
            }
        };
        (row, expected)
    }

    fn row(&mut self, person: &Person) -> CaseRow {
        CaseRow::of(person, &mut self.people.seed)
    }

    fn registered(&mut self, person: Person) -> CaseRow {
        let row = self.row(&person);
        self.register(person);
        row
    }

    fn numbered(&mut self, mut row: CaseRow, number: nhs_pds::nhs_number::NhsNumber) -> CaseRow {
        row.number_from_elsewhere(number, &mut self.people.seed);
        row
    }

    fn add(&mut self, mut row: CaseRow, expected: Expected) {
        let id = format!("C{:06}", self.made.cases.len() + 1);
        row.case_id.clone_from(&id);
        self.made.cases.push(SampleCase { id, expected });
        self.made.rows.push(row);
    }
}

/// Swaps two letters after the first, as hasty typing does. The two letters must differ by more than case,
/// because PDS ignores case.
fn misspelt(family: &str) -> String {
    let mut letters: Vec<char> = family.chars().collect();
    let differ = letters
        .windows(2)
        .skip(1)
        .position(|pair| matches!(pair, [a, b] if !a.to_lowercase().eq(b.to_lowercase())));
    match differ {
        Some(place) => letters.swap(place + 1, place + 2),
        None => letters.push('e'),
    }
    letters.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::{FAMILY, words};

    #[test]
    fn a_misspelt_name_is_another_name() {
        for family in words(FAMILY) {
            assert_ne!(misspelt(family).to_lowercase(), family.to_lowercase());
        }
    }
}
