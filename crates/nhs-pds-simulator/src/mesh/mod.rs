//! The Message Exchange for Social Care and Health (MESH): mailboxes, and PDS behind one of them.

mod call;
mod download;
mod face;
mod fault;
mod inbox;
mod message;
mod outbox;
mod pds;
mod refusal;
mod report;
mod sent;
mod server;
mod state;
mod token;
mod tracking;

pub use call::MeshCall;
pub use face::Mesh;
pub use fault::MeshFault;
pub use report::MeshReport;
pub use sent::{MeshMessage, MeshStatus};
pub use server::MeshServer;
