//! `kill -9` under load, more often than the tests do: `cargo xtask kill --rounds N [--seed S]`.

use anyhow::{Result, bail};

use crate::run;
use crate::workspace::Workspace;

const ROUNDS: &str = "200";

pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (rounds, seed) = match arguments[..] {
        [] => (ROUNDS, None),
        ["--rounds", rounds] => (rounds, None),
        ["--rounds", rounds, "--seed", seed] => (rounds, Some(seed)),
        _ => bail!("takes --rounds N and then --seed S"),
    };
    run::run(
        run::command("cargo build --release --package littoral").current_dir(&workspace.root),
    )?;
    let mut command = run::command("cargo test --package littoral-tests --test kill_nine");
    command
        .args(["--", "--nocapture"])
        .env("LITTORAL_BIN", workspace.root.join("target/release/littoral"))
        .env("LITTORAL_KILL_ROUNDS", rounds)
        .current_dir(&workspace.root);
    if let Some(seed) = seed {
        command.env("LITTORAL_KILL_SEED", seed);
    }
    run::run(&mut command)
}
