//! Names, drawn by how common they are in England.
//!
//! The tables are those that the library ships. The 500 surnames of that table cover four people in ten. The
//! other people have invented surnames, of about the frequency of the rarer real ones.

use super::dice::{Dice, Weights};
use super::sound::soundex;
use std::collections::HashMap;

const FORENAMES: &str = include_str!("../../../../data/names/forenames.csv");
const SURNAMES: &str = include_str!("../../../../data/names/surnames.csv");
const NICKNAMES: &str = include_str!("../../../../data/names/nicknames.csv");

/// The years in which the birth cohorts of the table of forenames begin, after the first.
const COHORTS: [u16; 9] = [1940, 1950, 1960, 1970, 1980, 1990, 1996, 2006, 2016];

/// Surnames and forenames of people with roots in South Asia or the Middle East. In the tables surname and
/// forename are independent; among people they are not, so these names are drawn together.
const SOUTH_ASIAN_FAMILY: &str = "PATEL KHAN BEGUM SINGH ALI HUSSAIN AHMED KAUR SHAH AKHTAR BIBI MIAH RAHMAN MAHMOOD IQBAL MISTRY";
const SOUTH_ASIAN_GIVEN: &str = "MOHAMMED MUHAMMAD MOHAMMAD MOHAMED MUHAMMED ABDUL ALI AHMED HASSAN HAMZA OMAR UMAR YUSUF IBRAHIM BILAL ABDULLAH AYAAN SYED ZAIN ROHAN ARJUN AMIR MUSTAFA YAHYA ISMAIL HASAN MUSA ZAKARIYA AISHA FATIMA MARYAM ZAINAB KHADIJA AMINA SANA SARAH SOFIA AYESHA HALIMA HAFSA SUMAYYAH ALISHA ANISA SHABANA NASREEN RUBINA SAMINA SHAZIA TAHIRA YASMIN PRIYA POOJA KIRAN SIMRAN JASMINE AMANDEEP HARPREET GURPREET IMRAN IRFAN ASIF NADEEM TARIQ KHALID USMAN ADNAN FAISAL SANJAY RAJESH VIJAY ANIL SUNIL AMIT RAVI DEEPAK MANJIT BALJIT SURINDER";

const HEADS: &str = "Alder Apple Ash Asker Ayl Bar Beck Bin Bow Brad Bram Bran Brin Brough Cal Car Chad Charl Chis Clap Clif Col Copp Corn Crop Cud Dar Den Der Ding Dray Dun Eas Ed Elm Ever Fal Far Fen Fern Gar Gos Gren Had Hal Ham Har Has Hat Haw Hay Hem Hol Horn Hor Hux Il Kel Ken Kil Kim Lang Led Leigh Lin Lod Lud Lyd Mal Mar Mel Mid Mor Nant Ned Net Nor Oak Oat Ol Over Pem Pen Pick Pin Pres Quen Rad Red Rip Rod Rush Sal San Sed Shel Sher Skel Som Spald Stan Stap Stow Strat Sut Swal Tad Tam Tar Thorn Til Tor Tun Ul Up Wad Wal Wen Whit Wick Wil Win Wy Yar";
const TAILS: &str = "bury beck borne bourne by combe cott croft dale den don ence field ford gate grave ham hurst ington ingham land leigh ley low man mere more ney over ridge royd sby shaw stead ster stone thorpe thwaite tock ton vale wald ward water well wick wood worth";

/// A name, and how it sounds.
#[derive(Clone, Debug)]
pub(crate) struct Word {
    pub(crate) text: String,
    pub(crate) sound: u32,
}

impl Word {
    fn new(text: String) -> Self {
        let sound = soundex(&text);
        Self { text, sound }
    }
}

/// The origin of a person's names.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Origin {
    SouthAsian,
    Other,
}

/// Forenames of one sex: for each cohort and origin, the weights of `words`.
#[derive(Debug, Default)]
struct Given {
    words: Vec<Word>,
    by_cohort: Vec<[Weights; 2]>,
}

