//! The same causes from a server that does not use rustls: OpenSSL, through Python.
//!
//! Servers differ in the alerts that they send and in how they end a connection. Passed over where
//! there is no `python3`.

use crate::http::authority::{Authority, Issued};
use crate::http::server::{HOST, showing};
use crate::http::{AUTHORITY, request, transport};
use nhs_pds::transport::http::HttpTransport;
use nhs_pds::transport::{ErrorKind, Transport};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// Listens, prints its address, and responds until it is ended.
const SERVER: &str = r#"
import socket, ssl, sys
lowest, highest, folder, demand = sys.argv[1:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
# What OpenSSL itself would no longer do.
context.set_ciphers("ALL:@SECLEVEL=0")
context.minimum_version = ssl.TLSVersion[lowest]
context.maximum_version = ssl.TLSVersion[highest]
context.load_cert_chain(folder + "/server.pem", folder + "/server.key")
if demand == "demand":
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(folder + "/roots.pem")
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
while True:
    tcp, _ = listener.accept()
    try:
        with context.wrap_socket(tcp, server_side=True) as tls:
            tls.recv(65536)
            tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\npong")
    except OSError:
        tcp.close()
"#;

/// A process that ends with the test.
struct OpenSsl {
    process: Child,
    origin: String,
    _folder: TempDir,
}

impl Drop for OpenSsl {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[expect(clippy::print_stderr, reason = "says what it passes over")]
fn serving(versions: (&str, &str), certificate: &Issued, demanding: bool) -> Option<OpenSsl> {
    let folder = tempfile::tempdir().unwrap();
    let write = |name, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("server.pem", &certificate.certificate);
    write("server.key", &certificate.key);
    write("roots.pem", &AUTHORITY.pem());
    let process = Command::new("python3")
        .args(["-W", "ignore", "-c", SERVER, versions.0, versions.1])
        .arg(folder.path())
        .arg(if demanding { "demand" } else { "take-all-comers" })
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut process) = process else {
        eprintln!("passed over: there is no python3");
        return None;
    };
    let mut port = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut port).unwrap();
    let server =
        OpenSsl { process, origin: format!("https://{HOST}:{}", port.trim()), _folder: folder };
    if port.is_empty() {
        eprintln!("passed over: this OpenSSL will not serve {versions:?}");
        return None;
    }
    Some(server)
}

async fn meets(transport: &HttpTransport, server: &OpenSsl) -> Result<(), ErrorKind> {
    let result = transport.send(request(&server.origin)).await;
    result.map(drop).map_err(|error| error.kind())
}

#[tokio::test]
async fn older_versions_than_tls_1_2_are_refused() {
    for version in ["TLSv1", "TLSv1_1"] {
        let certificate = AUTHORITY.issue(HOST);
        let Some(server) = serving((version, version), &certificate, false) else { return };
        assert_eq!(meets(&transport(), &server).await, Err(ErrorKind::TlsVersion), "{version}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_the_server() {
    for version in ["TLSv1_2", "TLSv1_3"] {
        let expired = AUTHORITY.issue_valid(HOST, (2020, 1, 1), (2021, 1, 1));
        let stranger = Authority::new("Another authority").issue(HOST);
        for (certificate, expected) in [
            (AUTHORITY.issue(HOST), Ok(())),
            (expired, Err(ErrorKind::ServerCertificateExpired)),
            (stranger, Err(ErrorKind::ServerCertificateUnknown)),
            (AUTHORITY.issue("smsp.example"), Err(ErrorKind::ServerName)),
        ] {
            let Some(server) = serving((version, version), &certificate, false) else { return };
            assert_eq!(meets(&transport(), &server).await, expected, "{version}");
        }
    }
}

/// OpenSSL closes the connection at once after a refusal. Later bytes get a reset, which may arrive before
/// the reason with TLS 1.3.
#[tokio::test]
async fn what_is_wrong_with_the_client() {
    let expired = AUTHORITY.issue_valid("endpoint.example", (2020, 1, 1), (2021, 1, 1));
    let stranger = Authority::new("Another authority").issue("endpoint.example");
    for version in ["TLSv1_2", "TLSv1_3"] {
        let certificate = AUTHORITY.issue(HOST);
        let Some(server) = serving((version, version), &certificate, true) else { return };
        let good = showing(&AUTHORITY.issue("endpoint.example"));
        assert_eq!(meets(&good, &server).await, Ok(()), "{version}");
        for (transport, kind) in [
            (transport(), ErrorKind::ClientCertificateRequired),
            (showing(&expired), ErrorKind::ClientCertificateExpired),
            (showing(&stranger), ErrorKind::ClientCertificateRefused),
        ] {
            let found = meets(&transport, &server).await.unwrap_err();
            let overtaken = version == "TLSv1_3" && found == ErrorKind::Interrupted;
            assert!(found == kind || overtaken, "{version}: {found:?} instead of {kind:?}");
        }
    }
}
