//! The service that commands query: a provider's, the PDS FHIR API, or the simulator, started here on a free
//! port.

use crate::api::{self, Live, parse, web_address};
use crate::as_text;
use crate::console::{about, read, warn};
use crate::reference::{self, Reference};
use crate::simulated::{self, Register, Server, Simulator};
use clap::Args;
use nhs_pds::clock::{Clock, SystemClock};
use nhs_pds::demographics::OdsCode;
use nhs_pds::resilience::{Gateway, RateLimit};
use nhs_pds::smsp::{Client, Config};
use nhs_pds::tenant::{Labels, TenantName};
use nhs_pds::trace::{LocalIdentity, Tracer};
use nhs_pds::transport::Transport;
use nhs_pds::transport::http::{HttpConfig, HttpTransport};
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// The service to query.
#[derive(Args, Clone, Default, Deserialize, Serialize)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct Service {
    /// `smsp` or `fhir`: a service of the simulator. An address: the provider's Spine Mini Service. [default: smsp]
    #[arg(
        long, visible_alias = "smsp", value_name = "SERVICE",
        conflicts_with_all = ["fhir", "token_url", "client_id", "key_id", "key"]
    )]
    #[serde(with = "as_text", skip_serializing_if = "Option::is_none")]
    service: Option<Chosen>,
    #[command(flatten)]
    #[serde(flatten)]
    api: Live,
    #[command(flatten)]
    #[serde(flatten)]
    pub(crate) connection: Connection,
}

/// The service of `--service`.
#[derive(Clone)]
enum Chosen {
    SimulatedSmsp,
    SimulatedFhir,
    Smsp(Url),
}

/// Reads the name of a service of the simulator, or an address.
impl FromStr for Chosen {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text {
            "smsp" => Ok(Self::SimulatedSmsp),
            "fhir" => Ok(Self::SimulatedFhir),
            _ => {
                let url = web_address(text).map(Self::Smsp);
                url.ok_or("write smsp, fhir, or the address of a Spine Mini Service")
            }
        }
    }
}

impl fmt::Display for Chosen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SimulatedSmsp => "smsp",
            Self::SimulatedFhir => "fhir",
            Self::Smsp(url) => url.as_str(),
        })
    }
}

/// How to connect to a service, and as which organisation.
#[derive(Args, Clone, Default, Deserialize, Serialize)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct Connection {
    /// The client certificate chain, as PEM: a file, or `env:NAME` for an environment variable.
    #[arg(long, value_name = "FILE", value_parser = reference::parser(), requires = "client_key")]
    #[serde(skip_serializing_if = "Option::is_none")]
    client_certificate: Option<Reference>,
    /// The private key of the client certificate, as PEM: a file, or `env:NAME`.
    #[arg(long, value_name = "FILE", value_parser = reference::parser(), requires = "client_certificate")]
    #[serde(skip_serializing_if = "Option::is_none")]
    client_key: Option<Reference>,
    /// The only certificate authorities to trust, as PEM; without this option, those of this machine.
    #[arg(long, value_name = "FILE", value_parser = reference::parser())]
    #[serde(skip_serializing_if = "Option::is_none")]
    roots: Option<Reference>,
    /// Your organisation's ODS code. [default: RHM]
    #[arg(long, value_name = "CODE")]
    #[serde(skip)]
    pub(crate) ods_code: Option<String>,
    /// The people of the simulator, as CSV with the columns of the NHS "Opentest" people; without this
    /// option, the people of the shipped caseload, who come from a fixed seed.
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    register: Option<PathBuf>,
    /// The history of the people of --register, as CSV: former and other names and addresses, former telecoms and
    /// genders.
    #[arg(long, value_name = "FILE", requires = "register")]
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<PathBuf>,
    /// The labels of its metrics.
    #[arg(skip)]
    #[serde(skip)]
    labels: Labels,
}

/// A client, and the simulator if the client queries it.
pub(crate) struct Reached {
    pub(crate) client: Arc<dyn Tracer>,
    address: String,
    simulator: Option<(Server, Simulator)>,
    refused_rows: usize,
    /// Whether the client queries the live API, which limits the rate of each application.
    is_api: bool,
}

