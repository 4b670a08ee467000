//! Sends a file of PDS MESH from a mailbox, and receives the response.
//!
//! Agree that with the service first: it says that PDS MESH is not intended for software integration.
#![expect(clippy::print_stdout, reason = "an example prints what it shows")]

use nhs_pds::async_trait;
use nhs_pds::batch::file::{Entry, Format, Limits, RequestFile, RequestRow, ResponseFile};
use nhs_pds::batch::{Arrival, BatchTracer, Error, ErrorKind, Inbox, Journal, Outgoing};
use nhs_pds::demographics::{FullDate, Gender};
use nhs_pds::mesh::{Config, Mailbox};
use nhs_pds::secret::Secret;
use nhs_pds_simulator::{Mesh, Person, Register, Simulator};
use std::fs::File;
use std::sync::Arc;

/// Your program: a record of the batch, and of what has arrived. A program that is killed continues from it.
#[derive(Default)]
struct Records(Option<String>);

#[async_trait]
impl Journal for Records {
    async fn accepted(&mut self, message_id: &str) -> Result<(), Error> {
        // Store it. After a crash it belongs to `Outgoing::repeated`.
        self.0 = Some(message_id.to_owned());
        Ok(())
    }
}

#[async_trait]
impl Inbox for Records {
    async fn take(&mut self, arrival: Arrival) -> Result<(), Error> {
        // Move the file to its place, and store that it is there. The mailbox then acknowledges the message.
        let Arrival::File { file, .. } = arrival else { return Ok(()) };
        let open = File::open(&file).map_err(unreadable)?;
        for entry in ResponseFile::open(open).map_err(unreadable)? {
            if let Ok(Entry::Row(row)) = entry {
                println!("row {}: {}", row.reference(), row.code());
            }
        }
        Ok(())
    }
}

fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Unreadable).with_source(error)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (born, number): (FullDate, _) = ("1984-02-29".parse()?, "999 000 0077".parse()?);
    let mut people = Register::default();
    people.insert(Person::new(number, "Smith", Gender::Female, born.into()))?;
    // Your program: `Mailbox::over_http`, with the client certificate and the roots of MESH.
    let mesh = Mesh::new("the shared key")
        .with_mailbox("X26ABC1", "the password")
        .with_mailbox("X26ABC2", "another password")
        .answering_as_pds(Simulator::new(people), "X26ABC2");
    let (password, key) =
        (Secret::new("the password".into()), Secret::new("the shared key".into()));
    let endpoint = "https://msg.intspineservices.nhs.uk".parse()?;
    let config = Config::new(endpoint, "X26ABC1".parse()?, password, key, "X26ABC2".parse()?);
    let mailbox = Mailbox::new(Arc::new(mesh), config);

    let folder = tempfile::tempdir()?;
    let path = folder.path().join("request.csv");
    let mut request = RequestFile::new(File::create(&path)?, Format::PdsMesh, Limits::default())?;
    request.write(&RequestRow::by_number("r-1".parse()?, number, born))?;
    request.write(&RequestRow::by_number("r-2".parse()?, "999 000 0085".parse()?, born))?;
    request.finish()?;

    let mut records = Records::default();
    // Your program: store first that the file is about to leave, under this identifier.
    mailbox.submit(Outgoing::new("batch-1", &path, "request.csv"), &mut records).await?;
    println!("sent: {}", records.0.is_some());
    println!("arrived: {}", mailbox.collect(folder.path(), &mut records).await?);
    Ok(())
}
