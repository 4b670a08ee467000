//! Writes a message into a file: chunk after chunk, with the memory of one.

use crate::batch::Error;
use crate::mesh::body::is_word;
use crate::mesh::calls::{Calls, header};
use crate::mesh::fault;
use crate::mesh::plan::{blocking, create, sync_folder};
use crate::transport::Response;
use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// The most bytes of a file. A response of 500,000 rows has a tenth of it. The limit is for compressed data that expand
/// without end.
const MOST_BYTES: u64 = 4 << 30;

/// The most chunks of a message: the largest file in the smallest chunks.
const MOST_CHUNKS: u64 = 1_000;

/// The end of the name of a file that is not complete. Before it, the name has the message and a nonce.
const PART: &str = ".part";

/// Writes message `id`, whose first chunk is `first`, into `folder`. Returns the file, which is complete and on disk.
pub(in crate::mesh) async fn download(
    calls: &Calls,
    folder: &Path,
    id: &str,
    first: Response,
) -> Result<PathBuf, Error> {
    let chunks = chunks(&first)?;
    let name = folder.join(format!("{id}.{}{PART}", calls.ids.next()));
    let done = folder.join(format!("{id}.csv"));
    let mut part = blocking(move || {
        let file = create(&name).map_err(fault::of_file)?;
        Ok(Part { file, name, bytes: 0 })
    })
    .await?;
    part = part.with_chunk(first).await?;
    for number in 2..=chunks {
        let Some(next) = calls.chunk(id, number).await? else {
            return Err(fault::unreadable("a chunk of the message is missing"));
        };
        check(&next, number, chunks)?;
        part = part.with_chunk(next).await?;
    }
    blocking(move || part.finish(done)).await
}

/// The number of chunks of a message, by its first one.
fn chunks(first: &Response) -> Result<u64, Error> {
    let is_partial = first.status().as_u16() == 206;
    match range(first) {
        None if is_partial => Err(fault::unreadable("the number of chunks is missing")),
        Some((_, 0 | 1)) if is_partial => {
            Err(fault::unreadable("the number of chunks is not valid"))
        }
        Some((named, _)) if named != 1 => {
            Err(fault::unreadable("the number of the chunk is not valid"))
        }
        Some((_, all)) if all > MOST_CHUNKS => {
            Err(fault::unreadable("the message has too many chunks"))
        }
        Some((_, all)) => Ok(all.max(1)),
        None => Ok(1),
    }
}

/// Refuses a further chunk that belongs to another message, or after which more would follow. Without a range, the chunk is
/// the one that was requested.
fn check(chunk: &Response, number: u64, chunks: u64) -> Result<(), Error> {
    match range(chunk) {
        Some((named, _)) if named != number => {
            Err(fault::unreadable("a chunk of the message has another number"))
        }
        Some((_, all)) if all != chunks => {
            Err(fault::unreadable("a chunk of the message has another number of chunks"))
        }
        // 206: more chunks follow.
        _ if number == chunks && chunk.status().as_u16() == 206 => {
            Err(fault::unreadable("the message has more chunks than its first chunk says"))
        }
        _ => Ok(()),
    }
}

/// The number of a chunk, and the number of chunks: `2:3`.
fn range(response: &Response) -> Option<(u64, u64)> {
    let (number, all) = header(response, "mex-chunk-range")?.split_once(':')?;
    Some((number.trim().parse().ok()?, all.trim().parse().ok()?))
}

/// Removes the files of downloads that were killed, of any message: it may never be downloaded again.
pub(in crate::mesh) async fn remove_parts(folder: &Path) -> Result<(), Error> {
    let folder = folder.to_owned();
    blocking(move || remove_parts_in(&folder).map_err(fault::of_file)).await
}

fn remove_parts_in(folder: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let name = entry?.file_name();
        if name.to_str().is_some_and(is_part) {
            fs::remove_file(folder.join(&name))?;
        }
    }
    Ok(())
}

/// Whether a download gives a file this name.
fn is_part(name: &str) -> bool {
    let parts = name.strip_suffix(PART).and_then(|name| name.rsplit_once('.'));
    parts.is_some_and(|(id, nonce)| is_word(id) && Uuid::try_parse(nonce).is_ok())
}

/// A file that is not complete. It is removed when it is dropped.
struct Part {
    file: File,
    name: PathBuf,
    bytes: u64,
}

impl Part {
    async fn with_chunk(self, response: Response) -> Result<Self, Error> {
        let encoding =
            header(&response, "content-encoding").unwrap_or("identity").to_ascii_lowercase();
        let is_gzip = match encoding.as_str() {
            "gzip" | "x-gzip" => true,
            "identity" => false,
            _ => {
                return Err(fault::unreadable(
                    "the message is compressed in another way than gzip",
                ));
            }
        };
        let body = response.body().expose().clone();
        blocking(move || self.append(&body, is_gzip)).await
    }

    fn append(mut self, body: &Bytes, is_gzip: bool) -> Result<Self, Error> {
        // An empty body is empty in every encoding.
        if !is_gzip || body.is_empty() {
            self.write(body)?;
            return Ok(self);
        }
        let mut reader = MultiGzDecoder::new(&**body);
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = reader.read(&mut buffer);
            let read = read
                .map_err(|_| fault::unreadable("the compressed data of the message are damaged"))?;
            match buffer.get(..read) {
                Some(bytes) if !bytes.is_empty() => self.write(bytes)?,
                _ => return Ok(self),
            }
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let all = self.bytes.saturating_add(bytes.len() as u64);
        if all > MOST_BYTES {
            return Err(fault::unreadable("the message is larger than 4 GiB"));
        }
        self.bytes = all;
        self.file.write_all(bytes).map_err(fault::of_file)
    }

    fn finish(self, done: PathBuf) -> Result<PathBuf, Error> {
        self.file.sync_all().map_err(fault::of_file)?;
        fs::rename(&self.name, &done).map_err(fault::of_file)?;
        sync_folder(&done).map_err(fault::of_file)?;
        Ok(done)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // After `finish` there is none. Otherwise the next attempt removes what this cannot.
        let _ = fs::remove_file(&self.name);
    }
}
