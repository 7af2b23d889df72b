//! Plays a published story before and after, beside its own figures.

use anyhow::{Result, bail};

use crate::run;
use crate::workspace::Workspace;

const SCENARIOS: &[&str] = &["platzi"];
const USAGE: &str = "cargo xtask headline platzi [--json FILE] [--quick]";

pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let Some((scenario, rest)) = arguments.split_first() else { bail!("{USAGE}") };
    if !SCENARIOS.contains(&scenario.as_str()) {
        bail!("no such scenario: {scenario}\n{USAGE}");
    }
    run::run(
        run::command("cargo build --release --locked -p littoral -p littoral-bench")
            .current_dir(&workspace.root),
    )?;
    let release = workspace.root.join("target/release");
    run::run(
        std::process::Command::new(release.join("littoral-bench"))
            .args(["--headline", scenario])
            .args(rest)
            .arg("--littoral")
            .arg(release.join("littoral"))
            .arg("--folder")
            .arg(workspace.root.join("target/bench")),
    )
}
