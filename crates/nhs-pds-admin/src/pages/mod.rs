//! The pages, a folder each: its handlers, and what its templates show.

mod account;
pub(crate) mod audit;
mod batches;
mod case;
mod home;
mod import;
mod item;
mod people;
mod process;
pub(crate) mod quality;
mod search;
mod sign_in;
mod worklist;

use crate::routes::Routes;

/// All routes of all pages.
pub(crate) fn all(routes: Routes) -> Routes {
    let pages = [
        account::routes,
        audit::routes,
        batches::routes,
        case::routes,
        home::routes,
        import::routes,
        item::routes,
        people::routes,
        process::routes,
        quality::routes,
        search::routes,
        sign_in::routes,
        worklist::routes,
    ];
    pages.into_iter().fold(routes, |routes, page| page(routes))
}
