//! Checks NHS Numbers, one a line on standard input.
//!
//! Memory does not grow with the number of lines. A byte order mark before the first line is skipped;
//! UTF-16 is refused.

use crate::console::{because, warn};
use nhs_pds::nhs_number::{NhsNumber, ParseError};
use nhs_pds::text::terminal::{printable, printable_json};
use serde_json::json;
use std::io::{self, BufRead, BufWriter, Write};
use std::process::ExitCode;

type Checked = Result<NhsNumber, ParseError>;
type WriteLine = fn(&mut dyn Write, &[u8], Checked) -> io::Result<()>;

/// Checks NHS Numbers, one a line on standard input
///
/// Prints for each line the line, a tab, and `valid` or the reason why it is not valid.
#[derive(clap::Args)]
#[command(
    after_help = "Exit codes: 0 all lines are valid, 1 a line is not valid, 2 standard input or output failed"
)]
pub(crate) struct Args {
    /// Print for each line one JSON object with `line`, `valid`, and `nhs_number` or `reason`.
    #[arg(long)]
    json: bool,
}

pub(crate) fn main(args: &Args) -> ExitCode {
    let write: WriteLine = if args.json { write_json } else { write_text };
    match check(io::stdin().lock(), BufWriter::new(io::stdout().lock()), write) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        // The reader has closed its end.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            warn(format!("check: {}", because(&error)));
            ExitCode::from(2)
        }
    }
}

/// Whether all lines of `input` are valid.
fn check(mut input: impl BufRead, mut output: impl Write, write: WriteLine) -> io::Result<bool> {
    let mut all_valid = true;
    let mut line = Vec::new();
    let mut is_first = true;
    while input.read_until(b'\n', &mut line)? > 0 {
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let text = if is_first { unmarked(text)? } else { text };
        is_first = false;
        let checked = NhsNumber::from_bytes(text);
        all_valid &= checked.is_ok();
        write(&mut output, text, checked)?;
        line.clear();
    }
    output.flush()?;
    Ok(all_valid)
}

fn write_text(output: &mut dyn Write, line: &[u8], checked: Checked) -> io::Result<()> {
    match checked {
        Ok(_) => {
            output.write_all(line)?;
            output.write_all(b"\tvalid\n")
        }
        // The line may have characters that a terminal obeys.
        Err(reason) => {
            writeln!(output, "{}\t{reason}", printable(&String::from_utf8_lossy(line)))
        }
    }
}

fn write_json(output: &mut dyn Write, line: &[u8], checked: Checked) -> io::Result<()> {
    let line = String::from_utf8_lossy(line);
    let json = match checked {
        Ok(number) => json!({ "line": line, "valid": true, "nhs_number": number }),
        Err(reason) => json!({ "line": line, "valid": false, "reason": reason.to_string() }),
    };
    writeln!(output, "{}", printable_json(&json.to_string()))
}

/// The first line without a byte order mark.
fn unmarked(line: &[u8]) -> io::Result<&[u8]> {
    if line.starts_with(b"\xff\xfe") || line.starts_with(b"\xfe\xff") {
        let reason = "standard input is UTF-16: save the file as UTF-8";
        return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
    }
    Ok(line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line))
}
