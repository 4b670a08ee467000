//! A case as a social care system exports it, with the varied ways in which people type.

use super::Person;
use super::people::one_of;
use crate::seed::SplitMix64;
use nhs_pds::demographics::{Gender, PartialDate};
use nhs_pds::nhs_number::NhsNumber;

/// Record types in scope (HAV-4).
const IN_SCOPE: [&str; 11] = [
    "adult case",
    "residential care",
    "home care",
    "blind, partially sighted or deaf",
    "physical disability",
    "deprivation of liberty",
    "learning disability",
    "mental health",
    "transitions",
    "review",
    "safeguarding adults",
];

const OUT_OF_SCOPE: [&str; 5] =
    ["children looked after", "child protection", "foster carer", "adoption", "blue badge"];

/// Sources of numbers that were not traced.
const SOURCES: [&str; 4] = ["GP letter", "hospital discharge letter", "client", "carer"];

/// A case. The file has one row for each of its allocations.
#[derive(Default)]
pub(super) struct CaseRow {
    pub(super) case_id: String,
    record_type: String,
    pub(super) surname: String,
    pub(super) forename: String,
    pub(super) date_of_birth: String,
    pub(super) gender: String,
    pub(super) address: [String; 5],
    pub(super) postcode: String,
    pub(super) allocations: Vec<Allocation>,
    pub(super) date_of_death: String,
    pub(super) nhs_number: String,
    pub(super) nhs_number_source: String,
    /// Whether this case's dates are written with hyphens.
    hyphens: bool,
}

/// The worker on a case, with the first and the last day. Blank when the case has no worker.
#[derive(Default)]
pub(super) struct Allocation {
    worker: String,
    start: String,
    end: String,
}

impl CaseRow {
    pub(super) const COLUMNS: [&str; 18] = [
        "case_id",
        "record_type",
        "surname",
        "forename",
        "date_of_birth",
        "gender",
        "address_1",
        "address_2",
        "address_3",
        "address_4",
        "address_5",
        "postcode",
        "allocated_worker",
        "allocation_start",
        "allocation_end",
        "date_of_death",
        "nhs_number",
        "nhs_number_source",
    ];

    /// An eligible case of `person`, with the varied ways in which people type.
    pub(super) fn of(person: &Person, seed: &mut SplitMix64) -> Self {
        let mut row = Self { hyphens: seed.below(2) == 0, ..Self::default() };
        row.record_type = (*one_of(&IN_SCOPE, seed)).to_owned();
        let upper = seed.below(8) == 0;
        let typed = |text: &str| if upper { text.to_uppercase() } else { text.to_owned() };
        row.surname = typed(&person.family);
        row.forename = typed(&person.given);
        row.date_of_birth = row.date(person.birth);
        row.gender = match seed.below(3) {
            0 => person.gender.code(),
            1 => person.gender.as_str(),
            _ if person.gender == Gender::Male => "Male",
            _ => "Female",
        }
        .to_owned();
        row.address = person.address.clone();
        row.postcode = match seed.below(10) {
            0 => person.postcode.replace(' ', ""),
            1 => person.postcode.to_lowercase(),
            _ => person.postcode.clone(),
        };
        let earlier = [0, 0, 0, 0, 0, 0, 0, 1, 1, 2];
        for _ in 0..*one_of(&earlier, seed) {
            let ended = row.allocation(true, seed);
            row.allocations.push(ended);
        }
        let open = row.allocation(false, seed);
        row.allocations.push(open);
        row
    }

    /// Writes `date` in the style of this case.
    pub(super) fn date(&self, date: PartialDate) -> String {
        // Six digits are not a date in a caseload: they can also mean day, month and year of two digits.
        if self.hyphens || date.full().is_none() { date.to_string() } else { date.to_hl7() }
    }

    fn allocation(&self, ended: bool, seed: &mut SplitMix64) -> Allocation {
        let mut day = |year: u16| {
            let (month, day) = (1 + seed.below(12) as u8, 1 + seed.below(28) as u8);
            let date = PartialDate::new(year, Some(month), Some(day));
            date.map(|date| self.date(date)).unwrap_or_default()
        };
        let (start, end) = if ended { (day(2022), day(2023)) } else { (day(2024), String::new()) };
        Allocation { worker: format!("worker.{:03}", 1 + seed.below(60)), start, end }
    }

    /// Ends the open allocation.
    pub(super) fn end_allocations(&mut self, seed: &mut SplitMix64) {
        self.allocations.pop();
        let ended = self.allocation(true, seed);
        self.allocations.push(ended);
    }

    pub(super) fn out_of_scope(&mut self, seed: &mut SplitMix64) {
        self.record_type = (*one_of(&OUT_OF_SCOPE, seed)).to_owned();
    }

    /// Records a number from a paper source, in one of the ways in which people write numbers.
    pub(super) fn number_from_elsewhere(&mut self, number: NhsNumber, seed: &mut SplitMix64) {
        self.nhs_number = match seed.below(2) {
            0 => number.to_string(),
            _ => number.digits().to_string(),
        };
        self.nhs_number_source = (*one_of(&SOURCES, seed)).to_owned();
    }

    /// The rows, in the order of [`COLUMNS`](Self::COLUMNS).
    pub(super) fn records(&self) -> impl Iterator<Item = [&str; 18]> {
        let [line_1, line_2, line_3, line_4, line_5] = &self.address;
        self.allocations.iter().map(move |allocation| {
            [
                self.case_id.as_str(),
                &self.record_type,
                &self.surname,
                &self.forename,
                &self.date_of_birth,
                &self.gender,
                line_1,
                line_2,
                line_3,
                line_4,
                line_5,
                &self.postcode,
                &allocation.worker,
                &allocation.start,
                &allocation.end,
                &self.date_of_death,
                &self.nhs_number,
                &self.nhs_number_source,
            ]
        })
    }
}
