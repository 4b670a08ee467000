//! Checks NHS Numbers, one a line on standard input.
//!
//! ```sh
//! printf '943 476 5919\n9434765918\n' | cargo run --example check_numbers
//! ```
//!
//! For each line prints the line, a tab, and `valid` or the reason why not. Exits 1 when any line is
//! not valid, 2 when it cannot read or write. Memory does not grow with the number of lines.

use clap::Parser;
use nhs_pds::nhs_number::NhsNumber;
use std::io::{self, BufRead, BufWriter, Write};
use std::process::ExitCode;

#[derive(Parser)]
#[command(about = "Checks NHS Numbers, one a line on standard input")]
struct Cli {}

fn main() -> ExitCode {
    let Cli {} = Cli::parse();
    match check(io::stdin().lock(), BufWriter::new(io::stdout().lock())) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        // Whoever reads has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "check_numbers: {error}");
            ExitCode::from(2)
        }
    }
}

/// Whether all lines of `input` are valid.
fn check(mut input: impl BufRead, mut output: impl Write) -> io::Result<bool> {
    let mut all_valid = true;
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line)? > 0 {
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        output.write_all(text)?;
        match NhsNumber::from_bytes(text) {
            Ok(_) => output.write_all(b"\tvalid\n")?,
            Err(reason) => {
                all_valid = false;
                writeln!(output, "\t{reason}")?;
            }
        }
        line.clear();
    }
    output.flush()?;
    Ok(all_valid)
}
