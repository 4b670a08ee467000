use crate::batch::file::error::RowErrorKind;
use std::io::{self, Read};
use std::ops::Range;

/// The most bytes of a record. A response of PDS has about 300.
const LONGEST: usize = 64 * 1024;

/// How many bytes are read at a time.
const CHUNK: usize = 64 * 1024;

/// The most lines of a record with line ends in quotation marks.
const MOST_LINES: usize = 16;

/// The records of a CSV file, in flat memory.
///
/// A record is a line. A quotation mark that is never closed, or two stray ones, would make a usual CSV reader join all
/// rows between them, and so give one person's reference to another person's number. This reader therefore joins lines
/// only if the result has exactly the columns of the file, and none of the lines has as many commas as a row by itself. It
/// reports any other line with an open quotation mark alone, and goes on with the next line.
pub(super) struct Records<R> {
    reader: R,
    buffer: Vec<u8>,
    /// The bytes of `buffer` that are read and not yet consumed.
    unread: Range<usize>,
    is_ended: bool,
    /// The line at which `unread` begins.
    line: u64,
    cells: Cells,
}

/// What [`Records::advance`] has found.
pub(super) enum Advance {
    /// A record, in [`Records::cells`], which begins on this line.
    Record(u64),
    /// A line that is not a record. [`Records::cells`] has its pieces between commas, as far as they can be read.
    Damaged(u64, RowErrorKind),
    End,
}

/// The cells of a record. It is reused.
#[derive(Default)]
pub(super) struct Cells {
    /// The cells without their quotation marks.
    text: Vec<u8>,
    places: Vec<Range<usize>>,
}

impl Cells {
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// The cell at `place` without white space around it. Blank if there is none.
    pub(super) fn get(&self, place: usize) -> &[u8] {
        let place = self.places.get(place).cloned().unwrap_or_default();
        self.text.get(place).unwrap_or_default().trim_ascii()
    }

    /// The same as text. Blank if it is not UTF-8: see [`is_utf_8`](Self::is_utf_8).
    pub(super) fn text(&self, place: usize) -> &str {
        str::from_utf8(self.get(place)).unwrap_or_default()
    }

    pub(super) fn is_utf_8(&self) -> bool {
        str::from_utf8(&self.text).is_ok()
    }

    /// Whether the cells from `place` on are blank.
    pub(super) fn is_blank_from(&self, place: usize) -> bool {
        (place..self.len()).all(|place| self.get(place).is_empty())
    }

    fn clear(&mut self) {
        self.text.clear();
        self.places.clear();
    }

    /// The pieces of `line` between commas, whatever quotation marks it has.
    fn split_roughly(&mut self, line: &[u8]) {
        self.clear();
        self.text.extend_from_slice(line);
        let mut from = 0;
        for piece in line.split(|byte| *byte == b',') {
            self.places.push(from..from + piece.len());
            from += piece.len() + 1;
        }
    }

    /// The cells of a record by RFC 4180. With `strict`, a quotation mark within a cell that does not begin with one is a
    /// fault.
    fn split(&mut self, record: &[u8], strict: bool) -> Split {
        if !record.contains(&b'"') {
            self.split_roughly(record);
            return Split::Whole;
        }
        self.clear();
        let mut rest = record;
        loop {
            let from = self.text.len();
            let after = match rest.strip_prefix(b"\"") {
                Some(quoted) => match self.unquote(quoted) {
                    Some(after) => after,
                    None => return Split::Open,
                },
                None => {
                    let end = rest.iter().position(|byte| *byte == b',').unwrap_or(rest.len());
                    let (cell, after) = rest.split_at(end);
                    if strict && cell.contains(&b'"') {
                        return Split::Misquoted;
                    }
                    self.text.extend_from_slice(cell);
                    after
                }
            };
            self.places.push(from..self.text.len());
            match after {
                [] => return Split::Whole,
                [b',', after @ ..] => rest = after,
                _ => return Split::Misquoted,
            }
        }
    }

