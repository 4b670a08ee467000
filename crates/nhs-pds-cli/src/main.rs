//! The command `nhs-pds`: traces caseloads, runs the worker, and serves reviewers and auditors.
//!
//! `docs/commands.md` describes every command, its exit codes and the configuration file.

mod api;
mod as_text;
mod cli;
mod commands;
mod comparison;
mod config;
mod console;
mod database;
mod dev;
mod device;
mod mesh;
mod mutual_tls;
mod port;
mod private;
mod progress;
mod records;
mod reference;
mod service;
mod simulated;
mod stop;
mod tenants;
mod trail;

use clap::FromArgMatches;
use clap::error::{ContextKind, ContextValue};
use cli::{Cli, Command};
use console::{end, on_one_thread, on_threads, warn};
use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let given: Vec<OsString> = std::env::args_os().collect();
    // clap would take it for an option and repeat it.
    if given.iter().any(|argument| argument.to_string_lossy().contains("-----BEGIN")) {
        let why = "an argument contains a key or a certificate itself: give the path of its file, or env:NAME";
        return end("nhs-pds", Err(why.into()));
    }
    let configured = match config::apply(&cli::command(), given, |name| std::env::var_os(name)) {
        Ok(configured) => configured,
        Err(error) => return end("nhs-pds", Err(error)),
    };
    let parsed = cli::command().try_get_matches_from(&configured.arguments);
    match parsed.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => run(cli.command),
        Err(mut error) => {
            // A value may be a patient's: the user sees it in the command line, and a log must not have it.
            if error.get(ContextKind::InvalidValue).is_some() {
                error.insert(
                    ContextKind::InvalidValue,
                    ContextValue::String("(not shown)".to_owned()),
                );
            }
            let code = if error.use_stderr() { 2 } else { 0 };
            let _ = error.print();
            if let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg)
                && let Some(source) = configured.source(argument)
            {
                warn(format!("The value comes from {source}."));
            }
            ExitCode::from(code)
        }
    }
}

fn run(command: Command) -> ExitCode {
    use Command::{
        Audit, Batch, Check, Compare, Completions, Database, Dev, Fhir, Jwks, Letter, Man,
        MatchQuality, Migrate, Report, Review, Serve, Simulator, Tenant, Trace, User, Wire, Worker,
    };
    match command {
        Trace(args) => on_threads("trace", commands::trace::run(&args)),
        Worker(args) => on_threads("worker", commands::worker::run(&args)),
        Serve(args) => on_threads("serve", commands::serve::run(&args)),
        Tenant(args) => on_one_thread("tenant", commands::tenant::run(args)),
        Database(args) => on_one_thread("database", commands::database::run(args)),
        Batch(args) => on_threads("batch", commands::batch::run(args)),
        Review(args) => commands::review::main(*args),
        User(args) => commands::user::main(args),
        Audit(args) => on_threads("audit", commands::audit::run(args)),
        Report(args) => on_one_thread("report", commands::report::run(&args)),
        Check(args) => commands::check::main(&args),
        Migrate(args) => on_threads("migrate", commands::migrate::run(args)),
        Letter(args) => end("letter", commands::letter::run(&args)),
        Wire(args) => end("wire", commands::wire::run(&args)),
        Fhir(args) => commands::fhir::main(&args),
        Jwks(args) => end("jwks", commands::jwks::run(args)),
        Simulator(args) => on_threads("simulator", commands::simulator::run(&args)),
        Compare(args) => on_threads("compare", commands::compare::run(&args)),
        MatchQuality(args) => on_threads("match-quality", commands::match_quality::run(&args)),
        Completions(args) => end("completions", commands::completions::run(&args)),
        Man(args) => end("man", commands::man::run(&args)),
        Dev(dev::Tool::SampleData(args)) => end("sample-data", dev::sample_data::run(&args)),
        Dev(dev::Tool::Throughput(args)) => on_threads("throughput", dev::throughput::run(&args)),
        Dev(dev::Tool::Soak(args)) => on_threads("soak", dev::soak::run(&args)),
    }
}
