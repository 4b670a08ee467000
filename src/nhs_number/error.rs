//! Why text is not an NHS Number.

/// Why text is not an NHS Number. The error never contains the text, so it may be logged and
/// counted.
///
/// ```
/// use nhs_pds::nhs_number::{NhsNumber, ParseError};
///
/// let error = "943 476 591O".parse::<NhsNumber>().unwrap_err();
/// assert_eq!(error, ParseError::Character);
/// assert_eq!(error.as_str(), "character");
/// ```
// As wide as a number, so that a verdict is returned in a pair of registers and not through memory.
#[repr(u64)]
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum ParseError {
    /// A character that is not an ASCII digit, or a space or hyphen in a wrong place. Full-width
    /// and other Unicode digits count as characters. Correct the data.
    // Programs read this text: `nhs-pds check` prints it.
    #[error("an NHS Number holds digits only, or groups of 3, 3 and 4 digits")]
    Character,
    /// The last digit does not follow from the first nine (Modulus 11): usually a typing error.
    /// Correct the data from the person's documents or by a trace. Never change only the last
    /// digit.
    #[error("the check digit of an NHS Number is wrong")]
    CheckDigit,
    /// Not exactly ten digits. A spreadsheet may have removed a leading zero from a number of nine
    /// digits. Correct the data.
    #[error("an NHS Number has ten digits")]
    Length,
    /// 0000000000 or 9999999999. Both pass Modulus 11 and mean "no match" and "several matches" in
    /// responses of the Personal Demographics Service. Treat the number as not known, and trace the
    /// person.
    #[error("a placeholder is not an NHS Number")]
    Placeholder,
    /// No check digit exists for the first nine digits (Modulus 11 gives 10), so more than the last
    /// digit is wrong. Correct the data.
    #[error("no NHS Number begins with these nine digits")]
    Remainder10,
}

impl ParseError {
    /// A short word for this kind, for reports and metrics. Words stay the same between versions.
    ///
    /// ```
    /// # use nhs_pds::nhs_number::ParseError;
    /// assert_eq!(ParseError::CheckDigit.as_str(), "check-digit");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Character => "character",
            Self::CheckDigit => "check-digit",
            Self::Length => "length",
            Self::Placeholder => "placeholder",
            Self::Remainder10 => "remainder-10",
        }
    }
}
