//! The test person, with every field that the crate has for a person, and the search for any of their
//! values in a text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nhs_pds::nhs_number::NhsNumber;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::LazyLock;

/// In a range that is not issued, and outside the range of test people, whose numbers `Debug` may show.
pub(super) const NUMBER: NhsNumber = NhsNumber::constant(5_990_000_014);
/// The number that replaced it.
pub(super) const NEW_NUMBER: NhsNumber = NhsNumber::constant(5_990_000_022);
pub(super) const GIVEN: &str = "Arabella";
pub(super) const OTHER_GIVEN: &str = "Philomena";
pub(super) const FAMILY: &str = "Quentinsson";
/// The family name before the present one.
pub(super) const FORMER_FAMILY: &str = "Maidenhurst";
pub(super) const ALIAS: &str = "Aliasson";
pub(super) const BORN: &str = "1984-02-29";
pub(super) const DIED: &str = "2019-11-03";
pub(super) const ADDRESS: [&str; 5] =
    ["Mizzen House", "1 Sample Row", "Testington", "Mockborough", "Shamshire"];
pub(super) const POSTCODE: &str = "KT17 1NA";
/// The postcode of a former home.
pub(super) const FORMER_POSTCODE: &str = "LS14 9ZZ";
pub(super) const TELEPHONE: &str = "tel:01632960777";
pub(super) const MAIL: &str = "mailto:bella@somewhere.example";
pub(super) const PRACTICE: &str = "Y99887";
pub(super) const PRACTICE_NAME: &str = "Mockery Lane Surgery";
pub(super) const CASE: &str = "CASE-7700177";
pub(super) const OTHER_CASE: &str = "CASE-8800188";
/// A note about the person.
pub(super) const NOTE: &str = "She rang in tears";

/// The value of the person that is in `text`, if any.
pub(super) fn leak(text: &str) -> Option<&'static str> {
    let capitals = text.to_uppercase();
    let short = |value: &&Value| value.words.iter().any(|word| stands_alone(word, &capitals));
    long_leak(text, &[]).or_else(|| SPELLINGS.values.iter().find(short).map(|value| &*value.plain))
}

/// The value of the person that is in `bytes`, which may be binary, except those `allowed`. Parts of dates
/// and postcodes do not count: they occur among random bytes.
#[cfg(feature = "sqlite")]
pub(super) fn leak_in_bytes(bytes: &[u8], allowed: &[&str]) -> Option<&'static str> {
    // One character per byte, so that bytes that are not UTF-8 lose nothing.
    long_leak(&bytes.iter().copied().map(char::from).collect::<String>(), allowed)
}

fn long_leak(text: &str, allowed: &[&str]) -> Option<&'static str> {
    let plain = |place: usize| SPELLINGS.values[place].plain.as_str();
    let tells = |place: usize| !allowed.contains(&plain(place));
    let squeezed = SPELLINGS.squeezed.find(squeeze(text).as_bytes(), tells);
    squeezed.or_else(|| SPELLINGS.exact.find(text.as_bytes(), tells)).map(plain)
}

/// Fails if a value of the person is in `text`.
#[track_caller]
pub(super) fn assert_silent(what: &str, text: &str) {
    if let Some(value) = leak(text) {
        panic!("{what} contains {value}: {text}");
    }
}

static SPELLINGS: LazyLock<Spellings> = LazyLock::new(|| {
    let plain = [
        GIVEN,
        OTHER_GIVEN,
        FAMILY,
        FORMER_FAMILY,
        ALIAS,
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
    let mut values: Vec<Value> = plain.into_iter().chain(ADDRESS).map(Value::text).collect();
    values.extend([NUMBER, NEW_NUMBER].map(|number| Value::text(number.digits().as_str())));
    values.push(Value { words: vec!["KT17".into()], ..Value::text(POSTCODE) });
    values.push(Value { words: vec!["LS14".into()], ..Value::text(FORMER_POSTCODE) });
    values.push(Value::date(BORN, ["Feb", "February"]));
    values.push(Value::date(DIED, ["Nov", "November"]));
    Spellings {
        squeezed: Finder::of(values.iter().map(|value| &value.squeezed)),
        exact: Finder::of(values.iter().map(|value| &value.exact)),
        values,
    }
});

/// All values, and all their spellings at once.
struct Spellings {
    values: Vec<Value>,
    squeezed: Finder,
    exact: Finder,
}

/// Finds many texts in one pass. Without optimisation, this takes seconds rather than minutes.
struct Finder {
    /// The texts to find and the place of each value, by their first two bytes.
    by_start: Vec<Vec<(String, usize)>>,
}

impl Finder {
    fn of<'a>(spellings: impl Iterator<Item = &'a Vec<String>>) -> Self {
        let mut by_start = vec![Vec::new(); 1 << 16];
        for (place, spellings) in spellings.enumerate() {
            for spelling in spellings {
                let start = spelling.as_bytes();
                by_start[key(start[0], start[1])].push((spelling.clone(), place));
            }
        }
        Self { by_start }
    }

    fn find(&self, text: &[u8], tells: impl Fn(usize) -> bool) -> Option<usize> {
        for at in 1..text.len() {
            for (spelling, place) in &self.by_start[key(text[at - 1], text[at])] {
                if text[at - 1..].starts_with(spelling.as_bytes()) && tells(*place) {
                    return Some(*place);
                }
            }
        }
        None
    }
}

