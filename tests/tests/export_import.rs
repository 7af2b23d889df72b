//! A data set as a user brings it: imported, served, changed, exported, and equal in the end.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use littoral_tests::{Connection, Dev, Ended, Namespace, cldr, littoral_at, run, until};

fn kv(dev: &Dev, arguments: &[&str]) -> Ended {
    let words: Vec<&str> = ["kv"].iter().chain(arguments).copied().collect();
    run(&mut littoral_at(dev, &words), b"")
}

/// Every file under a folder: its path from there, and its bytes.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fn walk(root: &Path, folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(root, &path, files);
            } else {
                let name = path.strip_prefix(root).expect("it lies under the root");
                let name = name.to_str().expect("a plain name").to_owned();
                files.insert(name, std::fs::read(&path).expect("a file"));
            }
        }
    }
    let mut all = BTreeMap::new();
    walk(folder, folder, &mut all);
    all
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

/// Reads some of the keys at one location, all on one connection.
fn assert_served(at: &Namespace, address: std::net::SocketAddr, some: &[(&String, &Vec<u8>)]) {
    let mut connection = Connection::open(address);
    for (key, value) in some {
        let answer = connection.send(&at.value("GET", key)).expect(200);
        assert!(answer.body == **value, "{key} differs");
    }
}

#[test]
fn locale_data_is_imported_served_changed_and_exported() {
    let source = files(&cldr());
    assert!(source.len() > 5_000, "the data set has thousands of files");
    let folder = tempfile::tempdir().expect("a folder");
    let dev = Dev::start();
    kv(&dev, &["namespace", "create", "cldr"]).well();
    let imported = kv(&dev, &["import", "--namespace", "cldr", text(&cldr())]).well();
    assert!(
        imported.said().replace(',', "").contains(&source.len().to_string()),
        "{}",
        imported.said()
    );
    let list = dev.request("GET", "/storage/kv/namespaces").send(dev.address()).expect(200).json();
    let namespace = dev.existing(list["result"][0]["id"].as_str().expect("an id"));
    let names: Vec<&String> = source.keys().collect();
    assert_eq!(namespace.names("").iter().collect::<Vec<_>>(), names);

    // Served from every location, a different part at each, and one that all have.
    let count = dev.locations().len();
    for (n, location) in dev.locations().iter().enumerate() {
        let some: Vec<_> =
            source.iter().skip(n).step_by(count * 25).chain(source.iter().take(1)).collect();
        assert_served(&namespace.at(location.address), location.address, &some);
    }

    // Changed at one, seen at the others within the refresh period.
    let changed = "main/pt-PT/delimiters.json";
    assert!(source.contains_key(changed));
    for location in dev.locations() {
        namespace.at(location.address).get(changed).expect("it is there");
    }
    namespace.at(dev.locations()[5].address).put(changed, "{\"changed\":true}");
    dev.advance(Duration::from_secs(61));
    for location in dev.locations() {
        let at = namespace.at(location.address);
        until("the change is seen", Duration::from_secs(20), || {
            (at.get(changed).as_deref() == Some(b"{\"changed\":true}")).then_some(())
        });
    }

    // Exported as a tree, equal but for the change.
    let tree = folder.path().join("tree");
    kv(&dev, &["export", "--namespace", "cldr", "--dir", text(&tree)]).well();
    let mut exported = files(&tree);
    assert_eq!(exported.remove(changed).as_deref(), Some(&b"{\"changed\":true}"[..]));
    let mut expected = source;
    expected.remove(changed);
    assert!(exported == expected, "the tree differs from what was imported");

    // Exported as a file, imported elsewhere, exported again: the same.
    let (first, second) = (folder.path().join("first.ndjson"), folder.path().join("second.ndjson"));
    kv(&dev, &["export", "--namespace", "cldr", "--output", text(&first)]).well();
    kv(&dev, &["namespace", "create", "copy"]).well();
    kv(&dev, &["import", "--namespace", "copy", text(&first)]).well();
    kv(&dev, &["export", "--namespace", "copy", "--output", text(&second)]).well();
    let read = |path: &Path| std::fs::read(path).expect("an export");
    assert!(read(&first) == read(&second), "the copy differs");
    assert_eq!(read(&first).iter().filter(|byte| **byte == b'\n').count(), names_count(&namespace));
}

fn names_count(namespace: &Namespace) -> usize {
    namespace.names("").len()
}

#[test]
fn everything_about_a_key_survives_a_copy() {
    let dev = Dev::of(3);
    let (from, to) = (dev.namespace("from"), dev.namespace("to"));
    let everything: Vec<u8> = (0..=255).collect();
    from.put("bytes", everything.clone());
    from.put("empty", "");
    from.put("large", vec![b'l'; 5_000_000]);
    from.put("odd/ключ 🌊?#%", "odd");
    let body = "--edge\r\nContent-Disposition: form-data; name=\"value\"\r\n\r\nv\r\n--edge\r\n\
        Content-Disposition: form-data; name=\"metadata\"\r\n\r\n{\"a\": [1, null]}\r\n--edge--\r\n";
    let rich = from
        .request("PUT", "/values/rich?expiration_ttl=5000")
        .header("Content-Type", "multipart/form-data; boundary=edge")
        .body(body);
    from.send(&rich).expect(200);
    let export = from.send(&from.request("GET", "/export")).expect(200);
    assert_eq!(export.body.iter().filter(|byte| **byte == b'\n').count(), 5);
    let import = to.request("POST", "/import").header("Content-Type", "application/x-ndjson");
    let answer = to.send(&import.body(export.body.clone())).expect(200).json();
    assert_eq!(answer["result"]["imported"], 5, "{answer}");
    assert_eq!(to.list(""), from.list(""), "names, metadata and expiry");
    for key in ["bytes", "empty", "large", "odd/ключ 🌊?#%", "rich"] {
        assert!(to.get(key).is_some() && to.get(key) == from.get(key), "{key}");
    }
    let again = to.send(&to.request("GET", "/export")).expect(200);
    assert!(again.body == export.body);
    let part = from.send(&from.request("GET", "/export?prefix=odd%2F")).expect(200);
    assert_eq!(part.body.iter().filter(|byte| **byte == b'\n').count(), 1);
}

#[test]
fn a_bad_line_of_an_import_is_named_and_the_others_are_taken() {
    let dev = Dev::of(1);
    let namespace = dev.namespace("lines");
    let lines = "{\"name\":\"one\",\"value\":\"1\"}\nno json\n{\"name\":\"\",\"value\":\"x\"}\n{\"name\":\"two\",\"value\":\"2\"}\n";
    let import = namespace.request("POST", "/import").body(lines);
    let answer = namespace.send(&import).expect(200).json();
    assert_eq!(answer["result"]["imported"], 2, "{answer}");
    let failed = answer["result"]["failed"].as_array().expect("a list");
    let lines: Vec<_> = failed.iter().map(|one| one["line"].as_u64()).collect();
    assert_eq!(lines, [Some(2), Some(3)]);
    assert_eq!(namespace.names(""), ["one", "two"]);
}
