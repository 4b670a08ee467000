use crate::audit::anchor::Anchor;
use crate::audit::error::{Error, ErrorKind};
use crate::audit::lines::{self, unavailable};
use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, Utc};
use std::fmt::Debug;
use std::io;
use std::path::{Path, PathBuf};
use tokio::runtime::Handle;
use tokio::sync::Mutex;

/// Stores anchors where a person who can write the audit trail cannot change them: on another
/// machine, in a mailbox, on paper.
///
/// # Contract
///
/// When `keep` returns, the anchor is stored, and a person who can change the trail cannot remove
/// it. Anchors may arrive twice, and not in the order of their numbers.
#[async_trait]
pub trait AnchorSink: Debug + Send + Sync {
    /// Stores `anchor`, which was the trail's head `at` a time.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](ErrorKind::Unavailable) when the anchor cannot be stored now.
    async fn keep(&self, anchor: &Anchor, at: DateTime<Utc>) -> Result<(), Error>;
}

/// Anchors in a text file: one per line, followed by the time.
///
/// Put the file where the trail's writers can only append, such as an append-only or a mounted
/// directory. A line is on the disk when it is acknowledged. On Unix, only the owner can read a new
/// file (mode 0600). Several processes on one machine may write to it: each locks it while it
/// writes its line. Calls need a Tokio runtime, and run on its threads for blocking work.
///
/// ```
/// use chrono::DateTime;
/// use nhs_pds::audit::{AnchorSink, AuditLog, FileAnchors, MemoryLog};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("anchors.txt");
/// let log = MemoryLog::new();
/// FileAnchors::new(&path).keep(&log.head().await?, DateTime::UNIX_EPOCH).await?;
/// assert!(log.verify(&FileAnchors::read(&path)?).await?.is_whole());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct FileAnchors {
    path: PathBuf,
    /// Ensures that one line is written at a time.
    turn: Mutex<()>,
}

impl FileAnchors {
    /// Anchors in the file at `path`, which is created with the first anchor.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), turn: Mutex::new(()) }
    }

    /// The anchors in the file at `path`, in the order in which they were stored. A last line
    /// without a line end was never acknowledged, and is skipped.
    ///
    /// Blocks the thread while it reads.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] when the file does not exist or cannot be read,
    /// [`ErrorKind::Corrupt`] when a line is not an anchor.
    pub fn read(path: impl AsRef<Path>) -> Result<Vec<Anchor>, Error> {
        let corrupt = || Error::new(ErrorKind::Corrupt);
        let text = std::fs::read(path).map_err(unavailable)?;
        let text = str::from_utf8(&text).map_err(|_| corrupt())?;
        // An editor may have saved the file with a byte order mark.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let lines = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
        let anchor = |line: &str| line.split_whitespace().next().and_then(|word| word.parse().ok());
        lines.map(|line| anchor(line).ok_or_else(corrupt)).collect()
    }
}

#[async_trait]
impl AnchorSink for FileAnchors {
    async fn keep(&self, anchor: &Anchor, at: DateTime<Utc>) -> Result<(), Error> {
        let runtime = Handle::try_current().map_err(unavailable)?;
        let line = format!("{anchor} {}\n", at.to_rfc3339_opts(SecondsFormat::AutoSi, true));
        let path = self.path.clone();
        let _turn = self.turn.lock().await;
        let kept = runtime.spawn_blocking(move || append_line(&path, &line)).await;
        kept.map_err(unavailable)?.map_err(unavailable)
    }
}

fn append_line(path: &Path, line: &str) -> io::Result<()> {
    lines::append(&mut lines::open(path)?, line.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn anchors_are_read_back_and_an_incomplete_line_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("anchors");
        assert_eq!(FileAnchors::read(&path).unwrap_err().kind(), ErrorKind::Unavailable);
        let anchors = [Anchor::new(1, [1; 32]), Anchor::new(2, [2; 32])];
        let sink = FileAnchors::new(&path);
        sink.keep(&anchors[0], DateTime::UNIX_EPOCH).await.unwrap();
        let whole = std::fs::read_to_string(&path).unwrap();
        assert!(whole.ends_with(" 1970-01-01T00:00:00Z\n"));
        std::fs::write(&path, format!("\u{feff}{whole}2:0202")).unwrap();
        assert_eq!(FileAnchors::read(&path).unwrap(), anchors[..1]);
        sink.keep(&anchors[1], DateTime::UNIX_EPOCH).await.unwrap();
        assert_eq!(FileAnchors::read(&path).unwrap(), anchors);
        for damage in ["2:0202\n", "\n", "x"] {
            std::fs::write(&path, format!("{whole}{damage}{whole}")).unwrap();
            assert_eq!(FileAnchors::read(&path).unwrap_err().kind(), ErrorKind::Corrupt);
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn only_the_owner_can_read_a_new_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("anchors");
        FileAnchors::new(&path).keep(&Anchor::START, DateTime::UNIX_EPOCH).await.unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let nowhere = FileAnchors::new(path.join("anchors"));
        let error = nowhere.keep(&Anchor::START, DateTime::UNIX_EPOCH).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }
}
