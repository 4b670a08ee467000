//! What the worker reports to systemd (`sd_notify`), if systemd started it.

use std::time::Duration;

/// How often the worker looks at itself, unless a watchdog needs it more often.
const TURN: Duration = Duration::from_secs(1);

/// The connection to systemd, or nothing.
#[derive(Debug)]
pub(super) struct Manager {
    is_there: bool,
    watchdog: Option<Duration>,
    /// What was reported last.
    status: String,
    is_ready: bool,
}

impl Manager {
    /// The manager of the environment variable `NOTIFY_SOCKET`.
    pub(super) fn of_environment() -> Self {
        let is_there = std::env::var_os("NOTIFY_SOCKET").is_some();
        Self { is_there, watchdog: watchdog(), status: String::new(), is_ready: false }
    }

    /// How often the worker looks at itself: several times before the watchdog loses its patience.
    pub(super) fn turn(&self) -> Duration {
        self.watchdog.map_or(TURN, |patience| TURN.min(patience / 4)).max(Duration::from_millis(10))
    }

    /// Reports a turn: whether the database is open, what the worker does, and, while it makes progress, that to the
    /// watchdog.
    pub(super) fn turned(&mut self, is_ready: bool, is_healthy: bool, status: String) {
        let mut said = Vec::new();
        if is_ready && !self.is_ready {
            self.is_ready = true;
            said.push("READY=1".to_owned());
        }
        if status != self.status {
            said.push(format!("STATUS={status}"));
            self.status = status;
        }
        if is_healthy && self.watchdog.is_some() {
            said.push("WATCHDOG=1".to_owned());
        }
        self.say(&said);
    }

    /// Reports that the worker was asked to stop.
    pub(super) fn stopping(&self) {
        self.say(&["STOPPING=1".to_owned()]);
    }

    #[cfg(unix)]
    fn say(&self, said: &[String]) {
        use sd_notify::NotifyState;
        if self.is_there && !said.is_empty() {
            let said: Vec<_> = said.iter().map(|line| NotifyState::Custom(line)).collect();
            // Without a manager that listens, there is nothing else to do: it notices the silence.
            let _ = sd_notify::notify(&said);
        }
    }

    #[cfg(not(unix))]
    fn say(&self, _: &[String]) {}
}

#[cfg(unix)]
fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled()
}

#[cfg(not(unix))]
const fn watchdog() -> Option<Duration> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watchdog_is_served_several_times_before_its_patience_ends() {
        let manager = |watchdog| Manager {
            is_there: false,
            watchdog,
            status: String::new(),
            is_ready: false,
        };
        assert_eq!(manager(None).turn(), TURN);
        assert_eq!(manager(Some(Duration::from_secs(60))).turn(), TURN);
        assert_eq!(manager(Some(Duration::from_secs(2))).turn(), Duration::from_millis(500));
        assert_eq!(manager(Some(Duration::ZERO)).turn(), Duration::from_millis(10));
    }
}
