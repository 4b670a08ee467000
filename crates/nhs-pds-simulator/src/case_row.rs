//! A case as a social care system exports it, with the variety of what people type.

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

/// Where numbers come from that nobody has traced.
const SOURCES: [&str; 4] = ["GP letter", "hospital discharge letter", "client", "carer"];

/// A case, with one row in the file for each allocation.
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

/// Who works on a case, from when to when; blank when nobody does.
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

    /// An eligible case of `person`, as somebody might have typed it in.
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
            1 => person.gender.name(),
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

    /// `date` as this case's dates are written.
    pub(super) fn date(&self, date: PartialDate) -> String {
        // Six digits are no date in a caseload: they may as well be a day, a month and a year.
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

    /// Ends the allocation that is open.
    pub(super) fn end_allocations(&mut self, seed: &mut SplitMix64) {
        self.allocations.pop();
        let ended = self.allocation(true, seed);
        self.allocations.push(ended);
    }

    pub(super) fn out_of_scope(&mut self, seed: &mut SplitMix64) {
        self.record_type = (*one_of(&OUT_OF_SCOPE, seed)).to_owned();
    }

    /// Records a number that came on paper, in one of the ways in which numbers are written.
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
