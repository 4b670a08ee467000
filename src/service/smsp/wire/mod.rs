//! The wire of Spine Mini Services: SOAP 1.1 around an ITK Distribution Envelope around an HL7 V3
//! payload. Pure functions; nothing here knows of transports, clocks or callers' intentions.
//!
//! `soap` reads the outermost layer and calls `itk`, which calls `hl7`; `xml` reads what they are
//! written in, and `encode` writes all three.

mod encode;
mod hl7;
mod itk;
mod names;
mod soap;
mod xml;

pub(super) use encode::encode;
pub(super) use soap::decode;
