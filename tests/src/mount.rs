//! A small disk of its own, for tests of a disk that is full or read-only. Needs root.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file system in memory; unmounted when dropped.
#[derive(Debug)]
pub struct Mount {
    folder: tempfile::TempDir,
}

impl Mount {
    /// `None`, said aloud, where this user may not mount: such a test proves nothing then.
    pub fn of_mib(mib: u64) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let size = format!("size={mib}m");
        let mounted = mount(&["-t", "tmpfs", "-o", &size, "littoral-test"], folder.path());
        if !mounted {
            println!("skipped: mounting a small disk needs root");
            return None;
        }
        Some(Self { folder })
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Fills all that is left, and says with what.
    #[track_caller]
    pub fn fill(&self) -> PathBuf {
        let path = self.path().join("ballast");
        let mut file = fs::File::create(&path).expect("a file");
        let chunk = vec![0; 1 << 20];
        while std::io::Write::write_all(&mut file, &chunk).is_ok() {}
        path
    }

    #[track_caller]
    pub fn read_only(&self, yes: bool) {
        let how = if yes { "remount,ro" } else { "remount,rw" };
        assert!(mount(&["-o", how], self.path()), "cannot remount");
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Whoever still has a file open there loses only the name.
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}

fn mount(options: &[&str], at: &Path) -> bool {
    let mut mount = Command::new("mount");
    mount.args(options).arg(at).stderr(std::process::Stdio::null());
    mount.status().is_ok_and(|status| status.success())
}
