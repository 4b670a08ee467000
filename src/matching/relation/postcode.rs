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
