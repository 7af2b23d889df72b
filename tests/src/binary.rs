//! The binary under test.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::dev::{ACCOUNT, Dev, TOKEN};

/// A command line of the binary under test, to be completed.
pub fn littoral() -> Command {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    Command::new(PATH.get_or_init(locate))
}

/// A client command of the binary, pointed at a network's first location.
pub fn littoral_at(dev: &Dev, arguments: &[&str]) -> Command {
    let mut command = littoral();
    command
        .args(arguments)
        .env("LITTORAL_URL", format!("http://{}", dev.address()))
        .env("LITTORAL_TOKEN", TOKEN)
        .env("LITTORAL_ACCOUNT", ACCOUNT);
    command
}

/// What `cargo xtask test` has built, or else one built now, so that it is never an old one.
fn locate() -> PathBuf {
    if let Some(path) = std::env::var_os("LITTORAL_BIN") {
        return path.into();
    }
    let root = root();
    let cargo = Command::new("cargo")
        .args(["build", "--quiet", "--package", "littoral"])
        .current_dir(&root)
        .status()
        .expect("cargo runs");
    assert!(cargo.success(), "the binary does not build");
    root.join("target/debug/littoral")
}

/// The checkout.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("tests lie in the root").to_path_buf()
}