const fn key(first: u8, second: u8) -> usize {
    (first as usize) << 8 | second as usize
}

/// A value, and how it may be written.
struct Value {
    plain: String,
    /// Letters and digits in capitals, in any place and with any characters between them: finds `599-000
    /// 0014` and `[53, 57, 57, ..]`.
    squeezed: Vec<String>,
    /// Exactly as written.
    exact: Vec<String>,
    /// In capitals, and only as a whole word, because they are short.
    words: Vec<String>,
}

impl Value {
    fn text(plain: &str) -> Self {
        Self::written(plain, &[plain.to_owned()])
    }

    /// Digits count only as a whole word: clocks and random numbers contain all of them.
    fn date(plain: &str, months: [&str; 2]) -> Self {
        let [year, number, day] = [&plain[..4], &plain[5..7], &plain[8..]];
        let short = &year[2..];
        let mut words = vec![
            year.to_owned(),
            format!("{year}{number}"),
            format!("{short}{number}{day}"),
            format!("{day}{number}{short}"),
        ];
        for parts in [[year, number, day], [day, number, year], [number, day, year]] {
            words.push(parts.concat());
        }
        let mut value = Self::written(plain, &[plain.to_owned(), plain.replace('-', "")]);
        value.squeezed.retain(|spelling| spelling.len() > "YYYYMMDD".len());
        for month in months {
            for day in [day, day.trim_start_matches('0')] {
                value.squeezed.push(squeeze(&format!("{day}{month}{year}")));
                value.squeezed.push(squeeze(&format!("{month}{day}{year}")));
            }
        }
        value.exact.retain(|spelling| spelling.len() != "YYYYMMDD".len());
        Self { words, ..value }
    }

    /// As text, as the bytes of a `Debug`, in an address and in base64.
    fn written(plain: &str, texts: &[String]) -> Self {
        let (mut squeezed, mut exact) = (BTreeSet::new(), BTreeSet::new());
        for text in texts {
            squeezed.insert(squeeze(text));
            exact.insert(text.replace(' ', "%20"));
            for text in [text.clone(), text.to_uppercase()] {
                squeezed.extend([decimal(text.as_bytes()), hexadecimal(text.as_bytes())]);
                exact.extend(in_base64(text.as_bytes()));
            }
        }
        let [squeezed, exact] = [squeezed, exact].map(|set| set.into_iter().collect());
        Self { plain: plain.to_owned(), squeezed, exact, words: Vec::new() }
    }
}

/// Whether no letter or digit is beside it, and it is neither a time since the machine was started, nor a
/// duration, nor one of the five parts of a random identifier, whose digits may equal any year.
fn stands_alone(word: &str, text: &str) -> bool {
    let of_identifier = |c: char| c.is_ascii_hexdigit() || c == '-';
    text.match_indices(word).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + word.len()..]);
        let beside = [before.chars().next_back(), after.chars().next()];
        let whole = before.trim_end_matches(of_identifier).len()
            ..text.len() - after.trim_start_matches(of_identifier).len();
        let is_identifier = whole.len() == 36 && text[whole].parse::<uuid::Uuid>().is_ok();
        !beside.into_iter().flatten().any(char::is_alphanumeric)
            && !["TV_SEC: ", "TV_NSEC: ", "DURATION_MS="]
                .iter()
                .any(|clock| before.ends_with(clock))
            && !is_identifier
    })
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

/// The part of the value in base64 that is the same at any offset.
fn in_base64(bytes: &[u8]) -> [String; 3] {
    [0, 1, 2].map(|shift| {
        let padded: Vec<u8> = std::iter::repeat_n(0, shift).chain(bytes.iter().copied()).collect();
        let from = (shift * 8).div_ceil(6);
        let to = padded.len() * 8 / 6;
        STANDARD.encode(&padded)[from..to].to_owned()
    })
}

/// The test of the test: every known way in which a value can be printed is found.
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
        "64FD1418-2019-4386-A894-A5D2CE301BFB-1984".into(),
        "64FD1418-2019-4386-A894-A5D2CE301BFB 1984".into(),
        "in 1984-02".into(),
        "198402".into(),
        "on 19840229".into(),
        "1984-02-29".into(),
        "29/02/1984".into(),
        "year: 1984, month: 2".into(),
        "29 Feb 1984".into(),
        format!("{born:?} {}", born.format("%d %B %Y")),
        "lives in kt17".into(),
        "KT17%201NA".into(),
        "KT171NA".into(),
        "?q=1%20Sample%20Row".into(),
        packed,
    ] {
        assert!(leak(&told).is_some(), "{told}");
    }
    for harmless in [
        "",
        "message_id=64FD1418-2019-4386-A894-1984CE301BFB",
        "{64fd1418-1984-4386-2019-a5d2ce301bfb}",
        "SMSP-0000",
        "port 51984",
        "0x1984ab",
        "2026-11-25T09:00:00Z",
        "Instant { tv_sec: 1984, tv_nsec: 198402291 }",
        "a119840229",
        "Casework",
    ] {
        assert_eq!(leak(harmless), None, "{harmless}");
    }
}
