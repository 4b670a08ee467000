use crate::demographics::is_same_form;
use crate::demographics::{is_apostrophe, is_hyphen, is_invisible};
use unicode_normalization::UnicodeNormalization;

/// The words of a text in one way of typing: in upper case, without accents and apostrophes, with one
/// space for each run of white space, hyphens, full stops and commas.
///
/// Two texts with the same form differ only in how they were typed. Do not show the form to users:
/// show the text itself.
///
/// * Accents are those that Unicode puts above, below or through Latin, Greek and Cyrillic letters
///   (U+0300 to U+036F after compatibility decomposition).
/// * Letters that do not decompose are spelt by the passport rules of their countries or by British
///   usage: `ø` O, `ł` L, `đ` and `ð` D, `þ` TH, `æ` AE, `œ` OE, `ß` SS, `ħ` H, `ŧ` T, `ŋ` NG. Each
///   letter has one spelling: `ö` is always O and never OE. With both, `Moller` and `Moeller` of
///   one person would be two forms.
/// * All kinds of hyphens and apostrophes count, including `’`, `` ` `` and `´`. Characters without
///   a width, and the soft hyphen, are dropped.
/// * Everything else stays, including `?` and the replacement character, because they may replace a
///   lost letter.
///
/// Applying the function again changes nothing.
pub(crate) fn normalised(text: &str) -> String {
    words(&plain(text).replace('-', " "))
}

/// [`normalised`], without notes in brackets, as in `Smith (née Jones)`.
///
/// A bracket that is not closed reaches to the end. If only a note would remain, the text is not
/// treated as a note and stays.
pub(crate) fn normalised_name(text: &str) -> String {
    words(&without_notes(&plain(text)).replace('-', " "))
}

/// The given names in a text that may contain several. Each has the form of [`normalised_name`]
/// without spaces, so that a hyphenated name is one name.
pub(crate) fn given_names(text: &str) -> Vec<String> {
    let plain = without_notes(&plain(text));
    plain.split_whitespace().map(joined).filter(|name| !name.is_empty()).collect()
}

/// The words of a name of one person, with hyphens inside them: without notes in brackets, a title
/// before the name, a suffix after it, and what follows words such as `known as`.
///
/// A title or a suffix that is the only word is the name.
#[cfg(feature = "process")]
pub(crate) fn person_words(text: &str) -> Vec<String> {
    let text = without_notes(&plain(text));
    let words = text.split_whitespace().map(|word| word.trim_matches('-'));
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    let end = (1..words.len())
        .find(|&at| starts_note(words.get(at..).unwrap_or_default()))
        .unwrap_or(words.len());
    let mut name = words.get(..end).unwrap_or_default();
    while let [title, rest @ ..] = name
        && !rest.is_empty()
        && TITLES.contains(title)
    {
        name = rest;
    }
    while let [rest @ .., suffix] = name
        && !rest.is_empty()
        && SUFFIXES.contains(suffix)
    {
        name = rest;
    }
    name.iter().map(|&word| word.to_owned()).collect()
}

#[cfg(feature = "process")]
const TITLES: [&str; 10] = ["MR", "MRS", "MISS", "MS", "MX", "DR", "REV", "PROF", "SIR", "MASTER"];
#[cfg(feature = "process")]
const SUFFIXES: [&str; 9] = ["JR", "JNR", "JUNIOR", "SR", "SNR", "SENIOR", "ESQ", "II", "III"];

/// Whether these words start a note that has no brackets.
#[cfg(feature = "process")]
fn starts_note(words: &[&str]) -> bool {
    matches!(words, ["KNOWN", "AS", ..] | ["AKA" | "NEE" | "FORMERLY" | "PREVIOUSLY", ..])
}

/// The surnames that a text names after a word such as `née`, in brackets or not: `JONES` in
/// `Smith (née Jones)`.
#[cfg(feature = "process")]
pub(crate) fn noted_surnames(text: &str) -> Vec<String> {
    let is_note = |word: &&str| matches!(*word, "AKA" | "NEE" | "FORMERLY" | "PREVIOUSLY");
    let plain = plain(text);
    let parts = plain.split(['(', ')', '[', ']', '{', '}']);
    let noted = parts.map(|part| {
        let words = part.split_whitespace().skip_while(|word| !is_note(word));
        words.skip_while(is_note).collect::<Vec<_>>().join(" ")
    });
    noted.filter(|name| !name.is_empty()).collect()
}

/// Whether two names differ only in how they were typed.
///
/// Ignores upper and lower case, accents, apostrophes, punctuation, spaces, hyphens, and notes in brackets,
/// so that `De La Cruz` and `Delacruz` are the same, and `Smith (née Jones)` and `Smith`.
///
/// Names with the [same form](is_same_form) are also the same here. Two equal names may belong to
/// different people. Names without a letter are the same only when they have the same form.
///
/// ```
/// use nhs_pds::matching::is_same_name;
///
/// assert!(is_same_name("O'Brien", "O BRIEN"));
/// assert!(!is_same_name("Smith", "Smyth"));
/// ```
#[must_use]
pub fn is_same_name(a: &str, b: &str) -> bool {
    is_same_form(a, b) || same(&normalised_name(a), &normalised_name(b))
}

