//! Text that enters and leaves the program: refused values, a terminal, a spreadsheet.
//!
//! [`ValueError`] is the error of a value that a type of this crate does not accept.
//!
//! Text from outside can carry control characters and formulas. [`terminal`] escapes what a terminal would
//! run or hide; [`spreadsheet`] marks what a spreadsheet program would run as a formula.

pub mod spreadsheet;
pub mod terminal;
mod value_error;

pub use value_error::ValueError;
