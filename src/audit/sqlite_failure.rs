use crate::audit::error::{Error, ErrorKind};
use crate::store::sqlite;

pub(super) const fn corrupt() -> Error {
    Error::new(ErrorKind::Corrupt)
}

pub(super) fn failed(error: rusqlite::Error) -> Error {
    // This crate never violates the constraints of its own tables, unless they were changed.
    if error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation) {
        return corrupt().with_source(error);
    }
    sqlite::Error::from(error).into()
}
