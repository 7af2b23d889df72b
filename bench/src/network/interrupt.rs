//! Whoever is interrupted leaves no process behind.

use std::path::Path;
use std::process::Command;

use anyhow::Result;
use tokio::runtime::Builder;

/// As a shell says that it was interrupted.
const INTERRUPTED: i32 = 130;

/// On ctrl-c, stops the network of this folder by its own script, and ends.
pub(super) fn stops(dir: &Path) -> Result<()> {
    let script = dir.join("stop.sh");
    let runtime = Builder::new_current_thread().enable_io().build()?;
    std::thread::Builder::new().name("interrupt".into()).spawn(move || {
        if runtime.block_on(tokio::signal::ctrl_c()).is_ok() {
            eprintln!("stopping the network ...");
            // What it could not stop it has said.
            let _ = Command::new(script).status();
            std::process::exit(INTERRUPTED);
        }
    })?;
    Ok(())
}