impl Reached {
    /// Whether every row of `--register` could be used.
    pub(crate) const fn has_all_people(&self) -> bool {
        self.refused_rows == 0
    }

    /// Whether the client queries the simulator.
    pub(crate) const fn is_simulator(&self) -> bool {
        self.simulator.is_some()
    }

    /// The simulator and its server, if the client queries it.
    pub(crate) const fn simulator(&self) -> Option<&(Server, Simulator)> {
        self.simulator.as_ref()
    }

    /// The client for a command without a rate limit of its own. To the live API it sends five questions a
    /// second at most.
    pub(crate) fn limited_client(&self) -> Arc<dyn Tracer> {
        let client = Arc::clone(&self.client);
        if self.is_api {
            Gateway::new(client).with_rate_limit(RateLimit::default()).background()
        } else {
            client
        }
    }
}

impl fmt::Display for Reached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.simulator {
            None => f.write_str(&self.address),
            Some((_, simulator)) => {
                let requests = simulator.request_count();
                write!(f, "{} (simulator, {requests} requests)", self.address)
            }
        }
    }
}

impl Service {
    /// Whether the options name a service.
    pub(crate) const fn is_named(&self) -> bool {
        self.service.is_some() || self.api.is_named()
    }

    /// Whether the options name people of the simulator.
    pub(crate) const fn has_register(&self) -> bool {
        self.connection.register.is_some()
    }

    /// The address of a service outside this program; `None` for the simulator.
    pub(crate) fn address(&self) -> Option<Url> {
        match &self.service {
            Some(Chosen::Smsp(url)) => Some(url.clone()),
            _ => self.api.address(),
        }
    }

    /// The options of the API.
    pub(crate) const fn api(&self) -> &Live {
        &self.api
    }

    /// Whether the service is a PDS FHIR API.
    pub(crate) const fn is_fhir(&self) -> bool {
        self.api.is_named() || matches!(self.service, Some(Chosen::SimulatedFhir))
    }

    /// The labels of the metrics of this service.
    pub(crate) fn labels(&self) -> Labels {
        self.connection.labels.clone().with_service(if self.is_fhir() { "fhir" } else { "smsp" })
    }

    /// The same service, for a tenant.
    pub(crate) fn of_tenant(mut self, name: &TenantName, organisation: &OdsCode) -> Self {
        self.connection.ods_code = Some(organisation.as_str().to_owned());
        self.connection.labels = self.connection.labels.with_tenant(name.clone());
        self
    }

    /// Takes over the organisation and the labels of `other`, which are not stored.
    pub(crate) fn keep_names_of(&mut self, other: &Self) {
        self.connection.ods_code.clone_from(&other.connection.ods_code);
        self.connection.labels.clone_from(&other.connection.labels);
    }

    /// The files of the options, each with the name of its option.
    pub(crate) fn files(&self) -> Vec<(&'static str, &Path)> {
        let connection = &self.connection;
        let references = [
            ("key", self.api.key()),
            ("client-certificate", connection.client_certificate.as_ref()),
            ("client-key", connection.client_key.as_ref()),
            ("roots", connection.roots.as_ref()),
        ];
        let files = references.map(|(name, reference)| (name, reference.and_then(Reference::path)));
        let people = [
            ("register", connection.register.as_deref()),
            ("history", connection.history.as_deref()),
        ];
        let all = files.into_iter().chain(people);
        all.filter_map(|(name, path)| path.map(|path| (name, path))).collect()
    }

    /// This system, as providers and audit trails name it.
    pub(crate) fn us(&self) -> Result<LocalIdentity, Box<dyn Error>> {
        self.connection.us()
    }

