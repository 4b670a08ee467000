//! Import of a caseload: upload, columns, preview, approval, result.

use crate::support::{Browser, Page, Site};
use http::StatusCode;
use nhs_pds::audit::{AuditLog, Event, EventKind, Filter};
use nhs_pds::case::{Case, Change, RecordType};
use nhs_pds_admin::Role;

const FILE: &str = "Person ID,Last name,First name,D.O.B.,NHS No.,Notes\n\
    RXX:1,Aindow,Ann,19/05/1943,,x\n\
    RXX:2,Parry,Bo,01/02/1950,,x\n\
    RXX:3,<script>alert(1)</script>,Cy,03/04/1960,,x\n\
    RXX:4,Bad,Di,31/02/1960,,x\n";

fn case(id: &str, surname: &str, forename: &str, born: &str) -> Case {
    let mut case = Case::new(id.parse().unwrap(), RecordType::AdultCase);
    (case.surname, case.forename) = (Some(surname.into()), Some(forename.into()));
    case.date_of_birth = Some(born.parse().unwrap());
    case
}

async fn site() -> Site {
    let first = case("RXX:1", "Aindow", "Ann", "1943-05-19");
    Site::with(vec![first, case("RXX:2", "Parry", "Beau", "1950-02-01")], |screens| screens).await
}

/// Waits until the work of the server on this upload is done.
async fn settled(browser: &Browser<'_>, path: &str) -> Page {
    for _ in 0..12_000 {
        let page = browser.get(path).await;
        if !page.html.contains("Show the progress now") {
            return page;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    panic!("the work does not end");
}

/// The value of the hidden field with the preview's name.
fn version(page: &Page) -> String {
    let (_, rest) = page.html.split_once("name=\"version\" value=\"").unwrap();
    rest.split('"').next().unwrap().to_owned()
}

/// The form as the browser shows it: the chosen option of each list, and the text of each field.
fn fields(page: &Page) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    for select in page.html.split("<select ").skip(1) {
        let name = select.split("name=\"").nth(1).unwrap().split('"').next().unwrap();
        let body = select.split("</select>").next().unwrap();
        let chosen = body.split("<option ").find(|option| option.contains(" selected"));
        let value = chosen.map_or("", |option| {
            option.split("value=\"").nth(1).unwrap().split('"').next().unwrap()
        });
        fields.push((name.to_owned(), value.to_owned()));
    }
    fields
}

/// Uploads the file, agrees the proposed columns, and returns the path of the upload.
async fn uploaded(browser: &Browser<'_>, source: &str, file: &str) -> String {
    let columns = browser.upload(source, file.as_bytes()).await;
    assert_eq!(columns.status, StatusCode::SEE_OTHER, "{}", columns.html);
    let path = columns.location().strip_suffix("/columns").unwrap().to_owned();
    agreed(browser, &path).await;
    path
}

async fn agreed(browser: &Browser<'_>, path: &str) {
    let columns = format!("{path}/columns");
    let mut form = fields(&browser.get(&columns).await);
    form.push(("type_of_all".into(), "adult case".into()));
    let form: Vec<(&str, &str)> =
        form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let page = browser.post(&columns, &form).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.html);
}

async fn approve(browser: &Browser<'_>, path: &str, preview: &Page) -> Page {
    let (path, version) = (format!("{path}/approve"), version(preview));
    browser.post(&path, &[("version", &version)]).await
}

async fn surname(site: &Site, id: &str) -> Option<String> {
    let case = site.store.cases().get(&id.parse().unwrap()).await.unwrap();
    case.and_then(|case| case.surname)
}

async fn events(site: &Site, kind: EventKind) -> Vec<Event> {
    let all = site.log.page(&Filter::new(), 0, 9_999).await.unwrap();
    all.into_iter().filter(|event| event.kind == kind).collect()
}

fn detail<'a>(event: &'a Event, name: &str) -> &'a str {
    let found = event.details.iter().find(|(key, _)| key == name);
    found.map_or("", |(_, value)| value.as_str())
}

