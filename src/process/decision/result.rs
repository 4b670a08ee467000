use std::fmt;

/// The result of a run for one eligible case.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TraceResult {
    /// The number was written.
    Found,
    /// The case's NHS Number was matched and validated.
    Verified,
    /// The number was replaced, and the new one was written.
    Replaced,
    /// The date of death was written, and the number written or confirmed.
    Deceased,
    /// The number was written from a provider's copy, and will be traced again.
    Stale,
    /// No person matches.
    None,
    /// Several people match.
    Ambiguous,
    /// The number was replaced, but the new number is unknown or unconfirmed; nothing was written.
    Superseded,
    /// The number is no longer valid.
    Invalidated,
    /// The number is in use, but the demographics do not match well enough.
    NotVerified,
    /// The returned person does not match, or the match cannot be confirmed; nothing was written.
    Differs,
    /// The number found is not the case's NHS Number; nothing was written.
    Conflict,
    /// Another case has the number found; nothing was written.
    Duplicate,
    /// The person found has died, but the date of death cannot be read; nothing was written.
    DeathUndated,
    /// The service rejected the data.
    Rejected,
    /// There was no answer; the case will be traced again.
    Unavailable,
    /// The response could not be understood.
    Unreadable,
    /// The service refused the configuration, and queries ended.
    Configuration,
    /// Another program changed the case meanwhile; left for the next run.
    ConflictOnSave,
    /// Queries ended before this case's turn.
    NotAsked,
}

impl TraceResult {
    /// Returns a stable word for reports, metrics and a case's last trace: the variant's name in
    /// lower case, joined by `_`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::Verified => "verified",
            Self::Replaced => "replaced",
            Self::Deceased => "deceased",
            Self::Stale => "stale",
            Self::None => "none",
            Self::Ambiguous => "ambiguous",
            Self::Superseded => "superseded",
            Self::Invalidated => "invalidated",
            Self::NotVerified => "not_verified",
            Self::Differs => "differs",
            Self::Conflict => "conflict",
            Self::Duplicate => "duplicate",
            Self::DeathUndated => "death_undated",
            Self::Rejected => "rejected",
            Self::Unavailable => "unavailable",
            Self::Unreadable => "unreadable",
            Self::Configuration => "configuration",
            Self::ConflictOnSave => "conflict_on_save",
            Self::NotAsked => "not_asked",
        }
    }
}

impl fmt::Display for TraceResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::to_value;

    #[test]
    fn a_result_has_its_word_as_json() {
        use TraceResult::{
            Ambiguous, Configuration, Conflict, ConflictOnSave, DeathUndated, Deceased, Differs,
            Duplicate, Found, Invalidated, None, NotAsked, NotVerified, Rejected, Replaced, Stale,
            Superseded, Unavailable, Unreadable, Verified,
        };

        for result in [
            Found,
            Verified,
            Replaced,
            Deceased,
            Stale,
            None,
            Ambiguous,
            Superseded,
            Invalidated,
            NotVerified,
            Differs,
            Conflict,
            Duplicate,
            DeathUndated,
            Rejected,
            Unavailable,
            Unreadable,
            Configuration,
            ConflictOnSave,
            NotAsked,
        ] {
            assert_eq!(to_value(result).unwrap(), result.as_str());
        }
    }
}