    /// Takes a cell up to its closing quotation mark, and returns what follows it.
    fn unquote<'a>(&mut self, quoted: &'a [u8]) -> Option<&'a [u8]> {
        let mut rest = quoted;
        loop {
            let end = rest.iter().position(|byte| *byte == b'"')?;
            let (text, after) = rest.split_at(end);
            self.text.extend_from_slice(text);
            match after {
                [_, b'"', after @ ..] => {
                    self.text.push(b'"');
                    rest = after;
                }
                [_, after @ ..] => return Some(after),
                [] => return None,
            }
        }
    }
}

enum Split {
    Whole,
    Open,
    Misquoted,
}

/// A line: where its content ends, and where the next line begins, counted from the first unread byte.
enum Line {
    Ends { content: usize, next: usize },
    TooLong,
    None,
}

impl<R: Read> Records<R> {
    /// Passes over a byte order mark.
    pub(super) fn open(reader: R) -> io::Result<Self> {
        let mut records = Self {
            reader,
            buffer: Vec::new(),
            unread: 0..0,
            is_ended: false,
            line: 1,
            cells: Cells::default(),
        };
        while records.unread.len() < 4 && records.fill()? {}
        if records.bytes().starts_with(b"\xef\xbb\xbf") {
            records.unread.start += 3;
        }
        Ok(records)
    }

    /// The bytes that are read and not yet consumed.
    pub(super) fn bytes(&self) -> &[u8] {
        self.buffer.get(self.unread.clone()).unwrap_or_default()
    }

    pub(super) const fn cells(&self) -> &Cells {
        &self.cells
    }

    /// Goes to the next record that is not blank. A file whose first line is read has a `width`, the number of its columns.
    pub(super) fn advance(&mut self, width: Option<usize>) -> io::Result<Advance> {
        loop {
            let line = self.line;
            let (content, next) = match self.line_from(0)? {
                Line::None => return Ok(Advance::End),
                Line::TooLong => {
                    self.pass_over()?;
                    self.cells.clear();
                    return Ok(Advance::Damaged(line, RowErrorKind::Size));
                }
                Line::Ends { content, next } => (content, next),
            };
            let bytes = self.buffer.get(self.unread.start..).unwrap_or_default();
            let bytes = bytes.get(..content).unwrap_or_default();
            let has_zero = bytes.contains(&0);
            let split = self.cells.split(bytes, false);
            let fault = match split {
                Split::Whole if self.cells.is_blank_from(0) && !has_zero => {
                    self.consume(next, 1);
                    continue;
                }
                Split::Whole => has_zero.then_some(RowErrorKind::Zero),
                Split::Open if self.join(width, content, next)? => {
                    return Ok(Advance::Record(line));
                }
                Split::Open | Split::Misquoted => Some(RowErrorKind::Quote),
            };
            if fault == Some(RowErrorKind::Quote) {
                let bytes = self.buffer.get(self.unread.start..).unwrap_or_default();
                self.cells.split_roughly(bytes.get(..content).unwrap_or_default());
            }
            self.consume(next, 1);
            return Ok(match fault {
                None => Advance::Record(line),
                Some(fault) => Advance::Damaged(line, fault),
            });
        }
    }

    /// The next line that is not blank, without going to it.
    pub(super) fn peek(&mut self) -> io::Result<Cells> {
        let mut cells = Cells::default();
        if !self.is_at_end()?
            && let Line::Ends { content, .. } = self.line_from(0)?
        {
            cells.split(self.bytes().get(..content).unwrap_or_default(), false);
        }
        Ok(cells)
    }

