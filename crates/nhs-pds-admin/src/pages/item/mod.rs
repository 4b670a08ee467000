//! One review item: the case beside each person whom PDS returned, the choices, and what each will do (HAV-10,
//! MSCA-PDS-03).

mod choices;
mod correct;
mod decide;
mod shown;
mod since;
mod timeline;

use crate::rights::Right;
use crate::routes::Routes;

/// The routes of these pages.
pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .get("/item/{case}/{number}", Right::ViewWorklist, shown::show)
        .post("/item/{case}/{number}/note", Right::AnnotateItem, decide::note)
        .post("/item/{case}/{number}/assign", Right::AnnotateItem, decide::assign)
        .post("/item/{case}/{number}/pass", Right::AnnotateItem, decide::pass)
        .post("/item/{case}/{number}/choose", Right::DecideItem, decide::choose)
        .post("/item/{case}/{number}/decide", Right::DecideItem, decide::decide)
        .post("/item/{case}/{number}/undo", Right::DecideItem, decide::undo)
        .post("/item/{case}/{number}/correct", Right::DecideItem, correct::correct)
}
