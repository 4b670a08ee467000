use crate::matching::relation::edits::{edits, without_doubles};

/// Letters that sound like others in English names. Applied in order.
const SPELLINGS: [(&str, &str); 22] = [
    ("IAI", "IA"),
    ("TEWA", "TUA"),
    ("CHR", "KR"),
    ("CHL", "KL"),
    ("ICHO", "IKO"),
    ("SCH", "SH"),
    ("TCH", "CH"),
    ("CH", "X"),
    ("SH", "X"),
    ("PH", "F"),
    ("GHT", "T"),
    ("CK", "K"),
    ("CE", "SE"),
    ("CI", "SI"),
    ("CY", "SY"),
    ("GE", "JE"),
    ("GI", "JI"),
    ("GY", "JY"),
    ("MPS", "MS"),
    ("MPT", "MT"),
    ("DG", "J"),
    ("TH", "T"),
];

/// Starts of names, with their sound.
const STARTS: [(&str, &str); 8] = [
    ("KN", "N"),
    ("GN", "N"),
    ("WR", "R"),
    ("WH", "W"),
    ("PS", "S"),
    ("MC", "MAC"),
    ("GH", "G"),
    ("GEOF", "JEF"),
];

/// Two letters that are one vowel, with its sound. A capital is a short vowel.
const PAIRS: [(&str, char); 21] = [
    ("AI", 'a'),
    ("AY", 'a'),
    ("AE", 'a'),
    ("AU", 'o'),
    ("AW", 'o'),
    ("EA", 'e'),
    ("EE", 'e'),
    ("EI", 'e'),
    ("EY", 'e'),
    ("IE", 'e'),
    ("EU", 'u'),
    ("EW", 'u'),
    ("OA", 'o'),
    ("OE", 'o'),
    ("OI", 'y'),
    ("OY", 'y'),
    ("OO", 'u'),
    ("OU", 'O'),
    ("OW", 'w'),
    ("UA", 'u'),
    ("UE", 'u'),
];

/// Whether two names sound the same in English, and at most two letters differ apart from double
/// letters. Not for names with other letters than A to Z.
///
/// The consonants, the first vowel and the sound at the end must be the same. The vowels between are
/// weak: only their places count. A Soundex code ignores all vowels, so that Tim and Tom have one
/// code.
pub(super) fn is_same_sound(a: &str, b: &str) -> bool {
    let sounds = (sound(a), sound(b));
    matches!(sounds, (Some(a), Some(b)) if a == b)
        && edits(&without_doubles(a), &without_doubles(b)) <= 2
}

/// A code for the sound of a name; `None` for a name with other letters, or of one letter.
fn sound(name: &str) -> Option<String> {
    if name.len() < 2 || !name.bytes().all(|letter| letter.is_ascii_uppercase()) {
        return None;
    }
    let silent_end = has_silent_e(name);
    let mut text = name.to_owned();
    for (from, to) in STARTS {
        if let Some(rest) = text.strip_prefix(from) {
            text = format!("{to}{rest}");
        }
    }
    for (from, to) in SPELLINGS {
        text = text.replace(from, to);
    }
    let text = without_silent(&text);
    let mut code = String::new();
    let mut rest = text.as_str();
    let mut runs = 0;
    while let Some(first) = rest.chars().next() {
        let run = rest.find(|c: char| !is_vowel(c)).unwrap_or(rest.len());
        let (vowels, after) = rest.split_at(run);
        if vowels.is_empty() {
            if first != SILENT && !code.ends_with(consonant(first)) {
                code.push(consonant(first));
            }
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
            continue;
        }
        runs += 1;
        match runs {
            1 if silent_end => code.push_str(&first_vowels(vowels).to_lowercase()),
            1 => code.push_str(&first_vowels(vowels)),
            _ if after.is_empty() => code.push_str(last_vowels(vowels)),
            _ => code.push('-'),
        }
        rest = after;
    }
    Some(code)
}

