//! What CI runs: install what is missing, check, then every test, each crate built once.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};

use crate::summary::Summary;
use crate::workspace::Workspace;
use crate::{check, install, run};

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    install::run(workspace)?;
    check::run(workspace)?;
    build(workspace)?;
    test(workspace)
}

/// Binaries and tests in one go: the black-box suites run the binary built here, with the very
/// features the tests were built with, so that nothing is compiled twice.
fn build(workspace: &Workspace) -> Result<()> {
    run::run(
        run::command("cargo build --workspace --all-targets --locked").current_dir(&workspace.root),
    )
}

fn test(workspace: &Workspace) -> Result<()> {
    let mut command = run::command("cargo test --workspace --locked --no-fail-fast");
    command
        .env("LITTORAL_BIN", workspace.root.join("target/debug/littoral"))
        .current_dir(&workspace.root)
        .stdout(Stdio::piped());
    eprintln!("+ {}", run::line(&command));
    let mut child = command.spawn().context("cannot run cargo test")?;
    let output = child.stdout.take().context("the pipe was asked for")?;
    let summary = pass_on(BufReader::new(output))?;
    let status = child.wait().context("cargo test is gone")?;
    println!("\n{summary}");
    ensure!(status.success(), "cargo test: {status}");
    ensure!(summary.passed > 0, "no test ran");
    Ok(())
}

/// Shows what the tests print as it comes, and counts their results.
fn pass_on(mut output: impl BufRead) -> Result<Summary> {
    let mut summary = Summary::default();
    let mut line = Vec::new();
    let mut out = std::io::stdout().lock();
    while output.read_until(b'\n', &mut line)? > 0 {
        out.write_all(&line)?;
        out.flush()?;
        summary.add(&String::from_utf8_lossy(&line));
        line.clear();
    }
    Ok(summary)
}
