use crate::demographics::{Demographics, Postcode};
use crate::matching::normalise::normalised;
use crate::matching::relation::edits::edits;
use crate::matching::relation::words::relation_words;
use serde::{Deserialize, Serialize};

/// How the houses of two addresses with one postcode relate.
///
/// ```
/// use nhs_pds::matching::HouseRelation;
///
/// assert_eq!(HouseRelation::Different.in_words(), "another house in the same postcode");
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HouseRelation {
    /// The same number and, if both have one, the same flat; or the same name.
    Equal,
    /// The same number and street, and no other flat. The postcode differs in one character; or it is not known on
    /// one side, and the town is the same.
    Street,
    /// Another number or another flat.
    Different,
    /// The postcode differs, one side has no house, or only one side has a number or a flat.
    Unknown,
}

relation_words! { HouseRelation:
    Equal => "equal", "same house";
    Street => "street", "same house number and street";
    Different => "different", "another house in the same postcode";
    Unknown => "unknown", "the house is not known";
}

/// Words before the number of a flat.
const FLATS: [&str; 6] = ["FLAT", "APARTMENT", "APT", "UNIT", "ROOM", "STUDIO"];

/// The last word of a line that has a street. Such a line is not the name of a house.
const STREETS: [&str; 24] = [
    "AVE", "AVENUE", "CL", "CLOSE", "CRESCENT", "DRIVE", "GARDENS", "GATE", "GREEN", "GROVE",
    "HILL", "LANE", "MEWS", "PARK", "PLACE", "RD", "RISE", "ROAD", "ROW", "SQUARE", "ST", "STREET",
    "TERRACE", "WAY",
];

pub(super) fn house(
    lines: &[String; 5],
    postcode: Option<Postcode>,
    person: &Demographics,
) -> HouseRelation {
    let local = House::of(lines);
    let real = |postcode: &Postcode| !postcode.is_pseudo();
    let postcode = postcode.filter(real);
    let relations = person.addresses.iter().filter_map(|at| {
        let house = House::of(at.lines.as_ref()?);
        match (postcode, at.postcode.known().copied().filter(real)) {
            (Some(ours), Some(theirs)) if ours == theirs => Some(local.to(&house)),
            (Some(ours), Some(theirs)) if !is_one_edit(ours, theirs) => None,
            (ours, theirs) => {
                // One character of the postcode differs, or one has none: then the town must agree.
                let near =
                    ours.is_some() && theirs.is_some() || share_a_place(lines, at.lines.as_ref()?);
                (near && local.is_in_street_of(&house)).then_some(HouseRelation::Street)
            }
        }
    });
    relations.min().unwrap_or(HouseRelation::Unknown)
}

/// Whether two addresses have a line in common besides the one with the house: a town or a district.
fn share_a_place(ours: &[String; 5], theirs: &[String; 5]) -> bool {
    let places = |lines: &[String; 5]| -> Vec<String> {
        let parts = lines.iter().flat_map(|line| line.split(',')).map(normalised);
        let is_place = |part: &String| {
            let words: Vec<&str> = part.split(' ').collect();
            !part.is_empty()
                && !part.contains(|c: char| c.is_ascii_digit())
                && words.last().is_none_or(|last| !STREETS.contains(last))
        };
        parts.filter(is_place).collect()
    };
    let theirs = places(theirs);
    places(ours).iter().any(|place| theirs.contains(place))
}

/// Whether two postcodes differ in one character.
fn is_one_edit(ours: Postcode, theirs: Postcode) -> bool {
    let text = |postcode: Postcode| postcode.to_string().replace(' ', "");
    edits(&text(ours), &text(theirs)) <= 1
}

/// The parts of an address that name one house.
#[derive(Default)]
struct House {
    flat: Option<String>,
    number: Option<String>,
    name: Option<String>,
    /// The street, with the number before it removed and its last word written out.
    street: Option<String>,
}

impl House {
    /// Reads the lines from the first to the one that has the house's number or its street.
    fn of(lines: &[String; 5]) -> Self {
        let mut house = Self::default();
        // A comma ends a line, because local systems put several lines into one.
        let parts = lines.iter().flat_map(|line| line.split(','));
        for part in parts.map(normalised).filter(|part| !part.is_empty()) {
            let words: Vec<_> = part.split(' ').collect();
            let ends = house.read(&words) || words.last().is_some_and(|w| STREETS.contains(w));
            house.street = street(&words);
            if ends {
                break;
            }
        }
        house
    }

