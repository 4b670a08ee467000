//! Records whether the server requested a client certificate, and whether the client sent one.
//!
//! The meaning of a failed handshake depends on it. Before TLS 1.3 there is no alert for a missing
//! certificate, and `handshake_failure` is also used for ciphers.

use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, SignatureScheme};
use std::cell::Cell;
use std::sync::Arc;

/// What happened to the client certificate in one exchange.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Shown {
    /// The server did not request one, or the exchange used an existing connection.
    #[default]
    NotAsked,
    /// The server requested one and received none.
    Nothing,
    /// The server requested one and received it.
    Certificate,
}

tokio::task_local! {
    // reqwest performs the handshake within the call that fails because of it.
    static SHOWN: Cell<Shown>;
}

/// Runs `exchange`, and returns what happened to the client certificate.
pub(super) async fn watched<F: Future>(exchange: F) -> (F::Output, Shown) {
    SHOWN
        .scope(Cell::default(), async {
            let output = exchange.await;
            (output, SHOWN.with(Cell::get))
        })
        .await
}

/// Wraps the certificate resolver, to record requests.
pub(super) fn watching(mut config: ClientConfig) -> ClientConfig {
    let inner = Arc::clone(&config.client_auth_cert_resolver);
    config.client_auth_cert_resolver = Arc::new(Watching(inner));
    config
}

#[derive(Debug)]
struct Watching(Arc<dyn ResolvesClientCert>);

impl ResolvesClientCert for Watching {
    fn resolve(
        &self,
        root_hint_subjects: &[&[u8]],
        sigschemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        let found = self.0.resolve(root_hint_subjects, sigschemes);
        let shown = if found.is_some() { Shown::Certificate } else { Shown::Nothing };
        // Outside an exchange the result is not needed.
        let _ = SHOWN.try_with(|cell| cell.set(shown));
        found
    }

    fn only_raw_public_keys(&self) -> bool {
        self.0.only_raw_public_keys()
    }

    fn has_certs(&self) -> bool {
        self.0.has_certs()
    }
}
