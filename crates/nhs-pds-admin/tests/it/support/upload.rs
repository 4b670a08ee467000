//! Sends a form with a file.

use super::{Browser, Page, USER};
use http::Request;
use http_body_util::BodyExt;
use tower::ServiceExt;

impl Browser<'_> {
    /// Sends the form of an import with this source and file.
    pub(crate) async fn upload(&self, source: &str, file: &[u8]) -> Page {
        let mut body = format!(
            "--b\r\ncontent-disposition: form-data; name=\"source\"\r\n\r\n{source}\r\n--b\r\n\
             content-disposition: form-data; name=\"file\"; filename=\"../../etc/passwd\"\r\n\
             content-type: application/octet-stream\r\n\r\n"
        )
        .into_bytes();
        body.extend_from_slice(file);
        body.extend_from_slice(b"\r\n--b--\r\n");
        let mut request = Request::post("/import")
            .header("host", "localhost")
            .header("origin", "http://localhost")
            .header("content-type", "multipart/form-data; boundary=b");
        if let Some(user) = &self.user {
            request = request.header(USER, user);
        }
        let request = request.body(axum::body::Body::from(body)).unwrap();
        let response = self.site.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let html = String::from_utf8_lossy(&body).into_owned();
        Page { status: parts.status, headers: parts.headers, html }
    }
}
