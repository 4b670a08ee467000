//! How a command is asked to stop: Ctrl-C, or SIGTERM from a service manager.

use crate::console::warn;
use std::io;
use tokio::sync::watch;

/// Whether the command is asked to stop. Clones show the same.
#[derive(Clone, Debug)]
pub(crate) struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Listens for the signals from now on. The first asks the command to stop. A second one ends the process at
    /// once, with exit code 1.
    pub(crate) fn on_signals(command: &'static str) -> io::Result<Self> {
        let mut signals = Signals::new()?;
        let (ask, asked) = watch::channel(false);
        tokio::spawn(async move {
            signals.next().await;
            warn(format!(
                "{command}: stopping: it waits for the answers to open questions; a second signal ends it at once"
            ));
            ask.send_replace(true);
            signals.next().await;
            warn(format!("{command}: ended at once: its cases are free when their leases expire"));
            std::process::exit(1);
        });
        Ok(Self(asked))
    }

    pub(crate) fn is_asked(&self) -> bool {
        *self.0.borrow()
    }

    /// Ends when the command is asked to stop.
    pub(crate) async fn wait(&self) {
        let mut asked = self.0.clone();
        if asked.wait_for(|asked| *asked).await.is_err() {
            // Without its sender no signal arrives any more.
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Self { interrupt, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
