//! Text as a cell of a CSV file that people open in a spreadsheet program.
//!
//! Spreadsheet programs run a cell that begins with `=`, `+`, `-`, `@` (also as full-width characters) as
//! a formula, and they drop a tab or a line end before it. An apostrophe in front makes the cell text.
//! The crate's own CSV files are written with [`cell`] and read with [`text`].
//!
//! ```
//! use nhs_pds::text::spreadsheet::{cell, text};
//!
//! assert_eq!(cell("=1+1"), "'=1+1");
//! assert_eq!(text("'=1+1"), "=1+1");
//! // This name is not a formula.
//! assert_eq!(cell("'t Hooft"), "'t Hooft");
//! ```

use std::borrow::Cow;

/// Returns the cell to write for `text`. [`text`] reads it back.
///
/// If `text` is a formula, or apostrophes and then a formula, the cell has one more apostrophe in front.
/// Any other text is returned unchanged. The cell still needs the quoting of CSV.
#[must_use]
pub fn cell(text: &str) -> Cow<'_, str> {
    if is_formula(text.trim_start_matches('\'')) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The cells of a row.
#[cfg(feature = "csv")]
pub(crate) fn row<T: AsRef<str>>(values: &[T]) -> impl Iterator<Item = Vec<u8>> {
    values.iter().map(|text| cell(text.as_ref()).into_owned().into_bytes())
}

/// Returns the text of `cell`, as it was before [`cell`].
///
/// If `cell` is apostrophes and then a formula, its first apostrophe is removed. Any other cell is
/// returned unchanged.
#[must_use]
pub fn text(cell: &str) -> &str {
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
