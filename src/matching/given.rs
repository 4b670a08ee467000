use std::fmt;

/// How well the given names of two records agree: the first rung of the ladder that applies.
///
/// The rungs are those used for CP-IS (child protection), and the initial, because the local system
/// may have only an initial. Names are separated by white space, without notes in brackets, and
/// compared without regard to spelling. A name that one side writes as
/// one word and the other as two (`Maryann`, `Mary Ann`) is one name. Familiar forms (Bob for
/// Robert) are different names. The rungs are in order, the best first.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GivenRung {
    /// Both sides have the same given names in the same order.
    AllInOrder,
    /// The first given names are the same.
    FirstIsFirst,
    /// The local system's first given name is another given name on PDS, for example when a person
    /// uses a middle name.
    FirstIsAny,
    /// Any given name of the local system is any given name on PDS.
    AnyIsAny,
    /// One side's first given name is the initial of the other's.
    Initial,
    /// No given name agrees.
    None,
}

impl GivenRung {
    /// A stable word: the variant's name in lower case, joined by `_`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AllInOrder => "all_in_order",
            Self::FirstIsFirst => "first_is_first",
            Self::FirstIsAny => "first_is_any",
            Self::AnyIsAny => "any_is_any",
            Self::Initial => "initial",
            Self::None => "none",
        }
    }

    /// The rung for names in the form of `given_names`.
    pub(super) fn of(local: &[String], pds: &[String]) -> Self {
        let (Some(ours), Some(theirs)) = (local.first(), pds.first()) else { return Self::None };
        let any = |name| pds.contains(name);
        if local.concat() == pds.concat() {
            Self::AllInOrder
        } else if is_run(local, theirs) || is_run(pds, ours) {
            Self::FirstIsFirst
        } else if any(ours) {
            Self::FirstIsAny
        } else if local.iter().any(any) {
            Self::AnyIsAny
        } else if is_initial(ours, theirs) {
            Self::Initial
        } else {
            Self::None
        }
    }
}

impl fmt::Display for GivenRung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether given names with the same first name have no contradiction. One side may have more names,
/// or an initial in place of a name.
pub(super) fn are_compatible(local: &[String], pds: &[String]) -> bool {
    is_run(local, &pds.concat())
        || is_run(pds, &local.concat())
        || local.iter().zip(pds).all(|(ours, theirs)| ours == theirs || is_initial(ours, theirs))
}

/// Whether the first one or more of `names`, joined, are `name`.
fn is_run(names: &[String], name: &str) -> bool {
    let mut rest = name;
    for name in names {
        match rest.strip_prefix(name.as_str()) {
            Some("") => return true,
            Some(more) => rest = more,
            None => return false,
        }
    }
    false
}

/// Whether one name is a single letter that begins the other.
fn is_initial(a: &str, b: &str) -> bool {
    let one_letter = |text: &str| text.chars().nth(1).is_none();
    (one_letter(a) || one_letter(b)) && a.chars().next() == b.chars().next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matching::normalise::given_names;

    fn rung(local: &str, pds: &[&str]) -> GivenRung {
        GivenRung::of(&given_names(local), &given_names(&pds.join(" ")))
    }

    #[test]
    fn the_first_rung_that_applies() {
        for (local, pds, expected) in [
            ("Ann", &["ANN"][..], GivenRung::AllInOrder),
            ("Ann Marie", &["ANN", "MARIE"], GivenRung::AllInOrder),
            ("Ann-Marie", &["ANN", "MARIE"], GivenRung::AllInOrder),
            ("Annmarie", &["ANN-MARIE"], GivenRung::AllInOrder),
            ("Ann", &["ANN", "MARIE"], GivenRung::FirstIsFirst),
            ("Ann Marie", &["ANN"], GivenRung::FirstIsFirst),
            ("Ann Marie", &["ANNMARIE", "JOY"], GivenRung::FirstIsFirst),
            ("Annmarie Joy", &["ANN", "MARIE"], GivenRung::FirstIsFirst),
            ("Ann Joy", &["ANN", "MARIE"], GivenRung::FirstIsFirst),
            ("Marie", &["ANN", "MARIE"], GivenRung::FirstIsAny),
            ("Marie Ann", &["ANN", "MARIE"], GivenRung::FirstIsAny),
            ("Joy Marie", &["ANN", "MARIE"], GivenRung::AnyIsAny),
            ("Joy Ann", &["ANN", "MARIE"], GivenRung::AnyIsAny),
            ("A.", &["ANN", "MARIE"], GivenRung::Initial),
            ("Ann", &["A"], GivenRung::Initial),
            ("Anna", &["ANN"], GivenRung::None),
            ("Bob", &["ROBERT"], GivenRung::None),
            ("M", &["ANN", "MARIE"], GivenRung::None),
            ("Ann", &["ANN-MARIE"], GivenRung::None),
        ] {
            assert_eq!(rung(local, pds), expected, "{local} {pds:?}");
        }
    }

    #[test]
    fn given_names_that_contradict_each_other() {
        let compatible = |a: &str, b: &str| are_compatible(&given_names(a), &given_names(b));
        assert!(compatible("Ann", "ANN MARIE") && compatible("Ann Marie Joy", "ANN"));
        assert!(compatible("Ann M", "ANN MARIE") && compatible("Ann Marie", "ANNMARIE JOY"));
        assert!(!compatible("Ann Joy", "ANN MARIE") && !compatible("Ann M Joy", "ANN MARIE ROSE"));
    }
}
