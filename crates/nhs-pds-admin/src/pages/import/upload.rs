//! Receives a file.

use crate::error::PageError;
use crate::form::FormErrors;
use crate::pages::import::list;
use crate::uploads::receive::{receive_file, refused};
use crate::uploads::work::in_words;
use crate::uploads::{File, MOST_ROWS, Upload};
use crate::visitor::Visitor;
use axum::extract::Multipart;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use nhs_pds::audit::EventKind;
use nhs_pds::case::caseload::{Mapping, Sample, sample};

/// The longest name of a source, in characters.
const LONGEST_SOURCE: usize = 40;

/// How many columns must have names that are known. Fewer show that the first line is not the names of columns.
const FEWEST_COLUMNS: usize = 2;

/// Takes the file of a form. The name of the file is ignored.
pub(super) async fn receive(visitor: Visitor, form: Multipart) -> Result<Response, PageError> {
    let mut errors = FormErrors::default();
    let (source, file) = read(&visitor, form, &mut errors).await?;
    let source = source.split_whitespace().collect::<Vec<_>>().join(" ");
    check_source(&source, &mut errors);
    let sampled = match file {
        Some(file) if errors.of("file").is_empty() => sampled(file, &mut errors).await?,
        _ => None,
    };
    let (true, Some(sampled)) = (errors.is_empty(), sampled) else {
        let page = list::write(&visitor, errors, false, source).await?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
    };
    let (app, owner) = (&visitor.app, visitor.actor());
    visitor.record_import(EventKind::CasesImported, "uploaded", &source).await?;
    let id = app.ids.next().to_string();
    let owner = (owner, visitor.person.session.clone());
    let upload = app.uploads.add(Upload::new(id, owner, source, sampled, app.clock.now()))?;
    Ok(Redirect::to(&visitor.upload_path(&upload, "/columns")).into_response())
}

/// Reads the fields of the form.
async fn read(
    visitor: &Visitor,
    mut form: Multipart,
    errors: &mut FormErrors,
) -> Result<(String, Option<File>), PageError> {
    let (mut source, mut file) = (String::new(), None);
    while let Some(field) = match form.next_field().await {
        Ok(field) => field,
        Err(error) => return refused(&error, errors).map(|()| (source, None)),
    } {
        match field.name() {
            Some("source") => source = field.text().await.map_err(|_| PageError::Invalid)?,
            Some("file") if file.is_none() => {
                file = Some(receive_file(&visitor.app.uploads, field, errors).await?);
            }
            _ => return Err(PageError::Invalid),
        }
        if !errors.is_empty() {
            break;
        }
    }
    if errors.is_empty() && file.as_ref().is_none_or(File::is_empty) {
        errors.add("file", "Choose a CSV file that is not empty");
    }
    Ok((source, file))
}

/// A name of a source stands in settings and in the audit trail, so it must not be a person's.
fn check_source(source: &str, errors: &mut FormErrors) {
    let is_part = |letter: char| letter.is_alphanumeric() || " -_.()/&".contains(letter);
    let digits = source.chars().filter(char::is_ascii_digit).count();
    if source.is_empty() {
        errors.add("source", "Enter the source of the file");
    } else if source.chars().count() > LONGEST_SOURCE || !source.chars().all(is_part) {
        errors.add("source", "The source must have at most 40 letters, digits, spaces and hyphens");
    } else if digits > 6 {
        errors.add("source", "The source must not contain numbers of more than 6 digits: no dates of birth and no NHS Numbers");
    }
}

/// The beginning of the file, if it is a caseload.
async fn sampled(file: File, errors: &mut FormErrors) -> Result<Option<(File, Sample)>, PageError> {
    let clone = file.clone();
    let read = tokio::task::spawn_blocking(move || sample(clone.as_ref()));
    let sample = match read.await.map_err(|_| PageError::Failed)? {
        Ok(sample) => sample,
        Err(error) => {
            errors.add("file", in_words(&error));
            return Ok(None);
        }
    };
    if Mapping::propose(&sample.headings).columns.len() < FEWEST_COLUMNS {
        errors.add("file", "The first line of the file must have the names of the columns, such as Surname and Date of birth. No such names were found");
    } else if sample.count == 0 {
        errors.add("file", "The file has no rows below the names of the columns");
    } else if sample.count > MOST_ROWS {
        errors.add(
            "file",
            format!("The file must have at most {MOST_ROWS} rows. Divide it into several files"),
        );
    }
    Ok(errors.is_empty().then_some((file, sample)))
}
