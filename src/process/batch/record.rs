//! What is on record about a batch. Contains nothing of a person.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Not;

/// A batch: one file, and the cases that wait for its response.
#[non_exhaustive]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Batch {
    /// The identifier.
    pub id: String,
    /// What is known of it.
    pub state: BatchState,
    /// When it was begun.
    pub created_at: DateTime<Utc>,
    /// When the state changed last.
    pub changed_at: DateTime<Utc>,
    /// From when on it counts as lost.
    pub until: DateTime<Utc>,
    /// The number of rows.
    #[serde(default)]
    pub rows: u64,
    /// The size of the file.
    #[serde(default)]
    pub bytes: u64,
    /// How many cases wait for a row: as of the last change of the state, or the last response.
    #[serde(default)]
    pub waiting: u64,
    /// The service's identifier of the message, once it has accepted the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// The service's code, if it refused the file or did not deliver it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Whether a person was erased while the file was about to leave. It is not sent if it has not left.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub recalled: bool,
}

/// What is known of a batch.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchState {
    /// Its cases are being marked and its file is being written. A program that was killed leaves it so; the next one
    /// withdraws it.
    Building,
    /// The file is complete, and has not left.
    Ready,
    /// A user is about to get the file. A program that was killed leaves it so; the file can be exported again.
    Exporting,
    /// A user has the file.
    Exported,
    /// The file is about to be sent, or was sent, and it is not known whether the service has it.
    Sending,
    /// The service has the file.
    Sent,
    /// Whether the service has the file cannot be found out. A person must ask the service, and then mark it as sent or
    /// release it.
    Held,
    /// Its cases are being returned to the normal way.
    Releasing(Ending),
    /// No case waits for it any more, or it counts as lost.
    Closed(Ending),
}

/// Why a batch has ended.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Every case was settled, or left the batch in another way.
    Settled,
    /// The file has not left.
    Withdrawn,
    /// The service refused the file.
    Refused,
    /// The service reported that the file was not delivered.
    NotDelivered,
    /// No response came in time.
    Lost,
    /// A person has released its cases.
    Released,
}

impl Batch {
    pub(super) fn new(id: String, at: DateTime<Utc>, until: DateTime<Utc>) -> Self {
        Self {
            id,
            state: BatchState::Building,
            created_at: at,
            changed_at: at,
            until,
            rows: 0,
            bytes: 0,
            waiting: 0,
            message_id: None,
            code: None,
            recalled: false,
        }
    }

    /// Whether the batch has ended.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self.state, BatchState::Closed(_))
    }

    /// The name of its file.
    pub(super) fn file_name(&self) -> String {
        format!("{}.csv", self.id)
    }
}

impl BatchState {
    /// Returns a stable word: the variant's name in lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Building => "building",
            Self::Ready => "ready",
            Self::Exporting => "exporting",
            Self::Exported => "exported",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Held => "held",
            Self::Releasing(_) => "releasing",
            Self::Closed(_) => "closed",
        }
    }

    /// Why the batch has ended or is ending, if it has.
    #[must_use]
    pub const fn ending(self) -> Option<Ending> {
        match self {
            Self::Releasing(ending) | Self::Closed(ending) => Some(ending),
            _ => None,
        }
    }
}

impl Ending {
    /// Returns a stable word: the variant's name in lower case, joined by `_`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Settled => "settled",
            Self::Withdrawn => "withdrawn",
            Self::Refused => "refused",
            Self::NotDelivered => "not_delivered",
            Self::Lost => "lost",
            Self::Released => "released",
        }
    }
}

impl fmt::Display for BatchState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
