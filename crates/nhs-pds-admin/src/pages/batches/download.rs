//! Sends a request file to the browser, piece by piece.

use crate::error::PageError;
use crate::visitor::Visitor;
use axum::body::{Body, Bytes};
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use http_body::Frame;
use nhs_pds::audit::EventKind;
use std::fs::File;
use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// The length of a piece, and how many are read ahead.
const PIECE: usize = 64 * 1024;
const AHEAD: usize = 4;

/// The file of a batch. The download is on record before the file is opened. A response whose file cannot be read to its
/// end is broken off, so that the browser does not keep half a file.
pub(super) async fn send(visitor: Visitor, Path(id): Path<String>) -> Result<Response, PageError> {
    let work = visitor.app.batches()?;
    let known = work.batches.list().await?.into_iter().find(|batch| batch.id == id);
    let batch = known.ok_or(PageError::NotFound)?;
    let rows = batch.rows.to_string();
    let details = [("what", "batch"), ("batch", &*batch.id), ("rows", &*rows)];
    visitor.record_batch(EventKind::CasesExported, &details).await?;
    let (batch, file) = work.batches.download(&batch.id).await?;
    let name = format!("attachment; filename=\"batch-{}.csv\"", batch.id);
    let name = HeaderValue::from_str(&name).map_err(|_| PageError::Failed)?;
    let kind = HeaderValue::from_static("text/csv; charset=utf-8; header=present");
    let headers = [(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)];
    let length = [(header::CONTENT_LENGTH, HeaderValue::from(batch.bytes))];
    Ok((headers, length, Body::new(Pieces::of(file))).into_response())
}

/// The pieces of a file, which a thread that may block reads ahead.
struct Pieces(Receiver<io::Result<Bytes>>);

impl Pieces {
    fn of(file: File) -> Self {
        let (sender, receiver) = channel(AHEAD);
        tokio::task::spawn_blocking(move || read(file, &sender));
        Self(receiver)
    }
}

/// Reads until the end, or until the browser has gone.
fn read(mut file: File, to: &Sender<io::Result<Bytes>>) {
    let mut piece = vec![0; PIECE];
    loop {
        let read = match file.read(&mut piece) {
            Ok(0) => return,
            Ok(count) => Ok(Bytes::copy_from_slice(piece.get(..count).unwrap_or_default())),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Err(error),
        };
        let is_last = read.is_err();
        if to.blocking_send(read).is_err() || is_last {
            return;
        }
    }
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;
    use std::io::Write;

    #[tokio::test]
    async fn the_pieces_are_the_file() {
        let mut file = tempfile::tempfile().unwrap();
        let content: Vec<u8> = (0..3 * PIECE + 7).map(|at| (at % 251) as u8).collect();
        file.write_all(&content).unwrap();
        std::io::Seek::rewind(&mut file).unwrap();
        let read = Body::new(Pieces::of(file)).collect().await.unwrap().to_bytes();
        assert_eq!(read, content);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_file_that_cannot_be_read_breaks_the_response_off() {
        let directory = File::open("/").unwrap();
        assert!(Body::new(Pieces::of(directory)).collect().await.is_err());
    }
}
