//! The quick look before a commit: formatting, lints, layers, manners.

use anyhow::Result;

use crate::run;
use crate::workspace::Workspace;
use crate::{layers, tidy};

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    tidy::run(workspace)?;
    layers::run(workspace)?;
    formatting(workspace)?;
    lints(workspace)
}

fn formatting(workspace: &Workspace) -> Result<()> {
    run::run(run::command("cargo fmt --all --check").current_dir(&workspace.root))
}

fn lints(workspace: &Workspace) -> Result<()> {
    run::run(
        run::command("cargo clippy --workspace --all-targets -- -D warnings")
            .current_dir(&workspace.root),
    )
}
