//! Text that leaves the program: for a terminal, for a spreadsheet.
//!
//! Text from outside can carry control characters and formulas. [`terminal`] escapes what a terminal would
//! run or hide; [`spreadsheet`] marks what a spreadsheet program would run as a formula.

pub mod spreadsheet;
pub mod terminal;
