//! Text as a cell of a CSV file that people open in a spreadsheet program.
//!
//! Spreadsheet programs run a cell that begins with `=`, `+`, `-`, `@` (also as full-width
//! characters) as a formula. They ignore a tab or a line end before it. A leading apostrophe makes
//! the cell text.

use std::borrow::Cow;

/// The cell for `text`. Adds an apostrophe in front if `text` is a formula, or is apostrophes
/// followed by a formula; otherwise returns `text` unchanged. [`text`] reverses it.
///
/// A name such as `'t Hooft` is not a formula and stays unchanged.
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

/// The text of `cell`. Removes the first apostrophe if `cell` is apostrophes followed by a formula.
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
    fn formulas_are_escaped_and_names_are_not() {
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
        assert_eq!(
            text("'9434765919"),
            "'9434765919",
            "an apostrophe that cell() would not add stays"
        );
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
