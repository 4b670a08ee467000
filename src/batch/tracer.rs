use crate::batch::error::Error;
use async_trait::async_trait;
use std::fmt::Debug;
use std::path::{Path, PathBuf};

/// A file to send.
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// The identifier of the batch, which no other batch has. It contains nothing of a person, and the service can be
    /// asked for it.
    pub id: &'a str,
    /// The file.
    pub file: &'a Path,
    /// The name of the file for the service.
    pub name: &'a str,
    /// Whether an earlier attempt may have reached the service.
    pub is_repeat: bool,
    /// The service's identifier of the message, if an earlier attempt has got one: the service has the beginning of the
    /// file, and waits for the rest.
    pub message_id: Option<&'a str>,
}

impl<'a> Outgoing<'a> {
    /// Returns the first attempt to send `file` as batch `id`.
    #[must_use]
    pub const fn new(id: &'a str, file: &'a Path, name: &'a str) -> Self {
        Self { id, file, name, is_repeat: false, message_id: None }
    }

    /// Returns a further attempt, after one that may have reached the service.
    #[must_use]
    pub const fn repeated(mut self, message_id: Option<&'a str>) -> Self {
        self.is_repeat = true;
        self.message_id = message_id;
        self
    }
}

/// Keeps what becomes known while a file is sent.
#[async_trait]
pub trait Journal: Send {
    /// The service has accepted the beginning of the file as message `message_id`. The rest is sent once this is stored.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Storage`](crate::batch::ErrorKind::Storage) when it cannot be stored.
    async fn accepted(&mut self, message_id: &str) -> Result<(), Error>;
}

/// Something that has arrived.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub enum Arrival {
    /// A file.
    #[non_exhaustive]
    File {
        /// The service's identifier of the message.
        message_id: String,
        /// Where the file is. It is complete and on disk.
        file: PathBuf,
        /// The kind of file, by the service's name for it, such as `SPINE_PDS_MESH_V1`.
        workflow: Option<String>,
    },
    /// The service reports that a file which it had accepted was not delivered.
    #[non_exhaustive]
    Report {
        /// The service's identifier of the report.
        message_id: String,
        /// The [`Outgoing::id`] of the batch, if the report has it.
        batch: Option<String>,
        /// The service's identifier of the message that failed, if the report has it.
        failed_message: Option<String>,
        /// The service's code, such as `14` (MESH: not collected in five days).
        code: Option<String>,
    },
}

impl Arrival {
    /// Returns a file that has arrived as message `message_id`.
    #[must_use]
    pub const fn file(message_id: String, file: PathBuf, workflow: Option<String>) -> Self {
        Self::File { message_id, file, workflow }
    }

    /// Returns a report that has arrived as message `message_id`.
    #[must_use]
    pub const fn report(
        message_id: String,
        batch: Option<String>,
        failed_message: Option<String>,
        code: Option<String>,
    ) -> Self {
        Self::Report { message_id, batch, failed_message, code }
    }
}

/// Takes what has arrived.
#[async_trait]
pub trait Inbox: Send {
    /// Stores `arrival`. It is acknowledged at the service only if this succeeds.
    ///
    /// # Errors
    ///
    /// When it was not stored. The service keeps it.
    async fn take(&mut self, arrival: Arrival) -> Result<(), Error>;
}

/// A service that traces the people of a file, and returns a file hours later.
///
/// # Contract
///
/// * [`submit`](Self::submit) sends a file at most once. If an earlier attempt may have reached the service, it finds
///   out what became of it, and sends the file only if the service does not have it. If it cannot find out, it returns
///   [`Undetermined`](crate::batch::ErrorKind::Undetermined) and sends nothing.
/// * If a first attempt may have reached the service, its error is never
///   [`Unavailable`](crate::batch::ErrorKind::Unavailable) or [`Configuration`](crate::batch::ErrorKind::Configuration).
///   After these, the file may be sent as for the first time. After the others, the next attempt is
///   [`repeated`](Outgoing::repeated).
/// * A further attempt may be for a file that is not there any more. If the service does not have it, the error is
///   [`Storage`](crate::batch::ErrorKind::Storage).
/// * [`Journal::accepted`] is called before the second part of a file is sent. `Ok` means that the service has the whole
///   file, and that the journal has its message.
/// * [`collect`](Self::collect) hands each arrival to the inbox, and acknowledges it only once the inbox has stored it. An
///   arrival may come twice, and has the same identifier then.
/// * Files are written with access for their owner only. Never log a part of a file, or put it into an error.
#[async_trait]
pub trait BatchTracer: Debug + Send + Sync {
    /// Sends a file.
    ///
    /// # Errors
    ///
    /// [`ErrorKind`](crate::batch::ErrorKind) says what to do.
    async fn submit(&self, file: Outgoing<'_>, journal: &mut dyn Journal) -> Result<(), Error>;

    /// Receives what has arrived into the directory `folder`, and hands it to `inbox`. Returns the number of arrivals.
    ///
    /// # Errors
    ///
    /// [`ErrorKind`](crate::batch::ErrorKind) says what to do. What the inbox took before is acknowledged or comes again.
    async fn collect(&self, folder: &Path, inbox: &mut dyn Inbox) -> Result<usize, Error>;
}
