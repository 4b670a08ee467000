//! The people that the simulator knows.

use crate::console::{self, about, warn};
use crate::private::PrivateFile;
use crate::simulated::{Caseload, Register};
use std::error::Error;
use std::io::BufWriter;
use std::path::PathBuf;

/// The options that name the people.
#[derive(clap::Args)]
pub(super) struct People {
    /// The seed of the people.
    #[arg(long, default_value_t = 2026)]
    pub(super) seed: u64,
    /// The number of cases. The simulator knows the people of all of them.
    #[arg(long, default_value_t = 240, value_parser = crate::simulated::cases)]
    pub(super) cases: usize,
    /// A file for the cases, as CSV.
    #[arg(long, value_name = "FILE", conflicts_with = "register")]
    pub(super) caseload: Option<PathBuf>,
    /// The people, as CSV with the columns of Opentest, in place of those of a caseload.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["seed", "cases"])]
    pub(super) register: Option<PathBuf>,
    /// Former names, addresses, telecoms and genders of these people, as CSV with the columns
    /// NHS_NUMBER,WHAT,FAMILY,GIVEN,POSTCODE,VALUE,TO.
    #[arg(long, value_name = "FILE")]
    pub(super) history: Option<PathBuf>,
}

impl People {
    /// The people of `--register`, or of the caseload, with their history.
    pub(super) fn register(&self) -> Result<Register, Box<dyn Error>> {
        let mut register = if let Some(path) = &self.register {
            let read = Register::from_csv(console::read(path)?.as_slice());
            let (register, refused) = read.map_err(|error| about(path, &error))?;
            for row in &refused {
                warn(format!("{}: {row}", path.display()));
            }
            register
        } else {
            let caseload = Caseload::from_seed(self.seed, self.cases);
            if let Some(path) = &self.caseload {
                let file = PrivateFile::begin(path).map_err(|error| about(path, &error))?;
                caseload.write_csv(BufWriter::new(file.file()))?;
                file.finish().map_err(|error| about(path, &error))?;
            }
            caseload.register().clone()
        };
        if let Some(path) = &self.history {
            let read = register.read_history(console::read(path)?.as_slice());
            read.map_err(|error| about(path, &error))?;
        }
        Ok(register)
    }
}
