//! Remembers whether the server asked for a client certificate, and whether it was shown one.
//!
//! What a server means by breaking off a handshake depends on it: before TLS 1.3 there is no word
//! for "you have shown no certificate", and `handshake_failure` is said of ciphers too.

use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, SignatureScheme};
use std::cell::Cell;
use std::sync::Arc;

/// What happened to the client certificate in one exchange.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Shown {
    /// The server did not ask, or the exchange went over a connection that was there before.
    #[default]
    NotAsked,
    /// The server asked and was shown none.
    Nothing,
    /// The server asked and was shown one.
    Certificate,
}

tokio::task_local! {
    // reqwest performs the handshake within the call that fails because of it.
    static SHOWN: Cell<Shown>;
}

/// Performs `exchange`, and says what happened to the client certificate.
pub(super) async fn watched<F: Future>(exchange: F) -> (F::Output, Shown) {
    SHOWN
        .scope(Cell::default(), async {
            let output = exchange.await;
            (output, SHOWN.with(Cell::get))
        })
        .await
}

/// The same configuration, which notes what it is asked for.
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
        // Outside an exchange nobody wants to know.
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
