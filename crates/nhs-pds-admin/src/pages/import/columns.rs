//! The form on which a user says what the columns of a file mean.

use crate::error::PageError;
use crate::form::{Choice, FormErrors};
use crate::layout::{Layout, page};
use crate::pages::import::words::COLUMNS;
use crate::uploads::state::{Progress, State};
use crate::uploads::{Upload, history, work};
use crate::visitor::Visitor;
use askama::Template;
use axum::Form;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use nhs_pds::audit::EventKind;
use nhs_pds::case::RecordType;
use nhs_pds::case::caseload::{FileEncoding, Mapping};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The fields of the form besides the columns.
const RECORD_TYPE: &str = "type_of_all";
const DATES: &str = "dates";
const ENCODING: &str = "encoding";

#[derive(Template)]
#[template(path = "import/columns.html")]
struct ColumnsPage {
    layout: Layout,
    errors: FormErrors,
    action: String,
    cancel: String,
    source: String,
    is_remembered: bool,
    headings: Vec<String>,
    rows: Vec<Vec<String>>,
    columns: Vec<Column>,
    record_type: String,
    dates: Vec<Choice>,
    /// The choices of the encoding, for a file that is not Unicode.
    encodings: Vec<Choice>,
}

/// One of our columns, with the columns of the file to choose from.
struct Column {
    name: &'static str,
    label: &'static str,
    choices: Vec<Choice>,
}

/// What the user has chosen, by the names of the fields.
type Fields = BTreeMap<String, String>;

/// Shows the form, filled with what was agreed for the last file of the source or what the names suggest.
pub(super) async fn show(visitor: Visitor, Path(id): Path<String>) -> Result<Response, PageError> {
    let upload = own(&visitor, &id)?;
    let sample = &upload.sample;
    let remembered = history::sources(&visitor.app).await?.remove(&upload.source);
    let remembered = remembered.filter(|mapping| mapping.fits(&sample.headings));
    let is_remembered = remembered.is_some();
    let mapping = remembered.unwrap_or_else(|| proposed(&upload));
    visitor.record_import(EventKind::CasesListed, "sample", &upload.source).await?;
    write(&visitor, &upload, &fields(&mapping, &upload), FormErrors::default(), is_remembered)
}

/// Takes the form, remembers it for the source, and begins to compare the file with the store.
pub(super) async fn agree(
    visitor: Visitor,
    Path(id): Path<String>,
    Form(form): Form<Vec<(String, String)>>,
) -> Result<Response, PageError> {
    let upload = own(&visitor, &id)?;
    let fields: Fields = form.into_iter().collect();
    let mut errors = FormErrors::default();
    let mapping = mapping(&fields, &upload, &mut errors);
    if !errors.is_empty() {
        let page = write(&visitor, &upload, &fields, errors, false)?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
    }
    history::remember(&visitor.app, &visitor.actor(), &upload.source, &mapping).await?;
    start(&visitor, &upload, mapping);
    Ok(Redirect::to(&visitor.upload_path(&upload, "")).into_response())
}

/// Begins to compare the upload with the store, unless that or an import is going on.
pub(super) fn start(visitor: &Visitor, upload: &Arc<Upload>, mapping: Mapping) {
    let progress = Progress::of(upload.sample.count);
    if upload.advance(is_ready, State::Checking(Arc::clone(&progress))) {
        upload.restart();
        let (app, upload) = (Arc::clone(&visitor.app), Arc::clone(upload));
        tokio::spawn(work::check(app, upload, mapping, progress));
    }
}

/// Whether the columns can be agreed, or the file compared again.
const fn is_ready(state: &State) -> bool {
    !matches!(state, State::Checking(_) | State::Importing(_))
}

/// The upload, for its owner, while its columns can be agreed.
fn own(visitor: &Visitor, id: &str) -> Result<Arc<Upload>, PageError> {
    let upload = visitor.upload(id)?;
    if !upload.is_owned_by(&visitor.actor()) || upload.file().is_none() {
        return Err(PageError::NotFound);
    }
    if !is_ready(&upload.state()) {
        return Err(PageError::Conflict);
    }
    Ok(upload)
}

/// What the names of the columns and the values of the first rows suggest.
fn proposed(upload: &Upload) -> Mapping {
    let sample = &upload.sample;
    let mut mapping = Mapping::propose(&sample.headings);
    let of = |column: &str| {
        let name = mapping.columns.get(column)?;
        sample.headings.iter().position(|heading| heading == name)
    };
    let dates: Vec<usize> =
        ["date_of_birth", "allocation_start", "date_of_death"].into_iter().filter_map(of).collect();
    let is_other = |value: &String| {
        let begins = value.split_once(['/', '.', '-', ' ']).map(|(first, _)| first.len());
        begins.is_some_and(|length| length <= 2)
    };
    mapping.day_first =
        sample.rows.iter().any(|row| dates.iter().any(|at| row.get(*at).is_some_and(is_other)));
    mapping
}

