//! A mailbox of the Message Exchange for Social Care and Health (MESH), which sends and receives files.
//!
//! [`Mailbox`] is a [`BatchTracer`](crate::batch::BatchTracer): it sends the request files of PDS MESH and receives the
//! responses. [`Config`] has its address and its secrets.
//!
//! NHS England says that PDS MESH is not intended for software integration, and has no test environment for it. Agree
//! the use of a mailbox with the service before you send a file.
//!
//! # What is sent, and how often
//!
//! * Each request has an authorization of its own: an HMAC over a new nonce, the password and the time. The service refuses
//!   a used one, so a retry has a new one too.
//! * A request that failed for a passing reason is retried three times, with growing pauses. The exception is the request
//!   that creates a message. It is sent once, because a second one would be a second message.
//! * If the fate of that request is unknown, the mailbox asks for the message by the batch's identifier
//!   (`/outbox/tracking/{local_id}`). The API marks this call as deprecated, and has no other one. Where it is not
//!   available, the error is [`Undetermined`](crate::batch::ErrorKind::Undetermined).
//! * A file larger than a chunk is sent in chunks. An interrupted one continues where the service waits for it.
//!
//! Source: the MESH API specification of NHS England (version 2 of the responses). Responses of version 1 are read too.

mod authorization;
mod body;
mod calls;
mod collect;
mod config;
mod download;
mod fault;
mod mailbox;
mod mailbox_id;
mod plan;
#[cfg(test)]
mod properties;
mod submit;

pub use config::Config;
pub use mailbox::Mailbox;
pub use mailbox_id::MailboxId;
