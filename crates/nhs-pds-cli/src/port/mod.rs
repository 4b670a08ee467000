//! How the worker shows that it works: a local port with health, readiness and metrics, and reports to systemd.

mod board;
mod http;
mod metrics;
mod probe;
mod systemd;

use crate::console::Failed;
use crate::stop::Stop;
use board::Board;
pub(crate) use board::{Phase, Seen};
use metrics_exporter_prometheus::PrometheusHandle;
pub(crate) use probe::Probe;
use probe::Probes;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use systemd::Manager;
use tokio::runtime::Handle;
use tokio::time::Instant;
use tokio::time::{MissedTickBehavior, interval};

/// How often the recorder of metrics cleans up.
const UPKEEP: Duration = Duration::from_secs(5);

/// The options of a command with a local port.
#[derive(clap::Args)]
pub(crate) struct Listen {
    /// Serve `/health`, `/ready` and `/metrics` over HTTP at this address of this machine, such as `127.0.0.1:9464`.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Accept an address for `--listen` that other machines can reach. They need no password, and the answers name
    /// tenants and causes of failures.
    #[arg(long, requires = "listen")]
    listen_anywhere: bool,
}

/// Shows the processes of the worker.
type Look = Arc<dyn Fn() -> Vec<Seen> + Send + Sync>;

/// The local port and the connection to systemd. Both are optional.
pub(crate) struct Port {
    board: Arc<Board>,
    probe: Arc<OnceLock<Arc<dyn Probe>>>,
    look: Arc<OnceLock<Look>>,
}

impl Port {
    /// Opens the port, and begins to report. Call it before the database is opened, so that a wrong address changes
    /// nothing.
    pub(crate) fn open(listen: &Listen, stop: &Stop) -> Result<Self, Failed> {
        let board = Arc::new(Board::new(Phase::Starting("opening the database"), Instant::now()));
        let port = Self { board, probe: Arc::default(), look: Arc::default() };
        let mut upkeep = None;
        if let Some(address) = listen.listen {
            let listener = listen.bind(address)?;
            let at = listener.local_addr()?;
            let metrics = metrics::install()?;
            upkeep = Some(metrics.clone());
            let probes = Probes::new(Arc::clone(&port.probe), Handle::current());
            let board = Arc::clone(&port.board);
            http::serve(listener, http::Answers { board, probes, metrics })?;
            crate::console::warn(format!("worker: health, readiness and metrics: http://{at}"));
        }
        tokio::spawn(port.turns(stop.clone(), upkeep));
        Ok(port)
    }

    /// The database is open: systemd learns that the worker is ready, and `/ready` asks the database.
    pub(crate) fn opened(&self, probe: Arc<dyn Probe>) {
        // The database is opened once.
        let _ = self.probe.set(probe);
    }

    /// What the worker does now.
    pub(crate) fn set(&self, phase: Phase) {
        self.board.set(phase);
    }

    /// The worker works. Its processes are those that `look` shows.
    pub(crate) fn works(&self, look: impl Fn() -> Vec<Seen> + Send + Sync + 'static) {
        let _ = self.look.set(Arc::new(look));
        self.board.set(Phase::Working);
    }

    /// Looks at the worker again and again on its event loop.
    fn turns(
        &self,
        stop: Stop,
        upkeep: Option<PrometheusHandle>,
    ) -> impl Future<Output = ()> + Send + use<> {
        let Self { board, probe, look } = self;
        let (board, probe, look) = (Arc::clone(board), Arc::clone(probe), Arc::clone(look));
        async move {
            let mut manager = Manager::of_environment();
            let mut turns = interval(manager.turn());
            turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut cleaned = Instant::now();
            let mut is_stopping = false;
            loop {
                tokio::select! {
                    _ = turns.tick() => {}
                    () = stop.wait(), if !is_stopping => {
                        is_stopping = true;
                        board.set(Phase::Stopping);
                        manager.stopping();
                    }
                }
                let now = Instant::now();
                board.beat(now, look.get().map(|look| look()).unwrap_or_default());
                let shown = board.shown();
                if upkeep.is_some() {
                    metrics::record(&shown.processes);
                }
                manager.turned(probe.get().is_some(), shown.goes_on(now), shown.summary(now));
                if let Some(metrics) = &upkeep
                    && now.duration_since(cleaned) >= UPKEEP
                {
                    metrics.run_upkeep();
                    cleaned = now;
                }
            }
        }
    }
}

impl Listen {
    /// The port, if the options name one.
    pub(crate) fn port(&self) -> Option<u16> {
        self.listen.map(|address| address.port()).filter(|port| *port != 0)
    }

    fn bind(&self, address: SocketAddr) -> Result<TcpListener, Failed> {
        if !address.ip().is_loopback() && !self.listen_anywhere {
            return Err(format!(
                "--listen {address}: other machines could read the names of tenants and the causes of failures \
                 without a password: listen on 127.0.0.1, or add --listen-anywhere"
            )
            .into());
        }
        TcpListener::bind(address).map_err(|error| {
            let why = match error.kind() {
                std::io::ErrorKind::AddrInUse => {
                    "another program listens there: stop it, or choose another port".to_owned()
                }
                _ => crate::console::because(&error),
            };
            format!("--listen {address}: {why}").into()
        })
    }
}
