//! The test person, in everything that the crate can hold of somebody, and how to find any of it in a
//! text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nhs_pds::nhs_number::NhsNumber;
use std::fmt::Write as _;
use std::sync::LazyLock;

/// In a range from which nobody has numbers, but not in the one for test people, which may be shown.
pub(super) const NUMBER: NhsNumber = NhsNumber::constant(5_990_000_014);
/// The number that replaced it.
pub(super) const NEW_NUMBER: NhsNumber = NhsNumber::constant(5_990_000_022);
pub(super) const GIVEN: &str = "Arabella";
pub(super) const OTHER_GIVEN: &str = "Philomena";
pub(super) const FAMILY: &str = "Quentinsson";
pub(super) const ALIAS: &str = "Aliasson";
pub(super) const BORN: &str = "1984-02-29";
pub(super) const DIED: &str = "2019-11-03";
pub(super) const ADDRESS: [&str; 5] =
    ["Mizzen House", "1 Sample Row", "Testington", "Mockborough", "Shamshire"];
pub(super) const POSTCODE: &str = "KT17 1NA";
pub(super) const TELEPHONE: &str = "tel:01632960777";
pub(super) const MAIL: &str = "mailto:bella@somewhere.example";
pub(super) const PRACTICE: &str = "Y99887";
pub(super) const PRACTICE_NAME: &str = "Mockery Lane Surgery";
pub(super) const CASE: &str = "CASE-7700177";
pub(super) const OTHER_CASE: &str = "CASE-8800188";
/// What somebody wrote about the person.
pub(super) const NOTE: &str = "She rang in tears";

/// Which value of the person stands in `text`, and how it is written there.
pub(super) fn leak(text: &str) -> Option<&'static str> {
    SPELLINGS.in_text(text)
}

/// Fails if a value of the person stands in `text`.
#[track_caller]
pub(super) fn assert_silent(what: &str, text: &str) {
    if let Some(value) = leak(text) {
        panic!("{what} tells {value}: {text}");
    }
}

static SPELLINGS: LazyLock<Spellings> = LazyLock::new(Spellings::of_the_person);

/// How the values may be written.
struct Spellings {
    /// Letters and digits in capitals, wherever they stand and whatever stands between them: so
    /// `599-000 0014` is found, and `[53, 57, 57, ..]` as well.
    squeezed: Vec<String>,
    /// Short ones, which count only where they stand alone.
    words: Vec<String>,
    /// As they are, to the letter.
    exact: Vec<String>,
}

impl Spellings {
    fn of_the_person() -> Self {
        let mut texts: Vec<String> = Vec::new();
        let plain = [
            GIVEN,
            OTHER_GIVEN,
            FAMILY,
            ALIAS,
            POSTCODE,
            TELEPHONE,
            MAIL,
            PRACTICE,
            PRACTICE_NAME,
            CASE,
            OTHER_CASE,
            NOTE,
            "01632960777",
            "bella@somewhere.example",
        ];
        texts.extend(plain.into_iter().chain(ADDRESS).map(str::to_owned));
        texts.extend([NUMBER, NEW_NUMBER].map(|number| number.digits().to_string()));
        let mut words = vec!["KT17".to_owned()];
        for (date, month) in [(BORN, ["Feb", "February"]), (DIED, ["Nov", "November"])] {
            let [year, number, day] = [&date[..4], &date[5..7], &date[8..]];
            texts.extend([date.replace('-', ""), format!("{day}{number}{year}")]);
            texts.push(format!("{number}{day}{year}"));
            let short = day.trim_start_matches('0');
            for month in month {
                texts.extend([format!("{day}{month}{year}"), format!("{short}{month}{year}")]);
                texts.extend([format!("{month}{day}{year}"), format!("{month}{short}{year}")]);
            }
            words.extend([year.to_owned(), format!("{year}{number}")]);
            words.extend([
                format!("{}{number}{day}", &year[2..]),
                format!("{day}{number}{}", &year[2..]),
            ]);
        }
        let mut squeezed: Vec<String> = texts.iter().map(|text| squeeze(text)).collect();
        let mut exact = Vec::new();
        for text in &texts {
            for text in [text.clone(), text.to_uppercase(), text.to_lowercase()] {
                squeezed.push(decimal(text.as_bytes()));
                squeezed.push(hexadecimal(text.as_bytes()));
                exact.push(text.replace(' ', "%20"));
                exact.extend(in_base64(text.as_bytes()));
            }
        }
        Self { squeezed, words, exact }
    }

    fn in_text(&self, text: &str) -> Option<&str> {
        let squeezed_text = squeeze(text);
        let in_capitals = text.to_uppercase();
        let alone = |word: &&String| {
            let mut places = in_capitals.match_indices(word.as_str());
            places.any(|(at, _)| {
                let before = in_capitals[..at].chars().next_back();
                let after = in_capitals[at + word.len()..].chars().next();
                !before.into_iter().chain(after).any(char::is_alphanumeric)
            })
        };
        let squeezed = self.squeezed.iter().find(|value| squeezed_text.contains(value.as_str()));
        let exact = || self.exact.iter().find(|value| text.contains(value.as_str()));
        let found = squeezed.or_else(exact).or_else(|| self.words.iter().find(alone));
        found.map(String::as_str)
    }
}

fn squeeze(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect()
}

/// As `Debug` writes a slice of bytes.
fn decimal(bytes: &[u8]) -> String {
    bytes.iter().map(ToString::to_string).collect()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02X}").unwrap();
        text
    })
}

/// What stays the same of the value in base64, wherever it begins.
fn in_base64(bytes: &[u8]) -> [String; 3] {
    [0, 1, 2].map(|shift| {
        let padded: Vec<u8> = std::iter::repeat_n(0, shift).chain(bytes.iter().copied()).collect();
        let from = (shift * 8).div_ceil(6);
        let to = padded.len() * 8 / 6;
        STANDARD.encode(&padded)[from..to].to_owned()
    })
}

/// The test of the tests: every way in which a value was ever seen to get out is found.
#[test]
fn every_spelling_of_a_value_is_found() {
    let born: chrono::NaiveDate = BORN.parse().unwrap();
    let packed = STANDARD.encode(format!("<a><family>{FAMILY}</family></a>"));
    for told in [
        format!("number {NUMBER}"),
        "599-000-0014".into(),
        "5990000014".into(),
        format!("{:?}", NUMBER.digits().as_str().as_bytes()),
        format!("{:?}", FAMILY.as_bytes()),
        format!("{:x?}", FAMILY.to_uppercase().as_bytes()),
        "the case of QUENTINSSON".into(),
        "born 1984".into(),
        "in 1984-02".into(),
        "198402".into(),
        "on 19840229".into(),
        "29/02/1984".into(),
        "29 Feb 1984".into(),
        format!("{born:?} {}", born.format("%d %B %Y")),
        "lives in kt17".into(),
        "kt17%201na".into(),
        "KT171NA".into(),
        "?q=1%20Sample%20Row".into(),
        packed,
    ] {
        assert!(leak(&told).is_some(), "{told}");
    }
    for harmless in ["", "SMSP-0000", "port 51984", "0x1984ab", "2026-11-25T09:00:00Z", "Casework"]
    {
        assert_eq!(leak(harmless), None, "{harmless}");
    }
}