    /// Whether only blank lines follow.
    pub(super) fn is_at_end(&mut self) -> io::Result<bool> {
        loop {
            match self.line_from(0)? {
                Line::None => return Ok(true),
                Line::TooLong => return Ok(false),
                Line::Ends { content, next } => {
                    let line = self.bytes().get(..content).unwrap_or_default();
                    if !line.iter().all(|byte| byte.is_ascii_whitespace() || *byte == b',') {
                        return Ok(false);
                    }
                    self.consume(next, 1);
                }
            }
        }
    }

    /// Tries to read the first line, which ends at `content` with an open quotation mark, and some of the following lines as
    /// one record.
    fn join(&mut self, width: Option<usize>, content: usize, next: usize) -> io::Result<bool> {
        let Some(width) = width else { return Ok(false) };
        let (mut from, mut content, mut next) = (0, content, next);
        for lines in 1..=MOST_LINES {
            let line = self.bytes().get(from..content).unwrap_or_default();
            let commas = line.iter().filter(|byte| **byte == b',').count();
            if commas + 1 >= width || line.contains(&0) {
                return Ok(false);
            }
            let record = self.buffer.get(self.unread.start..).unwrap_or_default();
            let record = record.get(..content).unwrap_or_default();
            match self.cells.split(record, true) {
                Split::Whole => {
                    let is_row = self.cells.len() == width;
                    if is_row {
                        self.consume(next, lines as u64);
                    }
                    return Ok(is_row);
                }
                Split::Misquoted => return Ok(false),
                Split::Open => {}
            }
            from = next;
            match self.line_from(from)? {
                Line::Ends { content: to, next: after } if to <= LONGEST => {
                    (content, next) = (to, after);
                }
                _ => return Ok(false),
            }
        }
        Ok(false)
    }

    /// The line that begins `from` bytes after the first unread byte.
    fn line_from(&mut self, from: usize) -> io::Result<Line> {
        let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
        let mut scanned = from;
        loop {
            let rest = self.bytes().get(scanned..).unwrap_or_default();
            if let Some(at) = rest.iter().position(is_end) {
                let content = scanned + at;
                if content - from > LONGEST {
                    return Ok(Line::TooLong);
                }
                while self.bytes().len() < content + 2 && self.fill()? {}
                let is_pair = self.bytes().get(content..content + 2) == Some(b"\r\n");
                let next = content + if is_pair { 2 } else { 1 };
                return Ok(Line::Ends { content, next });
            }
            scanned = self.bytes().len();
            if scanned - from > LONGEST {
                return Ok(Line::TooLong);
            }
            if !self.fill()? {
                let is_none = scanned == from;
                return Ok(if is_none {
                    Line::None
                } else {
                    Line::Ends { content: scanned, next: scanned }
                });
            }
        }
    }

    /// Consumes a line of any length.
    fn pass_over(&mut self) -> io::Result<()> {
        loop {
            match self.bytes().iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
                Some(at) => {
                    self.unread.start += at;
                    if let Line::Ends { next, .. } = self.line_from(0)? {
                        self.consume(next, 1);
                    }
                    return Ok(());
                }
                None => {
                    self.unread.start = self.unread.end;
                    if !self.fill()? {
                        return Ok(());
                    }
                }
            }
        }
    }

    fn consume(&mut self, bytes: usize, lines: u64) {
        self.unread.start = (self.unread.start + bytes).min(self.unread.end);
        self.line += lines;
    }

    /// Reads more bytes. Returns false at the end of the file.
    fn fill(&mut self) -> io::Result<bool> {
        if self.is_ended {
            return Ok(false);
        }
        // What is consumed makes room.
        self.buffer.copy_within(self.unread.clone(), 0);
        self.unread = 0..self.unread.len();
        if self.buffer.len() < self.unread.end + CHUNK {
            self.buffer.resize(self.unread.end + CHUNK, 0);
        }
        let room = self.buffer.get_mut(self.unread.end..).unwrap_or_default();
        let read = loop {
            match self.reader.read(room) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        self.unread.end += read;
        self.is_ended = read == 0;
        Ok(read > 0)
    }
}
