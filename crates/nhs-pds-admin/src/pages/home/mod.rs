//! The home page: what needs attention, and what the user can do.

use crate::error::PageError;
use crate::layout::{Layout, page};
use crate::pages::{batches, process, quality};
use crate::rights::Right;
use crate::routes::Routes;
use crate::visitor::Visitor;
use askama::Template;
use axum::response::Response;

/// The routes of these pages.
pub(crate) fn routes(routes: Routes) -> Routes {
    routes.get("/", Right::OwnAccount, show)
}

/// What the user can do: the right, the path, the name and a sentence.
const LINKS: [(Right, &str, &str, &str); 9] = [
    (
        Right::ViewWorklist,
        "/worklist",
        "Worklist",
        "Decide on the cases that the process cannot settle.",
    ),
    (Right::SearchCases, "/search", "Search", "Find a person among the cases, and then on PDS."),
    (Right::ViewProcess, "/process", "Process", "See what the process does, and when it runs."),
    (Right::Import, "/import", "Import", "Take in a caseload from another system."),
    (Right::Batches, "/batches", "Batches", "Trace many cases by file, and import the response."),
    (
        Right::ViewQuality,
        "/quality",
        "Data quality",
        "See how complete the data are, and how this changes.",
    ),
    (
        Right::ViewAudit,
        "/audit",
        "Audit",
        "Look up who did what, and check that the trail is complete.",
    ),
    (Right::ManagePeople, "/people", "People", "Add users, and change their roles and sessions."),
    (Right::OwnAccount, "/account", "Your account", "Change your password, and end your sessions."),
];

struct Card {
    href: String,
    title: &'static str,
    text: &'static str,
}

struct Notice {
    what: String,
    to_do: String,
    href: String,
    link: &'static str,
}

#[derive(Template)]
#[template(path = "home/home.html")]
struct HomePage {
    layout: Layout,
    /// `None` for roles to which the process and the items do not matter.
    notices: Option<Vec<Notice>>,
    cards: Vec<Card>,
}

async fn show(visitor: Visitor) -> Result<Response, PageError> {
    let app = &visitor.app;
    let mut notices = None;
    if visitor.may(Right::ViewProcess) {
        let of_process = process::problems(app).await?.into_iter().map(|problem| Notice {
            what: problem.what,
            to_do: problem.to_do.to_owned(),
            href: app.path("/process"),
            link: "Go to the process",
        });
        let of_items = quality::open_items(app).await?.map(|(what, to_do)| Notice {
            what,
            to_do,
            href: app.path("/worklist"),
            link: "Go to the worklist",
        });
        let of_batches =
            if visitor.may(Right::Batches) { batches::notices(app).await? } else { Vec::new() };
        let of_batches = of_batches.into_iter().map(|(what, to_do)| Notice {
            what,
            to_do,
            href: app.path("/batches"),
            link: "Go to the batches",
        });
        notices = Some(of_process.chain(of_items).chain(of_batches).collect());
    }
    let is_shown = |right: Right, path: &str| {
        visitor.may(right)
            && (path != "/account" || app.accounts.is_some())
            && (path != "/people" || app.accounts.is_some())
            && (path != "/batches" || app.batches.is_some())
    };
    let cards = LINKS.iter().filter(|(right, path, ..)| is_shown(*right, path));
    let cards =
        cards.map(|(_, path, title, text)| Card { href: app.path(path), title, text }).collect();
    page(&HomePage { layout: visitor.layout("Home", "/"), notices, cards })
}
