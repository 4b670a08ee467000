//! Placeholder texts that local systems use where there is no value.

use crate::demographics::name_form;
use std::sync::LazyLock;

/// The placeholders. A data file, because they come from local systems.
const PLACEHOLDERS: &str = include_str!("../../reference/placeholders.txt");

/// Whether `text` names no worker: it is blank or a placeholder.
#[must_use]
pub(crate) fn is_no_worker(text: &str) -> bool {
    says_nothing(text) || is_listed(text, &["any", "worker"])
}

/// Whether `text` means that there is no NHS Number, or no source of a number: it is blank or a
/// placeholder.
///
/// Digits and `#` are the remains of a number: `0000000000`, `#####`, `#N/A`.
#[must_use]
#[cfg(any(feature = "csv", test))]
pub(crate) fn is_no_number(text: &str) -> bool {
    let left = |c: char| c.is_numeric() || c == '#';
    !text.chars().any(left) && (says_nothing(text) || is_listed(text, &["any", "number"]))
}

/// Whether `text` is a placeholder for a surname that is not known or not yet given. Blank text is
/// not.
#[must_use]
pub(crate) fn is_no_surname(text: &str) -> bool {
    is_no_name(text, &["any", "name"])
}

/// Whether `text` is a placeholder for a forename that is not known or not yet given. Blank text is
/// not.
#[must_use]
pub(crate) fn is_no_forename(text: &str) -> bool {
    is_no_name(text, &["any", "name", "forename"])
}

fn is_no_name(text: &str, sections: &[&str]) -> bool {
    let text = name_form(text);
    !text.is_empty() && (says_nothing(&text) || is_listed(&text, sections))
}

/// Whether the text has no letter, and no digit except zero.
fn says_nothing(text: &str) -> bool {
    !text.chars().any(|c| c.is_alphanumeric() && c != '0')
}

fn is_listed(text: &str, sections: &[&str]) -> bool {
    let words = form(text);
    ENTRIES.iter().any(|(section, entry)| sections.contains(section) && matches(entry, &words))
}

/// Every entry with its section. A worker asks about several texts of each case.
static ENTRIES: LazyLock<Vec<(&str, &str)>> = LazyLock::new(|| entries().collect());

fn entries() -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = PLACEHOLDERS.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .scan("", |section, line| {
            let heading = line.strip_prefix('[').and_then(|line| line.strip_suffix(']'));
            *section = heading.unwrap_or(section);
            Some(heading.is_none().then_some((*section, line)))
        })
        .flatten()
}

fn matches(entry: &str, words: &str) -> bool {
    match (entry.strip_prefix("* "), entry.strip_suffix(" *")) {
        (Some(word), _) => words.split(' ').any(|it| it == word.trim_end_matches(" *")),
        (None, Some(start)) => {
            words.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        }
        (None, None) => words == entry,
    }
}

/// In capitals, with one space in place of all other characters than letters and digits, and
/// between a letter and a digit.
fn form(text: &str) -> String {
    let upper = name_form(text).to_uppercase();
    let words = upper
        .split(|c: char| !c.is_alphanumeric())
        .flat_map(|word| word.as_bytes().chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit()));
    // Split only beside ASCII digits, so each part is UTF-8.
    let words = words.filter_map(|word| std::str::from_utf8(word).ok());
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_in_normalised_form() {
        for (section, entry) in entries() {
            assert!(
                ["any", "worker", "number", "name", "forename"].contains(&section),
                "{section}"
            );
            let bare = entry.trim_start_matches("* ").trim_end_matches(" *");
            assert_eq!(form(bare), bare, "{entry}");
        }
    }

    #[test]
    fn placeholders_in_every_field() {
        for text in [
            "NULL",
            "null",
            "N/A",
            "n/a",
            "n.a.",
            "(N/A)",
            "-",
            "--",
            "?",
            ".",
            "...",
            "UNKNOWN",
            "Unknown",
            "\u{201C}unknown\u{201D}",
            "TBC",
            "tbc.",
            "T.B.C",
            "None",
            "Not\u{A0}Known",
            "not-known",
            "not_known",
            "XXX",
            "xx",
            "Test",
            "Unknown person",
            "nu\u{200B}ll",
            "Not supplied",
            "NOT DISCLOSED",
            "Unknown1",
        ] {
            assert!(is_no_worker(text), "{text}");
            assert!(is_no_surname(text), "{text}");
            assert!(is_no_forename(text), "{text}");
        }
    }

    #[test]
    fn placeholders_in_some_fields_only() {
        for text in ["", " ", "NA", "NaN", "Nobody", "Unallocated - duty", "Vacant", "0", "00"] {
            assert!(is_no_worker(text), "{text}");
        }
        for text in ["", " ", "\u{200B}", "NA", "Na", "Nan", "Blank", "Default", "Nobody"] {
            assert!(!is_no_surname(text) && !is_no_forename(text), "{text}");
        }
        for text in [
            "Baby",
            "BABY",
            "Baby Girl",
            "Baby of Jane",
            "Unborn",
            "Smith (unborn)",
            "Unborn baby",
            "Twin 1",
            "TWIN II",
            "Twin",
            "B/O Smith",
            "Infant",
            "Newborn",
            "Twin1",
            "1TWIN",
            "TWINB",
            "twina",
            "Twin2Smith",
            "Second Twin",
            "Baby1",
            "Babygirl",
            "BABYBOY",
            "Smith (Baby)",
            "Smith-Baby",
            "Third triplet",
            "TripletC",
            "000",
            "0",
        ] {
            assert!(is_no_surname(text) && is_no_forename(text), "{text}");
        }
        for text in ["Male", "Female", "Boy", "Girl 2", "Child"] {
            assert!(is_no_forename(text) && !is_no_surname(text) && !is_no_worker(text), "{text}");
        }
    }

    #[test]
    fn names_and_workers_that_resemble_placeholders() {
        for text in [
            "Nulla",
            "Nuller",
            "Babych",
            "Babylon",
            "Babyak",
            "Babygirlova",
            "Twinn",
            "Twining",
            "Twinberrow",
            "Entwin",
            "Triplett",
            "Babs",
            "Testa",
            "Unknownson",
            "Xu",
            "X Æ",
            "Ng",
            "O",
            "Nona",
            "Nilsson",
            "Li",
            "\u{674E}",
            "Missing-Link",
            "Infantino",
            "Boyd",
            "Malena",
            "Bo",
            "O'Brien",
        ] {
            assert!(!is_no_surname(text) && !is_no_forename(text), "{text}");
        }
        for text in
            ["A Worker", "12345", "10", "W0", "a", "Baby", "Mr Null Smith", "Duty Team", "Twin1"]
        {
            assert!(!is_no_worker(text), "{text}");
        }
    }

    #[test]
    fn placeholders_for_a_number_and_remains_of_a_number() {
        for text in [
            "",
            " ",
            "NULL",
            "N/A",
            "NA",
            "-",
            "UNKNOWN",
            "TBC",
            "NaN",
            "?",
            "No NHS number",
            "XXX",
        ] {
            assert!(is_no_number(text), "{text}");
        }
        for text in [
            "0",
            "0000000000",
            "#####",
            "#N/A",
            "#REF!",
            "9.43477E+09",
            "UNKNOWN 943",
            "TEST 1",
            "GP",
        ] {
            assert!(!is_no_number(text), "{text}");
        }
    }
}
