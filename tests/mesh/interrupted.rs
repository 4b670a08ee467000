//! A file whose sending is interrupted, at every request and in every way, arrives once.

use crate::network::{Fate, Network};
use crate::sandbox::Sandbox;
use crate::{CHUNK, Diary, THEIRS, config, content, file};
use nhs_pds::batch::{BatchTracer as _, ErrorKind, Outgoing};
use nhs_pds::mesh::Mailbox;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

fn mailbox(sandbox: &Sandbox, network: &Network) -> Mailbox {
    // Compression takes most of the time of these tests.
    let config = config(&sandbox.url(), "password", "TestKey").without_compression();
    Mailbox::new(Arc::new(network.clone()), config)
}

/// What the other mailbox has.
fn received(sandbox: &Sandbox) -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let lines = sandbox.peer(THEIRS, &["receive", folder.path().to_str().unwrap()]);
    let files = fs::read_dir(folder.path()).unwrap();
    let files: Vec<_> = files.map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect();
    assert_eq!(lines.len(), files.len());
    files
}

/// Sends a file as a program does that records its state, and is killed or loses its connection: by the rules of the
/// contract alone.
async fn until_sent(sandbox: &Sandbox, network: &Network, id: &str, path: &Path) {
    let mut diary = Diary::default();
    let mut is_repeat = false;
    for _ in 0..20 {
        // A new process: nothing is left but what is on record.
        let mailbox = mailbox(sandbox, network);
        let first = Outgoing::new(id, path, "request.csv");
        let message = diary.0.clone();
        let outgoing = if is_repeat { first.repeated(message.as_deref()) } else { first };
        let Err(error) = mailbox.submit(outgoing, &mut diary).await else { return };
        match error.kind() {
            ErrorKind::Unavailable | ErrorKind::Configuration if !is_repeat => {}
            ErrorKind::Undetermined if is_repeat => panic!("held for a person"),
            ErrorKind::Unavailable | ErrorKind::Undetermined => is_repeat = true,
            kind => panic!("{kind}"),
        }
    }
    panic!("it is never sent");
}

#[tokio::test]
async fn a_failure_at_any_request_leads_to_one_message() {
    let Some(sandbox) = Sandbox::start() else { return };
    let content = content(7, 2 * CHUNK + 5);
    let mut requests = 0;
    for fate in [Fate::Lost, Fate::Unanswered] {
        for at in 0.. {
            let (_folder, path) = file(&content);
            let count = Arc::new(Mutex::new(0));
            let counted = Arc::clone(&count);
            let network = Network::new(move |_| {
                let mut count = counted.lock().unwrap();
                *count += 1;
                if *count == at + 1 { fate } else { Fate::Answered }
            });
            until_sent(&sandbox, &network, &format!("batch-{fate:?}-{at}"), &path).await;
            let files = received(&sandbox);
            assert_eq!(files.len(), 1, "{fate:?} at request {at}: {:?}", network.lines());
            assert!(files[0] == content, "{fate:?} at request {at}");
            if *count.lock().unwrap() <= at {
                break;
            }
            requests += 1;
        }
    }
    assert!(requests >= 8, "a handshake and three chunks, each in two ways: {requests}");
}

#[tokio::test]
async fn a_network_that_fails_for_a_while_leads_to_one_message() {
    let Some(sandbox) = Sandbox::start() else { return };
    let content = content(8, CHUNK + 5);
    for (number, (broken, fate)) in [
        ("POST outbox", Fate::Unanswered),
        ("POST outbox", Fate::Lost),
        ("GET outbox/tracking/batch-2", Fate::Lost),
    ]
    .into_iter()
    .enumerate()
    {
        let (_folder, path) = file(&content);
        let mut left = 5;
        let network = Network::new(move |line| {
            // The first attempt's response is lost in each case.
            if line.starts_with("POST outbox") && left == 5 {
                left -= 1;
                return Fate::Unanswered;
            }
            if line.starts_with(broken) && left > 0 {
                left -= 1;
                return fate;
            }
            Fate::Answered
        });
        until_sent(&sandbox, &network, &format!("batch-{number}"), &path).await;
        let files = received(&sandbox);
        assert_eq!(files.len(), 1, "{number}: {:?}", network.lines());
        assert!(files[0] == content, "{number}");
    }
}

#[tokio::test]
async fn a_service_that_loses_a_message_leaves_it_to_a_person() {
    let Some(mut sandbox) = Sandbox::start() else { return };
    let (_folder, path) = file(&content(9, CHUNK + 5));
    // The process is killed after the first chunk, and the service loses its memory.
    let network =
        Network::new(|line| if line.ends_with("/2") { Fate::Lost } else { Fate::Answered });
    let mut diary = Diary::default();
    let outgoing = Outgoing::new("batch", &path, "request.csv");
    let error = mailbox(&sandbox, &network).submit(outgoing, &mut diary).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Undetermined);
    sandbox.restart();
    let message = diary.0.clone();
    let again = outgoing.repeated(message.as_deref());
    let error = mailbox(&sandbox, &Network::sound()).submit(again, &mut diary).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Undetermined);
    assert!(received(&sandbox).is_empty());
}

#[tokio::test]
async fn a_message_that_never_arrived_is_sent_again_after_a_restart() {
    let Some(mut sandbox) = Sandbox::start() else { return };
    let content = content(10, 1_000);
    let (_folder, path) = file(&content);
    let network =
        Network::new(|line| if line == "POST outbox" { Fate::Lost } else { Fate::Answered });
    let mut diary = Diary::default();
    let outgoing = Outgoing::new("batch", &path, "request.csv");
    let error = mailbox(&sandbox, &network).submit(outgoing, &mut diary).await.unwrap_err();
    assert_eq!((error.kind(), &diary.0), (ErrorKind::Undetermined, &None));
    sandbox.restart();
    mailbox(&sandbox, &Network::sound()).submit(outgoing.repeated(None), &mut diary).await.unwrap();
    assert_eq!(received(&sandbox), [content]);
}

#[tokio::test]
async fn a_service_that_is_down_has_nothing() {
    let Some(mut sandbox) = Sandbox::start() else { return };
    sandbox.stop();
    let (_folder, path) = file(b"a row\n");
    let mut diary = Diary::default();
    let outgoing = Outgoing::new("batch", &path, "request.csv");
    let error =
        mailbox(&sandbox, &Network::sound()).submit(outgoing, &mut diary).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    sandbox.restart();
    mailbox(&sandbox, &Network::sound()).submit(outgoing, &mut diary).await.unwrap();
    assert_eq!(received(&sandbox).len(), 1);
}
