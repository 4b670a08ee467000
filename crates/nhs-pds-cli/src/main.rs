//! The command `nhs-pds`.

fn main() {}
