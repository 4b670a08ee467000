//! Import of a caseload: upload, columns, preview, approval, result.

mod columns;
mod decide;
mod list;
mod review;
mod rows;
mod upload;
mod words;

use crate::error::PageError;
use crate::rights::Right;
use crate::routes::Routes;
use crate::uploads::{LONGEST_FILE, Upload};
use crate::visitor::Visitor;
use axum::extract::DefaultBodyLimit;
use axum::routing::post;
use nhs_pds::audit::EventKind;
use std::sync::Arc;

/// What a form with a file has besides the file, in bytes.
const AROUND: usize = 64 * 1024;

/// The routes of these pages.
pub(crate) fn routes(routes: Routes) -> Routes {
    let upload = post(upload::receive).layer(DefaultBodyLimit::max(LONGEST_FILE + AROUND));
    routes
        .get("/import", Right::Import, list::show)
        .guarded("/import", "POST", Right::Import, upload)
        .get("/import/{upload}", Right::Import, review::show)
        .get("/import/{upload}/columns", Right::Import, columns::show)
        .post("/import/{upload}/columns", Right::Import, columns::agree)
        .get("/import/{upload}/rows/{section}", Right::Import, rows::show)
        .get("/import/{upload}/refused.csv", Right::Import, rows::refused)
        .post("/import/{upload}/ask", Right::Import, decide::ask)
        .post("/import/{upload}/approve", Right::Import, decide::approve)
        .post("/import/{upload}/again", Right::Import, decide::again)
        .post("/import/{upload}/cancel", Right::Import, decide::cancel)
}

impl Visitor {
    /// The upload with this id, if the user may see it.
    fn upload(&self, id: &str) -> Result<Arc<Upload>, PageError> {
        self.app.uploads.get(id, &self.actor(), self.app.clock.now())
    }

    /// Records what the user does with an upload.
    async fn record_import(
        &self,
        kind: EventKind,
        action: &str,
        source: &str,
    ) -> Result<(), PageError> {
        let entry = self.app.event(kind, &self.actor());
        let entry = entry.with_detail("action", action).with_detail("source", source);
        self.app.store.audit().append(vec![entry]).await?;
        Ok(())
    }

    /// The path of an upload's page.
    fn upload_path(&self, upload: &Upload, rest: &str) -> String {
        self.app.path(&format!("/import/{}{rest}", upload.id))
    }
}
