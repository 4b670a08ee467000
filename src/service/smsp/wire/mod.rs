//! The messages of Spine Mini Services: SOAP 1.1 around an ITK Distribution Envelope around an HL7 V3
//! payload. Pure functions, without transports and clocks.
//!
//! `soap` reads the outermost layer and calls `itk`, which calls `hl7`. `xml` reads the XML of all
//! three, and `encode` writes all three.

mod encode;
mod hl7;
mod itk;
mod names;
mod soap;
mod xml;

pub(super) use encode::encode;
pub(super) use soap::decode;