/// Without `H` and `GH` inside the name, and with `W` after a vowel as part of the vowel. Between
/// two vowels, a silent `H` becomes [`SILENT`], so that they stay two.
fn without_silent(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let text = text.replace("GH", "H");
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            'H' if kept.is_empty() => kept.push('H'),
            'H' if letters.peek().is_some_and(|&next| is_vowel(next)) => kept.push(SILENT),
            'H' => {}
            'W' if kept.ends_with(['A', 'E', 'O']) => kept.push('W'),
            'W' if !kept.is_empty() => kept.push('V'),
            _ => kept.push(letter),
        }
    }
    kept
}

/// A consonant without a sound.
const SILENT: char = '-';

fn is_vowel(letter: char) -> bool {
    matches!(letter, 'A' | 'E' | 'I' | 'O' | 'U' | 'Y' | 'W')
}

fn consonant(letter: char) -> char {
    match letter {
        'C' | 'Q' => 'K',
        'Z' => 'S',
        'V' => 'F',
        other => other,
    }
}

/// Whether the only vowels are one letter, and an `E` at the end after one consonant: Jane, and
/// not Anne.
fn has_silent_e(name: &str) -> bool {
    let vowel = |letter: &u8| b"AEIOUY".contains(letter);
    match name.as_bytes() {
        [start @ .., first, middle, b'E'] => {
            vowel(first) && !vowel(middle) && !start.iter().any(vowel)
        }
        _ => false,
    }
}

/// The sound of the first vowels of a name. `O` and `U` are one sound, as in Mohammed and Muhammad.
fn first_vowels(vowels: &str) -> String {
    let mut sounds = String::new();
    let mut rest = vowels;
    while let Some(first) = rest.chars().next() {
        let pair = PAIRS.iter().find_map(|(pair, sound)| Some((rest.strip_prefix(pair)?, *sound)));
        let (after, sound) = pair.unwrap_or_else(|| {
            let sound = match first {
                'U' => 'O',
                'Y' => 'I',
                other => other,
            };
            (rest.get(first.len_utf8()..).unwrap_or_default(), sound)
        });
        sounds.push(sound);
        rest = after;
    }
    sounds
}

/// The sound of the vowels at the end of a name, after other vowels.
fn last_vowels(vowels: &str) -> &'static str {
    match vowels {
        "E" => "",
        "Y" | "I" | "IE" | "EY" | "EE" | "EA" => "i",
        _ => "a",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_sound_the_same() {
        for (a, b) in [
            ("JON", "JOHN"),
            ("SARA", "SARAH"),
            ("MOHAMMED", "MUHAMMAD"),
            ("MOHAMED", "MUHAMMAD"),
            ("KNIGHT", "NIGHT"),
            ("WRIGHT", "RIGHT"),
            ("WHITE", "WHYTE"),
            ("ALAN", "ALLEN"),
            ("PHILIP", "PHILLIP"),
            ("MATTHEW", "MATHEW"),
            ("DEAN", "DEANE"),
            ("CARL", "KARL"),
            ("TONY", "TONI"),
        ] {
            assert!(is_same_sound(a, b) && is_same_sound(b, a), "{:?} {:?}", sound(a), sound(b));
        }
    }

    #[test]
    fn names_that_sound_different() {
        for (a, b) in [
            ("TIM", "TOM"),
            ("HILL", "HALL"),
            ("HULL", "HALL"),
            ("DAN", "DEAN"),
            ("JANE", "JAN"),
            ("JANE", "JEAN"),
            ("LEON", "LEN"),
            ("JAYDEN", "HAYDEN"),
            ("ANN", "ANNA"),
            ("CARL", "CAROL"),
            ("ERIC", "ERICA"),
            ("BRIAN", "BRAIN"),
            ("MARIA", "MARIE"),
            ("JONES", "JOHNS"),
            // The same sound, and too many letters differ.
            ("LEE", "LEIGH"),
            ("\u{39D}\u{399}\u{39A}\u{39F}\u{3A3}", "\u{39D}\u{399}\u{39A}\u{39A}\u{39F}\u{3A3}"),
            ("A", "A"),
        ] {
            assert!(!is_same_sound(a, b) && !is_same_sound(b, a), "{:?} {:?}", sound(a), sound(b));
        }
    }
}
