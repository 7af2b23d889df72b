//! Bytes that change on the disk: what one store has damaged is answered from the other and
//! healed, what both have is an error with a code, and every other key is served.

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use littoral_tests::{Dev, Namespace, Options, until};

const PATIENCE: Duration = Duration::from_secs(60);

fn start(data_dir: &Path) -> Dev {
    let more = ["--trips", "0"].map(str::to_owned).to_vec();
    let data_dir = Some(data_dir.to_path_buf());
    Dev::with(Options { locations: Some(3), data_dir, more, ..Options::default() })
}

/// Nothing is answered from what the nodes keep, nor healed by a debt whose settling was not
/// written down yet: only the stores have it.
fn forget_what_is_cached(data_dir: &Path) {
    for node in fs::read_dir(data_dir.join("nodes")).expect("nodes have folders") {
        let node = node.expect("a folder").path();
        for kept in ["cache", "owed"].map(|name| node.join(name)).iter().filter(|k| k.exists()) {
            fs::remove_dir_all(kept).expect("it may go");
        }
    }
}

/// Files below a folder.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { files.extend(self::files(&path)) } else { files.push(path) }
    }
    files
}

/// Where this text stands in a file.
fn places(bytes: &[u8], text: &[u8]) -> Vec<usize> {
    let starts = |at: &usize| bytes[*at] == text[0] && bytes[*at..].starts_with(text);
    (0..bytes.len()).filter(starts).collect()
}

/// All but journals: what is damaged there is seen, and cut off, at the start.
fn is_table(path: &Path) -> bool {
    path.extension().is_none_or(|kind| kind != "jnl")
}

/// Flips a bit wherever this text stands in the files of a store; in how many places.
fn damage(store: &Path, text: &[u8]) -> usize {
    let mut damaged = 0;
    for path in files(store).into_iter().filter(|path| is_table(path)) {
        let bytes = fs::read(&path).expect("a file");
        let file = fs::File::options().write(true).open(&path).expect("a file");
        for at in places(&bytes, text) {
            file.write_all_at(&[text[0] ^ 0x40], at as u64).expect("it can be written");
            damaged += 1;
        }
    }
    damaged
}

fn store(data_dir: &Path, number: u8) -> PathBuf {
    data_dir.join(format!("store-{number}"))
}

#[track_caller]
fn refused_as_damaged(namespace: &Namespace, key: &str) {
    let answer = namespace.send(&namespace.value("GET", key));
    assert_eq!((answer.status, answer.code()), (500, Some(10429)), "{}", answer.message());
    assert!(answer.message().contains(key), "it says what is damaged: {}", answer.message());
}

#[test]
fn a_large_value_damaged_in_one_store_is_healed_from_the_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let dev = start(folder.path());
    let namespace = dev.namespace("large");
    let value = |name: &str| format!("{name} is here;").repeat(30_000).into_bytes();
    for name in ["one", "both", "neither"] {
        namespace.put(name, value(name));
    }
    assert!(dev.stop().success());
    forget_what_is_cached(folder.path());
    assert!(damage(&store(folder.path(), 0), b"one is here;") > 0);
    for number in [0, 1] {
        assert!(damage(&store(folder.path(), number), b"both is here;") > 0);
    }

    let dev = start(folder.path());
    let namespace = dev.existing(&namespace.id);
    for location in dev.locations() {
        let at = namespace.at(location.address);
        assert!(at.get("one") == Some(value("one")), "at {}", location.name);
        assert!(at.get("neither") == Some(value("neither")), "at {}", location.name);
        refused_as_damaged(&at, "both");
        assert_eq!(at.names(""), ["both", "neither", "one"]);
    }
    let whole = |number| {
        let files = files(&store(folder.path(), number).join("blobs"));
        files.iter().any(|path| fs::read(path).is_ok_and(|bytes| bytes == value("one")))
    };
    until("the damaged store has it whole again", PATIENCE, || whole(0).then_some(()));
    namespace.put("both", value("both"));
    assert!(namespace.get("both") == Some(value("both")));
    assert!(dev.stop().success());

    // The other way round: only what was healed is sound now.
    forget_what_is_cached(folder.path());
    assert!(damage(&store(folder.path(), 1), b"one is here;") > 0);
    let dev = start(folder.path());
    let namespace = dev.existing(&namespace.id);
    assert!(namespace.get("one") == Some(value("one")));
    assert!(namespace.get("both") == Some(value("both")));
}

/// Enough rows that the engine writes them to tables, where values stand apart in files.
fn fill(namespace: &Namespace) {
    let filler = "f".repeat(900_000 / 90);
    for batch in 0..30 {
        let members: Vec<_> = (0..90)
            .map(|n| serde_json::json!({ "key": format!("fill/{batch:02}/{n:02}"), "value": filler }))
            .collect();
        let request = namespace.request("PUT", "/bulk").json(&serde_json::json!(members));
        namespace.send(&request).expect(200);
    }
}

#[test]
fn a_block_of_the_engine_damaged_in_one_store_is_answered_from_the_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let dev = start(folder.path());
    let namespace = dev.namespace("blocks");
    let value = |name: &str| format!("{name} stands in a block;").repeat(30).into_bytes();
    for name in ["one", "both", "neither"] {
        namespace.put(name, value(name));
    }
    fill(&namespace);
    let in_tables = |number| {
        let tables = files(&store(folder.path(), number)).into_iter().filter(|path| is_table(path));
        let mut tables = tables.filter_map(|path| fs::read(path).ok());
        tables.any(|bytes| !places(&bytes, b"both stands in a block;").is_empty())
    };
    until("values went to tables", PATIENCE, || (in_tables(0) && in_tables(1)).then_some(()));
    assert!(dev.stop().success());
    forget_what_is_cached(folder.path());
    assert!(damage(&store(folder.path(), 0), b"one stands in a block;") > 0);
    for number in [0, 1] {
        assert!(damage(&store(folder.path(), number), b"both stands in a block;") > 0);
    }

    let dev = start(folder.path());
    let namespace = dev.existing(&namespace.id);
    for location in dev.locations() {
        let at = namespace.at(location.address);
        assert_eq!(at.get("one"), Some(value("one")), "at {}", location.name);
        assert_eq!(at.get("neither"), Some(value("neither")), "at {}", location.name);
        refused_as_damaged(&at, "both");
        assert!(at.get("fill/17/17").is_some(), "at {}", location.name);
    }
    namespace.put("both", "overwritten");
    assert_eq!(namespace.get("both").as_deref(), Some(&b"overwritten"[..]));
    assert!(namespace.names("prefix=fill/").len() == 30 * 90);
}
