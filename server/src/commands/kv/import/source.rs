//! Where an import comes from: a directory, lines of members, or an array of them.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::vec;

use miette::Result;

use super::Failed;
use super::name::Naming;
use crate::commands::kv::member::{Item, Member, VALUE_BYTES_MAX};
use crate::failure::Failure;

/// One thing the source held: an item or a failure, and its share of the source's bytes.
pub struct Found {
    pub item: Result<Item, Failed>,
    pub source_bytes: u64,
}

/// Everything to be imported, read as it is asked for.
pub struct Source {
    kind: Kind,
    naming: Naming,
    pub total_bytes: Option<u64>,
    pub skipped_links: usize,
}

enum Kind {
    Tree(vec::IntoIter<Leaf>),
    Lines { lines: Box<dyn BufRead>, number: u64 },
    Array { members: vec::IntoIter<Result<Item, Failed>>, source_bytes_each: u64 },
}

/// A file of the tree.
struct Leaf {
    path: PathBuf,
    name: String,
    /// Whether `name` is what the file is called, and not merely like it.
    is_text: bool,
    bytes: u64,
}

impl Source {
    pub fn open(path: &Path, naming: Naming) -> Result<Self> {
        let opened = match path {
            path if path == Path::new("-") => Self::reader(Box::new(io::stdin().lock()), None),
            path if path.is_dir() => Self::tree(path),
            path => File::open(path).and_then(|file| {
                let bytes = file.metadata()?.len();
                Self::reader(Box::new(BufReader::new(file)), Some(bytes))
            }),
        };
        let source = opened.map_err(|source| {
            let what = format!("cannot read {}", path.display());
            let next = "give a directory, an NDJSON file or a JSON array of {key, value}";
            Failure::new("littoral::input", what, next).because(source)
        })?;
        Ok(Self { naming, ..source })
    }

    fn tree(root: &Path) -> io::Result<Self> {
        let mut leaves = Vec::new();
        let mut skipped_links = 0;
        walk(root, "", true, &mut leaves, &mut skipped_links)?;
        leaves.sort_by(|a, b| a.name.cmp(&b.name));
        let total_bytes = Some(leaves.iter().map(|leaf| leaf.bytes).sum());
        let kind = Kind::Tree(leaves.into_iter());
        Ok(Self { kind, naming: Naming::default(), total_bytes, skipped_links })
    }

    /// An array begins with `[`, a line with `{`.
    fn reader(mut lines: Box<dyn BufRead>, total_bytes: Option<u64>) -> io::Result<Self> {
        let begins = lines.fill_buf()?.iter().find(|byte| !byte.is_ascii_whitespace()).copied();
        let kind = match begins {
            Some(b'[') => array(lines)?,
            _ => Kind::Lines { lines, number: 0 },
        };
        Ok(Self { kind, naming: Naming::default(), total_bytes, skipped_links: 0 })
    }
}

impl Iterator for Source {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        let found = match &mut self.kind {
            Kind::Tree(leaves) => leaves.next().map(Leaf::read),
            Kind::Lines { lines, number } => next_line(&mut **lines, number),
            Kind::Array { members, source_bytes_each } => {
                members.next().map(|item| Found { item, source_bytes: *source_bytes_each })
            }
        };
        let Found { item, source_bytes } = found?;
        let item = item.and_then(|item| match self.naming.key(&item.key) {
            Ok(key) => Ok(Item { key, ..item }),
            Err(why) => Err(Failed { key: item.key, why }),
        });
        Some(Found { item, source_bytes })
    }
}

fn walk(
    folder: &Path,
    below: &str,
    is_text: bool,
    leaves: &mut Vec<Leaf>,
    skipped_links: &mut usize,
) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        let is_text = is_text && entry.file_name().to_str().is_some();
        let name = format!("{below}{}", entry.file_name().to_string_lossy());
        if kind.is_dir() {
            walk(&path, &format!("{name}/"), is_text, leaves, skipped_links)?;
        } else if kind.is_symlink() {
            *skipped_links += 1;
        } else {
            leaves.push(Leaf { path, name, is_text, bytes: entry.metadata()?.len() });
        }
    }
    Ok(())
}

impl Leaf {
    fn read(self) -> Found {
        let Self { path, name, is_text, bytes } = self;
        let item = match () {
            () if !is_text => Err("its name is not UTF-8".to_owned()),
            // Too large to be read for nothing.
            () if bytes > VALUE_BYTES_MAX as u64 => {
                Err(format!("a value is at most {VALUE_BYTES_MAX} bytes, and this one {bytes}"))
            }
            () => fs::read(&path).map_err(|error| format!("cannot be read: {error}")),
        };
        let item = match item {
            Ok(value) => Ok(Item { key: name, value: value.into(), ..Item::default() }),
            Err(why) => Err(Failed { key: name, why }),
        };
        Found { item, source_bytes: bytes }
    }
}

