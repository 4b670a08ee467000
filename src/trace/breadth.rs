use std::fmt;

/// How a search may match a record beyond the criteria being equal to the record's present fields.
///
/// A service that does not support a breadth refuses the question; [`Tracer::permits`](crate::trace::Tracer::permits)
/// says which it supports. Every service supports [`Exact`](Self::Exact).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Breadth {
    /// Every criterion equals a field of the present record.
    #[default]
    Exact,
    /// Former names and addresses match too.
    History,
    /// As [`History`](Self::History). Besides, the given name matches by its first three letters, and the
    /// postcode by its area, such as `LS*`. What such a search finds is for a person to confirm
    /// (MSCA-PDS-07).
    Wildcard,
    /// Names that sound alike or are swapped match too, and so do former ones. The
    /// postcode does not narrow the search.
    Fuzzy,
}

impl Breadth {
    /// All breadths, from the narrowest.
    pub const ALL: [Self; 4] = [Self::Exact, Self::History, Self::Wildcard, Self::Fuzzy];

    /// Returns a stable word: the variant's name in lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::History => "history",
            Self::Wildcard => "wildcard",
            Self::Fuzzy => "fuzzy",
        }
    }

    /// Whether the service itself compares every criterion whole, so that a match shows that each criterion
    /// is or was a field of the record.
    #[must_use]
    pub const fn compares_whole_fields(self) -> bool {
        matches!(self, Self::Exact | Self::History)
    }
}

impl fmt::Display for Breadth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
