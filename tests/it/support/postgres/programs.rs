//! Where PostgreSQL's programs are, and which user runs them.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The oldest version that the library supports.
const OLDEST: u32 = 15;

/// The programs of one version, and the user that runs them.
#[derive(Clone, Debug)]
pub(super) struct Programs {
    folder: PathBuf,
    pub(super) version: u32,
    /// Another user and group than this process has. The programs refuse root.
    user: Option<(u32, u32)>,
}

impl Programs {
    /// The programs on the path, or else the newest ones where Debian and others install them.
    pub(super) fn find() -> Option<Self> {
        let path = env::var_os("PATH").unwrap_or_default();
        let on_path = env::split_paths(&path).filter_map(|folder| {
            fs::canonicalize(folder.join("initdb")).ok()?.parent().map(Path::to_owned)
        });
        let installed = ["/usr/lib/postgresql", "/opt/homebrew/opt"].iter().flat_map(|root| {
            let folders = fs::read_dir(root).into_iter().flatten().flatten();
            let mut folders: Vec<_> = folders.map(|entry| entry.path().join("bin")).collect();
            folders.sort();
            folders.into_iter().rev()
        });
        let complete = |folder: &PathBuf| {
            ["initdb", "pg_ctl", "postgres"].iter().all(|name| folder.join(name).exists())
        };
        on_path.chain(installed).filter(complete).find_map(|folder| {
            let version = version(&folder)?;
            (version >= OLDEST).then(|| Self { folder, version, user: server_user() })
        })
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A command as the user of the server, in a folder that this user can enter.
    pub(super) fn command(&self, program: impl AsRef<OsStr>, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(folder).env_remove("DATABASE_URL");
        // Settings of a developer's own connections.
        for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG"))
        {
            command.env_remove(name);
        }
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        command
    }

    /// Gives a folder to the user of the server.
    pub(super) fn give(&self, folder: &Path) {
        if let Some((user, group)) = self.user {
            chown(folder, Some(user), Some(group)).unwrap();
        }
    }

    /// Whether the folder belongs to the user of the server, and not to another user who placed it there.
    pub(super) fn owns(&self, folder: &Path) -> bool {
        let Ok(found) = fs::symlink_metadata(folder) else { return false };
        found.is_dir() && found.uid() == self.user_id()
    }

    pub(super) fn user_id(&self) -> u32 {
        self.user.map_or_else(process_user, |(user, _)| user)
    }
}

fn version(folder: &Path) -> Option<u32> {
    let output = Command::new(folder.join("postgres")).arg("--version").output().ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    let number =
        said.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    number?.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

fn process_user() -> u32 {
    fs::metadata("/proc/self").map_or_else(|_| id(&["-u"]).unwrap(), |found| found.uid())
}

fn id(arguments: &[&str]) -> Option<u32> {
    let output = Command::new("id").args(arguments).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

/// The user and group of the server, when this process is root's.
fn server_user() -> Option<(u32, u32)> {
    if process_user() != 0 {
        return None;
    }
    let named = |name| Some((id(&["-u", name])?, id(&["-g", name])?));
    Some(named("postgres").or_else(|| named("nobody")).unwrap())
}
