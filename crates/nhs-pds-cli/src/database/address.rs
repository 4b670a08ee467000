//! The address of a PostgreSQL database, which may contain a password.

use nhs_pds::secret::Secret;
use std::fmt;
use std::sync::Arc;

/// How an address of PostgreSQL begins.
const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];

/// What must not be in an address that has no password in it.
const AMBIGUOUS: &str = "the address of PostgreSQL cannot be read: write \
                         postgres://USER@HOST:PORT/DATABASE, with %40 for @, %2F for /, %3A for : and %3F for ?";

/// An address such as `postgres://worker@db.example/boroughs?sslmode=require`.
///
/// Neither `Display` nor `Debug` shows its password or its options.
#[derive(Clone)]
pub(crate) struct Address {
    text: Arc<Secret<String>>,
    shown: Arc<str>,
    has_password: bool,
    /// What a file of passwords names: host and port of the first server, database, and user.
    pub(super) server: Server,
}

/// What a file of passwords names.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Server {
    pub(super) host: String,
    pub(super) port: String,
    pub(super) database: String,
    pub(super) user: String,
}

impl Address {
    /// Whether the text begins as an address.
    pub(super) fn is_one(text: &str) -> bool {
        SCHEMES.iter().any(|scheme| text.starts_with(scheme))
    }

    /// Reads an address. The error does not contain it.
    pub(super) fn read(text: &str) -> Result<Self, &'static str> {
        let rest = SCHEMES.iter().find_map(|scheme| text.strip_prefix(scheme)).ok_or(AMBIGUOUS)?;
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        // A password with one of these characters would be read, and shown, as a part of something else.
        if query.contains('@') || place.matches('@').count() > 1 || rest.contains('#') {
            return Err(AMBIGUOUS);
        }
        let (login, place) = place.split_once('@').unwrap_or(("", place));
        let (user, password) = match login.split_once(':') {
            Some((user, password)) => (user, Some(password)),
            None => (login, None),
        };
        let (hosts, database) = place.split_once('/').unwrap_or((place, ""));
        let is_name =
            |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "-._~%".contains(c));
        let is_login =
            is_name(user) && password.is_none_or(|password| !password.contains(['/', ':']));
        if !is_login || !is_name(database) || !hosts.split(',').all(is_host) {
            return Err(AMBIGUOUS);
        }
        let mut server =
            Server { user: decoded(user)?, database: decoded(database)?, ..Server::default() };
        let first = hosts.split(',').next().unwrap_or_default();
        let (host, port) = split_port(first);
        (server.host, server.port) = (decoded(host)?, port.unwrap_or("5432").to_owned());
        let mut has_password = password.map(decoded).transpose()?.is_some();
        for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match &*key {
                "user" => server.user = value.into_owned(),
                "dbname" => server.database = value.into_owned(),
                "host" => server.host = value.split(',').next().unwrap_or_default().to_owned(),
                "port" => server.port = value.split(',').next().unwrap_or_default().to_owned(),
                "password" => has_password = true,
                _ => {}
            }
        }
        if server.database.is_empty() {
            server.database.clone_from(&server.user);
        }
        let user = if user.is_empty() { String::new() } else { format!("{user}@") };
        let database = if database.is_empty() { String::new() } else { format!("/{database}") };
        Ok(Self {
            text: Arc::new(Secret::new(text.to_owned())),
            shown: format!("postgres://{user}{hosts}{database}").into(),
            has_password,
            server,
        })
    }

    /// The address as it was given, for the connection only.
    pub(super) fn expose(&self) -> &str {
        self.text.expose()
    }

    /// Whether the address has a password in it.
    pub(super) const fn has_password(&self) -> bool {
        self.has_password
    }
}

/// Whether this is a name or an address of a machine, or a folder with `/` as `%2F`, with a port or without.
fn is_host(text: &str) -> bool {
    let (host, port) = split_port(text);
    let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok());
    let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-._%".contains(c);
    is_port
        && match inner {
            Some(inner) => inner.parse::<std::net::Ipv6Addr>().is_ok(),
            None => host.chars().all(is_name),
        }
}

/// Splits a port off, but not the last group of an IPv6 address.
fn split_port(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    }
}

/// Replaces `%2F` and the like.
fn decoded(text: &str) -> Result<String, &'static str> {
    let (mut bytes, mut rest) = (Vec::new(), text.bytes());
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|byte| char::from(byte).to_digit(16));
        let (Some(high), Some(low)) = (digit(), digit()) else { return Err(AMBIGUOUS) };
        bytes.push(u8::try_from(high * 16 + low).map_err(|_| AMBIGUOUS)?);
    }
    String::from_utf8(bytes).map_err(|_| AMBIGUOUS)
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_and_the_options_are_not_shown() {
        for (given, shown) in [
            ("postgres://worker@db.example/boroughs", "postgres://worker@db.example/boroughs"),
            ("postgresql://w:s3cret@db:5433/b?x=1", "postgres://w@db:5433/b"),
            ("postgres://w:s3%40cr%2Fet@a:1,b:2/b", "postgres://w@a:1,b:2/b"),
            ("postgres://db/b?user=w&password=s3cret", "postgres://db/b"),
            ("postgres:///b?host=/run/postgresql", "postgres:///b"),
            ("postgres://[::1]:5432/b", "postgres://[::1]:5432/b"),
            ("postgres://[::1]/b", "postgres://[::1]/b"),
            ("postgres://w@%2Frun%2Fpg/b", "postgres://w@%2Frun%2Fpg/b"),
            ("postgres://", "postgres://"),
        ] {
            let address = Address::read(given).unwrap();
            assert_eq!(address.to_string(), shown);
            assert_eq!(address.expose(), given);
            assert_eq!(format!("{address:?}"), "Address");
        }
    }

    /// Each of these would show a part of the password as a user, a host, a port or a database.
    #[test]
    fn an_ambiguous_address_is_refused_without_its_text() {
        for given in [
            "postgres://w:s3/cret@db/b",
            "postgres://w:s3@cret@db/b",
            "postgres://w:s3?cret@db/b",
            "postgres://w:s3#cret@db/b",
            "postgres://w:s3:cret@db/b",
            "postgres://w:s3cret/b",
            "postgres://db/b?password=s3@cret",
            "postgres://w@db/b#s3cret",
            "postgres://w@db:s3cret/b",
            "postgres://w%4@db/b",
            "postgres://w%ff@db/b",
            "postgres://w@[s3cret]/b",
            "mysql://w@db/b",
        ] {
            let error = Address::read(given).unwrap_err();
            assert!(!error.contains("s3") && !error.contains("cret"), "{given}");
        }
    }

    #[test]
    fn a_file_of_passwords_finds_the_server() {
        let server = |host: &str, port: &str, database: &str, user: &str| Server {
            host: host.to_owned(),
            port: port.to_owned(),
            database: database.to_owned(),
            user: user.to_owned(),
        };
        for (given, expected) in [
            ("postgres://w%2Da@db.example/b", server("db.example", "5432", "b", "w-a")),
            ("postgres://w@a:1,b:2/", server("a", "1", "w", "w")),
            ("postgres:///?host=/run/pg&port=6&dbname=b&user=w", server("/run/pg", "6", "b", "w")),
        ] {
            let address = Address::read(given).unwrap();
            assert_eq!(address.server, expected);
            assert!(!address.has_password());
        }
        for given in ["postgres://w:s@db", "postgres://w@db?password=s", "postgres://w:@db"] {
            assert!(Address::read(given).unwrap().has_password(), "{given}");
        }
    }
}
