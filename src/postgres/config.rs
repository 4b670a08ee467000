use crate::postgres::error::Error;
use crate::postgres::tls::{Tls, connector};
use crate::secret::Secret;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;
use tokio_postgres::config::{ChannelBinding, Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;
use url::Url;

/// How long a connection may take to open, and a dead one to be noticed.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many connections a program keeps, by default.
const CONNECTIONS: usize = 16;

/// Where the database is, and how to connect.
///
/// The address is that of libpq: `postgres://user:password@host:port/database`, with parameters such as
/// `?sslrootcert=/etc/nhs-pds/database-ca.pem&target_session_attrs=read-write`, and several hosts with commas between
/// them for a failover. Sockets: `postgres:///database?host=/run/postgresql&user=nhs_pds`.
///
/// A connection to another machine is encrypted, and the server's certificate is verified with its name, whichever
/// `sslmode` of `require`, `verify-ca` and `verify-full` is given, and without one. Only `sslmode=disable` turns that
/// off. Connections to this machine (a socket, or a loopback address) are not encrypted unless `sslmode` asks for it.
///
/// `Debug` shows host and database, and no password.
///
/// ```
/// use nhs_pds::postgres::Config;
///
/// let config: Config = "postgres://nhs_pds_app:secret@db.example/nhs_pds?sslrootcert=ca.pem".parse()?;
/// assert_eq!(format!("{config:?}"), "Config(db.example:5432/nhs_pds, encrypted)");
/// assert!("postgres://db.example/nhs_pds?sslmode=prefer".parse::<Config>().is_err(), "not safe");
/// # Ok::<(), nhs_pds::postgres::Error>(())
/// ```
#[derive(Clone)]
pub struct Config {
    pub(super) server: tokio_postgres::Config,
    pub(super) tls: Tls,
    /// A file with the roots of the server's certificate.
    pub(super) root_file: Option<String>,
    pub(super) roots: Option<Vec<u8>>,
    pub(super) connections: usize,
    pub(super) maintenance: Option<Box<Self>>,
}

impl Config {
    /// Sets the password, so that the address need not contain it.
    #[must_use]
    pub fn with_password(mut self, password: &Secret<String>) -> Self {
        self.server.password(password.expose());
        self
    }

    /// Sets the root certificates of the server's certificate, as PEM, in place of those of the operating system and of
    /// `sslrootcert`.
    #[must_use]
    pub fn with_root_certificates_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots = Some(pem.into());
        self
    }

    /// Sets how many connections the program opens at most (default 16). All tenants share them.
    #[must_use]
    pub fn with_connections(mut self, most: std::num::NonZeroUsize) -> Self {
        self.connections = most.get();
        self
    }

    /// Sets how the owner of the tables connects, for erasures (MSCA-DQ-02). PostgreSQL keeps deleted rows until a table
    /// is rewritten, which only its owner can do. Without it, an erasure ends with [`Residue`](crate::postgres::ErrorKind::Residue).
    #[must_use]
    pub fn with_maintenance(mut self, owner: Self) -> Self {
        self.maintenance = Some(Box::new(owner));
        self
    }

    /// How connections are encrypted.
    pub(super) fn connector(&self) -> Result<MakeRustlsConnect, Error> {
        let read = match (&self.roots, &self.root_file) {
            (None, Some(path)) => Some(std::fs::read(path).map_err(Error::configuration)?),
            _ => None,
        };
        connector(self.tls, self.roots.as_deref().or(read.as_deref()))
    }

    /// Whether the address contains a password.
    #[must_use]
    pub fn has_password(&self) -> bool {
        self.server.get_password().is_some()
    }
}

impl FromStr for Config {
    type Err = Error;

