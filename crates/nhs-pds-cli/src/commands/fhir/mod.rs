//! Queries the PDS FHIR API, and prints its answer as JSON.
//!
//! Without `PDS_FHIR_BASE` it queries the simulator, with all steps: a signed JWT, an access token, a question.
//! `src/api.rs` lists the other variables.
//!
//! An answer is an object with `outcome` (`found`, `restricted`, `none`, `ambiguous`, `superseded`,
//! `invalidated`) and, when present, `nhs_number`, `score`, `version`, `restriction`, `matches` (each with
//! the `id` as it was received and its `score`) and `details`; exit code 0. A failure is an object with `error`:
//! its `kind` (`configuration`, `rejected`, `unavailable`, `unreadable`), `code`, `status`, whether it is
//! `retryable`, and the `cause`; exit code 1. A question that is refused before it is sent gives exit code 2 and
//! the reason.
//!
//! A record whose identifier fails the check digit of NHS Numbers is a failure: `error` of kind `unreadable`,
//! with the `reason` `not_a_number`. Transient failures (such as 429) are retried, up to `--attempts` attempts in
//! all, with the same `X-Request-ID`.
//!
//! The JSON has personal data, because it is the answer. Use the command with synthetic people.

mod answer;
mod criteria;

use crate::api;
use crate::console::{self, block_on, say_json, warn};
use answer::{cause, failure, retrieval, search_result};
use clap::{Subcommand, ValueEnum};
use criteria::{Criteria, read};
use nhs_pds::fhir::{
    Access, AccessMode, ApplicationRestricted, Exact, Fuzzy, HealthcareWorker, Matching,
    MaxResults, Plain, Received, Search,
};
use nhs_pds::ids::{Ids, RandomIds};
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::resilience::RetryPolicy;
use nhs_pds::service::Error;
use nhs_pds::trace::{self, Caller, LocalIdentity, MessageId, User};
use serde_json::{Value, json};
use std::fmt::Display;
use std::num::NonZeroU32;
use std::process::ExitCode;
use std::time::Duration;
use tokio::runtime::Builder;

/// The environment variables and the exit codes.
const HELP: &str = "\
Environment:
  PDS_FHIR_BASE          the address before /Patient; without it, the simulator
  PDS_FHIR_TOKEN_URL     application-restricted access: the token endpoint; without it, no token is sent
  PDS_FHIR_CLIENT_ID     the API key
  PDS_FHIR_KEY_ID        the name (kid) of the private key
  PDS_FHIR_KEY           the private key's file, as PEM
  PDS_FHIR_ACCESS_TOKEN  healthcare-worker access (--mode hcw): the user's token
  PDS_FHIR_ROLE          the user's role, if the user has several

Exit codes: 0 answered, 1 not answered, or the answer cannot be used, 2 the question was refused before it was sent";

/// Queries the PDS FHIR API and prints JSON
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
    /// The access mode: of the application, or of a healthcare worker.
    #[arg(long, value_enum, global = true, default_value_t = Mode::App)]
    mode: Mode,
    /// The highest number of attempts for a transient failure, the first one included.
    #[arg(long, global = true, value_name = "COUNT", default_value = "4")]
    attempts: NonZeroU32,
}

#[derive(Clone, Copy, ValueEnum)]
enum Mode {
    /// Application-restricted: one match at most.
    App,
    /// Healthcare worker: up to fifty matches.
    Hcw,
}

#[derive(Subcommand)]
enum Command {
    /// Retrieves the record with an NHS Number
    Retrieve {
        /// Ten digits, without spaces, `3 3 4` or `3-3-4`.
        nhs_number: String,
    },
    /// Searches for people
    Search(Box<Criteria>),
    /// Gets an access token, and prints the result without the token
    Token,
}

/// Why a question cannot be sent.
struct Refused(String);

impl<E: Display> From<E> for Refused {
    fn from(reason: E) -> Self {
        Self(reason.to_string())
    }
}

pub(crate) fn main(args: &Args) -> ExitCode {
    let ran = block_on(&mut Builder::new_multi_thread(), run(args));
    let (answer, code) = match ran.map_err(Refused::from).and_then(|ran| ran) {
        Ok(Ok(answer)) => (answer, 0),
        Ok(Err(error)) => (json!({ "error": error }), 1),
        Err(Refused(reason)) => {
            warn(format!("fhir: {reason}"));
            return ExitCode::from(2);
        }
    };
    match say_json(&format!("{answer:#}")) {
        Ok(()) => ExitCode::from(code),
        Err(error) => console::end("fhir", Err(error.into())),
    }
}

/// The answer or the failure, as JSON.
async fn run(cli: &Args) -> Result<Result<Value, Value>, Refused> {
    match (&cli.command, cli.mode) {
        (Command::Retrieve { nhs_number }, mode) => {
            let number = read("NHS Number", nhs_number)?;
            retrieve(cli, mode, number).await
        }
        (Command::Search(criteria), Mode::App) => {
            if criteria.max.is_some_and(|max| max > 1) {
                return Err("--max: application-restricted access returns one match at most".into());
            }
            search::<ApplicationRestricted>(cli, criteria).await
        }
        (Command::Search(criteria), Mode::Hcw) => search::<HealthcareWorker>(cli, criteria).await,
        (Command::Token, Mode::App) => token(cli).await,
        (Command::Token, Mode::Hcw) => Err("a user's token comes from signing in".into()),
    }
}

