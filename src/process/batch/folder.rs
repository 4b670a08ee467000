//! The folder with the files of batches. One program at a time works with it.

use crate::process::error::{Error, ErrorKind};
use chrono::{DateTime, Utc};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// The folder, while this program has it.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// Locked until it is dropped. The operating system unlocks it when the program ends in any way.
    lock: File,
}

impl Drop for Folder {
    /// To close the file is not enough: a child process that another thread is starting has the file too, until it executes
    /// its program.
    fn drop(&mut self) {
        let _failed = self.lock.unlock();
    }
}

impl Folder {
    /// Opens the folder, and creates it if it does not exist. Only its owner has access.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        create(path).map_err(failed)?;
        create(&path.join(IN)).map_err(failed)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join("lock"))
            .map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), lock }),
            Err(TryLockError::WouldBlock) => Err(Error::new(ErrorKind::BatchFolderInUse)),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// Where the file `name` is to be when it is complete.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Creates the file `name` as it is while it is written.
    pub(super) fn begin(&self, name: &str) -> Result<File, Error> {
        private().create(true).truncate(true).open(self.part(name)).map_err(failed)
    }

    /// Gives the written file its name, durably.
    pub(super) fn complete(&self, name: &str, file: &File) -> Result<(), Error> {
        file.sync_all()
            .and_then(|()| fs::rename(self.part(name), self.file(name)))
            .and_then(|()| sync(&self.path))
            .map_err(failed)
    }

    /// Deletes the file `name`, complete or not, if it exists.
    pub(super) fn delete(&self, name: &str) -> Result<(), Error> {
        // A mailbox keeps the size of the chunks of a file that is half sent beside it.
        let chunks = self.path.join(format!("{name}.chunks"));
        for path in [self.part(name), self.file(name), chunks] {
            remove(&path)?;
        }
        Ok(())
    }

    /// Deletes the incomplete files that are not `known`: a program was killed between their beginning and the record
    /// of the batch.
    pub(super) fn delete_parts(&self, known: impl Fn(&str) -> bool) -> Result<(), Error> {
        for entry in fs::read_dir(&self.path).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            let name = name.to_string_lossy();
            if let Some(name) = name.strip_suffix(".part").filter(|name| !known(name)) {
                remove(&self.part(name))?;
            }
        }
        Ok(())
    }

    /// The complete requests that were written before `before`. Files with another form of name are not of this library.
    pub(super) fn requests_before(&self, before: DateTime<Utc>) -> Result<Vec<String>, Error> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let id = name.strip_suffix(".csv").and_then(|id| Uuid::try_parse(id).ok());
            // Uuid reads other forms too.
            if id.is_none_or(|id| format!("{id}.csv") != name) {
                continue;
            }
            let written = entry.metadata().and_then(|file| file.modified()).map_err(failed)?;
            if DateTime::<Utc>::from(written) < before {
                names.push(name);
            }
        }
        Ok(names)
    }

    /// Whether the file `name` is here, complete or not.
    pub(super) fn has(&self, name: &str) -> bool {
        self.file(name).exists() || self.part(name).exists()
    }

    /// Where arrivals are.
    pub(super) fn inbox(&self) -> PathBuf {
        self.path.join(IN)
    }

    /// Deletes the parts of arrivals that a killed program has left. What MESH still has is received again.
    pub(super) fn delete_parts_of_arrivals(&self) -> Result<(), Error> {
        for entry in fs::read_dir(self.inbox()).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_some_and(|end| end == "part") {
                remove(&path)?;
            }
        }
        Ok(())
    }

    /// The files that have arrived and are not yet dealt with, in the order of their names.
    pub(super) fn arrived(&self) -> Result<Vec<PathBuf>, Error> {
        let mut files = Vec::new();
        for entry in fs::read_dir(self.inbox()).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.is_file() && path.extension().is_some_and(|end| end == "csv") {
                files.push(path);
            }
        }
        files.sort();
        Ok(files)
    }

    /// Moves an arrival out of the way: into the folder `folder` of the folder.
    pub(super) fn set_aside(&self, file: &Path, folder: &str) -> Result<PathBuf, Error> {
        let target = self.path.join(folder);
        create(&target).map_err(failed)?;
        let target = target.join(file.file_name().unwrap_or_default());
        fs::rename(file, &target).and_then(|()| sync(&self.path)).map_err(failed)?;
        Ok(target)
    }

    /// Whether an arrival of the same name is in the folder `folder` of the folder.
    pub(super) fn is_aside(&self, file: &Path, folder: &str) -> bool {
        self.path.join(folder).join(file.file_name().unwrap_or_default()).exists()
    }

    fn part(&self, name: &str) -> PathBuf {
        self.path.join(format!("{name}.part"))
    }
}

