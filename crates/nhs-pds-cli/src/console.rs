//! How the commands read files, print, report errors and end.
//!
//! The commands print with [`say`], [`say_json`] and [`warn`]. These escape characters that a terminal
//! obeys or does not show, because text comes from services and from local data. A reader that closes
//! its end (`| head -1`) does not cause a panic.

use nhs_pds::text::terminal::{printable, printable_json};
use std::error::Error;
use std::fmt::Display;
use std::fs::File;
use std::io::{self, Cursor, Read, Seek, Write};
use std::path::Path;
use std::process::ExitCode;
use tokio::runtime::Builder;

pub(crate) type Failed = Box<dyn Error>;

/// Prints text of several lines; a tab within a line stays.
pub(crate) fn say(text: &str) -> io::Result<()> {
    let mut shown = String::with_capacity(text.len());
    for part in text.split_inclusive(['\n', '\t']) {
        let end = part.len() - usize::from(part.ends_with(['\n', '\t']));
        let (words, end) = part.split_at(end);
        shown.push_str(&printable(words));
        shown.push_str(end);
    }
    write(io::stdout(), shown.as_bytes())
}

/// Prints a JSON document and a line end.
pub(crate) fn say_json(json: &str) -> io::Result<()> {
    write(io::stdout(), format!("{}\n", printable_json(json)).as_bytes())
}

/// Prints bytes as they are.
pub(crate) fn write_out(bytes: &[u8]) -> io::Result<()> {
    write(io::stdout(), bytes)
}

/// A closed reader is not an error.
fn write(to: impl Write, bytes: &[u8]) -> io::Result<()> {
    let mut to = Quiet(to);
    to.write_all(bytes)?;
    to.flush()
}

/// Writes to another writer, and drops everything once its reader has closed.
pub(crate) struct Quiet<W>(pub(crate) W);

impl<W: Write> Write for Quiet<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(bytes.len()),
            written => written,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.0.flush() {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            flushed => flushed,
        }
    }
}

/// Prints a line to standard error. A failure of standard error cannot be reported.
pub(crate) fn warn(line: impl Display) {
    let line = line.to_string();
    let _ = write(io::stderr(), format!("{}\n", printable(&line)).as_bytes());
}

/// Runs a command on several threads, and ends as [`end`] does.
pub(crate) fn on_threads(
    command: &str,
    run: impl Future<Output = Result<bool, Failed>>,
) -> ExitCode {
    end(command, block_on(&mut Builder::new_multi_thread(), run).and_then(|ended| ended))
}

/// Runs a command on this thread, and ends as [`end`] does.
pub(crate) fn on_one_thread(
    command: &str,
    run: impl Future<Output = Result<bool, Failed>>,
) -> ExitCode {
    end(command, block_on(&mut Builder::new_current_thread(), run).and_then(|ended| ended))
}

/// How many threads work on files: one writes to the database, one waits for the disk, one reads, and one is
/// free for everything else. The C library keeps memory for each thread that ever was, so more would cost memory.
const BLOCKING: usize = 4;

/// Runs to the end on a runtime of its own.
pub(crate) fn block_on<T>(
    runtime: &mut Builder,
    run: impl Future<Output = T>,
) -> Result<T, Failed> {
    let runtime = runtime.max_blocking_threads(BLOCKING).enable_all().build()?;
    Ok(runtime.block_on(run))
}

/// Exit code 0 for `true`, 1 for `false`, 2 for an error, with its sentence on standard error.
pub(crate) fn end(command: &str, ended: Result<bool, Failed>) -> ExitCode {
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            warn(format!("{command}: {}", because(&*error)));
            ExitCode::from(2)
        }
    }
}

/// An error and its causes, in a line.
pub(crate) fn because(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    let said = causes.map(|cause| match cause.downcast_ref::<io::Error>() {
        Some(error) => sentence(error),
        None => cause.to_string(),
    });
    said.collect::<Vec<_>>().join(": ")
}

/// What the operating system refused, and what to do.
fn sentence(error: &io::Error) -> String {
    use io::ErrorKind::{
        IsADirectory, NotADirectory, NotFound, PermissionDenied, ReadOnlyFilesystem, StorageFull,
    };
    let said = match error.kind() {
        IsADirectory => "it is a folder: give the path of a file",
        NotADirectory => "a part of the path is a file and not a folder: check the path",
        NotFound => "there is no such file or folder: check the path",
        PermissionDenied => "permission denied: check who may read and write it",
        ReadOnlyFilesystem => "it is on a read-only medium: choose another place",
        StorageFull => "the disk is full: free some space, and try again",
        _ => {
            let text = error.to_string();
            return text.split(" (os error").next().unwrap_or_default().to_owned();
        }
    };
    said.to_owned()
}

/// An error about the file at `path`.
pub(crate) fn about(path: &Path, error: &(dyn Error + 'static)) -> Failed {
    format!("{}: {}", path.display(), because(error)).into()
}

/// Opens a file for reading. Refuses a folder, which some systems open like a file.
pub(crate) fn open(path: &Path) -> Result<File, Failed> {
    let opened = File::open(path).and_then(|file| {
        let folder = file.metadata()?.is_dir();
        if folder { Err(io::ErrorKind::IsADirectory.into()) } else { Ok(file) }
    });
    opened.map_err(|error| about(path, &error))
}

/// A file that can be read more than once.
pub(crate) trait ReadSeek: Read + Seek + Send {}

impl<T: Read + Seek + Send> ReadSeek for T {}

/// A file that can be read more than once. What is no file on a disk, such as a pipe, is kept in memory.
pub(crate) fn seekable(mut file: File) -> io::Result<Box<dyn ReadSeek>> {
    if file.metadata()?.is_file() {
        return Ok(Box::new(file));
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(Box::new(Cursor::new(bytes)))
}

/// The bytes of a file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failed> {
    let mut bytes = Vec::new();
    open(path)?.read_to_end(&mut bytes).map_err(|error| about(path, &error))?;
    Ok(bytes)
}

/// A file of text or PEM, without a byte order mark.
pub(crate) fn read_text(path: &Path) -> Result<Vec<u8>, Failed> {
    let mut bytes = read(path)?;
    if bytes.starts_with(b"\xef\xbb\xbf") {
        bytes.drain(..3);
    }
    Ok(bytes)
}

/// Refuses a path at which no database can be, with a clearer sentence than SQLite's. A file that does not
/// exist yet is accepted if its folder exists.
pub(crate) fn check_database(path: &Path) -> Result<(), Failed> {
    match std::fs::metadata(path) {
        Ok(_) => open(path).map(drop),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let folder = match path.parent() {
                Some(folder) if folder != Path::new("") => folder,
                _ => Path::new("."),
            };
            std::fs::read_dir(folder).map(drop).map_err(|error| about(folder, &error))
        }
        Err(error) => Err(about(path, &error)),
    }
}
