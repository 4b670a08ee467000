//! Texts that local systems hold where there is no value.

use crate::demographics::name_form;

/// The texts. Data, because they are the local systems' habits.
const PLACEHOLDERS: &str = include_str!("../../reference/placeholders.txt");

/// Whether `text` names no worker: it is blank or stands for no value.
#[must_use]
pub(crate) fn is_no_worker(text: &str) -> bool {
    says_nothing(text) || is_listed(text, &["any", "worker"])
}

/// Whether `text` stands where a surname is not known, or not given yet. A blank text does not.
#[must_use]
pub(crate) fn is_no_surname(text: &str) -> bool {
    is_no_name(text, &["any", "name"])
}

/// Whether `text` stands where a forename is not known, or not given yet. A blank text does not.
#[must_use]
pub(crate) fn is_no_forename(text: &str) -> bool {
    is_no_name(text, &["any", "name", "forename"])
}

fn is_no_name(text: &str, sections: &[&str]) -> bool {
    let text = name_form(text);
    !text.is_empty() && (says_nothing(&text) || is_listed(&text, sections))
}

/// Whether there is neither a letter nor a digit but zero.
fn says_nothing(text: &str) -> bool {
    !text.chars().any(|c| c.is_alphanumeric() && c != '0')
}

fn is_listed(text: &str, sections: &[&str]) -> bool {
    let words = form(text);
    entries().any(|(section, entry)| sections.contains(&section) && matches(entry, &words))
}

/// Every entry with its section.
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

/// In capitals, with one space wherever there is anything but letters and digits.
fn form(text: &str) -> String {
    let upper = name_form(text).to_uppercase();
    let words = upper.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_in_the_form_that_is_looked_up() {
        for (section, entry) in entries() {
            assert!(["any", "worker", "name", "forename"].contains(&section), "{section}");
            let bare = entry.trim_start_matches("* ").trim_end_matches(" *");
            assert_eq!(form(bare), bare, "{entry}");
        }
    }

    #[test]
    fn what_stands_for_no_value_in_every_field() {
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
        ] {
            assert!(is_no_worker(text), "{text}");
            assert!(is_no_surname(text), "{text}");
            assert!(is_no_forename(text), "{text}");
        }
    }

    #[test]
    fn what_is_a_value_in_one_field_and_none_in_another() {
        for text in ["", " ", "NA", "Nobody", "Unallocated - duty", "Vacant", "0", "00"] {
            assert!(is_no_worker(text), "{text}");
        }
        for text in ["", " ", "\u{200B}", "NA", "Na", "Blank", "Default", "Nobody"] {
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
    fn names_and_workers_that_only_look_alike() {
        for text in [
            "Nulla",
            "Nuller",
            "Babych",
            "Babylon",
            "Twinn",
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
        for text in ["A Worker", "12345", "10", "W0", "a", "Baby", "Mr Null Smith", "Duty Team"] {
            assert!(!is_no_worker(text), "{text}");
        }
    }
}