#[tokio::test]
async fn a_file_is_uploaded_mapped_previewed_approved_and_imported() {
    let site = site().await;
    let user = site.of(Role::DataQuality);
    assert!(user.get("/import").await.html.contains("Incomplete uploads (0)"));
    let path = uploaded(&user, "Mosaic adults", FILE).await;
    let preview = settled(&user, &path).await;
    for words in [
        "New cases (1)",
        "Changed cases (1)",
        "Rows that cannot be read (1)",
        "Forename: from <bdi>Beau</bdi> to <ins><bdi>Bo</bdi>",
        "Line 5, Date of birth: the calendar has no such date",
        "NHS Confidential: Personal Data about a patient",
        "Approve and import 2 cases",
    ] {
        assert!(preview.html.contains(words), "{words}\n{}", preview.html);
    }
    assert!(!preview.html.contains("<script>alert"), "a name is text");
    assert_eq!(surname(&site, "RXX:3").await, None, "nothing is imported yet");
    assert!(user.get("/import").await.html.contains("Incomplete uploads (1)"));
    assert_eq!(approve(&user, &path, &preview).await.location(), path);
    let result = settled(&user, &path).await;
    assert!(result.html.contains("<strong>Completed</strong>"), "{}", result.html);
    assert_eq!(surname(&site, "RXX:3").await.as_deref(), Some("<script>alert(1)</script>"));
    let list = user.get("/import?tab=completed").await;
    assert!(list.html.contains("Completed imports (1)") && list.html.contains("Mosaic adults"));
    assert!(!list.html.contains("Parry"), "the list has no patient data");
    let imported = events(&site, EventKind::CasesImported).await;
    let actions: Vec<&str> = imported.iter().map(|event| detail(event, "action")).collect();
    assert_eq!(actions, ["uploaded", "approved", "ended"]);
    assert_eq!(detail(imported.last().unwrap(), "outcome"), "completed");
    assert!(imported.iter().all(|event| event.actor.user_id().ends_with("data-quality")));
}

#[tokio::test]
async fn the_columns_of_a_source_are_remembered_on_record_for_the_next_file() {
    let site = site().await;
    let user = site.of(Role::DataQuality);
    uploaded(&user, "Mosaic  adults", FILE).await;
    let next = site.named(Role::Administrator, "other");
    let page = next.upload("Mosaic adults", FILE.as_bytes()).await;
    let columns = next.get(page.location()).await;
    assert!(columns.html.contains("agreed for the last file of this source"), "{}", columns.html);
    assert!(columns.html.contains("value=\"adult case\""));
    let set = events(&site, EventKind::ConfigurationChanged).await;
    let set = set.iter().find(|event| detail(event, "action") == "columns_agreed").unwrap();
    assert_eq!(detail(set, "source"), "Mosaic adults");
    let stored = site.store.cases().setting("screens:import-sources").await.unwrap().unwrap();
    assert!(stored.value.contains("Last name") && !stored.value.contains("Parry"));
    let other = next.upload("Another system", FILE.as_bytes()).await;
    let columns = next.get(other.location()).await;
    assert!(!columns.html.contains("agreed for the last file"));
}

#[tokio::test]
async fn an_implausible_file_needs_another_user() {
    let site = Site::with(
        (0..10).map(|id| case(&format!("RXX:{id}"), "Aindow", "Ann", "1943-05-19")).collect(),
        |screens| screens,
    )
    .await;
    let (user, second) = (site.of(Role::DataQuality), site.named(Role::Administrator, "second"));
    let rows = (0..10).map(|id| {
        let name = if id < 3 { "Moved" } else { "Aindow" };
        format!("RXX:{id},{name},Ann,1943-05-19,x\n")
    });
    let file = "Person ID,Surname,Forename,DOB,Notes\n".to_owned() + &rows.collect::<String>();
    let path = uploaded(&user, "Mosaic", &file).await;
    let preview = settled(&user, &path).await;
    assert!(preview.html.contains("3 of 10 recorded cases have another name"), "{}", preview.html);
    assert!(!preview.html.contains("/approve\""));
    let refused = approve(&user, &path, &preview).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "not by its owner");
    assert_eq!(second.get(&path).await.status, StatusCode::NOT_FOUND, "not asked yet");
    let version = version(&preview);
    user.post(&format!("{path}/ask"), &[("version", &version)]).await;
    let waiting = user.get(&path).await;
    assert!(waiting.html.contains("Another user with the right to import"));
    let form = [("version", &*version)];
    let refused = user.post(&format!("{path}/approve"), &form).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "not by its owner, asked or not");
    assert_eq!(surname(&site, "RXX:1").await.as_deref(), Some("Aindow"));
    let list = second.get("/import").await;
    assert!(list.html.contains("Waiting for another user to approve"), "{}", list.html);
    let seen = second.get(&path).await;
    assert!(seen.html.contains("Approve and import 3 cases"), "{}", seen.html);
    let approved = approve(&second, &path, &seen).await;
    assert_eq!(approved.location(), "/import?done=approved");
    settled(&user, &path).await;
    assert_eq!(surname(&site, "RXX:1").await.as_deref(), Some("Moved"));
    let changed = events(&site, EventKind::CaseChanged).await;
    let last = &changed.last().unwrap().actor;
    assert!(last.user_id().ends_with("data-quality"), "the owner imports");
    assert!(last.authority().unwrap().ends_with("second"), "and both are on record");
    let list = user.get("/import?tab=completed").await;
    assert!(list.html.contains("<bdi>second</bdi>"), "{}", list.html);
}