fn next_line(lines: &mut dyn BufRead, number: &mut u64) -> Option<Found> {
    loop {
        let mut line = Vec::new();
        *number += 1;
        let fail = |why: String| Err(Failed { key: format!("line {number}"), why });
        let item = match lines.read_until(b'\n', &mut line) {
            Ok(0) => return None,
            Ok(_) if line.trim_ascii().is_empty() => continue,
            Ok(_) => match serde_json::from_slice::<Member<'_>>(&line) {
                Ok(member) => member.into_item().map_err(|(key, why)| Failed { key, why }),
                Err(error) => fail(format!("is no member: {error}")),
            },
            Err(error) => fail(format!("cannot be read: {error}")),
        };
        return Some(Found { item, source_bytes: line.len() as u64 });
    }
}

fn array(mut reader: Box<dyn BufRead>) -> io::Result<Kind> {
    let mut text = Vec::new();
    reader.read_to_end(&mut text)?;
    let members: Vec<Member<'_>> = serde_json::from_slice(&text)?;
    let source_bytes_each = text.len() as u64 / (members.len() as u64).max(1);
    let items = members
        .into_iter()
        .map(|member| member.into_item().map_err(|(key, why)| Failed { key, why }))
        .collect::<Vec<_>>();
    Ok(Kind::Array { members: items.into_iter(), source_bytes_each })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(source: Source) -> Vec<Result<(String, Vec<u8>), String>> {
        source
            .map(|found| match found.item {
                Ok(item) => Ok((item.key, item.value.to_vec())),
                Err(failed) => Err(format!("{}: {}", failed.key, failed.why)),
            })
            .collect()
    }

    fn text(text: &str) -> Result<Source, io::Error> {
        Source::reader(Box::new(io::Cursor::new(text.to_owned())), None)
    }

    #[test]
    fn every_file_is_a_key_and_links_are_passed_over() {
        let home = tempfile::tempdir().expect("a folder");
        let root = home.path();
        fs::create_dir_all(root.join("b/c")).expect("made");
        for (name, value) in [("b/c/x", "1"), ("b/.hidden", "2"), ("a.json", "")] {
            fs::write(root.join(name), value).expect("written");
        }
        std::os::unix::fs::symlink(root, root.join("b/loop")).expect("linked");
        let source = Source::open(root, Naming::default()).expect("opened");
        assert_eq!((source.skipped_links, source.total_bytes), (1, Some(2)));
        let expected = [("a.json", ""), ("b/.hidden", "2"), ("b/c/x", "1")];
        let expected = expected.map(|(key, value)| Ok((key.to_owned(), value.into())));
        assert_eq!(items(source), expected);
    }

    #[test]
    fn a_file_whose_name_is_no_text_is_named_and_not_written() {
        use std::os::unix::ffi::OsStrExt as _;
        let home = tempfile::tempdir().expect("a folder");
        let folder = home.path().join(std::ffi::OsStr::from_bytes(b"odd\xff"));
        fs::create_dir(&folder).expect("made");
        fs::write(folder.join("x"), "1").expect("written");
        let found = items(Source::open(home.path(), Naming::default()).expect("opened"));
        assert_eq!(found, [Err("odd\u{fffd}/x: its name is not UTF-8".into())]);
        let below = items(Source::open(&folder, Naming::default()).expect("opened"));
        assert_eq!(below, [Ok(("x".to_owned(), b"1".to_vec()))]);
    }

    #[test]
    fn lines_and_arrays_are_told_apart() {
        let lines = text(
            "{\"name\":\"a\",\"value\":\"1\"}\n\n{\"name\":\"b\",\"value\":\"/w==\",\"base64\":true}",
        );
        let expected = [Ok(("a".to_owned(), b"1".to_vec())), Ok(("b".into(), vec![0xff]))];
        assert_eq!(items(lines.expect("lines")), expected);
        let array = text(
            " [{\"key\":\"a\",\"value\":\"1\"}, {\"key\":\"b\",\"value\":\"/w==\",\"base64\":true}]",
        );
        assert_eq!(items(array.expect("an array")), expected);
        assert!(text("[{\"key\":\"a\"").is_err());
        assert_eq!(items(text("").expect("nothing")), []);
    }

    #[test]
    fn a_bad_line_is_named_and_the_rest_goes_on() {
        let found = items(text("{\"name\":\"a\",\"value\":\"1\"}\nnonsense\n").expect("lines"));
        assert_eq!(found[0], Ok(("a".into(), b"1".to_vec())));
        assert!(found[1].as_ref().is_err_and(|why| why.starts_with("line 2: is no member")));
        let bad = "{\"name\":\"a\",\"value\":\"*\",\"base64\":true}";
        assert!(items(text(bad).expect("a line"))[0].is_err());
    }
}
