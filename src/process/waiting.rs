//! Waits for one of two things, and waits after failures.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

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

/// `future`, which may be polled again after its end.
pub(super) fn fused(
    mut future: Pin<&mut (impl Future<Output = ()> + Send)>,
) -> impl Future<Output = ()> + Send {
    let mut has_ended = false;
    poll_fn(move |context| {
        has_ended = has_ended || future.as_mut().poll(context).is_ready();
        if has_ended { Poll::Ready(()) } else { Poll::Pending }
    })
}

/// How long to wait after `before` failures and one more: `first`, then twice as long each time, at most
/// `longest`. Up to a quarter less by `random`, which is any number: what failed together must not return
/// together.
pub(super) fn backoff(first: Duration, longest: Duration, before: u32, random: u64) -> Duration {
    let wait = first.saturating_mul(2_u32.saturating_pow(before.min(16))).min(longest);
    let quarter = u64::try_from(wait.as_millis() / 4).unwrap_or_default();
    wait.saturating_sub(Duration::from_millis(random % (quarter + 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_limit_and_differ_by_a_quarter() {
        let second = Duration::from_secs(1);
        let waits =
            [0, 1, 2, 3, 4, u32::MAX].map(|before| backoff(5 * second, 60 * second, before, 0));
        assert_eq!(waits, [5, 10, 20, 40, 60, 60].map(|seconds| second * seconds));
        for random in (0..9_999).chain([u64::MAX]) {
            let wait = backoff(second, 8 * second, 9, random);
            assert!(6 * second <= wait && wait <= 8 * second, "{wait:?}");
        }
    }
}
