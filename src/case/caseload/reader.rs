use crate::case::caseload::error::{Error, ErrorKind, FlaggedRow, RefusedRow};
use crate::case::caseload::mapping::Mapping;
use crate::case::caseload::read::{Gathered, add_to};
use crate::case::caseload::row::At;
use crate::case::caseload::rows::{Rows, Span};
use crate::case::id::CaseId;
use crate::case::record::Case;
use std::collections::VecDeque;
use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher;
use std::io::{self, Read, Seek};

/// How many cases whose rows are not adjacent are in memory at a time.
const SCATTERED: usize = 16 * 1024;

/// A case of a file, or what was wrong with one of its rows.
#[non_exhaustive]
#[derive(Debug)]
pub enum Entry {
    /// A case, with all its rows.
    Case(Box<Case>),
    /// A row that was rejected. All other rows are read.
    Refused(RefusedRow),
    /// A row that was read without its NHS Number, because it is damaged.
    Flagged(FlaggedRow),
}

/// Reads a caseload case by case, in memory that does not grow with the number of cases.
///
/// Gives the same cases as [`read`](crate::case::caseload::read), in another order, and the rows that
/// were rejected or flagged, each by its line. The file is read at least twice: once to find the cases
/// whose rows are not adjacent, and then to read the cases. In a file whose rows are sorted by
/// `case_id`, each case is complete at its last row. Of other files, the cases whose rows are not
/// adjacent are read afterwards, 16,384 in each further pass over the file.
///
/// The first pass keeps eight bytes for each row, and eight bytes for each case whose rows are not
/// adjacent stay. Everything else is bounded: a part of the file, one case, and at most 16,384 cases
/// whose rows are not adjacent.
///
/// # Errors
///
/// Those of [`read`](crate::case::caseload::read). The [`Reader`] also ends with
/// [`ErrorKind::Changed`], when the file has changed meanwhile, and with [`ErrorKind::Io`].
///
/// ```
/// use nhs_pds::case::caseload::{self, Entry};
/// use std::io::Cursor;
///
/// let file = format!("{}\n1,review,{}\n2,,{}\n",
///     caseload::COLUMNS.join(","), ",".repeat(15), ",".repeat(15));
/// let (mut cases, mut refused) = (0, Vec::new());
/// for entry in caseload::open(Cursor::new(file))? {
///     match entry? {
///         Entry::Case(_) => cases += 1,
///         Entry::Refused(row) => refused.push(row.to_string()),
///         _ => {}
///     }
/// }
/// assert_eq!((cases, refused), (1, vec!["line 3, record_type: blank where a value is required".into()]));
/// # Ok::<(), caseload::Error>(())
/// ```
pub fn open<R: Read + Seek>(file: R) -> Result<Reader<R>, Error> {
    Reader::open(file, SCATTERED, None)
}

/// As [`open`], of a file with other column names: `mapping` says which of them means what.
///
/// # Errors
///
/// Those of [`open`]. [`ErrorKind::Header`] when the file does not have a column of the mapping, or has it twice.
pub fn open_mapped<R: Read + Seek>(file: R, mapping: &Mapping) -> Result<Reader<R>, Error> {
    Reader::open(file, SCATTERED, Some(mapping.clone()))
}

/// The cases of a file, and its rejected rows: see [`open`].
///
/// After an error it ends.
pub struct Reader<R> {
    /// `None` after the end.
    rows: Option<Rows<Sum<R>>>,
    /// What the columns mean, where they do not have our names.
    mapping: Option<Mapping>,
    hasher: RandomState,
    /// The hashes of the cases whose rows are not adjacent, in ascending order.
    scattered: Vec<u64>,
    /// How many of them are gathered in one pass.
    batch: usize,
    /// The number of the pass.
    pass: usize,
    /// What the first pass has read.
    whole: Checksum,
    /// The case whose rows are being read.
    current: Option<(u64, Case)>,
    /// The cases of this pass whose rows are not adjacent.
    gathered: Gathered,
    /// What is read, each with its line.
    ready: VecDeque<(u64, Entry)>,
    /// The line of the last entry that was returned.
    line: u64,
}

