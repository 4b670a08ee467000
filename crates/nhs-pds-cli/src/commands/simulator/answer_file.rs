//! Answers one file as PDS MESH does.

use super::people::People;
use crate::console::{self, about, say};
use crate::private::PrivateFile;
use crate::simulated::{BatchStyle, ErrorKind, Simulator};
use std::error::Error;
use std::path::PathBuf;

/// Answers a PDS MESH or MPT request, as PDS would
///
/// Prints the number of rows with each code. Every row of the request has a row in the response.
#[derive(clap::Args)]
#[command(
    after_help = "Exit codes: 0 answered, 2 it cannot read or write, or the file is not a request"
)]
pub(super) struct AnswerFile {
    /// The request.
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// A file for the response.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Trace algorithmically when no person matches exactly.
    #[arg(long)]
    algorithmic_trace: bool,
    /// The seed of another form of the response: order and spelling of columns, further columns, quotation marks,
    /// ends of lines. [default: the plainest form]
    #[arg(long, value_name = "SEED")]
    form: Option<u64>,
    #[command(flatten)]
    people: People,
}

/// The form of responses, and the traces.
pub(super) fn style(form: Option<u64>, algorithmic_trace: bool) -> BatchStyle {
    let mut style = form.map(BatchStyle::from_seed).unwrap_or_default();
    style.algorithmic_trace = algorithmic_trace;
    style
}

pub(super) fn run(cli: &AnswerFile) -> Result<bool, Box<dyn Error>> {
    let simulator = Simulator::new(cli.people.register()?)
        .with_batch_style(style(cli.form, cli.algorithmic_trace));
    let request = console::open(&cli.file)?;
    let response = PrivateFile::begin(&cli.out).map_err(|error| about(&cli.out, &error))?;
    let answered = simulator.answer_batch(request, response.file());
    let summary = answered.map_err(|error| {
        let is_write = error.kind() == ErrorKind::BatchWrite;
        about(if is_write { &cli.out } else { &cli.file }, &error)
    })?;
    response.finish().map_err(|error| about(&cli.out, &error))?;
    if let Some(code) = summary.file_code {
        say(&format!("file {code}\n"))?;
    }
    let codes: String =
        summary.codes.iter().map(|(code, rows)| format!("{code} {rows}\n")).collect();
    say(&format!("rows {}\n{codes}", summary.written))?;
    Ok(true)
}
