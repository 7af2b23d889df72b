//! The checkout: its root, its files, and what each crate says of itself.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
}

/// A member of the workspace, as its Cargo.toml describes it.
pub(crate) struct Crate {
    /// The package's name.
    pub(crate) package: String,
    /// Where it lies, from the root: `crates/path/tiers`.
    pub(crate) folder: PathBuf,
    /// All packages it names as dependencies, of every kind.
    pub(crate) uses: Vec<String>,
}

impl Workspace {
    pub(crate) fn find() -> Result<Self> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = here.parent().context("xtask lies in the root")?.to_path_buf();
        ensure!(root.join("Cargo.lock").exists(), "{} is no checkout any more", root.display());
        Ok(Self { root })
    }

    /// Where `install` puts things.
    pub(crate) fn tools(&self) -> PathBuf {
        self.root.join("target").join("tools")
    }

    pub(crate) fn read(&self, path: impl AsRef<Path>) -> Result<String> {
        let path = self.root.join(path);
        std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    }

    /// Every file that is, or is about to be, part of the project; from the root.
    pub(crate) fn files(&self) -> Result<Vec<PathBuf>> {
        let listing = Command::new("git")
            .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
            .current_dir(&self.root)
            .output()
            .context("cannot run git")?;
        ensure!(listing.status.success(), "git ls-files failed");
        let listing = String::from_utf8(listing.stdout).context("a file name is not UTF-8")?;
        let mut files: Vec<PathBuf> =
            listing.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from).collect();
        files.retain(|file| self.root.join(file).is_file());
        files.sort();
        files.dedup();
        Ok(files)
    }

    /// Every crate of the workspace.
    pub(crate) fn crates(&self) -> Result<Vec<Crate>> {
        let mut crates = Vec::new();
        for file in self.files()? {
            let folder = file.parent().unwrap_or(Path::new(""));
            if file.ends_with("Cargo.toml") && folder != Path::new("") {
                crates.extend(Crate::parse(folder, &self.read(&file)?)?);
            }
        }
        Ok(crates)
    }
}

impl Crate {
    /// `None` for a folder that is a workspace of its own.
    fn parse(folder: &Path, text: &str) -> Result<Option<Self>> {
        let manifest: toml::Table =
            text.parse().with_context(|| format!("{}/Cargo.toml", folder.display()))?;
        if manifest.contains_key("workspace") {
            return Ok(None);
        }
        let package = manifest
            .get("package")
            .and_then(|package| package.get("name")?.as_str())
            .with_context(|| format!("{} has no package name", folder.display()))?;
        let mut uses: Vec<String> = ["dependencies", "dev-dependencies", "build-dependencies"]
            .iter()
            .filter_map(|kind| manifest.get(*kind)?.as_table())
            .flat_map(|table| table.keys().cloned())
            .collect();
        uses.sort();
        uses.dedup();
        Ok(Some(Self { package: package.to_owned(), folder: folder.to_path_buf(), uses }))
    }
}
