//! Text that is safe to show on a terminal.
//!
//! Names, notes and service messages come from other systems. A terminal executes control
//! characters in them. Characters without a width or with a writing direction make two different
//! texts look the same. Programs that print such text to a terminal use [`printable`] for each
//! value, and [`printable_json`] for a whole JSON document.

use std::borrow::Cow;
use std::fmt::Write;

/// `text` with an escape in place of each character that a terminal executes or does not show.
/// These are control characters (including line ends and tabs), characters without a width, and
/// characters that change the direction of writing.
///
/// ```
/// use nhs_pds::text::terminal::printable;
///
/// assert_eq!(printable("O'Brien-Łukasz"), "O'Brien-Łukasz");
/// assert_eq!(printable("Smith\u{1b}[2J\n"), r"Smith\u{1b}[2J\n");
/// assert_eq!(printable("Smi\u{200b}th"), r"Smi\u{200b}th");
/// ```
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    replaced(text, is_hidden, |c, to| match c {
        '\n' | '\r' | '\t' => to.extend(c.escape_default()),
        _ => to.extend(c.escape_unicode()),
    })
}

/// A JSON document in which each character that [`printable`] escapes is written as `\uXXXX`,
/// within strings and object keys. The value is the same; line ends between values stay.
///
/// ```
/// use nhs_pds::text::terminal::printable_json;
///
/// let json = serde_json::json!({ "family": "Smi\u{202e}th" });
/// let text = printable_json(&json.to_string()).into_owned();
/// assert_eq!(text, r#"{"family":"Smi\u202eth"}"#);
/// assert_eq!(serde_json::from_str::<serde_json::Value>(&text)?, json);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[must_use]
pub fn printable_json(json: &str) -> Cow<'_, str> {
    // Below DEL, JSON itself escapes characters in strings, and line ends are only between values.
    let is_raw = |c: char| c >= '\u{7f}' && is_hidden(c);
    replaced(json, is_raw, |c, to| {
        for unit in c.encode_utf16(&mut [0; 2]) {
            // Writing to a string cannot fail.
            let _ = write!(to, "\\u{unit:04x}");
        }
    })
}

fn replaced(
    text: &str,
    is_meant: impl Fn(char) -> bool,
    replace: impl Fn(char, &mut String),
) -> Cow<'_, str> {
    if !text.chars().any(&is_meant) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_meant(c) { replace(c, &mut shown) } else { shown.push(c) }
    }
    Cow::Owned(shown)
}

/// Control characters, line and paragraph separators, and characters that Unicode calls default
/// ignorable.
pub(crate) fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}'
                | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
                | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
                | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{1BCA0}'..='\u{1BCA3}'
                | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_kind_of_hidden_character_is_escaped() {
        for hidden in [
            "\u{0}",
            "\u{7}",
            "\u{8}",
            "\t",
            "\n",
            "\r",
            "\u{1b}",
            "\u{7f}",
            "\u{85}",
            "\u{9b}",
            "\u{ad}",
            "\u{61c}",
            "\u{200b}",
            "\u{200d}",
            "\u{200e}",
            "\u{200f}",
            "\u{2028}",
            "\u{202a}",
            "\u{202e}",
            "\u{2060}",
            "\u{2066}",
            "\u{2069}",
            "\u{feff}",
            "\u{e0041}",
        ] {
            let text = format!("a{hidden}b");
            let shown = printable(&text);
            assert!(!shown.contains(hidden), "{hidden:?}");
            assert!(shown.starts_with(r"a\") && shown.ends_with('b'), "{hidden:?}: {shown}");
        }
        for plain in ["", "Zoë", "李", "O’Brien", "Ann Marie", "e\u{301}", "🙂", r"a\b"] {
            assert_eq!(printable(plain), plain);
            assert_eq!(printable_json(plain), plain);
        }
    }

    proptest! {
        #[test]
        fn no_hidden_character_remains(text in "[\\PC\\pC]{0,12}") {
            prop_assert!(!printable(&text).chars().any(is_hidden));
        }

        #[test]
        fn json_keeps_its_value(text in "[\\PC\\pC]{0,12}") {
            let value = serde_json::json!({ text.clone(): [text] });
            for json in [value.to_string(), format!("{value:#}")] {
                let shown = printable_json(&json);
                prop_assert!(!shown.chars().any(|c| c != '\n' && is_hidden(c)));
                prop_assert_eq!(&serde_json::from_str::<serde_json::Value>(&shown).unwrap(), &value);
            }
        }
    }
}
