//! Facts about a person as pages show them. A field without a value is `None`: templates write "Not recorded".

use nhs_pds::demographics::{
    Address, AddressUse, Demographics, Gender, PartialDate, PersonName, Recorded,
};
use std::fmt::Display;

/// The months, as dates are written.
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A date as it is read aloud: `19 May 1943`, `May 1943` or `1943`.
pub(crate) fn date(date: PartialDate) -> String {
    let month = date.month().and_then(|month| MONTHS.get(usize::from(month) - 1));
    match (date.day(), month) {
        (Some(day), Some(month)) => format!("{day} {month} {}", date.year()),
        (None, Some(month)) => format!("{month} {}", date.year()),
        _ => date.year().to_string(),
    }
}

/// A gender in words.
pub(crate) const fn gender(gender: Gender) -> &'static str {
    match gender {
        Gender::Female => "Female",
        Gender::Male => "Male",
        Gender::NotSpecified => "Not specified",
        _ => "Not known",
    }
}

/// A text, unless it is blank.
pub(crate) fn text(text: Option<&str>) -> Option<String> {
    text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The parts that are not blank, with `between` between them.
pub(crate) fn joined<'a>(
    parts: impl IntoIterator<Item = &'a str>,
    between: &str,
) -> Option<String> {
    let parts: Vec<&str> =
        parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect();
    text(Some(&parts.join(between)))
}

/// What PDS has recorded in a field: text that is no valid value is shown as it is.
pub(crate) fn recorded<T>(field: &Recorded<T>, show: impl FnOnce(&T) -> String) -> Option<String> {
    match field {
        Recorded::Known(value) => text(Some(&show(value))),
        Recorded::Unrecognised(value) => text(Some(value)),
        Recorded::NotReturned | Recorded::Blank => None,
    }
}

fn plain<T: Display>(field: &Recorded<T>) -> Option<String> {
    recorded(field, ToString::to_string)
}

/// The family name that PDS has recorded.
pub(crate) fn family(name: &PersonName) -> Option<String> {
    plain(&name.family)
}

/// The given names that PDS has recorded.
pub(crate) fn given(name: &PersonName) -> Option<String> {
    joined(name.given.iter().map(String::as_str), " ")
}

/// The whole name that PDS has recorded.
pub(crate) fn full_name(name: &PersonName) -> Option<String> {
    let parts = [plain(&name.prefix), given(name), family(name), plain(&name.suffix)];
    joined(parts.iter().flatten().map(String::as_str), " ")
}

/// The usual address with its postcode, on one line.
pub(crate) fn address(person: &Demographics) -> Option<String> {
    let usual = |at: &&Address| matches!(at.usage, None | Some(AddressUse::Home));
    let at = person.addresses.iter().find(usual)?;
    let postcode = plain(&at.postcode);
    let lines = at.lines.iter().flatten().map(String::as_str);
    joined(lines.chain(postcode.as_deref()), ", ")
}

/// The names besides the usual one, such as former ones.
pub(crate) fn other_names(person: &Demographics) -> Vec<String> {
    person.other_names.iter().filter_map(full_name).collect()
}

/// The GP practice.
pub(crate) fn practice(person: &Demographics) -> Option<String> {
    let practice = person.gp_practice.as_ref()?;
    let parts = [plain(&practice.name), plain(&practice.ods_code)];
    joined(parts.iter().flatten().map(String::as_str), ", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_aloud() {
        let shown = |text: &str| date(text.parse().unwrap());
        assert_eq!(shown("1943-05-19"), "19 May 1943");
        assert_eq!(shown("1943-12"), "December 1943");
        assert_eq!(shown("1943"), "1943");
    }

    #[test]
    fn what_is_blank_is_not_recorded() {
        let person: Demographics = serde_json::from_value(serde_json::json!({
            "name": { "given": ["Zoë", " "], "family": "Aindow" },
            "other_names": [{ "family": "Parry" }, {}],
            "addresses": [
                { "use": "work", "postcode": "LS1 1AA" },
                { "use": "home", "lines": ["1 Mill Lane", "", "Leeds", "", ""], "postcode": "no code" },
            ],
        }))
        .unwrap();
        assert_eq!(full_name(person.name.as_ref().unwrap()).as_deref(), Some("Zoë Aindow"));
        assert_eq!(other_names(&person), ["Parry"]);
        assert_eq!(address(&person).as_deref(), Some("1 Mill Lane, Leeds, no code"));
        assert_eq!((practice(&person), text(Some(" "))), (None, None));
    }
}
