//! HTTPS with mutual TLS.
