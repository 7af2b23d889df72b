//! What a `zone.toml` may say, and what it is told when it may not.

use super::*;

fn wrong(text: &str) -> Vec<String> {
    match Config::parse(text) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

const HEAD: &str = "name = \"shop\"\nhosts = [\"shop.example\"]\n";

#[test]
fn a_zone_of_everything_is_read() {
    let config = Config::parse(include_str!("everything.toml")).unwrap_or_else(|problems| {
        let all: Vec<_> = problems.iter().map(ToString::to_string).collect();
        panic!("{}", all.join("\n"))
    });
    assert_eq!(config.name, "shop");
    assert_eq!(config.plan.steps().len(), 15);
    assert_eq!(config.routes.len(), 6);
    let servers = &config.upstreams["accounts"].servers;
    assert!(servers.iter().all(|server| server.secure));
    assert_eq!(servers[1].authority, "accounts.internal:443");
    assert_eq!(config.files.len(), 2);
    let warm = |host: &str, target: &str| Warm { host: host.into(), target: target.into() };
    assert_eq!(config.prewarm, [warm("shop.example", "/"), warm("www.shop.example", "/start?x=1")]);
}

#[test]
fn what_is_wrong_is_said_with_its_place_and_what_to_do() {
    for (more, expected) in [
        ("[[rules]]\nname = \"x\"\naddres = 1", "5:1: unknown field `addres`"),
        ("prewarm = [\"https://other.example/\"]", "3:12: the host of `https://other.example/`"),
        ("prewarm = [\"x\"]", "3:12: `x` is no URL"),
        ("[[rules]]\nname = \"x\"\nclient-certificate = {}", "4:8: nobody is asked for a"),
        ("[[rules]]\nname = \"x\"", "3:1: a rule does one thing: give it `addresses`"),
        (
            "[[routes]]\npath = \"/\"\nupstream = \"app\"",
            "5:12: there is no upstream `app`: add `[upstreams.app]` with its `servers`",
        ),
        (
            "[[routes]]\npath = \"a\"\nfolder = \"x\"\nkey = \"k\"",
            "4:8: a path pattern begins with",
        ),
        ("[[routes]]\npath = \"/\"", "3:1: a route goes to one place"),
        (
            "[[rules]]\nname = \"x\"\n[rules.headers.request]\nset = { x-a = \"{plan}\" }",
            "6:15: nothing gives `plan`: no rule before it gives any",
        ),
        (
            "[[rules]]\nname = \"x\"\naddresses = { allow = [\"10.0.0.1/8\"] }",
            "5:23: `10.0.0.1/8` has bits set behind its /8",
        ),
        ("[upstreams.a]\nservers = [\"ftp://x/y\"]", "4:12: `ftp://x/y` is no server"),
        ("[[rules]]\nname = \"x\"\nredirect = { to = \"{\", status = 200 }", "5:19: a `{` without"),
    ] {
        let all = wrong(&format!("{HEAD}{more}\n"));
        assert!(all.iter().any(|one| one.starts_with(expected)), "{expected}\n{all:#?}");
    }
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let all = wrong("name = \"Shop\"\nhosts = []\n[[routes]]\npath = \"/\"\n");
    assert_eq!(all.len(), 3, "{all:#?}");
}

#[test]
fn two_rules_with_one_name_are_refused() {
    let rule = "[[rules]]\nname = \"x\"\nlimits = { time = \"1s\" }\n";
    let all = wrong(&format!("{HEAD}{rule}{rule}"));
    assert_eq!(all, ["7:8: another rule has this name: each needs its own"]);
}
