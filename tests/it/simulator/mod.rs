//! The simulator, asked in hand-written XML.

mod cases;
#[cfg(feature = "smsp")]
mod client;
mod faults;
mod http;
mod message;
mod register;
mod rules;
mod schema;
mod wire;