#[tokio::test]
async fn a_case_that_changed_meanwhile_comes_back_and_can_be_previewed_again() {
    let site = site().await;
    let user = site.of(Role::DataQuality);
    let path = uploaded(&user, "Mosaic", FILE).await;
    let preview = settled(&user, &path).await;
    let mut edited = site.store.cases().get(&"RXX:2".parse().unwrap()).await.unwrap().unwrap();
    edited.surname = Some("Evans".into());
    site.store.cases().save_all(vec![Change::new(edited)]).await.unwrap();
    approve(&user, &path, &preview).await;
    let result = settled(&user, &path).await;
    assert!(result.html.contains("<strong>Partly completed</strong>"), "{}", result.html);
    assert!(result.html.contains("These cases changed after the preview"));
    assert_eq!(surname(&site, "RXX:2").await.as_deref(), Some("Evans"));
    user.post(&format!("{path}/again"), &[]).await;
    let again = settled(&user, &path).await;
    assert!(again.html.contains("from <bdi>Evans</bdi> to"), "{}", again.html);
    let late = user.post(&format!("{path}/approve"), &[("version", &version(&preview))]).await;
    assert_eq!(late.location(), format!("{path}?done=changed"), "an earlier preview");
    approve(&user, &path, &again).await;
    settled(&user, &path).await;
    assert_eq!(surname(&site, "RXX:2").await.as_deref(), Some("Parry"));
}

