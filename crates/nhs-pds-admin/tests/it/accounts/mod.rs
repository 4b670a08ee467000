//! The sign-in of this crate, and the pages of accounts (HAV-12, MSCA-IG-01 to 03).

mod own;
mod people;
mod sign_in;
mod support;
