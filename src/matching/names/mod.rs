//! How common names are in England, and which given names are familiar forms of others.
//!
//! Contains public sector information licensed under the Open Government Licence v3.0: Office for
//! National Statistics, National Records of Scotland, and NHS (Organisation Data Service / NHS
//! Choices). Surname shares also derive from Faker (MIT, © Daniele Faraglia), sdglinkage (MIT,
//! © Haoyuan Zhang), and the US Census Bureau (public domain). Nicknames:
//! carltonnorthern/nicknames, Apache-2.0, modified. The file `NOTICE` has the same text, and
//! `reference/names/README.md` says how the tables were made.

mod caseload;
pub(crate) mod error;
mod forenames;
mod key;
mod nicknames;
mod surnames;
pub(crate) mod tables;
