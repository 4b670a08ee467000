//! The mailbox and the simulator's MESH: each fault at each call, without another program.

use crate::interrupted::until_sent;
use crate::network::{Fate, Network};
use crate::{CHUNK, Diary, OURS, THEIRS, Tray, WORKFLOW, config, content, file};
use http::StatusCode;
use nhs_pds::batch::{BatchTracer as _, ErrorKind, Outgoing};
use nhs_pds::mesh::Mailbox;
use nhs_pds_simulator::{Mesh, MeshCall, MeshFault, MeshStatus};
use std::collections::BTreeSet;
use std::sync::Arc;

const URL: &str = "https://mesh.example";

const FAULTS: [MeshFault; 6] = [
    MeshFault::Cut,
    MeshFault::CutAfterEffect,
    MeshFault::Status(StatusCode::SERVICE_UNAVAILABLE),
    MeshFault::Status(StatusCode::INTERNAL_SERVER_ERROR),
    MeshFault::StatusAfterEffect(StatusCode::GATEWAY_TIMEOUT),
    MeshFault::StatusAfterEffect(StatusCode::INTERNAL_SERVER_ERROR),
];

fn mesh() -> Mesh {
    Mesh::new("TestKey")
        .with_mailbox(OURS, "password")
        .with_mailbox(THEIRS, "password")
        .with_workflow(WORKFLOW)
}

fn network(mesh: &Mesh) -> Network {
    Network::over(Arc::new(mesh.clone()), |_| Fate::Answered)
}

fn mailbox(mesh: &Mesh) -> Mailbox {
    Mailbox::new(Arc::new(mesh.clone()), config(URL, "password", "TestKey"))
}

#[tokio::test(start_paused = true)]
async fn a_file_is_sent_once_whatever_call_fails() {
    let content = content(12, 2 * CHUNK + 5);
    let (_folder, path) = file(&content);
    let mut calls = 0;
    for fault in FAULTS {
        for skip in 0.. {
            let mesh = mesh();
            mesh.add_fault(MeshCall::Any, skip, fault);
            until_sent(URL, &network(&mesh), "batch", &path).await;
            let messages = mesh.messages();
            assert_eq!(messages.len(), 1, "{fault:?} at call {skip}");
            assert_eq!((messages[0].status, messages[0].chunks), (MeshStatus::Accepted, 3));
            let sent = mesh.content(&messages[0].id).unwrap();
            assert!(*sent.expose() == content, "{fault:?} at call {skip}");
            if mesh.call_count(MeshCall::Any) <= skip {
                break;
            }
            calls += 1;
        }
    }
    assert!(calls >= 24, "a handshake and three chunks, with six faults: {calls}");
}

#[tokio::test(start_paused = true)]
async fn every_message_arrives_whatever_call_fails() {
    for fault in FAULTS {
        for skip in 0.. {
            let mesh = mesh();
            let sent =
                [b"one", b"two"].map(|file| mesh.deliver(THEIRS, OURS, WORKFLOW, file).unwrap());
            mesh.add_fault(MeshCall::Any, skip, fault);
            let (spool, mut tray) = (tempfile::tempdir().unwrap(), Tray::default());
            while mailbox(&mesh).collect(spool.path(), &mut tray).await.is_err() {}
            let arrived: BTreeSet<_> = tray.files.iter().map(|(id, _)| id.clone()).collect();
            assert_eq!(arrived, sent.into(), "{fault:?} at call {skip}");
            assert!(
                mesh.messages().iter().all(|message| message.status == MeshStatus::Acknowledged)
            );
            if mesh.call_count(MeshCall::Any) <= skip {
                break;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_look_up_a_person_decides() {
    let mesh = mesh().with_tracking_by_local_id(false);
    mesh.add_fault(MeshCall::Send, 0, MeshFault::CutAfterEffect);
    let (_folder, path) = file(b"a row\n");
    let outgoing = Outgoing::new("batch", &path, "a.csv");
    for outgoing in [outgoing, outgoing.repeated(None), outgoing.repeated(None)] {
        let error = mailbox(&mesh).submit(outgoing, &mut Diary::default()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Undetermined);
    }
    assert_eq!(mesh.call_count(MeshCall::Send), 1);
}
