//! A long run at full load, watched for what grows: `cargo xtask soak --minutes N`.

use anyhow::Result;

use crate::run;
use crate::workspace::Workspace;

pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    run::run(
        run::command("cargo build --release --package littoral").current_dir(&workspace.root),
    )?;
    let mut command = run::command("cargo run --release --package littoral-tests --bin soak --");
    command
        .args(arguments)
        .env("LITTORAL_BIN", workspace.root.join("target/release/littoral"))
        .current_dir(&workspace.root);
    run::run(&mut command)
}
