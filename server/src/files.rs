//! Files and folders that appear under their name whole, or not at all.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tempfile::{Builder, NamedTempFile, TempDir};

/// A file beside `file`, to be [published](publish) under its name; dropped, it goes.
pub fn draft(file: &Path) -> io::Result<NamedTempFile> {
    builder(0o666).tempfile_in(folder_of(file))
}

/// The draft takes its name; what had the name before goes.
pub fn publish(draft: NamedTempFile, file: &Path) -> io::Result<()> {
    draft.as_file().sync_all()?;
    draft.persist(file)?;
    Ok(())
}

/// A folder beside `folder`, to be [published](publish_folder) under its name; dropped, it goes
/// with all it holds.
pub fn draft_folder(folder: &Path) -> io::Result<TempDir> {
    builder(0o777).tempdir_in(folder_of(folder))
}

/// The draft takes its name, which nothing but an empty folder may have had.
pub fn publish_folder(draft: TempDir, folder: &Path) -> io::Result<()> {
    std::fs::rename(draft.path(), folder)?;
    // Moved away: there is nothing left to remove.
    let _ = draft.keep();
    Ok(())
}

/// As open as the user's mask lets everything be; the library's own default is private.
fn builder(mode: u32) -> Builder<'static, 'static> {
    let mut builder = Builder::new();
    builder.prefix(".littoral-").permissions(Permissions::from_mode(mode));
    builder
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn nothing_has_the_name_until_all_is_there_and_nothing_stays_of_a_dropped_draft() {
        let home = tempfile::tempdir().expect("a folder");
        let (file, folder) = (home.path().join("file"), home.path().join("folder"));
        drop((draft(&file).expect("made"), draft_folder(&folder).expect("made")));
        assert_eq!(std::fs::read_dir(home.path()).expect("there").count(), 0);

        let mut draft = draft(&file).expect("made");
        draft.write_all(b"text").expect("written");
        assert!(!file.exists());
        publish(draft, &file).expect("renamed");
        assert_eq!(std::fs::read(&file).expect("there"), b"text");

        std::fs::create_dir(&folder).expect("empty");
        let draft = draft_folder(&folder).expect("made");
        std::fs::write(draft.path().join("inner"), "x").expect("written");
        publish_folder(draft, &folder).expect("renamed");
        assert!(folder.join("inner").exists());
        let late = draft_folder(&folder).expect("made");
        assert!(publish_folder(late, &folder).is_err());
    }
}
