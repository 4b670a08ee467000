//! Helpers that tests of several files use.

#[cfg(feature = "sqlite")]
pub(crate) mod kept;
pub(crate) mod layer;
#[cfg(all(feature = "postgres", unix))]
pub(crate) mod postgres;
pub(crate) mod service;
#[cfg(feature = "smsp")]
pub(crate) mod services;

use nhs_pds::process::{Policy, Strategy};
use nhs_pds::trace::ScriptedTracer;
use std::sync::LazyLock;
use std::time::Duration;
use tracing::Dispatch;

/// The default policy with one question about each case, for tests about other things than matching.
pub(crate) fn one_question() -> Policy {
    let exact_only = ScriptedTracer::new([]);
    Policy::default().with_strategy(Strategy::exact(), &exact_only).unwrap()
}

/// Keeps two subscribers alive for as long as the tests run: call it before you listen. With fewer, the first use of a call site on
/// another thread caches the interest of that thread's subscriber, which does not exist. The call site
/// would then be silent on the thread that listens, too.
pub(crate) fn several_subscribers() {
    static KEPT: LazyLock<[Dispatch; 2]> = LazyLock::new(|| {
        let kept = [(); 2].map(|()| Dispatch::new(tracing_subscriber::registry()));
        // A first use that began before is over by then. The next subscriber corrects what it cached.
        std::thread::sleep(Duration::from_millis(100));
        kept
    });
    LazyLock::force(&KEPT);
}
