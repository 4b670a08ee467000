//! The screens as a browser without JavaScript sees them, in process.

#![expect(clippy::unwrap_used, reason = "what cannot be read must fail the test")]

<<<<<<< HEAD
mod audit;
mod accounts;
mod frame;
mod search;
mod security;
=======
mod case;
mod confirm;
mod frame;
mod search;
mod import;
>>>>>>> main
mod support;