/// The tables of names.
#[derive(Debug)]
pub(crate) struct Names {
    female: Given,
    male: Given,
    families: Vec<Word>,
    by_origin: [Weights; 2],
    south_asian: f64,
    familiar: HashMap<String, Vec<String>>,
}

impl Names {
    pub(crate) fn shipped() -> Self {
        let (families, weights) = families();
        let listed = |word: &Word, list: &str| {
            let key = word.text.to_uppercase();
            list.split(' ').any(|name| name == key)
        };
        let pairs: Vec<(f64, bool)> = families
            .iter()
            .zip(&weights)
            .map(|(word, weight)| (*weight, listed(word, SOUTH_ASIAN_FAMILY)))
            .collect();
        let of = |south: bool| {
            Weights::new(pairs.iter().map(|(weight, is)| if *is == south { *weight } else { 0.0 }))
        };
        let by_origin = [of(true), of(false)];
        let south_asian = by_origin.first().map_or(0.0, |first| first.total() / 1_000_000.0);
        let mut familiar: HashMap<String, Vec<String>> = HashMap::new();
        for line in NICKNAMES.lines().skip(1) {
            let mut fields = line.split(',');
            let (Some(full), Some(short)) = (fields.next(), fields.next()) else { continue };
            familiar.entry(full.to_owned()).or_default().push(title_case(short));
        }
        Self { female: given("F"), male: given("M"), families, by_origin, south_asian, familiar }
    }

    pub(crate) fn origin(&self, dice: &mut Dice) -> Origin {
        if dice.chance(self.south_asian) { Origin::SouthAsian } else { Origin::Other }
    }

    /// A surname of this origin.
    pub(crate) fn family(&self, origin: Origin, dice: &mut Dice) -> &Word {
        let [south, other] = &self.by_origin;
        let weights = if origin == Origin::SouthAsian { south } else { other };
        word(&self.families, weights.draw(dice))
    }

    /// A forename of this sex, origin and year of birth.
    pub(crate) fn given(&self, female: bool, origin: Origin, year: u16, dice: &mut Dice) -> &Word {
        let table = if female { &self.female } else { &self.male };
        let cohort = COHORTS.iter().filter(|first| year >= **first).count();
        let Some([south, other]) = table.by_cohort.get(cohort) else {
            return word(&table.words, 0);
        };
        // No name of the origin is listed for the oldest cohort of a sex.
        let weights =
            if origin == Origin::SouthAsian && south.total() > 0.0 { south } else { other };
        word(&table.words, weights.draw(dice))
    }

    /// A familiar form of a forename, such as Bob for Robert.
    pub(crate) fn familiar(&self, formal: &str, dice: &mut Dice) -> Option<&str> {
        dice.pick(self.familiar.get(&formal.to_uppercase())?).map(String::as_str)
    }
}

fn word(words: &[Word], place: usize) -> &Word {
    #[expect(clippy::expect_used, reason = "the tables have words, and a test draws from each")]
    words.get(place).expect("a word")
}

fn given(sex: &str) -> Given {
    let mut given = Given::default();
    let mut columns: Vec<[Vec<f64>; 2]> = vec![<[Vec<f64>; 2]>::default(); COHORTS.len() + 1];
    for line in FORENAMES.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let (Some(name), Some(of)) = (fields.first(), fields.get(1)) else { continue };
        if *of != sex {
            continue;
        }
        given.words.push(Word::new(accented(&title_case(name))));
        let south = SOUTH_ASIAN_GIVEN.split(' ').any(|listed| listed == *name);
        for (column, [first, second]) in columns.iter_mut().enumerate() {
            let weight = fields.get(column + 3).and_then(|text| text.parse().ok()).unwrap_or(0.0);
            first.push(if south { weight } else { 0.0 });
            second.push(if south { 0.0 } else { weight });
        }
    }
    let weights = |[south, other]: [Vec<f64>; 2]| {
        let south = Weights::new(south);
        // A choice of a few names would give far too many namesakes.
        let south = if south.choices() < 8 { Weights::default() } else { south };
        [south, Weights::new(other)]
    };
    given.by_cohort = columns.into_iter().map(weights).collect();
    given
}

