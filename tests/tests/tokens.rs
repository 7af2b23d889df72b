//! Nothing is open without a token, save what `dev` says; and a wrong one opens nothing at all.

use std::time::Duration;

use littoral_tests::{ANY, Case, Dev, Options, Request, TOKEN, check, until};
use serde_json::{Value, json};

/// A change of tokens reaches every location within a few refreshes.
const SOON: Duration = Duration::from_secs(30);

#[test]
fn rest_asks_for_a_token_at_every_location() {
    let dev = Dev::of(3);
    let namespace = dev.namespace("shut");
    namespace.put("k", "v");
    for location in dev.locations() {
        let bare = |method: &str| Request::new(method, namespace.path("/values/k"));
        let with = |value: &str| bare("GET").header("Authorization", value);
        check(
            location.address,
            &[
                Case::new(bare("GET"), &[400, 401], Some(9106), ""),
                Case::new(bare("PUT").body("new"), &[400, 401], Some(9106), ""),
                Case::new(bare("DELETE"), &[400, 401], Some(9106), ""),
                Case::new(with("Bearer"), &[400], Some(6003), ""),
                Case::new(with("Basic Zm9vOmJhcg=="), &[400], Some(6003), ""),
                Case::new(with("Bearer wrong"), &[401, 403], None, ""),
                Case::new(with(&format!("Bearer {TOKEN}x")), &[401, 403], None, ""),
            ],
        );
        let right = with(&format!("Bearer {TOKEN}")).send(location.address).expect(200);
        assert_eq!(right.body, b"v");
        let keyed =
            bare("GET").header("X-Auth-Email", "me@example.com").header("X-Auth-Key", TOKEN);
        keyed.send(location.address).expect(200);
    }
    assert_eq!(namespace.get("k").as_deref(), Some(&b"v"[..]));
}

#[test]
fn another_account_is_not_this_tokens() {
    let dev = Dev::of(1);
    let other = "/client/v4/accounts/ffffffffffffffffffffffffffffffff/storage/kv/namespaces";
    let request = |method: &str| {
        Request::new(method, other).header("Authorization", format!("Bearer {TOKEN}"))
    };
    check(
        dev.address(),
        &[
            Case::new(request("GET"), ANY, None, ""),
            Case::new(request("POST").json(&json!({ "title": "t" })), ANY, None, ""),
        ],
    );
}

#[test]
fn open_doors_are_open_without_a_token_and_shut_to_a_wrong_one() {
    let dev = Dev::of(3);
    let namespace = dev.namespace("doors");
    namespace.put("k", "v");
    for location in dev.locations() {
        let binding = || {
            Request::new("GET", "/k?urlencoded=true").header("Littoral-Namespace", &namespace.id)
        };
        let doors = [
            Request::new("GET", "/healthz"),
            Request::new("GET", "/metrics"),
            Request::new("GET", "/dev/locations"),
            binding(),
        ];
        for door in doors {
            let with =
                |token: &str| door.clone().header("Authorization", format!("Bearer {token}"));
            door.send(location.address).expect(200);
            with(TOKEN).send(location.address).expect(200);
            let refused = with("wrong").send(location.address);
            assert!(matches!(refused.status, 401 | 403), "{door:?}: {}", refused.status);
        }
        let write = Request::new("PUT", "/k?urlencoded=true")
            .header("Littoral-Namespace", &namespace.id)
            .header("Authorization", "Bearer wrong")
            .body("new");
        assert!(matches!(write.send(location.address).status, 401 | 403));
    }
    assert_eq!(namespace.get("k").as_deref(), Some(&b"v"[..]));
}

/// A new token's id and text.
fn create(dev: &Dev, scopes: &Value) -> (String, String) {
    let body = json!({ "name": "scoped", "scopes": scopes });
    let made = dev.request("POST", "/tokens").json(&body).send(dev.address()).expect(200).json();
    let text = |field: &str| made["result"][field].as_str().expect("a field").to_owned();
    (text("id"), text("value"))
}

