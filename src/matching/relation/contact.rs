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
/// for another text, and for one that fills the field, such as `00000 000000`.
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
    (digits.len() >= LEAST_DIGITS && !is_filler(&digits)).then_some(digits)
}

/// Whether the digits fill a field in place of a number: one repeated digit after the first, or digits in order.
fn is_filler(digits: &str) -> bool {
    let rest: Vec<u8> = digits.bytes().skip(1).collect();
    let steps = |by: u8| {
        rest.iter().zip(rest.iter().skip(1)).all(|(a, b)| (a + by - b'0') % 10 == (b - b'0') % 10)
    };
    // The last digits of 01234567890 and of 09876543210 count too.
    steps(0) || steps(1) || steps(9)
}

/// The users of e-mail addresses that fill a field in place of an address.
const NO_USERS: [&str; 12] = [
    "email",
    "na",
    "nil",
    "no",
    "noemail",
    "no-email",
    "none",
    "noreply",
    "no-reply",
    "notknown",
    "not-known",
    "unknown",
];

/// An e-mail address in lower case. `None` for another text, and for one that fills the field, such as
/// `none@none.com`.
fn email(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    let address = text.strip_prefix("mailto:").unwrap_or(&text).trim();
    let (user, host) = address.split_once('@')?;
    let filler = user.is_empty() || host.is_empty() || NO_USERS.contains(&user);
    (!filler).then(|| address.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demographics::{Recorded, Telecom};
    use ContactRelation::{Different, Equal, Unknown};

    fn relation(telephones: &[&str], emails: &[&str], returned: &[&str]) -> ContactRelation {
        let texts = |texts: &[&str]| texts.iter().map(|&s| s.to_owned()).collect::<Vec<_>>();
        let telecom = |text: &&str| Telecom { value: Recorded::read(text), ..Telecom::default() };
        let telecoms = returned.iter().map(telecom).collect();
        let person = Demographics { telecoms, ..Demographics::default() };
        contact(&texts(telephones), &texts(emails), &person)
    }

    #[test]
    fn telephone_numbers_are_compared_by_their_digits() {
        for number in [
            "01372 000 000",
            "+441372000000",
            "+44 (0)1372 000000",
            "00441372000000",
            "tel:01372000000",
            "tel:+44-1372-000000",
            "01372 000000 ext 12",
            "01372000000 x12",
        ] {
            assert_eq!(relation(&[number], &[], &["tel:01372000000"]), Equal, "{number}");
        }
        assert_eq!(relation(&["01372000001"], &[], &["tel:01372000000"]), Different);
        assert_eq!(relation(&["441372000000"], &[], &["tel:01372000000"]), Different);
        assert_eq!(relation(&["000000"], &[], &["tel:000000"]), Unknown);
        assert_eq!(relation(&["01372000000"], &[], &["fax:01372000000"]), Unknown);
        assert_eq!(relation(&["01372000001", "01372000000"], &[], &["01372000000"]), Equal);
    }

    #[test]
    fn e_mail_addresses_are_compared_without_case() {
        assert_eq!(relation(&[], &[" A.B@Example.org"], &["mailto:a.b@example.ORG"]), Equal);
        assert_eq!(relation(&[], &["a@example.org"], &["mailto:b@example.org"]), Different);
        assert_eq!(relation(&[], &["@"], &["@"]), Unknown);
        // A telephone number says nothing about an e-mail address.
        assert_eq!(relation(&["01372000000"], &[], &["mailto:b@example.org"]), Unknown);
        let both = ["tel:01372000000", "mailto:b@example.org"];
        assert_eq!(relation(&["01372000001"], &["b@example.org"], &both), Equal);
        assert_eq!(relation(&[], &[], &both), Unknown);
    }

    #[test]
    fn a_text_that_fills_the_field_is_no_contact() {
        for filler in ["00000 000000", "01111 111111", "01234567890", "09876 543210", "0999999999"]
        {
            assert_eq!(relation(&[filler], &[], &[filler]), Unknown, "{filler}");
        }
        for filler in ["none@none.com", "NoEmail@nhs.uk", "unknown@unknown"] {
            assert_eq!(relation(&[], &[filler], &[filler]), Unknown, "{filler}");
        }
        assert_eq!(relation(&["01632 960001"], &[], &["tel:01632960001"]), Equal);
        assert_eq!(relation(&[], &["nona@example.com"], &["mailto:NONA@example.com"]), Equal);
    }
}
