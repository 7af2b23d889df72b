//! Installs the hooks of `hooks/` into this checkout.

use anyhow::Result;

use crate::run;
use crate::workspace::Workspace;

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    run::run(run::command("git config core.hooksPath hooks").current_dir(&workspace.root))?;
    println!(
        "commits are now checked by hooks/pre-commit; undo: git config --unset core.hooksPath"
    );
    Ok(())
}
