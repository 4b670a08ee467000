//! Homes: areas by population, postcodes of about 15 households, and house numbers.

use super::dice::{Dice, Weights};

/// Postcode areas, with a town, the number of districts, and about how many thousand people live there.
const AREAS: [(&str, &str, usize, u32); 60] = [
    ("B", "Birmingham", 38, 1900),
    ("NG", "Nottingham", 25, 1180),
    ("S", "Sheffield", 36, 1360),
    ("M", "Manchester", 35, 1190),
    ("BT", "Belfast", 49, 1870),
    ("G", "Glasgow", 60, 1220),
    ("LE", "Leicester", 19, 980),
    ("L", "Liverpool", 40, 870),
    ("NE", "Newcastle", 40, 1160),
    ("BS", "Bristol", 37, 960),
    ("CF", "Cardiff", 48, 1010),
    ("LS", "Leeds", 29, 780),
    ("PO", "Portsmouth", 22, 850),
    ("GU", "Guildford", 35, 740),
    ("PE", "Peterborough", 38, 890),
    ("RG", "Reading", 31, 810),
    ("SE", "London", 28, 1000),
    ("SW", "London", 20, 910),
    ("N", "London", 22, 840),
    ("E", "London", 20, 990),
    ("W", "London", 14, 550),
    ("NW", "London", 11, 550),
    ("BN", "Brighton", 45, 810),
    ("ME", "Rochester", 20, 610),
    ("CM", "Chelmsford", 24, 660),
    ("OX", "Oxford", 49, 640),
    ("CV", "Coventry", 37, 830),
    ("DE", "Derby", 24, 740),
    ("DN", "Doncaster", 41, 760),
    ("NN", "Northampton", 18, 700),
    ("MK", "Milton Keynes", 46, 530),
    ("NR", "Norwich", 35, 730),
    ("IP", "Ipswich", 33, 600),
    ("EX", "Exeter", 39, 570),
    ("PL", "Plymouth", 35, 540),
    ("SO", "Southampton", 45, 680),
    ("BH", "Bournemouth", 31, 560),
    ("TN", "Tonbridge", 40, 700),
    ("CT", "Canterbury", 21, 490),
    ("CR", "Croydon", 9, 420),
    ("KT", "Kingston", 24, 540),
    ("SM", "Sutton", 7, 210),
    ("RM", "Romford", 20, 540),
    ("IG", "Ilford", 11, 350),
    ("HA", "Harrow", 9, 470),
    ("UB", "Southall", 11, 370),
    ("TW", "Twickenham", 20, 500),
    ("EN", "Enfield", 11, 360),
    ("BD", "Bradford", 24, 590),
    ("HU", "Hull", 20, 430),
    ("YO", "York", 62, 560),
    ("WF", "Wakefield", 17, 520),
    ("HD", "Huddersfield", 9, 260),
    ("OL", "Oldham", 16, 470),
    ("SK", "Stockport", 23, 610),
    ("WN", "Wigan", 8, 310),
    ("PR", "Preston", 26, 530),
    ("ST", "Stoke-on-Trent", 21, 650),
    ("WV", "Wolverhampton", 16, 410),
    ("WS", "Walsall", 15, 450),
];

const STREETS: &str = "Acacia Avenue|Albert Road|Alma Street|Ash Grove|Beech Close|Bridge Street|Brook Lane|Castle Street|Chapel Lane|Church Road|Coronation Road|Cross Street|Elm Drive|Garden Terrace|George Street|Grange Road|Green Lane|Hawthorn Way|Hill Rise|King Street|London Road|Manor Road|Meadow View|Mill Lane|Nelson Street|North Parade|Oak Avenue|Orchard Close|Park Road|Queen's Road|School Lane|Station Road|Victoria Street";
const HOUSES: &str =
    "Rose Cottage|The Old Forge|Ivy House|The Cedars|Laurel Court|The Willows|Holly Bank|The Limes";
/// The starts of telephone numbers that are reserved for drama.
const EXCHANGES: &str = "01134960 01144960 01154960 01164960 01174960 01184960 01214960 01314960 01414960 01514960 01614960 02079460 01914980 02920180 01632960";
const UNIT_LETTERS: &[u8] = b"ABDEFGHJLNPQRSTUWXYZ";

/// A home.
#[derive(Clone, Debug, Default)]
pub(crate) struct Home {
    pub(crate) lines: [String; 5],
    pub(crate) postcode: String,
    /// The telephone number that the people of the home share.
    pub(crate) landline: String,
}

impl Home {
    /// The part of the postcode before the space.
    pub(crate) fn outward(&self) -> &str {
        self.postcode.split(' ').next().unwrap_or_default()
    }
}

