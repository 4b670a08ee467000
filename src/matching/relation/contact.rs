use crate::demographics::Demographics;
use crate::matching::relation::words::relation_words;
use serde::{Deserialize, Serialize};

/// How the telephone numbers and e-mail addresses of two records relate.
///
/// ```
/// use nhs_pds::matching::ContactRelation;
///
/// assert_eq!(ContactRelation::Equal.in_words(), "same telephone number or e-mail address");
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ContactRelation {
    /// A telephone number or an e-mail address is the same.
    Equal,
    /// Both have telephone numbers, or both have e-mail addresses, and none is the same.
    Different,
    /// There is nothing of one kind on both sides.
    Unknown,
}

relation_words! { ContactRelation:
    Equal => "equal", "same telephone number or e-mail address";
    Different => "different", "telephone number and e-mail address differ";
    Unknown => "unknown", "no telephone number or e-mail address to compare";
}

/// The digits of a telephone number; fewer than this many are not a whole number.
const LEAST_DIGITS: usize = 9;

pub(super) fn contact(
    telephones: &[String],
    emails: &[String],
    person: &Demographics,
) -> ContactRelation {
    let values = || person.telecoms.iter().filter_map(|telecom| telecom.value.known());
    let local = [
        telephones.iter().filter_map(|text| telephone(text)).collect::<Vec<_>>(),
        emails.iter().filter_map(|text| email(text)).collect(),
    ];
    let returned = [
        values().filter_map(|text| telephone(text)).collect::<Vec<_>>(),
        values().filter_map(|text| email(text)).collect(),
    ];
    let mut relation = ContactRelation::Unknown;
    for (ours, theirs) in local.iter().zip(&returned) {
        if ours.iter().any(|value| theirs.contains(value)) {
            return ContactRelation::Equal;
        }
        if !ours.is_empty() && !theirs.is_empty() {
            relation = ContactRelation::Different;
        }
    }
    relation
}

/// The digits of a telephone number with a leading 0 in place of the United Kingdom's code. `None`
/// for another text.
fn telephone(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    if text.contains('@') || text.starts_with("fax:") {
        return None;
    }
    // An extension is not part of the number.
    let number = text.split(['x', ';', '#']).next().unwrap_or_default().replace("(0)", "");
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let national = match digits.strip_prefix("0044") {
        None if number.contains('+') => digits.strip_prefix("44"),
        rest => rest,
    };
    let digits = match national {
        Some(rest) => format!("0{}", rest.trim_start_matches('0')),
        None => digits,
    };
    (digits.len() >= LEAST_DIGITS).then_some(digits)
}

/// An e-mail address in lower case. `None` for another text.
fn email(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    let address = text.strip_prefix("mailto:").unwrap_or(&text).trim();
    let (user, host) = address.split_once('@')?;
    (!user.is_empty() && !host.is_empty()).then(|| address.to_owned())
}
