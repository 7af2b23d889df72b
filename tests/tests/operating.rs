//! What an operator does beside a node: looking for mistakes, looking at places, keeping a backup.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use littoral_tests::{Dev, Options, littoral, run};
use serde_json::Value;

/// The files of a network that does not run; the configuration of its first node.
fn network(home: &Path) -> PathBuf {
    let dir = home.join("net");
    let mut command = littoral();
    command.args(["example", "network", "--regions", "2", "--locations", "4", "--net", "79"]);
    run(command.args(["--origins", "embedded", "--dir"]).arg(&dir), b"").well();
    let list = fs::read_to_string(dir.join("nodes.list")).expect("a list of nodes");
    let first = list.split_whitespace().next().expect("a node");
    dir.join("nodes").join(first).join("node.toml")
}

fn edit(file: &Path, changes: &[(&str, &str)]) {
    let mut text = fs::read_to_string(file).expect("a configuration");
    for (old, new) in changes {
        let line = text.lines().find(|line| line.starts_with(old)).map(str::to_owned);
        text = text.replacen(&line.unwrap_or_else(|| panic!("no {old}")), new, 1);
    }
    fs::write(file, text).expect("written");
}

/// What doctor finds.
fn findings(file: &Path) -> Vec<String> {
    let ended = run(littoral().args(["doctor", "--json", "--config"]).arg(file), b"");
    let told: Value = serde_json::from_slice(&ended.stdout).expect("one object");
    let found = told["findings"].as_array().expect("a list");
    assert_eq!(ended.code, Some(if found.is_empty() { 0 } else { 3 }), "{}", ended.stderr);
    for finding in found {
        for part in ["severity", "what", "why", "next"] {
            assert!(finding[part].as_str().is_some_and(|text| !text.is_empty()), "{finding}");
        }
    }
    let check = |finding: &Value| finding["check"].as_str().expect("a name").to_owned();
    let mut checks: Vec<_> = found.iter().map(check).collect();
    checks.dedup();
    checks
}

#[test]
fn doctor_finds_each_planted_mistake() {
    let home = tempfile::tempdir().expect("a folder");
    let file = network(home.path());
    let whole = fs::read_to_string(&file).expect("a configuration");
    // Its peers do not run; that is all there is.
    edit(&file, &[("connections = ", "connections = 64")]);
    let base = findings(&file);
    assert_eq!(base, ["peer-unreachable"]);

    let database =
        "[[origins]]\nengine = \"postgres\"\nurl = \"host=127.0.0.1 port=1 user=x dbname=x\"\n";
    let databases = database.repeat(2);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let listen = format!("listen = \"{}\"", taken.local_addr().expect("bound"));
    let planted: [(&str, &[(&str, &str)]); 6] = [
        ("one-place", &[("stores = ", "stores = [\"lhr\", \"lhr\"]")]),
        ("data-dir", &[("data-dir = ", "data-dir = \"/proc/none/here\"")]),
        ("address", &[("listen = ", &listen)]),
        ("memory", &[("memory = ", "memory = \"900TiB\"")]),
        ("descriptors", &[("connections = ", "connections = 1000000000")]),
        ("database-unreachable", &[("[log]", &format!("{databases}\n[log]"))]),
    ];
    for (check, changes) in planted {
        fs::write(&file, &whole).expect("written");
        edit(&file, &[("connections = ", "connections = 64")]);
        edit(&file, changes);
        let found = findings(&file);
        assert!(found.iter().any(|found| found == check), "{check} is not among {found:?}");
        assert!(found.len() <= 2, "{check}: {found:?}");
    }

    fs::write(&file, &whole).expect("written");
    edit(&file, &[("connections = ", "connections = 64")]);
    let key = file.with_file_name("certificates").join("node.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).expect("changed");
    assert_eq!(findings(&file), ["key-open", "peer-unreachable"]);
    fs::remove_file(&key).expect("removed");
    assert_eq!(findings(&file), ["certificate"], "without it no peer can be asked");
}

#[test]
fn topology_says_what_would_move_and_draws_it() {
    let home = tempfile::tempdir().expect("a folder");
    let file = network(home.path());
    let picture = home.path().join("network.svg");
    let mut command = littoral();
    command.args(["topology", "--json", "--without", "fra", "--config"]).arg(&file);
    let ended = run(command.arg("--svg").arg(&picture), b"").well();
    let told: Value = serde_json::from_str(&ended.text()).expect("one object");
    let moved = told["without"]["regional_share"].as_f64().expect("a number");
    assert!((0.48..0.52).contains(&moved), "half of its region's keys, {moved}");
    assert_eq!(told["without"]["others_share"], 0.0, "nobody else's keys move");
    assert!((told["without"]["to"]["lhr"].as_f64().expect("a number") - moved).abs() < 1e-9);
    let drawn = fs::read_to_string(picture).expect("a picture");
    assert!(drawn.starts_with("<svg") && drawn.contains(">fra</text>"));
    let mut command = littoral();
    command.args(["topology", "--without", "lhr", "--config"]).arg(&file);
    assert!(run(&mut command, b"").badly().said().contains("store 0 stands there"));
}

#[test]
fn a_backup_brings_back_what_both_stores_have_lost() {
    let home = tempfile::tempdir().expect("a folder");
    let (data, backup) = (home.path().join("data"), home.path().join("backup"));
    let file = home.path().join("node.toml");
    fs::write(&file, format!("data-dir = {:?}\n", data.display().to_string())).expect("written");
    let start = || {
        let data_dir = Some(data.clone());
        Dev::with(Options { locations: Some(3), data_dir, ..Options::default() })
    };
    let origin = |words: &[&str], option: &str| {
        let mut command = littoral();
        command.arg("origin").args(words).args(["--store", "0", "--config"]).arg(&file);
        run(command.arg(option).arg(&backup), b"")
    };
    let dev = start();
    let namespace = dev.namespace("kept");
    let large: Vec<u8> = (0..=255).cycle().take(700_000).collect();
    namespace.put("large", large.clone());
    namespace.put("small", "one");
    let id = namespace.id.clone();
    let refused = origin(&["backup"], "--out").badly();
    assert!(refused.stderr.contains("in use"), "{}", refused.stderr);
    assert!(dev.stop().success());
    origin(&["backup"], "--out").well();
    let again = origin(&["backup"], "--out").well();
    assert!(again.text().starts_with("0 copied"), "{}", again.text());

    for lost in ["store-0", "store-1", "nodes"] {
        fs::remove_dir_all(data.join(lost)).expect("it was there");
    }
    origin(&["restore"], "--from").well();
    let dev = start();
    let namespace = dev.existing(&id);
    assert_eq!(namespace.get("small").as_deref(), Some(&b"one"[..]));
    assert!(namespace.get("large") == Some(large));
}
