use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a number must not be written unattended, whatever the [`Risk`](crate::matching::Risk).
///
/// Contains nothing about the person.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Veto {
    /// Another person returned is about as likely.
    AnotherCandidate,
    /// Family name, birth and address agree, and the given name is another: perhaps a twin.
    Twin,
    /// Family name and address agree, and birth and given name are others: perhaps a brother or sister.
    Sibling,
    /// One name at one address, and another birth: perhaps parent and child.
    ParentOrChild,
    /// Gender and given name both differ.
    GenderAndGiven,
    /// Family name, given name or birth is not known to the case, was not returned, or is not exact.
    Incomplete,
    /// A search with wildcards found the person, and the deployment has not assessed such searches
    /// (MSCA-PDS-07).
    Wildcard,
    /// The service itself is not certain: its search is not exact, or its score is below the highest.
    UncertainService,
}

impl Veto {
    /// Returns a stable word: the variant's name in lower case, joined by `_`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AnotherCandidate => "another_candidate",
            Self::Twin => "twin",
            Self::Sibling => "sibling",
            Self::ParentOrChild => "parent_or_child",
            Self::GenderAndGiven => "gender_and_given",
            Self::Incomplete => "incomplete",
            Self::Wildcard => "wildcard",
            Self::UncertainService => "uncertain_service",
        }
    }

    /// The reason in words, for a person who decides.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::AnotherCandidate => "another person is about as likely",
            Self::Twin => {
                "family name, birth and address agree and the given name differs: perhaps a twin"
            }
            Self::Sibling => {
                "family name and address agree and birth and given name differ: perhaps a brother or sister"
            }
            Self::ParentOrChild => {
                "one name at one address with another birth: perhaps parent and child"
            }
            Self::GenderAndGiven => "gender and given name both differ",
            Self::Incomplete => "a name or the date of birth is missing or not exact",
            Self::Wildcard => "found by a search with wildcards, which a person must confirm",
            Self::UncertainService => "the service itself is not certain of the match",
        }
    }
}

impl fmt::Display for Veto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
