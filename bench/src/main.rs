//! Measures what was promised, ours and theirs in turn, and prints a row for each promise.
//!
//! `cargo xtask bench` builds and runs this; `docs/guide/bench.md` says what each row means.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool of the terminal")]

mod allocator;
mod bare;
mod client;
mod cold;
mod engine;
mod headline;
mod hot;
mod idle;
mod load;
mod memory;
mod network;
mod plan;
mod profile;
mod program;
mod purges;
mod raw;
mod rows;
mod serving;
mod site;
mod wire;
mod world;
mod writes;
mod zoned;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use clap::{Parser, ValueEnum};
use tokio::runtime::{Builder, Runtime};

use plan::Plan;
use rows::{NAMES, Row};

/// What `cargo xtask bench` hands on.
#[derive(Debug, Parser)]
struct Args {
    /// What is measured.
    #[arg(required_unless_present_any = ["bare", "upstream", "headline"])]
    group: Option<Group>,
    /// Fewer and shorter rounds.
    #[arg(long)]
    quick: bool,
    /// Write the rows here, as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Draw a flame graph of the hot read.
    #[arg(long)]
    profile: bool,
    /// The program under test.
    #[arg(long, value_name = "FILE", default_value = "target/release/littoral")]
    littoral: PathBuf,
    /// Where the measurements keep their files: on a disk.
    #[arg(long, value_name = "DIR", default_value = "target/bench")]
    folder: PathBuf,
    /// Of `network` and `site`: only this part; may be given again.
    #[arg(long, value_name = "PART")]
    part: Vec<String>,
    #[command(flatten)]
    network: network::Told,
    /// Play this scenario instead.
    #[arg(long, value_enum, value_name = "NAME", hide = true)]
    headline: Option<headline::Scenario>,
    /// Be the bare hyper that others are compared with.
    #[arg(long, value_name = "ADDRESS", hide = true)]
    bare: Option<SocketAddr>,
    /// Be the site that others stand in front of.
    #[arg(long, value_name = "ADDRESS", hide = true)]
    upstream: Option<SocketAddr>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Group {
    /// All of the others.
    Kv,
    KvHot,
    KvEngine,
    KvWrites,
    KvCold,
    KvIdle,
    /// What a write costs in purges, from few locations to many.
    Purges,
    /// Nodes, PostgreSQL servers and faults; not among all of the others.
    Network,
    /// A site behind us and behind others; not among all of the others.
    Site,
}

impl Group {
    const ALL: [Self; 6] =
        [Self::KvHot, Self::KvEngine, Self::KvWrites, Self::KvCold, Self::KvIdle, Self::Purges];

    fn run(self, plan: &Plan) -> Result<Vec<Row>> {
        eprintln!("{} ...", self.to_possible_value().context("every group has a name")?.get_name());
        match self {
            Self::Kv => {
                let rows: Result<Vec<_>> = Self::ALL.iter().map(|group| group.run(plan)).collect();
                Ok(rows?.into_iter().flatten().collect())
            }
            Self::KvHot => many_threads()?.block_on(Box::pin(hot::run(plan))),
            Self::KvEngine => {
                let mut rows = one_thread()?.block_on(Box::pin(engine::run(plan)))?;
                rows.extend(memory::run(plan)?);
                Ok(rows)
            }
            Self::KvWrites => many_threads()?.block_on(Box::pin(writes::run(plan))),
            Self::KvCold => many_threads()?.block_on(Box::pin(cold::run(plan))),
            Self::KvIdle => many_threads()?.block_on(Box::pin(idle::run(plan))),
            Self::Purges => purges::run(plan),
            Self::Network => network::run(plan),
            Self::Site => many_threads()?.block_on(Box::pin(site::run(plan))),
        }
    }
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<()> {
    if let Some(address) = args.bare {
        return many_threads()?.block_on(bare::run(address));
    }
    if let Some(address) = args.upstream {
        return many_threads()?.block_on(site::upstream(address));
    }
    std::fs::create_dir_all(&args.folder)?;
    let littoral = args.littoral.canonicalize();
    let littoral = littoral.with_context(|| format!("there is no {}", args.littoral.display()))?;
    let mut plan = Plan::new(args.quick, args.profile, littoral, args.folder.canonicalize()?);
    plan.part.clone_from(&args.part);
    plan.network = args.network.clone();
    if let Some(scenario) = args.headline {
        let (text, rows) = many_threads()?.block_on(Box::pin(headline::run(&plan, scenario)))?;
        println!("{text}");
        return written(args, &rows);
    }
    let rows = args.group.context("no group")?.run(&plan)?;
    for row in &rows {
        ensure!(NAMES.contains(&row.name), "{} is no row of ours", row.name);
    }
    println!("{}", rows::table(&rows));
    let missed: Vec<_> = rows.iter().filter(|row| !row.met()).map(|row| row.name).collect();
    println!("{} rows, {} missed: {}", rows.len(), missed.len(), missed.join(", "));
    written(args, &rows.iter().map(Row::to_json).collect())
}

/// The rows as data, where they are wanted.
fn written(args: &Args, rows: &serde_json::Value) -> Result<()> {
    if let Some(file) = &args.json {
        std::fs::write(file, serde_json::to_string_pretty(rows)?)?;
    }
    Ok(())
}

fn many_threads() -> Result<Runtime> {
    Ok(Builder::new_multi_thread().enable_all().build()?)
}

/// Its tasks run only while somebody waits.
fn one_thread() -> Result<Runtime> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory as _;
        Args::command().debug_assert();
    }

    #[test]
    fn groups_are_called_as_documented() {
        let names: Vec<_> = Group::value_variants()
            .iter()
            .filter_map(|group| Some(group.to_possible_value()?.get_name().to_owned()))
            .collect();
        assert_eq!(
            names,
            [
                "kv",
                "kv-hot",
                "kv-engine",
                "kv-writes",
                "kv-cold",
                "kv-idle",
                "purges",
                "network",
                "site"
            ]
        );
    }

    #[test]
    fn the_guide_says_what_every_row_means() {
        let guide = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/guide/bench.md");
        let guide = std::fs::read_to_string(guide).expect("docs/guide/bench.md");
        for name in NAMES {
            assert!(guide.contains(&format!("`{name}`")), "{name}");
        }
    }
}
