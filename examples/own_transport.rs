//! Sends messages over a transport of your own, such as a message broker or an existing HTTP stack.
//!
//! A transport moves bytes. It knows nothing about messages or patients, and must not log what it sends.
#![expect(clippy::print_stdout, reason = "an example prints what it shows")]

use nhs_pds::async_trait;
use nhs_pds::demographics::Gender;
use nhs_pds::smsp::{Client, Config};
use nhs_pds::trace::{Caller, FindPerson, LocalIdentity};
use nhs_pds::transport::{self, Request, Response, Transport};
use nhs_pds_simulator::{Caseload, Simulator};
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts messages and bytes on the way to another transport.
#[derive(Debug)]
struct Counting<T> {
    inner: T,
    messages: AtomicU64,
    bytes: AtomicU64,
}

#[async_trait]
impl<T: Transport> Transport for Counting<T> {
    async fn send(&self, request: Request) -> Result<Response, transport::Error> {
        // Your program: send `request.body()` to `request.url()` with `request.headers()`, and limit the time and
        // the size of the response. An error says whether the request may have reached the service.
        let response = self.inner.send(request).await?;
        self.messages.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(response.body().expose().len() as u64, Ordering::Relaxed);
        Ok(response)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let inner = Simulator::new(Caseload::from_seed(2026, 240).register().clone());
    let counting =
        Arc::new(Counting { inner, messages: AtomicU64::new(0), bytes: AtomicU64::new(0) });
    let us = LocalIdentity::new("RHM".parse()?, "case-management")?;
    let config = Config::new("https://smsp.example/pds".parse()?, us.clone());
    let client = Client::new(config, Arc::clone(&counting) as Arc<dyn Transport>);

    let owen = FindPerson::new("Owen".parse()?, Gender::Female, "1986-01-19".parse()?);
    let answer = client.get_nhs_number(&Caller::System(us), &owen).await?;
    let messages = counting.messages.load(Ordering::Relaxed);
    let bytes = counting.bytes.load(Ordering::Relaxed);
    println!("outcome: {}", answer.outcome.as_str());
    println!("{messages} message, with a response of {bytes} bytes");
    Ok(())
}
