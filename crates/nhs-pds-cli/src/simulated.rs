//! The simulated PDS, the caseload that ships with it, and its example key.
//!
//! All other modules take the simulator from here.

pub(crate) use nhs_pds_simulator::{
    Application, Caseload, DeathNotification, Error, Fault, FaultMix, NameUse, OtherAddress,
    OtherAddressUse, OtherName, Person, Register, RelatedPerson, Server, Simulator, When,
};
use std::path::{Path, PathBuf};

/// A private key for examples. It protects nothing, because everyone has it.
pub(crate) const EXAMPLE_KEY: &[u8] = include_bytes!("../data/example-key.pem");

/// The shipped file `name` of `examples/data`, in the source tree that this program was built from.
pub(crate) fn shipped(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    let data = root.unwrap_or(Path::new("")).join("examples/data");
    if name.is_empty() { data } else { data.join(name) }
}
