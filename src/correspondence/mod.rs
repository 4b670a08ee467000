//! The NHS Number on letters, plans and forms, and the other required parts of a printed page.
//!
//! [`printable`] decides whether a case's number may be printed (HAV-11). When it may not, it says
//! why and what to do. All printing starts from the [`PrintableNumber`] that it returns: the groups
//! of 3, 3 and 4 (MSCA-PDS-06), the bar code, the GS1 DataMatrix (both with feature `barcode`). So
//! a number that may not be printed cannot become a bar code either.
//!
//! [`CONFIDENTIAL`] and [`PageNumber`] are the label and the page number of MSCA-IG-04.
//!
//! Not included: templates, which the vendor provides. This module does not claim to follow ISB
//! 0061, the standard that MSCA-PDS-06 names for bar codes, because its text could not be found.
//! The example `letter` shows a page.

#[cfg(feature = "barcode")]
mod bar_code;
#[cfg(feature = "barcode")]
mod data_matrix;
mod label;
mod printable;
#[cfg(feature = "barcode")]
mod svg;

#[cfg(feature = "barcode")]
#[cfg_attr(docsrs, doc(cfg(feature = "barcode")))]
pub use bar_code::{Bar, BarCode};
#[cfg(feature = "barcode")]
#[cfg_attr(docsrs, doc(cfg(feature = "barcode")))]
pub use data_matrix::{ApplicationIdentifier, DataMatrix};
pub use label::{CONFIDENTIAL, PageNumber};
pub use printable::{PrintableNumber, Refusal, printable};
