//! Plays a published story before and after, beside its own figures.

use anyhow::{Result, bail};

use crate::bench;
use crate::workspace::Workspace;

const SCENARIOS: &[&str] = &["platzi"];
const USAGE: &str = "cargo xtask headline platzi [--json FILE] [--quick]";

pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let Some((scenario, rest)) = arguments.split_first() else { bail!("{USAGE}") };
    if !SCENARIOS.contains(&scenario.as_str()) {
        bail!("no such scenario: {scenario}\n{USAGE}");
    }
    bench::build(workspace)?;
    let named = ["--headline".to_owned(), scenario.clone()];
    bench::measure(workspace, &[&named, rest].concat())
}
