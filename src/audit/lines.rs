//! Files of lines that several processes append to.

use crate::audit::error::{Error, ErrorKind};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// How much of the end of a file is read at first. More is read when a line is longer.
const TAIL: u64 = 4096;

/// Opens the file at `path` for appending, creates it if it does not exist, and locks it until it
/// is dropped. Removes an incomplete line that a crash left.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    match file.lock() {
        // A file system without locks is used by one process only.
        Err(error) if error.kind() != io::ErrorKind::Unsupported => return Err(error),
        _ => {}
    }
    let size = file.metadata()?.len();
    let (from, tail) = tail(&mut file, size, 1)?;
    let whole = tail.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    if whole < tail.len() {
        file.set_len(from + whole as u64)?;
    }
    Ok(file)
}

/// Writes `lines`, which end with a line end, to a file of [`open`]. They are on the disk when the
/// function returns.
pub(super) fn append(file: &mut File, lines: &[u8]) -> io::Result<()> {
    file.write_all(lines)?;
    file.sync_all()
}

/// The last line of a file of [`open`], without its line end.
pub(super) fn last(file: &mut File) -> io::Result<Option<Vec<u8>>> {
    let size = file.metadata()?.len();
    let (_, mut tail) = tail(file, size, 2)?;
    if tail.pop().is_none() {
        return Ok(None);
    }
    let start = tail.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    Ok(Some(tail.split_off(start)))
}

/// The end of the file with at least `ends` line ends, or all of it; and where the end begins.
fn tail(file: &mut File, size: u64, ends: usize) -> io::Result<(u64, Vec<u8>)> {
    let mut length = TAIL;
    loop {
        let from = size.saturating_sub(length);
        file.seek(SeekFrom::Start(from))?;
        let mut tail = Vec::new();
        file.read_to_end(&mut tail)?;
        if from == 0 || tail.iter().filter(|byte| **byte == b'\n').count() >= ends {
            return Ok((from, tail));
        }
        length = length.saturating_mul(4);
    }
}

pub(super) fn unavailable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(ErrorKind::Unavailable).with_source(source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_is_found_and_an_incomplete_line_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        let long = "x".repeat(3 * TAIL as usize);
        for (content, expected) in [
            ("", None),
            ("torn", None),
            ("\n", Some("")),
            ("1\n", Some("1")),
            ("1\n22\ntorn", Some("22")),
            (&format!("1\n{long}\n{long}"), Some(&*long)),
            (&format!("{long}\n2\n{long}"), Some("2")),
        ] {
            std::fs::write(&path, content).unwrap();
            let mut file = open(&path).unwrap();
            let line = last(&mut file).unwrap().map(|line| String::from_utf8(line).unwrap());
            assert_eq!(line.as_deref(), expected);
            append(&mut file, b"next\n").unwrap();
            drop(file);
            let whole = &content[..content.rfind('\n').map_or(0, |end| end + 1)];
            assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("{whole}next\n"));
        }
    }
}
