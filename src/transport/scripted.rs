use crate::transport::{Error, Request, Response, Transport};
use async_trait::async_trait;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A transport that gives prepared answers in order and keeps what it was sent.
///
/// It fails the test in which it stands: by a panic when it is sent more than it has answers for, and
/// when it is dropped before all answers were used.
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
    /// Will answer with `answers`, in order.
    #[must_use]
    pub fn new(answers: impl IntoIterator<Item = Result<Response, Error>>) -> Self {
        Self(Mutex::new(Script { answers: answers.into_iter().collect(), sent: Vec::new() }))
    }

    /// What was sent so far, in order.
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
    /// When the answers are used up.
    async fn send(&self, request: Request) -> Result<Response, Error> {
        let mut script = self.script();
        script.sent.push(request);
        let count = script.sent.len();
        let answer = script.answers.pop_front();
        drop(script);
        answer
            .unwrap_or_else(|| panic!("request {count} was sent, but no answer is scripted for it"))
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        let left = self.script().answers.len();
        if left > 0 && !std::thread::panicking() {
            panic!("{left} scripted answers were never asked for");
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
    #[should_panic(expected = "1 scripted answers were never asked for")]
    fn unused_answers_fail_the_test() {
        drop(Scripted::new([pong()]));
    }

    #[tokio::test]
    #[should_panic(expected = "request 1 was sent, but no answer is scripted for it")]
    async fn unscripted_requests_fail_the_test() {
        let request = Request::post("https://smsp.example/".parse().unwrap(), "ping".into());
        let _ = Scripted::new([]).send(request).await;
    }
}
