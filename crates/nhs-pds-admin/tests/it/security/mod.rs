//! What an attacker tries, and a test for each: the items of OWASP ASVS 5.0 that concern the screens. The numbers in
//! the comments are those of ASVS. `docs/screens.md` lists them.

mod crawler;
mod cross_site;
mod failing;
mod headers;
mod hostile;
mod leaks;
mod limits;
mod matrix;
mod paths;
mod standalone;
mod world;

pub(crate) use standalone::of_standalone;
