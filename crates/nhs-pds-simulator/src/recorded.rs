//! The names and postcodes of a record, with those that are no longer current.

use crate::further::OtherAddressUse;
use crate::person::Person;
use chrono::NaiveDate;
use nhs_pds::demographics::PartialDate;

/// A name of a record. Parts that another name lacks are those of the usual name.
pub(crate) struct RecordedName<'a> {
    pub(crate) family: &'a str,
    pub(crate) given: Vec<&'a str>,
    pub(crate) is_past: bool,
}

/// The usual name, then the others.
pub(crate) fn names(person: &Person, today: NaiveDate) -> impl Iterator<Item = RecordedName<'_>> {
    let given = [&*person.given, &*person.other_given].into_iter().filter(|name| !name.is_empty());
    let usual = RecordedName { family: &person.family, given: given.collect(), is_past: false };
    let others = person.other_names.iter().map(move |name| RecordedName {
        family: or(&name.family, &person.family),
        given: vec![or(&name.given, &person.given)],
        is_past: name.name_use.is_past() || ended(name.to, today),
    });
    std::iter::once(usual).chain(others)
}

/// The postcodes that are not blank, and whether each is a former one. The usual home is first.
pub(crate) fn postcodes(person: &Person, today: NaiveDate) -> impl Iterator<Item = (&str, bool)> {
    let others = person.other_addresses.iter().map(move |address| {
        let is_past = address.address_use == OtherAddressUse::Former || ended(address.to, today);
        (address.postcode.as_str(), is_past)
    });
    let all = std::iter::once((person.postcode.as_str(), false)).chain(others);
    all.filter(|(postcode, _)| !postcode.is_empty())
}

fn or<'a>(text: &'a str, usual: &'a str) -> &'a str {
    if text.is_empty() { usual } else { text }
}

/// Returns whether the last day of a name or an address is over.
fn ended(last: Option<PartialDate>, today: NaiveDate) -> bool {
    last.is_some_and(|last| last.last_day().date() < today)
}

/// A postcode in the form in which it is compared: in lower case, without spaces.
pub(crate) fn compact(postcode: &str) -> String {
    let shown = postcode.chars().filter(|letter| *letter != ' ');
    shown.map(|letter| letter.to_ascii_lowercase()).collect()
}
