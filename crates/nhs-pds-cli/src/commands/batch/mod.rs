//! Traces cases by file: writes due cases into request files, and settles them from the responses.
//!
//! A user uploads and downloads the files (`export`, `import`), or a MESH mailbox sends and receives them (`send`,
//! `collect`). Every command may be killed and started again: no file is sent twice, and no case is settled twice.

mod actions;
mod args;
mod exchange;
mod export;
mod fault;
mod import;
mod opened;
mod refused;
mod status;

use crate::console::Failed;
use args::Command;
pub(crate) use args::{Args, folder_of};

/// Whether no person must look at the result.
pub(crate) async fn run(args: Args) -> Result<bool, Failed> {
    match args.command {
        Command::Export(args) => export::run(&args).await,
        Command::Import(args) => import::run(&args).await,
        Command::Send(args) => exchange::send(&args).await,
        Command::Collect(args) => exchange::collect(&args).await,
        Command::Status(args) => status::run(&args).await,
        Command::Release(args) => actions::release(&args).await,
        Command::ConfirmSent(args) => actions::confirm_sent(&args).await,
    }
}
