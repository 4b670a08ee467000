//! `batch export`.

use super::args::{Building, Export};
use super::exchange::{elsewhere as not_here, refused_at};
use super::opened::Open;
use crate::console::{Failed, about, say, warn};
use crate::progress;
use nhs_pds::clock::{Clock, SystemClock};
use nhs_pds::process::batch::{Batch, BatchState, LeftOut};
use std::collections::BTreeMap;
use std::error::Error;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub(super) async fn run(args: &Export) -> Result<bool, Failed> {
    let out = Files::free(&args.out)?;
    let mut open = Open::of(&args.common).await?;
    let exported = write(&mut open, args, &out).await;
    open.close();
    exported
}

async fn write(open: &mut Open, args: &Export, out: &Files<'_>) -> Result<bool, Failed> {
    if let Some(refused) = open.batches.refused_lately().await? {
        warn(format!("{}: correct the cause before you upload a file", refused_at(&refused)));
    }
    let left = build(open, &args.building).await?;
    let ready = open.batches.list().await?.into_iter();
    // A program that was killed while it gave a file to a user left it as exporting.
    let is_wanted = |batch: &Batch| {
        batch.state == BatchState::Ready
            || batch.state == BatchState::Exporting && open.batches.has_file(batch)
    };
    let (here, elsewhere): (Vec<Batch>, Vec<Batch>) =
        ready.filter(is_wanted).partition(|batch| open.batches.has_file(batch));
    for batch in &elsewhere {
        warn(not_here(batch, &open.folder));
    }
    if here.is_empty() {
        say(if left.is_empty() {
            "No case is due: no file was written.\n"
        } else {
            "No file was written.\n"
        })?;
        say(&left)?;
        return Ok(elsewhere.is_empty());
    }
    for (place, batch) in here.iter().enumerate() {
        let file = out.numbered(place);
        let exported = open.batches.export(&batch.id, &file).await;
        let Batch { id, rows, bytes, until, .. } =
            exported.map_err(|error| not_exported(&file, &error))?;
        let mut said = String::new();
        writeln!(said, "{}", file.display())?;
        writeln!(said, "    batch {id}: {rows} rows, {bytes} bytes")?;
        if batch.state == BatchState::Exporting {
            writeln!(
                said,
                "    an export of it was interrupted: if that has left a file, upload only one of the two"
            )?;
        }
        writeln!(said, "    counts as lost from {} on", until.format("%Y-%m-%d %H:%M UTC"))?;
        say(&said)?;
    }
    say(
        "Upload each file once, to the PDS MESH service, such as by the web page of MESH (workflow SPINE_PDS_MESH_V1). \
         Then delete it: it has personal data.\nImport the responses with `nhs-pds batch import`.\n",
    )?;
    say(&left)?;
    Ok(elsewhere.is_empty())
}

/// Writes the due cases into files, with a progress bar. Returns what to say of those that are not in a file.
pub(super) async fn build(open: &mut Open, building: &Building) -> Result<String, Failed> {
    let batches = open.batches.clone().with_limits(building.limits());
    open.batches = batches.with_lost_after(building.lost_after);
    let due = open.store.cases().counts(SystemClock.now()).await?.due;
    let bar = progress::rows(due, "written");
    let built = open.batches.build(&building.policy(), &mut |rows| bar.set_position(rows)).await;
    bar.finish_and_clear();
    built?;
    // The count goes through the cases that are left.
    match open.store.cases().counts(SystemClock.now()).await?.due {
        0 => Ok(String::new()),
        _ => left_out(&open.batches.left_out().await?),
    }
}

/// Why due cases are not in a file, and what becomes of them.
fn left_out(counts: &BTreeMap<LeftOut, u64>) -> Result<String, Failed> {
    let mut said = String::new();
    for (cause, count) in counts {
        let why = match cause {
            LeftOut::NoGender => {
                "without a gender that have no NHS Number: the worker traces them, or correct them"
            }
            LeftOut::LongName => "with a name of more than 40 characters: the worker traces them",
            LeftOut::OneByOne => {
                "that a file has not settled, or that a service was asked about: the worker traces them"
            }
            LeftOut::NotChosen => "that a file can have: they were not chosen, or became due since",
            _ => "for another reason",
        };
        writeln!(said, "  {count:>8} {why}")?;
    }
    if !said.is_empty() {
        said.insert_str(0, "Due cases that are not in a file:\n");
    }
    Ok(said)
}

