//! The PDS FHIR API: of an environment of the NHS, at another address, or of the simulator.
//!
//! Commands that trace a caseload take the API and the application's key from options ([`Live`]). The command
//! `fhir` takes them from the environment, because its options are the question:
//!
//! | variable | meaning |
//! |---|---|
//! | `PDS_FHIR_BASE` | the address before `/Patient`; without it, the simulator |
//! | `PDS_FHIR_TOKEN_URL`, `PDS_FHIR_CLIENT_ID`, `PDS_FHIR_KEY_ID`, `PDS_FHIR_KEY` | for application-restricted access: the token endpoint, the API key, and the key's id and PEM file |
//! | `PDS_FHIR_ACCESS_TOKEN`, `PDS_FHIR_ROLE` | for healthcare-worker access: a user's token, and the role if the user has several |
//!
//! Without a token endpoint and an access token, the client sends no token. The NHS's sandbox needs none.

use crate::as_text;
use crate::console::because;
use crate::reference::{self, Reference};
use crate::simulated::{self, Application, EXAMPLE_KEY, Server, Simulator};
use clap::Args;
use nhs_pds::async_trait;
use nhs_pds::fhir::auth::{
    AccessToken, ApplicationTokens, Jwks, KeyId, SigningKey, TokenConfig, UserToken, UserTokens,
};
use nhs_pds::fhir::{AccessMode, Client, Config, Environment};
use nhs_pds::secret::Secret;
use nhs_pds::tenant::Labels;
use nhs_pds::trace::User;
use nhs_pds::transport::Transport;
use nhs_pds::transport::http::{HttpConfig, HttpTransport};
use serde::{Deserialize, Serialize};
use std::env;
use std::error::Error;
use std::fmt::{self, Display};
use std::str::FromStr;
use std::sync::Arc;
use url::Url;

type Failed = Box<dyn Error>;

/// An API whose people are not the simulator's, and the application's key.
#[derive(Args, Clone, Default, Deserialize, Serialize)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct Live {
    /// The PDS FHIR API: `sandbox`, `integration`, `production`, or its address before `/Patient`. The sandbox
    /// is open and takes no key. The application's access is restricted to one match.
    #[arg(long, value_name = "API", conflicts_with_all = ["register", "history"])]
    #[serde(with = "as_text", skip_serializing_if = "Option::is_none")]
    fhir: Option<Address>,
    /// The API's token endpoint. [default: that of the environment, or `/oauth2/token` at the host of --fhir]
    #[arg(long, value_name = "URL", requires = "client_id")]
    #[serde(with = "as_text", skip_serializing_if = "Option::is_none")]
    token_url: Option<Url>,
    /// The application's API key. Without a key, no tokens are sent.
    #[arg(long, value_name = "ID", requires_all = ["fhir", "key_id", "key"])]
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    /// The name (kid) of the registered public key.
    #[arg(long, value_name = "ID", requires_all = ["client_id", "key"])]
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<String>,
    /// The private key, as PEM: a file, or `env:NAME` for an environment variable.
    #[arg(long, value_name = "FILE", value_parser = reference::parser(), requires_all = ["client_id", "key_id"])]
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<Reference>,
}

/// Where the API is.
#[derive(Clone)]
enum Address {
    Of(Environment),
    At(Url),
}

/// Reads the name of an environment, or an address.
impl FromStr for Address {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        Ok(match text {
            "sandbox" => Self::Of(Environment::Sandbox),
            "integration" => Self::Of(Environment::Integration),
            "production" => Self::Of(Environment::Production),
            _ => Self::At(web_address(text).ok_or(
                "write sandbox, integration, production, or the address of an API before /Patient",
            )?),
        })
    }
}

impl Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Of(Environment::Integration) => "integration",
            Self::Of(Environment::Production) => "production",
            Self::Of(_) => "sandbox",
            Self::At(url) => url.as_str(),
        })
    }
}

/// An address that begins with `http:` or `https:`.
pub(crate) fn web_address(text: &str) -> Option<Url> {
    text.parse().ok().filter(|url: &Url| matches!(url.scheme(), "http" | "https"))
}

