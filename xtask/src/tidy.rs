//! Manners that no compiler knows: short files, first sentences, nothing unfinished.

use std::path::Path;

use anyhow::{Result, bail};

use crate::workspace::Workspace;

const LINES_MAX: usize = 500;

/// What may not stand in any text of the project, and why. Written in two halves so that this
/// file does not hold them.
const BANNED: &[(&str, &str, &str)] = &[
    ("todo", "!(", "unfinished code"),
    ("unimplemented", "!(", "unfinished code"),
    ("FIX", "ME", "finish it, or file an issue"),
    ("XXX", ":", "finish it, or file an issue"),
    ("#[ign", "ore", "a test that does not run proves nothing"),
    ("/ho", "me/", "a path of one machine"),
    ("/ro", "ot/", "a path of one machine"),
    ("/Us", "ers/", "a path of one machine"),
    ("/wo", "rk/", "a path of one machine"),
];

/// A test that only another test runs, as a process of its own, is ignored with this reason.
const CHILD: &str = "= \"a child of the test below\"]";

/// Files whose text comes from elsewhere.
const FOREIGN: &[&str] = &["Cargo.lock", "package-lock.json", "LICENSE"];

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let complaints = complaints(workspace)?;
    if complaints.is_empty() {
        return Ok(());
    }
    bail!("{} complaint(s):\n  {}", complaints.len(), complaints.join("\n  "))
}

fn complaints(workspace: &Workspace) -> Result<Vec<String>> {
    let mut complaints = Vec::new();
    for file in workspace.files()? {
        let bytes = std::fs::read(workspace.root.join(&file))?;
        if let Ok(text) = String::from_utf8(bytes) {
            complaints.extend(look(&file, &text));
        }
    }
    Ok(complaints)
}

/// All that is wrong with one file.
fn look(file: &Path, text: &str) -> Vec<String> {
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if FOREIGN.contains(&name) {
        return Vec::new();
    }
    let mut complaints = banned(file, text);
    let mut complain = |what: &str| complaints.push(format!("{}: {what}", file.display()));
    if name.ends_with(".rs") {
        if !opens_with_a_sentence(text) {
            complain("opens with no `//!` sentence");
        }
        if text.lines().count() > LINES_MAX {
            complain("is longer than 500 lines: look for the seam");
        }
        if name == "mod.rs" {
            complain("is named mod.rs: put NAME.rs beside NAME/");
        }
    }
    if name == "Cargo.toml"
        && text.contains("[package]")
        && !text.contains("[lints]\nworkspace = true")
    {
        complain("has no `[lints] workspace = true`");
    }
    complaints
}

fn opens_with_a_sentence(text: &str) -> bool {
    text.lines().next().is_some_and(|first| {
        first.strip_prefix("//! ").is_some_and(|sentence| !sentence.trim().is_empty())
    })
}

fn banned(file: &Path, text: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for (left, right, why) in BANNED {
            let held =
                line.match_indices(left).any(|(at, _)| line[at + left.len()..].starts_with(right));
            let held = held && !line.ends_with(CHILD);
            if held {
                let (file, number) = (file.display(), number + 1);
                complaints.push(format!("{file}:{number}: `{left}{right}`: {why}"));
            }
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(file: &str, text: &str) -> Vec<String> {
        look(Path::new(file), text)
    }

    #[test]
    fn this_workspace_is_tidy() {
        let complaints = complaints(&Workspace::find().unwrap()).unwrap();
        assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    }

    #[test]
    fn a_file_with_manners_passes() {
        assert!(check("a/src/lib.rs", "//! One idea.\n").is_empty());
        assert!(check("a/Cargo.toml", "[package]\n[lints]\nworkspace = true\n").is_empty());
    }

    #[test]
    fn a_file_without_a_first_sentence_or_too_long_is_named() {
        assert_eq!(
            check("a/src/lib.rs", "fn main() {}"),
            ["a/src/lib.rs: opens with no `//!` sentence"]
        );
        assert_eq!(check("a/src/lib.rs", "//! \n").len(), 1);
        let long = format!("//! Long.\n{}", "\n".repeat(LINES_MAX));
        assert_eq!(check("a.rs", &long), ["a.rs: is longer than 500 lines: look for the seam"]);
    }

    #[test]
    fn a_crate_that_does_not_take_the_lints_is_named() {
        assert_eq!(
            check("a/Cargo.toml", "[package]\nname = \"a\"\n"),
            ["a/Cargo.toml: has no `[lints] workspace = true`"]
        );
    }

    #[test]
    fn every_banned_word_is_found_with_its_line() {
        for (left, right, why) in BANNED {
            let text = format!("//! Sentence.\n  {left}{right}x\n");
            assert_eq!(check("a.rs", &text), [format!("a.rs:2: `{left}{right}`: {why}")]);
            assert_eq!(check("b.md", &text), [format!("b.md:2: `{left}{right}`: {why}")]);
        }
    }

    #[test]
    fn a_test_that_another_one_runs_may_be_ignored() {
        let [left, right] = ["#[ign", "ore"];
        assert!(check("a.rs", &format!("//! S.\n{left}{right} {CHILD}\n")).is_empty());
        assert_eq!(check("a.rs", &format!("//! S.\n{left}{right} = \"slow\"]\n")).len(), 1);
    }

    #[test]
    fn what_comes_from_elsewhere_is_left_alone() {
        assert!(check("tests/clients/package-lock.json", "FIXM\u{45}").is_empty());
    }
}
