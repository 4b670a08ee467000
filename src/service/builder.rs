//! Builds a [`Pds`] from an address and files.

use crate::secret::Secret;
use crate::service::pds::Pds;
use crate::trace::LocalIdentity;
use crate::transport::Transport;
use crate::transport::http::{HttpConfig, HttpTransport};
use std::error::Error as StdError;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A service cannot be built from what was given. Nothing was sent.
///
/// Neither the error nor its sources quote a key or a certificate.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct BuildError {
    kind: BuildErrorKind,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl BuildError {
    fn new(kind: BuildErrorKind, source: impl StdError + Send + Sync + 'static) -> Self {
        Self { kind, source: Some(Box::new(source)) }
    }

    /// What is wrong.
    #[must_use]
    pub const fn kind(&self) -> BuildErrorKind {
        self.kind
    }
}

/// What is wrong, and so what to correct.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum BuildErrorKind {
    /// The address is not a URL. Give `https://host/path`, as the provider names it.
    #[error("the address of the service is not a URL")]
    Address,
    /// A file cannot be read. Check its path and permissions; the source has the reason.
    #[error("a certificate or key file cannot be read")]
    File,
    /// The certificates or the TLS configuration cannot be used; the source is a
    /// [`ConfigError`](crate::transport::http::ConfigError).
    #[error("the TLS configuration cannot be used")]
    Tls,
    /// The API key, the key's id or the signing key cannot be used. Give those that are registered with the API.
    #[cfg(feature = "fhir")]
    #[error("the API key or the signing key cannot be used")]
    Credentials,
    /// A token endpoint needs an API key and a signing key, and none was given; or they were given without one, as
    /// for the sandbox.
    #[cfg(feature = "fhir")]
    #[error(
        "credentials and address do not match: give an API key and a signing key exactly where there are access tokens"
    )]
    Incomplete,
}

/// The connection, which both services have.
#[derive(Clone, Debug, Default)]
struct Connection {
    http: HttpConfig,
    client: Option<(PathBuf, PathBuf)>,
    roots: Option<PathBuf>,
}

fn read(path: &Path) -> Result<Vec<u8>, BuildError> {
    fs::read(path).map_err(|error| BuildError::new(BuildErrorKind::File, error))
}

fn address(text: &str) -> Result<url::Url, BuildError> {
    text.parse().map_err(|error: url::ParseError| BuildError::new(BuildErrorKind::Address, error))
}

impl Connection {
    fn transport(self) -> Result<Arc<dyn Transport>, BuildError> {
        let mut http = self.http;
        if let Some((certificate, key)) = &self.client {
            http = http.with_client_certificate_pem(read(certificate)?, Secret::new(read(key)?));
        }
        if let Some(roots) = &self.roots {
            http = http.with_root_certificates_pem(read(roots)?);
        }
        let transport = HttpTransport::new(&http);
        Ok(Arc::new(transport.map_err(|error| BuildError::new(BuildErrorKind::Tls, error))?))
    }
}

macro_rules! connection_options {
    ($builder:ident) => {
        /// Shows neither addresses nor credentials.
        impl fmt::Debug for $builder {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($builder)).finish_non_exhaustive()
            }
        }

        impl $builder {
            /// Identifies this system by a client certificate (PEM, the certificate first, then its issuers) and
            /// its private key (PEM, not encrypted).
            #[must_use]
            pub fn with_client_certificate_files(
                mut self,
                certificate: impl Into<PathBuf>,
                key: impl Into<PathBuf>,
            ) -> Self {
                self.connection.client = Some((certificate.into(), key.into()));
                self
            }

            /// Trusts the authorities of a PEM file, and no others.
            #[must_use]
            pub fn with_root_certificates_file(mut self, roots: impl Into<PathBuf>) -> Self {
                self.connection.roots = Some(roots.into());
                self
            }

            /// Sets timeouts, limits, a proxy, or certificates from memory. Files that are named as well count.
            #[must_use]
            pub fn with_http(mut self, http: HttpConfig) -> Self {
                self.connection.http = http;
                self
            }
        }
    };
}

/// Builds a [`Pds`] over Spine Mini Services; see [`Pds::smsp`].
#[cfg(feature = "smsp")]
#[derive(Clone)]
pub struct SmspBuilder {
    address: String,
    us: LocalIdentity,
    connection: Connection,
}

#[cfg(feature = "smsp")]
connection_options!(SmspBuilder);

#[cfg(feature = "smsp")]
impl SmspBuilder {
    /// Builds the service. Sends nothing.
    ///
    /// # Errors
    ///
    /// [`BuildErrorKind::Address`], [`BuildErrorKind::File`] and [`BuildErrorKind::Tls`].
    pub fn build(self) -> Result<Pds, BuildError> {
        use crate::service::smsp::{Client, Config};

        let address = address(&self.address)?;
        let config = Config::new(address, self.us.clone());
        Ok(Pds::new(Arc::new(Client::new(config, self.connection.transport()?)), self.us))
    }
}

