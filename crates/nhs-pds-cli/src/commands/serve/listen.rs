//! The port of the screens: with TLS, or without on this machine and behind a proxy.

use super::args::Args;
use crate::console::{Failed, about, because, read};
use crate::stop::Stop;
use axum::Router;
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Request};
use axum::middleware::{Next, from_fn};
use axum::serve::{IncomingStream, Listener};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// How long a browser may take for a TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// How many browsers may have done their handshake and wait for the server.
const WAITING: usize = 64;

/// An open port.
pub(super) struct Listening {
    listener: std::net::TcpListener,
    at: SocketAddr,
    tls: Option<TlsAcceptor>,
}

impl Listening {
    pub(super) fn open(cli: &Args) -> Result<Self, Failed> {
        let address = cli.listen;
        let tls = match (&cli.certificate, &cli.certificate_key) {
            (Some(chain), Some(key)) => {
                let chain_pem = read(chain)?;
                let certificates: Result<Vec<_>, _> =
                    CertificateDer::pem_slice_iter(&chain_pem).collect();
                let certificates = certificates.map_err(|error| about(chain, &error))?;
                let private = PrivateKeyDer::from_pem_slice(&read(key)?)
                    .map_err(|error| about(key, &error))?;
                let provider = Arc::new(rustls::crypto::ring::default_provider());
                let config = rustls::ServerConfig::builder_with_provider(provider)
                    .with_safe_default_protocol_versions()?
                    .with_no_client_auth()
                    .with_single_cert(certificates, private)
                    .map_err(|error| about(chain, &error))?;
                Some(TlsAcceptor::from(Arc::new(config)))
            }
            _ => None,
        };
        if !address.ip().is_loopback() && tls.is_none() && !cli.listen_anywhere {
            return Err(format!(
                "--listen {address}: passwords and personal data would cross the network in plain text: give \
                 --certificate, or listen on 127.0.0.1, or add --listen-anywhere behind a proxy"
            )
            .into());
        }
        let listener = std::net::TcpListener::bind(address).and_then(|listener| {
            listener.set_nonblocking(true)?;
            Ok(listener)
        });
        let listener = listener.map_err(|error| {
            let why = match error.kind() {
                io::ErrorKind::AddrInUse => {
                    "another program listens there: stop it, or choose another port".to_owned()
                }
                _ => because(&error),
            };
            format!("--listen {address}: {why}")
        })?;
        let at = listener.local_addr()?;
        Ok(Self { listener, at, tls })
    }

    /// The address for a browser, without a slash at the end.
    pub(super) fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.at)
    }

    /// Serves until the command is asked to stop and the open requests are finished.
    pub(super) async fn serve(self, router: Router, stop: Stop) -> io::Result<()> {
        let listener = TcpListener::from_std(self.listener)?;
        let stopped = async move { stop.wait().await };
        let Some(tls) = self.tls else {
            let service = router.into_make_service_with_connect_info::<SocketAddr>();
            return axum::serve(listener, service).with_graceful_shutdown(stopped).await;
        };
        let router = router.layer(from_fn(with_address));
        let service = router.into_make_service_with_connect_info::<Peer>();
        axum::serve(Secure::accepting(listener, tls, self.at), service)
            .with_graceful_shutdown(stopped)
            .await
    }
}

/// Where a browser is.
#[derive(Clone, Copy, Debug)]
struct Peer(SocketAddr);

impl Connected<IncomingStream<'_, Secure>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Secure>) -> Self {
        Self(*stream.remote_addr())
    }
}

/// The screens look for the address as axum gives it without TLS.
async fn with_address(
    ConnectInfo(Peer(address)): ConnectInfo<Peer>,
    mut request: Request,
    next: Next,
) -> axum::response::Response {
    request.extensions_mut().insert(ConnectInfo(address));
    next.run(request).await
}

/// Accepts connections and does their handshakes beside each other, so that a slow browser delays no other.
struct Secure {
    accepted: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    at: SocketAddr,
}

impl Secure {
    fn accepting(mut listener: TcpListener, tls: TlsAcceptor, at: SocketAddr) -> Self {
        let (send, accepted) = mpsc::channel(WAITING);
        tokio::spawn(async move {
            loop {
                // axum's listener waits after an error, such as too many open files.
                let (stream, peer) = Listener::accept(&mut listener).await;
                let (send, tls) = (send.clone(), tls.clone());
                tokio::spawn(async move {
                    if let Ok(Ok(stream)) =
                        tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await
                    {
                        // The server has ended if no one receives.
                        let _ = send.send((stream, peer)).await;
                    }
                });
            }
        });
        Self { accepted, at }
    }
}

impl Listener for Secure {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.accepted.recv().await {
            Some(accepted) => accepted,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Ok(self.at)
    }
}
