//! `batch import`.

use super::args::Import;
use super::fault::why;
use super::opened::Open;
use super::refused::RefusedRows;
use crate::console::{self, Failed, because, say, warn};
use crate::progress;
use nhs_pds::process::ErrorKind;
use nhs_pds::process::batch::{Batch, Imported, RowReport};
use std::fmt::Write as _;
use std::path::Path;

pub(super) async fn run(args: &Import) -> Result<bool, Failed> {
    for file in &args.file {
        // A wrong path is refused before anything is read.
        let is_file = console::open(file)?.metadata()?.is_file();
        if !is_file {
            let why = "a response is read twice: save it as a file on a disk first";
            return Err(format!("{}: {why}", file.display()).into());
        }
        if args.refused.as_deref().is_some_and(|refused| is_same(refused, file)) {
            return Err(format!("--refused would replace {}", file.display()).into());
        }
    }
    let open = Open::of(&args.common).await?;
    let mut refused = RefusedRows::begin(args.refused.as_deref())?;
    let read = read_all(&open, args, refused.as_mut()).await;
    let finished = refused.map_or(Ok(()), RefusedRows::finish);
    open.close();
    let is_well = read?;
    finished?;
    Ok(is_well)
}

async fn read_all(
    open: &Open,
    args: &Import,
    mut refused: Option<&mut RefusedRows>,
) -> Result<bool, Failed> {
    let (mut is_well, mut read_any, mut last) = (true, false, None);
    for file in &args.file {
        let name = file.display().to_string();
        let bar = progress::counting(format!("importing {name}"));
        let mut observer = |row: &RowReport| {
            bar.inc(1);
            if let Some(refused) = &mut refused {
                refused.take(&name, row);
            }
        };
        let imported = open.batches.import(file, &mut observer).await;
        bar.finish_and_clear();
        match imported {
            Ok(imported) => {
                read_any = true;
                is_well &= report(&name, &imported)?;
            }
            Err(error) if error.kind() == ErrorKind::BatchResponse => {
                is_well = false;
                last = Some(format!("{name}: {}", why(&error)));
                if let Some(why) = &last
                    && args.file.len() > 1
                {
                    warn(format!("batch: {why}"));
                }
            }
            Err(error) => return Err(format!("{name}: {}", because(&error)).into()),
        }
    }
    match last {
        Some(why) if !read_any => Err(why.into()),
        _ => {
            // What was settled is settled, whether or not another program has the folder now.
            match open.batches.tidy().await {
                Err(error) if error.kind() == ErrorKind::BatchFolderInUse => {
                    let why = because(&error);
                    warn(format!("batch: files of batches that have ended remain: {why}"));
                }
                tidied => tidied?,
            }
            Ok(is_well)
        }
    }
}

/// Prints what was imported; whether every row was used.
pub(super) fn report(name: &str, imported: &Imported) -> Result<bool, Failed> {
    let mut said = String::new();
    writeln!(said, "{name}")?;
    writeln!(said, "  Rows               {:>8}", imported.rows)?;
    writeln!(said, "  Decided            {:>8}", imported.decided.values().sum::<u64>())?;
    for (result, count) in &imported.decided {
        writeln!(said, "    {:<26} {count:>6}", result.as_str())?;
    }
    if imported.continued > 0 {
        writeln!(said, "  Traced further     {:>8}", imported.continued)?;
    }
    writeln!(said, "  Refused            {:>8}", imported.refused.values().sum::<u64>())?;
    for (fault, count) in &imported.refused {
        writeln!(said, "    {:<26} {count:>6}", fault.as_str())?;
    }
    for batch in &imported.batches {
        let Batch { id, state, waiting, .. } = batch;
        writeln!(said, "  Batch {id}: {state}, {waiting} cases wait")?;
    }
    say(&said)?;
    if let Some(fault) = &imported.fault {
        warn(format!("batch: {name}: {}", because(fault)));
    } else if imported.rows == 0 {
        warn(format!("batch: {name} has no rows"));
    }
    Ok(imported.fault.is_none() && imported.refused.is_empty() && imported.rows > 0)
}

/// Whether both paths lead to the same file.
fn is_same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().or_else(|_| std::path::absolute(path)).ok();
    real(one) == real(other)
}
