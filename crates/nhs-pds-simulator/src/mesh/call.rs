use http::Method;
use url::form_urlencoded;

/// A kind of call to MESH.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum MeshCall {
    /// Every call.
    Any,
    /// `POST /{mailbox}`
    Handshake,
    /// `GET /{mailbox}/inbox` and `GET /{mailbox}/count`
    List,
    /// `GET /{mailbox}/inbox/{message}`, with or without the number of a chunk
    Download,
    /// `PUT /{mailbox}/inbox/{message}/status/acknowledged`
    Acknowledge,
    /// `POST /{mailbox}/outbox`: the first chunk of a message
    Send,
    /// `POST /{mailbox}/outbox/{message}/{chunk}`
    SendChunk,
    /// `GET /{mailbox}/outbox/tracking`, by message or by local identifier
    Track,
}

/// A call, with its parts.
pub(super) enum Route {
    Handshake,
    Inbox,
    Count,
    /// The head of a message alone, if `head`.
    Download {
        message: String,
        chunk: usize,
        head: bool,
    },
    Acknowledge(String),
    Send,
    SendChunk {
        message: String,
        chunk: usize,
    },
    Track,
    TrackLocal(String),
}

impl Route {
    /// The mailbox of a path, and the call.
    pub(super) fn of(method: &Method, path: &str) -> Option<(String, Self)> {
        let path = path.strip_prefix("/messageexchange/")?;
        let mut parts = path.split('/').map(decoded);
        let mailbox = parts.next()?.to_uppercase();
        let parts: Vec<String> = parts.collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let is_get = method == Method::GET;
        let route = match parts.as_slice() {
            [] if is_get || method == Method::POST => Self::Handshake,
            ["inbox"] if is_get => Self::Inbox,
            ["count"] if is_get => Self::Count,
            ["inbox", message] if is_get || method == Method::HEAD => Self::Download {
                message: (*message).to_owned(),
                chunk: 1,
                head: method == Method::HEAD,
            },
            ["inbox", message, chunk] if is_get => Self::Download {
                message: (*message).to_owned(),
                chunk: chunk.parse().ok()?,
                head: false,
            },
            ["inbox", message, "status", "acknowledged"] if method == Method::PUT => {
                Self::Acknowledge((*message).to_owned())
            }
            ["outbox"] if method == Method::POST => Self::Send,
            ["outbox", "tracking"] if is_get => Self::Track,
            ["outbox", "tracking", local] if is_get => Self::TrackLocal((*local).to_owned()),
            ["outbox", message, chunk] if method == Method::POST => {
                Self::SendChunk { message: (*message).to_owned(), chunk: chunk.parse().ok()? }
            }
            _ => return None,
        };
        Some((mailbox, route))
    }

    pub(super) const fn call(&self) -> MeshCall {
        match self {
            Self::Handshake => MeshCall::Handshake,
            Self::Inbox | Self::Count => MeshCall::List,
            Self::Download { .. } => MeshCall::Download,
            Self::Acknowledge(_) => MeshCall::Acknowledge,
            Self::Send => MeshCall::Send,
            Self::SendChunk { .. } => MeshCall::SendChunk,
            Self::Track | Self::TrackLocal(_) => MeshCall::Track,
        }
    }
}

/// A part of a path, without its escapes.
fn decoded(part: &str) -> String {
    let escaped = part.replace('+', "%2B");
    form_urlencoded::parse(escaped.as_bytes())
        .next()
        .map(|(text, _)| text.into())
        .unwrap_or_default()
}
