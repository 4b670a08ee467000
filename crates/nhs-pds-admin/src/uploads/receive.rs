//! Receives the file of a form.

use crate::error::PageError;
use crate::form::FormErrors;
use crate::uploads::{File, LONGEST_FILE, TooMuch, Uploads};
use axum::extract::multipart::{Field, MultipartError};
use http::StatusCode;

/// Receives the file of a form. What is wrong with it is an error of the control `file`.
pub(crate) async fn receive_file(
    uploads: &Uploads,
    mut field: Field<'_>,
    errors: &mut FormErrors,
) -> Result<File, PageError> {
    let mut file = uploads.receive();
    loop {
        match field.chunk().await {
            Ok(Some(bytes)) => match file.push(&bytes) {
                Ok(()) => {}
                Err(TooMuch::File) => {
                    too_long(errors);
                    return Ok(file);
                }
                Err(TooMuch::All) => {
                    errors.add("file", "The server has too many uploads at the moment. Try again later, or ask other users to finish theirs");
                    return Ok(file);
                }
            },
            Ok(None) => return Ok(file),
            Err(error) => return refused(&error, errors).map(|()| file),
        }
    }
}

/// The error of a form that is too long; any other form that cannot be read is invalid.
pub(crate) fn refused(error: &MultipartError, errors: &mut FormErrors) -> Result<(), PageError> {
    if error.status() != StatusCode::PAYLOAD_TOO_LARGE {
        return Err(PageError::Invalid);
    }
    too_long(errors);
    Ok(())
}

fn too_long(errors: &mut FormErrors) {
    let megabytes = LONGEST_FILE / 1024 / 1024;
    errors.add(
        "file",
        format!(
            "The file must be smaller than {megabytes} megabytes. Divide it into several files"
        ),
    );
}
