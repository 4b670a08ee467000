use std::ops::Range;

/// The cells of a record. It is reused.
pub(super) struct Cells {
    /// The cells without their quotation marks.
    text: Vec<u8>,
    places: Vec<Range<usize>>,
    separator: u8,
}

impl Cells {
    /// No cells, of a file whose cells end with `separator`.
    pub(super) const fn new(separator: u8) -> Self {
        Self { text: Vec::new(), places: Vec::new(), separator }
    }

    pub(super) const fn separator(&self) -> u8 {
        self.separator
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// The cell at `place` without white space around it. Blank if there is none.
    pub(super) fn get(&self, place: usize) -> &[u8] {
        self.text.get(self.place(place)).unwrap_or_default().trim_ascii()
    }

    /// The same as text. Blank if it is not UTF-8.
    pub(super) fn text(&self, place: usize) -> &str {
        str::from_utf8(self.get(place)).unwrap_or_default()
    }

    /// All cells as one text, if it is UTF-8: [`place`](Self::place) says where each of them is.
    pub(super) fn all(&self) -> Option<&str> {
        str::from_utf8(&self.text).ok()
    }

    /// Where a cell is in [`all`](Self::all). Nowhere if there is none.
    pub(super) fn place(&self, place: usize) -> Range<usize> {
        self.places.get(place).cloned().unwrap_or_default()
    }

    /// Whether the cells from `place` on are blank.
    pub(super) fn is_blank_from(&self, place: usize) -> bool {
        (place..self.len()).all(|place| self.get(place).is_empty())
    }

    /// Whether the last cell is blank.
    pub(super) fn is_blank_at_end(&self) -> bool {
        self.get(self.len().saturating_sub(1)).is_empty()
    }

    /// Whether only the first cell, or only the last, has line ends.
    pub(super) fn is_one_line_but_for_an_end(&self) -> bool {
        let has_end = |place: &Range<usize>| {
            let cell = self.text.get(place.clone()).unwrap_or_default();
            cell.iter().any(|byte| matches!(byte, b'\n' | b'\r'))
        };
        match self.places.as_slice() {
            [first, inner @ .., last] => {
                !(inner.iter().any(has_end) || has_end(first) && has_end(last))
            }
            _ => true,
        }
    }

    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.places.clear();
    }

    /// The pieces of `line` between separators, whatever quotation marks it has.
    pub(super) fn split_roughly(&mut self, line: &[u8]) {
        self.clear();
        self.text.extend_from_slice(line);
        let (mut from, separator) = (0, self.separator);
        for (at, byte) in line.iter().enumerate() {
            if *byte == separator {
                self.places.push(from..at);
                from = at + 1;
            }
        }
        self.places.push(from..line.len());
    }

    /// The cells of a record by RFC 4180: a quotation mark within a cell that does not begin with one is a fault. Such a line
    /// may be the end of a record that began on an earlier line, and its cells then are in other columns.
    pub(super) fn split(&mut self, record: &[u8]) -> Split {
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
                    let end = rest.iter().position(|byte| *byte == self.separator);
                    let end = end.unwrap_or(rest.len());
                    let (cell, after) = rest.split_at(end);
                    if cell.contains(&b'"') {
                        return Split::Misquoted;
                    }
                    self.text.extend_from_slice(cell);
                    after
                }
            };
            self.places.push(from..self.text.len());
            match after {
                [] => return Split::Whole,
                [byte, after @ ..] if *byte == self.separator => rest = after,
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

/// The number of cells of a line by itself. A quotation mark that is not closed before a separator is text.
pub(super) fn cells_alone(line: &[u8], separator: u8) -> usize {
    let (mut cells, mut rest) = (1, line);
    loop {
        if let Some(quoted) = rest.strip_prefix(b"\"") {
            let mut ends = quoted.iter().enumerate().filter(|(_, byte)| **byte == b'"');
            let closes = |at: usize| quoted.get(at + 1).is_none_or(|byte| *byte == separator);
            if let Some((at, _)) = ends.find(|(at, _)| closes(*at)) {
                rest = quoted.get(at + 1..).unwrap_or_default();
            }
        }
        let Some(end) = rest.iter().position(|byte| *byte == separator) else { return cells };
        rest = rest.get(end + 1..).unwrap_or_default();
        cells += 1;
    }
}

pub(super) enum Split {
    Whole,
    Open,
    Misquoted,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_in_quotation_marks_make_no_cells() {
        for (line, cells) in [
            ("", 1),
            ("a,b", 2),
            ("\"a,b\",c", 2),
            ("\"a,b,c", 3),
            ("a,\"b,\"c,d", 4),
            ("\"\",", 2),
        ] {
            assert_eq!(cells_alone(line.as_bytes(), b','), cells, "{line}");
        }
    }
}
