use crate::audit::error::{Error, ErrorKind};
use crate::audit::event::Event;
use crate::audit::event_sink::EventSink;
use crate::audit::lines::{self, unavailable};
use crate::text::terminal::printable_json;
use async_trait::async_trait;
use serde::Deserialize;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::sync::Mutex;

/// Events in a text file, one JSON document per line, without personal data about patients. Log
/// collectors and SIEMs read such files.
///
/// Each line is the serde form of an [`Event`]. Characters that a terminal executes or does not
/// show are written as `\uXXXX`. Lines are on the disk when they are acknowledged. On Unix, only
/// the owner can read a new file (mode 0600). Several processes on one machine may write to the
/// file: each locks it while it writes, and leaves out events that the file has. Calls need a Tokio
/// runtime, and run on its threads for blocking work.
///
/// To start a new file, rename the old one when nothing is being written, and write the old file's
/// last line to the new file first. The last line says where to continue; after an empty file, all
/// events are written again.
///
/// ```
/// use chrono::DateTime;
/// use nhs_pds::audit::{Actor, Entry, Event, EventKind, EventSink, JsonLines};
/// use nhs_pds::trace::{Caller, LocalIdentity};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("events.jsonl");
/// let us = Caller::System(LocalIdentity::new("RHM".parse()?, "us")?);
/// let entry = Entry::new(EventKind::SignedIn, DateTime::UNIX_EPOCH, &Actor::new(&us, "Us"));
/// let sink = JsonLines::new(&path);
/// sink.send(&[Event::new(1, &entry)]).await?;
/// assert_eq!(sink.last().await?, 1);
/// assert!(std::fs::read_to_string(&path)?.starts_with(r#"{"seq":1,"at":"1970"#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct JsonLines {
    path: PathBuf,
    /// A call that was dropped still writes its lines. The next call waits for it.
    turn: Arc<Mutex<()>>,
}

impl JsonLines {
    /// Events in the file at `path`, which is created when it is first used.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), turn: Arc::default() }
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Path) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let runtime = Handle::try_current().map_err(unavailable)?;
        let path = self.path.clone();
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let work = move || {
            let done = work(&path);
            drop(turn);
            done
        };
        runtime.spawn_blocking(work).await.map_err(unavailable)?
    }
}

#[async_trait]
impl EventSink for JsonLines {
    async fn last(&self) -> Result<u64, Error> {
        self.blocking(|path| last(&mut lines::open(path).map_err(unavailable)?)).await
    }

    async fn send(&self, events: &[Event]) -> Result<(), Error> {
        let mut lines = Vec::with_capacity(events.len());
        for event in events {
            // The cause is dropped, because it may quote the content.
            let line = serde_json::to_string(event).map_err(|_| Error::new(ErrorKind::Write))?;
            lines.push((event.seq, line));
        }
        self.blocking(move |path| append(path, &lines)).await
    }
}

fn append(path: &Path, lines: &[(u64, String)]) -> Result<(), Error> {
    let mut file = lines::open(path).map_err(unavailable)?;
    let last = last(&mut file)?;
    let mut text = Vec::new();
    for (_, line) in lines.iter().filter(|(seq, _)| *seq > last) {
        writeln!(text, "{}", printable_json(line)).map_err(unavailable)?;
    }
    if text.is_empty() { Ok(()) } else { lines::append(&mut file, &text).map_err(unavailable) }
}

/// The number in the last line.
fn last(file: &mut std::fs::File) -> Result<u64, Error> {
    #[derive(Deserialize)]
    struct Line {
        seq: u64,
    }
    let Some(line) = lines::last(file).map_err(unavailable)? else { return Ok(0) };
    // The cause is dropped, because it may quote the content.
    let line: Line = serde_json::from_slice(&line).map_err(|_| Error::new(ErrorKind::Corrupt))?;
    Ok(line.seq)
}
