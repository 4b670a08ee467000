//! The screens of `nhs-pds` in a real browser: the program as it is installed, Chromium, and a person in front of it.
//!
//! `tools/browser.sh` runs these tests. It says where the program, Chromium and axe-core are:
//!
//! * `NHS_PDS`: the program.
//! * `AXE`: `axe.min.js` of axe-core.
//! * `SCREENSHOTS`: where to write the pictures of `docs/screens.md`; without it, none are written.

mod accessibility;
mod chromium;
mod person;
mod program;
mod watch;

pub use accessibility::State;
pub use person::{Key, Person};
pub use program::{Account, Serving, World};

/// The value of a variable that `tools/browser.sh` sets.
fn setting(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run tools/browser.sh"))
}
