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

use crate::api;
use crate::console::{self, block_on, say_json, warn};
use clap::{Subcommand, ValueEnum};
use nhs_pds::demographics::{Gender, OdsCode};
use nhs_pds::fhir::{
    Access, AccessMode, ApplicationRestricted, ContactText, DateRange, Exact, Fuzzy,
    HealthcareWorker, Matching, MaxResults, Patient, PatientMatch, Plain, Received, Retrieval,
    Search, SearchName, SearchResult,
};
use nhs_pds::ids::{Ids, RandomIds};
use nhs_pds::nhs_number::NhsNumber;
use nhs_pds::resilience::RetryPolicy;
use nhs_pds::service::{Error, ErrorKind};
use nhs_pds::trace::{self, Caller, LocalIdentity, MessageId, Restriction, Score, User};
use serde_json::{Value, json};
use std::fmt::Display;
use std::num::NonZeroU32;
use std::process::ExitCode;
use std::str::FromStr;
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

#[derive(clap::Args)]
struct Criteria {
    /// The family name; `*` is allowed from the third character on.
    #[arg(long, allow_hyphen_values = true)]
    family: Option<String>,
    /// A given name; may be repeated. `*` is allowed in the first one, as above.
    #[arg(long, allow_hyphen_values = true)]
    given: Vec<String>,
    /// The gender: male, female, other or unknown.
    #[arg(long)]
    gender: Option<String>,
    /// The date of birth, YYYY-MM-DD; or a range with two options, geYYYY-MM-DD and leYYYY-MM-DD.
    #[arg(long, required = true)]
    birthdate: Vec<String>,
    /// The date of death, in the same form.
    #[arg(long)]
    death_date: Vec<String>,
    /// The postcode; `*` is allowed from the third character on.
    #[arg(long)]
    postcode: Option<String>,
    /// The ODS code of the GP practice.
    #[arg(long)]
    gp: Option<String>,
    /// The telephone number, exactly as it is recorded.
    #[arg(long)]
    phone: Option<String>,
    /// The e-mail address.
    #[arg(long)]
    email: Option<String>,
    /// Names that sound alike match too. Needs family and given name, or one of them with gender and
    /// postcode.
    #[arg(long, conflicts_with = "exact")]
    fuzzy: bool,
    /// Every field must be exactly as it is recorded.
    #[arg(long)]
    exact: bool,
    /// Former names, addresses and so on match too.
    #[arg(long)]
    history: bool,
    /// The highest number of matches: 1 to 50 for a healthcare worker, otherwise 1.
    #[arg(long)]
    max: Option<u32>,
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
            "kind": error.action().name(),
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

impl Criteria {
    fn exact<A: Access>(&self) -> Result<Search<Exact, A>, Refused> {
        let family = self.family.as_deref().ok_or("--family is needed")?;
        let mut search = Search::exact(read("--family", family)?, self.born()?);
        if self.history {
            search = search.with_history();
        }
        self.narrowed(search)
    }

    fn plain<A: Access>(&self) -> Result<Search<Plain, A>, Refused> {
        let family = self.family.as_deref().ok_or("--family is needed")?;
        let mut search = Search::plain(read("--family", family)?, self.born()?);
        if self.history {
            search = search.with_history();
        }
        self.narrowed(search)
    }

    /// A fuzzy search always includes former names, so `--history` changes nothing.
    fn fuzzy<A: Access>(&self) -> Result<Search<Fuzzy, A>, Refused> {
        let name = |option, text: Option<&String>| -> Result<Option<SearchName>, Refused> {
            text.map(|text| read(option, text)).transpose()
        };
        let (family, given) = (self.family.as_ref(), self.given.first());
        let born = self.born()?;
        let postcode = self.postcode.as_deref().map(|text| read("--postcode", text)).transpose()?;
        let search = match (
            name("--family", family)?,
            name("--given", given)?,
            self.gender()?.zip(postcode),
        ) {
            (Some(family), Some(given), _) => Search::fuzzy(given, family, born),
            (Some(family), None, Some((gender, postcode))) => {
                Search::fuzzy_by_family(family, born, gender, postcode)
            }
            (None, Some(given), Some((gender, postcode))) => {
                Search::fuzzy_by_given(given, born, gender, postcode)
            }
            _ => {
                let needs = "family and given name, or one of them with gender and postcode";
                return Err(format!("--fuzzy needs {needs}").into());
            }
        };
        self.narrowed(search)
    }

    /// The search with the criteria that every kind of search may have.
    fn narrowed<K, A: Access>(&self, mut search: Search<K, A>) -> Result<Search<K, A>, Refused>
    where
        K: Matching<Name: FromStr<Err: Display>, Postcode: FromStr<Err: Display>>,
    {
        for (place, given) in self.given.iter().enumerate() {
            search = match place {
                0 => search.with_given(read("--given", given)?),
                _ => search.with_further_given(read("--given", given)?),
            };
        }
        if let Some(gender) = self.gender()? {
            search = search.with_gender(gender);
        }
        if !self.death_date.is_empty() {
            search = search.with_death(range("--death-date", &self.death_date)?);
        }
        if let Some(postcode) = &self.postcode {
            search = search.with_postcode(read("--postcode", postcode)?);
        }
        if let Some(practice) = &self.gp {
            search = search.with_general_practice(read::<OdsCode>("--gp", practice)?);
        }
        if let Some(phone) = &self.phone {
            search = search.with_phone(read::<ContactText>("--phone", phone)?);
        }
        if let Some(email) = &self.email {
            search = search.with_email(read::<ContactText>("--email", email)?);
        }
        Ok(search)
    }