/// The fields of the form for a mapping.
fn fields(mapping: &Mapping, upload: &Upload) -> Fields {
    let is_same = |heading: &str, name: &str| heading.trim().to_lowercase() == name.to_lowercase();
    let mut fields: Fields = mapping
        .columns
        .iter()
        .filter_map(|(column, name)| {
            let mut headings = upload.sample.headings.iter();
            let at = headings.position(|heading| is_same(heading, name))?;
            Some((column.clone(), at.to_string()))
        })
        .collect();
    fields.insert(RECORD_TYPE.into(), mapping.record_type.clone().unwrap_or_default());
    fields.insert(DATES.into(), if mapping.day_first { "day" } else { "year" }.into());
    let encoding = if mapping.encoding == FileEncoding::Windows1252 { "windows-1252" } else { "" };
    fields.insert(ENCODING.into(), encoding.into());
    fields
}

/// The mapping of the fields, with what is wrong with them.
fn mapping(fields: &Fields, upload: &Upload, errors: &mut FormErrors) -> Mapping {
    let of = |name: &str| fields.get(name).map(|value| value.trim()).unwrap_or_default();
    let headings = &upload.sample.headings;
    let mut mapping = Mapping::default();
    for (name, label) in COLUMNS {
        let at = of(name).parse().ok();
        let Some(heading) = at.and_then(|at: usize| headings.get(at)) else { continue };
        let is_same = |other: &String| other.to_lowercase() == heading.to_lowercase();
        if headings.iter().filter(|other| is_same(other)).count() > 1 {
            errors.add(name, format!("{label}: the file has two columns with this name. Rename one of them in the file"));
        }
        if mapping.columns.values().any(is_same) {
            errors.add(
                name,
                format!("{label}: this column of the file is chosen for another field too"),
            );
        }
        mapping.columns.insert(name.to_owned(), heading.clone());
    }
    if !mapping.columns.contains_key("case_id") {
        errors.add("case_id", "Choose the column with the case id");
    }
    let record_type = of(RECORD_TYPE);
    if !record_type.is_empty() {
        if record_type.len() > 60 || record_type.parse::<RecordType>().is_err() {
            errors.add(RECORD_TYPE, "Enter a record type, such as adult case");
        }
        mapping.record_type = Some(record_type.to_owned());
    } else if !mapping.columns.contains_key("record_type") {
        errors.add(
            RECORD_TYPE,
            "Enter the record type of all rows, or choose the column that has it",
        );
    }
    mapping.day_first = of(DATES) == "day";
    if !upload.sample.is_unicode {
        match of(ENCODING) {
            "windows-1252" => mapping.encoding = FileEncoding::Windows1252,
            "unicode" => {}
            _ => errors.add(ENCODING, "Choose how the letters of the file are read"),
        }
    }
    mapping
}

fn write(
    visitor: &Visitor,
    upload: &Upload,
    fields: &Fields,
    errors: FormErrors,
    is_remembered: bool,
) -> Result<Response, PageError> {
    let of = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
    let headings = &upload.sample.headings;
    let places: Vec<String> = (0..headings.len()).map(|at| at.to_string()).collect();
    let columns = COLUMNS.map(|(name, label)| {
        let names = places.iter().map(String::as_str).zip(headings.iter().map(String::as_str));
        let choices = [("", "Not in the file")].into_iter().chain(names);
        Column { name, label, choices: Choice::list(choices, of(name)) }
    });
    let dates = [
        ("year", "Year first, such as 1986-01-19"),
        ("day", "Day first, such as 19/01/1986 or 19 Jan 1986"),
    ];
    let encodings = [
        ("", "Choose"),
        ("windows-1252", "As Windows-1252 (ANSI). The names above are right"),
        ("unicode", "As UTF-8. Refuse the rows that are not"),
    ];
    let encodings =
        if upload.sample.is_unicode { Vec::new() } else { Choice::list(encodings, of(ENCODING)) };
    let layout = visitor.layout("What the columns mean", "/import").confidential();
    page(&ColumnsPage {
        layout: layout.with_errors(!errors.is_empty()),
        errors,
        action: visitor.upload_path(upload, "/columns"),
        cancel: visitor.upload_path(upload, "/cancel"),
        source: upload.source.clone(),
        is_remembered,
        headings: headings.clone(),
        rows: upload.sample.rows.clone(),
        columns: columns.into_iter().collect(),
        record_type: of(RECORD_TYPE).to_owned(),
        dates: Choice::list(dates, of(DATES)),
        encodings,
    })
}