/// Why a file was not written, and what to do.
fn not_exported(file: &Path, error: &(dyn Error + 'static)) -> Failed {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    let mut of_system = causes.filter_map(|cause| cause.downcast_ref::<io::Error>());
    if of_system.any(|error| error.kind() == io::ErrorKind::AlreadyExists) {
        return taken(file);
    }
    about(file, error)
}

fn taken(file: &Path) -> Failed {
    let file = file.display();
    format!("{file}: this file exists, and may have been uploaded: give --out another name").into()
}

/// The files of an export.
struct Files<'a>(&'a Path);

impl<'a> Files<'a> {
    /// Refuses a name that is taken, before a case is submitted. Creates its folder.
    fn free(out: &'a Path) -> Result<Self, Failed> {
        if out.file_name().is_none() || out.is_dir() {
            return Err(about(out, &io::Error::from(io::ErrorKind::IsADirectory)));
        }
        let folder = out.parent().filter(|folder| *folder != Path::new(""));
        let folder = folder.unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(|error| about(folder, &error))?;
        let files = Self(out);
        for entry in fs::read_dir(folder).map_err(|error| about(folder, &error))? {
            let name = entry.map_err(|error| about(folder, &error))?.file_name();
            if files.may_be(&name) {
                return Err(taken(&folder.join(name)));
            }
        }
        Ok(files)
    }

    /// The name of the first file, or of a further one.
    fn numbered(&self, place: usize) -> PathBuf {
        if place == 0 {
            return self.0.to_owned();
        }
        let mut name = OsString::from(self.0.file_stem().unwrap_or_default());
        name.push(format!("-{}", place + 1));
        if let Some(ending) = self.0.extension() {
            name.push(".");
            name.push(ending);
        }
        self.0.with_file_name(name)
    }

    /// Whether a file of this name may be one of the export.
    fn may_be(&self, name: &std::ffi::OsStr) -> bool {
        let of = |path: &Path| path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let (Some(other), Some(own)) = (of(Path::new(name)), of(self.0)) else { return false };
        if Path::new(name).extension() != self.0.extension() {
            return false;
        }
        let number = other.strip_prefix(&own).and_then(|rest| rest.strip_prefix('-'));
        let is_number =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        other == own || number.is_some_and(is_number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt;

    /// As the library wraps what the operating system refused.
    #[derive(Debug)]
    struct OfFolder(io::Error);

    impl fmt::Display for OfFolder {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a file of a batch cannot be read or written")
        }
    }

    impl Error for OfFolder {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    /// Another program created the file after the name was found free.
    #[test]
    fn a_name_that_is_taken_meanwhile_is_named_with_its_option() {
        let file = Path::new("to-pds.csv");
        for (kind, says) in [
            (
                io::ErrorKind::AlreadyExists,
                "to-pds.csv: this file exists, and may have been uploaded: give --out another name",
            ),
            (io::ErrorKind::StorageFull, "the disk is full: free some space, and try again"),
        ] {
            let said = not_exported(file, &OfFolder(kind.into())).to_string();
            assert!(said.starts_with("to-pds.csv: ") && said.ends_with(says), "{said}");
        }
    }

    #[test]
    fn further_files_have_a_number_before_the_ending() {
        let files = Files(Path::new("a.b/to-pds.csv"));
        assert_eq!(files.numbered(0), Path::new("a.b/to-pds.csv"));
        assert_eq!(files.numbered(1), Path::new("a.b/to-pds-2.csv"));
        assert_eq!(Files(Path::new("to")).numbered(2), Path::new("to-3"));
    }

    #[test]
    fn a_file_of_an_earlier_export_is_never_mixed_with_a_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("new/to-pds.csv");
        assert!(Files::free(&out).is_ok());
        for (name, is_taken) in [
            ("to-pds-x.csv", false),
            ("to-pds-.csv", false),
            ("to-pds-2.txt", false),
            ("other.csv", false),
            ("to-pds-3.csv", true),
            ("to-pds.csv", true),
        ] {
            let file = folder.path().join("new").join(name);
            fs::write(&file, "").unwrap();
            let refused = Files::free(&out).err().map(|error| error.to_string());
            assert_eq!(refused.is_some(), is_taken, "{name}");
            assert!(refused.is_none_or(|error| error.contains(name)));
            fs::remove_file(file).unwrap();
        }
        assert!(Files::free(folder.path()).is_err());
    }
}
