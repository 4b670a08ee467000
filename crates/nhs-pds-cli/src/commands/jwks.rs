//! Prints the JSON Web Key Set of private keys, to register it with the PDS FHIR API. The API checks
//! signatures with the set.
//!
//! While you replace a key, give the old key and the new one. Only public halves are printed.

use crate::console::{self, about, say_json, warn};
use crate::simulated;
use nhs_pds::fhir::auth::{Jwks, KeyId, SigningKey};
use nhs_pds::secret::Secret;
use std::error::Error;
use std::path::PathBuf;

/// Prints the JSON Web Key Set of private keys
///
/// Register the set with the PDS FHIR API. While you replace a key, give the old key and the new one. Only public
/// halves are printed. Without arguments, prints the set of the example key, which protects nothing: never register
/// that set.
#[derive(clap::Args)]
#[command(after_help = "Exit codes: 0 printed, 2 an argument is not a key")]
pub(crate) struct Args {
    /// The name (kid) of each private key and its file: PEM, not encrypted.
    #[arg(value_name = "KID=FILE", value_parser = named)]
    keys: Vec<(KeyId, PathBuf)>,
}

pub(crate) fn run(args: Args) -> Result<bool, Box<dyn Error>> {
    let set = if args.keys.is_empty() {
        warn("no key was given: this is the example key, which must never be registered");
        let pem = Secret::new(simulated::EXAMPLE_KEY.to_vec());
        Jwks::of(&[SigningKey::from_pem("example".parse()?, &pem)?])?
    } else {
        key_set(&args.keys)?
    };
    say_json(&format!("{set:#}"))?;
    Ok(true)
}

fn named(argument: &str) -> Result<(KeyId, PathBuf), String> {
    let (id, file) = argument.split_once('=').ok_or("write KID=FILE")?;
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