    /// Reads one line; returns whether it has the number.
    fn read(&mut self, words: &[&str]) -> bool {
        match words {
            [word, flat, rest @ ..] if FLATS.contains(word) => {
                self.flat = Some((*flat).to_owned());
                !rest.is_empty() && self.read(rest)
            }
            [first, rest @ ..] if first.starts_with(|c: char| c.is_ascii_digit()) => {
                let end = first.find(|c: char| !c.is_ascii_digit()).unwrap_or(first.len());
                let (digits, after) = first.split_at(end);
                let apart = match rest {
                    [letter, _, ..] if is_letter(letter) => letter,
                    _ => "",
                };
                match after {
                    "" => {
                        self.number = Some(digits.to_owned());
                        self.flat = self.flat.take().or_else(|| some(apart));
                    }
                    letter if is_letter(letter) => {
                        self.number = Some(digits.to_owned());
                        self.flat = self.flat.take().or_else(|| some(letter));
                    }
                    // Such as 3/12: which of the two is the flat depends on the place.
                    _ => self.number = Some((*first).to_owned()),
                }
                true
            }
            words if words.last().is_some_and(|word| STREETS.contains(word)) => true,
            words => {
                let name = words.concat();
                self.name.get_or_insert(name);
                false
            }
        }
    }

    /// Whether both have one number and one street, and no two flats.
    fn is_in_street_of(&self, other: &Self) -> bool {
        let same = |a: &Option<String>, b: &Option<String>| a.is_some() && a == b;
        same(&self.number, &other.number)
            && same(&self.street, &other.street)
            && (self.flat.is_none() || other.flat.is_none() || self.flat == other.flat)
    }

    fn to(&self, other: &Self) -> HouseRelation {
        let flats = (&self.flat, &other.flat);
        match (&self.number, &other.number) {
            (Some(a), Some(b)) if a != b => HouseRelation::Different,
            (Some(_), Some(_)) => match flats {
                (Some(a), Some(b)) if a != b => HouseRelation::Different,
                (Some(_), None) | (None, Some(_)) => HouseRelation::Unknown,
                _ => HouseRelation::Equal,
            },
            (None, None) => match (&self.name, &other.name, flats) {
                (Some(a), Some(b), (Some(x), Some(y))) if a == b && x != y => {
                    HouseRelation::Different
                }
                (Some(a), Some(b), (None, None) | (Some(_), Some(_))) if a == b => {
                    HouseRelation::Equal
                }
                _ => HouseRelation::Unknown,
            },
            _ => HouseRelation::Unknown,
        }
    }
}

/// The street of a line, such as `HIGH STREET` of `12 HIGH ST`; `None` when the line has no street.
fn street(words: &[&str]) -> Option<String> {
    let (last, before) = words.split_last()?;
    let long = match *last {
        "AVE" => "AVENUE",
        "CL" => "CLOSE",
        "RD" => "ROAD",
        "ST" => "STREET",
        word if STREETS.contains(&word) => word,
        _ => return None,
    };
    let is_number =
        |word: &&&str| word.starts_with(|c: char| c.is_ascii_digit()) || is_letter(word);
    let named: Vec<&str> = before.iter().skip_while(is_number).copied().collect();
    (!named.is_empty()).then(|| format!("{} {long}", named.join(" ")))
}

