//! The MESH mailbox against NHS England's own programs: its sandbox, and its client as the other mailbox. They share no
//! code with the library.
//!
//! `tools/mesh.py` installs both and runs these tests. Those of `simulated` need no other program.
#![expect(clippy::indexing_slicing, reason = "an index that is wrong must fail the test")]
#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::expect_used, reason = "tests")]

mod interrupted;
mod network;
mod refused;
mod sandbox;
mod simulated;
mod transferred;

use crate::network::Network;
use crate::sandbox::Sandbox;
use nhs_pds::async_trait;
use nhs_pds::batch::{Arrival, Error, Inbox, Journal};
use nhs_pds::mesh::{Config, Mailbox};
use nhs_pds::secret::Secret;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// The mailboxes and the workflow of the sandbox.
const OURS: &str = "X26ABC1";
const THEIRS: &str = "X26ABC2";
const WORKFLOW: &str = "TEST_WORKFLOW";

fn config(url: &str, password: &str, key: &str) -> Config {
    config_of(OURS, THEIRS, url, password, key)
}

fn config_of(mailbox: &str, recipient: &str, url: &str, password: &str, key: &str) -> Config {
    let (password, key) = (Secret::new(password.to_owned()), Secret::new(key.to_owned()));
    let (mailbox, recipient) = (mailbox.parse().unwrap(), recipient.parse().unwrap());
    Config::new(url.parse().unwrap(), mailbox, password, key, recipient)
        .with_workflow(WORKFLOW)
        .unwrap()
        .with_chunk_bytes(CHUNK as u64)
        .unwrap()
        .with_settling(Duration::ZERO)
}

/// The smallest chunk.
const CHUNK: usize = 5_000_001;

fn mailbox(sandbox: &Sandbox, network: &Network) -> Mailbox {
    let config = config(&sandbox.url(), "password", "TestKey");
    Mailbox::new(Arc::new(network.clone()), config)
}

/// `bytes` of text that does not compress to nothing, the same for each seed.
fn content(seed: u64, bytes: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        // A letter, a digit or one of two other characters: six bits of each byte are random.
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789,\n"
            [(state >> 33) as usize % 64]
    };
    (0..bytes).map(|_| next()).collect()
}

/// A folder with a file to send.
fn file(content: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("request.csv");
    fs::write(&path, content).unwrap();
    (folder, path)
}

/// Keeps the message of a file.
#[derive(Debug, Default)]
struct Diary(Option<String>);

#[async_trait]
impl Journal for Diary {
    async fn accepted(&mut self, message_id: &str) -> Result<(), Error> {
        assert!(self.0.as_deref().is_none_or(|known| known == message_id), "a second message");
        self.0 = Some(message_id.to_owned());
        Ok(())
    }
}

/// Keeps the content of what arrives.
#[derive(Debug, Default)]
struct Tray {
    files: Vec<(String, Vec<u8>)>,
    reports: Vec<Report>,
}

/// The batch, the failed message, and the code.
type Report = (Option<String>, Option<String>, Option<String>);

#[async_trait]
impl Inbox for Tray {
    async fn take(&mut self, arrival: Arrival) -> Result<(), Error> {
        match arrival {
            Arrival::File { message_id, file, .. } => {
                self.files.push((message_id, fs::read(&file).unwrap()));
                fs::remove_file(&file).unwrap();
            }
            Arrival::Report { batch, failed_message, code, .. } => {
                self.reports.push((batch, failed_message, code));
            }
            other => panic!("{other:?}"),
        }
        Ok(())
    }
}
