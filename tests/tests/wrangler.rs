//! Unchanged `wrangler kv` works: every command, and what goes wrong is said.

use littoral_tests::{Clients, Dev, Ended, Namespace, run};
use serde_json::{Value, json};

struct Wrangler {
    clients: Clients,
    /// Options that name a namespace.
    namespace: Option<String>,
}

impl Wrangler {
    fn of(dev: &Dev) -> Self {
        Self { clients: Clients::of(dev), namespace: None }
    }

    fn for_namespace(dev: &Dev, namespace: &Namespace) -> Self {
        Self { clients: Clients::of(dev), namespace: Some(namespace.id.clone()) }
    }

    #[track_caller]
    fn kv(&self, arguments: &[&str]) -> Ended {
        let mut all = vec!["kv"];
        all.extend(arguments);
        if let Some(id) = &self.namespace {
            all.extend(["--remote", "--namespace-id", id]);
        }
        run(&mut self.clients.wrangler(&all), b"")
    }
}

fn json_of(ended: &Ended) -> Value {
    let text = ended.text();
    let from = text.find(['[', '{']).unwrap_or_else(|| panic!("no JSON: {text}"));
    let mut values = serde_json::Deserializer::from_str(&text[from..]).into_iter();
    values.next().expect("JSON").unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn titles(wrangler: &Wrangler) -> Vec<String> {
    let list = json_of(&wrangler.kv(&["namespace", "list"]).well());
    let title = |one: &Value| one["title"].as_str().expect("a title").to_owned();
    list.as_array().expect("an array").iter().map(title).collect()
}

#[test]
fn namespaces_are_created_listed_renamed_and_deleted() {
    let dev = Dev::start();
    let wrangler = Wrangler::of(&dev);
    let created = wrangler.kv(&["namespace", "create", "tides"]).well();
    let listed = json_of(&wrangler.kv(&["namespace", "list"]).well());
    let id = listed[0]["id"].as_str().expect("an id").to_owned();
    assert!(
        id.len() == 32 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')),
        "{id}"
    );
    assert!(created.text().contains(&id), "{}", created.text());
    assert_eq!(listed, json!([{ "id": id, "title": "tides", "supports_url_encoding": true }]));

    let twice = wrangler.kv(&["namespace", "create", "tides"]).badly();
    assert!(twice.said().contains("already exists"), "{}", twice.said());
    wrangler.kv(&["namespace", "create", "tides", "--preview"]).well();
    assert_eq!(titles(&wrangler), ["tides", "tides_preview"]);

    wrangler.kv(&["namespace", "rename", "tides", "--new-name", "ebb & flood"]).well();
    assert_eq!(titles(&wrangler), ["ebb & flood", "tides_preview"]);
    let taken = ["namespace", "rename", "ebb & flood", "--new-name", "tides_preview"];
    assert!(wrangler.kv(&taken).badly().said().contains("already exists"));

    wrangler.kv(&["namespace", "delete", "--namespace-id", &id, "--skip-confirmation"]).well();
    assert_eq!(titles(&wrangler), ["tides_preview"]);
    wrangler.kv(&["namespace", "delete", "tides_preview", "--skip-confirmation"]).well();
    assert_eq!(titles(&wrangler), [""; 0]);
    wrangler.kv(&["namespace", "delete", "--namespace-id", &id, "--skip-confirmation"]).badly();
}

#[test]
fn keys_are_put_got_listed_and_deleted() {
    let dev = Dev::start();
    let namespace = dev.namespace("keys");
    let wrangler = Wrangler::for_namespace(&dev, &namespace);
    wrangler.kv(&["key", "put", "plain", "a value"]).well();
    assert_eq!(namespace.get("plain").as_deref(), Some(&b"a value"[..]));
    assert_eq!(wrangler.kv(&["key", "get", "plain"]).well().stdout, b"a value");
    assert!(wrangler.kv(&["key", "get", "plain", "--text"]).well().text().starts_with("a value"));

    let missing = wrangler.kv(&["key", "get", "missing"]).badly();
    assert!(missing.said().contains("404"), "{}", missing.said());

    wrangler.kv(&["key", "put", "plain", "another"]).well();
    assert_eq!(wrangler.kv(&["key", "get", "plain"]).well().stdout, b"another");
    wrangler.kv(&["key", "put", "prefixed/one", "1"]).well();
    let all = json_of(&wrangler.kv(&["key", "list"]).well());
    assert_eq!(all, json!([{ "name": "plain" }, { "name": "prefixed/one" }]));
    let some = json_of(&wrangler.kv(&["key", "list", "--prefix", "prefixed/"]).well());
    assert_eq!(some, json!([{ "name": "prefixed/one" }]));

    wrangler.kv(&["key", "delete", "plain"]).well();
    wrangler.kv(&["key", "delete", "plain"]).well();
    wrangler.kv(&["key", "get", "plain"]).badly();
    assert_eq!(json_of(&wrangler.kv(&["key", "list"]).well()), json!([{ "name": "prefixed/one" }]));
}

#[test]
fn files_metadata_and_times_to_live_arrive_as_given() {
    let dev = Dev::start();
    let namespace = dev.namespace("files");
    let wrangler = Wrangler::for_namespace(&dev, &namespace);
    let bytes: Vec<u8> = (0..200_000u32).map(|n| (n % 251) as u8).collect();
    let path = wrangler.clients.file("tide.bin", &bytes);
    let path = path.to_str().expect("a plain path");
    let empty = wrangler.clients.file("empty", b"");
    let empty = empty.to_str().expect("a plain path");

    wrangler.kv(&["key", "put", "file", "--path", path]).well();
    assert!(wrangler.kv(&["key", "get", "file"]).well().stdout == bytes, "the file comes back");
    wrangler.kv(&["key", "put", "empty", "--path", empty]).well();
    assert_eq!(namespace.get("empty").as_deref(), Some(&b""[..]));

    let metadata = r#"{"spot":"São Miguel","depths":[1,2.5,null]}"#;
    wrangler.kv(&["key", "put", "meta", "value", "--metadata", metadata]).well();
    assert_eq!(namespace.get("meta").as_deref(), Some(&b"value"[..]));
    wrangler.kv(&["key", "put", "meta-file", "--path", path, "--metadata", metadata]).well();
    assert!(namespace.get("meta-file").as_deref() == Some(&bytes[..]), "the file comes back");
    let metadata: Value = serde_json::from_str(metadata).expect("JSON");
    for key in ["meta", "meta-file"] {
        let answer = namespace.send(&namespace.request("GET", &format!("/metadata/{key}")));
        assert_eq!(answer.expect(200).json()["result"], metadata, "{key}");
    }

    wrangler.kv(&["key", "put", "brief", "value", "--ttl", "120"]).well();
    let answer = namespace.send(&namespace.value("GET", "brief")).expect(200);
    let expires: u64 = answer.header("expiration").expect("it expires").parse().expect("seconds");
    wrangler.kv(&["key", "put", "dated", "value", "--expiration", &expires.to_string()]).well();
    let listed = namespace.list("prefix=dated");
    assert_eq!(listed[0]["expiration"], expires);
    let short = wrangler.kv(&["key", "put", "short", "value", "--ttl", "30"]).badly();
    assert!(short.said().contains("Expiration TTL must be at least 60"), "{}", short.said());
    assert_eq!(namespace.get("short"), None);
}

#[test]
fn odd_keys_survive_and_dots_destroy_nothing() {
    let dev = Dev::start();
    let namespace = dev.namespace("odd");
    let wrangler = Wrangler::for_namespace(&dev, &namespace);
    let odd = ["a/b c?d#e%f", "100%25", "plus+plus&=", "ключ🌊", "...", "back\\slash"];
    for key in odd {
        wrangler.kv(&["key", "put", key, key]).well();
        assert_eq!(namespace.get(key).as_deref(), Some(key.as_bytes()), "{key}");
        assert_eq!(wrangler.kv(&["key", "get", key]).well().stdout, key.as_bytes(), "{key}");
    }
    for dots in [".", ".."] {
        wrangler.kv(&["key", "delete", dots]).badly();
        wrangler.kv(&["key", "put", dots, "value"]).badly();
        wrangler.kv(&["key", "get", dots]).badly();
    }
    let mut expected = odd.map(str::to_owned);
    expected.sort();
    assert_eq!(namespace.names(""), expected);
    let answer = namespace.send(&namespace.request("GET", "")).expect(200);
    assert_eq!(answer.json()["result"]["title"], "odd");
    for key in odd {
        wrangler.kv(&["key", "delete", key]).well();
    }
    assert_eq!(namespace.names(""), [""; 0]);
}

#[test]
fn many_keys_are_put_got_and_deleted_at_once() {
    let dev = Dev::start();
    let namespace = dev.namespace("bulk");
    let wrangler = Wrangler::for_namespace(&dev, &namespace);
    let many: Vec<Value> = (0..1_500)
        .map(|n| json!({ "key": format!("key-{n:04}"), "value": format!("value {n}"), "metadata": { "n": n } }))
        .chain([json!({ "key": "binary", "value": "AAEC/w==", "base64": true, "expiration_ttl": 600 })])
        .collect();
    let put = wrangler.clients.file("put.json", json!(many).to_string());
    wrangler.kv(&["bulk", "put", put.to_str().expect("a plain path")]).well();
    assert_eq!(namespace.get("binary").as_deref(), Some(&[0, 1, 2, 255][..]));
    let listed = json_of(&wrangler.kv(&["key", "list"]).well());
    let listed = listed.as_array().expect("an array");
    assert_eq!(listed.len(), 1_501);
    assert!(listed[0]["name"] == "binary" && listed[0]["expiration"].is_u64(), "{}", listed[0]);
    assert_eq!(listed[1_500], json!({ "name": "key-1499", "metadata": { "n": 1_499 } }));

    let get = wrangler.clients.file("get.json", r#"["key-0007", "key-1499", "missing"]"#);
    let got = json_of(&wrangler.kv(&["bulk", "get", get.to_str().expect("a plain path")]).well());
    assert_eq!(
        got["key-0007"].as_str().or(got["key-0007"]["value"].as_str()),
        Some("value 7"),
        "{got}"
    );
    assert_eq!(
        got["key-1499"].as_str().or(got["key-1499"]["value"].as_str()),
        Some("value 1499"),
        "{got}"
    );

    let names: Vec<String> = (0..1_500).map(|n| format!("key-{n:04}")).collect();
    let delete = wrangler.clients.file("delete.json", json!(names).to_string());
    wrangler.kv(&["bulk", "delete", delete.to_str().expect("a plain path"), "--force"]).well();
    assert_eq!(namespace.names(""), ["binary"]);
}

#[test]
fn one_bad_member_of_many_writes_nothing_and_is_named() {
    let dev = Dev::start();
    let namespace = dev.namespace("bad member");
    let wrangler = Wrangler::for_namespace(&dev, &namespace);
    let bad = json!([{ "key": "good", "value": "1" }, { "key": "brief", "value": "2", "expiration_ttl": 10 }]);
    let file = wrangler.clients.file("bad.json", bad.to_string());
    let ended = wrangler.kv(&["bulk", "put", file.to_str().expect("a plain path")]).badly();
    assert!(ended.said().contains("at least 60"), "{}", ended.said());
    assert_eq!(namespace.names(""), [""; 0]);
}

#[test]
fn a_wrong_token_is_told_and_who_am_i_answers() {
    let dev = Dev::start();
    let wrangler = Wrangler::of(&dev);
    let mut command = wrangler.clients.wrangler(&["kv", "namespace", "list"]);
    let refused = run(command.env("CLOUDFLARE_API_TOKEN", "wrong"), b"").badly();
    assert!(refused.said().contains("Authentication error"), "{}", refused.said());
    run(&mut wrangler.clients.wrangler(&["whoami"]), b"").well();
    let mut command = wrangler.clients.wrangler(&["kv", "namespace", "list"]);
    // Without an account in its environment it asks which there are.
    let found = run(command.env_remove("CLOUDFLARE_ACCOUNT_ID"), b"").well();
    assert_eq!(json_of(&found), json!([]));
}