impl Live {
    /// The address of `--fhir`, if the option is given.
    pub(crate) fn address(&self) -> Option<Url> {
        self.fhir.as_ref().map(|address| match address {
            Address::Of(environment) => environment.base_url(),
            Address::At(url) => url.clone(),
        })
    }

    /// Whether the options name an API.
    pub(crate) const fn is_named(&self) -> bool {
        self.fhir.is_some()
    }

    /// The application's API key, if there is one.
    pub(crate) fn client_id(&self) -> Option<&str> {
        self.client_id.as_deref()
    }

    /// The private key, if there is one.
    pub(crate) const fn key(&self) -> Option<&Reference> {
        self.key.as_ref()
    }

    /// The client of the API of `--fhir`, if the option is given.
    pub(crate) fn client(
        &self,
        transport: Arc<dyn Transport>,
        labels: &Labels,
    ) -> Result<Option<Client>, Failed> {
        let Some(base) = self.address() else { return Ok(None) };
        let config = Config::new(base.clone());
        let token_url = match &self.fhir {
            Some(Address::Of(environment)) => environment.token_url(),
            _ => Some(base.join("/oauth2/token")?),
        };
        // Only the sandbox has no token endpoint.
        let Some(token_url) = token_url else { return Ok(Some(Client::open(config, transport))) };
        let (Some(client_id), Some(key_id), Some(key)) = (&self.client_id, &self.key_id, &self.key)
        else {
            return match &self.fhir {
                Some(Address::Of(environment)) => Err(needs_a_key(*environment).into()),
                _ => Ok(Some(Client::open(config, transport))),
            };
        };
        let key = signing_key(parse("--key-id", key_id)?, key)?;
        let token_url = self.token_url.clone().unwrap_or(token_url);
        let tokens = TokenConfig::new(token_url, parse("--client-id", client_id)?);
        Ok(Some(restricted(config, tokens, key, transport, labels).0))
    }
}

fn needs_a_key(environment: Environment) -> String {
    let name = if environment == Environment::Production { "production" } else { "integration" };
    format!("--fhir {name} needs --client-id, --key-id and --key")
}

/// Reads a private key.
fn signing_key(id: KeyId, key: &Reference) -> Result<SigningKey, Failed> {
    SigningKey::from_pem(id, &key.read()?)
        .map_err(|error| format!("{key}: {}", because(&error)).into())
}

/// A client with application-restricted access, and the source of its tokens.
fn restricted(
    config: Config,
    tokens: TokenConfig,
    key: SigningKey,
    transport: Arc<dyn Transport>,
    labels: &Labels,
) -> (Client, ApplicationTokens) {
    let tokens = ApplicationTokens::new(tokens, key, Arc::clone(&transport));
    let tokens = tokens.with_labels(labels.clone());
    (Client::application_restricted(config, tokens.clone(), transport), tokens)
}

/// A client of the simulator with application-restricted access, and the source of its tokens. The simulator
/// checks them as the live service does.
pub(crate) fn of_simulator(
    server: &Server,
    simulator: &Simulator,
    transport: Arc<dyn Transport>,
) -> Result<(Client, ApplicationTokens), Failed> {
    let key = register_example_key(simulator)?;
    let config = Config::new(server.fhir_url().parse()?);
    let tokens = TokenConfig::new(server.token_url().parse()?, API_KEY.parse()?);
    Ok(restricted(config, tokens, key, transport, &Labels::default()))
}

/// The API key of the example application.
const API_KEY: &str = "an-api-key";

/// Registers the example application with its public key. The private key protects nothing.
fn register_example_key(simulator: &Simulator) -> Result<SigningKey, Failed> {
    let pem = Secret::new(EXAMPLE_KEY.to_vec());
    let key = SigningKey::from_pem("example-1".parse()?, &pem)?;
    let jwks = Jwks::of([&key])?.to_string();
    simulator.add_application(Application::new(API_KEY).with_jwks(&jwks)?);
    Ok(key)
}