impl<R: Read + Seek> Reader<R> {
    fn open(file: R, batch: usize, mapping: Option<Mapping>) -> Result<Self, Error> {
        let hasher = RandomState::new();
        let mut rows = Rows::open(Sum::new(file), mapping.as_ref())?;
        let scattered = scattered(&mut rows, &hasher)?;
        let file = rows.into_file();
        let mut reader = Self {
            rows: None,
            mapping,
            hasher,
            scattered,
            batch,
            pass: 0,
            whole: file.read,
            current: None,
            gathered: Gathered::default(),
            ready: VecDeque::new(),
            line: 0,
        };
        reader.rewind(file.file)?;
        Ok(reader)
    }

    /// The line on which the first row of the last returned entry begins; 0 before the first.
    pub const fn line(&self) -> u64 {
        self.line
    }

    /// The cases alone. Passes every other entry to `other`.
    ///
    /// [`import_from`](crate::process::import_from) takes the result.
    pub fn cases(self, mut other: impl FnMut(Entry)) -> impl Iterator<Item = Result<Case, Error>> {
        self.filter_map(move |entry| match entry {
            Ok(Entry::Case(case)) => Some(Ok(*case)),
            Ok(entry) => {
                other(entry);
                None
            }
            Err(error) => Some(Err(error)),
        })
    }

    fn rewind(&mut self, mut file: R) -> Result<(), Error> {
        file.rewind().map_err(|error| Error::new(ErrorKind::Io, error))?;
        self.rows = Some(Rows::open(Sum::new(file), self.mapping.as_ref())?);
        Ok(())
    }

    /// Reads the next row. Returns false at the end.
    fn advance(&mut self) -> Result<bool, Error> {
        let Some(rows) = &mut self.rows else { return Ok(false) };
        match rows.advance()? {
            Some(span) => {
                self.add(&span);
                Ok(true)
            }
            None => self.next_pass(),
        }
    }

    /// Adds the row to its case.
    fn add(&mut self, span: &Span) {
        let Some(rows) = &self.rows else { return };
        let place = rows.id(span).and_then(|id| self.place(&id));
        let is_first = self.pass == 0;
        let is_in_batch = place.is_some_and(|place| place / self.batch == self.pass);
        if !(is_in_batch || is_first && place.is_none()) {
            if is_first && let Err(fault) = rows.case(span) {
                self.ready.push_back((span.line, Entry::Refused(span.refused(fault))));
            }
            return;
        }
        let (case, flag) = match rows.case(span) {
            Ok(read) => read,
            Err(fault) => {
                // In the first pass each such row is reported.
                if is_first {
                    self.ready.push_back((span.line, Entry::Refused(span.refused(fault))));
                }
                return;
            }
        };
        let added = if is_in_batch {
            self.gathered.add(span.line, case)
        } else {
            self.add_adjacent(span.line, case)
        };
        match (added, flag) {
            (Err((column, reason)), _) => {
                let row = span.refused((Some(column), reason));
                self.ready.push_back((span.line, Entry::Refused(row)));
            }
            (Ok(()), Some(flag)) => {
                self.ready.push_back((span.line, Entry::Flagged(span.flagged(flag))));
            }
            (Ok(()), None) => {}
        }
    }

    /// Adds a row of a case whose rows are adjacent.
    fn add_adjacent(&mut self, line: u64, case: Case) -> Result<(), At> {
        match &mut self.current {
            Some((_, current)) if current.id == case.id => add_to(current, case),
            current => {
                let complete = current.replace((line, case));
                self.ready.extend(complete.map(entry));
                Ok(())
            }
        }
    }

    /// The place of the case among those whose rows are not adjacent, if it is one of them.
    fn place(&self, id: &CaseId) -> Option<usize> {
        self.scattered.binary_search(&self.hasher.hash_one(id.as_str())).ok()
    }

    /// Ends a pass over the file. Returns false when all cases are read.
    fn next_pass(&mut self) -> Result<bool, Error> {
        let Some(rows) = self.rows.take() else { return Ok(false) };
        let Sum { file, read } = rows.into_file();
        let complete = self.current.take().into_iter();
        let gathered = std::mem::take(&mut self.gathered).into_lines();
        self.ready.extend(complete.chain(gathered).map(entry));
        if read != self.whole {
            return Err(Error::new(ErrorKind::Changed, "it has other bytes than before"));
        }
        self.pass += 1;
        if self.pass * self.batch < self.scattered.len() {
            self.rewind(file)?;
        }
        Ok(true)
    }
}

