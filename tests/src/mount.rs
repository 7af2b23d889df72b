//! A small disk of its own, for tests of a disk that is full or read-only. Needs root.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A file system of its own; unmounted when dropped.
#[derive(Debug)]
pub struct Mount {
    folder: tempfile::TempDir,
    /// What it stands in, where it can fail: a device would do in earnest.
    image: Option<tempfile::NamedTempFile>,
}

impl Mount {
    /// In memory. `None`, said aloud, where this user may not mount: the test proves nothing then.
    pub fn of_mib(mib: u64) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let size = format!("size={mib}m");
        let mounted = mount(&["-t", "tmpfs", "-o", &size, "littoral-test"], folder.path());
        if !mounted {
            return skipped("mounting a small disk needs root");
        }
        Some(Self { folder, image: None })
    }

    /// On a device that [can fail](Self::fail). `None` as above.
    pub fn that_fails(mib: u64) -> Option<Self> {
        let image = tempfile::NamedTempFile::new().expect("a temporary file");
        image.as_file().set_len(mib << 20).expect("a file may have holes");
        let mut make = Command::new("mkfs.ext4");
        let made = make.args(["-q", "-F"]).arg(image.path()).status();
        let disk = Self { folder: tempfile::tempdir().expect("a folder"), image: Some(image) };
        if !made.is_ok_and(|status| status.success()) || !disk.mount_image() {
            return skipped("mounting a device needs root, a loop device and mkfs.ext4");
        }
        Some(disk)
    }

    fn mount_image(&self) -> bool {
        let image = self.image.as_ref().expect("a disk that fails has an image").path();
        let image = image.to_str().expect("a plain path");
        mount(&["-t", "ext4", "-o", "loop,errors=remount-ro", image], self.path())
    }

    /// Makes the kernel find an error in it, upon which it turns read-only, as disks do that fail.
    #[track_caller]
    pub fn fail(&self) {
        let devices = fs::read_to_string("/proc/self/mounts").expect("mounts are known");
        let here = self.path().to_str().expect("a plain path");
        let line = devices.lines().find(|line| line.split(' ').nth(1) == Some(here));
        let device = line.and_then(|line| line.split(' ').next()?.strip_prefix("/dev/"));
        let device = device.expect("it is mounted from a device");
        fs::write(format!("/sys/fs/ext4/{device}/trigger_fs_error"), "test").expect("it fails");
    }

    /// What an operator does about it: unmount, check, mount. Nobody may use it.
    #[track_caller]
    pub fn repair(&self) {
        let run = |command: &mut Command| {
            command.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("it runs")
        };
        assert!(run(Command::new("umount").arg(self.path())).success(), "cannot unmount");
        let image = self.image.as_ref().expect("a disk that fails has an image").path();
        // 1: errors were corrected.
        let checked = run(Command::new("e2fsck").args(["-f", "-y"]).arg(image));
        assert!(matches!(checked.code(), Some(0 | 1)), "e2fsck: {checked}");
        assert!(self.mount_image(), "cannot mount again");
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

    /// Nobody may have a file open for writing.
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

#[expect(clippy::print_stdout, reason = "a test that proves nothing says so")]
fn skipped(why: &str) -> Option<Mount> {
    println!("skipped: {why}");
    None
}

fn mount(options: &[&str], at: &Path) -> bool {
    let mut mount = Command::new("mount");
    mount.args(options).arg(at).stderr(Stdio::null());
    mount.status().is_ok_and(|status| status.success())
}
