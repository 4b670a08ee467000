//! Text as a cell of a CSV file that people open in a spreadsheet program.
//!
//! Spreadsheet programs run a cell that begins with `=`, `+`, `-`, `@` (also as full-width characters) as
//! a formula, and they drop a tab or a line end before it. An apostrophe in front makes the cell text.

use std::borrow::Cow;

/// The cell for `text`: with one more apostrophe in front if `text` is a formula, or apostrophes and then
/// a formula; otherwise `text` itself. [`text`] reads it back.
///
/// A name such as `'t Hooft` is no formula, and stays.
pub(crate) fn cell(text: &str) -> Cow<'_, str> {
    if is_formula(text.trim_start_matches('\'')) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The cells of a row.
#[cfg(any(feature = "csv", feature = "simulator"))]
pub(crate) fn row<T: AsRef<str>>(values: &[T]) -> impl Iterator<Item = Vec<u8>> {
    values.iter().map(|text| cell(text.as_ref()).into_owned().into_bytes())
}

/// The text of `cell`: without its first apostrophe, if it is apostrophes and then a formula.
#[cfg(any(feature = "csv", feature = "simulator", test))]
pub(crate) fn text(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(text) if is_formula(text.trim_start_matches('\'')) => text,
        _ => cell,
    }
}

fn is_formula(text: &str) -> bool {
    text.starts_with(['\t', '\r', '\n'])
        || text.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn formulas_become_text_and_names_stay() {
        for (plain, written) in [
            ("=1+1", "'=1+1"),
            ("+44 20", "'+44 20"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\rx", "'\rx"),
            ("\nx", "'\nx"),
            (" =1", "' =1"),
            ("\u{a0}=1", "'\u{a0}=1"),
            ("＝1", "'＝1"),
            ("'=1", "''=1"),
            ("''-", "'''-"),
            ("'t Hooft", "'t Hooft"),
            ("'", "'"),
            ("O'Brien", "O'Brien"),
            ("Smith-Jones", "Smith-Jones"),
            ("", ""),
        ] {
            assert_eq!(cell(plain), written, "{plain:?}");
            assert_eq!(text(written), plain, "{written:?}");
        }
        assert_eq!(text("'9434765919"), "'9434765919", "what we do not write is not read away");
    }

    proptest! {
        #[test]
        fn every_text_is_read_back(plain in "['=+@＝－ \t\r\na-]{0,6}|\\PC{0,8}") {
            let written = cell(&plain).into_owned();
            prop_assert_eq!(text(&written), &*plain);
            prop_assert!(!is_formula(&written));
        }
    }
}
