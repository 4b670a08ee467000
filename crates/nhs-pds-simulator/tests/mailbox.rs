//! The library's mailbox at the simulated MESH: a file and its answer, lost responses, and reports.
#![expect(clippy::unwrap_used, reason = "tests")]

use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use nhs_pds::async_trait;
use nhs_pds::batch::{Arrival, BatchTracer, Error, ErrorKind, Inbox, Journal, Outgoing};
use nhs_pds::clock::FixedClock;
use nhs_pds::mesh::{Config, Mailbox};
use nhs_pds::secret::Secret;
use nhs_pds_simulator::{Mesh, MeshCall, MeshFault, MeshReport, MeshStatus, Register, Simulator};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

const REQUEST: &str = "UNIQUE REFERENCE,NHS_NO,DATE_OF_BIRTH\nr-1,9991234578,19430519\n";

#[derive(Default)]
struct Kept {
    accepted: Vec<String>,
    arrived: Vec<Arrival>,
}

#[async_trait]
impl Journal for Kept {
    async fn accepted(&mut self, message_id: &str) -> Result<(), Error> {
        self.accepted.push(message_id.to_owned());
        Ok(())
    }
}

#[async_trait]
impl Inbox for Kept {
    async fn take(&mut self, arrival: Arrival) -> Result<(), Error> {
        self.arrived.push(arrival);
        Ok(())
    }
}

/// A mailbox, its MESH, and a folder with the request.
struct World {
    mesh: Mesh,
    clock: Arc<FixedClock>,
    mailbox: Mailbox,
    folder: PathBuf,
}

impl World {
    fn new(name: &str, change: impl FnOnce(Mesh) -> Mesh) -> Self {
        let now: DateTime<Utc> = "2026-11-30T09:45:00Z".parse().unwrap();
        let clock = Arc::new(FixedClock::at(now));
        let pds = Simulator::new(Register::from_seed(1, 10));
        let mesh = Mesh::new("TestKey")
            .with_clock(Arc::<FixedClock>::clone(&clock))
            .with_mailbox("X26ABC1", "password")
            .with_mailbox("X26ABC2", "password")
            .answering_as_pds(pds, "X26ABC2")
            .with_delayed_answers(true);
        let mesh = change(mesh);
        let secret = |text: &str| Secret::new(text.to_owned());
        let config = Config::new(
            "https://mesh.example".parse().unwrap(),
            "X26ABC1".parse().unwrap(),
            secret("password"),
            secret("TestKey"),
            "X26ABC2".parse().unwrap(),
        );
        let config = config.with_settling(Duration::ZERO);
        let mailbox = Mailbox::new(Arc::new(mesh.clone()), config);
        let mailbox = mailbox.with_clock(Arc::<FixedClock>::clone(&clock));
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("request.csv"), REQUEST).unwrap();
        Self { mesh, clock, mailbox, folder }
    }

    /// Sends the request; `again` if an earlier attempt may have reached the service.
    async fn submit(&self, kept: &mut Kept, again: bool) -> Result<(), Error> {
        let file = self.folder.join("request.csv");
        let outgoing = Outgoing::new("batch-1", &file, "request.csv");
        let outgoing = if again { outgoing.repeated(None) } else { outgoing };
        self.mailbox.submit(outgoing, kept).await
    }

    /// The messages to PDS.
    fn requests(&self) -> usize {
        self.mesh.messages().iter().filter(|message| message.to == "X26ABC2").count()
    }

    fn wait(&self) {
        self.clock.set("2026-11-30T09:55:00Z".parse().unwrap());
    }
}

