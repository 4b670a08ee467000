//! SQL from tests that may have no runtime, or one whose time is paused.

use std::error::Error as _;
use std::sync::mpsc;
use std::thread;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_postgres::{NoTls, SimpleQueryMessage};
use url::Url;

/// A statement, and where its result goes.
type Asked = (String, mpsc::Sender<Result<Vec<Vec<String>>, String>>);

/// A connection in a thread of its own. Its functions block.
#[derive(Debug)]
pub(crate) struct Sql {
    statements: Option<UnboundedSender<Asked>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Sql {
    /// Connects to a URL.
    pub(crate) fn connect(url: &Url) -> Self {
        Self::try_connect(url).unwrap_or_else(|error| panic!("{error}"))
    }

    pub(crate) fn try_connect(url: &Url) -> Result<Self, String> {
        let (statements, mut queue) = unbounded_channel::<Asked>();
        let (ready, opened) = mpsc::channel();
        let url = url.to_string();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                let (client, connection) = match tokio_postgres::connect(&url, NoTls).await {
                    Ok(connected) => connected,
                    Err(error) => return drop(ready.send(Err(told(&error)))),
                };
                let connection = tokio::spawn(connection);
                ready.send(Ok(())).unwrap();
                while let Some((statement, answer)) = queue.recv().await {
                    let result = client.simple_query(&statement).await;
                    let _gone = answer.send(result.map(rows).map_err(|error| told(&error)));
                }
                drop(client);
                let _closed = connection.await;
            });
        });
        let opened = opened.recv().map_err(|_| "the connection's thread ended".to_owned());
        let connected = Self { statements: Some(statements), thread: Some(thread) };
        opened?.map(|()| connected)
    }

    /// The rows of a statement as text. NULL is an empty text.
    pub(crate) fn try_rows(&self, statement: &str) -> Result<Vec<Vec<String>>, String> {
        let (answer, result) = mpsc::channel();
        let queue = self.statements.as_ref().unwrap();
        queue.send((statement.to_owned(), answer)).map_err(|_| "closed".to_owned())?;
        result.recv().map_err(|_| "closed".to_owned())?
    }

    pub(crate) fn rows(&self, statement: &str) -> Vec<Vec<String>> {
        self.try_rows(statement).unwrap_or_else(|error| panic!("{statement}: {error}"))
    }

    pub(crate) fn execute(&self, statement: &str) {
        self.rows(statement);
    }

    /// The first value of the first row.
    pub(crate) fn first(&self, statement: &str) -> String {
        let first = self.rows(statement).into_iter().flatten().next();
        first.unwrap_or_else(|| panic!("{statement}: no row"))
    }

    /// Runs statements one by one, over a connection of their own.
    pub(super) fn try_run(url: &Url, statements: &[String]) -> Result<(), String> {
        let sql = Self::try_connect(url)?;
        statements.iter().try_for_each(|statement| sql.try_rows(statement).map(drop))
    }

    pub(super) fn run(url: &Url, statements: &[String]) {
        Self::try_run(url, statements).unwrap_or_else(|error| panic!("{error}"));
    }

    pub(super) fn value(url: &Url, statement: &str) -> String {
        Self::connect(url).first(statement)
    }
}

impl Drop for Sql {
    /// Waits until the connection is closed, because a database in use can be neither renamed nor copied.
    fn drop(&mut self) {
        self.statements = None;
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

/// A text in SQL.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The server's SQLSTATE and message. The error's own text does not have them.
fn told(error: &tokio_postgres::Error) -> String {
    if let Some(error) = error.as_db_error() {
        return format!("{} {}", error.code().code(), error.message());
    }
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}

fn rows(messages: Vec<SimpleQueryMessage>) -> Vec<Vec<String>> {
    let rows = messages.into_iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    let text = |row: &tokio_postgres::SimpleQueryRow, at| row.get(at).unwrap_or("").to_owned();
    rows.map(|row| (0..row.len()).map(|at| text(&row, at)).collect()).collect()
}