#[test]
fn a_token_opens_what_its_scopes_name() {
    let dev = Dev::of(3);
    let (mine, other) = (dev.namespace("mine"), dev.namespace("other"));
    mine.put("k", "v");
    other.put("k", "v");
    let (_, reader) = create(&dev, &json!([{ "namespace": mine.id, "access": "read" }]));
    let (_, writer) = create(&dev, &json!([{ "namespace": mine.id, "access": "write" }]));
    for location in dev.locations() {
        let reading = mine.at(location.address).with_token(&reader);
        until("the token is known", SOON, || {
            (reading.send(&reading.value("GET", "k")).status == 200).then_some(())
        });
        assert_eq!(reading.names(""), ["k"]);
        let refused = [
            reading.value("PUT", "k").body("new"),
            reading.value("DELETE", "k"),
            reading.request("PUT", "/bulk").json(&json!([{ "key": "k", "value": "new" }])),
            reading.request("POST", "/bulk/delete").json(&json!(["k"])),
            reading.request("DELETE", "/bulk").json(&json!(["k"])),
            reading.request("DELETE", ""),
            reading.request("PUT", "").json(&json!({ "title": "renamed" })),
        ];
        for request in refused {
            let answer = reading.send(&request);
            assert!(matches!(answer.status, 401 | 403), "{request:?}: {}", answer.status);
        }
        let elsewhere = other.at(location.address).with_token(&writer);
        for request in [elsewhere.value("GET", "k"), elsewhere.value("PUT", "k").body("new")] {
            let answer = elsewhere.send(&request);
            assert!(matches!(answer.status, 401 | 403), "{request:?}: {}", answer.status);
        }
    }
    mine.with_token(&writer).put("k", "written");
    assert_eq!(mine.get("k").as_deref(), Some(&b"written"[..]));
    assert_eq!(other.get("k").as_deref(), Some(&b"v"[..]));
    let (_, all) = create(&dev, &json!([{ "namespace": "*", "access": "read" }]));
    assert_eq!(other.with_token(&all).get("k").as_deref(), Some(&b"v"[..]));
}

#[test]
fn a_scoped_token_opens_the_binding_door_no_wider() {
    let dev = Dev::of(1);
    let namespace = dev.namespace("binding");
    namespace.put("k", "v");
    let (_, reader) = create(&dev, &json!([{ "namespace": namespace.id, "access": "read" }]));
    let request = |method: &str| {
        Request::new(method, "/k?urlencoded=true")
            .header("Littoral-Namespace", &namespace.id)
            .header("Authorization", format!("Bearer {reader}"))
    };
    assert_eq!(request("GET").send(dev.address()).expect(200).body, b"v");
    assert!(matches!(request("PUT").body("new").send(dev.address()).status, 401 | 403));
    assert!(matches!(request("DELETE").send(dev.address()).status, 401 | 403));
    assert_eq!(namespace.get("k").as_deref(), Some(&b"v"[..]));
}

#[test]
fn a_revoked_token_opens_nothing_anywhere() {
    let dev = Dev::of(3);
    let namespace = dev.namespace("revoked");
    namespace.put("k", "v");
    let (id, text) = create(&dev, &json!([{ "namespace": "*", "access": "read" }]));
    let listed = dev.request("GET", "/tokens").send(dev.address()).expect(200);
    assert!(listed.text().contains(&id), "{}", listed.text());
    assert!(!listed.text().contains(&text), "a token's text is told once");
    let seen: Vec<_> =
        dev.locations().iter().map(|one| namespace.at(one.address).with_token(&text)).collect();
    for at in &seen {
        until("the token is known", SOON, || {
            (at.send(&at.value("GET", "k")).status == 200).then_some(())
        });
    }
    dev.request("DELETE", &format!("/tokens/{id}")).send(dev.address()).expect(200);
    for at in &seen {
        until("the token is forgotten", SOON, || {
            matches!(at.send(&at.value("GET", "k")).status, 401 | 403).then_some(())
        });
    }
}

#[test]
fn tokens_are_written_nowhere() {
    let folder = tempfile::tempdir().expect("a folder");
    let data_dir = folder.path().join("data");
    let more = vec!["--log".into(), "trace".into()];
    let options = Options {
        locations: Some(1),
        data_dir: Some(data_dir.clone()),
        more,
        ..Options::default()
    };
    let dev = Dev::with(options);
    let namespace = dev.namespace("secrets");
    let (_, text) = create(&dev, &json!([{ "namespace": "*", "access": "write" }]));
    namespace.with_token(&text).put("k", "a value that is written");
    let log = dev.log();
    assert!(!log.contains(&text), "a token is in the log");
    // The first token is printed for pasting, and that is all.
    let after_start = log.split(&namespace.id).skip(1).collect::<String>();
    assert!(!after_start.contains(TOKEN), "the first token is in the log");
    assert!(dev.stop().success());
    let written = files_under(&data_dir);
    assert!(!written.is_empty());
    for (path, bytes) in written {
        for token in [TOKEN, &text] {
            let found = bytes.windows(token.len()).any(|window| window == token.as_bytes());
            assert!(!found, "a token is in {path}");
        }
    }
}

fn files_under(folder: &std::path::Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(files_under(&path));
        } else {
            files.push((path.display().to_string(), std::fs::read(&path).expect("a file")));
        }
    }
    files
}