/// Builds a [`Pds`] over the PDS FHIR API; see [`Pds::fhir`].
#[cfg(feature = "fhir")]
#[derive(Clone)]
pub struct FhirBuilder {
    environment: crate::service::fhir::Environment,
    us: LocalIdentity,
    connection: Connection,
    addresses: Option<(String, Option<String>)>,
    credentials: Option<(String, String, PathBuf)>,
}

#[cfg(feature = "fhir")]
connection_options!(FhirBuilder);

#[cfg(feature = "fhir")]
impl FhirBuilder {
    /// Identifies this application by its API key and by a signing key: the id under which its public half is
    /// registered, and the file of the private half (PEM, RSA).
    #[must_use]
    pub fn with_application(
        mut self,
        api_key: &str,
        key_id: &str,
        signing_key: impl Into<PathBuf>,
    ) -> Self {
        self.credentials = Some((api_key.to_owned(), key_id.to_owned(), signing_key.into()));
        self
    }

    /// Uses other addresses than those of the environment, such as those of a simulator or a proxy: `base` is the
    /// address before `/Patient`. Without the address of a token endpoint, requests have no token.
    #[must_use]
    pub fn with_addresses(mut self, base: &str, token_endpoint: Option<&str>) -> Self {
        self.addresses = Some((base.to_owned(), token_endpoint.map(str::to_owned)));
        self
    }

    /// Builds the service. Sends nothing.
    ///
    /// # Errors
    ///
    /// [`BuildErrorKind::Address`], [`BuildErrorKind::File`], [`BuildErrorKind::Tls`],
    /// [`BuildErrorKind::Credentials`], and [`BuildErrorKind::Incomplete`].
    pub fn build(self) -> Result<Pds, BuildError> {
        use crate::service::fhir::auth::{ApplicationTokens, SigningKey, TokenConfig};
        use crate::service::fhir::{Client, Config};

        let transport = self.connection.transport()?;
        let (config, token_url) = match &self.addresses {
            Some((base, token)) => {
                (Config::new(address(base)?), token.as_deref().map(address).transpose()?)
            }
            None => (Config::of(self.environment), self.environment.token_url()),
        };
        let client = match (token_url, self.credentials) {
            (None, None) => Arc::new(Client::open(config, transport)) as Arc<_>,
            (Some(token_url), Some((api_key, key_id, file))) => {
                let pem = Secret::new(read(&file)?);
                let unusable =
                    |error| BuildError { kind: BuildErrorKind::Credentials, source: Some(error) };
                let key_id = key_id.parse().map_err(|error| unusable(Box::new(error) as Box<_>));
                let api_key = api_key.parse().map_err(|error| unusable(Box::new(error) as Box<_>));
                let key = SigningKey::from_pem(key_id?, &pem)
                    .map_err(|error| BuildError::new(BuildErrorKind::Credentials, error))?;
                let tokens = TokenConfig::new(token_url, api_key?);
                let tokens = ApplicationTokens::new(tokens, key, Arc::clone(&transport));
                Arc::new(Client::application_restricted(config, tokens, transport)) as Arc<_>
            }
            _ => return Err(BuildError { kind: BuildErrorKind::Incomplete, source: None }),
        };
        Ok(Pds::new(client, self.us))
    }
}

impl Pds {
    /// A Spine Mini Service at `address`, for the system `us`.
    ///
    /// ```
    /// use nhs_pds::trace::LocalIdentity;
    /// use nhs_pds::{BuildErrorKind, Pds};
    ///
    /// let us = LocalIdentity::new("RHM".parse()?, "case-management")?;
    /// let pds = Pds::smsp("https://smsp.example/pds", us)
    ///     .with_client_certificate_files("no-such-client.pem", "no-such-client.key")
    ///     .build();
    /// assert_eq!(pds.unwrap_err().kind(), BuildErrorKind::File);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "smsp")]
    #[cfg_attr(docsrs, doc(cfg(all(feature = "smsp", feature = "http"))))]
    #[must_use]
    pub fn smsp(address: &str, us: LocalIdentity) -> SmspBuilder {
        SmspBuilder { address: address.to_owned(), us, connection: Connection::default() }
    }

    /// The PDS FHIR API in `environment`, with application-restricted access, for the system `us`.
    ///
    /// ```
    /// use nhs_pds::fhir::Environment;
    /// use nhs_pds::trace::LocalIdentity;
    /// use nhs_pds::{BuildErrorKind, Pds};
    ///
    /// let us = LocalIdentity::new("RHM".parse()?, "case-management")?;
    /// let pds = Pds::fhir(Environment::Production, us).build();
    /// assert_eq!(pds.unwrap_err().kind(), BuildErrorKind::Incomplete);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "fhir")]
    #[cfg_attr(docsrs, doc(cfg(all(feature = "fhir", feature = "http"))))]
    #[must_use]
    pub fn fhir(environment: crate::service::fhir::Environment, us: LocalIdentity) -> FhirBuilder {
        FhirBuilder {
            environment,
            us,
            connection: Connection::default(),
            addresses: None,
            credentials: None,
        }
    }
}
