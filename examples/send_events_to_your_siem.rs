//! Passes each event of the audit trail on to a SIEM, and continues after the SIEM was down.
#![expect(clippy::print_stdout, reason = "an example prints what it shows")]

use nhs_pds::async_trait;
use nhs_pds::audit::{
    Actor, AuditLog, Entry, Error, ErrorKind, Event, EventKind, EventSink, Forwarding, MemoryLog,
    Subject, conformance,
};
use nhs_pds::clock::{Clock as _, SystemClock};
use nhs_pds::trace::{Caller, LocalIdentity};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Your SIEM's collector. Here it is in memory, with the events by number and a switch.
#[derive(Clone, Debug, Default)]
struct Siem(Arc<Mutex<(BTreeMap<u64, String>, bool)>>);

impl Siem {
    fn with<T>(&self, run: impl FnOnce(&mut BTreeMap<u64, String>) -> T) -> Result<T, Error> {
        let (documents, is_down) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if *is_down { Err(Error::new(ErrorKind::Unavailable)) } else { Ok(run(documents)) }
    }

    fn set_down(&self, is_down: bool) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1 = is_down;
    }
}

#[async_trait]
impl EventSink for Siem {
    async fn last(&self) -> Result<u64, Error> {
        self.with(|documents| documents.keys().next_back().copied().unwrap_or(0))
    }

    /// The number is the id of the document, so that an event that arrives again is kept once.
    async fn send(&self, events: &[Event]) -> Result<(), Error> {
        for event in events {
            // The JSON form has no personal data about a patient.
            let json = serde_json::to_string(event).map_err(|_| Error::new(ErrorKind::Write))?;
            self.with(|documents| documents.entry(event.seq).or_insert(json).len())?;
        }
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let indexes = Mutex::new(BTreeMap::<u32, Siem>::new());
    let open = |index| indexes.lock().map(|mut all| all.entry(index).or_default().clone());
    conformance::check_sink(
        async |index| open(index).unwrap_or_default(),
        async |index| {
            let arrived = open(index).unwrap_or_default().with(|all| all.keys().copied().collect());
            arrived.unwrap_or_default()
        },
    )
    .await?;
    println!("the sink keeps the contract of EventSink");

    let siem = Siem::default();
    let log = Arc::new(MemoryLog::new());
    let log = Forwarding::new(log, Arc::new(siem.clone()), Arc::new(SystemClock));
    let us = Caller::System(LocalIdentity::new("RHM".parse()?, "get-nhs-number")?);
    let viewed = Entry::new(EventKind::CaseViewed, SystemClock.now(), &Actor::new(&us, "Worker"))
        .about(Subject::new("RHM:00001".parse()?));
    log.append(vec![viewed.clone()]).await?;
    siem.set_down(true);
    log.append(vec![viewed]).await?;
    println!("{} event waits while the SIEM is down", log.unsent());
    siem.set_down(false);
    println!("the last event at the SIEM is now number {}", log.forward().await?);
    siem.with(|documents| documents.values().for_each(|json| println!("{json}")))?;
    Ok(())
}
