//! The characters that XML 1.0 allows, and their places.

use std::borrow::Cow;

/// Whether the text contains a literal character that XML 1.0 does not allow.
pub(super) fn holds_forbidden_character(bytes: &[u8]) -> bool {
    // Reads every byte, without an early end, so that the compiler can use vector instructions. U+FFFE
    // and U+FFFF begin with 0xEF, as do few other characters.
    let (control, rare) = bytes.iter().fold((false, false), |(control, rare), &byte| {
        let allowed = (byte >= b' ') | (byte == b'\t') | (byte == b'\n') | (byte == b'\r');
        (control | !allowed, rare | (byte == 0xef))
    });
    control || (rare && bytes.windows(3).any(|w| matches!(w, [0xef, 0xbf, 0xbe | 0xbf])))
}

/// Normalises line ends (XML 1.0 section 2.11).
pub(super) fn line_ends(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.contains('\r') {
        Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
    } else {
        text
    }
}

/// `Char` of XML 1.0.
pub(super) const fn allowed(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}

pub(super) fn predefined(entity: &str) -> Option<char> {
    Some(match entity {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => return None,
    })
}

/// Whether the text is white space only (`S`).
pub(super) fn is_white(text: &str) -> bool {
    text.chars().all(is_space)
}

/// One character of `S`.
pub(super) const fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\r')
}

/// Whether `name` is a name with at most one prefix (`QName` of Namespaces in XML 1.0).
pub(super) fn is_name(name: &str) -> bool {
    // Nearly every name consists of ASCII letters and digits.
    if let [first, rest @ ..] = name.as_bytes()
        && first.is_ascii_alphabetic()
        && rest.iter().all(u8::is_ascii_alphanumeric)
    {
        return true;
    }
    let (prefix, local) = name.split_once(':').unwrap_or(("_", name));
    is_part(prefix) && is_part(local)
}

/// `NCName`.
fn is_part(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(starts_name) && characters.all(continues_name)
}

/// `NameStartChar`, without the colon.
const fn starts_name(character: char) -> bool {
    matches!(
        character,
        'A'..='Z' | '_' | 'a'..='z'
            | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{2ff}'
            | '\u{370}'..='\u{37d}' | '\u{37f}'..='\u{1fff}' | '\u{200c}'..='\u{200d}'
            | '\u{2070}'..='\u{218f}' | '\u{2c00}'..='\u{2fef}' | '\u{3001}'..='\u{d7ff}'
            | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fffd}' | '\u{10000}'..='\u{effff}'
    )
}

/// `NameChar`, without the colon.
const fn continues_name(character: char) -> bool {
    starts_name(character)
        || matches!(
            character,
            '-' | '.' | '0'..='9' | '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}'..='\u{2040}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for name in
            ["a", "_", "é", "a1-.·", "xml:lang", "_:_", "\u{10000}", "a\u{301}", "getX-v1-0"]
        {
            assert!(is_name(name), "{name}");
        }
        for name in [
            "", ":", "a:", ":a", "a:b:c", "1a", "a:1", "-a", ".a", "a b", "a;", "a\"", "×",
            "a\u{37e}",
        ] {
            assert!(!is_name(name), "{name}");
        }
        // The fast path for letters and digits agrees with the full rule.
        for character in '\0'..='\u{7f}' {
            for name in [format!("{character}"), format!("a{character}"), format!("{character}a")] {
                let long = if name.contains(':') { false } else { is_part(&name) };
                assert_eq!(is_name(&name), long, "{name:?}");
            }
        }
    }
}
