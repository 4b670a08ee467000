/// A column that is read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(usize)]
pub(super) enum Column {
    Reference,
    Requested,
    Family,
    Given,
    OtherGiven,
    Gender,
    Born,
    Died,
    Address1,
    Address2,
    Address3,
    Address4,
    Address5,
    Postcode,
    Practice,
    Registered,
    Telephone,
    Mobile,
    Email,
    Sensitivity,
    Code,
    Matched,
    Algorithm,
    Confidence,
    DeathStatus,
    /// The posting of the central register: `D` is a death. Only the DBS has it.
    Posting,
    FamilyScore,
    GivenScore,
    BornScore,
    GenderScore,
    PostcodeScore,
}

/// The number of columns that are read.
const COUNT: usize = Column::PostcodeScore as usize + 1;

/// A place at which no record has a cell.
const ABSENT: usize = usize::MAX;

/// The lines of the address.
pub(super) const ADDRESS: [Column; 5] =
    [Column::Address1, Column::Address2, Column::Address3, Column::Address4, Column::Address5];

/// Where a record has the columns.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Places([usize; COUNT]);

/// The first line of a PDS MESH response: each column by its name, in capitals, with `_` for a space, a hyphen or a
/// slash. Published files spell some names in two ways.
const PDS_MESH: [(&str, Column); 39] = [
    ("UNIQUE_REFERENCE", Column::Reference),
    ("ERROR_SUCCESS_CODE", Column::Code),
    ("MATCHED_NHS_NO", Column::Matched),
    ("MATCHED_NHS_NUMBER", Column::Matched),
    ("REQ_NHS_NUMBER", Column::Requested),
    ("REQ_NHS_NO", Column::Requested),
    ("FAMILY_NAME", Column::Family),
    ("GIVEN_NAME", Column::Given),
    ("OTHER_GIVEN_NAME", Column::OtherGiven),
    ("GENDER", Column::Gender),
    ("DATE_OF_BIRTH", Column::Born),
    ("DATE_OF_DEATH", Column::Died),
    ("ADDRESS_LINE1", Column::Address1),
    ("ADDRESS_LINE2", Column::Address2),
    ("ADDRESS_LINE3", Column::Address3),
    ("ADDRESS_LINE4", Column::Address4),
    ("ADDRESS_LINE5", Column::Address5),
    ("ADDRESS_LINE_1", Column::Address1),
    ("ADDRESS_LINE_2", Column::Address2),
    ("ADDRESS_LINE_3", Column::Address3),
    ("ADDRESS_LINE_4", Column::Address4),
    ("ADDRESS_LINE_5", Column::Address5),
    ("POSTCODE", Column::Postcode),
    ("POST_CODE", Column::Postcode),
    ("GP_PRACTICE_CODE", Column::Practice),
    ("GP_REGISTRATION_DATE", Column::Registered),
    ("TELEPHONE_NUMBER", Column::Telephone),
    ("MOBILE_NUMBER", Column::Mobile),
    ("EMAIL_ADDRESS", Column::Email),
    ("SENSITIVITY_FLAG", Column::Sensitivity),
    ("SENSITIVTY_FLAG", Column::Sensitivity),
    ("MATCHED_ALGORITHM_INDICATOR", Column::Algorithm),
    ("MATCHED_CONFIDENCE_PERCENTAGE", Column::Confidence),
    ("DEATH_NOTIFICATION_STATUS", Column::DeathStatus),
    ("ALGORITHMIC_TRACE_FAMILY_NAME_SCORE_PERC", Column::FamilyScore),
    ("ALGORITHMIC_TRACE_GIVEN_NAME_SCORE_PERC", Column::GivenScore),
    ("ALGORITHMIC_TRACE_DOB_SCORE_PERC", Column::BornScore),
    ("ALGORITHMIC_TRACE_GENDER_SCORE_PERC", Column::GenderScore),
    ("ALGORITHMIC_TRACE_POSTCODE_SCORE_PERC", Column::PostcodeScore),
];

/// The first line of a DBS response that a later program has given names.
const DBS: [(&str, Column); 14] = [
    ("RECORD_TYPE", Column::Code),
    ("LOCAL_PID", Column::Reference),
    ("TRACE_RESULT_NEW_NHS_NUMBER", Column::Matched),
    ("RETURNED_SURNAME", Column::Family),
    ("RETURNED_FIRST_FORENAME", Column::Given),
    ("RETURNED_DATE_OF_BIRTH", Column::Born),
    ("RETURNED_DATE_OF_DEATH", Column::Died),
    ("RETURNED_ADDRESS_LINE_1", Column::Address1),
    ("RETURNED_ADDRESS_LINE_2", Column::Address2),
    ("RETURNED_ADDRESS_LINE_3", Column::Address3),
    ("RETURNED_ADDRESS_LINE_4", Column::Address4),
    ("RETURNED_ADDRESS_LINE_5", Column::Address5),
    ("RETURNED_POSTCODE", Column::Postcode),
    ("RETURNED_CURRENT_CENTRAL_REGISTER_POSTING", Column::Posting),
];