/// [`is_same_name`] for texts that are not names. Brackets are part of the text.
pub(crate) fn is_same_text(a: &str, b: &str) -> bool {
    are_same_words(a, b) || same(&normalised(a), &normalised(b))
}

fn are_same_words(a: &str, b: &str) -> bool {
    a.split_whitespace().eq(b.split_whitespace())
}

fn same(a: &str, b: &str) -> bool {
    let a = joined(a);
    !a.is_empty() && a == joined(b)
}

/// The text without spaces and hyphens.
fn joined(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, ' ' | '-')).collect()
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Upper case, decomposed, without accents and apostrophes. White space, full stops and commas
/// become spaces, and every hyphen becomes `-`.
fn plain(text: &str) -> String {
    // Also dropped before decomposing, because decomposing turns some of them into a space.
    let kept = text.chars().filter(|&c| !is_dropped(c));
    let upper = kept.nfkd().filter(|&c| !is_accent(c)).flat_map(char::to_uppercase);
    let mut plain = String::with_capacity(text.len());
    for c in upper.nfkd().filter(|&c| !is_accent(c) && !is_dropped(c)) {
        match c {
            'Ø' => plain.push('O'),
            'Ł' => plain.push('L'),
            'Đ' | 'Ð' | 'Ɖ' => plain.push('D'),
            'Þ' => plain.push_str("TH"),
            'Æ' => plain.push_str("AE"),
            'Œ' => plain.push_str("OE"),
            'ẞ' => plain.push_str("SS"),
            'Ħ' => plain.push('H'),
            'Ŧ' => plain.push('T'),
            'Ŋ' => plain.push_str("NG"),
            '.' | ',' => plain.push(' '),
            _ if c.is_whitespace() => plain.push(' '),
            _ if is_hyphen(c) => plain.push('-'),
            _ => plain.push(c),
        }
    }
    plain
}

const fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36F}')
}

/// Apostrophes, and characters that show nothing.
const fn is_dropped(c: char) -> bool {
    is_apostrophe(c) || is_invisible(c)
}

