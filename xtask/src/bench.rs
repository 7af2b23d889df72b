//! Builds what is measured, installs what it is compared with, and measures.

use anyhow::Result;

use crate::workspace::Workspace;
use crate::{install, run};

pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    if !arguments.iter().any(|argument| matches!(argument.as_str(), "-h" | "--help")) {
        install::peers()?;
        if arguments.iter().any(|argument| argument == "network") {
            install::postgresql()?;
        }
        if arguments.iter().any(|argument| argument == "site") {
            install::proxies()?;
        }
    }
    if arguments.iter().any(|argument| argument == "--profile") {
        install::profiler();
    }
    build(workspace)?;
    if arguments.iter().any(|argument| matches!(argument.as_str(), "kv" | "purges")) {
        // Apart: the simulation's parts can be broken on purpose, and those above must not be.
        run::run(
            run::command("cargo build --release --locked -p littoral-sim")
                .current_dir(&workspace.root),
        )?;
    }
    measure(workspace, arguments)
}

/// Builds the binary and what measures it.
pub(crate) fn build(workspace: &Workspace) -> Result<()> {
    let mut command = run::command("cargo build --release --locked -p littoral -p littoral-bench");
    run::run(command.current_dir(&workspace.root))
}

/// Measures what was built.
pub(crate) fn measure(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let release = workspace.root.join("target/release");
    // Here, and not in the root: a file that is named in the arguments lies where it was meant.
    run::run(
        std::process::Command::new(release.join("littoral-bench"))
            .args(arguments)
            .arg("--littoral")
            .arg(release.join("littoral"))
            .arg("--folder")
            .arg(workspace.root.join("target/bench")),
    )
}
