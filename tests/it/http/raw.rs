//! Servers that do what no HTTP library would.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;

/// What the server does when it has written its answer.
#[derive(Clone, Copy)]
pub(crate) enum Then {
    /// Says that there is no more.
    Close,
    /// Says nothing, and keeps the connection.
    Hold,
}

/// Lets `handle` have the first connection.
pub(crate) fn serve(handle: impl FnOnce(TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || handle(listener.accept().unwrap().0));
    address
}

/// Reads something, answers these bytes, and hands over what it read.
pub(crate) fn answer(bytes: &'static str, then: Then) -> (SocketAddr, mpsc::Receiver<String>) {
    let (sender, receiver) = mpsc::channel();
    let address = serve(move |mut stream| {
        let mut read = [0; 4096];
        let count = stream.read(&mut read).unwrap();
        // A test that does not want to know has dropped the receiver.
        let _ = sender.send(read.iter().take(count).map(|&byte| char::from(byte)).collect());
        stream.write_all(bytes.as_bytes()).unwrap();
        if matches!(then, Then::Close) {
            stream.shutdown(Shutdown::Write).unwrap();
        }
        drain(&mut stream);
    });
    (address, receiver)
}

/// Reads something of a request. What is written before that is an answer to nothing.
pub(crate) fn hear(stream: &mut TcpStream) {
    assert!(stream.read(&mut [0; 4096]).is_ok());
}

/// Reads until the other side closes. Closing with something unread would reset the connection, and
/// the answer might be lost.
pub(crate) fn drain(stream: &mut TcpStream) {
    let mut read = [0; 4096];
    while stream.read(&mut read).is_ok_and(|count| count > 0) {}
}

/// An address where nobody listens.
pub(crate) fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}
