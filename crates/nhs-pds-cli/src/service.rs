//! The service that commands query: a provider's, or the simulator, started here on a free port.

use crate::console::{read, warn};
use crate::simulated::{self, Register, Server, Simulator};
use clap::Args;
use nhs_pds::clock::{Clock, SystemClock};
use nhs_pds::secret::Secret;
use nhs_pds::smsp::{Client, Config};
use nhs_pds::trace::LocalIdentity;
use nhs_pds::transport::http::{HttpConfig, HttpTransport};
use std::error::Error;
use std::fmt::{self, Display};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

/// The service to query.
#[derive(Args)]
pub(crate) struct Service {
    /// The provider's Spine Mini Service; without this option, the simulator.
    #[arg(long, visible_alias = "smsp", value_name = "URL")]
    service: Option<String>,
    /// The client certificate chain, as PEM.
    #[arg(long, value_name = "FILE", requires = "client_key")]
    client_certificate: Option<PathBuf>,
    /// The private key of the client certificate, as PEM.
    #[arg(long, value_name = "FILE", requires = "client_certificate")]
    client_key: Option<PathBuf>,
    /// The only certificate authorities to trust, as PEM; without this option, those of this machine.
    #[arg(long, value_name = "FILE")]
    roots: Option<PathBuf>,
    /// Your organisation's ODS code.
    #[arg(long, value_name = "CODE", default_value = "RHM")]
    ods_code: String,
    /// The people of the simulator, as CSV with the columns of the NHS "Opentest" people; without this
    /// option, the people of the shipped caseload, who come from a fixed seed.
    #[arg(long, value_name = "FILE")]
    register: Option<PathBuf>,
}

/// A client, and the simulator if the client queries it.
pub(crate) struct Reached {
    pub(crate) client: Client,
    url: String,
    simulator: Option<(Server, Simulator)>,
    refused_rows: usize,
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
}

impl fmt::Display for Reached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.simulator {
            None => f.write_str(&self.url),
            Some((_, simulator)) => {
                write!(f, "{} (simulator, {} requests)", self.url, simulator.request_count())
            }
        }
    }
}

impl Service {
    /// This system, as providers and audit trails name it.
    pub(crate) fn us(&self) -> Result<LocalIdentity, Box<dyn Error>> {
        Ok(LocalIdentity::new(self.ods_code.parse()?, "nhs-pds-example")?)
    }

    /// Connects to the service that the options name.
    pub(crate) async fn reach(&self) -> Result<Reached, Box<dyn Error>> {
        let (url, simulator, refused_rows) = match &self.service {
            Some(url) => (url.clone(), None, 0),
            None => {
                let (people, refused_rows) = self.people()?;
                let simulator = Simulator::new(people);
                let server = Server::start(simulator.clone()).await?;
                (server.url(), Some((server, simulator)), refused_rows)
            }
        };
        let mut http = HttpConfig::new();
        if let (Some(chain), Some(key)) = (&self.client_certificate, &self.client_key) {
            http = http.with_client_certificate_pem(read(chain)?, Secret::new(read(key)?));
        }
        if let Some(roots) = &self.roots {
            http = http.with_root_certificates_pem(read(roots)?);
        }
        let config = Config::new(parse("--service", &url)?, self.us()?);
        let transport = HttpTransport::new(&http)?;
        let month = Duration::from_secs(30 * 24 * 60 * 60);
        let expiry = transport.client_certificate_expiry();
        if let Some(warning) = expiry.and_then(|expiry| expiry.warning(SystemClock.now(), month)) {
            warn(warning);
        }
        let client = Client::new(config, Arc::new(transport));
        Ok(Reached { client, url, simulator, refused_rows })
    }

    /// The people of the simulator, and the number of register rows that were refused.
    fn people(&self) -> Result<(Register, usize), Box<dyn Error>> {
        let Some(path) = &self.register else {
            return Ok((simulated::shipped().register().clone(), 0));
        };
        let (register, refused) = Register::from_csv(read(path)?.as_slice())
            .map_err(|error| crate::console::about(path, &error))?;
        for row in &refused {
            warn(format!("{}: {row}", path.display()));
        }
        Ok((register, refused.len()))
    }
}

/// Parses `text`; the error names the argument.
pub(crate) fn parse<T: FromStr<Err: Display>>(
    argument: &str,
    text: &str,
) -> Result<T, Box<dyn Error>> {
    text.parse().map_err(|reason| format!("{argument}: {reason}").into())
}
