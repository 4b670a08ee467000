//! Sends a form with a file.

use super::{Browser, Page};
use axum::body::Body;
use http::Request;

impl Browser<'_> {
    /// Sends the form of an import with this source and file.
    pub(crate) async fn upload(&self, source: &str, file: &[u8]) -> Page {
        self.upload_to("/import", &[("source", source)], file).await
    }

    /// Sends the form of a response to a batch.
    pub(crate) async fn answer(&self, file: &[u8]) -> Page {
        self.upload_to("/batches/import", &[], file).await
    }

    /// Sends a form with these fields and a file.
    async fn upload_to(&self, path: &str, fields: &[(&str, &str)], file: &[u8]) -> Page {
        let fields = fields.iter().map(|(name, value)| {
            format!("--b\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        });
        let mut body = fields.collect::<String>().into_bytes();
        body.extend_from_slice(
            b"--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"../../etc/passwd\"\r\n\
              content-type: application/octet-stream\r\n\r\n",
        );
        body.extend_from_slice(file);
        body.extend_from_slice(b"\r\n--b--\r\n");
        let request = Request::post(path)
            .header("host", "localhost")
            .header("origin", "http://localhost")
            .header("content-type", "multipart/form-data; boundary=b");
        self.request(request.body(Body::from(body)).unwrap()).await
    }
}
