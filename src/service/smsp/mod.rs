//! Spine Mini Services for PDS: five operations over SOAP 1.1, ITK and HL7 V3.
//!
//! The NHS's own Spine Mini Service closed on 31 January 2024. Commercial services remain, between a
//! client and PDS's HL7 V3 interface. A [`Client`] calls one of them and is a
//! [`Tracer`](crate::trace::Tracer). The codec below it, [`encode`] and [`decode`], consists of pure
//! functions. It is public for tests, and for reading what a provider sent.
//!
//! # What is not supported
//!
//! * Encrypted payloads: the published requirements do not say how they are encrypted.
//! * Asynchronous and queued exchanges of the ITK: SMSP is synchronous.
//! * Signatures in the security header: TLS with client certificates authenticates both sides.
//! * Sister services with the same envelope (CP-IS, SCR): their codes are kept as
//!   [`ResponseCode::Other`], and their payloads are not read.
//!
//! Sources: SMSP client requirements for PDS and Common v1.0 (2014), the response codes v1.0, and the
//! published schemas.

mod client;
mod code;
mod config;
mod content;
mod error;
mod interpret;
mod operation;
mod replay;
mod request;
mod response;
mod tracer;
mod wire;

pub use client::Client;
pub use code::{CodeClass, ResponseCode};
pub use config::{Config, Limits};
pub use error::{DecodeError, DecodeErrorKind};
pub use operation::Operation;
pub use request::{PatientDetails, Request, Stamp};
pub use response::{Body, Fault, Response, ResponseMessage};

use crate::secret::RawBody;
use crate::trace::Mode;
use request::Parameters;

/// Writes the complete SOAP message of `request`, sent for `caller`.
#[must_use]
pub fn encode<M: Mode>(
    request: &Request<M>,
    caller: &M::Caller,
    config: &Config,
    stamp: &Stamp,
) -> RawBody {
    RawBody::from(wire::encode(request, caller, config, stamp))
}

/// Reads the SOAP message of a service: a response or a fault.
///
/// Total: any bytes give a message or a typed error.
///
/// # Errors
///
/// When the bytes are neither. The error has the fault and its place; see [`DecodeErrorKind`].
pub fn decode(bytes: &[u8], limits: Limits) -> Result<ResponseMessage, DecodeError> {
    wire::decode(bytes, limits)
}
