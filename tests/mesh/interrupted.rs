//! A file whose sending is interrupted, at every request and in every way, arrives once.

use crate::network::{Fate, Network};
use crate::sandbox::Sandbox;
use crate::{CHUNK, Diary, OURS, THEIRS, Tray, WORKFLOW, config, config_of, content, file};
use nhs_pds::batch::{BatchTracer as _, ErrorKind, Outgoing};
use nhs_pds::mesh::Mailbox;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

fn mailbox(url: &str, network: &Network) -> Mailbox {
    // Compression takes most of the time of these tests.
    let config = config(url, "password", "TestKey").without_compression();
    Mailbox::new(Arc::new(network.clone()), config)
}

/// What the other mailbox has, by this library's client, which starts faster than the other one.
async fn received(sandbox: &Sandbox) -> Vec<Vec<u8>> {
    let config = config_of(THEIRS, OURS, &sandbox.url(), "password", "TestKey");
    let mailbox = Mailbox::new(Arc::new(Network::sound()), config);
    let (spool, mut tray) = (tempfile::tempdir().unwrap(), Tray::default());
    mailbox.collect(spool.path(), &mut tray).await.unwrap();
    tray.files.into_iter().map(|(_, file)| file).collect()
}

/// Sends a file as a program does that records its state, and is killed or loses its connection: by the rules of the
/// contract alone.
pub(crate) async fn until_sent(url: &str, network: &Network, id: &str, path: &Path) {
    let mut diary = Diary::default();
    let mut is_repeat = false;
    for _ in 0..20 {
        // A new process: nothing is left but what is on record.
        let mailbox = mailbox(url, network);
        let first = Outgoing::new(id, path, "request.csv");
        let message = diary.0.clone();
        let outgoing = if is_repeat { first.repeated(message.as_deref()) } else { first };
        let error = match network.alive(mailbox.submit(outgoing, &mut diary)).await {
            Some(Ok(())) => return,
            Some(Err(error)) => error,
            None => {
                is_repeat = true;
                continue;
            }
        };
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
    for fate in [Fate::Lost, Fate::Unanswered, Fate::KilledBefore, Fate::KilledAfter] {
        for at in 0.. {
            let (_folder, path) = file(&content);
            let count = Arc::new(Mutex::new(0));
            let counted = Arc::clone(&count);
            let network = Network::new(move |_| {
                let mut count = counted.lock().unwrap();
                *count += 1;
                if *count == at + 1 { fate } else { Fate::Answered }
            });
            until_sent(&sandbox.url(), &network, &format!("batch-{fate:?}-{at}"), &path).await;
            let files = received(&sandbox).await;
            assert_eq!(files.len(), 1, "{fate:?} at request {at}: {:?}", network.lines());
            assert!(files[0] == content, "{fate:?} at request {at}");
            if *count.lock().unwrap() <= at {
                break;
            }
            requests += 1;
        }
    }
    assert!(requests >= 16, "a handshake and three chunks, each in four ways: {requests}");
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
        until_sent(&sandbox.url(), &network, &format!("batch-{number}"), &path).await;
        let files = received(&sandbox).await;
        assert_eq!(files.len(), 1, "{number}: {:?}", network.lines());
        assert!(files[0] == content, "{number}");
    }
}

#[tokio::test]
async fn a_failure_at_any_request_loses_no_arrival() {
    let Some(sandbox) = Sandbox::start() else { return };
    // Two chunks: the sandbox takes small ones too.
    let content = content(11, 1_000);
    let (_folder, path) = file(&content);
    let path = path.to_str().unwrap();
    let mut requests = 0;
    for fate in [Fate::Lost, Fate::Unanswered, Fate::KilledBefore, Fate::KilledAfter] {
        for at in 0.. {
            let sent = sandbox.peer(THEIRS, &["send", OURS, WORKFLOW, "600", "gzip", "2", path]);
            let mut left = at;
            let network = Network::new(move |_| {
                left -= 1;
                if left == -1 { fate } else { Fate::Answered }
            });
            let (spool, mut tray) = (tempfile::tempdir().unwrap(), Tray::default());
            let mut is_done = false;
            while !is_done {
                let mailbox = mailbox(&sandbox.url(), &network);
                let collected = network.alive(mailbox.collect(spool.path(), &mut tray)).await;
                is_done = collected.is_some_and(|collected| collected.is_ok());
            }
            let arrived: BTreeSet<_> = tray.files.iter().map(|(id, _)| id.clone()).collect();
            assert_eq!(arrived, sent.into_iter().collect(), "{fate:?} at request {at}");
            assert!(
                tray.files.iter().all(|(_, file)| *file == content),
                "{fate:?} at request {at}"
            );
            // A message comes again only if its acknowledgement did not arrive.
            assert!(tray.files.len() <= 3, "{fate:?} at request {at}");
            assert_eq!(fs::read_dir(spool.path()).unwrap().count(), 0, "{fate:?} at request {at}");
            if network.lines().len() as i32 <= at {
                break;
            }
            requests += 1;
        }
    }
    assert!(
        requests >= 32,
        "a handshake, a list, and two messages with three requests: {requests}"
    );
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
    let error = mailbox(&sandbox.url(), &network).submit(outgoing, &mut diary).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Undetermined);
    sandbox.restart();
    let message = diary.0.clone();
    let again = outgoing.repeated(message.as_deref());
    let error =
        mailbox(&sandbox.url(), &Network::sound()).submit(again, &mut diary).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Undetermined);
    assert!(received(&sandbox).await.is_empty());
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
    let error = mailbox(&sandbox.url(), &network).submit(outgoing, &mut diary).await.unwrap_err();
    assert_eq!((error.kind(), &diary.0), (ErrorKind::Undetermined, &None));
    sandbox.restart();
    mailbox(&sandbox.url(), &Network::sound())
        .submit(outgoing.repeated(None), &mut diary)
        .await
        .unwrap();
    assert_eq!(received(&sandbox).await, [content]);
}

#[tokio::test]
async fn a_service_that_is_down_has_nothing() {
    let Some(mut sandbox) = Sandbox::start() else { return };
    sandbox.stop();
    let (_folder, path) = file(b"a row\n");
    let mut diary = Diary::default();
    let outgoing = Outgoing::new("batch", &path, "request.csv");
    let error =
        mailbox(&sandbox.url(), &Network::sound()).submit(outgoing, &mut diary).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    sandbox.restart();
    mailbox(&sandbox.url(), &Network::sound()).submit(outgoing, &mut diary).await.unwrap();
    assert_eq!(received(&sandbox).await.len(), 1);
}