    /// Reads an address. The error does not quote it.
    fn from_str(text: &str) -> Result<Self, Error> {
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err(Error::configuration("an address begins with postgres://"));
        }
        let (address, parameters) = text.split_once('?').unwrap_or((text, ""));
        let (mut mode, mut root_file, mut rest) = (None, None, Vec::new());
        for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
            match parameter.split_once('=') {
                Some(("sslmode", value)) => mode = Some(value.to_owned()),
                Some(("sslrootcert", value)) => root_file = Some(decoded(value)),
                _ => rest.push(parameter),
            }
        }
        let address = format!("{address}?{}", rest.join("&"));
        // The error of the parser may quote a part of the address.
        let mut server: tokio_postgres::Config =
            address.parse().map_err(|_| Error::configuration("the address cannot be read"))?;
        // `hostaddr` is where a connection goes, whatever the name of the host.
        let is_near = server.get_hosts().iter().all(is_near)
            && server.get_hostaddrs().iter().all(std::net::IpAddr::is_loopback);
        let tls = match mode.as_deref() {
            None if is_near && root_file.is_none() => Tls::Off,
            None | Some("require" | "verify-ca" | "verify-full") => Tls::Verified,
            Some("disable") => Tls::Off,
            Some(_) => {
                return Err(Error::configuration(
                    "sslmode is verify-full, or disable to send everything unencrypted",
                ));
            }
        };
        server.ssl_mode(if tls == Tls::Off { SslMode::Disable } else { SslMode::Require });
        if tls == Tls::Off && server.get_channel_binding() == ChannelBinding::Require {
            return Err(Error::configuration("channel_binding needs an encrypted connection"));
        }
        if server.get_connect_timeout().is_none() {
            server.connect_timeout(PATIENCE);
        }
        server.keepalives_idle(PATIENCE).keepalives_interval(PATIENCE).keepalives_retries(2);
        if server.get_tcp_user_timeout().is_none() {
            server.tcp_user_timeout(PATIENCE * 2);
        }
        if server.get_application_name().is_none() {
            server.application_name("nhs-pds");
        }
        Ok(Self {
            server,
            tls,
            root_file,
            roots: None,
            connections: CONNECTIONS,
            maintenance: None,
        })
    }
}

/// A value of a parameter, without its percent encoding.
fn decoded(value: &str) -> String {
    let query = format!("x:?v={value}");
    let url = query.parse::<Url>().ok();
    let found =
        url.as_ref().and_then(|url| url.query_pairs().next().map(|(_, value)| value.into_owned()));
    found.unwrap_or_else(|| value.to_owned())
}

/// Whether the host is this machine.
fn is_near(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost"
                || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Config(")?;
        let ports = self.server.get_ports();
        for (place, host) in self.server.get_hosts().iter().enumerate() {
            let port = ports.get(place).or(ports.first()).copied().unwrap_or(5432);
            let comma = if place == 0 { "" } else { "," };
            match host {
                Host::Tcp(name) => write!(f, "{comma}{name}:{port}")?,
                #[cfg(unix)]
                Host::Unix(path) => write!(f, "{comma}{}", path.display())?,
            }
        }
        let name = self.server.get_dbname().unwrap_or_default();
        let how = if self.tls == Tls::Off { "not encrypted" } else { "encrypted" };
        write!(f, "/{name}, {how})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::error::ErrorKind;

    #[test]
    fn another_machine_is_reached_encrypted_unless_that_is_turned_off() {
        for (text, tls) in [
            ("postgres://db.example/x", Tls::Verified),
            ("postgres://db.example/x?sslmode=require", Tls::Verified),
            ("postgres://db.example/x?sslmode=verify-full&user=a", Tls::Verified),
            ("postgresql://db.example/x?sslmode=disable", Tls::Off),
            ("postgres://localhost/x", Tls::Off),
            ("postgres://127.0.0.1/x?sslmode=verify-full", Tls::Verified),
            ("postgres:///x?host=/run/postgresql", Tls::Off),
            ("postgres://localhost,db.example/x", Tls::Verified),
            ("postgres://localhost/x?hostaddr=192.0.2.7", Tls::Verified),
            ("postgres://localhost/x?hostaddr=127.0.0.1", Tls::Off),
        ] {
            let config: Config = text.parse().unwrap();
            assert_eq!(config.tls, tls, "{text}");
        }
    }

    #[test]
    fn what_is_not_safe_or_not_an_address_is_refused_and_not_quoted() {
        for text in [
            "db.example",
            "mysql://db.example/x",
            "postgres://db.example/x?sslmode=prefer",
            "postgres://db.example/x?sslmode=allow",
            "postgres://db.example/x?Quentinsson=1",
            "postgres://localhost/x?channel_binding=require",
        ] {
            let error = text.parse::<Config>().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration, "{text}");
            assert!(!format!("{error:?}").contains("Quentinsson"));
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        let config: Config = "postgres://app:Quentinsson@db.example:6000/x".parse().unwrap();
        assert!(config.has_password());
        assert_eq!(format!("{config:?}"), "Config(db.example:6000/x, encrypted)");
        let config: Config = "postgres:///x?host=/run/pg".parse().unwrap();
        assert!(!config.has_password());
        assert!(config.with_password(&Secret::new("s".to_owned())).has_password());
    }

    #[test]
    fn the_file_of_the_roots_is_read_from_the_address() {
        let config: Config = "postgres://db/x?sslrootcert=%2Fetc%2Fca%20one.pem".parse().unwrap();
        assert_eq!(config.root_file.as_deref(), Some("/etc/ca one.pem"));
    }
}