/// Replaces each note by a space; returns the text unchanged when nothing else is left.
fn without_notes(text: &str) -> String {
    let mut depth = 0_u32;
    let mut kept = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' if depth > 0 => {
                depth -= 1;
                kept.push(' ');
            }
            _ if depth == 0 => kept.push(c),
            _ => {}
        }
    }
    if joined(&kept).is_empty() { text.to_owned() } else { kept }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demographics::name_form;
    use proptest::prelude::*;

    #[test]
    fn is_same_name_ignores_typing() {
        for (a, b) in [
            ("Zoë", "ZOE"),
            ("ZOE\u{308}", "Zoë"),
            ("O'Brien", "O’Brien"),
            ("O`Brien", "O´BRIEN"),
            ("OʼBrien", "obrien"),
            ("O＇Brien", "O Brien"),
            ("Smith-Jones", "SMITH\u{2013}JONES"),
            ("Smith\u{AD}son", "SMITHSON"),
            ("Smith\u{AD}-Jones", "Smith \u{2212} Jones"),
            ("Smith\u{AD}Jones", "Smith \u{2212} Jones"),
            ("Smith\u{FE0F}\u{E0041}", "Smith"),
            ("Smith-Jones", "Smith Jones"),
            ("De La Cruz", "Delacruz"),
            ("St. John", "ST JOHN"),
            ("Sørensen", "Sorensen"),
            ("ŁUKASZ", "Lukasz"),
            ("Đorđe", "DORDE"),
            ("Guðrún Þórsdóttir", "GUDRUN THORSDOTTIR"),
            ("Æthelred", "AETHELRED"),
            ("Œuvrard", "oeuvrard"),
            ("Strauß", "STRAUSS"),
            ("STRAUẞ", "Strauss"),
            ("Ħelu", "HELU"),
            ("Yıldız", "YILDIZ"),
            ("İnci", "inci"),
            ("Νίκος", "ΝΙΚΟΣ"),
            ("Nguyễn", "Nguyen"),
            ("ＳＭＩＴＨ", "Smith"),
            ("Ann\u{A0}\u{2003}Marie", "ANN MARIE"),
            ("Smi\u{200B}th", "Smith"),
            ("Smith (née Jones)", "SMITH"),
            ("Smith [do not use (old)]", "Smith"),
            ("Smith (formerly Jones", "smith"),
            ("(Miss) Smith", "Smith"),
            ("\u{202E}Smi\u{200E}th", "Smith"),
            ("'", "\u{2019}"),
        ] {
            assert!(is_same_name(a, b), "{a} {b}: {} {}", normalised_name(a), normalised_name(b));
        }
    }

    #[test]
    fn other_letters_are_differences() {
        for (a, b) in [
            ("Smith", "Smyth"),
            ("Smith", "Smiths"),
            ("Zoë", "Zo?"),
            ("Zo\u{FFFD}", "Zo"),
            ("Möller", "Moeller"),
            ("Smith", "(Smith"),
            ("'", "-"),
            ("", "-"),
            ("Jones", "Smith (née Jones)"),
            ("Flat 1/2", "Flat 12"),
        ] {
            let same = is_same_name(a, b);
            // An unclosed bracket around everything is not a note.
            assert!(!same, "{a} {b}");
        }
        assert!(is_same_name("?", "?") && is_same_name("", ""));
        assert!(!is_same_text("1 High St (rear)", "1 High St"));
    }

    #[test]
    fn given_names_are_separated_by_white_space() {
        assert_eq!(given_names(" Mary Ann\tO'Dette-Louise "), ["MARY", "ANN", "ODETTELOUISE"]);
        assert_eq!(given_names("Mary - Ann"), ["MARY", "ANN"]);
        assert_eq!(given_names("J.P. (Jack)"), ["J", "P"]);
        assert_eq!(given_names(" - "), [""; 0]);
        assert_eq!(given_names("Mary\u{AD}Ann \u{AD}"), ["MARYANN"]);
    }

    #[test]
    fn forms_of_texts_and_names() {
        assert_eq!(normalised("  Zoë  O’Brien-Łukasz"), "ZOE OBRIEN LUKASZ");
        assert_eq!(normalised("12, St. John's Road"), "12 ST JOHNS ROAD");
        assert_eq!(normalised_name("Smith (née Jones)"), "SMITH");
        assert_eq!(normalised_name("(Unborn)"), "(UNBORN)");
        assert_eq!(given_names("Anne-Marie  Zoë (Nan)"), ["ANNEMARIE", "ZOE"]);
    }

    #[cfg(feature = "process")]
    #[test]
    fn words_of_a_person_s_name() {
        for (text, expected) in [
            ("Mr. John Smith", &["JOHN", "SMITH"][..]),
            ("Prof Dr Smith Jnr", &["SMITH"]),
            ("Smith-Jones III", &["SMITH-JONES"]),
            ("Dr", &["DR"]),
            ("Mr Dr", &["DR"]),
            ("Robert (Bob) known as Rob", &["ROBERT"]),
            ("Smith aka Jones", &["SMITH"]),
            ("Nee", &["NEE"]),
            ("- Ann -Marie-", &["ANN", "MARIE"]),
            (" - ", &[]),
        ] {
            assert_eq!(person_words(text), expected, "{text}");
        }
        for (text, expected) in [
            ("Smith (née Jones)", &["JONES"][..]),
            ("Smith née de la Cruz", &["DE LA CRUZ"]),
            ("Smith (formerly Jones) [aka Brown]", &["JONES", "BROWN"]),
            ("Smith (Jones)", &[]),
            ("Smith (née)", &[]),
        ] {
            assert_eq!(noted_surnames(text), expected, "{text}");
        }
    }

    #[test]
    fn normalised_is_idempotent_for_every_character() {
        // Higher planes contain ideographs and characters that normalise to themselves.
        for c in '\0'..='\u{1FFFF}' {
            let form = normalised(&format!("a{c}b"));
            assert_eq!(normalised(&form), form, "U+{:04X}", u32::from(c));
        }
    }

    proptest! {
        #[test]
        fn names_of_one_form_are_the_same_name(
            name in "[A-Za-zéëßσς()'’`´\u{2BC}\u{2010}\u{2013} \u{A0}\u{AD}\u{200B}\u{202E}\u{2066}\u{308}\u{FE0F}\u{E0041}-]{0,10}",
        ) {
            let form = name_form(&name);
            let decomposed: String = name.nfd().collect();
            for typed in [form.clone(), form.to_uppercase(), decomposed, name.replace('\'', "’")] {
                prop_assert!(is_same_form(&name, &typed));
                prop_assert!(is_same_name(&name, &typed), "{:?} {:?}", name, typed);
                prop_assert!(!is_same_text(&name, &typed) || is_same_name(&name, &typed));
            }
        }

        #[test]
        fn normalised_is_idempotent(text in ".{0,12}", name in "[(\\[A-cé'’´ŉ\u{301}\u{5B0}\u{5C1}א \\-)\\]]{0,12}") {
            for text in [text, name] {
                let form = normalised(&text);
                prop_assert_eq!(normalised(&form), &*form);
                let form = normalised_name(&text);
                prop_assert_eq!(normalised_name(&form), &*form);
                prop_assert!(is_same_name(&text, &text) && is_same_text(&text, &text));
            }
        }
    }
}
