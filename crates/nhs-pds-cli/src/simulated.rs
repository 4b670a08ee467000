//! The simulated PDS, the caseload that ships with it, and its example key.
//!
//! All other modules take the simulator from here.

use crate::console::{self, ReadSeek};
pub(crate) use nhs_pds_simulator::{
    Application, BatchStyle, Caseload, DeathNotification, Disputed, Error, ErrorKind, Fault,
    FaultMix, Mesh, MeshServer, NameUse, OtherAddress, OtherAddressUse, OtherName, Person,
    Register, RelatedPerson, Sensitivity, Server, Share, ShareError, Simulator, When,
};
use std::error::Error as StdError;
use std::io::Cursor;
use std::path::Path;

/// A private key for examples. It protects nothing, because everyone has it.
pub(crate) const EXAMPLE_KEY: &[u8] = include_bytes!("../data/example-key.pem");

/// The seed of the shipped caseload, and the number of its cases.
pub(crate) const SAMPLE: (u64, usize) = (2026, 240);

/// The caseload of `examples/data/caseload.csv`. An installed command has it too, because it is made from its seed.
pub(crate) fn shipped() -> Caseload {
    Caseload::from_seed(SAMPLE.0, SAMPLE.1)
}

/// Opens a caseload: the file `place`, or the shipped one.
pub(crate) fn open_caseload(place: Option<&Path>) -> Result<Box<dyn ReadSeek>, Box<dyn StdError>> {
    if let Some(place) = place {
        let file = console::seekable(console::open(place)?);
        return file.map_err(|error| console::about(place, &error));
    }
    let mut bytes = Vec::new();
    shipped().write_csv(&mut bytes)?;
    Ok(Box::new(Cursor::new(bytes)))
}

/// The name of a caseload in messages.
pub(crate) fn name_of(place: Option<&Path>) -> &Path {
    place.unwrap_or(Path::new("examples/data/caseload.csv"))
}

/// Reads the number of cases of an option. The limit keeps the people in memory.
pub(crate) fn cases(text: &str) -> Result<usize, String> {
    const MOST: usize = 1_000_000;
    match text.parse() {
        Ok(cases @ 1..=MOST) => Ok(cases),
        _ => Err(format!("a number from 1 to {MOST} is required")),
    }
}
