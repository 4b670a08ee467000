use crate::batch::file::cells::{Cells, Split, cells_alone};
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
/// only if the result has exactly the columns of the file, and its quotation marks are those of RFC 4180. None of the
/// lines may have as many cells as a row. One of them may if all cells but the first, or all but the last, are its own.
/// Any other line with an open quotation mark is damaged, and reading continues with the next line. That line can be the end
/// of the same record, with cells in other columns. It then has a stray quotation mark, and is damaged too.
pub(super) struct Records<R> {
    reader: R,
    buffer: Vec<u8>,
    /// The bytes of `buffer` that are read and not yet consumed.
    unread: Range<usize>,
    is_ended: bool,
    /// The line at which `unread` begins.
    line: u64,
    cells: Cells,
    /// Whether the file ends in the last record without the end of its line.
    is_cut: bool,
}

/// What [`Records::advance`] has found.
pub(super) enum Advance {
    /// A record, in [`Records::cells`], which begins on this line.
    Record(u64),
    /// A line that is not a record. [`Records::cells`] has its pieces between separators, as far as they can be read.
    Damaged(u64, RowErrorKind),
    End,
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
            cells: Cells::new(b','),
            is_cut: false,
        };
        while records.unread.len() < 4 && records.fill()? {}
        if records.bytes().starts_with(b"\xef\xbb\xbf") {
            records.unread.start += 3;
        }
        Ok(records)
    }

    /// Finds out what separates the cells, by the first line that is not blank: a comma, or, if it has none, the first of
    /// semicolon, tab and vertical bar that it has. Spreadsheet programs write these.
    pub(super) fn find_separator(&mut self) -> io::Result<()> {
        if !self.is_at_end()?
            && let Line::Ends { content, .. } = self.line_from(0)?
        {
            let line = self.bytes().get(..content).unwrap_or_default();
            let separator = b",;\t|".iter().find(|byte| line.contains(byte));
            self.cells = Cells::new(separator.copied().unwrap_or(b','));
        }
        Ok(())
    }

    /// The bytes that are read and not yet consumed.
    pub(super) fn bytes(&self) -> &[u8] {
        self.buffer.get(self.unread.clone()).unwrap_or_default()
    }

    pub(super) const fn cells(&self) -> &Cells {
        &self.cells
    }

    /// Whether the file ends in the record without the end of its line. The end of the record may be missing.
    pub(super) const fn is_cut(&self) -> bool {
        self.is_cut
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
            self.is_cut = next == content;
            let has_zero = bytes.contains(&0);
            let split = self.cells.split(bytes);
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
        let mut cells = Cells::new(self.cells.separator());
        if !self.is_at_end()?
            && let Line::Ends { content, .. } = self.line_from(0)?
        {
            cells.split(self.bytes().get(..content).unwrap_or_default());
        }
        Ok(cells)
    }

    /// Whether only blank lines follow.
    pub(super) fn is_at_end(&mut self) -> io::Result<bool> {
        let separator = self.cells.separator();
        loop {
            match self.line_from(0)? {
                Line::None => return Ok(true),
                Line::TooLong => return Ok(false),
                Line::Ends { content, next } => {
                    let line = self.bytes().get(..content).unwrap_or_default();
                    if !line.iter().all(|byte| byte.is_ascii_whitespace() || *byte == separator) {
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
        let mut rows = 0;
        for lines in 1..=MOST_LINES {
            let line = self.bytes().get(from..content).unwrap_or_default();
            rows += usize::from(cells_alone(line, self.cells.separator()) >= width);
            if rows > 1 || line.contains(&0) {
                return Ok(false);
            }
            let record = self.buffer.get(self.unread.start..).unwrap_or_default();
            let record = record.get(..content).unwrap_or_default();
            match self.cells.split(record) {
                Split::Whole => {
                    let is_row = self.cells.len() == width
                        && (rows == 0 || self.cells.is_one_line_but_for_an_end());
                    if is_row {
                        self.is_cut = next == content;
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
        let mut scanned = from;
        loop {
            let rest = self.bytes().get(scanned..).unwrap_or_default();
            if let Some(at) = end_of_line(rest) {
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
            match end_of_line(self.bytes()) {
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

/// The place of the first end of a line. Blocks without one are passed over at once, which the compiler can vectorise.
fn end_of_line(bytes: &[u8]) -> Option<usize> {
    let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
    let (blocks, rest) = bytes.as_chunks::<32>();
    for (index, block) in blocks.iter().enumerate() {
        if block.iter().fold(false, |found, byte| found | is_end(byte)) {
            return block.iter().position(is_end).map(|at| index * 32 + at);
        }
    }
    rest.iter().position(is_end).map(|at| blocks.len() * 32 + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines, and the cells or the fault, of a file with `width` columns.
    fn read(bytes: &[u8], width: usize) -> Vec<(u64, Result<Vec<String>, RowErrorKind>)> {
        let mut records = Records::open(bytes).unwrap();
        let mut found = Vec::new();
        loop {
            match records.advance(Some(width)).unwrap() {
                Advance::End => return found,
                Advance::Damaged(line, kind) => found.push((line, Err(kind))),
                Advance::Record(line) => {
                    let cells = records.cells();
                    let cells = (0..cells.len()).map(|at| cells.text(at).to_owned()).collect();
                    found.push((line, Ok(cells)));
                }
            }
        }
    }

    fn cells(cells: &[&str]) -> Result<Vec<String>, RowErrorKind> {
        Ok(cells.iter().map(|cell| (*cell).to_owned()).collect())
    }

    #[test]
    fn every_end_of_a_line() {
        for text in ["a,b\nc,d", "a,b\r\nc,d\r\n", "a,b\rc,d\r", "\u{feff}a,b\nc,d\n"] {
            let expected = [(1, cells(&["a", "b"])), (2, cells(&["c", "d"]))];
            assert_eq!(read(text.as_bytes(), 2), expected, "{text:?}");
        }
        let expected = [(3, cells(&["a", "b"])), (6, cells(&["c", "d"]))];
        assert_eq!(read(b"\n ,\r\na,b\r\n\r\n\nc,d\n\n", 2), expected);
    }

    #[test]
    fn quotation_marks() {
        let expected = [(1, cells(&["a,\"b\"", "", "c"]))];
        assert_eq!(read(b"\"a,\"\"b\"\"\",\"\",c\n", 3), expected);
        assert_eq!(read(b"a\"b,c", 2), [(1, Err(RowErrorKind::Quote))]);
        assert_eq!(read(b"\"a\"b,c", 2), [(1, Err(RowErrorKind::Quote))]);
    }

    #[test]
    fn a_line_end_in_quotation_marks() {
        for (text, first) in [
            ("a,\"b\n\nc\",d\ne,f,g\n", ["a", "b\n\nc", "d"]),
            ("a,b,\"c\r\n,\nd\"\ne,f,g\n", ["a", "b", "c\r\n,\nd"]),
            ("\"a\n\nb\",c,d\ne,f,g\n", ["a\n\nb", "c", "d"]),
        ] {
            let expected = [(1, cells(&first)), (4, cells(&["e", "f", "g"]))];
            assert_eq!(read(text.as_bytes(), 3), expected, "{text}");
        }
    }

    #[test]
    fn stray_quotation_marks_never_join_rows() {
        // A usual reader makes one row of both, with the first value of one and the last of the other.
        let expected = [(1, Err(RowErrorKind::Quote)), (2, Err(RowErrorKind::Quote))];
        assert_eq!(read(b"ref-1,\"x,number-1\nref-2,y\",number-2\n", 3), expected);
        // Rows of another length do not become one either.
        let found = read(b"ref-1,\"x\nref-2,y\",number-2\n", 3);
        assert_eq!(found[0], (1, Err(RowErrorKind::Quote)));
        // A quotation mark that is never closed costs its own line.
        let text = format!("a,\"b,c\n{}", "d,e,f\n".repeat(50_000));
        let found = read(text.as_bytes(), 3);
        assert_eq!(found.len(), 50_001);
        assert!(found[1..].iter().all(|(_, found)| found.is_ok()));
        let text = format!("a,\"b\n{}", "d\n".repeat(40));
        assert_eq!(read(text.as_bytes(), 3).len(), 41, "too many lines to be one record");
    }

    #[test]
    fn the_end_of_a_damaged_record_is_no_row() {
        // The note has a line end and a comma, so that the second line has as many cells as a row.
        let expected = [(1, Err(RowErrorKind::Quote)), (2, Err(RowErrorKind::Quote))];
        assert_eq!(read(b"50,\"\n,a\",x,ref-1\n", 4), expected);
    }

    #[test]
    fn commas_in_quotation_marks_make_no_cells() {
        let expected = [(1, cells(&["a,a", "b\nc", "d"]))];
        assert_eq!(read(b"\"a,a\",\"b\nc\",d\n", 3), expected);
    }

    #[test]
    fn memory_is_limited() {
        let mut records = Records::open(io::repeat(b'x').take(50_000_000)).unwrap();
        let found = records.advance(Some(3)).unwrap();
        assert!(matches!(found, Advance::Damaged(1, RowErrorKind::Size)));
        assert!(records.buffer.capacity() < 1_000_000);
        assert!(matches!(records.advance(Some(3)).unwrap(), Advance::End));
        for (length, is_read) in [(LONGEST, true), (LONGEST + 1, false)] {
            let text = format!("{}\nb,c\n", "x".repeat(length));
            let found = read(text.as_bytes(), 1);
            assert_eq!(found[0].1.is_ok(), is_read, "{length}");
            assert_eq!(found[1], (2, cells(&["b", "c"])));
        }
    }

    #[test]
    fn the_next_record_can_be_seen_before() {
        let mut records = Records::open(&b"a,b\n\n,\nc,d\n\n"[..]).unwrap();
        assert!(matches!(records.advance(None).unwrap(), Advance::Record(1)));
        assert_eq!(records.peek().unwrap().text(1), "d");
        assert_eq!(records.cells().text(1), "b");
        assert!(!records.is_at_end().unwrap());
        assert!(matches!(records.advance(None).unwrap(), Advance::Record(4)));
        assert!(records.is_at_end().unwrap());
    }

    /// A file that gives one byte at a time.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let length = into.len().min(1);
            self.0.read(into.get_mut(..length).unwrap_or_default())
        }
    }

    #[test]
    fn the_size_of_the_reads_changes_nothing() {
        let bytes = b"\xef\xbb\xbfa,b\r\n\"c\r\nd\",e\r\r\n\"f,g\nh";
        let mut records = Records::open(Slow(bytes)).unwrap();
        let mut lines = Vec::new();
        loop {
            match records.advance(Some(2)).unwrap() {
                Advance::Record(line) => lines.push((line, records.cells().len())),
                Advance::Damaged(line, _) => lines.push((line, 0)),
                Advance::End => break,
            }
        }
        let whole: Vec<_> = read(bytes, 2)
            .into_iter()
            .map(|(line, found)| (line, found.map_or(0, |cells| cells.len())))
            .collect();
        assert_eq!(lines, whole);
        assert_eq!(lines, [(1, 2), (2, 2), (5, 0), (6, 1)]);
    }
}
