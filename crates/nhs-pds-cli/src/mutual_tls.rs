//! Mutual TLS in front of servers on this machine. The certificates are new each time it starts.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::error::Error;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

const HOST: &str = "127.0.0.1";

/// New certificates, for servers and for their clients.
pub(crate) struct MutualTls(TlsAcceptor);

impl MutualTls {
    /// Writes the files that a client needs to `folder`: `client.pem` and `client.key`, the client certificate
    /// and its key, and `spine-roots.pem`, the authority to trust. No other program trusts this authority.
    ///
    /// # Errors
    ///
    /// When a file cannot be written.
    pub(crate) fn new(folder: &Path) -> Result<Self, Box<dyn Error>> {
        Ok(Self(TlsAcceptor::from(Arc::new(demanding(folder)?))))
    }

    /// Serves the server at `plain` on another free port, to clients that present the new certificate.
    ///
    /// # Errors
    ///
    /// When no port is free.
    pub(crate) async fn in_front_of(&self, plain: SocketAddr) -> io::Result<SocketAddr> {
        let acceptor = self.0.clone();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        tokio::spawn(relays(listener, acceptor, plain));
        Ok(address)
    }
}

async fn relays(listener: TcpListener, acceptor: TlsAcceptor, plain: SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let acceptor = acceptor.clone();
                // The client reports a failed connection.
                tokio::spawn(async move { relay(&acceptor, stream, plain).await });
            }
            // No file descriptor is free until a connection closes.
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

async fn relay(acceptor: &TlsAcceptor, stream: TcpStream, plain: SocketAddr) -> io::Result<()> {
    let mut client = acceptor.accept(stream).await?;
    let mut server = TcpStream::connect(plain).await?;
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}

/// Accepts TLS 1.2 and 1.3 from clients with a certificate of the authority.
fn demanding(folder: &Path) -> Result<ServerConfig, Box<dyn Error>> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "Simulated authority: trust it nowhere");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;

    let key = KeyPair::generate()?;
    let client = CertificateParams::new(["endpoint.example".to_owned()])?;
    let client = client.signed_by(&key, &authority)?;
    write(folder, "client.pem", &client.pem())?;
    write(folder, "client.key", &key.serialize_pem())?;
    write(folder, "spine-roots.pem", &authority.pem())?;

    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone())?;
    let key = KeyPair::generate()?;
    let server = CertificateParams::new([HOST.to_owned()])?.signed_by(&key, &authority)?;
    let key = PrivateKeyDer::try_from(key.serialize_der())?;
    let provider = Arc::new(ring::default_provider());
    let clients =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    Ok(ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(clients.build()?)
        .with_single_cert(vec![server.der().clone()], key)?)
}

/// Writes a file that only its owner may read, because one of the files is the private key.
fn write(folder: &Path, name: &str, text: &str) -> io::Result<()> {
    let path = folder.join(name);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| io::Error::other(format!("{}: {error}", path.display())))
}
