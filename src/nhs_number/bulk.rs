//! Whole files of numbers.

use super::{NhsNumber, ParseError, parse};
use std::fmt;
use std::iter::FusedIterator;

/// Checks numbers written one per line, without allocating. Returns each line's number, from 1, with its
/// NHS Number or the reason why there is none.
///
/// Reads each line as [`NhsNumber::from_bytes`] does, which also takes `\r\n`. An empty line is not
/// skipped: it gives [`ParseError::Length`], so that verdicts and line numbers match. The end of
/// the last line may be missing, and does not start another line. Bytes that are not UTF-8 give
/// [`ParseError::Character`]. A byte order mark before the first line is skipped.
///
/// ```
/// use nhs_pds::nhs_number::{ParseError, lines};
///
/// let file = b"9434765919\n944 930 4424\r\n\n9434765918";
/// let refused: Vec<_> =
///     lines(file).filter_map(|(line, verdict)| Some((line, verdict.err()?))).collect();
/// assert_eq!(refused, [(3, ParseError::Length), (4, ParseError::CheckDigit)]);
/// ```
#[must_use]
pub fn lines(buffer: &[u8]) -> impl FusedIterator<Item = Verdict> + Clone + fmt::Debug {
    let rest = match buffer {
        [0xef, 0xbb, 0xbf, rest @ ..] => rest,
        _ => buffer,
    };
    Lines { rest, line: 0 }
}

/// A line number, from 1, with its NHS Number or the reason why there is none.
type Verdict = (usize, Result<NhsNumber, ParseError>);

#[derive(Clone)]
struct Lines<'a> {
    rest: &'a [u8],
    line: usize,
}

impl Iterator for Lines<'_> {
    type Item = Verdict;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if let Some(([ten @ .., b'\n'], rest)) = self.rest.split_first_chunk::<11>()
            && let Some(verdict) = parse::ten_digits(ten)
        {
            self.rest = rest;
            self.line += 1;
            return Some((self.line, verdict));
        }
        let (verdict, rest) = first_of_any_form(self.rest)?;
        self.rest = rest;
        self.line += 1;
        Some((self.line, verdict))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::from(!self.rest.is_empty()), Some(self.rest.len()))
    }
}

impl FusedIterator for Lines<'_> {}

/// The verdict on the first line of `buffer`, and the rest. Returned by value, so that the loop
/// over the usual lines keeps its position in registers.
#[cold]
fn first_of_any_form(buffer: &[u8]) -> Option<(Result<NhsNumber, ParseError>, &[u8])> {
    if buffer.is_empty() {
        return None;
    }
    let end = buffer.iter().position(|byte| *byte == b'\n').unwrap_or(buffer.len());
    let (line, rest) = buffer.split_at(end);
    Some((NhsNumber::from_bytes(line), rest.get(1..).unwrap_or_default()))
}

/// Shows the position, never the content.
impl fmt::Debug for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rest, line } = self;
        write!(f, "Lines(after line {line}, {} bytes left)", rest.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ParseError::{Character, CheckDigit, Length, Placeholder, Remainder10};
    use proptest::prelude::*;

    fn verdicts(buffer: &[u8]) -> Vec<Result<u64, ParseError>> {
        lines(buffer).map(|(_, verdict)| verdict.map(NhsNumber::value)).collect()
    }

    #[test]
    fn a_byte_order_mark_is_skipped() {
        assert_eq!(verdicts(b"\xef\xbb\xbf9434765919\n"), [Ok(9_434_765_919)]);
        assert_eq!(verdicts(b"\xef\xbb\xbf"), []);
        assert_eq!(
            verdicts(b"9434765919\n\xef\xbb\xbf9434765919"),
            [Ok(9_434_765_919), Err(Character)]
        );
    }

    #[test]
    fn every_kind_of_line() {
        let buffer = b"9434765919\n\
            943 476 5919\n\
            943-476-5919\r\n\
            9434765919\r\n\
            \n\
            \r\n\
            12\n\
            943\xff476591\n\
            \xe2\x80\n\
            9434765918\n\
            9991234560\n\
            0000000000\n\
            94347659190\n\
            943476591x\n\
            9449304424";
        let numbers: Vec<usize> = lines(buffer).map(|(line, _)| line).collect();
        assert_eq!(numbers, (1..=15).collect::<Vec<_>>());
        assert_eq!(
            verdicts(buffer),
            [
                Ok(9_434_765_919),
                Ok(9_434_765_919),
                Ok(9_434_765_919),
                Ok(9_434_765_919),
                Err(Length),
                Err(Length),
                Err(Length),
                Err(Character),
                Err(Character),
                Err(CheckDigit),
                Err(Remainder10),
                Err(Placeholder),
                Err(Length),
                Err(Character),
                Ok(9_449_304_424),
            ]
        );
    }

    #[test]
    fn ends_of_files() {
        assert_eq!(verdicts(b""), []);
        assert_eq!(verdicts(b"\n"), [Err(Length)]);
        assert_eq!(verdicts(b"\n\n"), [Err(Length), Err(Length)]);
        assert_eq!(verdicts(b"9434765919"), [Ok(9_434_765_919)]);
        assert_eq!(verdicts(b"9434765919\n"), [Ok(9_434_765_919)]);
        assert_eq!(verdicts(b"9434765919\r\n"), [Ok(9_434_765_919)]);
        assert_eq!(verdicts(b"9434765919\n\n"), [Ok(9_434_765_919), Err(Length)]);
        assert_eq!(verdicts(b"9434\n65919\n"), [Err(Length), Err(Length)]);
        let mut done = lines(b"x");
        assert_eq!(done.next(), Some((1, Err(Character))));
        assert_eq!((done.next(), done.next()), (None, None));
    }

    #[test]
    fn debug_shows_no_number() {
        let mut some = lines(b"5990000014\n5990000014\n");
        some.next();
        assert_eq!(format!("{some:?}"), "Lines(after line 1, 11 bytes left)");
    }

    proptest! {
        #[test]
        fn agrees_with_reading_line_by_line(
            texts in proptest::collection::vec("(9434765919|943 476 5919|[0-9]{10}|[0-9 x\r-]{0,12})", 0..20),
            last_end: bool,
        ) {
            let mut buffer = texts.join("\n");
            if last_end && !buffer.is_empty() {
                buffer.push('\n');
            }
            let expected: Vec<_> = buffer.lines().map(str::parse::<NhsNumber>).collect();
            let found: Vec<_> = lines(buffer.as_bytes()).map(|(_, verdict)| verdict).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
