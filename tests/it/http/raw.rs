//! Servers that break the rules of HTTP.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;

/// What the server does after its response.
#[derive(Clone, Copy)]
pub(crate) enum Then {
    /// Closes the connection.
    Close,
    /// Sends nothing more, and keeps the connection open.
    Hold,
}

/// Passes the first connection to `handle`.
pub(crate) fn serve(handle: impl FnOnce(TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || handle(listener.accept().unwrap().0));
    address
}

/// Reads some bytes, responds with `bytes`, and returns what it read.
pub(crate) fn answer(bytes: &'static str, then: Then) -> (SocketAddr, mpsc::Receiver<String>) {
    let (sender, receiver) = mpsc::channel();
    let address = serve(move |mut stream| {
        let mut read = [0; 4096];
        let count = stream.read(&mut read).unwrap();
        // A test that does not need the request has dropped the receiver.
        let _ = sender.send(read.iter().take(count).map(|&byte| char::from(byte)).collect());
        stream.write_all(bytes.as_bytes()).unwrap();
        if matches!(then, Then::Close) {
            stream.shutdown(Shutdown::Write).unwrap();
        }
        drain(&mut stream);
    });
    (address, receiver)
}

/// Reads part of a request. Bytes that are written earlier are not a response.
pub(crate) fn hear(stream: &mut TcpStream) {
    assert!(stream.read(&mut [0; 4096]).is_ok());
}

/// Reads until the client closes. Closing with unread bytes would reset the connection and could lose the
/// response.
pub(crate) fn drain(stream: &mut TcpStream) {
    let mut read = [0; 4096];
    while stream.read(&mut read).is_ok_and(|count| count > 0) {}
}

/// An address at which no program listens, as long as the tests last.
pub(crate) fn closed_port() -> SocketAddr {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    // While the socket exists, no other program gets the port.
    std::mem::forget(socket);
    address
}
