//! Measures how many NHS Numbers a method finds, and how many are those of another person.
//!
//! Registers and caseloads are invented from seeds, with the truth about each case. The library's worker and the
//! methods of other systems run in this process against the simulator. `docs/matching.md` explains the figures.

mod baseline;
mod bounds;
mod limits;
mod measure;
mod ours;
mod plot;
mod population;
mod table;
mod tally;
mod verdict;

use crate::commands::simulator::Disputes;
use crate::console::{about, say};
use crate::private::PrivateFile;
use measure::{Method, Plan};
use ours::ServiceKind;
use population::Population;
use population::kind::Mix;
use std::error::Error;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::BufWriter;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::{Path, PathBuf};
use table::Line;

/// The first seed of reports. Seeds from 1 to 20 are for tuning.
const FIRST_REPORTED: u64 = 1001;

/// Measures matching on invented people: right and wrong numbers, held cases, and calls
///
/// Each seed is a register and a caseload of its own. The mix `national` has the shares of `field`, and all people of
/// a country of 60 million who were born on the days of the cases and whose names sound alike.
#[derive(clap::Args)]
#[command(
    after_help = "Exit codes: 0 all limits are kept, 1 a limit is broken, 2 the measurement could not run"
)]
pub(crate) struct Args {
    /// The seeds. [default: 1001]
    #[arg(long, value_name = "SEED", num_args = 1..)]
    seed: Vec<u64>,
    /// The size of each register, before the people of special cases.
    #[arg(long, value_name = "COUNT", default_value = "100000")]
    people: NonZeroUsize,
    /// The cases of each seed and mix.
    #[arg(long, value_name = "COUNT", default_value = "2000")]
    cases: NonZeroUsize,
    /// Which mixes of difficulties.
    #[arg(long, value_enum, default_value = "both")]
    mix: Mixes,
    /// The methods: `ours`, and those of other systems: `smsp`, `mosaic`, `s1`, `s4v2`, `s5`, `successor`,
    /// `mavis`, `pds_advice`. [default: all]
    #[arg(long, value_name = "METHOD", value_delimiter = ',', num_args = 1..)]
    methods: Vec<String>,
    /// The services that the library's worker queries. [default: both]
    #[arg(long, value_enum, value_delimiter = ',', num_args = 1..)]
    services: Vec<ServiceKind>,
    /// A folder for the tables, the wrong numbers, and the calibration plots.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// A folder for the register, history, caseload and truth of each seed and mix. Nothing is measured.
    #[arg(long, value_name = "FOLDER", conflicts_with = "out")]
    files: Option<PathBuf>,
    /// The reading of what is not published about the matching of PDS.
    #[arg(long, value_enum, default_value_t = Disputes::Published)]
    disputes: Disputes,
    /// Measure the library's strategy with one step switched off at a time, too.
    #[arg(long)]
    ablation: bool,
    /// Measure the library on the mix `national`, one seed after the other.
    #[arg(long)]
    full: bool,
    /// The numbers after which `--full` ends.
    #[arg(long, value_name = "COUNT", default_value = "300000")]
    writes: NonZeroU64,
}

/// The mixes of a run.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
enum Mixes {
    Field,
    Stress,
    /// `field` and `stress`.
    Both,
    National,
    /// `field`, `stress` and `national`.
    All,
}

impl Mixes {
    const fn list(self) -> &'static [Mix] {
        match self {
            Self::Field => &[Mix::Field],
            Self::Stress => &[Mix::Stress],
            Self::Both => &[Mix::Field, Mix::Stress],
            Self::National => &[Mix::National],
            Self::All => &[Mix::Field, Mix::Stress, Mix::National],
        }
    }
}

/// Whether all limits are kept.
pub(crate) async fn run(cli: &Args) -> Result<bool, Box<dyn Error>> {
    let plan = plan(cli)?;
    if let Some(folder) = &cli.files {
        write_files(folder, &plan)?;
        return Ok(true);
    }
    let mut wrong = String::from("mix,method,seed,case_id,kind\n");
    let mut lines: Vec<Line> = Vec::new();
    if cli.full {
        let full = Plan { mixes: &[Mix::National], ..plan };
        full.until(cli.writes.get(), &mut lines, &mut wrong).await?;
    } else {
        plan.run(&mut lines, &mut wrong).await?;
    }
    let (text, are_kept) = report(&lines)?;
    say(&text)?;
    if let Some(folder) = &cli.out {
        write_out(folder, &text, &wrong, &lines)?;
    }
    Ok(are_kept)
}

