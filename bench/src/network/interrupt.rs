//! Whoever is interrupted leaves no process behind.

use std::path::Path;
use std::process::Command;

use anyhow::Result;
use tokio::runtime::Builder;

/// As a shell says that it was interrupted.
const INTERRUPTED: i32 = 130;

/// On ctrl-c, stops the network of `dir` by its own script, removes what was only for now, and ends.
pub(super) fn stops(dir: &Path, temporary: &Path) -> Result<()> {
    let (script, temporary) = (dir.join("stop.sh"), temporary.to_path_buf());
    let runtime = Builder::new_current_thread().enable_io().build()?;
    std::thread::Builder::new().name("interrupt".into()).spawn(move || {
        if runtime.block_on(tokio::signal::ctrl_c()).is_ok() {
            eprintln!("stopping the network ...");
            // What it could not stop it has said.
            let _ = Command::new(script).status();
            let _ = std::fs::remove_dir_all(temporary);
            std::process::exit(INTERRUPTED);
        }
    })?;
    Ok(())
}