/// A postcode and its street.
#[derive(Clone, Debug)]
struct Street {
    postcode: String,
    name: String,
    town: &'static str,
    left: usize,
}

/// Where the people of a register live.
#[derive(Debug)]
pub(crate) struct Places {
    country: Weights,
    local: Vec<usize>,
    current: Option<Street>,
}

impl Places {
    /// The places of a council whose people live mostly in three postcode areas.
    pub(crate) fn new(dice: &mut Dice) -> Self {
        let country = Weights::new(AREAS.iter().map(|(_, _, _, people)| f64::from(*people)));
        let local = (0..3).map(|_| country.draw(dice)).collect();
        Self { country, local, current: None }
    }

    /// The next home of the council: about 15 homes have one postcode.
    pub(crate) fn next(&mut self, dice: &mut Dice) -> Home {
        let street = match self.current.take() {
            Some(street) if street.left > 0 => street,
            _ => {
                let near = dice.chance(0.92);
                let area = if near { self.nearby(dice) } else { self.country.draw(dice) };
                street(area, dice)
            }
        };
        let home = home(&street, dice);
        self.current = Some(Street { left: street.left - 1, ..street });
        home
    }

    /// A home anywhere in the country.
    pub(crate) fn anywhere(&self, dice: &mut Dice) -> Home {
        home(&street(self.country.draw(dice), dice), dice)
    }

    /// Where a person who leaves `from` moves to. Most moves are short.
    pub(crate) fn moved(&self, from: &Home, dice: &mut Dice) -> Home {
        if dice.chance(0.16) {
            return self.anywhere(dice);
        }
        let area: String = from.postcode.chars().take_while(char::is_ascii_alphabetic).collect();
        let place = AREAS.iter().position(|(name, ..)| *name == area);
        let place = place.unwrap_or_else(|| self.nearby(dice));
        loop {
            let mut street = street(place, dice);
            // Two moves in five stay within the district.
            if dice.chance(0.4)
                && let Some((_, inward)) = street.postcode.split_once(' ')
            {
                street.postcode = format!("{} {inward}", from.outward());
            }
            if street.postcode != from.postcode {
                return home(&street, dice);
            }
        }
    }

    fn nearby(&self, dice: &mut Dice) -> usize {
        dice.pick(&self.local).copied().unwrap_or_default()
    }
}

fn street(area: usize, dice: &mut Dice) -> Street {
    let (area, town, districts, _) = AREAS.get(area).copied().unwrap_or(("LS", "Leeds", 29, 0));
    let mut letter = || char::from(dice.pick(UNIT_LETTERS).copied().unwrap_or(b'A'));
    let unit: String = [letter(), letter()].into_iter().collect();
    let postcode = format!("{area}{} {}{unit}", 1 + dice.below(districts), dice.below(10));
    let name = dice.pick(&STREETS.split('|').collect::<Vec<_>>()).copied().unwrap_or_default();
    Street { postcode, name: name.to_owned(), town, left: 10 + dice.below(11) }
}

fn home(street: &Street, dice: &mut Dice) -> Home {
    let number = 1 + dice.below(120);
    let (first, second) = match dice.below(14) {
        0 => (format!("Flat {}", 1 + dice.below(12)), format!("{number} {}", street.name)),
        1 => (dice.word(&HOUSES.split('|').collect::<Vec<_>>()).to_owned(), street.name.clone()),
        2 => (format!("{number}A {}", street.name), String::new()),
        _ => (format!("{number} {}", street.name), String::new()),
    };
    let lines = [first, second, String::new(), street.town.to_owned(), String::new()];
    let exchange = dice.word(&EXCHANGES.split(' ').collect::<Vec<_>>());
    let landline = format!("{exchange}{:03}", dice.below(1_000));
    Home { lines, postcode: street.postcode.clone(), landline }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nhs_pds::demographics::Postcode;

    #[test]
    fn postcodes_have_their_shape_and_most_moves_stay_in_the_area() {
        let mut dice = Dice::new(3);
        let mut places = Places::new(&mut dice);
        let mut near = 0;
        for _ in 0..500 {
            let one = places.next(&mut dice);
            let other = places.moved(&one, &mut dice);
            assert!(one.postcode.parse::<Postcode>().is_ok(), "{}", one.postcode);
            assert!(other.postcode.parse::<Postcode>().is_ok(), "{}", other.postcode);
            assert_ne!(one.postcode, other.postcode);
            near += usize::from(one.postcode[..2] == other.postcode[..2]);
        }
        assert!((320..460).contains(&near), "{near}");
    }
}
