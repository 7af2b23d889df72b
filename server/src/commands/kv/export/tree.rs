//! A directory with a file per key, made beside its place and moved there when it is whole.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Component, Path, PathBuf};

use tempfile::TempDir;

use crate::commands::kv::member::Item;
use crate::failure::Failure;
use crate::files;

/// A key that is not in the directory, and why.
#[derive(Debug)]
pub struct Refused {
    pub key: String,
    pub why: String,
}

#[derive(Debug)]
pub struct Tree {
    target: PathBuf,
    draft: TempDir,
    refused: Vec<Refused>,
    /// Keys whose expiry or metadata is lost here.
    bare: u64,
}

/// Refuses a directory that holds something, before anything is asked of the node.
pub fn check(target: &Path) -> Result<(), Failure> {
    let taken = match fs::read_dir(target) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) => error.kind() != ErrorKind::NotFound,
    };
    if taken {
        let what = format!("{} is not an empty directory", target.display());
        let next = "give the name of a directory that does not exist yet";
        return Err(Failure::new("littoral::output", what, next));
    }
    Ok(())
}

impl Tree {
    pub fn begin(target: &Path) -> Result<Self, Failure> {
        let draft = files::draft_folder(target).map_err(|source| cannot(target, source))?;
        Ok(Self { target: target.to_owned(), draft, refused: Vec::new(), bare: 0 })
    }

    /// Whether the key is there now. A failure is the disk's, not the key's.
    pub fn write(&mut self, item: &Item) -> Result<bool, Failure> {
        let written = path_of(&item.key).map(|path| self.create(&path, &item.value));
        let why = match written {
            Ok(Ok(())) => {
                self.bare += u64::from(item.expiration.is_some() || item.metadata.is_some());
                return Ok(true);
            }
            Ok(Err(error)) if is_about_the_disk(&error) => return Err(cannot(&self.target, error)),
            Ok(Err(error)) => format!("cannot be a path here: {error}"),
            Err(why) => why.to_owned(),
        };
        self.refused.push(Refused { key: item.key.clone(), why });
        Ok(false)
    }

    fn create(&self, path: &Path, value: &[u8]) -> io::Result<()> {
        let path = self.draft.path().join(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        // Never over another: a disk may take two keys for one name.
        File::create_new(path)?.write_all(value)
    }

    /// Keys whose expiry or metadata is lost, and keys that are not there.
    pub fn finish(self) -> Result<(u64, Vec<Refused>), Failure> {
        let Self { target, draft, refused, bare } = self;
        files::publish_folder(draft, &target).map_err(|source| cannot(&target, source))?;
        Ok((bare, refused))
    }
}

fn cannot(target: &Path, source: io::Error) -> Failure {
    let what = format!("cannot write {}", target.display());
    Failure::new("littoral::output", what, "choose a writable place with room").because(source)
}

fn is_about_the_disk(error: &io::Error) -> bool {
    use ErrorKind::{PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | ReadOnlyFilesystem | PermissionDenied)
}

/// The path that an import would turn into this very key again.
fn path_of(key: &str) -> Result<PathBuf, &'static str> {
    let path = Path::new(key);
    if !path.components().all(|part| matches!(part, Component::Normal(_))) {
        return Err("is no path below a directory");
    }
    // Components pass over empty and `.` parts, which the way back would not restore.
    let again: Vec<_> = path.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    if key.is_empty() || again.join("/") != key {
        return Err("would be another key on the way back");
    }
    Ok(path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_path_only_if_the_path_is_the_key_again() {
        for good in ["a", "a/b", ".hidden/x", "a b", "...", "é", "a\\b"] {
            assert!(path_of(good).is_ok(), "{good}");
        }
        for bad in ["", "/a", "a/", "a//b", "./a", "a/.", "a/./b", "..", "a/../b", "../a"] {
            assert!(path_of(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_file_that_is_there_is_never_written_over() {
        let home = tempfile::tempdir().expect("a folder");
        let mut tree = Tree::begin(&home.path().join("out")).expect("begun");
        let item = |value: &'static str| Item {
            key: "same".into(),
            value: value.into(),
            ..Item::default()
        };
        assert!(tree.write(&item("first")).expect("the disk is well"));
        assert!(!tree.write(&item("second")).expect("the disk is well"));
        let (_, refused) = tree.finish().expect("finished");
        assert_eq!(refused.len(), 1);
        assert_eq!(fs::read(home.path().join("out/same")).expect("there"), b"first");
    }
}
