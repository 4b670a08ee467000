use chrono::{DateTime, Utc};
use std::fmt;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

/// What is logged of an answer.
pub(super) struct Answer {
    /// When the request came.
    pub(super) came: DateTime<Utc>,
    /// The message's own identifier, as far as it could be read.
    pub(super) message_id: String,
    /// The response code, or the HTTP status of a response without one.
    pub(super) code: String,
}

/// Where answers are logged.
#[derive(Clone, Default)]
pub(super) struct Log(Option<Arc<Mutex<dyn Write + Send>>>);

impl Log {
    pub(super) fn new(to: impl Write + Send + 'static) -> Self {
        Self(Some(Arc::new(Mutex::new(to))))
    }

    /// Whether answers are written.
    pub(super) const fn is_open(&self) -> bool {
        self.0.is_some()
    }

    /// Writes one line about `answer`, which is sent at `now`. A writer that fails does not prevent the answer.
    pub(super) fn write(&self, answer: &Answer, now: DateTime<Utc>) {
        let Some(to) = &self.0 else { return };
        let (came, now) = (answer.came.timestamp_micros(), now.timestamp_micros());
        let line = format!("{came} {now} {} {}\n", answer.message_id, answer.code);
        let mut to = to.lock().unwrap_or_else(PoisonError::into_inner);
        let _failed = to.write_all(line.as_bytes()).and_then(|()| to.flush());
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Log(..)" } else { "Log(none)" })
    }
}
