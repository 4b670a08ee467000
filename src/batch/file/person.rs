use crate::batch::file::cells::Cells;
use crate::batch::file::code::RecordCode;
use crate::batch::file::columns::{ADDRESS, Column, Places};
use crate::batch::file::error::RowErrorKind;
use crate::batch::file::response::{
    Algorithm, DeathStatus, FieldScores, MatchedNumber, ResponseRow, Sensitivity, Unreadable,
    percentage,
};
use crate::batch::reference::Reference;
use crate::demographics::{
    Address, AddressUse, Demographics, GpPractice, PartialDate, PersonName, Recorded, Telecom,
    TelecomUse, UsablePeriod,
};
use crate::nhs_number::NhsNumber;
use std::str::FromStr;

/// The cells of a record, by column.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    /// All cells.
    pub(super) text: &'a str,
    pub(super) cells: &'a Cells,
    pub(super) places: &'a Places,
}

impl<'a> Row<'a> {
    /// The cell without white space around it. Blank if the file does not have the column.
    pub(super) fn text(&self, column: Column) -> &'a str {
        let place = self.cells.place(self.places.of_column(column));
        self.text.get(place).unwrap_or_default().trim_ascii()
    }

    /// The same as bytes.
    pub(super) fn get(&self, column: Column) -> &'a [u8] {
        self.text(column).as_bytes()
    }

    /// The cell without the `.0` that programs write in a column of numbers with blank cells: `2.0` for `2`.
    fn whole(&self, column: Column) -> &'a str {
        let text = self.text(column);
        match text.strip_suffix(".0") {
            Some(digits) if !digits.is_empty() && digits.bytes().all(|it| it.is_ascii_digit()) => {
                digits
            }
            _ => text,
        }
    }

    /// The same as bytes.
    pub(super) fn get_whole(&self, column: Column) -> &'a [u8] {
        self.whole(column).as_bytes()
    }

    fn recorded<T: FromStr>(&self, column: Column) -> Recorded<T> {
        of_cell(self.text(column), Recorded::read)
    }

    /// `YYYY`, `YYYYMM`, `YYYYMMDD`, or a day with a time.
    fn date(&self, column: Column) -> Recorded<PartialDate> {
        of_cell(self.whole(column), |text| match text.len() {
            ..=8 => Recorded::read(text),
            _ => PartialDate::from_hl7_ts(text)
                .map_or_else(|_| Recorded::read(text), Recorded::Known),
        })
    }

    /// The values of a row that begins on `line`.
    pub(super) fn response(
        &self,
        line: u64,
        code: RecordCode,
    ) -> Result<Box<ResponseRow>, RowErrorKind> {
        let reference: Reference =
            self.text(Column::Reference).parse().map_err(|_| RowErrorKind::Reference)?;
        let mut unreadable = Unreadable::default();
        let mut score = |column| {
            let text = self.text(column);
            let score = percentage(text);
            unreadable.score |= score.is_none() && !text.is_empty();
            score
        };
        let confidence = score(Column::Confidence);
        let scores = FieldScores {
            family: score(Column::FamilyScore),
            given: score(Column::GivenScore),
            date_of_birth: score(Column::BornScore),
            gender: score(Column::GenderScore),
            postcode: score(Column::PostcodeScore),
        };
        let requested = self.get_whole(Column::Requested);
        let number = NhsNumber::from_bytes(requested).ok();
        unreadable.requested = number.is_none() && !requested.is_empty();
        Ok(Box::new(ResponseRow {
            line,
            reference,
            code,
            matched: MatchedNumber::read(self.get_whole(Column::Matched)),
            requested: number,
            repeats: self.places.has(Column::Requested),
            unreadable,
            algorithm: Algorithm::read(self.get_whole(Column::Algorithm)),
            confidence,
            scores,
            sensitivity: Sensitivity::read(self.get(Column::Sensitivity)),
            death: DeathStatus::read(self.get_whole(Column::DeathStatus)),
            person: self.person(),
        }))
    }

    /// What PDS has recorded about the person.
    fn person(&self) -> Demographics {
        let telecoms = [
            self.telecom(Column::Telephone, "tel:", None),
            self.telecom(Column::Mobile, "tel:", Some(TelecomUse::Mobile)),
            self.telecom(Column::Email, "mailto:", None),
        ];
        Demographics {
            name: self.name(),
            gender: of_cell(self.whole(Column::Gender), Recorded::read),
            date_of_birth: self.date(Column::Born),
            date_of_death: self.date_of_death(),
            addresses: self.address().into_iter().collect(),
            telecoms: telecoms.into_iter().flatten().collect(),
            gp_practice: self.practice(),
            ..Demographics::default()
        }
    }

    fn name(&self) -> Option<PersonName> {
        let family = self.recorded(Column::Family);
        let (first, other) = (self.text(Column::Given), self.text(Column::OtherGiven));
        let given: Vec<String> = match (first, other) {
            ("", "") if family.is_not_returned() => return None,
            ("", "") => Vec::new(),
            (first, "") => vec![first.to_owned()],
            // A blank first name keeps its place.
            (first, other) => vec![first.to_owned(), other.to_owned()],
        };
        Some(PersonName { family, given, ..PersonName::default() })
    }

    /// A death without a date is a death, with a date that cannot be read.
    fn date_of_death(&self) -> Recorded<PartialDate> {
        let is_dead = DeathStatus::read(self.get_whole(Column::DeathStatus)).is_some()
            || self.get(Column::Posting).eq_ignore_ascii_case(b"D");
        match self.date(Column::Died) {
            Recorded::NotReturned if is_dead => Recorded::Unrecognised("deceased".to_owned()),
            died => died,
        }
    }

    /// The usual address: PDS returns no other in these files.
    fn address(&self) -> Option<Address> {
        let lines = ADDRESS.map(|line| self.text(line).to_owned());
        let lines = lines.iter().any(|line| !line.is_empty()).then_some(lines);
        let postcode = self.recorded(Column::Postcode);
        if lines.is_none() && postcode.is_not_returned() {
            return None;
        }
        Some(Address { usage: Some(AddressUse::Home), lines, postcode, ..Address::default() })
    }

    fn telecom(&self, column: Column, scheme: &str, usage: Option<TelecomUse>) -> Option<Telecom> {
        let text = self.text(column);
        let value = (!text.is_empty()).then(|| Recorded::Known([scheme, text].concat()))?;
        Some(Telecom { usage, value, ..Telecom::default() })
    }

    fn practice(&self) -> Option<GpPractice> {
        let ods_code = self.recorded(Column::Practice);
        let low = self.date(Column::Registered);
        if ods_code.is_not_returned() && low.is_not_returned() {
            return None;
        }
        let period =
            (!low.is_not_returned()).then(|| UsablePeriod { low, ..UsablePeriod::default() });
        Some(GpPractice { ods_code, period, ..GpPractice::default() })
    }
}

/// A blank cell says nothing: see [`ResponseRow::person`](crate::batch::file::ResponseRow::person).
fn of_cell<T>(text: &str, read: impl FnOnce(&str) -> Recorded<T>) -> Recorded<T> {
    if text.is_empty() { Recorded::NotReturned } else { read(text) }
}
