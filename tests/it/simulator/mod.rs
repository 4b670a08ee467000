//! The simulator, queried with handwritten XML and JSON.

#[cfg(all(feature = "fhir", feature = "smsp"))]
mod both;
mod cases;
#[cfg(feature = "smsp")]
mod client;
mod faults;
mod fhir;
mod http;
mod message;
mod register;
mod rules;
mod schema;
mod wire;