#[tokio::test]
async fn a_file_is_answered_once() {
    let world = World::new("a_file_is_answered_once", |mesh| mesh);
    let mut kept = Kept::default();
    world.submit(&mut kept, false).await.unwrap();
    assert_eq!((world.requests(), kept.accepted.len()), (1, 1));
    assert_eq!(
        world.mesh.content(kept.accepted.first().unwrap()).unwrap().expose(),
        REQUEST.as_bytes()
    );
    assert_eq!(world.mailbox.collect(&world.folder, &mut kept).await.unwrap(), 0);
    world.mesh.answer_waiting();
    // The first download breaks off, and so does the response to the acknowledgement.
    world.mesh.add_fault(MeshCall::Download, 0, MeshFault::Cut);
    world.mesh.add_fault(MeshCall::Acknowledge, 0, MeshFault::CutAfterEffect);
    while kept.arrived.is_empty() {
        let _ = world.mailbox.collect(&world.folder, &mut kept).await;
    }
    let [Arrival::File { file, workflow, .. }] = kept.arrived.as_slice() else {
        panic!("{:?}", kept.arrived);
    };
    assert_eq!(workflow.as_deref(), Some("SPINE_PDS_MESH_V1"));
    let response = fs::read_to_string(file).unwrap();
    assert!(response.starts_with("UNIQUE REFERENCE,") && response.contains("\nr-1,9991234578,"));
    assert_eq!(world.mailbox.collect(&world.folder, &mut kept).await.unwrap(), 0);
    assert!(world.mesh.messages().iter().all(|sent| sent.status == MeshStatus::Acknowledged));
}

#[tokio::test]
async fn a_lost_response_does_not_send_a_file_twice() {
    for (place, fault) in [
        MeshFault::CutAfterEffect,
        MeshFault::StatusAfterEffect(StatusCode::GATEWAY_TIMEOUT),
        MeshFault::Cut,
        MeshFault::Status(StatusCode::SERVICE_UNAVAILABLE),
    ]
    .into_iter()
    .enumerate()
    {
        let world = World::new(&format!("a_lost_response_{place}"), |mesh| mesh);
        world.mesh.add_fault(MeshCall::Send, 0, fault);
        let mut kept = Kept::default();
        let mut sent = world.submit(&mut kept, false).await;
        for _ in 0..5 {
            if sent.is_ok() {
                break;
            }
            world.wait();
            sent = world.submit(&mut kept, true).await;
        }
        sent.unwrap();
        assert_eq!(world.requests(), 1, "{fault:?}");
        assert_eq!(kept.accepted.last(), world.mesh.messages().first().map(|sent| &sent.id));
    }
}

#[tokio::test]
async fn without_tracking_a_lost_file_needs_a_person() {
    let world = World::new("without_tracking", |mesh| mesh.with_tracking_by_local_id(false));
    world.mesh.add_fault(MeshCall::Send, 0, MeshFault::CutAfterEffect);
    let mut kept = Kept::default();
    world.submit(&mut kept, false).await.unwrap_err();
    world.wait();
    let undetermined = world.submit(&mut kept, true).await.unwrap_err();
    assert_eq!(undetermined.kind(), ErrorKind::Undetermined);
    assert_eq!(world.requests(), 1);
}

#[tokio::test]
async fn reports_name_the_batch() {
    let world = World::new("reports_name_the_batch", |mesh| mesh);
    let mut kept = Kept::default();
    world.submit(&mut kept, false).await.unwrap();
    let mut report = MeshReport::new("14", "not collected");
    report.local_id = Some("batch-1".into());
    let _ = world.mesh.report("X26ABC1", report).unwrap();
    // A second batch is not collected in time.
    let file = world.folder.join("request.csv");
    let second = Outgoing::new("batch-2", &file, "request.csv");
    world.mailbox.submit(second, &mut kept).await.unwrap();
    let later = world.clock.as_ref();
    later.set("2026-11-30T09:45:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::days(6));
    assert_eq!(world.mailbox.collect(&world.folder, &mut kept).await.unwrap(), 2);
    let [
        Arrival::Report { batch, failed_message, code, .. },
        Arrival::Report { batch: other, failed_message: linked, .. },
    ] = kept.arrived.as_slice()
    else {
        panic!("{:?}", kept.arrived);
    };
    assert_eq!(
        (batch.as_deref(), failed_message, code.as_deref()),
        (Some("batch-1"), &None, Some("14"))
    );
    assert_eq!((other.as_deref(), linked.as_ref()), (Some("batch-2"), kept.accepted.last()));
}