fn plan(cli: &Args) -> Result<Plan, Box<dyn Error>> {
    let seeds = if cli.seed.is_empty() { vec![FIRST_REPORTED] } else { cli.seed.clone() };
    let services = if cli.services.is_empty() {
        vec![ServiceKind::Smsp, ServiceKind::Fhir]
    } else {
        cli.services.clone()
    };
    let all = Method::all(&services);
    let mut methods: Vec<Method> = Vec::new();
    for word in &cli.methods {
        let named: Vec<Method> = all.iter().filter(|method| method.is(word)).copied().collect();
        if named.is_empty() {
            return Err("--methods: not the name of a method: see --help".into());
        }
        methods.extend(named);
    }
    if cli.methods.is_empty() {
        methods = if cli.full {
            all.into_iter().filter(|method| method.is("ours")).collect()
        } else {
            all
        };
    }
    if cli.ablation {
        methods.extend(Method::variants(&services));
    }
    Ok(Plan {
        seeds,
        people: cli.people.get(),
        cases: cli.cases.get(),
        mixes: cli.mix.list(),
        methods,
        disputed: cli.disputes.into(),
    })
}

/// The tables, and whether all limits are kept.
fn report(lines: &[Line]) -> Result<(String, bool), std::fmt::Error> {
    let mut text = String::new();
    writeln!(text, "{}", table::summary(lines))?;
    for mix in [Mix::Field, Mix::Stress, Mix::National] {
        let of_mix = table::by_kind(mix, lines);
        if !of_mix.is_empty() {
            writeln!(text, "Mix {}, right/wrong/held/none:\n\n{of_mix}", mix.as_str())?;
        }
    }
    let steps = table::ablation(lines);
    if !steps.is_empty() {
        writeln!(text, "Each step of the strategy, by what is lost without it:\n\n{steps}")?;
    }
    let judged: Vec<limits::Judged> = lines
        .iter()
        .filter_map(|line| Some(limits::judge(line.mix, line.method.service()?, &line.tally)))
        .flatten()
        .collect();
    if !judged.is_empty() {
        let rows: Vec<Vec<String>> = judged.iter().map(|limit| limit.row.clone()).collect();
        writeln!(text, "{}", table::aligned(&limits::HEAD.map(str::to_owned), &rows))?;
    }
    for line in lines.iter().filter(|line| line.method.service().is_some()) {
        writeln!(text, "{}", table::writes(line))?;
    }
    Ok((text, judged.iter().all(|limit| limit.is_kept)))
}

fn write_out(folder: &Path, text: &str, wrong: &str, lines: &[Line]) -> Result<(), Box<dyn Error>> {
    let put = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).map_err(|error| about(&path, &error))
    };
    fs::create_dir_all(folder).map_err(|error| about(folder, &error))?;
    put("tables.md", text)?;
    put("kinds.md", &table::kinds())?;
    put("kinds.csv", &table::csv(lines))?;
    put("wrong.csv", wrong)?;
    for line in lines.iter().filter(|line| line.tally.bins.iter().any(|bin| bin.count > 0)) {
        let (mix, method) = (line.mix.as_str(), line.method.name());
        let title = format!("{mix}, {}", line.method.title());
        put(&format!("calibration-{mix}-{method}.svg"), &plot::svg(&title, &line.tally))?;
    }
    Ok(())
}

/// Writes the files of each seed and mix to a folder of its own.
fn write_files(folder: &Path, plan: &Plan) -> Result<(), Box<dyn Error>> {
    for (mix, seed) in plan.rounds() {
        let people = Population::new(seed, plan.people, plan.cases, mix)?;
        let folder = folder.join(format!("{}-{seed}", mix.as_str()));
        fs::create_dir_all(&folder).map_err(|error| about(&folder, &error))?;
        let register = &people.register;
        write_file(&folder.join("register.csv"), |file| Ok(register.write_csv(file)?))?;
        write_file(&folder.join("history.csv"), |file| Ok(register.write_history(file)?))?;
        write_file(&folder.join("caseload.csv"), |file| Ok(people.write_caseload(file)?))?;
        write_file(&folder.join("truth.csv"), |file| Ok(people.write_truth(file)?))?;
    }
    Ok(())
}

/// Writes a file that appears at its path when it is complete.
fn write_file(
    path: &Path,
    write: impl FnOnce(BufWriter<&File>) -> Result<(), Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    let file = PrivateFile::begin(path)?;
    write(BufWriter::new(file.file()))?;
    Ok(file.finish()?)
}
