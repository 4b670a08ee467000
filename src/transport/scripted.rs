use crate::transport::Transport;
use crate::transport::error::Error;
use crate::transport::message::{Request, Response};
use async_trait::async_trait;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A transport that returns prepared responses in order and records what was sent.
///
/// It fails a test by a panic: when a request has no prepared response, and when it is dropped
/// before every response was used.
///
/// ```
/// use nhs_pds::transport::{Request, Response, Scripted, Transport};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let transport = Scripted::new([Ok(Response::new(http::StatusCode::OK, "pong".into()))]);
/// let request = Request::post("https://smsp.example/".parse()?, "ping".into());
/// assert_eq!(transport.send(request).await?.body().expose(), "pong");
/// assert_eq!(transport.sent()[0].body().expose(), "ping");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Scripted(Mutex<Script>);

#[derive(Debug)]
struct Script {
    answers: VecDeque<Result<Response, Error>>,
    sent: Vec<Request>,
}

impl Scripted {
    /// Creates a transport that returns `answers` in order.
    #[must_use]
    pub fn new(answers: impl IntoIterator<Item = Result<Response, Error>>) -> Self {
        Self(Mutex::new(Script { answers: answers.into_iter().collect(), sent: Vec::new() }))
    }

    /// Returns the requests sent so far, in order.
    #[must_use]
    pub fn sent(&self) -> Vec<Request> {
        self.script().sent.clone()
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Transport for Scripted {
    /// # Panics
    ///
    /// When no prepared response is left.
    async fn send(&self, request: Request) -> Result<Response, Error> {
        let mut script = self.script();
        script.sent.push(request);
        let count = script.sent.len();
        let answer = script.answers.pop_front();
        drop(script);
        answer
            .unwrap_or_else(|| panic!("request {count} was sent, but it has no scripted response"))
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        let left = self.script().answers.len();
        if left > 0 && !std::thread::panicking() {
            panic!("{left} scripted responses were not used");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::StatusCode;

    fn pong() -> Result<Response, Error> {
        Ok(Response::new(StatusCode::OK, "pong".into()))
    }

    #[test]
    #[should_panic(expected = "1 scripted responses were not used")]
    fn unused_responses_fail_the_test() {
        drop(Scripted::new([pong()]));
    }

    #[tokio::test]
    #[should_panic(expected = "request 1 was sent, but it has no scripted response")]
    async fn unscripted_requests_fail_the_test() {
        let request = Request::post("https://smsp.example/".parse().unwrap(), "ping".into());
        let _ = Scripted::new([]).send(request).await;
    }
}
