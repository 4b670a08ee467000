//! Files that name people: only their owner may read them, and no half-written one is left.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How the name of a partial file ends: no other program's files do.
const PARTIAL: &str = ".nhs-pds.partial";

/// A file that appears at its place when it is complete. Until then it is beside its place, as
/// `.NAME.nhs-pds.partial`.
///
/// On Unix only the owner may read either, whatever the umask is and whoever could read a file that is
/// replaced. A partial file whose program was killed is removed by the next program that writes to the
/// same folder, under any name. While its program runs, another program cannot write to the same place.
#[derive(Debug)]
pub(crate) struct PrivateFile {
    place: PathBuf,
    /// `None` for what is no file and cannot be replaced, such as a pipe.
    partial: Option<PathBuf>,
    file: File,
}

impl PrivateFile {
    /// Begins a file for `place`, and makes the folder that it is in.
    pub(crate) fn begin(place: &Path) -> io::Result<Self> {
        // Where a link points, so that the link stays.
        let place = place.canonicalize().unwrap_or_else(|_| place.to_owned());
        match fs::metadata(&place) {
            Ok(found) if found.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            Ok(found) if !found.is_file() => {
                let file = OpenOptions::new().write(true).open(&place)?;
                return Ok(Self { place, partial: None, file });
            }
            _ => {}
        }
        let name = place.file_name().ok_or(io::ErrorKind::IsADirectory)?;
        let folder = match place.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        fs::create_dir_all(folder)?;
        let partial = folder.join(format!(".{}{PARTIAL}", name.display()));
        let file = fresh(&partial)?;
        sweep(folder, &file);
        Ok(Self { place, partial: Some(partial), file })
    }

    /// What to write to.
    pub(crate) const fn file(&self) -> &File {
        &self.file
    }

    /// Puts the file at its place.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        let Some(partial) = &self.partial else { return Ok(()) };
        self.file.sync_all()?;
        fs::rename(partial, &self.place)?;
        self.partial = None;
        Ok(())
    }
}

impl Drop for PrivateFile {
    fn drop(&mut self) {
        if let Some(partial) = &self.partial {
            let _ = fs::remove_file(partial);
        }
    }
}

/// A new, locked file at `partial`, in place of one whose program was killed.
fn fresh(partial: &Path) -> io::Result<File> {
    for _ in 0..8 {
        match OpenOptions::new().write(true).open(partial) {
            // Nothing is written to what was there: it may be a link to elsewhere.
            Ok(left) => {
                if !lock(&left)? {
                    std::thread::sleep(SWEPT);
                    continue;
                }
                // It may have been put at its place, or replaced, since it was opened.
                if is_at(&left, partial)? {
                    fs::remove_file(partial)?;
                }
            }
            // A link that leads nowhere.
            Err(_) if partial.is_symlink() => fs::remove_file(partial)?,
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Err(_) => {}
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(partial) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
            // Another program may sweep it away before it is locked.
            Ok(file) if lock(&file)? && is_at(&file, partial)? => {
                #[cfg(unix)]
                file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
                return Ok(file);
            }
            Ok(_) => {}
        }
    }
    Err(busy())
}

/// How long another program may have a partial file locked to sweep it away.
const SWEPT: Duration = Duration::from_millis(10);

/// Removes the partial files in `folder` whose programs were killed. What cannot be removed stays: it does
/// not keep the new file, `ours`, from being written.
fn sweep(folder: &Path, ours: &File) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        if name.starts_with(b".") && name.ends_with(PARTIAL.as_bytes()) {
            let _ = remove_left(&entry.path(), ours);
        }
    }
}

fn remove_left(partial: &Path, ours: &File) -> io::Result<()> {
    // A link is not followed, and what is no file is not opened.
    if !fs::symlink_metadata(partial)?.is_file() {
        return Ok(());
    }
    let left = File::open(partial)?;
    if is_private(&left, ours)? && lock(&left)? && is_at(&left, partial)? {
        fs::remove_file(partial)?;
    }
    Ok(())
}

/// Whether only the owner of `ours` may read the file, and owns it.
#[cfg(unix)]
fn is_private(file: &File, ours: &File) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let (file, ours) = (file.metadata()?, ours.metadata()?);
    Ok(file.uid() == ours.uid() && file.mode() & 0o777 == 0o600)
}

#[cfg(not(unix))]
fn is_private(_: &File, _: &File) -> io::Result<bool> {
    Ok(true)
}

/// Locks the file, unless another program has it locked.
fn lock(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn busy() -> io::Error {
    io::Error::new(io::ErrorKind::ResourceBusy, "another program is writing this file: let it end")
}

/// Whether `file` is what is at `place`, or what a link there leads to.
#[cfg(unix)]
fn is_at(file: &File, place: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let (ours, there) = (file.metadata()?, fs::metadata(place));
    Ok(there.is_ok_and(|there| (there.dev(), there.ino()) == (ours.dev(), ours.ino())))
}

#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> io::Result<bool> {
    Ok(true)
}
