//! Stores what a batch service delivers, before the service is told so.

use crate::batch::{self, Arrival, Inbox, Journal};
use crate::process::batch::folder::Folder;
use crate::process::batch::list::List;
use crate::process::batch::record::{Batch, BatchState, Ending};
use crate::process::error::Error;
use async_trait::async_trait;
use std::fs;

/// Puts arrivals into the folder and on record.
pub(super) struct Arriving<'a> {
    pub(super) folder: &'a Folder,
    pub(super) list: List<'a>,
    /// The reports about batches that are not known here.
    pub(super) foreign_reports: u64,
}

#[async_trait]
impl Inbox for Arriving<'_> {
    async fn take(&mut self, arrival: Arrival) -> Result<(), batch::Error> {
        match arrival {
            Arrival::File { message_id, file, .. } => {
                let name = format!("{}.csv", file_name(&message_id));
                let target = self.folder.inbox().join(name);
                fs::rename(file, &target)
                    .and_then(|()| super::folder::sync(&self.folder.inbox()))
                    .map_err(|error| {
                        batch::Error::new(batch::ErrorKind::Storage).with_source(error)
                    })
            }
            Arrival::Report { batch, failed_message, code, .. } => {
                let found = self.find(batch.as_deref(), failed_message.as_deref()).await;
                let Some(id) = found.map_err(unstored)? else {
                    tracing::warn!(
                        code,
                        "a report is about a message that is not a batch of this store"
                    );
                    self.foreign_reports += 1;
                    return Ok(());
                };
                let changed = self.list.change(&id, |batch| {
                    if matches!(batch.state, BatchState::Closed(_) | BatchState::Releasing(_)) {
                        return false;
                    }
                    batch.state = BatchState::Releasing(Ending::NotDelivered);
                    batch.code.clone_from(&code);
                    true
                });
                if changed.await.map_err(unstored)?.is_some() {
                    tracing::warn!(
                        batch = id,
                        code,
                        "the service reports that a batch was not delivered"
                    );
                }
                Ok(())
            }
        }
    }
}

impl Arriving<'_> {
    async fn find(&self, id: Option<&str>, message: Option<&str>) -> Result<Option<String>, Error> {
        let is_it = |batch: &&Batch| {
            id.is_some_and(|id| batch.id.eq_ignore_ascii_case(id))
                || message.is_some_and(|message| batch.message_id.as_deref() == Some(message))
        };
        Ok(self.list.all().await?.iter().find(is_it).map(|batch| batch.id.clone()))
    }
}

/// The service's identifier as the name of a file.
fn file_name(message_id: &str) -> String {
    let safe = |letter: char| {
        if letter.is_ascii_alphanumeric() || "-_".contains(letter) { letter } else { '_' }
    };
    message_id.chars().take(100).map(safe).collect()
}

/// Keeps the service's identifier of a message on record while its file is sent.
pub(super) struct Accepting<'a> {
    pub(super) list: List<'a>,
    pub(super) id: &'a str,
}

#[async_trait]
impl Journal for Accepting<'_> {
    async fn accepted(&mut self, message_id: &str) -> Result<(), batch::Error> {
        let changed = self.list.change(self.id, |batch| {
            batch.message_id = Some(message_id.to_owned());
            true
        });
        changed.await.map(drop).map_err(unstored)
    }
}

fn unstored(error: Error) -> batch::Error {
    batch::Error::new(batch::ErrorKind::Storage).with_source(error)
}