async fn retrieve(
    cli: &Args,
    mode: Mode,
    number: NhsNumber,
) -> Result<Result<Value, Value>, Refused> {
    let reached = api::reach(mode.access()).await?;
    let caller = mode.caller()?;
    let ask = async |id| reached.client.retrieve_by(&caller, number, id).await;
    Ok(match attempts(cli, ask, Passing::of).await {
        Ok(Received { answer, .. }) => retrieval(&answer),
        Err(error) => Err(failure(&error)),
    })
}

/// The parts of a failure that decide about a retry.
struct Passing {
    action: trace::ErrorKind,
    retry_after: Option<Duration>,
}

impl Passing {
    const fn of(error: &Error) -> Self {
        Self { action: error.action(), retry_after: error.retry_after() }
    }
}

/// Sends a question, and retries transient failures. Each attempt is a new message with the same request
/// identifier.
async fn attempts<T, E>(
    cli: &Args,
    ask: impl AsyncFn(MessageId) -> Result<T, E>,
    passing: impl Fn(&E) -> Passing,
) -> Result<T, E> {
    let policy = RetryPolicy::default().with_attempts(cli.attempts);
    let (mut id, mut failed, mut waited) = (MessageId::fresh(&RandomIds), 1, Duration::ZERO);
    loop {
        let error = match ask(id).await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let Passing { action, retry_after } = passing(&error);
        let mut why = trace::Error::new(action);
        if let Some(wait) = retry_after {
            why = why.with_retry_after(wait);
        }
        let random = RandomIds.next().as_u64_pair().1;
        let Some(pause) = policy.pause(&why, failed, waited, random) else { return Err(error) };
        tokio::time::sleep(pause).await;
        (id, failed, waited) = (id.repeat(&RandomIds), failed + 1, waited + pause);
    }
}

async fn search<A: Access>(cli: &Args, criteria: &Criteria) -> Result<Result<Value, Value>, Refused>
where
    Search<Exact, A>: Limited,
    Search<Plain, A>: Limited,
    Search<Fuzzy, A>: Limited,
{
    // The question first: a refused question needs no service.
    let max =
        criteria.max.map(MaxResults::new).transpose().map_err(|why| format!("--max: {why}"))?;
    if criteria.fuzzy {
        send(cli, criteria.fuzzy()?.limited(max)).await
    } else if criteria.exact {
        send(cli, criteria.exact()?.limited(max)).await
    } else {
        send(cli, criteria.plain()?.limited(max)).await
    }
}

async fn send<K: Matching, A: Access>(
    cli: &Args,
    search: Search<K, A>,
) -> Result<Result<Value, Value>, Refused> {
    let reached = api::reach(cli.mode.access()).await?;
    let caller = cli.mode.caller()?;
    let ask = async |id| reached.client.search_by(&caller, &search, id).await;
    Ok(match attempts(cli, ask, Passing::of).await {
        Ok(Received { answer, .. }) => search_result(&answer),
        Err(error) => Err(failure(&error)),
    })
}

async fn token(cli: &Args) -> Result<Result<Value, Value>, Refused> {
    let reached = api::reach(AccessMode::ApplicationRestricted).await?;
    let Some(tokens) = &reached.tokens else {
        return Err("PDS_FHIR_TOKEN_URL is not set: this service needs no token".into());
    };
    Ok(match attempts(cli, async |_| tokens.token().await, Passing::of).await {
        Ok(_) => Ok(json!({ "outcome": "token", "key_id": tokens.key_id().as_str() })),
        Err(error) => Err(json!({
            "kind": error.action().as_str(),
            "code": error.code(),
            "status": error.status().map(|status| status.as_u16()),
            "retryable": error.is_transient(),
            "cause": cause(&error),
        })),
    })
}

/// A search whose number of matches can be limited, if its access mode allows that.
trait Limited {
    fn limited(self, max: Option<MaxResults>) -> Self;
}

impl<K: Matching> Limited for Search<K, ApplicationRestricted> {
    fn limited(self, _: Option<MaxResults>) -> Self {
        self
    }
}

impl<K: Matching> Limited for Search<K, HealthcareWorker> {
    fn limited(self, max: Option<MaxResults>) -> Self {
        match max {
            Some(max) => self.with_max_results(max),
            None => self,
        }
    }
}

impl Mode {
    const fn access(self) -> AccessMode {
        match self {
            Self::App => AccessMode::ApplicationRestricted,
            Self::Hcw => AccessMode::HealthcareWorker,
        }
    }

    fn caller(self) -> Result<Caller, Refused> {
        Ok(match self {
            Self::App => Caller::System(LocalIdentity::new("RHM".parse()?, "nhs-pds-example")?),
            Self::Hcw => User::Local(LocalIdentity::new("RHM".parse()?, "jane.doe")?).into(),
        })
    }
}
