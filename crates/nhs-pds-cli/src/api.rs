//! The PDS FHIR API that the command `fhir` queries: the one that the environment names, or the simulator,
//! started here on a free port.
//!
//! | variable | meaning |
//! |---|---|
//! | `PDS_FHIR_BASE` | the address before `/Patient`; without it, the simulator |
//! | `PDS_FHIR_TOKEN_URL`, `PDS_FHIR_CLIENT_ID`, `PDS_FHIR_KEY_ID`, `PDS_FHIR_KEY` | for application-restricted access: the token endpoint, the API key, and the key's id and PEM file |
//! | `PDS_FHIR_ACCESS_TOKEN`, `PDS_FHIR_ROLE` | for healthcare-worker access: a user's token, and the role if the user has several |
//!
//! Without a token endpoint and an access token, the client sends no token. The NHS's sandbox needs none.

use crate::console;
use crate::simulated::{self, Application, EXAMPLE_KEY, Server, Simulator};
use nhs_pds::async_trait;
use nhs_pds::fhir::auth::{
    AccessToken, ApplicationTokens, Jwks, SigningKey, TokenConfig, UserToken, UserTokens,
};
use nhs_pds::fhir::{AccessMode, Client, Config};
use nhs_pds::secret::Secret;
use nhs_pds::trace::User;
use nhs_pds::transport::Transport;
use nhs_pds::transport::http::{HttpConfig, HttpTransport};
use std::env;
use std::error::Error;
use std::fmt::Display;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

type Failed = Box<dyn Error>;

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
    let key_file: String = needed("PDS_FHIR_KEY")?;
    let pem = console::read(Path::new(&key_file))?;
    let key = SigningKey::from_pem(needed("PDS_FHIR_KEY_ID")?, &Secret::new(pem))
        .map_err(|error| format!("{key_file}: {error}"))?;
    let token_config = TokenConfig::new(token_url, needed("PDS_FHIR_CLIENT_ID")?);
    let tokens = ApplicationTokens::new(token_config, key, Arc::clone(&transport));
    let client = Client::application_restricted(config, tokens.clone(), transport);
    Ok(Reached { client, tokens: Some(tokens), _simulator: None })
}

/// The simulator, which checks tokens as the live service does.
async fn simulator(mode: AccessMode, transport: Arc<dyn Transport>) -> Result<Reached, Failed> {
    let key = SigningKey::from_pem("example-1".parse()?, &Secret::new(EXAMPLE_KEY.to_vec()))?;
    let application = Application::new("an-api-key").with_jwks(&Jwks::of([&key])?.to_string())?;
    let register = simulated::shipped().register().clone();
    let simulator = Simulator::new(register).with_application(application);
    let server = Server::start(simulator.clone()).await?;
    let config = Config::new(server.fhir_url().parse()?);
    if mode == AccessMode::HealthcareWorker {
        let token = simulator.healthcare_worker_token(&["555254240100"]);
        let users = SignedIn(UserToken::new(token.expose().parse()?));
        let client = Client::healthcare_worker(config, Arc::new(users), transport);
        return Ok(Reached { client, tokens: None, _simulator: Some(server) });
    }
    let token_config = TokenConfig::new(server.token_url().parse()?, "an-api-key".parse()?);
    let tokens = ApplicationTokens::new(token_config, key, Arc::clone(&transport));
    let client = Client::application_restricted(config, tokens.clone(), transport);
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
