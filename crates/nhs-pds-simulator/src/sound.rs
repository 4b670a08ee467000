//! How a fuzzy search compares names: without accents, by sound, and by the letters that differ.

use crate::index::recorded;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Names with the same sound are equal in a fuzzy search.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) enum Sound {
    /// American Soundex.
    Code([u8; 4]),
    /// A name without letters of the English alphabet.
    Text(Box<str>),
}

/// A text in lower case without its accents.
pub(crate) fn folded(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let mut folded = String::with_capacity(text.len());
    for letter in text.to_lowercase().nfd().filter(|&letter| !is_combining_mark(letter)) {
        match letter {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'þ' => folded.push_str("th"),
            'ð' | 'đ' => folded.push('d'),
            'ø' => folded.push('o'),
            'ł' => folded.push('l'),
            'ı' => folded.push('i'),
            other => folded.push(other),
        }
    }
    folded
}

/// The sounds of a name: of the whole name, and of its first word.
pub(crate) fn sounds(name: &str) -> Vec<Sound> {
    let folded = folded(&recorded(name));
    let first = folded.split(' ').next().unwrap_or_default();
    let mut sounds = Vec::with_capacity(2);
    for text in [folded.as_str(), first] {
        let sound = soundex(text).map_or_else(|| Sound::Text(text.into()), Sound::Code);
        if !text.is_empty() && !sounds.contains(&sound) {
            sounds.push(sound);
        }
    }
    sounds
}

/// The share of a name that is the same in another name, by the letters to insert, remove or replace.
/// Accents count as differences.
pub(crate) fn similarity(one: &str, other: &str) -> f64 {
    if one == other {
        return 1.0;
    }
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let longest = one.len().max(other.len());
    1.0 - distance(&one, &other) as f64 / longest as f64
}

/// The edit distance of Levenshtein.
fn distance(one: &[char], other: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.iter().enumerate() {
        let mut diagonal = at;
        let mut left = at + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, compared) in row.iter_mut().skip(1).zip(other) {
            let replaced = diagonal + usize::from(letter != compared);
            diagonal = *cell;
            left = replaced.min(left + 1).min(*cell + 1);
            *cell = left;
        }
    }
    row.last().copied().unwrap_or_default()
}

/// American Soundex of the ASCII letters. `None` without letters.
fn soundex(name: &str) -> Option<[u8; 4]> {
    let digit = |letter: u8| match letter {
        b'B' | b'F' | b'P' | b'V' => b'1',
        b'C' | b'G' | b'J' | b'K' | b'Q' | b'S' | b'X' | b'Z' => b'2',
        b'D' | b'T' => b'3',
        b'L' => b'4',
        b'M' | b'N' => b'5',
        b'R' => b'6',
        // Equal digits count once across these letters; vowels separate them.
        b'H' | b'W' => b'-',
        _ => b'0',
    };
    let mut letters =
        name.bytes().filter(u8::is_ascii_alphabetic).map(|letter| letter.to_ascii_uppercase());
    let first = letters.next()?;
    let mut last = digit(first);
    let mut digits = Vec::new();
    for letter in letters {
        let next = digit(letter);
        if next == b'-' {
            continue;
        }
        if next != last && next != b'0' {
            digits.push(next);
        }
        last = next;
    }
    let mut code = [first, b'0', b'0', b'0'];
    for (place, digit) in code.iter_mut().skip(1).zip(digits) {
        *place = digit;
    }
    Some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn soundex_as_published() {
        // The examples of the United States National Archives.
        for (name, code) in [
            ("Washington", "W252"),
            ("Lee", "L000"),
            ("Gutierrez", "G362"),
            ("Pfister", "P236"),
            ("Jackson", "J250"),
            ("Tymczak", "T522"),
            ("Ashcraft", "A261"),
            ("Smythe", "S530"),
            ("smith", "S530"),
        ] {
            assert_eq!(soundex(name).unwrap(), code.as_bytes(), "{name}");
        }
        assert_eq!(soundex("'"), None);
    }

    #[test]
    fn names_without_accents() {
        for (name, without) in [("PÀULINÉ", "pauline"), ("Łukasz", "lukasz"), ("Strauß", "strauss")]
        {
            assert_eq!(folded(name), without);
        }
        assert!(sounds("ATTSÖN") == sounds("attisón"));
        assert!(sounds("Toby J").iter().any(|sound| sounds("Toby").contains(sound)));
        assert!(sounds("李") == sounds("李") && sounds("李") != sounds("王"));
        assert!(sounds("").is_empty());
    }

    #[test]
    fn similarity_is_the_share_of_equal_letters() {
        for (one, other, changed, longest) in [
            ("smythe", "smith", 2.0, 6.0),
            ("mat", "sam", 2.0, 3.0),
            ("mat", "dave", 3.0, 4.0),
            ("attsön", "attisón", 2.0, 7.0),
            ("rose", "", 4.0, 4.0),
            ("rose", "rose", 0.0, 4.0),
        ] {
            assert_eq!(similarity(one, other), 1.0 - changed / longest, "{one} {other}");
            assert_eq!(similarity(other, one), 1.0 - changed / longest, "{other} {one}");
        }
    }
}
