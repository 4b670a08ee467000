//! Responses that cannot be used as a whole, and what to do about them.

use crate::console::because;
use nhs_pds::batch::file::{FileError, ResponseFile};
use nhs_pds::process;
use std::error::Error as _;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

/// Why nothing was read of a response.
pub(super) fn why(error: &process::Error) -> String {
    let file = error.source().and_then(|source| source.downcast_ref::<FileError>());
    let refused = file.and_then(refused_request);
    refused.unwrap_or_else(|| because(error))
}

/// What the file says, if it is the response to a request that the service refused as a whole.
pub(super) fn refused_request_in(file: &Path) -> Option<String> {
    let file = File::open(file).ok()?;
    refused_request(&ResponseFile::open(BufReader::new(file)).err()?)
}

/// The code and the name of a request that the service refused as a whole.
fn refused_request(error: &FileError) -> Option<String> {
    let code = error.code()?.as_str();
    let request = error.request().map(|name| format!(", request {name}")).unwrap_or_default();
    Some(format!(
        "the service refused the whole request file (code {code}{request}): no person of it was traced: correct the \
         cause, and return the cases of its batch, if they still wait, with `nhs-pds batch release ID`; `nhs-pds batch \
         status` lists the ids"
    ))
}

/// What to do about files that were set aside, one warning each; nothing without such files.
pub(super) fn set_aside(files: &[PathBuf]) -> Vec<String> {
    let Some(folder) = files.first().and_then(|file| file.parent()) else { return Vec::new() };
    let (count, noun) = (files.len(), if files.len() == 1 { "file" } else { "files" });
    let mut warnings = vec![format!(
        "batch: {count} {noun} in {}: a response that could not be used whole is kept there. Look at each file, then \
         delete it: it has personal data",
        folder.display()
    )];
    warnings.extend(files.iter().filter_map(|file| {
        let refused = refused_request_in(file)?;
        Some(format!("batch: {}: {refused}", file.display()))
    }));
    warnings
}