/// The folder of arrivals.
const IN: &str = "in";

/// Deletes a file, if it exists.
pub(super) fn remove(path: &Path) -> Result<(), Error> {
    remove_any(path).map_err(failed)
}

fn remove_any(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Whether there is nothing at a place of a user.
pub(super) fn is_free(to: &Path) -> Result<(), Error> {
    match fs::symlink_metadata(to) {
        Ok(_) => Err(failed(io::ErrorKind::AlreadyExists.into())),
        Err(_) => Ok(()),
    }
}

/// Copies a file to a place of a user, durably. Nothing is written over, and the file appears when it is complete.
pub(super) fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    let Some(name) = to.file_name() else {
        return Err(failed(io::ErrorKind::IsADirectory.into()));
    };
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    // The commands remove a file with this ending if the program that wrote it was killed.
    let part = folder.join(format!(".{}.nhs-pds.partial", name.display()));
    let copied = || -> io::Result<()> {
        if fs::symlink_metadata(to).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        remove_any(&part)?;
        let mut target = private().create_new(true).open(&part)?;
        io::copy(&mut File::open(from)?, &mut target)?;
        target.sync_all()?;
        match fs::hard_link(&part, to) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
            // Some media have no links.
            Err(_) => fs::rename(&part, to)?,
            Ok(()) => fs::remove_file(&part)?,
        }
        sync(folder)
    };
    copied().map_err(|error| {
        let _ = fs::remove_file(&part);
        failed(error)
    })
}

/// Makes the names in a folder durable.
pub(super) fn sync(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

pub(super) fn failed(error: io::Error) -> Error {
    Error::new(ErrorKind::BatchFolder).with_source(error)
}

/// For a file that only its owner can read.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Creates a folder that only its owner can read, with those above it.
fn create(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_program_at_a_time_has_a_folder() {
        let dir = tempfile::tempdir().unwrap();
        let first = Folder::open(&dir.path().join("a/b")).unwrap();
        let second = Folder::open(&dir.path().join("a/b")).unwrap_err();
        assert_eq!(second.kind(), ErrorKind::BatchFolderInUse);
        drop(first);
        Folder::open(&dir.path().join("a/b")).unwrap();
    }

    #[test]
    fn a_copy_is_complete_and_writes_over_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("1.csv"), dir.path().join("to.csv"));
        // A program was killed while it copied.
        fs::write(dir.path().join(".to.csv.nhs-pds.partial"), "half").unwrap();
        let error = copy(&from, &to).unwrap_err();
        assert_eq!((error.kind(), to.exists()), (ErrorKind::BatchFolder, false));
        fs::write(&from, "rows").unwrap();
        copy(&from, &to).unwrap();
        fs::write(&from, "other").unwrap();
        copy(&from, &to).unwrap_err();
        assert_eq!(fs::read_to_string(&to).unwrap(), "rows");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_reads_the_files() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(&dir.path().join("all")).unwrap();
        let file = folder.begin("1.csv").unwrap();
        assert!(folder.has("1.csv") && !folder.file("1.csv").exists());
        folder.complete("1.csv", &file).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder.file("1.csv")), 0o600);
        assert_eq!(mode(&dir.path().join("all")), 0o700);
        assert_eq!(mode(&folder.inbox()), 0o700);
        folder.delete("1.csv").unwrap();
        folder.delete("1.csv").unwrap();
        assert!(!folder.has("1.csv"));
    }
}