#[tokio::test]
async fn an_upload_belongs_to_its_owner_and_is_deleted_when_it_is_cancelled() {
    let site = site().await;
    let (user, other) = (site.of(Role::DataQuality), site.named(Role::Administrator, "other"));
    let path = uploaded(&user, "Mosaic", FILE).await;
    settled(&user, &path).await;
    for rest in ["", "/columns", "/rows/new", "/refused.csv"] {
        let page = other.get(&format!("{path}{rest}")).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{rest}");
    }
    assert_eq!(other.post(&format!("{path}/cancel"), &[]).await.status, StatusCode::NOT_FOUND);
    assert!(other.get("/import").await.html.contains("Incomplete uploads (0)"));
    let cancelled = user.post(&format!("{path}/cancel"), &[]).await;
    assert_eq!(cancelled.location(), "/import?done=cancelled");
    assert_eq!(user.get(&path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(surname(&site, "RXX:3").await, None);
    for role in [Role::FrontLine, Role::Auditor] {
        assert_eq!(site.of(role).get("/import").await.status, StatusCode::FORBIDDEN);
        assert_eq!(site.of(role).upload("Mosaic", b"x").await.status, StatusCode::FORBIDDEN);
    }
}

#[tokio::test]
async fn what_is_not_imported_is_a_file_without_formulas() {
    let site = site().await;
    let user = site.of(Role::DataQuality);
    let number = "9990001006";
    let file = format!(
        "Person ID,Surname,DOB,NHS No\n=cmd()|x,One,1943-05-19,{number}\n+2,Two,1950-01-01,{number}\n3,Bad,x,\n"
    );
    let path = uploaded(&user, "Mosaic", &file).await;
    let preview = settled(&user, &path).await;
    assert!(preview.html.contains("Another case of the file has the same NHS Number"));
    let file = user.get(&format!("{path}/refused.csv")).await;
    assert!(file.header("content-disposition").starts_with("attachment"));
    let rows: Vec<&str> = file.html.lines().collect();
    assert_eq!(rows[0], "line,last_line,case_id,column,reason");
    assert!(rows[1].starts_with("4,4,,date_of_birth,"), "{}", rows[1]);
    assert!(rows[2].starts_with("2,2,'=cmd()|x,"), "{}", rows[2]);
    assert!(rows[3].starts_with("3,3,'+2,"), "{}", rows[3]);
    assert_eq!(events(&site, EventKind::CasesExported).await.len(), 1);
    let rows = user.get(&format!("{path}/rows/excluded")).await;
    assert!(rows.html.contains("Cases 1 to 2 of 2"), "{}", rows.html);
    assert_eq!(user.get(&format!("{path}/rows/other")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(user.get(&format!("{path}/rows/new?page=9")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_is_not_a_caseload_is_refused_in_words() {
    let site = site().await;
    let user = site.of(Role::DataQuality);
    let nothing_known = b"a,b\n1,2\n".as_slice();
    for (file, words) in [
        (&b"PK\x03\x04 a workbook"[..], "is not a CSV file"),
        (b"%PDF-1.7", "is not a CSV file"),
        (b"\x89PNG\r\n\x1a\n", "is not a CSV file"),
        (b"", "Choose a CSV file"),
        (b"\n\n", "does not have the names"),
        (nothing_known, "No such names were found"),
        (b"Aindow,1943-05-19\nParry,1950-01-01\n", "No such names were found"),
        (b"Surname,DOB\n", "The file has no rows"),
    ] {
        let page = user.upload("Mosaic", file).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.html.contains(words) && page.html.contains("Error: Import"), "{words}");
    }
    for source in ["", "<b>", "Ann Aindow 9990001006", &"x".repeat(41)] {
        let page = user.upload(source, FILE.as_bytes()).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{source}");
        assert!(page.html.contains("source-error"));
    }
    assert!(user.get("/import").await.html.contains("Incomplete uploads (0)"));
    assert_eq!(events(&site, EventKind::CasesImported).await.len(), 0);
}

#[tokio::test]
async fn a_file_in_windows_1252_needs_the_word_of_the_user() {
    let site = site().await;
    let user = site.of(Role::DataQuality);
    let file = b"Person ID,Surname,DOB\n7,Zo\xeb,1943-05-19\n";
    let columns = user.upload("Old sheet", file).await.location().to_owned();
    let page = user.get(&columns).await;
    assert!(page.html.contains("<bdi>Zo\u{eb}</bdi>"), "shown as it would be read");
    let form = |encoding| {
        [
            ("case_id", "0"),
            ("surname", "1"),
            ("date_of_birth", "2"),
            ("type_of_all", "review"),
            ("encoding", encoding),
        ]
    };
    let page = user.post(&columns, &form("")).await;
    assert!(page.html.contains("Choose how the letters of the file are read"));
    user.post(&columns, &form("windows-1252")).await;
    let path = columns.strip_suffix("/columns").unwrap();
    let preview = settled(&user, path).await;
    assert!(preview.html.contains("<bdi>Zo\u{eb}</bdi>"), "{}", preview.html);
}

#[tokio::test]
async fn columns_must_be_clear() {
    let site = site().await;
    let user = site.of(Role::DataQuality);
    let file = b"Person ID,Surname,DOB,DOB\n7,A,1943-05-19,\n";
    let columns = user.upload("Mosaic", file).await.location().to_owned();
    let form = [("surname", "1"), ("forename", "1"), ("date_of_birth", "2")];
    let page = user.post(&columns, &form).await;
    for words in [
        "Choose the column with the case id",
        "Forename: this column of the file is chosen for another field too",
        "Date of birth: the file has two columns with this name",
        "Enter the record type of all rows",
    ] {
        assert!(page.html.contains(words), "{words}\n{}", page.html);
    }
}

#[tokio::test]
async fn long_cells_and_control_characters_break_nothing() {
    let site = site().await;
    let user = site.of(Role::DataQuality);
    let long = "x".repeat(5_000);
    let file =
        format!("Person ID,Surname,DOB\n7,{long},1943-05-19\n8,\u{202e}bidi\u{0}nul,1943-05-19\n");
    let path = uploaded(&user, "Mosaic", &file).await;
    let preview = settled(&user, &path).await;
    assert!(preview.html.len() < 60_000, "{} bytes", preview.html.len());
    assert!(preview.html.contains(&format!("{}…", "x".repeat(200))));
}

#[tokio::test]
async fn one_user_has_few_uploads_at_a_time() {
    let site = site().await;
    let user = site.of(Role::DataQuality);
    for _ in 0..5 {
        assert_eq!(user.upload("Mosaic", FILE.as_bytes()).await.status, StatusCode::SEE_OTHER);
    }
    let sixth = user.upload("Mosaic", FILE.as_bytes()).await;
    assert_eq!(sixth.status, StatusCode::TOO_MANY_REQUESTS);
    let other = site.named(Role::Administrator, "other");
    assert_eq!(other.upload("Mosaic", FILE.as_bytes()).await.status, StatusCode::SEE_OTHER);
}
