//! Files there and back, with the other client at the other end.

use crate::network::Network;
use crate::sandbox::Sandbox;
use crate::{CHUNK, Diary, OURS, THEIRS, Tray, WORKFLOW, config, content, file, mailbox};
use nhs_pds::batch::{BatchTracer, Outgoing};
use nhs_pds::mesh::Mailbox;
use serde_json::Value;
use std::collections::HashSet;
use std::fs;
use std::sync::Arc;

#[tokio::test]
async fn the_other_client_reads_what_is_sent() {
    let Some(sandbox) = Sandbox::start() else { return };
    let network = Network::sound();
    for (number, (bytes, chunks, is_gzip)) in [
        (1, 1, true),
        (1, 1, false),
        (CHUNK, 1, true),
        (CHUNK + 1, 2, false),
        (20_000_000, 4, true),
        (20_000_000, 4, false),
    ]
    .into_iter()
    .enumerate()
    {
        let config = config(&sandbox.url(), "password", "TestKey");
        let config = if is_gzip { config } else { config.without_compression() };
        let mailbox = Mailbox::new(Arc::new(network.clone()), config);
        let content = content(number as u64, bytes);
        let (folder, path) = file(&content);
        let (mut diary, id) = (Diary::default(), format!("batch-{number}"));
        mailbox.submit(Outgoing::new(&id, &path, "request.csv"), &mut diary).await.unwrap();
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1,
            "nothing is left beside the file"
        );

        let received = tempfile::tempdir().unwrap();
        let lines = sandbox.peer(THEIRS, &["receive", received.path().to_str().unwrap()]);
        assert_eq!(lines.len(), 1);
        let message: Value = serde_json::from_str(&lines[0]).unwrap();
        assert_eq!(message["id"].as_str(), diary.0.as_deref());
        assert_eq!(message["chunks"], format!("1:{chunks}"));
        for (name, value) in [
            ("local_id", id.as_str()),
            ("filename", "request.csv"),
            ("workflow", WORKFLOW),
            ("sender", OURS),
        ] {
            assert_eq!(message[name], value, "{name}");
        }
        assert!(message["content_type"].as_str().unwrap().starts_with("text/csv"), "{message}");
        let read = fs::read(received.path().join(diary.0.unwrap())).unwrap();
        assert!(read == content, "{bytes} bytes, {is_gzip}");
    }
}

#[tokio::test]
async fn what_the_other_client_sends_arrives() {
    let Some(sandbox) = Sandbox::start() else { return };
    let mailbox = mailbox(&sandbox, &Network::sound());
    for (number, (bytes, chunk, gzip)) in [
        (0, CHUNK, "gzip"),
        (1, CHUNK, "plain"),
        (70_000, CHUNK, "gzip"),
        (20_000_000, CHUNK, "gzip"),
        (20_000_000, CHUNK, "plain"),
        (20_000_000, 75 << 20, "gzip"),
    ]
    .into_iter()
    .enumerate()
    {
        let content = content(number as u64, bytes);
        let (_folder, path) = file(&content);
        let path = path.to_str().unwrap();
        let sent =
            sandbox.peer(THEIRS, &["send", OURS, WORKFLOW, &chunk.to_string(), gzip, "1", path]);
        let (spool, mut tray) = (tempfile::tempdir().unwrap(), Tray::default());
        assert_eq!(mailbox.collect(spool.path(), &mut tray).await.unwrap(), 1);
        assert_eq!(tray.files[0].0, sent[0]);
        assert!(tray.files[0].1 == content, "{bytes} bytes in chunks of {chunk}, {gzip}");
        assert_eq!(
            mailbox.collect(spool.path(), &mut tray).await.unwrap(),
            0,
            "it was acknowledged"
        );
        assert_eq!(fs::read_dir(spool.path()).unwrap().count(), 0);
    }
}

#[tokio::test]
async fn more_messages_than_a_page_arrive_once_each() {
    let Some(sandbox) = Sandbox::start() else { return };
    let network = Network::sound();
    let mailbox = mailbox(&sandbox, &network);
    let (_folder, path) = file(b"a row\n");
    let path = path.to_str().unwrap();
    let chunk = CHUNK.to_string();
    // Another program's messages are among them, and stay.
    sandbox.peer(THEIRS, &["send", OURS, "TEST_WORKFLOW_ACK", &chunk, "plain", "3", path]);
    let sent = sandbox.peer(THEIRS, &["send", OURS, WORKFLOW, &chunk, "plain", "503", path]);
    let (spool, mut tray) = (tempfile::tempdir().unwrap(), Tray::default());
    assert_eq!(mailbox.collect(spool.path(), &mut tray).await.unwrap(), 503);
    let arrived: HashSet<_> = tray.files.iter().map(|(id, _)| id.clone()).collect();
    assert_eq!(arrived, sent.into_iter().collect());
    assert_eq!(network.lines().iter().filter(|line| *line == "GET inbox").count(), 2);
    assert_eq!(mailbox.collect(spool.path(), &mut tray).await.unwrap(), 0);
    let received = tempfile::tempdir().unwrap();
    let left = sandbox.peer(OURS, &["receive", received.path().to_str().unwrap()]);
    assert_eq!(left.len(), 3, "the other program's messages");
}

#[tokio::test]
async fn what_is_not_stored_is_not_acknowledged() {
    use nhs_pds::async_trait;
    use nhs_pds::batch::{Arrival, Error, ErrorKind, Inbox};

    struct Full;
    #[async_trait]
    impl Inbox for Full {
        async fn take(&mut self, _: Arrival) -> Result<(), Error> {
            Err(Error::new(ErrorKind::Storage))
        }
    }
    let Some(sandbox) = Sandbox::start() else { return };
    let mailbox = mailbox(&sandbox, &Network::sound());
    let (_folder, path) = file(b"a row\n");
    let sent = sandbox
        .peer(THEIRS, &["send", OURS, WORKFLOW, "9999999", "gzip", "2", path.to_str().unwrap()]);
    let spool = tempfile::tempdir().unwrap();
    let error = mailbox.collect(spool.path(), &mut Full).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage);
    let mut tray = Tray::default();
    assert_eq!(mailbox.collect(spool.path(), &mut tray).await.unwrap(), 2);
    assert_eq!(tray.files.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>(), sent);
}
