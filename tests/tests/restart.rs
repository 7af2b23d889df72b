//! What was acknowledged is there after the process is taken away, at any moment.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use littoral_tests::{Connection, Dev, Namespace, Options, until};

fn start(data_dir: &Path) -> Dev {
    let data_dir = Some(data_dir.to_path_buf());
    Dev::with(Options { locations: Some(3), data_dir, ..Options::default() })
}

/// What a writer was told, by key: the value, or `None` when deleted.
type Acknowledged = BTreeMap<String, Option<String>>;

/// Writes until it is cut off. Each key is written by one writer, a few times over; the last word
/// may have been taken without an answer, so it is returned apart.
fn write_until_cut(
    at: &Namespace,
    address: std::net::SocketAddr,
    writer: usize,
    round: usize,
) -> (Acknowledged, String) {
    let mut told = Acknowledged::new();
    let mut connection = Connection::open(address);
    for turn in 0.. {
        let key = format!("w{writer}/{:02}", turn % 17);
        let value = format!("{round}-{turn}");
        let deletes = turn % 5 == 4;
        let request = if deletes {
            at.value("DELETE", &key)
        } else {
            at.value("PUT", &key).body(value.clone())
        };
        match connection.try_send(&request) {
            Ok(answer) if answer.status == 200 => {
                told.insert(key, (!deletes).then_some(value));
            }
            Ok(answer) => panic!("{} {}", answer.status, answer.message()),
            Err(_) => return (told, key),
        }
    }
    unreachable!("the loop ends with the connection")
}

#[test]
fn acknowledged_writes_survive_a_kill_at_any_moment() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut dev = start(folder.path());
    let id = dev.namespace("survivors").id;
    let mut told = Acknowledged::new();
    for round in 0..3 {
        let namespace = dev.existing(&id);
        let addresses: Vec<_> = dev.locations().iter().map(|one| one.address).collect();
        let results: Vec<(Acknowledged, String)> = std::thread::scope(|scope| {
            let writers: Vec<_> = addresses
                .iter()
                .enumerate()
                .map(|(writer, &address)| {
                    let at = namespace.at(address);
                    scope.spawn(move || write_until_cut(&at, address, writer, round))
                })
                .collect();
            // In the middle: once a key that all of them pass late in a turn is there.
            let marker = format!("w0/{:02}", 3 + 5 * round);
            until("writes are under way", Duration::from_secs(60), || {
                let written = namespace.get(&marker)?;
                written.starts_with(format!("{round}-").as_bytes()).then_some(())
            });
            dev.kill();
            writers.into_iter().map(|writer| writer.join().expect("a writer ends")).collect()
        });
        dev = start(folder.path());
        for (of_one, cut) in results {
            told.extend(of_one);
            // Taken or not: nobody was told.
            told.remove(&cut);
        }
        assert!(!told.is_empty());
        let namespace = dev.existing(&id);
        for (key, value) in &told {
            for location in dev.locations() {
                let found = namespace.at(location.address).get(key);
                assert_eq!(
                    found.as_deref(),
                    value.as_deref().map(str::as_bytes),
                    "{key} in round {round}"
                );
            }
        }
    }
}

#[test]
fn all_is_there_after_a_graceful_end_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let dev = start(folder.path());
    let namespace = dev.namespace("graceful");
    let large = vec![b'x'; 1_000_000];
    let mut versions = Vec::new();
    for location in dev.locations() {
        let at = namespace.at(location.address);
        versions.push(at.put(&location.name, location.region.as_bytes()));
        at.put(format!("large {}", location.name), large.clone());
    }
    namespace.put("deleted", "v");
    namespace.delete("deleted");
    let brief = namespace.request("PUT", "/values/brief?expiration_ttl=3600").body("v");
    namespace.send(&brief).expect(200);
    let listed = namespace.list("");
    assert!(dev.stop().success());

    let dev = start(folder.path());
    let namespace = dev.existing(&namespace.id);
    let info = namespace.send(&namespace.request("GET", "")).expect(200).json();
    assert_eq!(info["result"]["title"], "graceful");
    assert_eq!(namespace.list(""), listed);
    assert_eq!(namespace.get("deleted"), None);
    for (location, version) in dev.locations().iter().zip(&versions) {
        let read = namespace.value("GET", &location.name).header("Littoral-Min-Version", version);
        assert_eq!(namespace.send(&read).expect(200).text(), location.region);
        let found = namespace.get(format!("large {}", location.name));
        assert!(found.is_some_and(|value| value == large), "{}", location.name);
        // Newer than all before, though the process is another.
        assert!(namespace.put(&location.name, "new") > *version);
    }
}

#[test]
fn one_data_directory_is_one_processes() {
    let folder = tempfile::tempdir().expect("a folder");
    let dev = start(folder.path());
    let namespace = dev.namespace("locked");
    namespace.put("k", "v");
    let mut second = littoral_tests::littoral();
    second.args(["dev", "--listen", "127.0.0.1:0", "--data-dir"]).arg(folder.path());
    let ended = littoral_tests::run(&mut second, b"").badly();
    let name = folder.path().to_str().expect("a plain path");
    // A long path may be broken over lines.
    let said: String = ended.stderr.split_whitespace().collect();
    assert!(said.contains(name.rsplit('/').next().expect("a name")), "{}", ended.stderr);
    assert_eq!(namespace.get("k").as_deref(), Some(&b"v"[..]));
}
