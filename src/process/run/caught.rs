use crate::trace::{Error, ErrorKind};
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

/// The work panicked, which is a defect.
pub(in crate::process) struct Panicked;

/// Does `work`. A panic in it ends it, and not the caller.
pub(in crate::process) async fn caught<T>(work: impl Future<Output = T>) -> Result<T, Panicked> {
    let mut work = pin!(work);
    poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context)));
        polled.map_or_else(|_| Poll::Ready(Err(Panicked)), |polled| polled.map(Ok))
    })
    .await
}

/// The error of a question whose tracer panicked: it is reported like an unreadable response.
pub(in crate::process) fn defect() -> Error {
    Error::new(ErrorKind::Unreadable).with_source("the tracer panicked")
}
