//! Waits for one of two things.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

/// Runs `work`, and `beside` until `work` ends. `beside` must not end before.
pub(super) async fn beside<T>(
    work: impl Future<Output = T>,
    beside: impl Future<Output = ()>,
) -> T {
    let (mut work, mut beside) = (pin!(work), pin!(beside));
    poll_fn(|context| {
        let done = work.as_mut().poll(context);
        if done.is_pending() {
            let _goes_on = beside.as_mut().poll(context);
        }
        done
    })
    .await
}

/// The result of `work`, unless `shutdown` completes before.
pub(super) async fn until<T>(
    mut shutdown: Pin<&mut (impl Future<Output = ()> + Send)>,
    work: impl Future<Output = T>,
) -> Option<T> {
    let mut work = pin!(work);
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => shutdown.as_mut().poll(context).map(|()| None),
    })
    .await
}
