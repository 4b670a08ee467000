//! Checks NHS Numbers, one a line on standard input.
//!
//! ```sh
//! printf '943 476 5919\n9434765918\n' | cargo run --example check_numbers
//! ```
//!
//! For each line prints the line, a tab, and `valid` or the reason why not. Exits 1 when any line is
//! not valid, 2 when it cannot read or write. Memory does not grow with the number of lines. A byte order
//! mark before the first line is passed over; UTF-16 is refused.

mod console;

use clap::Parser;
use console::warn;
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::text::terminal::printable;
use std::io::{self, BufRead, BufWriter, Write};
use std::process::ExitCode;

#[derive(Parser)]
#[command(
    about = "Checks NHS Numbers, one a line on standard input",
    after_help = "Exit codes: 0 all are valid, 1 a line is not, 2 standard input or output failed"
)]
struct Cli {}

fn main() -> ExitCode {
    let Cli {} = Cli::parse();
    match check(io::stdin().lock(), BufWriter::new(io::stdout().lock())) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        // Whoever reads has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            warn(format!("check_numbers: {}", console::because(&error)));
            ExitCode::from(2)
        }
    }
}

/// Whether all lines of `input` are valid.
fn check(mut input: impl BufRead, mut output: impl Write) -> io::Result<bool> {
    let mut all_valid = true;
    let mut line = Vec::new();
    let mut is_first = true;
    while input.read_until(b'\n', &mut line)? > 0 {
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let text = if is_first { unmarked(text)? } else { text };
        is_first = false;
        match NhsNumber::from_bytes(text) {
            Ok(_) => {
                output.write_all(text)?;
                output.write_all(b"\tvalid\n")?;
            }
            Err(reason) => {
                all_valid = false;
                // A terminal may obey what stands there.
                writeln!(output, "{}\t{reason}", printable(&String::from_utf8_lossy(text)))?;
            }
        }
        line.clear();
    }
    output.flush()?;
    Ok(all_valid)
}

/// The first line without a byte order mark.
fn unmarked(line: &[u8]) -> io::Result<&[u8]> {
    if line.starts_with(b"\xff\xfe") || line.starts_with(b"\xfe\xff") {
        let reason = "standard input is UTF-16: save the file as UTF-8";
        return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
    }
    Ok(line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line))
}
