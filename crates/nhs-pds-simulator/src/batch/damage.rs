//! Damages a row of a response.

use super::answer::{Answer, Matched};
use super::response::Lines;
use crate::seed::SplitMix64;
use uuid::Builder;

/// The line of a damaged row.
pub(super) fn damaged(
    lines: &Lines,
    mut cells: Vec<String>,
    answer: &Answer<'_>,
    is_mpt: bool,
    drawn: &mut SplitMix64,
) -> Vec<u8> {
    let code = lines.place("ERROR/SUCCESS_CODE").unwrap_or(0);
    let number = lines.place("MATCHED_NHS_NO").unwrap_or(0);
    match drawn.below(5) {
        0 if matches!(answer.matched, Matched::Number(_)) => {
            if let Some(cell) = cells.get_mut(number) {
                *cell = with_wrong_check_digit(cell);
            }
            lines.line(&cells).into_bytes()
        }
        // Further values of MPT responses mean nothing.
        1 if !is_mpt => {
            cells.push("further".into());
            lines.line(&cells).into_bytes()
        }
        2 => with_byte(lines, &cells, code, 0xff),
        3 => with_byte(lines, &cells, code, 0),
        _ => {
            cells.truncate(cells.len() / 2);
            lines.line(&cells).into_bytes()
        }
    }
}

/// A reference that no request has.
pub(super) fn foreign(drawn: &mut SplitMix64) -> String {
    let mut bytes = [0; 16];
    for (byte, value) in bytes.iter_mut().zip(std::iter::repeat_with(|| drawn.below(256))) {
        *byte = u8::try_from(value).unwrap_or_default();
    }
    Builder::from_random_bytes(bytes).into_uuid().to_string()
}

fn with_wrong_check_digit(number: &str) -> String {
    let (start, last) = number.split_at(number.len().saturating_sub(1));
    let last = last.parse::<u8>().map_or(0, |digit| (digit + 1) % 10);
    format!("{start}{last}")
}

/// The line, with `byte` after the text of a cell.
fn with_byte(lines: &Lines, cells: &[String], place: usize, byte: u8) -> Vec<u8> {
    /// A character that no row has.
    const MARK: char = '\u{f8ff}';
    let mut cells = cells.to_vec();
    if let Some(cell) = cells.get_mut(place) {
        cell.push(MARK);
    }
    let line = lines.line(&cells);
    let (before, after) = line.split_once(MARK).unwrap_or((&line, ""));
    [before.as_bytes(), &[byte], after.as_bytes()].concat()
}
