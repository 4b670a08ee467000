use crate::demographics::{Address, Demographics, Postcode};
use crate::matching::relation::edits::edits;
use crate::matching::relation::words::relation_words;
use serde::{Deserialize, Serialize};

/// How the postcodes of two records relate: the first variant that applies.
///
/// All returned addresses count, whatever their use. A `ZZ99` pseudo-postcode agrees with no
/// postcode and contradicts none.
///
/// ```
/// use nhs_pds::matching::PostcodeRelation;
///
/// assert_eq!(PostcodeRelation::SameDistrict.in_words(), "same postcode district");
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PostcodeRelation {
    /// The local postcode is that of an address without a last day.
    Equal,
    /// The local postcode is that of an address with a last day, or a former local postcode is that of an
    /// address.
    Former,
    /// One character differs, is missing, or is exchanged with its neighbour.
    OneCharacter,
    /// The same sector: all but the last two letters (`LS1 4`).
    SameSector,
    /// The same district: the part before the space (`LS1`).
    SameDistrict,
    /// The same area: the letters at the start (`LS`).
    SameArea,
    /// Another area.
    Different,
    /// One is missing, cannot be read, or is a pseudo-postcode.
    Unknown,
}

relation_words! { PostcodeRelation:
    Equal => "equal", "same postcode";
    Former => "former", "a former postcode is the same";
    OneCharacter => "one_character", "one character of the postcode differs";
    SameSector => "same_sector", "same postcode sector";
    SameDistrict => "same_district", "same postcode district";
    SameArea => "same_area", "same postcode area";
    Different => "different", "the postcode differs";
    Unknown => "unknown", "the postcode is not known";
}

pub(super) fn postcode(
    local: Option<Postcode>,
    former: &[Postcode],
    person: &Demographics,
) -> PostcodeRelation {
    let real = |postcode: &Postcode| !postcode.is_pseudo();
    let local = local.filter(real);
    let of = |ended: bool| {
        let addresses = person.addresses.iter().filter(move |at| has_ended(at) == ended);
        addresses.filter_map(|at| at.postcode.known().copied()).filter(real)
    };
    let is_former = || {
        let ended = of(true).any(|postcode| Some(postcode) == local);
        ended || of(false).chain(of(true)).any(|postcode| former.contains(&postcode))
    };
    match local {
        Some(local) if of(false).any(|postcode| postcode == local) => PostcodeRelation::Equal,
        _ if is_former() => PostcodeRelation::Former,
        Some(local) => of(false)
            .map(|postcode| between(local, postcode))
            .min()
            .unwrap_or(PostcodeRelation::Unknown),
        None => PostcodeRelation::Unknown,
    }
}

/// Whether PDS has recorded a last day of the address. A last day in the future counts as well.
fn has_ended(address: &Address) -> bool {
    address.period.as_ref().is_some_and(|period| period.high.known().is_some())
}

fn between(a: Postcode, b: Postcode) -> PostcodeRelation {
    let (text_a, text_b) = (a.to_string(), b.to_string());
    let sector = |text: &str| text.get(..text.len() - 2).map(str::to_owned);
    let area = |text: &str| text.chars().take_while(char::is_ascii_alphabetic).collect::<String>();
    match () {
        () if edits(&text_a, &text_b) == 1 => PostcodeRelation::OneCharacter,
        () if sector(&text_a) == sector(&text_b) => PostcodeRelation::SameSector,
        () if a.outward() == b.outward() => PostcodeRelation::SameDistrict,
        () if area(&text_a) == area(&text_b) => PostcodeRelation::SameArea,
        () => PostcodeRelation::Different,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demographics::{AddressUse, Recorded, UsablePeriod};
    use PostcodeRelation::{
        Different, Equal, Former, OneCharacter, SameArea, SameDistrict, SameSector, Unknown,
    };

    fn at(usage: AddressUse, postcode: &str, ended: bool) -> Address {
        let high = Recorded::read("2020-01-31");
        Address {
            usage: Some(usage),
            postcode: Recorded::read(postcode),
            period: ended.then(|| UsablePeriod { high, ..UsablePeriod::default() }),
            ..Address::default()
        }
    }

    fn relation(local: &str, former: &[&str], addresses: Vec<Address>) -> PostcodeRelation {
        let former: Vec<_> = former.iter().map(|text| text.parse().unwrap()).collect();
        let person = Demographics { addresses, ..Demographics::default() };
        postcode(local.parse().ok(), &former, &person)
    }

    #[test]
    fn two_postcodes() {
        for (a, b, expected) in [
            ("LS1 4HY", "ls14hy", Equal),
            ("LS1 4HY", "LS1 4HZ", OneCharacter),
            ("LS1 4HY", "LS1 4YH", OneCharacter),
            ("LS1 4HY", "LS11 4HY", OneCharacter),
            ("LS1 4HY", "LS1 4AB", SameSector),
            ("LS1 4HY", "LS1 5AB", SameDistrict),
            ("LS1 4HY", "LS11 5AB", SameArea),
            ("LS1 4HY", "L1 5AB", Different),
            ("LS1 4HY", "KT17 1NA", Different),
            ("ZZ99 3VZ", "ZZ99 3VZ", Unknown),
            ("LS1 4HY", "ZZ99 3VZ", Unknown),
            ("", "LS1 4HY", Unknown),
            ("LS1 4HY", "not known", Unknown),
        ] {
            let home = |text| vec![at(AddressUse::Home, text, false)];
            assert_eq!(relation(a, &[], home(b)), expected, "{a} {b}");
            assert_eq!(relation(b, &[], home(a)), expected, "{b} {a}");
        }
    }

    #[test]
    fn all_addresses_and_former_postcodes() {
        let home = |text| at(AddressUse::Home, text, false);
        let other = |text| at(AddressUse::Temporary, text, false);
        let ended = |text| at(AddressUse::Home, text, true);
        let (ours, theirs) = ("LS1 4HY", "KT17 1NA");
        assert_eq!(relation(ours, &[], vec![home(theirs), other(ours)]), Equal);
        assert_eq!(relation(ours, &[], vec![home(theirs), ended(ours)]), Former);
        assert_eq!(relation(ours, &[], vec![ended(ours)]), Former);
        assert_eq!(relation(ours, &[], vec![ended(theirs)]), Unknown);
        assert_eq!(relation(ours, &[], vec![home(theirs), ended("LS1 4HZ")]), Different);
        assert_eq!(relation(ours, &[theirs], vec![home(theirs)]), Former);
        assert_eq!(relation("", &[theirs], vec![home(theirs)]), Former);
        assert_eq!(relation(ours, &["M1 1AA"], vec![ended("M1 1AA"), home(theirs)]), Former);
        assert_eq!(relation(ours, &["ZZ99 3VZ"], vec![home("ZZ99 3VZ")]), Unknown);
        assert_eq!(relation(ours, &[], vec![home(theirs), other("LS1 4AB")]), SameSector);
        assert_eq!(relation(ours, &[], Vec::new()), Unknown);
    }
}