fn is_letter(text: &str) -> bool {
    text.len() == 1 && text.bytes().all(|letter| letter.is_ascii_uppercase())
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demographics::{Address, Recorded};
    use HouseRelation::{Different, Equal, Street, Unknown};

    fn lines(text: &str) -> [String; 5] {
        let mut lines = [const { String::new() }; 5];
        for (line, text) in lines.iter_mut().zip(text.split('|')) {
            text.trim().clone_into(line);
        }
        lines
    }

    fn at(text: &str, postcode: &str) -> Address {
        let postcode = Recorded::read(postcode);
        Address { lines: Some(lines(text)), postcode, ..Address::default() }
    }

    #[test]
    fn two_houses() {
        for (a, b, expected) in [
            ("12 High St", "|12 HIGH STREET", Equal),
            ("12, High St", "12 HIGH STREET|EPSOM", Equal),
            ("12 High St", "14 HIGH STREET", Different),
            ("12A High St", "12 A HIGH STREET", Equal),
            ("12A High St", "Flat A|12 HIGH STREET", Equal),
            ("12A High St", "12B HIGH STREET", Different),
            ("12A High St", "12 HIGH STREET", Unknown),
            ("Flat 3, 12 High St", "FLAT 3|12 HIGH STREET", Equal),
            ("Flat 3 12 High St", "APARTMENT 3|12 HIGH STREET", Equal),
            ("Flat 3, 12 High St", "FLAT 4|12 HIGH STREET", Different),
            ("Flat 3, 12 High St", "12 HIGH STREET", Unknown),
            ("Flat 3, 12 High St", "FLAT 3|14 HIGH STREET", Different),
            ("Rose Cottage", "ROSE COTTAGE|HIGH STREET", Equal),
            ("Rose Cottage|1 High St", "1 HIGH STREET", Equal),
            ("Rose Cottage", "12 HIGH STREET", Unknown),
            ("Rose Cottage", "IVY COTTAGE", Unknown),
            ("Flat 3|Ivy Court", "FLAT 3|IVY COURT", Equal),
            ("Flat 3|Ivy Court", "FLAT 4|IVY COURT", Different),
            ("Flat 3|Ivy Court", "IVY COURT", Unknown),
            ("High Street|2 Area", "HIGH STREET|2 AREA", Unknown),
            ("3/12 High St", "3/12 HIGH STREET", Equal),
            ("", "12 HIGH STREET", Unknown),
        ] {
            let of = |a: &str, b: &str| {
                let person =
                    Demographics { addresses: vec![at(b, "KT17 1NA")], ..Demographics::default() };
                house(&lines(a), "KT17 1NA".parse().ok(), &person)
            };
            assert_eq!(of(a, b), expected, "{a} {b}");
            assert_eq!(of(b, a), expected, "{b} {a}");
        }
    }

    #[test]
    fn only_addresses_with_the_postcode_are_compared() {
        let addresses = vec![at("14 High St", "LS1 4HY"), at("12 High St", "KT17 1NA")];
        let mut person = Demographics { addresses, ..Demographics::default() };
        let of = |postcode: &str, person: &Demographics| {
            house(&lines("12 High St"), postcode.parse().ok(), person)
        };
        assert_eq!(of("KT17 1NA", &person), Equal);
        assert_eq!(of("LS1 4HY", &person), Different);
        assert_eq!(of("M1 1AA", &person), Unknown);
        person.addresses = vec![at("12 High St", "ZZ99 3VZ")];
        assert_eq!(of("ZZ99 3VZ", &person), Unknown);
    }

    #[test]
    fn a_street_counts_where_the_postcode_does_not_tell() {
        let person = |text: &str, postcode: &str| Demographics {
            addresses: vec![at(text, postcode)],
            ..Demographics::default()
        };
        for (ours, postcode, theirs, there, expected) in [
            ("12 High St|Epsom", "", "12 HIGH STREET|EPSOM", "KT17 1NA", Street),
            ("12 High St, Epsom", "KT17 1NA", "12 HIGH STREET|EPSOM", "", Street),
            ("12 High St", "KT17 1NB", "12 HIGH STREET", "KT17 1NA", Street),
            ("Flat 2, 12 High St|Epsom", "", "12 HIGH STREET|EPSOM", "KT17 1NA", Street),
            // Another place has a High Street too.
            ("12 High St", "", "12 HIGH STREET", "KT17 1NA", Unknown),
            ("12 High St|Leeds", "", "12 HIGH STREET|EXETER", "EX1 1AA", Unknown),
            ("12 High St|Epsom", "LS1 4HY", "12 HIGH STREET|EPSOM", "KT17 1NA", Unknown),
            ("14 High St|Epsom", "", "12 HIGH STREET|EPSOM", "KT17 1NA", Unknown),
            ("12 High Road|Epsom", "", "12 HIGH STREET|EPSOM", "KT17 1NA", Unknown),
            ("Flat 2, 12 High St|Epsom", "", "FLAT 3, 12 HIGH STREET|EPSOM", "KT17 1NA", Unknown),
            ("12|Epsom", "", "12|EPSOM", "KT17 1NA", Unknown),
            ("Rose Cottage|Epsom", "", "ROSE COTTAGE|EPSOM", "KT17 1NA", Unknown),
        ] {
            let found = house(&lines(ours), postcode.parse().ok(), &person(theirs, there));
            assert_eq!(found, expected, "{ours} {postcode} {theirs} {there}");
        }
    }
}
