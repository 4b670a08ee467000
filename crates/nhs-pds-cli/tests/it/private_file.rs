//! Files with personal data, as the commands write them.
#![cfg(unix)]

#[path = "../../src/private.rs"]
mod private;

use private::PrivateFile;
use std::fs::{self, Permissions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

fn write(place: &Path, text: &str) {
    let file = PrivateFile::begin(place).unwrap();
    file.file().write_all(text.as_bytes()).unwrap();
    file.finish().unwrap();
}

fn mode(place: &Path) -> u32 {
    fs::metadata(place).unwrap().permissions().mode() & 0o777
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn only_the_owner_can_read_a_rewritten_file() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("new/results.csv");
    write(&place, "one");
    assert_eq!(mode(&place), 0o600);
    fs::set_permissions(&place, Permissions::from_mode(0o664)).unwrap();
    write(&place, "two");
    assert_eq!((mode(&place), &*fs::read_to_string(&place).unwrap()), (0o600, "two"));
    assert_eq!(names(place.parent().unwrap()), ["results.csv"]);
}

#[test]
fn the_next_program_removes_the_file_of_a_killed_one() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("results.csv");
    let partial = folder.path().join(".results.csv.nhs-pds.partial");
    fs::write(&partial, "half of a person").unwrap();
    fs::set_permissions(&partial, Permissions::from_mode(0o644)).unwrap();
    write(&place, "whole");
    assert_eq!(names(folder.path()), ["results.csv"]);
    assert_eq!((mode(&place), &*fs::read_to_string(&place).unwrap()), (0o600, "whole"));
    // A program that ends early removes its own partial file.
    drop(PrivateFile::begin(&place).unwrap());
    assert_eq!(names(folder.path()), ["results.csv"]);
}

/// Runs in the process that the next test kills.
#[test]
#[ignore = "waits to be killed by another test"]
fn writes_until_it_is_killed() {
    let file = PrivateFile::begin(Path::new(&std::env::var_os("PLACE").unwrap())).unwrap();
    file.file().write_all(b"half of a person").unwrap();
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    file.finish().unwrap();
}

/// A process that has written half of `place`.
fn writer(place: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["private_file::writes_until_it_is_killed", "--exact", "--ignored"]);
    command.env("PLACE", place).stdin(Stdio::piped()).stdout(Stdio::null());
    let child = command.spawn().unwrap();
    let partial = partial(place);
    while fs::metadata(&partial).map_or(0, |found| found.len()) == 0 {
        std::thread::yield_now();
    }
    child
}

fn partial(place: &Path) -> PathBuf {
    let name = place.file_name().unwrap().display();
    place.with_file_name(format!(".{name}.nhs-pds.partial"))
}

/// Exports have a new name every day.
#[test]
fn the_next_program_of_another_name_removes_the_file_of_a_killed_one() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let (mut killed, mut running) = (writer(&place("monday.csv")), writer(&place("running.csv")));
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert!(partial(&place("monday.csv")).exists());
    // Files that another program or another user may have created.
    let kept = [".other.partial", ".open.csv.nhs-pds.partial", "notes.nhs-pds.partial"];
    for name in kept {
        fs::write(place(name), "not ours").unwrap();
        let mode = if name.contains("open") { 0o640 } else { 0o600 };
        fs::set_permissions(place(name), Permissions::from_mode(mode)).unwrap();
    }
    symlink(place(".other.partial"), partial(&place("link.csv"))).unwrap();
    fs::create_dir(partial(&place("folder.csv"))).unwrap();

    write(&place("tuesday.csv"), "whole");
    let mut left = names(folder.path());
    left.sort();
    let mut expected = vec![
        "tuesday.csv",
        ".running.csv.nhs-pds.partial",
        ".link.csv.nhs-pds.partial",
        ".folder.csv.nhs-pds.partial",
    ];
    expected.extend(kept);
    expected.sort_unstable();
    assert_eq!(left, expected);
    drop(running.stdin.take());
    assert!(running.wait().unwrap().success());
    assert_eq!(fs::read_to_string(place("running.csv")).unwrap(), "half of a person");
}

#[test]
fn two_programs_do_not_write_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("results.csv");
    let first = PrivateFile::begin(&place).unwrap();
    assert_eq!(PrivateFile::begin(&place).unwrap_err().kind(), ErrorKind::ResourceBusy);
    first.file().write_all(b"the first").unwrap();
    first.finish().unwrap();
    assert_eq!(fs::read_to_string(&place).unwrap(), "the first");
    write(&place, "the second");
    assert_eq!(fs::read_to_string(&place).unwrap(), "the second");
}

#[test]
fn a_planted_link_is_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let (place, other) = (folder.path().join("out.csv"), folder.path().join("other"));
    fs::write(&other, "theirs").unwrap();
    for target in [other.as_path(), Path::new("no such file")] {
        symlink(target, folder.path().join(".out.csv.nhs-pds.partial")).unwrap();
        write(&place, "ours");
        assert_eq!(fs::read_to_string(&other).unwrap(), "theirs");
        assert!(fs::symlink_metadata(&place).unwrap().is_file());
    }
    // A link at the path itself belongs to the owner, and is followed.
    let link = folder.path().join("link.csv");
    symlink(&place, &link).unwrap();
    write(&link, "through the link");
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&place).unwrap(), "through the link");
}

#[test]
fn a_folder_is_refused_and_a_device_is_no_file() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(PrivateFile::begin(folder.path()).unwrap_err().kind(), ErrorKind::IsADirectory);
    write(Path::new("/dev/null"), "gone");
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
}

#[tokio::test]
async fn only_the_owner_reads_a_store_and_what_is_beside_it() {
    use nhs_pds::case::{Case, CaseStore, RecordType, SqliteStore};
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("cases.sqlite")).unwrap();
    let case = Case::new("1".parse().unwrap(), RecordType::Review);
    store.insert_all(vec![case]).await.unwrap();
    let found = names(folder.path());
    assert!(found.len() > 1, "the write-ahead log is looked at too: {found:?}");
    for name in found {
        assert_eq!(mode(&folder.path().join(&name)), 0o600, "{name}");
    }
}
