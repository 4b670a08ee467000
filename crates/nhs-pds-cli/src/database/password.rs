//! The password of PostgreSQL, from where other programs of PostgreSQL look for it.
//!
//! The environment variable `PGPASSWORD`, then the file of `PGPASSFILE`, then `~/.pgpass`. A line of the file is
//! `HOST:PORT:DATABASE:USER:PASSWORD`; `*` means any, `\` makes the next character a plain one.

use super::address::Server;
use crate::console::{self, Failed};
use nhs_pds::secret::Secret;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// The password for `server`; `None` where no place has one.
///
/// # Errors
///
/// When the file of `PGPASSFILE` cannot be read, or other users can read or change a file of passwords.
pub(super) fn find(
    server: &Server,
    env: impl Fn(&str) -> Option<OsString>,
) -> Result<Option<Secret<String>>, Failed> {
    let env = |name: &str| env(name).filter(|value| !value.is_empty());
    if let Some(password) = env("PGPASSWORD") {
        let password = password.into_string().map_err(|_| "PGPASSWORD: the value is not UTF-8")?;
        return Ok(Some(Secret::new(password)));
    }
    let path = match (env("PGPASSFILE"), env("HOME")) {
        (Some(path), _) => PathBuf::from(path),
        (None, Some(home)) => {
            let path = Path::new(&home).join(".pgpass");
            if !path.exists() {
                return Ok(None);
            }
            path
        }
        (None, None) => return Ok(None),
    };
    check_private(&path)?;
    let text = Secret::new(console::read_text(&path)?);
    let text = str::from_utf8(text.expose()).map_err(|error| console::about(&path, &error))?;
    Ok(text.lines().find_map(|line| password_for(server, line)).map(Secret::new))
}

/// Refuses a file that other users can read, or a group can change.
///
/// A group may read it: systemd gives a service its credentials by an access list, which shows as the group's
/// permissions.
#[cfg(unix)]
fn check_private(path: &Path) -> Result<(), Failed> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = fs::metadata(path).map_err(|error| console::about(path, &error))?;
    if metadata.permissions().mode() & 0o027 != 0 {
        let path = path.display();
        return Err(format!(
            "{path}: other users can read or change this file of passwords: set its mode to 0600"
        )
        .into());
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_private(path: &Path) -> Result<(), Failed> {
    fs::metadata(path).map(drop).map_err(|error| console::about(path, &error))
}

/// The password of a line, if the line is about `server`.
fn password_for(server: &Server, line: &str) -> Option<String> {
    if line.starts_with('#') {
        return None;
    }
    let mut rest = line;
    for wanted in [&server.host, &server.port, &server.database, &server.user] {
        let (field, after) = field(rest);
        let is_any = rest.starts_with("*:");
        rest = after?;
        if !is_any && field != **wanted {
            return None;
        }
    }
    Some(field(rest).0)
}

/// The text up to the next colon, and the text after it.
fn field(text: &str) -> (String, Option<&str>) {
    let (mut field, mut letters) = (String::new(), text.char_indices());
    while let Some((place, letter)) = letters.next() {
        match letter {
            ':' => return (field, text.get(place + 1..)),
            '\\' => field.extend(letters.next().map(|(_, letter)| letter)),
            letter => field.push(letter),
        }
    }
    (field, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server() -> Server {
        Server {
            host: "db:1".to_owned(),
            port: "5432".to_owned(),
            database: "boroughs".to_owned(),
            user: "worker".to_owned(),
        }
    }

    fn found(env: &[(&str, &str)]) -> Result<Option<String>, String> {
        let env = |name: &str| {
            env.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
        };
        let found = find(&server(), env).map_err(|error| error.to_string())?;
        Ok(found.map(|password| password.expose().clone()))
    }

    #[test]
    fn a_line_of_the_file_is_read_as_by_other_programs() {
        for (line, password) in [
            (r"db\:1:5432:boroughs:worker:s3cret", Some("s3cret")),
            (r"*:*:*:worker:a\:b\\c", Some(r"a:b\c")),
            (r"*:*:*:*:", Some("")),
            (r"db:5432:boroughs:worker:s3cret", None),
            (r"\*:5432:boroughs:worker:s3cret", None),
            (r"*:*:*:other:s3cret", None),
            (r"#*:*:*:*:s3cret", None),
            (r"*:*:*", None),
            ("", None),
        ] {
            assert_eq!(password_for(&server(), line).as_deref(), password, "{line}");
        }
    }

    #[test]
    fn the_variable_comes_first_then_the_named_file_then_the_users() {
        let home = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = home.path().join(name);
            fs::write(&path, text).unwrap();
            #[cfg(unix)]
            fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))
                .unwrap();
            path.to_str().unwrap().to_owned()
        };
        let at_home = home.path().to_str().unwrap();
        assert_eq!(found(&[]), Ok(None));
        assert_eq!(found(&[("HOME", at_home)]), Ok(None), "no file is no error");
        write(".pgpass", "# ours\n*:*:*:other:x\n*:*:*:worker:home\n");
        let named = write("named", "*:*:*:worker:named");
        let password = |text: &str| Ok(Some(text.to_owned()));
        assert_eq!(found(&[("HOME", at_home), ("PGPASSFILE", "")]), password("home"));
        assert_eq!(found(&[("HOME", at_home), ("PGPASSFILE", &named)]), password("named"));
        assert_eq!(found(&[("PGPASSWORD", "env"), ("PGPASSFILE", &named)]), password("env"));
        let missing = found(&[("PGPASSFILE", "/no/such/file")]).unwrap_err();
        assert!(missing.contains("/no/such/file"), "{missing}");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_other_users_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("passwords");
        fs::write(&path, "*:*:*:worker:s3cret").unwrap();
        for (mode, is_refused) in [(0o604, true), (0o620, true), (0o640, false), (0o400, false)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let found = found(&[("PGPASSFILE", path.to_str().unwrap())]);
            assert_eq!(found.is_err(), is_refused, "{mode:o}: {found:?}");
            assert!(found.err().is_none_or(|error| !error.contains("s3cret")));
        }
    }
}
