//! The simulation, in release: `cargo xtask sim --seeds N [--seed S] [--break RULE|list|all]`.

use anyhow::Result;

use crate::run;
use crate::workspace::Workspace;

pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let mut command = run::command("cargo run --quiet --release --package littoral-sim --");
    run::run(command.args(arguments).current_dir(&workspace.root))
}
