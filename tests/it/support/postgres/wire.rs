//! The way to a database, which a test may cut at a commit.

use super::{APPLICATION, Database};
use std::fs;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use tempfile::TempDir;
use url::Url;

/// The message with which a client commits.
const COMMIT: &[u8] = b"Q\x00\x00\x00\x0bCOMMIT\x00";

/// Where a connection is lost.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Cut {
    /// The server does not receive the commit, and rolls back.
    BeforeCommit,
    /// The server commits, and the client does not hear of it.
    AfterCommit,
}

/// A socket in front of a database. Every connection goes through it.
#[derive(Debug)]
pub(crate) struct Wire {
    folder: TempDir,
    url: Url,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    server: Address,
    next: Mutex<Option<Cut>>,
    cuts: AtomicUsize,
    closed: AtomicBool,
}

#[derive(Clone, Debug)]
enum Address {
    Tcp(String, u16),
    Unix(PathBuf),
}

enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Wire {
    pub(crate) fn to(database: &Database) -> Self {
        let direct = database.cluster.url(Some(APPLICATION), &database.name);
        let host = direct.host_str().unwrap().replace("%2F", "/").replace("%2f", "/");
        let port = direct.port().unwrap_or(5432);
        let is_socket = host.starts_with('/');
        let server = if is_socket {
            Address::Unix(PathBuf::from(host).join(format!(".s.PGSQL.{port}")))
        } else {
            Address::Tcp(host, port)
        };
        let folder = tempfile::Builder::new().prefix("nhs-pds-wire-").tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join(".s.PGSQL.5432")).unwrap();
        let mut url = direct;
        let place = folder.path().to_str().unwrap().replace('/', "%2F");
        url.set_host(Some(&place)).unwrap();
        url.set_port(None).unwrap();
        let (cuts, closed) = (AtomicUsize::new(0), AtomicBool::new(false));
        let shared = Arc::new(Shared { server, next: Mutex::new(None), cuts, closed });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if accepting.closed.load(Ordering::SeqCst) {
                    break;
                }
                // A server that does not listen is a closed connection.
                let _lost = join(client, &accepting);
            }
        });
        Self { folder, url, shared }
    }

    /// The URL of the application's role, over this socket.
    pub(crate) fn application(&self) -> String {
        self.url.to_string()
    }

    /// Loses the connection that commits next.
    pub(crate) fn cut_next(&self, cut: Cut) {
        *self.shared.next.lock().unwrap() = Some(cut);
    }

    /// How many connections were lost at a commit.
    pub(crate) fn cuts(&self) -> usize {
        self.shared.cuts.load(Ordering::SeqCst)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts connections.
        let _woken = UnixStream::connect(self.folder.path().join(".s.PGSQL.5432"));
        let _removed = fs::remove_file(self.folder.path().join(".s.PGSQL.5432"));
    }
}

/// Copies bytes in both directions.
fn join(client: UnixStream, shared: &Arc<Shared>) -> io::Result<()> {
    let client = Stream::Unix(client);
    let server = match &shared.server {
        Address::Tcp(host, port) => Stream::Tcp(TcpStream::connect((host.as_str(), *port))?),
        Address::Unix(path) => Stream::Unix(UnixStream::connect(path)?),
    };
    let committed = Arc::new(AtomicBool::new(false));
    let (to_client, from_server) = (client.again()?, server.again()?);
    let (cut, at) = (Arc::clone(shared), Arc::clone(&committed));
    thread::spawn(move || {
        let mut last = Vec::new();
        copy(client, server, |bytes| {
            last.extend_from_slice(bytes);
            let commits = last.windows(COMMIT.len()).any(|window| window == COMMIT);
            last.drain(..last.len().saturating_sub(COMMIT.len() - 1));
            match commits.then(|| cut.next.lock().unwrap().take()).flatten() {
                Some(Cut::BeforeCommit) => {
                    cut.cuts.fetch_add(1, Ordering::SeqCst);
                    false
                }
                Some(Cut::AfterCommit) => {
                    at.store(true, Ordering::SeqCst);
                    true
                }
                None => true,
            }
        });
    });
    let cut = Arc::clone(shared);
    thread::spawn(move || {
        copy(from_server, to_client, |_| {
            let is_lost = committed.load(Ordering::SeqCst);
            cut.cuts.fetch_add(usize::from(is_lost), Ordering::SeqCst);
            !is_lost
        });
    });
    Ok(())
}

/// Copies bytes until either end closes or `may_pass` is false. Then both ends are closed.
fn copy(mut from: Stream, mut to: Stream, mut may_pass: impl FnMut(&[u8]) -> bool) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let bytes = buffer.get(..count).unwrap_or_default();
        if !may_pass(bytes) || to.write_all(bytes).is_err() {
            break;
        }
    }
    from.close();
    to.close();
}

impl Stream {
    fn again(&self) -> io::Result<Self> {
        match self {
            Self::Tcp(stream) => stream.try_clone().map(Self::Tcp),
            Self::Unix(stream) => stream.try_clone().map(Self::Unix),
        }
    }

    fn close(&self) {
        let _closed = match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Both),
            Self::Unix(stream) => stream.shutdown(Shutdown::Both),
        };
    }
}

impl Read for Stream {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(bytes),
            Self::Unix(stream) => stream.read(bytes),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.flush(),
            Self::Unix(stream) => stream.flush(),
        }
    }
}
