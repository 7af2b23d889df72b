//! The command line: what it does, what it says, and how it ends.

use littoral_tests::{Dev, Ended, littoral, littoral_at, run, until};
use serde_json::Value;

#[track_caller]
fn say(dev: &Dev, line: &str) -> Ended {
    let words: Vec<&str> = line.split(' ').collect();
    run(&mut littoral_at(dev, &words), b"")
}

fn last_address(dev: &Dev) -> String {
    format!("http://{}", dev.locations().last().expect("a location").address)
}

#[test]
fn a_key_is_put_got_listed_and_deleted() {
    let dev = Dev::of(3);
    let id = say(&dev, "kv namespace create demo").well().text().trim().to_owned();
    assert_eq!(id.len(), 32, "{id}");
    assert_eq!(say(&dev, "kv namespace create demo --if-absent").well().text().trim(), id);
    say(&dev, "kv namespace create demo").badly();
    let version =
        say(&dev, "kv put greeting hello --namespace demo").well().text().trim().to_owned();
    let far = last_address(&dev);
    let read = format!("kv get greeting --namespace demo --url {far} --min-version {version}");
    assert_eq!(say(&dev, &read).well().stdout, b"hello");
    let by_id = format!("kv get greeting --namespace {id} --verbose");
    let verbose = say(&dev, &by_id).well();
    assert_eq!(verbose.stdout, b"hello", "what explains does not mix with the value");
    assert!(verbose.stderr.contains(&version), "{}", verbose.stderr);

    let mut piped = littoral_at(&dev, &["kv", "put", "piped", "-", "--namespace", "demo"]);
    let bytes: Vec<u8> = (0..=255).cycle().take(400_000).collect();
    run(piped.args(["--metadata", "{\"n\":1}"]), &bytes).well();
    assert!(say(&dev, "kv get piped --namespace demo").well().stdout == bytes);
    assert_eq!(
        say(&dev, "kv get piped --namespace demo --range 10-12").well().stdout,
        [10, 11, 12]
    );
    assert_eq!(say(&dev, "kv list --namespace demo").well().text(), "greeting\npiped\n");
    let listed = say(&dev, "kv list --namespace demo --reverse --limit 1 --json").well().text();
    let listed: Value = serde_json::from_str(listed.trim()).expect("one object");
    assert_eq!((&listed["name"], &listed["metadata"]["n"]), (&"piped".into(), &1.into()));

    say(&dev, "kv delete greeting --namespace demo").well();
    assert_eq!(say(&dev, "kv get greeting --namespace demo").code, Some(3));
    say(&dev, "kv namespace rename demo other").well();
    assert!(say(&dev, "kv namespace list").well().text().contains("other"));
    say(&dev, "kv namespace delete other").well();
    assert_eq!(say(&dev, "kv list --namespace other").code, Some(3));
}

#[test]
fn a_condition_that_does_not_hold_ends_with_three() {
    let dev = Dev::of(1);
    say(&dev, "kv namespace create demo").well();
    let version = say(&dev, "kv put k one --namespace demo --if-none-match").well().text();
    assert_eq!(say(&dev, "kv put k two --namespace demo --if-none-match").code, Some(3));
    say(&dev, &format!("kv put k two --namespace demo --if-match {}", version.trim())).well();
    let refused =
        say(&dev, &format!("kv put k three --namespace demo --if-match {}", version.trim()));
    assert_eq!(refused.code, Some(3), "{}", refused.stderr);
    assert_eq!(say(&dev, "kv get k --namespace demo").well().stdout, b"two");
}

#[test]
fn a_watch_shows_what_changes() {
    let dev = Dev::of(3);
    say(&dev, "kv namespace create demo").well();
    std::thread::scope(|scope| {
        let watch = scope.spawn(|| say(&dev, "kv watch --namespace demo --key k --count 1 --json"));
        // Nobody tells when a watch has begun, so write until it ends.
        until("the watch ends", std::time::Duration::from_secs(60), || {
            say(&dev, "kv put k v --namespace demo").well();
            watch.is_finished().then_some(())
        });
        let seen = watch.join().expect("it ends").well().text();
        let seen: Value = serde_json::from_str(seen.trim()).expect("one object");
        assert_eq!((&seen["event"], &seen["key"]), (&"put".into(), &"k".into()));
    });
}

