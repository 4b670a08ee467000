use crate::batch::file::code::RecordCode;
use crate::batch::reference::Reference;
use crate::demographics::Demographics;
use crate::nhs_number::NhsNumber;
use crate::trace::Score;
use std::fmt;

/// A row of a response.
///
/// [`finding`](Self::finding) says what it means. The other methods return what the row contains, for the audit trail
/// and for a person who compares.
#[derive(Clone, PartialEq)]
pub struct ResponseRow {
    pub(super) line: u64,
    pub(super) reference: Reference,
    pub(super) code: RecordCode,
    pub(super) matched: MatchedNumber,
    pub(super) requested: Option<NhsNumber>,
    /// Whether the file has a column for the number of the request.
    pub(super) repeats: bool,
    pub(super) unreadable: Unreadable,
    pub(super) algorithm: Option<Algorithm>,
    pub(super) confidence: Option<Score>,
    pub(super) scores: FieldScores,
    pub(super) sensitivity: Option<Sensitivity>,
    pub(super) death: Option<DeathStatus>,
    pub(super) person: Demographics,
}

impl ResponseRow {
    /// Returns the line of the file on which the row begins; the first line is 1.
    #[must_use]
    pub const fn line(&self) -> u64 {
        self.line
    }

    /// Returns the reference of the request.
    #[must_use]
    pub const fn reference(&self) -> &Reference {
        &self.reference
    }

    /// Returns the code.
    #[must_use]
    pub const fn code(&self) -> RecordCode {
        self.code
    }

    /// Returns the number that PDS has found.
    #[must_use]
    pub const fn matched(&self) -> MatchedNumber {
        self.matched
    }

    /// Returns the number of the request, if the row repeats it and it can be read.
    #[must_use]
    pub const fn requested(&self) -> Option<NhsNumber> {
        self.requested
    }

    /// Returns how PDS has found the number. `None` when the row does not say.
    #[must_use]
    pub const fn algorithm(&self) -> Option<Algorithm> {
        self.algorithm
    }

    /// Returns how well the person matches, if the row says so.
    #[must_use]
    pub const fn confidence(&self) -> Option<Score> {
        self.confidence
    }

    /// Returns how well single fields match, if the row says so.
    #[must_use]
    pub const fn scores(&self) -> FieldScores {
        self.scores
    }

    /// Returns whether the confidence or the score of a field has a value that is not a percentage, or may be cut off.
    ///
    /// Such a row is not an exact match, although it has no low score.
    ///
    /// ```
    /// use nhs_pds::batch::file::{Entry, ResponseFile};
    ///
    /// let file = "UNIQUE REFERENCE,ERROR/SUCCESS_CODE,MATCHED_NHS_NO,MATCHED_CONFIDENCE_PERCENTAGE\n\
    ///     r-1,00,9990000018,100\n\
    ///     r-2,00,9990010013,HIGH\n";
    /// let rows = ResponseFile::open(file.as_bytes())?.collect::<Result<Vec<_>, _>>()?;
    /// let is_unreadable = |entry: &Entry| matches!(entry, Entry::Row(row) if row.has_unreadable_score());
    /// assert_eq!(rows.iter().map(is_unreadable).collect::<Vec<_>>(), [false, true]);
    /// # Ok::<(), nhs_pds::batch::file::FileError>(())
    /// ```
    #[must_use]
    pub const fn has_unreadable_score(&self) -> bool {
        self.unreadable.score
    }

    /// Returns the flag of the record, if it has one.
    #[must_use]
    pub const fn sensitivity(&self) -> Option<Sensitivity> {
        self.sensitivity
    }

    /// Returns how a death was notified, if it was.
    #[must_use]
    pub const fn death(&self) -> Option<DeathStatus> {
        self.death
    }

    /// Returns what PDS has recorded, as far as the row has it.
    ///
    /// A blank value counts as not returned. A row has a cell for each column, so a blank cell can mean recorded as blank,
    /// withheld, or not returned. To say "recorded as blank" could contradict a person, or delete valid data.
    #[must_use]
    pub const fn person(&self) -> &Demographics {
        &self.person
    }
}

impl fmt::Debug for ResponseRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A reference of another program may contain anything.
        f.debug_struct("ResponseRow")
            .field("line", &self.line)
            .field("code", &self.code)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

/// Values that are not blank and cannot be read.
#[derive(Clone, Copy, Default, PartialEq)]
pub(super) struct Unreadable {
    /// A score.
    pub(super) score: bool,
    /// The number of the request.
    pub(super) requested: bool,
}

