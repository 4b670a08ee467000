//! How a file is divided into chunks. A file that was interrupted must continue in the chunks in which it began.

use crate::batch::Error;
use crate::mesh::config::Config;
use crate::mesh::fault;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// The chunks of a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::mesh) struct Plan {
    bytes: u64,
    chunk_bytes: u64,
    pub(in crate::mesh) is_gzip: bool,
}

impl Plan {
    pub(in crate::mesh) const fn new(config: &Config, bytes: u64) -> Self {
        Self { bytes, chunk_bytes: config.chunk_bytes, is_gzip: config.is_gzip }
    }

    /// The number of chunks.
    pub(in crate::mesh) const fn chunks(&self) -> u64 {
        self.bytes.div_ceil(self.chunk_bytes)
    }

    /// Records the plan beside `file`, on disk.
    pub(in crate::mesh) fn keep(&self, file: &Path) -> io::Result<()> {
        let place = place(file);
        let draft = place.with_extension("draft");
        let text = format!("{} {} {}\n", self.bytes, self.chunk_bytes, u8::from(self.is_gzip));
        let mut open = create(&draft)?;
        open.write_all(text.as_bytes())?;
        open.sync_all()?;
        fs::rename(&draft, &place)?;
        sync_folder(&place)
    }

    /// The plan that was recorded beside `file`.
    pub(in crate::mesh) fn kept(file: &Path) -> io::Result<Self> {
        let text = fs::read_to_string(place(file))?;
        let mut numbers = text.split_ascii_whitespace().map(str::parse::<u64>);
        let mut next = || numbers.next().and_then(Result::ok);
        match (next(), next(), next()) {
            (Some(bytes), Some(chunk_bytes @ 1..), Some(gzip @ 0..=1)) => {
                Ok(Self { bytes, chunk_bytes, is_gzip: gzip == 1 })
            }
            _ => Err(ErrorKind::InvalidData.into()),
        }
    }

    /// Removes the record, if there is one.
    pub(in crate::mesh) fn forget(file: &Path) -> io::Result<()> {
        match fs::remove_file(place(file)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Reads chunk `number` of `file`, from one, as it is sent.
    pub(in crate::mesh) fn chunk(&self, file: &Path, number: u64) -> io::Result<Bytes> {
        let mut open = File::open(file)?;
        if open.metadata()?.len() != self.bytes {
            return Err(io::Error::new(
                ErrorKind::InvalidData,
                "the file has changed while it was sent",
            ));
        }
        let from = self.chunk_bytes.saturating_mul(number.saturating_sub(1));
        open.seek(SeekFrom::Start(from))?;
        let mut part = open.take(self.chunk_bytes);
        if !self.is_gzip {
            let mut bytes = Vec::new();
            part.read_to_end(&mut bytes)?;
            return Ok(bytes.into());
        }
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        io::copy(&mut part, &mut encoder)?;
        encoder.finish().map(Bytes::from)
    }
}

fn place(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".chunks");
    name.into()
}

/// Creates a file that only its owner can read, in place of one that is there.
pub(in crate::mesh) fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    options.open(path)
}

/// Puts the names in the folder of `path` on disk.
pub(in crate::mesh) fn sync_folder(path: &Path) -> io::Result<()> {
    // A folder cannot be opened on Windows, which has no such call.
    if cfg!(unix)
        && let Some(folder) = path.parent()
    {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Runs `work` on a thread on which it may block.
pub(in crate::mesh) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(fault::of_file(io::Error::other(error))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mesh::config::tests::config;
    use flate2::read::GzDecoder;

    fn file(content: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("request.csv");
        fs::write(&path, content).unwrap();
        (folder, path)
    }

    #[test]
    fn chunks_join_to_the_file() {
        let content: Vec<u8> = (0..25).collect();
        let (_folder, path) = file(&content);
        for is_gzip in [false, true] {
            let plan = Plan { is_gzip, ..Plan::new(&config(), 25) };
            assert_eq!(plan.chunks(), 3);
            let mut joined = Vec::new();
            for number in 1..=3 {
                let chunk = plan.chunk(&path, number).unwrap();
                if is_gzip {
                    GzDecoder::new(&*chunk).read_to_end(&mut joined).unwrap();
                } else {
                    joined.extend_from_slice(&chunk);
                }
            }
            assert_eq!(joined, content);
        }
        for (bytes, chunks) in [(1, 1), (10, 1), (11, 2), (20, 2), (21, 3)] {
            assert_eq!(Plan::new(&config(), bytes).chunks(), chunks, "{bytes}");
        }
    }

    #[test]
    fn a_plan_that_was_kept_is_read_again() {
        let (folder, path) = file(b"0123456789abc");
        for is_gzip in [false, true] {
            let plan = Plan { is_gzip, ..Plan::new(&config(), 13) };
            plan.keep(&path).unwrap();
            assert_eq!(Plan::kept(&path).unwrap(), plan);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "no draft is left");
        Plan::forget(&path).unwrap();
        Plan::forget(&path).unwrap();
        assert_eq!(Plan::kept(&path).unwrap_err().kind(), ErrorKind::NotFound);
        for damaged in ["", "13 10", "13 0 1", "13 10 2", "x 10 1"] {
            fs::write(place(&path), damaged).unwrap();
            assert_eq!(Plan::kept(&path).unwrap_err().kind(), ErrorKind::InvalidData, "{damaged}");
        }
    }

    #[test]
    fn a_file_that_has_changed_is_an_error() {
        let (_folder, path) = file(b"0123456789abc");
        let plan = Plan::new(&config(), 13);
        assert!(plan.chunk(&path, 1).is_ok());
        fs::write(&path, b"0123").unwrap();
        assert_eq!(plan.chunk(&path, 1).unwrap_err().kind(), ErrorKind::InvalidData);
    }

    #[cfg(unix)]
    #[test]
    fn files_are_for_their_owner_only() {
        use std::os::unix::fs::PermissionsExt as _;

        let (_folder, path) = file(b"0123456789abc");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        drop(create(&path).unwrap());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