    /// Connects to the service that the options name.
    pub(crate) async fn reach(&self) -> Result<Reached, Box<dyn Error>> {
        if let Some(address) = self.api.address() {
            let transport = self.connection.transport()?;
            let client = self.api.client(transport, &self.connection.labels)?;
            let client = client.ok_or("--fhir is not set")?;
            return Ok(Reached {
                client: Arc::new(client),
                address: address.to_string(),
                simulator: None,
                refused_rows: 0,
                is_api: true,
            });
        }
        match &self.service {
            Some(Chosen::Smsp(url)) => self.connection.smsp(Some(url)).await,
            Some(Chosen::SimulatedSmsp) | None => self.connection.smsp(None).await,
            Some(Chosen::SimulatedFhir) => self.connection.simulated_fhir().await,
        }
    }
}

impl Connection {
    /// This system, as providers and audit trails name it.
    pub(crate) fn us(&self) -> Result<LocalIdentity, Box<dyn Error>> {
        let organisation = self.ods_code.as_deref().unwrap_or("RHM");
        Ok(LocalIdentity::new(organisation.parse()?, "nhs-pds-example")?)
    }

    /// The Spine Mini Service at this address, or of the simulator.
    pub(crate) async fn smsp(&self, url: Option<&Url>) -> Result<Reached, Box<dyn Error>> {
        let (address, simulator, refused_rows) = match url {
            Some(_) if self.register.is_some() => {
                return Err(
                    "--register has the people of the simulator: leave it out, or query a \
                            service of the simulator"
                        .into(),
                );
            }
            Some(url) => (url.to_string(), None, 0),
            None => {
                let (server, simulator, refused_rows) = self.simulate().await?;
                (server.url(), Some((server, simulator)), refused_rows)
            }
        };
        let config = Config::new(parse("--service", &address)?, self.us()?);
        let client = Arc::new(Client::new(config, self.transport()?));
        Ok(Reached { client, address, simulator, refused_rows, is_api: false })
    }

    /// The PDS FHIR API of the simulator, with application-restricted access.
    async fn simulated_fhir(&self) -> Result<Reached, Box<dyn Error>> {
        let (server, simulator, refused_rows) = self.simulate().await?;
        let (client, _) = api::of_simulator(&server, &simulator, self.transport()?)?;
        Ok(Reached {
            client: Arc::new(client),
            address: server.fhir_url(),
            simulator: Some((server, simulator)),
            refused_rows,
            is_api: false,
        })
    }

    /// Sends requests over HTTP, with the certificates of the options.
    fn transport(&self) -> Result<Arc<dyn Transport>, Box<dyn Error>> {
        let mut http = HttpConfig::new();
        if let (Some(chain), Some(key)) = (&self.client_certificate, &self.client_key) {
            http = http.with_client_certificate_pem(chain.read()?.expose().clone(), key.read()?);
        }
        if let Some(roots) = &self.roots {
            http = http.with_root_certificates_pem(roots.read()?.expose().clone());
        }
        let transport = HttpTransport::new(&http)?.with_labels(self.labels.clone());
        let month = Duration::from_secs(30 * 24 * 60 * 60);
        let expiry = transport.client_certificate_expiry();
        if let Some(warning) = expiry.and_then(|expiry| expiry.warning(SystemClock.now(), month)) {
            let whose = self.labels.tenant().map(|tenant| format!("{tenant}: "));
            warn(format!("{}{warning}", whose.unwrap_or_default()));
        }
        Ok(Arc::new(transport))
    }

    /// Starts the simulator. The number is that of the register rows that were refused.
    async fn simulate(&self) -> Result<(Server, Simulator, usize), Box<dyn Error>> {
        let (people, refused_rows) = self.people()?;
        let simulator = Simulator::new(people);
        Ok((Server::start(simulator.clone()).await?, simulator, refused_rows))
    }

    /// The people of the simulator, and the number of register rows that were refused.
    fn people(&self) -> Result<(Register, usize), Box<dyn Error>> {
        let Some(path) = &self.register else {
            return Ok((simulated::shipped().register().clone(), 0));
        };
        let (mut register, refused) =
            Register::from_csv(read(path)?.as_slice()).map_err(|error| about(path, &error))?;
        for row in &refused {
            warn(format!("{}: {row}", path.display()));
        }
        if let Some(path) = &self.history {
            let history = read(path)?;
            register.read_history(history.as_slice()).map_err(|error| about(path, &error))?;
        }
        Ok((register, refused.len()))
    }
}