#[test]
fn a_trace_draws_every_hop_and_why() {
    let dev = Dev::start();
    say(&dev, "kv namespace create demo").well();
    let place = &dev.locations()[6].name;
    // A key whose upper tier is where it was written is held there: another is not.
    let cold = (0..32).find_map(|n| {
        let key = format!("k{n}");
        say(&dev, &format!("kv put {key} v --namespace demo")).well();
        let drawn = say(&dev, &format!("trace {key} --namespace demo --at {place}")).well().text();
        drawn.contains("origin").then_some((key, drawn))
    });
    let (key, cold) = cold.expect("one of many keys is asked of the truth");
    for word in [place.as_str(), "edge"] {
        assert!(cold.contains(word), "{word} is not in:\n{cold}");
    }
    let warm = say(&dev, &format!("trace {key} --namespace demo --at {place}")).well().text();
    assert!(warm.contains(place) && warm.contains("held"), "{warm}");
    assert!(!warm.contains("origin"), "{warm}");
    assert_eq!(say(&dev, "trace none --namespace demo").code, Some(3));
}

#[test]
fn tokens_are_made_used_and_revoked() {
    let dev = Dev::of(1);
    say(&dev, "kv namespace create demo").well();
    say(&dev, "kv put k v --namespace demo").well();
    let made = say(&dev, "token create reader --read demo").well();
    let text = made.text().trim().to_owned();
    let read = format!("kv get k --namespace demo --token {text}");
    assert_eq!(say(&dev, &read).well().stdout, b"v");
    say(&dev, &format!("kv put k new --namespace demo --token {text}")).badly();
    let listed = say(&dev, "token list --json").well().text();
    let reader = listed
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .find(|token| token["name"] == "reader")
        .expect("it is listed");
    say(&dev, &format!("token revoke {}", reader["id"].as_str().expect("an id"))).well();
    until("it is revoked", std::time::Duration::from_secs(30), || {
        (say(&dev, &read).code != Some(0)).then_some(())
    });
    let hash = run(littoral().args(["token", "hash"]), b"a token\n");
    assert!(hash.code == Some(0) || hash.stderr.contains("space"), "{}", hash.stderr);
}

#[test]
fn an_error_says_what_to_do_next() {
    let nobody = ["kv", "list", "--namespace", "demo", "--url", "http://127.0.0.1:1"];
    let ended = run(littoral().args(nobody), b"").badly();
    assert!(
        ended.stderr.contains("127.0.0.1:1") && ended.stderr.contains("littoral dev"),
        "{}",
        ended.stderr
    );
    let dev = Dev::of(1);
    let ended = say(&dev, "kv list --namespace nowhere").badly();
    assert!(ended.stderr.contains("nowhere"), "{}", ended.stderr);
    let ended = say(&dev, "kv list --namespace nowhere --token wrong").badly();
    assert!(ended.stderr.contains("token"), "{}", ended.stderr);
}

#[test]
fn every_shell_and_the_manual_are_served() {
    for shell in ["bash", "zsh", "fish"] {
        let script = run(littoral().args(["completions", shell]), b"").well().text();
        assert!(script.contains("littoral") && script.contains("namespace"), "{shell}");
    }
    assert!(run(littoral().arg("man"), b"").well().text().contains(".TH"));
    let help = run(littoral().args(["kv", "import", "--help"]), b"").well().text();
    assert!(help.contains("Examples") && help.contains("--namespace"), "{help}");
    for program in [&["--version"][..], &["--help"], &["dev", "--help"], &["trace", "--help"]] {
        assert!(!run(littoral().args(program), b"").well().stdout.is_empty());
    }
    assert_eq!(run(littoral().arg("nonsense"), b"").code, Some(2));
}
