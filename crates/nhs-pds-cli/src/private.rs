//! Files with personal data: only their owner may read them, and no partly written file stays.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How the name of a partial file ends: no other program's files do.
const PARTIAL: &str = ".nhs-pds.partial";

/// A file that appears at its path when it is complete. Until then it is in the same folder, as
/// `.NAME.nhs-pds.partial`.
///
/// On Unix, only the owner may read either file. This holds for every umask, and for every mode of a file
/// that is replaced. If a program is killed, its partial file stays; the next program that writes to the
/// same folder removes it, whatever its name. Two programs cannot write to the same path at a time.
#[derive(Debug)]
pub(crate) struct PrivateFile {
    place: PathBuf,
    /// `None` when the path is a pipe or a device, which cannot be replaced.
    partial: Option<PathBuf>,
    file: File,
}

impl PrivateFile {
    /// Begins a file for `place`, and creates its folder.
    pub(crate) fn begin(place: &Path) -> io::Result<Self> {
        // Follows a link, so that the link stays and its target is replaced.
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

    /// The file to write to.
    pub(crate) const fn file(&self) -> &File {
        &self.file
    }

    /// Moves the file to its path.
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
            // Never writes to an existing file: it may be a link to another place.
            Ok(left) => {
                if !lock(&left)? {
                    std::thread::sleep(SWEPT);
                    continue;
                }
                // Another program may have moved or replaced it since it was opened.
                if is_at(&left, partial)? {
                    fs::remove_file(partial)?;
                }
            }
            // A link without a target.
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
            // Another program may remove it before it is locked.
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

/// How long another program may lock a partial file while it removes it.
const SWEPT: Duration = Duration::from_millis(10);

/// Removes the partial files in `folder` whose programs were killed. A file that cannot be removed stays;
/// this does not prevent writing the new file, `ours`.
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
    // Does not follow links, and opens regular files only.
    if !fs::symlink_metadata(partial)?.is_file() {
        return Ok(());
    }
    let left = File::open(partial)?;
    if is_private(&left, ours)? && lock(&left)? && is_at(&left, partial)? {
        fs::remove_file(partial)?;
    }
    Ok(())
}

/// Whether the owner of `ours` owns the file, and is the only user who may read it.
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

/// Locks the file; `false` when another program has locked it.
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

/// Whether `file` is the file at `place`, or the target of a link at `place`.
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
