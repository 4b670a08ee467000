//! Prints the JSON Web Key Set of private keys: what is registered with the PDS FHIR API, so that it
//! can check what the keys sign.
//!
//! ```text
//! openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:4096 -out live-2026-11.pem
//! cargo run --features fhir --example jwks -- live-2026-11=live-2026-11.pem >jwks.json
//! ```
//!
//! Each argument is a key's name (`kid`) and its file. While a key is being replaced, give the old and
//! the new one. Only public halves are printed. Without arguments it shows the set of
//! `examples/data/example-key.pem`, which everybody has: never register that one.
//!
//! Exits 2 when an argument is no key.

mod console;

use clap::Parser;
use console::{about, end, say_json, warn};
use nhs_pds::fhir::auth::{Jwks, KeyId, SigningKey};
use nhs_pds::secret::Secret;
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

/// Prints the JSON Web Key Set of private keys.
#[derive(Parser)]
#[command(after_help = "Exit codes: 0 printed, 2 an argument is no key")]
struct Options {
    /// Names of keys and their files, PEM and not encrypted.
    #[arg(value_name = "KID=FILE", value_parser = named)]
    keys: Vec<(KeyId, PathBuf)>,
}

fn main() -> ExitCode {
    let Options { mut keys } = Options::parse();
    if keys.is_empty() {
        warn("no key was given: this is the example's, which must never be registered");
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/example-key.pem");
        keys.extend(named(&format!("example={path}")));
    }
    let printed = key_set(&keys).and_then(|set| Ok(say_json(&format!("{set:#}"))?));
    end("jwks", printed.map(|()| true))
}

fn named(argument: &str) -> Result<(KeyId, PathBuf), String> {
    let (id, file) = argument.split_once('=').ok_or("give KID=FILE")?;
    Ok((id.parse().map_err(|error| format!("{error}"))?, file.into()))
}

fn key_set(keys: &[(KeyId, PathBuf)]) -> Result<Jwks, Box<dyn Error>> {
    let mut read = Vec::new();
    for (id, file) in keys {
        let pem = Secret::new(console::read(file)?);
        let key = SigningKey::from_pem(id.clone(), &pem);
        read.push(key.map_err(|fault| about(file, &fault))?);
    }
    Ok(Jwks::of(&read)?)
}