/// A client, the source of its tokens, and the simulator if the client queries it.
pub(crate) struct Reached {
    pub(crate) client: Client,
    /// For application-restricted access.
    pub(crate) tokens: Option<ApplicationTokens>,
    /// The server stops when this is dropped.
    _simulator: Option<Server>,
}

/// The API that the environment names, or the simulator.
pub(crate) async fn reach(mode: AccessMode) -> Result<Reached, Failed> {
    let transport: Arc<dyn Transport> = Arc::new(HttpTransport::new(&HttpConfig::new())?);
    let Some(base) = variable::<url::Url>("PDS_FHIR_BASE")? else {
        return simulator(mode, transport).await;
    };
    let config = Config::new(base);
    if mode == AccessMode::HealthcareWorker {
        let client = match variable::<AccessToken>("PDS_FHIR_ACCESS_TOKEN")? {
            None => Client::open(config, transport),
            Some(token) => {
                let mut token = UserToken::new(token);
                if let Some(role) = variable("PDS_FHIR_ROLE")? {
                    token = token.with_role(role);
                }
                Client::healthcare_worker(config, Arc::new(SignedIn(token)), transport)
            }
        };
        return Ok(Reached { client, tokens: None, _simulator: None });
    }
    let Some(token_url) = variable("PDS_FHIR_TOKEN_URL")? else {
        return Ok(Reached {
            client: Client::open(config, transport),
            tokens: None,
            _simulator: None,
        });
    };
    let key: String = needed("PDS_FHIR_KEY")?;
    let key = signing_key(needed("PDS_FHIR_KEY_ID")?, &Reference::File(key.into()))?;
    let tokens = TokenConfig::new(token_url, needed("PDS_FHIR_CLIENT_ID")?);
    let (client, tokens) = restricted(config, tokens, key, transport, &Labels::default());
    Ok(Reached { client, tokens: Some(tokens), _simulator: None })
}

/// The simulator, which checks tokens as the live service does.
async fn simulator(mode: AccessMode, transport: Arc<dyn Transport>) -> Result<Reached, Failed> {
    let simulator = Simulator::new(simulated::shipped().register().clone());
    let server = Server::start(simulator.clone()).await?;
    if mode == AccessMode::HealthcareWorker {
        register_example_key(&simulator)?;
        let config = Config::new(server.fhir_url().parse()?);
        let token = simulator.healthcare_worker_token(&["555254240100"]);
        let users = SignedIn(UserToken::new(token.expose().parse()?));
        let client = Client::healthcare_worker(config, Arc::new(users), transport);
        return Ok(Reached { client, tokens: None, _simulator: Some(server) });
    }
    let (client, tokens) = of_simulator(&server, &simulator, transport)?;
    Ok(Reached { client, tokens: Some(tokens), _simulator: Some(server) })
}

/// One user who has signed in. The user signs in again when the service refuses the token.
#[derive(Debug)]
struct SignedIn(UserToken);

#[async_trait]
impl UserTokens for SignedIn {
    async fn token(
        &self,
        _: &User,
        refused: Option<&AccessToken>,
    ) -> Result<UserToken, nhs_pds::service::Error> {
        match refused {
            None => Ok(self.0.clone()),
            Some(_) => Err(nhs_pds::service::Error::sign_in()),
        }
    }
}

/// Parses `text`; the error names the argument.
pub(crate) fn parse<T: FromStr<Err: Display>>(
    argument: &str,
    text: &str,
) -> Result<T, Box<dyn Error>> {
    text.parse().map_err(|reason| format!("{argument}: {reason}").into())
}

/// An environment variable; `None` when it is not set or empty.
fn variable<T: FromStr<Err: Display>>(name: &str) -> Result<Option<T>, Failed> {
    let text = env::var(name).unwrap_or_default();
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|reason| format!("{name}: {reason}").into())
}

fn needed<T: FromStr<Err: Display>>(name: &str) -> Result<T, Failed> {
    variable(name)?.ok_or_else(|| format!("{name} is needed beside PDS_FHIR_TOKEN_URL").into())
}
