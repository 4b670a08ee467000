//! What the service refuses, and what it reports.

use crate::network::Network;
use crate::sandbox::Sandbox;
use crate::{Diary, OURS, Tray, WORKFLOW, config, file, mailbox};
use nhs_pds::batch::{BatchTracer as _, ErrorKind, Outgoing};
use nhs_pds::mesh::{Config, Mailbox};
use nhs_pds::secret::Secret;
use nhs_pds::transport::{Request, Transport as _};
use serde_json::json;
use std::error::Error as _;
use std::sync::Arc;

#[tokio::test]
async fn a_wrong_password_or_key_is_a_fault_of_the_configuration() {
    let Some(sandbox) = Sandbox::start() else { return };
    for (password, key) in [("wrong", "TestKey"), ("password", "wrong")] {
        let network = Network::sound();
        let config = config(&sandbox.url(), password, key);
        let mailbox = Mailbox::new(Arc::new(network.clone()), config);
        let error = mailbox.handshake().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        let cause = error.source().unwrap().to_string();
        assert!(cause.contains("its password, the shared key"), "{cause}");
        let (_folder, path) = file(b"a row\n");
        let mut diary = Diary::default();
        let submitted = mailbox.submit(Outgoing::new("batch", &path, "a.csv"), &mut diary);
        assert_eq!(submitted.await.unwrap_err().kind(), ErrorKind::Configuration);
        assert!(!network.lines().contains(&"POST outbox".to_owned()));
    }
}

#[tokio::test]
async fn a_recipient_that_is_not_registered_is_named() {
    let Some(sandbox) = Sandbox::start() else { return };
    let secret = |text: &str| Secret::new(text.to_owned());
    let url = sandbox.url().parse().unwrap();
    let config = Config::new(
        url,
        OURS.parse().unwrap(),
        secret("password"),
        secret("TestKey"),
        "NOBODY".parse().unwrap(),
    );
    let mailbox = Mailbox::new(Arc::new(Network::sound()), config);
    let (_folder, path) = file(b"a row\n");
    let mut diary = Diary::default();
    let submitted = mailbox.submit(Outgoing::new("batch", &path, "a.csv"), &mut diary);
    let error = submitted.await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Configuration, Some("12")));
    let cause = error.source().unwrap().to_string();
    assert!(cause.ends_with("correct the recipient's mailbox"), "{cause}");
}

#[tokio::test]
async fn reports_arrive_by_message_and_by_batch() {
    let Some(sandbox) = Sandbox::start() else { return };
    let network = Network::sound();
    let mailbox = mailbox(&sandbox, &network);
    let (_folder, path) = file(b"a row\n");
    let mut diary = Diary::default();
    mailbox.submit(Outgoing::new("batch-1", &path, "a.csv"), &mut diary).await.unwrap();
    let message = diary.0.unwrap();
    let reports = [
        (
            json!({"local_id": "batch-1", "linked_message_id": message}),
            (Some("batch-1"), Some(&*message)),
        ),
        (json!({"local_id": "batch-1"}), (Some("batch-1"), None)),
        (json!({"linked_message_id": message, "status": "error"}), (None, Some(&*message))),
    ];
    for (mut fields, (batch, failed)) in reports {
        let more =
            json!({"mailbox_id": OURS, "code": "14", "description": "x", "workflow_id": WORKFLOW});
        fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let url = format!("{}/messageexchange/admin/report", sandbox.url()).parse().unwrap();
        let request = Request::post(url, fields.to_string().into()).with_header(
            http::header::CONTENT_TYPE,
            http::HeaderValue::from_static("application/json"),
        );
        assert!(network.send(request).await.unwrap().status().is_success());
        let (spool, mut tray) = (tempfile::tempdir().unwrap(), Tray::default());
        assert_eq!(mailbox.collect(spool.path(), &mut tray).await.unwrap(), 1);
        let owned = |text: Option<&str>| text.map(str::to_owned);
        assert_eq!(tray.reports, [(owned(batch), owned(failed), owned(Some("14")))]);
        assert_eq!(
            mailbox.collect(spool.path(), &mut tray).await.unwrap(),
            0,
            "it was acknowledged"
        );
    }
}
