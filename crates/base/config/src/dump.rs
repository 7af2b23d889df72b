//! The effective configuration as a file: every key, with what it means.

use std::fmt::Write as _;

use serde::Serialize;
use toml::{Table, Value};

use crate::{Key, Setting};

/// Shows `settings` so that it can be read back, each key under its explanation. A key without a
/// value is shown commented out.
pub fn dump<T: Setting + Serialize>(settings: &T) -> String {
    // A table of plain values always serializes; a mistake in a hand-written impl shows at once.
    let table = Table::try_from(settings).expect("settings are TOML");
    let mut text = String::new();
    write_table(&mut text, T::keys(), &table, "");
    text
}

/// Plain values first, for whatever follows a header belongs to its table.
fn write_table(text: &mut String, keys: &[Key], table: &Table, path: &str) {
    for key in keys.iter().filter(|key| (key.keys)().is_empty()) {
        comment(text, key.doc);
        match table.get(&key.name()) {
            Some(value) => writeln!(text, "{} = {value}\n", key.name()),
            None => writeln!(text, "# {} =\n", key.name()),
        }
        .expect("a string takes all");
    }
    for key in keys.iter().filter(|key| !(key.keys)().is_empty()) {
        let path = format!("{path}{}", key.name());
        write_section(text, key, table.get(&key.name()), &path);
    }
}

fn write_section(text: &mut String, key: &Key, value: Option<&Value>, path: &str) {
    let inner = (key.keys)();
    let below = format!("{path}.");
    comment(text, key.doc);
    match value {
        Some(Value::Table(table)) => {
            text.push_str(&format!("[{path}]\n"));
            write_table(text, inner, table, &below);
        }
        Some(Value::Array(list)) if !list.is_empty() => {
            for item in list.iter().filter_map(Value::as_table) {
                text.push_str(&format!("[[{path}]]\n"));
                write_table(text, inner, item, &below);
            }
        }
        // None yet: show what one would look like.
        Some(Value::Array(_)) => write_example(text, inner, &format!("[[{path}]]")),
        _ => write_example(text, inner, &format!("[{path}]")),
    }
}

fn write_example(text: &mut String, keys: &[Key], header: &str) {
    text.push_str(&format!("# {header}\n"));
    for key in keys {
        comment(text, key.doc);
        text.push_str(&format!("# {} =\n", key.name()));
    }
    text.push('\n');
}

fn comment(text: &mut String, doc: &[&str]) {
    for line in doc {
        text.push_str(format!("#{line}").trim_end());
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TimeSpan;

    crate::settings! {
        struct Node {
            /// How long to wait.
            /// Longer is safer.
            wait: TimeSpan = TimeSpan::seconds(5),
            /// Who lives here.
            people: Vec<Person> = vec![Person::default()],
            /// Who left.
            gone: Vec<Person> = Vec::new(),
            /// Where, if anywhere.
            place: Option<String> = None,
        }
    }

    crate::settings! {
        struct Person {
            /// As written on the door.
            name: String = "Ann \"O\"".into(),
        }
    }

    #[test]
    fn every_key_is_shown_with_its_meaning_and_reads_back() {
        let text = dump(&Node::default());
        let expected = r#"# How long to wait.
# Longer is safer.
wait = "5s"

# Where, if anywhere.
# place =

# Who lives here.
[[people]]
# As written on the door.
name = 'Ann "O"'

# Who left.
# [[gone]]
# As written on the door.
# name =

"#;
        assert_eq!(text, expected);
        assert_eq!(crate::parse::<Node>("dumped", &text).expect("valid"), Node::default());
    }
}