/// The listed surnames, and invented ones for all other people.
fn families() -> (Vec<Word>, Vec<f64>) {
    let (mut words, mut weights) = (Vec::new(), Vec::new());
    for line in SURNAMES.lines().skip(1) {
        let mut fields = line.split(',');
        let (Some(name), Some(share)) = (fields.next(), fields.next()) else { continue };
        let Ok(share) = share.parse::<f64>() else { continue };
        words.push(Word::new(title_case(name)));
        weights.push(share);
    }
    let rest = (1_000_000.0 - weights.iter().sum::<f64>()).max(0.0);
    let heads = HEADS.split(' ');
    let invented: Vec<String> =
        heads.flat_map(|head| TAILS.split(' ').map(move |tail| format!("{head}{tail}"))).collect();
    // Zipf's law, flattened: the commonest invented name has about the share of the rarest listed one.
    let rank = |place: usize| 1.0 / (place as f64 + 400.0);
    let sum: f64 = (0..invented.len()).map(rank).sum();
    for (place, name) in invented.into_iter().enumerate() {
        words.push(Word::new(name));
        weights.push(rest * rank(place) / sum);
    }
    (words, weights)
}

/// `OBRIEN` as O'Brien, `MCDONALD` as McDonald, and every other name with one capital.
pub(crate) fn title_case(name: &str) -> String {
    let lower = name.to_lowercase();
    let capital = |text: &str| {
        let mut letters = text.chars();
        letters.next().map_or_else(String::new, |first| {
            first.to_uppercase().chain(letters).collect::<String>()
        })
    };
    match lower.as_str() {
        "obrien" | "oneill" | "oconnor" | "osullivan" | "odonnell" => {
            format!("O'{}", capital(lower.get(1..).unwrap_or_default()))
        }
        _ if lower.starts_with("mc") && lower.len() > 4 => {
            format!("Mc{}", capital(lower.get(2..).unwrap_or_default()))
        }
        _ => capital(&lower),
    }
}

/// Forenames that some people write with an accent.
pub(crate) const ACCENTED: [(&str, &str); 8] = [
    ("Zoe", "Zoë"),
    ("Chloe", "Chloé"),
    ("Renee", "Renée"),
    ("Sian", "Siân"),
    ("Sean", "Seán"),
    ("Andre", "André"),
    ("Helene", "Hélène"),
    ("Jose", "José"),
];

/// The accented form is the commoner one for a few names.
fn accented(name: &str) -> String {
    match name {
        "Renee" | "Andre" => {
            let pair = ACCENTED.iter().find(|(plain, _)| *plain == name);
            pair.map_or(name, |(_, accented)| accented).to_owned()
        }
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cohort_sex_and_origin_has_names() {
        let names = Names::shipped();
        let mut dice = Dice::new(1);
        for year in [1920, 1945, 1955, 1965, 1975, 1985, 1993, 2000, 2010, 2024] {
            for (female, origin) in [true, false]
                .into_iter()
                .flat_map(|female| [(female, Origin::SouthAsian), (female, Origin::Other)])
            {
                assert!(!names.given(female, origin, year, &mut dice).text.is_empty());
            }
        }
    }

    #[test]
    fn common_surnames_are_drawn_at_their_share() {
        let names = Names::shipped();
        let mut dice = Dice::new(2);
        let draws = 100_000;
        let smiths = (0..draws)
            .filter(|_| {
                let origin = names.origin(&mut dice);
                names.family(origin, &mut dice).text == "Smith"
            })
            .count();
        // 11,500 per million.
        assert!((1_030..1_270).contains(&smiths), "{smiths}");
    }

    #[test]
    fn case_of_names() {
        for (key, shown) in [("OBRIEN", "O'Brien"), ("MCLEAN", "McLean"), ("SMITH", "Smith")] {
            assert_eq!(title_case(key), shown);
        }
    }
}
