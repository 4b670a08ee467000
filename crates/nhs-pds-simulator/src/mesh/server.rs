use super::face::Mesh;
use crate::received::{Received, called};
use crate::server::accept;
use bytes::Bytes;
use http::StatusCode;
use http::uri::PathAndQuery;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use nhs_pds::secret::RawBody;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

/// The largest accepted chunk, in bytes: that of the live service.
const LARGEST: usize = 100_000_000;

/// A [`Mesh`] behind HTTP/1.1, on a free port of this machine. It stops when it is dropped.
///
/// ```
/// use nhs_pds_simulator::{Mesh, MeshServer};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let mesh = Mesh::new("TestKey").with_mailbox("X26ABC1", "password");
/// let server = MeshServer::start(mesh).await?;
/// assert!(server.url().starts_with("http://127.0.0.1:"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct MeshServer {
    address: SocketAddr,
    accepting: AbortHandle,
}

impl MeshServer {
    /// Starts to listen, on the current tokio runtime.
    ///
    /// # Errors
    ///
    /// When the machine has no free port.
    pub async fn start(mesh: Mesh) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let serve = move |stream| serve(stream, mesh.clone());
        let accepting = tokio::spawn(accept(listener, serve)).abort_handle();
        Ok(Self { address, accepting })
    }

    /// The address, which `/messageexchange` follows.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for MeshServer {
    fn drop(&mut self) {
        // The task owns the connections, so they end with it.
        self.accepting.abort();
    }
}

async fn serve(stream: TcpStream, mesh: Mesh) {
    let service = service_fn(|request| respond(&mesh, request));
    // A broken connection is an error for the client only.
    let _broken = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn respond(
    mesh: &Mesh,
    request: http::Request<Incoming>,
) -> Result<http::Response<Full<Bytes>>, Cut> {
    let (head, body) = request.into_parts();
    let path = head.uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let Some(url) = called(&head.headers, path) else { return Ok(empty(StatusCode::NOT_FOUND)) };
    let Ok(body) = Limited::new(body, LARGEST).collect().await else {
        return Ok(empty(StatusCode::PAYLOAD_TOO_LARGE));
    };
    let body = RawBody::from(body.to_bytes());
    let request = Received::new(head.method, url, head.headers, body);
    // hyper closes a connection whose service fails, without a response.
    let response = mesh.exchange(&request).ok_or(Cut)?;
    let mut assembled = http::Response::new(Full::new(response.body().expose().clone()));
    *assembled.status_mut() = response.status();
    *assembled.headers_mut() = response.headers().clone();
    Ok(assembled)
}

fn empty(status: StatusCode) -> http::Response<Full<Bytes>> {
    let mut response = http::Response::new(Full::default());
    *response.status_mut() = status;
    response
}

/// The connection must close.
#[derive(Debug, thiserror::Error)]
#[error("closed by a chosen fault")]
struct Cut;
