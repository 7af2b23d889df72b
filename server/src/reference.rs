//! The configuration as a page: every key with its default and what it means.

use littoral_config::{Key, Setting as _};
use toml::{Table, Value};

use crate::config::{Config, Location, Member, Node, Origin, Token};

const HEAD: &str = "\
# Configuration

Every key of the file that `littoral serve --config FILE` reads, with its default. A key that is left out has its default; one that is
not known is refused, with its line. Sizes are written as `\"512MiB\"`, times as `\"5s\"`; both refuse a number without its unit.
`[limits]` has the bounds of queues, caches and waits: past one, requests are refused with 503, nothing grows.

`littoral serve --dump-config` prints the same as a file to begin with. This page is generated:
`littoral serve --dump-config --markdown > docs/guide/configuration.md`.
";

/// The page.
pub fn page() -> String {
    // One of each list, to show what stands in it.
    let config = Config {
        locations: vec![Location { nodes: vec![Node::default()], ..Location::default() }],
        node: Some(Member::default()),
        origins: vec![Origin::default()],
        tokens: vec![Token::default()],
        ..Config::default()
    };
    // Plain values always serialize.
    let table = Table::try_from(&config).expect("a configuration is TOML");
    let mut text = HEAD.to_owned();
    section(&mut text, "the top of the file", &[], Config::keys(), &table, "");
    text
}

fn section(text: &mut String, title: &str, doc: &[&str], keys: &[Key], table: &Table, path: &str) {
    text.push_str(&format!("\n## {title}\n"));
    if !doc.is_empty() {
        text.push_str(&format!("{}\n\n", words(doc)));
    }
    text.push_str("| key | default | what it is |\n|---|---|---|\n");
    for key in keys.iter().filter(|key| (key.keys)().is_empty()) {
        let default = match table.get(&key.name()) {
            None => "none".to_owned(),
            Some(Value::String(value)) if value.is_empty() => "empty".to_owned(),
            Some(value) => format!("`{value}`"),
        };
        text.push_str(&format!("| `{}` | {default} | {} |\n", key.name(), words(key.doc)));
    }
    for key in keys.iter().filter(|key| !(key.keys)().is_empty()) {
        let path = format!("{path}{}", key.name());
        let (title, inner) = match table.get(&key.name()) {
            Some(Value::Table(inner)) => (format!("`[{path}]`"), Some(inner)),
            Some(Value::Array(list)) => {
                (format!("`[[{path}]]`"), list.first().and_then(Value::as_table))
            }
            _ => continue,
        };
        let empty = Table::new();
        let below = format!("{path}.");
        section(text, &title, key.doc, (key.keys)(), inner.unwrap_or(&empty), &below);
    }
}

/// Lines of a comment as one cell.
fn words(doc: &[&str]) -> String {
    let lines: Vec<&str> = doc.iter().map(|line| line.trim()).collect();
    lines.join(" ").replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_in_the_guide_is_what_the_configuration_says() {
        let written = include_str!("../../docs/guide/configuration.md");
        assert!(
            written == page(),
            "stale: littoral serve --dump-config --markdown > docs/guide/configuration.md"
        );
    }

    #[test]
    fn every_limit_stands_in_it() {
        let page = page();
        for key in crate::config::Limits::keys() {
            assert!(page.contains(&format!("| `{}` |", key.name())), "{}", key.field);
        }
    }
}