impl<R: Read + Seek> Iterator for Reader<R> {
    type Item = Result<Entry, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((line, entry)) = self.ready.pop_front() {
                self.line = line;
                return Some(Ok(entry));
            }
            match self.advance() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    (self.rows, self.ready) = (None, VecDeque::new());
                    return Some(Err(error));
                }
            }
        }
    }
}

impl<R> fmt::Debug for Reader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reader(redacted)")
    }
}

/// The hashes of the cases whose rows are not adjacent, in ascending order. Two cases with one hash
/// count as such, which costs a pass and changes no case.
fn scattered<R: Read>(rows: &mut Rows<R>, hasher: &RandomState) -> Result<Vec<u64>, Error> {
    let (mut runs, mut before) = (Vec::new(), None);
    while let Some(span) = rows.advance()? {
        let id = rows.id(&span);
        if let Some(id) = id.filter(|id| before.as_ref() != Some(id)) {
            runs.push(hasher.hash_one(id.as_str()));
            before = Some(id);
        }
    }
    runs.sort_unstable();
    let mut scattered: Vec<u64> =
        runs.iter().zip(runs.iter().skip(1)).filter(|(a, b)| a == b).map(|(a, _)| *a).collect();
    scattered.dedup();
    scattered.shrink_to_fit();
    Ok(scattered)
}

fn entry((line, case): (u64, Case)) -> (u64, Entry) {
    (line, Entry::Case(Box::new(case)))
}

/// A file, and the sum of what was read of it.
struct Sum<R> {
    file: R,
    read: Checksum,
}

/// The length and a checksum (FNV-1a) of bytes.
#[derive(Clone, Copy, Eq, PartialEq)]
struct Checksum {
    length: u64,
    sum: u64,
}

impl<R> Sum<R> {
    const fn new(file: R) -> Self {
        Self { file, read: Checksum { length: 0, sum: 0xcbf2_9ce4_8422_2325 } }
    }
}

