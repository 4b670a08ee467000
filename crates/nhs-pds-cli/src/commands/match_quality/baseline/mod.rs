//! The methods of other systems, as data.
//!
//! Each is described from public code or documents. They are run against the same simulator as the library.
//! They do not look at the returned person: they trust the service.

pub(crate) mod fhir;
pub(crate) mod smsp;

/// A part of a case that a query of the FHIR API has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Part {
    Given,
    /// The first three letters of the forename, and a wildcard.
    GivenStart,
    Family,
    /// The first three letters of the surname, and a wildcard.
    FamilyStart,
    Birth,
    /// Six months before the birth to six months after it.
    BirthRange,
    /// Day and month swapped, when the day is at most 12; without that, the query is not sent.
    BirthSwapped,
    Gender,
    Postcode,
    /// The first two characters of the postcode, and a wildcard.
    PostcodeStart,
    Email,
    Phone,
}

/// One query.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) fuzzy: bool,
    pub(crate) exact: bool,
    pub(crate) history: bool,
    pub(crate) parts: &'static [Part],
}

/// How a method concludes from the answers of its queries.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Rule {
    /// All queries are sent. The first person with a score of at least 0.95 counts; a second number with
    /// such a score, or only answers of several people, need a person, and so does any lower score.
    FirstOfHighScore,
    /// As [`FirstOfHighScore`](Self::FirstOfHighScore), and a lower score counts as no person.
    HighScoreOnly,
    /// The first answer with one person counts; several people need a person.
    First,
    /// The cascade of Mavis: several people at the first query lead to a query without history, and no
    /// person leads to the queries with wildcards. All people found must have one number.
    Cascade,
    /// A Spine Mini Service: the query, and if it finds none and `drop_given`, one without the forename.
    Smsp { postcode: bool, drop_given: bool },
}

/// A method of another system.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Baseline {
    /// The word of `--methods`.
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) rule: Rule,
    pub(crate) steps: &'static [Step],
    /// Whether given names are split at spaces, and notes in brackets are removed.
    pub(crate) cleans: bool,
}

use Part::{
    Birth, BirthRange, BirthSwapped, Email, Family, FamilyStart, Gender, Given, GivenStart, Phone,
    Postcode, PostcodeStart,
};

const GFD: &[Part] = &[Given, Family, Birth];
const ALL: &[Part] = &[Given, Family, Birth, Gender, Postcode, Email, Phone];
const GFD_RANGE_POSTCODE: &[Part] = &[Given, Family, BirthRange, Postcode];

const fn exact(parts: &'static [Part]) -> Step {
    Step { fuzzy: false, exact: true, history: false, parts }
}

const fn fuzzy(parts: &'static [Part]) -> Step {
    Step { fuzzy: true, exact: false, history: false, parts }
}

const fn plain(parts: &'static [Part]) -> Step {
    Step { fuzzy: false, exact: false, history: true, parts }
}

/// All methods.
pub(crate) const BASELINES: [Baseline; 8] = [
    Baseline {
        name: "smsp",
        title: "plain SMSP",
        rule: Rule::Smsp { postcode: true, drop_given: false },
        steps: &[],
        cleans: false,
    },
    Baseline {
        name: "mosaic",
        title: "Mosaic (drops the forename)",
        rule: Rule::Smsp { postcode: false, drop_given: true },
        steps: &[],
        cleans: false,
    },
    Baseline {
        name: "s1",
        title: "DfE S1",
        rule: Rule::FirstOfHighScore,
        steps: &[
            exact(GFD),
            exact(ALL),
            fuzzy(GFD),
            fuzzy(ALL),
            fuzzy(&[Given, Family, BirthRange]),
            fuzzy(&[Given, Family, BirthSwapped]),
        ],
        cleans: false,
    },
    Baseline {
        name: "s4v2",
        title: "DfE S4v2",
        rule: Rule::FirstOfHighScore,
        steps: &[
            plain(GFD),
            fuzzy(GFD),
            fuzzy(ALL),
            plain(GFD_RANGE_POSTCODE),
            fuzzy(GFD_RANGE_POSTCODE),
        ],
        cleans: true,
    },
    Baseline {
        name: "s5",
        title: "DfE S5",
        rule: Rule::FirstOfHighScore,
        steps: &[
            plain(GFD),
            fuzzy(GFD),
            fuzzy(&[Family, BirthRange, Gender, Postcode]),
            // PDS refuses this one: a fuzzy query needs a forename or a gender.
            fuzzy(&[Family, BirthRange, Postcode]),
            fuzzy(ALL),
            plain(GFD_RANGE_POSTCODE),
            fuzzy(GFD_RANGE_POSTCODE),
        ],
        cleans: true,
    },
    Baseline {
        name: "successor",
        title: "DfE successor",
        rule: Rule::HighScoreOnly,
        steps: &[fuzzy(ALL)],
        cleans: false,
    },
    Baseline {
        name: "mavis",
        title: "Mavis",
        rule: Rule::Cascade,
        steps: &[
            plain(&[Given, Family, Birth, Postcode]),
            Step {
                fuzzy: false,
                exact: false,
                history: false,
                parts: &[Given, Family, Birth, Postcode],
            },
            plain(&[Given, Family, Birth, PostcodeStart]),
            plain(&[GivenStart, Family, Birth, Postcode]),
            plain(&[Given, FamilyStart, Birth, Postcode]),
        ],
        cleans: false,
    },
    Baseline {
        name: "pds_advice",
        title: "PDS's advice",
        rule: Rule::First,
        steps: &[plain(&[GivenStart, Family, Birth, PostcodeStart])],
        cleans: false,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_differ_and_the_cascade_has_its_five_queries() {
        let mut names: Vec<&str> = BASELINES.iter().map(|baseline| baseline.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), BASELINES.len());
        for baseline in BASELINES {
            if baseline.rule == Rule::Cascade {
                assert_eq!(baseline.steps.len(), 5);
            }
        }
    }
}
