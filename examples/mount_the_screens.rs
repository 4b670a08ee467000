//! Mounts the screens in an application that has a sign-in of its own, and requests a page as a signed-in user.

#![expect(clippy::print_stdout, reason = "an example prints what it shows")]

use axum::routing::get;
use nhs_pds::audit::MemoryLog;
use nhs_pds::case::MemoryStore;
use nhs_pds::process::{alert::MemoryAlerts, store::Joined};
use nhs_pds::trace::{LocalIdentity, User};
use nhs_pds_admin::{Identity, IdentityError, Person, Role, Screens};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The sessions of the application: the value of a cookie, and who it is.
#[derive(Debug)]
struct Sessions;

#[nhs_pds::async_trait]
impl Identity for Sessions {
    async fn identify(
        &self,
        request: &http::request::Parts,
    ) -> Result<Option<Person>, IdentityError> {
        if request.headers.get("cookie").is_none_or(|cookie| cookie != "session=of-jo-doe") {
            return Ok(None);
        }
        let here = "RHM".parse().map_err(|_| IdentityError)?;
        let user = LocalIdentity::new(here, "j.doe").map_err(|_| IdentityError)?;
        let here = user.organisation().clone();
        Ok(Some(Person::new(User::Local(user), "Jo Doe", Role::DataQuality, here)))
    }

    fn sign_in(&self) -> Option<String> {
        Some("/sign-in".to_owned())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (cases, trail) = (Arc::new(MemoryStore::new()), Arc::new(MemoryLog::new()));
    let store = Arc::new(Joined::new(cases, trail, Arc::new(MemoryAlerts::default())));
    let screens = Screens::new(store, "RHM".parse()?, Arc::new(Sessions)).mounted_at("/nhs");
    let application =
        axum::Router::new().route("/", get(async || "the application")).merge(screens.router());
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async { axum::serve(listener, application).await });

    for cookie in ["session=of-jo-doe", "session=unknown"] {
        let mut browser = TcpStream::connect(address).await?;
        let request = format!("GET /nhs HTTP/1.0\r\nhost: localhost\r\ncookie: {cookie}\r\n\r\n");
        browser.write_all(request.as_bytes()).await?;
        let mut page = String::new();
        browser.read_to_string(&mut page).await?;
        println!("{cookie}: {}", page.lines().next().unwrap_or_default());
    }
    Ok(())
}