impl<R: Read> Read for Sum<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read(into)?;
        let bytes = into.get(..length).unwrap_or_default();
        self.read.sum = bytes.iter().fold(self.read.sum, |sum, byte| {
            (sum ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        self.read.length += bytes.len() as u64;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::caseload::COLUMNS;
    use crate::case::caseload::read::read;
    use proptest::prelude::*;
    use std::io::Cursor;

    /// A file that gives a few bytes at a time.
    struct Slow(Cursor<Vec<u8>>, usize);

    impl Read for Slow {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let length = into.len().min(self.1);
            self.0.read(&mut into[..length])
        }
    }

    impl Seek for Slow {
        fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
            self.0.seek(to)
        }
    }

    /// The cases by their ids, and the lines of the refused and the flagged rows.
    type Content = (Vec<Case>, Vec<RefusedRow>, Vec<FlaggedRow>);

    fn sorted((mut cases, mut refused, mut flagged): Content) -> Content {
        cases.sort_by(|a, b| a.id.cmp(&b.id));
        refused.sort_by_key(|row| row.line);
        flagged.sort_by_key(|row| row.line);
        (cases, refused, flagged)
    }

    fn streamed(file: impl Read + Seek, batch: usize) -> Content {
        let (mut refused, mut flagged) = (Vec::new(), Vec::new());
        let cases = Reader::open(file, batch, None).unwrap().cases(|entry| match entry {
            Entry::Case(_) => panic!("a case is not passed on"),
            Entry::Refused(row) => refused.push(row),
            Entry::Flagged(row) => flagged.push(row),
        });
        let cases = cases.collect::<Result<_, _>>().unwrap();
        sorted((cases, refused, flagged))
    }

    fn whole(file: &[u8]) -> Content {
        let caseload = read(file).unwrap();
        sorted((caseload.cases, caseload.refused, caseload.flagged))
    }

    fn rows(rows: &[(&str, &str)]) -> String {
        let mut file = COLUMNS.join(",") + "\n";
        for (id, rest) in rows {
            file += &format!("{id},review,{rest}{}\n", ",".repeat(13));
        }
        file
    }

    #[test]
    fn a_case_is_complete_before_the_file_is_read_to_its_end() {
        let file = rows(&[("1", "a,,"), ("1", "a,,"), ("2", "b,,"), ("3", "c,,"), ("1x", "d,,")]);
        let mut reader = open(Cursor::new(file.clone())).unwrap();
        let Some(Ok(Entry::Case(first))) = reader.next() else { panic!("a case") };
        assert_eq!(first.id.as_str(), "1");
        assert!(reader.gathered.into_cases().is_empty());
        assert!(streamed(Cursor::new(file.clone()), 1) == whole(file.as_bytes()));
    }

    #[test]
    fn rows_of_a_case_that_are_not_adjacent_are_one_case() {
        let file = rows(&[
            ("1", "a,,"),
            ("2", "b,,"),
            ("1", "a,,1943-05-32"),
            ("3", "c,,"),
            ("1", "z,,"),
            ("2", "b,,"),
        ]);
        let expected = whole(file.as_bytes());
        assert_eq!((expected.0.len(), expected.1.len()), (3, 2));
        assert!(expected.0[0].contradicted);
        for batch in 1..4 {
            assert!(streamed(Cursor::new(file.clone()), batch) == expected, "{batch}");
        }
    }

    #[test]
    fn a_file_that_changes_meanwhile_is_an_error() {
        let file = rows(&[("1", "a,,"), ("2", "b,,"), ("1", "a,,")]);
        let mut reader = Reader::open(Cursor::new(file.into_bytes()), 1, None).unwrap();
        reader.whole.sum ^= 1;
        let error = reader.find_map(Result::err).unwrap();
        assert_eq!(error.kind(), ErrorKind::Changed);
        assert!(reader.next().is_none(), "it ends");
        assert_eq!(format!("{reader:?}"), "Reader(redacted)");
    }

    #[test]
    fn a_checksum_depends_on_every_byte() {
        let sum = |bytes: &[u8]| {
            let mut sum = Sum::new(Cursor::new(bytes.to_vec()));
            sum.read_to_end(&mut Vec::new()).unwrap();
            sum.read
        };
        assert!(sum(b"ab") == sum(b"ab"));
        assert!(sum(b"ab") != sum(b"ba") && sum(b"ab") != sum(b"ab\0"));
    }

    fn utf_16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(unit).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]

        /// One case in each of few ids, so that rows are scattered, repeated and contradictory.
        #[test]
        fn the_same_cases_as_from_memory(
            cells in prop::collection::vec((0..6_u8, "[ab]?", 0..4_u8, 0..12_u8), 0..30),
            batch in 1..4_usize,
            piece in 1..9_usize,
        ) {
            let mut file = COLUMNS.join(",") + "\r\n";
            for (id, name, end, fault) in cells {
                let row = match fault {
                    0 => format!("{id},review\n"),
                    1 => format!("{id},,{name}{}\n", ",".repeat(15)),
                    2 => format!("{id},review,{name},,1943-02-30{}\n", ",".repeat(13)),
                    3 => format!("{id},review,{name}{}9.4E+09,\n", ",".repeat(14)),
                    4 => format!("{id},review,{name},,,,\"a\nb\"{}\n", ",".repeat(11)),
                    5 => format!(",review,{name}{}\n", ",".repeat(15)),
                    6 => format!("{id},review,\u{1f600}\u{10000}{name}{}\n\n", ",".repeat(15)),
                    _ => format!("{id},review,{name}{}w,,2026-01-0{end},,,\n", ",".repeat(10)),
                };
                file += &row;
            }
            let expected = whole(file.as_bytes());
            let slow = |bytes: Vec<u8>| Slow(Cursor::new(bytes), piece);
            prop_assert!(streamed(slow(file.clone().into_bytes()), batch) == expected);
            prop_assert!(streamed(slow(utf_16(&file, u16::to_le_bytes)), batch) == expected);
            let marked = "\u{feff}".to_owned() + &file;
            prop_assert!(streamed(slow(utf_16(&marked, u16::to_be_bytes)), batch) == expected);
        }

        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, rows in "([a-z0-9,\"\r\n\u{feff}\u{0}é]|,,,,,,,,){0,80}") {
            let mut file = COLUMNS.join(",").into_bytes();
            file.push(b'\n');
            file.extend(rows.bytes());
            file.extend(&bytes);
            prop_assert!(streamed(Cursor::new(file.clone()), 2) == whole(&file));
            let _ = open(Cursor::new(bytes));
        }
    }
}