    fn born(&self) -> Result<DateRange, Refused> {
        range("--birthdate", &self.birthdate)
    }

    fn gender(&self) -> Result<Option<Gender>, Refused> {
        Ok(match self.gender.as_deref() {
            None => None,
            Some("male") => Some(Gender::Male),
            Some("female") => Some(Gender::Female),
            Some("other") => Some(Gender::NotSpecified),
            Some("unknown") => Some(Gender::NotKnown),
            Some(_) => return Err("--gender is male, female, other or unknown".into()),
        })
    }
}

fn range(option: &str, values: &[String]) -> Result<DateRange, Refused> {
    let range = DateRange::from_values(values.iter().map(String::as_str));
    range.map_err(|reason| format!("{option}: {reason}").into())
}

fn read<T: FromStr<Err: Display>>(option: &str, text: &str) -> Result<T, Refused> {
    text.parse().map_err(|reason| format!("{option}: {reason}").into())
}

fn retrieval(retrieval: &Retrieval) -> Result<Value, Value> {
    if retrieval.outcome().is_none() {
        return Err(not_a_number());
    }
    let (outcome, patient) = match retrieval {
        Retrieval::Found(patient) => (found(patient), Some(patient)),
        Retrieval::Superseded(patient) => ("superseded", Some(patient)),
        Retrieval::Invalidated => ("invalidated", None),
        _ => ("none", None),
    };
    let mut shown = json!({ "outcome": outcome, "matches": [] });
    if let Some(patient) = patient {
        show(&mut shown, patient);
        add(&mut shown, "matches", json!([{ "id": patient.id, "score": null }]));
    }
    Ok(shown)
}

fn search_result(result: &SearchResult) -> Result<Value, Value> {
    if result.outcome().is_none() {
        return Err(not_a_number());
    }
    let matches: Vec<Value> = result.matches().iter().map(one_match).collect();
    let (outcome, only) = match (result, result.matches()) {
        (SearchResult::TooMany, _) => ("ambiguous", None),
        (_, []) => ("none", None),
        (_, [only]) => (found(&only.patient), Some(only)),
        _ => ("ambiguous", None),
    };
    let mut shown = json!({ "outcome": outcome, "matches": matches });
    if let Some(only) = only {
        show(&mut shown, &only.patient);
        if let Some(score) = only.score {
            add(&mut shown, "score", json!(score.value()));
        }
    }
    Ok(shown)
}

/// The only returned record has an identifier that is not an NHS Number, so it counts as a failure.
fn not_a_number() -> Value {
    json!({
        "kind": trace::ErrorKind::Unreadable.name(),
        "code": null,
        "status": 200,
        "retryable": false,
        "reason": "not_a_number",
    })
}

fn one_match(found: &PatientMatch) -> Value {
    json!({ "id": found.patient.id, "score": found.score.map(Score::value) })
}

/// The outcome word for a found person.
const fn found(patient: &Patient) -> &'static str {
    match patient.restriction {
        Restriction::Restricted | Restriction::VeryRestricted => "restricted",
        _ => "found",
    }
}

/// Adds the fields of a person.
fn show(shown: &mut Value, patient: &Patient) {
    if let Some(number) = patient.nhs_number {
        add(shown, "nhs_number", json!(number));
    }
    if let Some(version) = &patient.version {
        add(shown, "version", json!(version));
    }
    let restriction = match patient.restriction {
        Restriction::Unrestricted => Some("unrestricted"),
        Restriction::Restricted => Some("restricted"),
        Restriction::VeryRestricted => Some("very_restricted"),
        _ => None,
    };
    if let Some(restriction) = restriction {
        add(shown, "restriction", json!(restriction));
    }
    add(shown, "details", json!(patient.demographics()));
}

fn add(shown: &mut Value, key: &str, value: Value) {
    if let Value::Object(fields) = shown {
        fields.insert(key.to_owned(), value);
    }
}

fn failure(error: &Error) -> Value {
    let code = error.exchange().and_then(|exchange| exchange.code.as_deref());
    json!({
        "kind": error.action().name(),
        "code": code,
        "status": error.status().map(|status| status.as_u16()),
        "retryable": error.is_transient(),
        "cause": cause(error),
    })
}

/// The texts of the causes of `error`, such as `could not connect: … : Connection refused`.
fn cause(error: &Error) -> Option<String> {
    let token = [ErrorKind::SignIn, ErrorKind::Token, ErrorKind::TokenRefused];
    let first: &dyn std::error::Error = error;
    let causes = std::iter::successors(Some(first), |&cause| cause.source());
    let causes = causes.skip(usize::from(!token.contains(&error.kind())));
    let texts: Vec<String> = causes.map(ToString::to_string).collect();
    (!texts.is_empty()).then(|| texts.join(": "))
}
