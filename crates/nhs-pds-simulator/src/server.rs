use super::Simulator;
use super::exchange::Exchange;
use super::fhir_api::{BASE, Face, TOKEN, face};
use super::received::{Received, called};
use bytes::Bytes;
use http::StatusCode;
use http::uri::PathAndQuery;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use nhs_pds::secret::RawBody;
use nhs_pds::transport::Response;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

/// The path of the Spine Mini Service.
const PATH: &str = "/smsp/pds";

/// The largest accepted request, in bytes. Real requests have about three thousand.
const LARGEST: usize = 1 << 20;

/// A [`Simulator`] behind HTTP/1.1, on a free port of this machine. It stops when it is dropped.
///
/// ```
/// use nhs_pds_simulator::{Register, Server, Simulator};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let server = Server::start(Simulator::new(Register::from_seed(1, 100))).await?;
/// assert!(server.url().starts_with("http://127.0.0.1:"));
/// assert!(server.url().ends_with("/smsp/pds"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    accepting: AbortHandle,
}

impl Server {
    /// Starts to listen, on the current tokio runtime.
    ///
    /// # Errors
    ///
    /// When the machine has no free port.
    pub async fn start(simulator: Simulator) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let serve = move |stream| serve(stream, simulator.clone());
        let accepting = tokio::spawn(accept(listener, serve)).abort_handle();
        Ok(Self { address, accepting })
    }

    /// The address of the Spine Mini Service.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}{PATH}", self.address)
    }

    /// The base address of the FHIR API, which `/Patient` follows.
    #[must_use]
    pub fn fhir_url(&self) -> String {
        format!("http://{}{BASE}", self.address)
    }

    /// The address of the FHIR API's token endpoint.
    #[must_use]
    pub fn token_url(&self) -> String {
        format!("http://{}{TOKEN}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The task owns the connections, so they end with it.
        self.accepting.abort();
    }
}

/// Serves every connection, until the task is aborted.
pub(super) async fn accept<F>(listener: TcpListener, serve: impl Fn(TcpStream) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve(stream));
                }
                // Usually the process has no free file descriptors. Other connections must close theirs
                // first.
                Err(_) => tokio::task::yield_now().await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, simulator: Simulator) {
    let service = service_fn(|request| respond(&simulator, request));
    // A broken connection is an error for the client only.
    let _broken = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn respond(
    simulator: &Simulator,
    request: http::Request<Incoming>,
) -> Result<http::Response<Reply>, Cut> {
    let (head, body) = request.into_parts();
    let is_elsewhere = head.uri.path() != PATH && matches!(face(head.uri.path()), Face::Other);
    let path = head.uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let Some(url) = called(&head.headers, path).filter(|_| !is_elsewhere) else {
        return Ok(empty(StatusCode::NOT_FOUND));
    };
    let Ok(body) = Limited::new(body, LARGEST).collect().await else {
        return Ok(empty(StatusCode::PAYLOAD_TOO_LARGE));
    };
    let body = RawBody::from(body.to_bytes());
    let request = Received::new(head.method, url, head.headers, body);
    match simulator.exchange(&request).await {
        Exchange::Whole(response) => Ok(assemble(response, Reply::Whole)),
        Exchange::HalfWay(response) => Ok(assemble(response, Reply::HalfWay)),
        // hyper closes a connection whose service fails, without a response.
        Exchange::Cut => Err(Cut),
    }
}

fn assemble(response: Response, reply: impl FnOnce(Bytes) -> Reply) -> http::Response<Reply> {
    let mut assembled = http::Response::new(reply(response.body().expose().clone()));
    *assembled.status_mut() = response.status();
    *assembled.headers_mut() = response.headers().clone();
    assembled
}

fn empty(status: StatusCode) -> http::Response<Reply> {
    assemble(Response::new(status, RawBody::default()), Reply::Whole)
}

/// A body that may break off.
enum Reply {
    Whole(Bytes),
    /// Half of these bytes are still to be sent.
    HalfWay(Bytes),
    /// hyper has the first half, and must write it to the connection.
    Flushing {
        missing: usize,
    },
    /// The body ends here, and the client can see that it is incomplete.
    Broken {
        missing: usize,
    },
}

impl Body for Reply {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        match &mut *self {
            Self::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::HalfWay(bytes) => {
                let missing = bytes.len().div_ceil(2);
                let half = bytes.split_to(bytes.len() - missing);
                *self = Self::Flushing { missing };
                Poll::Ready(Some(Ok(Frame::data(half))))
            }
            Self::Flushing { missing } => {
                *self = Self::Broken { missing: *missing };
                // hyper writes out its buffer when a body is pending.
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Self::Broken { .. } => Poll::Ready(Some(Err(Cut))),
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match self {
            Self::Whole(bytes) | Self::HalfWay(bytes) => bytes.len() as u64,
            Self::Flushing { missing } | Self::Broken { missing } => *missing as u64,
        })
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(bytes) if bytes.is_empty())
    }
}

/// The connection must close.
#[derive(Debug, thiserror::Error)]
#[error("closed by a chosen fault")]
struct Cut;