/// The columns without which a response has no meaning.
const NEEDED: [Column; 3] = [Column::Reference, Column::Code, Column::Matched];

/// Why a first line is not that of a response.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum HeaderFault {
    /// It names none of the columns that are needed.
    Unknown,
    /// It names some, and not these.
    Missing(String),
    /// It names this column twice.
    Twice(&'static str),
}

/// The names of a kind of response.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Names {
    PdsMesh,
    Dbs,
}

impl Names {
    const fn table(self) -> &'static [(&'static str, Column)] {
        match self {
            Self::PdsMesh => &PDS_MESH,
            Self::Dbs => &DBS,
        }
    }

    /// The places of the columns in a first line with these names.
    pub(super) fn places<'a>(
        self,
        header: impl Iterator<Item = &'a str>,
    ) -> Result<Places, HeaderFault> {
        let mut places = [ABSENT; COUNT];
        for (at, heading) in header.enumerate() {
            let heading = normal(heading);
            let Some((name, column)) = self.table().iter().find(|(name, _)| *name == heading)
            else {
                continue;
            };
            if let Some(place) = places.get_mut(*column as usize) {
                if *place != ABSENT {
                    return Err(HeaderFault::Twice(name));
                }
                *place = at;
            }
        }
        let places = Places(places);
        let missing: Vec<&str> =
            NEEDED.into_iter().filter(|it| !places.has(*it)).map(|it| self.name(it)).collect();
        match missing.len() {
            0 => Ok(places),
            len if len == NEEDED.len() => Err(HeaderFault::Unknown),
            _ => Err(HeaderFault::Missing(missing.join(", "))),
        }
    }

    fn name(self, column: Column) -> &'static str {
        let name = self.table().iter().find(|(_, named)| *named == column);
        name.map_or("", |(name, _)| *name)
    }
}

fn normal(heading: &str) -> String {
    let joined = |letter: char| matches!(letter, ' ' | '-' | '/');
    heading.trim().to_ascii_uppercase().replace(joined, "_")
}

/// The columns of a response of the Master Patient Trace, which has no names. Columns that are not read are `None`.
const MPT: [Option<Column>; 33] = [
    Some(Column::Reference),
    Some(Column::Requested),
    Some(Column::Family),
    Some(Column::Given),
    Some(Column::OtherGiven),
    Some(Column::Gender),
    Some(Column::Born),
    Some(Column::Died),
    Some(Column::Address1),
    Some(Column::Address2),
    Some(Column::Address3),
    Some(Column::Address4),
    Some(Column::Address5),
    Some(Column::Postcode),
    Some(Column::Practice),
    // NHAIS_POSTING_ID, AS_AT_DATE, LOCAL_PATIENT_ID, INTERNAL_ID
    None,
    None,
    None,
    None,
    Some(Column::Telephone),
    Some(Column::Mobile),
    Some(Column::Email),
    Some(Column::Sensitivity),
    // MPS_ID
    None,
    Some(Column::Code),
    Some(Column::Matched),
    Some(Column::Algorithm),
    Some(Column::Confidence),
    Some(Column::FamilyScore),
    Some(Column::GivenScore),
    Some(Column::BornScore),
    Some(Column::GenderScore),
    Some(Column::PostcodeScore),
];

/// The place of GP_REGISTRATION_DATE in files that have it.
const REGISTERED: usize = 15;

/// Where a response of the DBS without names has the columns, by users of that service.
const DBS_PLACES: [(usize, Column); 14] = [
    (0, Column::Code),
    (1, Column::Reference),
    (3, Column::Matched),
    (29, Column::Born),
    (33, Column::Died),
    (35, Column::Family),
    (37, Column::Given),
    (43, Column::Gender),
    (45, Column::Address1),
    (47, Column::Address2),
    (49, Column::Address3),
    (51, Column::Address4),
    (53, Column::Address5),
    (55, Column::Postcode),
];

impl Places {
    /// A response of the Master Patient Trace, without or with GP_REGISTRATION_DATE.
    pub(super) fn mpt(has_registration: bool) -> Self {
        let shift = |at: usize| if has_registration && at >= REGISTERED { at + 1 } else { at };
        let columns = MPT.into_iter().enumerate();
        let mut places = Self::of(columns.filter_map(|(at, column)| Some((shift(at), column?))));
        if has_registration {
            places.set(REGISTERED, Column::Registered);
        }
        places
    }

    /// A response of the DBS.
    pub(super) fn dbs() -> Self {
        Self::of(DBS_PLACES.into_iter())
    }

    fn of(columns: impl Iterator<Item = (usize, Column)>) -> Self {
        let mut places = Self([ABSENT; COUNT]);
        columns.for_each(|(at, column)| places.set(at, column));
        places
    }

    fn set(&mut self, at: usize, column: Column) {
        if let Some(place) = self.0.get_mut(column as usize) {
            *place = at;
        }
    }

    pub(super) fn has(&self, column: Column) -> bool {
        self.of_column(column) != ABSENT
    }

    /// The place of a column. No record has a cell at the place of an absent column.
    pub(super) fn of_column(&self, column: Column) -> usize {
        self.0.get(column as usize).copied().unwrap_or(ABSENT)
    }
}