/// The number in a row of a response (`MATCHED_NHS_NO`).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MatchedNumber {
    /// A number with the right check digit, and of more than one digit.
    Number(NhsNumber),
    /// `0000000000`: no match.
    NoMatch,
    /// `9999999999`: several matches.
    Several,
    /// Blank: no number.
    Blank,
    /// Text that is not an NHS Number, or a number of one repeated digit, such as `1111111111`.
    Unreadable,
}

impl MatchedNumber {
    /// Reads a cell without white space around it. Both sentinels pass the check of an NHS Number, so they are read first.
    /// A spreadsheet program writes `0` for the first. Another number of one repeated digit fills a column, as a rule.
    pub(super) fn read(cell: &[u8]) -> Self {
        let digits = || cell.iter().filter(|byte| !matches!(byte, b' ' | b'-'));
        let has_only = |digit: u8| digits().all(|byte| *byte == digit);
        match digits().count() {
            0 if cell.is_empty() => Self::Blank,
            1..=10 if has_only(b'0') => Self::NoMatch,
            10 if has_only(b'9') => Self::Several,
            _ => match NhsNumber::from_bytes(cell) {
                Ok(number) if !number.is_suspicious() => Self::Number(number),
                _ => Self::Unreadable,
            },
        }
    }
}

/// Reads a percentage, 0 to 100.
pub(super) fn percentage(text: &str) -> Option<Score> {
    let text = text.strip_suffix('%').unwrap_or(text);
    // `parse` reads `inf`, `1e2` and a sign too.
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let percent: f64 = text.parse().ok().filter(|_| is_plain)?;
    Score::new(percent / 100.0).ok()
}

/// How PDS has found a number (`MATCHED_ALGORITHM_INDICATOR`).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Algorithm {
    /// 0: no match.
    None,
    /// 1: by number and date of birth.
    CrossCheck,
    /// 2: the simple trace, which only the Master Patient Trace has.
    Simple,
    /// 3: by family name, gender and date of birth.
    Alphanumeric,
    /// 4: the algorithmic trace, with scores.
    Algorithmic,
    /// Another value.
    Other,
}

impl Algorithm {
    /// Reads a cell without white space around it. `None` when it is blank.
    pub(super) const fn read(cell: &[u8]) -> Option<Self> {
        Some(match cell {
            b"" => return None,
            b"0" => Self::None,
            b"1" => Self::CrossCheck,
            b"2" => Self::Simple,
            b"3" => Self::Alphanumeric,
            b"4" => Self::Algorithmic,
            _ => Self::Other,
        })
    }

    /// Returns a stable word: `none`, `cross_check`, `simple`, `alphanumeric`, `algorithmic` or `other`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::CrossCheck => "cross_check",
            Self::Simple => "simple",
            Self::Alphanumeric => "alphanumeric",
            Self::Algorithmic => "algorithmic",
            Self::Other => "other",
        }
    }
}

/// How well single fields match (`ALGORITHMIC_TRACE_…_SCORE_PERC`), from the algorithmic trace.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FieldScores {
    /// The family name.
    pub family: Option<Score>,
    /// The given name.
    pub given: Option<Score>,
    /// The date of birth.
    pub date_of_birth: Option<Score>,
    /// The gender.
    pub gender: Option<Score>,
    /// The postcode.
    pub postcode: Option<Score>,
}

/// The flag of a record (`SENSITIVITY_FLAG`).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Sensitivity {
    /// `S`: address, GP practice and contact details are withheld.
    Sensitive,
    /// `I`: the record is no longer valid.
    Invalid,
    /// Another flag.
    Other,
}

impl Sensitivity {
    /// Reads a cell without white space around it. `None` when it is blank.
    pub(super) const fn read(cell: &[u8]) -> Option<Self> {
        Some(match cell {
            b"" => return None,
            b"S" | b"s" => Self::Sensitive,
            b"I" | b"i" => Self::Invalid,
            _ => Self::Other,
        })
    }
}

/// How a death was notified (`DEATH_NOTIFICATION_STATUS`).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum DeathStatus {
    /// 1: informal. It may be corrected.
    Informal,
    /// 2: formal, by a registrar.
    Formal,
}

impl DeathStatus {
    /// Reads a cell without white space around it. `None` when it says nothing of a death.
    pub(super) const fn read(cell: &[u8]) -> Option<Self> {
        match cell {
            b"1" => Some(Self::Informal),
            b"2" => Some(Self::Formal),
            _ => None,
        }
    }
}
