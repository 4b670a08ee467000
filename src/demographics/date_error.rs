/// Why text is not a date. The error never contains the text.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DateError {
    /// The calendar has no such date or time. Correct the data.
    #[error("the calendar has no such date or time")]
    Calendar,
    /// Digits or hyphens are not where the format requires them. Correct the data.
    #[error(
        "a date is written YYYY-MM-DD or YYYYMMDD, or YYYY-MM or YYYY when the day or month is not known"
    )]
    Format,
    /// Month or day is missing where a full date is required. Complete the data, or make an
    /// attended query.
    #[error("a full date, with year, month and day, is required")]
    Partial,
}
